package lib.notes;

import java.nio.file.Path;
import java.time.LocalDate;
import java.util.List;
import java.util.Optional;
import lib.config.Project;
import lib.release.Release;

/**
 * The manual's table of contents.
 *
 * @param marker the text below whose line a new MAJOR is put
 * @param text   empty when there is no such file
 * @see <a href="https://rust-lang.github.io/mdBook/format/summary.html">mdBook: SUMMARY.md</a>
 */
public record Summary(Release release, String marker, Optional<String> text) {

    public static Summary read(Release release, String marker, Source source, List<Problem> problems) {
        String file = release.project().summary();
        Optional<byte[]> bytes = source.read(file);
        if (bytes.isEmpty()) {
            problems.add(new Problem(file, 1, source.fault(file).orElse("is not there, but needs an entry for " + release.notesFile())));
        }
        return new Summary(release, marker, bytes.flatMap(content -> Text.decode(content, file, problems)));
    }

    /** A problem when an entry could not be put in, or stands there already. */
    public void check(List<Problem> problems) {
        List<String> lines = text.stream().flatMap(String::lines).toList();
        String file = release.project().summary();
        if (text.isPresent() && lines.stream().noneMatch(line -> line.contains(marker))) {
            problems.add(new Problem(file, Math.max(1, lines.size()), "has no line with '" + marker
                    + "', below which the entry of " + release.project().name() + " " + release.major() + " would go"));
        }
        for (int i = 0; i < lines.size(); i++) {
            if (lines.get(i).contains("(" + target() + ")")) {
                problems.add(new Problem(file, i + 1, "has an entry for " + target() + " already, but that page is not there"));
            }
        }
    }

    /** The table with an entry for the MAJOR below each marker, as far in as the marker is. */
    public String with(LocalDate today) {
        StringBuilder result = new StringBuilder();
        for (String line : text.orElse("").split("\n", -1)) {
            result.append(line).append('\n');
            if (line.contains(marker)) {
                result.append(line, 0, line.indexOf(marker)).append("- [").append(release.project().name()).append(' ')
                        .append(release.major()).append(" (").append(today).append(")](").append(target()).append(")\n");
            }
        }
        return Chapter.tidy(result.toString());
    }

    // mdBook takes links from the folder the table is in.
    private String target() {
        Project project = release.project();
        Path top = Path.of("/");
        return top.resolve(project.summary()).getParent().relativize(top.resolve(release.notesFile())).toString();
    }
}
