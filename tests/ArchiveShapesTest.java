import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.github.luben.zstd.ZstdOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.zip.GZIPOutputStream;
import lib.base.Console;
import lib.base.Exec;
import lib.base.Fault;
import lib.base.Json;
import lib.http.Network;
import lib.http.Tuning;
import lib.oci.BuiltImage;
import lib.oci.DockerArchive;
import lib.oci.ImageStore;
import lib.oci.OciLayout;
import lib.oci.Registry;
import lib.publish.Images;
import lib.publish.Plan;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Images as all kinds of programs write them: what docker load and skopeo take is taken and comes out the same; the rest is refused with its reason. */
class ArchiveShapesTest {

    private static final byte[] LOWER = DockerArchiveTest.LOWER;
    private static final byte[] UPPER = DockerArchiveTest.UPPER;

    @TempDir
    Path folder;
    private int count;

    /** An archive, not packed yet; skopeo is asked about it, too, where it reads what docker does. */
    private final class Shape {
        private final List<DockerArchiveTest.Entry> entries = new ArrayList<>();

        Shape file(String name, byte[] bytes) {
            entries.add(DockerArchiveTest.Entry.file(name, bytes));
            return this;
        }

        Shape link(String name, String target) {
            entries.add(DockerArchiveTest.Entry.link(name, target));
            return this;
        }

        byte[] tar() {
            return DockerArchiveTest.tar(entries);
        }
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static String sha256(byte[] bytes) {
        return DockerArchiveTest.sha256(bytes);
    }

    /** An image of one layer. */
    private byte[] image(byte[] plain, byte[] stored) {
        return new Shape().file("c.json", DockerArchiveTest.config(plain)).file("l.tar", stored).file("manifest.json", DockerArchiveTest.manifest("c.json", "l.tar")).tar();
    }

    private byte[] image(byte[] layer) {
        return image(layer, layer);
    }

    private void assertTaken(String what, byte[] archive) throws IOException {
        assertTaken(what, archive, true);
    }

    /** It is read, published, and comes out as it was built; which is what skopeo makes of it, too. */
    private void assertTaken(String what, byte[] archive, boolean skopeo) throws IOException {
        Path root = Files.createDirectory(folder.resolve("taken" + count++));
        Path file = Files.write(root.resolve("image.tar"), archive);
        DockerArchive.Image image;
        try {
            image = DockerArchive.read(file);
        } catch (Fault fault) {
            throw new AssertionError(what, fault);
        }
        BuiltImage built = image.built("image.tar", "aarch64-linux");
        OciLayout layout = new OciLayout(root.resolve("layout"));
        publish(layout, root, built);
        List<String> digests = new ArrayList<>(List.of(built.id()));
        built.layers().forEach(layer -> digests.add(layer.diffId()));
        assertEquals(digests, digests(root, layout.name() + ":1"), what);
        if (skopeo) {
            assertEquals(digests, digests(root, "docker-archive:" + file), what + ", says skopeo");
        }
    }

    private void assertRegistryTakes(byte[] archive) throws IOException {
        Path root = Files.createDirectory(folder.resolve("registry"));
        BuiltImage built = DockerArchive.read(Files.write(root.resolve("image.tar"), archive)).built("image.tar", "aarch64-linux");
        try (DockerRegistry server = DockerRegistry.open(root.resolve("server"));
                Registry registry = new Registry(server.host() + "/lix/lix", Optional.empty(), List.of(), true, Tuning.DEFAULT, Network.PLAIN)) {
            publish(registry, root, built);
            assertEquals(List.of(built.id()), digests(root, "docker://" + server.host() + "/lix/lix:1", "--src-tls-verify=false"));
        }
    }

    private static void publish(ImageStore store, Path root, BuiltImage built) throws IOException {
        PrintStream nowhere = new PrintStream(OutputStream.nullOutputStream());
        new Plan().add(new Images(List.of(store), root, List.of(built), "1", false, Tuning.DEFAULT))
                .run(new Console(InputStream.nullInputStream(), nowhere, nowhere, false, false), 2);
    }

