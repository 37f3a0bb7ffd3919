package lib.registry;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.URI;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import lib.Environment;
import lib.Json;
import lib.http.Body;
import lib.http.Pool;
import lib.http.Refusal;
import lib.http.Tuning;

/** The servers a registry consists of: itself, who makes its tokens, where its blobs are kept. Safe for threads. */
final class Servers implements AutoCloseable {

    private final Tuning tuning;
    private final Map<URI, Pool> pools = new ConcurrentHashMap<>();

    Servers(Tuning tuning) {
        this.tuning = tuning;
    }

    /** Sends a request once. Throws Refusal for an address that keys and bytes must not travel to. */
    <T> T send(String method, URI address, String target, Map<String, String> headers, Body body, Pool.Reader<T> reader) throws IOException {
        boolean web = address.getHost() != null && ("https".equals(address.getScheme()) || "http".equals(address.getScheme()) && Environment.isLoopback(address.getHost()));
        if (!web) {
            throw new Refusal(400, "", "'" + address + "' must be an https address: keys and bytes travel there", Optional.empty());
        }
        Pool pool = pools.computeIfAbsent(origin(address), origin -> new Pool(origin, tuning));
        Map<String, String> all = new TreeMap<>(headers);
        all.put("host", pool.host());
        all.put("user-agent", "releng");
        return pool.exchange(method, target, all, body, reader);
    }

    /** Scheme, host and port. */
    static URI origin(URI address) {
        return URI.create(address.getScheme() + "://" + address.getHost() + (address.getPort() < 0 ? "" : ":" + address.getPort()));
    }

    /** Path and query, encoded. */
    static String target(URI address) {
        return (address.getRawPath() == null || address.getRawPath().isEmpty() ? "/" : address.getRawPath()) + (address.getRawQuery() == null ? "" : "?" + address.getRawQuery());
    }

    /** What a failure says: {@code {"errors": [{"code", "message"}]}} (OCI distribution spec, error codes). Never a terminal's escapes. */
    static Refusal refusal(Pool.Answer answer) {
        String code = "";
        String message = "";
        try {
            JsonNode json = Json.MAPPER.readTree(answer.text());
            JsonNode error = json == null ? Json.MAPPER.nullNode() : json.path("errors").path(0);
            code = error.path("code").asText();
            message = error.path("message").asText();
        } catch (JsonProcessingException e) {
            // a page of a proxy's: the status has to do
        }
        return new Refusal(answer.status(), plain(code), plain(message), answer.header("retry-after"));
    }

    private static String plain(String text) {
        String one = text.replaceAll("\\p{Cntrl}+", " ").strip();
        return one.length() > 300 ? one.substring(0, 300) + "..." : one;
    }

    @Override
    public void close() {
        pools.values().forEach(Pool::close);
    }
}
