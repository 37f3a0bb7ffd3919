package lib.release;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;
import lib.base.Console;
import lib.base.Exec;
import lib.base.Fault;
import lib.config.Environment;
import lib.git.Git;
import lib.git.GitRemotes;
import org.eclipse.jgit.lib.ObjectId;

/**
 * The way back from a tagged release to before it was tagged, open until somebody else has seen it. Each step leaves what
 * {@link ReleaseState} knows: killed between two of them, the next run of tag goes on, or undoes the rest.
 */
public final class Undo {

    private static final String PEELED = "^{}";

    private final Git git;
    private final ReleaseState found;
    private final ObjectId commit;
    private final ObjectId start;
    private final List<Git.Move> back = new ArrayList<>();
    private final List<Git.Move> gone = new ArrayList<>();

    /** Throws Fault (refused) where the tag is not that of a release that was made here and ends its branch. */
    public Undo(Git git, ReleaseState found) {
        this.git = git;
        this.found = found;
        this.commit = found.commit().filter(made -> found.endsBranch(git)).orElseThrow(() -> refused(git, found));
        this.start = git.parents(commit).get(0);
        if (!found.tip().equals(start)) {
            back.add(new Git.Move(found.branchRef(), Optional.of(found.tip()), Optional.of(start)));
        }
        gone.add(new Git.Move(found.tagRef(), found.oldTag(), Optional.empty()));
        found.branchOff().filter(begun -> git.commit(begun.ref()).isPresent())
                .ifPresent(begun -> gone.add(new Git.Move(begun.ref(), Optional.of(begun.start()), Optional.empty())));
    }

    private static Fault refused(Git git, ReleaseState found) {
        boolean ours = git.commit(found.tagRef()).map(tagged -> ReleaseState.firstLine(git.message(tagged)).equals(found.subject())).orElse(false);
        return Fault.refused(found.version() + " cannot be undone", ours ? "the branch " + found.branch() + " has gone on since, to " + ReleaseState.describe(git, found.tip())
                : "the tag " + found.version() + " is not that of a release made on " + found.branch(), ours
                ? "move what has been committed since to another branch and " + found.branch() + " back to the release's merge, or keep the release" : "git checkout the branch it was made on, and run again");
    }

    /** Throws Fault (refused) where others have it already, or may have it, with every place. */
    public void requireUnpublished(Collection<Environment> environments) {
        List<String> faults = new ArrayList<>();
        ReleaseTag.publishedOn(git, found.version(), commit).forEach(name -> faults.add("upload has begun to publish it on " + name));
        for (Git.Move move : gone) {
            if (!git.object(move.ref()).equals(move.from())) {
                faults.add(move.ref() + " has gone on since, to " + ReleaseState.describe(git, git.commit(move.ref()).orElseThrow()));
            }
        }
        git.git("for-each-ref", "--format=%(worktreepath)%00%(refname)", found.branchRef(), "refs/heads/" + BranchOff.nameOf(found.release().major()))
                .orFail("git did not say where branches are checked out", "look at git's version").lines().map(line -> line.split("\0"))
                .filter(tree -> !tree[0].isEmpty() && !tree[0].equals(git.workTree().toString()))
                .forEach(tree -> faults.add(tree[1] + " is checked out in " + tree[0]));
        requireNone(faults, "what is published stays: release the next version. If only a branch is in the way, move what is on it elsewhere, and run again");
        GitRemotes.with(git, environments.stream().flatMap(environment -> environment.git().stream()).toList()).forEach(url -> look(url, faults));
        requireNone(faults, "what is published stays: release the next version. Where a repository cannot be asked and you know that it has nothing of this: git checkout -B "
                + found.branch() + " " + start.name() + gone.stream().map(move -> ", git update-ref -d " + move.ref()).collect(Collectors.joining()));
    }

    private void requireNone(List<String> faults, String next) {
        if (!faults.isEmpty()) {
            throw Fault.refused(found.version() + " cannot be undone", faults, next);
        }
    }

    // In review is not published: only what branches and tags lead to.
    private void look(String url, List<String> faults) {
        Exec ask = git.git("ls-remote", "--quiet", "--heads", "--tags", "--", url);
        Exec.Result answer = ask.run();
        if (answer.exit() != 0) {
            faults.add(url + " cannot be asked whether it has it: " + ask.because(answer));
            return;
        }
        Map<String, ObjectId> there = new TreeMap<>();
        answer.out().lines().map(line -> line.split("\t")).forEach(line -> there.put(line[1], ObjectId.fromString(line[0])));
        // Whether it is among a branch's commits only those tell; no reference is made for them.
        List<String> fetch = new ArrayList<>(List.of("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance",
                "--recurse-submodules=no", "--refmap=", "--", url));
        int options = fetch.size();
        there.forEach((ref, id) -> fetch.addAll(ref.startsWith("refs/heads/") && git.object(id.name()).isEmpty() ? List.of(ref) : List.of()));
        if (fetch.size() > options) {
            git.git(fetch.toArray(new String[0])).run();
        }
        there.forEach((ref, id) -> {
            Optional<ObjectId> tip = git.commit(id.name());
            if (ref.startsWith("refs/heads/") && tip.isEmpty()) {
                faults.add(url + " does not let its " + ref + " be fetched: it may have it");
            } else if (!there.containsKey(ref + PEELED) && tip.map(known -> git.isAncestor(commit, known)).orElse(false)) {
                faults.add(url + " has it: " + ref.replace(PEELED, "") + " holds the release commit");
            }
        });
    }

    /** Goes back. Throws what git refuses, after everything was put as it was. */
    public void run(Console console) {
        try {
            if (!back.isEmpty()) {
                if (!found.there()) {
                    Interrupted.checkOut(git, found.tagRef(), true, console); // no work tree's branch moves under it
                }
                git.update(back, "tag --undo " + found.version());
            }
            Interrupted.checkOut(git, found.branch(), false, console);
            git.update(gone, "tag --undo " + found.version());
        } catch (RuntimeException e) {
            putBack(console);
            throw e;
        }
        ReleaseTag.forget(git, found.version());
        for (Git.Move move : back) {
            console.say("moved " + move.ref() + " back to " + start.name() + "; to restore it: git merge --ff-only " + found.tip().name());
        }
        for (Git.Move move : gone) {
            console.say("removed " + move.ref() + "; to restore it: git update-ref " + move.ref() + " " + move.from().orElseThrow().name());
        }
    }

    private void putBack(Console console) {
        try {
            Interrupted.restore(git, start, found);
            boolean moved = !git.object(found.branchRef()).equals(Optional.of(found.tip()));
            if (git.branch().isPresent() && (moved || found.there())) {
                git.checkout(commit.name(), true);
            }
            List<Git.Move> all = new ArrayList<>(back);
            all.addAll(gone);
            Interrupted.reverse(git, all, "tag --undo " + found.version() + ": put back");
            if (git.branch().isEmpty() && !found.there()) {
                git.checkout(found.branch(), false);
            }
            console.say("branch, tag and files are as they were before this run");
        } catch (RuntimeException e) {
            console.warn("not everything could be rolled back; the next run continues from what is there: " + e.getMessage());
        }
    }
}
