package lib.release;

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
 * @param branch the branch the release is made on, without {@code refs/heads/}
 * @param tip    the commit that branch is on
 * @param oldTag what the tag's name refers to now, whoever made it
 * @param commit the release commit, where the tag is on it and it was made from this tip or merged into it
 * @param merge  the tip, where its history holds that commit
 * @param there  whether HEAD is detached on that commit
 */
public record ReleaseState(Release release, String branch, ObjectId tip, Optional<ObjectId> oldTag,
                           Optional<ObjectId> commit, Optional<ObjectId> merge, boolean there) {

    /** Looks, and changes nothing. Throws Fault (refused) for a HEAD no release can be made from or finished on. */
    public static ReleaseState look(Git git, Project project) {
        ObjectId head = git.head();
        Release release = releaseIn(git, project, head);
        Optional<ObjectId> tag = git.object(ReleaseTag.ref(release.version().toString()));
        Optional<ObjectId> ours = tag.filter(object -> isTagOf(git, release, object)).flatMap(object -> git.commit(object.name()));
        Optional<String> branch = git.branch();
        if (branch.isEmpty()) {
            return lookFromTag(git, release, head, tag, ours.filter(head::equals).isPresent());
        }
        Optional<ObjectId> merge = ours.filter(commit -> isMergeOf(git, head, commit)).map(commit -> head);
        Optional<ObjectId> commit = ours.filter(made -> merge.isPresent() || git.parents(made).equals(List.of(head)));
        return new ReleaseState(release, branch.get(), head, tag, commit, merge, false);
    }

    // HEAD is detached: fine on the tag of a release whose branch is known, nowhere else.
    private static ReleaseState lookFromTag(Git git, Release release, ObjectId head, Optional<ObjectId> tag, boolean onTag) {
        String version = release.version().toString();
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
        boolean merged = git.isAncestor(head, tip);
        if (!merged && !git.parents(head).equals(List.of(tip))) {
            throw Fault.refused("the tag " + version + " is not in the history of its branch " + branch,
                    branch + " is now on " + describe(git, tip),
                    "git checkout " + branch + "; then tag --force-tag makes the release again");
        }
        return new ReleaseState(release, branch, tip, tag, Optional.of(head), Optional.of(tip).filter(commit -> merged), true);
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

    private static Release releaseIn(Git git, Project project, ObjectId commit) {
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
        return there && merge.isPresent();
    }

    public String version() {
        return release.version().toString();
    }

    public String tagRef() {
        return ReleaseTag.ref(version());
    }

    public String branchRef() {
        return "refs/heads/" + branch;
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
