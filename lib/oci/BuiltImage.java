package lib.oci;

import java.util.List;
import java.util.Optional;
import java.util.SortedMap;

/**
 * A container image that was built, in docker-archive form.
 *
 * @param path       below release/
 * @param id         {@code sha256:} and the digest of the config
 * @param configSize bytes of the config
 * @param variant    of the architecture, where the config has one: v8
 * @param labels     of the config, sorted
 * @param layers     from the lowest up
 */
public record BuiltImage(String path, String system, String id, long configSize, String os, String architecture, Optional<String> variant,
                         SortedMap<String, String> labels, List<Layer> layers) {

    /**
     * A layer of an image.
     *
     * @param entry       of the archive, that has its bytes
     * @param diffId      {@code sha256:} and the digest of the plain tar
     * @param size        bytes of the plain tar
     * @param blob        {@code sha256:} and the digest of it as registries get it, compressed
     * @param blobSize    bytes of that
     * @param compression gzip or zstd
     */
    public record Layer(String entry, String diffId, long size, String blob, long blobSize, String compression) {
    }
}
