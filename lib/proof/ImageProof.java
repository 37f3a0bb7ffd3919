package lib.proof;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import lib.base.Console;
import lib.base.Progress;
import lib.oci.BuiltImage;
import lib.oci.DockerArchive;
import lib.oci.ImageIndex;
import lib.oci.ImageStore;

/** A release's images in one repository, as those who pull them get them. What a registry says of a digest comes from its name: only bytes count. */
record ImageProof(ImageStore store, List<BuiltImage> images, Console console) {

    private interface Place {
        /** What is wrong, or the empty text; empty where there is nothing. */
        Optional<String> wrong() throws IOException;
    }

    private record Look(String what, long bytes, Place at) {
        @Override
        public String toString() {
            return what;
        }
    }

    /** Every byte of what the tags should name, each blob once however many images have it, and the tags. Where it is {@code light}, of blobs only the size. */
    Findings all(List<String> tags, boolean light, Findings findings) {
        ImageIndex wanted = ImageIndex.of(images);
        List<Look> looks = new ArrayList<>();
        wanted.manifests().forEach(manifest -> looks.add(document(manifest.digest(), manifest)));
        looks.add(document(wanted.index().digest(), wanted.index()));
        Map<String, Long> blobs = new LinkedHashMap<>();
        for (BuiltImage image : images) {
            blobs.put(image.id(), image.configSize());
            image.layers().forEach(layer -> blobs.put(layer.blob(), layer.blobSize()));
        }
        blobs.forEach((digest, size) -> looks.add(light ? new Look(digest, 0, () -> store.size(digest).map(is -> is.equals(size) ? "" : "has " + is + " bytes, built was " + size))
                : new Look(digest, size, () -> store.read(digest, size, bytes -> { }).map(is -> blob(digest, size, is)))));
        if (look(looks, findings)) {
            findings.remedy(store.remedy());
        }
        tags(tags, findings);
        return findings;
    }

    /** That each of the tags names the index, not what it lists. */
    void tags(List<String> tags, Findings findings) {
        ImageIndex.Document index = ImageIndex.of(images).index();
        look(tags.stream().map(tag -> new Look(store.name() + ":" + tag, 0, () -> tag(tag, index))).toList(), findings);
    }

    // Who pulls goes by what the registry says, or by what it sends: both must be right.
    private Optional<String> tag(String tag, ImageIndex.Document index) throws IOException {
        Optional<String> says = store.tag(tag);
        return says.isPresent() && !says.get().equals(index.digest()) ? Optional.of("names " + says.get() + ", expected " + index.digest())
                : store.manifest(tag).map(bytes -> document(bytes, index));
    }

    private Look document(String digest, ImageIndex.Document document) {
        return new Look(digest, document.bytes().length, () -> store.manifest(digest).map(bytes -> document(bytes, document)));
    }

    private static String document(byte[] bytes, ImageIndex.Document document) {
        return Arrays.equals(bytes, document.bytes()) ? "" : "has other bytes: they are " + DockerArchive.digest(bytes) + ", expected " + document.digest();
    }

    private static String blob(String digest, long size, ImageStore.Blob is) {
        return is.digest().equals(digest) ? "" : is.size() > size ? "has more than the expected " + size + " bytes"
                : "has " + is.size() + " bytes that are " + is.digest() + ", expected " + size;
    }

    /** Whether any is wrong. */
    private boolean look(List<Look> looks, Findings findings) {
        Progress progress = new Progress(console, "images in " + store.name(), looks.size(), looks.stream().mapToLong(Look::bytes).sum());
        boolean[] any = {false};
        findings.each(looks, look -> {
            String wrong = look.at().wrong().orElse("is missing");
            if (wrong.isEmpty()) {
                findings.proved();
            } else {
                any[0] = true;
                findings.failure(look.what() + ": " + wrong);
            }
            progress.add(look.bytes());
        });
        return any[0];
    }
}
