package lib.notes;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.commonmark.ext.task.list.items.TaskListItemMarker;
import org.commonmark.node.BulletList;
import org.commonmark.node.FencedCodeBlock;
import org.commonmark.node.Node;
import org.commonmark.node.Paragraph;
import org.commonmark.node.SourceSpan;

/**
 * An entry as the list item it becomes. What it says is what its Markdown says alone: the paragraphs of the
 * synopsis, the links behind the last of them, the text, and the thanks.
 */
record Item(Entry entry) {

    /** What mdBook replaces before it reads Markdown, but for what has a backslash before it. */
    private static final Pattern ORDER =
            Pattern.compile("(?<!\\\\)\\{\\{\\s*#(?:include|rustdoc_include|playground|playpen|title)\\s[^}]*}}");

    /** Who is told of a fault: the line is one of the entry's file. */
    interface Report {
        void fault(int line, String what);
    }

    /** The list item; where nothing says what the entry says, as it would have been. */
    String print() {
        List<String> forms = forms();
        return forms.stream().filter(this::holds).findFirst().orElse(forms.get(0));
    }

    // The first is the usual one. Without a heading it puts the text four columns in, where only its first paragraph belongs
    // to the item. The last is good for all, but nobody writes so.
    private List<String> forms() {
        String text = Indent.by2(entry.content());
        String end = "\n" + entry.thanks().map(thanks -> "\n  " + thanks + "\n").orElse("") + "\n";
        String heading = entry.heading().isEmpty() ? "" : indented(entry.heading()) + "\n\n";
        return heading.isEmpty() ? List.of("- " + text + end, "- " + text.substring(2) + end, "-\n" + text + end)
                : List.of("- " + heading.substring(2) + text + end, "-\n" + heading + text + end);
    }

    private static String indented(String paragraphs) {
        return paragraphs.lines().map(line -> Text.isBlank(line) ? "" : "  " + line).collect(Collectors.joining("\n"));
    }

    private boolean holds(String form) {
        return Meaning.of(inList(form)).equals(Meaning.of(alone()));
    }

    /** What is in the one item that should be all there is. */
    private static List<Node> inList(String form) {
        List<Node> blocks = Markdown.blocks(form);
        return blocks.size() == 1 && blocks.get(0) instanceof BulletList list && list.getFirstChild() == list.getLastChild()
                ? Markdown.children(list.getFirstChild()) : List.of();
    }

    /** The blocks of the entry. */
    List<Node> alone() {
        return Markdown.blocks(text());
    }

    private String text() {
        return join(entry.heading(), entry.content(), entry.thanks().orElse(""));
    }

    private static String join(String... parts) {
        return Stream.of(parts).filter(part -> !part.isEmpty()).collect(Collectors.joining("\n\n"));
    }

    /** Everything because of which the page could not say what the entry says. */
    void check(Report report) {
        List<Node> synopsis = Markdown.blocks(entry.synopsis());
        List<Node> text = Markdown.blocks(entry.content());
        List<String> faults = new ArrayList<>();
        Report counted = (line, what) -> {
            faults.add(what);
            report.fault(line, what);
        };
        synopsis.stream().filter(block -> !(block instanceof Paragraph)).findFirst().ifPresent(block -> counted.fault(entry.lines().synopsis(),
                "the synopsis has " + Markdown.kind(block) + " in Markdown, but may only be plain text: escape with a backslash what"
                        + " makes it so, or move it below the front matter"));
        if (last(text) instanceof FencedCodeBlock code && code.getClosingFenceLength() == null) {
            counted.fault(entry.lines().content() + Markdown.line(code),
                    "the code block that begins here is not closed: close it with " + code.getFenceCharacter().repeat(code.getOpeningFenceLength()));
        }
        String all = join(entry.heading(), entry.content());
        if (faults.isEmpty()) {
            RawHtml.check(Markdown.parse(all), (line, what) -> counted.fault(line(line), what));
        }
        Matcher order = ORDER.matcher(all);
        while (order.find()) {
            counted.fault(line(Text.line(all, order.start()) - 1), "mdBook would replace " + order.group().lines().findFirst().orElseThrow()
                    + ": escape it with a backslash, or write what it stands for");
        }
        if (faults.isEmpty()) {
            compare(synopsis.size(), text, report);
        }
    }

