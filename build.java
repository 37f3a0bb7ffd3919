///usr/bin/env jbang "$0" "$@" ; exit $?
//JAVA 17+
//DESCRIPTION Phase 3: evaluate and build the release jobs, and gather release/.
//DEPS info.picocli:picocli:4.7.7
//DEPS com.fasterxml.jackson.core:jackson-databind:2.22.4
//DEPS com.fasterxml.jackson.dataformat:jackson-dataformat-xml:2.22.4
//DEPS org.cyclonedx:cyclonedx-core-java:11.0.1
//DEPS org.eclipse.jgit:org.eclipse.jgit:7.8.1.202611041320-r
//DEPS org.slf4j:slf4j-nop:2.0.20
//DEPS org.apache.commons:commons-compress:1.28.0
//DEPS commons-io:commons-io:2.22.0
//DEPS com.jcraft:jzlib:1.1.3
//DEPS com.github.luben:zstd-jni:1.5.7-28
//DEPS org.tukaani:xz:1.12
//DEPS org.jsoup:jsoup:1.22.1
//DEPS org.apache.httpcomponents.client5:httpclient5:5.6.4
//SOURCES lib/base/*.java lib/http/*.java lib/config/*.java lib/git/*.java lib/nix/*.java
//SOURCES lib/oci/Audit.java lib/oci/BuiltImage.java lib/oci/Contents.java lib/oci/DockerArchive.java lib/oci/ImageIndex.java
//SOURCES lib/oci/ParallelGzip.java lib/oci/PaxRecords.java lib/oci/Sparse.java lib/oci/Tar.java lib/oci/Unpacking.java
//SOURCES lib/release/Against.java lib/release/Built*.java lib/release/Check.java lib/release/Checking.java lib/release/Checksums.java
//SOURCES lib/release/Growth.java lib/release/ManualLinks.java lib/release/OfficialFlag.java lib/release/PublicPlace.java lib/release/Release.java
//SOURCES lib/release/Sbom.java lib/release/Statement.java lib/release/StoreClosure.java lib/release/Traces.java lib/release/Version.java
//JAVA_OPTIONS -XX:TieredStopAtLevel=1 -XX:+UseSerialGC

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.*;
import lib.base.*;
import lib.config.*;
import lib.git.*;
import lib.nix.*;
import lib.oci.*;
import lib.release.*;
import org.eclipse.jgit.lib.ObjectId;
import picocli.CommandLine.*;

@Command(name = "build", description = "Evaluates and builds the release jobs of the tag that HEAD is on, and gathers release/.")
class build implements Cli.Phase {

    @Option(names = "--profile", paramLabel = "NAME", defaultValue = "all",
            description = "The profile of release-jobs; default: ${DEFAULT-VALUE}.")
    String profile;

    enum Target { all, manual }

    @Option(names = "--target", paramLabel = "TARGET", defaultValue = "all",
            description = "What to build: all, or only the manual, which needs no tag; default: ${DEFAULT-VALUE}.")
    Target target;

    @Mixin
    NixOptions nixOptions = new NixOptions(); // --max-jobs, --cores, --builders, --option, --keep-going

    @Option(names = "--allow-image-policy", description = "Only warn of images that violate the project's policy.")
    boolean allowImagePolicy;

    @Option(names = "--check", description = "Build everything again and compare it byte for byte; fail where it differs.")
    boolean check;

    @Mixin
    Against.Options sizes = new Against.Options(); // --against, --allow-growth

    @Option(names = "--skip", split = ",", paramLabel = "NAME", description = "Skip these checks of what was built: ${COMPLETION-CANDIDATES}. release.json says which.")
    Set<BuiltCheck> skip = EnumSet.noneOf(BuiltCheck.class);

    private Console console;
    private Git git;
    private Config config;
    private Release release;
    private SortedMap<String, Nix.PathInfo> closure = Collections.emptySortedMap();

    public static void main(String[] args) {
        Cli.main(new build(), args);
    }

