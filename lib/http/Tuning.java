package lib.http;

import java.time.Duration;

/**
 * How much a store is asked for at once, and how long we wait for it.
 *
 * @param concurrency requests at once, parts of large files among them
 * @param partsFrom   bytes; a larger file is sent in parts. Below it the ETag stays the file's MD5
 * @param partSize    bytes of a part; more for files that would have over 10,000 parts
 * @param connect     for TCP and TLS, each
 * @param idle        without a byte moving either way
 * @param attempts    of one request, the first among them
 * @param patience    from the first attempt of a request to the start of the last
 */
public record Tuning(int concurrency, long partsFrom, long partSize, Duration connect, Duration idle, int attempts,
                     Duration patience) {

    /** Parts no store has more of: S3 API, multipart upload limits. */
    private static final int MAX_PARTS = 10_000;

    public static final Tuning DEFAULT = new Tuning(32, 64L << 20, 16L << 20, Duration.ofSeconds(10), Duration.ofSeconds(60), 8,
            Duration.ofMinutes(5));

    public Tuning withConcurrency(int requests) {
        return new Tuning(requests, partsFrom, partSize, connect, idle, attempts, patience);
    }

    /** Bytes of each part but the last of a file of so many bytes. */
    public long partSize(long bytes) {
        return Math.max(partSize, (bytes + MAX_PARTS - 1) / MAX_PARTS);
    }
}
