import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import lib.config.Project;
import lib.notes.Pending;
import lib.notes.Problem;
import lib.notes.Rules;
import lib.notes.Source;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the notes look like, to the byte, and what is said about entries that are wrong. */
class NotesTest {

    private static final String PENDING = "doc/manual/rl-next/";
    private static final String AUTHORS = "doc/manual/change-authors.yml";

    /** The files of a checkout that is none. */
    static final class Files implements Source {
        final Map<String, byte[]> files = new LinkedHashMap<>();

        Files put(String path, String text) {
            files.put(path, text.getBytes(UTF_8));
            return this;
        }

        Files entry(String name, String text) {
            return put(PENDING + name, text);
        }

        @Override
        public Optional<byte[]> read(String path) {
            return Optional.ofNullable(files.get(path));
        }

        @Override
        public List<String> names(String folder) {
            return new ArrayList<>(new TreeSet<>(files.keySet().stream().filter(path -> path.startsWith(folder + "/"))
                    .map(path -> path.substring(folder.length() + 1).replaceFirst("/.*", "")).toList()));
        }
    }

    static Rules rules(Project project) {
        return new Rules(project, prepare.CATEGORIES);
    }

    private static String body(Files files) {
        List<Problem> problems = new ArrayList<>();
        Pending pending = Pending.read(rules(Project.LIX), files, problems);
        assertEquals(List.of(), problems);
        return pending.body();
    }

    private static List<String> problems(Files files) {
        List<Problem> problems = new ArrayList<>();
        Pending.read(rules(Project.LIX), files, problems);
        return problems.stream().sorted().map(Problem::toString).toList();
    }

    /** The first line of the one entry with this front matter. */
    private static String heading(String... frontMatter) {
        String body = body(new Files().put(AUTHORS, "a: {}\n").entry("a.md", "---\n" + String.join("\n", frontMatter) + "\n---\n\ntext\n"));
        return body.lines().skip(2).findFirst().orElseThrow();
    }

    private static String thanks(String authors, String credits) {
        return body(new Files().put(AUTHORS, authors).entry("a.md", "---\nsynopsis: s\ncredits: " + credits + "\n---\ntext\n"))
                .lines().filter(line -> line.startsWith("  Many thanks to ")).findFirst().orElseThrow()
                .replace("  Many thanks to ", "").replace(" for this.", "");
    }

    // --- the body

    @Test
    void anEntryIsAListItemWithItsTextIndentedAndThanksBelow() {
        assertEquals("""
                ## Features

                - It brews [lix#1](https://git.lix.systems/lix-project/lix/issues/1)

                  First.

                      code

                  Last.

                  Many thanks to Ann for this.


                """, body(new Files().put(AUTHORS, "ann:\n  display_name: Ann\n")
                .entry("a.md", "---\nsynopsis: It brews\nissues: 1\ncategory: Features\ncredits: ann\n---\n\nFirst.\n\n    code\n\nLast.\n\n")));
    }

    @Test
    void withoutCreditsABlankLineFollowsTheText() {
        assertEquals("## Miscellany\n\n- s\n\n  text\n\n\n", body(new Files().entry("a.md", "---\nsynopsis: s\n---\ntext\n")));
    }

    @Test
    void withoutTextTheLineOfTheTextIsBlank() {
        assertEquals("## Miscellany\n\n- s\n\n\n\n\n", body(new Files().entry("a.md", "---\nsynopsis: s\n---\n")));
    }

    @Test
    void whereSynopsisAndLinksAreEmptyTheTextIsOnTheLineOfTheDash() {
        assertEquals("## Miscellany\n\n-   one\n  two\n\n\n", body(new Files().entry("a.md", "---\nsynopsis: ''\n---\none\ntwo")));
        // Four columns in, a second paragraph would have to be there as well.
        assertEquals("## Miscellany\n\n- one\n\n  two\n\n\n", body(new Files().entry("a.md", "---\nsynopsis: ''\n---\none\n\ntwo")));
    }

    @ParameterizedTest
    @ValueSource(strings = {"synopsis: ''", "synopsis:", "synopsis: ~", "synopsis: \"  \"", "synopsis: ''\nissues: []\nprs: []\ncls: []"})
    void anEmptySynopsisIsWrittenInManyWays(String frontMatter) {
        assertEquals("-   text", heading(frontMatter));
    }

