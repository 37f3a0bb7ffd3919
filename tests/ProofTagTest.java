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
import lib.release.ReleaseTag;
import lib.release.Version;
import org.eclipse.jgit.lib.ObjectId;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The tag in the remote repository, asked for by the git and the settings that pushed it. */
class ProofTagTest {

    private static final Version VERSION = Version.of("2.95.0");
    /** An address nobody has, which settings may lead somewhere. */
    private static final String ALIAS = "ssh://git@nowhere.invalid/lix";

    @TempDir
    Path folder;
    private final List<String> said = new ArrayList<>();
    private Checkout checkout;
    private Checkout hostile;
    private Path remote;
    private String commit;

    @BeforeEach
    void aRemoteWithTheTagAndAHostileRepository() throws IOException {
        checkout = Released.copy(folder.resolve("checkout"));
        remote = folder.resolve("remote.git");
        checkout.git("init", "--quiet", "--bare", remote.toString());
        checkout.git("push", "--quiet", remote.toString(), "refs/tags/2.95.0");
        commit = checkout.git("rev-parse", "2.95.0^{commit}");
        // It leads every address to an empty repository.
        Path empty = folder.resolve("empty.git");
        checkout.git("init", "--quiet", "--bare", empty.toString());
        hostile = checkout.at(Files.createDirectory(folder.resolve("hostile.git")));
        hostile.git("init", "--quiet", "--bare");
        for (String address : List.of(remote.toString(), ALIAS)) {
            hostile.git("config", "--add", "url." + empty + ".insteadOf", address);
        }
    }

    private Proof proof() {
        Environment local = Config.LIX.environment("local");
        return new Proof(Fetcher.of(local, Optional.empty(), Network.PLAIN), local, Project.LIX, Optional.empty(), Proving.console(said));
    }

    private void prove(String url, Map<String, String> env) {
        proof().tag(url, VERSION, Optional.of(commit), true, Optional.empty(), env).orFail();
    }

    private void assertFound(String words) {
        Fault fault = assertThrows(Fault.class, () -> prove(remote.toString(), checkout.env()));
        assertTrue(fault.why().size() == 1 && fault.getMessage().contains("refs/tags/2.95.0 on " + remote + ": " + words), fault.getMessage());
    }

    @Test
    void aTagThatIsMissingMovedOrNotAnnotatedIsFound() {
        prove(remote.toString(), checkout.env());
        Checkout there = checkout.at(remote);
        String other = there.git("rev-parse", "2.95.0^{commit}~1");
        there.git("-c", "user.name=Other", "-c", "user.email=o@example.org", "tag", "--force", "--annotate", "--message=x", "2.95.0", other);
        assertFound("is on " + other + ", expected " + commit);
        there.git("tag", "--force", "2.95.0", commit);
        assertFound("is not an annotated tag");
        there.git("tag", "--delete", "2.95.0");
        assertFound("is missing");
    }

    @Test
    void aRemoteThatDoesNotAnswerIsAFailureOnlyWhereItMustAnswer() throws IOException {
        FileTree.remove(remote);
        assertFound("git ls-remote ended with exit code");
        proof().tag(remote.toString(), VERSION, Optional.of(commit), false, Optional.empty(), checkout.env()).orFail();
        assertTrue(said.toString().contains("warning: not proved: tag: refs/tags/2.95.0"), said.toString());
    }

    @Test
    void theCheckoutsSettingsLeadToTheRemoteThatWasPushedTo() {
        checkout.git("config", "url." + remote + ".insteadOf", ALIAS);
        checkout.with("GIT_DIR", hostile.folder.toString());
        try (Git git = Git.open(checkout.folder, checkout.env())) {
            for (boolean required : new boolean[] {true, false}) {
                proof().tag(ALIAS, VERSION, Optional.of(commit), required, Optional.of(git), checkout.env()).orFail();
            }
        }
        assertFalse(said.toString().contains("not proved"), said.toString());
    }

