package lib.publish;

import java.util.Optional;
import java.util.function.Predicate;
import lib.base.Console;
import lib.base.Fault;
import lib.git.Git;
import lib.git.GitPeer;
import lib.git.GitServer;
import org.eclipse.jgit.lib.ObjectId;

/** From the tag of a release that is out back to its branch, which is brought up to date with the server's. Nothing of the user's is lost, and nothing of it fails. */
final class BackOnBranch {

    private final GitPeer peer;
    private final String branch;
    private final Predicate<ObjectId> superseded;
    private final Console console;

    /** {@code superseded} knows of the server's commit whether it has all of ours as other commits. */
    BackOnBranch(GitPeer peer, String branch, Predicate<ObjectId> superseded, Console console) {
        this.peer = peer;
        this.branch = branch;
        this.superseded = superseded;
        this.console = console;
    }

    void go() {
        Git git = peer.git();
        try {
            if (!git.changes().isEmpty()) {
                console.warn("the checkout has uncommitted changes and stays where it is: commit or stash them, then git checkout " + branch);
                return;
            }
            // By the remote's name git keeps what it tracks up to date as well.
            GitServer.find(git, peer.url()).ifPresent(remote -> git.git("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--recurse-submodules=no",
                    "--", remote.name(), "refs/heads/" + branch).run());
            checkOut(git);
            ObjectId here = git.head();
            Optional<ObjectId> there = peer.branch(branch);
            if (there.isEmpty() || peer.holds(here, there.get())) {
                console.say("the checkout is on " + branch);
            } else if (peer.holds(there.get(), here)) {
                git.git("merge", "--quiet", "--ff-only", there.get().name()).orFail("git could not fast-forward " + branch, "git merge --ff-only " + there.get().name());
                console.say("the checkout is on " + branch + ", at " + there.get().name() + " as the server's");
            } else if (git.commit(there.get().name()).isPresent() && superseded.test(there.get())) {
                git.git("reset", "--quiet", "--keep", there.get().name()).orFail("git could not move " + branch, "git reset --keep " + there.get().name());
                console.say("the checkout is on " + branch + ", at " + there.get().name() + " as the server's, which has our commits rebased; it was at " + here.name());
            } else {
                console.warn("the checkout is on " + branch + ", which has other commits than the server's, at " + there.get().name() + ": merge that, or rebase onto it");
            }
        } catch (Fault fault) {
            console.warn("the checkout is not on " + branch + ", up to date with the server: " + fault.getMessage() + " (" + fault.next() + ")");
        }
    }

    private void checkOut(Git git) {
        if (git.branch().equals(Optional.of(branch))) {
            return;
        }
        try {
            git.checkout(branch, false);
        } catch (Fault fault) {
            if (!git.branch().equals(Optional.of(branch))) { // a hook's exit code is git's own, though everything is checked out
                throw fault;
            }
        }
    }
}
