import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.Signature;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import lib.base.Console;
import lib.base.Exec;
import lib.base.Fault;
import lib.base.FileTree;
import lib.config.Environment;
import lib.config.Project;
import lib.http.Network;
import lib.nix.Base32;
import lib.nix.Narinfo;
import lib.proof.Fetcher;
import lib.proof.Proof;
import lib.release.BuiltRelease;
import lib.release.Version;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Hazard 26: the sample is published once; every test breaks something in a bucket of its own, and the proof must name it. */
class ProofTest {

    private static final List<String> ROLES = List.of("releases", "cache", "docs");
    private static final String FOLDER = "lix/lix-2.95.0/";

    @TempDir
    static Path shared;
    private static BuiltRelease built;
    private static String publicKey;
    private static final Store WHOLE = new Store();
    private static Checkout checkout;
    private static Path published;
    private static boolean anonymous;

    @TempDir
    Path folder;
    private final Store store = new Store();
    private final Set<String> broken = new HashSet<>();
    private final List<String> said = new ArrayList<>();
    private Path remote;

    @BeforeAll
    static void publish() throws IOException {
        checkout = Released.copy(shared.resolve("checkout"));
        published = shared.resolve("remote.git");
        checkout.git("init", "--quiet", "--bare", published.toString());
        Path secret = shared.resolve("key");
        Exec.of("nix-store", "--generate-binary-cache-key", "test-1", secret.toString(), shared.resolve("key.pub").toString()).orFail("key", "");
        publicKey = Files.readString(shared.resolve("key.pub")).strip();
        checkout.with("RELENG_SIGNING_KEY", Files.readString(secret));
        checkout.write("releng.json", WHOLE.config(published));
        WHOLE.credentials().forEach(checkout::with);
        Checkout.Run run = checkout.run(new upload(), "--env", "test", "--noconfirm");
        assertEquals(0, run.exit(), run.err());
        built = BuiltRelease.read(checkout.folder.resolve("release"));
        anonymous = WHOLE.anonymousReads();
    }

    @AfterAll
    static void closeWhole() {
        WHOLE.close();
    }

    @BeforeEach
    void copyRemote() {
        remote = folder.resolve("remote.git");
        Exec.of("cp", "-a", published.toString(), remote.toString()).orFail("cp", "");
    }

    @AfterEach
    void close() {
        store.close();
    }

    /** The bucket of a role: this test's own once it has broken something there. */
    private String bucket(String role) {
        return broken.contains(role) ? store.bucket(role) : WHOLE.bucket(role);
    }

    private void own(String role) {
        if (broken.add(role)) {
            store.bucket(role);
            WHOLE.content(role).keySet().parallelStream().forEach(key -> store.client().copyObject(request -> request
                    .sourceBucket(WHOLE.bucket(role)).sourceKey(key).destinationBucket(store.bucket(role)).destinationKey(key)));
        }
    }

    private void put(String role, String key, byte[] bytes) {
        own(role);
        store.put(role, key, bytes);
    }

