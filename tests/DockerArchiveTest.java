import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.github.luben.zstd.ZstdOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.zip.GZIPOutputStream;
import lib.base.Exec;
import lib.base.Fault;
import lib.base.FileTree;
import lib.config.ImagePolicy;
import lib.oci.Audit;
import lib.oci.BuiltImage;
import lib.oci.DockerArchive;
import lib.oci.ParallelGzip;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.compress.archivers.tar.TarConstants;
import org.apache.commons.compress.archivers.zip.ZipEncoding;
import org.apache.commons.compress.archivers.zip.ZipEncodingHelper;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Images as docker save and its like write them, whole and otherwise. */
class DockerArchiveTest {

    /** An entry of a tar: a file's bytes, or where a link leads. */
    record Entry(String name, byte[] bytes, byte type, String link) {
        static Entry file(String name, byte[] bytes) {
            return new Entry(name, bytes, TarConstants.LF_NORMAL, "");
        }

        static Entry link(String name, String target) {
            return new Entry(name, new byte[0], TarConstants.LF_SYMLINK, target);
        }
    }

    interface Compression {
        OutputStream over(OutputStream out) throws IOException;
    }

    private static final ZipEncoding ENCODING = ZipEncodingHelper.getZipEncoding("UTF-8");
    private static final Compression NONE = out -> out;

    @TempDir
    Path folder;

    static byte[] tar(List<Entry> entries) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (TarArchiveOutputStream tar = new TarArchiveOutputStream(bytes)) {
            tar.setLongFileMode(TarArchiveOutputStream.LONGFILE_POSIX);
            for (Entry entry : entries) {
                TarArchiveEntry header = new TarArchiveEntry(entry.name(), entry.type(), true);
                header.setSize(entry.bytes().length);
                header.setLinkName(entry.link());
                tar.putArchiveEntry(header);
                tar.write(entry.bytes());
                tar.closeArchiveEntry();
            }
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }

