package lib.oci;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Optional;
import java.util.function.LongConsumer;
import lib.base.Fault;
import lib.base.Measured;
import lib.http.Body;

/** A place that keeps images: a repository of a registry, or a folder. Digests are {@code sha256:} and hex digits. */
public interface ImageStore {

    /** What a blob is, by all of its bytes: its size, and {@code sha256:} with their digest. */
    record Blob(long size, String digest) {
        /** Reads to the end, or one byte beyond {@code longest}. */
        static Blob of(InputStream bytes, long longest, LongConsumer came) throws IOException {
            Measured blob = Measured.of(bytes, longest, came);
            return new Blob(blob.size(), blob.digest());
        }
    }

    /** What people call it, without a tag. */
    String name();

    /** Throws Fault (refused) when it cannot be read, or not written to where that will be asked for. Leaves nothing behind. */
    default void check() {
    }

    /** The digest that the store says a tag names; empty where there is no such tag. */
    Optional<String> tag(String tag) throws IOException;

    /** The size in bytes that the store says a blob has, which may have other bytes; empty where there is none. */
    Optional<Long> size(String digest) throws IOException;

    /** What a blob is, as those who pull it get it: it is read, but no more than a byte beyond {@code longest}; empty where there is none. {@code came} hears of bytes. */
    Optional<Blob> read(String digest, long longest, LongConsumer came) throws IOException;

    /** Whether it has these bytes: all are read; {@code came} hears of them. */
    default boolean holds(String digest, LongConsumer came) throws IOException {
        return read(digest, Long.MAX_VALUE - 1, came).filter(blob -> blob.digest().equals(digest)).isPresent();
    }

    /** Whether reading all it holds takes a moment, and no network. */
    default boolean near() {
        return false;
    }

    /** The bytes of a manifest or index, by digest or tag; empty where there is none. They may be others than the digest's: who asks, looks. */
    Optional<byte[]> manifest(String reference) throws IOException;

    /** Whether it has a blob now that it lacked, without anybody sending it: it knew where else it is kept. */
    default boolean mount(String digest) throws IOException {
        return false;
    }

    /** The descriptors of what refers to a manifest or index by its subject, where the store lists it by itself; empty where it does not. See {@link Referrers}. */
    default Optional<List<JsonNode>> referrers(String digest) throws IOException {
        return Optional.empty();
    }

    /**
     * Keeps a blob, whose bytes it asks for at most once; never the same one twice at once. Throws IOException when it
     * failed, or its bytes are not those of the digest; then nothing of it is there.
     */
    void blob(String digest, long size, Body.Content content) throws IOException;

    /** Keeps a manifest or index under its digest. */
    void manifest(ImageIndex.Document document) throws IOException;

    /** What to do when what it holds is missing or has other bytes. */
    default String remedy() {
        return "run upload again: it sends what " + name() + " does not have in full";
    }

    /** What a failure means for people, with what to do next. */
    default Fault fault(String what, IOException e) {
        return Fault.failed(name() + ": " + what, e.toString(), "run again; what is there is not sent again");
    }

    /** Has a tag name a manifest or index, which it keeps, too; what that lists is there. */
    void tag(String tag, ImageIndex.Document document) throws IOException;
}
