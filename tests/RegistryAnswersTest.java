import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.net.httpserver.HttpServer;
import java.io.Closeable;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import lib.base.Fault;
import lib.http.Network;
import lib.http.Tuning;
import lib.oci.DockerArchive;
import lib.oci.Login;
import lib.oci.Registry;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** A registry that says what cannot be, or says it otherwise than most: it is understood, or the end is a fault that names it. */
class RegistryAnswersTest {

    private static final Tuning QUICK = new Tuning(1, 0, 0, Duration.ofSeconds(5), Duration.ofSeconds(10), 2, Duration.ofSeconds(20));
    private static final String BASIC = "Basic " + Base64.getEncoder().encodeToString("releaser:geheim".getBytes());
    private static final String DIGEST = "sha256:" + "0123456789abcdef".repeat(4);

    @TempDir
    Path folder;

    private final List<Closeable> opened = new ArrayList<>();

    @AfterEach
    void close() throws IOException {
        for (Closeable one : opened) {
            one.close();
        }
    }

    private Faulty answering(Faulty.Decision decision) throws IOException {
        Faulty faulty = new Faulty(URI.create("http://127.0.0.1:1"), decision);
        opened.add(faulty);
        return faulty;
    }

    private Registry registry(String host, boolean login, boolean writes) throws IOException {
        Path file = Files.writeString(folder.resolve("auth.json"), "{\"auths\": {\"" + host + "\": {\"auth\": \"" + BASIC.substring(6) + "\"}}}");
        Optional<Login.Credential> credential = login ? Login.of(Map.of("HOME", folder.toString(), "REGISTRY_AUTH_FILE", file.toString())).find(host + "/a/b") : Optional.empty();
        Registry registry = new Registry(host + "/a/b", credential, List.of(), writes, QUICK, Network.PLAIN);
        opened.add(registry::close);
        return registry;
    }

    private Registry registry(Faulty faulty, boolean login) throws IOException {
        return registry(faulty.endpoint().getAuthority(), login, true);
    }

    private static String answer(int status, String headers, String body) {
        return "raw HTTP/1.1 " + status + " Answer\r\n" + headers + "Content-Length: " + body.length() + "\r\n\r\n" + body;
    }

    private static String header(Faulty.Seen request, String name) {
        return request.head().lines().filter(line -> line.toLowerCase().startsWith(name + ": ")).findFirst().orElse(name + ": ").substring(name.length() + 2);
    }

    private static Fault fails(Faulty faulty, Executable asking, String... saying) {
        Fault fault = assertThrows(Fault.class, asking);
        for (String text : saying) {
            assertTrue(fault.getMessage().contains(text), text + "\nnot in\n" + fault.getMessage());
        }
        assertTrue(fault.getMessage().contains(faulty.endpoint().toString()) && fault.getMessage().length() < 1200, fault.getMessage());
        assertFalse((fault + fault.next()).contains("geheim"), fault.toString());
        return fault;
    }

    // --- who one is ---------------------------------------------------------------------------

