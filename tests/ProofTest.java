import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import lib.base.Fault;
import lib.config.Environment;
import lib.config.Project;
import lib.http.Network;
import lib.proof.Fetcher;
import lib.proof.Proof;
import lib.publish.Folder;
import lib.publish.Item;
import lib.publish.Versions;
import lib.release.BuiltRelease;
import lib.release.Envelope;
import lib.release.Version;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Hazard 26: every test breaks something of what is published, and the proof must name it. */
class ProofTest {

    private static final String FOLDER = Proving.FOLDER;

    @RegisterExtension
    static final Proving.Whole WHOLE = new Proving.Whole();

    @RegisterExtension
    final Proving sample = new Proving(WHOLE);

    // --- what is whole

    @Test
    void aWholeReleaseIsProvedAsAnybody() {
        assumeTrue(sample.anonymous, "this server answers nobody without keys");
        Environment open = sample.environment(sample.urls());
        Proof proof = new Proof(Fetcher.of(open, Optional.empty(), Network.PLAIN, "releases", "cache", "docs"), open, Project.LIX, Optional.empty(), Proving.console(sample.said));
        BuiltRelease released = proof.released(Version.of("2.95.0")).orElseThrow();
        assertEquals(sample.built, released);
        proof.artifacts(released).cache(released, any -> true).manual(released, "2.95").manual(released, "stable").manifest(released).orFail();
        assertTrue(sample.said.stream().anyMatch(line -> line.contains("proved: release files")), sample.said.toString());
    }

    @Test
    void aWholeReleaseIsProvedThroughTheStore() {
        sample.own("docs");
        Environment closed = sample.environment(Map.of());
        Fetcher keyed = Fetcher.of(closed, Optional.of(sample.store.open()), Network.PLAIN, "releases", "cache", "docs");
        new Proof(keyed, closed, Project.LIX, Optional.empty(), Proving.console(sample.said)).artifacts(sample.built).cache(sample.built, any -> true).manual(sample.built, "2.95").orFail();
        sample.delete("docs", "manual/lix/2.95/index.html");
        sample.assertFound(new Proof(keyed, closed, Project.LIX, Optional.empty(), Proving.console(sample.said)).manual(sample.built, "2.95"), 1,
                "s3://" + sample.bucket("docs") + "/manual/lix/2.95/index.html: is missing");
        assertEquals("missing", new Proof(keyed, closed, Project.LIX, Optional.empty(), Proving.console(sample.said)).released(Version.of("2.95.1")).map(Object::toString).orElse("missing"));
    }

    @Test
    void aLargeObjectIsStreamedFromTheStoreAndGivenUpWhenNobodyReadsOn() throws Exception {
        byte[] large = new byte[9 << 20];
        new java.util.Random(5).nextBytes(large);
        sample.store.put("releases", "large", large);
        sample.broken.add("releases");
        Environment closed = sample.environment(Map.of());
        Fetcher keyed = Fetcher.of(closed, Optional.of(sample.store.open()), Network.PLAIN, "releases", "cache", "docs");
        try (InputStream in = keyed.open("releases", "large")) {
            assertEquals(sample.sha256(large), sample.sha256(in.readAllBytes()));
            assertEquals(-1, in.read());
        }
        try (InputStream in = keyed.open("releases", "large")) {
            assertEquals(large[0] & 0xff, in.read());
        }
        for (Thread thread : Thread.getAllStackTraces().keySet()) {
            if (thread.getName().equals("proof download")) {
                thread.join(Duration.ofSeconds(20).toMillis());
                assertFalse(thread.isAlive(), "the download goes on, and nobody reads");
            }
        }
        assertThrows(Fetcher.NotThere.class, () -> keyed.open("releases", "not there"));
    }