    private void compare(int paragraphs, List<Node> text, Report report) {
        List<Node> alone = alone();
        int different = firstDifference(Meaning.of(alone), parts(paragraphs, text));
        if (different >= 0) {
            Node node = alone.get(Math.min(different, alone.size() - 1));
            report.fault(line(Markdown.line(node)), different < paragraphs ? "no links can follow what the synopsis ends in: end it in plain text"
                    : Markdown.kind(node) + " that begins here would continue into the thanks for the credits: close it");
        } else if (!holds(print())) {
            // The form that is good for all shows best what is not.
            List<String> forms = forms();
            tell(alone, inList(forms.get(forms.size() - 1)), report);
        }
    }

    private static Node last(List<Node> blocks) {
        Node last = blocks.isEmpty() ? null : blocks.get(blocks.size() - 1);
        while (last != null && last.getLastChild() != null) {
            last = last.getLastChild();
        }
        return last;
    }

    /** What the entry says when nothing of it goes on in what follows. */
    private List<String> parts(int paragraphs, List<Node> text) {
        List<String> parts = new ArrayList<>(Meaning.of(Markdown.blocks(join(entry.synopsis(), entry.content()))).subList(0, paragraphs));
        String links = String.join(" ", entry.links());
        if (!links.isEmpty()) {
            parts.add(parts.isEmpty() ? Meaning.of(Markdown.blocks(links)).get(0) : Meaning.followed(parts.remove(paragraphs - 1), links));
        }
        parts.addAll(Meaning.of(text));
        entry.thanks().ifPresent(thanks -> parts.addAll(Meaning.of(Markdown.blocks(thanks))));
        return parts;
    }

    /** A fault where the blocks of the entry do not say the same as what became of them in the page. */
    void tell(List<Node> alone, List<Node> page, Report report) {
        int different = firstDifference(Meaning.of(alone), Meaning.of(page));
        if (different < 0) {
            return;
        }
        Node here = alone.get(Math.min(different, alone.size() - 1));
        if (!page.isEmpty() && page.get(0) instanceof TaskListItemMarker) {
            report.fault(line(0), "begins with a check box, which in the page would belong to the list of all notes: escape the first [ with a backslash");
            return;
        }
        List<String> lines = List.of(text().split("\n", -1));
        List<Integer> numbers = here.getSourceSpans().stream().map(SourceSpan::getLineIndex).toList();
        Optional<Integer> blank = numbers.stream().filter(i -> !lines.get(i).isEmpty() && Text.isBlank(lines.get(i))).findFirst();
        Optional<Integer> tab = numbers.stream().filter(i -> lines.get(i).contains("\t")).findFirst();
        Item emptied = new Item(entry.rewritten(entry.written().replaceAll("(?m)^[ \t]+$", "")));
        if (blank.isPresent() && emptied.holds(emptied.print())) {
            report.fault(line(blank.get()), "a line of code with only white space becomes empty in the page's list: make it empty here, too");
        } else if (tab.isPresent()) {
            report.fault(line(tab.get()), "the tab has another width in the page's list: use spaces");
        } else {
            report.fault(line(Markdown.line(here)), Markdown.kind(here) + " that begins here would be " + (different >= page.size() ? "nowhere"
                    : Markdown.kind(page.get(different)).equals(Markdown.kind(here)) ? "another" : Markdown.kind(page.get(different)))
                    + " in the page's list: write it more simply");
        }
    }

    private static int firstDifference(List<String> one, List<String> other) {
        int i = 0;
        while (i < one.size() && i < other.size() && one.get(i).equals(other.get(i))) {
            i++;
        }
        return i == one.size() && i == other.size() ? -1 : i;
    }

    private int line(int line) {
        return entry.line(entry.heading().isEmpty() ? line + 2 : line);
    }
}
