package lib.notes;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import lib.Project;

/** The people who may be credited, by their handle. */
final class Authors {

    private static final List<String> KEYS = List.of("display_name", "forgejo", "github");

    private final Map<String, String> credits = new HashMap<>();
    private boolean readable = true;

    private Authors() {
    }

    /** Reads the project's file of authors; nobody is known when it is not there. */
    static Authors read(Project project, Source source, List<Problem> problems) {
        Authors authors = new Authors();
        String file = project.changeAuthors();
        Optional<byte[]> bytes = source.read(file);
        if (bytes.isEmpty()) {
            return authors;
        }
        Optional<YamlMap> all = Text.decode(bytes.get(), file, problems).flatMap(text -> YamlMap.parse(text, file, 1, problems));
        authors.readable = all.isPresent();
        all.ifPresent(map -> map.keys().forEach(handle -> authors.credits.put(handle, map.map(handle)
                .map(author -> credit(project, handle, author)).orElse(handle))));
        return authors;
    }

    /** How a person is named in the notes; empty when nobody has that handle. */
    Optional<String> credit(String handle) {
        // One broken line in the file must not make strangers of all who are in it.
        return readable ? Optional.ofNullable(credits.get(handle)) : Optional.of(handle);
    }

    private static String credit(Project project, String handle, YamlMap author) {
        author.requireOnly(KEYS);
        String name = author.text("display_name").filter(text -> !text.isBlank()).orElse(handle);
        return account(author, "forgejo").map(account -> project.forge() + "/" + account)
                .or(() -> account(author, "github").map(account -> "https://github.com/" + account))
                .map(link -> "[" + name + "](" + link + ")").orElse(name);
    }

    private static Optional<String> account(YamlMap author, String key) {
        Optional<String> account = author.text(key).filter(text -> !text.isEmpty());
        if (account.isPresent() && !account.get().matches("[^\\s()<>]+")) {
            author.problem(author.line(key), key + " becomes part of a link, which '" + account.get() + "' would break");
        }
        return account;
    }
}
