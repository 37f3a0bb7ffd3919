package lib.image;

import com.fasterxml.jackson.databind.JsonNode;
import com.github.luben.zstd.ZstdInputStream;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import lib.Fault;
import lib.FileTree;
import lib.Json;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.apache.commons.compress.compressors.gzip.GzipCompressorInputStream;

/**
 * A container image as {@code docker save}, skopeo and nix2container write it: a tar, perhaps gzipped or zstd
 * compressed, with manifest.json, the image's config (OCI image spec, config.md) and its layers, in any order. Read
 * once from front to end; no layer is ever held in memory, and nothing is written.
 */
public final class DockerArchive {

    /**
     * A layer.
     *
     * @param entry  of the archive, that has its bytes
     * @param diffId {@code sha256:} and the digest of the plain tar in hex, as the config has it
     * @param size   bytes of the plain tar
     * @param stored bytes in the archive: fewer, where it is compressed there
     */
    public record Layer(String entry, String diffId, long size, long stored) {
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
    }

    private static final String MANIFEST = "manifest.json";
    private static final int LARGEST_DOCUMENT = 4 << 20;
    private static final int ALL_DOCUMENTS = 32 << 20;

    private record Stored(String sha256, String plainSha256, long size, long plainSize) {
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
        try (InputStream file = new BufferedInputStream(Files.newInputStream(archive), 1 << 16);
                TarArchiveInputStream tar = new TarArchiveInputStream(new TarGuard(plain(file)))) {
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

    private Fault broken(List<String> why) {
        return Fault.failed(archive + " is not a whole image", why, "look at what makes it, and run jbang build.java again");
    }

    /** The bytes under a compression that is known by its first bytes: gzip (RFC 1952), zstd (RFC 8878), or none. */
    private static InputStream plain(InputStream in) throws IOException {
        in.mark(4);
        byte[] magic = in.readNBytes(4);
        in.reset();
        if (magic.length >= 2 && magic[0] == 0x1f && magic[1] == (byte) 0x8b) {
            return GzipCompressorInputStream.builder().setInputStream(in).setDecompressConcatenated(true).get();
        }
        if (magic.length == 4 && magic[0] == 0x28 && magic[1] == (byte) 0xb5 && magic[2] == 0x2f && magic[3] == (byte) 0xfd) {
            return new ZstdInputStream(in);
        }
        return in;
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
        MessageDigest raw = FileTree.digest("SHA-256");
        Counted counted = new Counted(new DigestInputStream(tar, raw));
        BufferedInputStream in = new BufferedInputStream(counted, 1 << 16);
        MessageDigest digest = FileTree.digest("SHA-256");
        ByteArrayOutputStream document = new ByteArrayOutputStream();
        long size = 0;
        InputStream plain = plain(in);
        byte[] buffer = new byte[1 << 16];
        for (int read = plain.read(buffer); read >= 0; read = plain.read(buffer)) {
            digest.update(buffer, 0, read);
            size += read;
            if (size <= LARGEST_DOCUMENT && (document.size() > 0 || size == read && (buffer[0] == '{' || buffer[0] == '['))) {
                document.write(buffer, 0, read);
            }
        }
        in.transferTo(OutputStream.nullOutputStream()); // what stands behind a compressed end belongs to the file, too
        if (document.size() == size && size > 0 || name.equals(MANIFEST)) {
            documentBytes += document.size();
            if (documentBytes > ALL_DOCUMENTS) {
                throw new IOException("there are more than " + ALL_DOCUMENTS + " bytes of JSON");
            }
            documents.put(name, document.toByteArray());
        }
        return new Stored(hex(raw), hex(digest), counted.count, size);
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
        String id = hex(FileTree.digest("SHA-256"), bytes);
        String promised = configName.replaceAll(".*/", "").replaceAll("\\.json$", "");
        if (promised.matches("[0-9a-f]{64}") && !promised.equals(id)) {
            faults.add("the config '" + configName + "' has sha256 " + id + ", and not the one in its name");
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
        return new Image(bytes, "sha256:" + id, platform, labels, layers, tags);
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
                if (!diffId.equals("sha256:" + stored.plainSha256())) {
                    faults.add("the layer '" + name + "' has sha256 " + stored.plainSha256() + ", the config says " + diffId);
                }
                layers.add(new Layer(entry, diffId, stored.plainSize(), stored.size()));
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

    private static String hex(MessageDigest digest) {
        return HexFormat.of().formatHex(digest.digest());
    }

    private static String hex(MessageDigest digest, byte[] bytes) {
        digest.update(bytes);
        return hex(digest);
    }

    private static final class Counted extends java.io.FilterInputStream {
        private long count;

        Counted(InputStream in) {
            super(in);
        }

        @Override
        public int read() throws IOException {
            int read = in.read();
            count += read < 0 ? 0 : 1;
            return read;
        }

        @Override
        public int read(byte[] into, int offset, int length) throws IOException {
            int read = in.read(into, offset, length);
            count += Math.max(0, read);
            return read;
        }
    }
}
