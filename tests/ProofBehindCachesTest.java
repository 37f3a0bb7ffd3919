import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import lib.base.Exec;
import lib.base.Fault;
import lib.base.FileTree;
import lib.config.Environment;
import lib.config.Project;
import lib.http.Network;
import lib.proof.Fetcher;
import lib.proof.Proof;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A cache in front of the buckets, which goes on saying what it said before the release was out. */
class ProofBehindCachesTest {

    @TempDir
    Path folder;

    private final Store store = new Store();
    private final List<String> said = new ArrayList<>();
    private final Map<String, AtomicInteger> asked = new ConcurrentHashMap<>();
    private final Map<String, byte[]> kept = new ConcurrentHashMap<>();
    private HttpServer cdn;
    private String path;
    private String narinfo;

    /** A store path in the bucket of the cache, and what looks at it through a server that keeps an answer for so many requests. */
    private Proof proof(int requests, Duration patience, String header) throws IOException {
        cdn = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        cdn.setExecutor(Executors.newCachedThreadPool());
        cdn.createContext("/", exchange -> {
            String key = exchange.getRequestURI().getPath().substring(1);
            boolean old = asked.computeIfAbsent(key, unknown -> new AtomicInteger()).incrementAndGet() <= requests && (kept.isEmpty() || kept.containsKey(key));
            byte[] body = old ? kept.getOrDefault(key, new byte[0]) : store.content("cache").containsKey(key) ? store.get("cache", key) : new byte[0];
            if (body.length == 0) {
                exchange.getResponseHeaders().set("Cache-Control", header);
            }
            exchange.sendResponseHeaders(body.length == 0 ? 404 : 200, body.length == 0 ? -1 : body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        cdn.start();
        URI url = URI.create("http://127.0.0.1:" + cdn.getAddress().getPort());
        Environment environment = new Environment("test", store.bucket("releases"), store.bucket("cache"), store.bucket("docs"), store.bucket("install"),
                Optional.of(store.endpoint()), store.region(), List.of(), Optional.empty(), false,
                Optional.of(Files.readString(folder.resolve("pub")).strip()), Map.of("cache", url), Optional.empty(), false);
        return new Proof(Fetcher.of(environment, Optional.of(store.open()), Network.PLAIN, "cache"), environment, Project.LIX, Optional.empty(), Proving.console(said))
                .patience(patience).closure(List.of(path), any -> true);
    }

    @BeforeEach
    void aPathInTheBucket() throws IOException {
        path = nix("nix", "eval", "--raw", "--expr", "builtins.toFile \"behind\" \"a cache\"");
        nix("nix-store", "--generate-binary-cache-key", "test-1", folder.resolve("sec").toString(), folder.resolve("pub").toString());
        nix("nix", "copy", "--no-check-sigs", "--to", "file://" + folder.resolve("cache") + "?compression=zstd&secret-key=" + folder.resolve("sec"), path);
        for (Map.Entry<String, Path> file : FileTree.files(folder.resolve("cache")).entrySet()) {
            store.put("cache", file.getKey(), Files.readAllBytes(file.getValue()));
        }
        narinfo = path.substring("/nix/store/".length()).substring(0, 32) + ".narinfo";
    }

    @AfterEach
    void close() {
        cdn.stop(0);
        store.close();
    }

    private static String nix(String... command) {
        return Exec.of(command).env("NIX_CONFIG", Sample.NIX_CONFIG).orFail(String.join(" ", command), "").strip();
    }

    @Test
    @DisplayName("hazard 45: a 404 from before the release is waited for, whatever it is of")
    void whatTheStoreHasIsWaitedFor() throws IOException {
        proof(1, Duration.ofMinutes(3), "no-store").orFail();
        assertTrue(asked.size() >= 3 && asked.get(narinfo).get() == 2, asked.toString());
        assertTrue(said.stream().anyMatch(line -> line.contains("waiting for the caches in between")), said.toString());
    }

    @Test
    @DisplayName("hazard 45: as long as the answer itself may be kept, where that is longer")
    void anAnswerThatMayBeKeptLongerIsWaitedForLonger() throws IOException {
        proof(2, Duration.ofMillis(1), "max-age=120").orFail();
    }

    @Test
    @DisplayName("hazard 45: what does not show in time is told from what is not there, and nobody is told to remove what was just published")
    void whatIsLateIsToldFromWhatIsNotThere() throws IOException {
        Fault fault = assertThrows(Fault.class, proof(1000, Duration.ofMillis(1), "no-store")::orFail);
        assertTrue(fault.why().stream().allMatch(why -> why.contains("the store has it")), fault.why().toString());
        assertFalse(fault.next().contains("remove") || !fault.next().contains("wait"), fault.next());
    }

    @Test
    void whatTheStoreDoesNotHaveIsNotWaitedFor() throws IOException {
        store.client().deleteObject(request -> request.bucket(store.bucket("cache")).key(narinfo));
        Fault fault = assertThrows(Fault.class, proof(0, Duration.ofHours(1), "max-age=3600")::orFail);
        assertTrue(fault.getMessage().contains(narinfo + ": is missing (answers 404)") && fault.next().contains("fix or remove it"), fault.getMessage() + fault.next());
        assertEquals(1, asked.get(narinfo).get());
    }

    @Test
    @DisplayName("hazard 45: a narinfo from before our signature was added to it is waited for, too")
    void aNarinfoWithoutItsNewSignatureIsWaitedFor() throws IOException {
        String text = new String(store.get("cache", narinfo), StandardCharsets.UTF_8);
        kept.put(narinfo, text.replaceAll("(?m)^Sig: .*\n", "").getBytes(StandardCharsets.UTF_8));
        proof(2, Duration.ofMinutes(3), "no-store").orFail();
        assertEquals(3, asked.get(narinfo).get());
    }
}
