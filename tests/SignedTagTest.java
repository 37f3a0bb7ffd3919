import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import lib.base.Exec;
import lib.base.Fault;
import lib.base.FileTree;
import lib.config.Config;
import lib.config.Environment;
import lib.config.Project;
import lib.git.Git;
import lib.http.Network;
import lib.proof.Fetcher;
import lib.proof.Proof;
import lib.proof.Signers;
import lib.release.Version;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Tags signed by ssh and OpenPGP keys, as tag makes them, and whose signatures count to upload. */
class SignedTagTest {

    private static final String VERSION = TagTest.VERSION;

    /** Keys, made once: ssh's {@code mine} and {@code theirs}; OpenPGP's {@code m@}, {@code t@}, {@code old@} and {@code revoked@example.org}. */
    @TempDir
    static Path keys;

    @TempDir
    Path temp;

    private Checkout checkout;

    private static String gpg(String... arguments) {
        List<String> line = new ArrayList<>(List.of("gpg", "--homedir", keys.resolve("gpg").toString(), "--batch", "--quiet", "--yes", "--pinentry-mode", "loopback", "--passphrase", ""));
        line.addAll(List.of(arguments));
        return Exec.of(line).orFail("gpg", "");
    }

    @BeforeAll
    static void makeKeys() throws IOException {
        TagTest.project(Files.createDirectory(keys.resolve("project")));
        for (String name : List.of("mine", "theirs")) {
            Exec.of("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", keys.resolve(name).toString()).orFail("ssh-keygen", "");
        }
        Exec.of("install", "-d", "-m", "700", keys.resolve("gpg").toString()).orFail("install", "");
        for (String name : List.of("m", "t", "revoked")) {
            gpg("--quick-gen-key", name + "@example.org", "ed25519", "sign", "never");
        }
        gpg("--faked-system-time", "20240101T000000", "--quick-gen-key", "old@example.org", "ed25519", "sign", "1y");
        Program.write(keys.resolve("gpg-2024"), "#!/bin/sh\nexec gpg --faked-system-time 20240601T000000 \"$@\"\n");
    }

    // An agent lives as long as its folder.
    @AfterAll
    static void endAgents() {
        Exec.of("gpgconf", "--homedir", keys.resolve("gpg").toString(), "--kill", "all").orFail("gpgconf", "");
    }

    @BeforeEach
    void aCheckout() throws IOException {
        FileTree.copy(keys.resolve("project"), temp.resolve("checkout"));
        checkout = Checkout.existing(temp.resolve("checkout")).with("GNUPGHOME", keys.resolve("gpg").toString());
    }

    private void sign(String format, String key) {
        checkout.git("config", "tag.gpgSign", "true");
        checkout.git("config", "gpg.format", format);
        checkout.git("config", "user.signingKey", key);
    }

    private Path signers(String text) throws IOException {
        return Files.writeString(temp.resolve("signers"), text);
    }

    private static String ssh(String name) throws IOException {
        return Files.readString(keys.resolve(name + ".pub"));
    }

    private Optional<String> fault(Path signers) {
        try (Git git = Git.open(checkout.folder, checkout.env())) {
            return new Signers(signers).fault(git, git.object("refs/tags/" + VERSION).orElseThrow(), VERSION);
        }
    }

    private void assertFault(Path signers, String words) {
        String said = fault(signers).orElseThrow();
        assertTrue(said.contains(words), said);
    }

    @Test
    void anSshSignatureCountsOnlyOfAKeyThatIsAllowedThen() throws IOException {
        sign("ssh", keys.resolve("mine").toString());
        assertEquals(0, TagTest.tag(checkout).exit());
        assertEquals(Optional.empty(), fault(signers("theirs@example.org " + ssh("theirs") + "m@example.org " + ssh("mine"))));
        assertFault(signers("m@example.org valid-before=\"20200101\" " + ssh("mine")), ", which had expired then: not one of the allowed signers");
        assertFault(signers("m@example.org namespaces=\"file\" " + ssh("mine")), "not permitted");
        assertFault(signers(gpg("--armor", "--export", "m@example.org")), "is signed with ssh, and ");
        assertThrows(Fault.class, () -> fault(temp.resolve("none")));
        // What the clone's own settings trust counts for nothing.
        Path all = Files.writeString(temp.resolve("all"), "m@example.org " + ssh("mine"));
        checkout.git("config", "gpg.ssh.allowedSignersFile", all.toString());
        checkout.git("config", "gpg.ssh.program", "true");
        checkout.with("GIT_CONFIG_COUNT", "1").with("GIT_CONFIG_KEY_0", "gpg.ssh.program").with("GIT_CONFIG_VALUE_0", "false");
        assertEquals(Optional.empty(), fault(all));
        assertFault(signers("theirs@example.org " + ssh("theirs")), "is signed with the ED25519 key SHA256:");
    }

    @Test
    void anOpenPgpSignatureCountsOnlyOfAKeyThatIsAllowedAndGood() throws IOException {
        sign("openpgp", "m@example.org");
        assertEquals(0, TagTest.tag(checkout).exit());
        assertEquals(Optional.empty(), fault(signers(gpg("--armor", "--export", "t@example.org", "m@example.org"))));
        Path binary = temp.resolve("binary.gpg");
        gpg("--output", binary.toString(), "--export", "m@example.org");
        assertEquals(Optional.empty(), fault(binary));
        assertFault(signers(gpg("--armor", "--export", "t@example.org")), "by nobody of the allowed signers");
        assertFault(signers("m@example.org " + ssh("mine")), "is signed with OpenPGP, and ");
        assertThrows(Fault.class, () -> fault(signers("-----BEGIN PGP PUBLIC KEY BLOCK-----\nnone\n")));
    }

