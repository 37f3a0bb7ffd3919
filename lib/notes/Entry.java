package lib.notes;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.UnaryOperator;

/** One pending note, as it will be printed. */
record Entry(String name, String category, boolean significant, String synopsis, List<String> links, String content,
             List<String> credits) {

    private static final List<String> KEYS =
            List.of("synopsis", "issues", "prs", "cls", "category", "significance", "credits");
    private static final String FENCE = "-{3,}\\s*";

    /** A file taken apart: the YAML, the line it begins on, and the Markdown below it. */
    private record Parts(String yaml, int firstLine, String content) {
    }

    /** Reads an entry; every problem it has is added to the list, and then what is returned is of no use. */
    static Optional<Entry> parse(String file, byte[] bytes, Rules rules, Authors authors, List<Problem> problems) {
        return Text.decode(bytes, file, problems)
                .flatMap(text -> split(text, file, problems))
                .flatMap(parts -> YamlMap.parse(parts.yaml(), file, parts.firstLine(), problems)
                        .map(map -> entry(file, map, parts.content(), rules, authors)));
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
                return Optional.of(new Parts(String.join("\n", lines.subList(open + 1, close)), open + 2,
                        String.join("\n", lines.subList(close + 1, lines.size())).strip()));
            }
        }
        problems.add(new Problem(file, open + 1, "the front matter is not closed: a second line --- is missing"));
        return Optional.empty();
    }

    private static Entry entry(String file, YamlMap map, String content, Rules rules, Authors authors) {
        map.requireOnly(KEYS);
        if (!map.keys().contains("synopsis")) {
            map.problem(map.line("synopsis") - 1, "synopsis is missing; it may be empty: synopsis: \"\"");
        }
        // A block scalar ends in a newline, which would tear the links from the line.
        String synopsis = map.text("synopsis").orElse("").strip();
        References references = new References(rules.project());
        List<String> links = new ArrayList<>();
        links.addAll(each(map, "issues", references::issue, text -> references.otherwise(text, "issue")));
        links.addAll(each(map, "prs", references::pullRequest, text -> references.otherwise(text, "pull request")));
        links.addAll(each(map, "cls", references::change, references::otherwise));
        List<String> credits = each(map, "credits", authors::credit, authors::otherwise);
        if (synopsis.isEmpty() && content.isEmpty() && map.keys().contains("synopsis")) {
            map.problem(map.line("synopsis"), "the entry says nothing: neither synopsis nor text");
        }
        return new Entry(file.substring(file.lastIndexOf('/') + 1), category(map, rules), significant(map), synopsis, links,
                content, credits);
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

    /** The list item: heading line, text, thanks, and a blank line. */
    String print() {
        List<String> heading = new ArrayList<>(links);
        if (!synopsis.isEmpty()) {
            heading.add(0, synopsis);
        }
        return "- " + (heading.isEmpty() ? "" : String.join(" ", heading) + "\n\n") + Text.indent(content, "  ") + "\n"
                + (credits.isEmpty() ? "" : "\n  Many thanks to " + Text.join(credits) + " for this.\n") + "\n";
    }
}
