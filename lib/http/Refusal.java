package lib.http;

import java.io.IOException;
import java.util.Optional;

/** The server answered, and not with success. */
public final class Refusal extends IOException {

    private static final long serialVersionUID = 1;
    private static final int LONGEST = 300;

    public final int status;
    /** What the API calls it, such as AccessDenied; empty for an answer to HEAD, which has no body. */
    public final String code;
    /** The Retry-After header as it came (RFC 9110, 10.2.3). */
    final transient Optional<String> retryAfter;

    public Refusal(int status, String code, String message, Optional<String> retryAfter) {
        super(status + (code.isEmpty() ? "" : " " + brief(code)) + (message.isEmpty() ? "" : ": " + brief(message)));
        this.status = status;
        this.code = brief(code);
        this.retryAfter = retryAfter;
    }

    private Refusal(Refusal refusal, String more) {
        super(refusal.getMessage() + more, refusal);
        this.status = refusal.status;
        this.code = refusal.code;
        this.retryAfter = refusal.retryAfter;
    }

    /** The same, for one who will not wait as long as the server asks. */
    Refusal tooLong() {
        String asked = retryAfter.map(String::strip).orElse("");
        return new Refusal(this, "; it asks to wait " + (asked.matches("\\d+") ? brief(asked) + " s" : "until " + brief(asked))
                + ", longer than a request is tried again");
    }

    /** Whether the same request may succeed a little later. */
    public boolean passing() {
        return switch (status) {
            case 408, 429 -> true;
            case 501, 505 -> false; // it will not learn it in the meantime
            // The two of S3 that are asked to be retried though they look final.
            case 400 -> code.equals("RequestTimeout");
            case 409 -> code.equals("ConditionalRequestConflict");
            default -> status >= 500;
        };
    }

    /** What a server says, in one line and not more of it than a terminal shows. */
    public static String brief(String text) {
        String some = text.length() > 2 * LONGEST ? text.substring(0, 2 * LONGEST) : text;
        String line = some.replaceAll("[\\p{Cntrl}\\s]+", " ").strip();
        return line.length() > LONGEST ? line.substring(0, LONGEST) + "..." : line;
    }
}
