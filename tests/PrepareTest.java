import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import lib.base.Exec;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Phase 1 in real checkouts: what it commits, and that it changes nothing whenever it does not. */
class PrepareTest {

    private static final String PENDING = "doc/manual/rl-next";
    private static final String NOTES = "doc/manual/src/release-notes/rl-2.95.md";
    private static final String SUMMARY = "doc/manual/src/SUMMARY.md";
    private static final String ENTRY = "---\nsynopsis: s\n---\nt\n";

    @TempDir
    Path temp;

    private Checkout sample() throws IOException {
        return Checkout.of(Home.samples(), temp.resolve("checkout"));
    }

    static Checkout commit(Checkout checkout) {
        checkout.git("add", "-A");
        checkout.git("commit", "-q", "--allow-empty", "--no-verify", "-m", "test");
        return checkout;
    }

    static Checkout.Run run(Checkout checkout, String... args) {
        return checkout.run(new prepare(), args);
    }

    private static void assertExit(int exit, Checkout.Run run) {
        assertEquals(exit, run.exit(), run.out() + run.err());
    }

    /** A run that must end so, saying all of this, and leave the checkout as it was. */
    static Checkout.Run assertChangesNothing(Checkout checkout, int exit, List<String> says, String... args) throws IOException {
        Map<String, String> before = checkout.state();
        Checkout.Run run = run(checkout, args);
        assertExit(exit, run);
        for (String text : says) {
            assertTrue(run.err().contains(text), "'" + text + "' in: " + run.err());
        }
        assertFalse(run.err().contains("\tat "), run.err());
        assertEquals(before, checkout.state());
        return run;
    }

    static void assertPrepared(Checkout checkout, Checkout.Run run) {
        assertExit(0, run);
        assertEquals("", checkout.git("status", "--porcelain"));
        assertTrue(checkout.git("log", "-1", "--format=%s").startsWith("release: release notes for "));
    }

    // --- what is committed

    @ParameterizedTest
    @ValueSource(strings = {"2.91.1", "2.93.0"})
    void realReleasesComeOutToTheByte(String version) throws IOException {
        Path fixture = Home.folder().resolve("tests/fixtures/notes").resolve(version);
        Checkout checkout = Checkout.of(fixture.resolve("input"), temp.resolve("checkout"));
        assertPrepared(checkout, run(checkout, "--date", Files.readString(fixture.resolve("date.txt")).strip()));
        String notes = "rl-" + version.substring(0, 4) + ".md";
        assertEquals(Files.readString(fixture.resolve("expected").resolve(notes)), checkout.read("doc/manual/src/release-notes/" + notes));
        assertEquals(Files.readString(fixture.resolve("expected/SUMMARY.md")), checkout.read(SUMMARY));
        assertEquals(PENDING + "/.gitkeep", checkout.git("ls-files", PENDING));
        assertEquals(List.of(".gitkeep"), List.of(checkout.folder.resolve(PENDING).toFile().list()));
    }

    @Test
    void notesTableOfContentsAndRemovalsAreOneCommitOnTheBranch() throws IOException {
        Checkout checkout = sample();
        String before = checkout.git("rev-parse", "HEAD");
        Checkout.Run run = run(checkout, "--date", "2026-11-22");
        assertPrepared(checkout, run);
        assertEquals(before, checkout.git("rev-parse", "HEAD^"));
        assertEquals("refs/heads/releng/test", checkout.git("symbolic-ref", "HEAD"));
        assertEquals("release: release notes for 2.95.0", checkout.git("log", "-1", "--format=%B").strip());
        assertEquals("release: release notes for 2.95.0", checkout.git("reflog", "-1", "--format=%gs"));
        assertEquals(String.join("\n", "D\t" + PENDING + "/a-cups.md", "D\t" + PENDING + "/brew-log.md", "D\t" + PENDING + "/drop-rot13.md",
                        "D\t" + PENDING + "/kettle-race.md", "D\t" + PENDING + "/no-title.md", "M\t" + SUMMARY, "A\t" + NOTES),
                checkout.git("diff-tree", "-r", "--no-renames", "--name-status", "HEAD^", "HEAD"));
        assertTrue(checkout.read(SUMMARY).contains("(a new release is put below this line) -->\n  - [Lix 2.95 (2026-11-22)](release-notes/rl-2.95.md)\n  - [Lix 2.94"));
        assertTrue(checkout.read(NOTES).startsWith("# Lix 2.95 \"Crème Brûlée\" (2026-11-22)\n\n\n# Lix 2.95.0 (2026-11-22)\n## Breaking Changes\n\n- The hash type"));
        assertTrue(run.err().contains("wrote " + NOTES) && run.err().contains("removed " + PENDING + "/a-cups.md"), run.err());
        assertTrue(run.err().contains(checkout.git("rev-parse", "--short=10", "HEAD")) && run.err().contains("jbang tag.java"), run.err());
    }

