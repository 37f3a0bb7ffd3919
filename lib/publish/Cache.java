package lib.publish;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import lib.base.Console;
import lib.base.Fault;
import lib.base.FileTree;
import lib.base.Parallel;
import lib.base.Progress;
import lib.nix.Base32;
import lib.nix.Narinfo;
import lib.nix.Nix;
import lib.nix.PublicKey;
import lib.nix.SigningKey;
import lib.s3.ObjectStore;

/**
 * A Nix binary cache in a bucket. What is asked of the bucket grows with the closure, never with
 * the bucket; what is compressed is only what the bucket lacks.
 */
public final class Cache implements Destination {

    private static final String FOREVER = "public, max-age=31536000, immutable";
    /** A narinfo may get another signature: proxies on the way ask again after a day. */
    private static final String A_DAY = "public, max-age=86400";
    private static final String INFO = "nix-cache-info";

    /** What the bucket says of a store path. */
    private enum State {
        PRESENT,
        /** The same NAR as here, and no signature that consumers of this environment trust. */
        UNSIGNED
    }

    private record Known(State state, String narinfo, String signers) {
    }

    private record Look(SortedMap<String, Nix.PathInfo> closure, Map<String, Known> known, SortedMap<String, Nix.PathInfo> missing, List<String> conflicts) {
        private long bytes() {
            return missing.values().stream().mapToLong(Nix.PathInfo::narSize).sum();
        }
    }

    private final ObjectStore store;
    private final String bucket;
    private final Nix nix;
    private final Collection<String> roots;
    private final Optional<PublicKey> trusted;
    private final Supplier<SigningKey> key;
    private final Path staging;
    private final boolean replace;
    private Look look;

    /**
     * @param roots   store paths whose whole closure the cache shall hold
     * @param trusted the key consumers trust; where it is not known, whatever a narinfo is signed by is believed
     * @param key     asked for when something has to be signed: a plan needs none
     * @param staging a folder of our own for compressed NARs, made when something is put into it
     * @param replace what is not ours under the name of a path is replaced: somebody said so by name
     */
    public Cache(ObjectStore store, String bucket, Nix nix, Collection<String> roots, Optional<PublicKey> trusted, Supplier<SigningKey> key,
                 Path staging, boolean replace) {
        this.store = store;
        this.bucket = bucket;
        this.nix = nix;
        this.roots = roots;
        this.trusted = trusted;
        this.key = key;
        this.staging = staging;
        this.replace = replace;
    }

    @Override
    public String name() {
        return "cache";
    }

    @Override
    public Difference compare() throws IOException {
        Look there = look();
        Collection<String> missing = there.missing().keySet();
        List<Stage> stages = new ArrayList<>();
        String storeDir = Path.of(there.closure().firstKey()).getParent().toString();
        List<String> conflicts = new ArrayList<>(there.conflicts());
        info(storeDir, conflicts).ifPresent(create -> stages.add(new Stage(INFO, List.of(create))));
        List<Operation> signatures = there.known().entrySet().stream().filter(known -> known.getValue().state() == State.UNSIGNED).map(known ->
                Operation.replace("signatures of " + known.getKey(), 0, known.getValue().signers(), trusted.orElseThrow().name(),
                        () -> addSignature(known.getKey(), known.getValue().narinfo()))).toList();
        if (!signatures.isEmpty()) {
            stages.add(new Stage("signatures", signatures));
        }
        if (!missing.isEmpty()) {
            stages.add(new Stage("compress and sign", List.of(Operation.stage(missing.size() + " store paths", there.bytes(), () -> stage(there)))));
            // Paths with the same content have one NAR.
            Map<String, List<Nix.PathInfo>> byNar = there.missing().values().stream().collect(Collectors.groupingBy(Nix.PathInfo::narHash, TreeMap::new, Collectors.toList()));
            stages.add(new Stage("NARs", byNar.values().stream().map(same -> Operation.create("NAR of " + same.get(0).path(), same.get(0).narSize(), "s3://" + bucket,
                    () -> sendNar(same))).toList()));
            stages.add(new Stage("listings", missing.stream().map(path ->
                    Operation.create("listing of " + path, 0, "s3://" + bucket, () -> send(hash(path) + ".ls", FOREVER))).toList()));
            // A narinfo says: this path and all it refers to can be had. So what it refers to goes first.
            for (List<String> level : levels(there.missing())) {
                stages.add(new Stage("narinfos", level.stream().map(path ->
                        Operation.create("narinfo of " + path, 0, "s3://" + bucket, () -> send(hash(path) + ".narinfo", A_DAY))).toList()));
            }
        }
        return new Difference(stages, conflicts);
    }

