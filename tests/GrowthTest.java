import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import lib.base.FileTree;
import lib.config.Limits;
import lib.nix.Nix;
import lib.oci.BuiltImage;
import lib.release.BuiltRelease;
import lib.release.Growth;
import lib.release.Version;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What build says of sizes, compared with the release before. */
class GrowthTest {

    private static final String GROWN = "mkdir -p \"$out/lib\"\n    awk 'BEGIN { srand(1); while (i++ < 150000) printf \"%c\", int(rand() * 256) }' > \"$out/lib/grown\"";

    @TempDir
    Path folder;

    private static Checkout.Run built(int exit, Checkout.Run run, String... saying) {
        assertEquals(exit, run.exit(), run.err());
        for (String text : saying) {
            assertTrue(run.err().contains(text), text + "\nnot in\n" + run.err());
        }
        return run;
    }

    /** The sample's release with more in a library, and the old one beside it. */
    private Checkout grown() throws IOException {
        Checkout checkout = Released.copy(folder.resolve("checkout"));
        FileTree.copy(checkout.folder.resolve("release"), folder.resolve("before"));
        String text = checkout.read("package.nix");
        assertTrue(text.contains("mkdir -p \"$out/lib\"\n"), text);
        checkout.write("package.nix", text.replace("mkdir -p \"$out/lib\"", GROWN));
        checkout.git("commit", "--quiet", "-a", "-m", "more");
        checkout.git("tag", "--force", "-a", "-m", "2.95.0", "2.95.0");
        return checkout;
    }

    @Test
    void growthIsShownAndAboveItsLimitRefused() throws IOException {
        Checkout checkout = grown();
        String before = folder.resolve("before").toString();
        Map<String, Path> old = FileTree.files(checkout.folder.resolve("release"));
        String sum = FileTree.sha256(checkout.folder.resolve("release/release.json"));

        checkout.write("releng.json", "{\"limits\": {\"closure\": 10, \"files\": 10}}");
        Checkout.Run run = built(3, checkout.run(new build(), "--against", before, "--allow-growth=files"), "Comparing sizes with 2.95.0 (" + before + ")",
                "    image x86_64-linux  ", "warning: images: image aarch64-linux has grown by +", "more than 25 %", "warning: files: nix-VERSION-x86_64-linux.tar.xz has grown by +",
                "the release has grown above its limits", "\n  closure: build.x86_64-linux has grown by +", "more than 10 %", "--allow-growth");
        assertFalse(run.err().contains("\n  files: ") || run.err().contains("files: lix-VERSION.tar.gz"), run.err());
        assertEquals(old.keySet(), FileTree.files(checkout.folder.resolve("release")).keySet());
        assertEquals(sum, FileTree.sha256(checkout.folder.resolve("release/release.json")), "release/ is as it was");
        built(0, checkout.run(new build(), "--against", before + "/release.json", "--allow-growth"), "warning: closure: build.x86_64-linux", "ok: ");

        built(2, checkout.run(new build(), "--against", "nowhere"), "nowhere", "no environment has that name");
        built(2, checkout.run(new build(), "--against", "local"), "the environment local has no public address of its releases");
        built(2, checkout.run(new build(), "--allow-growth=size"), "size");
        checkout.write("releng.json", "{\"limits\": {\"closure\": -1, \"image\": 3}}");
        built(1, checkout.run(new build()), "limits: closure is per cent of growth", "limits.image is not a known key; known: closure, files, images");
    }

