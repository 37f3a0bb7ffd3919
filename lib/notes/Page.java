package lib.notes;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.commonmark.node.Node;

/** The entries and what the page has already, which are one document: what either says, it must say there, too. */
final class Page {

    private final List<Entry> entries;
    private final String file;
    private final String rest;
    private final List<Problem> problems;

    Page(List<Entry> entries, Optional<Chapter> chapter, List<Problem> problems) {
        this.entries = entries;
        this.file = chapter.map(page -> page.release().notesFile()).orElse("");
        this.rest = chapter.map(Chapter::rest).orElse("");
        this.problems = problems;
    }

    /** The entries with labels that disturb nobody. An entry's own name is behind each that it could not have for itself. */
    List<Entry> apart() {
        List<Labels> all = new ArrayList<>(entries.stream().map(entry -> new Labels(entry.written())).toList());
        Labels old = new Labels(rest);
        all.add(old);
        Set<String> taken = new HashSet<>();
        List<Entry> apart = new ArrayList<>();
        for (int i = 0; i < entries.size(); i++) {
            Entry entry = entries.get(i);
            Labels own = all.get(i);
            Map<String, String> names = new LinkedHashMap<>();
            for (Labels other : all) {
                if (other != own) {
                    own.disturbing(other).forEach(label -> names.computeIfAbsent(label, same -> name(own.written(same), entry, all, taken)));
                }
            }
            old.disturbing(own).stream().filter(label -> !names.containsKey(label)).forEach(label -> problem(entry, own.line(label), "[" + old.written(label)
                    + "] is plain text here, but in " + file + " it is defined: write \\[" + old.written(label) + "]"));
            Optional<String> renamed = names.isEmpty() ? Optional.of(entry.written()) : own.renamed(names);
            if (renamed.isEmpty()) {
                names.keySet().forEach(label -> problem(entry, own.line(label), "[" + own.written(label) + "] is used for something else on the same page: "
                        + "give it another name"));
            }
            apart.add(renamed.map(entry::rewritten).orElse(entry));
        }
        return apart;
    }

    private static String name(String label, Entry entry, List<Labels> all, Set<String> taken) {
        String stem = label.strip() + "-" + entry.name().replaceFirst("\\.md$", "").replaceAll("[^\\p{L}\\p{N}._-]+", "-");
        for (int i = 1; ; i++) {
            String name = i == 1 ? stem : stem + "-" + i;
            if (all.stream().noneMatch(labels -> labels.mentions(Labels.normal(name))) && taken.add(Labels.normal(name))) {
                return name;
            }
        }
    }

    private void problem(Entry entry, int line, String what) {
        problems.add(new Problem(entry.file(), entry.line(line), what));
    }

    /** A problem for each entry that does not say among the others what it says alone, and for the page so far when it goes on in them. */
    void check(Pending pending) {
        List<Node> blocks = Markdown.blocks(pending.body());
        int at = 1;
        for (List<Entry> here : pending.byCategory().values()) {
            List<Node> items = at < blocks.size() ? Markdown.children(blocks.get(at)) : List.of();
            for (int i = 0; i < here.size(); i++) {
                Entry entry = here.get(i);
                Item item = new Item(entry);
                item.tell(item.alone(), i < items.size() ? Markdown.children(items.get(i)) : List.of(),
                        (line, what) -> problems.add(new Problem(entry.file(), line, what)));
            }
            at += 2;
        }
        List<Node> page = Markdown.blocks(pending.body() + "\n\n" + rest);
        int end = Math.min(blocks.size(), page.size());
        if (!Meaning.of(page.subList(0, end)).equals(Meaning.of(blocks))
                || !Meaning.of(page.subList(end, page.size())).equals(Meaning.of(Markdown.blocks(rest)))) {
            problems.add(new Problem(file, 1, "would read differently below the new notes: begin its text with a heading"));
        }
    }
}