    /** The config's and the layers', when skopeo has copied the image and unpacked its layers. */
    private List<String> digests(Path root, String from, String... options) throws IOException {
        Path to = root.resolve("out" + count++);
        List<String> command = new ArrayList<>(List.of("skopeo", "--override-os", "linux", "--override-arch", "arm64", "--override-variant", "v8", "copy", "--quiet", "--dest-decompress"));
        command.addAll(List.of(options));
        command.addAll(List.of(from, "dir:" + to));
        Exec.of(command.toArray(String[]::new)).orFail("skopeo", "");
        JsonNode manifest = Json.MAPPER.readTree(Files.readAllBytes(to.resolve("manifest.json")));
        List<String> digests = new ArrayList<>(List.of(manifest.path("config").path("digest").asText()));
        manifest.path("layers").forEach(layer -> digests.add(layer.path("digest").asText()));
        return digests;
    }

    private void assertRefused(String said, byte[] archive) throws IOException {
        Path file = Files.write(folder.resolve("refused.tar"), archive);
        Fault fault = assertThrows(Fault.class, () -> DockerArchive.read(file), said);
        assertTrue(fault.getMessage().contains(said), said + "\nnot in\n" + fault.getMessage());
    }

    /** What GNU tar makes of some files. */
    private byte[] gnuTar(Map<String, byte[]> files, String... options) throws IOException {
        Path from = Files.createDirectory(folder.resolve("files" + count++));
        for (Map.Entry<String, byte[]> file : files.entrySet()) {
            Files.createDirectories(from.resolve(file.getKey()).getParent());
            withHoles(from.resolve(file.getKey()), file.getValue());
        }
        Path to = folder.resolve("gnu" + count++ + ".tar");
        List<String> command = new ArrayList<>(List.of("tar", "--create", "--file=" + to, "--directory=" + from));
        command.addAll(List.of(options));
        command.addAll(files.keySet());
        Exec.of(command.toArray(String[]::new)).orFail("tar", "");
        return Files.readAllBytes(to);
    }

    // Where tar looks for holes, only blocks are written that are not zero.
    private static void withHoles(Path file, byte[] content) throws IOException {
        try (RandomAccessFile out = new RandomAccessFile(file.toFile(), "rw")) {
            out.setLength(content.length);
            for (int at = 0; at < content.length; at += 4096) {
                byte[] block = Arrays.copyOfRange(content, at, Math.min(content.length, at + 4096));
                if (!Arrays.equals(block, new byte[block.length])) {
                    out.seek(at);
                    out.write(block);
                }
            }
        }
    }

    private static final List<String> FORMATS = List.of("v7", "oldgnu", "gnu", "ustar", "posix");
    private static final List<List<String>> SPARSE = List.of(List.of("--format=oldgnu", "--sparse"), List.of("--format=gnu", "--sparse"), List.of("--format=posix", "--sparse", "--sparse-version=0.0"),
            List.of("--format=posix", "--sparse", "--sparse-version=0.1"), List.of("--format=posix", "--sparse", "--sparse-version=1.0"));

    @Test
    void layersOfEveryFormatOfTarAreTaken() throws IOException {
        for (String format : FORMATS) {
            byte[] layer = gnuTar(Map.of("etc/motd", utf8("hello\n"), "opt/" + "long/".repeat(9) + "name", new byte[100_000]), "--format=" + format);
            assertTaken(format, image(layer));
        }
        assertTaken("zeros", image(new byte[10_240]));
        assertTaken("one block of zeros", image(new byte[512]));
        assertTaken("nothing", image(new byte[0]));
        assertTaken("zeros, gzipped", image(new byte[10_240], DockerArchiveTest.compressed(new byte[10_240], GZIPOutputStream::new)));
        assertTaken("without its end", image(new RawTar().file("a", utf8("a")).unended()));
        assertTaken("with one block for its end", image(new RawTar().file("a", utf8("a")).raw(new byte[512]).unended()));
        assertTaken("with more behind its end", image(new RawTar().file("a", utf8("a")).raw(new byte[1024]).raw(utf8("more")).unended()));
        assertTaken("a name that begins as JSON does", image(new RawTar().raw(RawTar.header("{\"a\":", '\0', RawTar.octal(0), "", RawTar.V7)).end()));
        assertTaken("a name that begins as bzip2 does", image(new RawTar().file("BZh9", new byte[0]).end()), false);
        assertTaken("owners and times of any size", image(new RawTar().pax("uid=99999999999", "gid=99999999999", "mtime=99999999999.5").file("a", new byte[0]).raw(owned()).end()));
        assertTaken("names that are no UTF-8", image(new RawTar().pax("path=\u00ff\u00fe", "SCHILY.xattr.user.x=\u0000\u00ff", "hdrcharset=BINARY").file("a", new byte[0]).pax("path=\u00ff\u00fd").file("b", new byte[0]).end()));
        assertTaken("a comment of 600 KB", image(new RawTar().pax("comment=" + "12 size=99\n".repeat(60_000)).file("a", utf8("a")).pax('g', "size=7", "comment=x").file("b", utf8("b")).end()));
    }

