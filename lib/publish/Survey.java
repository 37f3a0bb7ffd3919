package lib.publish;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import lib.base.Console;
import lib.base.Fault;
import lib.base.Parallel;
import lib.config.Environment;
import lib.config.Project;
import lib.git.Git;
import lib.proof.BranchProof;
import lib.proof.Glance;
import lib.publish.Status.Part;
import lib.publish.Status.Place;
import lib.publish.Status.Release;
import lib.publish.Status.State;
import lib.release.BuiltRelease;
import lib.release.Version;

/**
 * Looks at what is out on an environment, and changes nothing. With keys its buckets are listed. Without, versions are those that a tag
 * or a pointer names and that have a release.json or a manifest.nix, and each thing is asked for alone. What cannot be asked is unknown.
 *
 * @param checkout    empty where there is none
 * @param env         the environment git runs in
 * @param concurrency things asked for at once, at most
 */
public record Survey(Access access, Environment environment, Project project, Optional<Git> checkout, Map<String, String> env, Console console, int concurrency) {

    private static final String RELEASES = Inspection.RELEASES;
    private static final String MANIFEST = "manifest.nix";
    /** A repository of images that does not answer is unknown soon. */
    private static final int ATTEMPTS = 3;
    private static final int DOCUMENTS = 8;

    /** What is told of a version: its release.json, or why that cannot be read, or else its manifest.nix. */
    private record Told(Optional<BuiltRelease> built, Optional<byte[]> manifest, Optional<String> unknown) {
        boolean nothing() {
            return built.isEmpty() && manifest.isEmpty() && unknown.isEmpty();
        }
    }

    /** All of it on standard output, or about one version alone; {@code json} as one document. */
    public void report(Optional<Version> only, boolean json) throws IOException {
        console.step("Looking at what is on " + environment.name());
        new StatusTable(console, look(only)).print(json);
    }

    /** @param only the version to look at part by part; all where none is named */
    Status look(Optional<Version> only) throws IOException {
        Glance glance = access.glance(console, concurrency);
        Pointers pointers = new Pointers(project, glance::find, glance::name);
        RemoteState remote = RemoteState.of(access.gitUrl().map(new BranchProof(environment, project, checkout, env)::publicAddress), checkout, env);
        Optional<List<String>> listed = glance.list(RELEASES, project.prefix() + "/");
        glance.list(Inspection.DOCS, "manual/" + project.prefix() + "/");

        glance.fetch(RELEASES, List.of(MANIFEST, Versions.latest(project)));
        glance.fetch(Inspection.DOCS, Stream.of(Pointer.stable, Pointer.nightly).map(which -> Pointers.key(project, which.name())).toList());
        SortedSet<Version> named = new TreeSet<>(listed.map(this::folders).orElse(new TreeSet<>(remote.tagged())));
        Stream.<Optional<Version>>of(said(pointers::manifest), said(pointers::latestJson), said(() -> pointers.manual(Pointer.stable.name())), only).forEach(at -> at.ifPresent(named::add));
        SortedMap<Version, Told> told = tell(glance, named);
        SortedSet<Version> out = new TreeSet<>(told.keySet());
        out.removeIf(version -> told.get(version).nothing() && !listed.map(keys -> folders(keys).contains(version)).orElse(false));
        SortedSet<Version> onlyTagged = new TreeSet<>(remote.tagged());
        onlyTagged.removeAll(out);

        Optional<Path> release = checkout.map(git -> git.workTree().resolve("release")).filter(folder -> Files.exists(folder.resolve(BuiltRelease.FILE)));
        StatusHere here = StatusHere.read(release);
        ImageTags tags = ImageTags.of(access.repositories().attempts(ATTEMPTS)::anybodys, environment, imageTags(out, here));
        SortedMap<Version, BuiltRelease> built = new TreeMap<>();
        told.forEach((version, one) -> one.built().ifPresent(known -> built.put(version, known)));
        RemoteState held = remote.holding(Stream.concat(built.values().stream().map(BuiltRelease::commit), out.stream().flatMap(version -> remote.commit(version).stream()))
                .collect(Collectors.toSet()), checkout, env);
        Inspection inspection = new Inspection(glance, project, tags, held);
        Collection<Version> looked = only.<Collection<Version>>map(List::of).orElse(out);
        together(inspection, built, looked);

        Standing standing = new Standing(inspection, pointers, out, built);
        glance.fetch(Inspection.DOCS, standing.majors().map(major -> Pointers.key(project, major)).toList());
        List<Place> places = Stream.of(standing.root(), standing.manuals(), standing.images(), standing.installers()).flatMap(List::stream).toList();
        List<Release> releases = looked.stream().sorted(Comparator.reverseOrder()).map(version -> release(inspection, version, told.get(version), places, out)).toList();
        List<String> unknown = new ArrayList<>(remote.unknown().stream().toList());
        return new Status(project, environment, releases, places, branches(held, built, out), newestFirst(onlyTagged),
                here.compared(inspection, standing, places, List.copyOf(out), built), unknown);
    }