    private byte[] get(String role, String key) {
        return (broken.contains(role) ? store : WHOLE).get(role, key);
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

    private Environment environment(Map<String, URI> urls) {
        return new Environment("test", bucket("releases"), bucket("cache"), bucket("docs"), WHOLE.bucket("install"),
                Optional.of(store.endpoint()), store.region(), List.of(), Optional.empty(), false, Optional.of(publicKey), urls, Optional.empty(), false);
    }

    private Map<String, URI> urls() {
        Map<String, URI> urls = new HashMap<>();
        ROLES.forEach(role -> urls.put(role, URI.create(store.endpoint() + "/" + bucket(role))));
        return urls;
    }

    /** As anybody, where the server lets anybody; else with keys. */
    private Proof proof() {
        Environment environment = environment(anonymous ? urls() : Map.of());
        return new Proof(Fetcher.of(environment, Optional.of(store.open()), Network.PLAIN, "releases", "cache", "docs"), environment, Project.LIX, Optional.empty(), console(said));
    }

    private Proof content() {
        return proof().artifacts(built).cache(built, any -> true).manual(built, "2.95")
                .tag(remote.toString(), built.version(), Optional.of(built.commit()), true, Optional.empty(), checkout.env());
    }

    private Proof pointers() {
        return proof().manual(built, "stable").manifest(built);
    }

    /** The proof fails with this many failures, among them one with all of these words. */
    private List<String> assertFound(Proof proof, int count, String... words) {
        Fault fault = assertThrows(Fault.class, proof::orFail, () -> "nothing was found of " + List.of(words));
        assertEquals("what was published is not what was built", fault.what());
        assertTrue(fault.why().stream().anyMatch(why -> List.of(words).stream().allMatch(why::contains)),
                List.of(words) + "\nnot in\n" + String.join("\n", fault.why()));
        assertEquals(count, fault.why().size(), String.join("\n", fault.why()));
        return fault.why();
    }

    private void delete(String role, String key) {
        own(role);
        store.client().deleteObject(request -> request.bucket(store.bucket(role)).key(key));
    }

    private static byte[] flipped(byte[] bytes) {
        byte[] other = bytes.clone();
        other[other.length / 2] ^= 1;
        return other;
    }

    private static String sha256(byte[] bytes) {
        return java.util.HexFormat.of().formatHex(FileTree.digest("SHA-256").digest(bytes));
    }

    private static String outOf(String system) {
        return built.jobs().stream().filter(job -> job.attr().endsWith("build." + system)).findFirst().orElseThrow().outputs().get("out");
    }

    private static String key(String path) {
        return path.substring("/nix/store/".length()).substring(0, 32) + ".narinfo";
    }

    private Narinfo narinfo(String path) {
        return Narinfo.parse(text("cache", key(path)));
    }

    private String text(String role, String key) {
        return new String(get(role, key), StandardCharsets.UTF_8);
    }

    private void edit(String role, String key, String pattern, String replacement) {
        String old = text(role, key);
        String edited = old.replaceFirst(pattern, replacement);
        assertFalse(old.equals(edited), pattern + " is not in " + old);
        put(role, key, edited.getBytes(StandardCharsets.UTF_8));
    }

    // --- what is whole

    @Test
    void aWholeReleaseIsProvedAsAnybody() {
        assumeTrue(anonymous, "this server answers nobody without keys");
        Environment open = environment(urls());
        Proof proof = new Proof(Fetcher.of(open, Optional.empty(), Network.PLAIN, "releases", "cache", "docs"), open, Project.LIX, Optional.empty(), console(said));
        BuiltRelease released = proof.released(Version.of("2.95.0")).orElseThrow();
        assertEquals(built, released);
        proof.artifacts(released).cache(released, any -> true).manual(released, "2.95").manual(released, "stable").manifest(released).orFail();
        assertTrue(said.stream().anyMatch(line -> line.contains("proved: release files")), said.toString());
    }

    @Test
    void aWholeReleaseIsProvedThroughTheStore() {
        own("docs");
        Environment closed = environment(Map.of());
        Fetcher keyed = Fetcher.of(closed, Optional.of(store.open()), Network.PLAIN, "releases", "cache", "docs");
        new Proof(keyed, closed, Project.LIX, Optional.empty(), console(said)).artifacts(built).cache(built, any -> true).manual(built, "2.95").orFail();
        delete("docs", "manual/lix/2.95/index.html");
        assertFound(new Proof(keyed, closed, Project.LIX, Optional.empty(), console(said)).manual(built, "2.95"), 1,
                "s3://" + bucket("docs") + "/manual/lix/2.95/index.html: is missing");
        assertEquals("missing", new Proof(keyed, closed, Project.LIX, Optional.empty(), console(said)).released(Version.of("2.95.1")).map(Object::toString).orElse("missing"));
    }

    @Test
    void aLargeObjectIsStreamedFromTheStoreAndGivenUpWhenNobodyReadsOn() throws Exception {
        byte[] large = new byte[9 << 20];
        new java.util.Random(5).nextBytes(large);
        store.put("releases", "large", large);
        broken.add("releases");
        Environment closed = environment(Map.of());
        Fetcher keyed = Fetcher.of(closed, Optional.of(store.open()), Network.PLAIN, "releases", "cache", "docs");
        try (InputStream in = keyed.open("releases", "large")) {
            assertEquals(sha256(large), sha256(in.readAllBytes()));
            assertEquals(-1, in.read());
        }
        try (InputStream in = keyed.open("releases", "large")) {
            assertEquals(large[0] & 0xff, in.read());
        }
        long end = System.nanoTime() + Duration.ofSeconds(20).toNanos();
        while (Thread.getAllStackTraces().keySet().stream().anyMatch(thread -> thread.getName().equals("proof download"))) {
            assertTrue(System.nanoTime() < end, "the download goes on");
            Thread.sleep(50); // polled, with an end: the thread ends by itself when it finds that nobody reads
        }
        assertThrows(Fetcher.NotThere.class, () -> keyed.open("releases", "not there"));
    }

    @Test
    void withoutAddressAndKeysTheProofIsRefused() {
        Map<String, URI> some = Map.of("releases", URI.create("https://releases.example.org"));
        Fault fault = assertThrows(Fault.class, () -> Fetcher.of(environment(some), Optional.empty(), Network.PLAIN, "releases", "cache", "docs"));
        assertEquals(Fault.Kind.REFUSED, fault.kind());
        assertTrue(fault.why().size() == 2 && fault.getMessage().contains(bucket("cache")), fault.getMessage());
    }

    // --- release files and manifest

    @Test
    void anArtifactWithAFlippedByteIsNamedWithBothDigests() {
        String key = FOLDER + "lix-2.95.0.tar.gz";
        byte[] flipped = flipped(get("releases", key));
        put("releases", key, flipped);
        String should = built.below("artifacts/lix/lix-2.95.0").get("lix-2.95.0.tar.gz").sha256();
        assertFound(content(), 1, bucket("releases") + "/" + key, sha256(flipped), should);
    }

    @Test
    @DisplayName("hazard 25: an artifact, a manual page and a checksum that are missing are failures, all reported at once")
    void whatIsMissingIsNamed() {
        String page = built.below("manual").keySet().stream().filter(path -> path.contains("/")).findFirst().orElseThrow();
        delete("releases", FOLDER + "nix-2.95.0-x86_64-linux.tar.xz");
        delete("releases", FOLDER + "lix-2.95.0.tar.gz.sha256");
        delete("docs", "manual/lix/2.95/" + page);
        List<String> why = assertFound(content(), 3, "nix-2.95.0-x86_64-linux.tar.xz: is missing");
        assertTrue(why.toString().contains("lix-2.95.0.tar.gz.sha256: is missing") && why.toString().contains("manual/lix/2.95/" + page + ": is missing"), why.toString());
    }

    @Test
    void aTruncatedArtifactIsNamed() {
        String key = FOLDER + "nix-2.95.0-x86_64-linux.tar.xz";
        byte[] whole = get("releases", key);
        put("releases", key, java.util.Arrays.copyOf(whole, whole.length - 1));
        assertFound(content(), 1, key, "and " + (whole.length - 1) + " bytes", "and " + whole.length);
    }

    @Test
    @DisplayName("hazard 34: a manifest that names the wrong output is found, even where release.json has its digest")
    void aManifestThatNamesTheWrongOutputIsFound() {
        String out = outOf("x86_64-linux");
        String doc = built.jobs().stream().filter(job -> job.outputs().containsValue(out)).findFirst().orElseThrow().outputs().get("doc");
        edit("releases", FOLDER + "manifest.nix", java.util.regex.Pattern.quote(out), doc);
        byte[] wrong = get("releases", FOLDER + "manifest.nix");
        List<String> why = assertFound(content(), 2, FOLDER + "manifest.nix: names " + doc + " for x86_64-linux", "is " + out);
        assertTrue(why.toString().contains(sha256(wrong)), why.toString());
        // As build would have written it, had it been wrong: the digest fits, the name does not.
        List<BuiltRelease.BuiltFile> files = built.files().stream().map(file -> file.path().endsWith("manifest.nix")
                ? new BuiltRelease.BuiltFile(file.path(), wrong.length, sha256(wrong)) : file).toList();
        BuiltRelease misbuilt = new BuiltRelease(built.target(), built.version(), built.name(), built.official(), built.commit(), built.tag(),
                built.system(), built.profile(), files, built.images(), built.jobs());
        put("releases", FOLDER + "release.json", misbuilt.json());
        put("releases", "manifest.nix", wrong);
        assertFound(proof().artifacts(misbuilt), 1, "names " + doc + " for x86_64-linux");
        assertFound(proof().manifest(misbuilt), 1, "names " + doc + " for x86_64-linux");
    }

    @Test
    void aManifestWithoutASystemOrWithSomethingElseIsFound() {
        edit("releases", FOLDER + "manifest.nix", "(?m)^  aarch64-linux.*\n", "");
        assertFound(content(), 2, "names nothing for aarch64-linux");
        put("releases", FOLDER + "manifest.nix", "import <nixpkgs> { }".getBytes());
        assertFound(content(), 2, "is no manifest", "not an attribute set");
    }

    @Test
    void aReleaseJsonThatIsMissingOrOfAnotherReleaseIsFound() {
        delete("releases", FOLDER + "release.json");
        assertFound(content(), 1, FOLDER + "release.json: is missing");
        put("releases", FOLDER + "release.json", new String(built.json(), StandardCharsets.UTF_8).replace(built.commit(), "0".repeat(40)).getBytes());
        assertFound(content(), 1, "does not say what was built here");
        put("releases", FOLDER + "release.json", new String(built.json(), StandardCharsets.UTF_8).replace("2.95.0\"", "2.95.1\"").getBytes());
        assertFound(content(), 1, "is of another release: it says version 2.95.1");
    }

    // --- the cache

    @Test
    void aWrongSignatureIsFound() {
        String path = outOf("x86_64-linux");
        char old = text("cache", key(path)).split("Sig: test-1:")[1].charAt(5);
        edit("cache", key(path), "(Sig: test-1:.{5}).", "$1" + (old == 'A' ? 'B' : 'A'));
        assertFound(content(), 1, key(path) + ": the signature by test-1 is not valid", path);
        edit("cache", key(path), "Sig: .*\n", "");
        assertFound(content(), 1, key(path) + ": it is not signed by test-1, but by nobody");
    }

    @Test
    void aSignatureByAnotherKeyIsFoundWhateverItsName() throws Exception {
        String path = outOf("x86_64-linux");
        KeyPair other = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
        Signature signature = Signature.getInstance("Ed25519");
        signature.initSign(other.getPrivate());
        signature.update(narinfo(path).fingerprint().getBytes(StandardCharsets.UTF_8));
        String base64 = Base64.getEncoder().encodeToString(signature.sign());
        edit("cache", key(path), "Sig: .*", "Sig: test-1:" + base64);
        assertFound(content(), 1, key(path) + ": the signature by test-1 is not valid");
        edit("cache", key(path), "Sig: .*", "Sig: other-1:" + base64);
        assertFound(content(), 1, key(path) + ": it is not signed by test-1, but by other-1");
    }

    @Test
    void withoutAnyPublicKeySignaturesAreSaidToBeUnproved() {
        own("cache");
        Environment keyless = new Environment("test", bucket("releases"), bucket("cache"), bucket("docs"), WHOLE.bucket("install"),
                Optional.of(store.endpoint()), store.region(), List.of(), Optional.empty(), false, Optional.empty(), Map.of(), Optional.empty(), false);
        Fetcher keyed = Fetcher.of(keyless, Optional.of(store.open()), Network.PLAIN, "releases", "cache", "docs");
        edit("cache", key(outOf("x86_64-linux")), "Sig: .*\n", "");
        new Proof(keyed, keyless, Project.LIX, Optional.empty(), console(said)).cache(built, any -> true).orFail();
        assertTrue(said.toString().contains("warning: not proved: cache: signatures"), said.toString());
        assertFound(new Proof(keyed, keyless, Project.LIX, Optional.of(publicKey), console(said)).cache(built, any -> true), 1, "is not signed by test-1");
    }

    @Test
    void aNarinfoOfAnotherPathIsFound() {
        String path = outOf("x86_64-linux");
        String other = outOf("aarch64-linux");
        put("cache", key(path), get("cache", key(other)));
        assertFound(content(), 1, key(path) + ": is of " + other, path);
        put("cache", key(path), "<html>not found</html>".getBytes());
        assertFound(content(), 1, key(path) + ": is no narinfo");
    }

    @Test
    @DisplayName("hazard 32: a closure with a hole is found, and who refers into it is named")
    void aClosureWithAHoleIsFound() {
        String path = outOf("x86_64-linux");
        String reference = "/nix/store/" + narinfo(path).references().stream().filter(name -> name.contains("lix-util")).findFirst().orElseThrow();
        assertFalse(built.jobs().stream().anyMatch(job -> job.outputs().containsValue(reference)), "only references lead there");
        delete("cache", key(reference));
        assertFound(content(), 1, key(reference) + ": is missing", reference, " refers to it");
    }

    @Test
    @DisplayName("hazard 33: a NAR that is truncated, has a flipped byte or is gone is found, with its path and digests")
    void aBrokenNarIsFound() {
        String path = outOf("x86_64-linux");
        Narinfo narinfo = narinfo(path);
        byte[] nar = get("cache", narinfo.url());
        put("cache", narinfo.url(), java.util.Arrays.copyOf(nar, nar.length / 2));
        assertFound(content(), 1, narinfo.url() + ": is not the NAR of " + path, "it has " + nar.length / 2 + " bytes", "FileSize is " + nar.length, "cannot be unpacked as zstd");
        put("cache", narinfo.url(), flipped(nar));
        assertFound(content(), 1, narinfo.url(), "sha256:" + Base32.encode(FileTree.digest("SHA-256").digest(flipped(nar))), narinfo.fileHash());
        put("cache", narinfo.url(), new byte[0]);
        assertFound(content(), 1, narinfo.url(), "it has 0 bytes");
        delete("cache", narinfo.url());
        assertFound(content(), 1, narinfo.url() + ": is missing", path);
    }

    @Test
    void aNarThatFitsTheUnsignedFileHashButNotTheSignedNarHashIsFound() {
        String path = outOf("x86_64-linux");
        for (byte[] other : List.of(new byte[(int) narinfo(path).narSize()], new byte[(int) narinfo(path).narSize() + 1], new byte[3])) {
            String key = "nar/other" + other.length + ".nar";
            put("cache", key, other);
            edit("cache", key(path), "URL: .*", "URL: " + key);
            edit("cache", key(path), "Compression: .*|$", "Compression: none");
            String hash = Base32.encode(FileTree.digest("SHA-256").digest(other));
            String narinfo = text("cache", key(path)).replaceFirst("FileHash: .*", "FileHash: sha256:" + hash).replaceFirst("FileSize: .*", "FileSize: " + other.length);
            put("cache", key(path), narinfo.getBytes());
            assertFound(content(), 1, key + ": is not the NAR of " + path, other.length == narinfo(path).narSize() + 1
                    ? "the NAR is longer than" : "the NAR's hash is sha256:" + hash);
            put("cache", key(path), WHOLE.get("cache", key(path)));
        }
    }

    @Test
    void whatIsNotLookedAtInFullIsStillAskedForItsSize() {
        String path = outOf("x86_64-linux");
        Narinfo narinfo = narinfo(path);
        byte[] nar = get("cache", narinfo.url());
        put("cache", narinfo.url(), flipped(nar));
        proof().cache(built, any -> false).orFail();
        assertFound(proof().cache(built, path::equals), 1, narinfo.url());
        put("cache", narinfo.url(), java.util.Arrays.copyOf(nar, nar.length - 1));
        assertFound(proof().cache(built, any -> false), 1, narinfo.url(), "it has " + (nar.length - 1) + " bytes", "FileSize is " + nar.length);
        delete("cache", narinfo.url());
        assertFound(proof().cache(built, any -> false), 1, narinfo.url() + ": is missing", path);
    }

    @Test
    void aCacheOfAnotherStoreOrWithoutItsInfoIsFound() {
        put("cache", "nix-cache-info", "StoreDir: /gnu/store\n".getBytes());
        assertFound(content(), 1, "nix-cache-info: does not say StoreDir: /nix/store");
        delete("cache", "nix-cache-info");
        assertFound(content(), 1, "nix-cache-info: is missing");
    }

    // --- manual and pointers

    @Test
    void aManualPageWithOtherBytesIsFound() {
        put("docs", "manual/lix/2.95/index.html", "of 2.94".getBytes());
        assertFound(content(), 1, "manual/lix/2.95/index.html: has sha256 " + sha256("of 2.94".getBytes()));
    }

    @Test
    void everythingThatIsWrongIsReportedAtOnce() {
        String path = outOf("aarch64-linux");
        put("releases", FOLDER + "lix-2.95.0.tar.gz", "x".getBytes());
        edit("cache", key(path), "Sig: .*\n", "");
        delete("cache", narinfo(path).url());
        delete("docs", "manual/lix/2.95/index.html");
        checkout.at(remote).git("tag", "--delete", "2.95.0");
        List<String> why = assertFound(content(), 5, "lix-2.95.0.tar.gz");
        assertEquals(List.of("release files", "cache", "cache", "manual 2.95", "tag"), why.stream().map(text -> text.replaceAll(": .*", "")).toList());
    }

    @Test
    void pointersThatWereNotMovedAreFound() {
        pointers().orFail();
        put("releases", "manifest.nix", "{ x86_64-linux = \"/nix/store/00000000000000000000000000000000-lix-2.94.0\"; }".getBytes());
        put("docs", "manual/lix/stable/index.html", "of 2.94".getBytes());
        List<String> why = assertFound(pointers(), 4, "/manifest.nix: has sha256");
        assertTrue(why.toString().contains("manual/lix/stable/index.html: has sha256") && why.toString().contains("names nothing for aarch64-linux"), why.toString());
        delete("releases", "manifest.nix");
        assertFound(pointers(), 2, "/manifest.nix: is missing");
    }

    @Test
    void whatMayBeStaleOnTheWayIsAskedForAgain() throws Exception {
        put("releases", "manifest.nix", "old".getBytes());
        Environment environment = environment(anonymous ? urls() : Map.of());
        Fetcher fetcher = Fetcher.of(environment, Optional.of(store.open()), Network.PLAIN, "releases", "cache", "docs");
        AtomicInteger asked = new AtomicInteger();
        // Shows the old bytes once, as a cache on the way does, and the new ones afterwards.
        Fetcher stale = new Fetcher() {
            @Override
            public InputStream open(String role, String key) throws IOException {
                InputStream old = fetcher.open(role, key);
                if (asked.incrementAndGet() == 1) {
                    byte[] bytes = old.readAllBytes();
                    old.close();
                    put("releases", "manifest.nix", WHOLE.get("releases", "manifest.nix"));
                    return new java.io.ByteArrayInputStream(bytes);
                }
                return old;
            }

            @Override
            public long size(String role, String key) throws IOException {
                return fetcher.size(role, key);
            }

            @Override
            public String name(String role, String key) {
                return fetcher.name(role, key);
            }
        };
        new Proof(stale, environment, Project.LIX, Optional.empty(), console(said)).patience(Duration.ofSeconds(60)).manifest(built).orFail();
        assertTrue(asked.get() > 1, "asked again");
    }

    // --- what cannot be proved

    @Test
    @DisplayName("hazard 26: a proof of nothing is a failure")
    void aProofOfNothingIsAFailure() {
        assertFound(proof(), 1, "there was nothing to look at");
        BuiltRelease empty = new BuiltRelease(built.target(), built.version(), built.name(), true, built.commit(), built.tag(),
                built.system(), built.profile(), List.of(), List.of(), List.of());
        put("releases", FOLDER + "release.json", empty.json());
        assertFound(proof().manual(empty, "2.95"), 1, "no index.html");
        assertFound(proof().cache(empty, any -> true), 1, "no store path is known");
        assertFound(proof().manifest(empty), 2, "no manifest.nix");
        assertFound(proof().check("images", findings -> { }), 1, "images: there was nothing to look at");
        assertFound(proof().check("images", findings -> {
            throw new IllegalStateException("a bug");
        }), 1, "images: java.lang.IllegalStateException: a bug");
    }

    @Test
    void ofAVersionWithoutReleaseJsonWhatCanBeProvedIs() {
        delete("releases", FOLDER + "release.json");
        delete("releases", FOLDER + "lix-2.95.0-docker-image-x86_64-linux.tar.gz");
        delete("releases", FOLDER + "lix-2.95.0-docker-image-x86_64-linux.tar.gz.sha256");
        Version version = Version.of("2.95.0");
        assertTrue(proof().released(version).isEmpty());
        proof().oldRelease(version, any -> true).orFail();
        assertTrue(said.toString().contains("not proved: old release: which files there should be"), said.toString());
        assertTrue(said.toString().contains("docker-image-x86_64-linux.tar.gz: is not there"), said.toString());

        String reference = "/nix/store/" + narinfo(outOf("x86_64-linux")).references().stream().filter(name -> name.contains("lix-util")).findFirst().orElseThrow();
        put("releases", FOLDER + "lix-2.95.0.tar.gz", "x".getBytes());
        delete("releases", FOLDER + "nix-2.95.0-aarch64-linux.tar.xz");
        delete("cache", key(reference));
        delete("docs", "manual/lix/2.95/index.html");
        List<String> why = assertFound(proof().oldRelease(version, any -> true), 4, "lix-2.95.0.tar.gz: has sha256 " + sha256("x".getBytes()));
        for (String text : List.of("nix-2.95.0-aarch64-linux.tar.xz: is missing", key(reference) + ": is missing", "2.95/index.html: is missing")) {
            assertTrue(why.toString().contains(text), text + "\nnot in\n" + why);
        }
    }

    @Test
    @DisplayName("hazard 34: an old release's manifest with the output -debug is found")
    void anOldReleaseWithTheWrongOutputIsFound() {
        edit("releases", FOLDER + "manifest.nix", "-lix-2.95.0\"", "-lix-2.95.0-debug\"");
        List<String> why = assertFound(proof().oldRelease(Version.of("2.95.0"), any -> true), 2, "-debug for ", "which is not called lix-2.95.0");
        assertTrue(why.toString().contains(".narinfo"), why.toString());
        delete("releases", FOLDER + "manifest.nix");
        assertFound(proof().oldRelease(Version.of("2.95.0"), any -> true), 1, FOLDER + "manifest.nix: is missing");
    }
}
