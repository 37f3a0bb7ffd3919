import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import lib.base.Exec;
import lib.base.Fault;
import lib.base.FileTree;
import lib.config.Environment;
import lib.config.Project;
import lib.nix.Base32;
import lib.nix.Narinfo;
import lib.nix.Nix;
import lib.nix.SigningKey;
import lib.proof.Fetcher;
import lib.proof.Proof;
import lib.proof.Sparing;
import lib.release.BuiltRelease;
import lib.release.StoreClosure;
import lib.release.Version;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A closure that release.json tells of, in a cache: what is asked for, and what is found. */
class ProofClosureTest {

    private static final Instant BEFORE = Instant.parse("2026-01-01T00:00:00Z");
    private static final Instant POINTED = Instant.parse("2026-01-02T00:00:00Z");

    @TempDir
    Path folder;

    private final List<String> said = new ArrayList<>();
    private FilesFetcher cache;
    private String publicKey;
    private String top;
    private SortedMap<String, Nix.PathInfo> closure;

    /** A chain of three paths, the top of which is a release's. */
    @BeforeEach
    void aCacheOfThree() throws IOException {
        String expression = "let a = builtins.toFile \"a\" \"aaa\"; b = builtins.toFile \"b\" \"bbb ${a}\"; in builtins.toFile \"lix-2.95.0\" \"ccc ${b}\"";
        top = nix("nix", "eval", "--raw", "--expr", expression);
        nix("nix-store", "--generate-binary-cache-key", "test-1", folder.resolve("secret").toString(), folder.resolve("public").toString());
        publicKey = Files.readString(folder.resolve("public")).strip();
        cache = new FilesFetcher(folder.resolve("buckets"));
        nix("nix", "copy", "--no-check-sigs", "--to", "file://" + folder.resolve("buckets/cache") + "?compression=zstd&secret-key=" + folder.resolve("secret"), top);
        Map<String, String> env = new HashMap<>(System.getenv());
        env.put("NIX_CONFIG", Sample.NIX_CONFIG);
        closure = StoreClosure.of(new Nix(Proving.console(said), env, List.of()).closure(List.of(top)));
        assertEquals(3, closure.size());
        for (Path file : FileTree.files(folder.resolve("buckets")).values()) {
            at(file, BEFORE);
        }
    }

    private static String nix(String... command) {
        return Exec.of(command).env("NIX_CONFIG", Sample.NIX_CONFIG).orFail(String.join(" ", command), "").strip();
    }

    private static void at(Path file, Instant time) throws IOException {
        Files.setLastModifiedTime(file, FileTime.from(time));
    }

    private BuiltRelease release(String version, SortedMap<String, Nix.PathInfo> known) {
        Nix.Job job = new Nix.Job("build.x86_64-linux", "x86_64-linux", top, new TreeMap<>(Map.of("out", top)));
        byte[] manifest = manifest();
        return new BuiltRelease("all", Version.of(version), "name", true, "0".repeat(40), Optional.of(version), "x86_64-linux", "all",
                List.of(new BuiltRelease.BuiltFile("artifacts/manifest.nix", manifest.length, sha256(manifest))), List.of(), List.of(job)).withClosure(known);
    }

    private byte[] manifest() {
        return ("{ x86_64-linux = \"" + top + "\"; }").getBytes(StandardCharsets.UTF_8);
    }

    private static String sha256(byte[] bytes) {
        return HexFormat.of().formatHex(FileTree.digest("SHA-256").digest(bytes));
    }

    private Proof proof(Fetcher fetcher) {
        return new Proof(fetcher, Environment.LOCAL, Project.LIX, Optional.of(publicKey), Proving.console(said));
    }

    private Sparing sparing() {
        return new Sparing(true, () -> false, Map::of, null, Environment.LOCAL, folder);
    }

    private List<String> failures(Proof proof) {
        return assertThrows(Fault.class, proof::orFail).why();
    }

    private Path narinfo(String path) {
        return cache.file("cache", path.substring("/nix/store/".length()).substring(0, 32) + ".narinfo");
    }

