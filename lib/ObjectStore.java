package lib;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.core.checksums.RequestChecksumCalculation;
import software.amazon.awssdk.core.checksums.ResponseChecksumValidation;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.http.apache5.Apache5HttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.Delete;
import software.amazon.awssdk.services.s3.model.DeleteObjectsResponse;
import software.amazon.awssdk.services.s3.model.HeadObjectResponse;
import software.amazon.awssdk.services.s3.model.NoSuchKeyException;
import software.amazon.awssdk.services.s3.model.ObjectIdentifier;
import software.amazon.awssdk.services.s3.model.PutObjectRequest;
import software.amazon.awssdk.services.s3.model.S3Exception;
import software.amazon.awssdk.services.s3.model.S3Object;

/** An S3 object store. Buckets are never made here: a wrong name must be an error. Safe for threads. */
public final class ObjectStore implements AutoCloseable {

    /** Requests at once; also the size of the connection pool. */
    public static final int CONCURRENCY = 32;

    /** The user metadata key our digests stand under: hex SHA-256 of the object. */
    private static final String SHA256 = "sha256";

    /** An object as a listing shows it; the ETag without quotes. */
    public record Stored(String key, long size, String etag) {
        /** The object's MD5 in hex, where the ETag is one: a multipart ETag ({@code ...-N}) is not. */
        public Optional<String> md5() {
            return etag.matches("[0-9a-f]{32}") ? Optional.of(etag) : Optional.empty();
        }
    }

    private final S3Client client;
    private final URI endpoint;

    private ObjectStore(S3Client client, URI endpoint) {
        this.client = client;
        this.endpoint = endpoint;
    }

    /** Talks to this endpoint and no other, whatever AWS_ENDPOINT_URL or a profile say. */
    public static ObjectStore connect(URI endpoint, String region, AwsCredentialsProvider credentials) {
        S3Client client = S3Client.builder()
                .endpointOverride(endpoint)
                .region(Region.of(region))
                .dualstackEnabled(false).fipsEnabled(false)
                .credentialsProvider(credentials)
                .forcePathStyle(true)
                // Garage, Ceph and others refuse the checksums that newer SDKs send by default.
                .requestChecksumCalculation(RequestChecksumCalculation.WHEN_REQUIRED)
                .responseChecksumValidation(ResponseChecksumValidation.WHEN_REQUIRED)
                .httpClientBuilder(Apache5HttpClient.builder().maxConnections(CONCURRENCY))
                .build();
        return new ObjectStore(client, endpoint);
    }

    @Override
    public void close() {
        client.close();
    }

    /** Throws Fault when the bucket is not there or may not be read. */
    public void requireBucket(String bucket) {
        ask("bucket " + bucket + " cannot be read", () -> client.listObjectsV2(request -> request.bucket(bucket).maxKeys(1)));
    }

    /** All objects whose key begins with the prefix, by key; one request a thousand. */
    public SortedMap<String, Stored> list(String bucket, String prefix) {
        return ask("bucket " + bucket + " cannot be listed", () -> {
            SortedMap<String, Stored> objects = new TreeMap<>();
            for (S3Object object : client.listObjectsV2Paginator(request -> request.bucket(bucket).prefix(prefix)).contents()) {
                objects.put(object.key(), new Stored(object.key(), object.size(), object.eTag().replace("\"", "")));
            }
            return objects;
        });
    }

    /** The folders right below a prefix that ends in a slash, without it and without theirs. */
    public List<String> folders(String bucket, String prefix) {
        return ask("bucket " + bucket + " cannot be listed", () -> client.listObjectsV2Paginator(request ->
                        request.bucket(bucket).prefix(prefix).delimiter("/")).commonPrefixes().stream()
                .map(found -> found.prefix().substring(prefix.length()).replace("/", "")).toList());
    }

