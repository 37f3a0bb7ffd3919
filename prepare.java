///usr/bin/env jbang "$0" "$@" ; exit $?
//JAVA 17+
//DESCRIPTION Phase 1: gather the pending release notes into the manual and commit them.
//DEPS info.picocli:picocli:4.7.7
//DEPS com.fasterxml.jackson.core:jackson-databind:2.22.4
//DEPS org.snakeyaml:snakeyaml-engine:3.2
//DEPS org.eclipse.jgit:org.eclipse.jgit:7.8.1.202611041320-r
//DEPS org.slf4j:slf4j-nop:2.0.20
//DEPS org.commonmark:commonmark:0.28.0
//DEPS org.commonmark:commonmark-ext-gfm-tables:0.28.0
//DEPS org.commonmark:commonmark-ext-gfm-strikethrough:0.28.0
//DEPS org.commonmark:commonmark-ext-footnotes:0.28.0
//DEPS org.commonmark:commonmark-ext-task-list-items:0.28.0
//DEPS org.jsoup:jsoup:1.22.1
//DEPS org.apache.httpcomponents.client5:httpclient5:5.6.4
//SOURCES lib/base/*.java lib/http/*.java lib/config/*.java lib/git/Git*.java lib/git/JGit.java lib/git/Tree.java lib/release/Check*.java
//SOURCES lib/release/Forge.java lib/release/P*.java lib/release/Release.java lib/release/Version*.java lib/notes/*.java
//JAVA_OPTIONS -XX:TieredStopAtLevel=1 -XX:+UseSerialGC

import static java.nio.charset.StandardCharsets.UTF_8;

import java.time.*;
import java.util.*;
import java.util.stream.Stream;
import lib.base.*;
import lib.config.*;
import lib.git.Git;
import lib.notes.*;
import lib.release.*;
import org.eclipse.jgit.lib.ObjectId;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(name = "prepare", description = "Gathers the pending release notes into the manual and commits them.")
class prepare implements Cli.Phase {

    /** The headings of the notes in their order; an entry without a category goes below the last. */
    static final List<String> CATEGORIES = List.of(
            "Breaking Changes", "Features", "Improvements", "Fixes", "Packaging", "Development", "Miscellany");
    static final String SUMMARY_MARKER = "  <!-- RELENG-AUTO-INSERTION-MARKER";
    static final String UNNAMED = "TBD";
    static final String NEXT = "jbang tag.java";

    static class Mode {
        @Option(names = "--check", description = "Report everything that is wrong with the pending notes; change nothing. "
                + "Works on any branch, with any changes, at any version.")
        boolean check;

        @Option(names = "--print", description = "Write the notes to standard output; change nothing.")
        boolean print;
    }

    @ArgGroup
    Mode mode = new Mode();

    @Option(names = "--date", paramLabel = "YYYY-MM-DD",
            description = "The day of the release; default: SOURCE_DATE_EPOCH, else today, in UTC.")
    String date;

    @Option(names = "--allow-empty", description = "Make a section for this version even if no notes are pending.")
    boolean allowEmpty;

    @Option(names = "--version", paramLabel = "VERSION", description = "Set the version to release first, in a commit of its own.")
    String version;

    @Option(names = "--name", paramLabel = "NAME", description = "Set the release's name first, in the same commit as --version.")
    String name;

    @Option(names = "--skip", split = ",", paramLabel = "NAME", description = "Skip these checks before the release: ${COMPLETION-CANDIDATES}.")
    Set<Check> skip = EnumSet.noneOf(Check.class);

    public static void main(String[] args) {
        Cli.main(new prepare(), args);
    }

    @Override
    public void run(Cli.Session session) {
        LocalDate today = today(session.env());
        if ((mode.check || mode.print) && (version != null || name != null || !skip.isEmpty())) {
            throw Fault.usage("--check and --print change nothing", "--version, --name and --skip are for a release", "leave out the one or the other");
        }
        try (Git git = Git.open(session.checkout(), session.env())) {
            Config config = Config.of(git.workTree());
            Project project = config.project();
            if (mode.check) {
                check(project, Source.workTree(git), session.console());
            } else if (mode.print) {
                print(project, Source.workTree(git), today, session.console());
            } else {
                gather(git, config, today, session.console());
            }
        }
    }

