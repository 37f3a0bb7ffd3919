import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import lib.base.FileTree;
import lib.config.Config;
import lib.git.Git;
import lib.release.ReleaseTag;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code tag --undo}: everything is as before tag, or it says who has the release already. What fails on the way is TagInterruptedTest's. */
class UndoTest {

    @TempDir
    static Path template;

    @TempDir
    Path temp;

    private Checkout checkout;
    private Map<String, String> before;

    /** Where nothing is asked over a network. */
    static void project(Path folder) throws IOException {
        TagTest.project(folder);
        Checkout checkout = Checkout.existing(folder).write("releng.json", "{\"environments\": {\"staging\": null, \"live\": null}}\n");
        checkout.git("add", "releng.json");
        checkout.git("commit", "-q", "-m", "no environments");
    }

    @BeforeAll
    static void theSample() throws IOException {
        project(template);
    }

    @BeforeEach
    void aRelease() throws IOException {
        FileTree.copy(template, temp.resolve("a checkout"));
        checkout = Checkout.existing(temp.resolve("a checkout"));
        before = checkout.state();
    }

    private static Checkout.Run undo(Checkout checkout) {
        return TagTest.tag(checkout, "--undo");
    }

    private void assertUndone() throws IOException {
        Checkout.Run run = undo(checkout);
        assertEquals(0, run.exit(), run.err());
        assertEquals(before, checkout.state());
        assertEquals(Optional.empty(), TagTest.remembered(checkout));
    }

    private void assertRefused(String... says) throws IOException {
        Map<String, String> tagged = checkout.state();
        Checkout.Run run = undo(checkout);
        assertEquals(3, run.exit(), run.err());
        for (String words : says) {
            assertTrue(run.err().contains(words), run.err());
        }
        assertEquals(tagged, checkout.state());
    }

    @ParameterizedTest
    @ValueSource(strings = {"--branch-off", "--no-branch-off"})
    void everythingIsAsBeforeAndItSaysHowToRestoreIt(String branchOff) throws IOException {
        String start = checkout.git("rev-parse", "HEAD");
        TagTest.tag(checkout, branchOff);
        Map<String, String> tagged = checkout.state();
        checkout.write("release/notes", "built\n");
        Checkout.Run run = undo(checkout);
        assertEquals(0, run.exit(), run.err());
        assertTrue(run.err().contains("release/ still holds"), run.err());
        FileTree.remove(checkout.folder.resolve("release"));
        assertEquals(before, checkout.state());
        assertEquals(Optional.empty(), TagTest.remembered(checkout));
        run.err().lines().filter(line -> line.contains("to restore it")).forEach(line -> checkout.git(line.replaceFirst(".*: git ", "").split(" ")));
        checkout.git("checkout", "-q", "--detach", TagTest.VERSION);
        assertEquals(tagged, checkout.state());
        checkout.git("checkout", "-q", "main");
        assertUndone();
        assertTrue(undo(checkout).err().contains("nothing to undo"));
        assertEquals(before, checkout.state());
        assertEquals(0, TagTest.tag(checkout).exit());
        TagTest.assertReleased(checkout, start);
    }

    @Test
    void aReleaseThatIsOnlyTaggedIsUndoneToo() throws IOException {
        String start = checkout.git("rev-parse", "HEAD");
        TagTest.tag(checkout);
        checkout.git("update-ref", "refs/heads/main", start);
        assertUndone();
    }

