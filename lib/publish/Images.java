package lib.publish;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import lib.BuiltRelease;
import lib.image.DockerArchive;
import lib.image.ImageIndex;
import lib.image.ImageStore;

/**
 * A release's images in one repository, under the tag of its version: blobs, then manifests, then the index that the
 * tag names. Where the tag is right nothing is read and nothing compressed.
 *
 * @param release the folder the images' paths begin in
 * @param replace another index under that tag is replaced: somebody said so by name
 */
public record Images(ImageStore store, Path release, List<BuiltRelease.Image> images, String version, boolean replace) implements Destination {

    @Override
    public String name() {
        return "images";
    }

    @Override
    public Difference compare() throws IOException {
        ImageIndex wanted = ImageIndex.of(images);
        Optional<String> there = store.tag(version);
        if (there.equals(Optional.of(wanted.index().digest()))) {
            return new Difference(List.of(), List.of());
        }
        List<Stage> stages = new ArrayList<>();
        List<Operation> blobs = new ArrayList<>();
        Set<String> taken = new TreeSet<>(); // what two images share is sent with the first
        for (BuiltRelease.Image image : images) {
            Set<String> missing = missing(image);
            missing.removeAll(taken);
            taken.addAll(missing);
            if (!missing.isEmpty()) {
                long bytes = image.layers().stream().filter(layer -> missing.contains(layer.blob())).mapToLong(BuiltRelease.ImageLayer::blobSize).sum();
                blobs.add(Operation.create(missing.size() + " blobs of " + image.path() + " in " + store.name(), bytes, image.id(),
                        () -> DockerArchive.send(release.resolve(image.path()), image, missing, store::blob)));
            }
        }
        if (!blobs.isEmpty()) {
            stages.add(new Stage("blobs", blobs));
        }
        stages.add(new Stage("manifests", wanted.manifests().stream().map(manifest -> Operation.create("manifest in " + store.name(),
                manifest.bytes().length, manifest.digest(), () -> store.manifest(manifest))).toList()));
        stages.add(new Stage("index", List.of(tag(store, version, there, wanted.index()))));
        return new Difference(stages, there.isPresent() && !replace ? List.of(store.name() + ":" + version + " is " + there.get() + ", built was "
                + wanted.index().digest()) : List.of());
    }

    private Set<String> missing(BuiltRelease.Image image) throws IOException {
        Set<String> missing = new TreeSet<>();
        if (store.size(image.id()).isEmpty()) {
            missing.add(image.id());
        }
        for (BuiltRelease.ImageLayer layer : image.layers()) {
            if (!store.size(layer.blob()).equals(Optional.of(layer.blobSize()))) {
                missing.add(layer.blob());
            }
        }
        return missing;
    }

    private static Operation tag(ImageStore store, String tag, Optional<String> there, ImageIndex.Document index) {
        String what = store.name() + ":" + tag;
        Operation.Action action = () -> {
            store.manifest(index);
            store.tag(tag, index);
        };
        return there.isPresent() ? Operation.move(what, there.get(), index.digest(), action)
                : Operation.create(what, index.bytes().length, index.digest(), action);
    }

    /** The pointers among the tags of a repository: MAJOR and latest. */
    public record Tags(ImageStore store, List<BuiltRelease.Image> images, List<String> tags) implements Destination {

        @Override
        public String name() {
            return "image tags";
        }

        @Override
        public Difference compare() throws IOException {
            ImageIndex.Document index = ImageIndex.of(images).index();
            List<Operation> moves = new ArrayList<>();
            for (String tag : tags) {
                Optional<String> there = store.tag(tag);
                if (!there.equals(Optional.of(index.digest()))) {
                    moves.add(Images.tag(store, tag, there, index));
                }
            }
            return new Difference(moves.isEmpty() ? List.of() : List.of(new Stage(String.join(" and ", tags), moves)), List.of());
        }
    }
}
