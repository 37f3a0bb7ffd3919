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
//DEPS software.amazon.awssdk.crt:aws-crt:0.39.0
//DEPS org.apache.httpcomponents.client5:httpclient5:5.6.4
//DEPS com.github.luben:zstd-jni:1.5.7-28
//DEPS org.tukaani:xz:1.12
//DEPS org.apache.commons:commons-compress:1.28.0
//DEPS commons-io:commons-io:2.22.0
//SOURCES lib/base/*.java lib/http/*.java lib/config/*.java lib/git/Git*.java lib/git/JGit.java lib/git/Tree.java lib/nix/Base32.java lib/nix/Narinfo.java
//SOURCES lib/nix/Nix.java lib/nix/PublicKey.java lib/nix/ReleaseJobs.java lib/nix/SigningKey.java
//SOURCES lib/s3/*.java lib/oci/*.java lib/release/BuiltRelease.java lib/release/Release.java lib/release/ReleaseTag.java
//SOURCES lib/release/Version.java lib/publish/*.java lib/proof/*.java
//FILES LocalStore.java=lib/s3/local/LocalStore.java
// Without profiles, and with the second compiler for digests and what is called without end: most of the processor time
// of a run went into compiling. Concatenation by code, not by bootstrap, is a part of each start. A heap that begins small,
// whatever the machine has. What a later JDK does not know it ignores.
//COMPILE_OPTIONS -XDstringConcat=inline
//RUNTIME_OPTIONS -XX:+IgnoreUnrecognizedVMOptions --enable-native-access=ALL-UNNAMED -XX:+UseSerialGC -Xms64m
//RUNTIME_OPTIONS -XX:CompileCommand=quiet -XX:CompileCommand=CompileThresholdScaling,sun.security.provider.DigestBase::*,0.0002
//RUNTIME_OPTIONS -XX:Tier4InvocationThreshold=500000 -XX:Tier4MinInvocationThreshold=60000
//RUNTIME_OPTIONS -XX:Tier4CompileThreshold=1500000 -XX:Tier4BackEdgeThreshold=4000000
//RUNTIME_OPTIONS -XX:+UnlockDiagnosticVMOptions -XX:-C1ProfileCalls -XX:-C1ProfileVirtualCalls -XX:-C1ProfileInlinedCalls
//RUNTIME_OPTIONS -XX:-C1ProfileBranches -XX:-C1ProfileCheckcasts -XX:-C1UpdateMethodData

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import lib.base.Cli;
import lib.base.Console;
import lib.base.Fault;
import lib.base.FileTree;
import lib.config.Config;
import lib.config.Environment;
import lib.config.Project;
import lib.git.Git;
import lib.http.Network;
import lib.http.Tuning;
import lib.nix.Nix;
import lib.nix.PublicKey;
import lib.oci.Repositories;
import lib.proof.*;
import lib.publish.*;
import lib.release.BuiltRelease;
import lib.release.Release;
import lib.release.ReleaseTag;
import lib.release.Version;
import lib.s3.ObjectStore;
import picocli.CommandLine;
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

    enum Target { all, manual, verify }

    @Option(names = "--target", paramLabel = "TARGET", defaultValue = "all",
            description = "all; just the manual; or verify: publish nothing, prove what is published. Default: ${DEFAULT-VALUE}.")
    Target target;

    @Option(names = "--release", paramLabel = "VERSION", description = "With --target verify: the version; default: the checkout's.")
    Version releaseToVerify;

    @Option(names = {"-n", "--plan", "--dry-run"}, description = "Print what would be done, and do nothing. Needs only read access.")
    boolean planOnly;

    @Option(names = "--json", description = "Print the plan as JSON, an operation a line.")
    boolean json;

    @Option(names = "--noconfirm", description = "Do not ask before publishing.")
    boolean noConfirm;

    @Option(names = "--point-to", paramLabel = "VERSION",
            description = "Publish nothing: move what users follow to this version, which is published already.")
    Version pointTo;

    @Option(names = "--move-pointers", paramLabel = "NAME", split = ",", description = "Move these wherever they are: manifest, stable, latest, major (the "
            + "MAJOR's manual and image tag), nightly. With --point-to: move only these.")
    List<Pointer> movePointers = new ArrayList<>();

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
    private List<String> registries;
    private Network network;
    private Confirmation confirmation;
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
    public void prepare(CommandLine line) {
        line.registerConverter(Version.class, Version::of);
    }

    @Override
    public void run(Cli.Session session) throws Exception {
        console = session.console();
        if (concurrency < 1) {
            throw Fault.usage("--concurrency " + concurrency + " sends nothing", "at least one request must be on its way", "leave it away");
        }
        Optional<Git> checkout = checkout(session);
        try (Git git = checkout.orElse(null)) {
            Config config = checkout.map(found -> Config.of(found.workTree())).orElse(Config.LIX);
            project = config.project();
            environment = config.environment(environmentName);
            registries = config.registries();
            Path top = checkout.map(Git::workTree).orElse(session.folder());
            network = Network.of(session.env(), environment.ca().map(top::resolve));
            confirmation = new Confirmation(console, environment, noConfirm);
            Nix nix = new Nix(console, session.env(), List.of());
            if (target == Target.verify) {
                verifyPublished(checkout, nix, session);
            } else if (pointTo != null) {
                try (Access access = open(session, git, nix)) {
                    repoint(access);
                }
            } else {
                release = git.workTree().resolve("release");
                publish(git, nix, session);
            }
        }
    }

    private void publish(Git git, Nix nix, Cli.Session session) throws IOException {
        console.step("Checking release/ for " + confirmation.spoken());
        BuiltRelease built = BuiltRelease.read(release);
        built.check(release);
        Guards.replace(environment, project, built.version(), replace);
        Optional<ReleaseTag> tag = target == Target.all ? Optional.of(GitRemote.tagOf(git, built)) : Optional.empty();
        try (Access access = open(session, git, nix)) {
            Optional<GitRemote> remote = tag.map(made -> new GitRemote(git, access.gitUrl(), environment.gerrit(), made, replace != null));
            Preflight preflight = new Preflight(console, environment, !planOnly).check(access::checkLifetime);
            preflight.buckets(access.store(), target == Target.all ? List.of(environment.cache(), environment.releases(), environment.docs())
                    : List.of(environment.docs()));
            Optional<String> signer = target == Target.all ? preflight.key(access::key) : Optional.empty();
            remote.ifPresent(preflight::git);
            if (target == Target.all && !built.images().isEmpty()) {
                preflight.images(access.repositories()::ours);
            }
            Cache cache = new Cache(access.store(), environment.cache(), nix, built.storePaths(), environment.publicKey().or(() -> signer).map(PublicKey::of),
                    access::key, access.staging(), replace != null);
            if (target == Target.all && preflight.passed()) {
                preflight.check(() -> cache.requireRoom(console));
            }
            preflight.throwIfAny();
            carryOut(plan(built, access, cache, remote, signer, session.env()), project.name() + " " + built.version()
                    + (target == Target.manual ? "'s manual" : ""));
            if (environment.guarded() && target == Target.all && !planOnly) {
                FileTree.remove(git.state("roots")); // the world has it: Nix may collect it here
            }
        }
    }

    /** Desired less actual: content first, then its proof, then the pointers, and theirs. */
    private Plan plan(BuiltRelease built, Access access, Cache cache, Optional<GitRemote> remote, Optional<String> signer,
                      Map<String, String> env) throws IOException {
        ObjectStore store = access.store();
        Folders folders = folders(access);
        Published published = new Published(store, environment, project);
        Guards guards = new Guards(console, published, built.version(), movePointers);
        Proof content = proof(Optional.of(store), signer).patience(patience());
        console.step("Asking " + confirmation.spoken() + " what it holds");
        Plan plan = new Plan();
        if (target == Target.all) {
            plan.add(cache);
            plan.add(folders.artifacts(built));
            plan.add(folders.releaseJson(built));
            content.cache(built, path -> true).artifacts(built);
        }
        boolean images = target == Target.all && !built.images().isEmpty();
        if (images) {
            plan.add(new Images(access.repositories().ours(), release, built.images(), built.version().toString(), replace != null, Tuning.DEFAULT));
            content.images(access.repositories().anybodys(), built, List.of(built.version().toString()));
        }
        List<String> stays = new ArrayList<>();
        String manual = built.official() ? built.version().major() : "nightly";
        if (guards.manual(built.official() ? Pointer.major : Pointer.nightly, manual)) {
            Folder pages = folders.manual(manual, built);
            plan.add(pages);
            content.manual(built, manual).check("pages of " + manual, pages::prove);
        } else {
            stays.add(manual);
        }
        if (remote.isPresent()) {
            plan.add(remote.get());
            content.tag(access.gitUrl(), built.version(), Optional.of(built.commit()), true, remote.map(GitRemote::git), env);
        }
        plan.verify("all of it, fetched back", content::orFail);

        List<String> tags = new ArrayList<>();
        for (Pointer pointer : images && built.official() ? List.of(Pointer.major, Pointer.latest) : List.<Pointer>of()) {
            String tag = pointer == Pointer.major ? built.version().major() : "latest";
            if (guards.images(pointer, tag, access.repositories().ours())) {
                tags.add(tag);
            }
        }
        Map<String, Folder> manuals = new TreeMap<>();
        if (!built.official()) {
            console.say("no release: only the nightly manual moves");
        } else if (guards.manual(Pointer.stable, "stable")) {
            manuals.put("stable", target == Target.all ? folders.mirror("stable", folders.publishedPages(built), built.version(), Optional.of(built.commit()))
                    : folders.manual("stable", built));
        } else {
            stays.add("stable");
        }
        boolean manifest = target == Target.all && guards.manifest();
        Proof pointers = proof(Optional.of(store), Optional.empty()).patience(patience());
        for (String which : stays) { // where it is; but two runs at once may have mixed it
            published.manual(which).ifPresent(at -> pointers.check("manual " + which + " of " + at,
                    findings -> folders.published(which, at, Optional.empty()).proveUntouched(at, findings)));
        }
        thenPointers(plan, pointers, access, Optional.of(built), tags, manuals,
                manifest ? Optional.of(folders.manifest(Folder.files(release, built.below("artifacts")))) : Optional.empty());
        return plan;
    }

    /** What users follow, and the proof of it. */
    private void thenPointers(Plan plan, Proof proof, Access access, Optional<BuiltRelease> built, List<String> tags, Map<String, Folder> manuals,
                              Optional<Folder> manifest) throws IOException {
        if (!tags.isEmpty()) {
            plan.add(new Images.Tags(access.repositories().ours(), built.orElseThrow().images(), tags,
                    new Published(access.store(), environment, project)::current));
            proof.imageTags(access.repositories().anybodys(), built.orElseThrow(), tags);
        }
        for (Map.Entry<String, Folder> manual : manuals.entrySet()) {
            plan.add(manual.getValue());
            built.ifPresent(known -> proof.manual(known, manual.getKey()));
            proof.check("pages of " + manual.getKey(), manual.getValue()::prove);
        }
        if (manifest.isPresent()) {
            plan.add(manifest.get()); // last of all: who reads it finds the rest
            built.ifPresent(proof::manifest);
        }
        if (!proof.isEmpty()) {
            plan.verify("the pointers", proof::orFail);
        }
    }

    /** Undo is re-pointing: every pointer, or those that are named, to a version that is there already, and whole. */
    private void repoint(Access access) throws IOException {
        ObjectStore store = access.store();
        new Preflight(console, environment, !planOnly).check(access::checkLifetime)
                .buckets(store, List.of(environment.releases(), environment.docs())).throwIfAny();
        Published published = new Published(store, environment, project);
        new Guards(console, published, pointTo, movePointers).pointTo();
        SortedMap<String, Item> artifacts = Folder.objects(store, environment.releases(), project.folder(pointTo.toString()));
        if (!artifacts.containsKey("manifest.nix")) {
            throw Fault.refused(project.name() + " " + pointTo + " is not published on " + environment.name(),
                    "there is no s3://" + environment.releases() + "/" + project.folder(pointTo.toString()) + "manifest.nix; there are: " + published.versions(),
                    "name a version that is");
        }
        Proof content = proof(Optional.of(store), Optional.empty());
        Optional<BuiltRelease> built = content.version(pointTo, path -> true);
        List<String> tags = new ArrayList<>();
        if (hasImages(built)) {
            new Preflight(console, environment, !planOnly).images(access.repositories()::ours).throwIfAny();
            content.images(access.repositories().anybodys(), built.get(), List.of(pointTo.toString()));
            named(Pointer.major).ifPresent(pointer -> tags.add(pointTo.major()));
            named(Pointer.latest).ifPresent(pointer -> tags.add("latest"));
        }
        Plan plan = new Plan().verify(project.name() + " " + pointTo + " is there, whole", content::orFail);
        Map<String, Folder> manuals = new TreeMap<>();
        for (Pointer pointer : List.of(Pointer.major, Pointer.stable)) {
            String which = pointer == Pointer.major ? pointTo.major() : "stable";
            named(pointer).ifPresent(name -> manuals.put(which, folders(access).published(which, pointTo, built.map(BuiltRelease::commit))));
        }
        thenPointers(plan, proof(Optional.of(store), Optional.empty()).patience(patience()), access, built, tags, manuals, named(Pointer.manifest).map(name -> folders(access).manifest(artifacts)));
        carryOut(plan, "the pointers to " + project.name() + " " + pointTo);
    }

    // All of them, where none is named.
    private Optional<Pointer> named(Pointer pointer) {
        return Optional.of(pointer).filter(one -> movePointers.isEmpty() || movePointers.contains(one));
    }

    /** What anybody can prove from anywhere, without keys where the environment is public. */
    private void verifyPublished(Optional<Git> checkout, Nix nix, Cli.Session session) throws IOException {
        Version version = releaseToVerify != null ? releaseToVerify : checkout.map(git -> Release.at(git, project).version())
                .orElseThrow(() -> Fault.usage("which version?", "this is no checkout that could tell", "name it with --release"));
        try (Repositories anybodys = new Repositories(environment, Optional.empty(), List.of(), Map.of(), false, console, network);
                Access access = environment.isPublic() ? null : open(session, checkout.orElseThrow(() -> Fault.usage(environment.name() + " is not public",
                "its keys are used from a checkout", "run in one, or name it with --repo")), nix)) {
            console.step("Proving " + project.name() + " " + version + " on " + confirmation.spoken());
            Proof proof = proof(Optional.ofNullable(access).map(Access::store), Optional.empty());
            Optional<BuiltRelease> built = proof.version(version, path -> true);
            Optional<String> url = access != null ? Optional.of(access.gitUrl()) : environment.git();
            if (hasImages(built)) {
                proof.images((access == null ? anybodys : access.repositories()).anybodys(), built.get(), List.of(version.toString()));
            }
            url.ifPresent(address -> proof.tag(address, version, built.map(BuiltRelease::commit), false, checkout, session.env()));
            proof.orFail();
            console.done(project.name() + " " + version + " on " + confirmation.spoken() + " is what was built");
        }
    }

    private Proof proof(Optional<ObjectStore> store, Optional<String> signer) {
        return new Proof(Fetcher.of(environment, store, network, "releases", "cache", "docs"), environment, project, signer, console);
    }

    private static boolean hasImages(Optional<BuiltRelease> built) {
        return built.isPresent() && !built.get().images().isEmpty();
    }

    // As long as a proxy on the way may keep what a pointer said.
    private Duration patience() {
        return environment.urls().isEmpty() ? Duration.ZERO : Duration.ofMinutes(6);
    }

    // Proving needs no checkout, for a project whose names are the defaults.
    private Optional<Git> checkout(Cli.Session session) {
        try {
            return Optional.of(Git.open(common.folder(session), session.env()));
        } catch (Fault fault) {
            if (target != Target.verify || common.repo != null) {
                throw fault;
            }
            return Optional.empty();
        }
    }

    private void carryOut(Plan plan, String title) {
        confirmation.carryOut(plan, title, new Confirmation.Showing(planOnly, json, common.verbose), concurrency);
    }

    private Folders folders(Access access) {
        return new Folders(access.store(), environment, project, release, replace != null, shrink);
    }

    private Access open(Cli.Session session, Git git, Nix nix) throws IOException {
        Path folder = localFolder == null ? git.shared("local") : session.folder().resolve(localFolder).normalize();
        return Access.open(environment, git, nix, session, new Access.Wish(Optional.ofNullable(signingKey).map(session.folder()::resolve), folder,
                planOnly || target == Target.verify, concurrency, registries, network));
    }
}
