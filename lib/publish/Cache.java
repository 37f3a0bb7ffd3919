package lib.publish;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import lib.base.Console;
import lib.base.Fault;
import lib.base.Parallel;
import lib.base.Progress;
import lib.config.Environment;
import lib.nix.Base32;
import lib.nix.Narinfo;
import lib.nix.Nix;
import lib.nix.PackedNar;
import lib.nix.Provenance;
import lib.nix.PublicKey;
import lib.nix.SigningKey;
import lib.nix.StoreNar;
import lib.proof.Fetcher.Said;
import lib.proof.Sparing;
import lib.s3.Listing;
import lib.s3.ObjectStore;
import software.amazon.awssdk.services.s3.model.S3Object;

/**
 * A Nix binary cache in a bucket. What is asked of the bucket grows with the closure, never with
 * the bucket; what is compressed is only what the bucket lacks, on the way there.
 */
public final class Cache implements Destination {

    private static final String FOREVER = "public, max-age=31536000, immutable";
    /** A narinfo may get another signature: proxies on the way ask again after a day. */
    private static final String A_DAY = "public, max-age=86400";
    private static final String INFO = "nix-cache-info";
    /** Bytes of NARs that are compressed and not yet sent. */
    public static final long WINDOW = 1L << 30;
    private static final long UNIT = 1 << 12;
    private static final String DIGITS = "0123456789abcdfghijklmnpqrsvwxyz";
    private static final Semaphore COMPRESSING = new Semaphore(Runtime.getRuntime().availableProcessors(), true);

    /** What the bucket says of a store path. */
    private enum State {
        PRESENT,
        /** The same NAR as here, and no signature that consumers of this environment trust. */
        UNSIGNED
    }

    private record Known(State state, String text, Narinfo narinfo) {
    }

    private record Look(SortedMap<String, Nix.PathInfo> closure, Map<String, Known> known, List<Nix.PathInfo> missing, List<String> conflicts) {
        private long bytes() {
            return missing.stream().mapToLong(Nix.PathInfo::narSize).sum();
        }

        private long largest() {
            return missing.stream().mapToLong(Nix.PathInfo::narSize).max().orElse(0);
        }
    }

    private final ObjectStore store;
    private final Environment environment;
    private final String bucket;
    private final Nix nix;
    private final Supplier<SortedMap<String, Nix.PathInfo>> closure;
    private final Optional<PublicKey> trusted;
    private final Supplier<SigningKey> key;
    private final Path staging;
    private final boolean replace;
    private final long window;
    private final Semaphore onDisk;
    private final Map<String, Sparing.Seen> seen = new ConcurrentHashMap<>();
    private Instant looked = Instant.MIN;
    private Look look;

    /**
     * @param closure what the cache shall hold: store paths with all they refer to
     * @param trusted the key consumers trust; where it is not known, whatever a narinfo is signed by is believed
     * @param key     asked for when something has to be signed: a plan needs none
     * @param staging a folder of our own for compressed NARs, made when something is put into it
     * @param replace what is not ours under the name of a path is replaced: somebody said so by name
     * @param window  bytes of NARs that may lie there
     */
    public Cache(ObjectStore store, Environment environment, Nix nix, Supplier<SortedMap<String, Nix.PathInfo>> closure, Optional<PublicKey> trusted, Supplier<SigningKey> key,
                 Path staging, boolean replace, long window) {
        this.store = store;
        this.environment = environment;
        this.bucket = environment.cache();
        this.nix = nix;
        this.closure = closure;
        this.trusted = trusted;
        this.key = key;
        this.staging = staging;
        this.replace = replace;
        this.window = window;
        this.onDisk = new Semaphore((int) (window / UNIT), true);
    }

    @Override
    public String name() {
        return "cache";
    }

