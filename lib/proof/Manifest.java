package lib.proof;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import lib.base.Fault;

/** {@code manifest.nix}: an attribute set, system to the store path {@code nix upgrade-nix} installs. */
final class Manifest {

    private static final Pattern ENTRY = Pattern.compile("\\s*([a-z0-9_]+-[a-z0-9_]+)\\s*=\\s*\"(/[^\"\\s$\\\\]+)\"\\s*;");

    private Manifest() {
    }

    /** System to store path. Throws Fault naming {@code where} for anything but such a set. */
    static SortedMap<String, String> parse(byte[] bytes, String where) {
        String text = new String(bytes, StandardCharsets.UTF_8).replaceAll("(?m)^\\s*#.*$", "").strip();
        List<String> faults = new ArrayList<>();
        SortedMap<String, String> paths = new TreeMap<>();
        if (!text.startsWith("{") || !text.endsWith("}")) {
            faults.add("it is not an attribute set: it should be { SYSTEM = \"STORE PATH\"; ... }");
        } else {
            text = text.substring(1, text.length() - 1);
            Matcher entry = ENTRY.matcher(text);
            int end = 0;
            while (entry.find() && text.substring(end, entry.start()).isBlank()) {
                end = entry.end();
                if (paths.put(entry.group(1), entry.group(2)) != null) {
                    faults.add(entry.group(1) + " occurs twice");
                }
            }
            if (!text.substring(end).isBlank()) {
                faults.add("'" + text.substring(end).strip().lines().findFirst().orElse("") + "' is not SYSTEM = \"STORE PATH\";");
            }
        }
        if (faults.isEmpty() && paths.isEmpty()) {
            faults.add("it names no store path");
        }
        if (!faults.isEmpty()) {
            throw Fault.failed(where + " is not a manifest", faults, "find out who wrote it");
        }
        return paths;
    }
}
