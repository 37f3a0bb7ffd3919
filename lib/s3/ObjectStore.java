package lib.s3;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import lib.base.Fault;
import lib.base.FileTree;
import lib.http.Body;
import lib.http.Network;
import lib.http.Refusal;
import lib.http.Retry;
import lib.http.Tuning;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.services.s3.model.Delete;
import software.amazon.awssdk.services.s3.model.DeleteObjectsResponse;
import software.amazon.awssdk.services.s3.model.ObjectIdentifier;

/**
 * An S3 object store. Buckets are never made here: a wrong name must be an error. What may pass is
 * tried again, what was refused is not; every method throws Fault when it is given up. Safe for threads.
 */
public final class ObjectStore implements AutoCloseable {

    /** Requests at once at most, where nobody says otherwise: as many as a far store is worth. */
    public static final int CONCURRENCY = 128;

    /** The user metadata key our digests stand under: hex SHA-256 of the object. */
    public static final String SHA256 = "x-amz-meta-sha256";

    private static final Dialect UNKNOWN = new Dialect(false, true, false); // a store that ignores a condition replaces what is there

    /** Bytes. What is read as a whole is a document: a narinfo, a manifest, a release.json. */
    private static final int LARGEST_SMALL = 64 << 20;

    /** An object as a listing shows it; the ETag without quotes. */
    public record Stored(String key, long size, String etag) {
        /** The object's MD5 in hex, where the ETag is one: a multipart ETag ({@code ...-N}) is not. */
        public Optional<String> md5() {
            return etag.length() == 32 && etag.indexOf('-') < 0 ? Optional.of(etag) : Optional.empty();
        }
    }

    private final URI endpoint;
    private final Tuning tuning;
    private final Wire wire;
    private final Sdk sdk;
    private final Listing listing;
    private final ExecutorService workers;
    private final Parts parts;
    private final Map<String, Dialect> dialects = new ConcurrentHashMap<>();
    private volatile boolean etagsAreMd5 = true;

    private ObjectStore(URI endpoint, String region, AwsCredentialsProvider credentials, Tuning tuning, Network network) {
        this.endpoint = endpoint;
        this.tuning = tuning;
        Pace pace = new Pace(tuning.concurrency());
        wire = new Wire(endpoint, region, credentials, tuning, pace, network);
        sdk = new Sdk(endpoint, region, credentials, tuning, pace, network);
        listing = new Listing(sdk);
        workers = Executors.newFixedThreadPool(tuning.concurrency(), ObjectStore::daemon);
        parts = new Parts(wire, sdk, listing, tuning, workers);
    }

    /** Talks to this endpoint and no other, whatever AWS_ENDPOINT_URL or a profile say. */
    public static ObjectStore connect(URI endpoint, String region, AwsCredentialsProvider credentials) {
        return connect(endpoint, region, credentials, Tuning.DEFAULT.withConcurrency(CONCURRENCY), Network.PLAIN);
    }

    public static ObjectStore connect(URI endpoint, String region, AwsCredentialsProvider credentials, Tuning tuning, Network network) {
        return new ObjectStore(endpoint, region, credentials, tuning, network);
    }

    /** Requests at once, at most. */
    public int concurrency() {
        return tuning.concurrency();
    }

    @Override
    public void close() {
        workers.shutdownNow();
        sdk.close();
        wire.close();
    }

    /** Throws Fault when the bucket is not there or may not be read. */
    public void requireBucket(String bucket) {
        ask("bucket " + bucket + " cannot be read", () -> {
            listing.requireBucket(bucket);
            return null;
        });
    }

    /**
     * Finds out by trying what the store can do, and that the keys may write and delete; leaves nothing behind, and
     * removes what killed runs have left: old probes, and parts of over a week ago. {@link #create} goes by it from now on.
     */
    public Dialect probe(String bucket) {
        return dialects.computeIfAbsent(bucket, unknown ->
                ask("bucket " + bucket + " cannot be written", () -> new Probe(wire, sdk, listing, bucket).run()));
    }

    /** All objects whose key begins with the prefix, by key; one request a thousand. */
    public SortedMap<String, Stored> list(String bucket, String prefix) {
        SortedMap<String, Stored> objects = new TreeMap<>();
        ask("bucket " + bucket + " cannot be listed", () -> listing.objects(bucket, prefix)).forEach((key, object) ->
                objects.put(key, new Stored(key, object.size(), object.eTag() == null ? "" : object.eTag().replace("\"", ""))));
        return objects;
    }

