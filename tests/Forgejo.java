import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import lib.base.Json;

/**
 * A Forgejo's REST API as far as a release asks it, and as the real one answers: pages that its operator keeps short,
 * labels it does not know ignored as if nobody had named them, and 404 for what somebody may not see.
 */
final class Forgejo implements AutoCloseable {

    static final String REPOSITORY = "lix-project/lix";
    static final String POSTS = "lix-project/website";

    private final HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    /** By the path below /api/v1; each entry as the API has it. */
    private final Map<String, List<ObjectNode>> lists = new HashMap<>();
    /** Method, path and query of each request. */
    final List<String> asked = new CopyOnWriteArrayList<>();
    /** Empty where anybody may read. */
    volatile String token = "";
    /** The most entries of an answer, whatever is asked for. */
    volatile int page = 50;
    /** Stands in place of every answer, with status 200. */
    volatile String instead = "";
    private long ids;

    Forgejo() throws IOException {
        for (String repository : List.of(REPOSITORY, POSTS)) {
            for (String kind : List.of("issues", "pulls", "labels")) {
                lists.put("/repos/" + repository + "/" + kind, new CopyOnWriteArrayList<>());
            }
        }
        lists.put("/orgs/lix-project/labels", new CopyOnWriteArrayList<>());
        label("/repos/" + REPOSITORY, "release-blocker");
        server.createContext("/", this::answer);
        server.setExecutor(task -> new Thread(task).start());
        server.start();
    }

    String address() {
        return "http://127.0.0.1:" + server.getAddress().getPort() + "/forge";
    }

    void label(String of, String name) {
        lists.get(of + "/labels").add(entry().put("name", name));
    }

    ObjectNode issue(String title, String state, String... labels) {
        ObjectNode issue = numbered("/repos/" + REPOSITORY + "/issues", title, state);
        issue.putNull("pull_request");
        ArrayNode list = issue.putArray("labels");
        for (String label : labels) {
            list.add(entry().put("name", label));
        }
        return issue;
    }

    void pullRequest(String title, String branch, String state, boolean merged) {
        numbered("/repos/" + POSTS + "/pulls", title, state).put("merged", merged).putObject("head").put("ref", branch).put("label", branch);
    }

    private ObjectNode numbered(String list, String title, String state) {
        ObjectNode node = entry().put("number", lists.get(list).size() + 1).put("title", title).put("state", state);
        lists.get(list).add(node);
        return node;
    }

    private ObjectNode entry() {
        return Json.MAPPER.createObjectNode().put("id", ++ids);
    }

    private void answer(HttpExchange exchange) throws IOException {
        try (exchange) {
            asked.add(exchange.getRequestMethod() + " " + exchange.getRequestURI());
            String path = exchange.getRequestURI().getPath().replaceFirst("^/forge/api/v1", "");
            String said = exchange.getRequestHeaders().getFirst("Authorization");
            List<ObjectNode> list = lists.get(path);
            if (!instead.isEmpty()) {
                send(exchange, 200, instead);
            } else if (said != null && !said.equals("token " + token)) {
                send(exchange, 401, "{\"message\":\"user does not exist, token " + said + "\",\"url\":\"\"}");
            } else if (list == null || said == null && !token.isEmpty()) {
                send(exchange, 404, "{\"message\":\"The target couldn't be found.\",\"errors\":null}");
            } else {
                list(exchange, path, list);
            }
        }
    }

    private void list(HttpExchange exchange, String path, List<ObjectNode> list) throws IOException {
        Map<String, String> query = new HashMap<>();
        for (String pair : exchange.getRequestURI().getRawQuery().split("&")) {
            query.put(pair.substring(0, pair.indexOf('=')), URLDecoder.decode(pair.substring(pair.indexOf('=') + 1), StandardCharsets.UTF_8));
        }
        String label = query.getOrDefault("labels", "");
        boolean known = lists.getOrDefault(path.replaceFirst("[^/]*$", "labels"), List.of()).stream().anyMatch(one -> one.path("name").asText().equals(label));
        String state = query.getOrDefault("state", "open");
        List<ObjectNode> fitting = new ArrayList<>();
        for (ObjectNode node : list) {
            boolean labelled = !known || node.path("labels").toString().contains("\"" + label + "\"");
            if (labelled && (!node.has("state") || state.equals("all") || node.path("state").asText().equals(state))) {
                fitting.add(node);
            }
        }
        int size = Math.min(Integer.parseInt(query.getOrDefault("limit", "30")), page);
        int from = Math.min(fitting.size(), (Integer.parseInt(query.getOrDefault("page", "1")) - 1) * size);
        exchange.getResponseHeaders().set("X-Total-Count", Integer.toString(fitting.size()));
        send(exchange, 200, fitting.subList(from, Math.min(fitting.size(), from + size)).toString());
    }

    private static void send(HttpExchange exchange, int status, String body) throws IOException {
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", "application/json;charset=utf-8");
        exchange.sendResponseHeaders(status, bytes.length);
        exchange.getResponseBody().write(bytes);
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
