package lib.nix;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import lib.base.Fault;

/**
 * What a binary cache says of a store path.
 *
 * @param storePath   the path
 * @param url         of the compressed NAR, relative to the cache
 * @param compression {@code zstd}, {@code xz}, {@code none}, ...
 * @param fileHash    of the compressed NAR, {@code sha256:...} in Nix's base 32
 * @param fileSize    of the compressed NAR, in bytes
 * @param narHash     of the NAR, {@code sha256:...} in Nix's base 32
 * @param narSize     in bytes
 * @param references  base names of store paths
 * @param signatures  {@code NAME:BASE64} each
 * @see <a href="https://nix.dev/manual/nix/latest/protocols/binary-cache/narinfo">the format</a>
 */
public record Narinfo(String storePath, String url, String compression, String fileHash, long fileSize, String narHash,
                      long narSize, List<String> references, List<String> signatures) {

    // None of these repeats a group: Java matches such a repetition by recursion, and others wrote the text.
    private static final Pattern BASE_NAME = Pattern.compile("[0-9a-df-np-sv-z]{32}-[0-9a-zA-Z+._?=-]+");
    private static final Pattern STORE_PATH = Pattern.compile("/.*/" + BASE_NAME);
    private static final Pattern URL = Pattern.compile("(?!.*\\.\\.)[0-9a-zA-Z][0-9a-zA-Z+._/-]*");
    private static final Pattern COMPRESSION = Pattern.compile("[a-z0-9]+");
    private static final Pattern HASH = Pattern.compile("sha256:[0-9a-df-np-sv-z]{52}");
    private static final Pattern NUMBER = Pattern.compile("[0-9]{1,18}");

    /** Throws Fault, with all that is wrong, when the text is not what Nix writes. */
    public static Narinfo parse(String text) {
        Map<String, String> fields = new HashMap<>();
        List<String> signatures = new ArrayList<>();
        List<String> faults = new ArrayList<>();
        for (String line : text.lines().toList()) {
            int colon = line.indexOf(':');
            if (colon < 1 || colon + 1 < line.length() && line.charAt(colon + 1) != ' ') {
                faults.add("'" + brief(line) + "' is not KEY: VALUE");
                continue;
            }
            String key = line.substring(0, colon);
            String value = line.substring(colon + 1).strip();
            if (key.equals("Sig")) {
                signatures.add(value);
            } else if (fields.put(key, value) != null) {
                faults.add(key + " occurs twice");
            }
        }
        Narinfo narinfo = new Narinfo(
                field(fields, "StorePath", STORE_PATH, faults),
                // Below the cache, wherever that is: never another host, never a folder above.
                field(fields, "URL", URL, faults),
                field(fields, "Compression", COMPRESSION, faults),
                field(fields, "FileHash", HASH, faults),
                number(fields, "FileSize", faults),
                field(fields, "NarHash", HASH, faults),
                number(fields, "NarSize", faults),
                references(fields, faults),
                List.copyOf(signatures));
        if (!faults.isEmpty()) {
            throw Fault.failed("the cache has a file that is not a narinfo", faults, "find out who wrote it; releng does not replace it");
        }
        return narinfo;
    }

    /** The name of a store path's narinfo in a cache: the hash of the path, and {@code .narinfo}. */
    public static String key(String storePath) {
        return storePath.substring(storePath.lastIndexOf('/') + 1).substring(0, 32) + ".narinfo";
    }

    /** Whether a text is the path of something in a Nix store. */
    public static boolean isStorePath(String text) {
        return STORE_PATH.matcher(text).matches();
    }

    /** Whether a text is a NAR's hash as narinfos have it: {@code sha256:} and base 32. */
    public static boolean isHash(String text) {
        return HASH.matcher(text).matches();
    }

    private static String field(Map<String, String> fields, String key, Pattern pattern, List<String> faults) {
        String value = fields.get(key);
        if (value == null) {
            faults.add(key + " is missing");
        } else if (!pattern.matcher(value).matches()) {
            faults.add(key + " cannot be '" + brief(value) + "'");
        }
        return value == null ? "" : value;
    }

    private static List<String> references(Map<String, String> fields, List<String> faults) {
        if (!fields.containsKey("References")) {
            faults.add("References is missing");
        }
        List<String> names = Arrays.stream(fields.getOrDefault("References", "").split(" ")).filter(name -> !name.isEmpty()).toList();
        names.stream().filter(name -> !BASE_NAME.matcher(name).matches()).limit(5).forEach(name -> faults.add("References cannot have '" + brief(name) + "'"));
        return names;
    }

    private static String brief(String text) {
        return text.length() > 60 ? text.substring(0, 60) + "..." : text;
    }

    private static long number(Map<String, String> fields, String key, List<String> faults) {
        String value = field(fields, key, NUMBER, faults);
        return NUMBER.matcher(value).matches() ? Long.parseLong(value) : 0;
    }

    /** The names of the keys it is signed by, for people. */
    public String signers() {
        return signatures.isEmpty() ? "nobody" : signatures.stream().map(signature -> signature.replaceAll(":.*", "")).distinct().collect(Collectors.joining(", "));
    }

    /** The store that the path is of, such as {@code /nix/store}. */
    public String storeDir() {
        return storePath.substring(0, storePath.lastIndexOf('/'));
    }

    /** What signatures are made of: version 1, path, NAR hash and size, references as full paths, sorted. */
    public String fingerprint() {
        return "1;" + storePath + ";" + narHash + ";" + narSize + ";"
                + references.stream().sorted().distinct().map(name -> storeDir() + "/" + name).collect(Collectors.joining(","));
    }
}
