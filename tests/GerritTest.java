import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Releases that are reviewed on a real Gerrit, by a release manager with ordinary rights, up to their publication. */
@Order(1)
class GerritTest {

    private static final boolean ALL = Boolean.getBoolean("releng.slow");

    @TempDir
    Path folder;

    private Reviewed world(String submitType) throws IOException {
        return new Reviewed(folder, submitType);
    }

    @Test
    @DisplayName("hazard 39: the tag is pushed after the release commit is in the branch, anybody sees it, and a rerun has nothing to do")
    void theTagComesAfterTheReview() throws IOException {
        try (Reviewed world = world("MERGE_IF_NECESSARY").withoutMaintenanceBranch()) {
            world.checkout.env().remove("GIT_SSH_COMMAND");
            world.checkout.git("config", "core.sshCommand", world.gerrit.sshCommand());
            Checkout.Run plan = world.upload("--plan");
            assertEquals(0, plan.exit(), plan.err());
            assertTrue(plan.out().indexOf("create refs/for/main on ") >= 0 && plan.out().indexOf("create refs/for/main on ") < plan.out().indexOf("create refs/tags/2.95.0 on "), plan.out());
            assertEquals("", world.checkout.git("ls-remote", world.gerrit.admin(world.project), "refs/changes/*"), "a plan pushes nothing");

            Checkout.Run first = world.upload();
            assertEquals(4, first.exit(), first.err());
            List<Integer> changes = Reviewed.numbers(first);
            assertEquals(world.checkout.git("rev-list", "--count", "2.95.0~2..main"), Integer.toString(changes.size()), first.out());
            assertTrue(first.err().contains("waiting: 2.95.0 is in review") && first.err().contains("/+/" + changes.get(changes.size() - 1) + ", submitted with all below it; do not rebase any"), first.err());
            world.assertNothingPublished();
            assertEquals(changes, world.inReview(), "pushing again adds nothing, and says the same");
            assertEquals("", world.checkout.git("ls-remote", world.gerrit.admin(world.project), Reviewed.TAG));

            world.submitted(changes);
            world.done();
            assertEquals("main", world.checkout.git("symbolic-ref", "--short", "HEAD"));
            assertEquals(world.main(), world.commit("HEAD"));
            assertEquals(world.main(), world.checkout.git("rev-parse", "refs/remotes/gerrit/main"), "git status knows, too");
            Checkout.Run again = world.done();
            assertTrue(again.err().contains("nothing to do"), again.err());

            world.checkout.git("config", "core.sshCommand", "false"); // as anybody, who has no account there
            world.checkout.write("version.json", world.checkout.read("version.json").replaceFirst("\"2\\.\\d+\\.\\d+[^\"]*\"", "\"2.96.0-dev\""));
            world.checkout.git("commit", "--quiet", "--allow-empty", "--all", "--message=development goes on");
            Checkout.Run verify = world.upload("--target", "verify");
            assertEquals(0, verify.exit(), verify.err());
            assertTrue(verify.err().contains("tag 1, branch 1"), verify.err());
            world.push("--force", world.commit("2.95.0~2") + ":" + Reviewed.BRANCH);
            Checkout.Run lost = world.upload("--target", "verify", "--release", "2.95.0");
            assertEquals(1, lost.exit(), lost.err());
            assertTrue(lost.err().contains("does not hold the release commit") || lost.err().contains("is missing"), lost.err());
        }
    }

    @ParameterizedTest
    @CsvSource({"MERGE_IF_NECESSARY, true, false", "MERGE_ALWAYS, false, false", "MERGE_ALWAYS, true, false", "REBASE_IF_NECESSARY, false, false", "REBASE_IF_NECESSARY, true, true",
        "REBASE_ALWAYS, false, false", "REBASE_ALWAYS, true, false", "FAST_FORWARD_ONLY, false, false"})
    void theReleaseGoesOutUnderEachSubmitType(String submitType, boolean moved, boolean whole) throws IOException {
        try (Reviewed world = world(submitType)) {
            String other = moved ? world.mainMoves() : world.commit("2.95.0~2");
            world.submitted(world.inReview());
            if (!whole && !ALL) {
                Checkout.Run plan = world.upload("--plan");
                assertEquals(0, plan.exit(), plan.err());
                assertTrue(plan.out().contains("create refs/tags/2.95.0 on ") && !plan.out().contains("refs/for/"), plan.out());
                return;
            }
            Checkout.Run run = world.done();
            assertFalse(run.err().contains("marked as the official"), run.err());
            assertEquals("main", world.checkout.git("symbolic-ref", "--short", "HEAD"));
            assertEquals(world.main(), world.commit("HEAD"));
            world.checkout.git("merge-base", "--is-ancestor", other, "HEAD");
            world.checkout.git("merge-base", "--is-ancestor", "2.95.0", "HEAD");
            assertTrue(world.checkout.read("version.json").contains("\"official_release\": false"));
        }
    }

    @Test
    void underFastForwardOnlyAMovedBranchIsMergedAndPushedAgain() throws IOException {
        try (Reviewed world = world("FAST_FORWARD_ONLY")) {
            List<Integer> before = world.inReview();
            world.mainMoves();
            world.refused(3, List.of(), "submits Fast Forward Only, and main has gone on there", "git merge FETCH_HEAD");
            world.checkout.git("checkout", "--quiet", "main");
            world.checkout.git("fetch", "--quiet", "gerrit", "main");
            world.checkout.git("merge", "--quiet", "--no-edit", "FETCH_HEAD");
            world.checkout.git("checkout", "--quiet", "2.95.0");
            List<Integer> after = world.inReview();
            assertEquals(before, after.subList(0, before.size()));
            assertEquals(before.size() + 1, after.size());
            world.submitted(after);
            Checkout.Run plan = world.upload("--plan");
            assertTrue(plan.exit() == 0 && !plan.out().contains("refs/for/"), plan.out() + plan.err());
        }
    }

