import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import lib.base.Exec;
import lib.git.Git;
import lib.release.BranchOff;
import lib.release.ReleaseTag;
import org.eclipse.jgit.lib.ObjectId;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a real Gerrit says no to, each time before a byte is published, and what upload tells about it. */
@Order(1)
class GerritRefusalsTest {

    private static final List<String> NOTHING = List.of();

    @TempDir
    Path folder;

    private Reviewed world() throws IOException {
        return new Reviewed(folder, "MERGE_IF_NECESSARY");
    }

    /** A commit on the branch that is pushed for review, on top of all that tag has made. */
    private static void onTop(Reviewed world, String message, String address) {
        world.checkout.git("checkout", "--quiet", "main");
        world.checkout.git("-c", "user.email=" + address, "-c", "core.hooksPath=/dev/null", "commit", "--quiet", "--allow-empty", "--message=" + message);
        world.checkout.git("checkout", "--quiet", "2.95.0");
    }

    @Test
    @DisplayName("hazard 40: without Change-Ids nothing is published, nor pushed, and each commit that lacks one is named")
    void withoutChangeIdsNothingIsPublished() throws IOException {
        try (Reviewed world = new Reviewed(folder, "MERGE_IF_NECESSARY", Released.copy(folder.resolve("checkout")))) {
            world.refused(3, NOTHING, "there is no branch releng/test on ssh://");
            world.push("2.95.0~2:refs/heads/releng/test");
            Checkout.Run run = world.refused(3, NOTHING, "'release: release notes for 2.95.0' has no Change-Id", "'release: 2.95.0 \"Crème Brûlée\"' has no Change-Id",
                    "/tools/hooks/commit-msg");
            assertEquals(run.err(), world.refused(3, List.of("--plan"), "has no Change-Id").err());
            assertEquals("", world.checkout.git("ls-remote", world.gerrit.admin(world.project), "refs/changes/*"));
        }
    }

    @Test
    void aCommitThatGerritDoesNotTakeIsNamed() throws IOException {
        try (Reviewed world = world()) {
            String id = world.checkout.git("log", "-1", "--format=%(trailers:key=Change-Id)", "main");
            onTop(world, "the same\n\n" + id, "manager@example.org");
            world.refused(3, NOTHING, "have the same Change-Id");
            world.checkout.git("branch", "--quiet", "--force", "main", "main~1");
            onTop(world, "another\n\nChange-Id: I" + "1".repeat(40), "other@example.org");
            world.refused(3, NOTHING, "other@example.org is not registered", "/settings#EmailAddresses");
            world.checkout.git("branch", "--quiet", "--force", "main", "main~1");
            world.gerrit.deny(world.project, "refs/for/refs/heads/main", "pushMerge");
            world.refused(3, NOTHING, "not allowed to upload merges", "Push Merge Commit on refs/for/refs/heads/main");
            world.gerrit.deny(world.project, "refs/for/refs/heads/main", "push");
            world.refused(3, NOTHING, "You need 'Create Change' rights", "Create Change");
        }
    }

    @Test
    void aReadOnlyProjectIsFoundAtOnce() throws IOException {
        try (Reviewed world = world()) {
            world.gerrit.rest("PUT", "/projects/" + world.project + "/config", "{\"state\": \"READ_ONLY\"}");
            world.refused(3, NOTHING, "the project is READ_ONLY");
            // Where nobody tells, the push does.
            world.checkout.write("releng.json", world.checkout.read("releng.json").replace("\"review\": \"" + world.gerrit.web(), "\"review\": \"http://127.0.0.1:1"));
            world.refused(3, NOTHING, "how the project submits is not known", "project state does not permit write", "the project is read-only");
            world.refused(3, List.of("--submit"), "it is not known how the project submits");
            world.gerrit.rest("PUT", "/projects/" + world.project + "/config", "{\"state\": \"ACTIVE\"}");
            world.refused(4, NOTHING, "is in review");
        }
    }

    @Test
    void aTagThatMayNotBeMadeIsFoundBeforeAFileIsPublished() throws IOException {
        try (Reviewed world = world().withoutMaintenanceBranch()) {
            world.submitted(world.inReview());
            world.gerrit.revoke(world.project, "refs/tags/*", "createTag");
            world.refused(3, NOTHING, "You need 'Create Tag' rights", "Create Annotated Tag on refs/tags/*");
            world.gerrit.grant(world.project, "refs/tags/*", "createTag");
            String message = world.checkout.git("for-each-ref", "--format=%(contents)", Reviewed.TAG);
            world.checkout.git("-c", "user.email=other@example.org", "tag", "--force", "--annotate", "--message=" + message, "2.95.0", "2.95.0^{commit}");
            world.refused(3, NOTHING, "You need 'Forge Committer' rights", "the tagger's address is not one of yours there");
        }
    }

    @Test
    void theMaintenanceBranchIsMadeBeforeTheTagAndWithTheRightForIt() throws IOException {
        try (Reviewed world = world()) {
            String merge = world.checkout.git("rev-list", "--merges", "2.95.0~1..main");
            try (Git git = Git.open(world.checkout.folder, world.checkout.env())) {
                new ReleaseTag("2.95.0", git.head(), "main", Optional.of(new BranchOff("release-2.95", ObjectId.fromString(merge)))).remember(git);
            }
            world.gerrit.deny(world.project, "refs/heads/release-2.95", "create");
            world.submitted(world.inReview());
            world.refused(3, NOTHING, "You need 'Create' rights", "Create Reference on that branch");
            assertEquals("", world.anybodysTag());
            world.gerrit.revoke(world.project, "refs/heads/release-2.95", "create");
            world.gerrit.grant(world.project, "refs/heads/release-2.95", "create");
            world.done();
            assertTrue(world.checkout.git("ls-remote", "gerrit", "refs/heads/release-2.95").startsWith(merge));
        }
    }

