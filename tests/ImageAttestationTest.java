import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import lib.base.Exec;
import lib.base.Fault;
import lib.base.Json;
import lib.config.Config;
import lib.http.Network;
import lib.oci.DockerArchive;
import lib.oci.ImageIndex;
import lib.oci.ImageStore;
import lib.oci.OciLayout;
import lib.oci.Referrer;
import lib.oci.Referrers;
import lib.oci.Registry;
import lib.proof.ReferrerProof;
import lib.proof.Fetcher;
import lib.proof.Proof;
import lib.publish.ImageAttestation;
import lib.publish.Operation;
import lib.publish.Plan;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** The provenance at the images: in Debian's docker-registry, which lists nothing by itself, in a registry that does, and in a folder. */
class ImageAttestationTest {

    private static final byte[] ENVELOPE = "{\"payloadType\":\"application/vnd.in-toto+json\",\"payload\":\"e30=\",\"signatures\":[]}\n".getBytes(StandardCharsets.UTF_8);
    private static final String NAME = "lix-2.95.0.intoto.jsonl";
    private static final String INDEX = "application/vnd.oci.image.index.v1+json";

    @TempDir
    Path folder;

    @RegisterExtension
    final Registries registries = new Registries(Registries.QUICK);

    private ImageIndex.Document index;
    private Referrer referrer;
    private String tag;

    @BeforeEach
    void ofTheSample() {
        index = ImageIndex.of(registries.built.images()).index();
        referrer = Referrer.attestation(index, ENVELOPE, NAME);
        tag = Referrers.tag(index.digest());
    }

    private ImageAttestation attached(ImageStore... stores) {
        return attached(() -> Optional.of(ENVELOPE), stores);
    }

    private ImageAttestation attached(ImageAttestation.Envelope envelope, ImageStore... stores) {
        return new ImageAttestation(List.of(stores), index, NAME, envelope, false, Registries.QUICK);
    }

    private void attach(ImageStore... stores) throws IOException {
        new Plan().add(attached(stores)).run(registries.console, 4);
    }

    private static List<String> stages(ImageAttestation attached) throws IOException {
        return attached.compare().stages().stream().map(stage -> stage.name() + " " + stage.operations().size()).toList();
    }

    private void prove(ImageStore... stores) {
        Proof proof = new Proof(Fetcher.of(Config.LIX.environment("local"), Optional.empty(), Network.PLAIN), Config.LIX.environment("local"), Config.LIX.project(),
                Optional.empty(), registries.console);
        for (ImageStore store : stores) {
            proof.check("provenance", new ReferrerProof(store, referrer)::prove);
        }
        proof.orFail();
    }

    private static JsonNode skopeo(String reference) throws IOException {
        return Json.MAPPER.readTree(Exec.of("skopeo", "inspect", "--raw", "--tls-verify=false", reference).orFail("skopeo", ""));
    }

    private static ImageIndex.Document document(String type, String json) {
        byte[] bytes = json.getBytes(StandardCharsets.UTF_8);
        return new ImageIndex.Document(type, bytes, DockerArchive.digest(bytes));
    }

    /** Somebody else's signature of the same index, as others attach it where no list is kept: with a tag they write. */
    private ObjectNode theirs(ImageStore store, String what, List<JsonNode> others) throws IOException {
        Referrer signature = Referrer.attestation(index, what.getBytes(StandardCharsets.UTF_8), what);
        for (ImageIndex.Document blob : signature.blobs()) {
            store.blob(blob.digest(), blob.bytes().length, out -> out.write(blob.bytes()));
        }
        store.manifest(signature.manifest());
        ObjectNode entry = Json.MAPPER.createObjectNode().put("mediaType", signature.manifest().mediaType()).put("digest", signature.manifest().digest())
                .put("size", signature.manifest().bytes().length).put("artifactType", "application/x." + what);
        entry.putObject("annotations").put("by", what);
        ObjectNode list = Json.MAPPER.createObjectNode().put("schemaVersion", 2).put("mediaType", INDEX);
        list.putArray("manifests").addAll(others).add(entry);
        list.putObject("annotations").put("kept", "by others");
        store.tag(tag, document(INDEX, list.toString()));
        return entry;
    }