    @Test
    void ofSeveralWaysToProveWhoOneIsOneThatWorksIsTakenInWhateverOrder() throws IOException {
        String bearer = "Bearer realm=\"HERE/token\",service=\"container_registry\",scope=\"*\"";
        String basic = "Basic realm=\"HERE/v2\",service=\"container_registry\"";
        String negotiate = "Negotiate YIIGhgYGKwYBBQUCoIIGejCCBnagDTALBgkqhkiG9xIBAgKh==";
        Map<List<String>, Boolean> ways = new LinkedHashMap<>(); // whether name and password do, too
        for (List<String> both : List.of(List.of(bearer, basic), List.of(basic, bearer), List.of(bearer + ", " + basic), List.of(basic + "," + bearer),
                List.of(basic + " , ,\t" + bearer), List.of(negotiate, basic, bearer), List.of(negotiate + ", " + bearer + ", " + basic))) {
            ways.put(both, true);
        }
        for (List<String> one : List.of(List.of(bearer), List.of("Negotiate", bearer), List.of(bearer, "Negotiate"), List.of("Negotiate, " + bearer),
                List.of(negotiate + "," + bearer), List.of(bearer.replace("Bearer", "bEARER").replace("realm", "Realm")), List.of("Bearer realm=HERE/token , service = x"),
                List.of("Bearer error=\"a \\\"quoted\\\", word\", realm=\"HERE/token\""), List.of("Digest realm=\"x\", nonce=\"a=b,c\", " + bearer))) {
            ways.put(one, false);
        }
        for (Map.Entry<List<String>, Boolean> way : ways.entrySet()) {
            for (boolean login : List.of(true, false)) {
                Faulty faulty = answering((request, count) -> {
                    String here = "http://" + header(request, "host");
                    String authorization = header(request, "authorization");
                    if (request.head().contains(" /token?")) {
                        return authorization.equals(login ? BASIC : "") ? answer(200, "", "{\"token\": \"good\"}") : answer(401, "", "{}");
                    }
                    StringBuilder challenges = new StringBuilder();
                    way.getKey().forEach(one -> challenges.append("WWW-Authenticate: ").append(one.replace("HERE", here)).append("\r\n"));
                    return authorization.equals("Bearer good") || way.getValue() && authorization.equals(BASIC)
                            ? answer(request.method().equals("POST") ? 202 : 200, "Location: /v2/a/b/blobs/uploads/1\r\n", "{}") : answer(401, challenges.toString(), "{}");
                });
                registry(faulty, login).check();
            }
        }
    }

    @Test
    void whereNobodyCanBeAskedForATokenNameAndPasswordDo() throws IOException {
        for (String realm : List.of("", "not a place", "http://[", "mailto:somebody", "ftp://127.0.0.1/token", "http://store.example.org/token", "https://127.0.0.1:99999/token", "%%%")) {
            Faulty faulty = answering((request, count) -> header(request, "authorization").equals(BASIC) ? answer(200, "", "{}")
                    : answer(401, "WWW-Authenticate: Bearer realm=\"" + realm + "\"\r\nWWW-Authenticate: Basic realm=\"x\"\r\n", "{}"));
            assertEquals(Optional.of(2L), registry(faulty, true).size(DIGEST), realm);
            Faulty only = answering((request, count) -> answer(401, "WWW-Authenticate: Bearer realm=\"" + realm + "\"\r\n", "{}"));
            fails(only, () -> registry(only, true).size(DIGEST), "'" + realm.replace(" ", realm.isEmpty() ? "" : " ").split(" ")[0]);
        }
        for (String challenge : List.of("", "Bearer", "Bearer realm", "Bearer realm=", "Bearer realm=\"", "=,=,\"", "Negotiate", "Basic realm=\"x\"", "\"" + "\\".repeat(50_000),
                "a,".repeat(20_000), "Bearer " + "a=\"\\\"b\",".repeat(5000))) {
            Faulty faulty = answering((request, count) -> answer(401, "WWW-Authenticate: " + challenge + "\r\n", "{}"));
            fails(faulty, () -> registry(faulty, false).size(DIGEST), "401");
        }
    }

    @Test
    void aTokenThatCannotBeOneIsRefusedAndMakesNoHeader() throws IOException {
        for (String token : List.of("{\"token\": \"gehe\\r\\nX-Injected: im\"}", "{\"access_token\": \"geheim\\n\"}", "{\"token\": \"gehe im\"}", "{}", "[]", "null", "5", "", "geheim",
                "{\"token\": {}}", "[".repeat(5000), "{\"token\": \"\"}")) {
            List<String> sent = new CopyOnWriteArrayList<>();
            Faulty faulty = answering((request, count) -> {
                sent.add(request.head());
                return request.head().contains(" /token?") ? answer(200, "", token)
                        : answer(401, "WWW-Authenticate: Bearer realm=\"http://" + header(request, "host") + "/token\"\r\n", "{}");
            });
            Fault fault = fails(faulty, () -> registry(faulty, false).size(DIGEST), "401");
            assertFalse(fault.toString().contains("gehe"), fault.toString());
            assertTrue(sent.stream().noneMatch(head -> head.toLowerCase().contains("injected") || head.contains("Bearer")), sent.toString());
        }
    }