    @Test
    void withoutAGitkeepTheEmptyFolderGoesAndOtherFilesInItStay() throws IOException {
        Checkout checkout = sample();
        Files.delete(checkout.folder.resolve(PENDING + "/.gitkeep"));
        assertPrepared(checkout, run(commit(checkout)));
        assertFalse(Files.exists(checkout.folder.resolve(PENDING)));

        Checkout other = Checkout.of(Home.samples(), temp.resolve("other")).write(PENDING + "/template.txt", "x");
        Checkout.Run run = run(commit(other));
        assertPrepared(other, run);
        assertTrue(run.err().contains("warning: " + PENDING + "/template.txt is not an entry and stays"), run.err());
        assertEquals(PENDING + "/.gitkeep\n" + PENDING + "/template.txt", other.git("ls-files", PENDING));
    }

    @Test
    void aPatchReleaseLeavesTheTableOfContentsAloneEvenWithoutAMarker() throws IOException {
        Checkout checkout = sample().write("version.json", "{\"version\": \"2.94.1\", \"release_name\": \"Tea\"}")
                .write("doc/manual/src/release-notes/rl-2.94.md", "# Lix 2.94 \"Tea\" (2026-05-04)\n\nold\n").write(SUMMARY, "x\n");
        assertPrepared(checkout, run(commit(checkout), "--date", "2026-11-22"));
        assertEquals("x\n", checkout.read(SUMMARY));
        assertTrue(checkout.read("doc/manual/src/release-notes/rl-2.94.md").startsWith("# Lix 2.94 \"Tea\" (2026-05-04)\n# Lix 2.94.1 (2026-11-22)\n## Breaking"));
        assertTrue(checkout.read("doc/manual/src/release-notes/rl-2.94.md").endsWith("\n\n\n\n\n\nold\n"));
    }

    @Test
    void aProjectOfAnotherNameGetsItsOwnHeadingsAndPlaces() throws IOException {
        Checkout checkout = Checkout.empty(temp.resolve("tea"))
                .write("releng.json", """
                        {"project": {"name": "Tea Pot", "prefix": "tea", "versionFile": "meta/version.json", "pendingNotes": "news",
                          "changeAuthors": "people.yml", "releaseNotes": "book/notes/all", "summary": "book/SUMMARY.md",
                          "forge": "https://forge.example", "repository": "tea/pot"}}""")
                .write("meta/version.json", "{\"version\": \"1.2.0\", \"release_name\": \"Oolong\"}")
                .write("book/SUMMARY.md", "  <!-- RELENG-AUTO-INSERTION-MARKER -->\n")
                .write("news/a.md", "---\nsynopsis: s\nissues: tea#1\n---\nt\n");
        assertPrepared(checkout, run(commit(checkout), "--date", "2026-11-22"));
        assertTrue(checkout.read("book/notes/all/rl-1.2.md").startsWith("# Tea Pot 1.2 \"Oolong\" (2026-11-22)\n\n\n# Tea Pot 1.2.0 (2026-11-22)\n## Misc"));
        assertTrue(checkout.read("book/SUMMARY.md").endsWith("\n- [Tea Pot 1.2 (2026-11-22)](notes/all/rl-1.2.md)\n"));
    }

