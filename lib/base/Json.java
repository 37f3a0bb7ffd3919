package lib.base;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.core.util.Separators;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.cfg.JsonNodeFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Reading JSON that people write, with all faults of a file at once; writing it the way they do. */
public final class Json {

    /** Numbers stay as they are written, a key twice is an error. */
    public static final ObjectMapper MAPPER = JsonMapper.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
            .disable(JsonNodeFeature.STRIP_TRAILING_BIGDECIMAL_ZEROES)
            .build();

    private Json() {
    }

    /** The object in a file's bytes. Throws Fault naming {@code file} and the line. */
    public static ObjectNode object(byte[] json, String file) {
        try (JsonParser parser = MAPPER.createParser(json)) {
            JsonNode node = MAPPER.readTree(parser);
            if (node instanceof ObjectNode object) {
                return object;
            }
            throw Fault.failed(file + " is not a JSON object", file + ":1: it should begin with {", "fix it and run again");
        } catch (JsonProcessingException e) {
            int line = e.getLocation() == null ? 1 : e.getLocation().getLineNr();
            throw Fault.failed(file + " is not JSON", file + ":" + line + ": " + e.getOriginalMessage(),
                    "fix it and run again").from(e);
        } catch (IOException e) { // bytes that are no text in the encoding they begin in
            throw Fault.failed(file + " is not JSON", file + ":1: " + e.getMessage(), "save it as UTF-8 and run again").from(e);
        }
    }

    /** Four spaces, {@code "key": value}, non-ASCII kept, one newline at the end. */
    public static String pretty(JsonNode node) {
        DefaultIndenter four = new DefaultIndenter("    ", "\n");
        DefaultPrettyPrinter printer = new DefaultPrettyPrinter(Separators.createDefaultInstance()
                .withObjectFieldValueSpacing(Separators.Spacing.AFTER)
                .withObjectEmptySeparator("").withArrayEmptySeparator(""))
                .withObjectIndenter(four).withArrayIndenter(four);
        try {
            return MAPPER.writer(printer).writeValueAsString(node) + "\n";
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException(e);
        }
    }

    /**
     * Takes an object's keys one by one and remembers every fault: a missing key, a wrong type, and
     * at the end each key nobody asked for.
     */
    public static final class Fields {
        private final ObjectNode object;
        private final String where;
        private final List<String> faults;
        private final Set<String> taken = new HashSet<>();

        /** {@code where} is put before every fault: the file, and the path of keys inside it. */
        public Fields(ObjectNode object, String where, List<String> faults) {
            this.object = object;
            this.where = where;
            this.faults = faults;
        }

        public boolean has(String key) {
            return object.hasNonNull(key);
        }

        /** Whether the key is there and null: people write that to unset what would hold without it. */
        public boolean unset(String key) {
            take(key);
            return object.has(key) && object.get(key).isNull();
        }

        /** A required text; the empty string, and a fault, when it is missing or no text. */
        public String text(String key) {
            return text(key, Optional.empty()).orElse("");
        }

        /** A required text, where it is not said the one that holds already; empty, and a fault, when there is none or it is unset. */
        public Optional<String> text(String key, Optional<String> before) {
            if (unset(key)) {
                fault(key, "cannot be null: it is required");
                return Optional.empty();
            }
            if (!has(key) && before.isEmpty()) {
                fault(key, "is missing");
            }
            return has(key) ? optionalText(key) : before;
        }

        /** A text, where it is not said the one that holds already; null unsets it. */
        public Optional<String> optionalText(String key, Optional<String> before) {
            return has(key) || unset(key) ? optionalText(key) : before;
        }

        public Optional<String> optionalText(String key) {
            return take(key).flatMap(node -> {
                if (!node.isTextual()) {
                    fault(key, "should be a string, but is " + type(node));
                    return Optional.empty();
                }
                return Optional.of(node.textValue());
            });
        }

        public Optional<Boolean> optionalFlag(String key) {
            return take(key).flatMap(node -> {
                if (!node.isBoolean()) {
                    fault(key, "should be true or false, but is " + type(node));
                    return Optional.empty();
                }
                return Optional.of(node.booleanValue());
            });
        }

