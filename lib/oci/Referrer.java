package lib.oci;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.util.List;
import lib.base.Json;

/**
 * A signed attestation that is attached to an image index: a manifest whose subject is the index, with the empty config
 * and the attestation as its one layer (OCI image spec 1.1, manifest.md, guidelines for artifact usage). The same bytes
 * make the same manifest.
 *
 * <p>The types are those that cosign 3 writes and looks for where an attestation is a DSSE envelope and no Sigstore bundle
 * (which has certificates or a transparency log's entries, and we have neither): the artifact is of the type of the signed
 * statement, by which policy engines look for it, and the layer of that of its envelope. The layer's title is the name
 * that {@code oras pull} gives the file.
 *
 * @param subject  what it is attached to
 * @param config   of no bytes' worth: {@code {}}
 * @param layer    the DSSE envelope
 * @param manifest of these
 */
public record Referrer(ImageIndex.Document subject, ImageIndex.Document config, ImageIndex.Document layer, ImageIndex.Document manifest) {

    private static final String STATEMENT = "application/vnd.in-toto+json";
    private static final String ENVELOPE = "application/vnd.dsse.envelope.v1+json";
    private static final String EMPTY = "application/vnd.oci.empty.v1+json";

    /** {@code name} is that of the envelope's file. */
    public static Referrer attestation(ImageIndex.Document subject, byte[] envelope, String name) {
        ImageIndex.Document config = new ImageIndex.Document(EMPTY, "{}".getBytes(StandardCharsets.UTF_8));
        ImageIndex.Document layer = new ImageIndex.Document(ENVELOPE, envelope);
        String type = ImageIndex.OCI + "manifest.v1+json";
        ObjectNode manifest = Json.MAPPER.createObjectNode().put("schemaVersion", 2).put("mediaType", type).put("artifactType", STATEMENT);
        ImageIndex.descriptor(manifest.putObject("config"), config);
        ImageIndex.descriptor(manifest.putArray("layers").addObject(), layer).putObject("annotations").put("org.opencontainers.image.title", name);
        ImageIndex.descriptor(manifest.putObject("subject"), subject);
        return new Referrer(subject, config, layer, new ImageIndex.Document(type, manifest));
    }

    /** What the manifest lists. */
    public List<ImageIndex.Document> blobs() {
        return List.of(config, layer);
    }

    /** As lists of what refers to the subject have it. */
    ObjectNode descriptor() {
        return ImageIndex.descriptor(Json.MAPPER.createObjectNode(), manifest).put("artifactType", STATEMENT);
    }
}
