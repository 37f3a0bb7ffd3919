import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import lib.config.Project;
import lib.notes.Chapter;
import lib.notes.Pending;
import lib.notes.Problem;
import org.commonmark.Extension;
import org.commonmark.ext.footnotes.FootnoteDefinition;
import org.commonmark.ext.footnotes.FootnotesExtension;
import org.commonmark.ext.gfm.strikethrough.StrikethroughExtension;
import org.commonmark.ext.gfm.tables.TablesExtension;
import org.commonmark.ext.task.list.items.TaskListItemsExtension;
import org.commonmark.node.BulletList;
import org.commonmark.node.Document;
import org.commonmark.node.Heading;
import org.commonmark.node.ListItem;
import org.commonmark.node.Node;
import org.commonmark.parser.Parser;
import org.commonmark.renderer.html.HtmlRenderer;
import org.jsoup.Jsoup;
import org.jsoup.nodes.Element;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** An entry says in the page what it says alone: what a Markdown parser and a browser's make of both is compared. */
class NotesMarkdownTest {

    private static final String PENDING = "doc/manual/rl-next/";
    private static final List<Extension> EXTENSIONS = List.of(TablesExtension.create(), FootnotesExtension.create(),
            StrikethroughExtension.create(), TaskListItemsExtension.create());
    private static final Parser PARSER = Parser.builder().extensions(EXTENSIONS).build();
    private static final HtmlRenderer RENDERER = HtmlRenderer.builder().extensions(EXTENSIONS).build();
    private static final String LINK = "[cl/7](https://gerrit.lix.systems/c/lix/+/7)";
    private static final String THANKS = "Many thanks to Ann for this.";

    /** An entry's Markdown: between it and what is judged stands only the front matter. */
    private record Note(String synopsis, boolean links, String content, boolean credits) {

        Note(String synopsis, String content) {
            this(synopsis, false, content, false);
        }

        Note with(boolean links, boolean credits) {
            return new Note(synopsis, links, content, credits);
        }

        String file() {
            return "---\nsynopsis: \"" + synopsis.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n").replace("\t", "\\t") + "\"\n"
                    + (links ? "cls: 7\n" : "") + (credits ? "credits: ann\n" : "") + "---\n" + content;
        }

        Node alone() {
            String heading = Stream.of(synopsis.strip(), links ? LINK : "").filter(part -> !part.isEmpty()).collect(Collectors.joining(" "));
            return PARSER.parse(heading + "\n\n" + content.stripTrailing() + (credits ? "\n\n" + THANKS : ""));
        }

        /** With and without links and credits. */
        List<Note> variants() {
            return List.of(this, with(true, false), with(false, true), with(true, true));
        }
    }

    /** A page of notes in this order, with all that was said against them. */
    private record Page(String body, List<String> problems) {

        static Page of(String old, Note... notes) {
            NotesTest.Files files = new NotesTest.Files().put("doc/manual/change-authors.yml", "ann: {display_name: Ann}\n");
            for (int i = 0; i < notes.length; i++) {
                files.entry("n" + i + ".md", notes[i].file());
            }
            List<Problem> problems = new ArrayList<>();
            Pending pending = Pending.read(NotesTest.rules(Project.LIX), files, problems)
                    .above(Optional.of(new Chapter(NotesPagesTest.release("2.95.1", "Tea"), Optional.of("# Lix 2.95 \"Tea\"\n" + old))), problems);
            return new Page(pending.body() + "\n\n" + old, problems.stream().map(Problem::toString).toList());
        }