    private static byte[] owned() {
        byte[] header = RawTar.header("b", '0', RawTar.octal(0), "", RawTar.GNU);
        for (int at : new int[] {108, 116}) {
            Arrays.fill(header, at, at + 8, (byte) 0xff);
        }
        Arrays.fill(header, 136, 148, (byte) 0xff);
        return RawTar.summed(header);
    }

    @Test
    void sparseFilesAreTakenInALayerAndAsALayer() throws IOException {
        byte[] holes = new byte[3_000_000];
        Arrays.fill(holes, 1_000_000, 1_001_000, (byte) 'a');
        byte[] many = new byte[2_000_000];
        IntStream.range(0, 60).forEach(i -> Arrays.fill(many, i * 32_768, i * 32_768 + 600, (byte) i));
        byte[] plain = gnuTar(Map.of("holes", holes, "many", many), "--format=ustar");
        for (List<String> options : SPARSE) {
            String[] with = options.toArray(String[]::new);
            byte[] layer = gnuTar(Map.of("holes", holes, "many", many), with);
            assumeTrue(layer.length < 400_000, "this file system knows no holes");
            assertTaken("a layer with " + options, image(layer));
            byte[] config = DockerArchiveTest.config(plain, holes(holes));
            Map<String, byte[]> files = new LinkedHashMap<>();
            files.put("one/layer.tar", plain);
            files.put("two/layer.tar", holes(holes));
            files.put("c.json", config);
            files.put("manifest.json", DockerArchiveTest.manifest("c.json", "one/layer.tar", "two/layer.tar"));
            byte[] archive = gnuTar(files, with);
            assertTrue(archive.length < plain.length, archive.length + " bytes");
            assertTaken("an archive with " + options, archive);
        }
    }

    // Ends in a hole, as layers that were padded do
    private static byte[] holes(byte[] content) {
        return new RawTar().file("holes", content).raw(new byte[1 << 20]).unended();
    }

    @Test
    void archivesOfEveryFormatOfTarAreTaken() throws IOException {
        for (String format : FORMATS) {
            byte[] config = DockerArchiveTest.config(LOWER, UPPER);
            Map<String, byte[]> files = new LinkedHashMap<>();
            files.put("./" + sha256(config) + ".json", config);
            files.put("./one/layer.tar", LOWER);
            files.put("./two/layer.tar", UPPER);
            files.put("./manifest.json", DockerArchiveTest.manifest(sha256(config) + ".json", "one/layer.tar", "./two/layer.tar"));
            assertTaken(format, gnuTar(files, "--format=" + format));
        }
    }

    @Test
    void recordsWithoutAValueSayNothing() throws IOException {
        assertTaken("empty records", new RawTar().pax("path=", "size=", "linkpath=").file("c.json", DockerArchiveTest.config(LOWER)).file("l.tar", LOWER)
                .file("manifest.json", DockerArchiveTest.manifest("c.json", "l.tar")).end());
    }

    @Test
    void layersThatAreCompressedInPiecesAreTaken() throws IOException {
        for (DockerArchiveTest.Compression compression : List.<DockerArchiveTest.Compression>of(GZIPOutputStream::new, ZstdOutputStream::new)) {
            ByteArrayOutputStream pieces = new ByteArrayOutputStream();
            for (int at = 0; at < LOWER.length; at += 7_000) {
                pieces.writeBytes(DockerArchiveTest.compressed(Arrays.copyOfRange(LOWER, at, Math.min(LOWER.length, at + 7_000)), compression));
            }
            assertTaken("pieces", image(LOWER, pieces.toByteArray()));
        }
        byte[] skipped = {0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4};
        assertTaken("a frame of zstd to be skipped", image(LOWER, new RawTar().raw(DockerArchiveTest.compressed(LOWER, ZstdOutputStream::new)).raw(skipped).unended()));
    }

