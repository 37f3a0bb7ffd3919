///usr/bin/env jbang "$0" "$@" ; exit $?
//JAVA 17+
//DESCRIPTION Phase 3: evaluate and build the release jobs, and gather release/.
//DEPS info.picocli:picocli:4.7.7
//DEPS com.fasterxml.jackson.core:jackson-databind:2.22.4
//DEPS org.eclipse.jgit:org.eclipse.jgit:7.8.1.202611041320-r
//DEPS org.slf4j:slf4j-nop:2.0.20
//DEPS org.apache.commons:commons-compress:1.28.0
//DEPS commons-io:commons-io:2.22.0
//DEPS com.jcraft:jzlib:1.1.3
//DEPS com.github.luben:zstd-jni:1.5.7-28
//SOURCES lib/base/*.java lib/config/*.java lib/git/*.java lib/nix/*.java
//SOURCES lib/oci/Audit.java lib/oci/BuiltImage.java lib/oci/Contents.java lib/oci/DockerArchive.java
//SOURCES lib/oci/ParallelGzip.java lib/oci/PaxRecords.java lib/oci/Sparse.java lib/oci/Tar.java lib/oci/Unpacking.java
//SOURCES lib/release/BuiltRelease.java lib/release/Check.java lib/release/OfficialFlag.java lib/release/Release.java lib/release/StoreClosure.java
//SOURCES lib/release/Version.java
//JAVA_OPTIONS -XX:TieredStopAtLevel=1 -XX:+UseSerialGC

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import lib.base.Cli;
import lib.base.Console;
import lib.base.Fault;
import lib.base.FileTree;
import lib.base.Lock;
import lib.base.Progress;
import lib.config.Config;
import lib.config.ImagePolicy;
import lib.git.Archives;
import lib.git.Git;
import lib.git.Pristine;
import lib.nix.FlakeSource;
import lib.nix.Nix;
import lib.nix.ReleaseJobs;
import lib.oci.Audit;
import lib.oci.BuiltImage;
import lib.oci.DockerArchive;
import lib.release.BuiltRelease;
import lib.release.Check;
import lib.release.OfficialFlag;
import lib.release.Release;
import lib.release.StoreClosure;
import org.eclipse.jgit.lib.ObjectId;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(name = "build", description = "Evaluates and builds the release jobs of the tag that HEAD is on, and gathers release/.")
class build implements Cli.Phase {

    @Option(names = "--profile", paramLabel = "NAME", defaultValue = "all",
            description = "The profile of release-jobs; default: ${DEFAULT-VALUE}.")
    String profile;

    enum Target { all, manual }

    @Option(names = "--target", paramLabel = "TARGET", defaultValue = "all",
            description = "What to build: all, or only the manual, which needs no tag; default: ${DEFAULT-VALUE}.")
    Target target;

    @Option(names = {"-j", "--max-jobs"}, paramLabel = "N", description = "How many builds run at once on this machine; Nix's setting max-jobs.")
    String maxJobs;

    @Option(names = "--cores", paramLabel = "N", description = "How many cores a build may use; Nix's setting cores.")
    String cores;

    @Option(names = "--builders", paramLabel = "SPEC", description = "Remote builders; Nix's setting builders.")
    String builders;

    @Option(names = "--option", arity = "2", paramLabel = "NAME VALUE", hideParamSyntax = true,
            description = "Any other setting of Nix; may be given more than once.")
    List<String> settings = new ArrayList<>();

    @Option(names = {"-k", "--keep-going"}, description = "Keep building after a failure, to see all failures.")
    boolean keepGoing;

    @Option(names = "--allow-image-policy", description = "Only warn of images that violate the project's policy.")
    boolean allowImagePolicy;

    private Console console;

    public static void main(String[] args) {
        Cli.main(new build(), args);
    }

