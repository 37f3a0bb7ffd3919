package lib.notes;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import lib.config.Project;
import org.commonmark.node.Link;
import org.commonmark.node.Node;

/** The people who may be credited, by their handle. */
final class Authors {

    private static final List<String> KEYS = List.of("display_name", "forgejo", "github");

    private final Project project;
    /** Empty for a person whose link needs a forge that the project does not name. */
    private final Map<String, Optional<String>> credits = new HashMap<>();
    private boolean readable = true;

    private Authors(Project project) {
        this.project = project;
    }

    /** Reads the project's file of authors; nobody is known when it is not there. */
    static Authors read(Project project, Source source, List<Problem> problems) {
        Authors authors = new Authors(project);
        String file = project.changeAuthors();
        Optional<byte[]> bytes = source.read(file);
        if (bytes.isEmpty()) {
            source.fault(file).ifPresent(fault -> problems.add(new Problem(file, 1, fault)));
            authors.readable = source.fault(file).isEmpty();
            return authors;
        }
        Optional<YamlMap> all = Text.decode(bytes.get(), file, problems).flatMap(text -> YamlMap.parse(text, file, 1, problems));
        authors.readable = all.isPresent();
        all.ifPresent(map -> map.keys().forEach(handle -> authors.credits.put(handle, map.map(handle)
                .map(author -> credit(project, handle, author)).orElse(Optional.of(handle)))));
        return authors;
    }

    /** How a person is named in the notes; empty when {@link #otherwise} has something to say. */
    Optional<String> credit(String handle) {
        // One broken line in the file must not make strangers of all who are in it.
        return readable ? credits.getOrDefault(handle, Optional.empty()) : Optional.of(handle);
    }

    String otherwise(String handle) {
        return credits.containsKey(handle) ? References.needs("forge")
                : " is not in " + project.changeAuthors() + ": add the handle there, or correct it here";
    }

    private static Optional<String> credit(Project project, String handle, YamlMap author) {
        author.requireOnly(KEYS);
        String name = author.text("display_name").map(String::strip).filter(text -> !text.isEmpty()).orElse(handle);
        if (!isOneLink("[" + name + "](x)")) {
            author.problem(author.line("display_name"), "the name becomes the text of a link, which '" + name.replace("\n", "\\n") + "' would break");
        }
        Optional<String> onForge = account(author, "forgejo");
        Optional<String> link = onForge.flatMap(account -> project.forge().map(forge -> forge + "/" + account))
                .or(() -> account(author, "github").map(account -> "https://github.com/" + account));
        return onForge.isPresent() && link.isEmpty() ? Optional.empty()
                : Optional.of(link.map(address -> "[" + name + "](" + address + ")").orElse(name));
    }

    private static boolean isOneLink(String text) {
        Node paragraph = Markdown.parse(text).getFirstChild();
        return paragraph.getNext() == null && paragraph.getFirstChild() instanceof Link && paragraph.getFirstChild().getNext() == null
                && !text.contains("\n");
    }

    private static Optional<String> account(YamlMap author, String key) {
        Optional<String> account = author.text(key).filter(text -> !text.isEmpty());
        if (account.isPresent() && !account.get().matches("[^\\s()<>]+")) {
            author.problem(author.line(key), key + " becomes part of a link, which '" + account.get() + "' would break");
        }
        return account;
    }
}
