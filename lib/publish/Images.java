package lib.publish;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import lib.base.Fault;
import lib.base.Json;
import lib.base.Parallel;
import lib.http.Tuning;
import lib.oci.BuiltImage;
import lib.oci.DockerArchive;
import lib.oci.ImageIndex;
import lib.oci.ImageStore;
import lib.oci.Transfer;
import lib.release.Version;

/**
 * A release's images in some repositories, under the tag of its version: blobs, then manifests, then the index that
 * the tag names. Where tag, index and manifests are right, no blob of a registry is asked for, no archive read and
 * nothing compressed.
 *
 * @param release the folder the images' paths begin in
 * @param replace every blob is fetched and what is not whole is sent; another index under that tag is replaced: somebody said so by name
 * @param tuning  for how long what fails is sent again
 */
public record Images(List<ImageStore> stores, Path release, List<BuiltImage> images, String version, boolean replace, Tuning tuning) implements Destination {

    private static final int CONCURRENCY = 8;

    @Override
    public String name() {
        return "images";
    }

    @Override
    public Difference compare() {
        ImageIndex wanted = ImageIndex.of(images);
        Map<ImageStore, Set<String>> missing = new LinkedHashMap<>(); // blobs, of the stores that lack anything
        List<Operation> manifests = new ArrayList<>();
        List<Operation> tags = new ArrayList<>();
        List<String> conflicts = new ArrayList<>();
        for (ImageStore store : stores) {
            Optional<String> there = asked(store, () -> store.tag(version));
            boolean tagged = there.equals(Optional.of(wanted.index().digest()));
            boolean listed = tagged && asked(store, () -> isAt(store, version, wanted.index()) && hasAll(store, wanted.manifests()));
            boolean all = replace || store.near();
            Set<String> lacks = listed && !all ? Set.of() : asked(store, () -> missing(store, all));
            if (listed && lacks.isEmpty()) {
                continue;
            }
            missing.put(store, lacks);
            wanted.manifests().forEach(manifest -> manifests.add(Operation.create("manifest in " + store.name(), manifest.bytes().length, manifest.digest(),
                    () -> store.manifest(manifest))));
            tags.add(tag(store, version, tagged ? Optional.empty() : there, wanted.index(), () -> { }));
            if (there.isPresent() && !tagged && !replace) {
                conflicts.add(store.name() + ":" + version + " is " + there.get() + ", expected " + wanted.index().digest());
            }
        }
        List<Operation> blobs = images.stream().flatMap(image -> blobs(image, missing).stream()).toList();
        return new Difference(List.of(new Stage("blobs", blobs), new Stage("manifests", manifests), new Stage("index", tags)).stream()
                .filter(stage -> !stage.operations().isEmpty()).toList(), conflicts);
    }

    interface Question<T> {
        T answer() throws IOException;
    }

    static <T> T asked(ImageStore store, Question<T> question) {
        try {
            return question.answer();
        } catch (IOException e) {
            throw store.fault("it cannot be read", e);
        }
    }

    private static boolean hasAll(ImageStore store, List<ImageIndex.Document> manifests) throws IOException {
        for (ImageIndex.Document manifest : manifests) {
            if (!isAt(store, manifest.digest(), manifest)) {
                return false;
            }
        }
        return true;
    }

    static boolean isAt(ImageStore store, String reference, ImageIndex.Document document) throws IOException {
        return store.manifest(reference).filter(bytes -> Arrays.equals(bytes, document.bytes())).isPresent();
    }

    // What two images share is sent with the first.
    private Optional<Operation> blobs(BuiltImage image, Map<ImageStore, Set<String>> missing) {
        Map<ImageStore, Set<String>> mine = new LinkedHashMap<>();
        missing.forEach((store, digests) -> {
            Set<String> some = new TreeSet<>(digests(image).keySet());
            some.retainAll(digests);
            digests.removeAll(some);
            if (!some.isEmpty()) {
                mine.put(store, some);
            }
        });
        if (mine.isEmpty()) {
            return Optional.empty();
        }
        long bytes = mine.values().stream().flatMap(Set::stream).mapToLong(digests(image)::get).sum();
        String what = mine.values().stream().mapToInt(Set::size).max().getAsInt() + " blobs of " + image.path() + " in "
                + mine.keySet().stream().map(ImageStore::name).collect(Collectors.joining(" and "));
        Operation.LongAction transfer = sent -> Transfer.run(release.resolve(image.path()), image, mine, !replace, tuning, sent);
        return Optional.of(Operation.create(what, bytes, image.id(), transfer));
    }