    @Test
    void linksWithoutSynopsisFollowTheDash() {
        assertEquals("- [cl/5](https://gerrit.lix.systems/c/lix/+/5)", heading("synopsis: ''", "cls: 5"));
    }

    @Test
    void blankLinesAreNotIndented() {
        assertEquals("## Miscellany\n\n- s\n\n  a\n\n  b\n\n\n", body(new Files().entry("a.md", "---\nsynopsis: s\n---\na\n\nb")));
    }

    @Test
    void noEntriesMakeNoBody() {
        assertEquals("", body(new Files()));
        assertEquals("", body(new Files().put(PENDING + ".gitkeep", "").put(PENDING + ".draft.md", "no front matter")));
    }

    @Test
    void categoriesComeInTheirOrderWhateverTheFilesAreCalled() {
        Files files = new Files();
        for (int i = 0; i < prepare.CATEGORIES.size(); i++) {
            files.entry((char) ('z' - i) + ".md", "---\nsynopsis: s\ncategory: " + prepare.CATEGORIES.get(i) + "\n---\nt\n");
        }
        assertEquals(List.of("## Breaking Changes", "## Features", "## Improvements", "## Fixes", "## Packaging", "## Development", "## Miscellany"),
                body(files).lines().filter(line -> line.startsWith("## ")).toList());
    }

    @Test
    void significantEntriesComeFirstThenFileNamesInCodePointOrder() {
        Files files = new Files();
        for (String name : List.of("b", "a", "a-b", "B", "\uff5e", "\ud83d\ude00", "é")) {
            files.entry(name + ".md", "---\nsynopsis: " + name + "\n---\nt\n");
        }
        files.entry("z.md", "---\nsynopsis: z!\nsignificance: significant\n---\nt\n");
        files.entry("y.md", "---\nsynopsis: y!\nsignificance: significant\n---\nt\n");
        // Java's own order would put the emoji before the full-width tilde.
        assertEquals(List.of("- y!", "- z!", "- B", "- a-b", "- a", "- b", "- é", "- \uff5e", "- \ud83d\ude00"),
                body(files).lines().filter(line -> line.startsWith("- ")).toList());
    }

    @Test
    void whatDoesNotEndInMdIsNoEntryAndIsSaid() {
        Pending pending = Pending.read(rules(Project.LIX), new Files().entry("a.markdown", "x").entry("b.md~", "x")
                .entry("sub/c.md", "x").entry(".gitkeep", ""), new ArrayList<>());
        assertEquals(List.of(), pending.files());
        assertEquals(List.of(PENDING + "a.markdown", PENDING + "b.md~", PENDING + "sub"), pending.strangers());
    }

    // --- links

    @ParameterizedTest
    @CsvSource({
        "issues, 123, [lix#123](https://git.lix.systems/lix-project/lix/issues/123)",
        "issues, fj#123, [lix#123](https://git.lix.systems/lix-project/lix/issues/123)",
        "issues, lix#123, [lix#123](https://git.lix.systems/lix-project/lix/issues/123)",
        "issues, '\"123\"', [lix#123](https://git.lix.systems/lix-project/lix/issues/123)",
        "issues, gh#9, [nix#9](https://github.com/NixOS/nix/issues/9)",
        "issues, nix#9, [nix#9](https://github.com/NixOS/nix/issues/9)",
        "prs, 123, [lix#123](https://git.lix.systems/lix-project/lix/pulls/123)",
        "prs, fj#123, [lix#123](https://git.lix.systems/lix-project/lix/pulls/123)",
        "prs, lix#123, [lix#123](https://git.lix.systems/lix-project/lix/pulls/123)",
        "prs, gh#9, [nix#9](https://github.com/NixOS/nix/pull/9)",
        "prs, nix#9, [nix#9](https://github.com/NixOS/nix/pull/9)",
        "cls, 1611, [cl/1611](https://gerrit.lix.systems/c/lix/+/1611)",
    })
    void everyWayToWriteAReferenceBecomesItsLink(String key, String reference, String link) {
        assertEquals("- s " + link, heading("synopsis: s", key + ": " + reference));
        assertEquals("- s " + link, heading("synopsis: s", key + ": [" + reference + "]"));
        assertEquals("- s " + link, heading("synopsis: s", key + ":", "  - " + reference));
    }