    private void gather(Git git, Config config, LocalDate today, Console console) {
        Project project = config.project();
        String branch = requireBranch(git);
        ObjectId head = git.head();
        // What is released is what was reviewed: the commit, not whatever the work tree looks like.
        Source committed = Source.commit(git, head);
        Optional<VersionFile> set = VersionFile.set(git, head, project, version, name);
        Release release = set.map(VersionFile::release).orElseGet(() -> release(project, committed));
        requireReleasable(release);
        requireNotDone(git, release, committed);
        git.requireNoChanges();
        requireNothingUntracked(git, release, committed);
        new Checks(git, config, release, branch, head, false).require(skip, List.of(), console);

        console.step("Gathering the notes of " + release.spoken());
        List<Problem> inEntries = new ArrayList<>();
        List<Problem> inPages = new ArrayList<>();
        Pages pages = Pages.read(release, committed, inPages);
        Pending pending = pending(project, committed, inEntries).above(Optional.of(pages.chapter()), inEntries);
        requireSound(inEntries, inPages);
        requireEntries(pending, project);
        warnOfStrangers(pending, console);

        Map<String, Optional<byte[]>> files = pages.with(pending, today, committed);
        ObjectId commit = new NotesCommit(git, branch, head, set, files).make(NotesCommit.subject(release.version()) + "\n");

        set.ifPresent(file -> console.say("set " + file.place() + " to " + release.version() + " \"" + release.name() + "\""));
        files.forEach((file, content) -> console.say((content.isPresent() ? "wrote " : "removed ") + file));
        console.done("the notes of " + release.version() + " are committed on " + branch + " as " + commit.abbreviate(10).name());
        console.say("next: " + NEXT);
    }

    private static void check(Project project, Source source, Console console) {
        List<Problem> problems = new ArrayList<>();
        List<String> faults = new ArrayList<>();
        Pending pending = pending(project, source, problems);
        Optional<Chapter> chapter = Optional.empty();
        try {
            chapter = Optional.of(Pages.read(release(project, source), source, problems).chapter());
        } catch (Fault fault) {
            faults.addAll(fault.why());
        }
        pending.above(chapter, problems);
        faults.addAll(Problem.lines(problems));
        requireNone(faults, "fix them and check again");
        warnOfStrangers(pending, console);
        console.done(count(pending.files().size(), "pending entry", "pending entries") + ", nothing wrong");
    }

    private static void print(Project project, Source source, LocalDate today, Console console) {
        List<Problem> problems = new ArrayList<>();
        Release release = release(project, source);
        Pending pending = pending(project, source, problems).above(Optional.of(Chapter.read(release, source, problems)), problems);
        requireNone(Problem.lines(problems), "fix them and run again");
        warnOfStrangers(pending, console);
        console.out().print(Chapter.section(release, today, pending.body()));
    }

    /** The pages of the manual that a release changes; only a new MAJOR has a line in the table of contents. */
    private record Pages(Chapter chapter, Optional<Summary> summary) {

        static Pages read(Release release, Source source, List<Problem> problems) {
            Chapter chapter = Chapter.read(release, source, problems);
            if (!release.name().equalsIgnoreCase(UNNAMED)) {
                chapter.checkName(problems);
            }
            boolean there = source.read(release.notesFile()).isPresent();
            problems.addAll(there ? source.problems(release.project().summary()) : List.of());
            Optional<Summary> summary = there ? Optional.empty() : Optional.of(Summary.read(release, SUMMARY_MARKER, source, problems));
            summary.ifPresent(contents -> contents.check(problems));
            return new Pages(chapter, summary);
        }

        /** The files of the commit, where links lead; empty ones are removed. */
        Map<String, Optional<byte[]>> with(Pending pending, LocalDate today, Source source) {
            Release release = chapter.release();
            Map<String, Optional<byte[]>> files = new LinkedHashMap<>();
            pending.files().forEach(file -> files.put(source.within(file), Optional.empty()));
            files.put(source.place(release.notesFile()), Optional.of(chapter.with(today, pending.body()).getBytes(UTF_8)));
            summary.ifPresent(contents -> files.put(source.place(release.project().summary()), Optional.of(contents.with(today).getBytes(UTF_8))));
            return files;
        }
    }

    private static Pending pending(Project project, Source source, List<Problem> problems) {
        return Pending.read(new Rules(project, CATEGORIES), source, problems);
    }

    private static void requireSound(List<Problem> inEntries, List<Problem> inPages) {
        String next = "fix that, commit, and run again; nothing was changed";
        if (inEntries.isEmpty() && !inPages.isEmpty()) {
            throw Fault.refused("the notes cannot be put into the manual", Problem.lines(inPages), next);
        }
        requireNone(Problem.lines(Stream.concat(inEntries.stream(), inPages.stream()).toList()), next);
    }

    private static void requireNone(List<String> faults, String next) {
        if (!faults.isEmpty()) {
            throw Fault.failed("the release notes have " + count(faults.size(), "fault", "faults"), faults, next);
        }
    }

    private static void warnOfStrangers(Pending pending, Console console) {
        pending.strangers().forEach(file -> console.warn(file + " is not an entry and stays: its name does not end in .md"));
    }

