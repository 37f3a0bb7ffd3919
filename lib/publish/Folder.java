package lib.publish;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import lib.BuiltRelease.BuiltFile;
import lib.ObjectStore;

/**
 * Files below a prefix of a bucket.
 *
 * @param name   what people know it by
 * @param prefix of the keys, empty or ending in a slash
 * @param root   the folder {@code files} have their paths from
 * @param files  by what follows the prefix in the key
 * @param mode   whether what is there may change
 */
public record Folder(String name, ObjectStore store, String bucket, String prefix, Path root,
                     SortedMap<String, BuiltFile> files, Mode mode) implements Destination {

    /** What may happen to what is there. */
    public enum Mode {
        /** Has a version in its name: nothing there ever changes. */
        CONTENT("public, max-age=31536000, immutable"),
        /** Replaced as a whole, what is not among the files is deleted, but not much of it. */
        MIRROR("public, max-age=300"),
        /** As MIRROR, and may lose any number of files: somebody said so by name. */
        SHRINKING_MIRROR("public, max-age=300"),
        /** Replaced, and nothing beside it is touched. */
        POINTER("public, max-age=60");

        private final String cacheControl;

        Mode(String cacheControl) {
            this.cacheControl = cacheControl;
        }
    }

    @Override
    public Difference compare() throws IOException {
        // A pointer stands among other things: only its own keys are asked for.
        SortedMap<String, ObjectStore.Stored> there = new TreeMap<>();
        if (mode == Mode.POINTER) {
            for (String file : files.keySet()) {
                there.putAll(store.list(bucket, prefix + file));
            }
        } else {
            there.putAll(store.list(bucket, prefix));
        }
        List<Operation> sends = new ArrayList<>();
        List<String> conflicts = new ArrayList<>();
        for (Map.Entry<String, BuiltFile> entry : files.entrySet()) {
            BuiltFile file = entry.getValue();
            String key = prefix + entry.getKey();
            Path path = root.resolve(file.path());
            ObjectStore.Stored stored = there.remove(key);
            Operation.Action send = () -> store.put(bucket, key, path, file.sha256(), mode.cacheControl);
            if (stored == null) {
                sends.add(Operation.create(url(key), file.size(), file.sha256(), send));
            } else if (!store.holds(bucket, stored, path, file.size(), file.sha256())) {
                String old = store.sha256(bucket, key);
                if (mode == Mode.CONTENT) {
                    conflicts.add(url(key) + " holds sha256 " + old + ", built was " + file.sha256());
                } else {
                    sends.add(Operation.replace(url(key), file.size(), old, file.sha256(), send));
                }
            }
        }
        List<Stage> stages = new ArrayList<>();
        if (!sends.isEmpty()) {
            stages.add(new Stage("files", sends));
        }
        if (mode == Mode.MIRROR || mode == Mode.SHRINKING_MIRROR) {
            conflicts.addAll(guard(there));
            if (!there.isEmpty()) {
                // New pages first: no reader follows a link into nothing.
                stages.add(new Stage("pages that are gone", deletions(there)));
            }
        }
        return new Difference(stages, conflicts);
    }

    // An empty or broken manual must not empty the published one.
    private List<String> guard(SortedMap<String, ObjectStore.Stored> surplus) {
        if (!files.containsKey("index.html")) {
            return List.of(url(prefix) + " would be published without its index.html");
        }
        int before = surplus.size() + files.size();
        if (mode == Mode.MIRROR && surplus.size() * 10 > before) {
            return List.of(url(prefix) + " would lose " + surplus.size() + " of its pages, more than a tenth; if that is right, say --shrink "
                    + prefix.replaceAll("/$", ""));
        }
        return List.of();
    }

    private List<Operation> deletions(SortedMap<String, ObjectStore.Stored> surplus) {
        return surplus.values().stream().map(stored -> Operation.delete(url(stored.key()), stored.etag(),
                () -> store.delete(bucket, List.of(stored.key())))).toList();
    }

    private String url(String key) {
        return "s3://" + bucket + "/" + key;
    }
}
