package lib.notes;

import java.util.List;
import org.commonmark.node.HtmlBlock;
import org.commonmark.node.HtmlInline;
import org.commonmark.node.Node;
import org.commonmark.renderer.html.HtmlRenderer;
import org.jsoup.Jsoup;
import org.jsoup.nodes.Element;

/**
 * HTML in Markdown. What is not closed, or closed without having been opened, does not end with the entry: browsers go on
 * with it in all that follows on the page.
 */
final class RawHtml {

    private static final HtmlRenderer RENDERER = HtmlRenderer.builder().extensions(Markdown.EXTENSIONS).build();
    // What is open around an item in a page of mdBook, and what comes behind it.
    private static final String BEFORE = "<div><main><ul><li>";
    private static final String AFTER = "</li><li>next</li></ul><p>last</p></main></div>";

    private RawHtml() {
    }

    /** A fault when the document would not end where it ends; lines count from 0 for its first. */
    static void check(Node document, Item.Report report) {
        List<Node> html = Markdown.descendants(document).stream().filter(node -> node instanceof HtmlBlock || node instanceof HtmlInline).toList();
        if (!html.isEmpty() && !isContained(document)) {
            Node culprit = html.stream().filter(node -> isContainedWithout(document, node)).findFirst().orElse(html.get(0));
            report.fault(Markdown.line(culprit), "the HTML " + literal(culprit).lines().findFirst().orElse("").strip() + " is not balanced in"
                    + " this entry, so that the rest of the page would become part of it: add its other half, or escape it with a backslash");
        }
    }

    private static boolean isContainedWithout(Node document, Node node) {
        String literal = literal(node);
        set(node, "");
        boolean contained = isContained(document);
        set(node, literal);
        return contained;
    }

    private static boolean isContained(Node document) {
        Element main = Jsoup.parseBodyFragment(BEFORE + RENDERER.render(document) + AFTER).body().selectFirst("body > div > main");
        return main != null && main.parent().childrenSize() == 1 && main.parent().parent().childrenSize() == 1
                && names(main).equals(List.of("ul", "p")) && main.child(1).html().equals("last")
                && names(main.child(0)).equals(List.of("li", "li")) && main.child(0).child(1).html().equals("next");
    }

    private static List<String> names(Element element) {
        return element.children().stream().map(Element::normalName).toList();
    }

    private static String literal(Node node) {
        return node instanceof HtmlBlock block ? block.getLiteral() : ((HtmlInline) node).getLiteral();
    }

    private static void set(Node node, String literal) {
        if (node instanceof HtmlBlock block) {
            block.setLiteral(literal);
        } else {
            ((HtmlInline) node).setLiteral(literal);
        }
    }
}
