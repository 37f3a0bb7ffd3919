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

/** Phase 2 in a repository in disorder, failing, or being killed, at each git it runs, and on a disk that fills up: nothing is changed, or the next run finishes. */
class TagInterruptedTest {

    private static final boolean SLOW = Boolean.getBoolean("releng.slow");

    @TempDir
    static Path template;

    @TempDir
    Path temp;

    @BeforeAll
    static void theSample() throws IOException {
        TagTest.project(template);
    }

    private Checkout sample() throws IOException {
        return sample(temp.resolve("a checkout"));
    }

    private static Checkout sample(Path folder) throws IOException {
        FileTree.copy(template, folder);
        return Checkout.existing(folder);
    }

    @Test
    @DisplayName("hazard 5: a branch that is not remembered is said, and running on the branch remembers it")
    void aForgottenBranchIsRemembered() throws IOException {
        Checkout checkout = sample();
        String start = checkout.git("rev-parse", "HEAD");
        TagTest.tag(checkout);
        try (Git git = Git.open(checkout.folder, checkout.env())) {
            ReleaseTag.forget(git, TagTest.VERSION);
        }
        TagTest.assertRefused(checkout, "is not remembered");
        checkout.git("checkout", "-q", "main");
        assertEquals(0, TagTest.tag(checkout).exit());
        TagTest.assertReleased(checkout, start);
    }

    @Test
    void locksThatWereLeftAreNamed() throws IOException {
        Checkout checkout = sample();
        for (String lock : List.of("index.lock", "HEAD.lock", "packed-refs.lock", "refs/tags/2.95.0.lock", "refs/heads/main.lock")) {
            Path file = checkout.folder.resolve(".git").resolve(lock);
            Files.createFile(file);
            TagTest.assertRefused(checkout, file.toString());
            Files.delete(file);
        }
    }

    @Test
    void aBranchThatCannotMoveTakesTheTagAwayAgain() throws IOException {
        Checkout checkout = sample();
        TagTest.hook(checkout, "reference-transaction", "#!/bin/sh\n[ \"$1\" = prepared ] || exit 0\ngrep -q refs/heads/ && { echo frozen >&2; exit 1; }\nexit 0\n");
        Map<String, String> before = checkout.state();
        Checkout.Run run = TagTest.tag(checkout);
        assertEquals(1, run.exit(), run.err());
        assertTrue(run.err().contains("frozen") && run.err().contains("are as they were"), run.err());
        assertEquals(before, checkout.state());
    }

    @Test
    void aPostCheckoutHookThatFailsIsOnlySaid() throws IOException {
        Checkout checkout = sample();
        String start = checkout.git("rev-parse", "HEAD");
        TagTest.hook(checkout, "post-checkout", "#!/bin/sh\necho hook trouble >&2; exit 1\n");
        Checkout.Run run = TagTest.tag(checkout);
        assertEquals(0, run.exit(), run.err());
        assertTrue(run.err().contains("hook trouble"), run.err());
        TagTest.assertReleased(checkout, start);
    }

