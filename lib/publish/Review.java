package lib.publish;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import lib.base.Console;
import lib.base.Exec;
import lib.base.Fault;
import lib.config.Environment;
import lib.config.Project;
import lib.git.Git;
import lib.git.GitChangeIds;
import lib.git.GitPeer;
import lib.git.GitServer;
import lib.http.Network;
import lib.release.OfficialFlag;
import lib.release.Release;
import lib.release.ReleaseTag;
import org.eclipse.jgit.lib.ObjectId;
import picocli.CommandLine.Option;

/**
 * The review of a release on a Gerrit, which comes before its publication: nothing is published before the release commit is in the
 * server's branch. The push for review is the one real check Gerrit has of what it takes, and it publishes nothing.
 *
 * @param direct past the review, with the right to push to branches: then it is one of the plan's operations, as is {@code --submit}
 */
public record Review(Gerrit gerrit, boolean direct, Options wish, ReleaseTag tag, Console console) {

    /** What to do about changes that are not submitted yet, as a picocli mixin. */
    public static final class Options {
        @Option(names = "--wait", description = "On a Gerrit: wait until the release commit is in the server's branch, instead of ending with exit code 4.")
        public boolean wait;

        @Option(names = "--submit", description = "On a Gerrit: submit the changes, too, with the right to do so past the review.")
        public boolean submit;

        /** For a release that goes to a Gerrit; empty elsewhere. Throws Fault (usage) for options that mean nothing there. */
        public Optional<Review> of(Git git, Environment environment, Project project, ReleaseTag tag, Network network, Console console) {
            if ((wait || submit) && environment.gerrit() != Environment.Gerrit.review) {
                throw Fault.usage(environment.name() + " does not review on a Gerrit", "--wait and --submit are about changes that are in review", "omit them");
            }
            if (wait && submit) {
                throw Fault.usage("--wait and --submit exclude each other", "who submits need not wait", "choose one");
            }
            return environment.git().filter(url -> environment.gerrit() != Environment.Gerrit.no).map(url -> new Review(new Gerrit(git, GitServer.require(git, url).url(), project, network),
                    environment.gerrit() == Environment.Gerrit.direct, this, tag, console));
        }
    }

    private static final Duration SHORTEST = Duration.ofMillis(500);
    private static final Duration LONGEST = Duration.ofSeconds(30);

    /** Everything but the release commit is asked of the branch as it is here: who merges the server's branch into it pushes that, too. */
    private ObjectId tip() {
        return git().commit("refs/heads/" + tag.branch()).orElseThrow();
    }

    private Git git() {
        return gerrit.git();
    }

    private GitPeer peer() {
        return new GitPeer(git(), gerrit.url());
    }

    private String spoken() {
        return tag.branch() + " on " + gerrit.url();
    }

    /** Where branches are pushed to for review. */
    String target() {
        return "refs/for/" + tag.branch();
    }

    /** Whether the branch gets there by an operation of the plan. */
    boolean inPlan() {
        return direct || wish.submit;
    }

    /**
     * The first step of an upload: checks and pushes for review, unless that is the plan's to do, and returns when the release commit
     * is in the server's branch. Throws Fault (waiting) while it is not, and Fault (refused) for what will never get there.
     *
     * @param planOnly nothing is pushed
     */
    public void beforeAnything(boolean planOnly) {
        console.step("Looking for " + tag.version() + " in " + spoken());
        ObjectId there = look();
        if (!peer().holds(there, tag.commit()) && !direct) {
            requireReviewable(there);
            if (planOnly || wish.submit) {
                return;
            }
            push();
            there = submitted();
        }
        tellWhatIsLeft(there);
    }

    private ObjectId look() {
        return peer().branch(tag.branch()).orElseThrow(() -> Fault.refused("there is no branch " + spoken(), "changes are reviewed for a branch that is there",
                "git checkout the branch that it has, git merge --ff-only " + tag.branch() + ", and jbang tag.java, which finds the tag; then git checkout "
                        + tag.version() + " and run upload again. Or have the branch made there"));
    }

    private List<ObjectId> notIn(ObjectId there) {
        return git().git("rev-list", "--reverse", "--topo-order", tip().name(), "^" + there.name()).orFail("git could not search the history", "git fetch, and run again")
                .lines().<ObjectId>map(ObjectId::fromString).toList();
    }

