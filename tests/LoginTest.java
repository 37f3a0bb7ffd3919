import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import lib.base.Console;
import lib.base.Exec;
import lib.base.Fault;
import lib.base.FileTree;
import lib.config.Config;
import lib.config.Environment;
import lib.http.Network;
import lib.http.Tuning;
import lib.oci.Login;
import lib.oci.Registry;
import lib.oci.Repositories;
import lib.publish.Preflight;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The logins that docker, podman and skopeo keep; whether the right one was found a real registry says. */
class LoginTest {

    private static final String GOOD = "{\"auth\": \"" + base64(DockerRegistry.USER + ":" + DockerRegistry.PASSWORD) + "\"}";
    private static final String BAD = "{\"auth\": \"" + base64("somebody:else") + "\"}";

    @TempDir
    Path folder;

    private final Map<String, String> env = new HashMap<>();
    private final ByteArrayOutputStream said = new ByteArrayOutputStream();
    private final Console console = new Console(InputStream.nullInputStream(), new PrintStream(said, true), new PrintStream(said, true), false, false);

    @BeforeEach
    void aHomeOfItsOwn() throws IOException {
        env.put("HOME", Files.createDirectories(folder.resolve("home")).toString());
        env.put("PATH", folder.resolve("bin") + ":" + System.getenv("PATH"));
    }

    private static String base64(String text) {
        return Base64.getEncoder().encodeToString(text.getBytes());
    }

    private Path file(String path, String json) throws IOException {
        Path file = folder.resolve(path);
        Files.createDirectories(file.getParent());
        return Files.writeString(file, json);
    }

    private static String auths(String... keysAndEntries) {
        StringBuilder json = new StringBuilder("{\"auths\": {");
        for (int i = 0; i < keysAndEntries.length; i += 2) {
            json.append(i == 0 ? "" : ", ").append('"').append(keysAndEntries[i]).append("\": ").append(keysAndEntries[i + 1]);
        }
        return json.append("}}").toString();
    }

    private String origin(String repository) {
        return Login.of(env, folder.resolve("run")).find(repository).map(Login.Credential::toString).orElse("none");
    }

    @Test
    void withoutASessionTheLoginOfTheUserInRunIsFound() throws IOException {
        String uid = Exec.of("id", "-u").orFail("id", "").strip();
        Path kept = file("run/" + uid + "/auth.json", auths("registry.test", GOOD));
        assertEquals(kept.toString(), origin("registry.test/lix/lix"));
        env.put("XDG_RUNTIME_DIR", folder.resolve("session").toString());
        assertEquals("none", origin("registry.test/lix/lix"));
    }

    @Test
    void theFirstFileThatKnowsTheRegistryCounts() throws IOException {
        assertEquals("none", origin("r.example.org/kettle"));
        for (String[] next : new String[][] {{"home/.docker/config.json", "", ""}, {"docker/config.json", "DOCKER_CONFIG", "docker"},
                {"home/.config/containers/auth.json", "", ""}, {"config/containers/auth.json", "XDG_CONFIG_HOME", "config"},
                {"run/containers/auth.json", "XDG_RUNTIME_DIR", "run"}, {"mine.json", "REGISTRY_AUTH_FILE", "mine.json"}}) {
            Path file = file(next[0], auths("r.example.org", GOOD));
            if (!next[1].isEmpty()) {
                env.put(next[1], folder.resolve(next[2]).toString());
            }
            assertEquals(file.toString(), origin("r.example.org/kettle"));
        }
        file("mine.json", auths("elsewhere.example.org", GOOD));
        file("run/containers/auth.json", "{}");
        assertEquals(folder.resolve("config/containers/auth.json").toString(), origin("r.example.org/kettle"));
        env.put("REGISTRY_AUTH_FILE", folder.resolve("gone.json").toString());
        Fault fault = assertThrows(Fault.class, () -> origin("r.example.org/kettle"));
        assertTrue(fault.getMessage().contains("gone.json") && fault.getMessage().contains("REGISTRY_AUTH_FILE"), fault.getMessage());
    }

