import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import lib.base.Json;

/** Chromium without a window, with one tab, spoken to in the Chrome DevTools Protocol; its profile is gone when it is closed. */
final class Browser implements AutoCloseable, WebSocket.Listener {

    private static final long PATIENCE = 60;
    private static final Pattern ADDRESS = Pattern.compile("DevTools listening on (ws://\\S+)");

    private final Process process;
    private final WebSocket socket;
    private final AtomicInteger ids = new AtomicInteger();
    private final Map<Integer, CompletableFuture<JsonNode>> asked = new ConcurrentHashMap<>();
    private final List<String> complaints = Collections.synchronizedList(new ArrayList<>());
    private final StringBuilder message = new StringBuilder();
    private volatile CompletableFuture<Void> loaded = new CompletableFuture<>();
    private String session;

    /** {@code folder} takes its profile. */
    Browser(Path folder) throws Exception {
        List<String> line = new ArrayList<>(List.of("chromium", "--headless", "--remote-debugging-port=0", "--user-data-dir=" + Files.createDirectories(folder),
                "--no-first-run", "--disable-gpu", "--disable-extensions", "--disable-background-networking", "--disable-component-update", "--disable-sync",
                "--disable-dev-shm-usage", "--hide-scrollbars", "--no-proxy-server"));
        if (System.getProperty("user.name").equals("root")) {
            line.add(1, "--no-sandbox"); // it refuses to start as root with one
        }
        ProcessBuilder builder = new ProcessBuilder(line).redirectOutput(ProcessBuilder.Redirect.DISCARD);
        builder.environment().putAll(Map.of("HOME", folder.toString(), "TMPDIR", folder.toString()));
        process = builder.start();
        socket = HttpClient.newHttpClient().newWebSocketBuilder().buildAsync(address(process.errorReader(StandardCharsets.UTF_8)), this).get(PATIENCE, TimeUnit.SECONDS);
        String target = ask("Target.createTarget", Map.of("url", "about:blank")).path("targetId").asText();
        session = ask("Target.attachToTarget", Map.of("targetId", target, "flatten", true)).path("sessionId").asText();
        for (String domain : List.of("Page", "Runtime", "Network", "Log")) {
            ask(domain + ".enable", Map.of());
        }
    }

    // What else it says is little: nobody need read it.
    private static URI address(BufferedReader said) throws IOException {
        StringBuilder all = new StringBuilder();
        for (String line = said.readLine(); line != null; line = said.readLine()) {
            Matcher address = ADDRESS.matcher(line);
            if (address.find()) {
                return URI.create(address.group(1));
            }
            all.append(line).append('\n');
        }
        throw new IOException("chromium did not start: " + all);
    }

    /** The result of a method of the protocol. */
    JsonNode ask(String method, Map<String, ?> parameters) throws Exception {
        int id = ids.incrementAndGet();
        ObjectNode json = Json.MAPPER.createObjectNode().put("id", id).put("method", method);
        json.set("params", Json.MAPPER.valueToTree(parameters));
        if (session != null) {
            json.put("sessionId", session);
        }
        CompletableFuture<JsonNode> answer = new CompletableFuture<>();
        asked.put(id, answer);
        socket.sendText(json.toString(), true).get(PATIENCE, TimeUnit.SECONDS);
        JsonNode got = answer.get(PATIENCE, TimeUnit.SECONDS);
        if (got.has("error")) {
            throw new IOException(method + ": " + got.path("error"));
        }
        return got.path("result");
    }

    /** The window's width in CSS pixels, a phone's or not, and which colours its user prefers. */
    void look(int width, boolean dark) throws Exception {
        ask("Emulation.setDeviceMetricsOverride", Map.of("width", width, "height", 900, "deviceScaleFactor", 1, "mobile", width < 600));
        ask("Emulation.setEmulatedMedia", Map.of("features", List.of(Map.of("name", "prefers-color-scheme", "value", dark ? "dark" : "light"))));
    }

    /** Opens an address and waits until it is there; what the browser complains of from now on is about it. */
    void open(String address) throws Exception {
        complaints.clear();
        loaded = new CompletableFuture<>();
        JsonNode result = ask("Page.navigate", Map.of("url", address));
        if (result.has("errorText")) {
            complaints.add(address + ": " + result.path("errorText").asText());
            return;
        }
        loaded.get(PATIENCE, TimeUnit.SECONDS);
    }

    /** What its console said and what it could not load since the page was opened. */
    List<String> complaints() {
        return List.copyOf(complaints);
    }

    /** The value of an expression on the page, or of the promise that it is. */
    JsonNode evaluate(String expression) throws Exception {
        JsonNode result = ask("Runtime.evaluate", Map.of("expression", expression, "awaitPromise", true, "returnByValue", true));
        if (result.has("exceptionDetails")) {
            throw new IOException(result.path("exceptionDetails").toString());
        }
        return result.path("result").path("value");
    }

    /** The whole page as it looks, as PNG in Base64. */
    String picture() throws Exception {
        return ask("Page.captureScreenshot", Map.of("format", "png", "captureBeyondViewport", true)).path("data").asText();
    }

    @Override
    public CompletionStage<?> onText(WebSocket from, CharSequence data, boolean last) {
        message.append(data);
        if (last) {
            String whole = message.toString();
            message.setLength(0);
            received(Json.object(whole.getBytes(StandardCharsets.UTF_8), "chromium"));
        }
        from.request(1);
        return null;
    }

    private void received(JsonNode json) {
        JsonNode parameters = json.path("params");
        switch (json.path("method").asText()) {
            case "" -> asked.remove(json.path("id").asInt()).complete(json);
            case "Page.loadEventFired" -> loaded.complete(null);
            case "Network.loadingFailed" -> complaints.add("not loaded: " + parameters.path("errorText").asText());
            case "Network.responseReceived" -> {
                if (parameters.path("response").path("status").asInt() >= 400) {
                    complaints.add(parameters.path("response").path("url").asText() + ": " + parameters.path("response").path("status"));
                }
            }
            case "Log.entryAdded" -> complaints.add(parameters.path("entry").path("text").asText());
            case "Runtime.consoleAPICalled" -> complaints.add(parameters.path("args").toString());
            case "Runtime.exceptionThrown" -> complaints.add(parameters.path("exceptionDetails").toString());
            default -> { }
        }
    }

    @Override
    public void onError(WebSocket from, Throwable error) {
        asked.values().forEach(answer -> answer.completeExceptionally(error));
    }

    @Override
    public void close() throws Exception {
        session = null;
        ask("Browser.close", Map.of()); // by itself, so that no child of it still writes when its profile is removed
        if (!process.waitFor(PATIENCE, TimeUnit.SECONDS)) {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly().waitFor();
        }
    }
}