    /** Versions that have a folder among these keys. */
    private SortedSet<Version> folders(List<String> keys) {
        String stem = project.prefix() + "/" + project.prefix() + "-";
        return keys.stream().filter(key -> key.startsWith(stem) && key.indexOf('/', stem.length()) > 0)
                .flatMap(key -> Pointers.parse(key.substring(stem.length(), key.indexOf('/', stem.length()))).stream()).collect(Collectors.toCollection(TreeSet::new));
    }

    private static Optional<Version> said(Supplier<Optional<Version>> pointer) {
        try {
            return pointer.get();
        } catch (Fault unknown) {
            return Optional.empty();
        }
    }

    private SortedMap<Version, Told> tell(Glance glance, Collection<Version> versions) throws IOException {
        SortedMap<Version, Told> told = new ConcurrentSkipListMap<>();
        Parallel.forEach(versions, DOCUMENTS, version -> told.put(version, tell(glance, version)));
        return told;
    }

    private Told tell(Glance glance, Version version) {
        String folder = project.folder(version.toString());
        try {
            Optional<BuiltRelease> built = glance.document(RELEASES, folder + BuiltRelease.FILE)
                    .map(bytes -> BuiltRelease.parse(bytes, glance.name(RELEASES, folder + BuiltRelease.FILE)));
            return new Told(built, built.isPresent() ? Optional.empty() : glance.find(RELEASES, folder + MANIFEST), Optional.empty());
        } catch (Fault fault) {
            return new Told(Optional.empty(), Optional.empty(), Optional.of(fault.getMessage()));
        }
    }

    // latest first: whoever has no images yet answers that, too.
    private List<String> imageTags(Collection<Version> out, StatusHere here) {
        Set<Version> all = new TreeSet<>(out);
        here.version().ifPresent(all::add);
        return Stream.of(Stream.of("latest"), all.stream().map(Version::major), all.stream().map(Version::toString)).flatMap(tags -> tags).distinct().toList();
    }

    // All that will be looked at is asked for at once, so that nothing waits for what belongs to another version.
    private static void together(Inspection inspection, SortedMap<Version, BuiltRelease> built, Collection<Version> looked) {
        List<BuiltRelease> some = looked.stream().filter(built::containsKey).map(built::get).toList();
        Function<Function<BuiltRelease, Collection<String>>, List<String>> keys = of -> some.stream().flatMap(one -> of.apply(one).stream()).toList();
        inspection.glance().look(Inspection.RELEASES, keys.apply(one -> inspection.files(one).keySet()));
        inspection.glance().look(Inspection.CACHE, keys.apply(one -> Inspection.narinfos(one).keySet()));
    }

    private Release release(Inspection inspection, Version version, Told told, List<Place> places, Collection<Version> out) {
        List<String> branches = told.built().map(BuiltRelease::commit).or(() -> inspection.remote().commit(version)).map(inspection.remote()::branches).orElse(List.of());
        if (told.unknown().isPresent()) {
            return new Release(version, State.unknown, Optional.empty(), List.of(new Part("files", "", 0, 0, List.of(), List.of(), List.of(told.unknown().get()))), branches);
        }
        if (told.built().isPresent()) {
            List<Part> parts = new ArrayList<>(inspection.parts(told.built().get()));
            places.stream().filter(place -> place.kind().equals("manual") && place.name().equals(version.major()) && place.at().equals(Optional.of(version))).forEach(manual ->
                    parts.add(inspection.sized("manual", manual.name(), Inspection.DOCS, inspection.pages(told.built().get(), manual.name()))));
            return new Release(version, Release.state(parts), told.built(), parts, branches);
        }
        if (told.manifest().isPresent()) {
            List<Part> parts = inspection.parts(version, told.manifest().get());
            return new Release(version, Release.state(parts) == State.incomplete ? State.incomplete : State.old, Optional.empty(), parts, branches);
        }
        String folder = project.folder(version.toString());
        return new Release(version, out.contains(version) ? State.incomplete : State.absent, Optional.empty(),
                List.of(new Part("files", "", 0, 2, List.of(folder + BuiltRelease.FILE, folder + MANIFEST), List.of(), List.of())), branches);
    }

    private static List<Status.Branch> branches(RemoteState remote, SortedMap<Version, BuiltRelease> built, Collection<Version> out) {
        Map<String, Set<Version>> byCommit = new ConcurrentHashMap<>();
        out.forEach(version -> Optional.ofNullable(built.get(version)).map(BuiltRelease::commit).or(() -> remote.commit(version))
                .ifPresent(commit -> byCommit.computeIfAbsent(commit, any -> new TreeSet<>()).add(version)));
        List<Status.Branch> branches = new ArrayList<>();
        remote.heads().forEach((ref, tip) -> {
            String name = ref.replaceFirst("^refs/heads/", "");
            SortedSet<Version> holds = new TreeSet<>();
            remote.held().getOrDefault(name, Optional.empty()).orElse(Set.of()).forEach(commit -> holds.addAll(byCommit.getOrDefault(commit, Set.of())));
            if (!holds.isEmpty()) {
                branches.add(new Status.Branch(name, tip, holds));
            }
        });
        return branches;
    }

    private static List<Version> newestFirst(Collection<Version> versions) {
        return versions.stream().sorted(Comparator.reverseOrder()).toList();
    }
}
