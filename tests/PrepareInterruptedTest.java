import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Phase 1 failing half-way, at each git it runs, or killed: index, branch and files are as they were, and the advice works. */
class PrepareInterruptedTest {

    @TempDir
    Path temp;

    private Checkout sample() throws IOException {
        return Checkout.of(Home.samples(), temp.resolve("checkout"));
    }

    @Test
    void aHookThatRefusesIsQuotedAndNothingChanges() throws IOException {
        Checkout checkout = sample();
        Program.write(checkout.folder.resolve(".git/hooks/commit-msg"), "#!/bin/sh\necho no such ticket >&2\nexit 1\n");
        PrepareTest.assertChangesNothing(checkout, 3, List.of("the commit-msg hook refused", "no such ticket"));
    }

    @Test
    void aLockedIndexChangesNothingAndIsExplained() throws IOException {
        Checkout checkout = sample().write(".git/index.lock", "");
        PrepareTest.assertChangesNothing(checkout, 1, List.of("git could not write the notes into the work tree", "index.lock"));
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aBranchThatCannotBeMovedLeavesIndexAndFilesAsTheyWere(boolean locked) throws IOException {
        Checkout checkout = sample();
        if (locked) {
            checkout.write(".git/refs/heads/releng/test.lock", "");
        } else {
            Program.write(checkout.folder.resolve(".git/hooks/reference-transaction"), "#!/bin/sh\nexit 1\n");
        }
        PrepareTest.assertChangesNothing(checkout, 1, List.of("git could not move refs/heads/releng/test"));
    }

    @Test
    void filesThatCannotBeWrittenLeaveTheOthersAsTheyWere() throws IOException {
        // The checkout filter of the notes fails after git has removed the entries.
        Checkout checkout = PrepareTest.commit(sample().write(".gitattributes", "rl-2.95.md filter=broken\n"));
        checkout.git("config", "filter.broken.smudge", "false");
        checkout.git("config", "filter.broken.required", "true");
        PrepareTest.assertChangesNothing(checkout, 1, List.of("git could not write the notes into the work tree"));
    }

    @Test
    void eachCallOfGitThatFailsInTurnLeavesEverythingAsItWas() throws IOException {
        Checkout checkout = sample();
        Path calls = temp.resolve("calls");
        Program.write(temp.resolve("bin/git"), """
                #!/bin/sh
                echo "$1" >> "$CALLS"
                PATH=$REAL_PATH
                [ "$(wc -l < "$CALLS")" -eq "$FAIL_AT" ] && exit 1
                exec git "$@"
                """);
        String path = checkout.env().get("PATH");
        Checkout failing = checkout.at(checkout.folder).with("CALLS", calls.toString()).with("REAL_PATH", path)
                .with("PATH", temp.resolve("bin") + ":" + path);
        Map<String, String> before = checkout.state();
        String start = checkout.git("rev-parse", "HEAD");
        int failed = 0;
        for (int call = 1; call == 1 || Files.readAllLines(calls).size() >= call - 1; call++) {
            Files.deleteIfExists(calls);
            Checkout.Run run = PrepareTest.run(failing.with("FAIL_AT", String.valueOf(call)), "--date", "2026-11-22");
            if (run.exit() == 0) {
                PrepareTest.assertPrepared(checkout, run);
                checkout.git("reset", "-q", "--keep", start);
            } else {
                assertTrue(run.err().contains("next: "), run.err());
                failed++;
            }
            assertEquals(before, checkout.state(), "call " + call + " of " + Files.readAllLines(calls));
        }
        assertTrue(failed >= 5, "only " + failed + " calls of git mattered");
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aRunThatWasStoppedIsExplainedAndTheAdviceWorks(boolean staged) throws IOException {
        Checkout checkout = sample();
        String before = checkout.git("rev-parse", "HEAD");
        PrepareTest.assertPrepared(checkout, PrepareTest.run(checkout));
        // As if killed after the work tree was written, with the index already there or not yet.
        checkout.git("update-ref", "refs/heads/releng/test", before);
        if (!staged) {
            checkout.git("read-tree", before);
        }
        Checkout.Run run = PrepareTest.assertChangesNothing(checkout, 3, List.of("the notes of 2.95.0 are there, but not committed"));
        String advice = run.err().substring(run.err().indexOf("git stash")).strip();
        checkout.git(advice.substring("git ".length()).split(" "));
        PrepareTest.assertPrepared(checkout, PrepareTest.run(checkout));
        assertEquals(before, checkout.git("rev-parse", "HEAD^"));
    }
}