    private Set<String> missing(ImageStore store, boolean whole) throws IOException {
        Map<String, Long> all = new LinkedHashMap<>();
        images.forEach(image -> all.putAll(digests(image)));
        Set<String> missing = java.util.Collections.synchronizedSet(new TreeSet<>());
        Parallel.forEach(all.entrySet(), CONCURRENCY, blob -> {
            if (!(whole ? store.holds(blob.getKey(), bytes -> { }) : store.size(blob.getKey()).equals(Optional.of(blob.getValue())))) {
                missing.add(blob.getKey());
            }
        });
        return missing;
    }

    /** Every blob of an image, with its size in bytes. */
    private static Map<String, Long> digests(BuiltImage image) {
        Map<String, Long> digests = new LinkedHashMap<>();
        digests.put(image.id(), image.configSize());
        image.layers().forEach(layer -> digests.put(layer.blob(), layer.blobSize()));
        return digests;
    }

    private static Operation tag(ImageStore store, String tag, Optional<String> there, ImageIndex.Document index, Operation.Action afterwards) {
        String what = store.name() + ":" + tag;
        Operation.Action action = () -> {
            // Registries know no conditional writes: as late as can be it is asked whether somebody else was here meanwhile.
            Optional<String> now = store.tag(tag);
            if (!now.equals(there) && !now.equals(Optional.of(index.digest()))) {
                throw Fault.failed(what + " has changed since the plan was made", "it names " + now.orElse("nothing") + " now, and named " + there.orElse("nothing"),
                        "find out who else publishes there, and run again");
            }
            store.tag(tag, index);
            afterwards.run();
        };
        return there.isPresent() ? Operation.move(what, there.get(), index.digest(), action)
                : Operation.create(what, index.bytes().length, index.digest(), action);
    }

    /**
     * The pointers among the tags: MAJOR and latest.
     *
     * @param current the version that manifest.nix is at now
     */
    public record Tags(List<ImageStore> stores, List<BuiltImage> images, List<String> tags, Supplier<Optional<Version>> current) implements Destination {

        @Override
        public String name() {
            return "image tags";
        }

        @Override
        public Difference compare() {
            ImageIndex.Document index = ImageIndex.of(images).index();
            Optional<Version> before = current.get();
            List<Operation> moves = new ArrayList<>();
            for (ImageStore store : stores) {
                for (String tag : tags) {
                    Optional<String> there = asked(store, () -> store.tag(tag));
                    if (!there.equals(Optional.of(index.digest()))) {
                        moves.add(Images.tag(store, tag, there, index, () -> requireLast(store, tag, before)));
                    }
                }
            }
            return new Difference(moves.isEmpty() ? List.of() : List.of(new Stage(String.join(" and ", tags), moves)), List.of());
        }

        // A whole release of somebody else's may go by while our request is on its way, and would be undone by it.
        private void requireLast(ImageStore store, String tag, Optional<Version> before) throws IOException {
            Optional<Version> now = current.get();
            if (now.equals(before) || now.isEmpty() || !tag.equals("latest") && !tag.equals(now.get().major())) {
                return;
            }
            Optional<byte[]> theirs = store.manifest(now.get().toString());
            if (theirs.isPresent()) {
                store.tag(tag, new ImageIndex.Document(Json.object(theirs.get(), store.name() + ":" + now.get()).path("mediaType").asText(),
                        theirs.get(), DockerArchive.digest(theirs.get())));
            }
            throw Fault.failed(store.name() + ":" + tag + " was moved while " + now.get() + " was published", "manifest.nix was at "
                    + before.map(Version::toString).orElse("nothing") + " and is at " + now.get() + (theirs.isPresent() ? "; the tag is put back to that" : ""),
                    "find out who else publishes there, and run again");
        }
    }
}
