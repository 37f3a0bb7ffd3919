import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import lib.base.FileTree;
import lib.base.Json;
import lib.oci.ImageIndex;
import lib.release.BuiltRelease;
import org.jsoup.Jsoup;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Two versions on one store: what users follow without naming one. */
class PointersTest {

    @TempDir
    Path folder;

    private Managers managers;
    private Store store;
    private Checkout old;
    private Checkout young;

    @BeforeEach
    void releases() throws IOException {
        managers = new Managers(folder);
        store = managers.store;
        old = managers.release("2.95.0");
        young = managers.release("2.96.0");
    }

    @AfterEach
    void close() {
        managers.close();
    }

    private static Checkout.Run upload(Checkout checkout, String... arguments) {
        return Managers.upload(checkout, arguments);
    }

    private static Checkout.Run assertDone(Checkout.Run run) {
        assertEquals(0, run.exit(), run.err());
        return run;
    }

    private String pointer() {
        return managers.manifest();
    }

    private String latest() {
        return new String(store.get("releases", "lix/latest.json"), StandardCharsets.UTF_8);
    }

    /** What the page of all versions lists, the newest first, and what it says of each. */
    private List<String> listed() {
        return Jsoup.parse(new String(store.get("releases", "lix/index.html"), StandardCharsets.UTF_8)).select("tbody tr").stream()
                .map(row -> (row.selectFirst("th").text() + " " + row.selectFirst(".state").text()).strip()).toList();
    }

    private Map<String, String> stable() {
        return managers.manual("stable");
    }

    @Test
    @DisplayName("hazards 2 and 29: a maintenance release is published whole and leaves the pointers at the newer one")
    void aMaintenanceReleaseIsPublishedAndLeavesThePointers() {
        assertDone(upload(young));
        Map<String, String> stable = stable();
        String manifest = pointer();
        Checkout.Run run = assertDone(upload(old));
        assertTrue(Stream.of("manifest", "latest.json", "stable").allMatch(name -> run.err().contains("'" + name + "' stays there")), run.err());
        assertEquals(stable, stable());
        assertTrue(latest().contains("\"version\": \"2.96.0\""), latest());
        assertEquals(manifest, pointer());
        assertTrue(manifest.contains("lix-2.96.0"), manifest);
        assertTrue(store.content("releases").containsKey("lix/lix-2.95.0/lix-2.95.0.tar.gz"));
        assertTrue(store.content("docs").containsKey("manual/lix/2.95/index.html"));

        assertEquals(List.of("2.96.0 current", "2.95.0"), listed());
        String key = old.env().remove("RELENG_SIGNING_KEY");
        assertTrue(assertDone(upload(old, "--plan")).err().contains("nothing to do"), "the page names a key that no plan has");
        old.env().put("RELENG_SIGNING_KEY", key);

        assertDone(upload(old, "--move-pointers", "stable"));
        assertNotEquals(stable, stable());
        assertEquals(manifest, pointer());
    }

    @Test
    void pointToMovesEveryPointerAndBackAndDeletesNothingElse() throws IOException {
        assertDone(upload(old));
        Map<String, String> oldStable = stable();
        String oldManifest = pointer();
        assertArrayEquals(store.get("releases", "lix/lix-2.95.0/versions.json"), store.get("releases", "lix/latest.json"));
        assertDone(upload(young));
        Map<String, String> youngStable = stable();
        String youngManifest = pointer();
        assertNotEquals(oldStable, youngStable);
        FileTree.remove(young.folder.resolve("release")); // what is published is enough

        Checkout.Run plan = assertDone(upload(young, "--point-to", "2.95.0", "--plan"));
        assertTrue(plan.out().contains("replace s3://" + store.bucket("releases") + "/manifest.nix"), plan.out());
        assertEquals(youngManifest, pointer());
        Checkout.Run refused = young.answering("no\n", new upload(), "--env", "test", "--point-to", "2.95.0");
        assertEquals(3, refused.exit(), refused.err());

        Map<String, String> releases = store.content("releases");
        assertEquals(List.of("2.96.0 current", "2.95.0"), listed());
        assertDone(upload(young, "--point-to", "2.95.0"));
        assertEquals(List.of("2.96.0", "2.95.0 current"), listed());
        assertEquals(oldManifest, pointer());
        assertArrayEquals(store.get("releases", "lix/lix-2.95.0/versions.json"), store.get("releases", "lix/latest.json"));
        assertEquals(oldStable, stable());
        assertTrue(assertDone(upload(young, "--point-to", "2.95.0")).err().contains("nothing to do"));
        assertDone(upload(young, "--point-to", "2.96.0"));
        assertEquals(youngManifest, pointer());
        assertEquals(youngStable, stable());
        assertEquals(releases, store.content("releases"));
    }

