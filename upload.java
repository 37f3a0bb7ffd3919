///usr/bin/env jbang "$0" "$@" ; exit $?
//JAVA 17+
//DESCRIPTION Phase 4: plan, confirm, publish, verify.
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
//DEPS software.amazon.awssdk:bom:2.57.8@pom
//DEPS software.amazon.awssdk:s3
//DEPS software.amazon.awssdk:apache5-client
//DEPS software.amazon.awssdk.crt:aws-crt:0.39.0
//DEPS org.apache.httpcomponents.client5:httpclient5:5.6.4
//DEPS com.github.luben:zstd-jni:1.5.7-28
//DEPS org.tukaani:xz:1.12
//DEPS org.apache.commons:commons-compress:1.28.0
//DEPS commons-io:commons-io:2.22.0
//DEPS com.samskivert:jmustache:1.16
//SOURCES lib/base/*.java lib/http/*.java lib/config/*.java lib/git/Git*.java lib/git/JGit.java lib/git/Tree.java lib/nix/Base32.java lib/nix/N*.java
//SOURCES lib/nix/P*.java lib/nix/ReleaseJobs.java lib/nix/S*.java lib/s3/*.java lib/oci/*.java lib/proof/*.java lib/publish/*.java lib/notes/*.java
//SOURCES lib/release/BranchOff.java lib/release/BuiltCheck.java lib/release/BuiltRelease.java lib/release/Check.java lib/release/Envelope.java lib/release/Executable.java lib/release/OfficialFlag.java lib/release/Release.java lib/release/ReleaseTag.java lib/release/Statement.java lib/release/StoreClosure.java lib/release/Version*.java
//FILES LocalStore.java=lib/s3/local/LocalStore.java pages/=lib/publish/pages/*
// Without profiles, and with the second compiler for digests and what is called without end: most of the processor time
// of a run went into compiling. Concatenation by code, not by bootstrap, is a part of each start. A heap that begins small,
// whatever the machine has. What a later JDK does not know it ignores.
//COMPILE_OPTIONS -XDstringConcat=inline
//RUNTIME_OPTIONS -XX:+IgnoreUnrecognizedVMOptions --enable-native-access=ALL-UNNAMED -XX:+UseSerialGC -Xms64m
//RUNTIME_OPTIONS -XX:CompileCommand=quiet -XX:CompileCommand=CompileThresholdScaling,sun.security.provider.DigestBase::*,0.0002
//RUNTIME_OPTIONS -XX:Tier4InvocationThreshold=500000 -XX:Tier4MinInvocationThreshold=60000 -XX:Tier4CompileThreshold=1500000 -XX:Tier4BackEdgeThreshold=4000000
//RUNTIME_OPTIONS -XX:+UnlockDiagnosticVMOptions -XX:-C1ProfileCalls -XX:-C1ProfileVirtualCalls -XX:-C1ProfileInlinedCalls
//RUNTIME_OPTIONS -XX:-C1ProfileBranches -XX:-C1ProfileCheckcasts -XX:-C1UpdateMethodData

import java.io.IOException;
import java.nio.file.Path;
import java.util.*;
import java.util.stream.Stream;
import lib.base.*;
import lib.config.*;
import lib.git.Git;
import lib.http.*;
import lib.nix.*;
import lib.proof.*;
import lib.publish.*;
import lib.release.*;
import picocli.CommandLine;
import picocli.CommandLine.*;

@Command(name = "upload", description = "Publishes what build left in release/: plan, confirm, publish, verify.")
class upload implements Cli.Phase {

    @Option(names = {"--env", "--environment"}, paramLabel = "NAME", required = true,
            description = "Where to publish: local, staging, live (or production), or an environment of releng.json.")
    String environmentName;

    enum Target { all, manual, installer, verify, status }

    @Option(names = "--target", paramLabel = "TARGET", defaultValue = "all",
            description = "What to publish: all, only the manual, or only installers; or nothing: verify proves what is published, status looks at all that is out. Default: ${DEFAULT-VALUE}.")
    Target target;

    @Option(names = "--release", paramLabel = "VERSION", description = "With --target verify or installer: the version; default: the checkout's, or in development the newest tag's. With status: only this one.")
    Version ofRelease;

