package lib.oci;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.URI;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import lib.base.Hosts;
import lib.base.Json;
import lib.http.Body;
import lib.http.Network;
import lib.http.Pool;
import lib.http.Refusal;
import lib.http.Tuning;

/** The servers a registry consists of: itself, who makes its tokens, where its blobs are kept. Safe for threads. */
final class Servers implements AutoCloseable {

    private final boolean loopback;
    private final Tuning tuning;
    private final Network network;
    private final Map<URI, Pool> pools = new ConcurrentHashMap<>();

    /** {@code registry} is the address of the one that all others are named by. */
    Servers(URI registry, Tuning tuning, Network network) {
        this.loopback = registry.getHost() != null && Hosts.isLoopback(registry.getHost());
        this.tuning = tuning;
        this.network = network;
    }

    /** Sends a request once. Throws Refusal for an address that keys and bytes must not travel to. */
    <T> T send(String method, URI address, String target, Map<String, String> headers, Body body, Pool.Reader<T> reader) throws IOException {
        if (!allows(address)) {
            throw new Refusal(400, "", "'" + address + "' must be an https address: keys and bytes travel there", Optional.empty());
        }
        Pool pool = pools.computeIfAbsent(origin(address), origin -> new Pool(origin, tuning, network));
        Map<String, String> all = new TreeMap<>(headers);
        all.put("user-agent", "releng");
        return pool.exchange(method, target, all, body, reader);
    }

    /** Whether keys and bytes may travel there. A registry elsewhere has no business with what listens on this machine. */
    boolean allows(URI address) {
        String scheme = String.valueOf(address.getScheme()).toLowerCase(Locale.ROOT);
        return address.getHost() != null && address.getPort() <= 0xffff
                && (scheme.equals("https") || scheme.equals("http") && loopback && Hosts.isLoopback(address.getHost()));
    }

    /** Scheme, host and port, of an address that has a host: the same for the same server, however it is written. */
    static URI origin(URI address) {
        String scheme = address.getScheme().toLowerCase(Locale.ROOT);
        boolean usual = address.getPort() < 0 || address.getPort() == (scheme.equals("https") ? 443 : 80);
        return URI.create(scheme + "://" + address.getHost().toLowerCase(Locale.ROOT) + (usual ? "" : ":" + address.getPort()));
    }

    /** Path and query, encoded. */
    static String target(URI address) {
        return (address.getRawPath() == null || address.getRawPath().isEmpty() ? "/" : address.getRawPath()) + (address.getRawQuery() == null ? "" : "?" + address.getRawQuery());
    }

    /** What a failure says: {@code {"errors": [{"code", "message"}]}} (OCI distribution spec, error codes). */
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
        return new Refusal(answer.status(), code, message, answer.header("retry-after"));
    }

    @Override
    public void close() {
        pools.values().forEach(Pool::close);
    }
}
