package lib.oci;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import lib.base.Json;

/**
 * What registries keep of a release's images beside their blobs: a manifest each, and one index over all (OCI image
 * spec 1.1, manifest.md and image-index.md). Made of what release.json says, so that nothing has to be read or
 * compressed to know what should be there.
 *
 * @param manifests in the order of the images
 * @param index     over them, with the labels that all images agree on as annotations
 */
public record ImageIndex(List<Document> manifests, Document index) {

    static final String OCI = "application/vnd.oci.image.";
    static final String INDEX = OCI + "index.v1+json";

    /** Bytes, their media type, and {@code sha256:} with their digest. */
    public record Document(String mediaType, byte[] bytes, String digest) {
        Document(String mediaType, ObjectNode json) {
            this(mediaType, json.toString().getBytes(StandardCharsets.UTF_8));
        }

        Document(String mediaType, byte[] bytes) {
            this(mediaType, bytes, DockerArchive.digest(bytes));
        }
    }

    public static ImageIndex of(List<BuiltImage> images) {
        List<Document> manifests = images.stream().map(ImageIndex::manifest).toList();
        ObjectNode index = Json.MAPPER.createObjectNode().put("schemaVersion", 2).put("mediaType", INDEX);
        var entries = index.putArray("manifests");
        SortedMap<String, String> labels = new TreeMap<>(images.get(0).labels());
        for (int i = 0; i < images.size(); i++) {
            BuiltImage image = images.get(i);
            ObjectNode platform = descriptor(entries.addObject(), manifests.get(i))
                    .putObject("platform").put("architecture", image.architecture()).put("os", image.os());
            image.variant().ifPresent(variant -> platform.put("variant", variant));
            labels.entrySet().retainAll(image.labels().entrySet());
        }
        if (!labels.isEmpty()) {
            ObjectNode annotations = index.putObject("annotations");
            labels.forEach(annotations::put);
        }
        return new ImageIndex(manifests, new Document(INDEX, index));
    }

    private static Document manifest(BuiltImage image) {
        ObjectNode manifest = Json.MAPPER.createObjectNode().put("schemaVersion", 2).put("mediaType", OCI + "manifest.v1+json");
        descriptor(manifest.putObject("config"), OCI + "config.v1+json", image.id(), image.configSize());
        var layers = manifest.putArray("layers");
        image.layers().forEach(layer -> descriptor(layers.addObject(), OCI + "layer.v1.tar+" + layer.compression(), layer.blob(), layer.blobSize()));
        return new Document(OCI + "manifest.v1+json", manifest);
    }

    static ObjectNode descriptor(ObjectNode node, Document document) {
        return descriptor(node, document.mediaType(), document.digest(), document.bytes().length);
    }

    private static ObjectNode descriptor(ObjectNode node, String mediaType, String digest, long size) {
        return node.put("mediaType", mediaType).put("digest", digest).put("size", size);
    }
}