    @Test
    void whereGitConvertsLineEndingsTheCommitHasNone() throws IOException {
        Checkout checkout = sample();
        checkout.git("config", "core.autocrlf", "true");
        checkout.git("rm", "-q", "-r", "--cached", ".");
        checkout.git("reset", "-q", "--hard");
        assertTrue(checkout.read(SUMMARY).contains("\r\n"));
        assertPrepared(checkout, run(checkout));
        assertFalse(checkout.git("show", "HEAD:" + SUMMARY).contains("\r"));
        assertTrue(checkout.read(NOTES).contains("\r\n"));
    }

    @Test
    void entriesThatWereOnlyTouchedAreNoChange() throws IOException {
        Checkout checkout = sample();
        checkout.git("update-index", "--refresh");
        Path entry = checkout.folder.resolve(PENDING + "/a-cups.md");
        Files.setLastModifiedTime(entry, java.nio.file.attribute.FileTime.fromMillis(0));
        assertPrepared(checkout.with("GIT_OPTIONAL_LOCKS", "0"), run(checkout));
    }

    @Test
    void whatIsPublishedIsTheCommitNotAnEditGitWasToldToOverlook() throws IOException {
        Checkout checkout = sample();
        checkout.git("update-index", "--assume-unchanged", "version.json");
        checkout.write("version.json", "{\"version\": \"9.9.9\", \"release_name\": \"Mine\"}");
        assertPrepared(checkout, run(checkout));
        assertTrue(Files.exists(checkout.folder.resolve(NOTES)));
    }

    // --- the date

    @Test
    void theDateIsTheOptionElseSourceDateEpochElseTodayInUtc() throws IOException {
        Checkout checkout = sample();
        LocalDate early = LocalDate.now(ZoneOffset.UTC);
        String today = run(checkout, "--print").out();
        LocalDate late = LocalDate.now(ZoneOffset.UTC);
        assertTrue(List.of(early, late).stream().anyMatch(day -> today.startsWith("# Lix 2.95.0 (" + day + ")\n")), today);
        checkout.with("SOURCE_DATE_EPOCH", "1700006399").with("TZ", "Asia/Tokyo");
        assertTrue(run(checkout, "--print").out().startsWith("# Lix 2.95.0 (2023-11-14)\n"));
        checkout.with("SOURCE_DATE_EPOCH", "1700006400");
        assertTrue(run(checkout, "--print").out().startsWith("# Lix 2.95.0 (2023-11-15)\n"));
        assertTrue(run(checkout, "--print", "--date=2024-02-29").out().startsWith("# Lix 2.95.0 (2024-02-29)\n"));
    }

    @Test
    void aDateThatIsNoneIsWrongUsage() throws IOException {
        Checkout checkout = sample();
        Map<String, String> before = checkout.state();
        for (String date : List.of("2025-02-29", "2025-2-1", "2025-13-01", "yesterday", "", "20250101", "+12025-01-01", "+2025-01-01",
                "-2025-01-01", "-025-01-01", "2025-01-01T00:00")) {
            Checkout.Run run = run(checkout, "--date=" + date);
            assertExit(2, run);
            assertTrue(run.err().contains("'" + date + "' is not a date") && run.err().contains("--date 2025-05-09"), run.err());
        }
        for (String epoch : List.of("today", "1.5", "99999999999999999999", "9999999999999999")) {
            Checkout.Run run = run(checkout.with("SOURCE_DATE_EPOCH", epoch));
            assertExit(2, run);
            assertTrue(run.err().contains("SOURCE_DATE_EPOCH is '" + epoch + "'"), run.err());
        }
        assertEquals(before, checkout.state());
    }

    // --- hazards

    @Test
    @DisplayName("hazard 8: a second run makes no second commit and no second heading")
    void aSecondRunSaysThatTheNotesAreThereAndSinceWhichCommit() throws IOException {
        Checkout checkout = sample();
        assertPrepared(checkout, run(checkout));
        String commit = checkout.git("rev-parse", "--short", "HEAD");
        List<String> says = List.of("refused: the notes of 2.95.0 are already there", commit + " (release: release notes for 2.95.0)", "jbang tag.java");
        assertChangesNothing(checkout, 3, says);
        checkout.write(PENDING + "/late.md", ENTRY).write(NOTES, checkout.read(NOTES) + "\nBy hand.\n");
        assertChangesNothing(commit(checkout), 3, says);
        checkout.write(NOTES, checkout.read(NOTES) + "\nNot committed.\n");
        assertChangesNothing(checkout, 3, says);
    }

