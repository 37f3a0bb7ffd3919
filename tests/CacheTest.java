import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ObjectNode;
import lib.base.Json;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import lib.base.Exec;
import lib.nix.Narinfo;
import lib.nix.SigningKey;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whose signatures a cache has, and what becomes of those that consumers of an environment do not trust. */
class CacheTest {

    @TempDir
    Path folder;

    private Managers managers;
    private Store store;
    private Checkout checkout;

    @BeforeEach
    void release() throws IOException {
        managers = new Managers(folder);
        store = managers.store;
        checkout = managers.release("2.95.0");
    }

    @AfterEach
    void close() {
        managers.close();
    }

    private String key(String name) throws IOException {
        Exec.of("nix-store", "--generate-binary-cache-key", name, folder.resolve(name).toString(), folder.resolve(name + ".pub").toString()).orFail("key", "");
        return Files.readString(folder.resolve(name));
    }

    private List<String> narinfos() {
        return store.content("cache").keySet().stream().filter(name -> name.endsWith(".narinfo")).toList();
    }

    private String text(String narinfo) {
        return new String(store.get("cache", narinfo), StandardCharsets.UTF_8);
    }

    /** What Nix takes into a store of its own, trusting only this key. */
    private void nixTakesAllOfItTrusting(String name) throws IOException {
        Path cache = Files.createDirectories(folder.resolve("consumer-" + name));
        for (String object : store.content("cache").keySet()) {
            Files.createDirectories(cache.resolve(object).getParent());
            Files.write(cache.resolve(object), store.get("cache", object));
        }
        List<String> paths = narinfos().stream().map(narinfo -> Narinfo.parse(text(narinfo)).storePath()).filter(path -> !path.endsWith(".drv")).toList();
        List<String> line = Stream.concat(Stream.of("nix", "copy", "--from", "file://" + cache, "--to", folder.resolve("store-" + name).toString()), paths.stream()).toList();
        Exec.of(line).env("NIX_CONFIG", Sample.NIX_CONFIG + "\ntrusted-public-keys = " + Files.readString(folder.resolve(name + ".pub")).strip()).orFail("nix copy", "");
    }

    @Test
    @DisplayName("hazard 49: a narinfo that nobody we trust has signed gets our signature, keeps the others, and its NAR is not sent again")
    void whatLacksOurSignatureGetsItAdded() throws IOException {
        checkout.with("RELENG_PROVENANCE_KEY", key("provenance-1")); // what is signed once for good has a key of its own
        ObjectNode config = Json.object(checkout.read("releng.json").getBytes(StandardCharsets.UTF_8), "releng.json");
        config.withObject("/environments/test").put("provenanceKey", Files.readString(folder.resolve("provenance-1.pub")).strip());
        checkout.write("releng.json", Json.pretty(config));
        Managers.assertDone(Managers.upload(checkout));
        int paths = narinfos().size();
        checkout.with("RELENG_SIGNING_KEY", key("next-1")); // the key was changed: every release shares paths with the last
        Checkout.Run run = Managers.assertDone(Managers.upload(checkout));
        assertTrue(run.out().contains("cache: signatures (replace " + paths + ";") && !run.out().contains("NAR of"), run.out());
        for (String narinfo : narinfos()) {
            assertTrue(text(narinfo).contains("\nSig: test-1:") && text(narinfo).contains("\nSig: next-1:"), text(narinfo));
        }
        nixTakesAllOfItTrusting("next-1");
        Files.copy(folder.resolve("key.pub"), folder.resolve("test-1.pub"));
        nixTakesAllOfItTrusting("test-1");
        assertTrue(Managers.assertDone(Managers.upload(checkout)).err().contains("nothing to do"));
    }

