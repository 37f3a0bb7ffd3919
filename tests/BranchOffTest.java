import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Stream;
import lib.base.FileTree;
import lib.git.Git;
import lib.release.Release;
import lib.release.ReleaseTag;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Which releases begin a maintenance branch, and what development goes on with; TagTest has what a whole one looks like. */
class BranchOffTest {

    @TempDir
    static Path template;

    @TempDir
    Path temp;

    @BeforeAll
    static void theSample() throws IOException {
        TagTest.project(template);
    }

    /** The sample at a version, on a branch. */
    private Checkout sample(String version, String branch) throws IOException {
        Path folder = temp.resolve("checkout");
        FileTree.copy(template, folder);
        Checkout checkout = Checkout.existing(folder);
        checkout.write("version.json", TagTest.VERSION_FILE.replace(TagTest.VERSION, version));
        checkout.git("commit", "-q", "--allow-empty", "-a", "-m", "version");
        checkout.git("branch", "-m", branch);
        return checkout;
    }

    private static Checkout.Run tagged(Checkout checkout, String... args) {
        Checkout.Run run = TagTest.tag(checkout, Stream.concat(Stream.of("--no-notes"), Stream.of(args)).toArray(String[]::new));
        assertEquals(0, run.exit(), run.err());
        return run;
    }

    /** The branch ends with the merge of the release that HEAD is on. */
    private static void assertMergeEnds(Checkout checkout, String branch) {
        assertEquals(checkout.git("rev-parse", "HEAD"), checkout.git("rev-parse", branch + "^2"));
    }

    @ParameterizedTest
    @CsvSource({"2.95.1, main", "2.95.0-rc1, main", "2.95.0, release-2.95", "2.95.1, releng/2.95.1", "2.95.0, releng/2.95.0"})
    void patchesPreReleasesAndReleasesOfOtherBranchesThanMainBeginNone(String version, String branch) throws IOException {
        Checkout checkout = sample(version, branch);
        tagged(checkout);
        assertMergeEnds(checkout, branch);
        assertEquals("refs/heads/" + branch, checkout.git("for-each-ref", "--format=%(refname)", "refs/heads"));
        try (Git git = Git.open(checkout.folder, checkout.env())) {
            assertEquals(Optional.empty(), ReleaseTag.remembered(git, version).orElseThrow().branchOff());
        }
    }

    @Test
    void itIsDoneOrNotWhereSomebodySaysSo() throws IOException {
        Checkout checkout = sample("2.95.0", "main");
        tagged(checkout, "--no-branch-off");
        assertMergeEnds(checkout, "main");
        checkout.git("checkout", "-q", "main");
        checkout.write("version.json", TagTest.VERSION_FILE.replace(TagTest.VERSION, "2.97.0-rc1").replace("Crème Brûlée", "Kirsch"));
        checkout.git("commit", "-q", "-a", "-m", "version");
        Checkout.Run run = tagged(checkout, "--branch-off");
        assertTrue(run.out().contains("branched off    release-2.97; main goes on as 2.98.0-dev"), run.out());
        assertMergeEnds(checkout, "release-2.97");
        assertEquals(checkout.git("rev-parse", "release-2.97"), checkout.git("rev-parse", "main^"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"refs/heads/release-2.95", "refs/remotes/origin/release-2.95"})
    void oneThatIsElsewhereIsRefusedAndOneThatThisIsBasedOnIsNotBegunAgain(String there) throws IOException {
        Checkout checkout = sample("2.95.0", "main");
        String tip = checkout.git("rev-parse", "HEAD");
        checkout.git("update-ref", there, checkout.git("commit-tree", "-m", "theirs", "-p", "HEAD^", "HEAD^{tree}"));
        TagTest.assertRefused(checkout, there + " exists already, on ");
        checkout.git("update-ref", there, tip);
        TagTest.assertRefused(checkout, there + " exists already, on ", "--branch-off");
        tagged(checkout);
        assertMergeEnds(checkout, "main");
        assertEquals(tip, checkout.git("rev-parse", there));
    }

    @Test
    void theDevelopmentCommitGoesThroughTheHookToo() throws IOException {
        Checkout checkout = sample("2.95.0", "main");
        TagTest.hook(checkout, "commit-msg", "#!/bin/sh\ngrep -q 'begin 2.96.0-dev' \"$1\" || exit 0\necho not today; exit 1\n");
        TagTest.assertRefused(checkout, "not today", "--no-notes");
        TagTest.hook(checkout, "commit-msg", TagTest.CHANGE_ID_HOOK);
        tagged(checkout);
        assertTrue(checkout.git("show", "-s", "--format=%(trailers:key=Change-Id)", "main").startsWith("Change-Id: I"));
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aTransactionOfWhichAKilledGitMadeHalfIsFinished(boolean maintenanceFirst) throws IOException {
        Checkout checkout = sample("2.95.0", "main");
        String start = checkout.git("rev-parse", "HEAD");
        tagged(checkout);
        String merge = checkout.git("rev-parse", "release-2.95");
        String development = checkout.git("rev-parse", "main");
        if (maintenanceFirst) {
            checkout.git("update-ref", "refs/heads/main", start);
        } else {
            checkout.git("update-ref", "-d", "refs/heads/release-2.95");
            checkout.git("checkout", "-q", "main");
        }
        tagged(checkout);
        assertEquals(merge, checkout.git("rev-parse", "release-2.95"));
        assertEquals(merge, checkout.git("rev-parse", "main^"));
        assertTrue(maintenanceFirst || checkout.git("rev-parse", "main").equals(development));
        assertTrue(TagTest.tag(checkout).err().contains("already tagged"));
    }

    @Test
    void onTheDevelopmentCommitItIsTheReleaseBeforeAndLaterItIsNot() throws IOException {
        Checkout checkout = sample("2.95.0", "main");
        tagged(checkout);
        String refs = checkout.git("for-each-ref");
        checkout.git("checkout", "-q", "main");
        tagged(checkout);
        assertEquals(refs, checkout.git("for-each-ref"));
        assertEquals(checkout.git("rev-parse", "2.95.0^{commit}"), checkout.git("rev-parse", "HEAD"));
        checkout.git("checkout", "-q", "main");
        checkout.git("commit", "-q", "--allow-empty", "-m", "more");
        TagTest.assertRefused(checkout, "2.96.0-dev is a development version");
        checkout.git("reset", "-q", "--hard", "HEAD^");
        checkout.git("tag", "-d", "2.95.0");
        TagTest.assertRefused(checkout, "2.96.0-dev is a development version");
    }

    @Test
    void onlyTheValuesChangeInTheVersionFile() {
        String odd = "\t{ \"a\": [1.50, {\"version\": \"x\"}],\r\n\"release_name\" :\"Cr\\u00e8me \\\" é\",\"version\": \"2.95.0\"\n, \"z\":{}}  \n\n";
        assertEquals(odd.replace("\"Cr\\u00e8me \\\" é\"", "\"Thé \\\" ü\"").replace("\"2.95.0\"", "\"2.96.0-dev\""), new String(
                Release.withVersion(odd.getBytes(StandardCharsets.UTF_8), "version.json", "2.96.0-dev", "Thé \" ü"), StandardCharsets.UTF_8));
    }
}
