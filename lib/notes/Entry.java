package lib.notes;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * One pending note.
 *
 * @param synopsis Markdown without white space around it, as the content is
 * @param links    Markdown links
 */
record Entry(String file, Lines lines, String category, boolean significant, String synopsis, List<String> links, String content,
             List<String> credits) {

    /** Where in the file they begin, from 1. */
    record Lines(int synopsis, int content) {
    }

    private static final List<String> KEYS =
            List.of("synopsis", "issues", "prs", "cls", "category", "significance", "credits");
    private static final String FENCE = "-{3,}\\s*";

    /** A file taken apart: the YAML and the Markdown below it, and the lines they begin on. */
    private record Parts(String yaml, int yamlLine, String content, int contentLine) {
    }

    /** Reads an entry; every problem it has is added to the list, and then what is returned is of no use. */
    static Optional<Entry> parse(String file, byte[] bytes, Rules rules, Authors authors, List<Problem> problems) {
        return Text.decode(bytes, file, problems)
                .filter(text -> !Markdown.isTooDeep(text, file, problems))
                .flatMap(text -> split(text, file, problems))
                .flatMap(parts -> YamlMap.parse(parts.yaml(), file, parts.yamlLine(), problems)
                        .map(map -> entry(file, map, parts, rules, authors)));
    }

    private static Optional<Parts> split(String text, String file, List<Problem> problems) {
        List<String> lines = List.of(text.split("\n", -1));
        int open = 0;
        while (open < lines.size() - 1 && lines.get(open).isBlank()) {
            open++;
        }
        if (!lines.get(open).matches(FENCE)) {
            problems.add(new Problem(file, open + 1, "has no front matter: an entry begins with a line ---"));
            return Optional.empty();
        }
        for (int close = open + 1; close < lines.size(); close++) {
            if (lines.get(close).matches(FENCE)) {
                int first = close + 1;
                while (first < lines.size() && Text.isBlank(lines.get(first))) {
                    first++;
                }
                return Optional.of(new Parts(String.join("\n", lines.subList(open + 1, close)), open + 2,
                        trimmed(String.join("\n", lines.subList(first, lines.size()))), first + 1));
            }
        }
        problems.add(new Problem(file, open + 1, "the front matter is not closed: a second line --- is missing"));
        return Optional.empty();
    }

    // White space around it says nothing, but where it makes the first lines code or puts them below each other.
    private static String trimmed(String content) {
        String trimmed = content.strip();
        return Meaning.of(Markdown.blocks(trimmed)).equals(Meaning.of(Markdown.blocks(content))) ? trimmed : content.stripTrailing();
    }

    private static Entry entry(String file, YamlMap map, Parts parts, Rules rules, Authors authors) {
        map.requireOnly(KEYS);
        if (!map.keys().contains("synopsis")) {
            map.problem(map.line("synopsis") - 1, "synopsis is missing; it may be empty: synopsis: \"\"");
        }
        // A block scalar ends in a newline, which would tear the links from the line.
        String synopsis = Text.lines(map.text("synopsis").orElse("")).strip();
        String content = parts.content();
        References references = new References(rules.project());
        List<String> links = new ArrayList<>();
        links.addAll(each(map, "issues", references::issue, text -> references.otherwise(text, "issue")));
        links.addAll(each(map, "prs", references::pullRequest, text -> references.otherwise(text, "pull request")));
        links.addAll(each(map, "cls", references::change, references::otherwise));
        List<String> credits = each(map, "credits", authors::credit, authors::otherwise);
        if (synopsis.isEmpty() && content.isEmpty() && map.keys().contains("synopsis")) {
            map.problem(map.line("synopsis"), "the entry is empty: it has neither synopsis nor text");
        }
        Entry entry = new Entry(file, new Lines(map.line("synopsis"), parts.contentLine()), category(map, rules), significant(map), synopsis,
                links, content, credits);
        if (!entry.heading().isEmpty() || !content.isEmpty()) {
            new Item(entry).check(map::problem);
        }
        return entry;
    }

    private static List<String> each(YamlMap map, String key, Function<String, Optional<String>> print, UnaryOperator<String> otherwise) {
        List<String> printed = new ArrayList<>();
        for (YamlMap.Value value : map.values(key)) {
            print.apply(value.text()).ifPresentOrElse(printed::add,
                    () -> map.problem(value.line(), key + ": '" + value.text() + "'" + otherwise.apply(value.text())));
        }
        return printed;
    }

    private static String category(YamlMap map, Rules rules) {
        Optional<String> category = map.text("category");
        if (category.isPresent() && !rules.categories().contains(category.get())) {
            map.problem(map.line("category"), "category: '" + category.get() + "' is not known; known: "
                    + String.join(", ", rules.categories()));
        }
        return category.orElse(rules.defaultCategory());
    }

    private static boolean significant(YamlMap map) {
        String significance = map.text("significance").orElse("");
        if (!significance.isEmpty() && !significance.equals("significant")) {
            map.problem(map.line("significance"), "significance: '" + significance + "' is not known; known: significant");
        }
        return !significance.isEmpty();
    }

    String name() {
        return file.substring(file.lastIndexOf('/') + 1);
    }

    /** The synopsis with the links behind it; empty where there is neither. */
    String heading() {
        return Stream.concat(Stream.of(synopsis), links.stream()).filter(part -> !part.isEmpty()).collect(Collectors.joining(" "));
    }

    Optional<String> thanks() {
        return credits.isEmpty() ? Optional.empty() : Optional.of("Many thanks to " + Text.join(credits) + " for this.");
    }

    /** All Markdown its author wrote. */
    String written() {
        return synopsis + "\n\n" + content;
    }

    /** The line in the file of a line of what is written, which counts from 0. Of the synopsis only the first is known: YAML may fold it. */
    int line(int line) {
        int text = line - synopsis.split("\n", -1).length - 1;
        return text < 0 ? lines.synopsis() : lines.content() + text;
    }

    /** The same with other Markdown. */
    Entry rewritten(String written) {
        List<String> all = List.of(written.split("\n", -1));
        int end = synopsis.split("\n", -1).length;
        return new Entry(file, lines, category, significant, String.join("\n", all.subList(0, end)), links,
                String.join("\n", all.subList(end + 1, all.size())), credits);
    }
}