    @ParameterizedTest
    @ValueSource(strings = {"nothing", "gone", "empty", "half", "whole", "index"})
    @DisplayName("hazard 12: a git killed in the middle of its checkout")
    void aHalfDoneCheckoutIsFinished(String left) throws IOException {
        Checkout checkout = sample();
        String start = checkout.git("rev-parse", "HEAD");
        TagTest.tag(checkout);
        checkout.git("checkout", "-q", "main");
        String whole = TagTest.VERSION_FILE.replace("false", "true");
        Path file = checkout.folder.resolve("version.json");
        switch (left) {
            case "gone" -> Files.delete(file);
            case "empty" -> Files.writeString(file, "");
            case "half" -> Files.writeString(file, whole.substring(0, 20));
            case "whole" -> Files.writeString(file, whole);
            case "index" -> checkout.git("checkout", "-q", TagTest.VERSION, "--", ".");
            default -> { }
        }
        Path lock = checkout.folder.resolve(".git/index.lock");
        Files.createFile(lock);
        TagTest.assertRefused(checkout, lock.toString());
        Files.delete(lock);
        Checkout.Run run = TagTest.tag(checkout);
        assertEquals(0, run.exit(), run.err());
        TagTest.assertReleased(checkout, start);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aHalfDoneCheckoutOfAnUndoIsFinishedEitherWay(boolean undo) throws IOException {
        Checkout checkout = released("a checkout");
        String start = checkout.git("rev-parse", "HEAD^");
        checkout.git("update-ref", "refs/heads/main", start);
        checkout.write("version.json", TagTest.VERSION_FILE.substring(0, TagTest.VERSION_FILE.indexOf("false") + 3));
        Checkout.Run run = undo ? TagTest.tag(checkout, "--undo") : TagTest.tag(checkout);
        assertEquals(0, run.exit(), run.err());
        if (undo) {
            assertUndone(checkout);
        } else {
            TagTest.assertReleased(checkout, start);
        }
    }

    @Test
    void aChangeThatNoBrokenCheckoutMakesIsNotTakenForOne() throws IOException {
        Checkout checkout = sample();
        TagTest.tag(checkout);
        checkout.git("checkout", "-q", "main");
        checkout.write("version.json", TagTest.VERSION_FILE.replace("Brûlée", "Caramel"));
        TagTest.assertRefused(checkout, "version.json");
    }

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
        Checkout.Run run = TagTest.tag(checkout);
        Files.delete(ballast);
        if (run.exit() != 0 && !run.err().contains("not everything could be put back")) {
            assertEquals(before, checkout.state(), pages + " pages free: " + run.err());
        }
        Checkout.Run next = TagTest.tag(checkout);
        assertEquals(0, next.exit(), next.err());
        TagTest.assertReleased(checkout, start);
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
        assertEquals(0, TagTest.tag(sabotaged(undisturbed, new Instant(0, "", "", false)), args).exit());
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
        assertTrue(instants.size() >= 3, instants.toString());
        return instants;
    }

    @Test
    void anyGitThatFailsLeavesEverythingAsItWas() throws IOException {
        for (Instant instant : instants(sample(temp.resolve("undisturbed")), false)) {
            Checkout checkout = sample(temp.resolve(instant.at() + instant.when()));
            String start = checkout.git("rev-parse", "HEAD");
            Map<String, String> before = checkout.state();
            Checkout.Run run = TagTest.tag(sabotaged(checkout, instant));
            if (run.exit() != 0) {
                assertEquals(before, checkout.state(), instant + run.err());
                assertEquals(Optional.empty(), TagTest.remembered(checkout));
                assertTrue(run.err().contains("sabotaged"), instant + run.err());
            }
            assertEquals(0, TagTest.tag(checkout).exit());
            TagTest.assertReleased(checkout, start);
        }
    }

    @Test
    void aForcedTagIsPutBackWhateverGitFails() throws IOException {
        Checkout undisturbed = sample(temp.resolve("undisturbed"));
        undisturbed.git("tag", TagTest.VERSION);
        for (Instant instant : instants(undisturbed, false, "--force-tag")) {
            Checkout checkout = sample(temp.resolve(instant.at() + instant.when()));
            checkout.git("tag", "-a", "-m", "mine", TagTest.VERSION);
            Map<String, String> before = checkout.state();
            Checkout.Run run = TagTest.tag(sabotaged(checkout, instant), "--force-tag");
            if (run.exit() != 0) {
                assertEquals(before, checkout.state(), instant + run.err());
            }
        }
    }

