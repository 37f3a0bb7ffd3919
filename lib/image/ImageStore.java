package lib.image;

import java.io.IOException;
import java.util.Optional;

/** A place that keeps images: a repository of a registry, or a folder. Digests are {@code sha256:} and hex digits. */
public interface ImageStore {

    /** What people call it, without a tag. */
    String name();

    /** The digest of what a tag names; empty where there is no such tag. */
    Optional<String> tag(String tag) throws IOException;

    /** The size in bytes of a blob or manifest that is there, whole; empty where it is not. */
    Optional<Long> size(String digest) throws IOException;

    /** The bytes of a manifest or index; empty where there is none. They may be others than the digest's: who asks, looks. */
    Optional<byte[]> manifest(String digest) throws IOException;

    /** Keeps a blob; never the same one twice at once. Throws IOException when its bytes are not those of the digest; then nothing of it is there. */
    void blob(String digest, long size, DockerArchive.Content content) throws IOException;

    /** Keeps a manifest or index under its digest. */
    void manifest(ImageIndex.Document document) throws IOException;

    /** Has a tag name a manifest or index that is there. */
    void tag(String tag, ImageIndex.Document document) throws IOException;
}
