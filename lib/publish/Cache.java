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
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.function.Supplier;
import lib.Fault;
import lib.FileTree;
import lib.Nix;
import lib.ObjectStore;
import lib.Progress;
import lib.SigningKey;

/**
 * A Nix binary cache in a bucket. What is asked of the bucket grows with the closure, never with
 * the bucket; what is compressed is only what the bucket lacks.
 *
 * @param roots   store paths whose whole closure the cache shall hold
 * @param key     asked for when something has to be signed: a plan needs none
 * @param staging an empty folder of our own for compressed NARs
 */
public record Cache(ObjectStore store, String bucket, Nix nix, Collection<String> roots, Supplier<SigningKey> key,
                    Path staging) implements Destination {

    private static final String FOREVER = "public, max-age=31536000, immutable";
    private static final String INFO = "nix-cache-info";

    @Override
    public String name() {
        return "cache";
    }

    @Override
    public Difference compare() throws IOException {
        SortedMap<String, Nix.PathInfo> closure = nix.closure(roots);
        Map<String, byte[]> present = present(closure.keySet());
        SortedMap<String, Nix.PathInfo> missing = new TreeMap<>(closure);
        missing.keySet().removeAll(present.keySet());
        List<Stage> stages = new ArrayList<>();
        String storeDir = Path.of(closure.firstKey()).getParent().toString();
        List<String> conflicts = new ArrayList<>();
        info(storeDir, conflicts).ifPresent(create -> stages.add(new Stage(INFO, List.of(create))));
        if (!missing.isEmpty()) {
            requireRoom(missing.values().stream().mapToLong(Nix.PathInfo::narSize).sum());
            stages.add(new Stage("compress and sign", List.of(Operation.stage(missing.size() + " store paths",
                    missing.values().stream().mapToLong(Nix.PathInfo::narSize).sum(), () -> stage(missing.keySet(), present)))));
            stages.add(new Stage("NARs", missing.values().stream().map(path ->
                    Operation.create("NAR of " + path.path(), path.narSize(), "s3://" + bucket, () -> sendNar(path.path()))).toList()));
            stages.add(new Stage("listings", missing.keySet().stream().map(path ->
                    Operation.create("listing of " + path, 0, "s3://" + bucket, () -> send(hash(path) + ".ls"))).toList()));
            // A narinfo says: this path and all it refers to can be had. So what it refers to goes first.
            for (List<String> level : levels(missing)) {
                stages.add(new Stage("narinfos", level.stream().map(path ->
                        Operation.create("narinfo of " + path, 0, "s3://" + bucket, () -> send(hash(path) + ".narinfo"))).toList()));
            }
        }
        return new Difference(stages, conflicts);
    }

    /** Of the paths, those that the bucket has a narinfo and the NAR it names for; with the narinfo's bytes. */
    private Map<String, byte[]> present(Collection<String> paths) throws IOException {
        Map<String, byte[]> present = new ConcurrentSkipListMap<>();
        Parallel.forEach(paths, store.concurrency(), path -> {
            Optional<byte[]> narinfo = store.get(bucket, hash(path) + ".narinfo");
            if (narinfo.isEmpty()) {
                return;
            }
            Narinfo parsed = Narinfo.parse(new String(narinfo.get(), StandardCharsets.UTF_8));
            // A narinfo without its NAR was believed by others; we send both again.
            if (store.size(bucket, parsed.url()).equals(Optional.of(parsed.fileSize()))) {
                present.put(path, narinfo.get());
            }
        });
        return present;
    }

    private Optional<Operation> info(String storeDir, List<String> conflicts) {
        Optional<byte[]> there = store.get(bucket, INFO);
        if (there.isEmpty()) {
            String text = "StoreDir: " + storeDir + "\nWantMassQuery: 1\nPriority: 40\n";
            return Optional.of(Operation.create("s3://" + bucket + "/" + INFO, text.length(), "StoreDir " + storeDir, () -> {
                FileTree.writeWhole(staging.resolve(INFO), text.getBytes(StandardCharsets.UTF_8));
                send(INFO);
            }));
        }
        String text = new String(there.get(), StandardCharsets.UTF_8);
        if (text.lines().noneMatch(line -> line.strip().equals("StoreDir: " + storeDir))) {
            conflicts.add("s3://" + bucket + "/" + INFO + " is of another store than " + storeDir + ": " + text.lines().findFirst().orElse("empty"));
        }
        return Optional.empty();
    }

    // Compressed they take less, but how much less only compressing tells.
    private void requireRoom(long bytes) throws IOException {
        Path there = staging;
        while (!Files.exists(there)) {
            there = there.getParent();
        }
        long room = Files.getFileStore(there).getUsableSpace();
        if (room < bytes) {
            throw Fault.refused("there is no room to stage the cache", staging + " needs up to " + Progress.size(bytes) + ", there are " + Progress.size(room),
                    "make room there and run again; nothing was published");
        }
    }

    // Where the folder has a narinfo, nix copy believes the path to be there and compresses nothing.
    private void stage(Collection<String> missing, Map<String, byte[]> present) throws IOException {
        for (Map.Entry<String, byte[]> narinfo : present.entrySet()) {
            Files.createDirectories(staging);
            Files.write(staging.resolve(hash(narinfo.getKey()) + ".narinfo"), narinfo.getValue());
        }
        try (SigningKey signing = key.get()) { // in a file only as long as Nix needs one
            nix.copyToCache(roots, staging, signing.file());
        }
        List<String> gone = missing.stream().filter(path -> !Files.exists(staging.resolve(hash(path) + ".narinfo"))).toList();
        if (!gone.isEmpty()) {
            throw Fault.failed("nix copy left out store paths", gone, "run upload again; nothing of the cache was sent");
        }
    }

    private void sendNar(String path) throws IOException {
        send(Narinfo.parse(Files.readString(staging.resolve(hash(path) + ".narinfo"))).url());
    }

    private void send(String key) throws IOException {
        store.put(bucket, key, staging.resolve(key), FOREVER);
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