    @Test
    void latestJsonSaysItselfWhereItIs() {
        assertDone(upload(young));
        String newest = latest();
        store.client().deleteObject(request -> request.bucket(store.bucket("releases")).key("manifest.nix")); // as after a run killed before its last write
        Checkout.Run run = assertDone(upload(old));
        assertTrue(run.err().contains("latest.json is at 2.96.0: 'latest.json' stays there; --move-pointers manifest would move it"), run.err());
        assertEquals(newest, latest());
        assertTrue(pointer().contains("-lix-2.95.0"), pointer());
        for (String damaged : List.of("{}", "2.96.0", "{\"version\": \"newest\"}")) {
            store.put("releases", "lix/latest.json", damaged.getBytes(StandardCharsets.UTF_8));
            Checkout.Run refused = upload(young);
            assertEquals(3, refused.exit(), refused.err());
            assertTrue(refused.err().contains("/lix/latest.json does not state its version") && refused.err().contains(damaged), refused.err());
        }
        assertDone(upload(young, "--move-pointers", "manifest"));
        assertEquals(newest, latest());
    }

    @Test
    void aVersionWithoutReleaseJsonLeavesLatestJsonAndSaysSo() {
        assertDone(upload(old));
        assertDone(upload(young));
        String newest = latest();
        for (String file : List.of("release.json", "versions.json")) {
            store.client().deleteObject(request -> request.bucket(store.bucket("releases")).key("lix/lix-2.95.0/" + file));
        }
        Checkout.Run run = assertDone(upload(young, "--point-to", "2.95.0"));
        assertTrue(run.err().contains("'latest.json' stays where it is: 2.95.0 was published without the release.json that it is made of"), run.err());
        assertEquals(newest, latest());
        assertTrue(pointer().contains("-lix-2.95.0"), pointer());
    }

    @Test
    void pointToFindsMissingRightsBeforeItFetchesAnything() throws IOException {
        assertDone(upload(old));
        try (FaultProxy readOnly = new FaultProxy(store.endpoint()).arm(FaultProxy.Fault.FORBIDDEN_403, FaultProxy.Request::writes)) {
            old.write("releng.json", old.read("releng.json").replace(store.endpoint().toString(), readOnly.endpoint().toString()));
            Checkout.Run run = upload(old, "--point-to", "2.95.0");
            assertEquals(3, run.exit(), run.err());
            assertTrue(run.err().contains(store.bucket("releases") + " cannot be written") && run.err().contains(store.bucket("docs") + " cannot be written"), run.err());
            assertEquals(2, readOnly.log().size(), readOnly.log().toString());
        }
    }

