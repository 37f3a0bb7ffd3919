package lib.release;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import lib.config.Project;
import lib.git.Git;
import org.eclipse.jgit.lib.ObjectId;

/** Whether a release is the one after which a MAJOR is maintained on a branch of its own, and what development goes on with. */
public final class Development {

    private static final String MAIN = "main";
    private static final String BEGIN = "release: begin ";
    private static final String NO_NAME_YET = "TBD";

    private Development() {
    }

    /**
     * The maintenance branch that a release begins: the first final release of a MAJOR that has none, from main. Empty for a patch, for
     * a pre-release, and on any other branch, which is not where development goes on.
     *
     * @param asked  whether to branch off, where somebody said so
     * @param faults gets what speaks against it
     */
    public static Optional<String> begunBy(Git git, ReleaseState found, Optional<Boolean> asked, List<String> faults) {
        Version version = found.release().version();
        String name = BranchOff.nameOf(version.major());
        if (found.merged() || found.branchOff().isPresent()) {
            return found.branchOff().map(BranchOff::branch);
        }
        if (!asked.orElse(version.isFinal() && version.isFirstOfMajor() && found.branch().equals(MAIN))) {
            return Optional.empty();
        }
        Map<String, ObjectId> there = known(git, name);
        // Whoever makes the first final release on a branch that pre-releases have begun is already there.
        if (asked.isEmpty() && there.values().stream().anyMatch(tip -> git.isAncestor(tip, found.tip()))) {
            return Optional.empty();
        }
        there.forEach((ref, tip) -> faults.add(ref + " exists already, on " + ReleaseState.describe(git, tip) + ": make this release there, "
                + "remove that branch, or pass --no-branch-off"));
        return Optional.of(name);
    }

    /** The branches of that name that this clone knows of, its own and those of its remotes. */
    static Map<String, ObjectId> known(Git git, String name) {
        return git.references("refs/heads/" + name, "refs/remotes/*/" + name);
    }

    /** The first line of the commit with which development goes on after a release. */
    public static String subject(Release release) {
        return BEGIN + release.version().nextDevelopment();
    }

    /** The tree of that commit, on top of the release's merge: the version file names the next version, which has no name yet. */
    public static ObjectId developmentTree(Git git, ObjectId merge, Release release) {
        String file = git.place(merge, release.project().versionFile());
        byte[] next = Release.withVersion(git.read(merge, file).orElseThrow(), file, release.version().nextDevelopment().toString(), NO_NAME_YET);
        return git.edit(merge, Map.of(file, Optional.of(next)));
    }

    /** The release after which development has begun in a commit, its merge being the commit's one parent; empty where it is no such commit. */
    static Optional<Release> before(Git git, Project project, ObjectId commit) {
        List<ObjectId> parents = git.parents(commit);
        String subject = ReleaseState.firstLine(git.message(commit));
        if (!subject.startsWith(BEGIN) || parents.size() != 1) {
            return Optional.empty();
        }
        return Optional.of(ReleaseState.releaseIn(git, project, parents.get(0)))
                .filter(release -> subject.equals(subject(release)) && git.tree(commit).equals(developmentTree(git, parents.get(0), release)));
    }
}
