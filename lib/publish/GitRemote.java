package lib.publish;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import lib.base.Exec;
import lib.base.Fault;
import lib.git.Git;
import lib.release.BuiltRelease;
import lib.release.ReleaseTag;
import org.eclipse.jgit.lib.ObjectId;

/**
 * The branch and the tag of a release in a remote repository, branch first: Gerrit refuses a tag
 * whose commits it has not seen. Pushed by the user's git, with their ssh and their credentials.
 *
 * @param url    as git understands it
 * @param gerrit branches go to {@code refs/for/}, for review
 * @param tag    the release's tag and branch in this clone
 * @param replace another tag of that name there is replaced: somebody said so by name
 */
public record GitRemote(Git git, String url, boolean gerrit, ReleaseTag tag, boolean replace) implements Destination {

    private static final String REACH = "check the address, your ssh key and your permissions there, and run again";

    @Override
    public String name() {
        return "git";
    }

    @Override
    public Difference compare() {
        String branch = "refs/heads/" + tag.branch();
        String tagRef = ReleaseTag.ref(tag.version());
        ObjectId localTag = git.object(tagRef).orElseThrow();
        ObjectId localBranch = git.commit(branch).orElseThrow();
        Map<String, ObjectId> there = list(branch, tagRef);
        List<Stage> stages = new ArrayList<>();
        List<String> conflicts = new ArrayList<>();
        pushBranch(branch, localBranch, Optional.ofNullable(there.get(branch)), localTag.equals(there.get(tagRef)), conflicts)
                .ifPresent(push -> stages.add(new Stage("branch", List.of(push))));
        ObjectId remoteTag = there.get(tagRef);
        if (remoteTag == null) {
            stages.add(new Stage("tag", List.of(Operation.create(tagRef + " on " + url, 0, localTag.name(), () -> push(localTag.name() + ":" + tagRef)))));
        } else if (!remoteTag.equals(localTag) && replace) {
            stages.add(new Stage("tag", List.of(Operation.move(tagRef + " on " + url, remoteTag.name(), localTag.name(), () -> push("+" + localTag.name() + ":" + tagRef)))));
        } else if (!remoteTag.equals(localTag)) {
            conflicts.add(tagRef + " on " + url + " is " + remoteTag.name() + ", here it is " + localTag.name());
        }
        return new Difference(stages, conflicts);
    }

    private Optional<Operation> pushBranch(String branch, ObjectId local, Optional<ObjectId> remote, boolean tagIsThere, List<String> conflicts) {
        if (remote.isPresent() && git.commit(remote.get().name()).isEmpty()) {
            // Whether ours are among the commits that are there only those commits tell; no reference is made for them.
            git.git("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--", url, branch).run();
        }
        boolean merged = remote.isPresent() && git.commit(remote.get().name()).isPresent() && git.isAncestor(local, remote.get());
        if (merged || gerrit && tagIsThere) {
            return Optional.empty();
        }
        if (gerrit) {
            String target = "refs/for/" + tag.branch();
            return Optional.of(Operation.create(target + " on " + url, 0, local.name(), () -> push(local.name() + ":" + target)));
        }
        if (remote.isEmpty()) {
            return Optional.of(Operation.create(branch + " on " + url, 0, local.name(), () -> push(local.name() + ":" + branch)));
        }
        if (git.commit(remote.get().name()).isEmpty() || !git.isAncestor(remote.get(), local)) {
            conflicts.add(branch + " on " + url + " has commits that are not in the branch here: it is on " + remote.get().name()
                    + (git.isShallow() ? "; this clone is shallow and may not know: git fetch --unshallow" : "; fetch and merge it first"));
            return Optional.empty();
        }
        return Optional.of(Operation.move(branch + " on " + url, remote.get().name(), local.name(), () -> push(local.name() + ":" + branch)));
    }

    /**
     * The tag that a built release is of, with HEAD on it and its branch ready to be pushed. Throws Fault
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
        if (!git.head().name().equals(built.commit())) {
            throw Fault.refused("HEAD is not the tag " + version, "HEAD is on " + git.head().name(), "git checkout " + version + ", and run again");
        }
        ReleaseTag tag = ReleaseTag.remembered(git, version).filter(made -> made.commit().name().equals(built.commit()))
                .orElseThrow(() -> Fault.refused("the branch of " + version + " is not known here", "tag was run in another clone, or the tag was made by hand",
                        "git checkout the release's branch, and run jbang tag.java: it finds the tag and remembers the branch"));
        if (!git.commit("refs/heads/" + tag.branch()).map(tip -> git.isAncestor(tag.commit(), tip)).orElse(false)) {
            throw Fault.refused("the tag " + version + " is not in the history of its branch " + tag.branch(),
                    "the branch would be pushed without the release", "git checkout " + tag.branch() + ", and run jbang tag.java: it merges the tag back");
        }
        return tag;
    }

    /** Throws Fault when the repository does not answer this user, or, for a run, would not take the push. */
    public void requireReachable(boolean forPush) {
        if (!forPush) {
            git.git("ls-remote", "--quiet", "--", url, "HEAD").orFail("the git repository " + url + " cannot be reached", REACH);
            return;
        }
        String branch = "refs/heads/" + tag.branch();
        Exec push = git.git("push", "--dry-run", "--porcelain", "--no-verify", "--no-follow-tags", "--recurse-submodules=no", "--", url, branch + ":" + (gerrit ? "refs/for/" + tag.branch() : branch));
        Exec.Result result = push.run();
        // A branch that went on there is the plan's to tell, with both commits.
        if (result.exit() != 0 && !result.out().contains("[rejected]")) {
            throw Fault.failed("the git repository " + url + " cannot be reached", push.because(result), REACH);
        }
    }

    private Map<String, ObjectId> list(String... refs) {
        List<String> line = new ArrayList<>(List.of("ls-remote", "--", url));
        line.addAll(List.of(refs));
        String out = git.git(line.toArray(new String[0])).orFail("the git repository " + url + " cannot be reached", REACH);
        Map<String, ObjectId> there = new HashMap<>();
        out.lines().map(text -> text.split("\t")).forEach(parts -> there.put(parts[1], ObjectId.fromString(parts[0])));
        return there;
    }

    // What the plan says, and nothing that the user's settings or a hook would push with it.
    private void push(String refspec) {
        Exec push = git.git("push", "--porcelain", "--no-verify", "--no-follow-tags", "--recurse-submodules=no", "--", url, refspec);
        Exec.Result result = push.run();
        // Gerrit's way of saying that a rerun has nothing to add.
        boolean nothingNew = gerrit && (result.out() + result.err()).contains("no new changes");
        if (result.exit() != 0 && !nothingNew) {
            throw Fault.failed("git could not push " + refspec, List.of(result.out().strip(), push.because(result)),
                    "fix what git reports and run upload again: what is published already is skipped");
        }
    }
}
