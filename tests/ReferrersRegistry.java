import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import lib.base.Json;
import lib.oci.DockerArchive;

/**
 * A registry that lists by itself what refers to a manifest (OCI distribution spec 1.1), one a page: Debian's
 * docker-registry, which does not, with that list in front of it. It knows an empty list for what it does not have.
 */
final class ReferrersRegistry implements AutoCloseable {

    private static final String INDEX = "application/vnd.oci.image.index.v1+json";

    /** Method and path of each request that writes. */
    final List<String> writes = new CopyOnWriteArrayList<>();
    private final Map<String, ArrayNode> lists = new ConcurrentHashMap<>();
    private final HttpClient client = HttpClient.newHttpClient();
    private final DockerRegistry behind;
    private final HttpServer server;

    ReferrersRegistry(DockerRegistry behind) throws IOException {
        this.behind = behind;
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", this::answer);
        server.start();
    }

    /** HOST:PORT. */
    String host() {
        return "127.0.0.1:" + server.getAddress().getPort();
    }

    private void answer(HttpExchange exchange) throws IOException {
        try (exchange) {
            String path = exchange.getRequestURI().getPath();
            if (path.contains("/referrers/")) {
                list(exchange, path.replaceAll(".*/", ""), Optional.ofNullable(exchange.getRequestURI().getQuery()).map(query -> Integer.parseInt(query.replace("last=", ""))).orElse(0));
                return;
            }
            byte[] body = exchange.getRequestBody().readAllBytes();
            HttpResponse<byte[]> answer = pass(exchange, body);
            if (exchange.getRequestMethod().equals("PUT") && path.contains("/manifests/") && answer.statusCode() == 201) {
                refer(exchange, body);
            }
            answer.headers().map().forEach((name, values) -> {
                if (!List.of("content-length", "transfer-encoding", "connection").contains(name)) {
                    exchange.getResponseHeaders().put(name, values.stream().map(value -> value.replace(behind.host(), host())).toList());
                }
            });
            if (exchange.getRequestMethod().equals("HEAD")) {
                answer.headers().firstValue("content-length").ifPresent(length -> exchange.getResponseHeaders().set("Content-Length", length));
            }
            exchange.sendResponseHeaders(answer.statusCode(), exchange.getRequestMethod().equals("HEAD") || answer.body().length == 0 ? -1 : answer.body().length);
            exchange.getResponseBody().write(answer.body());
        } catch (InterruptedException e) {
            throw new IOException(e);
        }
    }

    private HttpResponse<byte[]> pass(HttpExchange exchange, byte[] body) throws IOException, InterruptedException {
        if (!List.of("GET", "HEAD").contains(exchange.getRequestMethod())) {
            writes.add(exchange.getRequestMethod() + " " + exchange.getRequestURI().getPath());
        }
        HttpRequest.Builder request = HttpRequest.newBuilder(behind.endpoint().resolve(exchange.getRequestURI().toString()))
                .method(exchange.getRequestMethod(), HttpRequest.BodyPublishers.ofByteArray(body));
        for (String header : List.of("Accept", "Content-Type")) {
            Optional.ofNullable(exchange.getRequestHeaders().getFirst(header)).ifPresent(value -> request.header(header, value));
        }
        return client.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
    }

    private void refer(HttpExchange exchange, byte[] manifest) throws IOException {
        JsonNode json = Json.MAPPER.readTree(manifest);
        String subject = json.path("subject").path("digest").asText();
        if (!subject.isEmpty()) {
            ObjectNode entry = Json.MAPPER.createObjectNode().put("mediaType", json.path("mediaType").asText()).put("digest", DockerArchive.digest(manifest))
                    .put("size", manifest.length).put("artifactType", json.path("artifactType").asText());
            lists.computeIfAbsent(subject, key -> Json.MAPPER.createArrayNode()).add(entry);
            exchange.getResponseHeaders().set("OCI-Subject", subject);
        }
    }

    private void list(HttpExchange exchange, String subject, int from) throws IOException {
        ArrayNode all = lists.getOrDefault(subject, Json.MAPPER.createArrayNode());
        ObjectNode page = Json.MAPPER.createObjectNode().put("schemaVersion", 2).put("mediaType", INDEX);
        ArrayNode entries = page.putArray("manifests");
        if (from < all.size()) {
            entries.add(all.get(from));
        }
        if (from + 1 < all.size()) {
            exchange.getResponseHeaders().set("Link", "<" + exchange.getRequestURI().getPath() + "?last=" + (from + 1) + ">; rel=\"next\"");
        }
        byte[] bytes = page.toString().getBytes();
        exchange.getResponseHeaders().set("Content-Type", INDEX);
        exchange.sendResponseHeaders(200, bytes.length);
        exchange.getResponseBody().write(bytes);
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
