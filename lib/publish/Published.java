package lib.publish;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import lib.base.Fault;
import lib.config.Environment;
import lib.config.Project;
import lib.oci.ImageStore;
import lib.proof.Fetcher;
import lib.release.Version;
import lib.s3.ObjectStore;

/**
 * Which versions of a project an environment holds, and at which of them each pointer is. A pointer that does not say
 * is taken to be where it was moved together with others; one that cannot be told at all is a Fault (refused), since
 * moving it blindly could move it back.
 */
public record Published(ObjectStore store, Environment environment, Project project) {

    private Pointers pointers() {
        return new Pointers(project, (role, key) -> store.get(Fetcher.bucket(environment, role), key), (role, key) -> "s3://" + Fetcher.bucket(environment, role) + "/" + key);
    }

    /** The version of the store paths in manifest.nix, the last thing a release writes; empty where there is none. */
    public Optional<Version> manifest() {
        return pointers().manifest();
    }

    /** The same; empty too where it does not tell its version. */
    public Optional<Version> current() {
        try {
            return manifest();
        } catch (Fault unknown) {
            if (unknown.kind() != Fault.Kind.REFUSED) {
                throw unknown;
            }
            return Optional.empty();
        }
    }

    /** The version that latest.json tells of; empty where there is none. */
    public Optional<Version> latestJson() {
        return pointers().latestJson();
    }

    /** The version that stands beside the pages of the manual at a place; empty where none does, or no manual is there. */
    public Optional<Version> manual(String which) {
        return pointers().manual(which);
    }

    /**
     * The newest of the versions that an image tag is at in some repositories: that one whose own tag names the same
     * index. {@code otherwise} where none of them has the tag.
     *
     * @param own a version that may not stand among the published ones yet
     */
    public Optional<Version> images(List<ImageStore> stores, String tag, Version own, Optional<Version> otherwise) throws IOException {
        List<Version> newestFirst = new ArrayList<>(versions());
        newestFirst.add(own);
        newestFirst.sort(Comparator.reverseOrder());
        List<Version> found = new ArrayList<>();
        for (ImageStore repository : stores) {
            Optional<String> digest = repository.tag(tag);
            if (digest.isPresent()) {
                found.add(versionOf(repository, tag, digest.get(), newestFirst));
            }
        }
        return found.stream().max(Comparator.naturalOrder()).or(() -> otherwise);
    }

    private Version versionOf(ImageStore repository, String tag, String digest, List<Version> newestFirst) throws IOException {
        for (Version version : newestFirst) {
            if (repository.tag(version.toString()).equals(Optional.of(digest))) {
                return version;
            }
        }
        throw Fault.refused(repository.name() + ":" + tag + " does not state its version", "it names " + digest + ", which is not what any version's tag names",
                "find out who set it; --move-pointers " + (tag.equals("latest") ? Pointer.latest : Pointer.major) + " moves it anyway");
    }

    /** The newest of the versions that the installers of these names are of: the one whose own has the same bytes; empty where there are none. */
    public Optional<Version> installers(Collection<String> names) throws IOException {
        SortedMap<String, ObjectStore.Stored> there = store.list(environment.install(), project.prefix() + "/");
        Optional<Version> newest = Optional.empty();
        for (String name : names) {
            ObjectStore.Stored pointer = there.get(project.prefix() + "/" + name);
            if (pointer != null) {
                Version at = versionOf(pointer, name, there);
                newest = newest.filter(other -> other.compareTo(at) > 0).or(() -> Optional.of(at));
            }
        }
        return newest;
    }

    private Version versionOf(ObjectStore.Stored pointer, String name, SortedMap<String, ObjectStore.Stored> there) throws IOException {
        List<Version> newestFirst = new ArrayList<>(installed());
        Collections.reverse(newestFirst);
        for (Version version : newestFirst) {
            ObjectStore.Stored own = there.get(project.folder(version.toString()) + name);
            if (own != null && new Item.Copied(store, environment.install(), own).isAt(store, environment.install(), pointer)) {
                return version;
            }
        }
        throw Fault.refused("s3://" + environment.install() + "/" + pointer.key() + " does not state its version", "it has the bytes of no version's installer",
                "find out who put it there; --move-pointers " + Pointer.installer + " moves it anyway");
    }

    /** Every version that has a folder of its own, whole or not. */
    public List<Version> versions() {
        return versions(environment.releases());
    }

    /** The same of installers. */
    public List<Version> installed() {
        return versions(environment.install());
    }

    private List<Version> versions(String bucket) {
        String stem = project.prefix() + "-";
        return store.folders(bucket, project.prefix() + "/").stream().filter(folder -> folder.startsWith(stem))
                .flatMap(folder -> Pointers.parse(folder.substring(stem.length())).stream()).sorted().toList();
    }
}
