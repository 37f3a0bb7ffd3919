package lib.notes;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.commonmark.ext.footnotes.FootnoteDefinition;
import org.commonmark.ext.footnotes.FootnoteReference;
import org.commonmark.node.Image;
import org.commonmark.node.Link;
import org.commonmark.node.LinkReferenceDefinition;
import org.commonmark.node.Node;
import org.commonmark.node.SourceSpan;

/**
 * The labels that a text defines, of links ({@code [label]: destination}) and of footnotes ({@code [^label]: text}).
 * A page has one set of them, in which the first of a name counts; an entry alone has its own.
 */
final class Labels {

    /** @param label as it is written, for a footnote with its {@code ^} */
    private record Definition(String label, Node node) {

        boolean says(Definition other) {
            return node instanceof LinkReferenceDefinition && Meaning.of(List.of(node)).equals(Meaning.of(List.of(other.node)));
        }
    }

    /** A place in the text that is written anew. */
    private record Edit(int start, int end, String text) {
    }

    private final String text;
    private final Node document;
    private final Map<String, Definition> definitions = new LinkedHashMap<>();
    /** The place of the first bracket of each. */
    private final Map<String, Integer> mentioned = new HashMap<>();

    Labels(String text) {
        this.text = text;
        document = Markdown.parse(text);
        for (Node node : Markdown.descendants(document)) {
            if (node instanceof LinkReferenceDefinition || node instanceof FootnoteDefinition) {
                String label = inBrackets(slice(node), slice(node).indexOf('['));
                definitions.putIfAbsent(normal(label), new Definition(label, node));
            }
        }
        mention();
    }

    /** A label as it is compared. */
    static String normal(String label) {
        return label.strip().replaceAll("\\s+", " ").toLowerCase(Locale.ROOT).toUpperCase(Locale.ROOT);
    }

    // Everything in brackets, which is more than what is a label.
    private void mention() {
        int open = -1;
        for (int i = 0; i < text.length(); i++) {
            switch (text.charAt(i)) {
                case '\\' -> i++;
                case '[' -> open = i + 1;
                case ']' -> {
                    if (open >= 0) {
                        mentioned.putIfAbsent(normal(text.substring(open, i)), open);
                    }
                    open = -1;
                }
                default -> { }
            }
        }
    }

    boolean mentions(String label) {
        return mentioned.containsKey(label);
    }

    /** The line a label is on first, from 0 for the text's first. */
    int line(String label) {
        return Text.line(text, mentioned.getOrDefault(label, 0)) - 1;
    }

    /** Those of this text's labels that would change what the other text says, or that it has for something else. */
    List<String> disturbing(Labels other) {
        return definitions.keySet().stream().filter(other::mentions)
                .filter(label -> other.isDisturbedBy(label, definitions.get(label))).toList();
    }

    /** A label of this text as it is written. */
    String written(String label) {
        return definitions.get(label).label();
    }

    private boolean isDisturbedBy(String label, Definition definition) {
        if (definitions.containsKey(label)) {
            return !definition.says(definitions.get(label));
        }
        List<Node> blocks = Markdown.blocks("[" + definition.label() + "]: x\n\n***\n\n" + text);
        return !Meaning.of(blocks.subList(2, blocks.size())).equals(Meaning.of(Markdown.children(document)));
    }

    /** The text with other names for some of its labels; empty when it would then say something else. */
    Optional<String> renamed(Map<String, String> names) {
        List<Edit> edits = new ArrayList<>();
        for (Node node : Markdown.descendants(document)) {
            edit(node, names).ifPresent(edits::add);
        }
        edits.sort(Comparator.comparing(Edit::start).reversed());
        StringBuilder result = new StringBuilder(text);
        edits.forEach(edit -> result.replace(edit.start(), edit.end(), edit.text()));
        String renamed = result.toString();
        Set<String> left = new Labels(renamed).definitions.keySet();
        boolean same = Meaning.of(Markdown.blocks(renamed)).equals(Meaning.of(Markdown.children(document)));
        return same && names.keySet().stream().noneMatch(left::contains) ? Optional.of(renamed) : Optional.empty();
    }

    private Optional<Edit> edit(Node node, Map<String, String> names) {
        if (!(node instanceof LinkReferenceDefinition || node instanceof FootnoteDefinition || node instanceof FootnoteReference
                || node instanceof Link || node instanceof Image)) {
            return Optional.empty();
        }
        String slice = slice(node);
        boolean link = node instanceof Link || node instanceof Image;
        if (link && !slice.endsWith("]")) {
            return Optional.empty();
        }
        // [label], [label][] and [text][label]
        boolean collapsed = link && slice.endsWith("[]");
        int open = link ? opening(slice, slice.length() - (collapsed ? 3 : 1)) : slice.indexOf('[');
        String label = inBrackets(slice, open);
        String name = names.get(normal(label));
        if (name == null) {
            return Optional.empty();
        }
        int start = start(node) + open;
        int end = start + label.length() + 2;
        boolean full = link && open > 0 && slice.charAt(open - 1) == ']';
        return Optional.of(link && !full ? new Edit(end, end + (collapsed ? 2 : 0), "[" + name + "]") : new Edit(start, end, "[" + name + "]"));
    }

    /** Where the bracket opens that is closed at this place: a label has none inside that count. */
    private static int opening(String slice, int close) {
        for (int i = close - 1; i > 0; i--) {
            if (slice.charAt(i) == '[' && !isEscaped(slice, i)) {
                return i;
            }
        }
        return 0;
    }

    private static String inBrackets(String slice, int open) {
        int close = open + 1;
        while (close < slice.length() && (slice.charAt(close) != ']' || isEscaped(slice, close))) {
            close++;
        }
        return slice.substring(open + 1, close);
    }

    private static boolean isEscaped(String text, int at) {
        int before = at;
        while (before > 0 && text.charAt(before - 1) == '\\') {
            before--;
        }
        return (at - before) % 2 == 1;
    }

    private static int start(Node node) {
        return node.getSourceSpans().get(0).getInputIndex();
    }

    private String slice(Node node) {
        List<SourceSpan> spans = node.getSourceSpans();
        SourceSpan last = spans.get(spans.size() - 1);
        return text.substring(start(node), last.getInputIndex() + last.getLength());
    }
}
