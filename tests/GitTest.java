import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import lib.base.Fault;
import lib.git.Git;
import org.eclipse.jgit.lib.ObjectId;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GitTest {

    @TempDir
    Path temp;

    private Checkout checkout;

    @BeforeEach
    void aCheckout() throws IOException {
        checkout = Checkout.empty(temp.resolve("a checkout"));
        checkout.write("README.md", "hello\n").write("src/run.sh", "#!/bin/sh\n").write("src/old.txt", "old\n");
        assertTrue(checkout.folder.resolve("src/run.sh").toFile().setExecutable(true));
        Files.createSymbolicLink(checkout.folder.resolve("link"), Path.of("README.md"));
        checkout.git("add", "-A");
        checkout.git("commit", "-q", "-m", "start");
    }

    private Git open(Path folder) {
        return Git.open(folder, checkout.env());
    }

    private static Optional<byte[]> text(String text) {
        return Optional.of(text.getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void opensFromASubfolder() {
        try (Git git = open(checkout.folder.resolve("src"))) {
            assertEquals(checkout.folder, git.workTree());
            assertEquals(Optional.of("releng/test"), git.branch());
            assertEquals(checkout.git("rev-parse", "HEAD"), git.head().name());
        }
    }

    @Test
    void aLinkedWorktreeHasItsOwnHeadAndSharesWhatTheRepositoryRemembers() {
        checkout.git("worktree", "add", "-q", "--detach", "../linked");
        try (Git main = open(checkout.folder); Git linked = open(temp.resolve("linked"))) {
            assertEquals(Optional.empty(), linked.branch());
            assertEquals(main.head(), linked.head());
            assertEquals(main.shared("x"), linked.shared("x"));
            assertTrue(!main.state("x").equals(linked.state("x")));
            assertTrue(!main.shared("x").startsWith(checkout.folder.resolve("src")) && main.shared("x").startsWith(checkout.folder.resolve(".git")));
        }
    }

    @Test
    void aBareRepositoryAndNoneAtAllAreWrongUsage() {
        checkout.git("clone", "-q", "--bare", ".", "../bare.git");
        for (Path folder : List.of(temp.resolve("bare.git"), temp, temp.resolve("missing"))) {
            assertEquals(2, assertThrows(Fault.class, () -> open(folder)).kind().exitCode);
        }
    }

    @Test
    void aGitDirOfOurCallerDoesNotRedirectUs() {
        checkout.with("GIT_DIR", temp.resolve("nowhere").toString());
        try (Git git = open(checkout.folder)) {
            assertEquals(List.of(), git.changes());
        }
        checkout.env().remove("GIT_DIR");
    }

    @Test
    void editKeepsModesAndEverythingElse() {
        try (Git git = open(checkout.folder)) {
            ObjectId tree = git.edit(git.head(), Map.of("src/run.sh", text("#!/bin/sh\necho é\n"), "src/new/file", text("new\n"),
                    "src/old.txt", Optional.empty(), "not/there", Optional.empty()));
            assertEquals("100644 README.md, 120000 link, 100644 src/new/file, 100755 src/run.sh", String.join(", ",
                    checkout.git("ls-tree", "-r", "--format=%(objectmode) %(path)", tree.name()).lines().toList()));
            assertEquals("#!/bin/sh\necho é", checkout.git("cat-file", "blob", tree.name() + ":src/run.sh"));
            assertEquals(git.tree(git.head()), git.edit(git.head(), Map.of("README.md", text("hello\n"))));
        }
        checkout.git("fsck", "--strict");
    }

    @Test
    void editAndStoreCommitChangeNothingVisible() throws IOException {
        Map<String, String> before = checkout.state();
        try (Git git = open(checkout.folder)) {
            ObjectId tree = git.edit(git.head(), Map.of("README.md", text("other\n")));
            ObjectId commit = git.storeCommit(tree, List.of(git.head()), "Schön\n\nbody\n");
            assertEquals("Schön\n\nbody\n", git.message(commit));
            assertEquals(List.of(git.head()), git.parents(commit));
            assertEquals("other\n", new String(git.read(commit, "README.md").orElseThrow(), StandardCharsets.UTF_8));
        }
        assertEquals(before, checkout.state());
    }

    @Test
    void messagesPassThroughTheHookAndWithoutOneStayAsTheyAre() throws IOException {
        Path hook = checkout.folder.resolve(".git/hooks/commit-msg");
        try (Git git = open(checkout.folder)) {
            assertEquals("Schön\n\nbody\n", git.throughHook("Schön\n\nbody\n"));
            Program.write(hook, "#!/bin/sh\necho Trailer: x >> \"$1\"\n");
            assertEquals("Schön\n\nTrailer: x\n", git.throughHook("Schön\n\n"));
            Program.write(hook, "#!/bin/sh\necho too long; exit 1\n");
            Fault fault = assertThrows(Fault.class, () -> git.throughHook("Schön\n"));
            assertEquals(3, fault.kind().exitCode);
            assertTrue(fault.getMessage().contains("too long"), fault.getMessage());
        }
    }

    @Test
    void referencesMoveAllOrNone() {
        try (Git git = open(checkout.folder)) {
            ObjectId head = git.head();
            ObjectId next = git.storeCommit(git.tree(head), List.of(head), "next\n");
            Git.Move stale = new Git.Move("refs/heads/releng/test", Optional.of(next), Optional.of(head));
            Git.Move create = new Git.Move("refs/heads/new", Optional.empty(), Optional.of(next));
            assertThrows(Fault.class, () -> git.update(List.of(create, stale), "test"));
            assertEquals(Optional.empty(), git.commit("refs/heads/new"));
            git.update(List.of(create, new Git.Move("refs/heads/releng/test", Optional.of(head), Optional.of(next))), "test");
            assertEquals(next, git.head());
            assertThrows(Fault.class, () -> git.update(List.of(create), "test"));
            git.update(List.of(new Git.Move("refs/heads/new", Optional.of(next), Optional.empty())), "test");
            assertEquals(Optional.empty(), git.commit("refs/heads/new"));
        }
    }

    @Test
    void changesAreNamedButUntrackedFilesDoNotCount() throws IOException {
        checkout.write("untracked", "x");
        try (Git git = open(checkout.folder)) {
            git.requireNoChanges();
            checkout.write("README.md", "changed\n");
            Fault fault = assertThrows(Fault.class, git::requireNoChanges);
            assertEquals(List.of(" M README.md"), fault.why());
        }
    }

    @Test
    void listsAndReadsWhatACommitHolds() {
        try (Git git = open(checkout.folder)) {
            assertEquals(List.of("old.txt", "run.sh"), git.files(git.head()).list("src"));
            assertEquals(List.of(), git.files(git.head()).list("nowhere"));
            assertEquals(Optional.empty(), git.read(git.head(), "src"));
            assertEquals(Optional.empty(), git.read(git.head(), "src/none"));
        }
    }

    @Test
    void hooksAndGitGetNoKeys() throws IOException {
        Path got = temp.resolve("got");
        for (String hook : List.of("commit-msg", "reference-transaction")) {
            Program.write(checkout.folder.resolve(".git/hooks/" + hook), "#!/bin/sh\nenv >>'" + got + "'\n");
        }
        checkout.with("AWS_SECRET_ACCESS_KEY", "canary").with("RELENG_SIGNING_KEY", "canary").with("FORGE_TOKEN", "mine");
        try (Git git = open(checkout.folder)) {
            git.throughHook("message");
            git.tag("1.0", git.head(), "message", false, Optional.empty());
        }
        String env = Files.readString(got);
        assertTrue(env.contains("FORGE_TOKEN=mine") && env.contains("GIT_EXEC_PATH="), "both ran: " + env);
        assertTrue(!env.contains("canary"), env);
    }
}
