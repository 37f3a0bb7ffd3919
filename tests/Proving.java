import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import lib.base.Console;
import lib.base.Exec;
import lib.base.Fault;
import lib.base.FileTree;
import lib.config.Environment;
import lib.config.Project;
import lib.http.Network;
import lib.nix.Narinfo;
import lib.proof.Fetcher;
import lib.proof.Proof;
import lib.release.BuiltRelease;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/** A published release of the sample, of which a test breaks something in buckets of its own. */
final class Proving implements BeforeEachCallback, AfterEachCallback {

    private static final List<String> ROLES = List.of("releases", "cache", "docs");
    static final String FOLDER = "lix/lix-2.95.0/";

    /** What is published once for all tests of a class, and never changed. */
    static final class Whole implements BeforeAllCallback, AfterAllCallback {
        private final Store store = new Store();
        private Path folder;
        private Checkout checkout;
        private Path remote;
        private String publicKey;
        private boolean anonymous; // asked once: the question writes to a bucket that tests copy

        @Override
        public void beforeAll(ExtensionContext context) throws IOException {
            folder = Files.createTempDirectory("releng-test-whole");
            anonymous = store.anonymousReads();
            checkout = Released.copy(folder.resolve("checkout"));
            remote = folder.resolve("remote.git");
            checkout.git("init", "--quiet", "--bare", remote.toString());
            Path secret = folder.resolve("key");
            Exec.of("nix-store", "--generate-binary-cache-key", "test-1", secret.toString(), folder.resolve("key.pub").toString()).orFail("key", "");
            publicKey = Files.readString(folder.resolve("key.pub")).strip();
            checkout.with("RELENG_SIGNING_KEY", Files.readString(secret));
            checkout.write("releng.json", store.config(remote));
            store.credentials().forEach(checkout::with);
            Checkout.Run run = checkout.run(new upload(), "--env", "test", "--noconfirm");
            assertEquals(0, run.exit(), run.err());
        }

        @Override
        public void afterAll(ExtensionContext context) throws IOException {
            store.close();
            FileTree.remove(folder);
        }
    }

    private final Whole all;
    final Store whole;
    final Store store = new Store();
    final List<String> said = new ArrayList<>();
    final Set<String> broken = new HashSet<>();
    BuiltRelease built;
    String publicKey;
    Checkout checkout;
    boolean anonymous;
    /** The repository that branch and tag went to, this test's own. */
    Path remote;

    Proving(Whole all) {
        this.all = all;
        whole = all.store;
    }

    @Override
    public void beforeEach(ExtensionContext context) throws IOException {
        built = BuiltRelease.read(all.checkout.folder.resolve("release"));
        publicKey = all.publicKey;
        checkout = all.checkout;
        anonymous = all.anonymous;
        remote = Files.createTempDirectory("releng-test-remote").resolve("remote.git");
        Exec.of("cp", "-a", all.remote.toString(), remote.toString()).orFail("cp", "");
    }

    @Override
    public void afterEach(ExtensionContext context) throws IOException {
        store.close();
        FileTree.remove(remote.getParent());
    }

    /** The bucket of a role: this test's own once it has broken something there. */
    String bucket(String role) {
        return broken.contains(role) ? store.bucket(role) : whole.bucket(role);
    }

    void own(String role) {
        if (broken.add(role)) {
            store.bucket(role);
            whole.content(role).keySet().parallelStream().forEach(key -> store.client().copyObject(request -> request
                    .sourceBucket(whole.bucket(role)).sourceKey(key).destinationBucket(store.bucket(role)).destinationKey(key)));
        }
    }

    void put(String role, String key, byte[] bytes) {
        own(role);
        store.put(role, key, bytes);
    }

    byte[] get(String role, String key) {
        return (broken.contains(role) ? store : whole).get(role, key);
    }

    /** A console whose lines go to a list. */
    static Console console(List<String> said) {
        PrintStream lines = new PrintStream(new ByteArrayOutputStream()) {
            @Override
            public void println(String line) {
                synchronized (said) {
                    said.add(line);
                }
            }
        };
        return new Console(new ByteArrayInputStream(new byte[0]), lines, lines, false, false);
    }

    Environment environment() {
        return environment(anonymous ? urls() : Map.of());
    }

    Environment environment(Map<String, URI> urls) {
        return new Environment("test", bucket("releases"), bucket("cache"), bucket("docs"), whole.bucket("install"),
                Optional.of(store.endpoint()), store.region(), List.of(), Optional.empty(), false, Optional.of(publicKey), urls, Optional.empty(), false);
    }

    Map<String, URI> urls() {
        Map<String, URI> urls = new HashMap<>();
        ROLES.forEach(role -> urls.put(role, URI.create(store.endpoint() + "/" + bucket(role))));
        return urls;
    }

    /** As anybody, where the server lets anybody; else with keys. */
    Proof proof() {
        Environment environment = environment();
        return new Proof(Fetcher.of(environment, Optional.of(store.open()), Network.PLAIN, "releases", "cache", "docs"), environment, Project.LIX, Optional.empty(), console(said));
    }

    Proof content() {
        return proof().artifacts(built).cache(built, any -> true).manual(built, "2.95")
                .tag(remote.toString(), built.version(), Optional.of(built.commit()), true, Optional.empty(), checkout.env());
    }

    Proof pointers() {
        return proof().manual(built, "stable").manifest(built);
    }

    /** The proof fails with this many failures, among them one with all of these words. */
    List<String> assertFound(Proof proof, int count, String... words) {
        Fault fault = assertThrows(Fault.class, proof::orFail, () -> "nothing was found of " + List.of(words));
        assertEquals("what was published is not what was built", fault.what());
        assertTrue(fault.why().stream().anyMatch(why -> List.of(words).stream().allMatch(why::contains)),
                List.of(words) + "\nnot in\n" + String.join("\n", fault.why()));
        assertEquals(count, fault.why().size(), String.join("\n", fault.why()));
        return fault.why();
    }

    void delete(String role, String key) {
        own(role);
        store.client().deleteObject(request -> request.bucket(store.bucket(role)).key(key));
    }

    byte[] flipped(byte[] bytes) {
        byte[] other = bytes.clone();
        other[other.length / 2] ^= 1;
        return other;
    }

    String sha256(byte[] bytes) {
        return java.util.HexFormat.of().formatHex(FileTree.digest("SHA-256").digest(bytes));
    }

    String outOf(String system) {
        return built.jobs().stream().filter(job -> job.attr().endsWith("build." + system)).findFirst().orElseThrow().outputs().get("out");
    }

    String key(String path) {
        return path.substring("/nix/store/".length()).substring(0, 32) + ".narinfo";
    }

    Narinfo narinfo(String path) {
        return Narinfo.parse(text("cache", key(path)));
    }

    String text(String role, String key) {
        return new String(get(role, key), StandardCharsets.UTF_8);
    }

    void edit(String role, String key, String pattern, String replacement) {
        String old = text(role, key);
        String edited = old.replaceFirst(pattern, replacement);
        assertFalse(old.equals(edited), pattern + " is not in " + old);
        put(role, key, edited.getBytes(StandardCharsets.UTF_8));
    }
}
