package lib.notes;

import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.commonmark.ext.footnotes.FootnoteDefinition;
import org.commonmark.ext.footnotes.FootnoteReference;
import org.commonmark.ext.gfm.tables.TableCell;
import org.commonmark.ext.task.list.items.TaskListItemMarker;
import org.commonmark.node.Code;
import org.commonmark.node.FencedCodeBlock;
import org.commonmark.node.Heading;
import org.commonmark.node.HtmlBlock;
import org.commonmark.node.HtmlInline;
import org.commonmark.node.Image;
import org.commonmark.node.IndentedCodeBlock;
import org.commonmark.node.Link;
import org.commonmark.node.LinkReferenceDefinition;
import org.commonmark.node.ListBlock;
import org.commonmark.node.Node;
import org.commonmark.node.OrderedList;
import org.commonmark.node.Text;

/**
 * What blocks say, as texts that are equal where the same is said. Labels are only names: links have
 * their destinations, and footnotes their place among those of the same blocks.
 */
final class Meaning {

    private static final char INSIDE = '\u0002';

    private final List<String> footnotes;

    private Meaning(List<Node> blocks) {
        footnotes = blocks.stream().flatMap(block -> Stream.concat(Stream.of(block), Markdown.descendants(block).stream()))
                .filter(FootnoteDefinition.class::isInstance).map(node -> Labels.normal(((FootnoteDefinition) node).getLabel())).toList();
    }

    /** What each of these blocks says; a footnote of any other is none of theirs. */
    static List<String> of(List<Node> blocks) {
        Meaning meaning = new Meaning(blocks);
        return blocks.stream().map(meaning::of).toList();
    }

    /** What a paragraph says with a space and the only paragraph of another text behind it. */
    static String followed(String paragraph, String text) {
        String other = of(Markdown.blocks(text)).get(0);
        return paragraph.substring(0, paragraph.length() - 1) + " " + other.substring(other.indexOf(INSIDE) + 1);
    }

    private String of(Node node) {
        return node instanceof Text text ? text.getLiteral() : "\u0001" + node.getClass().getSimpleName() + detail(node) + INSIDE
                + children(node) + "\u0003";
    }

    private String children(Node node) {
        return Markdown.children(node).stream().map(this::of).collect(Collectors.joining());
    }

    private Object detail(Node node) {
        return node instanceof Heading heading ? heading.getLevel()
                : node instanceof Code code ? code.getLiteral()
                : node instanceof FencedCodeBlock code ? code.getInfo() + "\n" + code.getLiteral()
                : node instanceof IndentedCodeBlock code ? code.getLiteral()
                : node instanceof HtmlBlock html ? html.getLiteral()
                : node instanceof HtmlInline html ? html.getLiteral()
                : node instanceof Link link ? link.getDestination() + "\n" + link.getTitle()
                : node instanceof Image image ? image.getDestination() + "\n" + image.getTitle()
                : node instanceof LinkReferenceDefinition definition ? definition.getDestination() + "\n" + definition.getTitle()
                : node instanceof ListBlock list ? list.isTight() + (list instanceof OrderedList numbers ? " " + numbers.getMarkerStartNumber() : "")
                : node instanceof TaskListItemMarker marker ? marker.isChecked()
                : node instanceof TableCell cell ? cell.isHeader() + " " + cell.getAlignment()
                : node instanceof FootnoteReference reference ? footnotes.indexOf(Labels.normal(reference.getLabel()))
                : "";
    }
}
