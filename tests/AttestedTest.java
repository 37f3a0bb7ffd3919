import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import lib.base.Exec;
import lib.base.Json;
import lib.config.Environment;
import lib.config.Project;
import lib.http.Network;
import lib.nix.PublicKey;
import lib.nix.SigningKey;
import lib.nix.SshSignature;
import lib.oci.ImageIndex;
import lib.proof.Fetcher;
import lib.proof.Proof;
import lib.publish.Attested;
import lib.publish.Destination;
import lib.publish.Folders;
import lib.publish.Operation;
import lib.release.BuiltRelease;
import lib.release.Envelope;
import lib.s3.ObjectStore;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** Provenance and checksums: signed by upload, verified by others' programs, by the proof, and by a plan without the key. */
class AttestedTest {

    private static final String FOLDER = Proving.FOLDER;
    private static final String STATEMENT = Proving.STATEMENT;

    @RegisterExtension
    static final Proving.Whole WHOLE = new Proving.Whole();

    @RegisterExtension
    final Proving sample = new Proving(WHOLE);

    @TempDir
    Path folder;

    private String write(String name, byte[] bytes) throws IOException {
        Path file = folder.resolve(name);
        Files.createDirectories(file.getParent());
        return Files.write(file, bytes).toString();
    }

    private SigningKey key(String name) {
        Path secret = folder.resolve(name);
        Exec.of("nix-store", "--generate-binary-cache-key", name, secret.toString(), folder.resolve(name + ".pub").toString()).orFail("key", "");
        return SigningKey.inFile(SigningKey.Use.provenance, secret);
    }

    private Proof artifacts() {
        return sample.proof().artifacts(sample.built);
    }

    // --- verified by others

    @Test
    void sumsOfAllFilesVerifyWithSshKeygenAndSha256sum() throws Exception {
        Set<String> names = new TreeSet<>();
        for (String key : sample.whole.content("releases").keySet()) {
            if (key.startsWith(FOLDER)) {
                write("there/" + key.substring(FOLDER.length()), sample.get("releases", key));
                names.add(key.substring(FOLDER.length()));
            }
        }
        Path there = folder.resolve("there");
        String signers = write("allowed_signers", ("test-1 namespaces=\"file\" " + PublicKey.of(sample.publicKey).ssh() + "\n").getBytes());
        String verify = "ssh-keygen -Y verify -f '" + signers + "' -I test-1 -n file -s SHA256SUMS.sig < ";
        assertTrue(Exec.of("sh", "-c", verify + "SHA256SUMS").in(there).orFail("ssh-keygen", "").contains("Good \"file\" signature for test-1"));
        assertFalse(Exec.of("sh", "-c", verify + "release.json").in(there).run().exit() == 0);
        Exec.of("sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS").in(there).orFail("sha256sum", "");
        names.removeAll(Set.of("SHA256SUMS", "SHA256SUMS.sig", "index.html")); // a view, which may be made anew
        assertEquals(names, Files.readAllLines(there.resolve("SHA256SUMS")).stream().map(line -> line.substring(66)).collect(Collectors.toCollection(TreeSet::new)));
        assertTrue(names.containsAll(Set.of("release.json", "versions.json", STATEMENT, "manual/index.html", "lix-2.95.0.cdx.json")), names.toString());
    }

