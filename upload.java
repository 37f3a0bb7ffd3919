///usr/bin/env jbang "$0" "$@" ; exit $?
//JAVA 17+
//DESCRIPTION Phase 4: plan, confirm, publish, verify.
//DEPS info.picocli:picocli:4.7.7
//DEPS com.fasterxml.jackson.core:jackson-databind:2.22.4
//DEPS org.eclipse.jgit:org.eclipse.jgit:7.8.1.202611041320-r
//DEPS org.slf4j:slf4j-nop:2.0.20
//DEPS software.amazon.awssdk:bom:2.57.8@pom
//DEPS software.amazon.awssdk:s3
//DEPS software.amazon.awssdk:apache5-client
//SOURCES lib/Cli.java lib/Config.java lib/Console.java lib/Environment.java lib/Exec.java lib/Fault.java
//SOURCES lib/FileTree.java lib/Git.java lib/Json.java lib/Project.java lib/Release.java lib/Version.java
//SOURCES lib/Access.java lib/BuiltRelease.java lib/ContentType.java lib/Embedded.java lib/Nix.java lib/ObjectStore.java
//SOURCES lib/Progress.java lib/ReleaseTag.java lib/SigningKey.java lib/publish/*.java
//FILES LocalStore.java=lib/LocalStore.java
//RUNTIME_OPTIONS -XX:TieredStopAtLevel=1 -XX:+UseSerialGC

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;
import lib.Access;
import lib.BuiltRelease;
import lib.BuiltRelease.BuiltFile;
import lib.Cli;
import lib.Config;
import lib.Console;
import lib.Environment;
import lib.Fault;
import lib.FileTree;
import lib.Git;
import lib.Nix;
import lib.ObjectStore;
import lib.Project;
import lib.ReleaseTag;
import lib.Version;
import lib.publish.Cache;
import lib.publish.Destination;
import lib.publish.Folder;
import lib.publish.GitRemote;
import lib.publish.Plan;
import lib.publish.Published;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(name = "upload", description = "Publishes what build left in release/: plan, confirm, publish, verify.")
class upload implements Cli.Phase {

    @Mixin
    final Cli.Common common = new Cli.Common();

    @Option(names = {"--env", "--environment"}, paramLabel = "NAME", required = true,
            description = "Where to: local, staging, live (also called production), or one of releng.json.")
    String environmentName;

    enum Target { all, manual }

    @Option(names = "--target", paramLabel = "TARGET", defaultValue = "all", description = "all, or just the manual; default: ${DEFAULT-VALUE}.")
    Target target;

    @Option(names = {"-n", "--plan", "--dry-run"}, description = "Print what would be done, and do nothing.")
    boolean planOnly;

    @Option(names = "--noconfirm", description = "Do not ask before publishing.")
    boolean noConfirm;

    @Option(names = "--signing-key", paramLabel = "FILE", description = "The cache's secret key. Else RELENG_SIGNING_KEY has the key, "
            + "or RELENG_SIGNING_KEY_COMMAND a command that prints it, such as: age -d -i ID prod.key.age")
    Path signingKey;

    @Option(names = "--move-pointers", description = "Move manifest.nix and the stable manual back to this older version.")
    boolean movePointers;

    @Option(names = "--shrink", paramLabel = "PREFIX", description = "Let this manual (as manual/lix/stable) lose more than a tenth of its pages.")
    List<String> shrink = new ArrayList<>();

    @Option(names = "--local-folder", paramLabel = "DIR", description = "Where the environment local keeps its buckets and repository; "
            + "default: releng/local in the clone's .git.")
    Path localFolder;

    private Console console;
    private Environment environment;
    private Project project;
    private BuiltRelease built;
    private Path release;

    public static void main(String[] args) {
        Cli.main(new upload(), args);
    }

    @Override
    public Cli.Common common() {
        return common;
    }

