import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import lib.base.Exec;
import lib.base.FileTree;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Clones of all kinds, as git knows them: a release is the same in each, or it is said what kind of clone this is. */
class ClonesTest {

    private static final String NOTES = "doc/manual/src/release-notes/rl-2.95.md";

    @TempDir
    Path temp;

    private Checkout origin() throws IOException {
        Checkout origin = Released.sample(temp.resolve("origin"));
        origin.git("config", "uploadpack.allowFilter", "true");
        origin.git("config", "uploadpack.allowAnySHA1InWant", "true");
        return origin;
    }

    private Checkout clone(Checkout origin, String... options) {
        java.util.List<String> line = new java.util.ArrayList<>(java.util.List.of("clone", "--quiet"));
        line.addAll(java.util.List.of(options));
        line.addAll(java.util.List.of("file://" + origin.folder, temp.resolve("clone").toString()));
        origin.git(line.toArray(new String[0]));
        return user(origin.at(temp.resolve("clone")));
    }

    private static Checkout user(Checkout checkout) {
        checkout.git("config", "user.name", "Release Manager");
        checkout.git("config", "user.email", "manager@example.org");
        return checkout;
    }

    private static void assertRuns(Checkout checkout, lib.base.Cli.Phase phase) {
        Checkout.Run run = checkout.run(phase);
        assertEquals(0, run.exit(), run.err());
    }

    private static void assertPreparesAndTags(Checkout checkout) {
        assertRuns(checkout, new prepare());
        assertTrue(checkout.git("show", "HEAD:" + NOTES).contains("# Lix 2.95.0 ("));
        assertRuns(checkout, new tag());
        assertEquals("tag", checkout.git("cat-file", "-t", "refs/tags/2.95.0"));
        assertEquals(checkout.git("rev-parse", "2.95.0^{commit}"), checkout.git("rev-parse", "HEAD"));
    }

    private static Checkout.Run assertRefused(Checkout checkout, lib.base.Cli.Phase phase, int exit, String says, String next) throws IOException {
        Map<String, String> before = checkout.state();
        Checkout.Run run = checkout.run(phase);
        assertEquals(exit, run.exit(), run.err());
        assertTrue(run.err().contains(says) && run.err().contains(next), run.err());
        assertEquals(before, checkout.state());
        return run;
    }

    @Test
    void aPartialCloneFetchesWhatIsRead() throws IOException {
        Checkout clone = clone(origin(), "--filter=blob:none", "--sparse");
        clone.git("sparse-checkout", "set", "src");
        assertPreparesAndTags(clone);
    }

    @Test
    void aPartialCloneWhoseServerIsGoneSaysWhatItIs() throws IOException {
        Checkout clone = clone(origin(), "--filter=blob:none", "--sparse");
        clone.git("sparse-checkout", "set", "src");
        clone.git("branch", "--unset-upstream"); // which would be asked first
        FileTree.remove(temp.resolve("origin"));
        assertRefused(clone, new prepare(), 1, "this is a partial clone, and its server did not send the object", "git fetch");
    }

    @Test
    void aTreelessCloneIsReadToo() throws IOException {
        assertPreparesAndTags(clone(origin(), "--filter=tree:0"));
    }

    @Test
    void aShallowCloneIsRefusedBeforeItIsBuilt() throws IOException {
        Checkout origin = origin();
        assertPreparesAndTags(origin);
        Checkout clone = clone(origin, "--depth=1", "--branch=2.95.0");
        assertRefused(clone, new build(), 3, "this clone is shallow", "git fetch --unshallow");
    }

    @Test
    void aGitDirectoryElsewhereIsFound() throws IOException {
        assertPreparesAndTags(clone(origin(), "--separate-git-dir=" + temp.resolve("git dir")));
        assertTrue(Files.isRegularFile(temp.resolve("clone/.git")));
    }

    @Test
    void aWorkTreeSetByConfigurationIsFound() throws IOException {
        Checkout clone = clone(origin());
        Files.move(temp.resolve("clone/.git"), temp.resolve("repository"));
        Checkout.existing(temp.resolve("repository")).git("config", "core.worktree", temp.resolve("clone").toString());
        Files.writeString(temp.resolve("clone/.git"), "gitdir: " + temp.resolve("repository") + "\n");
        assertPreparesAndTags(clone);
    }

    @Test
    void aWorkTreeOfABareRepositoryIsFound() throws IOException {
        Checkout origin = origin();
        Checkout bare = clone(origin, "--bare");
        bare.git("worktree", "add", "--quiet", "../work tree", "releng/test");
        assertPreparesAndTags(bare.at(temp.resolve("work tree")));
    }

    @Test
    void aCheckoutThatIsASubmoduleIsItsOwn() throws IOException {
        Checkout origin = origin();
        Checkout outer = user(Checkout.empty(temp.resolve("outer")));
        outer.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", origin.folder.toString(), "inner");
        assertPreparesAndTags(user(outer.at(temp.resolve("outer/inner"))));
        assertEquals("", outer.git("for-each-ref"));
    }

    @Test
    void aReferenceCloneBorrowsItsObjects() throws IOException {
        Checkout origin = origin();
        assertPreparesAndTags(clone(origin, "--shared"));
    }

    @Test
    void sha256RepositoriesAreRefusedByName() throws IOException {
        Files.createDirectories(temp.resolve("clone"));
        Checkout checkout = Checkout.existing(temp.resolve("clone"));
        checkout.git("init", "--quiet", "--object-format=sha256", "--initial-branch=releng/test");
        Sample.copy(checkout.folder);
        user(checkout).git("add", "--all");
        checkout.git("commit", "--quiet", "--message=start");
        assertRefused(checkout, new prepare(), 2, "the object format sha256", "make the release in a clone whose object format is sha1");
        assertRefused(checkout, new tag(), 2, "the object format sha256", "");
        assertRefused(checkout, new build(), 2, "the object format sha256", "");
    }

    @Test
    void aFolderWithALineBreakInItsNameIsRefused() throws IOException {
        Released.sample(temp.resolve("here"));
        Exec.of("mv", "here", "two\nlines").in(temp).orFail("mv", "");
        Checkout.Run run = Checkout.existing(temp.resolve("two\nlines")).run(new prepare());
        assertEquals(2, run.exit(), run.err());
        assertTrue(run.err().contains("control character in its name"), run.err());
    }

    /** What reads the notes in one locale reads them in all. */
    @Test
    void aFolderOfAnyOtherNamePreparesAndTags() throws IOException {
        assertPreparesAndTags(Released.sample(temp.resolve("a ü #?&%[]|\\'\"$(x)`;*~!{}=@:+, b%20c%")));
    }
}
