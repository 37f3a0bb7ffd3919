package lib.release;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import lib.base.Console;
import lib.base.Fault;
import lib.git.Git;
import org.eclipse.jgit.lib.ObjectId;

/** What a git that was killed, or a hook of it that failed, leaves behind. */
public final class Interrupted {

    private Interrupted() {
    }

    /** Throws Fault (refused) for a lock that was left: it makes every later git fail, after we have begun. */
    public static void requireNoLocks(Git git, ReleaseState found) {
        List<String> line = new ArrayList<>(List.of("rev-parse"));
        for (String name : List.of("index", "HEAD", "packed-refs", found.tagRef(), found.branchRef(),
                "refs/heads/" + BranchOff.nameOf(found.release().major()))) {
            line.addAll(List.of("--git-path", name + ".lock"));
        }
        List<String> locks = git.git(line.toArray(new String[0])).orFail("git did not say where its files are", "look at git's version")
                .lines().map(path -> git.workTree().resolve(path).toString()).filter(path -> Files.exists(Path.of(path))).toList();
        if (!locks.isEmpty()) {
            throw Fault.refused("git's files are locked: another git is running, or one was killed", locks,
                    "wait for it; if none is running, remove " + (locks.size() == 1 ? "that file" : "those files") + " and run again");
        }
    }

    /** A git killed while it checked out the tag, or the branch again, leaves the one file in which they differ half written. */
    public static void finishCheckout(Git git, ReleaseState found) {
        if (!found.finished()) {
            found.commit().ifPresent(commit -> restore(git, found.there() ? found.tip() : commit, found));
        }
    }

    /** Restores from HEAD what is the beginning of a file of {@code target}, and nothing else. */
    public static void restore(Git git, ObjectId target, ReleaseState found) {
        Stream.of(OfficialFlag.in(git, found.tip(), found.release()).file(), git.place(found.tip(), found.release().project().versionFile())).distinct().forEach(file -> {
            boolean changed = !git.git("diff-index", "--name-only", "HEAD", "--", file).run().out().isEmpty();
            if (changed && isBeginning(git.workTree().resolve(file), git.read(target, file).orElseThrow())) {
                git.git("checkout", "--quiet", "HEAD", "--", file).orFail("git could not restore " + file, "git checkout HEAD -- " + file);
            }
        });
    }

    private static boolean isBeginning(Path file, byte[] whole) {
        try {
            byte[] bytes = Files.exists(file) ? Files.readAllBytes(file) : new byte[0];
            return bytes.length <= whole.length && Arrays.equals(bytes, Arrays.copyOf(whole, bytes.length));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Checks out a branch by name, or, detached, a commit; a post-checkout hook that fails is only said. */
    public static void checkOut(Git git, String what, boolean detach, Console console) {
        try {
            git.checkout(what, detach);
        } catch (Fault fault) {
            // The hook's exit code is git's own, though everything is checked out.
            if (detach ? git.branch().isPresent() || !git.commit(what).equals(git.commit("HEAD")) : !git.branch().equals(Optional.of(what))) {
                throw fault;
            }
            console.warn("HEAD is on " + what.replaceFirst("^refs/tags/", "the tag ") + ", but " + fault.getMessage());
        }
    }

    /** Moves back those of the references that have moved. */
    public static void reverse(Git git, List<Git.Move> moves, String reason) {
        List<Git.Move> back = moves.stream().filter(move -> git.object(move.ref()).equals(move.to()))
                .map(move -> new Git.Move(move.ref(), move.to(), move.from())).toList();
        if (!back.isEmpty()) {
            git.update(back, reason);
        }
    }
}
