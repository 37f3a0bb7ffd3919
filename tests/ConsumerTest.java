import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import lib.base.Exec;
import lib.base.Fault;
import lib.base.FileTree;
import lib.config.Config;
import lib.nix.NixUpgrade;
import lib.release.BuiltRelease;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The proofs of the rehearsal: each holds for a whole release, and each fails when what it proves is broken. */
@DisplayName("hazard 26: a proof that cannot fail is a defect")
class ConsumerTest {

    private static final String VERSIONED = "lix/lix-2.95.0/";

    @TempDir
    Path folder;

    private final Store store = new Store();
    private Path remote;
    private Consumer consumer;

    @BeforeEach
    void publish() throws IOException {
        assumeTrue(store.anonymousReads(), "the server given for tests does not let anybody read");
        Checkout checkout = Released.copy(folder.resolve("checkout"));
        remote = folder.resolve("remote.git");
        checkout.git("init", "--quiet", "--bare", remote.toString());
        checkout.write("releng.json", store.config(remote));
        store.credentials().forEach(checkout::with);
        Files.createDirectories(folder.resolve("local"));
        Path secret = folder.resolve("key");
        Exec.of("nix-store", "--generate-binary-cache-key", "test-1", secret.toString(), folder.resolve("local/cache.pub").toString()).orFail("key", "");
        Checkout.Run run = checkout.run(new upload(), "--env", "test", "--noconfirm", "--signing-key", secret.toString());
        assertEquals(0, run.exit(), run.err());
        Config config = Config.of(checkout.folder);
        consumer = new Consumer(store.endpoint(), config.environment("test"), config.project(),
                BuiltRelease.read(checkout.folder.resolve("release")), folder, checkout.env());
    }

    @AfterEach
    void close() {
        store.close();
    }

    private interface Proof {
        void run() throws Exception;
    }

    private static void assertFails(Proof proof, String saying) {
        Fault fault = assertThrows(Fault.class, proof::run);
        assertTrue(fault.getMessage().contains(saying), saying + "\nnot in\n" + fault.getMessage());
    }

    private String key(String role, String ending) {
        return store.content(role).keySet().stream().filter(key -> key.endsWith(ending)).findFirst().orElseThrow();
    }

    @Test
    void theCacheServesSignedWholeClosures() throws Exception {
        consumer.nixCopies();
        consumer.manifestEvaluates();
        upgrade().run();
    }

    private Proof upgrade() {
        return () -> {
            try {
                consumer.nixUpgrades(Proving.console(new ArrayList<>()));
            } catch (NixUpgrade.NotHere e) {
                assumeTrue(false, e.getMessage());
            }
        };
    }

    @Test
    void aCacheThatLacksANarIsFound() {
        String nar = key("cache", ".nar.zst");
        store.client().deleteObject(request -> request.bucket(store.bucket("cache")).key(nar));
        assertFails(consumer::nixCopies, "could not copy from the cache");
    }

    @Test
    void aWrongSignatureIsFound() throws Exception {
        for (String narinfo : store.content("cache").keySet().stream().filter(key -> key.endsWith(".narinfo")).toList()) {
            String text = new String(store.get("cache", narinfo), StandardCharsets.UTF_8);
            store.put("cache", narinfo, text.replaceAll("Sig: test-1:....", "Sig: test-1:AAAA").getBytes(StandardCharsets.UTF_8));
        }
        assertFails(consumer::nixCopies, " signature");
    }

    @Test
    void aManifestThatLeadsNowhereIsFound() throws Exception {
        consumer.nixCopies();
        store.put("releases", "manifest.nix", "{ x86_64-linux = \"/nix/store/00000000000000000000000000000000-lix-2.95.0\"; }".getBytes());
        assertFails(consumer::manifestEvaluates, "is not in the consumer's store");
        assertFails(upgrade(), "nix upgrade-nix --nix-store-paths-url ");
        store.put("releases", "manifest.nix", "{ riscv64-linux = \"/x\"; }".getBytes());
        assertFails(consumer::manifestEvaluates, "has no path for");
        store.put("releases", "manifest.nix", "{".getBytes());
        assertFails(consumer::manifestEvaluates, "does not evaluate");
    }

    @Test
    void aLatestJsonThatNamesSomethingElseIsFound() throws Exception {
        consumer.latestJsonLeadsToEveryFile();
        String whole = new String(store.get("releases", "lix/latest.json"), StandardCharsets.UTF_8);
        assertFails(with(whole.replaceFirst("\"sri\": \"sha256-...", "\"sri\": \"sha256-AAA")), "hash mismatch");
        assertFails(with(whole.replaceFirst("lix-2.95.0.tar.gz\",\n", "lix-2.95.0.tar.xz\",\n")), "404");
        assertFails(with(whole.replaceAll("\"x86_64-linux\": \"/nix/store/...", "\"x86_64-linux\": \"/nix/store/xxx")), "assertion");
        assertFails(with(whole.replaceFirst("(?s)\"lix-2.95.0.tar.gz\": [^}]*}, *", "")), "latest.json names ");
    }

    private Proof with(String latest) {
        return () -> {
            store.put("releases", "lix/latest.json", latest.getBytes(StandardCharsets.UTF_8));
            consumer.latestJsonLeadsToEveryFile();
        };
    }

    @Test
    void aChangedByteOrAMissingFileIsFound() throws Exception {
        consumer.checksumsFit();
        String key = VERSIONED + "nix-2.95.0-x86_64-linux.tar.xz";
        byte[] bytes = store.get("releases", key);
        bytes[bytes.length / 2] ^= 1;
        store.put("releases", key, bytes);
        assertFails(consumer::checksumsFit, "does not fit its checksum");
        store.client().deleteObject(request -> request.bucket(store.bucket("releases")).key(key));
        assertFails(consumer::checksumsFit, "answers 404");
    }

    @Test
    void aManualThatLacksAPageOrIsAnotherIsFound() throws Exception {
        consumer.manualIsThere();
        store.put("docs", "manual/lix/stable/index.html", "of another release".getBytes());
        assertFails(consumer::manualIsThere, "stable/index.html is not the page that was built");
        store.client().deleteObject(request -> request.bucket(store.bucket("docs")).key("manual/lix/2.95/index.html"));
        assertFails(consumer::manualIsThere, "2.95/index.html answers 404");
    }

    @Test
    void aTagThatIsNotTheReleaseIsFound() throws Exception {
        consumer.tagIsThere(remote);
        Path other = folder.resolve("other");
        Exec.of("cp", "-a", remote.toString(), other.toString()).orFail("cp", "");
        Exec.of("git", "-C", other.toString(), "update-ref", "refs/tags/2.95.0", "refs/heads/releng/test").orFail("update-ref", "");
        assertFails(() -> consumer.tagIsThere(other), "is not an annotated tag");
        FileTree.remove(other.resolve("refs"));
        Files.createDirectories(other.resolve("refs"));
        assertFails(() -> consumer.tagIsThere(other), "cat-file");
    }

    @Test
    void aSourceArchiveOfAnotherTreeIsFound() throws Exception {
        consumer.sourceIsTheTag(remote);
        store.put("releases", VERSIONED + "lix-2.95.0.tar.gz", store.get("releases", VERSIONED + "lix-2.95.0-manual.tar.gz"));
        assertFails(() -> consumer.sourceIsTheTag(remote), "is not git archive's of the tag");
    }
}