    @Test
    void layoutsOfAllKindsOfProgramsAreTaken() throws IOException {
        byte[] config = DockerArchiveTest.config(LOWER, UPPER, LOWER);
        String id = sha256(config);
        byte[] lowerGzip = DockerArchiveTest.compressed(LOWER, GZIPOutputStream::new);
        byte[] upperGzip = DockerArchiveTest.compressed(UPPER, GZIPOutputStream::new);
        assertTaken("docker 1.10 to 24", new Shape().file("a1/VERSION", utf8("1.0")).file("a1/json", utf8("{\"id\": \"a1\"}")).file("a1/layer.tar", LOWER)
                .file("b2/VERSION", utf8("1.0")).file("b2/json", utf8("{\"id\": \"b2\", \"parent\": \"a1\"}")).file("b2/layer.tar", UPPER)
                .file("c3/VERSION", utf8("1.0")).file("c3/json", utf8("{\"id\": \"c3\", \"parent\": \"b2\"}")).link("c3/layer.tar", "../a1/layer.tar")
                .file(id + ".json", config).file("manifest.json", DockerArchiveTest.manifest(id + ".json", "a1/layer.tar", "b2/layer.tar", "c3/layer.tar"))
                .file("repositories", utf8("{\"lix\": {\"latest\": \"c3\"}}")).tar());
        assertTaken("podman", new Shape().file(sha256(LOWER) + ".tar", LOWER).link("a1/layer.tar", "../" + sha256(LOWER) + ".tar").file("a1/VERSION", utf8("1.0")).file("a1/json", utf8("{}"))
                .file(sha256(UPPER) + ".tar", UPPER).link("b2/layer.tar", "../" + sha256(UPPER) + ".tar").file(id + ".json", config).file("repositories", utf8("{}"))
                .file("manifest.json", DockerArchiveTest.manifest(id + ".json", sha256(LOWER) + ".tar", sha256(UPPER) + ".tar", sha256(LOWER) + ".tar")).tar());
        assertTaken("kaniko", new Shape().file("sha256:" + id, config).file(sha256(lowerGzip) + ".tar.gz", lowerGzip).file(sha256(upperGzip) + ".tar.gz", upperGzip)
                .file("manifest.json", DockerArchiveTest.manifest("sha256:" + id, sha256(lowerGzip) + ".tar.gz", sha256(upperGzip) + ".tar.gz", sha256(lowerGzip) + ".tar.gz")).tar());
        for (boolean gzipped : new boolean[] {false, true}) {
            byte[] lower = gzipped ? lowerGzip : LOWER;
            byte[] upper = gzipped ? upperGzip : UPPER;
            String blobs = "blobs/sha256/";
            byte[] attestation = utf8("{\"_type\": \"https://in-toto.io/Statement/v0.1\"}");
            byte[] bill = utf8("{\"a\": \"" + "b".repeat(6 << 20) + "\"}");
            Shape docker = new Shape().file(blobs + sha256(lower), lower).file(blobs + sha256(upper), upper).file(blobs + id, config).file(blobs + sha256(attestation), attestation)
                    .file(blobs + sha256(bill), bill).file("index.json", utf8("{\"schemaVersion\": 2, \"manifests\": []}")).file("oci-layout", utf8("{\"imageLayoutVersion\": \"1.0.0\"}"));
            docker.entries.add(0, new DockerArchiveTest.Entry("blobs/sha256/", new byte[0], (byte) '5', ""));
            String manifest = new String(DockerArchiveTest.manifest(blobs + id, blobs + sha256(lower), blobs + sha256(upper), blobs + sha256(lower)), StandardCharsets.UTF_8);
            assertTaken("docker 25, buildkit", docker.file("manifest.json", utf8(manifest.replaceAll("\"RepoTags\": \\[[^]]*]", "\"RepoTags\": null, \"LayerSources\": {}"))).tar());
        }
    }

