package lib.http;

import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/** A server that is asked a few questions by GET; each answer is short and read whole. */
public final class Web implements AutoCloseable {

    private static final Tuning TUNING = new Tuning(1, 0, 0, Duration.ofSeconds(10), Duration.ofSeconds(30), 3, Duration.ofSeconds(20));
    private static final int LONGEST = 16 << 20;
    private static final int REDIRECTS = 5;

    /** What a server answered; {@code headers} as {@link Pool.Answer} has them. */
    public record Text(int status, Map<String, String> headers, String body) {
    }

    private final String server;
    private final Pool pool;

    /** {@code address} may have a path, which is left aside. Nothing is contacted yet. */
    public Web(URI address, Network network) {
        this.server = address.getScheme() + "://" + address.getRawAuthority();
        this.pool = new Pool(address, TUNING, network);
    }

    /**
     * The answer to a question, redirections on this server followed. Throws IOException, told as people need it, where
     * there is none: after a few attempts, or where the server says that it cannot answer now (408, 429, 5xx).
     *
     * @param target path and query, encoded
     */
    public Text get(String target, Map<String, String> headers) throws IOException {
        try {
            Text text = ask(target, headers);
            Optional<String> next = elsewhere(target, text);
            for (int hop = 0; next.isPresent() && hop < REDIRECTS; hop++) {
                String there = next.get();
                text = ask(there, headers);
                next = elsewhere(there, text);
            }
            return text;
        } catch (Refusal e) {
            throw new IOException("answers " + e.getMessage(), e);
        } catch (IOException e) {
            throw new IOException("does not answer: " + Retry.told(e), e);
        }
    }

    private Text ask(String target, Map<String, String> headers) throws IOException {
        return Retry.run(TUNING, () -> pool.exchange("GET", target, headers, Body.NONE, answer -> {
            Refusal refusal = new Refusal(answer.status(), "", "", answer.header("retry-after"));
            if (refusal.passing()) {
                throw refusal;
            }
            byte[] bytes = answer.body().readNBytes(LONGEST + 1);
            if (bytes.length > LONGEST) {
                throw new Refusal(answer.status(), "", "with more than " + (LONGEST >> 20) + " MB", Optional.empty());
            }
            return new Text(answer.status(), answer.headers(), new String(bytes, StandardCharsets.UTF_8));
        }));
    }

    // Where a redirection leads on this server: no other gets what this one is asked with.
    private Optional<String> elsewhere(String target, Text text) {
        String location = text.status() / 100 == 3 ? text.headers().getOrDefault("location", "") : "";
        try {
            URI next = URI.create(server + target).resolve(location);
            return Optional.of(next).filter(uri -> !location.isEmpty() && server.equals(uri.getScheme() + "://" + uri.getRawAuthority()))
                    .map(uri -> uri.getRawPath() + (uri.getRawQuery() == null ? "" : "?" + uri.getRawQuery()));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    @Override
    public void close() {
        pool.close();
    }
}