    static byte[] compressed(byte[] bytes, Compression compression) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (OutputStream over = compression.over(out)) {
            over.write(bytes);
        }
        return out.toByteArray();
    }

    static void compress(Path file, Compression compression) throws IOException {
        byte[] plain = Files.readAllBytes(file);
        Files.delete(file); // one that was unpacked may not be written to
        Files.write(file, compressed(plain, compression));
    }

    static byte[] gzip(byte[] bytes, int threads) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (ParallelGzip gzip = new ParallelGzip(out, threads)) {
            for (int at = 0; at < bytes.length; at += 70_001) {
                gzip.write(bytes, at, Math.min(70_001, bytes.length - at));
            }
            gzip.finish();
        }
        return out.toByteArray();
    }

    static String sha256(byte[] bytes) {
        MessageDigest digest = FileTree.digest("SHA-256");
        return HexFormat.of().formatHex(digest.digest(bytes));
    }

    static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    static byte[] layer(String file, int size) {
        byte[] random = new byte[size];
        new Random(size).nextBytes(random);
        return tar(List.of(Entry.file(file, random)));
    }

    private static final String A = "0123456789abcdfghijklmnpqrsvwxyz-libc-2.40";
    private static final String B = "1123456789abcdfghijklmnpqrsvwxyz-lix-2.95.0";
    static final byte[] LOWER = layer("nix/store/" + A + "/lib.so", 100_000);
    static final byte[] UPPER = layer("./nix/store/" + B + "/bin/lix", 5_000);

    static byte[] config(byte[]... layers) {
        List<String> diffIds = new ArrayList<>();
        for (byte[] layer : layers) {
            diffIds.add("\"sha256:" + sha256(layer) + "\"");
        }
        return utf8("{\"architecture\": \"arm64\", \"variant\": \"v8\", \"os\": \"linux\", \"config\": {\"Labels\": {\"b\": \"2\", \"a\": \"ä\"}}, "
                + "\"rootfs\": {\"type\": \"layers\", \"diff_ids\": [" + String.join(", ", diffIds) + "]}}");
    }

    static byte[] manifest(String config, String... layers) {
        return utf8("[{\"Config\": \"" + config + "\", \"RepoTags\": [\"lix:2.95.0\", \"lix:latest\"], \"Layers\": [\"" + String.join("\", \"", layers) + "\"]}]");
    }

    /** A whole image, to be changed. */
    static List<Entry> image() {
        byte[] config = config(LOWER, UPPER);
        return new ArrayList<>(List.of(Entry.file(sha256(config) + ".json", config), Entry.file("one/layer.tar", LOWER),
                Entry.file("two/layer.tar", UPPER), Entry.file("manifest.json", manifest(sha256(config) + ".json", "one/layer.tar", "two/layer.tar"))));
    }

    private Path archive(byte[] bytes) throws IOException {
        return Files.write(folder.resolve("image.tar"), bytes);
    }

    private DockerArchive.Image read(List<Entry> entries) throws IOException {
        return DockerArchive.read(archive(tar(entries)));
    }

    private void assertBroken(byte[] bytes, String... said) throws IOException {
        Path archive = archive(bytes);
        Fault fault = assertThrows(Fault.class, () -> DockerArchive.read(archive));
        for (String word : said) {
            assertTrue(fault.getMessage().contains(word), word + "\nnot in\n" + fault.getMessage());
        }
        assertTrue(fault.getMessage().contains(archive.toString()), fault.getMessage());
        assertEquals(List.of(archive), Files.list(folder).toList(), "nothing is written");
    }

    private void assertBroken(List<Entry> entries, String... said) throws IOException {
        assertBroken(tar(entries), said);
    }

    @Test
    void aWholeImageIsReadInAnyOrderAndUnderAnyCompression() throws IOException {
        DockerArchive.Image expected = read(image());
        assertArrayEquals(config(LOWER, UPPER), expected.config());
        assertEquals("sha256:" + sha256(config(LOWER, UPPER)), expected.id());
        assertEquals(new DockerArchive.Platform("linux", "arm64", Optional.of("v8")), expected.platform());
        assertEquals(List.of("a=ä", "b=2"), expected.labels().entrySet().stream().map(Map.Entry::toString).toList());
        assertEquals(List.of("lix:2.95.0", "lix:latest"), expected.tags());
        byte[] lower = gzip(LOWER, 1);
        byte[] upper = gzip(UPPER, 1);
        assertEquals(List.of(new BuiltImage.Layer("one/layer.tar", "sha256:" + sha256(LOWER), LOWER.length, "sha256:" + sha256(lower), lower.length,
                "gzip"), new BuiltImage.Layer("two/layer.tar", "sha256:" + sha256(UPPER), UPPER.length, "sha256:" + sha256(upper),
                upper.length, "gzip")), expected.layers());
        assertEquals(List.of(A, B), expected.storePaths());
        List<Entry> reversed = image();
        Collections.reverse(reversed);
        assertEquals(expected.layers(), read(reversed).layers());
        for (Compression compression : List.<Compression>of(GZIPOutputStream::new, ZstdOutputStream::new)) {
            DockerArchive.Image again = DockerArchive.read(archive(compressed(tar(reversed), compression)));
            assertEquals(expected.id(), again.id());
            assertEquals(expected.layers(), again.layers());
        }
    }

    @Test
    void layersMayBeCompressedOrLinks() throws IOException {
        List<Entry> entries = image();
        for (Map.Entry<Compression, String> kind : Map.<Compression, String>of(NONE, "gzip", GZIPOutputStream::new, "gzip", ZstdOutputStream::new, "zstd").entrySet()) {
            Compression compression = kind.getKey();
            byte[] stored = compressed(LOWER, compression);
            entries.set(1, Entry.file("one/layer.tar", stored));
            byte[] blob = compression == NONE ? gzip(LOWER, 1) : stored;
            assertEquals(new BuiltImage.Layer("one/layer.tar", "sha256:" + sha256(LOWER), LOWER.length, "sha256:" + sha256(blob), blob.length,
                    kind.getValue()), read(entries).layers().get(0));
        }
        entries.set(1, Entry.link("one/layer.tar", "../blobs/real.tar"));
        entries.add(Entry.link("blobs/real.tar", "./deeper/real.tar"));
        entries.add(0, Entry.file("./blobs/deeper/real.tar", LOWER));
        entries.add(new Entry("hard.tar", new byte[0], TarConstants.LF_LINK, "two/layer.tar"));
        byte[] config = config(LOWER, UPPER);
        entries.set(4, Entry.file("manifest.json", manifest(sha256(config) + ".json", "one/layer.tar", "hard.tar")));
        assertEquals(List.of("blobs/deeper/real.tar", "two/layer.tar"), read(entries).layers().stream().map(BuiltImage.Layer::entry).toList());
    }

    /** ARCHIVE: reads it while the collector works without end, for which nobody else should have to stop. */
    public static final class Collecting {
        public static void main(String[] args) {
            Thread collector = new Thread(() -> {
                while (true) {
                    System.gc();
                }
            });
            collector.setDaemon(true);
            collector.start();
            System.out.print(DockerArchive.read(Path.of(args[0])).layers().size());
        }
    }

    // A decompressor that is left to the collector closes what it read from: here, the archive.
    @Test
    void theCollectorClosesNothingThatIsStillRead() throws IOException {
        List<Entry> entries = new ArrayList<>();
        byte[] layer = compressed(LOWER, ZstdOutputStream::new);
        for (int i = 0; i < 20; i++) {
            entries.add(Entry.file("unused/" + i, layer));
        }
        entries.addAll(image());
        Exec.Result run = Exec.of(Path.of(System.getProperty("java.home"), "bin/java").toString(), "-Xmx64m", "-XX:+UseSerialGC", "-cp",
                System.getProperty("java.class.path"), Collecting.class.getName(), archive(tar(entries)).toString()).run();
        assertEquals("2", run.out(), run.err());
    }

    @Test
    void layersAreSentCompressedOnceAndAsTheyStandWhereTheyAreCompressed() throws IOException {
        for (Compression compression : List.<Compression>of(NONE, GZIPOutputStream::new, ZstdOutputStream::new)) {
            List<Entry> entries = image();
            byte[] stored = compressed(LOWER, compression);
            entries.set(1, Entry.file("one/layer.tar", stored));
            Path archive = archive(tar(entries));
            BuiltImage built = DockerArchive.read(archive).built("image.tar", "aarch64-linux");
            Map<String, byte[]> sent = new TreeMap<>();
            DockerArchive.send(archive, built, Set.of(built.id(), built.layers().get(0).blob(), built.layers().get(1).blob()), (digest, size, content) -> {
                ByteArrayOutputStream bytes = new ByteArrayOutputStream();
                content.writeTo(bytes);
                assertEquals(size, bytes.size());
                sent.put(digest, bytes.toByteArray());
            });
            assertEquals(3, sent.size());
            sent.forEach((digest, bytes) -> assertEquals(digest, "sha256:" + sha256(bytes)));
            assertArrayEquals(compression == NONE ? gzip(LOWER, 1) : stored, sent.get(built.layers().get(0).blob()));
        }
    }

    @Test
    void layersAreCompressedToTheSameBytesByAnyNumberOfThreadsAndGzipReadsThem() throws IOException {
        for (int size : new int[] {0, 1, (1 << 18) - 1, 1 << 18, (1 << 18) + 1, 3 << 18, 5_000_000}) {
            byte[] plain = new byte[size];
            Random random = new Random(size);
            for (int i = 0; i < size; i++) {
                plain[i] = (byte) (random.nextInt(7) == 0 ? random.nextInt() : i / 100);
            }
            byte[] one = gzip(plain, 1);
            assertArrayEquals(one, gzip(plain, 7), size + " bytes");
            Path file = Files.write(folder.resolve("layer.gz"), one);
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            assertEquals(0, Exec.of("gzip", "-dc", file.toString()).run(in -> in.transferTo(out)).exit());
            assertArrayEquals(plain, out.toByteArray(), size + " bytes");
            assertTrue(one.length < Math.max(100, size), one.length + " for " + size);
        }
    }

    @Test
    void whatLeadsOutOfTheArchiveIsRefused() throws IOException {
        for (Entry hostile : List.of(new Entry("/etc/passwd", utf8("x"), TarConstants.LF_NORMAL, ""), Entry.file("a/../../passwd", utf8("x")),
                Entry.link("one/passwd", "../../passwd"), Entry.link("passwd", "/etc/passwd"),
                new Entry("hard", new byte[0], TarConstants.LF_LINK, "../passwd"))) {
            List<Entry> entries = image();
            entries.add(0, hostile);
            assertBroken(entries, "outside the archive", "passwd");
        }
        List<Entry> device = image();
        device.add(new Entry("dev/null", new byte[0], TarConstants.LF_CHR, ""));
        assertBroken(device, "'dev/null' is neither");
    }

    @Test
    void whatIsMissingOrNotWhatItSaysIsNamedAllAtOnce() throws IOException {
        assertBroken(image().subList(0, 3), "'manifest.json' is missing");
        assertBroken(image().subList(1, 4), ".json' is missing");
        List<Entry> entries = image();
        entries.set(1, Entry.file("one/layer.tar", UPPER));
        entries.remove(2);
        assertBroken(entries, "the layer 'one/layer.tar' has sha256 " + sha256(UPPER) + ", the config says sha256:" + sha256(LOWER), "'two/layer.tar' is missing");
        entries = image();
        byte[] text = "no tar".getBytes();
        entries.set(0, Entry.file("c.json", config(text)));
        entries.set(1, Entry.file("one/layer.tar", text));
        entries.set(3, Entry.file("manifest.json", manifest("c.json", "one/layer.tar")));
        assertBroken(entries, "the layer 'one/layer.tar' is not a tar");
        entries = image();
        entries.set(1, Entry.link("one/layer.tar", "layer.tar"));
        assertBroken(entries, "'one/layer.tar' is a link to itself");
        entries.set(1, Entry.link("one/layer.tar", "none"));
        assertBroken(entries, "'one/layer.tar' is a link to 'one/none', which is missing");
        entries = image();
        entries.add(Entry.file("two/layer.tar", LOWER));
        assertBroken(entries, "'two/layer.tar' occurs twice");
        entries = image();
        entries.set(0, Entry.file(entries.get(0).name(), utf8("{\"os\": ")));
        assertBroken(entries, entries.get(0).name() + "' is not JSON");
        entries.set(0, Entry.file(entries.get(0).name(), utf8("{}")));
        assertBroken(entries, "does not say its os", "does not say its architecture", "not the one in its name", "names 2 layers, the config 0");
        entries = image();
        entries.set(3, Entry.file("manifest.json", utf8("[]")));
        assertBroken(entries, "does not name one image");
    }

    @Test
    void aTruncatedOrDamagedArchiveIsAnErrorWhereverItEnds() throws IOException {
        byte[] whole = tar(image());
        // The two zero blocks at the end may be missing, and all of the padding.
        for (int length = 0; length < whole.length - 10_240; length += whole.length / 40) {
            assertBroken(java.util.Arrays.copyOf(whole, length));
        }
        byte[] gzipped = compressed(whole, GZIPOutputStream::new);
        for (int length = 1; length < gzipped.length; length += gzipped.length / 40) {
            assertBroken(java.util.Arrays.copyOf(gzipped, length));
        }
        byte[] flipped = gzipped.clone();
        flipped[flipped.length / 2] ^= 4;
        assertBroken(flipped);
        assertBroken(utf8("this is not a tar at all, and yet it is longer than a block of one".repeat(20)), "its beginning cannot be read");
    }

    @Test
    void aHeaderOfTenGigabytesFillsNoMemory() throws IOException {
        for (char type : "LKxg".toCharArray()) {
            TarArchiveEntry header = new TarArchiveEntry("././@LongLink", (byte) type);
            header.setSize(10L << 30);
            byte[] block = new byte[512];
            header.writeEntryHeader(block, ENCODING, true);
            Path archive = folder.resolve("image.tar");
            // Zeros behind it, as many as it says, would be ten megabytes of gzip: they never get read.
            try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(archive))) {
                out.write(block);
                out.write(new byte[32 << 20]);
            }
            Fault fault = assertThrows(Fault.class, () -> DockerArchive.read(archive));
            assertTrue(fault.getMessage().contains("a header of " + (10L << 30) + " bytes"), fault.getMessage());
        }
        TarArchiveEntry large = new TarArchiveEntry("one/layer.tar");
        large.setSize(10L << 30);
        byte[] block = new byte[512];
        large.writeEntryHeader(block, ENCODING, true);
        assertBroken(block, "'one/layer.tar'");
    }

    @Test
    void longNamesAndExtendedHeadersAreRead() throws IOException {
        String name = "a-folder-whose-name-is-long/".repeat(12) + "layer.tar";
        byte[] config = config(LOWER);
        assertEquals(name, read(List.of(Entry.file("c.json", config), Entry.file(name, LOWER), Entry.file("manifest.json", manifest("c.json", name))))
                .layers().get(0).entry());
    }

    @Test
    @DisplayName("hazard 25: what breaks the policy is named: layers too large or too many, and each store path that must not be inside")
    void thePolicyNamesWhatBreaksIt() throws IOException {
        BuiltImage image = read(image()).built("artifacts/image.tar.gz", "aarch64-linux");
        assertEquals("arm64", image.architecture());
        assertEquals(List.of(), Audit.violations(ImagePolicy.LIX, image, List.of(A, B)));
        List<String> found = Audit.violations(new ImagePolicy(50_000, 1, List.of("libc", "perl")), image, List.of(A, B));
        assertEquals(3, found.size(), found.toString());
        assertTrue(found.get(0).contains("sha256:" + sha256(LOWER)) && found.get(0).contains("more than 50000"), found.toString());
        assertTrue(found.get(1).contains("2 layers, more than 1"), found.toString());
        assertTrue(found.get(2).contains("/nix/store/" + A), found.toString());
        String hash = "0123456789abcdfghijklmnpqrsvwxyz-";
        for (String python : List.of("python", "python3", "python3-3.11.9", "python3.11-requests-2", "perl-5.38.2")) {
            assertEquals(1, Audit.violations(ImagePolicy.LIX, image, List.of(hash + python)).size(), python);
        }
        for (String other : List.of("pythonesque-1", "lix-perl-bindings-1", "perlin-noise")) {
            assertEquals(List.of(), Audit.violations(ImagePolicy.LIX, image, List.of(hash + other)), other);
        }
        assertTrue(Audit.table(image).get(0).contains("compressed"), Audit.table(image).toString());
    }
}