    @Mixin
    Installers.Options installers = new Installers.Options(); // --from

    @Mixin
    Confirmation.Options wish = new Confirmation.Options(); // --plan, --json, --noconfirm

    @Mixin
    Access.Options ways = new Access.Options(); // --signing-key, --provenance-key, --concurrency, --local-folder

    @Mixin
    Review.Options reviewing = new Review.Options(); // --wait, --submit

    @Mixin
    Repoint.Options pointing = new Repoint.Options(); // --point-to, --move-pointers

    @Mixin
    Folders.Options overwriting = new Folders.Options(); // --replace, --shrink

    @Option(names = "--prove-all", description = "Fetch back every byte, including those that were already proved when manifest.nix was moved.")
    boolean proveAll;

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
    public void prepare(CommandLine line) {
        line.registerConverter(Version.class, Version::of);
    }

    @Override
    public void run(Cli.Session session) throws Exception {
        console = session.console();
        ways.check();
        installers.check(target == Target.installer, pointing.to != null);
        // Looking needs no checkout; names that are not the defaults stand in the current folder's releng.json then.
        Optional<Git> checkout = (target == Target.verify || target == Target.status) && session.options().repo == null ? Git.find(session.folder(), session.env())
                : Optional.of(Git.open(session.checkout(), session.env()));
        try (Git git = checkout.orElse(null)) {
            Config config = Config.of(checkout.map(Git::workTree).orElse(session.folder()));
            project = config.project();
            environment = config.environment(environmentName);
            registries = config.registries();
            network = Network.of(session.env(), environment.ca().map(checkout.map(Git::workTree).orElse(session.folder())::resolve));
            confirmation = new Confirmation(console, environment, wish, session.options().verbose, ways.concurrency);
            if (target == Target.verify) {
                verify(checkout, session);
            } else if (target == Target.status) {
                try (Access access = ways.looking(environment, environment.buckets(), checkout, session, registries, network)) {
                    new Survey(access, environment, project, checkout, session.env(), console, ways.concurrency).report(Optional.ofNullable(ofRelease), wish.json);
                }
            } else if (target == Target.installer) {
                try (Access access = open(session, git)) {
                    Installers built = installers.read(access, confirmation, project, git, session.folder(), ofRelease, overwriting.replace);
                    confirmation.carryOut(built.plan(pointing.move, () -> proof(access, Optional.empty())), built.title());
                }
            } else if (pointing.to != null) {
                repoint(git, session);
            } else {
                release = git.workTree().resolve("release");
                publish(git, session);
            }
        }
    }

    private void publish(Git git, Cli.Session session) throws IOException {
        console.step("Checking release/ for " + confirmation.spoken());
        BuiltRelease built = BuiltRelease.read(release);
        built.check(release);
        Guards.replace(environment, project, built.version(), overwriting.replace);
        boolean all = target == Target.all;
        Optional<ReleaseTag> tag = all ? Optional.of(GitRemote.tagOf(git, built)) : Optional.empty();
        Optional<Review> review = tag.flatMap(made -> reviewing.of(git, environment, project, made, network, console));
        review.ifPresent(first -> first.beforeAnything(wish.planOnly)); // ends here while the release commit is in review
        try (Access access = open(session, git)) {
            Optional<GitRemote> remote = tag.map(made -> new GitRemote(git, access.gitUrl().orElseThrow(), review, made, overwriting.replaces()));
            Preflight preflight = new Preflight(console, environment, !wish.planOnly);
            Optional<String> signer = preflight.release(access, remote, built.hasImages());
            Nix nix = new Nix(console, session.env(), List.of());
            Cache cache = new Cache(access.store(), environment, nix, () -> built.closure().isEmpty() ? nix.closure(built.storePaths()) : built.closure(),
                    environment.publicKey().or(() -> signer).map(PublicKey::of), access::key, access.staging(), overwriting.replaces(), Cache.WINDOW);
            if (all && preflight.passed()) {
                preflight.check(() -> cache.requireRoom(console));
            }
            preflight.throwIfAny();
            Plan plan = plan(built, access, cache, remote, signer, session.env()).first(() -> tag.ifPresent(made -> made.publishing(git, environment)));
            confirmation.carryOut(plan, project.name() + " " + built.version() + (all ? "" : "'s manual"));
            if (environment.guarded() && all && !wish.planOnly) {
                FileTree.remove(git.state("roots")); // the world has it: Nix may collect it here
            }
            if (all && !wish.planOnly) {
                remote.orElseThrow().backOnBranch(console);
                Announcement.of(git, project, environment, built, console).conclude(release);
            }
        }
    }