    @Test
    void withoutAddressAndKeysTheProofIsRefused() {
        Map<String, URI> some = Map.of("releases", URI.create("https://releases.example.org"));
        Fault fault = assertThrows(Fault.class, () -> Fetcher.of(sample.environment(some), Optional.empty(), Network.PLAIN, "releases", "cache", "docs"));
        assertEquals(Fault.Kind.REFUSED, fault.kind());
        assertTrue(fault.why().size() == 2 && fault.getMessage().contains(sample.bucket("cache")), fault.getMessage());
    }

    // --- release files and manifest

    @Test
    void anArtifactWithAFlippedByteIsNamedWithBothDigests() {
        String key = FOLDER + "lix-2.95.0.tar.gz";
        byte[] flipped = sample.flipped(sample.get("releases", key));
        sample.put("releases", key, flipped);
        String should = sample.built.below("artifacts/lix/lix-2.95.0").get("lix-2.95.0.tar.gz").sha256();
        sample.assertFound(sample.content(), 1, sample.bucket("releases") + "/" + key, sample.sha256(flipped), should);
    }

    @Test
    @DisplayName("hazard 25: an artifact, a manual page and a checksum that are missing are failures, all reported at once")
    void whatIsMissingIsNamed() {
        String page = sample.built.below("manual").keySet().stream().filter(path -> path.contains("/")).findFirst().orElseThrow();
        sample.delete("releases", FOLDER + "nix-2.95.0-x86_64-linux.tar.xz");
        sample.delete("releases", FOLDER + "lix-2.95.0.tar.gz.sha256");
        sample.delete("docs", "manual/lix/2.95/" + page);
        List<String> why = sample.assertFound(sample.content(), 3, "nix-2.95.0-x86_64-linux.tar.xz: is missing");
        assertTrue(why.toString().contains("lix-2.95.0.tar.gz.sha256: is missing") && why.toString().contains("manual/lix/2.95/" + page + ": is missing"), why.toString());
    }

    @Test
    void aTruncatedArtifactIsNamed() {
        String key = FOLDER + "nix-2.95.0-x86_64-linux.tar.xz";
        byte[] whole = sample.get("releases", key);
        sample.put("releases", key, java.util.Arrays.copyOf(whole, whole.length - 1));
        sample.assertFound(sample.content(), 1, key, "and " + (whole.length - 1) + " bytes", "and " + whole.length);
    }

    @Test
    @DisplayName("hazard 34: a manifest that names the wrong output is found, even where release.json has its digest")
    void aManifestThatNamesTheWrongOutputIsFound() {
        String out = sample.outOf("x86_64-linux");
        String doc = sample.built.jobs().stream().filter(job -> job.outputs().containsValue(out)).findFirst().orElseThrow().outputs().get("doc");
        sample.edit("releases", FOLDER + "manifest.nix", java.util.regex.Pattern.quote(out), doc);
        byte[] wrong = sample.get("releases", FOLDER + "manifest.nix");
        List<String> why = sample.assertFound(sample.content(), 2, FOLDER + "manifest.nix: names " + doc + " for x86_64-linux", "is " + out);
        assertTrue(why.toString().contains(sample.sha256(wrong)), why.toString());
        // As build would have written it, had it been wrong: the digest fits, the name does not.
        List<BuiltRelease.BuiltFile> files = sample.built.files().stream().map(file -> file.path().endsWith("manifest.nix")
                ? new BuiltRelease.BuiltFile(file.path(), wrong.length, sample.sha256(wrong)) : file).toList();
        BuiltRelease misbuilt = new BuiltRelease(sample.built.target(), sample.built.version(), sample.built.name(), sample.built.official(), sample.built.commit(), sample.built.tag(),
                sample.built.system(), sample.built.profile(), files, sample.built.images(), sample.built.jobs());
        sample.put("releases", FOLDER + "release.json", misbuilt.json());
        sample.put("releases", "manifest.nix", wrong);
        sample.assertFound(sample.proof().artifacts(misbuilt), 3, "names " + doc + " for x86_64-linux"); // and neither statement nor checksums know of that
        sample.assertFound(sample.proof().manifest(misbuilt), 1, "names " + doc + " for x86_64-linux");
    }

