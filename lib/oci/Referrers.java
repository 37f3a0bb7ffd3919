package lib.oci;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.exc.MismatchedInputException;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import lib.base.Fault;
import lib.base.Json;

/**
 * What refers to a manifest or index of a store: as the store lists it, or, where it keeps no such list, as an index does
 * that those who attach something keep under a tag made of the digest (OCI distribution spec 1.1, referrers tag schema).
 *
 * @param own     whether the list is the store's own
 * @param entries descriptors, as they came
 * @param tagged  the index under the tag, as it came, where there is one
 */
public record Referrers(boolean own, List<JsonNode> entries, Optional<byte[]> tagged) {

    /** The tag that stands for the list of what refers to a digest. */
    public static String tag(String digest) {
        return digest.replace(':', '-');
    }

    /** As the store has it now. Throws Fault (refused) where something else stands under the tag. */
    public static Referrers of(ImageStore store, String digest) throws IOException {
        Optional<List<JsonNode>> own = store.referrers(digest);
        if (own.isPresent()) {
            return new Referrers(true, own.get(), Optional.empty());
        }
        Optional<byte[]> tagged = store.manifest(tag(digest));
        try {
            return new Referrers(false, tagged.isPresent() ? entries(tagged.get()) : List.of(), tagged);
        } catch (JsonProcessingException e) {
            throw Fault.refused(store.name() + ":" + tag(digest) + " is no list of what refers to " + digest, "it is no image index: " + e.getOriginalMessage(),
                    "find out who wrote it, remove that tag, and run again").from(e);
        }
    }

    /** The descriptors in an image index. Throws JsonProcessingException where it is none. */
    static List<JsonNode> entries(byte[] index) throws JsonProcessingException {
        JsonNode json;
        try {
            json = Json.MAPPER.readTree(index);
        } catch (JsonProcessingException e) {
            throw e;
        } catch (IOException e) { // bytes that are no text in the encoding they begin in
            throw MismatchedInputException.from(null, JsonNode.class, String.valueOf(e.getMessage()));
        }
        if (json == null || !json.path("mediaType").asText(ImageIndex.INDEX).equals(ImageIndex.INDEX) || !json.path("manifests").isArray()) {
            throw MismatchedInputException.from(null, JsonNode.class, "it has no list of manifests");
        }
        List<JsonNode> entries = new ArrayList<>();
        json.path("manifests").forEach(entries::add);
        return entries;
    }

    /** Whether a manifest is listed. */
    public boolean names(ImageIndex.Document manifest) {
        return entries.stream().anyMatch(entry -> entry.path("digest").asText().equals(manifest.digest()));
    }

    /** The index for the tag that lists one more: what others have written stays as it is. */
    public ImageIndex.Document with(Referrer referrer) {
        ObjectNode index = tagged.map(bytes -> Json.object(bytes, tag(referrer.subject().digest())))
                .orElseGet(() -> Json.MAPPER.createObjectNode().put("schemaVersion", 2).put("mediaType", ImageIndex.INDEX));
        ArrayNode list = index.putArray("manifests").addAll(entries);
        if (!names(referrer.manifest())) {
            list.add(referrer.descriptor());
        }
        return new ImageIndex.Document(ImageIndex.INDEX, index);
    }
}
