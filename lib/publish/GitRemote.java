package lib.publish;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import lib.base.Console;
import lib.base.Exec;
import lib.base.Fault;
import lib.config.Environment;
import lib.config.Project;
import lib.git.Git;
import lib.git.GitPeer;
import lib.proof.BranchProof;
import lib.proof.Proof;
import lib.release.BuiltRelease;
import lib.release.Release;
import lib.release.ReleaseTag;
import lib.release.Version;
import org.eclipse.jgit.lib.ObjectId;

/**
 * Branch, tag and, for a new MAJOR, maintenance branch of a release in a remote repository, pushed by the user's git, with their ssh
 * and their credentials. All of them go in one push, all or none; but for a Gerrit, which takes the tag only after the branch, and
 * says only when it is pushed whether it does: there they go one after the other, before anything else is published.
 *
 * @param url     as git understands it
 * @param review  how the branch gets in where that is a Gerrit
 * @param tag     the release's tag and branch in this clone
 * @param replace another tag of that name there is replaced: somebody said so by name
 */
public record GitRemote(Git git, String url, Optional<Review> review, ReleaseTag tag, boolean replace) implements Destination {

    /** A reference that is to be made or moved there; {@code from} is what it is now. */
    private record Push(String label, String ref, Optional<ObjectId> from, ObjectId to) {
        String refspec(boolean force) {
            return (force ? "+" : "") + to.name() + ":" + ref;
        }
    }

    @Override
    public String name() {
        return "git";
    }

    /** Whether this stands before all else in the plan: a Gerrit may still say no to the tag. */
    public boolean comesFirst() {
        return review.isPresent();
    }

    @Override
    public Difference compare() {
        String branch = "refs/heads/" + tag.branch();
        String tagRef = ReleaseTag.ref(tag.version());
        ObjectId localTag = git.object(tagRef).orElseThrow();
        ObjectId localBranch = git.commit(branch).orElseThrow();
        List<String> refs = new ArrayList<>(List.of(branch, tagRef));
        tag.branchOff().ifPresent(off -> refs.add(off.ref()));
        Map<String, ObjectId> there = peer().refs(refs);
        List<String> conflicts = new ArrayList<>();
        List<Push> pushes = new ArrayList<>();
        List<Stage> stages = new ArrayList<>();
        Optional<ObjectId> remoteBranch = Optional.ofNullable(there.get(branch));
        if (review.isEmpty() || review.get().direct()) {
            branch("branch", branch, localBranch, remoteBranch, conflicts).ifPresent(pushes::add);
        } else {
            review.get().operation(remoteBranch).ifPresent(operation -> stages.add(new Stage("branch", List.of(operation))));
        }
        tag.branchOff().ifPresent(off -> branch(off.branch(), off.ref(), off.start(), Optional.ofNullable(there.get(off.ref())), conflicts).ifPresent(pushes::add));
        Optional<ObjectId> remoteTag = Optional.ofNullable(there.get(tagRef));
        if (remoteTag.isPresent() && !remoteTag.get().equals(localTag) && !replace) {
            conflicts.add(tagRef + " on " + url + " is " + remoteTag.get().name() + ", here it is " + localTag.name());
        } else if (!remoteTag.equals(Optional.of(localTag))) {
            pushes.add(new Push("tag", tagRef, remoteTag, localTag));
        }
        if (review.isPresent()) {
            pushes.forEach(push -> stages.add(new Stage(push.label(), List.of(operation(push, () -> pushAlone(push))))));
        } else if (!pushes.isEmpty()) {
            stages.add(together(pushes));
        }
        return new Difference(stages, conflicts);
    }

    private Optional<Push> branch(String label, String ref, ObjectId local, Optional<ObjectId> remote, List<String> conflicts) {
        // Whether ours are among the commits that are there only those commits tell.
        remote.ifPresent(id -> peer().bring(ref, id));
        if (remote.isPresent() && peer().holds(remote.get(), local)) {
            return Optional.empty();
        }
        if (remote.isPresent() && (git.commit(remote.get().name()).isEmpty() || !git.isAncestor(remote.get(), local))) {
            conflicts.add(ref + " on " + url + " has commits that are not in the branch here: it is on " + remote.get().name()
                    + (git.isShallow() ? "; this clone is shallow and may not know: git fetch --unshallow" : "; fetch and merge it first"));
            return Optional.empty();
        }
        return Optional.of(new Push(label, ref, remote, local));
    }

    private Operation operation(Push push, Operation.Action action) {
        String what = push.ref() + " on " + url;
        return push.from().map(from -> Operation.move(what, from.name(), push.to().name(), action)).orElseGet(() -> Operation.create(what, 0, push.to().name(), action));
    }

    // The first operation's push takes them all; by the others' turn theirs is done.
    private Stage together(List<Push> pushes) {
        Operation first = operation(pushes.get(0), () -> pushTogether(pushes));
        List<Operation> operations = new ArrayList<>(List.of(first));
        pushes.stream().skip(1).forEach(push -> operations.add(operation(push, () -> { }).after(List.of(first))));
        List<String> labels = pushes.stream().map(Push::label).toList();
        String last = labels.get(labels.size() - 1);
        return new Stage(labels.size() == 1 ? last : String.join(", ", labels.subList(0, labels.size() - 1)) + " and " + last, operations);
    }

    private GitPeer peer() {
        return new GitPeer(git, url);
    }

    private boolean isForced(Push push) {
        return push.from().isPresent() && push.ref().startsWith("refs/tags/"); // only where it is to be replaced
    }