    private String named(String name) {
        return closure.keySet().stream().filter(path -> path.endsWith("-" + name)).findFirst().orElseThrow();
    }

    /** Changes a narinfo, with a signature that consumers trust. */
    private void resign(String path, UnaryOperator<String> change) throws IOException {
        String text = change.apply(Files.readString(narinfo(path)).replaceAll("(?m)^Sig: .*\n", ""));
        String signature = SigningKey.of(SigningKey.Use.cache, Optional.of(folder.resolve("secret")), Map.of()).sign(Narinfo.parse(text).fingerprint());
        Files.writeString(narinfo(path), text.stripTrailing() + "\nSig: " + signature + "\n");
    }

    // --- what is asked for

    @Test
    @DisplayName("a closure that is known is asked for at once, however deep it is; each narinfo and each NAR once")
    void aKnownClosureIsAskedForAtOnce() throws IOException {
        CountDownLatch all = new CountDownLatch(closure.size());
        FilesFetcher together = new FilesFetcher(folder.resolve("buckets")) {
            @Override
            public InputStream open(String role, String key) throws IOException {
                if (key.endsWith(".narinfo")) {
                    all.countDown();
                    try {
                        if (!all.await(20, TimeUnit.SECONDS)) { // nobody is answered before everybody has asked
                            throw new NotThere("the others were not asked for");
                        }
                    } catch (InterruptedException e) {
                        throw new IOException(e);
                    }
                }
                return super.open(role, key);
            }
        };
        proof(together).cache(release("2.95.0", closure), any -> true).orFail();
        assertEquals(3, together.asked("GET", ".narinfo"));
        assertEquals(3, together.asked("GET nar/", ""));
        assertEquals(0, together.asked("HEAD", ""));
    }

    @Test
    void anOlderReleaseWithoutItsClosureIsWalked() throws IOException {
        proof(cache).cache(release("2.95.0", new TreeMap<>()), any -> true).orFail();
        assertEquals(3, cache.asked("GET", ".narinfo"));
        Files.delete(narinfo(named("a")));
        assertTrue(failures(proof(cache).cache(release("2.95.0", new TreeMap<>()), any -> true)).toString().contains(named("b") + " refers to it"));
    }

    @Test
    @DisplayName("as many are asked for at once as --concurrency says, and no more")
    void asManyAreAskedForAtOnceAsAreAllowed() throws IOException {
        for (int most : List.of(1, 2)) {
            int[] now = {0, 0};
            FilesFetcher counting = new FilesFetcher(folder.resolve("buckets")) {
                @Override
                public InputStream open(String role, String key) throws IOException {
                    synchronized (now) {
                        now[1] = Math.max(now[1], ++now[0]);
                        now.notifyAll();
                        // As many as may come do; then a moment for one too many.
                        for (long start = System.nanoTime(); !key.equals("nix-cache-info") && now[1] <= most
                                && System.nanoTime() - start < (now[1] < most ? 10_000_000_000L : 100_000_000L); ) {
                            try {
                                now.wait(20);
                            } catch (InterruptedException e) {
                                throw new IOException(e);
                            }
                        }
                        now[0]--;
                    }
                    return super.open(role, key);
                }
            };
            proof(counting).concurrency(most).cache(release("2.95.0", closure), any -> true).orFail();
            assertEquals(most, now[1]);
        }
    }

    // --- what is found

