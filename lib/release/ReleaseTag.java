package lib.release;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import lib.base.Fault;
import lib.base.FileTree;
import lib.base.Json;
import lib.config.Environment;
import lib.git.Git;
import org.eclipse.jgit.lib.ObjectId;

/**
 * A release's tag and the branch it was made on. HEAD is detached once a release is tagged, so the
 * branch is remembered outside the work tree, one file a version, for all work trees of a repository.
 *
 * @param version as the tag is named
 * @param commit  the release commit, the one the tag peels to
 * @param branch  without {@code refs/heads/}
 * @param branchOff the maintenance branch that was begun with this release; empty for a release that begins none
 */
public record ReleaseTag(String version, ObjectId commit, String branch, Optional<BranchOff> branchOff) {

    /** The full name of a version's tag: a branch may have the same short one. */
    public static String ref(String version) {
        return "refs/tags/" + version;
    }

    /** Keeps this for later runs, in place of what was remembered of the version before. */
    public void remember(Git git) {
        var object = Json.MAPPER.createObjectNode().put("version", version).put("commit", commit.name()).put("branch", branch);
        branchOff.ifPresent(begun -> object.putObject("branchOff").put("branch", begun.branch()).put("start", begun.start().name()));
        try {
            FileTree.writeWhole(file(git, version), Json.pretty(object).getBytes(UTF_8));
        } catch (IOException e) {
            throw Fault.failed("the branch of " + version + " could not be remembered", e.toString(),
                    "free up space and run again").from(e);
        }
    }

    /**
     * What was remembered of a version; empty when nothing was. The tag may have been replaced since:
     * believe it only where {@link #commit} is what the tag peels to. Throws Fault for a damaged file.
     */
    public static Optional<ReleaseTag> remembered(Git git, String version) {
        Path file = file(git, version);
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        try {
            List<String> faults = new ArrayList<>();
            Json.Fields fields = new Json.Fields(Json.object(Files.readAllBytes(file), file.toString()), file + ": ", faults);
            String of = fields.text("version");
            String commit = fields.text("commit");
            String branch = fields.text("branch");
            Optional<Json.Fields> begun = fields.optionalObject("branchOff");
            String maintenance = begun.map(inner -> inner.text("branch")).orElse("");
            String start = begun.map(inner -> inner.text("start")).orElse(commit);
            if (faults.isEmpty() && (!of.equals(version) || !ObjectId.isId(commit) || !ObjectId.isId(start))) {
                faults.add(file + ": version and commits do not name the release " + version);
            }
            if (!faults.isEmpty()) {
                throw Fault.failed("what was remembered of " + version + " is damaged", faults,
                        "remove the file, check the release's branch out and run tag again");
            }
            return Optional.of(new ReleaseTag(version, ObjectId.fromString(commit), branch,
                    begun.map(inner -> new BranchOff(maintenance, ObjectId.fromString(start)))));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Remembers what was remembered before, or nothing. */
    public static void putBack(Git git, String version, Optional<ReleaseTag> before) {
        before.ifPresentOrElse(old -> old.remember(git), () -> forget(git, version));
    }

    public static void forget(Git git, String version) {
        try {
            Files.deleteIfExists(file(git, version));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Notes that the publication of this begins, which ends the way back; on this machine's own store nobody else sees it. */
    public void publishing(Git git, Environment environment) {
        List<String> begun = new ArrayList<>(publishedOn(git, version, commit));
        if (!environment.isLocal() && !begun.contains(environment.name())) {
            begun.add(environment.name());
            String lines = begun.stream().map(name -> name + " " + commit.name() + "\n").collect(Collectors.joining());
            try {
                FileTree.writeWhole(marks(git, version), lines.getBytes(UTF_8));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    /** The environments on which this clone has begun to publish a version, made of this commit. */
    public static List<String> publishedOn(Git git, String version, ObjectId commit) {
        Path file = marks(git, version);
        try {
            return !Files.exists(file) ? List.of() : Files.readString(file).lines().filter(line -> line.endsWith(" " + commit.name()))
                    .map(line -> line.substring(0, line.indexOf(' '))).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Path marks(Git git, String version) {
        return git.shared("published/" + version);
    }

    private static Path file(Git git, String version) {
        return git.shared("tags/" + version + ".json");
    }
}