        /** Why the page does not say what these notes say alone; empty when it does. */
        String wrong(Note... notes) {
            Node page = PARSER.parse(body);
            Node list = page.getFirstChild().getNext();
            if (!(page.getFirstChild() instanceof Heading) || !(list instanceof BulletList)) {
                return "no heading and list";
            }
            List<String> browsers = Jsoup.parse(RENDERER.render(page)).select("body > h2 + ul > li").stream().map(Element::text).toList();
            List<ListItem> items = new ArrayList<>();
            for (Node item = list.getFirstChild(); item != null; item = item.getNext()) {
                items.add((ListItem) item);
            }
            if (items.size() != notes.length || browsers.size() != notes.length) {
                return items.size() + " items, in a browser " + browsers.size();
            }
            Set<String> labels = new HashSet<>();
            for (int i = 0; i < notes.length; i++) {
                List<String> own = footnotes(items.get(i)).distinct().toList();
                if (!own.stream().allMatch(labels::add)) {
                    return "item " + i + " has a footnote of an earlier one's name: " + own;
                }
                String here = html(items.get(i));
                String alone = html(notes[i].alone());
                if (!here.equals(alone)) {
                    return "item " + i + " is\n" + here + "\nbut alone\n" + alone;
                }
            }
            return "";
        }

        private static Stream<String> footnotes(Node node) {
            return Stream.iterate(node.getFirstChild(), Objects::nonNull, Node::getNext).flatMap(child -> Stream.concat(
                    child instanceof FootnoteDefinition footnote ? Stream.of(footnote.getLabel()) : Stream.of(), footnotes(child)));
        }

        /** What a node has inside, in HTML; footnotes are called what their place says. */
        private static String html(Node node) {
            Node document = new Document();
            while (node.getFirstChild() != null) {
                document.appendChild(node.getFirstChild());
            }
            List<String> seen = new ArrayList<>();
            Matcher ids = Pattern.compile("(?<=[\"#]fn-|[\"#]fnref-)[^\"]*?(?=(-\\d+)?\")").matcher(RENDERER.render(document));
            return ids.replaceAll(id -> {
                if (!seen.contains(id.group())) {
                    seen.add(id.group());
                }
                return "NOTE" + seen.indexOf(id.group());
            });
        }
    }

    private static void assertSaysTheSame(Note... notes) {
        assertSaysTheSame("", notes);
    }

    private static void assertSaysTheSame(String old, Note... notes) {
        Page page = Page.of(old, notes);
        assertEquals(List.of(), page.problems(), () -> page.body());
        assertEquals("", page.wrong(notes), () -> page.body());
    }

    /** The faults of these notes in a page that has this already. */
    private static List<String> faults(String old, Note... notes) {
        return Page.of(old, notes).problems();
    }

    // --- what can be put into the page