    @Test
    void withoutACheckoutNoOtherRepositorysSettingsCount() {
        for (Map.Entry<String, String> variable : Map.of("GIT_DIR", hostile.folder.toString(), "GIT_COMMON_DIR", hostile.folder.toString(), "GIT_NAMESPACE", "other").entrySet()) {
            checkout.with(variable.getKey(), variable.getValue());
            prove(remote.toString(), checkout.env());
            checkout.env().remove(variable.getKey());
        }
        // Nor of one around the current folder; which is a process's own.
        Path java = Path.of(System.getProperty("java.home"), "bin", "java");
        Exec.Result run = Exec.of(java.toString(), "-cp", System.getProperty("java.class.path"), Elsewhere.class.getName(), remote.toString(), commit)
                .in(hostile.folder).baseEnv(checkout.env()).run();
        assertEquals(0, run.exit(), run.err());
        checkout.with("GIT_CONFIG_GLOBAL", folder.resolve("gitconfig").toString());
        checkout.git("config", "--global", "url." + remote + ".insteadOf", ALIAS);
        prove(ALIAS, checkout.env()); // the user's own do
    }

    /** The proof in the folder it is started in. */
    static final class Elsewhere {
        public static void main(String[] args) {
            Environment local = Config.LIX.environment("local");
            new Proof(Fetcher.of(local, Optional.empty(), Network.PLAIN), local, Project.LIX, Optional.empty(), Proving.console(new ArrayList<>()))
                    .tag(args[0], VERSION, Optional.of(args[1]), true, Optional.empty(), System.getenv()).orFail();
        }
    }

    @Test
    void anSshOfTheUsersOwnIsAskedAsItIs() throws IOException {
        // An ssh that is this machine's shell: it runs what it is told to run over there.
        Path ssh = Program.write(folder.resolve("bin/ssh-own"), "#!/bin/sh\nfor last; do :; done\neval \"$last\"\n");
        checkout.git("config", "core.sshCommand", ssh.toString());
        try (Git git = Git.open(checkout.folder, checkout.env())) {
            proof().tag("ssh://nowhere.invalid" + remote, VERSION, Optional.of(commit), false, Optional.of(git), checkout.env()).orFail();
        }
        assertFalse(said.toString().contains("not proved"), said.toString());
    }

    @Test
    void aReleaseIsPushedAndProvedByTheCheckoutsSettingsFromAnyFolder() throws IOException {
        try (Store store = new Store()) {
            checkout.write("releng.json", store.config(remote).replace(remote.toString(), ALIAS));
            checkout.git("config", "url." + remote + ".insteadOf", ALIAS);
            store.credentials().forEach(checkout::with);
            Path secret = folder.resolve("key");
            Exec.of("nix-store", "--generate-binary-cache-key", "test-1", secret.toString(), secret + ".pub").orFail("key", "");
            checkout.with("RELENG_SIGNING_KEY", Files.readString(secret)).with("GIT_DIR", hostile.folder.toString());
            Checkout elsewhere = checkout.at(hostile.folder);
            Checkout.Run run = elsewhere.run(new upload(), "--env", "test", "--plan", "--repo", checkout.folder.toString());
            assertEquals(List.of(), marks(), run.err());
            run = elsewhere.run(new upload(), "--env", "test", "--noconfirm", "--repo", checkout.folder.toString());
            assertEquals(0, run.exit(), run.err());
            assertEquals(List.of("test"), marks());
            run = checkout.run(new tag(), "--undo", "--no-check-git");
            assertTrue(run.exit() == 3 && run.err().contains("upload has begun to publish it on test"), run.err());
            run = elsewhere.run(new upload(), "--env", "test", "--target", "verify", "--repo", checkout.folder.toString());
            assertTrue(run.exit() == 0 && !run.err().contains("not proved: tag"), run.err());
        }
    }

    private List<String> marks() {
        try (Git git = Git.open(checkout.folder, checkout.env())) {
            return ReleaseTag.publishedOn(git, "2.95.0", ObjectId.fromString(commit));
        }
    }
}
