import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import lib.base.Exec;
import lib.base.Fault;
import lib.config.Environment;
import lib.config.Project;
import lib.nix.Base32;
import lib.nix.Narinfo;
import lib.nix.PublicKey;
import lib.proof.Fetcher;
import lib.proof.Proof;
import lib.release.Version;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the proof reads of a cache, against what the machine's Nix writes. */
class NarinfoTest {

    @TempDir
    Path folder;

    private String path;
    private String reference;
    private String publicKey;

    @BeforeEach
    void paths() throws IOException {
        reference = nix("nix", "eval", "--raw", "--expr", "builtins.toFile \"narinfo-a\" \"" + "some text; ".repeat(3000) + "\"");
        path = nix("nix", "eval", "--raw", "--expr", "builtins.toFile \"narinfo-b\" \"${builtins.toFile \"narinfo-a\" \"" + "some text; ".repeat(3000) + "\"}\"");
        nix("nix-store", "--generate-binary-cache-key", "test-1", folder.resolve("secret").toString(), folder.resolve("public").toString());
        publicKey = Files.readString(folder.resolve("public")).strip();
    }

    private String nix(String... command) {
        return Exec.of(command).env("NIX_CONFIG", Sample.NIX_CONFIG).orFail(String.join(" ", command), "").strip();
    }

    private Path cache(String compression) {
        Path cache = folder.resolve(compression);
        nix("nix", "copy", "--no-check-sigs", "--to", "file://" + cache + "?compression=" + compression + "&secret-key=" + folder.resolve("secret"), path);
        return cache;
    }

    private Narinfo narinfo(Path cache, String path) throws IOException {
        return Narinfo.parse(Files.readString(cache.resolve(path.substring("/nix/store/".length()).substring(0, 32) + ".narinfo")));
    }

    private Proof proof(Path cache, List<String> said) {
        Fetcher files = new Fetcher() {
            @Override
            public InputStream open(String role, String key) throws IOException {
                if (!Files.exists(cache.resolve(key))) {
                    throw new NotThere("no such file");
                }
                return Files.newInputStream(cache.resolve(key));
            }

            @Override
            public long size(String role, String key) throws IOException {
                return Files.size(cache.resolve(key));
            }

            @Override
            public String name(String role, String key) {
                return key;
            }
        };
        return new Proof(files, Environment.LOCAL, Project.LIX, Optional.of(publicKey), Proving.console(said));
    }

    @Test
    void aSignatureOfRealNixVerifiesAndNoChangedFieldDoes() throws IOException {
        Path cache = cache("zstd");
        Narinfo real = narinfo(cache, path);
        assertEquals(List.of(reference.substring("/nix/store/".length())), real.references());
        assertEquals("/nix/store", real.storeDir());
        PublicKey key = PublicKey.of(publicKey);
        assertEquals(List.of(), key.refuse(real));
        String text = Files.readString(cache.resolve(path.substring("/nix/store/".length()).substring(0, 32) + ".narinfo"));
        for (String[] change : new String[][] {{"StorePath: .*", "StorePath: " + reference}, {"NarSize: .*", "NarSize: 1"},
                {"References: .*", "References: "}, {"NarHash: sha256:.", "NarHash: sha256:" + (real.narHash().charAt(7) == '0' ? '1' : '0')}}) {
            String changed = text.replaceFirst(change[0], change[1]);
            assertTrue(!changed.equals(text), change[0]);
            assertEquals(List.of("the signature by test-1 is not valid"), key.refuse(Narinfo.parse(changed)), change[0]);
        }
    }

    @Test
    void everyCompressionThatIsReadFitsTheNarinfoOfRealNix() throws IOException {
        for (String compression : List.of("zstd", "xz", "none")) {
            Path cache = cache(compression);
            assertEquals(compression, narinfo(cache, path).compression());
            List<String> said = new java.util.ArrayList<>();
            proof(cache, said).closure(List.of(path), any -> true).orFail();
            // nix-cache-info, two narinfos, two NARs
            assertTrue(said.toString().contains("cache 5"), said.toString());
        }
    }