    /** The files below the folder; {@code null} for what is not there answers 404. */
    private static HttpServer serve(Path root) throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            Path file = root.resolve(exchange.getRequestURI().getPath().substring(1));
            byte[] bytes = Files.isRegularFile(file) ? Files.readAllBytes(file) : new byte[0];
            exchange.sendResponseHeaders(Files.isRegularFile(file) ? 200 : 404, bytes.length == 0 ? -1 : bytes.length);
            exchange.getResponseBody().write(bytes);
            exchange.close();
        });
        server.start();
        return server;
    }

    @Test
    void aCloneOfTheProjectIsComparedWithWhatIsOutOnLive() throws IOException {
        Checkout checkout = Released.copy(folder.resolve("checkout"));
        Path root = Files.createDirectories(folder.resolve("public"));
        HttpServer server = serve(root);
        String address = "http://127.0.0.1:" + server.getAddress().getPort();
        String home = "file://" + folder.resolve("home");
        String live = "\"environments\": {\"live\": {\"git\": \"" + home + "\", \"urls\": {\"releases\": \"" + address + "\", \"docs\": \"" + address + "\"}}}";
        try {
            checkout.write("releng.json", "{\"limits\": {\"files\": 10}, " + live + "}");
            checkout.git("remote", "add", "home", home);
            built(0, checkout.run(new build()), "sizes are not compared: live has no release with a release.json yet");

            FileTree.copy(checkout.folder.resolve("release/artifacts"), root);
            Files.copy(checkout.folder.resolve("release/release.json"), root.resolve("lix/lix-2.95.0/release.json"));
            // A newer MAJOR is out: what counts is the last release of our own.
            Files.writeString(root.resolve("manifest.nix"), Files.readString(root.resolve("manifest.nix")).replace("2.95.0", "2.96.1"));
            Files.createDirectories(root.resolve("manual/lix/2.95"));
            Files.writeString(root.resolve("manual/lix/2.95/releng-version.txt"), "2.95.0\n");
            built(0, checkout.run(new build()), "Comparing sizes with 2.95.0 (live)", "    18 of about the same size");

            Files.writeString(root.resolve("lix/lix-2.95.0/release.json"), "{}");
            built(3, checkout.run(new build(), "--against", "live"), "the sizes of the release before are not known", address + "/lix/lix-2.95.0/release.json was not written by build");
        } finally {
            server.stop(0);
        }
        built(3, checkout.run(new build()), "the sizes of the release before are not known", address + "/manifest.nix does not answer", "--against");
        checkout.write("releng.json", "{" + live + "}");
        built(0, checkout.run(new build()), "sizes are not compared: " + address + "/manifest.nix does not answer", "ok: ");
    }

    /** A release of one build with an output {@code out} of so many bytes, which refers to some packages, and an image of so many layers. */
    private static BuiltRelease release(String version, long size, int layers, List<String> packages, Map<String, Long> files) {
        String hash = "0".repeat(32);
        SortedMap<String, Nix.PathInfo> closure = new TreeMap<>();
        List<String> references = packages.stream().map(name -> "/nix/store/" + hash + "-" + name).sorted().toList();
        references.forEach(path -> closure.put(path, new Nix.PathInfo(path, "sha256:" + "0".repeat(52), 1_000_000, List.of())));
        String out = "/nix/store/" + hash + "-lix-" + version;
        String drv = out + ".drv";
        closure.put(out, new Nix.PathInfo(out, "sha256:" + "0".repeat(52), size, references));
        closure.put(drv, new Nix.PathInfo(drv, "sha256:" + "0".repeat(52), 5_000_000, List.of()));
        List<BuiltImage.Layer> stack = new ArrayList<>();
        for (int i = 0; i < layers; i++) {
            stack.add(new BuiltImage.Layer(i + ".tar", "sha256:" + i, 0, "sha256:" + i, size, "gzip"));
        }
        BuiltImage image = new BuiltImage("image", "x86_64-linux", "sha256:0", 0, "linux", "amd64", Optional.empty(), new TreeMap<>(), stack);
        return new BuiltRelease("all", Version.of(version), "name", true, "0".repeat(40), Optional.of(version), "x86_64-linux", "all",
                files.entrySet().stream().map(file -> new BuiltRelease.BuiltFile(file.getKey(), file.getValue(), "0")).toList(), List.of(image),
                List.of(new Nix.Job("build.x86_64-linux", "x86_64-linux", drv, new TreeMap<>(Map.of("out", out))))).withClosure(closure);
    }

    @Test
    void theTableShowsWhatChangedWhatCameAndWhatWent() {
        String folder = "artifacts/lix/lix-";
        BuiltRelease before = release("2.94.0", 10_000_000, 2, List.of("boost-1.81", "zlib-1.3", "lix-util-2.94.0"), Map.of(folder + "2.94.0/lix-2.94.0.tar.gz", 900L,
                folder + "2.94.0/old.tar.gz", 7L, folder + "2.94.0/manual/index.html", 5L, "manual/index.html", 200_000L, folder + "2.94.0/notes", 10L));
        BuiltRelease now = release("2.95.0", 14_000_000, 3, List.of("boost-1.87", "zlib-1.3", "lix-util-2.95.0"), Map.of(folder + "2.95.0/lix-2.95.0.tar.gz", 950L,
                folder + "2.95.0/lix-2.95.0.tar.gz.sha256", 64L, folder + "2.95.0/a-file-with-a-name-that-is-much-longer-than-a-table-is-wide-x86_64-linux.tar.gz", 123_000_000L,
                "manual/index.html", 150_000L, folder + "2.95.0/notes", 10L));
        Growth growth = new Growth(before, now);
        List<String> table = growth.table();
        assertEquals(List.of(
                "build.x86_64-linux                                  13 MB    17 MB     +31 %",
                "image x86_64-linux                                  20 MB    42 MB    +110 %",
                "image x86_64-linux, layers                              2        3     +50 %",
                "a-file-with-a-name-that-is-much-longer-than-a...        -   123 MB       new",
                "lix-VERSION.tar.gz                                  900 B    950 B      +6 %",
                "old.tar.gz                                            7 B        -      gone",
                "the manual's pages                                 200 kB   150 kB     -25 %",
                "and 1 of about the same size",
                "came: boost-1.87, 1.0 MB",
                "went: boost-1.81, 1.0 MB"), table);
        assertTrue(table.stream().allMatch(line -> line.length() <= 76), "with its indentation, it fits 80 columns");
        assertEquals(List.of("closure: build.x86_64-linux has grown by +31 %, from 13 MB to 17 MB; more than 25 %",
                "images: image x86_64-linux has grown by +110 %, from 20 MB to 42 MB; more than 25 %"), growth.notable(Limits.NONE));
        assertEquals(List.of(), growth.above(Limits.NONE));
        Limits limits = new Limits(Map.of(Limits.Kind.closure, 31L, Limits.Kind.files, 0L));
        assertEquals(List.of(), growth.above(new Limits(Map.of(Limits.Kind.closure, 31L))));
        assertEquals(1, growth.above(new Limits(Map.of(Limits.Kind.closure, 30L))).size());
        assertEquals(List.of(), growth.above(limits), "a file that grew by 50 bytes has not grown, and a new one neither");
        assertEquals(1, growth.notable(limits).size());
        assertEquals(List.of("7 of about the same size"), new Growth(now, now).table());
    }
}
