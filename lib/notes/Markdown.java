package lib.notes;

import java.util.ArrayList;
import java.util.List;
import org.commonmark.Extension;
import org.commonmark.ext.footnotes.FootnotesExtension;
import org.commonmark.ext.gfm.strikethrough.StrikethroughExtension;
import org.commonmark.ext.gfm.tables.TablesExtension;
import org.commonmark.ext.task.list.items.TaskListItemsExtension;
import org.commonmark.node.BlockQuote;
import org.commonmark.node.FencedCodeBlock;
import org.commonmark.node.Heading;
import org.commonmark.node.HtmlBlock;
import org.commonmark.node.IndentedCodeBlock;
import org.commonmark.node.LinkReferenceDefinition;
import org.commonmark.node.ListBlock;
import org.commonmark.node.Node;
import org.commonmark.node.Paragraph;
import org.commonmark.node.SourceSpan;
import org.commonmark.node.ThematicBreak;
import org.commonmark.parser.IncludeSourceSpans;
import org.commonmark.parser.Parser;

/**
 * Markdown as mdBook reads it.
 *
 * @see <a href="https://spec.commonmark.org/0.31.2/">CommonMark</a>
 * @see <a href="https://rust-lang.github.io/mdBook/format/markdown.html">mdBook: Markdown</a>
 */
final class Markdown {

    static final List<Extension> EXTENSIONS = List.of(TablesExtension.create(), FootnotesExtension.create(),
            StrikethroughExtension.create(), TaskListItemsExtension.create());
    private static final Parser PARSER = Parser.builder().extensions(EXTENSIONS)
            .includeSourceSpans(IncludeSourceSpans.BLOCKS_AND_INLINES).build();

    /** More than anybody writes, and less than a thread's stack holds. */
    private static final int DEEPEST = 100;

    private Markdown() {
    }

    /** A problem when more blocks and marks are inside each other than can be read; true when it is so. */
    static boolean isTooDeep(String text, String file, List<Problem> problems) {
        boolean deep = isTooDeep(text);
        if (deep) {
            problems.add(new Problem(file, 1, "nests Markdown more than " + DEEPEST + " levels deep: write it more simply"));
        }
        return deep;
    }

    private static boolean isTooDeep(String text) {
        try {
            List<Node> level = List.of(parse(text));
            for (int depth = 0; depth <= DEEPEST; depth++) {
                level = level.stream().flatMap(node -> children(node).stream()).toList();
            }
            return !level.isEmpty();
        } catch (StackOverflowError e) {
            return true;
        }
    }

    static Node parse(String text) {
        return PARSER.parse(text);
    }

    /** The blocks a text consists of. */
    static List<Node> blocks(String text) {
        return children(parse(text));
    }

    static List<Node> children(Node node) {
        List<Node> children = new ArrayList<>();
        for (Node child = node.getFirstChild(); child != null; child = child.getNext()) {
            children.add(child);
        }
        return children;
    }

    /** All nodes below, in the order of the text. */
    static List<Node> descendants(Node node) {
        List<Node> all = new ArrayList<>();
        for (Node child : children(node)) {
            all.add(child);
            all.addAll(descendants(child));
        }
        return all;
    }

    /** The line a node begins on, from 0 for the text's first; some nodes know only by what is around them. */
    static int line(Node node) {
        for (Node here = node; here != null; here = here.getParent()) {
            List<SourceSpan> spans = here.getSourceSpans();
            if (!spans.isEmpty()) {
                return spans.get(0).getLineIndex();
            }
        }
        return 0;
    }

    /** A block's kind, for people. */
    static String kind(Node node) {
        return node instanceof Paragraph ? "plain text"
                : node instanceof FencedCodeBlock || node instanceof IndentedCodeBlock ? "a code block"
                : node instanceof Heading ? "a heading"
                : node instanceof ListBlock ? "a list"
                : node instanceof BlockQuote ? "a quotation"
                : node instanceof ThematicBreak ? "a ruler"
                : node instanceof HtmlBlock ? "HTML"
                : node instanceof LinkReferenceDefinition ? "a link's definition"
                : "a " + node.getClass().getSimpleName().replaceAll("(?<=[a-z])(?=[A-Z])", " ").replace(" Block", "").toLowerCase(java.util.Locale.ROOT);
    }
}
