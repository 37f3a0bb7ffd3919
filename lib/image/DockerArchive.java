package lib.image;

import com.fasterxml.jackson.databind.JsonNode;
import com.github.luben.zstd.ZstdInputStreamNoFinalizer;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import lib.BuiltRelease;
import lib.Fault;
import lib.FileTree;
import lib.Json;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.apache.commons.compress.compressors.gzip.GzipCompressorInputStream;
import org.apache.commons.io.input.CloseShieldInputStream;

/**
 * A container image as {@code docker save}, skopeo and nix2container write it: a tar, perhaps gzipped or zstd
 * compressed, with manifest.json, the image's config (OCI image spec, config.md) and its layers, in any order. Read
 * once from front to end; no layer is ever held in memory, and nothing is written.
 */
public final class DockerArchive {

    /**
     * A layer. What registries get is what stands in the archive, where that is compressed, and else a gzip of it.
     *
     * @param entry      of the archive, that has its bytes
     * @param diffId     {@code sha256:} and the digest of the plain tar in hex, as the config has it
     * @param size       bytes of the plain tar
     * @param blob       {@code sha256:} and the digest of what registries get, in hex
     * @param blobSize   bytes of that
     * @param compression of that: gzip or zstd
     * @param storePaths names below nix/store in it, sorted: HASH-lix-2.93.1
     */
    public record Layer(String entry, String diffId, long size, String blob, long blobSize, String compression, SortedSet<String> storePaths) {
    }

    public record Platform(String os, String architecture, Optional<String> variant) {
    }

    /**
     * What an archive holds.
     *
     * @param config byte for byte: its digest is the image's id
     * @param id     {@code sha256:} and the digest of the config in hex
     * @param labels of the config, sorted
     * @param layers from the lowest up
     * @param tags   names it was saved under, such as {@code lix:2.93.1}
     */
    public record Image(byte[] config, String id, Platform platform, SortedMap<String, String> labels, List<Layer> layers, List<String> tags) {

        /** What release.json says of it; {@code path} is below release/. */
        public BuiltRelease.Image built(String path, String system) {
            return new BuiltRelease.Image(path, system, id, config.length, platform.os(), platform.architecture(), platform.variant(), labels,
                    layers.stream().map(layer -> new BuiltRelease.ImageLayer(layer.entry(), layer.diffId(), layer.size(), layer.blob(), layer.blobSize(),
                            layer.compression())).toList());
        }

        /** Names of the store paths in all layers, sorted. */
        public List<String> storePaths() {
            return layers.stream().flatMap(layer -> layer.storePaths().stream()).distinct().sorted().toList();
        }
    }

    private static final Pattern STORE_PATH = Pattern.compile("^(?:\\./|/)*nix/store/([0-9a-z]{32}-[^/]+)");
    private static final String MANIFEST = "manifest.json";
    private static final int LARGEST_DOCUMENT = 4 << 20;
    private static final int ALL_DOCUMENTS = 32 << 20;

    /** A file's plain bytes, and what registries would get of them. */
    private record Stored(String sha256, long size, String blob, long blobSize, String compression, Optional<SortedSet<String>> storePaths) {
    }

    private final Path archive;
    private final Map<String, Stored> files = new HashMap<>();
    private final Map<String, String> links = new HashMap<>();
    /** Files that may be manifest or config: small, and of JSON's look. */
    private final Map<String, byte[]> documents = new HashMap<>();
    private int documentBytes;
    private final List<String> faults = new ArrayList<>();

    private DockerArchive(Path archive) {
        this.archive = archive;
    }