    @Test
    void issuesComeBeforePullRequestsAndThoseBeforeChangesEachInTheirOrder() {
        assertEquals("- s [lix#2](https://git.lix.systems/lix-project/lix/issues/2) [nix#1](https://github.com/NixOS/nix/issues/1)"
                        + " [lix#3](https://git.lix.systems/lix-project/lix/pulls/3)"
                        + " [cl/5](https://gerrit.lix.systems/c/lix/+/5) [cl/4](https://gerrit.lix.systems/c/lix/+/4)",
                heading("cls: [5, 4]", "prs: 3", "issues: [2, gh#1]", "synopsis: s"));
    }

    @Test
    void anotherProjectsLinksAreItsOwn() {
        Project tea = new Project("Tea", "tea", "version.json", "rl-next", "authors.yml", "notes", "SUMMARY.md",
                Optional.of("https://forge.example"), Optional.of("tea/pot"), Optional.of("Old/kettle"), Optional.of("https://review.example/"));
        List<Problem> problems = new ArrayList<>();
        Pending pending = Pending.read(rules(tea), new Files().put("authors.yml", "ann: {forgejo: ann}\n")
                .put("rl-next/a.md", "---\nsynopsis: s\nissues: [1, tea#2, kettle#3, gh#4]\ncls: 5\ncredits: ann\n---\nt\n"), problems);
        assertEquals(List.of(), problems);
        assertEquals("## Miscellany\n\n- s [tea#1](https://forge.example/tea/pot/issues/1) [tea#2](https://forge.example/tea/pot/issues/2)"
                + " [kettle#3](https://github.com/Old/kettle/issues/3) [kettle#4](https://github.com/Old/kettle/issues/4)"
                + " [cl/5](https://review.example/5)\n\n  t\n\n  Many thanks to [ann](https://forge.example/ann) for this.\n\n\n", pending.body());
    }

    @Test
    void aLinkWhoseAddressTheProjectDoesNotSayIsAProblemThatNamesTheKey() {
        Project tea = tea(Optional.empty(), Optional.empty());
        List<Problem> problems = new ArrayList<>();
        Files files = new Files().put("authors.yml", "ann: {forgejo: ann}\nbob: {forgejo: bob, github: bob}\ncy: {}\n")
                .put("rl-next/a.md", "---\nsynopsis: s\nissues: [1, tea#2]\nprs: [gh#3, kettle#4]\ncls: 5\ncredits: [ann, bob, cy]\n---\nt\n");
        Pending.read(rules(tea), files, problems);
        String unset = " needs an address, but releng.json does not set project.";
        assertEquals(List.of("3: issues: '1'" + unset + "forge, project.repository", "3: issues: 'tea#2'" + unset + "forge, project.repository",
                "4: prs: 'gh#3'" + unset + "upstream", "4: prs: 'kettle#4' is not a valid pull request: write 123, fj#123 or tea#123 for one of ours",
                "5: cls: '5'" + unset + "review", "6: credits: 'ann'" + unset + "forge"),
                problems.stream().sorted().map(problem -> problem.toString().replace("rl-next/a.md:", "")).toList());
        problems.clear();
        Pending.read(rules(tea(Optional.of("https://forge.example"), Optional.empty())), files, problems);
        assertTrue(problems.get(0).what().endsWith("does not set project.repository"), problems.toString());
        problems.clear();
        assertTrue(Pending.read(rules(tea), files.put("rl-next/a.md", "---\nsynopsis: s\ncredits: [bob, cy]\n---\nt\n"), problems).body()
                .contains("Many thanks to [bob](https://github.com/bob) and cy for this."));
        assertEquals(List.of(), problems);
    }

    private static Project tea(Optional<String> forge, Optional<String> repository) {
        return new Project("Tea", "tea", "version.json", "rl-next", "authors.yml", "notes", "SUMMARY.md", forge, repository, Optional.empty(), Optional.empty());
    }