    @Test
    @DisplayName("who has the digest of the images finds their provenance with skopeo, in a registry that keeps no list and in a folder; a second run does nothing")
    void provenanceIsFoundByTheDigestOfTheImages() throws IOException {
        DockerRegistry server = registries.server();
        FaultProxy proxy = registries.proxy(server);
        Registry registry = registries.registry(Registries.host(proxy), Optional.empty());
        OciLayout layout = new OciLayout(folder.resolve("layout"));
        registries.publish(registry, layout);
        assertThrows(Fault.class, () -> prove(registry));
        assertEquals(List.of("envelope 2", "manifest 2", "list 2"), stages(attached(registry, layout)));
        attach(registry, layout);
        prove(registry, layout);
        String repository = "docker://" + server.host() + "/" + Registries.PATH;
        for (String place : List.of(repository, layout.name())) {
            String digest = DockerArchive.digest(Exec.of("skopeo", "inspect", "--raw", "--tls-verify=false", place + ":2.95.0").orFail("skopeo", "").getBytes(StandardCharsets.UTF_8));
            JsonNode list = skopeo(place + ":" + digest.replace(':', '-'));
            assertEquals(1, list.path("manifests").size(), list.toString());
            assertEquals("application/vnd.in-toto+json", list.path("manifests").path(0).path("artifactType").asText());
        }
        JsonNode manifest = skopeo(repository + "@" + referrer.manifest().digest());
        assertEquals(index.digest(), manifest.path("subject").path("digest").asText());
        assertEquals("application/vnd.oci.empty.v1+json", manifest.path("config").path("mediaType").asText());
        Path out = folder.resolve("out");
        Exec.of("skopeo", "copy", "--quiet", "--src-tls-verify=false", repository + "@" + referrer.manifest().digest(), "dir:" + out).orFail("skopeo", "");
        assertArrayEquals(ENVELOPE, Files.readAllBytes(out.resolve(manifest.path("layers").path(0).path("digest").asText().substring(7))));
        registries.proof(registry, layout).orFail(); // the images are as they were, by each tag
        Exec.of("skopeo", "--override-arch", "amd64", "copy", "--quiet", layout.name() + ":latest", "dir:" + folder.resolve("image")).orFail("skopeo", "");

        long written = writes(proxy);
        attach(registry, layout);
        assertEquals(written, writes(proxy));
    }

    private static long writes(FaultProxy proxy) {
        return proxy.log().stream().filter(FaultProxy.Request::writes).count();
    }

    @Test
    void aRegistryThatKeepsTheListGetsNoTag() throws IOException {
        ReferrersRegistry server = registries.keep(new ReferrersRegistry(registries.server()));
        Registry registry = registries.registry(server.host(), Optional.empty());
        registries.publish(registry);
        assertEquals(List.of("envelope 1", "manifest 1"), stages(attached(registry)));
        Referrer other = Referrer.attestation(index, new byte[] {1}, "other");
        for (ImageIndex.Document blob : other.blobs()) {
            registry.blob(blob.digest(), blob.bytes().length, out -> out.write(blob.bytes()));
        }
        registry.manifest(other.manifest()); // is on the first page
        attach(registry);
        prove(registry);
        assertEquals(2, registry.referrers(index.digest()).orElseThrow().size());
        assertEquals(Optional.empty(), registry.tag(tag));
        List<String> written = List.copyOf(server.writes);
        attach(registry);
        assertEquals(written, server.writes);
    }

    @Test
    void aPlanForARepositoryThatIsNotThereYetWritesNoTagWhereAListIsKeptAfterAll() throws IOException {
        ReferrersRegistry server = registries.keep(new ReferrersRegistry(registries.server()));
        Faulty before = new Faulty(URI.create("http://" + server.host()), (request, count) -> request.head().contains("/referrers/") && count < 2 ? answer(404, "", "") : "forward");
        registries.keep(before::close);
        Registry registry = registries.registry(before.endpoint().getAuthority(), Optional.empty());
        Plan plan = new Plan().add(attached(registry));
        registries.publish(registries.registry(server.host(), Optional.empty()));
        plan.run(registries.console, 4);
        prove(registry);
        assertEquals(Optional.empty(), registry.tag(tag));
    }