    @Test
    @DisplayName("hazard 12: killed between tag and merge, or at any other instant, the next run finishes the same release")
    void killedAtAnyInstantTheNextRunFinishes() throws IOException {
        Checkout undisturbed = sample(temp.resolve("undisturbed"));
        TagTest.hook(undisturbed, "commit-msg", TagTest.CHANGE_ID_HOOK);
        for (Instant instant : instants(undisturbed, true)) {
            Checkout checkout = sample(temp.resolve(instant.at() + instant.when()));
            TagTest.hook(checkout, "commit-msg", TagTest.CHANGE_ID_HOOK);
            String start = checkout.git("rev-parse", "HEAD");
            killed(checkout, instant);
            String tagged = checkout.git("for-each-ref", "refs/tags");
            Checkout.Run run = TagTest.tag(checkout);
            assertEquals(0, run.exit(), instant + run.err());
            TagTest.assertReleased(checkout, start);
            assertTrue(checkout.git("for-each-ref", "refs/tags").startsWith(tagged), "a tag that was made stays: " + instant);
        }
    }

    @Test
    void killedWhileForcingTheNextRunFinishesOrSaysSo() throws IOException {
        Checkout undisturbed = sample(temp.resolve("undisturbed"));
        undisturbed.git("tag", TagTest.VERSION);
        for (Instant instant : instants(undisturbed, true, "--force-tag")) {
            Checkout checkout = sample(temp.resolve(instant.at() + instant.when()));
            checkout.git("tag", TagTest.VERSION);
            String start = checkout.git("rev-parse", "HEAD");
            killed(checkout, instant, "--force-tag");
            if (checkout.git("rev-parse", "refs/tags/2.95.0").equals(start)) {
                TagTest.assertRefused(checkout, "already exists");
                assertEquals(0, TagTest.tag(checkout, "--force-tag").exit());
            } else {
                assertEquals(0, TagTest.tag(checkout).exit());
            }
            TagTest.assertReleased(checkout, start);
        }
    }

    /** A copy of one release to undo. */
    private Checkout released(String name) throws IOException {
        Checkout one = Checkout.existing(temp.resolve("released"));
        if (!Files.exists(one.folder)) {
            UndoTest.project(Files.createDirectory(one.folder));
            assertEquals(0, TagTest.tag(one).exit());
        }
        FileTree.copy(one.folder, temp.resolve(name));
        return Checkout.existing(temp.resolve(name));
    }

    private static void assertUndone(Checkout checkout) throws IOException {
        assertEquals("main no environments", checkout.git("for-each-ref", "--format=%(refname:short) %(subject)"));
        assertEquals("main", checkout.git("rev-parse", "--abbrev-ref", "HEAD"));
        assertEquals("", checkout.git("status", "--porcelain"));
        assertEquals(Optional.empty(), TagTest.remembered(checkout));
    }

    @Test
    void anUndoInWhichAnyGitFailsLeavesTheRelease() throws IOException {
        for (Instant instant : instants(released("undisturbed"), false, "--undo")) {
            Checkout checkout = released(instant.at() + instant.when());
            Map<String, String> tagged = checkout.state();
            Optional<ReleaseTag> remembered = TagTest.remembered(checkout);
            Checkout.Run run = TagTest.tag(sabotaged(checkout, instant), "--undo");
            if (run.exit() != 0) {
                assertEquals(tagged, checkout.state(), instant + run.err());
                assertEquals(remembered, TagTest.remembered(checkout));
            }
            assertEquals(0, TagTest.tag(checkout, "--undo").exit());
            assertUndone(checkout);
        }
    }

    @Test
    void anUndoThatIsKilledCanBeFinishedOrTheReleaseAgain() throws IOException {
        for (Instant instant : instants(released("undisturbed"), true, "--undo")) {
            Checkout checkout = released(instant.at() + instant.when());
            killed(checkout, instant, "--undo");
            Checkout again = checkout.at(temp.resolve("again" + instant.at()));
            FileTree.copy(checkout.folder, again.folder);
            Checkout.Run run = TagTest.tag(checkout, "--undo");
            assertEquals(0, run.exit(), instant + run.err());
            assertUndone(checkout);
            assertEquals(0, TagTest.tag(again).exit());
            TagTest.assertReleased(again, again.git("rev-parse", "2.95.0^{commit}^"));
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