    // --- credits

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "[a] | a",
        "a | a",
        "[a, b] | a and b",
        "[a, b, c] | a, b, and c",
        "[d, c, b, a] | d, c, b, and a",
    })
    void namesAreJoinedAsPeopleSpeak(String credits, String joined) {
        assertEquals(joined, thanks("a: {}\nb: {}\nc: {}\nd: {}\n", credits));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "{display_name: Ann O, forgejo: annf, github: anng} | [Ann O](https://git.lix.systems/annf)",
        "{display_name: Ann O, github: anng} | [Ann O](https://github.com/anng)",
        "{display_name: Ann O} | Ann O",
        "{forgejo: annf, github: anng} | [ann](https://git.lix.systems/annf)",
        "{github: anng} | [ann](https://github.com/anng)",
        "{display_name: '', forgejo: '', github: anng} | [ann](https://github.com/anng)",
        "{} | ann",
        "'' | ann",
    })
    void aNameIsTheDisplayNameElseTheHandleAndALinkForgejoElseGitHub(String author, String credit) {
        assertEquals(credit, thanks("ann: " + (author.equals("''") ? "" : author) + "\n", "ann"));
    }

    @Test
    void aHandleOfDigitsIsTheTextItLooksLike() {
        assertEquals("007 and 2.90", thanks("007: {}\n2.90: {}\n", "[007, 2.90]"));
    }

    // --- YAML and files as people have them

    @ParameterizedTest
    @ValueSource(strings = {
        "synopsis: one two", "synopsis: 'one two'", "synopsis: \"one\\x20two\"", "synopsis: one\n  two", "synopsis: \"one\n  two\"",
        "synopsis: >\n  one\n  two", "synopsis: >-\n  one\n  two", "synopsis: |\n  one two\n", "\"synopsis\": one two", "synopsis: one two # aside",
    })
    void aSynopsisIsWrittenInAllTheWaysOfYaml(String yaml) {
        assertEquals("- one two [cl/5](https://gerrit.lix.systems/c/lix/+/5)", heading(yaml, "cls: 5"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"yes", "2.90", "1_000", "2025-01-01", "0x1f", "1:30"})
    void aSynopsisThatLooksLikeANumberStaysAsItIsWritten(String text) {
        assertEquals("- " + text, heading("synopsis: " + text));
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "\ufeff---\nsynopsis: s\n---\na\n\nb\n", "---\r\nsynopsis: s\r\n---\r\na\r\n\r\nb\r\n", "\n\n---\nsynopsis: s\n---\na\n\nb",
        "---  \nsynopsis: s\n----\t\n\n\na\n\nb\n\n\n",
    })
    void byteOrderMarkLineEndingsAndBlankLinesMakeNoDifference(String file) {
        assertEquals("## Miscellany\n\n- s\n\n  a\n\n  b\n\n\n", body(new Files().entry("a.md", file)));
    }

    @Test
    void aRulerInTheTextDoesNotEndTheFrontMatterASecondTime() {
        assertEquals("## Miscellany\n\n- s\n\n  a\n  ---\n  b\n\n\n", body(new Files().entry("a.md", "---\nsynopsis: s\n---\na\n---\nb\n")));
    }

    // --- faults

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '^', commentCharacter = '~', value = {
        "nothing at all | 1 | has no front matter",
        "---\\nsynopsis: s | 1 | the front matter is not closed",
        "\\n\\n---\\nsynopsis: s | 3 | the front matter is not closed",
        "---\\n---\\nt | 1 | synopsis is missing",
        "---\\ncls: 1\\n---\\nt | 1 | synopsis is missing",
        "---\\njust words\\n---\\nt | 2 | should be keys with values, but is a value",
        "---\\n- synopsis: s\\n---\\nt | 2 | should be keys with values, but is a list",
        "---\\nsynopsis: s\\n\\nsynopsis: t\\n---\\nt | 4 | synopsis occurs twice, first in line 2",
        "---\\nsynopsis: s\\nsynopsys: t\\n---\\nt | 3 | synopsys is not a known key; known: synopsis, issues, prs, cls, category, significance, credits",
        "---\\nsynopsis: s\\n[a]: t\\n---\\nt | 3 | a key should be a word",
        "---\\nsynopsis: [s]\\n---\\nt | 2 | synopsis should be a value, but is a list",
        "---\\nsynopsis: {s: t}\\n---\\nt | 2 | synopsis should be a value, but is keys with values",
        "---\\nsynopsis: a: b\\n---\\nt | 2 | is not YAML",
        "---\\nsynopsis: 's\\n---\\nt | 2 | is not YAML",
        "---\\nsynopsis: s\\ncls: [1\\ncategory: Fixes\\n---\\nt | 4 | in line 3",
        "---\\nsynopsis: s\\n\\tcls: 1\\n---\\nt | 3 | is not YAML",
        "---\\nsynopsis: `s`\\n---\\nt | 2 | is not YAML",
        "---\\nsynopsis: s\\ncls: *a\\n---\\nt | 3 | is not YAML",
        "---\\nsynopsis: s\\ncls: \u0007\\n---\\nt | 3 | the character U+0007 is not allowed here",
        "---\\nsynopsis: s\\ncategory: Bugs\\n---\\nt | 3 | 'Bugs' is not known; known: Breaking Changes, Features, Improvements, Fixes, Packaging",
        "---\\nsynopsis: s\\ncategory: fixes\\n---\\nt | 3 | 'fixes' is not known",
        "---\\nsynopsis: s\\ncategory:\\n---\\nt | 3 | category: '' is not known",
        "---\\nsynopsis: s\\ncategory: [Fixes]\\n---\\nt | 3 | category should be a value, but is a list",
        "---\\nsynopsis: s\\nsignificance: huge\\n---\\nt | 3 | 'huge' is not known; known: significant",
        "---\\nsynopsis: s\\nissues: ab#1\\n---\\nt | 3 | 'ab#1' is not a valid issue: write 123, fj#123 or lix#123",
        "---\\nsynopsis: s\\nissues:\\n- 1\\n- fj1\\n---\\nt | 5 | 'fj1' is not a valid issue",
        "---\\nsynopsis: s\\nissues: #12\\n---\\nt | 3 | issues has no value",
        "---\\nsynopsis: s\\nissues: 012\\n---\\nt | 3 | '012' is not a valid issue",
        "---\\nsynopsis: s\\nissues: gh#-1\\n---\\nt | 3 | 'gh#-1' is not a valid issue",
        "---\\nsynopsis: s\\nissues: [[1]]\\n---\\nt | 3 | issues should be a value, but is a list",
        "---\\nsynopsis: s\\nissues: {fj: 1}\\n---\\nt | 3 | issues should be a value, but is keys with values",
        "---\\nsynopsis: s\\nprs: https://x/1\\n---\\nt | 3 | 'https://x/1' is not a valid pull request",
        "---\\nsynopsis: s\\ncls: cl/12\\n---\\nt | 3 | 'cl/12' is not a valid change: write its number",
        "---\\nsynopsis: s\\ncls: 1.5\\n---\\nt | 3 | '1.5' is not a valid change",
        "---\\nsynopsis: s\\ncredits: [a, nobody]\\n---\\nt | 3 | 'nobody' is not in doc/manual/change-authors.yml",
        "---\\nsynopsis: s\\ncredits: A\\n---\\nt | 3 | 'A' is not in doc/manual/change-authors.yml",
        "---\\nsynopsis: s\\ncredits:\\n---\\nt | 3 | credits has no value",
        "---\\nsynopsis: ''\\n---\\n | 2 | the entry is empty",
    })
    void aBrokenEntryIsNamedWithItsLine(String entry, int line, String what) {
        List<String> problems = problems(new Files().put(AUTHORS, "a: {}\n").entry("broken.md", entry.replace("\\n", "\n").replace("\\t", "\t")));
        assertEquals(1, problems.size(), problems.toString());
        assertTrue(problems.get(0).startsWith(PENDING + "broken.md:" + line + ": "), problems.toString());
        assertTrue(problems.get(0).contains(what), problems.toString());
    }

    @Test
    void bytesThatAreNotUtf8AreNamedWithTheirLine() {
        Files files = new Files();
        files.files.put(PENDING + "a.md", "---\nsynopsis: caf\u00e9\n---\n".getBytes(java.nio.charset.StandardCharsets.ISO_8859_1));
        assertEquals(List.of(PENDING + "a.md:2: is not UTF-8 from here on"), problems(files));
        files.files.put(PENDING + "a.md", new byte[] {'-', '-', '-', '\n', '\n', (byte) 0xc3});
        assertEquals(List.of(PENDING + "a.md:3: is not UTF-8 from here on"), problems(files));
    }

    @Test
    void allFaultsOfAllFilesAreSaidAtOnceByFileAndLine() {
        assertEquals(List.of(
                AUTHORS + ":3: gihub is not a known key; known: display_name, forgejo, github",
                PENDING + "B.md:2: category: 'x' is not known; known: " + String.join(", ", prepare.CATEGORIES),
                PENDING + "B.md:3: cls: 'y' is not a valid change: write its number, such as 1611",
                PENDING + "B.md:4: credits: 'z' is not in " + AUTHORS + ": add the handle there, or correct it here",
                PENDING + "a.md:1: has no front matter: an entry begins with a line ---"),
                problems(new Files().put(AUTHORS, "a: {}\nb:\n  gihub: b\n").entry("a.md", "x")
                        .entry("B.md", "---\ncategory: x\ncls: y\ncredits: [a, b, z]\nsynopsis: s\n---\nt\n")));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '^', commentCharacter = '~', value = {
        "a: {}\\nb: [ | 2 | is not YAML",
        "a: {}\\nb: {}\\na: {} | 3 | a occurs twice, first in line 1",
        "a: {}\\nb: x | 2 | b should be keys with values, but is a value",
        "a: {}\\nb:\\n  name: x | 3 | name is not a known key; known: display_name, forgejo, github",
        "a: {}\\nb:\\n  github: [x] | 3 | github should be a value, but is a list",
        "a: {}\\nb:\\n  github: x y | 3 | 'x y' would break",
        "- a | 1 | should be keys with values, but is a list",
    })
    void aBrokenAuthorIsNamedWithTheLineAndTheOthersStayKnown(String authors, int line, String what) {
        List<String> problems = problems(new Files().put(AUTHORS, authors.replace("\\n", "\n"))
                .entry("a.md", "---\nsynopsis: s\ncredits: a\n---\nt\n"));
        assertEquals(1, problems.size(), problems.toString());
        assertTrue(problems.get(0).startsWith(AUTHORS + ":" + line + ": ") && problems.get(0).contains(what), problems.toString());
    }

    @Test
    void everyKeyCategoryAndBracketBrokenInTurnIsFoundInItsLine() {
        String entry = "---\nsynopsis: \"s\"\nissues: [1]\nprs: [2]\ncls: [3]\ncategory: Fixes\nsignificance: significant\ncredits: [a]\n---\nt\n";
        assertEquals(List.of(), problems(new Files().put(AUTHORS, "a: {}\n").entry("a.md", entry)));
        String[] lines = entry.split("\n");
        for (int i = 1; i <= 7; i++) {
            for (String broken : List.of("x" + lines[i], lines[i] + "\n" + lines[i], lines[i].replaceFirst(": .*", ": {q: r}"),
                    lines[i].replaceFirst("[\\]\"]$|$", "") + "}")) {
                String[] copy = lines.clone();
                copy[i] = broken;
                List<String> problems = problems(new Files().put(AUTHORS, "a: {}\n").entry("a.md", String.join("\n", copy)));
                assertFalse(problems.isEmpty(), broken);
                assertTrue(problems.stream().allMatch(problem -> problem.startsWith(PENDING + "a.md:")), problems.toString());
                int line = i + 1;
                assertTrue(problems.stream().anyMatch(problem -> problem.contains(":" + line + ":") || problem.contains("in line " + line)
                        || problem.contains(":" + (line + 1) + ":")), broken + " gave " + problems);
            }
        }
    }

    @Test
    void withoutAFileOfAuthorsNobodyIsKnown() {
        assertEquals(List.of(PENDING + "a.md:3: credits: 'a' is not in " + AUTHORS + ": add the handle there, or correct it here"),
                problems(new Files().entry("a.md", "---\nsynopsis: s\ncredits: a\n---\nt\n")));
    }
}
