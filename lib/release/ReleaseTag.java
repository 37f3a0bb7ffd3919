package lib.release;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import lib.base.Fault;
import lib.base.FileTree;
import lib.base.Json;
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
            FileTree.writeWhole(file(git, version), Json.pretty(object).getBytes(java.nio.charset.StandardCharsets.UTF_8));
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

    public static void forget(Git git, String version) {
        try {
            Files.deleteIfExists(file(git, version));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Path file(Git git, String version) {
        return git.shared("tags/" + version + ".json");
    }
}
