package lib.publish;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import lib.BuiltRelease.BuiltFile;
import lib.ObjectStore;

/** Bytes that shall stand under a key of a bucket. */
public interface Item {

    long size();

    /** In hex. May cost a request, or a download, where the bytes are not here. */
    String sha256();

    /** Whether an object has these bytes; size and time alone are not believed. */
    boolean isAt(ObjectStore store, String bucket, ObjectStore.Stored stored) throws IOException;

    /** Puts them there; {@code create} only where nothing is. */
    void send(ObjectStore store, String bucket, String key, String cacheControl, boolean create) throws IOException;

    /**
     * A file of release/.
     *
     * @param there where the store has it, too, by then: it is copied from there, and does not travel twice
     */
    record LocalFile(Path path, BuiltFile file, Optional<There> there) implements Item {

        /** An object of the store. */
        record There(String bucket, String key) {
        }

        @Override
        public long size() {
            return file.size();
        }

        @Override
        public String sha256() {
            return file.sha256();
        }

        @Override
        public boolean isAt(ObjectStore store, String bucket, ObjectStore.Stored stored) throws IOException {
            return store.holds(bucket, stored, path, file.size(), file.sha256());
        }

        @Override
        public void send(ObjectStore store, String bucket, String key, String cacheControl, boolean create) {
            if (there.isPresent()) {
                store.copy(there.get().bucket(), there.get().key(), bucket, key, file.sha256(), cacheControl);
            } else if (create) {
                store.create(bucket, key, path, file.sha256(), cacheControl);
            } else {
                store.put(bucket, key, path, file.sha256(), cacheControl);
            }
        }
    }

    /** An object of the store itself. */
    record Copied(ObjectStore store, String bucket, ObjectStore.Stored source) implements Item {
        @Override
        public long size() {
            return source.size();
        }

        @Override
        public String sha256() {
            return store.sha256(bucket, source.key());
        }

        @Override
        public boolean isAt(ObjectStore store, String bucket, ObjectStore.Stored stored) {
            return stored.size() == source.size() && (stored.md5().isPresent() && source.md5().isPresent()
                    ? stored.md5().equals(source.md5()) : store.sha256(bucket, stored.key()).equals(sha256()));
        }

        @Override
        public void send(ObjectStore store, String bucket, String to, String cacheControl, boolean create) {
            store.copy(this.bucket, source.key(), bucket, to, cacheControl);
        }
    }
}
