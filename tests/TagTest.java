import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import lib.base.Exec;
import lib.base.FileTree;
import lib.git.Git;
import lib.release.ReleaseTag;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Phase 2 in real checkouts, in this order: what it makes, what it refuses, hooks and signing, linked worktrees,
 * failing and being killed at each git call, and going on afterwards.
 */
class TagTest {

    private static final String VERSION = "2.95.0";
    private static final String SUBJECT = "release: 2.95.0 \"Crème Brûlée\"";
    private static final String VERSION_FILE = """
            {
                "version": "2.95.0",
                "official_release": false,
                "release_name": "Crème Brûlée"
            }
            """;
    private static final String CHANGE_ID_HOOK = """
            #!/bin/sh
            grep -q ^Change-Id: "$1" && exit 0
            printf '\\nChange-Id: I%s\\n' $(git hash-object "$1") >> "$1"
            """;
    private static final String NOTES = "doc/manual/src/release-notes/rl-2.95.md";

    private static final boolean SLOW = Boolean.getBoolean("releng.slow");

    @TempDir
    static Path template;

    @TempDir
    Path temp;

    @BeforeAll
    static void theSample() throws IOException {
        Checkout checkout = Checkout.empty(template);
        checkout.write("version.json", VERSION_FILE).write("README.md", "hello\n").write("src/main.cc", "int main() {}\n")
                .write(NOTES, "# Lix 2.95 \"Crème Brûlée\" (2026-11-22)\n\n\n# Lix 2.95.0 (2026-11-22)\n");
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

    private static Checkout.Run tag(Checkout checkout, String... args) {
        return checkout.run(new tag(), args);
    }

    private static void hook(Checkout checkout, String name, String script) throws IOException {
        Program.write(checkout.folder.resolve(".git/hooks").resolve(name), script);
    }

    private static Optional<ReleaseTag> remembered(Checkout checkout) {
        try (Git git = Git.open(checkout.folder, checkout.env())) {
            return ReleaseTag.remembered(git, VERSION);
        }
    }

    /** Everything a finished release is, on top of the commit it was started from. */
    private static void assertReleased(Checkout checkout, String start) {
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
        assertEquals(start + " " + commit, checkout.git("show", "-s", "--format=%P", "releng/test"));
        assertEquals(checkout.git("rev-parse", start + "^{tree}"), checkout.git("rev-parse", "releng/test^{tree}"));
        assertEquals("release: merge release 2.95.0 back to mainline", checkout.git("show", "-s", "--format=%s", "releng/test"));
        assertEquals("2", checkout.git("rev-list", "--count", "--all", "^" + start));
        assertEquals("", checkout.git("status", "--porcelain"));
        assertEquals("releng/test", remembered(checkout).orElseThrow().branch());
        assertEquals(commit, remembered(checkout).orElseThrow().commit().name());
        checkout.git("fsck", "--strict");
    }

    private static void assertRefused(Checkout checkout, String says, String... args) throws IOException {
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
        assertTrue(run.out().contains(checkout.git("rev-parse", "releng/test")), run.out());
        assertTrue(run.out().endsWith("next: jbang build.java\n"), run.out());
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
        checkout.git("checkout", "-q", "releng/test");
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
        main.git("worktree", "add", "-q", "../linked", "releng/test");
        Checkout linked = main.at(temp.resolve("linked"));
        Checkout.Run run = tag(linked);
        assertEquals(0, run.exit(), run.err());
        assertReleased(linked, start);
        assertEquals("releng/test", remembered(main).orElseThrow().branch());
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
        String two = checkout.git("show", "-s", format, "releng/test");
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
        assertRefused(checkout, "is there already, on " + start.substring(0, 12));
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
        tag(checkout);
        String first = checkout.git("rev-parse", "HEAD").substring(0, 12);
        checkout.git("checkout", "-q", "releng/test");
        committed(checkout.write("README.md", "a late fix\n"));
        assertRefused(checkout, "already holds the release commit " + first + " '" + SUBJECT + "', tagged 2.95.0");
        checkout.git("tag", "-d", VERSION);
        assertRefused(checkout, "which has lost its tag");
        checkout.git("tag", "-a", "-m", "x", VERSION, checkout.git("commit-tree", "-m", "stray", "HEAD^{tree}"));
        assertRefused(checkout, "which is not in the history of releng/test");
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
        checkout.git("update-ref", "refs/heads/releng/test", checkout.git("commit-tree", "-m", "stray", "-p", start, start + "^{tree}"));
        assertRefused(checkout, "not in the history of its branch releng/test");
        checkout.git("update-ref", "-d", "refs/heads/releng/test");
        assertRefused(checkout, "the branch releng/test of the release 2.95.0 is gone");
        checkout.git("update-ref", "refs/heads/releng/test", start);
        Checkout.Run run = tag(checkout);
        assertEquals(0, run.exit(), run.err());
        assertReleased(checkout, start);
    }

    // --- a repository in disorder

    @Test
    @DisplayName("hazard 5: a branch that is not remembered is said, and running on the branch remembers it")
    void aForgottenBranchIsRemembered() throws IOException {
        Checkout checkout = sample();
        String start = checkout.git("rev-parse", "HEAD");
        tag(checkout);
        try (Git git = Git.open(checkout.folder, checkout.env())) {
            ReleaseTag.forget(git, VERSION);
        }
        assertRefused(checkout, "is not remembered");
        checkout.git("checkout", "-q", "releng/test");
        assertEquals(0, tag(checkout).exit());
        assertReleased(checkout, start);
    }

    @Test
    void locksThatWereLeftAreNamed() throws IOException {
        Checkout checkout = sample();
        for (String lock : List.of("index.lock", "HEAD.lock", "packed-refs.lock", "refs/tags/2.95.0.lock", "refs/heads/releng/test.lock")) {
            Path file = checkout.folder.resolve(".git").resolve(lock);
            Files.createFile(file);
            assertRefused(checkout, file.toString());
            Files.delete(file);
        }
    }

    @Test
    void aBranchThatCannotMoveTakesTheTagAwayAgain() throws IOException {
        Checkout checkout = sample();
        hook(checkout, "reference-transaction", "#!/bin/sh\n[ \"$1\" = prepared ] || exit 0\ngrep -q refs/heads/ && { echo frozen >&2; exit 1; }\nexit 0\n");
        Map<String, String> before = checkout.state();
        Checkout.Run run = tag(checkout);
        assertEquals(1, run.exit(), run.err());
        assertTrue(run.err().contains("frozen") && run.err().contains("are as they were"), run.err());
        assertEquals(before, checkout.state());
    }

    @Test
    void aPostCheckoutHookThatFailsIsOnlySaid() throws IOException {
        Checkout checkout = sample();
        String start = checkout.git("rev-parse", "HEAD");
        hook(checkout, "post-checkout", "#!/bin/sh\necho hook trouble >&2; exit 1\n");
        Checkout.Run run = tag(checkout);
        assertEquals(0, run.exit(), run.err());
        assertTrue(run.err().contains("hook trouble"), run.err());
        assertReleased(checkout, start);
    }

    @ParameterizedTest
    @ValueSource(strings = {"nothing", "gone", "empty", "half", "whole", "index"})
    @DisplayName("hazard 12: a git killed in the middle of its checkout")
    void aHalfDoneCheckoutIsFinished(String left) throws IOException {
        Checkout checkout = sample();
        String start = checkout.git("rev-parse", "HEAD");
        tag(checkout);
        checkout.git("checkout", "-q", "releng/test");
        String whole = VERSION_FILE.replace("false", "true");
        Path file = checkout.folder.resolve("version.json");
        switch (left) {
            case "gone" -> Files.delete(file);
            case "empty" -> Files.writeString(file, "");
            case "half" -> Files.writeString(file, whole.substring(0, 20));
            case "whole" -> Files.writeString(file, whole);
            case "index" -> checkout.git("checkout", "-q", VERSION, "--", ".");
            default -> { }
        }
        Path lock = checkout.folder.resolve(".git/index.lock");
        Files.createFile(lock);
        assertRefused(checkout, lock.toString());
        Files.delete(lock);
        Checkout.Run run = tag(checkout);
        assertEquals(0, run.exit(), run.err());
        assertReleased(checkout, start);
    }

    @Test
    void aChangeThatNoBrokenCheckoutMakesIsNotTakenForOne() throws IOException {
        Checkout checkout = sample();
        tag(checkout);
        checkout.git("checkout", "-q", "releng/test");
        checkout.write("version.json", VERSION_FILE.replace("Brûlée", "Caramel"));
        assertRefused(checkout, "version.json");
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
        checkout.git("verify-commit", "releng/test");
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

    // --- failing and dying half-way

    @Test
    void aFullDiskLeavesEverythingOrTheNextRunFinishes() throws IOException {
        Path disk = Files.createDirectory(temp.resolve("disk"));
        Assumptions.assumeTrue(Exec.of("mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", disk.toString()).run().exit() == 0,
                "mounting a small tmpfs is not permitted here");
        try {
            int refused = 0;
            for (int pages = 0; pages < 24; pages += SLOW ? 1 : 5) {
                refused += fillsUp(disk, pages) ? 1 : 0;
            }
            assertTrue(refused > 0);
        } finally {
            // Lazily: what another test starts at this instant may hold a file of ours open until it executes.
            Exec.of("umount", "--lazy", disk.toString()).orFail("umount", "");
        }
    }

    /** Leaves so many pages of the disk free, and says whether that was too few. */
    private static boolean fillsUp(Path disk, int pages) throws IOException {
        Checkout checkout = sample(disk.resolve("checkout" + pages));
        String start = checkout.git("rev-parse", "HEAD");
        Map<String, String> before = checkout.state();
        Path ballast = disk.resolve("ballast");
        Files.write(ballast, new byte[(int) (Files.getFileStore(disk).getUsableSpace() - pages * 4096L)]);
        Checkout.Run run = tag(checkout);
        Files.delete(ballast);
        if (run.exit() != 0 && !run.err().contains("not everything could be put back")) {
            assertEquals(before, checkout.state(), pages + " pages free: " + run.err());
        }
        Checkout.Run next = tag(checkout);
        assertEquals(0, next.exit(), next.err());
        assertReleased(checkout, start);
        FileTree.remove(checkout.folder);
        return run.exit() != 0;
    }

    // Every git the phase, or a hook of it, runs is an instant: the wrapper fails, or kills the phase's process, before
    // or after the real git of that number. What JGit asks git once a process does not count.
    private static final String WRAPPER = """
            #!/bin/sh
            PATH=$REAL_PATH; export PATH
            case "$1 $2" in "--version "* | "config --system") exec git "$@" ;; esac
            echo "$1" >> "$GIT_LOG"
            if [ $(wc -l < "$GIT_LOG") -eq "$GIT_AT" ]; then
              if [ "$GIT_WHEN" = after ]; then git "$@"; fi
              if [ -n "$GIT_KILL" ]; then kill -9 $(cat "$GIT_KILL"); fi
              echo "sabotaged" >&2; exit 77
            fi
            exec git "$@"
            """;

    private record Instant(int at, String command, String when, boolean kill) {
    }

    private Checkout sabotaged(Checkout checkout, Instant instant) throws IOException {
        Path bin = temp.resolve("bin");
        if (!Files.exists(bin)) {
            Program.write(bin.resolve("git"), WRAPPER);
        }
        Path log = temp.resolve("log-" + checkout.folder.getFileName());
        Files.deleteIfExists(log);
        String path = checkout.env().get("PATH");
        return checkout.at(checkout.folder).with("REAL_PATH", path).with("PATH", bin + ":" + path).with("GIT_LOG", log.toString())
                .with("GIT_AT", Integer.toString(instant.at())).with("GIT_WHEN", instant.when())
                .with("GIT_KILL", instant.kill() ? temp.resolve("pid").toString() : "");
    }

    /** All gits of an undisturbed run, before and after each; unless slow those that write, and of the others none or some. */
    private List<Instant> instants(Checkout undisturbed, boolean kill, String... args) throws IOException {
        assertEquals(0, tag(sabotaged(undisturbed, new Instant(0, "", "", false)), args).exit());
        List<String> commands = Files.readAllLines(temp.resolve("log-" + undisturbed.folder.getFileName()));
        List<Instant> instants = new ArrayList<>();
        for (int i = 0; i < commands.size(); i++) {
            String command = commands.get(i);
            boolean writes = List.of("commit-tree", "tag", "update-ref", "checkout").contains(command);
            for (String when : SLOW || !kill ? List.of("before", "after") : List.of("after")) {
                if (writes || SLOW || !kill && when.equals("before") && i % 3 == 0) {
                    instants.add(new Instant(i + 1, command, when, kill));
                }
            }
        }
        assertTrue(instants.size() >= 5, instants.toString());
        return instants;
    }

    @Test
    void anyGitThatFailsLeavesEverythingAsItWas() throws IOException {
        for (Instant instant : instants(sample(temp.resolve("undisturbed")), false)) {
            Checkout checkout = sample(temp.resolve(instant.at() + instant.when()));
            String start = checkout.git("rev-parse", "HEAD");
            Map<String, String> before = checkout.state();
            Checkout.Run run = tag(sabotaged(checkout, instant));
            if (run.exit() != 0) {
                assertEquals(before, checkout.state(), instant + run.err());
                assertEquals(Optional.empty(), remembered(checkout));
                assertTrue(run.err().contains("sabotaged"), instant + run.err());
            }
            assertEquals(0, tag(checkout).exit());
            assertReleased(checkout, start);
        }
    }

    @Test
    void aForcedTagIsPutBackWhateverGitFails() throws IOException {
        Checkout undisturbed = sample(temp.resolve("undisturbed"));
        undisturbed.git("tag", VERSION);
        for (Instant instant : instants(undisturbed, false, "--force-tag")) {
            Checkout checkout = sample(temp.resolve(instant.at() + instant.when()));
            checkout.git("tag", "-a", "-m", "mine", VERSION);
            Map<String, String> before = checkout.state();
            Checkout.Run run = tag(sabotaged(checkout, instant), "--force-tag");
            if (run.exit() != 0) {
                assertEquals(before, checkout.state(), instant + run.err());
            }
        }
    }

    @Test
    @DisplayName("hazard 12: killed between tag and merge, or at any other instant, the next run finishes the same release")
    void killedAtAnyInstantTheNextRunFinishes() throws IOException {
        Checkout undisturbed = sample(temp.resolve("undisturbed"));
        hook(undisturbed, "commit-msg", CHANGE_ID_HOOK);
        for (Instant instant : instants(undisturbed, true)) {
            Checkout checkout = sample(temp.resolve(instant.at() + instant.when()));
            hook(checkout, "commit-msg", CHANGE_ID_HOOK);
            String start = checkout.git("rev-parse", "HEAD");
            killed(checkout, instant);
            String tagged = checkout.git("for-each-ref", "refs/tags");
            Checkout.Run run = tag(checkout);
            assertEquals(0, run.exit(), instant + run.err());
            assertReleased(checkout, start);
            assertTrue(checkout.git("for-each-ref", "refs/tags").startsWith(tagged), "a tag that was made stays: " + instant);
        }
    }

    @Test
    void killedWhileForcingTheNextRunFinishesOrSaysSo() throws IOException {
        Checkout undisturbed = sample(temp.resolve("undisturbed"));
        undisturbed.git("tag", VERSION);
        for (Instant instant : instants(undisturbed, true, "--force-tag")) {
            Checkout checkout = sample(temp.resolve(instant.at() + instant.when()));
            checkout.git("tag", VERSION);
            String start = checkout.git("rev-parse", "HEAD");
            killed(checkout, instant, "--force-tag");
            if (checkout.git("rev-parse", "refs/tags/2.95.0").equals(start)) {
                assertRefused(checkout, "is there already");
                assertEquals(0, tag(checkout, "--force-tag").exit());
            } else {
                assertEquals(0, tag(checkout).exit());
            }
            assertReleased(checkout, start);
        }
    }

    /** Runs the phase as its own process, which the wrapper kills. */
    private void killed(Checkout checkout, Instant instant, String... args) throws IOException {
        Checkout sabotaged = sabotaged(checkout, instant);
        List<String> line = new ArrayList<>(List.of("sh", "-c", "echo $$ > \"$GIT_KILL\"; exec \"$@\"", "sh",
                Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC",
                "-Djava.io.tmpdir=" + temp, "-cp", System.getProperty("java.class.path"), "tag"));
        Stream.of(args).forEach(line::add);
        Exec.Result result = Exec.of(line).in(checkout.folder).baseEnv(sabotaged.env()).run();
        assertEquals(137, result.exit(), instant + result.err());
        List<String> log = Files.readAllLines(temp.resolve("log-" + checkout.folder.getFileName()));
        assertEquals(instant.command(), log.get(log.size() - 1), "killed at another git than meant");
    }
}
