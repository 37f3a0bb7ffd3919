///usr/bin/env jbang "$0" "$@" ; exit $?
//JAVA 17+
//DESCRIPTION Phase 2: the release commit on a detached HEAD, its tag, and the merge back.
//DEPS info.picocli:picocli:4.7.7
//DEPS com.fasterxml.jackson.core:jackson-databind:2.22.4
//DEPS org.eclipse.jgit:org.eclipse.jgit:7.8.1.202611041320-r
//DEPS org.slf4j:slf4j-nop:2.0.20
//DEPS org.apache.httpcomponents.client5:httpclient5:5.6.4
//SOURCES lib/base/*.java lib/http/*.java lib/config/*.java lib/git/Git*.java lib/git/JGit.java lib/git/Tree.java lib/release/OfficialFlag.java
//SOURCES lib/release/BranchOff.java lib/release/Development.java lib/release/Interrupted.java lib/release/Release.java lib/release/ReleaseState.java
//SOURCES lib/release/ReleaseTag.java lib/release/Undo.java lib/release/Version.java
//SOURCES lib/release/Check*.java lib/release/Forge.java lib/release/Past.java lib/release/PublicPlace.java
//JAVA_OPTIONS -XX:TieredStopAtLevel=1 -XX:+UseSerialGC

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.file.Files;
import java.util.*;
import lib.base.*;
import lib.config.Config;
import lib.git.*;
import lib.release.*;
import org.eclipse.jgit.lib.ObjectId;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(name = "tag", description = {
    "Makes the release commit and its tag, and merges the tag back into the branch.",
    "Run it on the branch the release is made from; HEAD ends detached on the tag. After a crash, run it again: it continues."})
class tag implements Cli.Phase {

    static final String BODY = "Release produced with releng.";
    static final String MERGE_BODY = "The tag becomes part of this branch's history, its tree does not.";
    static final String PLACEHOLDER_NAME = "TBD";

    @Option(names = "--force-tag", description = "Make the release again even if its tag already exists on another commit, "
            + "or the branch already has a release commit of this version. Prints the tag that it replaces.")
    boolean forceTag;

    @Option(names = "--no-check-git", description = "Do not refuse uncommitted changes. They stay in the work tree and are not "
            + "part of the release; everything else is still checked.")
    boolean noCheckGit;

    @Option(names = "--no-notes", description = "Do not refuse a version that has no release notes.")
    boolean noNotes;

    @Option(names = "--branch-off", negatable = true, description = "Begin, or do not begin, the maintenance branch release-MAJOR, and go on here "
            + "with the next development version. Default: with the first final release of a MAJOR, from main.")
    Boolean branchOff;

    @Option(names = "--sign", negatable = true, description = "Sign the tag, or do not. Default: as git's tag.gpgSign says.")
    Boolean sign;

    @Option(names = "--undo", description = "Take the tag and all that came with it back, as long as nobody else can have seen it.")
    boolean undo;
    @Option(names = "--skip", split = ",", paramLabel = "NAME", description = "Skip these checks before the release: ${COMPLETION-CANDIDATES}. "
            + "The release commit says which.")
    Set<Check> skip = EnumSet.noneOf(Check.class);

    public static void main(String[] args) {
        Cli.main(new tag(), args);
    }

    @Override
    public void run(Cli.Session session) {
        Console console = session.console();
        try (Git git = Git.open(session.checkout(), session.env())) {
            Config config = Config.of(git.workTree());
            ReleaseState found = ReleaseState.look(git, config.project());
            if (undo) {
                undo(git, config, found, console);
                return;
            }
            if (found.finished()) {
                report(console, found.version() + " is already tagged", found, found.commit().orElseThrow(), found.merge().orElseThrow(), found.branchOff());
                return;
            }
            requireOrder(git, found);
            List<String> faults = new ArrayList<>();
            Optional<String> begins = Development.begunBy(git, found, Optional.ofNullable(branchOff), faults);
            if (found.commit().isEmpty()) {
                lookForFaults(git, found, console, faults);
                skip = new Checks(git, config, found.release(), found.branch(), found.tip(), forceTag).require(skip, faults, console);
            } else {
                console.say("the tag " + found.version() + " of this release already exists: continuing from it");
            }
            if (!faults.isEmpty()) {
                throw Fault.refused(found.version() + " cannot be released from " + found.branch(), faults,
                        "fix that on " + found.branch() + ", commit, and run tag again");
            }

            // Stored first: until a reference names them, commits change nothing.
            console.step("Making the release commit and the merge");
            ObjectId commit = found.commit().orElseGet(() -> storeReleaseCommit(git, found));
            ObjectId merge = found.merge().orElseGet(() -> storeMerge(git, found, commit));
            Optional<BranchOff> begun = begins.map(name -> new BranchOff(name, merge));
            ObjectId tip = found.merged() ? found.tip() : begun.map(off -> storeDevelopment(git, found, off)).orElse(merge);
            List<Git.Move> moves = found.moves(git, begun, tip);
            Optional<ReleaseTag> remembered = ReleaseTag.remembered(git, found.version());
            try {
                console.step("Tagging " + found.release().spoken());
                makeTag(git, found, commit, console);
                new ReleaseTag(found.version(), commit, found.branch(), begun).remember(git); // HEAD says it no longer
                checkOut(git, found, console);
                moveBranches(git, found, moves);
            } catch (RuntimeException e) {
                putBack(git, found, commit, moves, remembered, console);
                throw e;
            }
            report(console, found.version() + " is tagged", found, commit, merge, begun);
        }
    }