    @Test
    void keysThatHaveExpiredOrAreRevokedAreSaid() throws IOException {
        sign("openpgp", "old@example.org");
        checkout.git("config", "gpg.program", keys.resolve("gpg-2024").toString());
        assertEquals(0, TagTest.tag(checkout).exit());
        assertFault(signers(gpg("--armor", "--export", "old@example.org")), "with a key that has expired");
        checkout.git("config", "--unset", "gpg.program");
        checkout.git("config", "user.signingKey", "revoked@example.org");
        checkout.git("tag", "-f", "-s", "-m", "again", VERSION);
        assertEquals(Optional.empty(), fault(signers(gpg("--armor", "--export", "revoked@example.org"))));
        String print = gpg("--with-colons", "--list-keys", "revoked@example.org").lines().filter(line -> line.startsWith("fpr:")).findFirst().orElseThrow().split(":")[9];
        String revocation = Files.readString(keys.resolve("gpg/openpgp-revocs.d/" + print + ".rev")).replace(":-----BEGIN", "-----BEGIN");
        gpg("--import", Files.writeString(temp.resolve("revocation"), revocation).toString());
        assertFault(signers(gpg("--armor", "--export", "revoked@example.org")), "with a key that has been revoked");
    }

    @Test
    void theOptionsDecideWhateverGitsSettingsAre() throws IOException {
        sign("ssh", keys.resolve("mine").toString());
        assertEquals(0, TagTest.tag(checkout, "--no-sign").exit());
        Path signers = signers("m@example.org " + ssh("mine"));
        assertFault(signers, "is not signed");
        checkout.git("config", "tag.gpgSign", "false");
        checkout.git("checkout", "-q", "main");
        checkout.git("reset", "-q", "--hard", "release-2.95^");
        checkout.git("update-ref", "-d", "refs/heads/release-2.95");
        checkout.git("tag", "-d", VERSION);
        assertEquals(0, TagTest.tag(checkout, "--sign").exit());
        assertEquals(Optional.empty(), fault(signers));
    }

    @ParameterizedTest
    @ValueSource(strings = {"ssh", "openpgp"})
    void aKeyThatCannotSignChangesNothingAndIsSaid(String format) throws IOException {
        sign(format, temp.resolve("no such key").toString());
        Map<String, String> before = checkout.state();
        Checkout.Run run = TagTest.tag(checkout);
        assertEquals(1, run.exit(), run.err());
        assertTrue(run.err().contains("could not make the signed tag 2.95.0") && run.err().contains("user.signingKey"), run.err());
        assertEquals(before, checkout.state());
    }

    @Test
    void theProofChecksTheTagThatIsThereAndNotTheOneThatIsHere() throws IOException {
        sign("ssh", keys.resolve("mine").toString());
        assertEquals(0, TagTest.tag(checkout).exit());
        Path remote = temp.resolve("remote.git");
        checkout.git("clone", "-q", "--bare", checkout.folder.toString(), remote.toString());
        Checkout verifier = checkout.at(temp.resolve("verifier"));
        checkout.git("clone", "-q", "-b", "main", checkout.folder.toString(), verifier.folder.toString());
        verifier.write("signers", "m@example.org " + ssh("mine"));
        verifier.write("releng.json", "{\"environments\": {\"local\": {\"allowedSigners\": \"signers\"}}}");
        String commit = checkout.git("rev-parse", VERSION + "^{commit}");
        prove(verifier, remote, commit);
        checkout.at(remote).git("-c", "user.name=O", "-c", "user.email=o@example.org", "tag", "-f", "-a", "-m", "theirs", VERSION, commit);
        Fault fault = assertThrows(Fault.class, () -> prove(verifier, remote, commit));
        assertTrue(fault.getMessage().contains("refs/tags/2.95.0 on " + remote + ": is not signed"), fault.getMessage());
        // One that is signed, of another version, under this name.
        checkout.git("tag", "-s", "-m", "old", "2.94.0", commit);
        checkout.at(remote).git("fetch", "-q", checkout.folder.toString(), "+refs/tags/2.94.0:refs/tags/" + VERSION);
        fault = assertThrows(Fault.class, () -> prove(verifier, remote, commit));
        assertTrue(fault.getMessage().contains("is the tag of another version"), fault.getMessage());
    }

    private static void prove(Checkout checkout, Path remote, String commit) {
        Environment local = Config.of(checkout.folder).environment("local");
        try (Git git = Git.open(checkout.folder, checkout.env())) {
            new Proof(Fetcher.of(local, Optional.empty(), Network.PLAIN), local, Project.LIX, Optional.empty(), Proving.console(new ArrayList<>()))
                    .tag(remote.toString(), Version.of(VERSION), Optional.of(commit), true, Optional.of(git), checkout.env()).orFail();
        }
    }

    @Test
    void anUnsignedTagIsFoundBeforeAnythingIsPublished() throws IOException {
        Checkout release = Released.copy(temp.resolve("release"));
        release.write("releng.json", "{\"environments\": {\"local\": {\"allowedSigners\": \"signers\"}}}");
        release.write("signers", "m@example.org " + ssh("mine"));
        Path secret = temp.resolve("key");
        Exec.of("nix-store", "--generate-binary-cache-key", "test-1", secret.toString(), secret + ".pub").orFail("key", "");
        release.with("RELENG_SIGNING_KEY", Files.readString(secret));
        Checkout.Run run = release.run(new upload(), "--env", "local", "--noconfirm");
        assertEquals(3, run.exit(), run.err());
        assertTrue(run.err().contains("the tag 2.95.0 is not signed as it must be: is not signed"), run.err());
        assertFalse(Files.exists(release.folder.resolve(".git/releng/local/git/refs/tags/2.95.0")));
    }
}