        /** A flag that may also be this word; the empty string, and a fault, where it is neither. */
        public String flagOr(String key, String word) {
            Optional<JsonNode> node = take(key).filter(value -> value.isBoolean() || word.equals(value.textValue()));
            if (node.isEmpty()) {
                fault(key, "should be true, false or \"" + word + "\"");
            }
            return node.map(JsonNode::asText).orElse("");
        }

        /** A flag, where it is not said what holds already; null is no. */
        public boolean flag(String key, boolean before) {
            return optionalFlag(key).orElse(before && !unset(key));
        }

        public long number(String key) {
            Optional<JsonNode> node = take(key);
            if (node.isEmpty() || !node.get().canConvertToLong() || !node.get().isIntegralNumber()) {
                fault(key, node.isEmpty() ? "is missing" : "should be a whole number, but is " + type(node.get()));
                return 0;
            }
            return node.get().longValue();
        }

        public Optional<List<String>> optionalTexts(String key) {
            return take(key).map(node -> {
                List<String> texts = new ArrayList<>();
                if (!node.isArray()) {
                    fault(key, "should be a list of strings, but is " + type(node));
                }
                for (int i = 0; node.isArray() && i < node.size(); i++) {
                    if (node.get(i).isTextual()) {
                        texts.add(node.get(i).textValue());
                    } else {
                        fault(key + "[" + i + "]", "should be a string, but is " + type(node.get(i)));
                    }
                }
                return texts;
            });
        }

        /** Texts, where they are not said those that hold already; null is none. */
        public List<String> optionalTexts(String key, List<String> before) {
            return optionalTexts(key).orElse(unset(key) ? List.of() : before);
        }

        /** The objects of a list; empty, and a fault, when it is missing or something else. */
        public List<Fields> objects(String key) {
            List<Fields> result = new ArrayList<>();
            List<JsonNode> list = nodes(key);
            for (int i = 0; i < list.size(); i++) {
                if (list.get(i) instanceof ObjectNode inner) {
                    result.add(new Fields(inner, where + key + "[" + i + "].", faults));
                } else {
                    fault(key + "[" + i + "]", "should be an object, but is " + type(list.get(i)));
                }
            }
            return result;
        }

        /** What a list holds, whatever that is; empty, and a fault, when it is missing or no list. */
        public List<JsonNode> nodes(String key) {
            Optional<JsonNode> list = take(key);
            if (list.isEmpty() || !list.get().isArray()) {
                fault(key, list.isEmpty() ? "is missing" : "should be a list, but is " + type(list.get()));
                return List.of();
            }
            List<JsonNode> nodes = new ArrayList<>();
            list.get().forEach(nodes::add);
            return nodes;
        }

        public Optional<Fields> optionalObject(String key) {
            return take(key).flatMap(node -> {
                if (node instanceof ObjectNode inner) {
                    return Optional.of(new Fields(inner, where + key + ".", faults));
                }
                fault(key, "should be an object, but is " + type(node));
                return Optional.empty();
            });
        }

        public List<String> keys() {
            List<String> keys = new ArrayList<>();
            for (Iterator<String> names = object.fieldNames(); names.hasNext(); ) {
                keys.add(names.next());
            }
            return keys;
        }

        public void fault(String key, String what) {
            String fault = where + key + " " + what;
            if (!faults.contains(fault)) {
                faults.add(fault);
            }
        }

        /** What a value object's own constructor has to say about its values, a sentence a line. */
        public void refuse(String sentences) {
            sentences.lines().forEach(sentence -> faults.add(where.replaceAll("\\.$", "") + ": " + sentence));
        }

        /** Every key that was not asked for is a fault: a misspelt one would be silently without effect. */
        public void nothingElse() {
            for (String key : keys()) {
                if (!taken.contains(key)) {
                    fault(key, "is not a known key; known: " + String.join(", ", taken.stream().sorted().toList()));
                }
            }
        }

        private Optional<JsonNode> take(String key) {
            taken.add(key);
            return has(key) ? Optional.of(object.get(key)) : Optional.empty();
        }

        private static String type(JsonNode node) {
            return switch (node.getNodeType()) {
                case STRING -> "a text";
                case NUMBER -> "a number";
                case BOOLEAN -> "true or false";
                case ARRAY -> "a list";
                case OBJECT -> "an object";
                default -> node.getNodeType().toString().toLowerCase();
            };
        }
    }
}