    @Test
    @DisplayName("hazards 2, 26 and 29: image tags follow the same rules, and what verify says of images is what is there")
    void imageTagsFollowTheSameRules() throws IOException {
        try (DockerRegistry registry = DockerRegistry.withPassword(folder.resolve("registry"))) {
            Path login = Files.writeString(folder.resolve("auth.json"), registry.login());
            String images = registry.host() + "/lix/lix";
            for (Checkout checkout : List.of(old, young)) {
                checkout.write("releng.json", store.config(folder.resolve(checkout == old ? "2.95.0.git" : "2.96.0.git"), images));
                checkout.with("REGISTRY_AUTH_FILE", login.toString());
            }
            assertTrue(assertDone(upload(young, "--plan")).out().contains("create " + images + ":2.96.0 "));
            assertEquals(Map.of(), FileTree.files(registry.data()), "hazard 30: a plan does not even begin an upload");
            String key = young.env().remove("RELENG_SIGNING_KEY");
            String attestation = "sha256-" + ImageIndex.of(BuiltRelease.read(young.folder.resolve("release")).images()).index().digest().substring(7);
            assertTrue(assertDone(upload(young, "--plan")).out().contains("    create manifest in " + images + "\n"), "its digest is not known without the signing key");
            young.with("RELENG_SIGNING_KEY", key);
            assertTrue(assertDone(upload(young)).err().contains(images + ": the login is from " + login));
            String list = registry.tag("lix/lix", attestation);
            String newest = registry.tag("lix/lix", "latest");
            assertEquals(ImageIndex.of(BuiltRelease.read(young.folder.resolve("release")).images()).index().digest(), newest);
            assertTrue(assertDone(upload(old)).err().contains("'latest' stays there"));
            String older = ImageIndex.of(BuiltRelease.read(old.folder.resolve("release")).images()).index().digest();
            assertEquals(List.of(newest, newest, newest, older, older), Stream.of("latest", "2.96", "2.96.0", "2.95", "2.95.0").map(tag -> registry.tag("lix/lix", tag)).toList());

            Checkout.Run plan = assertDone(upload(young, "--point-to", "2.95.0", "--plan"));
            assertTrue(plan.out().contains("move " + images + ":latest " + newest + " -> " + older), plan.out());
            assertEquals(newest, registry.tag("lix/lix", "latest"));
            assertDone(upload(young, "--point-to", "2.95.0"));
            assertEquals(List.of(older, newest), Stream.of("latest", "2.96").map(tag -> registry.tag("lix/lix", tag)).toList());
            assertDone(upload(young, "--point-to", "2.96.0"));
            // As a run leaves it that is killed right after its tag overtook a newer release.
            assertDone(upload(young, "--point-to", "2.95.0", "--move-pointers", "latest"));
            assertTrue(assertDone(upload(old)).err().contains(images + ":latest is at 2.95.0, though manifest.nix is at 2.96.0, which is there too: --point-to 2.96.0"));
            assertDone(upload(young, "--point-to", "2.96.0"));
            assertFalse(assertDone(upload(old)).err().contains("fixes that"));
            Checkout.Run verified = assertDone(upload(young, "--target", "verify", "--release", "2.96.0"));
            assertTrue(verified.err().contains(", page 1") && !verified.err().contains("not proved: page"), verified.err());
            assertDone(upload(old, "--target", "verify", "--release", "2.95.0"));

            young.env().remove("RELENG_SIGNING_KEY");
            assertEquals(list, registry.tag("lix/lix", attestation), "written once");
            assertFalse(assertDone(upload(young, "--plan")).out().contains("provenance of the images"));
            ImageIndex.Document nothing = ImageIndex.of(BuiltRelease.read(young.folder.resolve("release")).images()).manifests().get(0);
            Path link = registry.repository("lix/lix").resolve("_manifests/tags/" + attestation + "/current/link");
            Files.writeString(link, nothing.digest());
            Checkout.Run lost = upload(young, "--target", "verify", "--release", "2.96.0");
            assertTrue(lost.exit() == 1 && lost.err().contains(images + ":" + attestation + " is no list of what refers to"), lost.err());
            Files.writeString(link, list);
            young.with("RELENG_SIGNING_KEY", key);

            String blob = BuiltRelease.read(old.folder.resolve("release")).images().get(1).id();
            Files.delete(registry.blob(blob));
            for (String[] arguments : new String[][] {{"--target", "verify", "--release", "2.95.0"}, {"--point-to", "2.95.0"}}) {
                Checkout.Run run = upload(old, arguments);
                assertEquals(1, run.exit(), run.err());
                assertTrue(run.err().contains("images in " + images + ": " + blob + ": is missing"), run.err());
            }
            assertEquals(newest, registry.tag("lix/lix", "latest"));
            Files.delete(login);
            Checkout.Run run = upload(young, "--point-to", "2.95.0");
            assertEquals(3, run.exit(), run.err());
        }
    }

