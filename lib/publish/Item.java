package lib.publish;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import lib.base.FileTree;
import lib.release.BuiltRelease.BuiltFile;
import lib.s3.ObjectStore;

/** Bytes that shall stand under a key of a bucket. */
public interface Item {

    long size();

    /** In hex. May cost a request, or a download, where the bytes are not here. */
    String sha256();

    /** Whether an object has these bytes; size and time alone are not believed. */
    boolean isAt(ObjectStore store, String bucket, ObjectStore.Stored stored) throws IOException;

    /**
     * Puts them there, where the store knows how only in the place of what is known to be there.
     *
     * @param replaced the ETag of that; empty where nothing is
     */
    void send(ObjectStore store, String bucket, String key, String cacheControl, Optional<String> replaced) throws IOException;

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
        public void send(ObjectStore store, String bucket, String key, String cacheControl, Optional<String> replaced) {
            if (there.isPresent()) {
                store.requireAt(bucket, key, replaced); // no store copies under a condition on what is there
                store.copy(there.get().bucket(), there.get().key(), bucket, key, file.sha256(), cacheControl);
            } else if (replaced.isEmpty()) {
                store.create(bucket, key, path, file.sha256(), cacheControl);
            } else {
                store.replace(bucket, key, path, file.sha256(), cacheControl, replaced.get());
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
        public void send(ObjectStore store, String bucket, String to, String cacheControl, Optional<String> replaced) {
            store.requireAt(bucket, to, replaced);
            store.copy(this.bucket, source.key(), bucket, to, cacheControl);
        }
    }

    /** A few words. */
    record Text(String text) implements Item {

        private byte[] bytes() {
            return text.getBytes(StandardCharsets.UTF_8);
        }

        @Override
        public long size() {
            return bytes().length;
        }

        @Override
        public String sha256() {
            return FileTree.sha256(bytes());
        }

        @Override
        public boolean isAt(ObjectStore store, String bucket, ObjectStore.Stored stored) {
            return stored.size() == size() && store.get(bucket, stored.key()).map(there -> Arrays.equals(there, bytes())).orElse(false);
        }

        @Override
        public void send(ObjectStore store, String bucket, String key, String cacheControl, Optional<String> replaced) throws IOException {
            Path file = Files.createTempFile("releng", ".txt");
            try {
                Files.write(file, bytes());
                new LocalFile(file, new BuiltFile(key, size(), sha256()), Optional.empty()).send(store, bucket, key, cacheControl, replaced);
            } finally {
                Files.delete(file);
            }
        }
    }
}
