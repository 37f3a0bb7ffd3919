package lib.proof;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.function.Predicate;
import lib.base.Console;
import lib.base.Fault;
import lib.base.Progress;
import lib.nix.Narinfo;
import lib.nix.PublicKey;
import lib.proof.Fetcher.NotThere;

/**
 * Store paths in a binary cache, with all they refer to: narinfos, signatures, NARs.
 *
 * @param key  the one consumers trust; empty where none is known
 * @param deep of which paths the whole NAR is fetched and unpacked, of the others only its size is asked for
 */
record Closure(Fetching fetcher, Optional<PublicKey> key, Predicate<String> deep, Console console) {

    private static final String CACHE = "cache";
    private static final String PATH = "/.+/[0-9a-df-np-sv-z]{32}-[0-9a-zA-Z+._?=-]+";

    void prove(Collection<String> roots, Findings findings) {
        if (roots.isEmpty()) {
            findings.failure("no store path is known that the cache should hold");
            return;
        }
        key.ifPresentOrElse(known -> { }, () -> findings.unproven("signatures in the cache: no public key is known that they could be checked with"));
        proveInfo(roots, findings);
        Map<String, Narinfo> closure = walk(roots, findings);
        List<Narinfo> whole = closure.values().stream().filter(narinfo -> deep.test(narinfo.storePath())).toList();
        Progress progress = new Progress(console, "NARs", whole.size(), whole.stream().mapToLong(Narinfo::fileSize).sum());
        findings.each(closure.values(), narinfo -> {
            if (deep.test(narinfo.storePath())) {
                proveNar(narinfo, findings);
                progress.add(narinfo.fileSize());
            } else {
                proveSize(narinfo, findings);
            }
        });
    }

    // Nix asks for this first, and takes what has none for no cache.
    private void proveInfo(Collection<String> roots, Findings findings) {
        String name = fetcher.name(CACHE, "nix-cache-info");
        String line = "StoreDir: " + roots.iterator().next().replaceAll("/[^/]*$", "");
        Optional<byte[]> info = fetcher.find(CACHE, "nix-cache-info");
        if (info.isEmpty()) {
            findings.failure(name + ": is missing");
        } else if (new String(info.get(), StandardCharsets.UTF_8).lines().noneMatch(text -> text.strip().equals(line))) {
            findings.failure(name + ": does not say " + line);
        } else {
            findings.proved();
        }
    }

    // References are known only once the narinfo is there: wave after wave, each path once.
    private Map<String, Narinfo> walk(Collection<String> roots, Findings findings) {
        Map<String, Narinfo> closure = new ConcurrentSkipListMap<>();
        Set<String> seen = ConcurrentHashMap.newKeySet();
        Map<String, String> wave = new TreeMap<>();
        new TreeSet<>(roots).forEach(root -> wave.put(root, "the release names it"));
        while (!wave.isEmpty()) {
            seen.addAll(wave.keySet());
            Map<String, String> next = new ConcurrentHashMap<>();
            findings.each(List.copyOf(wave.entrySet()), wanted -> narinfo(wanted.getKey(), wanted.getValue(), findings).ifPresent(narinfo -> {
                closure.put(narinfo.storePath(), narinfo);
                narinfo.references().forEach(reference -> next.putIfAbsent(narinfo.storeDir() + "/" + reference, narinfo.storePath() + " refers to it"));
            }));
            wave.clear();
            next.forEach((path, why) -> {
                if (!seen.contains(path)) {
                    wave.put(path, why);
                }
            });
            console.say("narinfos: " + closure.size() + ", " + wave.size() + " more to ask for");
        }
        return closure;
    }

    /** The narinfo, where it is that of the path; what is wrong with it is found. */
    private Optional<Narinfo> narinfo(String path, String why, Findings findings) {
        if (!path.matches(PATH)) {
            findings.failure("'" + path + "' is not a store path, and " + why);
            return Optional.empty();
        }
        String key = path.substring(path.lastIndexOf('/') + 1).substring(0, 32) + ".narinfo";
        String name = fetcher.name(CACHE, key);
        Narinfo narinfo;
        byte[] bytes;
        try {
            bytes = fetcher.small(CACHE, key);
        } catch (NotThere e) {
            findings.failure(name + ": is missing (" + e.getMessage() + "); it should be that of " + path + ", and " + why);
            return Optional.empty();
        }
        try {
            narinfo = Narinfo.parse(new String(bytes, StandardCharsets.UTF_8));
        } catch (Fault fault) {
            findings.failure(name + ": is not a narinfo: " + String.join("; ", fault.why()));
            return Optional.empty();
        }
        if (!narinfo.storePath().equals(path)) {
            findings.failure(name + ": is of " + narinfo.storePath() + ", it should be that of " + path);
            return Optional.empty();
        }
        List<String> refusals = this.key.map(trusted -> trusted.refuse(narinfo)).orElse(List.of());
        if (!refusals.isEmpty() && late(key, bytes)) { // with the signatures it had before ours was added
            if (fetcher.waited(Duration.ZERO)) {
                return narinfo(path, why, findings);
            }
            findings.failure(name + ": " + refusals.get(0) + "; " + Fetching.LATE);
            return Optional.of(narinfo);
        }
        refusals.forEach(refusal -> findings.failure(name + ": " + refusal + "; it is that of " + path));
        if (refusals.isEmpty()) {
            findings.proved();
        }
        return Optional.of(narinfo);
    }

    private boolean late(String key, byte[] shown) {
        return fetcher.behind(CACHE).flatMap(store -> store.find(CACHE, key)).map(there -> !Arrays.equals(there, shown)).orElse(false);
    }

    private void proveNar(Narinfo narinfo, Findings findings) {
        String name = fetcher.name(CACHE, narinfo.url());
        if (!Nar.COMPRESSIONS.contains(narinfo.compression())) {
            findings.failure(name + ": compression " + narinfo.compression() + " cannot be checked, only "
                    + String.join(", ", Nar.COMPRESSIONS.stream().sorted().toList()) + "; it is the NAR of " + narinfo.storePath());
            return;
        }
        try {
            List<String> faults = fetcher.read(CACHE, narinfo.url(), in -> Nar.faults(narinfo, in));
            if (faults.isEmpty()) {
                findings.proved();
            } else {
                findings.failure(name + ": is not the NAR of " + narinfo.storePath() + ": " + String.join("; ", faults));
            }
        } catch (NotThere e) {
            missing(name, narinfo, e, findings);
        }
    }

    private void proveSize(Narinfo narinfo, Findings findings) {
        String name = fetcher.name(CACHE, narinfo.url());
        try {
            long size = fetcher.size(CACHE, narinfo.url());
            if (size == narinfo.fileSize()) {
                findings.proved();
            } else {
                findings.failure(name + ": is not the NAR of " + narinfo.storePath() + ": it has " + size
                        + " bytes, the narinfo's FileSize is " + narinfo.fileSize());
            }
        } catch (NotThere e) {
            missing(name, narinfo, e, findings);
        }
    }

    private static void missing(String name, Narinfo narinfo, NotThere e, Findings findings) {
        findings.failure(name + ": is missing (" + e.getMessage() + "); it is the NAR of " + narinfo.storePath());
    }
}
