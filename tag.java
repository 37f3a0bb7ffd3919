///usr/bin/env jbang "$0" "$@" ; exit $?
//JAVA 17+
//DESCRIPTION Phase 2: the release commit on a detached HEAD, its tag, and the merge back.
//DEPS info.picocli:picocli:4.7.7
//DEPS com.fasterxml.jackson.core:jackson-databind:2.22.4
//DEPS org.eclipse.jgit:org.eclipse.jgit:7.8.1.202611041320-r
//DEPS org.slf4j:slf4j-nop:2.0.20
//SOURCES lib/base/*.java lib/config/*.java lib/git/Git*.java lib/git/JGit.java lib/git/Tree.java lib/release/OfficialFlag.java
//SOURCES lib/release/BranchOff.java lib/release/Release.java lib/release/ReleaseState.java lib/release/ReleaseTag.java lib/release/Version.java
//JAVA_OPTIONS -XX:TieredStopAtLevel=1 -XX:+UseSerialGC

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
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

    public static void main(String[] args) {
        Cli.main(new tag(), args);
    }

    @Override
    public void run(Cli.Session session) {
        Console console = session.console();
        try (Git git = Git.open(session.checkout(), session.env())) {
            ReleaseState found = ReleaseState.look(git, Config.of(git.workTree()).project());
            if (found.finished()) {
                report(console, found.version() + " is already tagged", found, found.commit().orElseThrow(), found.tip());
                return;
            }
            requireNoLocks(git, found);
            finishBrokenCheckout(git, found);
            if (!noCheckGit) {
                git.requireNoChanges();
            }
            if (found.commit().isEmpty()) {
                requireReleasable(git, found, console);
            } else {
                console.say("the tag " + found.version() + " of this release already exists: continuing from it");
            }

            // Stored first: until a reference names them, commits change nothing.
            console.step("Making the release commit and the merge");
            ObjectId commit = found.commit().orElseGet(() -> storeReleaseCommit(git, found));
            ObjectId merge = found.merge().orElseGet(() -> storeMerge(git, found, commit));
            Optional<ReleaseTag> remembered = ReleaseTag.remembered(git, found.version());
            try {
                console.step("Tagging " + found.release().spoken());
                makeTag(git, found, commit, console);
                moveBranch(git, found, merge);
                // Up to here HEAD itself says which branch it is.
                new ReleaseTag(found.version(), commit, found.branch(), Optional.empty()).remember(git);
                checkOut(git, found, commit, console);
            } catch (RuntimeException e) {
                putBack(git, found, commit, merge, remembered, console);
                throw e;
            }
            report(console, found.version() + " is tagged", found, commit, merge);
        }
    }

    /** Locks of a git that was killed make every later one fail, after we have begun. */
    private static void requireNoLocks(Git git, ReleaseState found) {
        List<String> line = new ArrayList<>(List.of("rev-parse"));
        for (String name : List.of("index", "HEAD", "packed-refs", found.tagRef(), found.branchRef())) {
            line.addAll(List.of("--git-path", name + ".lock"));
        }
        List<String> locks = git.git(line.toArray(new String[0])).orFail("git did not say where its files are", "look at git's version")
                .lines().map(path -> git.workTree().resolve(path).toString()).filter(path -> Files.exists(Path.of(path))).toList();
        if (!locks.isEmpty()) {
            throw Fault.refused("git's files are locked: another git is running, or one was killed", locks,
                    "wait for it; if none is running, remove " + (locks.size() == 1 ? "that file" : "those files") + " and run again");
        }
    }

    // A git killed while it checked the tag out leaves the official flag's file half written.
    private static void finishBrokenCheckout(Git git, ReleaseState found) {
        if (found.merge().isPresent() && !found.there()) {
            restoreFlagFile(git, found.commit().orElseThrow(), found);
        }
    }

    private static void restoreFlagFile(Git git, ObjectId commit, ReleaseState found) {
        String file = OfficialFlag.in(git, found.tip(), found.release()).file();
        boolean changed = !git.git("diff-index", "--name-only", "HEAD", "--", file).run().out().isEmpty();
        if (changed && isBeginning(git.workTree().resolve(file), git.read(commit, file).orElseThrow())) {
            git.git("checkout", "--quiet", "HEAD", "--", file).orFail("git could not restore " + file, "git checkout HEAD -- " + file);
        }
    }

    private static boolean isBeginning(Path file, byte[] whole) {
        try {
            byte[] bytes = Files.exists(file) ? Files.readAllBytes(file) : new byte[0];
            return bytes.length <= whole.length && Arrays.equals(bytes, Arrays.copyOf(whole, bytes.length));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Throws Fault (refused) with everything that speaks against making this release here. */
    private void requireReleasable(Git git, ReleaseState found, Console console) {
        Release release = found.release();
        List<String> faults = new ArrayList<>();
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
        if (!faults.isEmpty()) {
            throw Fault.refused(found.version() + " cannot be released from " + found.branch(), faults,
                    "fix that on " + found.branch() + ", commit, and run tag again");
        }
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

    private static ObjectId storeReleaseCommit(Git git, ReleaseState found) {
        return git.storeCommit(ReleaseState.officialTree(git, found.tip(), found.release()), List.of(found.tip()),
                throughHook(git, found.subject() + "\n\n" + BODY + "\n"));
    }

    // Strategy "ours": the branch keeps its own tree.
    private static ObjectId storeMerge(Git git, ReleaseState found, ObjectId commit) {
        return git.storeCommit(git.tree(found.tip()), List.of(found.tip(), commit),
                throughHook(git, "release: merge release " + found.version() + " back to mainline\n\n" + MERGE_BODY + "\n"));
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
        git.tag(found.version(), commit, found.subject() + "\n\n" + BODY + "\n", forceTag && found.oldTag().isPresent());
        found.oldTag().ifPresent(old -> console.warn("replaced the tag " + found.version() + ", which was " + old.name()
                + "; to restore it: git update-ref " + found.tagRef() + " " + old.name()));
    }

    private static void moveBranch(Git git, ReleaseState found, ObjectId merge) {
        if (found.merge().isEmpty()) {
            git.update(List.of(new Git.Move(found.branchRef(), Optional.of(found.tip()), Optional.of(merge))),
                    "tag " + found.version() + ": merge back");
        }
    }

    private static void checkOut(Git git, ReleaseState found, ObjectId commit, Console console) {
        if (found.there()) {
            return;
        }
        try {
            git.checkout(found.tagRef(), true);
        } catch (Fault fault) {
            // A post-checkout hook's exit code is git's own, though everything is checked out.
            if (git.branch().isPresent() || !git.head().equals(commit)) {
                throw fault;
            }
            console.warn("HEAD is on the tag, but " + fault.getMessage());
        }
    }

    /** Undoes what this run did, last first; what an earlier one left stays for the next. */
    private static void putBack(Git git, ReleaseState found, ObjectId commit, ObjectId merge, Optional<ReleaseTag> remembered, Console console) {
        try {
            if (git.branch().isPresent()) {
                restoreFlagFile(git, commit, found);
            }
            List<Git.Move> moves = new ArrayList<>();
            if (found.merge().isEmpty() && git.object(found.branchRef()).equals(Optional.of(merge))) {
                moves.add(new Git.Move(found.branchRef(), Optional.of(merge), Optional.of(found.tip())));
            }
            Optional<ObjectId> tag = git.object(found.tagRef());
            if (found.commit().isEmpty() && git.commit(found.tagRef()).equals(Optional.of(commit))) {
                moves.add(new Git.Move(found.tagRef(), tag, found.oldTag()));
            }
            if (!moves.isEmpty()) {
                git.update(moves, "tag " + found.version() + ": put back");
            }
            remembered.ifPresentOrElse(old -> old.remember(git), () -> ReleaseTag.forget(git, found.version()));
            console.say("branch, tag and files are as they were before this run");
        } catch (RuntimeException e) {
            console.warn("not everything could be rolled back; the next run continues from what is there: " + e.getMessage());
        }
    }

    private static void report(Console console, String done, ReleaseState found, ObjectId commit, ObjectId tip) {
        console.done(done + ", HEAD is on it");
        console.print("release commit  " + commit.name());
        console.print("tag             " + found.version());
        console.print("merged back in  " + tip.name() + " (" + found.branch() + ")");
        console.print("next: jbang build.java");
    }
}