    /** Throws Fault naming the archive, the entry and all that is wrong. */
    public static Image read(Path archive) {
        DockerArchive reading = new DockerArchive(archive);
        String entry = "its beginning";
        try (TarArchiveInputStream tar = open(archive)) {
            for (TarArchiveEntry next = tar.getNextEntry(); next != null; next = tar.getNextEntry()) {
                entry = "'" + next.getName() + "'";
                reading.entry(next, tar);
                entry = "what follows " + entry;
            }
        } catch (IOException | IllegalArgumentException e) {
            throw reading.broken(List.of(entry + " cannot be read: " + (e.getMessage() == null ? e.toString() : e.getMessage()))).from(e);
        }
        Image image = reading.faults.isEmpty() ? reading.image() : null;
        if (!reading.faults.isEmpty()) {
            throw reading.broken(reading.faults);
        }
        return image;
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
    public static void send(Path archive, BuiltRelease.Image image, Set<String> wanted, Sink sink) throws IOException {
        Map<String, BuiltRelease.ImageLayer> layers = new HashMap<>();
        image.layers().stream().filter(layer -> wanted.contains(layer.blob())).forEach(layer -> layers.put(layer.entry(), layer));
        Set<String> missing = new HashSet<>(wanted);
        try (TarArchiveInputStream tar = open(archive)) {
            for (TarArchiveEntry entry = tar.getNextEntry(); entry != null && !missing.isEmpty(); entry = tar.getNextEntry()) {
                BuiltRelease.ImageLayer layer = layers.get(inside("", entry.getName()).orElse(""));
                if (layer != null && missing.remove(layer.blob())) {
                    BufferedInputStream in = new BufferedInputStream(tar, 1 << 16);
                    boolean compress = compression(in).equals("none");
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
                } else if (missing.contains(image.id()) && entry.getSize() == image.configSize()) {
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
        return "sha256:" + HexFormat.of().formatHex(FileTree.digest("SHA-256").digest(bytes));
    }

    private Fault broken(List<String> why) {
        return Fault.failed(archive + " is not a whole image", why, "look at what makes it, and run jbang build.java again");
    }

    /** gzip (RFC 1952), zstd (RFC 8878) or none, as the first bytes say; none of them is taken. */
    private static String compression(InputStream in) throws IOException {
        in.mark(4);
        byte[] magic = in.readNBytes(4);
        in.reset();
        if (magic.length >= 2 && magic[0] == 0x1f && magic[1] == (byte) 0x8b) {
            return "gzip";
        }
        return magic.length == 4 && magic[0] == 0x28 && magic[1] == (byte) 0xb5 && magic[2] == 0x2f && magic[3] == (byte) 0xfd ? "zstd" : "none";
    }

    // Without a finalizer: one closes what is read from as soon as the collector finds nobody needs the decompressor.
    private static InputStream plain(InputStream in, String compression) throws IOException {
        return switch (compression) {
            case "gzip" -> GzipCompressorInputStream.builder().setInputStream(in).setDecompressConcatenated(true).get();
            case "zstd" -> new ZstdInputStreamNoFinalizer(in);
            default -> in;
        };
    }

    private static TarArchiveInputStream open(Path archive) throws IOException {
        InputStream file = Files.newInputStream(archive);
        try {
            InputStream in = new BufferedInputStream(file, 1 << 16);
            return new TarArchiveInputStream(new TarGuard(plain(in, compression(in))));
        } catch (IOException e) {
            file.close();
            throw e;
        }
    }

    private void entry(TarArchiveEntry entry, InputStream tar) throws IOException {
        Optional<String> name = inside("", entry.getName());
        if (name.isEmpty()) {
            faults.add("'" + entry.getName() + "' leads out of the archive");
        } else if (entry.isSymbolicLink() || entry.isLink()) {
            String from = entry.isLink() ? "" : name.get().replaceAll("[^/]*$", "");
            inside(from, entry.getLinkName()).ifPresentOrElse(target -> links.put(name.get(), target),
                    () -> faults.add("'" + name.get() + "' is a link out of the archive, to '" + entry.getLinkName() + "'"));
        } else if (entry.isCharacterDevice() || entry.isBlockDevice() || entry.isFIFO()) {
            faults.add("'" + name.get() + "' is neither a file nor a folder nor a link");
        } else if (!entry.isDirectory()) {
            Stored stored = file(name.get(), tar);
            Stored before = files.put(name.get(), stored);
            if (before != null && !before.equals(stored)) {
                faults.add("'" + name.get() + "' is there twice, with different bytes");
            }
        }
    }

    private Stored file(String name, InputStream tar) throws IOException {
        Measured raw = new Measured(OutputStream.nullOutputStream());
        BufferedInputStream in = new BufferedInputStream(new TeeInputStream(CloseShieldInputStream.wrap(tar), raw), 1 << 16);
        String compression = compression(in);
        Measured compressed = new Measured(OutputStream.nullOutputStream());
        boolean compress = compression.equals("none");
        try (InputStream content = plain(in, compression); ParallelGzip gzip = new ParallelGzip(compressed)) {
            Measured plain = new Measured(compress ? gzip : OutputStream.nullOutputStream());
            Optional<SortedSet<String>> storePaths = look(name, new BufferedInputStream(new TeeInputStream(content, plain), 1 << 16));
            in.transferTo(OutputStream.nullOutputStream()); // what stands behind a compressed end belongs to the file, too
            if (compress) {
                gzip.finish();
            }
            Measured blob = compress ? compressed : raw;
            return new Stored(plain.sha256(), plain.size(), blob.sha256(), blob.size(), compress ? "gzip" : compression, storePaths);
        }
    }

    /** Reads it to its end: the names of the store paths of a tar; a document is kept. */
    private Optional<SortedSet<String>> look(String name, BufferedInputStream file) throws IOException {
        Optional<SortedSet<String>> storePaths = Optional.empty();
        file.mark(512);
        byte[] begin = file.readNBytes(512);
        file.reset();
        if (begin.length == 512 && new String(begin, 257, 5, StandardCharsets.US_ASCII).equals("ustar")) {
            storePaths = Optional.of(storePaths(file));
        } else if (begin.length > 0 && (begin[0] == '{' || begin[0] == '[')) {
            keep(name, file.readNBytes(LARGEST_DOCUMENT));
        }
        file.transferTo(OutputStream.nullOutputStream());
        return storePaths;
    }

    private void keep(String name, byte[] document) throws IOException {
        documentBytes += document.length;
        if (documentBytes > ALL_DOCUMENTS) {
            throw new IOException("there are more than " + ALL_DOCUMENTS + " bytes of JSON");
        }
        documents.put(name, document);
    }

    private static SortedSet<String> storePaths(InputStream layer) throws IOException {
        SortedSet<String> names = new TreeSet<>();
        TarArchiveInputStream tar = new TarArchiveInputStream(new TarGuard(layer));
        for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
            Matcher path = STORE_PATH.matcher(entry.getName());
            if (path.find()) {
                names.add(path.group(1));
            }
        }
        return names;
    }

    /** A name as seen from the top of the archive; empty where it leads out of it. */
    private static Optional<String> inside(String folder, String name) {
        List<String> parts = new ArrayList<>();
        if (name.startsWith("/") || name.isEmpty()) {
            return Optional.empty();
        }
        for (String part : (folder + name).split("/")) {
            if (part.equals("..")) {
                if (parts.isEmpty()) {
                    return Optional.empty();
                }
                parts.remove(parts.size() - 1);
            } else if (!part.isEmpty() && !part.equals(".")) {
                parts.add(part);
            }
        }
        return Optional.of(String.join("/", parts));
    }

    /** The file an entry is, through its links; empty, with a fault, where there is none. */
    private Optional<String> resolve(String name) {
        Set<String> passed = new HashSet<>();
        String at = name;
        while (links.containsKey(at) && passed.add(at)) {
            at = links.get(at);
        }
        if (!files.containsKey(at)) {
            faults.add("'" + name + "' is " + (links.containsKey(at) ? "a link to itself" : at.equals(name) ? "missing" : "a link to '" + at + "', which is missing"));
            return Optional.empty();
        }
        return Optional.of(at);
    }

    private Image image() {
        JsonNode manifest = document(MANIFEST);
        if (manifest == null) {
            return null;
        }
        if (!manifest.isArray() || manifest.size() != 1 || !manifest.get(0).path("Config").isTextual() || !manifest.get(0).path("Layers").isArray()) {
            faults.add(MANIFEST + " does not name one image with its Config and Layers");
            return null;
        }
        List<String> tags = texts(manifest.get(0).path("RepoTags"));
        String configName = manifest.get(0).path("Config").asText();
        JsonNode config = document(configName);
        if (config == null) {
            return null;
        }
        byte[] bytes = documents.get(resolve(configName).orElseThrow());
        String id = digest(bytes);
        String promised = configName.replaceAll(".*/", "").replaceAll("\\.json$", "");
        if (promised.matches("[0-9a-f]{64}") && !id.equals("sha256:" + promised)) {
            faults.add("the config '" + configName + "' has " + id + ", and not the one in its name");
        }
        for (String key : List.of("os", "architecture")) {
            if (!config.path(key).isTextual() || config.path(key).asText().isBlank()) {
                faults.add("the config '" + configName + "' does not say its " + key);
            }
        }
        SortedMap<String, String> labels = new TreeMap<>();
        config.path("config").path("Labels").properties().forEach(label -> labels.put(label.getKey(), label.getValue().asText()));
        List<Layer> layers = layers(texts(manifest.get(0).path("Layers")), texts(config.path("rootfs").path("diff_ids")));
        Platform platform = new Platform(config.path("os").asText(), config.path("architecture").asText(),
                Optional.of(config.path("variant").asText()).filter(variant -> !variant.isBlank()));
        return new Image(bytes, id, platform, labels, layers, tags);
    }

    private List<Layer> layers(List<String> names, List<String> diffIds) {
        if (names.isEmpty() || names.size() != diffIds.size()) {
            faults.add(MANIFEST + " names " + names.size() + " layers, the config " + diffIds.size());
            return List.of();
        }
        List<Layer> layers = new ArrayList<>();
        for (int i = 0; i < names.size(); i++) {
            String name = names.get(i);
            String diffId = diffIds.get(i);
            resolve(name).ifPresent(entry -> {
                Stored stored = files.get(entry);
                if (!diffId.equals("sha256:" + stored.sha256())) {
                    faults.add("the layer '" + name + "' has sha256 " + stored.sha256() + ", the config says " + diffId);
                }
                if (stored.storePaths().isEmpty()) {
                    faults.add("the layer '" + name + "' is no tar");
                }
                layers.add(new Layer(entry, diffId, stored.size(), "sha256:" + stored.blob(), stored.blobSize(), stored.compression(), stored.storePaths().orElse(new TreeSet<>())));
            });
        }
        return layers;
    }

    /** The JSON in a file; null, with a fault, where there is none. */
    private JsonNode document(String name) {
        Optional<String> file = resolve(name);
        if (file.isEmpty()) {
            return null;
        }
        try {
            JsonNode json = documents.containsKey(file.get()) ? Json.MAPPER.readTree(documents.get(file.get())) : null;
            if (json != null && json.isContainerNode()) {
                return json;
            }
            faults.add("'" + name + "' is not JSON, or too large for it");
        } catch (IOException e) {
            faults.add("'" + name + "' is not JSON: " + String.valueOf(e.getMessage()).lines().findFirst().orElse(""));
        }
        return null;
    }

    private static List<String> texts(JsonNode list) {
        List<String> texts = new ArrayList<>();
        list.forEach(text -> texts.add(text.asText()));
        return texts;
    }
}
