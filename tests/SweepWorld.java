import java.io.IOException;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.UserDefinedFileAttributeView;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import lib.base.FileTree;
import lib.s3.local.LocalStore;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.http.apache5.Apache5HttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.S3Object;

/**
 * An object store, a registry, a repository and a checkout that one run after the other has to itself. Store and
 * registry are servers of our own, so that their folders can be put back to the old release by copying.
 */
final class SweepWorld implements AutoCloseable {

    private final Path folder;
    private final Checkout checkout;
    private final LocalStore store;
    private final DockerRegistry registry;
    private final S3Client client;

    private SweepWorld(Path folder, Checkout checkout, Path secret) throws Exception {
        this.folder = folder;
        this.checkout = checkout;
        this.store = new LocalStore(folder.resolve("buckets"));
        this.registry = DockerRegistry.open(folder.resolve("registry"));
        this.client = S3Client.builder().endpointOverride(store.endpoint()).region(Region.of("local")).forcePathStyle(true)
                .credentialsProvider(StaticCredentialsProvider.create(AwsBasicCredentials.create(store.id(), store.secret())))
                .httpClientBuilder(Apache5HttpClient.builder()).build();
        checkout.with("AWS_ACCESS_KEY_ID", store.id()).with("AWS_SECRET_ACCESS_KEY", store.secret())
                .with("RELENG_SIGNING_KEY", Files.readString(secret));
    }

    /** Nothing published yet. */
    static SweepWorld empty(SweepReleases releases, Checkout checkout, Path folder) throws Exception {
        for (String bucket : SweepReleases.BUCKETS) {
            Files.createDirectories(folder.resolve("buckets").resolve(bucket));
        }
        checkout.git("init", "--quiet", "--bare", folder.resolve("remote.git").toString());
        return new SweepWorld(folder, checkout, releases.secret());
    }

    /** The old release published, the next one built. */
    static SweepWorld of(SweepReleases releases, Path folder) throws Exception {
        Files.createDirectories(folder.resolve("buckets"));
        SweepWorld world = new SweepWorld(folder, releases.checkout(folder.resolve("checkout")), releases.secret());
        world.restore(releases);
        return world;
    }

    /** Puts buckets, images and repository back to where the old release left them. */
    void restore(SweepReleases releases) throws IOException {
        FileTree.remove(registry.data()); // to it an empty folder is a tag
        for (String part : List.of("buckets", "registry/data", "remote.git")) {
            restore(releases.base().resolve(part), folder.resolve(part));
        }
        FileTree.remove(checkout.folder.resolve(".git/releng/staging-test"));
    }

    // What has the same time and size was not touched. A copy with its attributes has an object's metadata, too.
    private static void restore(Path from, Path to) throws IOException {
        Map<String, Path> wanted = FileTree.files(from);
        if (Files.exists(to)) {
            for (Map.Entry<String, Path> file : FileTree.files(to).entrySet()) {
                Path original = wanted.get(file.getKey());
                if (original != null && Files.getLastModifiedTime(original).equals(Files.getLastModifiedTime(file.getValue()))
                        && Files.size(original) == Files.size(file.getValue())) {
                    wanted.remove(file.getKey());
                } else {
                    Files.delete(file.getValue());
                }
            }
        }
        try (Stream<Path> folders = Files.walk(from).filter(Files::isDirectory)) {
            for (Path folder : (Iterable<Path>) folders::iterator) {
                Files.createDirectories(to.resolve(from.relativize(folder).toString()));
            }
        }
        for (Map.Entry<String, Path> file : wanted.entrySet()) {
            Files.copy(file.getValue(), to.resolve(file.getKey()), StandardCopyOption.COPY_ATTRIBUTES);
        }
    }

    LocalStore store() {
        return store;
    }

    Path bucket(String bucket) {
        return folder.resolve("buckets").resolve(bucket);
    }

    Checkout checkout() {
        return checkout;
    }

    Checkout remote() {
        return checkout.at(folder.resolve("remote.git"));
    }

    DockerRegistry registry() {
        return registry;
    }

    /** A proxy in front of store and registry, which upload talks to from now on. */
    FaultProxy proxied() throws IOException {
        FaultProxy proxy = new FaultProxy(store.endpoint()).registry(registry.endpoint());
        point(proxy.endpoint(), proxy.endpoint().getAuthority());
        return proxy;
    }

    /** Has upload talk to store and registry themselves. */
    void direct() throws IOException {
        point(store.endpoint(), registry.host());
    }