    /** Name, and what follows the front matter; the synopsis is "s" where the name does not say another. */
    static Stream<Note> sound() {
        return Stream.of(
                "", "text", "one\n\ntwo\n\nthree", "lazy\nlines\nhere", "one  \ntwo\\\nthree",
                // code
                "    code first\n    more", "\n\n    code first\n\ntext", "\tcode first\n\tmore", "Run:\n\n\tkettle --boil\n\tkettle --pour\n\nDone.",
                "Run:\n\n\tone\n\t\ttwo\n\n\tthree", "Run:\n\n  \tcode", "```\nfence\n\n\tMakefile tab\n\n\t\tdeeper\nend\n```",
                "```make\nall:\n\techo\n\t\techo\n```", "~~~ sh\n```\n~~~", "  ```\n  in by two\n  ```", "````\n```\n````\n\ntext",
                "- x\n\n\t\tcode in a list\n\n\ttext in a list", "- x\n\n      code in a list",
                "1.\tone\n\n\ttext\n\n\t\tcode\n2.\ttwo", "-\tone\n-\ttwo\n\t-\tthree\n\t\t-\tfour", "> \tquoted\n>\n> \t\tcode", ">\tquoted",
                ">\t\tcode", "* a\n\n  * b\n\n\t\tnot code", "``` unusual `info\n\ntext", "a\tb\tc", "text\n\twith a tab below",
                // lists, rulers, headings, quotations, tables
                "- a\n- b", "* a\n* b\n\ntext", "- a\n\n- b\n\n\n- c", "1. one\n2. two\n   - three\n\n     four", "7) seven\n8) eight", "- [ ] open\n- [x] done",
                " - in by one\n - again", "   - in by three\n   - again\n     - below", "   text in by three", "- a\n* b\n+ c", "-\n  empty first\n-\n\n- last",
                "---", "***\n\ntext", "a\n---\nb", "a\n===\n\nb\n\n=======\n", "# one\n\n## two ##\ntext\n### three {#id .class}", "* * *", "- - -", "+", "1.",
                "> quoted\nlazily\n>\n> more\n\n> other", "> - list\n>   more\n>\n> > deep", "> [!NOTE]\n> noted", "| a | b |\n|---|:-:|\n| 1 | `x\\|y` |\n| 2 |\n\ntext",
                "a | b\n- | -\n1 | 2", "- x\n\n  | a |\n  |---|\n  | 1 |", "Term\n: no list in this Markdown",
                // links and footnotes
                "[a](b \"c\") ![d](e) <https://f.example> [g]\n\n[g]: /g 'title'", "See [foo] and [text][FOO], ![pic][foo] and [foo][].\n\n[Foo]: <one two>\n  \"t\"",
                "plain [foo] in brackets, \\[foo], [^1] and `[foo]`", "Said[^1] and [^note].\n\n[^1]: First.\n\n[^note]:\n    Second.\n\n    - more\n\n        code",
                "Said[^1].\n\n[^1]: Another.\n    lines\n", "[^A]: One [foo][^1].\n[^1]: Two[^a].\n\n[foo]: /else\n\nEnd[^a].", "[foo]: /unused\n[foo]: /second",
                "> see [foo]\n>\n> [foo]: /quoted", "- see [bar baz]\n\n  [bar\n  baz]: /in-list", "[![pic][foo]][bar]\n\n[foo]: /x\n[bar]: /y", "[foo\\]x]\n\n[foo\\]x]: /z",
                "| a[^1] | [foo] |\n|--|--|\n| [x][foo] | 1 |\n\n[foo]: /t\n[^1]: t", "[`code`] and [*em*][foo]\n\n[`code`]: /c\n[foo]: /d", "[^n]: unused",
                // HTML
                "<details>\n<summary>More</summary>\n\ntext\n\n- a\n\n</details>", "<!-- said nothing\n\nat all -->\n\ntext", "H<sub>2</sub>O<br>and <kbd>x</kbd>",
                "its <lock> and <nixpkgs>", "<pre>\n\ttabs\n\n\n  spaces\n</pre>\n\ntext", "<script>\nif (a < b) { \"</div>\" }\n</script>", "<div>\n*html*\n\n*text*\n</div>",
                "a < b > c & d &amp; e &copy;", "<?php echo ?> and <![CDATA[x]]>", "<p>no end", "<img src=x>\n\n<hr>", "<table><tr><td>1</table>",
                // white space and characters
                "a\r\n\r\n- b\r\n\r\n      code\r\n", "a\rb\r\r- c\r  d\r", "\u00a0nbsp\n\u00a0\nb", "a\n\n\u2003\n\nb", "a\n\n\f\n\nb", "\ffirst", "a\u2028b\u0085c", "a  \n\n   \n\nb   \n\t\n",
                "\\{{#include x}} and {{ x }} and {{#if y}}", "é\tü\n\n\tcode ü", "trailing \\", "*open _and `so", "~~struck~~ ~once~", "Setext\n---\n\nMore\n===", "&#35; 5",
                "text\n\n    \n\n    code\n\n\n\n    code")
                .flatMap(content -> Stream.of(new Note("s", content), new Note("", content)))
                .filter(note -> !note.content().isBlank() || !note.synopsis().isEmpty());
    }

