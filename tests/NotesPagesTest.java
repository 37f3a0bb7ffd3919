import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import lib.config.Project;
import lib.notes.Chapter;
import lib.notes.Problem;
import lib.notes.Summary;
import lib.release.Release;
import lib.release.Version;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The pages of the manual that a release's notes go to, to the byte, and what is said when they cannot. */
class NotesPagesTest {

    private static final LocalDate TODAY = LocalDate.parse("2026-11-22");

    static Release release(String version, String name) {
        return new Release(Project.LIX, Version.of(version), name, Optional.empty());
    }

    // --- the MAJOR's page

    private static String page(String version, String name, String old, String body) {
        return new Chapter(release(version, name), Optional.ofNullable(old)).with(TODAY, body);
    }

    @Test
    void aNewPageHasBothHeadings() {
        assertEquals("# Lix 2.95 \"Tea\" (2026-11-22)\n\n\n# Lix 2.95.0 (2026-11-22)\n## Fixes\n\n- a\n", page("2.95.0", "Tea", null, "## Fixes\n\n- a\n\n\n"));
    }

    @Test
    void aPatchReleaseGoesBelowTheHeadingThatIsThere() {
        assertEquals("# Lix 2.95 \"Tea\" (2026-01-01) as it was\n# Lix 2.95.1 (2026-11-22)\nBODY\n\n\n\n\n# Lix 2.95.0 (2026-01-01)\nold\n",
                page("2.95.1", "Tea", "# Lix 2.95 \"Tea\" (2026-01-01) as it was\n\n\n# Lix 2.95.0 (2026-01-01)\nold\n\n\n", "BODY\n"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"# Lix 2.95 \"Tea\"", "# Lix 2.95 \"Tea\"\n"})
    void aHeadingAloneIsKept(String old) {
        assertEquals("# Lix 2.95 \"Tea\"\n# Lix 2.95.1 (2026-11-22)\nBODY\n", page("2.95.1", "Tea", old, "BODY\n"));
    }

    @Test
    void textWithoutAHeadingIsKeptBelow() {
        assertEquals("# Lix 2.95 \"Tea\" (2026-11-22)\n\n\n# Lix 2.95.0 (2026-11-22)\nBODY\n\n\nBy hand.\n", page("2.95.0", "Tea", "By hand.\n", "BODY\n"));
        assertEquals("# Lix 2.95 \"Tea\" (2026-11-22)\n\n\n# Lix 2.95.0 (2026-11-22)\nBODY\n", page("2.95.0", "Tea", "", "BODY\n"));
    }

    @Test
    void anEmptyBodyLeavesOnlyTheHeadings() {
        assertEquals("# Lix 2.95 \"Tea\"\n# Lix 2.95.1 (2026-11-22)\n\n\nold\n", page("2.95.1", "Tea", "# Lix 2.95 \"Tea\"\nold", ""));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "2.95.1 | # Lix 2.95.1 (2026-11-22) | true",
        "2.95.1 | # Lix 2.95.10 (2026-11-22) | false",
        "2.95.1 | # Lix 2.95.1-rc1 (2026-11-22) | false",
        "2.95.1 | ## Lix 2.95.1 (2026-11-22) | false",
        "2.95 | # Lix 2.95 \"Tea\" (2026-11-22) | false",
        "2.95 | # Lix 2.95 (2026-11-22) | true",
    })
    void aVersionsSectionIsKnownByItsWholeNumber(String version, String line, boolean there) {
        assertEquals(there, new Chapter(release(version, "Tea"), Optional.of("x\n" + line + "\ny\n")).hasSection());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '^', commentCharacter = '~', value = {
        "# Lix 2.95 \"Tea\" (2026-01-01) | true",
        "# Lix 2.95 \"Coffee\" (2026-01-01) | false",
        "# Lix 2.95 \"Tea Pot\" (2026-01-01) | false",
        "# Lix 2.95 (2026-01-01) | true",
        "# Something else | true",
    })
    void hazard18ANameThatDiffersFromTheHeadingsIsAProblem(String heading, boolean fine) {
        List<Problem> problems = new ArrayList<>();
        new Chapter(release("2.95.1", "Tea"), Optional.of(heading + "\n")).checkName(problems);
        assertEquals(fine, problems.isEmpty());
        assertTrue(fine || problems.get(0).toString().startsWith("doc/manual/src/release-notes/rl-2.95.md:1: the heading is " + heading));
    }

    // --- the table of contents

    private static Summary summary(String text) {
        return new Summary(release("2.95.0", "Tea"), prepare.SUMMARY_MARKER, Optional.of(text));
    }

    @Test
    void belowEachMarkerAnEntryIsPutAsFarInAsTheMarkerIs() {
        String marker = "  <!-- RELENG-AUTO-INSERTION-MARKER (said why) -->";
        assertEquals("a\n" + marker + "\n- [Lix 2.95 (2026-11-22)](release-notes/rl-2.95.md)\n  " + marker
                        + "\n  - [Lix 2.95 (2026-11-22)](release-notes/rl-2.95.md)\n x " + marker
                        + "\n x - [Lix 2.95 (2026-11-22)](release-notes/rl-2.95.md)\nz\n",
                summary("a\n" + marker + "\n  " + marker + "\n x " + marker + "\nz\n\n\n").with(TODAY));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "a\n", "<!-- RELENG-AUTO-INSERTION-MARKER -->\n", " <!-- RELENG-AUTO-INSERTION-MARKER -->\n", "  <!-- releng-auto-insertion-marker -->"})
    void hazard17WithoutTheMarkerThereIsAProblem(String text) {
        List<Problem> problems = new ArrayList<>();
        summary(text).check(problems);
        assertEquals(1, problems.size());
        assertTrue(problems.get(0).toString().contains("SUMMARY.md:1: has no line with '  <!-- RELENG-AUTO-INSERTION-MARKER'"), problems.toString());
    }

    @Test
    void hazard9AnEntryThatIsThereAlreadyIsNotPutInTwice() {
        List<Problem> problems = new ArrayList<>();
        summary("  <!-- RELENG-AUTO-INSERTION-MARKER -->\n- [Lix 2.95 (2026-11-21)](release-notes/rl-2.95.md)\n").check(problems);
        assertEquals(List.of("doc/manual/src/SUMMARY.md:2: has an entry for release-notes/rl-2.95.md already, but that page is not there"),
                problems.stream().map(Problem::toString).toList());
    }
}