    /** Back to before tag; killed on the way, the next run goes on from there, or undoes the rest. */
    private void undo(Git git, Config config, ReleaseState found, Console console) {
        if (found.oldTag().isEmpty()) {
            ReleaseTag.forget(git, found.version());
            console.done("nothing to undo: " + found.version() + " is not tagged, HEAD is on " + found.branch());
            return;
        }
        requireOrder(git, found);
        Undo undo = new Undo(git, found);
        undo.requireUnpublished(config.environments().values());
        console.step("Undoing " + found.release().spoken());
        undo.run(console);
        if (Files.exists(git.workTree().resolve("release"))) {
            console.say("release/ still holds what was built of it: the next build replaces it");
        }
        console.done(found.version() + " is no longer tagged, HEAD is on " + found.branch() + " as it was before");
    }

    /** Nothing is left of a git that was killed, and nothing is uncommitted. */
    private void requireOrder(Git git, ReleaseState found) {
        Interrupted.requireNoLocks(git, found);
        Interrupted.finishCheckout(git, found);
        if (!noCheckGit) {
            git.requireNoChanges();
        }
    }

    /** Everything that speaks against making this release here. */
    private void lookForFaults(Git git, ReleaseState found, Console console, List<String> faults) {
        Release release = found.release();
        String file = release.project().versionFile();
        if (release.version().isDevelopment()) {
            faults.add(file + ": version " + found.version() + " is a development version: set the one to release");
        }
        if (release.name().equalsIgnoreCase(PLACEHOLDER_NAME)) {
            faults.add(file + ": release_name is still " + release.name() + ": give the release its name");
        }
        OfficialFlag flag = OfficialFlag.in(git, found.tip(), release);
        if (flag.set()) {
            faults.add(flag.file() + ": already marked as an official release, which only the release commit may be: set it to false");
        }
        if (!noNotes && !hasNotes(git, found)) {
            faults.add(release.notesFile() + ": no notes of " + found.version() + ": run jbang prepare.java, or pass --no-notes");
        }
        faults.addAll(GitChangeIds.lacking(git, Config.of(git.workTree()), found.tip()));
        List<String> earlier = earlierReleases(git, found);
        earlier.forEach(forceTag ? console::warn : line -> faults.add(line + ": --force-tag makes the release again"));
    }

    private static boolean hasNotes(Git git, ReleaseState found) {
        String heading = "# " + found.release().project().name() + " " + found.version() + " (";
        return git.read(found.tip(), found.release().notesFile())
                .map(bytes -> new String(bytes, UTF_8).lines().anyMatch(line -> line.startsWith(heading))).orElse(false);
    }

    /** Release commits of this version that are there already: in the branch's history, or under its tag. */
    private static List<String> earlierReleases(Git git, ReleaseState found) {
        String subject = "release: " + found.version() + " \"";
        List<String> lines = new ArrayList<>();
        if (git.isShallow()) {
            lines.add("this clone is shallow, so that an earlier release commit may be out of sight: git fetch --unshallow");
        }
        List<ObjectId> merged = git.git("rev-list", "--fixed-strings", "--grep=" + subject, found.tip().name())
                .orFail("git could not search the history", "look at the repository with git fsck").lines()
                .map(ObjectId::fromString).filter(commit -> git.message(commit).startsWith(subject)).toList();
        Optional<ObjectId> tagged = found.oldTag().flatMap(object -> git.commit(object.name()));
        for (ObjectId commit : merged) {
            lines.add("the history of " + found.branch() + " already has the release commit " + ReleaseState.describe(git, commit)
                    + (tagged.equals(Optional.of(commit)) ? ", tagged " + found.version() : ", which has lost its tag"));
        }
        tagged.filter(commit -> !merged.contains(commit)).ifPresent(commit -> lines.add("the tag " + found.version()
                + " already exists, on " + ReleaseState.describe(git, commit)
                + (git.isAncestor(commit, found.tip()) ? "" : ", which is not in the history of " + found.branch())));
        return lines;
    }