    private LocalDate today(Map<String, String> env) {
        String epoch = env.getOrDefault("SOURCE_DATE_EPOCH", "");
        try {
            LocalDate day = date != null ? LocalDate.parse(date) : epoch.isEmpty() ? LocalDate.now(ZoneOffset.UTC)
                    : LocalDate.ofInstant(Instant.ofEpochSecond(Long.parseLong(epoch)), ZoneOffset.UTC);
            if (day.getYear() < 1 || day.getYear() > 9999) {
                throw new DateTimeException("the year must be between 1 and 9999, not " + day.getYear());
            }
            return day;
        } catch (DateTimeException | NumberFormatException e) {
            throw Fault.usage(date != null ? "'" + date + "' is not a date" : "SOURCE_DATE_EPOCH is '" + epoch + "', which is not a time",
                    date != null ? "--date takes a calendar date" : "it holds seconds since 1970",
                    "write it as in --date 2025-05-09").from(e);
        }
    }

    private static Release release(Project project, Source source) {
        byte[] json = source.read(project.versionFile()).orElseThrow(() -> Fault.failed("there is no " + project.versionFile(),
                project.versionFile() + ":1: " + source.fault(project.versionFile()).orElse("is not there") + ", but says which version is released",
                "run in a checkout of " + project.name() + ", or name the file in " + Config.FILE));
        requireNone(Problem.lines(source.problems(project.versionFile())), "fix it and run again");
        return Release.read(project, json, project.versionFile());
    }

    private static String requireBranch(Git git) {
        String branch = git.branch().orElseThrow(() -> Fault.refused("HEAD is on no branch",
                "the commit with the notes would be on no branch either", "check out the branch of the release: git checkout BRANCH"));
        if (git.object("MERGE_HEAD").isPresent()) {
            throw Fault.refused("a merge is not finished", "the commit with the notes would replace it", "git merge --continue or --abort");
        }
        return branch;
    }

    private static void requireReleasable(Release release) {
        String file = release.project().versionFile();
        if (release.version().isDevelopment()) {
            throw Fault.refused(release.version() + " is a development version", "its notes would get the heading of a version that is never released",
                    "pass --version, or set version in " + file + " to the one to release and commit; --print shows the notes as they are now");
        }
        if (release.name().equalsIgnoreCase(UNNAMED)) {
            throw Fault.refused("the release has no name yet", "release_name in " + file + " is " + UNNAMED
                    + ", and the name is part of the heading", "pass --name, or set it and commit; --print shows the notes as they are now");
        }
    }

    private static void requireNotDone(Git git, Release release, Source committed) {
        if (hasSection(release, committed)) {
            String commit = git.git("log", "-1", "--format=%h (%s)", "-S" + Chapter.sectionHeading(release), "HEAD", "--",
                            committed.place(release.notesFile()))
                    .run().out().strip();
            throw Fault.refused("the notes of " + release.version() + " are already there", release.notesFile() + " has them"
                    + (commit.isEmpty() ? "" : " since commit " + commit) + "; there is nothing to do",
                    NEXT + "; to gather them again, undo that commit first (git reset --keep, or git revert)");
        }
        if (hasSection(release, Source.workTree(git))) {
            Project project = release.project();
            throw Fault.refused("the notes of " + release.version() + " are there, but not committed",
                    "a run was stopped before its end, or somebody wrote them into " + release.notesFile(),
                    "stash the changes and run again: git stash push --include-untracked -- "
                            + String.join(" ", Stream.of(project.versionFile(), project.pendingNotes(), project.releaseNotes(), project.summary()).map(committed::place).toList()));
        }
    }

    private static boolean hasSection(Release release, Source source) {
        // What else may be wrong with the page is said later, with everything else.
        return Chapter.read(release, source, new ArrayList<>()).hasSection();
    }

    private static void requireNothingUntracked(Git git, Release release, Source committed) {
        String notes = committed.place(release.project().pendingNotes());
        String page = committed.place(release.notesFile());
        List<String> untracked = Stream.of(git.git("ls-files", "-z", "--others", "--", notes, page)
                        .orFail("git could not list untracked files", "look at the checkout with git status").split("\0"))
                .filter(file -> file.startsWith(page) || file.matches("\\Q" + notes + "/\\E[^./][^/]*\\.md")).toList();
        if (!untracked.isEmpty()) {
            throw Fault.refused("files of the release notes are not under version control",
                    untracked.stream().map(file -> file + ": nobody has reviewed it").toList(),
                    "git add and commit them, or move them away, and run again");
        }
    }

    private void requireEntries(Pending pending, Project project) {
        if (pending.files().isEmpty() && !allowEmpty) {
            throw Fault.refused("no notes are pending", "there is no .md file in " + project.pendingNotes(),
                    "check that this is the right branch; for a release without notes, pass --allow-empty");
        }
    }

    private static String count(int number, String one, String many) {
        return number + " " + (number == 1 ? one : many);
    }
}