    @Test
    @DisplayName("hazard 39: a tag that was pushed too early is there and hidden; it is found before a byte is published, with what helps")
    void aHiddenTagIsFoundBeforeAByteIsPublished() throws IOException {
        try (Reviewed world = world().withoutMaintenanceBranch()) {
            List<Integer> changes = world.inReview();
            world.checkout.git("push", "--quiet", "gerrit", Reviewed.TAG);
            world.checkout.git("ls-remote", "gerrit");
            world.submitted(changes);
            Checkout.Run run = world.refused(3, NOTHING, "because it already exists", "it is there and hidden", "gerrit flush-caches --cache git_tags");
            assertFalse(run.out().contains("refs/for/"), run.out());
            world.gerrit.flush();
            Checkout.Run plan = world.upload("--plan");
            assertTrue(plan.exit() == 0 && !plan.out().contains("refs/tags/2.95.0"), plan.out() + plan.err());
            // Another one of that name is seen then, too.
            String mine = world.checkout.git("rev-parse", Reviewed.TAG);
            world.checkout.git("tag", "--force", "--annotate", "--message=" + world.checkout.git("for-each-ref", "--format=%(contents)", Reviewed.TAG) + " again", "2.95.0", "2.95.0^{commit}");
            world.refused(3, NOTHING, "refs/tags/2.95.0 on ssh://", " is " + mine);
        }
    }

    @Test
    void abandonedAndRebasedChangesAreToldApart() throws IOException {
        try (Reviewed world = world()) {
            List<Integer> changes = world.inReview();
            world.gerrit.rest("POST", "/changes/" + changes.get(1) + "/abandon", "{}");
            Checkout.Run run = world.refused(3, NOTHING, "/+/" + changes.get(1) + " is abandoned: restore it there");
            assertTrue(run.out().contains("/+/" + changes.get(1) + "  ABANDONED  release: 2.95.0"), run.out());
            String restore = run.err().lines().filter(line -> line.contains("is abandoned")).findFirst().orElseThrow().replaceAll(".*or with ssh", world.gerrit.sshCommand());
            Exec.of("sh", "-c", restore).orFail(restore, "");
            assertEquals(changes, world.inReview());
            String id = world.checkout.git("log", "-1", "--format=%(trailers:key=Change-Id)", "2.95.0~1");
            world.gerrit.rest("PUT", "/changes/" + changes.get(0) + "/message", "{\"message\": \"other notes\\n\\n" + id + "\\n\"}");
            world.refused(3, NOTHING, "/+/" + changes.get(0) + " was rebased or amended: its patch set 2 is ", "ours is " + world.commit("2.95.0~1"), "have somebody push it who may push to branches");
            world.push(world.commit("main") + ":" + Reviewed.BRANCH); // which the message asks for
            Checkout.Run plan = world.upload("--plan");
            assertEquals(0, plan.exit(), plan.err());
        }
    }

    @Test
    void changesThatWereSubmittedAsOtherCommitsAreNoRelease() throws IOException {
        try (Reviewed world = world()) {
            world.checkout.git("branch", "--force", "main", "2.95.0^{commit}");
            List<Integer> changes = world.inReview();
            world.mainMoves();
            world.gerrit.rest("PUT", "/projects/" + world.project + "/config", "{\"submit_type\": \"CHERRY_PICK\"}");
            changes.forEach(change -> world.gerrit.submit(List.of(change)));
            world.gerrit.rest("PUT", "/projects/" + world.project + "/config", "{\"submit_type\": \"MERGE_IF_NECESSARY\"}");
            world.refused(3, NOTHING, "main has other commits than ours", "cannot get into main", "git merge FETCH_HEAD");
        }
    }

    @Test
    void whatWasLeftOutOfTheSubmitOrMarksTheBranchOfficialIsSaid() throws IOException {
        try (Reviewed world = new Reviewed(folder, "REBASE_ALWAYS")) {
            List<Integer> changes = world.inReview();
            world.mainMoves();
            for (int change : changes.subList(0, 3)) {
                world.gerrit.submit(List.of(change));
            }
            Checkout.Run plan = world.upload("--plan");
            assertEquals(0, plan.exit(), plan.err());
            assertTrue(plan.err().contains("is marked as the official release 2.95.0, which only the release commit may be"), plan.err());
        }
        try (Reviewed world = new Reviewed(Files.createDirectory(folder.resolve("other")), "MERGE_IF_NECESSARY")) {
            List<Integer> changes = world.inReview();
            world.gerrit.submit(changes.subList(0, 2));
            Checkout.Run plan = world.upload("--plan");
            assertEquals(0, plan.exit(), plan.err());
            assertTrue(plan.err().contains("/+/" + changes.get(2) + " is still open: have it submitted, too, as it is; release: merge"), plan.err());
        }
    }

    @Test
    void optionsOfTheReviewMeanNothingElsewhere() throws IOException {
        try (Reviewed world = world()) {
            world.refused(2, List.of("--wait", "--submit"), "exclude each other");
            world.configure("\"direct\"");
            world.refused(2, List.of("--wait"), "does not review on a Gerrit");
        }
    }
}
