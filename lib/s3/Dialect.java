package lib.s3;

/**
 * What an object store can do beyond the basics, found by trying.
 *
 * @param conditionalWrites    whether {@code If-None-Match: *} keeps a PUT from replacing an object
 * @param multipart            whether large objects can be sent in parts
 * @param conditionalParts     whether {@code If-None-Match: *} keeps a multipart upload from replacing one
 * @param conditionalReplacing whether {@code If-Match} keeps a PUT from replacing any object but the one with that ETag
 */
public record Dialect(boolean conditionalWrites, boolean multipart, boolean conditionalParts, boolean conditionalReplacing) {

    public Dialect(boolean conditionalWrites, boolean multipart, boolean conditionalParts) {
        this(conditionalWrites, multipart, conditionalParts, false);
    }
}
