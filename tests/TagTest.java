import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import lib.base.Exec;
import lib.base.FileTree;
import lib.git.Git;
import lib.release.BranchOff;
import lib.release.ReleaseTag;
import org.eclipse.jgit.lib.ObjectId;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Phase 2 in real checkouts, in this order: what it makes, what it refuses, where it runs, hooks, tags that are there
 * already, signing. What is in disorder, fails or dies half-way is TagInterruptedTest's.
 */
class TagTest {

    static final String VERSION = "2.95.0";
    private static final String SUBJECT = "release: 2.95.0 \"Crème Brûlée\"";
    static final String VERSION_FILE = """
            {
                "version": "2.95.0",
                "official_release": false,
                "release_name": "Crème Brûlée"
            }
            """;
    static final String CHANGE_ID_HOOK = """
            #!/bin/sh
            grep -q ^Change-Id: "$1" && exit 0
            printf '\\nChange-Id: I%s\\n' $(git hash-object "$1") >> "$1"
            """;
    private static final String NOTES = "doc/manual/src/release-notes/rl-2.95.md";

    @TempDir
    static Path template;

    @TempDir
    Path temp;

    @BeforeAll
    static void theSample() throws IOException {
        project(template);
    }

    /** A project that can be tagged, in an empty folder. */
    static void project(Path folder) throws IOException {
        Checkout checkout = Checkout.empty(folder);
        checkout.write("version.json", VERSION_FILE).write("README.md", "hello\n").write("src/main.cc", "int main() {}\n")
                .write(NOTES, "# Lix 2.95 \"Crème Brûlée\" (2026-11-22)\n\n\n# Lix 2.95.0 (2026-11-22)\n");
        checkout.git("symbolic-ref", "HEAD", "refs/heads/main");
        committed(checkout);
    }

    private Checkout sample() throws IOException {
        return sample(temp.resolve("a checkout"));
    }

    private static Checkout sample(Path folder) throws IOException {
        FileTree.copy(template, folder);
        return Checkout.existing(folder);
    }

    private static Checkout committed(Checkout checkout) {
        checkout.git("add", "-A");
        checkout.git("commit", "-q", "-m", "work");
        return checkout;
    }

    static Checkout.Run tag(Checkout checkout, String... args) {
        return checkout.run(new tag(), args);
    }

    static void hook(Checkout checkout, String name, String script) throws IOException {
        Program.write(checkout.folder.resolve(".git/hooks").resolve(name), script);
    }

    static Optional<ReleaseTag> remembered(Checkout checkout) {
        try (Git git = Git.open(checkout.folder, checkout.env())) {
            return ReleaseTag.remembered(git, VERSION);
        }
    }

    /** Everything a finished release is, on top of the commit it was started from. */
    static void assertReleased(Checkout checkout, String start) {
        String commit = checkout.git("rev-parse", "refs/tags/2.95.0^{commit}");
        assertEquals("HEAD", checkout.git("rev-parse", "--abbrev-ref", "HEAD"));
        assertEquals(commit, checkout.git("rev-parse", "HEAD"));
        assertEquals(start, checkout.git("show", "-s", "--format=%P", commit));
        assertEquals("1\t1\tversion.json", checkout.git("diff", "--numstat", start, commit));
        assertEquals("+    \"official_release\": true,", checkout.git("diff", "-U0", start, commit).lines()
                .filter(line -> line.startsWith("+ ")).findFirst().orElseThrow());
        assertEquals(SUBJECT, checkout.git("show", "-s", "--format=%s", commit));
        assertEquals("tag", checkout.git("cat-file", "-t", "refs/tags/2.95.0"));
        assertEquals(SUBJECT + "\n\nRelease produced with releng.", checkout.git("for-each-ref", "--format=%(contents)", "refs/tags/2.95.0"));
        assertEquals(start + " " + commit, checkout.git("show", "-s", "--format=%P", "release-2.95"));
        assertEquals(checkout.git("rev-parse", start + "^{tree}"), checkout.git("rev-parse", "release-2.95^{tree}"));
        assertEquals("release: merge release 2.95.0 back to mainline", checkout.git("show", "-s", "--format=%s", "release-2.95"));
        assertEquals(checkout.git("rev-parse", "release-2.95"), checkout.git("show", "-s", "--format=%P", "main"));
        assertEquals("release: begin 2.96.0-dev", checkout.git("show", "-s", "--format=%s", "main"));
        assertEquals("2\t2\tversion.json", checkout.git("diff", "--numstat", "release-2.95", "main"));
        assertEquals(VERSION_FILE.replace(VERSION, "2.96.0-dev").replace("Crème Brûlée", "TBD").strip(), checkout.git("show", "main:version.json"));
        assertEquals("3", checkout.git("rev-list", "--count", "--all", "^" + start));
        assertEquals("", checkout.git("status", "--porcelain"));
        assertEquals("main", remembered(checkout).orElseThrow().branch());
        assertEquals(commit, remembered(checkout).orElseThrow().commit().name());
        assertEquals(Optional.of(new BranchOff("release-2.95", ObjectId.fromString(checkout.git("rev-parse", "release-2.95")))), remembered(checkout).orElseThrow().branchOff());
        checkout.git("fsck", "--strict");
    }