    @Test
    void aManifestWithoutASystemOrWithSomethingElseIsFound() {
        sample.edit("releases", FOLDER + "manifest.nix", "(?m)^  aarch64-linux.*\n", "");
        sample.assertFound(sample.content(), 2, "names nothing for aarch64-linux");
        sample.put("releases", FOLDER + "manifest.nix", "import <nixpkgs> { }".getBytes());
        sample.assertFound(sample.content(), 2, "is not a manifest", "not an attribute set");
    }

    @Test
    void aReleaseJsonThatIsMissingOrOfAnotherReleaseIsFound() {
        sample.delete("releases", FOLDER + "release.json");
        sample.assertFound(sample.content(), 1, FOLDER + "release.json: is missing");
        sample.put("releases", FOLDER + "release.json", new String(sample.built.json(), StandardCharsets.UTF_8).replace(sample.built.commit(), "0".repeat(40)).getBytes());
        sample.assertFound(sample.content(), 1, "does not describe what was built here");
        sample.put("releases", FOLDER + "release.json", new String(sample.built.json(), StandardCharsets.UTF_8).replace("2.95.0\"", "2.95.1\"").getBytes());
        sample.assertFound(sample.content(), 1, "is of another release: it says version 2.95.1");
    }

    @Test
    void aVersionsJsonOrItsPointerThatTellsOtherwiseIsFound() {
        byte[] published = sample.get("releases", FOLDER + "versions.json");
        String digest = sample.built.below("artifacts/lix/lix-2.95.0").get("lix-2.95.0.tar.gz").sha256();
        String bucket = "s3://" + sample.bucket("releases");
        for (String[] edit : new String[][] {{digest, "0".repeat(64)}, {"\"major\"", "\"more\": 1, \"major\""}, {"\\{", " {"},
            {bucket + "/" + FOLDER + "lix-2.95.0.tar.gz", "https://elsewhere.example/" + FOLDER + "lix-2.95.0.tar.gz"}, {"-lix-2.95.0\"", "-lix-2.94.0\""}}) {
            sample.put("releases", FOLDER + "versions.json", published);
            sample.edit("releases", FOLDER + "versions.json", edit[0], edit[1]);
            sample.assertFound(sample.content(), 1, FOLDER + "versions.json: has sha256 " + sample.sha256(sample.get("releases", FOLDER + "versions.json")));
        }
        sample.put("releases", FOLDER + "versions.json", "no JSON".getBytes());
        sample.assertFound(sample.content(), 1, FOLDER + "versions.json: has sha256");
        sample.delete("releases", FOLDER + "versions.json");
        sample.assertFound(sample.content(), 1, FOLDER + "versions.json: is missing");

        String right = new Versions(sample.built, Project.LIX, sample.environment()).json();
        sample.put("releases", "lix/latest.json", right.getBytes(StandardCharsets.UTF_8));
        Folder latest = new Folder("latest.json", sample.store.open(), sample.bucket("releases"), "", new TreeMap<>(Map.of("lix/latest.json", new Item.Text(right))), Folder.Mode.POINTER);
        sample.proof().pointer(Optional.of(sample.built), latest).orFail();
        sample.edit("releases", "lix/latest.json", "2[.]95[.]0", "2.94.0");
        sample.assertFound(sample.proof().pointer(Optional.of(sample.built), latest), 1, "lix/latest.json: has sha256", "expected " + sample.sha256(right.getBytes(StandardCharsets.UTF_8)));
        sample.delete("releases", "lix/latest.json");
        sample.assertFound(sample.proof().pointer(Optional.of(sample.built), latest), 1, "lix/latest.json: is missing");
    }

    private Proof version() {
        Environment closed = sample.environment(Map.of());
        Proof proof = new Proof(Fetcher.of(closed, Optional.of(sample.store.open()), Network.PLAIN, "releases", "cache", "docs"), closed, Project.LIX, Optional.empty(), Proving.console(sample.said));
        proof.version(Version.of("2.95.0"), any -> false);
        return proof;
    }