    @Test
    void theEntryThatNamesMostOfTheRepositoryCountsAndARegistryTakesIt() throws IOException {
        try (DockerRegistry server = DockerRegistry.withPassword(folder.resolve("registry"))) {
            String host = server.host();
            for (String[] entries : new String[][] {{host, GOOD}, {"http://" + host + "/v2/", GOOD}, {host + "/a/b", GOOD, host, BAD}, {host, BAD, host + "/a", GOOD},
                    {host, GOOD, host + "/a/c", BAD}, {host + "/a/b", "{}", host, GOOD}, {host, "{\"username\": \"" + DockerRegistry.USER + "\", \"password\": \""
                    + DockerRegistry.PASSWORD + "\"}"}}) {
                file("home/.docker/config.json", auths(entries));
                check(host + "/a/b");
            }
            file("home/.docker/config.json", auths(host, GOOD, host + "/a/b", BAD));
            assertThrows(Fault.class, () -> check(host + "/a/b"));
            Exec.of("skopeo", "login", "--tls-verify=false", "--authfile", folder.resolve("home/.config/containers/auth.json").toString(), "--username", DockerRegistry.USER,
                    "--password", DockerRegistry.PASSWORD, host).orFail("skopeo", "");
            check(host + "/a/b");
        }
    }

    private void check(String repository) {
        try (Registry registry = new Registry(repository, Login.of(env).find(repository), List.of(), true,
                new Tuning(1, 0, 0, Duration.ofSeconds(5), Duration.ofSeconds(20), 1, Duration.ofSeconds(5)), Network.PLAIN)) {
            registry.check();
        }
    }

    @Test
    void credentialHelpersAreAsked() throws IOException {
        Program.write(folder.resolve("bin/docker-credential-safe"), "#!/bin/sh\nread -r host || true\necho \"$1 $host\" >>" + folder.resolve("asked") + "\n"
                + "case $host in\nr.example.org|https://index.docker.io/v1/) echo '{\"ServerURL\": \"x\", \"Username\": \"u\", \"Secret\": \"hush\"}';;\n"
                + "locked.example.org) echo 'the safe is locked'; exit 1;;\nodd.example.org) echo 'hush is no JSON';;\n"
                + "*) echo 'credentials not found in native keychain'; exit 1;;\nesac\n");
        Path config = file("home/.docker/config.json", "{\"credHelpers\": {\"r.example.org\": \"safe\"}, \"auths\": {\"r.example.org\": " + BAD + "}}");
        assertEquals(config + ", by docker-credential-safe", origin("r.example.org/kettle"));
        assertEquals("none", origin("other.example.org/kettle"));
        assertEquals("get r.example.org\n", Files.readString(folder.resolve("asked")));
        file("home/.docker/config.json", "{\"credsStore\": \"safe\", \"auths\": {\"https://index.docker.io/v1/\": {}}}");
        assertEquals(config + ", by docker-credential-safe", origin("docker.io/kettle/kettle"));
        assertEquals(config + ", by docker-credential-safe", origin("r.example.org/kettle"));
        assertEquals("none", origin("unknown.example.org/kettle"));
        for (String[] bad : new String[][] {{"locked.example.org", "the safe is locked"}, {"odd.example.org", "is not JSON"}}) {
            Fault fault = assertThrows(Fault.class, () -> origin(bad[0] + "/kettle"));
            assertTrue(fault.getMessage().contains("docker-credential-safe") && fault.getMessage().contains(bad[1]), fault.getMessage());
            assertFalse(fault.getMessage().contains("hush"), fault.getMessage());
        }
        file("home/.docker/config.json", "{\"credsStore\": \"gone\"}");
        Fault fault = assertThrows(Fault.class, () -> origin("r.example.org/kettle"));
        assertTrue(fault.getMessage().contains("docker-credential-gone") && fault.getMessage().contains("not found"), fault.getMessage());
    }