    @Test
    @DisplayName("what others have attached stays on the list, also what came after the plan; ours is on it once")
    void whatOthersHaveAttachedStays() throws IOException {
        DockerRegistry server = registries.server();
        for (ImageStore store : List.of(registries.registry(server.host(), Optional.empty()), new OciLayout(folder.resolve("layout")))) {
            registries.publish(store);
            ObjectNode first = theirs(store, "first", List.of());
            Plan plan = new Plan().add(attached(store));
            ObjectNode second = theirs(store, "second", List.of(first));
            plan.run(registries.console, 4);
            prove(store);
            JsonNode list = Json.MAPPER.readTree(store.manifest(tag).orElseThrow());
            assertEquals(List.of(first, second), List.of(list.path("manifests").path(0), list.path("manifests").path(1)));
            assertEquals(referrer.manifest().digest(), list.path("manifests").path(2).path("digest").asText());
            assertEquals(3, list.path("manifests").size());
            assertEquals("by others", list.path("annotations").path("kept").asText());

            Plan late = new Plan().add(attached(() -> Optional.of(ENVELOPE), store));
            assertTrue(late.isEmpty());
            theirs(store, "third", List.of(first)); // who did not look has lost ours
            assertThrows(Fault.class, () -> prove(store));
            Plan again = new Plan().add(attached(store));
            attach(store);
            again.run(registries.console, 4);
            prove(store);
            assertEquals(3, Json.MAPPER.readTree(store.manifest(tag).orElseThrow()).path("manifests").size());
        }
    }

    @Test
    void whatIsNoListUnderItsTagIsRefusedAndLeftAsItIs() throws IOException {
        Registry registry = registries.registry(registries.server().host(), Optional.empty());
        registries.publish(registry);
        ImageIndex.Document image = ImageIndex.of(registries.built.images()).manifests().get(0);
        registry.tag(tag, image);
        Fault fault = assertThrows(Fault.class, () -> new Plan().add(attached(registry)));
        assertEquals(Fault.Kind.REFUSED, fault.kind());
        assertTrue(fault.getMessage().contains(registry.name() + ":" + tag + " is no list") && fault.next().contains("remove that tag"), fault + fault.next());
        assertEquals(Optional.of(image.digest()), registry.tag(tag));
        OciLayout layout = new OciLayout(folder.resolve("layout"));
        for (String json : List.of("", "[]", "{", "{\"manifests\": {}}", "\u0000\u0000\u0000x", "[".repeat(5000), "{\"manifests\": [], \"manifests\": []}")) {
            layout.tag(tag, document(INDEX, json));
            assertEquals(Fault.Kind.REFUSED, assertThrows(Fault.class, () -> new Plan().add(attached(layout)), json).kind());
        }
    }

    @Test
    void aPlanWithoutTheEnvelopeShowsWhatWillBeDoneAndARunTakesItByThen() throws IOException {
        OciLayout layout = new OciLayout(folder.resolve("layout"));
        Registry registry = registries.registry(registries.server().host(), Optional.empty());
        registries.publish(layout, registry);
        List<byte[]> published = new ArrayList<>();
        ImageAttestation unknown = attached(() -> published.stream().findFirst(), layout, registry);
        assertEquals(List.of("envelope 2", "manifest 2", "list 2"), stages(unknown));
        assertTrue(unknown.compare().stages().stream().flatMap(stage -> stage.operations().stream()).map(Operation::to).allMatch(Optional::isEmpty));
        Fault fault = assertThrows(Fault.class, () -> new Plan().add(unknown).run(registries.console, 4));
        assertTrue(fault.getMessage().contains(NAME + " cannot be attached"), fault.getMessage());
        Plan plan = new Plan().add(unknown);
        published.add(ENVELOPE);
        plan.run(registries.console, 4);
        prove(layout, registry);
    }