    @Test
    void aPageOfAnotherRelengIsSaidAndOneThatIsMissingFoundWhereThereIsProvenance() {
        version().orFail();
        assertTrue(sample.said.toString().contains(", page 1"), sample.said.toString());
        sample.edit("releases", FOLDER + "index.html", "With Nix", "Without Nix");
        version().orFail();
        assertTrue(sample.said.toString().contains("not proved: page: ") && sample.said.toString().contains(FOLDER + "index.html: another releng"), sample.said.toString());
        sample.delete("releases", FOLDER + "index.html");
        sample.assertFound(version(), 1, "page: ", FOLDER + "index.html: is missing");
    }

    @Test
    void aPublicAddressThatHasChangedSinceIsSaidAndNoFailure() {
        String published = sample.text("releases", FOLDER + "versions.json");
        sample.put("releases", FOLDER + "versions.json", published.replace("s3://" + sample.bucket("releases"), "https://old.example.org").getBytes(StandardCharsets.UTF_8));
        sample.sign(Envelope.parse(sample.get("releases", FOLDER + Proving.STATEMENT)).payload(), sample.key());
        sample.content().orFail();
        assertTrue(sample.said.toString().contains("not proved: release files: the addresses in ") && sample.said.toString().contains("begin with https://old.example.org, those of test with "),
                sample.said.toString());
    }

    // --- manual and pointers

    @Test
    void aManualPageWithOtherBytesIsFound() {
        sample.put("docs", "manual/lix/2.95/index.html", "of 2.94".getBytes());
        sample.assertFound(sample.content(), 1, "manual/lix/2.95/index.html: has sha256 " + sample.sha256("of 2.94".getBytes()));
    }

    @Test
    void everythingThatIsWrongIsReportedAtOnce() {
        String path = sample.outOf("aarch64-linux");
        sample.put("releases", FOLDER + "lix-2.95.0.tar.gz", "x".getBytes());
        sample.edit("cache", sample.key(path), "Sig: .*\n", "");
        sample.delete("cache", sample.narinfo(path).url());
        sample.delete("docs", "manual/lix/2.95/index.html");
        sample.checkout.at(sample.remote).git("tag", "--delete", "2.95.0");
        List<String> why = sample.assertFound(sample.content(), 5, "lix-2.95.0.tar.gz");
        assertEquals(List.of("release files", "cache", "cache", "manual 2.95", "tag"), why.stream().map(text -> text.replaceAll(": .*", "")).toList());
    }

    @Test
    void pointersThatWereNotMovedAreFound() {
        sample.pointers().orFail();
        sample.put("releases", "manifest.nix", "{ x86_64-linux = \"/nix/store/00000000000000000000000000000000-lix-2.94.0\"; }".getBytes());
        sample.put("docs", "manual/lix/stable/index.html", "of 2.94".getBytes());
        List<String> why = sample.assertFound(sample.pointers(), 4, "/manifest.nix: has sha256");
        assertTrue(why.toString().contains("manual/lix/stable/index.html: has sha256") && why.toString().contains("names nothing for aarch64-linux"), why.toString());
        sample.delete("releases", "manifest.nix");
        sample.assertFound(sample.pointers(), 2, "/manifest.nix: is missing");
    }