    @Test
    @DisplayName("hazard 50: upload fetches each blob once, and finds other bytes as verify and --point-to do")
    void whatIsInARegistryIsProvedByItsBytesOnceARun() throws IOException {
        try (DockerRegistry registry = DockerRegistry.open(folder.resolve("registry")); FaultProxy proxy = new FaultProxy(registry.endpoint()).registry(registry.endpoint())) {
            String images = proxy.endpoint().getAuthority() + "/lix/lix";
            old.write("releng.json", store.config(folder.resolve("2.95.0.git"), images));
            assertDone(upload(old));
            List<String> fetched = proxy.log().stream().filter(request -> request.method().equals("GET") && request.path().contains("/blobs/")).map(FaultProxy.Request::path).toList();
            assertTrue(fetched.size() == 8 && fetched.stream().distinct().count() == 8, fetched.toString());
            managers.settle();
            assertDone(upload(old));
            assertEquals(10, proxy.log().stream().filter(request -> request.method().equals("GET") && request.path().contains("/blobs/")).count(),
                    "but for the two of the provenance, sizes do, where nothing was sent");
            String layer = BuiltRelease.read(old.folder.resolve("release")).images().get(0).layers().get(0).blob();
            ImagesTest.change(registry.blob(layer));
            for (String[] arguments : new String[][] {{"--prove-all"}, {"--target", "verify", "--release", "2.95.0"}, {"--point-to", "2.95.0"}, {"--replace"}}) {
                Checkout.Run run = upload(old, arguments);
                assertEquals(1, run.exit(), run.err());
                assertTrue(run.err().contains("images in " + images + ": " + layer + ": has ") && run.err().contains("upload with --replace"), run.err());
            }
            Files.delete(registry.blob(layer)); // as who runs it is asked to
            assertDone(upload(old, "--replace"));
            assertDone(upload(old, "--target", "verify", "--release", "2.95.0"));
        }
    }

    @Test
    void pointToRefusesAVersionThatIsNotThere() {
        assertDone(upload(old));
        Checkout.Run run = upload(old, "--point-to", "2.94.0");
        assertEquals(3, run.exit(), run.err());
        assertTrue(run.err().contains("2.94.0 is not published") && run.err().contains("2.95.0"), run.err());
        assertEquals(2, upload(old, "--point-to", "latest").exit());
    }

    @Test
    void replaceIsForStagingAndOnAGuardedEnvironmentNeedsTheName() throws IOException {
        store.put("releases", "lix/lix-2.95.0/manifest.nix", "{ }".getBytes());
        old.write("releng.json", old.read("releng.json").replace("\"region\"", "\"guarded\": true, \"region\""));
        for (String[] arguments : new String[][] {{"--replace"}, {"--replace", "lix-2.96.0"}}) {
            Checkout.Run run = upload(old, arguments);
            assertEquals(3, run.exit(), run.err());
            assertTrue(run.err().contains("--replace lix-2.95.0"), run.err());
        }
        assertEquals(1, store.content("releases").size());
        assertDone(upload(old, "--replace", "lix-2.95.0"));
        assertArrayEquals(Files.readAllBytes(old.folder.resolve("release/artifacts/manifest.nix")), store.get("releases", "lix/lix-2.95.0/manifest.nix"));
    }

    @Test
    void aPlanInJsonIsAnOperationALine() throws IOException {
        Checkout.Run run = assertDone(upload(old, "--plan", "--json"));
        List<JsonNode> operations = new ArrayList<>();
        for (String line : run.out().lines().toList()) {
            operations.add(Json.MAPPER.readTree(line));
        }
        assertTrue(operations.size() > 300, String.valueOf(operations.size()));
        assertEquals("verify", operations.get(operations.size() - 1).path("kind").asText());
        JsonNode last = operations.get(operations.size() - 2);
        assertEquals("create", last.path("kind").asText());
        assertEquals("s3://" + store.bucket("releases") + "/manifest.nix", last.path("what").asText());
        assertEquals(64, last.path("to").asText().length());
        assertFalse(last.has("from"));
        assertTrue(last.path("bytes").asLong() > 0);
    }

    @Test
    void aPlanNeedsNoSigningKey() {
        old.env().remove("RELENG_SIGNING_KEY");
        assertDone(upload(old, "--plan"));
        assertEquals(3, upload(old).exit());
        assertEquals(Map.of(), store.content("cache"));
    }

    @Test
    void anUnknownPointerIsAUsageError() {
        assertEquals(2, upload(old, "--move-pointers", "latst").exit());
        assertEquals(2, upload(old, "--concurrency", "0").exit());
    }
}
