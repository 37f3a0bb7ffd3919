import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import lib.base.Exec;
import lib.base.FileTree;
import lib.base.Json;

/** A Gerrit 3.10.2 in a process of its own, one for all tests, made on first use; each test has projects of its own there. */
final class GerritServer {

    private static final String EVERYBODY = "global:Registered-Users";
    private static final int ATTEMPTS = 3; // the ports it takes may be taken meanwhile
    private static final AtomicInteger MADE = new AtomicInteger();

    /** The one that all tests share. */
    private static final class Shared {
        static final GerritServer SERVER = start();
    }

    private final HttpClient client = HttpClient.newHttpClient();
    private final StringBuffer said;
    private final Path folder;
    private final int http;
    private final int ssh;
    private final String administrators;

    private GerritServer(StringBuffer said, Path folder, int http, int ssh) throws Exception {
        this.said = said;
        this.folder = folder;
        this.http = http;
        this.ssh = ssh;
        Exec.of("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key().toString()).orFail("ssh-keygen", "");
        administrators = rest("GET", "/groups/Administrators", "").path("id").asText();
        rest("PUT", "/accounts/manager", "{\"name\": \"Release Manager\", \"email\": \"manager@example.org\", \"ssh_key\": \"" + Files.readString(folder.resolve("key.pub")).strip() + "\"}");
    }

    static GerritServer shared() {
        return Shared.SERVER;
    }

    private static GerritServer start() {
        for (int attempt = 1; ; attempt++) {
            try {
                Path folder = Files.createTempDirectory("releng-test-gerrit");
                Process process = Exec.of(Home.launcher(System.getenv()), Home.folder().resolve("tests/gerrit.java").toString(), folder.resolve("site").toString()).start();
                Runtime.getRuntime().addShutdownHook(new Thread(() -> end(process, folder)));
                StringBuffer said = new StringBuffer();
                BufferedReader errors = process.errorReader(UTF_8);
                Thread rest = new Thread(() -> errors.lines().filter(line -> !line.startsWith("\tat ")).forEach(line -> said.append(line).append('\n'))); // a full pipe would stop it
                rest.setDaemon(true);
                rest.start();
                String ready = process.inputReader(UTF_8).lines().filter(line -> line.startsWith("ready ")).findFirst().orElse("");
                if (ready.isEmpty() && attempt == ATTEMPTS) {
                    throw new IOException("Gerrit did not start: " + said);
                }
                if (!ready.isEmpty()) {
                    String[] ports = ready.split(" ");
                    return new GerritServer(said, folder, Integer.parseInt(ports[1]), Integer.parseInt(ports[2]));
                }
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        }
    }

    private static void end(Process process, Path folder) {
        try {
            process.getOutputStream().close(); // Exec's guard ends it
            process.waitFor();
            FileTree.remove(folder);
        } catch (IOException | InterruptedException e) {
            System.err.println("left behind: " + folder + ": " + e);
        }
    }

    private Path key() {
        return folder.resolve("key");
    }

    /** Without a slash at the end. */
    String web() {
        return "http://127.0.0.1:" + http;
    }

    /** A project as the release manager reaches it, or without a name as everybody does. */
    String ssh(String user, String project) {
        return "ssh://" + user + "127.0.0.1:" + ssh + "/" + project;
    }

    /** An ssh that logs in as the release manager and knows no other key. */
    String sshCommand() {
        return "ssh -F /dev/null -i " + key() + " -o IdentitiesOnly=yes -o StrictHostKeyChecking=no -o LogLevel=ERROR -o UserKnownHostsFile=" + folder.resolve("hosts");
    }

    /** As the administrator, over HTTP. */
    String admin(String project) {
        return "http://admin:secret@127.0.0.1:" + http + "/a/" + project;
    }

    /** An empty project; the release manager may push for review, and make annotated tags and maintenance branches, the administrator anything. */
    String project(String submitType) {
        String name = "p" + MADE.incrementAndGet();
        rest("PUT", "/projects/" + name, "{\"create_empty_commit\": false, \"submit_type\": \"" + submitType + "\", \"branches\": [\"main\"]}");
        access(name, administrators, "refs/heads/*", "push", "{\"action\": \"ALLOW\", \"force\": true}");
        grant(name, "refs/tags/*", "createTag");
        grant(name, "^refs/heads/release-.*", "create");
        return name;
    }

    void grant(String project, String ref, String right) {
        access(project, EVERYBODY, ref, right, "{\"action\": \"ALLOW\"}");
    }

    void deny(String project, String ref, String right) {
        access(project, EVERYBODY, ref, right, "{\"action\": \"BLOCK\"}");
    }

    void revoke(String project, String ref, String right) {
        rest("POST", "/projects/" + project + "/access", "{\"remove\": {\"" + ref + "\": {\"permissions\": {\"" + right + "\": {}}}}}");
    }

    private void access(String project, String group, String ref, String right, String rule) {
        rest("POST", "/projects/" + project + "/access", "{\"add\": {\"" + ref + "\": {\"permissions\": {\"" + right + "\": {\"rules\": {\"" + group + "\": " + rule + "}}}}}}");
    }

    /** Approves changes and submits the last, with all of them; as the administrator. False where Gerrit itself fails at that. */
    boolean submit(List<Integer> changes) {
        approve(changes);
        String path = "/changes/" + changes.get(changes.size() - 1) + "/submit";
        HttpResponse<String> answer = ask("POST", path, "{}");
        return answer.statusCode() != 500 && parsed(path, answer) != null;
    }

    void approve(List<Integer> changes) {
        changes.forEach(change -> rest("POST", "/changes/" + change + "/revisions/current/review", "{\"labels\": {\"Code-Review\": 2}}"));
    }

    /** What an administrator does about a tag that is hidden. */
    void flush() {
        rest("POST", "/config/server/caches/git_tags/flush", "{}");
    }

    /** Asks the REST API as the administrator; fails the test where it refuses. */
    JsonNode rest(String method, String path, String body) {
        return parsed(method + " " + path, ask(method, path, body));
    }

    private HttpResponse<String> ask(String method, String path, String body) {
        try {
            HttpRequest request = HttpRequest.newBuilder(URI.create(web() + "/a" + path)).header("Content-Type", "application/json")
                    .header("Authorization", "Basic " + Base64.getEncoder().encodeToString("admin:secret".getBytes(UTF_8)))
                    .method(method, body.isEmpty() ? HttpRequest.BodyPublishers.noBody() : HttpRequest.BodyPublishers.ofString(body)).build();
            return client.send(request, HttpResponse.BodyHandlers.ofString());
        } catch (IOException | InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private JsonNode parsed(String request, HttpResponse<String> answer) {
        try {
            if (answer.statusCode() / 100 != 2) {
                throw new AssertionError(request + ": " + answer.statusCode() + " " + answer.body() + said.substring(Math.max(0, said.length() - 3000)));
            }
            return answer.body().isEmpty() ? Json.MAPPER.nullNode() : Json.MAPPER.readTree(answer.body().substring(")]}'".length()));
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }
}