    @Test
    void howLongATokenIsSaidToLastIsNotBelievedBlindly() throws IOException {
        for (String life : List.of("-1", "0", "1e300", "99999999999999999999", "-99999999999999999999", "9223372036854775807", "\"soon\"", "\"300\"", "null", "{}", "2.5")) {
            Faulty faulty = answering((request, count) -> request.head().contains(" /token?") ? answer(200, "", "{\"token\": \"good\", \"expires_in\": " + life + "}")
                    : header(request, "authorization").equals("Bearer good") ? answer(200, "", "{}")
                    : answer(401, "WWW-Authenticate: Bearer realm=\"http://" + header(request, "host") + "/token\"\r\n", "{}"));
            Registry registry = registry(faulty, false);
            assertEquals(Optional.of(2L), registry.size(DIGEST), life);
            assertEquals(Optional.of(2L), registry.size(DIGEST), life);
        }
    }

    // --- where to go on -----------------------------------------------------------------------

    @Test
    void anAddressThatIsNoneIsAFault() throws IOException {
        for (String location : List.of("http://[", ":", "::", "mailto:somebody", "https://127.0.0.1:99999/x", "http://store.example.org/x", "//", "https:///x", "http:x",
                "http://127.0.0.1:0x50/", "https://a_b/x", "%zz", "ftp://127.0.0.1/", "x".repeat(9000) + ":y")) {
            Faulty faulty = answering((request, count) -> answer(request.method().equals("POST") ? 202 : 307, "Location: " + location + "\r\n", ""));
            fails(faulty, () -> registry(faulty, true).size(DIGEST));
            fails(faulty, () -> registry(faulty, true).check());
            IOException broken = null;
            try {
                registry(faulty, true).blob(DIGEST, 1, out -> out.write(1));
            } catch (Fault fault) {
                continue;
            } catch (IOException e) {
                broken = e;
            }
            assertTrue(broken != null, location);
            fails(faulty, () -> { throw registry(faulty, true).fault("x", new IOException("y")); });
        }
        Faulty round = answering((request, count) -> answer(307, "Location: /v2/a/b/blobs/" + count + "\r\n", ""));
        fails(round, () -> registry(round, true).size(DIGEST), "redirected");
        assertTrue(round.requests.size() < 10, round.requests.size() + " requests");
    }

    @Test
    void aPlaceToSendToIsTakenAsItIsWrittenAndTheDigestIsAdded() throws IOException {
        Map<String, String> locations = Map.of("/v2/a/b/blobs/uploads/1", "/v2/a/b/blobs/uploads/1?digest=", "2?state=x", "/v2/a/b/blobs/uploads/2?state=x&digest=",
                "/v2/a/b/blobs/uploads/3#part", "/v2/a/b/blobs/uploads/3?digest=");
        for (Map.Entry<String, String> one : locations.entrySet()) {
            Faulty faulty = answering((request, count) -> request.method().equals("POST") ? answer(202, "Location: " + one.getKey() + "\r\n", "") : answer(201, "", ""));
            registry(faulty, true).blob(DIGEST, 1, out -> out.write(1));
            assertEquals(one.getValue() + DIGEST, faulty.requests.get(1).head().split(" ")[1]);
        }
    }