    @Override
    public Difference compare() throws IOException {
        Look there = look();
        List<Nix.PathInfo> missing = there.missing();
        List<Stage> stages = new ArrayList<>();
        String storeDir = Path.of(there.closure().firstKey()).getParent().toString();
        List<String> conflicts = new ArrayList<>(there.conflicts());
        info(storeDir, conflicts).ifPresent(create -> stages.add(new Stage(INFO, List.of(create))));
        List<Operation> signatures = there.known().entrySet().stream().filter(known -> known.getValue().state() == State.UNSIGNED).map(known ->
                Operation.replace("signatures of " + known.getKey(), 0, known.getValue().narinfo().signers(), trusted.orElseThrow().name(),
                        () -> addSignature(known.getKey(), known.getValue()))).toList();
        if (!signatures.isEmpty()) {
            stages.add(new Stage("signatures", signatures));
        }
        if (!missing.isEmpty()) {
            stages.addAll(sending(there));
        }
        return new Difference(stages, conflicts);
    }

    /**
     * What the bucket lacks, compressed and sent path by path, what is referred to first. A narinfo says: this path and all it
     * refers to can be had. So it goes when its NAR, its listing and the narinfos of its references are there, and waits for nothing else.
     */
    private List<Stage> sending(Look there) {
        List<String> gone = there.missing().stream().map(Nix.PathInfo::path).filter(path -> !Files.exists(Path.of(path), LinkOption.NOFOLLOW_LINKS)).toList();
        if (!gone.isEmpty()) {
            throw Fault.failed("what the cache lacks is no longer in the Nix store", gone, "run build again: it may have been garbage-collected");
        }
        Map<String, Provenance> provenance = nix.provenance(there.missing().stream().map(Nix.PathInfo::path).toList());
        Map<String, PackedNar> packed = new ConcurrentHashMap<>();
        Map<String, Operation> nars = new LinkedHashMap<>(); // paths with the same content have one NAR
        List<Operation> listings = new ArrayList<>();
        Map<String, Operation> narinfos = new LinkedHashMap<>();
        for (Nix.PathInfo path : there.missing()) {
            Operation nar = nars.computeIfAbsent(path.narHash(), hash -> Operation.create("NAR of " + path.path(), path.narSize(), "s3://" + bucket,
                    () -> packed.put(hash, sendNar(path))));
            Operation listing = Operation.create("listing of " + path.path(), 0, "s3://" + bucket,
                    () -> sendListing(path)).after(List.of(nar));
            listings.add(listing);
            List<Operation> needs = new ArrayList<>(List.of(nar, listing));
            path.references().stream().map(narinfos::get).filter(Objects::nonNull).forEach(needs::add);
            Provenance from = provenance.get(Path.of(path.path()).getFileName().toString());
            narinfos.put(path.path(), Operation.create("narinfo of " + path.path(), 0, "s3://" + bucket,
                    () -> sendNarinfo(path, packed.get(path.narHash()), from)).after(needs));
        }
        return List.of(new Stage("NARs", List.copyOf(nars.values())), new Stage("listings", listings, true),
                new Stage("narinfos", List.copyOf(narinfos.values()), true));
    }