    static void assertRefused(Checkout checkout, String says, String... args) throws IOException {
        Map<String, String> before = checkout.state();
        Checkout.Run run = tag(checkout, args);
        assertEquals(3, run.exit(), run.err());
        assertTrue(run.err().contains(says), run.err());
        assertEquals(before, checkout.state());
    }

    // --- what is made, once

    @Test
    void makesTheReleaseCommitTheTagAndTheMergeBack() throws IOException {
        Checkout checkout = sample();
        String start = checkout.git("rev-parse", "HEAD");
        Checkout.Run run = tag(checkout);
        assertEquals(0, run.exit(), run.err());
        assertReleased(checkout, start);
        assertTrue(run.out().contains(checkout.git("rev-parse", "release-2.95")), run.out());
        assertTrue(run.out().endsWith("branched off    release-2.95; main goes on as 2.96.0-dev\nnext: jbang build.java\n"), run.out());
    }

    @Test
    @DisplayName("hazard 11: the second run says already tagged and changes nothing")
    void secondRunChangesNothing() throws IOException {
        Checkout checkout = sample();
        tag(checkout);
        Map<String, String> before = checkout.state();
        Checkout.Run run = tag(checkout);
        assertEquals(0, run.exit(), run.err());
        assertTrue(run.err().contains("already tagged"), run.err());
        assertEquals(before, checkout.state());
    }

    @Test
    void rerunOnTheBranchOnlyGoesBackToTheTag() throws IOException {
        Checkout checkout = sample();
        String start = checkout.git("rev-parse", "HEAD");
        tag(checkout);
        String refs = checkout.git("for-each-ref");
        checkout.git("checkout", "-q", "main");
        assertEquals(0, tag(checkout, "--force-tag").exit());
        assertEquals(refs, checkout.git("for-each-ref"));
        assertReleased(checkout, start);
    }