    @Test
    void whatWasCommittedSinceIsNotLost() throws IOException {
        TagTest.tag(checkout);
        String tip = checkout.git("rev-parse", "main");
        String more = checkout.git("commit-tree", "-m", "more", "-p", tip, tip + "^{tree}");
        checkout.git("update-ref", "refs/heads/main", more);
        assertRefused("main has gone on since, to " + more.substring(0, 12));
        checkout.git("update-ref", "refs/heads/main", tip);
        checkout.git("update-ref", "refs/heads/release-2.95", more);
        assertRefused("refs/heads/release-2.95 has gone on since, to " + more.substring(0, 12));
        checkout.git("update-ref", "refs/heads/release-2.95", tip + "^");
        checkout.git("worktree", "add", "-q", "../other", "release-2.95");
        assertRefused("refs/heads/release-2.95 is checked out in " + temp.resolve("other").toRealPath());
        checkout.git("worktree", "remove", "../other");
        checkout.write("version.json", "{\"mine\": true}\n");
        assertRefused("uncommitted changes", "version.json");
        Map<String, String> tagged = checkout.state();
        assertEquals(1, TagTest.tag(checkout, "--undo", "--no-check-git").exit());
        assertEquals(tagged, checkout.state());
        checkout.git("checkout", "-q", "version.json");
        assertUndone();
    }

    @Test
    void aTagOfAnotherReleaseIsNotUndone() throws IOException {
        checkout.git("tag", "-a", "-m", "mine", TagTest.VERSION);
        assertRefused("is not that of a release made on main");
    }

    @Test
    void whatARemoteHasIsNotUndone() throws IOException {
        Path remote = temp.resolve("the remote.git");
        checkout.git("init", "-q", "--bare", remote.toString());
        checkout.git("remote", "add", "origin", remote.toString());
        checkout.git("push", "-q", remote.toString(), "main:main");
        TagTest.tag(checkout);
        // In review nobody has it yet, and a branch that has gone on elsewhere is asked what it holds.
        checkout.git("push", "-q", remote.toString(), "main:refs/changes/01/1/1");
        Checkout other = checkout.at(temp.resolve("other"));
        checkout.git("clone", "-q", "-b", "main", remote.toString(), other.folder.toString());
        other.git("-c", "user.name=O", "-c", "user.email=o@example.org", "commit", "-q", "--allow-empty", "-m", "theirs");
        other.git("push", "-q", "origin", "main");
        assertUndone();
        TagTest.tag(checkout);
        other.git("fetch", "-q", checkout.folder.toString(), "main");
        other.git("-c", "user.name=O", "-c", "user.email=o@example.org", "merge", "-q", "-m", "merged by them", "FETCH_HEAD");
        other.git("push", "-q", "origin", "main:elsewhere");
        assertRefused(remote + " has it: refs/heads/elsewhere holds the release commit", "git checkout -B main ");
        other.git("push", "-q", "origin", ":elsewhere");
        checkout.git("push", "-q", remote.toString(), TagTest.VERSION);
        assertRefused(remote + " has it: refs/tags/2.95.0 holds the release commit");
        checkout.git("push", "-q", remote.toString(), ":" + TagTest.VERSION);
        checkout.git("remote", "set-url", "--add", "--push", "origin", temp.resolve("gone.git").toString());
        assertRefused(temp.resolve("gone.git") + " cannot be asked");
    }

    @Test
    void whatAnEnvironmentHasIsNotUndone() throws IOException {
        Path remote = temp.resolve("live.git");
        String config = "{\"environments\": {\"staging\": null, \"live\": {\"gerrit\": false, \"git\": \"" + remote + "\"}}}\n";
        checkout.write("releng.json", config);
        checkout.git("commit", "-q", "-a", "-m", "live");
        before = checkout.state();
        TagTest.tag(checkout);
        assertRefused(remote + " cannot be asked");
        checkout.git("init", "-q", "--bare", remote.toString());
        checkout.git("push", "-q", remote.toString(), TagTest.VERSION);
        assertRefused(remote + " has it: refs/tags/2.95.0");
        FileTree.remove(remote);
        checkout.git("init", "-q", "--bare", remote.toString());
        try (Git git = Git.open(checkout.folder, checkout.env())) {
            ReleaseTag.remembered(git, TagTest.VERSION).orElseThrow().publishing(git, Config.LIX.environment("local"));
        }
        assertUndone();
        TagTest.tag(checkout);
        try (Git git = Git.open(checkout.folder, checkout.env())) {
            ReleaseTag.remembered(git, TagTest.VERSION).orElseThrow().publishing(git, Config.LIX.environment("live"));
        }
        assertRefused("upload has begun to publish it on live");
    }
}