    @Test
    @DisplayName("a narinfo with a signature that consumers trust, but of something else than was built, is found")
    void whatIsSignedButWasNotBuiltIsFound() throws IOException {
        BuiltRelease built = release("2.95.0", closure);
        proof(cache).cache(built, any -> true).orFail();
        String b = named("b");
        String good = Files.readString(narinfo(b));
        resign(b, text -> text.replaceAll("(?m)^References: .*", "References: "));
        List<String> why = failures(proof(cache).cache(built, any -> true));
        assertTrue(why.size() == 1 && why.get(0).contains("its References lack " + named("a")), why.toString());
        resign(b, text -> text.replaceAll("(?m)^References: .*", "References: " + named("a").substring(11) + " " + top.substring(11)));
        assertTrue(failures(proof(cache).cache(built, any -> true)).toString().contains("its References have " + top));

        // Another NAR, whole, and signed by us: what a rebuild elsewhere could have left.
        Narinfo other = Narinfo.parse(Files.readString(narinfo(named("a"))));
        Files.writeString(narinfo(b), good);
        resign(b, text -> text.replaceAll("(?m)^URL: .*", "URL: " + other.url()).replaceAll("(?m)^FileHash: .*", "FileHash: " + other.fileHash())
                .replaceAll("(?m)^FileSize: .*", "FileSize: " + other.fileSize()).replaceAll("(?m)^NarHash: .*", "NarHash: " + other.narHash())
                .replaceAll("(?m)^NarSize: .*", "NarSize: " + other.narSize()));
        why = failures(proof(cache).cache(built, any -> true));
        assertTrue(why.toString().contains("its NarHash is " + other.narHash() + ", built was " + closure.get(b).narHash()), why.toString());
        proof(cache).cache(release("2.95.0", new TreeMap<>()), any -> true).orFail(); // nothing tells otherwise
        Files.writeString(narinfo(b), good);
        proof(cache).cache(built, any -> true).orFail();
    }

    @Test
    void whatIsMissingIsNamedWithWhoRefersToIt() throws IOException {
        Files.delete(narinfo(named("a")));
        Files.delete(narinfo(top));
        List<String> why = failures(proof(cache).cache(release("2.95.0", closure), any -> true));
        assertEquals(2, why.size(), why.toString());
        assertTrue(why.toString().contains(named("a") + ", and " + named("b") + " refers to it") && why.toString().contains(top + ", and the release names it"), why.toString());
    }

    // --- what was proved before

    /** The pointer names a release that has all but the top of this one. */
    private BuiltRelease pointedAt(String version) throws IOException {
        BuiltRelease release = release(version, closure);
        Files.createDirectories(cache.file("releases", "lix/lix-" + version));
        Files.write(cache.file("releases", "manifest.nix"), manifest());
        Files.write(cache.file("releases", "lix/lix-" + version + "/release.json"), release.json());
        at(cache.file("releases", "manifest.nix"), POINTED);
        at(cache.file("releases", "lix/lix-" + version + "/release.json"), BEFORE);
        cache.log.clear();
        return release;
    }

    private void assertNars(int got, int askedForTheirSize, BuiltRelease built) {
        cache.log.clear();
        proof(cache).sparing(sparing()).cache(built, any -> true).orFail();
        assertEquals(got + " " + askedForTheirSize, cache.asked("GET nar/", "") + " " + cache.asked("HEAD nar/", ""), cache.log.toString());
        assertEquals(3, cache.asked("GET", ".narinfo"), "narinfo and signature, always");
    }

    @Test
    @DisplayName("what the release holds that the pointer names is proved by metadata; what is new, and what is asked for by name, by its bytes")
    void whatWasProvedBeforeIsProvedByMetadata() throws IOException {
        BuiltRelease built = pointedAt("2.95.0");
        assertNars(0, 3, built);
        assertTrue(said.toString().contains("3 store paths belong to 2.95.0, which manifest.nix names: proved by narinfo, signature and size"), said.toString());
        cache.log.clear();
        proof(cache).cache(built, any -> true).orFail();
        assertEquals("3 0", cache.asked("GET nar/", "") + " " + cache.asked("HEAD nar/", ""), "not sparing");

        // New is a path that release did not hold, and one it held with another NAR.
        SortedMap<String, Nix.PathInfo> fewer = new TreeMap<>(closure);
        Nix.PathInfo a = fewer.get(named("a"));
        fewer.put(a.path(), new Nix.PathInfo(a.path(), "sha256:" + Base32.encode(new byte[32]), a.narSize(), a.references()));
        Files.write(cache.file("releases", "lix/lix-2.95.0/release.json"), release("2.95.0", fewer).json());
        at(cache.file("releases", "lix/lix-2.95.0/release.json"), BEFORE);
        assertNars(1, 2, built);
    }