    private static Stream<Note> synopses() {
        return Stream.of("one\n\ntwo", "one\ntwo\n\n\nthree\nfour", "*em* `code` <b>b</b> [foo]", "see [foo][] and [^1]", "one  \ntwo", "one\\\ntwo", "ends in \\", "open ` and *",
                        "\\# no heading", "#1", "2.95 is out", "a\n    deep", "a\n2. two", "[foo", "x [foo][bar", "--", "-x", "1.x", "~~a~~", "<lock> a", "a: b")
                .flatMap(synopsis -> Stream.of("", "text", "    code", "- a\n\n\tb", "[foo]: /x\n\n[^1]: y", "[^1]: y").map(content -> new Note(synopsis, content)));
    }

    static Stream<Note> all() {
        return Stream.concat(sound(), synopses());
    }

    @ParameterizedTest
    @MethodSource("all")
    void anEntrySaysInThePageWhatItSaysAlone(Note note) {
        note.variants().forEach(variant -> assertSaysTheSame(variant));
        note.variants().forEach(variant -> assertSaysTheSame(new Note("before", "text"), variant, new Note("after", "")));
    }

    @Test
    void anyTwoEntriesSayBesideEachOtherWhatTheySayAlone() {
        List<Note> notes = all().toList();
        int step = Boolean.getBoolean("releng.slow") ? 1 : 149;
        IntStream.range(0, notes.size()).parallel().forEach(i -> {
            assertSaysTheSame(notes.get(i), notes.get(i));
            // In either order, each pair with another combination of links and credits.
            for (int j = (i * 7) % step; j < notes.size(); j += step) {
                assertSaysTheSame(notes.get(i).variants().get((i + j) % 4), notes.get(j).variants().get((i + 2 * j) % 4));
            }
        });
    }

    /** Markdown by lot: blocks inside blocks, then a few characters changed. */
    private static String markdown(Random random, int depth) {
        String[] words = {"a", "`b`", "*c*", "[foo]", "[x][foo]", "[^1]", "<i>d</i>", "<lock>", "e\\", "f  ", "\t", "1.", "-", "#", ">", "|", "</div>", "```", "    ", "<!--", "[ ]"};
        String line = IntStream.rangeClosed(0, random.nextInt(4)).mapToObj(i -> words[random.nextInt(random.nextInt(words.length) + 1)])
                .collect(Collectors.joining(" "));
        String inner = depth > 2 ? line : markdown(random, depth + 1);
        String text = switch (random.nextInt(14)) {
            case 0 -> "- " + inner.replace("\n", "\n  ");
            case 1 -> "1. " + inner.replace("\n", "\n   ") + "\n2. " + line;
            case 2 -> "> " + inner.replace("\n", "\n> ");
            case 3 -> "```\n" + inner.replace("```", "") + "\n```";
            case 4 -> "    " + line + "\n    " + line;
            case 5 -> "\t" + inner.replace("\n", "\n\t");
            case 6 -> "-\t" + inner.replace("\n", "\n\t");
            case 7 -> "[foo]: /" + random.nextInt(2) + "\n\n" + inner;
            case 8 -> "[^1]: " + inner.replace("\n", "\n    ") + "\n\nx[^1]";
            case 9 -> "| a | b |\n|---|---|\n| " + line.replace("|", "") + " | x |";
            case 10 -> "# " + line;
            case 11 -> "<div>\n\n" + inner + "\n\n</div>";
            default -> line;
        } + "\n".repeat(random.nextInt(3)) + (depth == 0 && random.nextBoolean() ? "\n" + markdown(random, 1) : "");
        if (depth == 0 && random.nextInt(3) == 0 && !text.isEmpty()) {
            int at = random.nextInt(text.length());
            text = text.substring(0, at) + "\t\n `[]-*<>".charAt(random.nextInt(10)) + text.substring(at + random.nextInt(2));
        }
        return text;
    }

