package lib.publish;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import lib.base.Fault;
import lib.base.Parallel;
import lib.proof.Findings;
import lib.release.BuiltRelease.BuiltFile;
import lib.release.Version;
import lib.s3.ObjectStore;

/**
 * What stands below a prefix of a bucket.
 *
 * @param name   what people know it by
 * @param prefix of the keys, empty or ending in a slash
 * @param items  by what follows the prefix in the key
 * @param mode   whether what is there may change
 */
public record Folder(String name, ObjectStore store, String bucket, String prefix, SortedMap<String, Item> items, Mode mode)
        implements Destination {

    /** What may happen to what is there. */
    public enum Mode {
        /** Has a version in its name: nothing there ever changes. */
        CONTENT("public, max-age=31536000, immutable"),
        /** As CONTENT, but somebody said by name that other bytes there are to be replaced. */
        REPLACED_CONTENT("public, max-age=31536000, immutable"),
        /** Replaced as a whole; what is not among the items is deleted, but not much of it. */
        MIRROR("public, max-age=300"),
        /** As MIRROR, and may lose any number of files: somebody said so by name. */
        SHRINKING_MIRROR("public, max-age=300"),
        /** Replaced, and nothing beside it is touched. */
        POINTER("public, max-age=60");

        final String cacheControl;

        Mode(String cacheControl) {
            this.cacheControl = cacheControl;
        }

        private boolean mirrors() {
            return this == MIRROR || this == SHRINKING_MIRROR;
        }

        private boolean moves() {
            return mirrors() || this == POINTER;
        }
    }

    private static final int FEW = 5;

    /** The files of release/ as items; {@code root} is the folder their paths begin in. */
    public static SortedMap<String, Item> files(Path root, Map<String, BuiltFile> files) {
        SortedMap<String, Item> items = new TreeMap<>();
        files.forEach((key, file) -> items.put(key, new Item.LocalFile(root.resolve(file.path()), file, Optional.empty())));
        return items;
    }

    /** As {@link #files}, but those that the store has among {@code others}, below a prefix of a bucket, are copied from there. */
    public static SortedMap<String, Item> copies(Path root, Map<String, BuiltFile> files, Map<String, BuiltFile> others, String bucket, String prefix) {
        SortedMap<String, Item> items = files(root, files);
        files.forEach((key, file) -> {
            if (others.containsKey(key) && others.get(key).sha256().equals(file.sha256())) {
                items.put(key, new Item.LocalFile(root.resolve(file.path()), file, Optional.of(new Item.LocalFile.There(bucket, prefix + key))));
            }
        });
        return items;
    }

    /** What is below a prefix of a bucket as items. */
    public static SortedMap<String, Item> objects(ObjectStore store, String bucket, String prefix) {
        SortedMap<String, Item> items = new TreeMap<>();
        store.list(bucket, prefix).values().forEach(stored ->
                items.put(stored.key().substring(prefix.length()), new Item.Copied(store, bucket, stored)));
        return items;
    }

    @Override
    public Difference compare() throws IOException {
        SortedMap<String, ObjectStore.Stored> surplus = there();
        List<String> conflicts = Collections.synchronizedList(new ArrayList<>());
        SortedMap<String, Operation> sends = Collections.synchronizedSortedMap(new TreeMap<>());
        Map<String, ObjectStore.Stored> there = Map.copyOf(surplus);
        items.keySet().forEach(key -> surplus.remove(prefix + key));
        // Digests are what costs here, of our files and perhaps of theirs.
        Parallel.forEach(items.entrySet(), Runtime.getRuntime().availableProcessors() * 2, entry ->
                difference(prefix + entry.getKey(), entry.getValue(), there, sends, conflicts));
        Collections.sort(conflicts);
        List<Stage> stages = new ArrayList<>();
        // A place says which version it is becoming before it changes: whoever is killed in between leaves it to that version.
        Optional.ofNullable(sends.remove(prefix + Folders.VERSION)).ifPresent(says -> stages.add(new Stage("version file", List.of(says))));
        // What is new before what links to it, and before what is deleted: no reader follows a link into nothing.
        for (Operation.Kind kind : List.of(Operation.Kind.CREATE, Operation.Kind.REPLACE)) {
            List<Operation> some = sends.values().stream().filter(operation -> operation.kind() == kind).toList();
            if (!some.isEmpty()) {
                stages.add(new Stage(kind == Operation.Kind.CREATE ? "new files" : "changed files", some));
            }
        }
        if (mode.mirrors()) {
            conflicts.addAll(guard(surplus));
            if (!surplus.isEmpty()) {
                stages.add(new Stage("pages that are gone", surplus.values().stream().map(stored ->
                        Operation.delete(url(stored.key()), stored.etag(), () -> {
                            store.requireAt(bucket, stored.key(), Optional.of(stored.etag()));
                            store.delete(bucket, List.of(stored.key()));
                        })).toList()));
            }
        }
        return new Difference(stages, List.copyOf(conflicts), mode.moves() ? () -> requireUnchanged(there) : () -> { });
    }

    private void requireUnchanged(Map<String, ObjectStore.Stored> planned) {
        Map<String, ObjectStore.Stored> now = there();
        SortedSet<String> changed = new TreeSet<>(planned.keySet());
        changed.addAll(now.keySet());
        changed.removeIf(key -> Objects.equals(planned.get(key), now.get(key)));
        if (!changed.isEmpty()) {
            List<String> why = new ArrayList<>(changed.stream().limit(FEW).map(key -> url(key) + " had the ETag " + tag(planned, key) + ", and has " + tag(now, key)).toList());
            if (changed.size() > FEW) {
                why.add("and " + (changed.size() - FEW) + " more");
            }
            throw Fault.refused(name + " has changed since the plan was made", why, Operation.SOMEBODY_ELSE);
        }
    }

    /** Finds each page that is not what it should be, where nothing is to be changed: of {@code version}, which it says it is. */
    public void proveUntouched(Version version, Findings findings) throws IOException {
        if (!items.containsKey("index.html")) {
            findings.unproven("it was published separately from " + version + ": there is nothing to compare it with");
            return;
        }
        List<String> others = compare().stages().stream().flatMap(stage -> stage.operations().stream()).map(Operation::what)
                .filter(what -> !what.endsWith("/" + Folders.VERSION)).toList();
        if (others.isEmpty()) {
            findings.proved();
        } else {
            findings.failure(others.get(0) + " is not that of " + version + (others.size() == 1 ? "" : ", nor are " + (others.size() - 1) + " others")
                    + ", though " + name + " says it is at " + version + ": two runs have moved it at once; --point-to " + version + " fixes that");
        }
    }

    private static String tag(Map<String, ObjectStore.Stored> objects, String key) {
        return objects.containsKey(key) ? objects.get(key).etag() : "none: it is not there";
    }

    /** Finds what is there and should not be, and what should be and is not: what is fetched page by page shows neither. */
    public void prove(Findings findings) throws IOException {
        SortedMap<String, ObjectStore.Stored> there = there();
        for (Map.Entry<String, Item> item : items.entrySet()) {
            ObjectStore.Stored stored = there.remove(prefix + item.getKey());
            if (stored != null && stored.size() == item.getValue().size()) {
                findings.proved();
            } else {
                findings.failure(url(prefix + item.getKey()) + ": " + (stored == null ? "is missing" : "has " + stored.size() + " bytes, expected " + item.getValue().size()));
            }
        }
        there.keySet().forEach(key -> findings.failure(url(key) + ": is not part of this release's"));
    }

    // A pointer stands among other things: only its own keys are asked for.
    private SortedMap<String, ObjectStore.Stored> there() {
        if (mode != Mode.POINTER) {
            return store.list(bucket, prefix);
        }
        SortedMap<String, ObjectStore.Stored> there = new TreeMap<>();
        items.keySet().forEach(key -> there.putAll(store.list(bucket, prefix + key)));
        return there;
    }

    private void difference(String key, Item item, Map<String, ObjectStore.Stored> there, Map<String, Operation> sends, List<String> conflicts)
            throws IOException {
        ObjectStore.Stored stored = there.get(key);
        if (stored == null) {
            sends.put(key, Operation.create(url(key), item.size(), item.sha256(), () -> item.send(store, bucket, key, mode.cacheControl, Optional.empty())));
        } else if (!item.isAt(store, bucket, stored)) {
            String old = store.sha256(bucket, key);
            if (mode == Mode.CONTENT) {
                conflicts.add(url(key) + " holds sha256 " + old + ", expected " + item.sha256());
            } else {
                sends.put(key, Operation.replace(url(key), item.size(), old, item.sha256(), () -> item.send(store, bucket, key, mode.cacheControl, Optional.of(stored.etag()))));
            }
        }
    }

    // An empty or broken manual must not empty the published one.
    private List<String> guard(SortedMap<String, ObjectStore.Stored> surplus) {
        if (!items.containsKey("index.html")) {
            return List.of(url(prefix) + " would be published without its index.html");
        }
        int before = surplus.size() + items.size();
        if (mode == Mode.MIRROR && surplus.size() * 10 > before) {
            return List.of(url(prefix) + " would lose " + surplus.size() + " of its pages, more than a tenth; if that is intended, pass --shrink "
                    + prefix.replaceAll("/$", ""));
        }
        return List.of();
    }

    private String url(String key) {
        return "s3://" + bucket + "/" + key;
    }
}