    @Test
    @DisplayName("metadata finds what is missing or of another size, and bytes what has the same size")
    void metadataFindsWhatIsMissingOrOfAnotherSize() throws IOException {
        BuiltRelease built = pointedAt("2.95.0");
        Path nar = cache.file("cache", Narinfo.parse(Files.readString(narinfo(named("a")))).url());
        byte[] bytes = Files.readAllBytes(nar);
        byte[] flipped = bytes.clone();
        flipped[bytes.length / 2] ^= 1;
        Files.write(nar, flipped);
        at(nar, BEFORE); // a disk that rots
        proof(cache).sparing(sparing()).cache(built, any -> true).orFail();
        assertTrue(failures(proof(cache).cache(built, any -> true)).toString().contains("is not the NAR of " + named("a")));
        Files.write(nar, new byte[bytes.length + 1]);
        at(nar, BEFORE);
        assertTrue(failures(proof(cache).sparing(sparing()).cache(built, any -> true)).toString().contains("it has " + (bytes.length + 1) + " bytes"));
        Files.delete(nar);
        assertTrue(failures(proof(cache).sparing(sparing()).cache(built, any -> true)).toString().contains("is missing"));
    }

    @Test
    @DisplayName("what was written after the pointer moved counts as new: a run that sent it again may have been killed before it had proved it")
    void whatWasWrittenAfterThePointerMovedCountsAsNew() throws IOException {
        BuiltRelease built = pointedAt("2.95.0");
        Path nar = cache.file("cache", Narinfo.parse(Files.readString(narinfo(named("a")))).url());
        for (Instant late : List.of(POINTED, POINTED.plusSeconds(1))) {
            at(nar, late);
            assertNars(1, 3, built);
        }
        byte[] flipped = Files.readAllBytes(nar);
        flipped[flipped.length / 2] ^= 1;
        Files.write(nar, flipped);
        at(nar, POINTED.plusSeconds(60));
        assertTrue(failures(proof(cache).sparing(sparing()).cache(built, any -> true)).toString().contains("is not the NAR of " + named("a")));
    }

    @Test
    @DisplayName("a pointer that cannot be read, names no version or several, was written by hand, or names a release without closure proves nothing")
    void aPointerThatTellsNothingProvesNothing() throws IOException {
        BuiltRelease built = release("2.95.0", closure);
        assertNars(3, 0, built);
        pointedAt("2.95.0");
        Path pointer = cache.file("releases", "manifest.nix");
        Path json = cache.file("releases", "lix/lix-2.95.0/release.json");
        byte[] whole = Files.readAllBytes(json);
        for (String text : List.of("", "<html>", "{ }", "{ x86_64-linux = \"/nix/store/" + "0".repeat(32) + "-hello-1.0\"; }", "{ x86_64-linux = \"" + top + "-x\"; }",
                "# another\n{ x86_64-linux = \"" + top + "\"; }",
                "{ a-linux = \"" + top + "\"; b-linux = \"" + top.replace("2.95.0", "2.95.1") + "\"; }")) {
            Files.writeString(pointer, text);
            at(pointer, POINTED);
            assertNars(3, 0, built);
        }
        Files.write(pointer, manifest());
        at(pointer, POINTED);
        assertNars(0, 3, built);
        List<byte[]> others = List.of("{".getBytes(), release("2.95.0", new TreeMap<>()).json(), release("2.95.1", closure).json());
        for (byte[] other : others) {
            Files.write(json, other);
            at(json, BEFORE);
            assertNars(3, 0, built);
        }
        Files.write(json, whole); // put there after the pointer had moved: nothing of it was proved then
        at(json, POINTED);
        assertNars(3, 0, built);
        Files.delete(json);
        assertNars(3, 0, built);
    }
}
