import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import lib.base.Console;
import lib.base.Fault;
import lib.config.Config;
import lib.config.Project;
import lib.git.Git;
import lib.git.GitChangeIds;
import lib.http.Network;
import lib.proof.BranchProof;
import lib.proof.Fetcher;
import lib.proof.Proof;
import lib.publish.GitRemote;
import lib.publish.Plan;
import lib.release.BranchOff;
import lib.release.ReleaseTag;
import lib.release.Version;
import org.eclipse.jgit.lib.ObjectId;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Branch and tag of a tagged release in a plain git repository, and the way back to the branch. */
class GitRemoteTest {

    @TempDir
    Path folder;
    private final List<String> said = new ArrayList<>();
    private final Console console = Proving.console(said);
    private Checkout checkout;
    private Checkout server;

    @BeforeEach
    void aTaggedRelease() throws IOException {
        TagTest.project(folder.resolve("checkout"));
        checkout = Checkout.existing(folder.resolve("checkout"));
        checkout.git("branch", "--move", "releng/test");
        checkout.git("config", "remote.nowhere.fetch", "+refs/heads/*:refs/remotes/nowhere/*"); // a remote without an address is none of those that are asked
        assertEquals(0, TagTest.tag(checkout).exit());
        checkout.git("init", "--quiet", "--bare", folder.resolve("server.git").toString());
        server = checkout.at(folder.resolve("server.git"));
        checkout.git("remote", "add", "origin", server.folder.toString());
    }

    private interface Work {
        void in(GitRemote remote) throws IOException;
    }

    private void with(Work work) throws IOException {
        try (Git git = Git.open(checkout.folder, checkout.env())) {
            work.in(new GitRemote(git, server.folder.toString(), Optional.empty(), ReleaseTag.remembered(git, "2.95.0").orElseThrow(), false));
        }
    }

    private void publish() throws IOException {
        with(remote -> new Plan().add(remote).run(console, 8));
    }

    private void back() throws IOException {
        with(remote -> remote.backOnBranch(console));
    }

    private String refs() {
        return server.git("for-each-ref", "--format=%(refname)");
    }

    @Test
    void branchMaintenanceBranchAndTagComeTogetherOrNotAtAll() throws IOException {
        String merge = checkout.git("rev-list", "--merges", "-1", "releng/test");
        try (Git git = Git.open(checkout.folder, checkout.env())) {
            new ReleaseTag("2.95.0", git.head(), "releng/test", Optional.of(new BranchOff("release-2.95", ObjectId.fromString(merge)))).remember(git);
        }
        Path hook = server.folder.resolve("hooks/update");
        for (String refused : List.of("refs/tags/2.95.0", "refs/heads/release-2.95", "refs/heads/releng/test")) {
            Program.write(hook, "#!/bin/sh\n[ $1 != " + refused + " ] || { echo not today; exit 1; }\n");
            Fault fault = assertThrows(Fault.class, this::publish);
            assertTrue(fault.kind() == Fault.Kind.REFUSED && fault.getMessage().contains("not today") && fault.getMessage().contains(refused), fault.getMessage());
            assertEquals("", refs());
        }
        Program.write(hook, "#!/bin/sh\nexit 0\n");
        publish();
        assertEquals("refs/heads/release-2.95\nrefs/heads/releng/test\nrefs/tags/2.95.0", refs());
        assertEquals(merge, server.git("rev-parse", "refs/heads/release-2.95"));
        with(remote -> assertTrue(remote.compare().isEmpty()));
    }

    @Test
    void aServerThatTakesNoAtomicPushGetsTheTagLast() throws IOException {
        server.git("config", "receive.advertiseAtomic", "false");
        Program.write(server.folder.resolve("hooks/update"), "#!/bin/sh\ncase $1 in refs/tags/*) exit 1;; esac\n");
        assertThrows(Fault.class, this::publish);
        assertEquals("refs/heads/releng/test", refs());
        Program.write(server.folder.resolve("hooks/update"), "#!/bin/sh\nexit 0\n");
        publish();
        assertEquals("refs/heads/releng/test\nrefs/tags/2.95.0", refs());
    }

    @Test
    void aBranchThatHasOtherCommitsThereIsNeverForced() throws IOException {
        String other = checkout.git("commit-tree", "releng/test^{tree}", "-m", "other");
        checkout.git("push", "--quiet", "origin", other + ":refs/heads/releng/test");
        with(remote -> assertTrue(remote.compare().conflicts().get(0).contains("has commits that are not in the branch here: it is on " + other)));
        checkout.git("push", "--quiet", "--force", "origin", "releng/test~1:refs/heads/releng/test");
        String before = server.git("rev-parse", "refs/heads/releng/test");
        with(remote -> {
            Plan plan = new Plan().add(remote);
            checkout.git("push", "--quiet", "--force", "origin", other + ":refs/heads/releng/test"); // while somebody thought about it
            assertThrows(Fault.class, () -> plan.run(console, 8));
        });
        assertTrue(!before.equals(other) && server.git("rev-parse", "refs/heads/releng/test").equals(other));
        assertEquals("refs/heads/releng/test", refs(), "the tag does not come without its branch");
    }