    @Test
    void aFilesSignatureIsOpenSshsByteForByte() throws Exception {
        SigningKey ours = key("ours-1");
        byte[] file = "a file\n".getBytes();
        // The same key as ssh keeps it: PROTOCOL.key, not encrypted.
        byte[] pair = Base64.getDecoder().decode(Files.readString(folder.resolve("ours-1")).strip().substring("ours-1:".length()));
        PublicKey open = PublicKey.of(ours.publicKey());
        byte[] type = "ssh-ed25519".getBytes();
        byte[] blob = Base64.getDecoder().decode(open.ssh().substring("ssh-ed25519 ".length()));
        ByteArrayOutputStream secret = new ByteArrayOutputStream();
        for (byte[] part : new byte[][] {{0, 0, 0, 1, 0, 0, 0, 1}, length(type), type, length(open.raw()), open.raw(), length(pair), pair, {0, 0, 0, 0}}) {
            secret.writeBytes(part);
        }
        for (byte pad = 1; secret.size() % 8 != 0; pad++) {
            secret.write(pad);
        }
        ByteArrayOutputStream whole = new ByteArrayOutputStream();
        byte[] none = "none".getBytes();
        for (byte[] part : new byte[][] {"openssh-key-v1\0".getBytes(), length(none), none, length(none), none, {0, 0, 0, 0, 0, 0, 0, 1}, length(blob), blob, length(secret.toByteArray()), secret.toByteArray()}) {
            whole.writeBytes(part);
        }
        String key = write("ssh", ("-----BEGIN OPENSSH PRIVATE KEY-----\n" + Base64.getMimeEncoder(68, "\n".getBytes()).encodeToString(whole.toByteArray())
                + "\n-----END OPENSSH PRIVATE KEY-----\n").getBytes());
        Exec.of("chmod", "600", key).orFail("chmod", "");
        String name = write("file", file);
        Exec.of("ssh-keygen", "-q", "-Y", "sign", "-f", key, "-n", "file", name).orFail("ssh-keygen", "");
        assertEquals(Files.readString(Path.of(name + ".sig")), SshSignature.of(file, ours));
        assertEquals(Optional.empty(), SshSignature.fault(file, SshSignature.of(file, ours), open));
        Files.delete(Path.of(name + ".sig"));
        Exec.of("ssh-keygen", "-q", "-Y", "sign", "-f", key, "-n", "git", name).orFail("ssh-keygen", "");
        assertTrue(SshSignature.fault(file, Files.readString(Path.of(name + ".sig")), open).orElse("").startsWith("is not a signature of a file by ours-1"), "a commit's is not a file's");
    }

    private static byte[] length(byte[] bytes) {
        return java.nio.ByteBuffer.allocate(4).putInt(bytes.length).array();
    }

    @Test
    void statementTellsOfAllFilesAndImagesAndItsEnvelopeVerifiesWithOpenssl() throws Exception {
        JsonNode envelope = Json.object(sample.get("releases", FOLDER + STATEMENT), "envelope");
        byte[] payload = Base64.getDecoder().decode(envelope.path("payload").asText());
        assertArrayEquals(Files.readAllBytes(sample.checkout.folder.resolve("release").resolve(STATEMENT)), payload);
        String type = envelope.path("payloadType").asText();
        ByteArrayOutputStream pae = new ByteArrayOutputStream();
        pae.writeBytes(("DSSEv1 " + type.length() + " " + type + " " + payload.length + " ").getBytes());
        pae.writeBytes(payload);
        assertEquals("test-1", envelope.at("/signatures/0/keyid").asText());
        String key = write("key.der", PublicKey.of(sample.publicKey).key().getEncoded());
        String signature = write("signature", Base64.getDecoder().decode(envelope.at("/signatures/0/sig").asText()));
        String signed = write("pae", pae.toByteArray());
        List<String> openssl = List.of("openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", key, "-rawin", "-sigfile", signature, "-in");
        Exec.of(new ArrayList<>(openssl) {{ add(signed); }}).orFail("openssl", "");
        String other = write("other", sample.flipped(pae.toByteArray()));
        assertFalse(Exec.of(new ArrayList<>(openssl) {{ add(other); }}).run().exit() == 0);

        JsonNode statement = Json.object(payload, "statement");
        assertEquals("https://in-toto.io/Statement/v1", statement.path("_type").asText());
        assertEquals("https://slsa.dev/provenance/v1", statement.path("predicateType").asText());
        List<String> subjects = new ArrayList<>();
        statement.path("subject").forEach(subject -> subjects.add(subject.at("/digest/sha256").asText() + " " + subject.path("name").asText()));
        List<String> expected = new ArrayList<>();
        sample.built.below("artifacts/lix/lix-2.95.0").forEach((name, file) -> expected.add(file.sha256() + " " + name));
        String index = ImageIndex.of(sample.built.images()).index().digest().replace("sha256:", "");
        expected.add(index + " pkg:oci/lix@sha256%3A" + index + "?tag=2.95.0");
        assertEquals(expected, subjects);
        JsonNode definition = statement.at("/predicate/buildDefinition");
        assertEquals("https://git.lix.systems/lix-project/lix", definition.at("/externalParameters/repository").asText());
        assertEquals(sample.built.commit(), definition.at("/resolvedDependencies/0/digest/gitCommit").asText());
        assertTrue(definition.at("/internalParameters/nix").asText().startsWith("nix ("), definition.toString());
        assertEquals(1 + sample.built.jobs().size(), definition.path("resolvedDependencies").size());
        String drv = sample.built.jobs().get(0).drvPath();
        assertEquals("nix:" + drv, definition.at("/resolvedDependencies/1/uri").asText());
        assertEquals(sample.sha256(Files.readAllBytes(Path.of(drv))), definition.at("/resolvedDependencies/1/digest/sha256").asText());
    }