    @Test
    void whatIsLeftOutOrThereMoreThanOnceIsTaken() throws IOException {
        for (String layers : List.of("\"Layers\": []", "\"Layers\": null", "\"RepoTags\": null")) {
            String config = new String(DockerArchiveTest.config(), StandardCharsets.UTF_8);
            assertTaken(layers, new Shape().file("c.json", utf8(config.replace("[]", layers.contains("null") ? "null" : "[]").replaceAll("\"Labels\": \\{[^}]*}", "\"Labels\": null")))
                    .file("manifest.json", utf8(" \n".repeat(400) + "[{\"Config\": \"c.json\", " + layers + "}]\n")).tar());
        }
        assertRegistryTakes(new Shape().file("c.json", DockerArchiveTest.config()).file("manifest.json", utf8("[{\"Config\": \"c.json\", \"Layers\": null}]")).tar());
        byte[] config = DockerArchiveTest.config(LOWER, LOWER, LOWER);
        assertTaken("a layer three times", new Shape().file("c.json", config).file("one.tar", LOWER).file("two.tar", LOWER)
                .file("manifest.json", DockerArchiveTest.manifest("c.json", "one.tar", "two.tar", "one.tar")).tar());
        assertTaken("a file twice", new Shape().file("c.json", config).file("one.tar", LOWER).file("one.tar", LOWER)
                .file("manifest.json", DockerArchiveTest.manifest("c.json", "one.tar", "one.tar", "one.tar")).tar());
        assertTaken("files that are nothing", new Shape().file("c.json", config).file("a.gz", new byte[] {0x1f, (byte) 0x8b, 8}).file("a.tar", Arrays.copyOf(LOWER, 700)).file("empty", new byte[0])
                .file("a.json", utf8("{")).file("one.tar", LOWER).file("manifest.json", DockerArchiveTest.manifest("c.json", "one.tar", "one.tar", "one.tar")).tar());
    }

    @Test
    void whatIsRefusedIsToldWhy() throws IOException {
        byte[] config = DockerArchiveTest.config(LOWER);
        byte[] one = DockerArchiveTest.manifest("c.json", "l.tar");
        String entry = new String(one, StandardCharsets.UTF_8).replaceAll("^\\[|]$", "");
        assertRefused("manifest.json names 2 images: each needs an archive of its own",
                new Shape().file("c.json", config).file("l.tar", LOWER).file("manifest.json", utf8("[" + entry + ", " + entry + "]")).tar());
        assertRefused("it has the layout of docker before 1.10", new Shape().file("a1/VERSION", utf8("1.0")).file("a1/json", utf8("{}")).file("a1/layer.tar", LOWER)
                .file("repositories", utf8("{\"lix\": {\"latest\": \"a1\"}}")).tar());
        assertRefused("it is an OCI archive", new Shape().file("oci-layout", utf8("{}")).file("index.json", utf8("{}")).file("blobs/sha256/" + sha256(LOWER), LOWER).tar());
        assertRefused("the layer 'l.tar' cannot be read: it is compressed with bzip2", image(LOWER, utf8("BZh91AY&SY, and so on")));
        assertRefused("the layer 'l.tar' cannot be read: it is compressed with xz", image(LOWER, new byte[] {(byte) 0xfd, '7', 'z', 'X', 'Z', 0, 0}));
        assertRefused("its beginning cannot be read: it is compressed with xz", new byte[] {(byte) 0xfd, '7', 'z', 'X', 'Z', 0, 0});
        byte[] gzip = DockerArchiveTest.compressed(LOWER, GZIPOutputStream::new);
        assertRefused("the layer 'l.tar' cannot be read: Unexpected data after a valid .gz stream", image(LOWER, new RawTar().raw(gzip).raw(utf8("garbage")).unended()));
        assertRefused("the layer 'l.tar' cannot be read: it ends too early", image(LOWER, Arrays.copyOf(gzip, gzip.length / 2)));
        byte[] lone = new RawTar().file("a", utf8("a")).raw(new byte[512]).file("b", utf8("b")).end();
        assertRefused("the layer 'l.tar' is not a complete tar: a block of zeros stands between its entries", image(lone));
        byte[] sum = new RawTar().file("a", utf8("a")).file("b", utf8("b")).end();
        sum[1024]++;
        assertRefused("the layer 'l.tar' is not a complete tar: a header has a wrong checksum", image(sum));
        assertRefused("the layer 'l.tar' is not a complete tar: it ends", image(Arrays.copyOf(LOWER, LOWER.length / 2)));
        assertRefused("'l.tar' occurs twice, with different bytes", new Shape().file("c.json", config).file("l.tar", LOWER).file("l.tar", UPPER).file("manifest.json", one).tar());
        assertRefused("manifest.json: Layers is not a list of strings", new Shape().file("c.json", config).file("manifest.json", utf8("[{\"Config\": \"c.json\", \"Layers\": [1]}]")).tar());
    }
}
