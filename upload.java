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
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;
import lib.Access;
import lib.BuiltRelease;
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
import lib.publish.Item;
import lib.publish.Plan;
import lib.publish.Preflight;
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

    @Option(names = {"-n", "--plan", "--dry-run"}, description = "Print what would be done, and do nothing. Needs only read access.")
    boolean planOnly;

    @Option(names = "--json", description = "Print the plan as JSON, an operation a line.")
    boolean json;

    @Option(names = "--noconfirm", description = "Do not ask before publishing.")
    boolean noConfirm;

    @Option(names = "--point-to", paramLabel = "VERSION",
            description = "Publish nothing: move what users follow to this version, which is published already.")
    String pointTo;

    @Option(names = "--move-pointers", paramLabel = "NAME", split = ",", description = "Move these back to an older version: manifest, stable.")
    List<String> movePointers = new ArrayList<>();

    @Option(names = "--replace", arity = "0..1", fallbackValue = "", paramLabel = "NAME",
            description = "Replace other bytes of this version. On a guarded environment only with its name, such as lix-2.93.1.")
    String replace;

    @Option(names = "--shrink", paramLabel = "PREFIX", description = "Let this manual (as manual/lix/stable) lose more than a tenth of its pages.")
    List<String> shrink = new ArrayList<>();

    @Option(names = "--signing-key", paramLabel = "FILE", description = "The cache's secret key. Else RELENG_SIGNING_KEY has the key, "
            + "or RELENG_SIGNING_KEY_COMMAND a command that prints it, such as: age -d -i ID prod.key.age")
    Path signingKey;

    @Option(names = "--concurrency", paramLabel = "N", description = "Requests at once; default: ${DEFAULT-VALUE}.")
    int concurrency = ObjectStore.CONCURRENCY;

    @Option(names = "--local-folder", paramLabel = "DIR", description = "Where the environment local keeps its buckets and repository; "
            + "default: releng/local in the clone's .git.")
    Path localFolder;

    private Console console;
    private Environment environment;
    private Project project;
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
        requireUsage();
        try (Git git = Git.open(common.folder(session), session.env())) {
            Config config = Config.of(git.workTree());
            project = config.project();
            environment = config.environment(environmentName);
            release = git.workTree().resolve("release");
            Nix nix = new Nix(console, session.env(), List.of());
            if (pointTo != null) {
                try (Access access = open(session, git, nix)) {
                    repoint(access.store(), version(pointTo));
                }
                return;
            }
            console.step("Checking release/ for " + spoken());
            BuiltRelease built = BuiltRelease.read(release);
            built.check(release);
            Optional<ReleaseTag> tag = target == Target.all ? Optional.of(GitRemote.tagOf(git, built)) : Optional.empty();
            Path staging = git.state("staging");
            FileTree.remove(staging);
            try (Access access = open(session, git, nix)) {
                publish(built, access, nix, tag.map(made -> new GitRemote(git, access.gitUrl(), environment.gerrit(), made, replaces(built))), staging);
                if (environment.guarded() && target == Target.all && !planOnly) {
                    FileTree.remove(git.state("roots")); // the world has it: Nix may collect it here
                }
            } finally {
                FileTree.remove(staging);
            }
        }
    }

    /** Desired less actual: content first, then its proof, then the pointers. */
    private void publish(BuiltRelease built, Access access, Nix nix, Optional<GitRemote> remote, Path staging) throws IOException {
        preflight(access, nix, remote);
        ObjectStore store = access.store();
        Published published = new Published(store, environment.releases(), project);
        console.step("Asking " + spoken() + " what it holds");
        List<Destination> content = new ArrayList<>();
        if (target == Target.all) {
            content.add(new Cache(store, environment.cache(), nix, storePaths(built), access::key, staging));
            content.add(artifacts(store, published, built));
        }
        if (!newerIsOut(published, built)) {
            content.add(manual(store, built, built.official() ? built.version().major() : "nightly"));
        }
        remote.ifPresent(content::add);
        // The root manifest.nix comes last of all: who reads it finds the rest.
        List<Destination> pointers = new ArrayList<>();
        if (built.official() && moves("stable", published, built.version())) {
            pointers.add(manual(store, built, "stable"));
        }
        if (target == Target.all && moves("manifest", published, built.version())) {
            pointers.add(manifest(store, Folder.files(release, built.below("artifacts"))));
        }

        Plan plan = new Plan();
        for (Destination destination : content) {
            plan.add(destination);
        }
        plan.verify("everything above is there", () -> verify(content));
        for (Destination pointer : pointers) {
            plan.add(pointer);
        }
        carryOut(plan, project.name() + " " + built.version() + (target == Target.manual ? "'s manual" : ""));
    }

    /** Undo is re-pointing: every pointer to a version that is there already, and whole. */
    private void repoint(ObjectStore store, Version version) throws IOException {
        Published published = new Published(store, environment.releases(), project);
        SortedMap<String, Item> artifacts = Folder.objects(store, environment.releases(), published.folder(version));
        if (!artifacts.containsKey("manifest.nix")) {
            throw Fault.refused(project.name() + " " + version + " is not published on " + environment.name(),
                    "there is no s3://" + environment.releases() + "/" + published.folder(version) + "manifest.nix; there are: " + published.versions(),
                    "name a version that is");
        }
        Plan plan = new Plan();
        SortedMap<String, Item> manual = Folder.objects(store, environment.releases(), published.folder(version) + "manual/");
        plan.add(mirror(store, "stable", manual));
        plan.add(manifest(store, artifacts));
        carryOut(plan, "the pointers to " + project.name() + " " + version);
    }

    /** Prints the plan, and runs the same plan. */
    private void carryOut(Plan plan, String title) {
        plan.requireNoConflicts();
        if (plan.isEmpty() && !json) {
            console.done("nothing to send: " + title + " is on " + spoken() + ", whole");
            return;
        }
        if (json) {
            plan.printJson(console);
        } else {
            plan.print(console, common.verbose);
        }
        if (planOnly) {
            return;
        }
        confirm(title);
        plan.run(console, concurrency);
        console.done(title + " is published on " + spoken());
        environment.urls().values().stream().sorted().forEach(url -> console.say(url.toString()));
    }

    private Folder artifacts(ObjectStore store, Published published, BuiltRelease built) {
        return new Folder("releases", store, environment.releases(), published.folder(built.version()),
                Folder.files(release, built.below("artifacts/" + published.folder(built.version()).replaceAll("/$", ""))),
                replaces(built) ? Folder.Mode.REPLACED_CONTENT : Folder.Mode.CONTENT);
    }

    private Folder manual(ObjectStore store, BuiltRelease built, String which) {
        return mirror(store, which, Folder.files(release, built.below("manual")));
    }

    private Folder mirror(ObjectStore store, String which, SortedMap<String, Item> pages) {
        String prefix = "manual/" + project.prefix() + "/" + which;
        return new Folder("manual " + which, store, environment.docs(), prefix + "/", pages,
                shrink.contains(prefix) ? Folder.Mode.SHRINKING_MIRROR : Folder.Mode.MIRROR);
    }

    private Folder manifest(ObjectStore store, SortedMap<String, Item> artifacts) {
        SortedMap<String, Item> manifest = new TreeMap<>(artifacts);
        manifest.keySet().retainAll(List.of("manifest.nix"));
        return new Folder("manifest", store, environment.releases(), "", manifest, Folder.Mode.POINTER);
    }

    /** What was built with Nix, and how to build it: outputs and derivations. */
    private static List<String> storePaths(BuiltRelease built) {
        return built.jobs().stream().flatMap(job -> Stream.concat(Stream.of(job.drvPath()), job.outputs().values().stream()))
                .distinct().sorted().toList();
    }

    private void preflight(Access access, Nix nix, Optional<GitRemote> remote) {
        Preflight preflight = new Preflight();
        List<String> buckets = new ArrayList<>(List.of(environment.docs(), environment.releases()));
        if (target == Target.all) {
            buckets.add(environment.cache());
        }
        buckets.forEach(bucket -> preflight.check(() -> access.store().requireBucket(bucket)));
        if (target == Target.all && !planOnly) {
            preflight.check(() -> requireKey(nix.publicKey(access.key().file())));
        }
        remote.ifPresent(repository -> preflight.check(() -> repository.requireReachable(!planOnly)));
        preflight.throwIfAny(environment.name() + " is not ready for a release");
    }

    private void requireKey(String publicKey) {
        environment.publicKey().filter(expected -> !expected.equals(publicKey)).ifPresent(expected -> {
            throw Fault.refused("the signing key is not the one of " + environment.name(), "it signs as " + publicKey
                    + ", consumers trust " + expected, "use the key of this environment");
        });
    }

    // Users of a newer release must not fall back: the guard reads the last thing a release writes.
    private boolean moves(String pointer, Published published, Version version) {
        Optional<Version> newer = published.pointer().filter(out -> out.compareTo(version) > 0);
        boolean told = movePointers.contains(pointer);
        newer.ifPresent(out -> console.warn("manifest.nix is at " + out + ": '" + pointer + "' "
                + (told ? "is moved back to " + version : "stays there; --move-pointers " + pointer + " would move it")));
        return newer.isEmpty() || told;
    }

    // The manual of a MAJOR is that of its newest release.
    private boolean newerIsOut(Published published, BuiltRelease built) {
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

    private void confirm(String title) {
        String sentence = "I want to release this to " + environment.name();
        if (noConfirm) {
            return;
        }
        String answer = console.ask("To publish " + title + " on " + spoken() + ", type: " + sentence + "\n>");
        if (!answer.equals(sentence)) {
            throw Fault.refused("not confirmed", answer.isEmpty() ? "nothing was typed" : "typed was: " + answer,
                    "run again and type the sentence, or say --noconfirm; nothing was published");
        }
    }

    private boolean replaces(BuiltRelease built) {
        String name = project.prefix() + "-" + built.version();
        if (replace != null && environment.guarded() && !replace.equals(name)) {
            throw Fault.refused("published bytes are not replaced on " + environment.name(), "people have pinned them",
                    "release a new version; if it must be, say --replace " + name);
        }
        return replace != null;
    }

    private void requireUsage() {
        for (String name : movePointers) {
            if (!List.of("manifest", "stable").contains(name)) {
                throw Fault.usage("there is no pointer '" + name + "'", "known: manifest, stable", "name them with --move-pointers");
            }
        }
        if (concurrency < 1) {
            throw Fault.usage("--concurrency " + concurrency + " makes no sense", "at least one request must be on its way", "leave it away");
        }
    }

    private static Version version(String text) {
        try {
            return Version.of(text);
        } catch (IllegalArgumentException e) {
            throw Fault.usage("no such version", e.getMessage(), "see upload --help").from(e);
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

    private String spoken() {
        return console.paint(environment.guarded() ? Console.Colour.RED : environment.isLocal() ? Console.Colour.GREEN : Console.Colour.YELLOW,
                environment.name());
    }
}