    /** Desired less actual: content first, then its proof, then the pointers, and theirs. */
    private Plan plan(BuiltRelease built, Access access, Cache cache, Optional<GitRemote> remote, Optional<String> signer, Map<String, String> env) throws IOException {
        Folders folders = new Folders(access.store(), environment, project, release, overwriting.replaces(), overwriting.shrink);
        Published published = new Published(access.store(), environment, project);
        Guards guards = new Guards(console, published, built.version(), pointing.move);
        Plan plan = new Plan();
        Sparing sparing = new Sparing(!proveAll && !overwriting.replaces(), plan::isEmpty, () -> cache.seen(Sparing.JUST), access.store(), environment, release);
        Proof content = proof(access, signer).patience(environment.patience()).sparing(sparing);
        Proof pointers = proof(access, Optional.empty()).patience(environment.patience()).sparing(sparing);
        boolean images = target == Target.all && built.hasImages();
        Attested signed = new Attested(folders, built, signer.map(any -> access.provenanceKey()));
        console.step("Comparing with what " + confirmation.spoken() + " has");
        plan.add(remote.filter(GitRemote::comesFirst)); // a Gerrit can still refuse the tag
        if (target == Target.all) {
            plan.add(cache);
            plan.add(folders.artifacts(built));
            plan.add(folders.releaseJson(built));
            plan.add(signed);
            content.cache(built, path -> true).artifacts(built).upgrade(built.version(), Optional.of(built), env);
        }
        if (images) {
            plan.add(new Images(access.repositories().ours(), release, built.images(), built.version().toString(), overwriting.replaces(), Tuning.DEFAULT));
            plan.add(ImageAttestation.of(access.repositories().ours(), built, project, signed::envelope, overwriting.replaces()));
            content.images(access.repositories().anybodys(), built, List.of(built.version().toString()));
        }
        Pointer manual = built.official() ? Pointer.major : Pointer.nightly;
        String place = manual.place(built.version());
        if (guards.manual(manual)) {
            Folder pages = folders.manual(place, built);
            plan.add(pages);
            content.manual(built, place).check("pages of " + place, pages::prove);
        } else {
            folders.proveUntouched(place, published, pointers);
        }
        if (remote.isPresent()) {
            plan.add(remote.filter(elsewhere -> !elsewhere.comesFirst()));
            content.tag(remote.get().url(), built.version(), Optional.of(built.commit()), true, remote.map(GitRemote::git), env);
            content.check("branch", remote.get().branchProof(environment, project, built));
            plan.add(folders.page(built, signer, content));
        }
        plan.verify("all of it, fetched back", content::orFail);

        List<String> tags = (images && built.official() ? Stream.of(Pointer.major, Pointer.latest) : Stream.<Pointer>of())
                .filter(tag -> guards.images(tag, access.repositories().ours())).map(tag -> tag.place(built.version())).toList();
        SortedMap<String, Folder> manuals = new TreeMap<>();
        if (!built.official()) {
            console.say("not an official release: only the nightly manual is updated");
        } else if (guards.manual(Pointer.stable)) {
            manuals.put("stable", target == Target.all ? folders.copied("stable", built) : folders.manual("stable", built));
        } else {
            folders.proveUntouched("stable", published, pointers);
        }
        thenPointers(plan, pointers, access, Optional.of(built), tags, manuals, target == Target.all ? folders.root(built, guards) : List.of());
        return plan;
    }