    // --- the proof

    @Test
    void aFlippedByteOrAMissingFileOfWhatIsSignedIsFound() {
        artifacts().orFail();
        for (String name : List.of(STATEMENT, "SHA256SUMS", "SHA256SUMS.sig")) {
            byte[] whole = sample.get("releases", FOLDER + name);
            sample.put("releases", FOLDER + name, sample.flipped(whole));
            // Sums are signed, so with them their signature is wrong; an envelope is among the sums.
            sample.assertFound(artifacts(), name.equals("SHA256SUMS.sig") ? 1 : 2, FOLDER + name + ": ");
            sample.delete("releases", FOLDER + name);
            sample.assertFound(artifacts(), 1, FOLDER + name + ": is missing");
            sample.put("releases", FOLDER + name, whole);
        }
        byte[] envelope = sample.get("releases", FOLDER + STATEMENT);
        sample.edit("releases", FOLDER + STATEMENT, "\"keyid\":\"test-1\"", "\"keyid\":\"test-2\"");
        sample.assertFound(artifacts(), 1, "SHA256SUMS: has other checksums than what is there, of " + STATEMENT);
        sample.put("releases", FOLDER + STATEMENT, envelope);
        artifacts().orFail();
    }

    @Test
    void whatAnotherKeySignedOrIsOfAnotherReleaseIsFound() throws IOException {
        SigningKey other = key("test-1");
        byte[] statement = Envelope.parse(sample.get("releases", FOLDER + STATEMENT)).payload();
        sample.sign(statement, other);
        List<String> why = sample.assertFound(artifacts(), 2, STATEMENT + ": has no valid signature by test-1, but [test-1]");
        assertTrue(why.toString().contains("SHA256SUMS.sig: is not a signature of a file by test-1 ("), why.toString());
        assertEquals(2, sample.assertFound(proof(Optional.of(other.publicKey()), "test-9:" + sample.publicKey.substring(7)), 2, "by test-9").size(), "its own counts before the cache's");
        proof(Optional.of(sample.publicKey), other.publicKey()).orFail();
        sample.said.clear();
        proof(Optional.empty(), null).orFail();
        assertTrue(sample.said.toString().contains("not proved: release files: who has signed the provenance and the checksums"), sample.said.toString());

        // As somebody with the key, or a build gone wrong, could make it: what is signed is not so.
        ObjectNode wrong = Json.object(statement, "");
        ((com.fasterxml.jackson.databind.node.ArrayNode) wrong.path("subject")).remove(0);
        wrong.withObject("/predicate/buildDefinition/externalParameters").put("commit", "0".repeat(40));
        byte[] bytes = wrong.toString().getBytes(StandardCharsets.UTF_8);
        sample.sign(bytes, other);
        sample.assertFound(proof(Optional.empty(), other.publicKey()), 1, STATEMENT + ": holds a statement with sha256 " + sample.sha256(bytes));
        sample.built = with(sample.built, new BuiltRelease.BuiltFile(STATEMENT, bytes.length, sample.sha256(bytes)));
        sample.put("releases", FOLDER + "release.json", sample.built.json());
        sample.sign(bytes, other);
        sample.assertFound(proof(Optional.empty(), other.publicKey()), 2, "is about commit " + "0".repeat(40));
        sample.assertFound(proof(Optional.empty(), other.publicKey()), 2, "says nothing of " + sample.built.below("artifacts/lix/lix-2.95.0").firstKey());
    }

    @Test
    void ofAReleaseThatWasBuiltWithoutAStatementNothingIsRequired() {
        sample.built = with(sample.built, null);
        sample.put("releases", FOLDER + "release.json", sample.built.json());
        List.of(STATEMENT, "SHA256SUMS", "SHA256SUMS.sig").forEach(name -> sample.delete("releases", FOLDER + name));
        proof(Optional.empty(), null).orFail();
        assertFalse(sample.said.toString().contains("who has signed"), sample.said.toString());
    }

    private static BuiltRelease with(BuiltRelease built, BuiltRelease.BuiltFile statement) {
        List<BuiltRelease.BuiltFile> files = new ArrayList<>(built.files().stream().filter(file -> !file.path().equals(STATEMENT)).toList());
        BuiltRelease without = new BuiltRelease(built.target(), built.version(), built.name(), built.official(), built.commit(), built.tag(), built.system(), built.profile(), files,
                built.images(), built.jobs(), built.closure(), built.skipped(), built.date(), built.rebuilt());
        return statement == null ? without : without.withFile(statement);
    }