    @Override
    public void run(Cli.Session session) throws Exception {
        console = session.console();
        try (Git git = Git.open(common.folder(session), session.env())) {
            Config config = Config.of(git.workTree());
            project = config.project();
            environment = config.environment(environmentName);

            console.step("Checking release/ for " + spoken(environment));
            release = git.workTree().resolve("release");
            built = BuiltRelease.read(release);
            built.check(release);
            Optional<ReleaseTag> tag = target == Target.all ? Optional.of(requireTag(git)) : Optional.empty();

            Path staging = git.state("staging");
            FileTree.remove(staging);
            Nix nix = new Nix(console, session.env(), List.of());
            try (Access access = open(session, git, nix)) {
                ObjectStore store = access.store();
                preflight(access, nix, git, tag);
                Published published = new Published(store, environment.releases(), project);

                Plan plan = new Plan();
                List<Destination> content = content(access, published, nix, staging, git, tag);
                console.step("Asking " + spoken(environment) + " what it holds");
                for (Destination destination : content) {
                    plan.add(destination);
                }
                plan.verify("everything above is there", () -> verify(content));
                if (pointersMove(published)) {
                    for (Destination pointer : pointers(store)) {
                        plan.add(pointer);
                    }
                }
                plan.requireNoConflicts();
                if (plan.isEmpty()) {
                    console.done("nothing to send: " + title() + " is on " + spoken(environment) + ", whole");
                    return;
                }

                plan.print(console, common.verbose);
                if (planOnly) {
                    return;
                }
                confirm();
                plan.run(console, ObjectStore.CONCURRENCY);
                if (environment.guarded() && target == Target.all) {
                    FileTree.remove(git.state("roots")); // the world has it: Nix may collect it here
                }
                console.done(title() + " is published on " + spoken(environment));
                environment.urls().values().stream().sorted().forEach(url -> console.say(url.toString()));
            } finally {
                FileTree.remove(staging);
            }
        }
    }

    // What never changes once it is there. The order is the order it is sent in.
    private List<Destination> content(Access access, Published published, Nix nix, Path staging, Git git, Optional<ReleaseTag> tag) {
        List<Destination> content = new ArrayList<>();
        if (target == Target.all) {
            content.add(new Cache(access.store(), environment.cache(), nix, storePaths(), access.key(), staging));
            content.add(new Folder("releases", access.store(), environment.releases(), project.prefix() + "/" + stem() + "/", release,
                    built.below("artifacts/" + project.prefix() + "/" + stem()), Folder.Mode.CONTENT));
        }
        if (!newerIsOut(published)) {
            content.add(manual(access.store(), built.official() ? built.version().major() : "nightly"));
        }
        tag.ifPresent(made -> content.add(new GitRemote(git, access.gitUrl(), environment.gerrit(), made)));
        return content;
    }

    // What users follow without naming a version. The root manifest.nix comes last of all: who reads it finds the rest.
    private List<Destination> pointers(ObjectStore store) {
        List<Destination> pointers = new ArrayList<>();
        if (built.official()) {
            pointers.add(manual(store, "stable"));
        }
        if (target == Target.all) {
            SortedMap<String, BuiltFile> manifest = new TreeMap<>(built.below("artifacts"));
            manifest.keySet().retainAll(List.of("manifest.nix"));
            pointers.add(new Folder("manifest", store, environment.releases(), "", release, manifest, Folder.Mode.POINTER));
        }
        return pointers;
    }

    private Destination manual(ObjectStore store, String which) {
        String prefix = "manual/" + project.prefix() + "/" + which;
        return new Folder("manual " + which, store, environment.docs(), prefix + "/", release, built.below("manual"),
                shrink.contains(prefix) ? Folder.Mode.SHRINKING_MIRROR : Folder.Mode.MIRROR);
    }

    /** What was built with Nix, and how to build it: outputs and derivations. */
    private List<String> storePaths() {
        return built.jobs().stream().flatMap(job -> Stream.concat(Stream.of(job.drvPath()), job.outputs().values().stream()))
                .distinct().sorted().toList();
    }