    /** What users follow, and the proof of it. */
    private void thenPointers(Plan plan, Proof proof, Access access, Optional<BuiltRelease> built, List<String> tags, SortedMap<String, Folder> manuals,
                              List<Folder> root) throws IOException {
        if (!tags.isEmpty()) {
            plan.add(new Images.Tags(access.repositories().ours(), built.orElseThrow().images(), tags, new Published(access.store(), environment, project)::current));
            proof.imageTags(access.repositories().anybodys(), built.orElseThrow(), tags);
        }
        for (Map.Entry<String, Folder> manual : manuals.entrySet()) {
            plan.add(manual.getValue());
            built.ifPresent(known -> proof.manual(known, manual.getKey()));
            proof.check("pages of " + manual.getKey(), manual.getValue()::prove);
        }
        for (Folder pointer : root) { // manifest.nix last of all: who reads it finds the rest
            plan.add(pointer);
            proof.pointer(built, pointer);
        }
        if (!proof.isEmpty()) {
            plan.verify("the pointers", proof::orFail);
        }
    }

    /** Undo is re-pointing: every pointer, or those that are named, to a version that is there already, and whole. */
    private void repoint(Git git, Cli.Session session) throws IOException {
        try (Access access = open(session, git)) {
            new Preflight(console, environment, !wish.planOnly).check(access::checkLifetime).buckets(access.store(), List.of(environment.releases(), environment.docs())).throwIfAny();
            Published published = new Published(access.store(), environment, project);
            Folders folders = new Folders(access.store(), environment, project, release, false, overwriting.shrink);
            Repoint to = new Repoint(folders, pointing.to, pointing.move);
            SortedMap<String, Item> artifacts = to.artifacts(published, new Guards(console, published, pointing.to, pointing.move));
            Proof content = proof(access, Optional.empty());
            Optional<BuiltRelease> built = content.version(pointing.to, path -> true);
            boolean images = built.map(BuiltRelease::hasImages).orElse(false);
            if (images) {
                new Preflight(console, environment, !wish.planOnly).images(access.repositories()::ours).throwIfAny();
                content.images(access.repositories().anybodys(), built.get(), List.of(pointing.to.toString()));
            }
            Plan plan = new Plan().verify(project.name() + " " + pointing.to + " is completely published", content::orFail);
            thenPointers(plan, proof(access, Optional.empty()).patience(environment.patience()), access, built, images ? to.tags() : List.of(), to.manuals(built),
                    to.root(artifacts, built, console));
            confirmation.carryOut(plan, "the pointers to " + project.name() + " " + pointing.to);
        }
    }

    /** What anybody can prove from anywhere, without keys where the environment is public. */
    private void verify(Optional<Git> checkout, Cli.Session session) throws IOException {
        Version version = ofRelease != null ? ofRelease : checkout.map(git -> GitRemote.version(git, project))
                .orElseThrow(() -> Fault.usage("no version is given", "there is no checkout here to take it from", "name it with --release"));
        try (Access access = ways.looking(environment, installers.buckets(environment), checkout, session, registries, network)) {
            console.step("Proving " + project.name() + " " + version + " on " + confirmation.spoken());
            Proof proof = proof(access, Optional.empty());
            Optional<BuiltRelease> built = proof.version(version, path -> true);
            built.filter(BuiltRelease::hasImages).ifPresent(known -> proof.images(access.repositories().anybodys(), known, List.of(version.toString())));
            proof.upgrade(version, built, session.env());
            BranchProof branches = new BranchProof(environment, project, checkout, session.env());
            access.gitUrl().map(branches::publicAddress).ifPresent(url -> proof.tag(url, version, built.map(BuiltRelease::commit), false, checkout, session.env())
                    .check("branch", branches.part(url, version, built.map(BuiltRelease::commit), Optional.empty(), false)));
            proof.orFail();
            console.done(project.name() + " " + version + " on " + confirmation.spoken() + " is what was built");
        }
    }

    private Proof proof(Access access, Optional<String> signer) {
        return new Proof(access.fetcher(), environment, project, signer, console).concurrency(ways.concurrency);
    }

    private Access open(Cli.Session session, Git git) throws IOException {
        return Access.open(environment, installers.buckets(environment), git, session, ways.wish(session, git, wish.planOnly, registries, network));
    }
}