    /** The SHA-256 in hex that was stored with the object, or, where none was, that of its downloaded bytes. */
    public String sha256(String bucket, String key) {
        return ask(name(bucket, key) + " cannot be read", () -> {
            HeadObjectResponse head = client.headObject(request -> request.bucket(bucket).key(key));
            String stored = head.metadata().get(SHA256);
            if (stored != null) {
                return stored;
            }
            MessageDigest digest = FileTree.digest("SHA-256");
            try (InputStream in = new DigestInputStream(client.getObject(request -> request.bucket(bucket).key(key)), digest)) {
                in.transferTo(java.io.OutputStream.nullOutputStream());
            }
            return HexFormat.of().formatHex(digest.digest());
        });
    }

    /** Whether the object has these bytes: size, then MD5 by the ETag where it is one, else SHA-256. */
    public boolean holds(String bucket, Stored stored, Path file, long size, String sha256) throws IOException {
        if (stored.size() != size) {
            return false;
        }
        return stored.md5().isPresent() ? FileTree.digest("MD5", file).equals(stored.md5().get())
                : sha256(bucket, stored.key()).equals(sha256);
    }

    /** An object's size in bytes; empty when there is none. */
    public Optional<Long> size(String bucket, String key) {
        return ask(name(bucket, key) + " cannot be read", () -> {
            try {
                return Optional.of(client.headObject(request -> request.bucket(bucket).key(key)).contentLength());
            } catch (NoSuchKeyException e) {
                return Optional.<Long>empty();
            }
        });
    }

    /** A small object's bytes; empty when there is none. */
    public Optional<byte[]> get(String bucket, String key) {
        return ask(name(bucket, key) + " cannot be read", () -> {
            try {
                return Optional.of(client.getObjectAsBytes(request -> request.bucket(bucket).key(key)).asByteArray());
            } catch (NoSuchKeyException e) {
                return Optional.<byte[]>empty();
            }
        });
    }

    /** Sends a file; {@code cacheControl} as in RFC 9111. An upload that fails leaves the key as it was. */
    public void put(String bucket, String key, Path file, String sha256, String cacheControl) {
        ask(name(bucket, key) + " could not be written", () -> client.putObject(PutObjectRequest.builder()
                .bucket(bucket).key(key).contentType(ContentType.of(key)).cacheControl(cacheControl)
                .metadata(Map.of(SHA256, sha256)).build(), RequestBody.fromFile(file)));
    }

    /** Deletes objects, a thousand a request. Throws Fault naming each that is still there. */
    public void delete(String bucket, Collection<String> keys) {
        List<String> all = new ArrayList<>(keys);
        for (int i = 0; i < all.size(); i += 1000) {
            List<ObjectIdentifier> some = all.subList(i, Math.min(i + 1000, all.size())).stream()
                    .map(key -> ObjectIdentifier.builder().key(key).build()).toList();
            DeleteObjectsResponse response = ask("objects in " + bucket + " could not be deleted", () -> client.deleteObjects(request ->
                    request.bucket(bucket).delete(Delete.builder().objects(some).quiet(true).build())));
            if (response.hasErrors()) {
                throw Fault.failed("objects in " + bucket + " could not be deleted",
                        response.errors().stream().map(error -> error.key() + ": " + error.code() + " " + error.message()).toList(),
                        "run again; what is gone is gone and is not asked for twice");
            }
        }
    }

    private interface Request<T> {
        T send() throws IOException;
    }

    // SDK exceptions carry the whole story in one line, but neither the endpoint nor a remedy.
    private <T> T ask(String what, Request<T> request) {
        try {
            return request.send();
        } catch (S3Exception e) {
            String code = e.awsErrorDetails() == null ? "" : " " + e.awsErrorDetails().errorCode() + ": " + e.awsErrorDetails().errorMessage();
            throw Fault.failed(what, endpoint + " answered " + e.statusCode() + code, switch (e.statusCode()) {
                case 401, 403 -> "check that the key may do this on this bucket";
                case 404 -> "check the bucket's name in the environment; releng makes no buckets";
                default -> "run again: what is there is not sent twice";
            }).from(e);
        } catch (SdkException | IOException e) {
            throw Fault.failed(what, endpoint + ": " + e.getMessage(), "check the network and the endpoint, and run again").from(e);
        }
    }

    private static String name(String bucket, String key) {
        return "s3://" + bucket + "/" + key;
    }
}
