package lib.publish;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import lib.Fault;

/**
 * What a binary cache says of a store path.
 *
 * @param storePath  the path
 * @param url        of the compressed NAR, relative to the cache
 * @param fileSize   of the compressed NAR, in bytes
 * @param narHash    of the NAR, {@code sha256:...} in Nix's base 32
 * @param narSize    in bytes
 * @param references base names of store paths
 * @param signatures {@code NAME:BASE64} each
 * @see <a href="https://nix.dev/manual/nix/stable/protocols/nix-archive">the NAR format</a>; the narinfo's
 *      own format is what Nix writes
 */
public record Narinfo(String storePath, String url, long fileSize, String narHash, long narSize,
                      List<String> references, List<String> signatures) {

    /** Throws Fault when the text is no narinfo. */
    public static Narinfo parse(String text) {
        Map<String, String> fields = new HashMap<>();
        List<String> signatures = new ArrayList<>();
        text.lines().filter(line -> line.contains(": ")).forEach(line -> {
            String key = line.substring(0, line.indexOf(": "));
            String value = line.substring(line.indexOf(": ") + 2).strip();
            if (key.equals("Sig")) {
                signatures.add(value);
            }
            fields.put(key, value);
        });
        try {
            String references = fields.getOrDefault("References", "");
            return new Narinfo(fields.get("StorePath"), java.util.Objects.requireNonNull(fields.get("URL")), Long.parseLong(fields.get("FileSize")),
                    fields.get("NarHash"), Long.parseLong(fields.get("NarSize")),
                    references.isBlank() ? List.of() : List.of(references.split(" ")), signatures);
        } catch (NumberFormatException | NullPointerException e) {
            throw Fault.failed("the cache holds something that is no narinfo", text.lines().findFirst().orElse("it is empty"),
                    "find out who wrote it; releng does not replace it").from(e);
        }
    }
}