    /** Has another checkout's upload go here, too, and to store and registry themselves. */
    Checkout manager(Path folder) throws IOException {
        Checkout manager = checkout.at(folder);
        point(manager, store.endpoint(), registry.host());
        return manager;
    }

    private void point(URI endpoint, String host) throws IOException {
        point(checkout, endpoint, host);
    }

    private void point(Checkout checkout, URI endpoint, String host) throws IOException {
        StringBuilder json = new StringBuilder("{\"environments\": {\"test\": {");
        SweepReleases.BUCKETS.forEach(bucket -> json.append("\"").append(bucket).append("\": \"").append(bucket).append("\", "));
        checkout.write("releng.json", json.append("\"endpoint\": \"").append(endpoint).append("\", \"region\": \"local\", \"registries\": [\"")
                .append(host).append('/').append(SweepReleases.IMAGES).append("\"], \"git\": \"")
                .append(folder.resolve("remote.git")).append("\"}}}\n").toString());
    }

    /** upload in this process. */
    Checkout.Run upload() {
        return checkout.run(new upload(), "--env", "test", "--noconfirm");
    }

    /** upload as a process of its own, on the tests' class path, as upload.java has it run. */
    Process forked() throws IOException {
        ProcessBuilder builder = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Dslf4j.provider=org.slf4j.nop.NOPServiceProvider",
                "-cp", System.getProperty("java.class.path"), "upload", "--env", "test", "--noconfirm")
                .directory(checkout.folder.toFile()).redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .redirectError(folder.resolve("said").toFile());
        builder.environment().clear();
        builder.environment().putAll(checkout.env());
        return builder.start();
    }

    /** What the last forked upload said. */
    String said() throws IOException {
        return Files.readString(folder.resolve("said"));
    }

    /** Until the server has dropped what it was writing, as KEY-UUID, for a client that is gone. */
    void awaitIdle() throws IOException, InterruptedException {
        // Polled, with an end: the server drops it when it likes, and tells nobody.
        for (long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20); ; Thread.sleep(10)) {
            List<String> partial = new ArrayList<>();
            for (String bucket : SweepReleases.BUCKETS) {
                FileTree.files(bucket(bucket)).keySet().stream().filter(key -> key.matches("[^.].*-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")).forEach(partial::add);
            }
            if (partial.isEmpty()) {
                return;
            }
            if (System.nanoTime() > end) {
                throw new IllegalStateException("the server left behind " + partial);
            }
        }
    }

    /** Everything consumers can see: each object with its digest, ETag and metadata, and each reference. */
    SortedMap<String, String> state() throws IOException {
        SortedMap<String, String> state = new TreeMap<>();
        for (String bucket : SweepReleases.BUCKETS) {
            // The listing decides what is there; bytes and metadata are read where the server has them, which is quicker.
            for (S3Object object : client.listObjectsV2Paginator(request -> request.bucket(bucket)).contents()) {
                Path file = bucket(bucket).resolve(object.key());
                state.put(bucket + "/" + object.key(), object.key().matches("lix/lix-[^/]*/index.html") ? page(file) : FileTree.sha256(file) + " " + object.eTag() + " " + attributes(file));
            }
        }
        registry.state().forEach((key, digest) -> state.put("images/" + key, digest));
        remote().git("for-each-ref").lines().forEach(line -> state.put(line.split("\t")[1], line));
        return state;
    }

    // It names the registry, whose address is another in each world, and behind a proxy.
    private static String page(Path file) throws IOException {
        return FileTree.sha256(Files.readString(file).replaceAll("\\b(127\\.0\\.0\\.1|localhost):\\d+/", "HOST/").getBytes(StandardCharsets.UTF_8));
    }

    // What the server answers as headers: content type, cache control, user metadata.
    private static SortedMap<String, String> attributes(Path file) throws IOException {
        SortedMap<String, String> attributes = new TreeMap<>();
        UserDefinedFileAttributeView view = Files.getFileAttributeView(file, UserDefinedFileAttributeView.class);
        for (String name : view.list()) {
            ByteBuffer value = ByteBuffer.allocate(view.size(name));
            view.read(name, value);
            boolean text = !name.endsWith("md5");
            attributes.put(name, text ? new String(value.array(), StandardCharsets.UTF_8) : HexFormat.of().formatHex(value.array()));
        }
        return attributes;
    }

    @Override
    public void close() throws Exception {
        client.close();
        registry.close();
        store.close();
    }
}
