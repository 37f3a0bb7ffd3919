package lib.registry;

import java.io.IOException;
import java.util.Optional;
import lib.Fault;
import lib.http.Body;

/** A place that keeps images: a repository of a registry, or a folder. Digests are {@code sha256:} and hex digits. */
public interface ImageStore {

    /** What people call it, without a tag. */
    String name();

    /** Throws Fault (refused) when it cannot be read, or not written to where that will be asked for. Leaves nothing behind. */
    default void check() {
    }

    /** The digest of what a tag names; empty where there is no such tag. */
    Optional<String> tag(String tag) throws IOException;

    /** The size in bytes of a blob that is there, whole; empty where it is not. */
    Optional<Long> size(String digest) throws IOException;

    /** The bytes of a manifest or index; empty where there is none. They may be others than the digest's: who asks, looks. */
    Optional<byte[]> manifest(String digest) throws IOException;

    /** Whether it has a blob now that it lacked, without anybody sending it: it knew where else it is kept. */
    default boolean mount(String digest) throws IOException {
        return false;
    }

    /**
     * Keeps a blob, whose bytes it asks for at most once; never the same one twice at once. Throws IOException when it
     * failed, or its bytes are not those of the digest; then nothing of it is there.
     */
    void blob(String digest, long size, Body.Content content) throws IOException;

    /** Keeps a manifest or index under its digest. */
    void manifest(ImageIndex.Document document) throws IOException;

    /** What a failure means for people, with what to do next. */
    default Fault fault(String what, IOException e) {
        return Fault.failed(name() + ": " + what, e.toString(), "run again; what is there is not sent again");
    }

    /** Has a tag name a manifest or index, which it keeps, too; what that lists is there. */
    void tag(String tag, ImageIndex.Document document) throws IOException;
}