    @Test
    @DisplayName("an envelope, manifest or entry of the list that is lost or another is found, and the next run sends it")
    void whatIsLostIsFoundAndSentAgain() throws IOException {
        OciLayout layout = new OciLayout(folder.resolve("layout"));
        DockerRegistry server = registries.server();
        Registry registry = registries.registry(server.host(), Optional.empty());
        registries.publish(layout, registry);
        attach(layout, registry);
        for (ImageIndex.Document lost : List.of(referrer.layer(), referrer.config(), referrer.manifest())) {
            Path blob = layout.folder().resolve("blobs").resolve(lost.digest().replace(':', '/'));
            for (boolean other : List.of(true, false)) {
                Files.delete(blob);
                if (other) {
                    Files.write(blob, new byte[lost.bytes().length]);
                }
                Fault fault = assertThrows(Fault.class, () -> prove(layout));
                assertTrue(fault.getMessage().contains(layout.name() + "@" + index.digest()) && fault.getMessage().contains(lost.digest()), fault.getMessage());
                attach(layout);
                prove(layout);
            }
        }
        Files.delete(server.blob(referrer.layer().digest()));
        assertThrows(Fault.class, () -> prove(registry));
        attach(registry);
        prove(registry);
        Files.write(server.blob(referrer.layer().digest()), new byte[ENVELOPE.length]);
        assertThrows(Fault.class, () -> prove(registry));
        assertTrue(attached(registry).compare().isEmpty());
        assertEquals("envelope", new ImageAttestation(List.of(registry), index, NAME, () -> Optional.of(ENVELOPE), true, Registries.QUICK).compare().stages().get(0).name());
        Files.write(server.blob(referrer.layer().digest()), ENVELOPE);
        registry.tag(tag, document(INDEX, "{\"schemaVersion\": 2, \"mediaType\": \"" + INDEX + "\", \"manifests\": []}"));
        assertTrue(assertThrows(Fault.class, () -> prove(registry)).getMessage().contains("is not on the list"));
        attach(registry);
        prove(registry);
    }

    @Test
    void whateverARegistryAnswersInPlaceOfTheListTheEndIsClear() throws IOException {
        String page = "{\"manifests\": [{}]}";
        String type = "Content-Type: " + INDEX + "\r\n";
        for (String none : List.of(answer(404, type, page), answer(400, "", ""), answer(405, "", "no"), answer(200, "Content-Type: text/html\r\n", "<html>"), answer(200, "", page))) {
            assertEquals(Optional.empty(), registry((request, count) -> none).referrers(index.digest()), none);
        }
        for (String whole : List.of(type, type.toUpperCase(), "Content-Type: " + INDEX + "; charset=utf-8\r\n", type + "Link: </x>; rel=\"prev\"\r\n")) {
            assertEquals(1, registry((request, count) -> answer(200, whole, page)).referrers(index.digest()).orElseThrow().size(), whole);
        }
        for (String broken : List.of(answer(200, type, ""), answer(200, type, "{"), answer(200, type, "[".repeat(5000)), answer(200, type, "{\"manifests\": 5}"),
                answer(200, type, "\u0000\u0000\u0000x"), answer(200, type + "Link: <http://store.example.org/x>; rel=next\r\n", page), answer(403, "", ""),
                answer(200, type + "Link: <::>; rel=\"next\"\r\n", page), answer(200, type, "{\"manifests\": [], \"x\": \"" + "x".repeat(5 << 20) + "\"}"))) {
            Fault fault = assertThrows(Fault.class, () -> registry((request, count) -> broken).referrers(index.digest()), broken.substring(0, 40));
            assertTrue(fault.getMessage().contains("what refers to " + index.digest()) && fault.getMessage().length() < 1200, fault.getMessage());
        }
        List<Integer> asked = new ArrayList<>();
        Fault fault = assertThrows(Fault.class, () -> registry((request, count) -> {
            asked.add(count);
            return answer(200, type + "Link: <?page=" + count + ">; rel=\"next\"\r\n", page);
        }).referrers(index.digest()));
        assertTrue(fault.getMessage().contains("does not end") && asked.size() == 50, asked.size() + fault.getMessage());
        fault = assertThrows(Fault.class, () -> registry((request, count) -> count == 1 ? answer(200, type + "Link: <?2>; rel=\"next\"\r\n", page) : answer(404, "", ""))
                .referrers(index.digest()));
        assertTrue(fault.getMessage().contains("is not whole"), fault.getMessage());
    }

    private static String answer(int status, String headers, String body) {
        return "raw HTTP/1.1 " + status + " Answer\r\n" + headers + "Content-Length: " + body.length() + "\r\n\r\n" + body;
    }

    private Registry registry(Faulty.Decision decision) throws IOException {
        Faulty faulty = new Faulty(URI.create("http://127.0.0.1:1"), decision);
        registries.keep(faulty::close);
        return registries.registry(faulty.endpoint().getAuthority(), Optional.empty());
    }
}
