import java.io.BufferedReader;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.UUID;
import lib.base.Console;
import lib.base.Exec;
import lib.base.Fault;
import lib.s3.Embedded;
import software.amazon.awssdk.auth.credentials.AnonymousCredentialsProvider;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.checksums.RequestChecksumCalculation;
import software.amazon.awssdk.http.apache5.Apache5HttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.ObjectIdentifier;

/** A bucket of its own on an S3 server, seen with a client of its own: not the one that is measured. */
final class Target implements AutoCloseable {

    private final URI endpoint;
    private final String region;
    private final String id;
    private final String secret;
    private final Optional<AutoCloseable> server; // none where it was given
    private final S3Client client;
    private final String bucket = "releng-bench-" + UUID.randomUUID().toString().substring(0, 8);
    private final List<String> others = new ArrayList<>();
    private int prefixes;

    private Target(URI endpoint, String region, String id, String secret, Optional<AutoCloseable> server) {
        this.endpoint = endpoint;
        this.region = region;
        this.id = id;
        this.secret = secret;
        this.server = server;
        AwsCredentialsProvider keys = id.isEmpty() ? AnonymousCredentialsProvider.create()
                : StaticCredentialsProvider.create(AwsBasicCredentials.create(id, secret));
        client = S3Client.builder().endpointOverride(endpoint).region(Region.of(region)).forcePathStyle(true).credentialsProvider(keys)
                .requestChecksumCalculation(RequestChecksumCalculation.WHEN_REQUIRED)
                .httpClientBuilder(Apache5HttpClient.builder()).build();
        client.createBucket(request -> request.bucket(bucket));
    }

    /** The server RELENG_TEST_S3_ENDPOINT names, or else the embedded one, in a process of its own. */
    static Target signed(Path folder, Map<String, String> env, Console console) throws IOException {
        String given = env.get("RELENG_TEST_S3_ENDPOINT");
        if (given == null) {
            Embedded server = Embedded.start(Files.createDirectories(folder), List.of(), env, console);
            return new Target(server.endpoint(), "local", server.id(), server.secret(), Optional.of(server));
        }
        List<String> unset = List.of("RELENG_TEST_S3_KEY", "RELENG_TEST_S3_SECRET").stream().filter(name -> !env.containsKey(name)).toList();
        if (!unset.isEmpty()) {
            throw Fault.usage("RELENG_TEST_S3_ENDPOINT is set without its keys", String.join(" and ", unset) + " must be set, too",
                    "set them, or unset the endpoint to use the embedded server");
        }
        return new Target(URI.create(given), env.getOrDefault("RELENG_TEST_S3_REGION", "local"), env.get("RELENG_TEST_S3_KEY"),
                env.get("RELENG_TEST_S3_SECRET"), Optional.empty());
    }

    /** The embedded server once more, without authentication. */
    static Target open(Path folder, Map<String, String> env) throws IOException {
        Exec exec = Exec.of(Home.launcher(env), Home.folder().resolve("tests/bench/OpenStore.java").toString(),
                Files.createDirectories(folder).toString()).baseEnv(env);
        Process process = exec.start();
        StringBuilder said = new StringBuilder();
        Thread errors = new Thread(() -> process.errorReader(StandardCharsets.UTF_8).lines().forEach(line -> said.append(line).append('\n')));
        errors.setDaemon(true);
        errors.start();
        BufferedReader out = process.inputReader(StandardCharsets.UTF_8);
        String endpoint = out.readLine();
        if (endpoint == null) {
            throw Fault.failed("the open object store did not start", said.toString(), "fix what it reports, or leave out floor with --peers");
        }
        return new Target(URI.create(endpoint), "local", "", "", Optional.of(() -> {
            process.getOutputStream().close(); // Exec's guard ends it
            process.waitFor();
        }));
    }

    URI endpoint() {
        return endpoint;
    }

    String region() {
        return region;
    }

    String id() {
        return id;
    }

    String secret() {
        return secret;
    }

    String bucket() {
        return bucket;
    }

    /** A further bucket, made by the first who asks for it; gone with the target. */
    String bucket(String role) {
        String other = bucket + "-" + role;
        if (!others.contains(other)) {
            client.createBucket(request -> request.bucket(other));
            others.add(other);
        }
        return other;
    }

    /** A prefix nothing was ever sent to, ending in a slash. */
    String freshPrefix() {
        return "run-" + ++prefixes + "/";
    }

    /** The size of every object below a prefix, by the rest of its key. */
    SortedMap<String, Long> sizes(String prefix) {
        return sizes(bucket, prefix);
    }

    private SortedMap<String, Long> sizes(String bucket, String prefix) {
        SortedMap<String, Long> sizes = new TreeMap<>();
        client.listObjectsV2Paginator(request -> request.bucket(bucket).prefix(prefix)).contents()
                .forEach(object -> sizes.put(object.key().substring(prefix.length()), object.size()));
        return sizes;
    }

    void empty(String prefix) {
        empty(bucket, prefix);
    }

    /** All that was sent to the further buckets. */
    void emptyOthers() {
        others.forEach(other -> empty(other, ""));
    }

    private void empty(String bucket, String prefix) {
        List<ObjectIdentifier> all = new ArrayList<>();
        sizes(bucket, prefix).keySet().forEach(key -> all.add(ObjectIdentifier.builder().key(prefix + key).build()));
        for (int i = 0; i < all.size(); i += 1000) {
            List<ObjectIdentifier> some = all.subList(i, Math.min(i + 1000, all.size()));
            var errors = client.deleteObjects(request -> request.bucket(bucket).delete(delete -> delete.objects(some).quiet(true))).errors();
            if (!errors.isEmpty()) {
                throw Fault.failed("s3://" + bucket + "/" + prefix + " could not be emptied", errors.get(0).toString(), "look at the server");
            }
        }
    }

    /** Ends a server of ours, whose folder goes anyway; leaves nothing on one that was given. */
    @Override
    public void close() throws Exception {
        try {
            if (server.isPresent()) {
                server.get().close();
            } else {
                empty("");
                emptyOthers();
                others.forEach(other -> client.deleteBucket(request -> request.bucket(other)));
                client.deleteBucket(request -> request.bucket(bucket));
            }
        } finally {
            client.close();
        }
    }
}