    /** Throws Fault (refused) where what the bucket lacks may not fit into the staging folder. Asks the bucket what it has. */
    public void requireRoom(Console console) {
        try {
            long bytes = look().bytes(); // compressed they take less, but how much less only compressing tells
            Path there = staging;
            while (!Files.exists(there)) {
                there = there.getParent();
            }
            long room = there.toFile().getUsableSpace();
            // 0 is also what is said of a place that does not tell; a place that is full will say so.
            if (room == 0) {
                console.warn("the free space in " + there + " could not be determined; staging needs up to " + Progress.size(bytes));
            } else if (room < bytes) {
                throw Fault.refused("there is not enough space to stage the cache", staging + " needs up to " + Progress.size(bytes) + ", there are " + Progress.size(room),
                        "free up space there and run again; nothing was published");
            }
        } catch (IOException e) {
            throw Fault.failed("the cache could not be compared with what was built", e.toString(), "run again").from(e);
        }
    }

    // Once for a run: room is asked for before the plan is made.
    private Look look() throws IOException {
        if (look == null) {
            SortedMap<String, Nix.PathInfo> closure = nix.closure(roots);
            Map<String, Known> known = new ConcurrentSkipListMap<>();
            Set<String> conflicts = java.util.Collections.synchronizedSet(new TreeSet<>());
            Parallel.forEach(closure.values(), store.concurrency(), path -> known(path, conflicts).ifPresent(there -> known.put(path.path(), there)));
            SortedMap<String, Nix.PathInfo> missing = new TreeMap<>(closure);
            missing.keySet().removeAll(known.keySet());
            look = new Look(closure, known, missing, List.copyOf(conflicts));
        }
        return look;
    }

    /** A narinfo of the path that consumers can make use of, or could if it were signed, with the NAR it names; else the path is sent. */
    private Optional<Known> known(Nix.PathInfo path, Set<String> conflicts) {
        String name = hash(path.path()) + ".narinfo";
        Optional<byte[]> bytes = store.get(bucket, name);
        if (bytes.isEmpty()) {
            return Optional.empty();
        }
        String text = new String(bytes.get(), StandardCharsets.UTF_8);
        Narinfo narinfo;
        try {
            narinfo = Narinfo.parse(text);
        } catch (Fault fault) {
            return notOurs(name, "is not a narinfo: " + String.join("; ", fault.why()), conflicts);
        }
        if (!narinfo.storePath().equals(path.path())) {
            return notOurs(name, "is of " + narinfo.storePath() + ", it should be that of " + path.path(), conflicts);
        }
        List<String> refusals = trusted.map(consumers -> consumers.refuse(narinfo)).orElse(List.of());
        // A signature makes it no part of what was built: the proof would find that when all else is sent.
        if (!sameNar(narinfo, path)) {
            return notOurs(name, "is of another NAR of " + path.path() + (refusals.isEmpty() ? ", signed by " + narinfo.signers() + ", which a build elsewhere gave" : " and "
                    + refusals.get(0)) + ": NarHash " + narinfo.narHash() + ", here it is " + Base32.narinfoHash(path.narHash())
                    + (refusals.isEmpty() ? "; to release with that one, delete the one here, and build again with that cache among Nix's substituters" : ""), conflicts);
        }
        // A narinfo without its NAR was believed by others; we send both again.
        if (!store.size(bucket, narinfo.url()).equals(Optional.of(narinfo.fileSize()))) {
            return Optional.empty();
        }
        return Optional.of(new Known(refusals.isEmpty() ? State.PRESENT : State.UNSIGNED, text, narinfo.signers()));
    }

