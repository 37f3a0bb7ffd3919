package lib.nix;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Where a store path comes from, as a narinfo says it beside what its signature covers.
 *
 * @param deriver    base name of the derivation, where Nix knows it
 * @param ca         what its name is made of, where that is its content: {@code text:sha256:...}, {@code fixed:r:sha256:...}
 * @param signatures that Nix has of it already, {@code NAME:BASE64} each
 */
public record Provenance(Optional<String> deriver, Optional<String> ca, List<String> signatures) {

    /** What {@code nix path-info --json} printed, in any of its shapes, by the base name of the path. */
    public static SortedMap<String, Provenance> parse(JsonNode printed) {
        SortedMap<String, Provenance> all = new TreeMap<>();
        if (printed.isArray()) { // up to 2.18, and Lix
            printed.forEach(info -> all.put(baseName(info.path("path").asText()), of(info)));
        } else { // from 2.33 in a frame, if that was asked for
            JsonNode infos = printed.path("info").isObject() ? printed.path("info") : printed;
            infos.properties().forEach(info -> all.put(baseName(info.getKey()), of(info.getValue())));
        }
        return all;
    }

    private static Provenance of(JsonNode info) {
        List<String> signatures = new ArrayList<>();
        info.path("signatures").forEach(signature -> signatures.add(signature.isTextual() ? signature.asText()
                : signature.path("keyName").asText() + ":" + signature.path("sig").asText()));
        return new Provenance(text(info.path("deriver")).map(Provenance::baseName).filter(name -> name.endsWith(".drv")), ca(info.path("ca")), signatures);
    }

    private static Optional<String> ca(JsonNode ca) {
        if (!ca.isObject()) {
            return text(ca);
        }
        String method = switch (ca.path("method").asText()) {
            case "text" -> "text:";
            case "flat" -> "fixed:";
            case "nar" -> "fixed:r:";
            default -> "fixed:" + ca.path("method").asText() + ":";
        };
        String[] hash = ca.path("hash").asText().split("-", 2); // as of subresource integrity
        return Optional.of(method + hash[0] + ":" + Base32.encode(Base64.getDecoder().decode(hash[1])));
    }

    private static Optional<String> text(JsonNode node) {
        return Optional.of(node).filter(JsonNode::isTextual).map(JsonNode::asText).filter(text -> !text.isEmpty());
    }

    private static String baseName(String path) {
        return Path.of(path).getFileName().toString();
    }
}
