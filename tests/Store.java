import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.UUID;
import java.util.stream.Stream;
import lib.base.Exec;
import lib.base.FileTree;
import lib.s3.ObjectStore;
import lib.s3.local.LocalStore;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.http.apache5.Apache5HttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.S3Exception;

/**
 * Buckets of a real S3 server for one test: one embedded server for all tests, or the one that
 * RELENG_TEST_S3_ENDPOINT, ..._KEY, ..._SECRET and ..._REGION name.
 */
final class Store implements AutoCloseable {

    /** The server all tests share. */
    private static final class Server {
        static final boolean GIVEN = System.getenv("RELENG_TEST_S3_ENDPOINT") != null;
        static final String REGION = System.getenv().getOrDefault("RELENG_TEST_S3_REGION", "local");
        static final URI ENDPOINT;
        static final String ID;
        static final String SECRET;
        static final S3Client ADMIN;

        static {
            String given = System.getenv("RELENG_TEST_S3_ENDPOINT");
            try {
                if (given != null) {
                    ENDPOINT = URI.create(given);
                    ID = System.getenv("RELENG_TEST_S3_KEY");
                    SECRET = System.getenv("RELENG_TEST_S3_SECRET");
                } else {
                    Path folder = Files.createTempDirectory("releng-test-store");
                    LocalStore store = new LocalStore(folder);
                    ENDPOINT = store.endpoint();
                    ID = store.id();
                    SECRET = store.secret();
                    Runtime.getRuntime().addShutdownHook(new Thread(() -> {
                        try {
                            store.close();
                            FileTree.remove(folder);
                        } catch (Exception e) {
                            System.err.println("left behind: " + folder + ": " + e);
                        }
                    }));
                }
            } catch (Exception e) {
                throw new ExceptionInInitializerError(e);
            }
            ADMIN = S3Client.builder().endpointOverride(ENDPOINT).region(Region.of(REGION)).forcePathStyle(true)
                    // Ceph keeps the name of the chunks' encoding as that of the object's, for ever.
                    .serviceConfiguration(service -> service.chunkedEncodingEnabled(false))
                    .credentialsProvider(StaticCredentialsProvider.create(AwsBasicCredentials.create(ID, SECRET)))
                    .requestChecksumCalculation(software.amazon.awssdk.core.checksums.RequestChecksumCalculation.WHEN_REQUIRED)
                    .httpClientBuilder(Apache5HttpClient.builder()).build();
        }
    }

    private final String prefix = "t" + UUID.randomUUID().toString().substring(0, 12).replace("-", "");
    private final List<String> buckets = new ArrayList<>();
    private final List<ObjectStore> opened = new ArrayList<>();

    /** The name of a bucket of this test, made on first use. */
    String bucket(String role) {
        String bucket = prefix + "-" + role;
        if (!buckets.contains(bucket)) {
            Server.ADMIN.createBucket(request -> request.bucket(bucket));
            buckets.add(bucket);
            if (Server.GIVEN) {
                letAnybodyRead(bucket);
            }
        }
        return bucket;
    }

    // As a deployment's buckets are set up. Those who may list are told 404 of what is absent, and not 403.
    private void letAnybodyRead(String bucket) {
        try {
            client().putBucketPolicy(request -> request.bucket(bucket).policy("{\"Version\": \"2012-10-17\", \"Statement\": [{\"Effect\": \"Allow\","
                    + " \"Principal\": \"*\", \"Action\": [\"s3:GetObject\", \"s3:ListBucket\"],"
                    + " \"Resource\": [\"arn:aws:s3:::" + bucket + "\", \"arn:aws:s3:::" + bucket + "/*\"]}]}"));
        } catch (S3Exception e) {
            // a server that knows no policies has its own way, or none: anonymousReads tells
        }
    }

    URI endpoint() {
        return Server.ENDPOINT;
    }

    String region() {
        return Server.REGION;
    }

    String id() {
        return Server.ID;
    }

    String secret() {
        return Server.SECRET;
    }

    /** The client under test. */
    ObjectStore open() {
        ObjectStore store = ObjectStore.connect(endpoint(), region(), StaticCredentialsProvider.create(AwsBasicCredentials.create(id(), secret())));
        opened.add(store);
        return store;
    }

    /** A client of its own, to look at what really is there. */
    S3Client client() {
        return Server.ADMIN;
    }

    /** Whether objects can be fetched without keys, as from a deployment's public address. */
    boolean anonymousReads() throws java.io.IOException {
        put("releases", "anonymous", new byte[0]);
        var connection = (java.net.HttpURLConnection) URI.create(endpoint() + "/" + bucket("releases") + "/anonymous").toURL().openConnection();
        try {
            return connection.getResponseCode() == 200;
        } finally {
            connection.disconnect();
            client().deleteObject(request -> request.bucket(bucket("releases")).key("anonymous"));
        }
    }

    void put(String role, String key, byte[] bytes) {
        client().putObject(request -> request.bucket(bucket(role)).key(key), RequestBody.fromBytes(bytes));
    }

    byte[] get(String role, String key) {
        return client().getObjectAsBytes(request -> request.bucket(bucket(role)).key(key)).asByteArray();
    }

    /** Key to ETag of everything in a bucket. */
    SortedMap<String, String> content(String role) {
        SortedMap<String, String> content = new TreeMap<>();
        client().listObjectsV2Paginator(request -> request.bucket(bucket(role))).contents()
                .forEach(object -> content.put(object.key(), object.eTag()));
        return content;
    }

    /** releng.json of an environment {@code test} on this server, pushing to the given repository, and images to these. */
    String config(Path repository, String... registries) {
        StringBuilder json = new StringBuilder("{\"environments\": {\"test\": {");
        for (String role : List.of("releases", "cache", "docs", "install")) {
            json.append("\"").append(role).append("\": \"").append(bucket(role)).append("\", ");
        }
        return json.append("\"endpoint\": \"").append(endpoint()).append("\", \"region\": \"").append(region())
                .append("\", \"registries\": [")
                .append(String.join(", ", Stream.of(registries).map(registry -> "\"" + registry + "\"").toList())).append("], \"git\": \"").append(repository).append("\"}}}\n").toString();
    }

    /** Gives the checkout keys of this store, and a new one, made in the folder, to sign its cache with. */
    void open(Checkout checkout, Path folder) throws IOException {
        credentials().forEach(checkout::with);
        Path secret = folder.resolve("key");
        Exec.of("nix-store", "--generate-binary-cache-key", "test-1", secret.toString(), folder.resolve("key.pub").toString()).orFail("key", "");
        checkout.with("RELENG_SIGNING_KEY", Files.readString(secret));
    }

    Map<String, String> credentials() {
        return Map.of("AWS_ACCESS_KEY_ID", id(), "AWS_SECRET_ACCESS_KEY", secret());
    }

    @Override
    public void close() {
        opened.forEach(ObjectStore::close);
        for (String bucket : buckets) {
            client().listObjectsV2Paginator(request -> request.bucket(bucket)).contents()
                    .forEach(object -> client().deleteObject(request -> request.bucket(bucket).key(object.key())));
            client().deleteBucket(request -> request.bucket(bucket));
        }
    }
}