    /** Throws Fault (refused) where what is on its way to the bucket may not fit into the staging folder. Asks the bucket what it has. */
    public void requireRoom(Console console) {
        try {
            // Compressed they take less, but how much less only compressing tells.
            long bytes = Math.max(look().largest(), Math.min(look().bytes(), window));
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

    /** By store path, what the comparison found whole, if it began no longer ago: a narinfo, the same as here and signed by whom consumers trust, and its NAR's size. */
    public Map<String, Sparing.Seen> seen(Duration within) {
        return looked.plus(within).isAfter(Instant.now()) ? seen : Map.of();
    }

    // Once for a run: room is asked for before the plan is made.
    private Look look() throws IOException {
        if (look == null) {
            looked = Instant.now();
            SortedMap<String, Nix.PathInfo> closure = this.closure.get();
            Set<String> conflicts = java.util.Collections.synchronizedSet(new TreeSet<>());
            Map<String, Known> known = known(closure.values(), conflicts);
            look = new Look(closure, known, referencesFirst(closure, known.keySet()), List.copyOf(conflicts));
        }
        return look;
    }

    /** Asks for all narinfos at once, and meanwhile for a list of the NARs: of each one alone only where the list came too late, or is too long. */
    private Map<String, Known> known(Collection<Nix.PathInfo> closure, Set<String> conflicts) throws IOException {
        Collection<Nix.PathInfo> asked = closure;
        Listing.Objects nars = store.begin(bucket, "nar/");
        if (nars.found().isEmpty()) { // a new bucket, perhaps
            Listing.Objects all = store.begin(bucket, "");
            asked = all.complete() ? closure.stream().filter(path -> all.found().containsKey(hash(path.path()) + ".narinfo")).toList() : closure;
        }
        Map<String, Known> known = new ConcurrentSkipListMap<>();
        AtomicInteger left = new AtomicInteger(asked.size());
        List<Parallel.Work<Void>> work = new ArrayList<>(List.of(nothing -> {
            while (!nars.complete() && left.get() > 0 && (nars.found().isEmpty()
                    || worthListing(nars.found().lastKey(), nars.found().size(), closure.size()))) {
                store.more(nars);
            }
        }));
        asked.forEach(path -> work.add(nothing -> {
            known(path, conflicts).ifPresent(there -> known.put(path.path(), there));
            left.decrementAndGet();
        }));
        Parallel.forEach(work, store.concurrency(), one -> one.on(null));
        // A narinfo without its NAR was believed by others; we send both again.
        Parallel.forEach(List.copyOf(known.entrySet()), store.concurrency(), path -> {
            Narinfo narinfo = path.getValue().narinfo();
            S3Object listed = nars.found().get(narinfo.url());
            boolean listedAll = nars.complete() && narinfo.url().startsWith("nar/");
            Optional<Said> nar = listed != null ? Optional.of(new Said(listed.size(), Optional.ofNullable(listed.lastModified())))
                    : listedAll ? Optional.empty() : store.head(bucket, narinfo.url()).flatMap(Said::of);
            if (nar.isEmpty() || nar.get().size() != narinfo.fileSize()) {
                known.remove(path.getKey());
            } else if (path.getValue().state() == State.PRESENT) {
                seen.put(path.getKey(), new Sparing.Seen(narinfo, nar.get()));
            }
        });
        return known;
    }

    /**
     * Whether to list the rest of the NARs costs less than to ask for each of some paths, which is so until there are some times as
     * many. Their names are hashes, so where the last of those found lies tells how many there are.
     */
    public static boolean worthListing(String last, int found, int paths) {
        double seen = 0;
        for (int i = 0; i < 4; i++) {
            int at = "nar/".length() + i;
            seen = seen * DIGITS.length() + (at < last.length() ? Math.max(0, DIGITS.indexOf(last.charAt(at))) : 0);
        }
        double all = found / ((seen + 1) / Math.pow(DIGITS.length(), 4));
        return Math.max(found, all) <= 4.0 * paths;
    }

    /** A narinfo of the path that consumers can make use of, or could if it were signed; else the path is sent. */
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
        return Optional.of(new Known(refusals.isEmpty() ? State.PRESENT : State.UNSIGNED, text, narinfo));
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
            String text = "StoreDir: " + storeDir + (environment.wantMassQuery() ? "\nWantMassQuery: 1" : "") + "\nPriority: 40\n";
            return Optional.of(Operation.create("s3://" + bucket + "/" + INFO, text.length(), "StoreDir " + storeDir, () -> send(INFO, text.getBytes(StandardCharsets.UTF_8), FOREVER)));
        }
        String text = new String(there.get(), StandardCharsets.UTF_8);
        if (text.lines().noneMatch(line -> line.strip().equals("StoreDir: " + storeDir))) {
            conflicts.add("s3://" + bucket + "/" + INFO + " is of another store than " + storeDir + ": " + text.lines().findFirst().orElse("empty"));
        }
        return Optional.empty();
    }

