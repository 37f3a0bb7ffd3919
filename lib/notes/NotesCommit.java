package lib.notes;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import lib.base.Fault;
import lib.git.Git;
import lib.release.Version;
import lib.release.VersionFile;
import org.eclipse.jgit.lib.ObjectId;

/**
 * The commit with the notes, made whole or not at all.
 *
 * @param branch without {@code refs/heads/}; HEAD is on it, and nothing in the checkout is changed
 * @param parent the commit the branch is on
 * @param first  a version file that gets a commit of its own, before that of the notes
 * @param files  what is in them afterwards; empty ones are removed
 */
public record NotesCommit(Git git, String branch, ObjectId parent, Optional<VersionFile> first, Map<String, Optional<byte[]>> files) {

    /** The first line of its message, by which it is known in the history. */
    public static String subject(Version version) {
        return "release: release notes for " + version;
    }

    /** Makes the commit and brings branch, index and work tree to it. On a Fault all three are as they were. */
    public ObjectId make(String message) {
        // Until the branch moves, these are only stored.
        ObjectId base = first.map(file -> git.storeCommit(git.edit(parent, Map.of(file.place(), Optional.of(file.bytes()))), List.of(parent),
                git.throughHook(file.message()))).orElse(parent);
        ObjectId commit = git.storeCommit(git.edit(base, files), List.of(base), git.throughHook(message));
        writeFiles(commit);
        // The branch last: stopped before, the notes stand there staged, and the next run says so.
        moveBranch(commit, message.lines().findFirst().orElse(""));
        return commit;
    }

    private void writeFiles(ObjectId commit) {
        // Files that were only touched are no change to us, but would be to read-tree.
        git.git("update-index", "-q", "--refresh").run();
        try {
            git.git("read-tree", "-m", "-u", parent.name(), commit.name())
                    .orFail("git could not write the notes into the work tree", "fix what git reports and run again; nothing was changed");
        } catch (Fault fault) {
            putFilesBack();
            throw fault;
        }
    }

    private void moveBranch(ObjectId commit, String reason) {
        try {
            git.update(List.of(new Git.Move("refs/heads/" + branch, Optional.of(parent), Optional.of(commit))), reason);
        } catch (Fault fault) {
            git.git("read-tree", "-m", "-u", commit.name(), parent.name()).orFail("git could not restore the work tree", remedy());
            throw fault;
        }
    }

    // Git leaves its index alone when it fails in the middle of the files, but not the files.
    private void putFilesBack() {
        List<String> checkout = new ArrayList<>(List.of("checkout-index", "--force", "--quiet", "--"));
        for (String file : Stream.concat(first.stream().map(VersionFile::place), files.keySet().stream()).toList()) {
            if (git.read(parent, file).isPresent()) {
                checkout.add(file);
            } else {
                delete(file);
            }
        }
        git.git(checkout.toArray(new String[0])).orFail("git could not restore the work tree", remedy());
    }

    private void delete(String file) {
        try {
            Files.deleteIfExists(git.workTree().resolve(file));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private String remedy() {
        return "git reset --hard " + parent.name() + " undoes what this run has changed";
    }
}