    private ObjectId storeReleaseCommit(Git git, ReleaseState found) {
        return git.storeCommit(ReleaseState.officialTree(git, found.tip(), found.release()), List.of(found.tip()),
                throughHook(git, message(found)));
    }

    private String message(ReleaseState found) {
        return found.subject() + "\n\n" + BODY + "\n" + Check.trailer(skip);
    }

    // Strategy "ours": the branch keeps its own tree.
    private static ObjectId storeMerge(Git git, ReleaseState found, ObjectId commit) {
        return git.storeCommit(git.tree(found.tip()), List.of(found.tip(), commit),
                throughHook(git, "release: merge release " + found.version() + " back to mainline\n\n" + MERGE_BODY + "\n"));
    }

    private static ObjectId storeDevelopment(Git git, ReleaseState found, BranchOff begun) {
        return git.storeCommit(Development.developmentTree(git, begun.start(), found.release()), List.of(begun.start()),
                throughHook(git, Development.subject(found.release()) + "\n\n" + found.release().major() + " is maintained on " + begun.branch() + ".\n"));
    }

    // A release is known by its first line again; trailers such as Change-Id are the hook's to add.
    private static String throughHook(Git git, String message) {
        String hooked = git.throughHook(message);
        if (!ReleaseState.firstLine(hooked).equals(ReleaseState.firstLine(message))) {
            throw Fault.refused("the commit-msg hook changed the first line of the message",
                    "'" + ReleaseState.firstLine(message) + "' became '" + ReleaseState.firstLine(hooked) + "'", "fix the hook and run again; nothing was changed");
        }
        return hooked;
    }

    private void makeTag(Git git, ReleaseState found, ObjectId commit, Console console) {
        if (found.commit().isPresent()) {
            return;
        }
        git.tag(found.version(), commit, message(found), forceTag && found.oldTag().isPresent(), Optional.ofNullable(sign));
        found.oldTag().ifPresent(old -> console.warn("replaced the tag " + found.version() + ", which was " + old.name()
                + "; to restore it: git update-ref " + found.tagRef() + " " + old.name()));
    }

    // The release's branch and the one that it begins, in one transaction; HEAD is on neither, so that no file changes.
    private static void moveBranches(Git git, ReleaseState found, List<Git.Move> moves) {
        if (!moves.isEmpty()) {
            git.update(moves, "tag " + found.version() + ": merge back");
        }
    }

    private static void checkOut(Git git, ReleaseState found, Console console) {
        if (!found.there()) {
            Interrupted.checkOut(git, found.tagRef(), true, console);
        }
    }

    /** Undoes what this run did; what an earlier one left stays for the next. */
    private static void putBack(Git git, ReleaseState found, ObjectId commit, List<Git.Move> moves, Optional<ReleaseTag> remembered, Console console) {
        try {
            boolean left = git.branch().isEmpty() && !found.there();
            if (!left) {
                ReleaseTag.putBack(git, found.version(), remembered); // first: on a full disk the rest needs its space
            }
            List<Git.Move> all = new ArrayList<>(moves);
            Optional<ObjectId> tag = git.object(found.tagRef());
            if (found.commit().isEmpty() && git.commit(found.tagRef()).equals(Optional.of(commit))) {
                all.add(new Git.Move(found.tagRef(), found.oldTag(), tag));
            }
            Interrupted.reverse(git, all, "tag " + found.version() + ": put back");
            if (left) {
                git.checkout(found.branch(), false);
                ReleaseTag.putBack(git, found.version(), remembered);
            } else if (!found.there()) {
                Interrupted.restore(git, commit, found);
            }
            console.say("branch, tag and files are as they were before this run");
        } catch (RuntimeException e) {
            console.warn("not everything could be rolled back; the next run continues from what is there: " + e.getMessage());
        }
    }

    private static void report(Console console, String done, ReleaseState found, ObjectId commit, ObjectId merge, Optional<BranchOff> begun) {
        console.done(done + ", HEAD is on it");
        console.print("release commit  " + commit.name());
        console.print("tag             " + found.version());
        console.print("merged back in  " + merge.name() + " (" + found.branch() + ")");
        begun.ifPresent(off -> console.print("branched off    " + off.branch() + "; " + found.branch() + " goes on as " + found.release().version().nextDevelopment()));
        console.print("next: jbang build.java");
    }
}