    @Test
    void whatIsMadeByLotSaysTheSameOrIsRefusedWithItsLine() {
        int pages = Boolean.getBoolean("releng.slow") ? 40_000 : 600;
        long refused = IntStream.range(0, pages).parallel().filter(seed -> {
            Random random = new Random(seed);
            Note[] notes = Stream.generate(() -> new Note(random.nextInt(3) == 0 ? "" : "s", markdown(random, 0)).with(random.nextBoolean(), random.nextBoolean()))
                    .filter(note -> !note.content().isBlank()).limit(2).toArray(Note[]::new);
            Page page = Page.of(random.nextBoolean() ? "" : "\n\n# Lix 2.95.0 (2026-01-01)\n\n[foo] and[^1]\n\n[foo]: /old\n[^1]: old\n", notes);
            if (page.problems().isEmpty()) {
                assertEquals("", page.wrong(notes), () -> seed + ":\n" + page.body());
            }
            assertTrue(page.problems().stream().allMatch(problem -> problem.matches("doc/manual/rl-next/n[01].md:\\d+: .*")), page.problems().toString());
            return !page.problems().isEmpty();
        }).count();
        assertTrue(refused < pages * 6 / 10, refused + " of " + pages + " refused");
    }

    // --- labels that two have

    @Test
    void aLabelThatIsAlsoAnothersIsNamedAfterItsEntryAndTheOthersStayAsTheyAre() {
        Note one = new Note("s", "See [foo], [the text][foo] and [own][], ![][Foo].[^1]\n\n[foo]: /one\n[own]: /own\n\n[^1]: One.");
        Note two = new Note("see [foo][]", "[foo]: </two> 'title'\n\n[other]: /other");
        String body = Page.of("", one, two).body();
        assertTrue(body.contains("See [foo][foo-n0], [the text][foo-n0] and [own][], ![][foo-n0].[^1]\n\n  [foo-n0]: /one\n  [own]: /own\n\n  [^1]: One.\n"), body);
        assertTrue(body.contains("- see [foo][foo-n1]\n\n  [foo-n1]: </two> 'title'\n\n  [other]: /other\n"), body);
        assertTrue(Page.of("", new Note("s", "a[^1]\n\n[^1]: x"), new Note("s", "b[^1]\n\n[^1]: x")).body()
                .contains("  b[^1-n1]\n\n  [^1-n1]: x\n"));
    }

    @Test
    void aLabelThatSaysTheSameInBothStaysAsItIs() {
        String body = Page.of("", new Note("s", "[foo]\n\n[foo]: /x"), new Note("s", "[Foo][]\n\n[FOO]: /x"), new Note("s", "[foo](/y) `[foo]` \\[foo]")).body();
        assertTrue(body.contains("  [foo]\n\n  [foo]: /x\n") && body.contains("  [Foo][]\n\n  [FOO]: /x\n"), body);
    }

    @Test
    void wordsInBracketsDoNotBecomeAnotherEntrysLinkOrFootnote() {
        String body = Page.of("", new Note("s", "the [foo] of[^1]"), new Note("s", "[foo] [^1]\n\n[foo]: /x\n\n[^1]: y")).body();
        assertTrue(body.contains("  the [foo] of[^1]\n") && body.contains("  [foo][foo-n1] [^1-n1]\n\n  [foo-n1]: /x\n\n  [^1-n1]: y\n"), body);
    }

    @Test
    void olderNotesKeepTheirLabelsAndWhatTheySay() {
        String old = "\n\n# Lix 2.95.0 (2026-01-01)\n\nold [foo] [^1] [bar] [bar-n0]\n\n[foo]: /old\n\n[^1]: old\n";
        assertSaysTheSame(old, new Note("s", "[foo] [^1] [bar]\n\n[foo]: /x\n[bar]: /y\n\n[^1]: z"));
        String body = Page.of(old, new Note("s", "[foo] [^1] [bar]\n\n[foo]: /x\n[bar]: /y\n\n[^1]: z")).body();
        assertTrue(body.contains("[foo][foo-n0] [^1-n0] [bar][bar-n0-2]\n") && body.endsWith(old), body);
        assertEquals(List.of(PENDING + "n0.md:6: [foo] is plain text here, but in doc/manual/src/release-notes/rl-2.95.md it is defined: "
                + "write \\[foo]"), faults(old, new Note("s", "the\n\n[foo]")));
    }