    @Test
    void waitGoesOnAsSoonAsTheChangesAreSubmitted() throws Exception {
        try (Reviewed world = world("MERGE_IF_NECESSARY")) {
            List<Integer> changes = world.inReview();
            CompletableFuture<Checkout.Run> run = CompletableFuture.supplyAsync(() -> world.upload("--wait"));
            world.submitted(changes);
            Checkout.Run done = run.get(2, TimeUnit.MINUTES);
            assertEquals(0, done.exit(), done.err());
            assertEquals(world.commit("2.95.0"), world.anybodysTag());
        }
    }

    @Test
    void whoMaySubmitDoesSoInOneRun() throws IOException {
        try (Reviewed world = world("MERGE_IF_NECESSARY")) {
            world.refused(3, List.of("--submit"), "You need 'Submit' rights on refs/for/", "or omit --submit");
            world.gerrit.grant(world.project, "refs/for/refs/heads/main", "submit");
            Checkout.Run plan = world.upload("--submit", "--plan");
            assertTrue(plan.out().contains("create refs/for/main%submit on "), plan.out() + plan.err());
            world.done("--submit");
            assertEquals(world.commit("main"), world.main());
        }
    }

    @Test
    void whatIsInReviewAlreadyIsSubmittedByItsRules() throws IOException {
        try (Reviewed world = world("MERGE_IF_NECESSARY")) {
            List<Integer> changes = world.inReview();
            for (String ref : List.of("refs/for/refs/heads/main", "refs/heads/main")) {
                world.gerrit.grant(world.project, ref, "submit");
            }
            world.refused(3, List.of("--submit"), "did not submit the changes", "submit requirement 'Code-Review' is unsatisfied");
            world.gerrit.approve(changes);
            world.done("--submit");
        }
    }

    @Test
    void aDirectPushKeepsTheReleaseWhereReviewWouldMakeOtherCommits() throws IOException {
        try (Reviewed world = world("CHERRY_PICK")) {
            world.refused(3, List.of(), "submits by Cherry Pick", "\"gerrit\": \"direct\"");
            world.refused(3, List.of("--submit"), "submits by Cherry Pick");
            assertEquals("", world.checkout.git("ls-remote", world.gerrit.admin(world.project), "refs/changes/*"), "nothing was pushed");
            world.configure("\"direct\"");
            world.refused(3, List.of(), "get 'Push' rights to update the branch", "Push on refs/heads/main");
            world.gerrit.grant(world.project, "refs/heads/main", "push");
            world.done();
            assertEquals(world.commit("main"), world.main());
            assertTrue(world.done().err().contains("nothing to do"));
        }
    }

    /** An ssh that kills whoever is in the file {@code victim}, before or after what it is told to do for the N-th time. */
    private void killing(Reviewed world, String words, boolean after) throws IOException {
        String real = world.gerrit.sshCommand() + " \"$@\"";
        Path ssh = Program.write(folder.resolve("ssh-killing"), "#!/bin/sh\ncase \"$*\" in\n*'" + words + "'*)\n" + (after ? real + "\n" : "")
                + "kill -KILL $(cat " + folder.resolve("victim") + ")\nexit 1;;\n*) exec " + real + ";;\nesac\n");
        world.checkout.with("GIT_SSH_COMMAND", ssh.toString());
    }

    @Test
    void aRunThatIsKilledAroundThePushesIsFinishedByTheNext() throws Exception {
        try (Reviewed world = world("MERGE_IF_NECESSARY").withoutMaintenanceBranch()) {
            String merge = world.commit("main");
            world.mainMoves();
            killed(world, "git-receive-pack", false);
            killed(world, "git-receive-pack", true);
            killed(world, "gerrit query", true);
            world.assertNothingPublished();
            List<Integer> changes = world.inReview();
            world.submitted(changes);
            killed(world, "git-receive-pack", false);
            world.assertNothingPublished();
            killed(world, "git-receive-pack", true);
            world.assertNothingPublished();
            assertEquals(world.commit("2.95.0"), world.anybodysTag());
            world.done();
            // On the way back to the branch, which is behind the server's.
            world.checkout.git("checkout", "--quiet", "2.95.0");
            world.checkout.git("branch", "--quiet", "--force", "main", merge);
            Program.write(world.checkout.folder.resolve(".git/hooks/post-checkout"), "#!/bin/sh\nkill -KILL $(cat " + folder.resolve("victim") + ")\n");
            killed(world, "nothing", false);
            Files.delete(world.checkout.folder.resolve(".git/hooks/post-checkout"));
            assertEquals(merge, world.commit("HEAD"));
            world.done();
            assertEquals(world.main(), world.commit("HEAD"));
        }
    }

    private void killed(Reviewed world, String words, boolean after) throws Exception {
        killing(world, words, after);
        Process process = world.forked();
        Files.writeString(folder.resolve("victim"), Long.toString(process.pid()));
        assertTrue(process.waitFor(4, TimeUnit.MINUTES), "upload neither ended nor was killed");
        assertEquals(137, process.exitValue(), world.said());
        world.checkout.with("GIT_SSH_COMMAND", world.gerrit.sshCommand());
    }
}
