import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import lib.base.Cli;
import lib.base.Console;
import lib.base.Exec;
import software.amazon.awssdk.services.s3.model.S3Object;

/** Release managers, each with a checkout and a release of their own, who publish to one environment. */
final class Managers implements AutoCloseable {

    final Store store = new Store();
    private final Path folder;
    private final Path secret;

    Managers(Path folder) {
        this.folder = folder;
        this.secret = folder.resolve("key");
        Exec.of("nix-store", "--generate-binary-cache-key", "test-1", secret.toString(), folder.resolve("key.pub").toString()).orFail("key", "");
    }

    /** The checkout of one who has prepared, tagged and built this version. */
    Checkout release(String version, String... registries) throws IOException {
        Checkout checkout = Released.copy(version, folder.resolve(version));
        Path remote = folder.resolve(version + ".git");
        checkout.git("init", "--quiet", "--bare", remote.toString());
        checkout.write("releng.json", store.config(remote, registries));
        store.credentials().forEach(checkout::with);
        return checkout.with("RELENG_SIGNING_KEY", Files.readString(secret));
    }

    static Checkout.Run upload(Checkout checkout, String... arguments) {
        List<String> line = new ArrayList<>(List.of("--env", "test", "--noconfirm"));
        line.addAll(List.of(arguments));
        return checkout.run(new upload(), line.toArray(new String[0]));
    }

    static Checkout.Run assertDone(Checkout.Run run) {
        assertEquals(0, run.exit(), run.err());
        return run;
    }

    /** upload by one who thinks about the question while something else happens, and then says yes. */
    static Checkout.Run confirmedAfter(Runnable meanwhile, Checkout checkout, String... arguments) {
        InputStream typed = new ByteArrayInputStream("I want to release this to test\n".getBytes(StandardCharsets.UTF_8)) {
            private boolean asked;

            @Override
            public synchronized int read(byte[] into, int offset, int length) {
                if (!asked) {
                    asked = true;
                    meanwhile.run();
                }
                return super.read(into, offset, length);
            }
        };
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        Console console = new Console(typed, new PrintStream(out, true, StandardCharsets.UTF_8), new PrintStream(err, true, StandardCharsets.UTF_8), false, false);
        List<String> line = new ArrayList<>(List.of("--env", "test"));
        line.addAll(List.of(arguments));
        int exit = Cli.run(new upload(), new Cli.Session(console, checkout.folder, checkout.env()), line.toArray(new String[0]));
        return new Checkout.Run(exit, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
    }

    /** Moves the pointer to where it is, until the store's clock, which counts seconds, tells that from what was sent before it. */
    void settle() {
        byte[] manifest = store.get("releases", "manifest.nix");
        Instant last = Stream.of("releases", "cache").flatMap(role -> store.client().listObjectsV2Paginator(request -> request.bucket(store.bucket(role))).contents().stream())
                .filter(object -> !object.key().equals("manifest.nix")).map(S3Object::lastModified).max(Comparator.naturalOrder()).orElseThrow();
        long end = System.nanoTime() + Duration.ofSeconds(20).toNanos();
        do {
            assertTrue(System.nanoTime() < end, "the store's clock stands still");
            store.put("releases", "manifest.nix", manifest);
        } while (!store.client().headObject(request -> request.bucket(store.bucket("releases")).key("manifest.nix")).lastModified().isAfter(last.truncatedTo(ChronoUnit.SECONDS)));
    }

    /** The root manifest.nix. */
    String manifest() {
        return new String(store.get("releases", "manifest.nix"), StandardCharsets.UTF_8);
    }

    /** Each page of the manual at a place, and its ETag; what says of which version they are, too. */
    Map<String, String> manual(String which) {
        String prefix = "manual/lix/" + which + "/";
        Map<String, String> below = new TreeMap<>();
        store.content("docs").forEach((key, etag) -> {
            if (key.startsWith(prefix)) {
                below.put(key.substring(prefix.length()), etag);
            }
        });
        return below;
    }

    @Override
    public void close() {
        store.close();
    }
}
