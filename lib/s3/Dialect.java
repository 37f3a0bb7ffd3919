package lib.s3;

/**
 * What an object store can do beyond the basics, found by trying.
 *
 * @param conditionalWrites whether {@code If-None-Match: *} keeps a PUT from replacing an object
 * @param multipart         whether large objects can be sent in parts
 * @param conditionalParts  whether {@code If-None-Match: *} keeps a multipart upload from replacing one
 * @param replacing         how {@code If-Match} keeps a PUT from replacing any object but the one with that ETag
 */
public record Dialect(boolean conditionalWrites, boolean multipart, boolean conditionalParts, Replacing replacing) {

    /** BARE: Ceph compares what stands in the header with an ETag without its quotes (RFC 9110, 8.8.3, has them). */
    public enum Replacing {
        UNCONDITIONAL, QUOTED, BARE;

        /** The header's value; {@code etag} without quotes. */
        String ifMatch(String etag) {
            return this == QUOTED ? "\"" + etag + "\"" : etag;
        }
    }

    public Dialect(boolean conditionalWrites, boolean multipart, boolean conditionalParts) {
        this(conditionalWrites, multipart, conditionalParts, Replacing.UNCONDITIONAL);
    }
}
