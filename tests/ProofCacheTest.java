import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.Signature;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import lib.base.FileTree;
import lib.config.Environment;
import lib.config.Project;
import lib.http.Network;
import lib.nix.Base32;
import lib.nix.Narinfo;
import lib.proof.Fetcher;
import lib.proof.Proof;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Hazard 26, in the cache: every test breaks something there, and the proof must name it. */
class ProofCacheTest {

    @RegisterExtension
    static final Proving.Whole WHOLE = new Proving.Whole();

    @RegisterExtension
    final Proving sample = new Proving(WHOLE);

    @Test
    void aWrongSignatureIsFound() {
        String path = sample.outOf("x86_64-linux");
        char old = sample.text("cache", sample.key(path)).split("Sig: test-1:")[1].charAt(5);
        sample.edit("cache", sample.key(path), "(Sig: test-1:.{5}).", "$1" + (old == 'A' ? 'B' : 'A'));
        sample.assertFound(sample.content(), 1, sample.key(path) + ": the signature by test-1 is not valid", path);
        sample.edit("cache", sample.key(path), "Sig: .*\n", "");
        sample.assertFound(sample.content(), 1, sample.key(path) + ": it is not signed by test-1, but by nobody");
    }

    @Test
    void aSignatureByAnotherKeyIsFoundWhateverItsName() throws Exception {
        String path = sample.outOf("x86_64-linux");
        KeyPair other = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
        Signature signature = Signature.getInstance("Ed25519");
        signature.initSign(other.getPrivate());
        signature.update(sample.narinfo(path).fingerprint().getBytes(StandardCharsets.UTF_8));
        String base64 = Base64.getEncoder().encodeToString(signature.sign());
        sample.edit("cache", sample.key(path), "Sig: .*", "Sig: test-1:" + base64);
        sample.assertFound(sample.content(), 1, sample.key(path) + ": the signature by test-1 is not valid");
        sample.edit("cache", sample.key(path), "Sig: .*", "Sig: other-1:" + base64);
        sample.assertFound(sample.content(), 1, sample.key(path) + ": it is not signed by test-1, but by other-1");
    }

    @Test
    void withoutAnyPublicKeySignaturesAreSaidToBeUnproved() {
        sample.own("cache");
        Environment keyless = new Environment("test", sample.bucket("releases"), sample.bucket("cache"), sample.bucket("docs"), sample.whole.bucket("install"),
                Optional.of(sample.store.endpoint()), sample.store.region(), List.of(), Optional.empty(), false, Optional.empty(), Map.of(), Optional.empty(), false);
        Fetcher keyed = Fetcher.of(keyless, Optional.of(sample.store.open()), Network.PLAIN, "releases", "cache", "docs");
        sample.edit("cache", sample.key(sample.outOf("x86_64-linux")), "Sig: .*\n", "");
        new Proof(keyed, keyless, Project.LIX, Optional.empty(), Proving.console(sample.said)).cache(sample.built, any -> true).orFail();
        assertTrue(sample.said.toString().contains("warning: not proved: cache: signatures"), sample.said.toString());
        sample.assertFound(new Proof(keyed, keyless, Project.LIX, Optional.of(sample.publicKey), Proving.console(sample.said)).cache(sample.built, any -> true), 1, "is not signed by test-1");
    }

    @Test
    void aNarinfoOfAnotherPathIsFound() {
        String path = sample.outOf("x86_64-linux");
        String other = sample.outOf("aarch64-linux");
        sample.put("cache", sample.key(path), sample.get("cache", sample.key(other)));
        sample.assertFound(sample.content(), 1, sample.key(path) + ": is of " + other, path);
        sample.put("cache", sample.key(path), "<html>not found</html>".getBytes());
        sample.assertFound(sample.content(), 1, sample.key(path) + ": is not a narinfo");
    }

    @Test
    @DisplayName("hazard 32: a closure with a hole is found, and who refers into it is named")
    void aClosureWithAHoleIsFound() {
        String path = sample.outOf("x86_64-linux");
        String reference = "/nix/store/" + sample.narinfo(path).references().stream().filter(name -> name.contains("lix-util")).findFirst().orElseThrow();
        assertFalse(sample.built.jobs().stream().anyMatch(job -> job.outputs().containsValue(reference)), "only references lead there");
        sample.delete("cache", sample.key(reference));
        sample.assertFound(sample.content(), 1, sample.key(reference) + ": is missing", reference, " refers to it");
    }