    @Test
    void olderNotesThatWouldGoOnInTheNewOnesAreNamed() {
        assertEquals(1, faults("- by hand\n", new Note("s", "text")).size());
        assertTrue(faults("  by hand\n", new Note("s", "text")).get(0).startsWith("doc/manual/src/release-notes/rl-2.95.md:1: would read differently below"));
        assertEquals(List.of(), faults("By hand.\n", new Note("s", "text")));
    }

    // --- what cannot be put into the page

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '^', value = {
        "# s | t | 2 | the synopsis has a heading",
        "s\\n=== | t | 2 | the synopsis has a heading",
        "- s | t | 2 | the synopsis has a list",
        "1. s | t | 2 | the synopsis has a list",
        "s\\n\\n- t | t | 2 | the synopsis has a list",
        "> s | t | 2 | the synopsis has a quotation",
        "--- | t | 2 | the synopsis has a ruler",
        "s\\n\\n    t | t | 2 | the synopsis has a code block",
        "``` | t | 2 | the synopsis has a code block",
        "<div> | t | 2 | the synopsis has HTML",
        "<!-- s | t | 2 | the synopsis has HTML",
        "[s]: /t | t | 2 | the synopsis has a link's definition",
        "a~b\\n-~- | t | 2 | the synopsis has a table",
        "[x] s | t | 2 | begins with a check box",
        "^^ | [ ] t | 4 | begins with a check box",
        "s <i>t | t | 2 | the HTML <i> is not balanced in",
        "s | ```\\ncode\\n\\ntext | 4 | the code block that begins here is not closed: close it with ```",
        "s | a\\n\\n- ~~~~\\n  code | 6 | the code block that begins here is not closed: close it with ~~~~",
        "s | \\n\\na\\n\\n<!-- b\\n\\nc | 8 | the HTML <!-- b",
        "s | a\\n\\n</div> | 6 | the HTML </div>",
        "s | a </ul> | 4 | the HTML </ul>",
        "s | a\\n\\nb <b>c | 6 | the HTML <b>",
        "s | <table><tr><td>a | 4 | the HTML <table>",
        "s | <script>a | 4 | the HTML <script>",
        "s | <b>a</b>\\n<b>c\\n</b> <i>d | 6 | the HTML <i>",
        "s | a\\n\\n  {{#include ../x.md}} | 6 | mdBook would replace {{#include ../x.md}}",
        "s {{ #title x }} | t | 2 | mdBook would replace",
        "s | ```\\na\\n  \\nb\\n``` | 6 | a line of code with only white space becomes empty in the page's list",
        "s | a\\n\\n- x\\n\\n\\t```\\n\\tb\\n\\t``` | 8 | the tab has another width",
    })
    void whatWouldSaySomethingElseIsNamedWithItsLine(String synopsis, String content, int line, String what) {
        Note note = new Note(synopsis.replace("\\n", "\n").replace('~', synopsis.startsWith("a~") ? '|' : '~').replace("^", ""),
                content.replace("\\n", "\n").replace("\\t", "\t"));
        for (Note variant : List.of(note, note.with(false, true))) {
            // The lines of the credits are before the text.
            int shift = variant.credits() && line > 2 ? 1 : 0;
            List<String> faults = faults("", new Note("s", "text"), variant);
            assertEquals(1, faults.size(), faults.toString());
            assertTrue(faults.get(0).startsWith(PENDING + "n1.md:" + (line + shift) + ": " + what), faults.toString());
        }
    }

    @Test
    void whatIsNestedDeeperThanCanBeReadIsNamed() {
        for (String deep : List.of("> ".repeat(5000) + "x", "- ".repeat(5000) + "x", "*a _b ".repeat(5000) + "x" + "_ *".repeat(5000),
                "**a ".repeat(5000) + "x" + " b**".repeat(5000), "[".repeat(5000) + "x" + "](y)".repeat(5000), "~~a *b ".repeat(150) + "x" + "* ~~".repeat(150))) {
            List<String> faults = faults("", new Note("s", deep));
            assertTrue(faults.isEmpty() || faults.equals(List.of(PENDING + "n0.md:1: nests Markdown more than 100 levels deep: write it more simply")), faults.toString());
        }
        assertEquals(1, faults("", new Note("s", "> ".repeat(5000) + "x")).size());
        assertEquals(List.of(), faults("", new Note("s", "> ".repeat(40) + "x")));
        List<Problem> problems = new ArrayList<>();
        Chapter.read(NotesPagesTest.release("2.95.1", "Tea"), new NotesTest.Files().put("doc/manual/src/release-notes/rl-2.95.md", "> ".repeat(5000) + "x"), problems);
        assertEquals(1, problems.size());
    }

    @Test
    void allThatIsWrongInAnEntryIsSaidAtOnce() {
        assertEquals(3, faults("", new Note("# s", "{{#title y}}\n\n{{#include x}}")).size());
    }

    @ParameterizedTest
    @ValueSource(strings = {"'A [n'", "'A ]n'", "\"A\\nn\"", "'A `n'", "'[A](b)'"})
    void aNameThatWouldBreakItsLinkIsNamed(String name) {
        NotesTest.Files files = new NotesTest.Files().put("doc/manual/change-authors.yml", "ann:\n  display_name: " + name + "\n  github: ann\n");
        List<Problem> problems = new ArrayList<>();
        Pending.read(NotesTest.rules(Project.LIX), files, problems);
        assertTrue(name.equals("'A `n'") ? problems.isEmpty() : problems.toString().contains("change-authors.yml:2: the name becomes"), problems.toString());
    }

    // --- conflicts of a merge

    @ParameterizedTest
    @ValueSource(strings = {PENDING + "no-title.md", "doc/manual/change-authors.yml", "doc/manual/src/SUMMARY.md", "version.json",
        "doc/manual/src/release-notes/rl-2.95.md"})
    void conflictsOfAMergeAreFaultsOfCheckWithTheirLines(String file, @TempDir Path temp) throws IOException {
        Checkout checkout = Checkout.of(Home.samples(), temp.resolve("checkout"));
        String text = Files.exists(checkout.folder.resolve(file)) ? checkout.read(file) : "# Lix 2.95 \"Crème Brûlée\"\n";
        checkout.write(file, "<<<<<<< HEAD\r\n" + text + "||||||| base\n=======\n" + text + ">>>>>>> theirs\n");
        Checkout.Run run = checkout.run(new prepare(), "--check");
        int lines = text.split("\n").length;
        for (int line : List.of(1, lines + 2, lines + 3, 2 * lines + 4)) {
            assertTrue(run.exit() == 1 && run.err().contains(file + ":" + line + ": is an unresolved merge conflict"), run.err());
        }
    }

    @Test
    void aHeadingsUnderlineAQuotationAndATableAreNoConflict() {
        assertSaysTheSame(new Note("s", "Heading\n=======\n\n>>>>>> six\n\n\\<<<<<<<\n\n| a |\n|-|\n|||||||"));
        assertEquals(List.of(PENDING + "n0.md:4: is an unresolved merge conflict: '>>>>>>>'; resolve it and remove this line"),
                faults("", new Note("s", ">>>>>>> theirs")));
    }
}