    @Test
    void whatMayBeStaleOnTheWayIsAskedForAgain() throws Exception {
        sample.put("releases", "manifest.nix", "old".getBytes());
        Environment environment = sample.environment(sample.anonymous ? sample.urls() : Map.of());
        Fetcher fetcher = Fetcher.of(environment, Optional.of(sample.store.open()), Network.PLAIN, "releases", "cache", "docs");
        AtomicInteger asked = new AtomicInteger();
        // Shows the old bytes once, as a cache on the way does, and the new ones afterwards.
        Fetcher stale = new Fetcher() {
            @Override
            public InputStream open(String role, String key) throws IOException {
                InputStream old = fetcher.open(role, key);
                if (asked.incrementAndGet() == 1) {
                    byte[] bytes = old.readAllBytes();
                    old.close();
                    sample.put("releases", "manifest.nix", sample.whole.get("releases", "manifest.nix"));
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
        new Proof(stale, environment, Project.LIX, Optional.empty(), Proving.console(sample.said)).patience(Duration.ofSeconds(60)).manifest(sample.built).orFail();
        assertTrue(asked.get() > 1, "asked again");
    }

    // --- what cannot be proved

    @Test
    @DisplayName("hazard 26: a proof of nothing is a failure")
    void aProofOfNothingIsAFailure() {
        sample.assertFound(sample.proof(), 1, "there was nothing to check");
        BuiltRelease empty = new BuiltRelease(sample.built.target(), sample.built.version(), sample.built.name(), true, sample.built.commit(), sample.built.tag(),
                sample.built.system(), sample.built.profile(), List.of(), List.of(), List.of());
        sample.put("releases", FOLDER + "release.json", empty.json());
        sample.assertFound(sample.proof().manual(empty, "2.95"), 1, "no index.html");
        sample.assertFound(sample.proof().cache(empty, any -> true), 1, "no store path is known");
        sample.assertFound(sample.proof().manifest(empty), 2, "no manifest.nix");
        sample.assertFound(sample.proof().check("images", findings -> { }), 1, "images: there was nothing to check");
        sample.assertFound(sample.proof().check("images", findings -> {
            throw new IllegalStateException("a bug");
        }), 1, "images: java.lang.IllegalStateException: a bug");
    }

    @Test
    void ofAVersionWithoutReleaseJsonWhatCanBeProvedIs() {
        sample.delete("releases", FOLDER + "release.json");
        sample.delete("releases", FOLDER + "lix-2.95.0-docker-image-x86_64-linux.tar.gz");
        sample.delete("releases", FOLDER + "lix-2.95.0-docker-image-x86_64-linux.tar.gz.sha256");
        Version version = Version.of("2.95.0");
        assertTrue(sample.proof().released(version).isEmpty());
        sample.proof().oldRelease(version, any -> true).orFail();
        assertTrue(sample.said.toString().contains("not proved: old release: which files there should be"), sample.said.toString());
        assertTrue(sample.said.toString().contains("docker-image-x86_64-linux.tar.gz: is not there"), sample.said.toString());

        String reference = "/nix/store/" + sample.narinfo(sample.outOf("x86_64-linux")).references().stream().filter(name -> name.contains("lix-util")).findFirst().orElseThrow();
        sample.put("releases", FOLDER + "lix-2.95.0.tar.gz", "x".getBytes());
        sample.delete("releases", FOLDER + "nix-2.95.0-aarch64-linux.tar.xz");
        sample.delete("cache", sample.key(reference));
        sample.delete("docs", "manual/lix/2.95/index.html");
        List<String> why = sample.assertFound(sample.proof().oldRelease(version, any -> true), 4, "lix-2.95.0.tar.gz: has sha256 " + sample.sha256("x".getBytes()));
        for (String text : List.of("nix-2.95.0-aarch64-linux.tar.xz: is missing", sample.key(reference) + ": is missing", "2.95/index.html: is missing")) {
            assertTrue(why.toString().contains(text), text + "\nnot in\n" + why);
        }
    }

    @Test
    @DisplayName("hazard 34: an old release's manifest with the output -debug is found")
    void anOldReleaseWithTheWrongOutputIsFound() {
        sample.edit("releases", FOLDER + "manifest.nix", "-lix-2.95.0\"", "-lix-2.95.0-debug\"");
        List<String> why = sample.assertFound(sample.proof().oldRelease(Version.of("2.95.0"), any -> true), 2, "-debug for ", "which is not called lix-2.95.0");
        assertTrue(why.toString().contains(".narinfo"), why.toString());
        sample.delete("releases", FOLDER + "manifest.nix");
        sample.assertFound(sample.proof().oldRelease(Version.of("2.95.0"), any -> true), 1, FOLDER + "manifest.nix: is missing");
    }
}
