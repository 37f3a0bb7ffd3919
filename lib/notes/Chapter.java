package lib.notes;

import java.time.LocalDate;
import java.util.List;
import java.util.Optional;
import lib.release.Release;

/**
 * The manual's page with the notes of one MAJOR, newest release first.
 *
 * @param old its text so far; empty when there is none yet
 */
public record Chapter(Release release, Optional<String> old) {

    /** Reads the page of the release's MAJOR, if there. */
    public static Chapter read(Release release, Source source, List<Problem> problems) {
        String file = release.notesFile();
        source.fault(file).ifPresent(fault -> problems.add(new Problem(file, 1, fault)));
        return new Chapter(release, source.read(file).flatMap(bytes -> Text.decode(bytes, file, problems))
                .filter(text -> !Markdown.isTooDeep(text, file, problems)));
    }

    /** The line a release's section begins with, up to the date. */
    public static String sectionHeading(Release release) {
        return "# " + release.project().name() + " " + release.version() + " (";
    }

    /** Whether this version's section is there. */
    public boolean hasSection() {
        return old.stream().flatMap(String::lines).anyMatch(line -> line.startsWith(sectionHeading(release)));
    }

    /** A problem when the page is headed by another name: a second heading would be put above it. */
    public void checkName(List<Problem> problems) {
        String first = old.flatMap(text -> text.lines().findFirst()).orElse("");
        if (first.startsWith(majorHeading() + "\"") && !first.startsWith(heading())) {
            problems.add(new Problem(release.notesFile(), 1, "the heading is " + first + ", but "
                    + release.project().versionFile() + " has the release_name \"" + release.name() + "\""));
        }
    }

    /** A release's section. */
    public static String section(Release release, LocalDate today, String body) {
        return sectionHeading(release) + today + ")\n" + body;
    }

    /** The page with this version's section on top. */
    public String with(LocalDate today, String body) {
        String text = old.orElse("");
        if (!text.startsWith(heading())) {
            return tidy(heading() + " (" + today + ")\n\n\n" + section(release, today, body) + "\n\n" + text);
        }
        return tidy(text.substring(0, firstLine(text)) + "\n" + section(release, today, body) + "\n\n" + rest());
    }

    /** What of the page so far will be below the new section. */
    String rest() {
        String text = old.orElse("");
        return text.startsWith(heading()) ? text.substring(Math.min(firstLine(text) + 1, text.length())) : text;
    }

    private static int firstLine(String text) {
        return text.contains("\n") ? text.indexOf('\n') : text.length();
    }

    static String tidy(String text) {
        return text.stripTrailing() + "\n";
    }

    private String majorHeading() {
        return "# " + release.project().name() + " " + release.major() + " ";
    }

    private String heading() {
        return majorHeading() + "\"" + release.name() + "\"";
    }
}
