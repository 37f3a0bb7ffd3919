package lib.http;

import java.io.IOException;
import java.util.Optional;

/** The server answered, and not with success. */
public final class Refusal extends IOException {

    private static final long serialVersionUID = 1;

    public final int status;
    /** What the API calls it, such as AccessDenied; empty for an answer to HEAD, which has no body. */
    public final String code;
    /** The Retry-After header as it came (RFC 9110, 10.2.3). */
    final transient Optional<String> retryAfter;

    public Refusal(int status, String code, String message, Optional<String> retryAfter) {
        super(status + (code.isEmpty() ? "" : " " + code) + (message.isEmpty() ? "" : ": " + message));
        this.status = status;
        this.code = code;
        this.retryAfter = retryAfter;
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
}