    private void pushTogether(List<Push> pushes) {
        List<String> refspecs = pushes.stream().map(push -> push.refspec(isForced(push))).toList();
        Exec push = peer().push(refspecs, "--atomic");
        Exec.Result result = push.run();
        if (result.exit() != 0 && result.err().contains("does not support --atomic")) {
            pushes.forEach(this::pushAlone); // as near as such a server gets: the tag last
        } else if (result.exit() != 0) {
            throw PushRefusal.of(String.join(", ", refspecs), url, push, result, Map.of());
        }
    }

    private void pushAlone(Push one) {
        String refspec = one.refspec(isForced(one));
        Exec push = peer().push(List.of(refspec));
        Exec.Result result = push.run();
        if (result.exit() != 0 && !isMadeOtherwise(one, result)) {
            throw PushRefusal.of(refspec, url, push, result, review.map(Review::names).orElse(Map.of()));
        }
    }

    // A Gerrit has a second way to make a branch of a commit that it has, and may let us take only that.
    private boolean isMadeOtherwise(Push one, Exec.Result result) {
        return review.isPresent() && PushRefusal.isOne(result) && one.from().isEmpty() && one.ref().startsWith("refs/heads/")
                && review.get().gerrit().createBranch(one.ref().substring("refs/heads/".length()), one.to()).exit() == 0;
    }

    /** That the branch has the release, and everybody sees its tag. */
    public Proof.Part branchProof(Environment environment, Project project, BuiltRelease built) {
        return new BranchProof(environment, project, Optional.of(git), git.env()).part(url, built.version(), Optional.of(built.commit()), Optional.of(tag.branch()), true);
    }

    /** After the release is out: HEAD is on its branch again, and that is where the server's is. */
    public void backOnBranch(Console console) {
        new BackOnBranch(peer(), tag.branch(), there -> review.map(how -> how.isSubmittedOtherwise(there)).orElse(false), console).go();
    }

    /**
     * The tag that a built release is of, with HEAD on it, or on its branch, which is ready to be pushed. Throws Fault
     * (refused) where something else would be published than was built and tagged.
     */
    public static ReleaseTag tagOf(Git git, BuiltRelease built) {
        String version = built.version().toString();
        if (!built.target().equals("all") || built.tag().isEmpty()) {
            throw Fault.refused("release/ holds only a manual", "it was built with --target " + built.target() + " of " + built.commit(),
                    "upload it with --target manual, or run jbang build.java on the tag");
        }
        Optional<String> tagged = git.commit(ReleaseTag.ref(version)).map(ObjectId::name);
        if (!tagged.equals(Optional.of(built.commit()))) {
            throw Fault.refused("release/ was not built from the tag " + version, "it was built from " + built.commit() + ", the tag is "
                    + tagged.map(id -> "on " + id).orElse("gone"), "git checkout " + version + ", and run jbang build.java");
        }
        ReleaseTag tag = ReleaseTag.remembered(git, version).filter(made -> made.commit().name().equals(built.commit()))
                .orElseThrow(() -> Fault.refused("the branch of " + version + " is not known here", "tag was run in another clone, or the tag was made by hand",
                        "git checkout the release's branch, and run jbang tag.java: it finds the tag and remembers the branch"));
        // On its branch it is after an upload, to this environment or another.
        if (!git.head().name().equals(built.commit()) && !git.branch().equals(Optional.of(tag.branch()))) {
            throw Fault.refused("HEAD is not the tag " + version, "HEAD is on " + git.head().name(), "git checkout " + version + ", and run again");
        }
        if (!git.commit("refs/heads/" + tag.branch()).map(tip -> git.isAncestor(tag.commit(), tip)).orElse(false)) {
            throw Fault.refused("the tag " + version + " is not in the history of its branch " + tag.branch(),
                    "the branch would be pushed without the release", "git checkout " + tag.branch() + ", and run jbang tag.java: it merges the tag back");
        }
        return tag;
    }

    /** The version a checkout is about: HEAD's, or, where development goes on after a release, the newest whose tag is in its history. */
    public static Version version(Git git, Project project) {
        Version head = Release.at(git, project).version();
        return !head.isDevelopment() ? head : git.git("for-each-ref", "--merged=HEAD", "--format=%(refname:strip=2)", "refs/tags").run().out().lines()
                .flatMap(name -> parsed(name).stream()).max(Comparator.naturalOrder()).orElse(head);
    }

    private static Optional<Version> parsed(String name) {
        try {
            return Optional.of(Version.of(name));
        } catch (IllegalArgumentException e) {
            return Optional.empty(); // a tag of something else
        }
    }

    /** Throws Fault when the repository does not answer this user, or, for a run, would not take the push. */
    public void requireReachable(boolean forPush) {
        if (!forPush || review.isPresent() && !review.get().inPlan()) {
            git.git("ls-remote", "--quiet", "--", url, "HEAD").orFail("the git repository " + url + " cannot be reached", GitPeer.REACH);
            return;
        }
        String branch = "refs/heads/" + tag.branch();
        Exec push = peer().push(List.of(branch + ":" + review.filter(how -> !how.direct()).map(Review::target).orElse(branch)), "--dry-run");
        Exec.Result result = push.run();
        // A branch that went on there is the plan's to tell, with both commits.
        if (result.exit() != 0 && !result.out().contains("[rejected]")) {
            throw Fault.failed("the git repository " + url + " cannot be reached", push.because(result), GitPeer.REACH);
        }
    }
}
