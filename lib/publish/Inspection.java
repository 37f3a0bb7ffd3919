package lib.publish;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import lib.config.Project;
import lib.nix.Narinfo;
import lib.oci.ImageIndex;
import lib.proof.Glance;
import lib.publish.Status.Part;
import lib.release.BuiltRelease;
import lib.release.BuiltRelease.BuiltFile;
import lib.release.Version;

/** What there is of a release, part by part, by names and sizes. */
record Inspection(Glance glance, Project project, ImageTags tags, RemoteState remote) {

    static final String RELEASES = "releases";
    static final String CACHE = "cache";
    static final String DOCS = "docs";
    private static final String INFO = "nix-cache-info";
    private static final Pattern QUOTED = Pattern.compile("\"([^\"]+)\"");

    /** The keys of a release's files, and their sizes in bytes where release.json tells. */
    SortedMap<String, Optional<Long>> files(BuiltRelease built) {
        String folder = project.folder(built.version().toString());
        SortedMap<String, Optional<Long>> files = new TreeMap<>();
        built.below("artifacts/" + folder.replaceAll("/$", "")).forEach((name, file) -> files.put(folder + name, Optional.of(file.size())));
        files.put(folder + BuiltRelease.FILE, Optional.empty());
        if (Versions.belongsTo(built)) {
            files.put(folder + BuiltRelease.VERSIONS, Optional.empty());
        }
        String statement = project.prefix() + "-" + built.version() + ".intoto.jsonl";
        if (built.files().stream().anyMatch(file -> file.path().equals(statement))) { // what upload signs and shows of such a release
            List.of(statement, "SHA256SUMS", "SHA256SUMS.sig", "index.html").forEach(name -> files.putIfAbsent(folder + name, Optional.empty()));
        }
        return files;
    }

    /** The narinfos of a release, and the store paths they are of. */
    static SortedMap<String, String> narinfos(BuiltRelease built) {
        return narinfos(built.closure().isEmpty() ? built.storePaths() : built.closure().keySet());
    }

    private static SortedMap<String, String> narinfos(Collection<String> paths) {
        SortedMap<String, String> narinfos = new TreeMap<>();
        paths.stream().filter(Narinfo::isStorePath).forEach(path -> narinfos.put(Narinfo.key(path), path));
        return narinfos;
    }

    /** The keys and sizes of the manual's pages at a place. */
    SortedMap<String, Optional<Long>> pages(BuiltRelease built, String place) {
        SortedMap<String, Optional<Long>> pages = new TreeMap<>();
        built.below("manual").forEach((name, file) -> pages.put(project.manual(place) + name, Optional.of(file.size())));
        return pages;
    }

    /** All parts of a release that are in one place for good: files, cache, images, tag and branch. */
    List<Part> parts(BuiltRelease built) {
        List<Part> parts = new ArrayList<>(List.of(sized("files", "", RELEASES, files(built)), cache(narinfos(built))));
        if (built.hasImages()) {
            String index = ImageIndex.of(built.images()).index().digest();
            tags.byRepository().keySet().forEach(repository -> parts.add(image(repository, built.version(), Optional.of(index))));
        }
        parts.addAll(remote.parts(built.version(), Optional.of(built.commit())));
        return parts;
    }

    /** What can be looked for of a version without release.json, whose manifest.nix is this. */
    List<Part> parts(Version version, byte[] manifest) {
        List<String> paths = new ArrayList<>();
        for (Matcher quoted = QUOTED.matcher(new String(manifest, StandardCharsets.UTF_8)); quoted.find(); ) {
            paths.add(quoted.group(1));
        }
        List<Part> parts = new ArrayList<>(List.of(sized("files", "", RELEASES, new TreeMap<>(Map.of(project.folder(version.toString()) + "manifest.nix", Optional.empty()))),
                cache(narinfos(paths))));
        tags.byRepository().keySet().stream().map(repository -> image(repository, version, Optional.empty())).filter(part -> !part.lacks()).forEach(parts::add); // others never had one
        parts.addAll(remote.parts(version, Optional.empty()));
        return parts;
    }

    /** Files of these sizes, in bytes, where they are known. */
    Part sized(String name, String where, String role, SortedMap<String, Optional<Long>> files) {
        Map<String, Glance.Seen> seen = glance.look(role, files.keySet());
        List<String> other = files.entrySet().stream().filter(file -> file.getValue().isPresent() && seen.get(file.getKey()).size().filter(size -> !size.equals(file.getValue().get())).isPresent())
                .map(file -> file.getKey() + " has " + seen.get(file.getKey()).size().get() + " bytes, expected " + file.getValue().get()).toList();
        return part(name, where, seen, key -> key, other);
    }

    private Part cache(SortedMap<String, String> narinfos) {
        Part paths = part(CACHE, "", glance.look(CACHE, narinfos.keySet()), narinfos::get, List.of());
        Glance.Seen info = glance.look(CACHE, INFO); // without it Nix takes it for no cache
        return info.missing() ? new Part(CACHE, "", paths.there(), paths.of(), join(List.of(INFO), paths.missing()), List.of(), paths.unknown()) : paths;
    }

    private static List<String> join(List<String> some, List<String> others) {
        List<String> all = new ArrayList<>(some);
        all.addAll(others);
        return all;
    }

    private static Part part(String name, String where, Map<String, Glance.Seen> seen, Function<String, String> spoken, List<String> other) {
        List<String> missing = seen.entrySet().stream().filter(one -> one.getValue().missing()).map(one -> spoken.apply(one.getKey())).toList();
        List<String> unknown = seen.values().stream().flatMap(one -> one.unknown().stream()).distinct().sorted().toList();
        int there = (int) seen.values().stream().filter(Glance.Seen::there).count() - other.size();
        return new Part(name, where, there, seen.size(), missing, other, unknown);
    }

    private Part image(String repository, Version version, Optional<String> index) {
        ImageTags.Named named = tags.byRepository().get(repository).getOrDefault(version.toString(), new ImageTags.Named(Optional.empty(), Optional.empty()));
        String tag = repository + ":" + version;
        boolean other = index.isPresent() && named.digest().isPresent() && !named.digest().equals(index);
        return new Part("image", repository, named.digest().isPresent() && !other ? 1 : 0, 1, named.digest().isEmpty() && named.unknown().isEmpty() ? List.of(tag) : List.of(),
                other ? List.of(tag + " names " + named.digest().get() + ", expected " + index.get()) : List.of(), named.unknown().stream().toList());
    }

    /** Files of release/ that have other bytes than a release of the same version that is out, by what the two say. */
    List<String> differences(BuiltRelease ours, BuiltRelease theirs) {
        if (ours.equals(theirs)) {
            return List.of();
        }
        String folder = project.folder(ours.version().toString());
        String below = "artifacts/" + folder.replaceAll("/$", "");
        SortedMap<String, BuiltFile> there = theirs.below(below);
        List<String> differences = new ArrayList<>();
        ours.below(below).forEach((name, file) -> {
            if (there.containsKey(name) && !there.get(name).sha256().equals(file.sha256())) {
                differences.add(folder + name + " holds sha256 " + there.get(name).sha256() + ", expected " + file.sha256());
            }
        });
        differences.add(folder + BuiltRelease.FILE + " is of another build, of " + theirs.commit());
        return differences;
    }
}
