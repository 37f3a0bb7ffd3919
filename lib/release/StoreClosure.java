package lib.release;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import lib.base.Json;
import lib.nix.Base32;
import lib.nix.Narinfo;
import lib.nix.Nix;

/**
 * The closure of a release in its release.json: a list of store paths, sorted, a line each, where references are
 * places in the list. There are thousands, and names would make ten times as much of it.
 */
public final class StoreClosure {

    private static final int MOST_NAMED = 20;
    private static final Set<String> KEYS = Set.of("path", "narHash", "narSize", "references");

    private StoreClosure() {
    }

    /** As release.json tells of it: hashes as narinfos have them, references sorted. */
    public static SortedMap<String, Nix.PathInfo> of(SortedMap<String, Nix.PathInfo> known) {
        SortedMap<String, Nix.PathInfo> closure = new TreeMap<>();
        known.values().forEach(path -> closure.put(path.path(), new Nix.PathInfo(path.path(), Base32.narinfoHash(path.narHash()), path.narSize(),
                List.copyOf(new TreeSet<>(path.references())))));
        return closure;
    }

    /** Those of a closure that some refer to, and they themselves; of what is not in it nothing. */
    static Set<String> reached(Map<String, Nix.PathInfo> closure, Collection<String> roots) {
        Set<String> reached = new HashSet<>();
        Deque<String> left = new ArrayDeque<>(roots);
        while (!left.isEmpty()) {
            Nix.PathInfo path = closure.get(left.pop());
            if (path != null && reached.add(path.path())) {
                path.references().forEach(left::push);
            }
        }
        return reached;
    }

    /** Throws IllegalArgumentException for a reference that is not in the closure. */
    static String json(SortedMap<String, Nix.PathInfo> closure) {
        Map<String, Integer> places = new HashMap<>();
        closure.keySet().forEach(path -> places.put(path, places.size()));
        List<String> lines = new ArrayList<>();
        for (Nix.PathInfo path : closure.values()) {
            ObjectNode line = Json.MAPPER.createObjectNode().put("path", path.path()).put("narHash", path.narHash()).put("narSize", path.narSize());
            ArrayNode references = line.putArray("references");
            for (String reference : path.references()) {
                if (!places.containsKey(reference)) {
                    throw new IllegalArgumentException(path.path() + " refers to " + reference + ", which is not in the closure");
                }
                references.add(places.get(reference));
            }
            try {
                lines.add("        " + Json.MAPPER.writeValueAsString(line));
            } catch (JsonProcessingException e) {
                throw new IllegalArgumentException(e);
            }
        }
        return "[\n" + String.join(",\n", lines) + "\n    ]";
    }

    /**
     * The closure of some roots, no less and no more; {@code where} is put before each of the faults that are found.
     * Where there are any, what is returned is of no use.
     */
    static SortedMap<String, Nix.PathInfo> parse(List<JsonNode> entries, Collection<String> roots, String where, List<String> faults) {
        List<String> found = new ArrayList<>();
        List<String> paths = paths(entries, found);
        SortedMap<String, Nix.PathInfo> closure = new TreeMap<>();
        for (int i = 0; i < entries.size(); i++) {
            JsonNode entry = entries.get(i);
            String narHash = entry.path("narHash").asText();
            if (!entry.path("narHash").isTextual() || !Narinfo.isHash(narHash)) {
                found.add("[" + i + "].narHash cannot be " + brief(entry.path("narHash")));
            }
            long narSize = entry.path("narSize").asLong();
            if (!entry.path("narSize").isIntegralNumber() || !entry.path("narSize").canConvertToLong() || narSize < 1) {
                found.add("[" + i + "].narSize cannot be " + brief(entry.path("narSize")));
            }
            closure.put(paths.get(i), new Nix.PathInfo(paths.get(i), narHash, narSize, references(i, entry.path("references"), paths, found)));
            int at = i;
            entry.fieldNames().forEachRemaining(key -> {
                if (!KEYS.contains(key)) {
                    found.add("[" + at + "]." + key + " is not known here");
                }
            });
        }
        if (found.isEmpty()) {
            requireClosureOf(roots, closure, found);
        }
        found.stream().limit(MOST_NAMED).forEach(fault -> faults.add(where + fault));
        if (found.size() > MOST_NAMED) {
            faults.add(where + " has " + (found.size() - MOST_NAMED) + " more faults");
        }
        return Collections.unmodifiableSortedMap(closure);
    }

    private static List<String> paths(List<JsonNode> entries, List<String> faults) {
        List<String> paths = new ArrayList<>();
        for (int i = 0; i < entries.size(); i++) {
            JsonNode node = entries.get(i).path("path");
            String path = node.asText();
            if (!node.isTextual() || !Narinfo.isStorePath(path)) {
                faults.add("[" + i + "].path cannot be " + brief(node));
            } else if (i > 0 && path.equals(paths.get(i - 1))) {
                faults.add("[" + i + "].path " + path + " is there twice");
            } else if (i > 0 && path.compareTo(paths.get(i - 1)) < 0) {
                faults.add("[" + i + "].path " + path + " should stand before " + brief(entries.get(i - 1).path("path")));
            } else if (i > 0 && !folder(path).equals(folder(paths.get(i - 1)))) {
                faults.add("[" + i + "].path " + path + " is of another store than " + brief(entries.get(i - 1).path("path")));
            }
            paths.add(path);
        }
        return paths;
    }

    private static List<String> references(int i, JsonNode node, List<String> paths, List<String> faults) {
        if (!node.isArray()) {
            faults.add("[" + i + "].references cannot be " + brief(node));
            return List.of();
        }
        List<String> references = new ArrayList<>();
        int before = -1;
        for (JsonNode place : node) {
            if (!place.isIntegralNumber() || !place.canConvertToInt() || place.intValue() < 0 || place.intValue() >= paths.size()) {
                faults.add("[" + i + "].references cannot have " + brief(place) + ": it is the place of no path here");
            } else if (place.intValue() <= before) {
                faults.add("[" + i + "].references has " + place + " twice, or not in order");
            } else {
                before = place.intValue();
                references.add(paths.get(before));
            }
        }
        return List.copyOf(references);
    }

    private static void requireClosureOf(Collection<String> roots, SortedMap<String, Nix.PathInfo> closure, List<String> faults) {
        roots.stream().filter(root -> !closure.containsKey(root)).forEach(root -> faults.add(" lacks " + root + ", which was built"));
        Set<String> reached = new HashSet<>(roots);
        Deque<String> left = new ArrayDeque<>(roots);
        while (!left.isEmpty()) {
            Nix.PathInfo path = closure.get(left.pop());
            (path == null ? List.<String>of() : path.references()).stream().filter(reached::add).forEach(left::push);
        }
        closure.keySet().stream().filter(path -> !reached.contains(path)).forEach(path -> faults.add(" has " + path + ", which nothing refers to that was built"));
    }

    private static String folder(String path) {
        return path.substring(0, Math.max(0, path.lastIndexOf('/')));
    }

    private static String brief(JsonNode node) {
        String text = node.isMissingNode() ? "left out" : node.toString();
        return text.length() > 100 ? text.substring(0, 100) + "..." : text;
    }
}
