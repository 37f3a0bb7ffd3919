package lib.publish;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import lib.base.Console;
import lib.base.Fault;
import lib.base.Progress;
import lib.config.Environment;
import lib.config.Project;
import lib.git.Git;
import lib.notes.Gathered;
import lib.notes.NotesCommit;
import lib.oci.ImageIndex;
import lib.proof.Fetcher;
import lib.release.BuiltRelease;
import lib.release.Release;
import org.eclipse.jgit.lib.ObjectId;

/**
 * What is left for people when a release is published: a draft of its announcement, and what they do by hand. Nothing is posted.
 *
 * @param notes empty where the release has none
 */
public record Announcement(Project project, Environment environment, BuiltRelease built, Optional<Gathered> notes, Console console) {

    /** What mdBook puts the top of the manual for. */
    private static final Pattern DOCROOT = Pattern.compile("@docroot@/([^)\\s#\\]]*?)\\.md");

    /** Of a release whose commit is in the checkout's repository. */
    public static Announcement of(Git git, Project project, Environment environment, BuiltRelease built, Console console) {
        return new Announcement(project, environment, built, Gathered.of(git, release(project, built), ObjectId.fromString(built.commit())), console);
    }

    private static Release release(Project project, BuiltRelease built) {
        return new Release(project, built.version(), built.name(), Optional.empty());
    }

    /** Writes the announcement and versions.json beside release.json, and says what people still do. Throws Fault where they cannot be written. */
    public void conclude(Path folder) {
        try { // not by way of other files: a run that is killed would leave them among what was built
            Files.writeString(folder.resolve(BuiltRelease.VERSIONS), new Versions(built, project, environment).json());
            Files.writeString(folder.resolve(BuiltRelease.ANNOUNCEMENT), markdown());
        } catch (IOException e) {
            throw Fault.failed("the announcement could not be written", e.toString(), "all is published and proved; free up space, and run again").from(e);
        }
        if (notes.isEmpty()) {
            console.warn("the announcement names no changes: there is no commit '" + NotesCommit.subject(built.version()) + "' in the history of the tag");
        }
        console.say("a draft of the announcement is " + folder.resolve(BuiltRelease.ANNOUNCEMENT));
        List<Project.Task> tasks = project.afterwards();
        if (!tasks.isEmpty()) {
            console.say(environment.guarded() ? "what you still do:" : "what you will still do when it is published on a guarded environment:");
        }
        tasks.stream().map(task -> task.of(built.version().toString(), built.version().major())).forEach(task -> console.say("- " + task.what() + ": " + task.link()));
    }

    /** The announcement, in Markdown. */
    public String markdown() {
        Versions versions = new Versions(built, project, environment);
        List<String> parts = new ArrayList<>(List.of("# " + release(project, built).spoken()));
        if (!built.version().isFinal()) {
            parts.add("This is a pre-release, for testing.");
        }
        notes.map(Gathered::significant).filter(text -> !text.isEmpty()).ifPresent(text -> parts.add("## Highlights\n\n" + inManual(text).stripTrailing()));
        parts.add("## Links");
        List<String> links = new ArrayList<>();
        notesPage(project, built).ifPresent(page -> links.add(link("Release notes", page(page))));
        links.add(link("Manual", page("index.html")));
        links.add(link("Sizes and hashes of the files, and store paths, for scripts", versions.address(BuiltRelease.VERSIONS)));
        parts.add(String.join("\n", links));
        parts.add("## Files");
        parts.add(String.join("\n", versions.files().entrySet().stream().map(file -> link(file.getKey(), versions.address(file.getKey()))
                + " (" + Progress.size(file.getValue().size()) + ")").toList()));
        if (built.hasImages() && !environment.registries().isEmpty()) {
            String digest = ImageIndex.of(built.images()).index().digest();
            parts.add("## Container images");
            parts.add(String.join("\n", environment.registries().stream().map(registry -> "- `" + registry + ":" + built.version() + "@" + digest + "`").toList()));
        }
        notes.map(Gathered::credited).filter(names -> !names.isEmpty()).ifPresent(names -> parts.add("## Thanks\n\nMany thanks to " + names + "."));
        return String.join("\n\n", parts) + "\n";
    }

    // The manual of a MAJOR may stay at a final release. That in the version's folder is always this one's.
    private String page(String page) {
        return built.version().isFinal() ? Fetcher.address(environment, "docs", project.manual(built.version().major()) + page)
                : Fetcher.address(environment, "releases", project.folder(built.version().toString()) + "manual/" + page);
    }

    /** The page of the manual with the notes, where it has one. */
    static Optional<String> notesPage(Project project, BuiltRelease built) {
        String book = project.summary().replaceFirst("[^/]*$", "");
        return Optional.of(release(project, built).notesFile()).filter(file -> file.startsWith(book))
                .map(file -> file.substring(book.length()).replaceFirst("\\.md$", ".html")).filter(built.below("manual")::containsKey);
    }

    private String inManual(String markdown) {
        return DOCROOT.matcher(markdown).replaceAll(found -> Matcher.quoteReplacement(page(found.group(1) + ".html")));
    }

    private static String link(String text, String address) {
        return address.startsWith("s3:") ? "- " + text + ": `" + address + "`" : "- [" + text + "](" + address + ")";
    }
}
