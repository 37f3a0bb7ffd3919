package lib.release;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import lib.base.Console;
import lib.base.Fault;
import lib.config.Config;
import lib.config.Project;
import lib.git.Git;
import lib.git.GitRemotes;
import org.eclipse.jgit.lib.ObjectId;

/**
 * What must hold before a release is made from a branch. Looks, here and where the project is at home, and changes nothing.
 *
 * @param branch without {@code refs/heads/}
 * @param tip    the commit it is on
 * @param again  the version may be there already: whoever asks says what becomes of its tag
 */
public record Checks(Git git, Config config, Release release, String branch, ObjectId tip, boolean again) {

    private static final int SHOWN = 20;

    /**
     * Throws Fault (refused) with {@code known} and all that the checks have found, but for those to skip; tells the console what is checked.
     * Returns those that were skipped, which are not those that had nothing to ask.
     */
    public Set<Check> require(Set<Check> skip, List<String> known, Console console) {
        List<Past> past = Past.of(git, tip);
        return Checking.require(Check.class, check -> question(check, past), skip, known, "Checking before the release", console, faults -> Fault.refused(
                release.version() + " cannot be released from " + branch + " yet", faults,
                "fix that and run again; --skip NAME,... skips checks by name, and the release commit says which"));
    }

    /** Empty where there is nothing to ask. */
    private Optional<Checking.Question> question(Check check, List<Past> past) {
        Project project = config.project();
        return switch (check) {
            case newer -> Optional.of(() -> newer(past));
            case pointer -> PublicPlace.live(git, config).map(live -> () -> pointer(live, past));
            case name -> Optional.of(() -> name(past));
            case upstream -> new GitRemotes(git).upstream(branch).map(upstream -> () -> upstream(upstream));
            case blockers -> project.releaseBlocker().map(label -> () -> blockers(project, label));
            case post -> project.post().map(post -> () -> post(project, post));
        };
    }

    private List<String> newer(List<Past> past) {
        Version version = release.version();
        return hidden().or(() -> past.stream().filter(Past::tag).map(Past::version).max(Comparator.naturalOrder())
                .filter(newest -> newest.compareTo(version) > 0 || newest.equals(version) && !again)
                .map(newest -> version + " is not newer than the tag " + newest + ", which is in the history of " + branch)).stream().toList();
    }

    private Optional<String> hidden() {
        return git.isShallow() ? Optional.of("this clone is shallow, so that earlier releases may be out of sight: git fetch --unshallow") : Optional.empty();
    }

    // A patch of an older MAJOR leaves the pointers of the newer one alone; its own MAJOR's it must go past.
    private List<String> pointer(PublicPlace live, List<Past> past) throws IOException {
        Version version = release.version();
        Optional<Version> out = live.manifest().filter(at -> at.compareTo(version) >= 0);
        boolean maintenance = out.isPresent() && !out.get().major().equals(version.major());
        if (maintenance && past.stream().noneMatch(earlier -> earlier.version().major().equals(version.major()))) {
            return List.of(out.get() + " is out on live, and no release is in the history of " + branch + " that " + version + " could be a patch of");
        }
        return (maintenance ? live.manual(version.major()).filter(at -> at.compareTo(version) >= 0) : out)
                .map(at -> version + " is not newer than " + at + ", which is out on live").stream().toList();
    }

    private List<String> name(List<Past> past) {
        Version version = release.version();
        if (hidden().isPresent()) {
            return List.of(hidden().get());
        }
        List<Past> others = past.stream().filter(other -> other.name().isPresent() && !other.version().equals(version)).toList();
        Optional<Past> before = others.stream().filter(other -> other.version().major().equals(version.major())).max(Comparator.comparing(Past::version));
        if (before.isPresent()) {
            return before.filter(other -> !other.name().get().equals(release.name())).map(other -> "the name of " + other.version() + " is \"" + other.name().get()
                    + "\", that of " + version + " is \"" + release.name() + "\": within a MAJOR it stays the same").stream().toList();
        }
        return others.stream().filter(other -> other.name().get().equalsIgnoreCase(release.name())).max(Comparator.comparing(Past::version))
                .map(other -> "\"" + release.name() + "\" is the name of " + other.version() + " already: a new MAJOR gets a new one").stream().toList();
    }

    private List<String> upstream(GitRemotes.Upstream upstream) {
        try {
            Optional<ObjectId> there = new GitRemotes(git).tip(upstream);
            if (there.isEmpty()) {
                return List.of(branch + " follows " + upstream + ", which is not there: git branch --unset-upstream " + branch + ", or name another");
            }
            boolean has = git.commit(there.get().name()).map(commit -> git.isAncestor(commit, tip)).orElse(false);
            return has ? List.of() : List.of(branch + " lacks commits that " + upstream + " has, up to " + there.get().abbreviate(12).name() + ": git pull");
        } catch (Fault fault) {
            return List.of(fault.getMessage());
        }
    }

    private List<String> blockers(Project project, String label) throws IOException {
        try (Forge forge = new Forge(project.forge().orElseThrow(), git.env())) {
            List<Forge.Item> open = forge.openIssues(project.repository().orElseThrow(), label);
            List<String> lines = new ArrayList<>(open.stream().limit(SHOWN).map(issue -> issue + " is open, with the label " + label).toList());
            if (open.size() > SHOWN) {
                lines.add("and " + (open.size() - SHOWN) + " more");
            }
            return lines;
        }
    }

    private List<String> post(Project project, Project.Post post) throws IOException {
        String text = post.of(release.version().toString(), release.major());
        try (Forge forge = new Forge(project.forge().orElseThrow(), git.env())) {
            List<Forge.Item> found = forge.pullRequests(post.repository(), text);
            if (found.stream().anyMatch(pull -> pull.open() || pull.merged())) {
                return List.of();
            }
            return List.of(found.stream().findFirst().map(pull -> "the pull request " + pull + " was closed and not merged: open it again, or another")
                    .orElse("no pull request in " + post.repository() + " has the branch '" + text + "', or that in its title: open one with the post about the release"));
        }
    }
}
