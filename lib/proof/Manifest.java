package lib.proof;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import lib.base.Fault;
import lib.nix.Nix;
import lib.nix.ReleaseJobs;
import lib.release.BuiltRelease;

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

    // Hazard: a manifest that is what was built, and yet names the wrong output.
    static void prove(Fetching fetcher, String key, BuiltRelease built, Findings findings) {
        Optional<byte[]> bytes = fetcher.find("releases", key);
        if (bytes.isEmpty()) {
            return; // said already
        }
        String name = fetcher.name("releases", key);
        SortedMap<String, String> named = parse(bytes.get(), name);
        SortedMap<String, String> outputs = new TreeMap<>();
        for (Map.Entry<String, Nix.Job> build : new ReleaseJobs(built.jobs()).builds().entrySet()) {
            outputs.put(build.getKey(), build.getValue().outputs().get("out"));
        }
        Stream.concat(named.keySet().stream(), outputs.keySet().stream()).distinct().sorted().forEach(system -> {
            String should = outputs.getOrDefault(system, "nothing");
            String is = named.getOrDefault(system, "nothing");
            if (should.equals(is)) {
                findings.proved();
            } else {
                findings.failure(name + ": names " + is + " for " + system + ", the output 'out' of its build is " + should);
            }
        });
    }
}
