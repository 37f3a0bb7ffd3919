package lib.publish;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Supplier;
import java.util.stream.Stream;
import lib.base.Console;
import lib.base.Fault;
import lib.base.FileTree;
import lib.config.Environment;
import lib.config.Project;
import lib.git.Git;
import lib.proof.Proof;
import lib.release.BuiltRelease.BuiltFile;
import lib.release.Executable;
import lib.release.Version;
import lib.s3.ObjectStore;
import picocli.CommandLine.Option;

/**
 * The installers of a release: programs, built elsewhere, one for each system. They go to the folder of their version, and
 * from there, proved, to the names without a version.
 *
 * @param version the one they install
 * @param from    the folder they are in
 * @param files   by name
 * @param replace other bytes under a name with the version in it are replaced: somebody said so by name
 */
public record Installers(Console console, ObjectStore store, Environment environment, Project project, Version version, Path from,
                         SortedMap<String, BuiltFile> files, boolean replace) {

    /** Where they are, as a picocli mixin. */
    public static final class Options {
        @Option(names = "--from", paramLabel = "DIR", description = "With --target installer: the folder that has them, one for each system.")
        Path from;

        /** Throws Fault (usage) for what cannot be. */
        public void check(boolean wanted, boolean pointing) {
            if (wanted && pointing) {
                throw onlyWithFiles(" --release VERSION");
            }
            if (wanted == (from == null)) {
                throw Fault.usage("--target installer and --from DIR go together", wanted ? "no folder is named that has installers" : "nothing but installers is taken from a folder",
                        wanted ? "name it with --from" : "add --target installer, or omit --from");
            }
        }

        /** Those that keys are needed for. */
        public List<String> buckets(Environment environment) {
            return from != null ? List.of(environment.install()) : List.of(environment.releases(), environment.cache(), environment.docs());
        }

        /**
         * What is in the folder. Throws Fault (refused) where the bucket is not ready, or with all that is wrong with the installers.
         *
         * @param folder  what the folder's path is relative to
         * @param said    the version somebody asked for; null where it is the checkout's
         * @param replace what stands behind --replace; null where nobody said it
         */
        public Installers read(Access access, Confirmation confirmation, Project project, Git git, Path folder, Version said, String replace) throws IOException {
            Environment environment = confirmation.environment();
            Version version = said != null ? said : GitRemote.version(git, project);
            if (version.isDevelopment()) {
                throw Fault.refused("there are no installers of " + version, "it is a development version, which is never released", "name the release with --release");
            }
            Guards.replace(environment, project, version, replace);
            new Preflight(confirmation.console(), environment, !confirmation.wish().planOnly).check(access::checkLifetime)
                    .buckets(access.store(), List.of(environment.install())).throwIfAny();
            SortedMap<String, BuiltFile> files = new TreeMap<>();
            Installers installers = new Installers(confirmation.console(), access.store(), environment, project, version, folder.resolve(from).normalize(), files, replace != null);
            installers.read();
            return installers;
        }
    }

    /** Why installers do not go back as other pointers do. */
    static Fault onlyWithFiles(String release) {
        return Fault.usage("--point-to does not move installers", "what they must be is known only from their files",
                "run with --target installer --from DIR" + release + " --move-pointers installer, and the installers of that version in DIR");
    }

    private void read() throws IOException {
        if (!Files.isDirectory(from)) {
            throw Fault.refused("there are no installers in " + from, "it is no folder", "name the one that has them with --from");
        }
        List<String> faults = new ArrayList<>();
        SortedSet<String> systems = new TreeSet<>();
        String stem = project.installer("");
        try (Stream<Path> there = Files.list(from)) {
            for (Path file : there.sorted().toList()) {
                String name = file.getFileName().toString();
                String system = name.startsWith(stem) ? name.substring(stem.length()) : "";
                if (!Executable.isKnown(system)) {
                    faults.add(name + " is no name of an installer, such as " + project.installer("x86_64-linux"));
                } else if (!Files.isRegularFile(file)) {
                    faults.add(name + " is no file");
                } else {
                    systems.add(system);
                    Executable.faults(file, system, version).forEach(fault -> faults.add(name + " " + fault));
                    files.put(name, new BuiltFile(name, Files.size(file), FileTree.sha256(file)));
                }
            }
        }
        differences(systems, faults);
        if (!faults.isEmpty()) {
            throw Fault.refused(from + " does not have the installers of " + project.name() + " " + version, faults,
                    "fix it and run again; the key installers of releng.json says for which systems there are any; nothing was published");
        }
    }

    // What the project says holds; where it says nothing, users of no system are forgotten that had one.
    private void differences(SortedSet<String> systems, List<String> faults) {
        Optional<Version> last = new Published(store, environment, project).installed().stream().filter(other -> other.compareTo(version) < 0).max(Comparator.naturalOrder());
        String had = last.map(before -> project.name() + " " + before + " had one").orElse("");
        SortedSet<String> before = new TreeSet<>();
        last.ifPresent(one -> store.list(environment.install(), project.folder(one.toString()) + project.installer("")).keySet().forEach(key ->
                before.add(key.substring((project.folder(one.toString()) + project.installer("")).length()))));
        boolean said = !project.installers().isEmpty();
        SortedSet<String> needed = new TreeSet<>(said ? project.installers() : before);
        needed.stream().filter(system -> !systems.contains(system)).forEach(system ->
                faults.add(project.installer(system) + " is missing: " + (before.contains(system) ? had : "the project has installers for " + needed)));
        if (said) {
            systems.stream().filter(system -> !needed.contains(system)).forEach(system -> faults.add(project.installer(system) + " is one too many: the project has installers for " + needed));
            before.stream().filter(system -> !needed.contains(system)).forEach(system ->
                    console.warn("the project has no installer for " + system + " any more, though " + had + ": " + project.installer(system) + " stays what it is"));
        } else if (systems.isEmpty() && faults.isEmpty()) {
            faults.add("it is empty");
        }
    }

    /** What is said of them to people. */
    public String title() {
        return project.name() + " " + version + "'s installers";
    }

    /** What the environment lacks: content, its proof, and then, where it moves, the pointer, and the proof of that. */
    public Plan plan(Collection<Pointer> told, Supplier<Proof> proof) throws IOException {
        Published published = new Published(store, environment, project);
        boolean moves = new Guards(console, published, version, told, published.installed()).installers(files.keySet());
        String bucket = environment.install();
        String folder = project.folder(version.toString());
        String top = project.prefix() + "/";
        Plan plan = new Plan().add(new Folder("installers", store, bucket, folder, Folder.files(from, files), replace ? Folder.Mode.REPLACED_CONTENT : Folder.Mode.CONTENT));
        plan.verify("the installers, fetched back", proof.get().patience(environment.patience()).installers(folder, files)::orFail);
        if (moves) {
            plan.add(new Folder("installer", store, bucket, top, Folder.copies(from, files, files, bucket, folder), Folder.Mode.POINTER));
            plan.verify("the installers that users get", proof.get().patience(environment.patience()).installers(top, files)::orFail);
        }
        return plan;
    }
}
