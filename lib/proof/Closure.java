package lib.proof;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import lib.base.Console;
import lib.base.Fault;
import lib.base.Progress;
import lib.nix.Narinfo;
import lib.nix.Nix;
import lib.nix.PublicKey;
import lib.proof.Fetcher.NotThere;

/** Store paths in a binary cache, with all they refer to: narinfos, signatures, NARs. */
final class Closure {

    private static final String CACHE = "cache";
    /** Bytes. Up to here a NAR is taken in one piece, so that there may be a hundred of them under way. */
    private static final int PIECE = 1 << 18;
    private static final int STREAMS = 16;
    private static final int FEW = 5;

    private final Fetching fetcher;
    private final Optional<PublicKey> key;
    private final Predicate<String> deep;
    private final Earlier earlier;
    private final Map<String, Sparing.Seen> seen;
    private final Console console;
    // What unpacks has memory of its own, up to what the packer wished for.
    private final Semaphore unpacking = new Semaphore(Runtime.getRuntime().availableProcessors() * 2);
    private final Semaphore streams = new Semaphore(STREAMS);
    private final AtomicInteger before = new AtomicInteger();

    /**
     * @param key     the one consumers trust; empty where none is known
     * @param deep    of which paths the whole NAR is fetched and unpacked, of the others only its size is asked for
     * @param earlier what was proved before: of that, too
     * @param seen    of that, what this run has just seen: not asked for again
     */
    Closure(Fetching fetcher, Optional<PublicKey> key, Predicate<String> deep, Earlier earlier, Map<String, Sparing.Seen> seen, Console console) {
        this.fetcher = fetcher;
        this.key = key;
        this.deep = deep;
        this.earlier = earlier;
        this.seen = seen;
        this.console = console;
    }

    /** {@code known} is the closure of the roots, as it was built; empty where nobody wrote it down. */
    void prove(Collection<String> roots, SortedMap<String, Nix.PathInfo> known, Findings findings) {
        if (roots.isEmpty()) {
            findings.failure("no store path is known that the cache should hold");
            return;
        }
        key.ifPresentOrElse(trusted -> { }, () -> findings.unproven("signatures in the cache: no public key is known that they could be checked with"));
        proveInfo(roots, findings);
        if (known.isEmpty()) {
            Map<String, Narinfo> closure = walk(roots, findings);
            Progress progress = new Progress(console, "NARs", closure.size(), closure.values().stream().mapToLong(Narinfo::narSize).sum());
            findings.each(closure.values(), narinfo -> {
                proveNar(narinfo, findings);
                progress.add(narinfo.narSize());
            });
        } else {
            proveKnown(roots, known, findings);
        }
        if (before.get() > 0) {
            console.say(before + " store paths belong to " + earlier.spoken() + ", which manifest.nix names: proved by narinfo, signature and size");
        }
    }

    // Nothing waits for anything: what there should be is known before the first answer.
    private void proveKnown(Collection<String> roots, SortedMap<String, Nix.PathInfo> known, Findings findings) {
        Map<String, String> why = new HashMap<>();
        known.values().forEach(path -> path.references().stream().filter(reference -> !reference.equals(path.path()))
                .forEach(reference -> why.putIfAbsent(reference, path.path() + " refers to it")));
        roots.forEach(root -> why.put(root, "the release names it"));
        Progress progress = new Progress(console, "store paths", known.size(), known.values().stream().mapToLong(Nix.PathInfo::narSize).sum());
        findings.each(known.values(), path -> {
            if (isSeen(path)) {
                findings.proved();
                findings.proved();
                before.incrementAndGet();
            } else {
                narinfo(path.path(), why.get(path.path()), Optional.of(path), findings).ifPresent(narinfo -> proveNar(narinfo, findings));
            }
            progress.add(path.narSize());
        });
    }