    @Test
    void afterwardsTheCheckoutIsOnItsBranchWhereTheServersIs() throws IOException {
        publish();
        String merge = checkout.git("rev-parse", "releng/test");
        String later = checkout.git("commit-tree", "releng/test^{tree}", "-p", "releng/test", "-m", "later");
        checkout.git("push", "--quiet", "origin", later + ":refs/heads/releng/test");
        back();
        assertEquals("releng/test " + later, checkout.git("symbolic-ref", "--short", "HEAD") + " " + checkout.git("rev-parse", "HEAD"));
        assertEquals(later, checkout.git("rev-parse", "refs/remotes/origin/releng/test"));
        assertEquals("", checkout.git("status", "--porcelain"));
        back(); // nothing to do
        assertEquals(later, checkout.git("rev-parse", "HEAD"));

        checkout.git("reset", "--quiet", "--hard", merge);
        checkout.git("commit", "--quiet", "--allow-empty", "--message=mine");
        String mine = checkout.git("rev-parse", "HEAD");
        back();
        assertEquals(mine, checkout.git("rev-parse", "releng/test"));
        assertTrue(said.toString().contains("which has other commits than the server's, at " + later + ": merge that, or rebase onto it"), said.toString());
    }

    @Test
    void whatIsNotCommittedOrCheckedOutElsewhereStaysAsItIs() throws IOException {
        publish();
        checkout.write("README.md", "mine");
        back();
        assertEquals("mine", checkout.read("README.md"));
        assertEquals("HEAD", checkout.git("rev-parse", "--abbrev-ref", "HEAD"));
        assertTrue(said.toString().contains("uncommitted changes and stays where it is: commit or stash them, then git checkout releng/test"), said.toString());
        checkout.git("checkout", "--quiet", "README.md");
        checkout.git("worktree", "add", "--quiet", folder.resolve("elsewhere").toString(), "releng/test");
        back();
        assertEquals("HEAD", checkout.git("rev-parse", "--abbrev-ref", "HEAD"));
        assertTrue(said.toString().contains("git could not check out releng/test"), said.toString());
    }

    private void prove(Optional<Git> git, Optional<String> branch) {
        new Proof(Fetcher.of(Config.LIX.environment("local"), Optional.empty(), Network.PLAIN), Config.LIX.environment("local"), Project.LIX, Optional.empty(), console)
                .check("branch", new BranchProof(Config.LIX.environment("local"), Project.LIX, git, checkout.env())
                        .part(server.folder.toString(), Version.of("2.95.0"), Optional.of(checkout.git("rev-parse", "2.95.0^{commit}")), branch, true)).orFail();
    }

    @Test
    void aBranchThatHoldsTheReleaseIsProvedWithAndWithoutACheckout() throws IOException {
        server.git("config", "uploadpack.allowFilter", "true");
        publish();
        checkout.git("push", "--quiet", "origin", "2.95.0~1:refs/heads/main");
        try (Git git = Git.open(checkout.folder, checkout.env())) {
            prove(Optional.of(git), Optional.of("releng/test"));
            prove(Optional.empty(), Optional.empty());
            server.git("branch", "--force", "releng/test", "2.95.0~1");
            for (Optional<Git> reader : List.of(Optional.of(git), Optional.<Git>empty())) {
                for (Optional<String> branch : List.of(Optional.of("releng/test"), Optional.<String>empty())) {
                    Fault fault = assertThrows(Fault.class, () -> prove(reader, branch));
                    assertTrue(fault.getMessage().contains("does not hold the release commit"), fault.getMessage());
                }
            }
        }
    }

    @Test
    @DisplayName("hazard 40: tag finds before it makes anything that a Gerrit would refuse its commits")
    void tagLooksForChangeIds() throws IOException {
        checkout.git("checkout", "--quiet", "-B", "releng/test", "2.95.0~1");
        checkout.git("tag", "--delete", "2.95.0");
        checkout.git("remote", "add", "gerrit", "ssh://me@gerrit.example.org:29418/lix");
        checkout.git("update-ref", "refs/remotes/gerrit/main", "HEAD");
        checkout.write("releng.json", "{\"environments\": {\"live\": {\"git\": \"ssh://gerrit.example.org:29418/lix\", \"urls\": null}}}");
        checkout.git("commit", "--quiet", "--allow-empty", "--message=without");
        Map<String, String> before = checkout.state();
        Checkout.Run run = TagTest.tag(checkout);
        assertEquals(3, run.exit(), run.err());
        assertTrue(run.err().contains("the clone has no commit-msg hook that adds a Change-Id, and the Gerrit of live refuses that: curl -Lo")
                && run.err().contains("'without' has no Change-Id"), run.err());
        assertEquals(before, checkout.state());
        Program.write(checkout.folder.resolve(".git/hooks/commit-msg"), TagTest.CHANGE_ID_HOOK);
        checkout.git("commit", "--quiet", "--amend", "--allow-empty", "--no-edit");
        run = TagTest.tag(checkout);
        assertEquals(0, run.exit(), run.err());
    }

    @Test
    void aChangeIdIsInTheLastParagraph() {
        String id = "I" + "0123456789".repeat(4);
        assertEquals(Optional.of(id), GitChangeIds.of("subject\n\nbody\n\nChange-Id: " + id + "\n"));
        assertEquals(Optional.of(id), GitChangeIds.of("subject\n\nSigned-off-by: A <a@example.org>\nLink: https://gerrit.example.org/id/" + id + "\n"));
        for (String message : List.of("Change-Id: " + id + "\n", "subject\n\nChange-Id: " + id + "\n\nmore\n", "subject\n\nChange-Id: I123\n", "subject\n")) {
            assertEquals(Optional.empty(), GitChangeIds.of(message), message);
        }
    }
}
