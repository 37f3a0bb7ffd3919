package lib.notes;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import lib.git.Git;
import lib.release.Release;
import org.eclipse.jgit.lib.ObjectId;

/**
 * The entries that were gathered for a release. The page does not say which of them are significant: that is read where
 * they stood last, in the parent of the commit with the notes, whatever machine has made it.
 *
 * @param entries in the order of the page
 */
public record Gathered(List<Entry> entries) {

    /** Those of the newest commit with the release's notes in the history of a commit; empty where there is none. */
    public static Optional<Gathered> of(Git git, Release release, ObjectId from) {
        String subject = NotesCommit.subject(release.version());
        return git.git("rev-list", "--topo-order", "--fixed-strings", "--grep=" + subject, from.name())
                .orFail("git could not read the history of " + release.version(), "look at the repository with git fsck").lines().map(ObjectId::fromString)
                .filter(commit -> git.message(commit).lines().findFirst().equals(Optional.of(subject)) && !git.parents(commit).isEmpty())
                .findFirst().map(commit -> read(release, Source.commit(git, commit), Source.commit(git, git.parents(commit).get(0))));
    }

    private static Gathered read(Release release, Source after, Source before) {
        List<Problem> known = new ArrayList<>(); // to prepare, which refused those that matter
        List<String> categories = categories(release, Chapter.read(release, after, known));
        List<Entry> entries = new ArrayList<>(Pending.read(new Rules(release.project(), categories), before, known).entries());
        entries.sort(Comparator.comparing(entry -> categories.indexOf(entry.category())));
        return new Gathered(entries);
    }

    // The order of the categories is prepare's to say, and the page has it. Nothing of an entry begins in a line's first column.
    private static List<String> categories(Release release, Chapter chapter) {
        List<String> section = chapter.old().stream().flatMap(String::lines).dropWhile(line -> !line.startsWith(Chapter.sectionHeading(release)))
                .skip(1).takeWhile(line -> !line.startsWith("# ")).toList();
        List<String> categories = new ArrayList<>(section.stream().filter(line -> line.startsWith("## ")).map(line -> line.substring(3)).toList());
        return categories.isEmpty() ? List.of("") : categories;
    }

    /** The significant entries as list items in Markdown, none of which disturbs another; the empty text where there are none. */
    public String significant() {
        List<Entry> significant = entries.stream().filter(Entry::significant).toList();
        return new Page(significant, Optional.empty(), new ArrayList<>()).apart().stream().map(entry -> new Item(entry).print()).collect(Collectors.joining());
    }

    /** Everybody who is credited, once, by name: {@code A, B, and C} in Markdown; the empty text where nobody is. */
    public String credited() {
        return Text.join(entries.stream().flatMap(entry -> entry.credits().stream()).distinct()
                .sorted(Comparator.comparing(credit -> credit.replaceFirst("^\\[", "").toLowerCase(Locale.ROOT))).toList());
    }
}