    private static boolean sameNar(Narinfo narinfo, Nix.PathInfo path) {
        return narinfo.narHash().equals(Base32.narinfoHash(path.narHash())) && narinfo.narSize() == path.narSize()
                && new TreeSet<>(narinfo.references()).equals(new TreeSet<>(path.references().stream().map(reference -> Path.of(reference).getFileName().toString()).toList()));
    }

    // Nothing here vouches for it, so our signature must not; replaced only by who says so.
    private Optional<Known> notOurs(String name, String what, Set<String> conflicts) {
        if (!replace) {
            conflicts.add("s3://" + bucket + "/" + name + " " + what);
        }
        return Optional.empty();
    }

    private Optional<Operation> info(String storeDir, List<String> conflicts) {
        Optional<byte[]> there = store.get(bucket, INFO);
        if (there.isEmpty()) {
            String text = "StoreDir: " + storeDir + "\nWantMassQuery: 1\nPriority: 40\n";
            return Optional.of(Operation.create("s3://" + bucket + "/" + INFO, text.length(), "StoreDir " + storeDir, () -> {
                FileTree.writeWhole(staging.resolve(INFO), text.getBytes(StandardCharsets.UTF_8));
                send(INFO, FOREVER);
            }));
        }
        String text = new String(there.get(), StandardCharsets.UTF_8);
        if (text.lines().noneMatch(line -> line.strip().equals("StoreDir: " + storeDir))) {
            conflicts.add("s3://" + bucket + "/" + INFO + " is of another store than " + storeDir + ": " + text.lines().findFirst().orElse("empty"));
        }
        return Optional.empty();
    }

    // The signatures that are there stay: others may trust those.
    private void addSignature(String path, String narinfo) throws IOException {
        String name = hash(path) + ".narinfo";
        String signed = narinfo.stripTrailing() + "\nSig: " + key.get().sign(Narinfo.parse(narinfo).fingerprint()) + "\n";
        FileTree.writeWhole(staging.resolve("signed").resolve(name), signed.getBytes(StandardCharsets.UTF_8));
        store.put(bucket, name, staging.resolve("signed").resolve(name), A_DAY);
    }

    // Where the folder has a narinfo, nix copy believes the path to be there and compresses nothing.
    private void stage(Look there) throws IOException {
        for (Map.Entry<String, Known> known : there.known().entrySet()) {
            Files.createDirectories(staging);
            Files.writeString(staging.resolve(hash(known.getKey()) + ".narinfo"), known.getValue().narinfo());
        }
        try (SigningKey signing = key.get()) { // in a file only as long as Nix needs one
            nix.copyToCache(roots, staging, signing.file());
        }
        List<String> gone = there.missing().keySet().stream().filter(path -> !Files.exists(staging.resolve(hash(path) + ".narinfo"))).toList();
        if (!gone.isEmpty()) {
            throw Fault.failed("nix copy left out store paths", gone, "run upload again; nothing of the cache was sent");
        }
    }

    private void sendNar(List<Nix.PathInfo> same) throws IOException {
        Set<String> urls = new TreeSet<>(); // one, but that is for the compressor to say
        for (Nix.PathInfo path : same) {
            urls.add(Narinfo.parse(Files.readString(staging.resolve(hash(path.path()) + ".narinfo"))).url());
        }
        for (String url : urls) {
            send(url, FOREVER);
        }
    }

    private void send(String key, String cacheControl) throws IOException {
        store.put(bucket, key, staging.resolve(key), cacheControl);
    }

    /** Paths without references among the missing, then those that refer to these only, and so on. */
    static List<List<String>> levels(SortedMap<String, Nix.PathInfo> missing) {
        List<List<String>> levels = new ArrayList<>();
        Set<String> left = new HashSet<>(missing.keySet());
        while (!left.isEmpty()) {
            List<String> level = missing.values().stream().filter(path -> left.contains(path.path())
                    && path.references().stream().noneMatch(reference -> !reference.equals(path.path()) && left.contains(reference)))
                    .map(Nix.PathInfo::path).toList();
            if (level.isEmpty()) {
                throw new IllegalStateException("store paths that refer to each other: " + left);
            }
            levels.add(level);
            left.removeAll(level);
        }
        return levels;
    }

    private static String hash(String path) {
        return Path.of(path).getFileName().toString().substring(0, 32);
    }
}