    @Test
    @DisplayName("hazard 9: one bad note leaves everything as it was, and once fixed the table has one entry")
    void aBrokenEntryIsNamedWithItsLineAndNothingChanges() throws IOException {
        Checkout checkout = sample().write(PENDING + "/bad.md", "---\nsynopsis: s\ncategory: Bugs\n---\nt\n");
        assertChangesNothing(commit(checkout), 1, List.of("error: the release notes have 1 fault", PENDING + "/bad.md:3: category: 'Bugs'"));
        checkout.write(PENDING + "/bad.md", ENTRY);
        assertPrepared(checkout, run(commit(checkout)));
        assertEquals(1, checkout.read(SUMMARY).lines().filter(line -> line.contains("rl-2.95.md")).count());
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    @DisplayName("hazard 10: an unrelated edit is never swept into the commit")
    void changesOfAnyKindAreRefused(boolean staged) throws IOException {
        Checkout checkout = sample().write("README.md", "edited\n");
        if (staged) {
            checkout.git("add", "README.md");
        }
        assertChangesNothing(checkout, 3, List.of("refused: the checkout has uncommitted changes", "README.md"));
    }

    @Test
    void untrackedFilesElsewhereAreLeftAlone() throws IOException {
        Checkout checkout = sample().write("mine.txt", "x");
        assertExit(0, run(checkout));
        assertEquals("?? mine.txt", checkout.git("status", "--porcelain"));
    }

    @Test
    @DisplayName("hazard 15: a fault is a few lines with what, why and next, and a stack trace only when asked for")
    void aFaultIsThreeLines() throws IOException {
        Checkout checkout = commit(sample().write(PENDING + "/bad.md", "x"));
        assertEquals(3, assertChangesNothing(checkout, 1, List.of("next: ")).err().lines().filter(line -> !line.startsWith("==>")).count());
        assertTrue(run(checkout, "--verbose").err().contains("\tat "));
    }

    @Test
    @DisplayName("hazard 16: neither a development version nor a release without a name")
    void aDevelopmentVersionAndAPlaceholderNameAreRefused() throws IOException {
        Checkout checkout = sample().write("version.json", "{\"version\": \"2.95.0-dev\", \"release_name\": \"Tea\"}");
        assertChangesNothing(commit(checkout), 3, List.of("2.95.0-dev is a development version", "version.json"));
        checkout.write("version.json", "{\"version\": \"2.95.0\", \"release_name\": \"TBD\"}");
        assertChangesNothing(commit(checkout), 3, List.of("the release has no name yet", "version.json"));
    }

    @Test
    @DisplayName("hazard 17: without the marker in SUMMARY nothing is published half")
    void aTableOfContentsWithoutMarkerOrNoTableIsRefused() throws IOException {
        Checkout checkout = sample().write(SUMMARY, "# Table\n\n- a\n");
        assertChangesNothing(commit(checkout), 3, List.of(SUMMARY + ":3: has no line with '  <!-- RELENG-AUTO-INSERTION-MARKER'"));
        Files.delete(checkout.folder.resolve(SUMMARY));
        assertChangesNothing(commit(checkout), 3, List.of(SUMMARY + ":1: is not there, but needs an entry for"));
    }

    @Test
    @DisplayName("hazard 18: another name on a patch release puts in no second heading")
    void aNameThatIsNotTheHeadingsIsRefused() throws IOException {
        Checkout checkout = sample().write(NOTES, "# Lix 2.95 \"Tea\" (2026-01-01)\n").write("version.json", "{\"version\": \"2.95.1\", \"release_name\": \"Coffee\"}");
        assertChangesNothing(commit(checkout), 3, List.of(NOTES + ":1: the heading is # Lix 2.95 \"Tea\" (2026-01-01)", "\"Coffee\""));
    }

    @Test
    @DisplayName("hazard 21: from any folder")
    void itRunsFromASubfolderAndWithRepoFromAnywhere() throws IOException {
        Checkout checkout = sample();
        assertPrepared(checkout, run(checkout.at(checkout.folder.resolve("doc/manual"))));
        Checkout other = Checkout.of(Home.samples(), temp.resolve("other"));
        Checkout outside = other.at(temp);
        assertExit(0, run(outside, "--help"));
        Checkout.Run run = run(outside);
        assertExit(2, run);
        assertTrue(run.err().contains(temp + " is not in a git checkout") && run.err().contains("--repo"), run.err());
        assertExit(2, run(outside, "--repo", "nowhere"));
        assertPrepared(other, run(outside, "--repo", "other/doc"));
    }

    @Test
    void faultsOfEntriesAndManualAreSaidInOneRun() throws IOException {
        Checkout checkout = sample().write(SUMMARY, "x\n").write(PENDING + "/b.md", "x").write(PENDING + "/a.md", "---\nsynopsys: x\n---\n");
        Checkout.Run run = assertChangesNothing(commit(checkout), 1, List.of("4 faults"));
        assertEquals(List.of(PENDING + "/a.md:1:", PENDING + "/a.md:2:", PENDING + "/b.md:1:", SUMMARY + ":1:"), run.err().lines()
                .filter(line -> line.startsWith("  doc/")).map(line -> line.strip().replaceFirst("(:\\d+:).*", "$1")).toList());
    }

    // --- where it does not run

    @Test
    void aDetachedHeadIsRefused() throws IOException {
        Checkout checkout = sample();
        checkout.git("checkout", "-q", "--detach");
        assertChangesNothing(checkout, 3, List.of("HEAD is on no branch", "git checkout BRANCH"));
    }

    @Test
    void aCheckoutWithoutACommitSaysSo() throws IOException {
        Checkout.Run run = run(Checkout.empty(temp.resolve("empty")));
        assertExit(1, run);
        assertTrue(run.err().contains("the checkout has no commit"), run.err());
    }

    @Test
    void anUnfinishedMergeIsRefused() throws IOException {
        Checkout checkout = sample();
        checkout.git("checkout", "-q", "-b", "side");
        checkout.git("commit", "-q", "--allow-empty", "-m", "side");
        checkout.git("checkout", "-q", "releng/test");
        checkout.git("merge", "-q", "--no-ff", "--no-commit", "side");
        assertChangesNothing(checkout, 3, List.of("a merge is not finished"));
    }

    @Test
    void aFileOfTheNotesThatNobodyReviewedIsRefused() throws IOException {
        Checkout checkout = sample().write(".gitignore", "c*.md\n");
        commit(checkout).write(PENDING + "/late.md", ENTRY).write(PENDING + "/c.md", ENTRY).write(PENDING + "/.draft.md", "x").write(PENDING + "/x.txt", "x");
        Checkout.Run run = assertChangesNothing(checkout, 3, List.of(PENDING + "/late.md: nobody has reviewed it", PENDING + "/c.md: "));
        assertFalse(run.err().contains("draft") || run.err().contains("x.txt"), run.err());
        Checkout other = Checkout.of(Home.samples(), temp.resolve("other")).write(NOTES, "mine\n");
        assertChangesNothing(other, 3, List.of(NOTES + ": nobody has reviewed it"));
    }

    @Test
    void withoutPendingNotesItRefusesUnlessAnEmptySectionIsAskedFor() throws IOException {
        Checkout checkout = sample();
        checkout.git("rm", "-q", "-r", PENDING);
        assertChangesNothing(commit(checkout), 3, List.of("no notes are pending", PENDING, "--allow-empty"));
        assertPrepared(checkout, run(checkout, "--allow-empty", "--date", "2026-11-22"));
        assertEquals("# Lix 2.95 \"Crème Brûlée\" (2026-11-22)\n\n\n# Lix 2.95.0 (2026-11-22)\n", checkout.read(NOTES));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '^', value = {
        "not json | version.json is not JSON",
        "[] | version.json is not a JSON object",
        "{} | version.json: version is missing",
        "{\"version\": \"2.95.0\"} | version.json: release_name is missing",
        "{\"version\": \"abc\", \"release_name\": \"Tea\"} | version.json: version: 'abc' is not a version",
        "{\"version\": 2.95, \"release_name\": \"Tea\"} | version.json: version should be a string",
        "{\"version\": \"2.95.0\", \"release_name\": \"\"} | version.json: release_name must be",
    })
    void aVersionFileThatIsBrokenIsNamed(String json, String says) throws IOException {
        Checkout checkout = commit(sample().write("version.json", json));
        assertChangesNothing(checkout, 1, List.of(says));
        assertChangesNothing(checkout, 1, List.of(says.replaceFirst("^version.json is .*", "version.json:1: ")), "--check");
    }

    @Test
    void withoutAVersionFileItSaysWhichOneItLookedFor() throws IOException {
        Checkout checkout = sample();
        Files.delete(checkout.folder.resolve("version.json"));
        assertChangesNothing(commit(checkout), 1, List.of("there is no version.json", "releng.json"));
        assertChangesNothing(checkout, 1, List.of("version.json:1: is not there"), "--check");
    }

    // --- --check and --print

    @Test
    void checkFindsNothingWrongOnAnyBranchWithAnyChangesAtAnyVersion() throws IOException {
        Checkout checkout = sample().write("version.json", "{\"version\": \"2.96.0-dev\", \"release_name\": \"TBD\"}")
                .write(PENDING + "/new.md", ENTRY).write(PENDING + "/new.txt", "x");
        checkout.git("checkout", "-q", "--detach");
        assertChangesNothing(checkout, 0, List.of("ok: 6 pending entries, nothing wrong", "new.txt is not an entry"), "--check");
        Checkout done = Checkout.of(Home.samples(), temp.resolve("done"));
        assertPrepared(done, run(done));
        assertChangesNothing(done, 0, List.of("ok: 0 pending entries"), "--check");
    }

    @Test
    void checkSaysEverythingOfEverythingAtOnce() throws IOException {
        Checkout checkout = sample().write("version.json", "{\"version\": \"2.96.0-dev\", \"release_name\": \"TBD\"}").write(SUMMARY, "x\n")
                .write("doc/manual/change-authors.yml", "a: {gihub: a}\n").write(PENDING + "/new.md", "x");
        assertChangesNothing(checkout, 1, List.of("doc/manual/change-authors.yml:1: gihub", PENDING + "/new.md:1: ", SUMMARY + ":1: ",
                PENDING + "/drop-rot13.md:7: credits: 'quillwort'"), "--check");
        checkout.write("version.json", "{\"version\": \"abc\", \"release_name\": \"Tea\"}");
        assertChangesNothing(checkout, 1, List.of("version.json: version: 'abc'", PENDING + "/new.md:1: "), "--check");
        checkout.write("version.json", "{\"version\": \"2.95.1\", \"release_name\": \"Tea\"}").write(NOTES, "# Lix 2.95 \"Coffee\"\n");
        assertChangesNothing(checkout, 1, List.of(NOTES + ":1: the heading is"), "--check");
    }

    @Test
    void printWritesTheSectionAndNothingElseEvenForADevelopmentVersion() throws IOException {
        Checkout checkout = sample().write("version.json", "{\"version\": \"2.95.0-dev\", \"release_name\": \"TBD\"}");
        Checkout.Run printed = assertChangesNothing(checkout, 0, List.of(), "--print", "--date", "2026-11-22");
        checkout.git("checkout", "-q", "version.json");
        assertPrepared(checkout, run(checkout, "--date", "2026-11-22"));
        assertEquals("# Lix 2.95 \"Crème Brûlée\" (2026-11-22)\n\n\n" + printed.out().replace("-dev", "").stripTrailing() + "\n", checkout.read(NOTES));
    }

    @Test
    void printOfBrokenEntriesPrintsNoNotes() throws IOException {
        Checkout checkout = sample().write(PENDING + "/new.md", "x");
        assertEquals("", assertChangesNothing(checkout, 1, List.of(PENDING + "/new.md:1: "), "--print").out());
    }

    @Test
    void printAndCheckExcludeEachOther() throws IOException {
        assertChangesNothing(sample(), 2, List.of("mutually exclusive"), "--print", "--check");
    }

    // --- hooks, worktrees, signing

    private static final String ADDS_CHANGE_ID = """
            #!/bin/sh
            git interpret-trailers --in-place --trailer "Change-Id: I$(git hash-object "$1")" "$1"
            """;

    @Test
    void theHookOfTheClonePutsInTheChangeId() throws IOException {
        Checkout checkout = sample();
        Program.write(checkout.folder.resolve(".git/hooks/commit-msg"), ADDS_CHANGE_ID);
        assertPrepared(checkout, run(checkout));
        assertTrue(checkout.git("log", "-1", "--format=%B").matches("release: release notes for 2.95.0\n\nChange-Id: I[0-9a-f]{40}\\s*"));
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void hooksAreFoundWhereCoreHooksPathSays(boolean relative) throws IOException {
        Checkout checkout = sample();
        Path folder = relative ? checkout.folder.resolve(".githooks") : temp.resolve("shared hooks");
        Program.write(folder.resolve("commit-msg"), ADDS_CHANGE_ID);
        checkout.git("config", "core.hooksPath", relative ? ".githooks" : folder.toString());
        commit(checkout);
        assertPrepared(checkout, run(checkout.at(checkout.folder.resolve("doc"))));
        assertTrue(checkout.git("log", "-1", "--format=%B").contains("\nChange-Id: I"));
    }

    @Test
    void inALinkedWorktreeOnlyItsOwnBranchIndexAndFilesChange() throws IOException {
        Checkout main = sample();
        Program.write(main.folder.resolve(".git/hooks/commit-msg"), ADDS_CHANGE_ID);
        main.git("worktree", "add", "-q", "-b", "other", temp.resolve("linked").toString());
        Map<String, String> before = main.state();
        before.remove("refs");
        Checkout linked = main.at(temp.resolve("linked"));
        assertPrepared(linked, run(linked));
        assertTrue(linked.git("log", "-1", "--format=%B").contains("\nChange-Id: I"));
        assertEquals("refs/heads/other", linked.git("symbolic-ref", "HEAD"));
        Map<String, String> after = main.state();
        after.remove("refs");
        assertEquals(before, after);
    }

    @Test
    void whereTheUserSignsCommitsThisOneIsSigned() throws IOException {
        assumeTrue(Missing.onPath("ssh-keygen"), "ssh-keygen is not installed");
        Checkout checkout = sample();
        Path key = temp.resolve("key");
        Exec.of("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key.toString()).orFail("ssh-keygen", "");
        Files.writeString(temp.resolve("allowed"), "manager@example.org " + Files.readString(temp.resolve("key.pub")));
        checkout.git("config", "gpg.format", "ssh");
        checkout.git("config", "user.signingKey", key.toString());
        checkout.git("config", "gpg.ssh.allowedSignersFile", temp.resolve("allowed").toString());
        checkout.git("config", "commit.gpgSign", "true");
        assertPrepared(checkout, run(checkout));
        checkout.git("verify-commit", "HEAD");
    }

    @Test
    void aSignatureThatCannotBeMadeChangesNothing() throws IOException {
        Checkout checkout = sample();
        checkout.git("config", "commit.gpgSign", "true");
        checkout.git("config", "gpg.format", "ssh");
        checkout.git("config", "user.signingKey", temp.resolve("no such key").toString());
        assertChangesNothing(checkout, 1, List.of("git could not make the commit", "nothing was changed"));
    }

    @Test
    void entriesMayHaveAnyName() throws IOException {
        // Not written from Java: a JVM in the C locale cannot name them.
        Checkout checkout = sample();
        Exec.of("sh", "-c", "for name in 'with space' '-dash' 'é' '\"quoted\"' 'new\nline'; do printf -- '---\\nsynopsis: s\\n---\\nt\\n' > \"$name.md\"; done")
                .in(checkout.folder.resolve(PENDING)).orFail("sh", "");
        assertPrepared(checkout, run(commit(checkout)));
        assertEquals(PENDING + "/.gitkeep", checkout.git("ls-files", PENDING));
    }
}