    @Test
    @DisplayName("hazard 49: another NAR under the name of a path is neither believed nor signed, and replaced only by who says so")
    void anotherNarIsNeitherBelievedNorSigned() throws IOException {
        Managers.assertDone(Managers.upload(checkout));
        String victim = narinfos().get(0);
        String good = text(victim);
        String other = narinfos().get(1);
        Narinfo foreign = Narinfo.parse(text(other));
        String evil = good.replaceAll("(?m)^URL: .*", "URL: " + foreign.url()).replaceAll("(?m)^FileHash: .*", "FileHash: " + foreign.fileHash())
                .replaceAll("(?m)^FileSize: .*", "FileSize: " + foreign.fileSize()).replaceAll("(?m)^NarHash: .*", "NarHash: " + foreign.narHash())
                .replaceAll("(?m)^NarSize: .*", "NarSize: " + foreign.narSize()).replaceAll("(?m)^Sig: .*", "Sig: evil-1:" + Base64.getEncoder().encodeToString(new byte[64]));
        for (String planted : List.of(evil, "<html>a page of a proxy's</html>", good.replaceFirst("StorePath: (.*)", "StorePath: " + foreign.storePath()))) {
            store.put("cache", victim, planted.getBytes(StandardCharsets.UTF_8));
            Checkout.Run run = Managers.upload(checkout);
            assertEquals(3, run.exit(), run.err());
            assertTrue(run.err().contains(victim), run.err());
            assertEquals(planted, text(victim));
            Managers.assertDone(Managers.upload(checkout, "--replace"));
            assertEquals(good, text(victim));
        }
    }

    @Test
    @DisplayName("another NAR with a signature that consumers trust is what was built no more: found before anything is sent, not by the proof at the end")
    void anotherNarThatIsSignedIsFoundBeforeAnythingIsSent() throws IOException {
        Managers.assertDone(Managers.upload(checkout));
        String victim = narinfos().get(0);
        String good = text(victim);
        Narinfo other = Narinfo.parse(text(narinfos().get(1)));
        String rebuilt = good.replaceAll("(?m)^URL: .*", "URL: " + other.url()).replaceAll("(?m)^FileHash: .*", "FileHash: " + other.fileHash())
                .replaceAll("(?m)^FileSize: .*", "FileSize: " + other.fileSize()).replaceAll("(?m)^NarHash: .*", "NarHash: " + other.narHash())
                .replaceAll("(?m)^NarSize: .*", "NarSize: " + other.narSize()).replaceAll("(?m)^Sig: .*\n", "");
        String signature = SigningKey.of(SigningKey.Use.cache, Optional.of(folder.resolve("key")), Map.of()).sign(Narinfo.parse(rebuilt).fingerprint());
        rebuilt = rebuilt.stripTrailing() + "\nSig: " + signature + "\n";
        store.put("cache", victim, rebuilt.getBytes(StandardCharsets.UTF_8));
        store.client().deleteObject(request -> request.bucket(store.bucket("releases")).key("manifest.nix"));
        Checkout.Run run = Managers.upload(checkout);
        assertEquals(3, run.exit(), run.err());
        assertTrue(run.err().contains(victim + " is of another NAR") && run.err().contains("signed by test-1") && run.err().contains("substituters"), run.err());
        assertTrue(!store.content("releases").containsKey("manifest.nix") && text(victim).equals(rebuilt), "nothing was written");
        Managers.assertDone(Managers.upload(checkout, "--replace"));
        assertEquals(good, text(victim));
    }

    @Test
    @DisplayName("hazard 49: a key whose halves do not belong together is refused before anything is written")
    void aKeyOfTwoHalvesIsRefused() throws IOException {
        byte[] first = Base64.getDecoder().decode(key("test-2").strip().replaceFirst(".*:", ""));
        byte[] second = Base64.getDecoder().decode(key("test-3").strip().replaceFirst(".*:", ""));
        System.arraycopy(second, 32, first, 32, 32);
        checkout.with("RELENG_SIGNING_KEY", "test-2:" + Base64.getEncoder().encodeToString(first));
        Checkout.Run run = Managers.upload(checkout);
        assertEquals(3, run.exit(), run.err());
        assertTrue(run.err().contains("its secret half does not belong to its public half"), run.err());
        assertEquals(List.of(), narinfos());
    }

    @Test
    void whatIsStagedIsAskedRoomForBeforeAnythingIsWritten() throws IOException {
        Path small = folder.resolve("small");
        Files.createDirectories(small);
        boolean mounted = Exec.of("mount", "-t", "tmpfs", "-o", "size=16k", "none", small.toString()).run().exit() == 0;
        org.junit.jupiter.api.Assumptions.assumeTrue(mounted, "a small file system can be mounted by root only");
        try {
            Path state = Files.createDirectories(checkout.folder.resolve(".git/releng"));
            Files.createSymbolicLink(state.resolve("staging-test"), small);
            Checkout.Run run = Managers.upload(checkout, "--plan");
            assertEquals(3, run.exit(), run.err());
            assertTrue(run.err().contains("there is not enough space to stage the cache"), run.err());
        } finally {
            Exec.of("umount", small.toString()).orFail("umount", "");
        }
    }
}