    /** What Gerrit would refuse at once, and what it would take and never submit as it is; the rest only the push tells. */
    private void requireReviewable(ObjectId there) {
        List<String> faults = new ArrayList<>();
        GitChangeIds.faults(git(), notIn(there)).forEach(fault -> faults.add(fault + ": to make the release again with one, undo it (jbang tag.java --undo), "
                + "install the hook (" + GitServer.hook(gerrit.project(), gerrit.url()) + ") and amend or rebase what lacks one"));
        Optional<Gerrit.Settings> settings = gerrit.settings();
        String type = settings.map(Gerrit.Settings::submitType).orElse("");
        if (settings.map(known -> !known.state().equals("ACTIVE")).orElse(false)) {
            faults.add("the project is " + settings.get().state() + ": have its owner set it to active");
        }
        if (type.equals("CHERRY_PICK")) {
            faults.add("the project submits by Cherry Pick, which makes other commits of ours, and the release would not be in " + tag.branch()
                    + ": with the right to push to the branch, say \"gerrit\": \"direct\"; or have its owner set another submit type");
        }
        if (type.equals("FAST_FORWARD_ONLY") && !git().isAncestor(there, tip())) {
            faults.add("the project submits Fast Forward Only, and " + tag.branch() + " has gone on there: " + merging());
        }
        if (settings.isEmpty() && wish.submit) {
            faults.add("it is not known how the project submits, and Cherry Pick would make other commits of ours: " + gerrit.web().orElse("no web address")
                    + " does not answer; say where it is with the project's key 'review', or omit --submit");
        } else if (settings.isEmpty()) {
            console.warn("how the project submits is not known: " + gerrit.web().orElse("no web address") + " does not answer");
        }
        if (!faults.isEmpty()) {
            throw Fault.refused(tag.version() + " cannot be reviewed for " + spoken(), faults, "fix that and run upload again; nothing was published");
        }
    }

    private String merging() {
        return "git checkout " + tag.branch() + ", git fetch " + gerrit.url() + " " + tag.branch() + ", git merge FETCH_HEAD, git checkout " + tag.version();
    }

    private void push() {
        String refspec = tip().name() + ":" + target();
        Exec push = peer().push(List.of(refspec));
        Exec.Result result = push.run();
        if (result.exit() != 0 && !isNothingNew(result)) {
            throw PushRefusal.of(refspec, gerrit.url(), push, result, names());
        }
    }

    /** Gerrit's way of saying that it knows these commits: from changes that may be open, submitted, abandoned or rebased since. */
    static boolean isNothingNew(Exec.Result result) {
        return (result.out() + result.err()).contains("no new changes");
    }

    /** What stands in remedies for these words. */
    Map<String, String> names() {
        return Map.of("BRANCH", tag.branch(), "WEB", gerrit.web().orElse("https://GERRIT"), "HOOK", GitServer.hook(gerrit.project(), gerrit.url()),
                "FLUSH", gerrit.command("gerrit flush-caches --cache git_tags"));
    }

    // Who may not ask can still have the changes submitted, and go on.
    private List<Gerrit.Change> changes(ObjectId there) {
        try {
            return gerrit.changes(tag.branch(), notIn(there));
        } catch (Fault fault) {
            console.warn(fault.getMessage() + " (" + fault.next() + ")");
            return List.of();
        }
    }

    /** Returns the server's branch as soon as it holds the release commit. */
    private ObjectId submitted() {
        List<String> shown = List.of();
        for (Duration pause = SHORTEST; ; pause = pause.multipliedBy(2).compareTo(LONGEST) < 0 ? pause.multipliedBy(2) : LONGEST) {
            List<Gerrit.Change> changes = changes(look());
            ObjectId there = look(); // after the changes: what was submitted meanwhile is no fault
            if (peer().holds(there, tag.commit())) {
                return there;
            }
            List<String> states = changes.stream().map(Gerrit.Change::toString).toList();
            if (!states.equals(shown)) {
                states.forEach(console::print);
                shown = states;
            }
            requireWithinReach(changes, there);
            Fault waiting = waiting(changes);
            if (!wish.wait) {
                throw waiting;
            }
            if (pause.equals(SHORTEST)) {
                console.say("waiting: " + waiting.next() + "; to stop waiting is safe, and running again goes on");
            }
            sleep(pause);
        }
    }

    private Fault waiting(List<Gerrit.Change> changes) {
        String top = changes.isEmpty() ? "" : ", " + changes.get(changes.size() - 1).address() + ",";
        return Fault.waiting(tag.version() + " is in review: its commit " + tag.commit().name() + " is not in " + spoken() + " yet", List.of("nothing was published"),
                "have the top change" + top + " submitted with all below it; do not rebase any. Then run upload again" + (wish.wait ? "" : ", or let it wait with --wait"));
    }

