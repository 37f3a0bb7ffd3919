package lib.oci;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import lib.base.Fault;
import lib.base.FileTree;

/**
 * A container image as {@code docker save}, skopeo and nix2container write it: a tar, perhaps gzipped or zstd
 * compressed, with manifest.json, the image's config (OCI image spec, config.md) and its layers, in any order. Read
 * once from front to end; no layer is ever held in memory, and nothing is written.
 */
public final class DockerArchive {

    public record Platform(String os, String architecture, Optional<String> variant) {
    }

    /**
     * What an archive holds.
     *
     * @param config byte for byte: its digest is the image's id
     * @param id     {@code sha256:} and the digest of the config in hex
     * @param labels of the config, sorted
     * @param layers from the lowest up; what registries get of one is what stands in the archive, where that is compressed, and else a gzip of it
     * @param storePaths names below nix/store in all layers, sorted: HASH-lix-2.93.1
     * @param tags   names it was saved under, such as {@code lix:2.93.1}
     */
    public record Image(byte[] config, String id, Platform platform, SortedMap<String, String> labels, List<BuiltImage.Layer> layers,
                        List<String> storePaths, List<String> tags) {

        /** What release.json says of it; {@code path} is below release/. */
        public BuiltImage built(String path, String system) {
            return new BuiltImage(path, system, id, config.length, platform.os(), platform.architecture(), platform.variant(), labels, layers);
        }
    }