    @Override
    public void run(Cli.Session session) throws IOException {
        console = session.console();
        try (Git opened = Git.open(session.checkout(), session.env()); Lock lock = Lock.take(opened.state("build.lock"), "a build");
                Pristine source = new Pristine(opened)) {
            git = opened;
            config = Config.of(git.workTree());
            release = Release.at(git, config.project());
            Optional<String> tag = tagAtHead();
            Optional<Against> before = target == Target.all ? Optional.of(Against.find(sizes, session, git, config, release.version())) : Optional.empty();
            // Git and Nix read the commit where nothing of this clone's or its user's settings is.
            Path tar = source.take(tag).archive(release.stem() + "/");
            String flake = Nix.flake(source.folder(), source.ref(), git.head().name());
            Nix nix = new FlakeSource(source, release.stem() + "/", tar).nix(console, session.env(), nixOptions.line(), flake);
            String system = nix.system();

            console.step("Evaluating release-jobs of " + release.spoken() + ", profile " + profile);
            List<Nix.Job> jobs = nix.evaluate(flake, profile);
            ReleaseJobs shape = new ReleaseJobs(jobs);
            Nix.Job manual = shape.manual(system);
            if (target == Target.all) {
                shape.tarballs(); // where there are none, that is said before hours of building
            }
            List<Nix.Job> wanted = target == Target.manual ? List.of(manual) : jobs;
            wanted.forEach(job -> console.say(job.attr()));

            console.step("Building " + wanted.size() + " jobs");
            nix.build(wanted, git.state("roots"));

            // Everything is made beside release/, which stays as it is until the last check has passed.
            Path folder = git.workTree().resolve("release");
            Path partial = git.workTree().resolve("release.partial");
            FileTree.remove(partial);
            try {
                console.step("Gathering release/");
                if (target == Target.all) { // who proves it from anywhere knows what to ask the cache for
                    closure = StoreClosure.of(nix.closure(BuiltRelease.storePaths(wanted)));
                }
                List<BuiltImage> images = gather(shape, manual, tar, partial);
                BuiltRelease built = new BuiltRelease(target.name(), release.version(), release.name(), OfficialFlag.in(git, git.head(), release).set(),
                        git.head().name(), tag, system, profile, BuiltRelease.measure(partial), images, wanted).committed(git.committed(git.head())).withClosure(closure);
                List<String> skipped = new ArrayList<>(Check.skippedIn(git.message(git.head())));
                new BuiltChecks(git, release, partial, wanted, system, Optional.of(tar).filter(any -> target == Target.all)).require(skip, console)
                        .forEach(skippedHere -> skipped.add(skippedHere.name()));
                built = built.withSkipped(skipped);
                if (before.isPresent()) {
                    before.get().require(built, console);
                }
                if (check) {
                    console.step("Building again");
                    built = built.withRebuilt(new Rebuild(nix, session.env(), console).require(wanted));
                    gatherAgain(shape, manual, source.take(tag).archive(release.stem() + "/"), partial);
                }
                if (target == Target.all) { // what is known by now of how it was built, for upload to sign
                    built = new Statement(built, release.project(), nix.version(), nixOptions.published()).write(partial);
                }
                FileTree.writeWhole(partial.resolve(BuiltRelease.FILE), built.json());
                built.check(partial);
                FileTree.replace(folder, partial);
                report(built, folder);
            } finally {
                FileTree.remove(partial);
            }
        }
    }

    /** Everything of a release but release.json, from what Nix has built and the commit. */
    private List<BuiltImage> gather(ReleaseJobs shape, Nix.Job manual, Path tar, Path into) throws IOException {
        gatherManual(manual, into.resolve("manual"));
        if (target == Target.manual) {
            return List.of();
        }
        Path artifacts = into.resolve("artifacts").resolve(release.project().prefix()).resolve(release.stem());
        gatherTarballs(shape.tarballs(), artifacts);
        FileTree.copy(into.resolve("manual"), artifacts.resolve("manual"));
        archiveManual(into.resolve("manual"), artifacts);
        Archives.gzip(tar, artifacts.resolve(release.stem() + ".tar.gz"));
        Sbom.of(release, git.head().name(), git.committed(git.head()), shape, closure).write(artifacts);
        Checksums.write(artifacts);
        writeManifest(shape.builds(), into.resolve("artifacts"), artifacts);
        return images(artifacts, into);
    }

    // What Nix does not make is made twice, too.
    private void gatherAgain(ReleaseJobs shape, Nix.Job manual, Path tar, Path first) throws IOException {
        Path second = git.state("again");
        FileTree.remove(second);
        try {
            gather(shape, manual, tar, second);
            Difference.require(first, second, git.env());
        } finally {
            FileTree.remove(second);
        }
    }