    @Test
    @DisplayName("hazard 33: a NAR that is truncated, has a flipped byte or is gone is found, with its path and digests")
    void aBrokenNarIsFound() {
        String path = sample.outOf("x86_64-linux");
        Narinfo narinfo = sample.narinfo(path);
        byte[] nar = sample.get("cache", narinfo.url());
        sample.put("cache", narinfo.url(), java.util.Arrays.copyOf(nar, nar.length / 2));
        sample.assertFound(sample.content(), 1, narinfo.url() + ": is not the NAR of " + path, "it has " + nar.length / 2 + " bytes", "FileSize is " + nar.length, "cannot be unpacked as zstd");
        sample.put("cache", narinfo.url(), sample.flipped(nar));
        sample.assertFound(sample.content(), 1, narinfo.url(), "sha256:" + Base32.encode(FileTree.digest("SHA-256").digest(sample.flipped(nar))), narinfo.fileHash());
        sample.put("cache", narinfo.url(), new byte[0]);
        sample.assertFound(sample.content(), 1, narinfo.url(), "it has 0 bytes");
        sample.delete("cache", narinfo.url());
        sample.assertFound(sample.content(), 1, narinfo.url() + ": is missing", path);
    }

    @Test
    void aNarThatFitsTheUnsignedFileHashButNotTheSignedNarHashIsFound() {
        String path = sample.outOf("x86_64-linux");
        for (byte[] other : List.of(new byte[(int) sample.narinfo(path).narSize()], new byte[(int) sample.narinfo(path).narSize() + 1], new byte[3])) {
            String key = "nar/other" + other.length + ".nar";
            sample.put("cache", key, other);
            sample.edit("cache", sample.key(path), "URL: .*", "URL: " + key);
            sample.edit("cache", sample.key(path), "Compression: .*|$", "Compression: none");
            String hash = Base32.encode(FileTree.digest("SHA-256").digest(other));
            String narinfo = sample.text("cache", sample.key(path)).replaceFirst("FileHash: .*", "FileHash: sha256:" + hash).replaceFirst("FileSize: .*", "FileSize: " + other.length);
            sample.put("cache", sample.key(path), narinfo.getBytes());
            sample.assertFound(sample.content(), 1, key + ": is not the NAR of " + path, other.length == sample.narinfo(path).narSize() + 1
                    ? "the NAR is longer than" : "the NAR's hash is sha256:" + hash);
            sample.put("cache", sample.key(path), sample.whole.get("cache", sample.key(path)));
        }
    }

    @Test
    void whatIsNotLookedAtInFullIsStillAskedForItsSize() {
        String path = sample.outOf("x86_64-linux");
        Narinfo narinfo = sample.narinfo(path);
        byte[] nar = sample.get("cache", narinfo.url());
        sample.put("cache", narinfo.url(), sample.flipped(nar));
        sample.proof().cache(sample.built, any -> false).orFail();
        sample.assertFound(sample.proof().cache(sample.built, path::equals), 1, narinfo.url());
        sample.put("cache", narinfo.url(), java.util.Arrays.copyOf(nar, nar.length - 1));
        sample.assertFound(sample.proof().cache(sample.built, any -> false), 1, narinfo.url(), "it has " + (nar.length - 1) + " bytes", "FileSize is " + nar.length);
        sample.delete("cache", narinfo.url());
        sample.assertFound(sample.proof().cache(sample.built, any -> false), 1, narinfo.url() + ": is missing", path);
    }

    @Test
    void aCacheOfAnotherStoreOrWithoutItsInfoIsFound() {
        sample.put("cache", "nix-cache-info", "StoreDir: /gnu/store\n".getBytes());
        sample.assertFound(sample.content(), 1, "nix-cache-info: does not say StoreDir: /nix/store");
        sample.delete("cache", "nix-cache-info");
        sample.assertFound(sample.content(), 1, "nix-cache-info: is missing");
    }
}
