package lib.release;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import lib.base.Fault;
import lib.config.Project;
import lib.git.Git;
import org.eclipse.jgit.lib.ObjectId;

/**
 * How far a release has got in git, as its commits and references tell it, not as some earlier run
 * wrote it down.
 *
 * @param branch    the branch the release is made on, without {@code refs/heads/}
 * @param tip       the commit that branch is on
 * @param oldTag    what the tag's name refers to now, whoever made it
 * @param commit    the release commit, where the tag is on it and it was made from this tip or merged into it
 * @param merge     the commit that merges it back, on the branch or where the MAJOR's maintenance branch begins
 * @param merged    whether the branch holds all that this release adds to it
 * @param branchOff the maintenance branch that begins with this release, where that was made
 * @param there     whether HEAD is detached on the release commit
 */
public record ReleaseState(Release release, String branch, ObjectId tip, Optional<ObjectId> oldTag, Optional<ObjectId> commit,
                           Optional<ObjectId> merge, boolean merged, Optional<BranchOff> branchOff, boolean there) {

    /** Looks, and changes nothing. Throws Fault (refused) for a HEAD no release can be made from or finished on. */
    public static ReleaseState look(Git git, Project project) {
        ObjectId head = git.head();
        Optional<String> branch = git.branch();
        if (branch.isEmpty()) {
            return lookFromTag(git, releaseIn(git, project, head), head);
        }
        Optional<Release> before = Development.before(git, project, head);
        if (before.isPresent()) {
            Release release = before.get();
            ObjectId merge = git.parents(head).get(0);
            Optional<ObjectId> ours = taggedCommit(git, release).filter(commit -> isMergeOf(git, merge, commit));
            if (ours.isPresent()) {
                return new ReleaseState(release, branch.get(), head, git.object(tagRef(release)), ours, Optional.of(merge), true,
                        Optional.of(new BranchOff(BranchOff.nameOf(release.major()), merge)), false);
            }
        }
        Release release = releaseIn(git, project, head);
        Optional<ObjectId> ours = taggedCommit(git, release);
        Optional<ObjectId> tag = git.object(tagRef(release));
        if (ours.filter(commit -> isMergeOf(git, head, commit)).isPresent()) {
            return new ReleaseState(release, branch.get(), head, tag, ours, Optional.of(head), true, Optional.empty(), false);
        }
        return unmerged(git, release, branch.get(), head, tag, ours.filter(made -> git.parents(made).equals(List.of(head))), false);
    }

    // A git killed between two references has made the maintenance branch, which comes first, and not moved ours.
    private static ReleaseState unmerged(Git git, Release release, String branch, ObjectId tip, Optional<ObjectId> tag, Optional<ObjectId> commit, boolean there) {
        String name = BranchOff.nameOf(release.major());
        Optional<BranchOff> begun = commit.flatMap(made -> git.commit("refs/heads/" + name).filter(start -> !name.equals(branch) && isMergeOf(git, start, made)))
                .map(start -> new BranchOff(name, start));
        return new ReleaseState(release, branch, tip, tag, commit, begun.map(BranchOff::start), false, begun, there);
    }

    // HEAD is detached: fine on the tag of a release whose branch is known, nowhere else.
    private static ReleaseState lookFromTag(Git git, Release release, ObjectId head) {
        String version = release.version().toString();
        boolean onTag = taggedCommit(git, release).filter(head::equals).isPresent();
        ReleaseTag known = (onTag ? ReleaseTag.remembered(git, version) : Optional.<ReleaseTag>empty())
                .filter(remembered -> remembered.commit().equals(head))
                .orElseThrow(() -> Fault.refused("HEAD is detached at " + describe(git, head),
                        onTag ? "this is the tag " + version + ", but the branch it was made on is not remembered"
                                : "a release is made on a branch, and this is not the tag of one made here",
                        "git checkout the release's branch, and run tag again"));
        String branch = known.branch();
        ObjectId tip = git.commit("refs/heads/" + branch).orElseThrow(() -> Fault.refused(
                "the branch " + branch + " of the release " + version + " is gone", "the tag " + version + " was made on it",
                "git branch " + branch + " COMMIT, and run tag again"));
        Optional<ObjectId> tag = git.object(tagRef(release));
        if (git.isAncestor(head, tip)) {
            Optional<ObjectId> merge = known.branchOff().map(BranchOff::start).or(() -> Optional.of(tip));
            return new ReleaseState(release, branch, tip, tag, Optional.of(head), merge, true, known.branchOff(), true);
        }
        if (!git.parents(head).equals(List.of(tip))) {
            throw Fault.refused("the tag " + version + " is not in the history of its branch " + branch,
                    branch + " is now on " + describe(git, tip),
                    "git checkout " + branch + "; then tag --force-tag makes the release again");
        }
        return unmerged(git, release, branch, tip, tag, Optional.of(head), true);
    }

    private static Optional<ObjectId> taggedCommit(Git git, Release release) {
        return git.object(tagRef(release)).filter(object -> isTagOf(git, release, object)).flatMap(object -> git.commit(object.name()));
    }

    private static String tagRef(Release release) {
        return ReleaseTag.ref(release.version().toString());
    }

    /** Whether a tag is what a release of the commit before it must be, whenever and wherever it was made. */
    private static boolean isTagOf(Git git, Release release, ObjectId tag) {
        String subject = subject(release);
        Optional<ObjectId> commit = git.commit(tag.name()).filter(peeled -> firstLine(git.message(peeled)).equals(subject));
        if (commit.isEmpty() || !git.tagMessage(tag).map(message -> firstLine(message).equals(subject)).orElse(false)) {
            return false;
        }
        List<ObjectId> parents = git.parents(commit.get());
        return parents.size() == 1 && git.tree(commit.get())
                .equals(officialTree(git, parents.get(0), releaseIn(git, release.project(), parents.get(0))));
    }

    private static boolean isMergeOf(Git git, ObjectId tip, ObjectId commit) {
        List<ObjectId> parents = git.parents(tip);
        return parents.size() == 2 && parents.get(1).equals(commit) && git.parents(commit).equals(parents.subList(0, 1))
                && git.tree(tip).equals(git.tree(parents.get(0)));
    }

    static Release releaseIn(Git git, Project project, ObjectId commit) {
        String file = project.versionFile();
        return Release.read(project, git.read(commit, file).orElseThrow(() -> Fault.failed("there is no " + file,
                "the commit " + describe(git, commit) + " has none", "check out the branch the release is made from")), file);
    }

    /** The tree a release commit on top of {@code commit} has: one with the official flag set, nothing else. */
    public static ObjectId officialTree(Git git, ObjectId commit, Release release) {
        OfficialFlag flag = OfficialFlag.in(git, commit, release);
        return git.edit(commit, Map.of(flag.file(), Optional.of(flag.marked())));
    }

    /** Whether nothing is left to do. */
    public boolean finished() {
        return there && merged;
    }

    public String version() {
        return release.version().toString();
    }

    public String tagRef() {
        return tagRef(release);
    }

    public String branchRef() {
        return "refs/heads/" + branch;
    }

    /** Whether the branch ends with what the release has added to it, and nothing was committed since. */
    boolean endsBranch(Git git) {
        boolean development = branchOff.isPresent() && Development.before(git, release.project(), tip).isPresent();
        ObjectId end = development ? git.parents(tip).get(0) : tip;
        return commit.isPresent() && (git.parents(commit.get()).contains(tip) || isMergeOf(git, end, commit.get()));
    }

    /** What moves the branch to {@code end} and begins its maintenance branch, where that is not done yet: all or none. */
    public List<Git.Move> moves(Git git, Optional<BranchOff> begun, ObjectId end) {
        List<Git.Move> moves = new ArrayList<>();
        begun.filter(off -> Development.known(git, off.branch()).isEmpty())
                .ifPresent(off -> moves.add(new Git.Move(off.ref(), Optional.empty(), Optional.of(off.start()))));
        if (!end.equals(tip)) {
            moves.add(new Git.Move(branchRef(), Optional.of(tip), Optional.of(end)));
        }
        return moves;
    }

    /** The first line of the release commit's message and of its tag's. */
    public String subject() {
        return subject(release);
    }

    private static String subject(Release release) {
        return "release: " + release.version() + " \"" + release.name() + "\"";
    }

    /** A commit as people recognise it. */
    public static String describe(Git git, ObjectId commit) {
        return commit.name().substring(0, 12) + " '" + firstLine(git.message(commit)) + "'";
    }

    public static String firstLine(String message) {
        return message.lines().findFirst().orElse("");
    }
}