    @Override
    public void run(Cli.Session session) throws IOException {
        console = session.console();
        try (Git git = Git.open(session.checkout(), session.env()); Lock lock = Lock.take(git.state("build.lock"), "a build");
                Pristine source = new Pristine(git)) {
            Config config = Config.of(git.workTree());
            Release release = Release.at(git, config.project());
            Optional<String> tag = tagAtHead(git, release);
            // Git and Nix read the commit where nothing of this clone's or its user's settings is.
            Path tar = source.take(tag).archive(release.stem() + "/");
            String flake = Nix.flake(source.folder(), source.ref(), git.head().name());
            Nix nix = new FlakeSource(source, release.stem() + "/", tar).nix(console, session.env(), nixOptions(), flake);
            String system = nix.system();

            console.step("Evaluating release-jobs of " + release.spoken() + ", profile " + profile);
            List<Nix.Job> jobs = nix.evaluate(flake, profile);
            ReleaseJobs shape = new ReleaseJobs(jobs);
            Nix.Job manual = shape.manual(system);
            Optional<Nix.Job> tarballs = target == Target.manual ? Optional.empty() : Optional.of(shape.tarballs());
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
                gatherManual(manual, partial.resolve("manual"));
                List<BuiltImage> images = List.of();
                if (tarballs.isPresent()) {
                    Path artifacts = partial.resolve("artifacts").resolve(release.project().prefix()).resolve(release.stem());
                    gatherTarballs(tarballs.get(), artifacts);
                    FileTree.copy(partial.resolve("manual"), artifacts.resolve("manual"));
                    archiveManual(git, release, partial.resolve("manual"), artifacts);
                    Archives.gzip(tar, artifacts.resolve(release.stem() + ".tar.gz"));
                    writeChecksums(artifacts);
                    writeManifest(release, shape.builds(), partial.resolve("artifacts"), artifacts);
                    images = images(release, config.imagePolicy(), artifacts, partial);
                }
                BuiltRelease built = new BuiltRelease(target.name(), release.version(), release.name(), OfficialFlag.in(git, git.head(), release).set(),
                        git.head().name(), tag, system, profile, BuiltRelease.measure(partial), images, wanted).committed(git.committed(git.head()));
                if (target == Target.all) { // who proves it from anywhere knows what to ask the cache for
                    built = built.withClosure(StoreClosure.of(nix.closure(built.storePaths()))).withSkipped(Check.skippedIn(git.message(git.head())));
                }
                FileTree.writeWhole(partial.resolve(BuiltRelease.FILE), built.json());
                built.check(partial);
                replace(folder, partial);
                report(built, folder);
            } finally {
                FileTree.remove(partial);
            }
        }
    }

    // What is built is the tag, so the work tree must be it: else people test one thing and publish another.
    private Optional<String> tagAtHead(Git git, Release release) {
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
                tagged.isPresent() ? "git checkout " + version + ", and run build again" : "run jbang tag.java first");
    }

    private List<String> nixOptions() {
        List<String> options = new ArrayList<>();
        if (maxJobs != null) {
            options.addAll(List.of("--option", "max-jobs", maxJobs));
        }
        if (cores != null) {
            options.addAll(List.of("--option", "cores", cores));
        }
        if (builders != null) {
            options.addAll(List.of("--option", "builders", builders));
        }
        if (keepGoing) {
            options.addAll(List.of("--option", "keep-going", "true"));
        }
        for (int i = 0; i + 1 < settings.size(); i += 2) {
            options.addAll(List.of("--option", settings.get(i), settings.get(i + 1)));
        }
        return options;
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

    private void archiveManual(Git git, Release release, Path manual, Path artifacts) throws IOException {
        Path archive = artifacts.resolve(release.stem() + "-manual.tar.gz");
        if (!Files.exists(archive)) {
            Archives.folder(manual, release.stem() + "-manual/", git.committed(git.head()), archive);
        }
    }

    private void writeChecksums(Path artifacts) throws IOException {
        List<String> faults = new ArrayList<>();
        for (Path file : list(artifacts)) {
            if (file.toString().endsWith(".sha256")) {
                continue;
            }
            Path checksum = Path.of(file + ".sha256");
            String digest = FileTree.sha256(file);
            if (!Files.exists(checksum)) {
                Files.writeString(checksum, digest);
            } else if (!Files.readString(checksum).equals(digest)) {
                faults.add(checksum.getFileName() + " says '" + Files.readString(checksum).strip() + "', the file is " + digest);
            }
        }
        if (!faults.isEmpty()) {
            throw Fault.failed("checksum files do not match their files", faults, "fix the job 'tarballs' and tag again");
        }
    }

    private static List<Path> list(Path folder) throws IOException {
        try (var files = Files.list(folder)) {
            return files.filter(Files::isRegularFile).sorted().toList();
        }
    }

    private void writeManifest(Release release, SortedMap<String, Nix.Job> builds, Path... folders) throws IOException {
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
    private List<BuiltImage> images(Release release, ImagePolicy policy, Path artifacts, Path root) throws IOException {
        String stem = release.stem() + "-docker-image-";
        List<BuiltImage> images = new ArrayList<>();
        List<String> violations = new ArrayList<>();
        for (Path file : list(artifacts)) {
            String name = file.getFileName().toString();
            if (!name.startsWith(stem) || !name.endsWith(".tar.gz")) {
                continue;
            }
            DockerArchive.Image image = DockerArchive.read(file);
            BuiltImage built = image.built(root.relativize(file).toString(), name.substring(stem.length()).replace(".tar.gz", ""));
            List<String> found = Audit.violations(policy, built, image.storePaths());
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

    // Two renames: whoever looks in between finds no release/ and is told to build.
    private static void replace(Path folder, Path partial) throws IOException {
        Path old = folder.resolveSibling("release.old");
        FileTree.remove(old);
        if (Files.exists(folder)) {
            Files.move(folder, old);
        }
        Files.move(partial, folder);
        FileTree.remove(old);
    }

    private void report(BuiltRelease built, Path folder) {
        long bytes = built.files().stream().mapToLong(BuiltRelease.BuiltFile::size).sum();
        console.done(built.files().size() + " files, " + Progress.size(bytes) + ", in " + folder);
        console.say("next: jbang upload.java --env staging" + (target == Target.manual ? " --target manual" : ""));
    }
}