    // The signatures that are there stay: others may trust those.
    private void addSignature(String path, Known there) throws IOException {
        String name = hash(path) + ".narinfo";
        String signed = there.text().stripTrailing() + "\nSig: " + key.get().sign(there.narinfo().fingerprint()) + "\n";
        send(name, signed.getBytes(StandardCharsets.UTF_8), A_DAY);
    }

    // As much lies on the disk as the window allows, or one NAR that is larger; and no more are compressed at once than there are cores.
    private PackedNar sendNar(Nix.PathInfo path) throws IOException {
        int room = (int) (Math.min(path.narSize(), window) / UNIT);
        onDisk.acquireUninterruptibly(room);
        Path file = Files.createDirectories(staging).resolve(hash(path.path()) + ".nar.zst");
        try {
            PackedNar nar;
            COMPRESSING.acquireUninterruptibly();
            try {
                nar = PackedNar.pack(path, file);
            } finally {
                COMPRESSING.release();
            }
            store.put(bucket, nar.url(), file, FOREVER);
            return nar;
        } finally {
            Files.deleteIfExists(file);
            onDisk.release(room);
        }
    }

    // As Nix's own stores with ls-compression: whoever fetches it learns from the header what to unpack it with (RFC 8878, 7.2).
    private void sendListing(Nix.PathInfo path) throws IOException {
        byte[] listing = StoreNar.listing(Path.of(path.path()));
        boolean zstd = environment.lsCompression().isPresent();
        store.put(bucket, hash(path.path()) + ".ls", zstd ? PackedNar.compressed(listing) : listing,
                zstd ? Map.of("cache-control", FOREVER, "content-encoding", "zstd") : Map.of("cache-control", FOREVER));
    }

    private void sendNarinfo(Nix.PathInfo path, PackedNar nar, Provenance provenance) throws IOException {
        String fingerprint = Narinfo.parse(nar.narinfo(path, provenance, List.of())).fingerprint();
        String text = nar.narinfo(path, provenance, List.of(key.get().sign(fingerprint)));
        send(hash(path.path()) + ".narinfo", text.getBytes(StandardCharsets.UTF_8), A_DAY);
    }

    private void send(String key, byte[] bytes, String cacheControl) {
        store.put(bucket, key, bytes, Map.of("cache-control", cacheControl));
    }

    /** Those that are not known: first what refers to none of them, then what refers to these only, and so on. */
    private static List<Nix.PathInfo> referencesFirst(SortedMap<String, Nix.PathInfo> closure, Set<String> known) {
        SortedMap<String, Nix.PathInfo> missing = new TreeMap<>(closure);
        missing.keySet().removeAll(known);
        Map<String, Integer> lacks = new HashMap<>();
        Map<String, List<Nix.PathInfo>> referrers = new HashMap<>();
        List<Nix.PathInfo> order = new ArrayList<>();
        for (Nix.PathInfo path : missing.values()) {
            List<String> references = path.references().stream().filter(reference -> !reference.equals(path.path()) && missing.containsKey(reference)).toList();
            references.forEach(reference -> referrers.computeIfAbsent(reference, key -> new ArrayList<>()).add(path));
            lacks.put(path.path(), references.size());
            if (references.isEmpty()) {
                order.add(path);
            }
        }
        for (int i = 0; i < order.size(); i++) {
            for (Nix.PathInfo referrer : referrers.getOrDefault(order.get(i).path(), List.of())) {
                if (lacks.merge(referrer.path(), -1, Integer::sum) == 0) {
                    order.add(referrer);
                }
            }
        }
        if (order.size() < missing.size()) {
            order.forEach(path -> missing.remove(path.path()));
            throw new IllegalStateException("store paths that refer to each other: " + missing.keySet());
        }
        return order;
    }

    private static String hash(String path) {
        return Path.of(path).getFileName().toString().substring(0, 32);
    }
}