    private ReleaseTag requireTag(Git git) {
        String version = built.version().toString();
        if (!built.target().equals("all") || built.tag().isEmpty()) {
            throw Fault.refused("release/ holds only a manual", "it was built with --target " + built.target() + " of " + built.commit(),
                    "upload it with --target manual, or run jbang build.java on the tag");
        }
        if (!git.commit(ReleaseTag.ref(version)).map(id -> id.name().equals(built.commit())).orElse(false)) {
            throw Fault.refused("release/ is not of the tag " + version, "it was built from " + built.commit() + ", the tag is "
                    + git.commit(ReleaseTag.ref(version)).map(id -> "on " + id.name()).orElse("gone"), "git checkout " + version + ", and run jbang build.java");
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

    /** Everything that can be checked before the first byte is sent, all faults at once. */
    private void preflight(Access access, Nix nix, Git git, Optional<ReleaseTag> tag) {
        List<Runnable> checks = new ArrayList<>();
        checks.add(() -> access.store().requireBucket(environment.docs()));
        checks.add(() -> access.store().requireBucket(environment.releases()));
        if (target == Target.all) {
            checks.add(() -> access.store().requireBucket(environment.cache()));
            checks.add(() -> requireKey(nix.publicKey(access.key().file())));
        }
        tag.ifPresent(made -> checks.add(() -> GitRemote.requireReachable(git, access.gitUrl())));
        List<Fault> faults = new ArrayList<>();
        for (Runnable check : checks) {
            try {
                check.run();
            } catch (Fault fault) {
                faults.add(fault);
            }
        }
        if (!faults.isEmpty()) {
            throw Fault.refused(spoken(environment) + " is not ready for a release",
                    faults.stream().map(fault -> fault.getMessage() + " (" + fault.next() + ")").toList(),
                    "mend these and run again; nothing was published").from(faults.get(0));
        }
    }

    private void requireKey(String publicKey) {
        environment.publicKey().filter(expected -> !expected.equals(publicKey)).ifPresent(expected -> {
            throw Fault.refused("the signing key is not the one of " + environment.name(), "it signs as " + publicKey
                    + ", consumers trust " + expected, "use the key of this environment");
        });
    }

    // Consumers of the old release must not fall back to it: see what the pointer itself says.
    private boolean pointersMove(Published published) {
        Optional<Version> out = published.pointer().filter(version -> version.compareTo(built.version()) > 0);
        out.ifPresent(version -> console.warn("manifest.nix is at " + version + ": it and the manual 'stable' "
                + (movePointers ? "are moved back to " + built.version() : "stay there; --move-pointers would move them")));
        return out.isEmpty() || movePointers;
    }

    // The manual of a MAJOR is that of its newest release.
    private boolean newerIsOut(Published published) {
        Optional<Version> newer = published.versions().stream().filter(version -> built.official()
                && version.major().equals(built.version().major()) && version.compareTo(built.version()) > 0).findFirst();
        newer.ifPresent(version -> console.warn("the manual of " + version.major() + " stays that of " + version));
        return newer.isPresent();
    }

    // Asks again: what is desired less what is there must be nothing now.
    private void verify(List<Destination> content) throws IOException {
        Plan rest = new Plan();
        for (Destination destination : content) {
            rest.add(destination);
        }
        rest.requireNoConflicts();
        if (!rest.isEmpty()) {
            throw Fault.failed("what was sent is not all there", rest.remaining(), "run again; no pointer was moved");
        }
    }

    private void confirm() {
        String sentence = "I want to release this to " + environment.name();
        if (noConfirm) {
            return;
        }
        String answer = console.ask("To publish " + title() + " on " + spoken(environment) + ", type: " + sentence + "\n>");
        if (!answer.equals(sentence)) {
            throw Fault.refused("not confirmed", answer.isEmpty() ? "nothing was typed" : "typed was: " + answer,
                    "run again and type the sentence, or say --noconfirm; nothing was published");
        }
    }

    private Access open(Cli.Session session, Git git, Nix nix) throws IOException {
        if (!environment.isLocal()) {
            return Access.remote(environment, git, Optional.ofNullable(signingKey).map(session.folder()::resolve), session.env());
        }
        Path folder = localFolder == null ? git.shared("local") : session.folder().resolve(localFolder).normalize();
        // A plan must not even make the local store: it looks at an empty one.
        boolean throwAway = planOnly && !Files.exists(folder);
        return Access.local(environment, throwAway ? Files.createTempDirectory("releng-local") : folder, throwAway, session, nix, git);
    }

    private String stem() {
        return project.prefix() + "-" + built.version();
    }

    private String title() {
        return project.name() + " " + built.version() + (target == Target.manual ? "'s manual" : "");
    }

    private String spoken(Environment environment) {
        return console.paint(environment.guarded() ? Console.Colour.RED : environment.isLocal() ? Console.Colour.GREEN : Console.Colour.YELLOW,
                environment.name());
    }
}
