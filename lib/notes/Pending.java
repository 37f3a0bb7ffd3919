package lib.notes;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

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
        source.fault(folder).or(() -> source.read(folder).map(file -> "is a file, but should be the folder of the entries"))
                .ifPresent(fault -> problems.add(new Problem(folder, 1, fault)));
        List<String> files = new ArrayList<>();
        List<String> strangers = new ArrayList<>();
        source.names(folder).stream().filter(name -> !name.startsWith(".")).sorted(Text.BY_CODE_POINT)
                .forEach(name -> (name.endsWith(".md") ? files : strangers).add(folder + "/" + name));
        List<Entry> entries = new ArrayList<>();
        for (String file : files) {
            Optional<byte[]> bytes = source.read(file);
            if (bytes.isEmpty()) {
                problems.add(new Problem(file, 1, source.fault(file).orElse("is not a file")));
            }
            bytes.flatMap(content -> Entry.parse(file, content, rules, authors, problems)).ifPresent(entries::add);
        }
        entries.sort(ORDER);
        return new Pending(rules, files, strangers, entries);
    }

    /**
     * The same as they will be above what the page has already. Labels that are also somebody else's get other names; what an
     * entry or the page would not say any more is a problem. Entries of files that have problems already are left aside.
     */
    public Pending above(Optional<Chapter> chapter, List<Problem> problems) {
        Page page = new Page(entries, chapter, problems);
        List<Entry> apart = page.apart();
        Set<String> broken = problems.stream().map(Problem::file).collect(Collectors.toSet());
        Pending sound = new Pending(rules, files, strangers, apart.stream().filter(entry -> !broken.contains(entry.file())).toList());
        page.check(sound);
        return new Pending(rules, files, strangers, apart);
    }

    /** The entries below each heading, in the order of the page. */
    Map<String, List<Entry>> byCategory() {
        Map<String, List<Entry>> categories = new LinkedHashMap<>();
        for (String category : rules.categories()) {
            List<Entry> here = entries.stream().filter(entry -> entry.category().equals(category)).toList();
            if (!here.isEmpty()) {
                categories.put(category, here);
            }
        }
        return categories;
    }

    /** The entries in Markdown, below a heading for each category that has some. */
    public String body() {
        StringBuilder body = new StringBuilder();
        byCategory().forEach((category, here) -> {
            body.append("## ").append(category).append("\n\n");
            here.forEach(entry -> body.append(new Item(entry).print()));
            body.append('\n');
        });
        return body.toString();
    }
}