    private boolean isSeen(Nix.PathInfo path) {
        Sparing.Seen there = seen.get(path.path());
        return there != null && earlier.holds(there.narinfo()) && earlier.covers(there.nar()) && differences(there.narinfo(), path).isEmpty();
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
            findings.each(List.copyOf(wave.entrySet()), wanted -> narinfo(wanted.getKey(), wanted.getValue(), Optional.empty(), findings).ifPresent(narinfo -> {
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
    private Optional<Narinfo> narinfo(String path, String why, Optional<Nix.PathInfo> built, Findings findings) {
        if (!Narinfo.isStorePath(path)) {
            findings.failure("'" + path + "' is not a store path, and " + why);
            return Optional.empty();
        }
        String key = Narinfo.key(path);
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
        List<String> faults = new ArrayList<>(this.key.map(trusted -> trusted.refuse(narinfo)).orElse(List.of()));
        built.ifPresent(known -> faults.addAll(differences(narinfo, known)));
        if (!faults.isEmpty() && late(key, bytes)) { // such as with the signatures it had before ours was added
            if (fetcher.waited(Duration.ZERO)) {
                return narinfo(path, why, built, findings);
            }
            findings.failure(name + ": " + faults.get(0) + "; " + Fetching.LATE);
            return Optional.of(narinfo);
        }
        faults.forEach(fault -> findings.failure(name + ": " + fault + "; it is that of " + path));
        if (faults.isEmpty()) {
            findings.proved();
        }
        return Optional.of(narinfo);
    }

    // A signature says who made it, not that it is what was built for this release.
    private static List<String> differences(Narinfo narinfo, Nix.PathInfo built) {
        List<String> differences = new ArrayList<>();
        if (!narinfo.narHash().equals(built.narHash())) {
            differences.add("its NarHash is " + narinfo.narHash() + ", built was " + built.narHash());
        }
        if (narinfo.narSize() != built.narSize()) {
            differences.add("its NarSize is " + narinfo.narSize() + ", built were " + built.narSize());
        }
        Set<String> is = new TreeSet<>(narinfo.references().stream().map(name -> narinfo.storeDir() + "/" + name).toList());
        Set<String> more = new TreeSet<>(is);
        built.references().forEach(more::remove);
        Set<String> less = new TreeSet<>(built.references());
        less.removeAll(is);
        if (!less.isEmpty()) {
            differences.add("its References lack " + brief(less));
        }
        if (!more.isEmpty()) {
            differences.add("its References have " + brief(more) + ", as nothing that was built");
        }
        return differences;
    }

    private static String brief(Set<String> paths) {
        return String.join(", ", paths.stream().limit(FEW).toList()) + (paths.size() > FEW ? " and " + (paths.size() - FEW) + " more" : "");
    }

    private boolean late(String key, byte[] shown) {
        return fetcher.behind(CACHE).flatMap(store -> store.find(CACHE, key)).map(there -> !Arrays.equals(there, shown)).orElse(false);
    }

    private void proveNar(Narinfo narinfo, Findings findings) {
        String name = fetcher.name(CACHE, narinfo.url());
        try {
            boolean known = earlier.holds(narinfo);
            if (known || !deep.test(narinfo.storePath())) {
                Fetcher.Said said = fetcher.said(CACHE, narinfo.url());
                if (said.size() != narinfo.fileSize()) {
                    findings.failure(name + ": is not the NAR of " + narinfo.storePath() + ": it has " + said.size()
                            + " bytes, the narinfo's FileSize is " + narinfo.fileSize());
                    return;
                }
                if (!known || earlier.covers(said)) {
                    findings.proved();
                    before.addAndGet(known ? 1 : 0);
                    return;
                }
            }
            proveBytes(name, narinfo, findings);
        } catch (NotThere e) {
            findings.failure(name + ": is missing (" + e.getMessage() + "); it is the NAR of " + narinfo.storePath());
        }
    }

    private void proveBytes(String name, Narinfo narinfo, Findings findings) throws NotThere {
        if (!Nar.COMPRESSIONS.contains(narinfo.compression())) {
            findings.failure(name + ": compression " + narinfo.compression() + " cannot be checked, only "
                    + String.join(", ", Nar.COMPRESSIONS.stream().sorted().toList()) + "; it is the NAR of " + narinfo.storePath());
            return;
        }
        List<String> faults = narinfo.fileSize() > PIECE ? streamed(narinfo) : unpacked(narinfo, fetcher.first((int) narinfo.fileSize() + 1, CACHE, narinfo.url()));
        if (faults.isEmpty()) {
            findings.proved();
        } else {
            findings.failure(name + ": is not the NAR of " + narinfo.storePath() + ": " + String.join("; ", faults));
        }
    }

    private List<String> streamed(Narinfo narinfo) throws NotThere {
        streams.acquireUninterruptibly();
        try {
            return fetcher.read(CACHE, narinfo.url(), in -> Nar.faults(narinfo, in));
        } finally {
            streams.release();
        }
    }

    private List<String> unpacked(Narinfo narinfo, byte[] bytes) {
        unpacking.acquireUninterruptibly();
        try {
            return Nar.faults(narinfo, new ByteArrayInputStream(bytes));
        } catch (IOException e) {
            throw new IllegalStateException(e); // they are in memory
        } finally {
            unpacking.release();
        }
    }
}