    @Test
    @DisplayName("hazard 26: a compression that cannot be unpacked is a failure, never passed over")
    void anUnknownCompressionIsAFailure() {
        Path cache = cache("bzip2");
        Fault fault = assertThrows(Fault.class, () -> proof(cache, new java.util.ArrayList<>()).closure(List.of(path), any -> true).orFail());
        assertEquals(2, fault.why().size(), fault.getMessage());
        assertTrue(fault.getMessage().contains("compression bzip2 cannot be checked"), fault.getMessage());
    }

    @Test
    void whatIsNoNarinfoIsRefusedWithEveryFault() throws IOException {
        String text = Files.readString(cache("zstd").resolve(path.substring("/nix/store/".length()).substring(0, 32) + ".narinfo"));
        for (String[] change : new String[][] {{"StorePath: .*", "StorePath: ../x", "StorePath cannot be"}, {"NarHash: .*\n", "", "NarHash is missing"},
                {"NarHash: sha256:", "NarHash: md5:", "NarHash cannot be"}, {"FileSize: .*", "FileSize: -1", "FileSize cannot be"},
                {"References: .*", "References: ../../x", "References cannot have"}, {"URL: .*", "URL: https://example.org/x.nar", "URL cannot be"},
                {"URL: nar/", "URL: nar/../../", "URL cannot be"}, {"URL: (.*)", "URL: $1\nURL: $1", "URL occurs twice"},
                {"Compression: ", "<html>", "is not KEY: VALUE"}}) {
            String changed = text.replaceFirst(change[0], change[1]);
            Fault fault = assertThrows(Fault.class, () -> Narinfo.parse(changed), change[2]);
            assertTrue(fault.getMessage().contains(change[2]), fault.getMessage());
        }
        Fault all = assertThrows(Fault.class, () -> Narinfo.parse("<html>\n"));
        assertTrue(all.why().size() > 6, all.getMessage());
        assertThrows(Fault.class, () -> Narinfo.parse(""));
    }

    @Test
    @DisplayName("hazard 38: a narinfo with ten thousand references is read, and its fingerprint is theirs")
    void tenThousandReferencesAreRead() throws IOException {
        String text = Files.readString(cache("zstd").resolve(path.substring("/nix/store/".length()).substring(0, 32) + ".narinfo"));
        String name = reference.substring("/nix/store/".length());
        List<String> names = IntStream.range(0, 10_000).mapToObj(i -> name + "-" + i).toList();
        Narinfo many = Narinfo.parse(text.replaceFirst("References: .*", "References: " + String.join(" ", names)));
        assertEquals(names, many.references());
        assertEquals(10_000, many.fingerprint().split(",").length);
        Fault fault = assertThrows(Fault.class, () -> Narinfo.parse(text.replaceFirst("References: .*", "References: " + String.join(" ", names) + " ../x")));
        assertTrue(fault.getMessage().contains("References cannot have '../x'"), fault.getMessage());
        assertThrows(IllegalArgumentException.class, () -> Version.of("1" + ".1".repeat(100_000)));
    }

    @Test
    void everyHashIsWrittenAsNarinfosHaveIt() {
        byte[] digest = new byte[32];
        new Random(8).nextBytes(digest);
        String base32 = "sha256:" + nix("nix", "hash", "to-base32", "--type", "sha256", HexFormat.of().formatHex(digest));
        for (String hash : List.of(base32, "sha256:" + HexFormat.of().formatHex(digest), "sha256-" + Base64.getEncoder().encodeToString(digest))) {
            assertEquals(base32, Base32.narinfoHash(hash));
        }
    }

    @Test
    void base32IsThatOfNix() {
        Random random = new Random(7);
        for (int i = 0; i < 5; i++) {
            byte[] digest = new byte[32];
            random.nextBytes(digest);
            assertEquals(nix("nix", "hash", "to-base32", "--type", "sha256", HexFormat.of().formatHex(digest)), Base32.encode(digest));
        }
        byte[] sha1 = new byte[20];
        random.nextBytes(sha1);
        assertEquals(nix("nix", "hash", "to-base32", "--type", "sha1", HexFormat.of().formatHex(sha1)), Base32.encode(sha1));
    }

    @Test
    void whatIsNoPublicKeyIsRefused() {
        for (String key : List.of("", "test-1", ":" + publicKey, "test-1:AAAA", "test-1:?")) {
            assertThrows(IllegalArgumentException.class, () -> PublicKey.of(key), key);
        }
    }
}