    // What is built is the tag, so the work tree must be it: else people test one thing and publish another.
    private Optional<String> tagAtHead() {
        String version = release.version().toString();
        Optional<ObjectId> tagged = git.commit("refs/tags/" + version);
        if (tagged.isPresent() && tagged.get().equals(git.head())) {
            git.requireNoChanges();
            return Optional.of(version);
        }
        if (target == Target.manual) {
            return Optional.empty();
        }
        throw Fault.refused("HEAD is not the tag " + version,
                tagged.map(id -> "the tag is on " + id.name() + ", HEAD on " + git.head().name())
                        .orElse("version.json says " + version + ", and there is no such tag"),
                tagged.isPresent() ? "git checkout " + version + ", and run build again"
                        : release.version().isDevelopment() ? "development goes on here: git checkout the tag of the release, and run build again" : "run jbang tag.java first");
    }

    private void gatherManual(Nix.Job job, Path into) throws IOException {
        Path manual = Path.of(job.outputs().get("doc"), "share/doc/nix/manual");
        if (!Files.exists(manual.resolve("index.html"))) {
            throw Fault.failed("the manual has no index page", manual.resolve("index.html") + " does not exist",
                    "fix the output 'doc' of " + job.attr() + " and tag again");
        }
        FileTree.copy(manual, into);
    }

    private void gatherTarballs(Nix.Job job, Path into) throws IOException {
        Path output = Path.of(job.outputs().get("out"));
        if (!Files.isDirectory(output) || FileTree.files(output).isEmpty()) {
            throw Fault.failed("there are no tarballs", output + " of " + job.attr() + " is empty", "fix the job and tag again");
        }
        FileTree.copy(output, into);
    }

    private void archiveManual(Path manual, Path artifacts) throws IOException {
        Path archive = artifacts.resolve(release.stem() + "-manual.tar.gz");
        if (!Files.exists(archive)) {
            Archives.folder(manual, release.stem() + "-manual/", git.committed(git.head()), archive);
        }
    }

    private void writeManifest(SortedMap<String, Nix.Job> builds, Path... folders) throws IOException {
        StringBuilder manifest = new StringBuilder("# " + release.project().name() + " " + release.version() + ": what nix upgrade-nix installs, by system\n{\n");
        for (Map.Entry<String, Nix.Job> build : builds.entrySet()) {
            manifest.append("  ").append(build.getKey()).append(" = \"").append(build.getValue().outputs().get("out")).append("\";\n");
        }
        byte[] bytes = manifest.append("}\n").toString().getBytes(StandardCharsets.UTF_8);
        for (Path folder : folders) {
            FileTree.writeWhole(folder.resolve("manifest.nix"), bytes);
        }
    }

    /** Reads every image, and holds it against the project's policy before anybody can publish it. */
    private List<BuiltImage> images(Path artifacts, Path root) throws IOException {
        String stem = release.stem() + "-docker-image-";
        List<BuiltImage> images = new ArrayList<>();
        List<String> violations = new ArrayList<>();
        for (Path file : FileTree.list(artifacts)) {
            String name = file.getFileName().toString();
            if (!name.startsWith(stem) || !name.endsWith(".tar.gz")) {
                continue;
            }
            DockerArchive.Image image = DockerArchive.read(file);
            BuiltImage built = image.built(root.relativize(file).toString(), name.substring(stem.length()).replace(".tar.gz", ""));
            List<String> found = Audit.violations(config.imagePolicy(), built, image.storePaths());
            if (!found.isEmpty()) {
                violations.addAll(found);
                violations.addAll(Audit.table(built));
            }
            images.add(built);
        }
        if (!violations.isEmpty() && !allowImagePolicy) {
            throw Fault.refused("images violate the project's policy", violations,
                    "fix the images and tag again; to release them anyway, pass --allow-image-policy");
        }
        violations.forEach(console::warn);
        return images;
    }

    private void report(BuiltRelease built, Path folder) {
        long bytes = built.files().stream().mapToLong(BuiltRelease.BuiltFile::size).sum();
        console.done(built.files().size() + " files, " + Progress.size(bytes) + ", in " + folder);
        console.say("next: jbang upload.java --env staging" + (target == Target.manual ? " --target manual" : ""));
    }
}