    @Test
    void oldTreesHaveTheFlagInFlakeNix() throws IOException {
        Checkout checkout = sample();
        checkout.write("version.json", "{\"version\": \"2.95.0\", \"release_name\": \"Crème Brûlée\"}\n");
        checkout.write("flake.nix", "{\n  # officialRelease = false; is for us\n  officialRelease = false;\n  x = \"é\";\r\n}\n");
        committed(checkout);
        assertEquals(0, tag(checkout).exit());
        assertEquals("{\n  # officialRelease = false; is for us\n  officialRelease = true;\n  x = \"é\";\r\n}\n", checkout.read("flake.nix"));
        assertEquals("1\t1\tflake.nix", checkout.git("diff", "--numstat", "HEAD^", "HEAD"));
        assertTrue(tag(checkout).err().contains("already tagged"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"officialRelease = false;\n  officialRelease = false;", "officialRelease = true;\n  officialRelease = false;", "x = 1;"})
    void aFlakeWithoutExactlyOneFlagIsNamedWithItsLines(String body) throws IOException {
        Checkout checkout = sample();
        checkout.write("version.json", "{\"version\": \"2.95.0\", \"release_name\": \"N\"}\n").write("flake.nix", "{\n  " + body + "\n}\n");
        committed(checkout);
        Map<String, String> before = checkout.state();
        Checkout.Run run = tag(checkout);
        assertEquals(1, run.exit());
        assertTrue(run.err().contains(body.startsWith("x") ? "flake.nix has none" : "flake.nix:3"), run.err());
        assertEquals(before, checkout.state());
    }

    // --- what is refused

    @Test
    @DisplayName("hazards 15 and 16: a development version, the name TBD and missing notes are refused, all at once, without a traceback")
    void everythingThatSpeaksAgainstTheReleaseIsSaidAtOnce() throws IOException {
        Checkout checkout = sample();
        checkout.write("version.json", "{\"version\": \"2.96.0-dev\", \"release_name\": \"TBD\", \"official_release\": true}\n");
        committed(checkout);
        assertRefused(checkout, "2.96.0-dev is a development version");
        Checkout.Run run = tag(checkout);
        assertTrue(run.err().contains("still TBD"), run.err());
        assertTrue(run.err().contains("already marked as an official release"), run.err());
        assertTrue(run.err().contains("rl-2.96.md"), run.err());
        assertTrue(run.err().lines().count() < 8 && !run.err().contains("\tat "), run.err());
    }

    @Test
    void missingNotesAreRefusedUnlessToldOtherwise() throws IOException {
        Checkout checkout = sample();
        committed(checkout.write(NOTES, "# Lix 2.95 \"Crème Brûlée\" (2026-11-22)\n\n# Lix 2.95.0-rc1 (2026-11-01)\n"));
        assertRefused(checkout, "no notes of 2.95.0");
        assertEquals(0, tag(checkout, "--no-notes").exit());
    }

    @ParameterizedTest
    @ValueSource(strings = {"{\"version\": \"abc\", \"official_release\": false, \"release_name\": \"N\"}", "{\"version\": \"2.95.0\"}",
        "{\"version\": ", "[1]", "{\"version\": 2, \"release_name\": true, \"official_release\": \"no\"}"})
    void aVersionFileThatIsNoneIsNamed(String json) throws IOException {
        Checkout checkout = committed(sample().write("version.json", json));
        Map<String, String> before = checkout.state();
        Checkout.Run run = tag(checkout);
        assertEquals(1, run.exit());
        assertTrue(run.err().contains("version.json") && !run.err().contains("\tat "), run.err());
        assertEquals(before, checkout.state());
    }

    @Test
    void uncommittedChangesAreRefused() throws IOException {
        Checkout checkout = sample().write("README.md", "changed\n");
        assertRefused(checkout, "README.md");
        checkout.git("add", "-A");
        assertRefused(checkout, "README.md");
    }

    @Test
    void withoutTheCheckUncommittedChangesStayAndAreNotReleased() throws IOException {
        Checkout checkout = sample().write("README.md", "changed\n");
        assertEquals(0, tag(checkout, "--no-check-git").exit());
        assertEquals("changed\n", checkout.read("README.md"));
        assertEquals("hello", checkout.git("show", "2.95.0:README.md"));
    }

    @Test
    void anUncommittedChangeOfTheVersionFileIsNeverOverwritten() throws IOException {
        Checkout checkout = sample().write("version.json", VERSION_FILE.replace("\n}", ",\n    \"more\": 1\n}"));
        Map<String, String> before = checkout.state();
        Checkout.Run run = tag(checkout, "--no-check-git");
        assertEquals(1, run.exit(), run.err());
        assertEquals(before, checkout.state());
    }

    @Test
    void aDetachedHeadIsRefused() throws IOException {
        Checkout checkout = sample();
        checkout.git("checkout", "-q", "--detach");
        assertRefused(checkout, "HEAD is detached");
    }

    // --- where it runs

    @Test
    void runsFromASubfolderAndWithRepo() throws IOException {
        Checkout checkout = sample();
        String start = checkout.git("rev-parse", "HEAD");
        assertEquals(0, tag(checkout.at(checkout.folder.resolve("src"))).exit());
        assertReleased(checkout, start);
        assertEquals(0, tag(checkout.at(temp), "--repo", "a checkout").exit());
    }

    @Test
    @DisplayName("hazard 21: outside a checkout it says so, and still helps")
    void outsideACheckoutIsWrongUsage() throws IOException {
        Checkout outside = sample().at(temp);
        Checkout.Run run = tag(outside);
        assertEquals(2, run.exit());
        assertTrue(run.err().contains("not in a git checkout"), run.err());
        assertTrue(tag(outside, "--help").out().contains("--force-tag"));
    }

    @Test
    void worksInALinkedWorktreeWithTheHooksOfTheRepository() throws IOException {
        Checkout main = sample();
        hook(main, "commit-msg", CHANGE_ID_HOOK);
        String start = main.git("rev-parse", "HEAD");
        main.git("checkout", "-q", "-b", "other");
        main.git("worktree", "add", "-q", "../linked", "main");
        Checkout linked = main.at(temp.resolve("linked"));
        Checkout.Run run = tag(linked);
        assertEquals(0, run.exit(), run.err());
        assertReleased(linked, start);
        assertEquals("main", remembered(main).orElseThrow().branch());
        assertEquals("other", main.git("symbolic-ref", "--short", "HEAD"));
    }

    // --- hooks

    @Test
    void theHookGivesEachCommitAChangeIdOfItsOwn() throws IOException {
        Checkout checkout = sample();
        hook(checkout, "commit-msg", CHANGE_ID_HOOK);
        String start = checkout.git("rev-parse", "HEAD");
        assertEquals(0, tag(checkout).exit());
        assertReleased(checkout, start);
        String format = "--format=%(trailers:key=Change-Id,valueonly)";
        String one = checkout.git("show", "-s", format, "HEAD");
        String two = checkout.git("show", "-s", format, "main");
        assertTrue(one.startsWith("I") && two.startsWith("I") && !one.equals(two), one + " " + two);
    }

    @Test
    void hooksPathIsHonoured() throws IOException {
        Checkout checkout = sample();
        hook(checkout, "commit-msg", CHANGE_ID_HOOK);
        Files.move(checkout.folder.resolve(".git/hooks"), temp.resolve("team hooks"));
        checkout.git("config", "core.hooksPath", temp.resolve("team hooks").toString());
        assertEquals(0, tag(checkout).exit());
        assertTrue(checkout.git("show", "-s", "--format=%B", "HEAD").contains("Change-Id: I"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"Crème", "merge"})
    void aHookThatRefusesEitherCommitChangesNothing(String word) throws IOException {
        Checkout checkout = sample();
        hook(checkout, "commit-msg", "#!/bin/sh\ngrep -q '" + word + "' \"$1\" || exit 0\necho not today; exit 1\n");
        assertRefused(checkout, "not today");
    }

    @Test
    void aHookThatChangesTheFirstLineIsRefused() throws IOException {
        Checkout checkout = sample();
        hook(checkout, "commit-msg", "#!/bin/sh\necho \"[lix] $(cat \"$1\")\" > \"$1\"\n");
        assertRefused(checkout, "changed the first line");
    }

    // --- a tag that is there already

    @Test
    void aTagOfSomethingElseIsRefusedAndReplacedOnlyWhenForced() throws IOException {
        Checkout checkout = sample();
        checkout.git("tag", "-a", "-m", "mine", VERSION);
        String old = checkout.git("rev-parse", "refs/tags/2.95.0");
        String start = checkout.git("rev-parse", "HEAD");
        assertRefused(checkout, "already exists, on " + start.substring(0, 12));
        Checkout.Run run = tag(checkout, "--force-tag");
        assertEquals(0, run.exit(), run.err());
        assertTrue(run.err().contains(old), run.err());
        assertReleased(checkout, start);
    }

    @Test
    void aTagThatIsNotEvenOnACommitIsNotReplacedEither() throws IOException {
        Checkout checkout = sample();
        checkout.git("tag", VERSION, "HEAD:README.md");
        Map<String, String> before = checkout.state();
        Checkout.Run run = tag(checkout);
        assertEquals(1, run.exit(), run.err());
        assertTrue(run.err().contains("already exists"), run.err());
        assertEquals(before, checkout.state());
    }

    @Test
    void aForcedTagThatCannotBeFinishedIsPutBack() throws IOException {
        Checkout checkout = sample();
        checkout.git("tag", VERSION);
        hook(checkout, "reference-transaction", "#!/bin/sh\n[ \"$1\" = prepared ] || exit 0\ngrep -q refs/heads/ && exit 1\nexit 0\n");
        Map<String, String> before = checkout.state();
        Checkout.Run run = tag(checkout, "--force-tag");
        assertEquals(1, run.exit(), run.err());
        assertEquals(before, checkout.state());
        assertEquals(Optional.empty(), remembered(checkout));
    }

    @Test
    @DisplayName("from history: a version is not committed twice; a tag that is not on the branch is said")
    void aReleaseAlreadyMergedIsNotMadeTwice() throws IOException {
        Checkout checkout = sample();
        tag(checkout, "--no-branch-off");
        String first = checkout.git("rev-parse", "HEAD").substring(0, 12);
        checkout.git("checkout", "-q", "main");
        committed(checkout.write("README.md", "a late fix\n"));
        assertRefused(checkout, "already has the release commit " + first + " '" + SUBJECT + "', tagged 2.95.0");
        checkout.git("tag", "-d", VERSION);
        assertRefused(checkout, "which has lost its tag");
        checkout.git("tag", "-a", "-m", "x", VERSION, checkout.git("commit-tree", "-m", "stray", "HEAD^{tree}"));
        assertRefused(checkout, "which is not in the history of main");
        Checkout.Run run = tag(checkout, "--force-tag");
        assertEquals(0, run.exit(), run.err());
        assertTrue(run.err().contains(first), run.err());
        assertEquals("a late fix", checkout.git("show", "2.95.0:README.md"));
    }

    @Test
    void onTheTagTheBranchMustStillBeThereAndHoldIt() throws IOException {
        Checkout checkout = sample();
        String start = checkout.git("rev-parse", "HEAD");
        tag(checkout);
        checkout.git("update-ref", "refs/heads/main", checkout.git("commit-tree", "-m", "stray", "-p", start, start + "^{tree}"));
        assertRefused(checkout, "not in the history of its branch main");
        checkout.git("update-ref", "-d", "refs/heads/main");
        assertRefused(checkout, "the branch main of the release 2.95.0 is gone");
        checkout.git("update-ref", "refs/heads/main", start);
        Checkout.Run run = tag(checkout);
        assertEquals(0, run.exit(), run.err());
        assertReleased(checkout, start);
    }

    // --- signing

    @Test
    void signsWhereTheUsersGitSigns() throws IOException {
        Assumptions.assumeTrue(Missing.onPath("ssh-keygen"), "ssh-keygen is not installed");
        Checkout checkout = sample();
        Path key = temp.resolve("key");
        Exec.of("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", key.toString()).orFail("ssh-keygen", "");
        Files.writeString(temp.resolve("signers"), "manager@example.org " + Files.readString(temp.resolve("key.pub")));
        for (String[] setting : new String[][] {{"gpg.format", "ssh"}, {"user.signingkey", key.toString()}, {"commit.gpgsign", "true"},
            {"tag.gpgsign", "yes"}, {"gpg.ssh.allowedSignersFile", temp.resolve("signers").toString()}}) {
            checkout.git("config", setting[0], setting[1]);
        }
        assertEquals(0, tag(checkout).exit());
        checkout.git("verify-commit", "HEAD");
        checkout.git("verify-commit", "main");
        checkout.git("verify-tag", VERSION);
        assertTrue(tag(checkout).err().contains("already tagged"));
    }

    @Test
    void aSigningKeyThatIsMissingChangesNothing() throws IOException {
        Checkout checkout = sample();
        checkout.git("config", "gpg.format", "ssh");
        checkout.git("config", "user.signingkey", temp.resolve("no such key").toString());
        checkout.git("config", "tag.gpgsign", "true");
        Map<String, String> before = checkout.state();
        assertEquals(1, tag(checkout).exit());
        assertEquals(before, checkout.state());
    }

    @Test
    void aBranchNamedLikeTheTagDoesNotConfuse() throws IOException {
        Checkout checkout = sample();
        String start = checkout.git("rev-parse", "HEAD");
        checkout.git("branch", VERSION);
        assertEquals(0, tag(checkout).exit());
        checkout.git("update-ref", "-d", "refs/heads/" + VERSION);
        assertReleased(checkout, start);
    }
}
