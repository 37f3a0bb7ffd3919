package lib.notes;

import java.util.HashMap;
import java.util.Map;
import org.commonmark.ext.footnotes.FootnoteDefinition;
import org.commonmark.node.BlockQuote;
import org.commonmark.node.Document;
import org.commonmark.node.FencedCodeBlock;
import org.commonmark.node.HtmlBlock;
import org.commonmark.node.IndentedCodeBlock;
import org.commonmark.node.ListBlock;
import org.commonmark.node.ListItem;
import org.commonmark.node.Node;
import org.commonmark.node.SourceSpan;

/**
 * Markdown moved right by two columns. Tab stops do not move with it: a tab that puts a line below a list's
 * item or makes it code becomes the spaces it stands for. One that is code itself stays.
 *
 * @see <a href="https://spec.commonmark.org/0.31.2/#tabs">CommonMark: tabs</a>
 */
final class Indent {

    private static final int TAB = 4;
    private static final int CODE = 4;

    /**
     * What a line belongs to.
     *
     * @param from   where in the line it begins, behind the marks of what is around it
     * @param column the column that is, were all the marks spaces
     */
    private record Place(Node block, int from, int column) {

        /** Up to which column white space is no part of the block. */
        int end(int start) {
            return block instanceof IndentedCodeBlock ? start + CODE
                    : block instanceof FencedCodeBlock code ? start + code.getFenceIndent()
                    : block instanceof HtmlBlock ? start : Integer.MAX_VALUE;
        }
    }

    private static final Place NONE = new Place(new Document(), 0, 0);

    private Indent() {
    }

    /** Blank lines stay as they are. */
    static String by2(String text) {
        Map<Integer, Place> places = new HashMap<>();
        find(Markdown.parse(text), 0, places);
        String[] lines = text.split("\n", -1);
        for (int i = 0; i < lines.length; i++) {
            if (!Text.isBlank(lines[i])) {
                lines[i] = "  " + withoutTabs(lines[i], places.getOrDefault(i, NONE));
            }
        }
        return String.join("\n", lines);
    }

    private static void find(Node node, int column, Map<Integer, Place> places) {
        if (node instanceof Document || node instanceof ListBlock || node instanceof ListItem || node instanceof BlockQuote
                || node instanceof FootnoteDefinition) {
            int inside = column + (node instanceof ListItem item && item.getContentIndent() != null ? item.getContentIndent()
                    : node instanceof FootnoteDefinition ? CODE : 0);
            Markdown.children(node).forEach(child -> find(child, inside, places));
        } else {
            for (SourceSpan span : node.getSourceSpans()) {
                places.put(span.getLineIndex(), new Place(node, span.getColumnIndex(), column));
            }
        }
    }

    private static String withoutTabs(String line, Place place) {
        StringBuilder result = new StringBuilder();
        int end = 0;
        int at = 0;
        for (; at < line.length(); at++) {
            char c = line.charAt(at);
            if (at == place.from()) {
                // Of a tab behind the mark of a quotation one column belongs to the mark.
                int start = at > 0 && c == '\t' && line.charAt(at - 1) == '>' ? result.length() + 1 : result.length();
                end = place.end(Text.isBlank(line.substring(0, at)) ? Math.max(start, place.column()) : start);
            }
            if (at >= place.from() && (c != ' ' && c != '\t' || result.length() >= end)) {
                break;
            }
            result.append(c == '\t' ? " ".repeat(TAB - result.length() % TAB) : String.valueOf(c));
        }
        return result + line.substring(at);
    }
}
