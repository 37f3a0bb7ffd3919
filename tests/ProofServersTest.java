import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import lib.base.Fault;
import lib.base.FileTree;
import lib.config.Environment;
import lib.config.Project;
import lib.http.Network;
import lib.proof.Fetcher;
import lib.proof.Proof;
import lib.release.BuiltRelease;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Servers that misbehave, and what they send in the place of what was published. */
class ProofServersTest {

    @TempDir
    static Path shared;
    private static BuiltRelease built;
    private static byte[] manifest;

    private final List<String> said = new ArrayList<>();

    @BeforeAll
    static void aBuiltRelease() throws IOException {
        Path release = Released.copy(shared.resolve("checkout")).folder.resolve("release");
        built = BuiltRelease.read(release);
        manifest = Files.readAllBytes(release.resolve("artifacts/manifest.nix"));
    }

    /** A server that answers as it is told to, by path. */
    private static HttpServer server(com.sun.net.httpserver.HttpHandler handler) throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(Executors.newCachedThreadPool());
        server.createContext("/", handler);
        server.start();
        return server;
    }

    private static void answer(HttpExchange exchange, int status, byte[] body) throws IOException {
        exchange.sendResponseHeaders(status, body.length == 0 ? -1 : body.length);
        exchange.getResponseBody().write(body);
        exchange.close();
    }

    private Proof overHttp(HttpServer server, Duration idle) {
        URI base = URI.create("http://127.0.0.1:" + server.getAddress().getPort());
        Environment environment = new Environment("test", "releases", "cache", "docs", "install", Optional.empty(), "local", List.of(), Optional.empty(), false,
                Optional.empty(), Map.of(), Optional.empty(), false);
        return new Proof(Fetcher.anonymous(Map.of("releases", base, "docs", base, "cache", base), idle, Network.PLAIN), environment, Project.LIX, Optional.empty(), Proving.console(said));
    }

    private static List<String> assertFound(Proof proof, int count, String words) {
        Fault fault = assertThrows(Fault.class, proof::orFail, () -> "nothing was found of " + words);
        assertTrue(fault.why().stream().anyMatch(why -> why.contains(words)), words + "\nnot in\n" + String.join("\n", fault.why()));
        assertEquals(count, fault.why().size(), String.join("\n", fault.why()));
        return fault.why();
    }

    private static String sha256(byte[] bytes) {
        return HexFormat.of().formatHex(FileTree.digest("SHA-256").digest(bytes));
    }

    private BuiltRelease onlyManifest(byte[] manifest) {
        return new BuiltRelease(built.target(), built.version(), built.name(), true, built.commit(), built.tag(), built.system(), built.profile(),
                List.of(new BuiltRelease.BuiltFile("artifacts/manifest.nix", manifest.length, sha256(manifest))), List.of(), built.jobs());
    }

    @Test
    void aServerThatFailsForAMomentIsAskedAgain() throws IOException {
        AtomicInteger requests = new AtomicInteger();
        HttpServer server = server(exchange -> {
            assertTrue(exchange.getRequestHeaders().get("Authorization") == null, "anonymous");
            switch (requests.incrementAndGet()) {
                case 1 -> answer(exchange, 503, new byte[0]);
                case 2 -> answer(exchange, 429, "slow down".getBytes());
                case 3 -> { // breaks off
                    exchange.sendResponseHeaders(200, manifest.length);
                    exchange.getResponseBody().write(manifest, 0, 10);
                    exchange.getResponseBody().flush();
                    exchange.close();
                }
                default -> answer(exchange, 200, manifest);
            }
        });
        try {
            overHttp(server, Duration.ofSeconds(30)).manifest(onlyManifest(manifest)).orFail();
            assertEquals(5, requests.get());
        } finally {
            server.stop(0);
        }
    }

    @Test
    void aDownloadThatStallsIsGivenUpAndAskedForAgain() throws IOException {
        AtomicInteger requests = new AtomicInteger();
        HttpServer server = server(exchange -> {
            if (requests.incrementAndGet() == 1) {
                exchange.sendResponseHeaders(200, manifest.length);
                exchange.getResponseBody().write(manifest, 0, 10);
                exchange.getResponseBody().flush();
            } else {
                answer(exchange, 200, manifest);
            }
        });
        try {
            overHttp(server, Duration.ofMillis(600)).manifest(onlyManifest(manifest)).orFail();
            assertTrue(requests.get() >= 3);
        } finally {
            server.stop(0);
        }
    }

    @Test
    void aStatusThatIsNoAnswerIsSaidAndARedirectStaysOnTheHost() throws IOException {
        HttpServer server = server(exchange -> {
            String path = exchange.getRequestURI().getPath();
            if (path.equals("/moved")) {
                answer(exchange, 200, manifest);
            } else if (path.equals("/manifest.nix")) {
                exchange.getResponseHeaders().set("Location", "/moved");
                answer(exchange, 302, new byte[0]);
            } else if (path.endsWith("index.html")) {
                exchange.getResponseHeaders().set("Location", "http://localhost.example.org/login");
                answer(exchange, 302, new byte[0]);
            } else {
                answer(exchange, path.contains("403") ? 403 : path.contains("500") ? 500 : 401, new byte[0]);
            }
        });
        try {
            overHttp(server, Duration.ofSeconds(30)).manifest(onlyManifest(manifest)).orFail();
            List<BuiltRelease.BuiltFile> pages = List.of("index.html", "403 +ä.html", "500.html", "401.html").stream()
                    .map(page -> new BuiltRelease.BuiltFile("manual/" + page, 1, "00")).toList();
            BuiltRelease manual = new BuiltRelease(built.target(), built.version(), built.name(), true, built.commit(), built.tag(), built.system(),
                    built.profile(), pages, List.of(), built.jobs());
            List<String> why = assertFound(overHttp(server, Duration.ofSeconds(30)).manual(manual, "2.95"), 4, "/403%20%2B%C3%A4.html: is missing (answers 403)");
            for (String text : List.of("500.html cannot be read: answers 500, 5 times", "401.html cannot be read: answers 401", "to another host: http://localhost.example.org/login")) {
                assertTrue(why.toString().contains(text), text + "\nnot in\n" + why);
            }
        } finally {
            server.stop(0);
        }
    }

    @Test
    void aServerThatIsDownIsToldOfSomeTimesAndNotForEveryPage() throws IOException {
        HttpServer server = server(exchange -> answer(exchange, 500, new byte[0]));
        server.stop(0);
        Fault fault = assertThrows(Fault.class, () -> overHttp(server, Duration.ofSeconds(5)).manual(built, "2.95").orFail());
        assertTrue(built.below("manual").size() > 30 && fault.why().size() < 15, fault.why().size() + " failures");
        assertTrue(fault.getMessage().contains("the others were not asked for"), fault.getMessage());
    }

    @Test
    void aServerThatFailsInOnePartOfTheProofIsNotAskedForTheNextOnes() throws IOException {
        Set<String> asked = ConcurrentHashMap.newKeySet();
        HttpServer server = server(exchange -> {
            asked.add(exchange.getRequestURI().getPath());
            answer(exchange, 500, new byte[0]);
        });
        try {
            // Some parts are proved at once; what comes after those has heard of them.
            Proof proof = overHttp(server, Duration.ofSeconds(5));
            List.of("2.95", "stable", "nightly", "2.96").forEach(which -> proof.manual(built, which));
            proof.artifacts(built).manifest(built);
            Fault fault = assertThrows(Fault.class, proof::orFail);
            assertTrue(!asked.isEmpty() && asked.stream().allMatch(path -> path.startsWith("/manual/")), asked.toString());
            assertTrue(fault.why().stream().anyMatch(why -> why.startsWith("release files: http://127.0.0.1:") && why.contains("is not asked again")), fault.getMessage());
            assertTrue(fault.why().size() < 50, fault.getMessage());
        } finally {
            server.stop(0);
        }
    }

    /** Head and body of an answer as they are, on one connection each: what no server library would send. */
    private static ServerSocket raw(Function<String, byte[]> answers) throws IOException {
        ServerSocket listening = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        FaultProxy.start(() -> {
            while (true) {
                Socket client = listening.accept();
                FaultProxy.start(() -> {
                    try (client) {
                        BufferedReader in = new BufferedReader(new InputStreamReader(client.getInputStream(), StandardCharsets.ISO_8859_1));
                        String first = in.readLine();
                        for (String line = first; line != null && !line.isEmpty(); line = in.readLine()) {
                        }
                        client.getOutputStream().write(answers.apply(first == null ? "" : first));
                    }
                });
            }
        });
        return listening;
    }

    @Test
    void whateverAnAnswerSaysTheProofEndsWithAFailureOfItsPlace() throws IOException {
        List<String> heads = List.of("302 Found\r\nLocation: http://[:bad", "302 Found\r\nLocation: /a b|c", "302 Found\r\nLocation: mailto:nobody", "302 Found\r\nLocation: //",
                "302 Found\r\nLocation: http:///x", "200 OK\r\nContent-Length: many", "200 OK\r\nContent-Length: -7", "200 OK\r\nContent-Length: 99999999999999999999",
                "200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3", "abc", "200 OK\r\n: x", "304 Not Modified", "204 No Content", "999 What", "200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3");
        for (String head : heads) {
            try (ServerSocket server = raw(request -> ("HTTP/1.1 " + head + "\r\nConnection: close\r\n\r\nxyz").getBytes(StandardCharsets.ISO_8859_1))) {
                URI base = URI.create("http://127.0.0.1:" + server.getLocalPort());
                Fetcher fetcher = Fetcher.anonymous(Map.of("releases", base), Duration.ofSeconds(20), Network.PLAIN);
                for (Callable<?> question : List.<Callable<?>>of(() -> {
                    try (InputStream in = fetcher.open("releases", "manifest.nix")) {
                        return in.readAllBytes();
                    }
                }, () -> fetcher.size("releases", "manifest.nix"))) {
                    try {
                        question.call();
                    } catch (IOException | Fault e) {
                        // a clear end: what the sentence is about the proof adds
                    } catch (Exception e) {
                        throw new AssertionError(head, e);
                    }
                }
            }
        }
        HttpServer server = server(exchange -> {
            exchange.getResponseHeaders().set("Location", "http://[:bad");
            answer(exchange, 302, new byte[0]);
        });
        try {
            assertFound(overHttp(server, Duration.ofSeconds(20)).manifest(onlyManifest(manifest)), 1, "manifest.nix cannot be read: answers 302 to something that is not an address: http://[:bad");
        } finally {
            server.stop(0);
        }
    }

    @Test
    void aFileThatNeverEndsIsGivenUp() throws IOException {
        HttpServer server = server(exchange -> {
            exchange.sendResponseHeaders(200, 0);
            for (byte[] some = new byte[1 << 16]; ; ) {
                exchange.getResponseBody().write(some); // ends when nobody reads on
            }
        });
        try {
            List<String> why = assertFound(overHttp(server, Duration.ofSeconds(20)).manifest(onlyManifest(manifest)), 2, "manifest.nix: has more than ");
            assertTrue(why.toString().contains("has more than " + (8 << 20) + " bytes"), why.toString());
        } finally {
            server.stop(0);
        }
    }

    // A frame of blocks that are one byte and a length each (RFC 8878, 3.1.1.2): 128 KiB out of four bytes.
    private static byte[] bomb(int blocks, int size) {
        ByteBuffer frame = ByteBuffer.allocate(6 + 4 * blocks).order(ByteOrder.LITTLE_ENDIAN).putInt(0xFD2FB528).put((byte) 0).put((byte) 0x38);
        for (int i = 1; i <= blocks; i++) {
            int header = size << 3 | (size > 0 ? 2 : 0) | (i == blocks ? 1 : 0);
            frame.put((byte) header).put((byte) (header >> 8)).put((byte) (header >> 16));
            if (size > 0) {
                frame.put((byte) 0);
            }
        }
        return Arrays.copyOf(frame.array(), frame.position());
    }

    @Test
    @DisplayName("a NAR that unpacks to more than its narinfo says is left there, and so is one that never ends")
    void whatUnpacksToMoreThanItsNarinfoSaysIsLeftThere() throws Exception {
        // Some 64 GiB out of two MiB, and blocks that unpack to nothing, without end.
        byte[] large = bomb(1 << 19, 1 << 17);
        byte[] nothing = bomb(1 << 16, 0);
        String path = "/nix/store/" + "0".repeat(32) + "-bomb";
        String zero = "sha256:" + "0".repeat(52);
        AtomicLong sent = new AtomicLong();
        for (boolean endless : new boolean[] {false, true}) {
            sent.set(0);
            HttpServer server = server(exchange -> {
                String asked = exchange.getRequestURI().getPath();
                if (asked.equals("/nix-cache-info")) {
                    answer(exchange, 200, "StoreDir: /nix/store\n".getBytes());
                } else if (asked.endsWith(".narinfo")) {
                    answer(exchange, 200, ("StorePath: " + path + "\nURL: nar/x.nar.zst\nCompression: zstd\nFileHash: " + zero + "\nFileSize: " + large.length
                            + "\nNarHash: " + zero + "\nNarSize: 1000\nReferences: \n").getBytes());
                } else if (!endless) {
                    answer(exchange, 200, large);
                } else {
                    exchange.sendResponseHeaders(200, 0);
                    exchange.getResponseBody().write(nothing, 0, 6);
                    while (true) {
                        exchange.getResponseBody().write(nothing, 6, nothing.length - 6 - 3); // never the last one; ends when nobody reads on
                        sent.addAndGet(nothing.length);
                    }
                }
            });
            try {
                long begin = System.nanoTime();
                List<String> why = assertTimeoutPreemptively(Duration.ofSeconds(60), () -> assertFound(overHttp(server, Duration.ofSeconds(20)).closure(List.of(path), any -> true), 1,
                        endless ? "it is longer than the narinfo's FileSize " + large.length : "the NAR is longer than the narinfo's NarSize 1000"));
                assertTrue(System.nanoTime() - begin < 10_000_000_000L, "it was unpacked: " + why);
                assertTrue(sent.get() < 100L << 20, sent + " bytes were read");
            } finally {
                server.stop(0);
            }
        }
    }
}