    @Test
    void anAddressWithItsUsualPortWrittenOutIsTheRegistrysOwn() throws IOException {
        String host = "127.83.19.5"; // of this machine, and nobody else's
        HttpServer server;
        try {
            server = HttpServer.create(new InetSocketAddress(host, 80), 0);
        } catch (IOException e) {
            assumeTrue(false, "port 80 of " + host + " may not be listened on: " + e.getMessage());
            return;
        }
        List<String> told = new CopyOnWriteArrayList<>();
        server.createContext("/v2/", exchange -> {
            boolean known = BASIC.equals(exchange.getRequestHeaders().getFirst("Authorization"));
            exchange.getRequestBody().readAllBytes();
            exchange.getResponseHeaders().add(known ? "Location" : "WWW-Authenticate", known ? "HTTP://" + host + ":80/v2/a/b/blobs/uploads/1" : "Basic realm=\"x\"");
            told.add(exchange.getRequestMethod() + " " + known);
            exchange.sendResponseHeaders(!known ? 401 : exchange.getRequestMethod().equals("POST") ? 202 : 201, -1);
            exchange.close();
        });
        server.start();
        try {
            registry(host, true, true).blob(DIGEST, 1, out -> out.write(1));
            assertEquals(List.of("POST false", "POST true", "PUT true"), told);
        } finally {
            server.stop(0);
        }
    }

    @Test
    void thisMachineByAnyOfItsNamesIsTalkedToWithoutTls() throws IOException {
        for (String name : List.of("localhost", "127.0.0.1", "[::1]")) {
            HttpServer server;
            try {
                server = HttpServer.create(new InetSocketAddress(name, 0), 0);
            } catch (IOException e) {
                assumeTrue(!name.equals("[::1]"), "this machine has no IPv6");
                throw e;
            }
            Faulty elsewhere = answering((request, count) -> answer(200, "", "12345"));
            server.createContext("/", exchange -> {
                exchange.getResponseHeaders().add("Location", elsewhere.endpoint() + "/blob");
                exchange.sendResponseHeaders(307, -1);
                exchange.close();
            });
            server.start();
            try {
                assertEquals(Optional.of(5L), registry(name + ":" + server.getAddress().getPort(), false, false).size(DIGEST));
            } finally {
                server.stop(0);
            }
        }
    }

    // --- what it has --------------------------------------------------------------------------

    @Test
    void sizesDigestsAndFaultsThatAreNoneEndInAFault() throws IOException {
        for (String answer : List.of("HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
                "HTTP/1.1 2x0 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n")) {
            Faulty faulty = answering((request, count) -> "raw " + answer);
            fails(faulty, () -> registry(faulty, true).size(DIGEST));
        }
        for (String body : List.of("", "{\"errors\": 5}", "{\"errors\": [5]}", "[".repeat(5000), "{\"errors\": [{\"code\": {}, \"message\": \"" + "m".repeat(60_000) + "\"}]}", "<html>",
                "{\"errors\": [{\"code\": \"\\u001b[31m\\r\\n\", \"message\": \"\\u0007\"}]}")) {
            Faulty faulty = answering((request, count) -> answer(403, "", body));
            Fault fault = fails(faulty, () -> registry(faulty, true).manifest(DIGEST), "403");
            assertTrue(fault.getMessage().chars().noneMatch(c -> c < ' '), fault.getMessage());
        }
        for (String digest : List.of("", "latest", "sha256:short", "sha512:" + "0".repeat(128), "\u001b[31m")) {
            if (digest.indexOf('\u001b') < 0) {
                Faulty faulty = answering((request, count) -> answer(200, "Docker-Content-Digest: " + digest + "\r\n", request.method().equals("HEAD") ? "" : "{}"));
                assertEquals(Optional.of(DockerArchive.digest("{}".getBytes())), registry(faulty, true).tag("latest"), digest);
            }
        }
    }

    @Test
    void whoAsksToWaitTooLongIsGivenUpAtOnce() throws IOException {
        for (String asked : List.of("86400", "18446744073709551615")) {
            Faulty faulty = answering((request, count) -> "429 " + asked);
            Fault fault = fails(faulty, () -> registry(faulty, true).size(DIGEST), "429", "asks to wait " + asked + " s");
            assertTrue(fault.next().contains("wait as long as it asks"), fault.next());
            assertEquals(1, faulty.requests.size());
        }
    }
}
