package lib.notes;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * The notes of the coming release.
 *
 * @param files     the paths of the entries
 * @param strangers what else is in their folder and looks as if somebody had meant it to be an entry
 */
public record Pending(Rules rules, List<String> files, List<String> strangers, List<Entry> entries) {

    private static final Comparator<Entry> ORDER = Comparator.comparing(Entry::significant).reversed()
            .thenComparing(Entry::name, Text.BY_CODE_POINT);

    /** Reads all entries and who they credit; every problem of every file is added to the list. */
    public static Pending read(Rules rules, Source source, List<Problem> problems) {
        Authors authors = Authors.read(rules.project(), source, problems);
        String folder = rules.project().pendingNotes();
        List<String> files = new ArrayList<>();
        List<String> strangers = new ArrayList<>();
        source.names(folder).stream().filter(name -> !name.startsWith(".")).sorted(Text.BY_CODE_POINT)
                .forEach(name -> (name.endsWith(".md") ? files : strangers).add(folder + "/" + name));
        List<Entry> entries = new ArrayList<>();
        for (String file : files) {
            Optional<byte[]> bytes = source.read(file);
            if (bytes.isEmpty()) {
                problems.add(new Problem(file, 1, "is not a file"));
            }
            bytes.flatMap(content -> Entry.parse(file, content, rules, authors, problems)).ifPresent(entries::add);
        }
        entries.sort(ORDER);
        return new Pending(rules, files, strangers, entries);
    }

    /** The entries in Markdown, below a heading for each category that has some. */
    public String body() {
        StringBuilder body = new StringBuilder();
        for (String category : rules.categories()) {
            List<Entry> here = entries.stream().filter(entry -> entry.category().equals(category)).toList();
            if (!here.isEmpty()) {
                body.append("## ").append(category).append("\n\n");
                here.forEach(entry -> body.append(entry.print()));
                body.append('\n');
            }
        }
        return body.toString();
    }
}
