package lib.proof;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;
import java.util.function.Supplier;
import lib.base.FileTree;
import lib.config.Environment;
import lib.nix.Narinfo;
import lib.release.BuiltRelease.BuiltFile;
import lib.s3.ObjectStore;

/**
 * Whether what was proved by its bytes before is proved by metadata alone.
 *
 * @param wanted      whether it is at all
 * @param nothingSent whether this run had nothing to send; asked when it is proved
 * @param seen        by store path, what this run has found in the cache just before, and does not ask for again; asked when it is proved
 * @param store       that says of its objects what they are
 * @param release     the folder that the files stand in here
 */
public record Sparing(boolean wanted, BooleanSupplier nothingSent, Supplier<Map<String, Seen>> seen, ObjectStore store, Environment environment, Path release) {

    /** What was seen longer ago is asked for again: a person may have thought for hours before they said yes. */
    public static final Duration JUST = Duration.ofMinutes(10);

    /** A path's narinfo, whose signature was verified, and what the store says of its NAR. */
    public record Seen(Narinfo narinfo, Fetcher.Said nar) {
    }

    /**
     * Whether the store says that it has a file below a prefix, one request a thousand: its size, and its MD5 where the ETag is
     * one. It takes that of the bytes it has; what somebody wrote down beside an object counts for nothing.
     */
    Predicate<Map.Entry<String, BuiltFile>> below(String role, String prefix) {
        SortedMap<String, ObjectStore.Stored> there = store.list(Fetcher.bucket(environment, role), prefix);
        return file -> {
            ObjectStore.Stored stored = there.get(prefix + file.getKey());
            try {
                return stored != null && stored.size() == file.getValue().size() && stored.md5().isPresent()
                        && stored.md5().equals(Optional.of(FileTree.digest("MD5", release.resolve(file.getValue().path()))));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        };
    }
}