    @Test
    void whoeverARegistrySendsUsToIsNotToldWhoWeAre() throws IOException {
        List<String> told = new CopyOnWriteArrayList<>();
        HttpServer elsewhere = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        HttpServer front = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        String host = "127.0.0.1:" + front.getAddress().getPort();
        elsewhere.createContext("/", exchange -> {
            told.add(exchange.getRequestMethod() + " " + exchange.getRequestHeaders().getFirst("Authorization"));
            exchange.getRequestBody().readAllBytes();
            exchange.getResponseHeaders().add("Content-Length", "5");
            exchange.sendResponseHeaders(exchange.getRequestMethod().equals("HEAD") ? 200 : 201, -1);
            exchange.close();
        });
        front.createContext("/v2/a/b/blobs/", exchange -> {
            boolean known = exchange.getRequestHeaders().getFirst("Authorization") != null;
            exchange.getResponseHeaders().add(known ? "Location" : "WWW-Authenticate", !known ? "Basic realm=\"x\"" : exchange.getRequestURI().getPath().endsWith("bad")
                    ? "http://store.example.org/blob" : "http://127.0.0.1:" + elsewhere.getAddress().getPort() + "/blob");
            exchange.sendResponseHeaders(!known ? 401 : exchange.getRequestMethod().equals("POST") ? 202 : 307, -1);
            exchange.close();
        });
        elsewhere.start();
        front.start();
        file("home/.docker/config.json", auths(host, GOOD));
        try (Registry registry = new Registry(host + "/a/b", Login.of(env).find(host + "/a/b"), List.of(), true,
                new Tuning(1, 0, 0, Duration.ofSeconds(5), Duration.ofSeconds(20), 1, Duration.ofSeconds(5)), Network.PLAIN)) {
            assertEquals(Optional.of(5L), registry.size("sha256:good"));
            registry.blob("sha256:good", 3, out -> out.write(new byte[3]));
            assertEquals(List.of("HEAD null", "PUT null"), told);
            Fault fault = assertThrows(Fault.class, () -> registry.size("sha256:bad"));
            assertTrue(fault.getMessage().contains("'http://store.example.org/blob' must be an https address"), fault.getMessage());
        } finally {
            front.stop(0);
            elsewhere.stop(0);
        }
    }

    @Test
    void aFileThatCannotBeReadIsNamedAndNotQuoted() throws IOException {
        for (String broken : List.of("{\"auths\": {\"r.example.org\": {\"auth\": \"hush\" hush}}}", "[\"hush\"]", auths("r.example.org", "{\"auth\": \"hush!\"}"),
                auths("r.example.org", "{\"auth\": \"" + base64("hush") + "\"}"))) {
            Path file = file("home/.docker/config.json", broken);
            Fault fault = assertThrows(Fault.class, () -> origin("r.example.org/kettle"));
            assertTrue(fault.getMessage().contains(file.toString()) && !(fault.getMessage() + fault.next()).contains("hush"), fault.getMessage());
        }
    }

    @Test
    void everyRepositoryThatCannotBeWrittenToIsNamedBeforeAnythingBegins() throws IOException {
        try (DockerRegistry first = DockerRegistry.withPassword(folder.resolve("first")); DockerRegistry second = DockerRegistry.withPassword(folder.resolve("second"))) {
            file("home/.docker/config.json", auths(first.host(), BAD));
            Environment live = Config.LIX.environment("staging");
            Environment environment = new Environment("test", live.releases(), live.cache(), live.docs(), live.install(), live.endpoint(), live.region(),
                    List.of(first.host() + "/a/b", second.host() + "/a/b"), live.git(), false, Optional.empty(), Map.of(), Optional.empty(), false);
            try (Repositories repositories = new Repositories(environment, Optional.empty(), List.of(), env, true, console, Network.PLAIN)) {
                Fault fault = assertThrows(Fault.class, () -> new Preflight(console, environment, true).images(repositories::ours).throwIfAny());
                assertEquals(Fault.Kind.REFUSED, fault.kind());
                assertEquals(2, fault.why().size(), fault.why().toString());
                assertTrue(fault.getMessage().contains(first.host()) && fault.getMessage().contains(second.host()), fault.getMessage());
                assertTrue(said.toString().contains(first.host() + "/a/b: the login is from " + folder.resolve("home/.docker/config.json")), said.toString());
                assertTrue(said.toString().contains(second.host() + "/a/b: no login in "), said.toString());
            }
            file("home/.docker/config.json", auths(first.host(), GOOD, second.host(), GOOD));
            try (Repositories repositories = new Repositories(environment, Optional.empty(), List.of(), env, true, console, Network.PLAIN)) {
                new Preflight(console, environment, true).images(repositories::ours).throwIfAny();
            }
            assertFalse((said + "").contains(DockerRegistry.PASSWORD));
            // What was tried was taken back; a state of its hash is what this registry forgets to forget.
            assertEquals(List.of(), FileTree.files(first.data()).keySet().stream().filter(file -> !file.contains("/hashstates/")).toList());
        }
    }
}