    /** The beginning of such a list, a thousand: for a bucket of which nobody knows how large it is. */
    public Listing.Objects begin(String bucket, String prefix) {
        Listing.Objects objects = listing.new Objects(bucket, prefix);
        more(objects);
        return objects;
    }

    /** The next thousand. */
    public void more(Listing.Objects objects) {
        ask("bucket " + objects.bucket() + " cannot be listed", () -> {
            objects.next();
            return null;
        });
    }

    /** The folders right below a prefix that ends in a slash, without it and without theirs. */
    public List<String> folders(String bucket, String prefix) {
        return ask("bucket " + bucket + " cannot be listed", () -> listing.folders(bucket, prefix));
    }

    /** The SHA-256 in hex that was stored with the object, or, where none was, that of its downloaded bytes. */
    public String sha256(String bucket, String key) {
        Optional<String> stored = head(bucket, key).map(headers -> headers.get(SHA256));
        if (stored.isPresent()) {
            return stored.get();
        }
        MessageDigest digest = FileTree.digest("SHA-256");
        ask(name(bucket, key) + " cannot be read", () -> wire.download(bucket, key, new DigestOutputStream(OutputStream.nullOutputStream(), digest)));
        return HexFormat.of().formatHex(digest.digest());
    }

    /** Whether the object has these bytes: size, then MD5 by the ETag where it is one, else SHA-256. */
    public boolean holds(String bucket, Stored stored, Path file, long size, String sha256) throws IOException {
        if (stored.size() != size) {
            return false;
        }
        // A store that encrypts has ETags that look like an MD5 and are none: then the digest decides.
        return stored.md5().isPresent() && FileTree.digest("MD5", file).equals(stored.md5().get())
                || sha256(bucket, stored.key()).equals(sha256);
    }

    /** The headers that come with an object, names in lower case; empty when there is none. */
    public Optional<Map<String, String>> head(String bucket, String key) {
        return ask(name(bucket, key) + " cannot be read", () -> wire.head(bucket, key));
    }

    /** An object's size in bytes; empty when there is none. */
    public Optional<Long> size(String bucket, String key) {
        return ask(name(bucket, key) + " cannot be read", () -> {
            Optional<Map<String, String>> head = wire.head(bucket, key);
            if (head.isPresent() && !head.get().containsKey("content-length")) {
                throw new Refusal(200, "", "it does not say how large it is (Content-Length)", Optional.empty());
            }
            return head.map(headers -> Long.parseLong(headers.get("content-length")));
        });
    }

    /** A small object's bytes; empty when there is none. */
    public Optional<byte[]> get(String bucket, String key) {
        return ask(name(bucket, key) + " cannot be read", () -> {
            try {
                return Optional.of(wire.send("GET", bucket, key, "", Map.of(), Body.NONE, Wire.EMPTY_SHA256, (headers, body) -> small(body)));
            } catch (Refusal refusal) {
                if (refusal.status == 404 && !refusal.code.equals("NoSuchBucket")) {
                    return Optional.empty();
                }
                throw refusal;
            }
        });
    }

    private static byte[] small(InputStream body) throws IOException {
        byte[] bytes = body.readNBytes(LARGEST_SMALL + 1);
        if (bytes.length > LARGEST_SMALL) {
            throw new Refusal(200, "", "it is larger than " + LARGEST_SMALL + " bytes, which nothing here should be", Optional.empty());
        }
        return bytes;
    }