    /** Throws Fault (refused) where the release commit cannot get into the branch by the changes there are. */
    private void requireWithinReach(List<Gerrit.Change> changes, ObjectId there) {
        List<String> faults = new ArrayList<>();
        for (Gerrit.Change change : changes) {
            if (change.state().equals("ABANDONED")) {
                faults.add(change.address() + " is abandoned: restore it there, or with " + gerrit.command("\"" + gerrit.review("--restore", tag.branch(), change.commit()) + "\""));
            } else if (change.open() && !change.ours()) {
                faults.add(change.address() + " was rebased or amended: its patch set " + change.patchSet() + " is " + change.current().name() + ", ours is " + change.commit().name());
            }
        }
        boolean lost = !changes.isEmpty() && changes.stream().noneMatch(Gerrit.Change::open) && faults.isEmpty();
        if (lost) {
            Gerrit.Change top = changes.get(changes.size() - 1);
            faults.add(top.address() + " is merged, as " + top.current().name() + ": by cherry-picking or rebasing, so that " + tag.branch() + " has other commits than ours");
        }
        if (!faults.isEmpty()) {
            boolean restorable = changes.stream().allMatch(Gerrit.Change::ours) && !lost;
            throw Fault.refused("the release commit " + tag.commit().name() + " cannot get into " + spoken() + " by these changes", faults, restorable ? "do that, and run upload again; nothing was published"
                    : (git().isAncestor(there, tip()) ? "" : merging() + ". Then ") + "have somebody push it who may push to branches (git push " + gerrit.url() + " " + tag.branch() + "), and run upload again. "
                            + "Or make the release again: abandon what is open of it, jbang tag.java --undo, give its notes another Change-Id (git commit --amend), jbang tag.java. Nothing was published");
        }
    }

    private void sleep(Duration pause) {
        try {
            // What happens on the server tells nobody here: it is asked, seldom.
            Thread.sleep(pause.toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw Fault.waiting("the run was interrupted", List.of("it waited for the review of " + tag.version() + "; nothing was published"), "run again");
        }
    }

    /** The release can go on; what else of the branch is open, and what went wrong with it, is said. */
    private void tellWhatIsLeft(ObjectId there) {
        if (direct || !peer().holds(there, tag.commit())) {
            return;
        }
        if (!peer().holds(there, tip())) {
            changes(there).stream().filter(Gerrit.Change::open)
                    .forEach(change -> console.warn(change.address() + " is still open: have it submitted, too, as it is; " + change.subject()));
        }
        if (isMarkedOfficial(there)) {
            console.warn(spoken() + " is marked as the official release " + tag.version() + ", which only the release commit may be: the changes were submitted one by one and rebased. "
                    + "Set that to false there with a change of its own");
        }
    }

    /** Whether all that our branch has and the server's has not was submitted as other commits: rebased ones. */
    boolean isSubmittedOtherwise(ObjectId there) {
        List<ObjectId> ours = notIn(there);
        List<Gerrit.Change> changes = gerrit.changes(tag.branch(), ours);
        return ours.stream().allMatch(commit -> changes.stream().anyMatch(change -> change.commit().equals(commit) && change.state().equals("MERGED")));
    }

    private boolean isMarkedOfficial(ObjectId commit) {
        try {
            Release release = Release.read(gerrit.project(), git().read(commit, gerrit.project().versionFile()).orElse(new byte[0]), gerrit.project().versionFile());
            return OfficialFlag.in(git(), commit, release).set();
        } catch (Fault unreadable) {
            return false; // whatever it is by now, it is not this release's
        }
    }

    /** What the plan has to do for the branch, which is at {@code there} on the server: to submit, or, to be seen in a plan, to push for review. */
    Optional<Operation> operation(Optional<ObjectId> there) {
        boolean left = there.isEmpty() || !peer().holds(there.get(), wish.submit ? tip() : tag.commit());
        String what = target() + (wish.submit ? "%submit" : "") + " on " + gerrit.url();
        return left ? Optional.of(Operation.create(what, 0, tip().name(), wish.submit ? this::submit : this::push)) : Optional.empty();
    }

    /** The plan's operation under {@code --submit}. Throws Fault where the release commit is not in the branch after it. */
    private void submit() {
        ObjectId tip = tip();
        String refspec = tip.name() + ":" + target() + "%submit";
        Exec push = peer().push(List.of(refspec));
        Exec.Result result = push.run();
        if (isNothingNew(result)) {
            // Known from a push for review: those it submits by its rules only.
            Exec.Result said = gerrit.submit(tag.branch(), tip);
            if (said.exit() != 0 && !peer().holds(look(), tip)) {
                throw Fault.refused(gerrit.url() + " did not submit the changes", said.err().lines().filter(line -> !line.isBlank() && !line.contains("one or more reviews failed")).toList(),
                        "have them approved and submitted, and run upload again; nothing was published");
            }
        } else if (result.exit() != 0) {
            throw PushRefusal.of(refspec, gerrit.url(), push, result, names());
        }
        if (!peer().holds(look(), tag.commit())) {
            throw Fault.failed("the release commit " + tag.commit().name() + " is not in " + spoken(), "its changes were submitted, as other commits", "run upload again: it says what can be done");
        }
    }
}