    private Proof proof(Optional<String> publicKey, String provenanceKey) {
        Environment plain = sample.environment();
        Environment environment = new Environment(plain.name(), plain.releases(), plain.cache(), plain.docs(), plain.install(), plain.endpoint(), plain.region(), plain.registries(), plain.git(),
                plain.gerrit(), publicKey, plain.urls(), plain.keysFrom(), plain.guarded(), plain.ca(), plain.lsCompression(), plain.wantMassQuery(), plain.allowedSigners(),
                Optional.ofNullable(provenanceKey));
        return new Proof(Fetcher.of(environment, Optional.of(sample.store.open()), Network.PLAIN, "releases", "cache", "docs"), environment, Project.LIX, Optional.empty(),
                Proving.console(sample.said)).artifacts(sample.built);
    }

    // --- what upload does about it

    private final ObjectStore store = sample.store.open();

    private Folders folders(boolean replace) {
        return new Folders(store, sample.environment(), Project.LIX, sample.checkout.folder.resolve("release"), replace, List.of());
    }

    private Destination.Difference compare(boolean replace, Optional<SigningKey> key) throws IOException {
        return new Attested(folders(replace), sample.built, key).compare();
    }

    private List<String> planned(Optional<SigningKey> key) throws IOException {
        Destination.Difference difference = compare(false, key);
        assertEquals(List.of(), difference.conflicts());
        return difference.stages().stream().flatMap(stage -> stage.operations().stream()).map(operation -> operation.what().replaceFirst("^.*/", "")).toList();
    }

    @Test
    void whateverARunWasKilledInIsSentByTheNextAndAPlanSeesItWithoutTheKey() throws Exception {
        SigningKey key = sample.key();
        sample.own("releases");
        Map<String, String> whole = sample.store.content("releases");
        assertEquals(List.of(), planned(Optional.empty()));
        for (List<String> missing : List.of(List.of(STATEMENT), List.of("SHA256SUMS"), List.of("SHA256SUMS.sig"), List.of("SHA256SUMS", "SHA256SUMS.sig"),
                List.of(STATEMENT, "SHA256SUMS"), List.of(STATEMENT, "SHA256SUMS", "SHA256SUMS.sig"))) {
            missing.forEach(name -> sample.delete("releases", FOLDER + name));
            assertEquals(missing, planned(Optional.empty()), "without the key");
            assertEquals(missing, planned(Optional.of(key)));
            run(compare(false, Optional.of(key)));
            assertEquals(whole, sample.store.content("releases"), "the same bytes");
        }
    }

    private static void run(Destination.Difference difference) throws Exception {
        for (Operation operation : difference.stages().get(0).operations()) {
            operation.action().run();
        }
    }

    @Test
    void otherContentIsAConflictAndIsReplacedOnlyWhereThatIsSaid() throws Exception {
        SigningKey key = sample.key();
        sample.own("releases");
        List<String> names = List.of(STATEMENT, "SHA256SUMS", "SHA256SUMS.sig");
        names.forEach(name -> sample.put("releases", FOLDER + name, sample.flipped(sample.get("releases", FOLDER + name))));
        String place = "s3://" + sample.bucket("releases") + "/" + FOLDER;
        List<String> conflicts = compare(false, Optional.empty()).conflicts();
        assertEquals(names, conflicts.stream().map(text -> text.replace(place, "").replaceFirst(" .*", "")).toList());
        assertTrue(conflicts.get(1).contains("SHA256SUMS holds other checksums, of "), conflicts.toString());
        assertEquals(conflicts, compare(false, Optional.of(key)).conflicts());
        assertEquals(List.of(Operation.Kind.REPLACE, Operation.Kind.REPLACE, Operation.Kind.REPLACE),
                compare(true, Optional.of(key)).stages().get(0).operations().stream().map(Operation::kind).toList());
        run(folders(true).releaseJson(sample.built).compare()); // the addresses of this bucket
        run(compare(true, Optional.of(key)));
        artifacts().orFail();

        SigningKey other = key("test-1");
        List<String> foreign = compare(false, Optional.of(other)).conflicts();
        assertEquals(List.of(), foreign, "the environment says who signs, not the run");
        sample.sign(Envelope.parse(sample.get("releases", FOLDER + STATEMENT)).payload(), other);
        assertTrue(compare(false, Optional.empty()).conflicts().toString().contains(STATEMENT + " has no valid signature by test-1"), compare(false, Optional.empty()).toString());
    }
}
