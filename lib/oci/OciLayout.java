package lib.oci;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.Optional;
import java.util.function.LongConsumer;
import lib.base.FileTree;
import lib.base.Json;
import lib.base.Measured;
import lib.http.Body;

/** A folder that keeps images (OCI image spec 1.1, image-layout.md): what skopeo calls {@code oci:FOLDER:TAG}. */
public record OciLayout(Path folder) implements ImageStore {

    private static final String INDEX = "index.json";
    private static final String TAG = "org.opencontainers.image.ref.name";

    @Override
    public String name() {
        return "oci:" + folder;
    }

    @Override
    public Optional<String> tag(String tag) throws IOException {
        for (JsonNode entry : index().path("manifests")) {
            if (entry.path("annotations").path(TAG).asText().equals(tag)) {
                return Optional.of(entry.path("digest").asText());
            }
        }
        return Optional.empty();
    }

    @Override
    public Optional<Long> size(String digest) throws IOException {
        return Files.exists(path(digest)) ? Optional.of(Files.size(path(digest))) : Optional.empty();
    }

    @Override
    public Optional<Blob> read(String digest, long longest, LongConsumer came) throws IOException {
        if (!Files.exists(path(digest))) {
            return Optional.empty();
        }
        try (InputStream bytes = Files.newInputStream(path(digest))) {
            return Optional.of(Blob.of(bytes, longest, came));
        }
    }

    @Override
    public boolean near() {
        return true;
    }

    @Override
    public Optional<byte[]> manifest(String reference) throws IOException {
        Optional<String> digest = reference.startsWith("sha256:") ? Optional.of(reference) : tag(reference);
        return digest.isPresent() && Files.exists(path(digest.get())) ? Optional.of(Files.readAllBytes(path(digest.get()))) : Optional.empty();
    }

    @Override
    public void blob(String digest, long size, Body.Content content) throws IOException {
        Files.createDirectories(path(digest).getParent());
        // Always the same name: what a run that was killed has left is written over by the next.
        Path partial = path(digest).resolveSibling("." + path(digest).getFileName() + ".partial");
        try {
            Measured blob = new Measured(new BufferedOutputStream(Files.newOutputStream(partial), 1 << 16));
            try (blob) {
                content.writeTo(blob);
            }
            String is = blob.digest();
            if (!is.equals(digest)) {
                throw new IOException("a blob is now " + is + ", it was " + digest + ": build again");
            }
            Files.move(partial, path(digest), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(partial);
        }
    }

    @Override
    public synchronized void manifest(ImageIndex.Document document) throws IOException {
        if (manifest(document.digest()).filter(there -> Arrays.equals(there, document.bytes())).isPresent()) {
            return;
        }
        blob(document.digest(), document.bytes().length, out -> out.write(document.bytes()));
    }

    @Override
    public synchronized void tag(String tag, ImageIndex.Document document) throws IOException {
        manifest(document);
        FileTree.writeWhole(folder.resolve("oci-layout"), "{\"imageLayoutVersion\": \"1.0.0\"}\n".getBytes(StandardCharsets.UTF_8));
        ObjectNode index = index();
        ArrayNode entries = Json.MAPPER.createArrayNode();
        for (JsonNode entry : index.path("manifests")) {
            if (!entry.path("annotations").path(TAG).asText().equals(tag)) {
                entries.add(entry);
            }
        }
        entries.addObject().put("mediaType", document.mediaType()).put("digest", document.digest()).put("size", document.bytes().length)
                .putObject("annotations").put(TAG, tag);
        index.set("manifests", entries);
        FileTree.writeWhole(folder.resolve(INDEX), Json.pretty(index).getBytes(StandardCharsets.UTF_8));
    }

    private ObjectNode index() throws IOException {
        Path file = folder.resolve(INDEX);
        return Files.exists(file) ? Json.object(Files.readAllBytes(file), file.toString())
                : Json.MAPPER.createObjectNode().put("schemaVersion", 2).put("mediaType", "application/vnd.oci.image.index.v1+json");
    }

    private Path path(String digest) throws IOException {
        if (!digest.matches("sha256:[0-9a-f]{64}")) {
            throw new IOException(folder.resolve(INDEX) + " names '" + digest + "', which is not a digest"); // everything else here comes from release.json
        }
        return folder.resolve("blobs").resolve(digest.replace(':', '/'));
    }
}
