package lib.notes;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Compose;
import org.snakeyaml.engine.v2.exceptions.Mark;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.ReaderException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.NodeTuple;
import org.snakeyaml.engine.v2.nodes.ScalarNode;
import org.snakeyaml.engine.v2.nodes.SequenceNode;
import org.snakeyaml.engine.v2.nodes.Tag;
import org.snakeyaml.engine.v2.schema.CoreSchema;

/**
 * A YAML mapping people wrote, taken key by key; every fault is remembered with its line. A scalar
 * is the text as it is written: {@code 2.90} stays {@code 2.90}, {@code no} stays {@code no}.
 *
 * @see <a href="https://yaml.org/spec/1.2.2/">YAML 1.2.2</a>, core schema
 */
final class YamlMap {

    /** A scalar and the line it begins on. */
    record Value(String text, int line) {
    }

    private record Field(int line, Node value) {
    }

    private final String file;
    private final int firstLine;
    private final List<Problem> problems;
    private final Map<String, Field> fields = new LinkedHashMap<>();

    private YamlMap(String file, int firstLine, List<Problem> problems) {
        this.file = file;
        this.firstLine = firstLine;
        this.problems = problems;
    }

    /**
     * The mapping in a text that begins on {@code firstLine} of its file; no text is an empty mapping.
     * Empty, and a problem, when it is anything else.
     */
    static Optional<YamlMap> parse(String yaml, String file, int firstLine, List<Problem> problems) {
        YamlMap map = new YamlMap(file, firstLine, problems);
        try {
            LoadSettings settings = LoadSettings.builder().setLabel(file).setSchema(new CoreSchema())
                    .setAllowNonScalarKeys(true).build();
            Optional<Node> root = new Compose(settings).composeString(yaml);
            return root.isEmpty() || isNull(root.get()) ? Optional.of(map) : map.fill(root.get(), "this");
        } catch (MarkedYamlEngineException e) {
            map.problem(e.getProblemMark().map(map::line).orElse(firstLine), syntax(e, map));
        } catch (ReaderException e) {
            map.problem(firstLine - 1 + Text.line(yaml, e.getPosition()),
                    String.format("the character U+%04X is not allowed here", e.getCodePoint()));
        } catch (YamlEngineException e) {
            map.problem(firstLine, "is not YAML: " + e.getMessage());
        }
        return Optional.empty();
    }

    // What was begun often says more than what was met: the bracket that is not closed.
    private static String syntax(MarkedYamlEngineException e, YamlMap map) {
        String begun = e.getContext() == null || e.getContext().isBlank() ? ""
                : " " + e.getContext().strip() + e.getContextMark().map(mark -> " in line " + map.line(mark)).orElse("") + ":";
        return "is not YAML:" + begun + " " + String.valueOf(e.getProblem()).strip();
    }

    private Optional<YamlMap> fill(Node node, String name) {
        if (!(node instanceof MappingNode mapping)) {
            problem(line(node), name + " should be keys with values, but is " + type(node));
            return Optional.empty();
        }
        for (NodeTuple tuple : mapping.getValue()) {
            if (!(tuple.getKeyNode() instanceof ScalarNode key)) {
                problem(line(tuple.getKeyNode()), "a key should be a word, but is " + type(tuple.getKeyNode()));
                continue;
            }
            Field first = fields.putIfAbsent(key.getValue(), new Field(line(key), tuple.getValueNode()));
            if (first != null) {
                problem(line(key), key.getValue() + " occurs twice, first in line " + first.line());
            }
        }
        return Optional.of(this);
    }

    Set<String> keys() {
        return fields.keySet();
    }

    /** The line a key is on, or the first of the mapping for one that is not there. */
    int line(String key) {
        return fields.containsKey(key) ? fields.get(key).line() : firstLine;
    }

    /** A key's one value, empty text where nothing is written; empty when the key is missing or wrong. */
    Optional<String> text(String key) {
        return value(key).flatMap(node -> scalar(node, key)).map(Value::text);
    }

    /** A key's values, whether written as one or as a list; none when the key is missing or wrong. */
    List<Value> values(String key) {
        List<Value> values = new ArrayList<>();
        value(key).ifPresent(node -> {
            List<Node> items = node instanceof SequenceNode sequence ? sequence.getValue() : List.of(node);
            for (Node item : items) {
                if (isNull(item)) {
                    // A # after a space is the usual way to get here.
                    problem(line(item), key + " has no value: write one, in quotes if it begins with #, or remove the key");
                } else {
                    scalar(item, key).ifPresent(values::add);
                }
            }
        });
        return values;
    }

    /** The mapping below a key; an empty one where nothing is written. */
    Optional<YamlMap> map(String key) {
        return value(key).flatMap(node -> {
            // Lines count from the start of the text, however deep a node is in it.
            YamlMap inner = new YamlMap(file, firstLine, problems);
            return isNull(node) ? Optional.of(inner) : inner.fill(node, key);
        });
    }

    /** Every other key is a problem: a misspelt one would be silently without effect. */
    void requireOnly(List<String> known) {
        fields.forEach((key, field) -> {
            if (!known.contains(key)) {
                problem(field.line(), key + " is not a known key; known: " + String.join(", ", known));
            }
        });
    }

    void problem(int line, String what) {
        problems.add(new Problem(file, line, what));
    }

    private Optional<Node> value(String key) {
        return Optional.ofNullable(fields.get(key)).map(Field::value);
    }

    private Optional<Value> scalar(Node node, String key) {
        if (node instanceof ScalarNode scalar) {
            return Optional.of(new Value(isNull(node) ? "" : scalar.getValue(), line(node)));
        }
        problem(line(node), key + " should be a value, but is " + type(node));
        return Optional.empty();
    }

    private int line(Node node) {
        return node.getStartMark().map(this::line).orElse(firstLine);
    }

    private int line(Mark mark) {
        return firstLine + mark.getLine();
    }

    private static boolean isNull(Node node) {
        return node.getTag().equals(Tag.NULL);
    }

    private static String type(Node node) {
        return node instanceof SequenceNode ? "a list" : node instanceof MappingNode ? "keys with values" : "a value";
    }
}