    private static final String MANIFEST = "manifest.json";
    /** Of an image's documents each token becomes an object, and small ones are enough to fill a memory. */
    private static final int MOST_TOKENS = 200_000;
    private static final ObjectMapper MAPPER = JsonMapper.builder(JsonFactory.builder()
                    .streamReadConstraints(StreamReadConstraints.builder().maxTokenCount(MOST_TOKENS).build()).build())
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS).build();
    private static final Pattern PROMISED = Pattern.compile("(?:^|[/:])([0-9a-f]{64})(?:\\.json)?$");

    private final Path archive;
    private final Contents contents;

    private DockerArchive(Path archive, Contents contents) {
        this.archive = archive;
        this.contents = contents;
    }

    /** Throws Fault naming the archive, the entry and all that is wrong. */
    public static Image read(Path archive) {
        try {
            return read(archive, new Unpacking(archive));
        } catch (IOException e) {
            throw broken(archive, List.of("it cannot be read: " + e)).from(e);
        }
    }

    /** The same, of an archive that unpacks to no more than so many bytes, files in it counted once more. */
    public static Image read(Path archive, long most) {
        return read(archive, new Unpacking(most));
    }

    private static Image read(Path archive, Unpacking unpacking) {
        DockerArchive reading = new DockerArchive(archive, Contents.of(archive, unpacking));
        Image image = reading.contents.faults().isEmpty() ? reading.image() : null;
        if (!reading.contents.faults().isEmpty()) {
            throw broken(archive, reading.contents.faults());
        }
        return image;
    }

    private static Fault broken(Path archive, List<String> why) {
        return Fault.failed(archive + " is not a complete image", why, "look at what makes it, and run jbang build.java again");
    }

    /** A blob's bytes, written once from the first to the last. */
    public interface Content {
        void writeTo(OutputStream out) throws IOException;
    }

    /** Takes a blob of so many bytes; {@code digest} is {@code sha256:} and hex digits, and not checked yet. */
    public interface Sink {
        void blob(String digest, long size, Content content) throws IOException;
    }

    /**
     * Hands over those blobs of an image that are wanted, in the order of the archive, which is read once. Throws
     * Fault when the archive has changed and does not hold them all any more.
     */
    public static void send(Path archive, BuiltImage image, Set<String> wanted, Sink sink) throws IOException {
        Map<String, BuiltImage.Layer> layers = new HashMap<>();
        image.layers().stream().filter(layer -> wanted.contains(layer.blob())).forEach(layer -> layers.put(layer.entry(), layer));
        Set<String> missing = new HashSet<>(wanted);
        try (InputStream whole = new Unpacking(archive).open(archive)) {
            Tar tar = new Tar(whole);
            for (Tar.Entry entry = tar.next(); entry != null && !missing.isEmpty(); entry = tar.next()) {
                BuiltImage.Layer layer = layers.get(Contents.inside("", entry.name()).orElse(""));
                if (layer != null && entry.isFile() && missing.remove(layer.blob())) {
                    BufferedInputStream in = new BufferedInputStream(tar, 1 << 16);
                    boolean compress = Unpacking.compression(in).equals("none");
                    sink.blob(layer.blob(), layer.blobSize(), out -> {
                        if (!compress) {
                            in.transferTo(out);
                            return;
                        }
                        try (ParallelGzip gzip = new ParallelGzip(out)) {
                            in.transferTo(gzip);
                            gzip.finish();
                        }
                    });
                } else if (missing.contains(image.id()) && entry.size() == image.configSize()) {
                    byte[] bytes = tar.readAllBytes();
                    if (digest(bytes).equals(image.id())) {
                        sink.blob(image.id(), bytes.length, out -> out.write(bytes));
                        missing.remove(image.id());
                    }
                }
            }
        }
        if (!missing.isEmpty()) {
            throw Fault.failed(archive + " is not what was built", "it does not hold " + String.join(", ", missing), "run jbang build.java again");
        }
    }

    /** {@code sha256:} and the digest in hex. */
    public static String digest(byte[] bytes) {
        return "sha256:" + FileTree.sha256(bytes);
    }

    private Image image() {
        Optional<JsonNode> manifest = document(MANIFEST);
        if (manifest.isEmpty()) {
            if (!contents.has(MANIFEST) && contents.has("oci-layout")) {
                contents.fault("it is an OCI archive, which docker load does not take: make a docker archive");
            } else if (!contents.has(MANIFEST) && contents.has("repositories")) {
                contents.fault("it has the layout of docker before 1.10: save the image with a newer one");
            }
            return null;
        }
        JsonNode image = manifest.get().path(0);
        if (!manifest.get().isArray() || manifest.get().size() != 1 || !image.path("Config").isTextual()) {
            contents.fault(MANIFEST + (manifest.get().size() > 1 && manifest.get().isArray() ? " names " + manifest.get().size() + " images: each needs an archive of its own"
                    : " does not name one image with its Config and Layers"));
            return null;
        }
        List<String> tags = texts(image.path("RepoTags"), MANIFEST + ": RepoTags");
        List<String> names = texts(image.path("Layers"), MANIFEST + ": Layers");
        String configName = image.path("Config").asText();
        Optional<JsonNode> config = document(configName);
        if (config.isEmpty()) {
            return null;
        }
        byte[] bytes = contents.resolve(configName).flatMap(contents::document).orElseThrow();
        String id = digest(bytes);
        String shown = "the config '" + Contents.shown(configName) + "'";
        Matcher promised = PROMISED.matcher(configName);
        if (promised.find() && !id.equals("sha256:" + promised.group(1))) {
            contents.fault(shown + " has " + id + ", and not the one in its name");
        }
        for (String key : List.of("os", "architecture")) {
            if (!config.get().path(key).isTextual() || config.get().path(key).asText().isBlank()) {
                contents.fault(shown + " does not say its " + key);
            }
        }
        SortedMap<String, String> labels = labels(config.get().path("config").path("Labels"), shown);
        List<BuiltImage.Layer> layers = layers(names, texts(config.get().path("rootfs").path("diff_ids"), shown + ": diff_ids"));
        Platform platform = new Platform(config.get().path("os").asText(), config.get().path("architecture").asText(),
                Optional.of(config.get().path("variant").asText()).filter(variant -> !variant.isBlank()));
        List<String> storePaths = layers.stream().flatMap(layer -> contents.file(layer.entry()).storePaths().stream()).distinct().sorted().toList();
        return new Image(bytes, id, platform, labels, layers, storePaths, tags);
    }

    private SortedMap<String, String> labels(JsonNode object, String config) {
        SortedMap<String, String> labels = new TreeMap<>();
        object.properties().forEach(label -> labels.put(label.getKey(), label.getValue().asText("")));
        if (!isNothing(object) && !object.isObject() || object.valueStream().anyMatch(label -> !isNothing(label) && !label.isTextual())) {
            contents.fault(config + " has labels that are not strings");
        }
        return labels;
    }

    private List<BuiltImage.Layer> layers(List<String> names, List<String> diffIds) {
        if (names.size() != diffIds.size()) {
            contents.fault(MANIFEST + " names " + names.size() + " layers, the config " + diffIds.size());
            return List.of();
        }
        List<BuiltImage.Layer> layers = new ArrayList<>();
        for (int i = 0; i < names.size(); i++) {
            String diffId = diffIds.get(i);
            String shown = "the layer '" + Contents.shown(names.get(i)) + "' ";
            contents.resolve(names.get(i)).ifPresent(entry -> {
                Contents.Stored stored = contents.file(entry);
                if (!stored.sha256().isEmpty() && !diffId.equals("sha256:" + stored.sha256())) {
                    contents.fault(shown + "has sha256 " + stored.sha256() + ", the config says " + Contents.shown(diffId));
                }
                if (!stored.fault().isEmpty()) {
                    contents.fault(shown + stored.fault());
                }
                layers.add(new BuiltImage.Layer(entry, diffId, stored.size(), "sha256:" + stored.blob(), stored.blobSize(), stored.compression()));
            });
        }
        return layers;
    }

    /** The JSON in a file; empty, with a fault, where there is none. */
    private Optional<JsonNode> document(String name) {
        Optional<String> file = contents.resolve(name);
        if (file.isEmpty()) {
            return Optional.empty();
        }
        try {
            Optional<byte[]> bytes = contents.document(file.get());
            JsonNode json = bytes.isPresent() ? MAPPER.readTree(bytes.get()) : null;
            if (json != null && json.isContainerNode()) {
                return Optional.of(json);
            }
            contents.fault("'" + Contents.shown(name) + "' is not JSON, or too large for it");
        } catch (IOException e) {
            contents.fault("'" + Contents.shown(name) + "' is not JSON: " + Contents.message(e));
        }
        return Optional.empty();
    }

    private List<String> texts(JsonNode list, String what) {
        if (!isNothing(list) && !list.isArray() || list.valueStream().anyMatch(text -> !text.isTextual())) {
            contents.fault(what + " is not a list of strings");
            return List.of();
        }
        return list.valueStream().map(JsonNode::asText).toList();
    }

    private static boolean isNothing(JsonNode node) {
        return node.isNull() || node.isMissingNode();
    }
}