    /**
     * Writes an object's bytes to a stream, however many, and returns how many. Throws Fault when there
     * is no such object, IOException when the stream fails.
     */
    public long download(String bucket, String key, OutputStream out) throws IOException {
        try {
            return ask(name(bucket, key) + " cannot be read", () -> wire.download(bucket, key, out));
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }

    /**
     * Sends a file, a large one in parts at once; {@code cacheControl} as in RFC 9111. Throws Fault when
     * the file is not the digest's, and has the store check what arrives (Content-MD5). An upload that fails
     * leaves the key as it was, and no parts.
     */
    public void put(String bucket, String key, Path file, String sha256, String cacheControl) {
        ask(name(bucket, key) + " could not be written", () -> send(bucket, key, file, Optional.of(sha256), cacheControl, Optional.empty()));
    }

    /**
     * As put, of a file whose digest nobody has taken yet. Its SHA-256 is stored only where the store's ETags
     * are no MD5s: there the ETag tells as much for half the work.
     */
    public void put(String bucket, String key, Path file, String cacheControl) {
        ask(name(bucket, key) + " could not be written", () -> send(bucket, key, file, Optional.empty(), cacheControl, Optional.empty()));
    }

    /** As put, of bytes that are few; {@code headers} with names in lower case, such as cache-control and content-encoding. */
    public void put(String bucket, String key, byte[] bytes, Map<String, String> headers) {
        ask(name(bucket, key) + " could not be written", () -> send(bucket, key, Body.of(bytes), Optional.empty(), new TreeMap<>(headers)));
    }

    /**
     * As put, for a key where an object with this ETag is, and only in its place: by the store's own doing, where it
     * knows how. When there is another by then that is fine if the bytes are ours, and else refused.
     */
    public void replace(String bucket, String key, Path file, String sha256, String cacheControl, String etag) {
        // What goes in parts has no such condition.
        if (dialects.getOrDefault(bucket, UNKNOWN).replacing() == Dialect.Replacing.UNCONDITIONAL || file.toFile().length() > tuning.partsFrom()) {
            requireAt(bucket, key, Optional.of(etag));
        }
        conditionally(bucket, key, file, sha256, () -> send(bucket, key, file, Optional.of(sha256), cacheControl, Optional.of(etag)));
    }

    /**
     * As put, for a key that nobody has written yet. When somebody has, that is fine if the bytes are the
     * same, and else refused: by the store, where it knows how, so that of two at once only one wins.
     */
    public void create(String bucket, String key, Path file, String sha256, String cacheControl) {
        conditionally(bucket, key, file, sha256, () -> send(bucket, key, file, Optional.of(sha256), cacheControl, Optional.of("")));
    }

    private void conditionally(String bucket, String key, Path file, String sha256, Request<Object> put) {
        ask(name(bucket, key) + " could not be written", () -> {
            try {
                return put.send();
            } catch (Refusal refusal) {
                if (refusal.status != 412) {
                    throw refusal;
                }
            }
            requireSame(bucket, key, Files.size(file), sha256);
            return null;
        });
    }

    // there: the ETag of what is replaced, empty for nothing; where it is not said, whatever is there.
    private Object send(String bucket, String key, Path file, Optional<String> sha256, String cacheControl, Optional<String> there) throws IOException {
        long size = Files.size(file);
        Dialect dialect = dialects.getOrDefault(bucket, UNKNOWN);
        boolean absent = there.equals(Optional.of(""));
        boolean inParts = size > tuning.partsFrom() && dialect.multipart();
        boolean condition = absent && (inParts ? dialect.conditionalParts() : dialect.conditionalWrites());
        if (absent && !condition && wire.head(bucket, key).isPresent()) {
            requireSame(bucket, key, size, sha256.orElseThrow());
            return null;
        }
        if (inParts) {
            parts.send(bucket, key, file, sha256.isPresent() ? sha256.get() : FileTree.sha256(file), ContentType.of(key), cacheControl, condition);
            return null;
        }
        Map<String, String> headers = new TreeMap<>(Map.of("cache-control", cacheControl));
        if (condition) {
            headers.put("if-none-match", "*");
        } else if (!absent && there.isPresent() && dialect.replacing() != Dialect.Replacing.UNCONDITIONAL) {
            headers.put("if-match", dialect.replacing().ifMatch(there.get()));
        }
        return send(bucket, key, Body.of(file, 0, size), sha256, headers);
    }

    // Whole, with these headers.
    private Object send(String bucket, String key, Body body, Optional<String> sha256, Map<String, String> headers) throws IOException {
        headers.put("content-type", ContentType.of(key));
        if (sha256.isEmpty() && etagsAreMd5) {
            String md5 = body.md5();
            headers.put("content-md5", md5);
            String etag = wire.put(bucket, key, "", headers, body).getOrDefault("etag", "");
            if (etag.replace("\"", "").equals(HexFormat.of().formatHex(Base64.getDecoder().decode(md5)))) {
                return null;
            }
            etagsAreMd5 = false;
        }
        Body.Digests digests = body.digests();
        body.requireSame(digests.sha256(), sha256.orElse(digests.sha256()));
        headers.put("content-md5", digests.md5());
        headers.put(SHA256, digests.sha256());
        return wire.put(bucket, key, "", headers, body);
    }

    private void requireSame(String bucket, String key, long size, String sha256) {
        String theirs = sha256(bucket, key);
        if (!theirs.equals(sha256) || !size(bucket, key).equals(Optional.of(size))) {
            throw Fault.refused(name(bucket, key) + " was not written", "somebody else has written it meanwhile: sha256 " + theirs + ", ours is " + sha256,
                    "find out who else is releasing; theirs was left as it is");
        }
    }

    /** Throws Fault (refused) unless the object has this ETag, or, where that is empty, there is none. */
    public void requireAt(String bucket, String key, Optional<String> etag) {
        Optional<String> now = head(bucket, key).map(head -> head.getOrDefault("etag", "").replace("\"", ""));
        if (!now.equals(etag)) {
            throw Fault.refused(name(bucket, key) + " has changed since the plan was made", "it had the ETag " + etag.orElse("of nothing") + ", and has "
                    + now.orElse("that of nothing"), "find out who else publishes there, and run again");
        }
    }

    /** Copies an object in the store: bytes, content type and metadata stay, the cache control is new. Up to 5 GB. */
    public void copy(String fromBucket, String from, String toBucket, String to, String cacheControl) {
        String what = name(fromBucket, from) + " could not be copied to " + name(toBucket, to);
        ask(what, () -> {
            Map<String, String> headers = new TreeMap<>(wire.head(fromBucket, from).orElseThrow(() -> Fault.failed(what,
                    "there is no such object on " + endpoint, "look at what was published")));
            headers.put("x-amz-copy-source-if-match", headers.get("etag"));
            headers.keySet().removeIf(name -> !name.startsWith("x-amz-meta-") && !name.equals("content-type") && !name.equals("x-amz-copy-source-if-match"));
            headers.put("cache-control", cacheControl);
            wire.copy(fromBucket, from, toBucket, to, headers);
            return null;
        });
    }

    /** Copies an object whose digest is known, with one request. Throws Fault when there is no such object. */
    public void copy(String fromBucket, String from, String toBucket, String to, String sha256, String cacheControl) {
        ask(name(fromBucket, from) + " could not be copied to " + name(toBucket, to), () -> {
            wire.copy(fromBucket, from, toBucket, to, new TreeMap<>(Map.of("content-type", ContentType.of(to), SHA256, sha256,
                    "cache-control", cacheControl)));
            return null;
        });
    }

    /** Deletes objects, a thousand a request. Throws Fault naming each that is still there. */
    public void delete(String bucket, Collection<String> keys) {
        List<String> all = new ArrayList<>(keys);
        for (int i = 0; i < all.size(); i += 1000) {
            List<ObjectIdentifier> some = all.subList(i, Math.min(i + 1000, all.size())).stream()
                    .map(key -> ObjectIdentifier.builder().key(key).build()).toList();
            DeleteObjectsResponse response = ask("objects in " + bucket + " could not be deleted", () -> sdk.ask(client ->
                    client.deleteObjects(request -> request.bucket(bucket).delete(Delete.builder().objects(some).quiet(true).build()))));
            if (response.hasErrors()) {
                throw Fault.failed("objects in " + bucket + " could not be deleted",
                        response.errors().stream().map(error -> error.key() + ": " + error.code() + " " + error.message()).toList(),
                        "run again; what is already deleted is not deleted twice");
            }
        }
    }

    private interface Request<T> {
        T send() throws IOException;
    }

    // What the store or the network says, with the endpoint and a remedy.
    private <T> T ask(String what, Request<T> request) {
        try {
            return request.send();
        } catch (Refusal e) {
            throw Fault.failed(what, endpoint + " answered " + e.getMessage(), Remedies.of(e)).from(e);
        } catch (SdkException | IOException e) {
            throw Fault.failed(what, endpoint + ": " + Retry.told(e), "check the network and the endpoint, and run again").from(e);
        }
    }

    private static Thread daemon(Runnable work) {
        Thread thread = new Thread(work, "store");
        thread.setDaemon(true);
        return thread;
    }

    private static String name(String bucket, String key) {
        return "s3://" + bucket + "/" + key;
    }
}
