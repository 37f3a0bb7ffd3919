import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.github.luben.zstd.ZstdOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPOutputStream;
import lib.base.Exec;
import lib.base.Fault;
import lib.oci.DockerArchive;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Archives that were made to do harm: each ends in an answer or one clear fault, in little memory, on a small stack and soon. */
class HostileArchiveTest {

    private static final int MEMORY_MB = 96;

    @TempDir
    Path folder;

    /** FILE...: reads each, and prints a line of what came of it. */
    public static final class Reading {
        public static void main(String[] args) throws InterruptedException {
            for (String file : args) {
                String[] answer = {""};
                Thread reader = new Thread(null, () -> answer[0] = answer(Path.of(file)), "reader", 256 << 10);
                reader.setDaemon(true);
                reader.start();
                reader.join(60_000);
                System.out.println(Path.of(file).getFileName() + ": " + (reader.isAlive() ? "TOO SLOW" : answer[0]));
            }
            System.exit(0);
        }

        private static String answer(Path file) {
            try {
                return DockerArchive.read(file).layers().size() + " layers";
            } catch (Fault fault) {
                return "fault: " + String.join("; ", fault.why());
            } catch (Throwable e) {
                return "THREW " + e;
            }
        }
    }

    private interface Writing {
        void to(OutputStream out) throws IOException;
    }

    private final Map<String, String> expected = new LinkedHashMap<>();

    /** An archive, gzipped, of which something is to be said. */
    private void archive(String name, String said, Writing writing) throws IOException {
        try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(folder.resolve(name)), 1 << 16)) {
            writing.to(out);
        }
        expected.put(name, said);
    }

    private void archive(String name, String said, byte[] tar) throws IOException {
        archive(name, said, out -> out.write(tar));
    }

    /** An image with this for its only layer. */
    private static byte[] image(byte[] layer, byte[] stored) {
        byte[] config = DockerArchiveTest.config(layer);
        return DockerArchiveTest.tar(List.of(DockerArchiveTest.Entry.file("c.json", config), DockerArchiveTest.Entry.file("l.tar", stored),
                DockerArchiveTest.Entry.file("manifest.json", DockerArchiveTest.manifest("c.json", "l.tar"))));
    }

    /** As a layer, and as the archive itself. */
    private void both(String name, String asLayer, String asArchive, byte[] tar) throws IOException {
        archive(name + "-layer", asLayer, image(tar, tar));
        archive(name + "-archive", asArchive, tar);
    }

    private void assertAllAnswered() throws IOException {
        List<String> command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin/java").toString(), "-Xmx" + MEMORY_MB + "m",
                "-XX:+UseSerialGC", "-cp", System.getProperty("java.class.path"), Reading.class.getName()));
        expected.keySet().forEach(name -> command.add(folder.resolve(name).toString()));
        Exec.Result run = Exec.of(command.toArray(String[]::new)).run();
        List<String> lines = run.out().lines().toList();
        assertEquals(expected.size(), lines.size(), run.out() + run.err());
        List<String> wrong = new ArrayList<>();
        for (String line : lines) {
            String said = expected.get(line.substring(0, line.indexOf(": ")));
            if (!line.contains(said)) {
                wrong.add((line.length() > 300 ? line.substring(0, 300) + "..." : line) + "\n    should say: " + said);
            }
        }
        assertEquals("", String.join("\n", wrong));
    }

    private static String repeated(String text, int bytes) {
        return text.repeat(bytes / text.length());
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }

    private static void zeros(OutputStream out, long count) throws IOException {
        byte[] some = new byte[1 << 20];
        for (long done = 0; done < count; done += some.length) {
            out.write(some);
        }
    }

    @Test
    void sizesAreExact() throws IOException {
        byte[] file = RawTar.header("f", '0', RawTar.octal(0), "", RawTar.USTAR);
        for (String size : List.of("9223372036854775807", "9223372036854775296", "9223372036854775808", "99999999999999999999", "-1", "+1", "0x10", " 1", "1.5")) {
            both("size" + size.hashCode(), "the layer 'l.tar' is not a complete tar", "", new RawTar().pax("size=" + size).raw(file).end());
        }
        byte[] negative = new byte[12];
        Arrays.fill(negative, (byte) 0xff);
        for (byte[] size : List.of(negative, RawTar.binary(0x80, 0, 0, 0, 0, 0, 0, 0), RawTar.binary(1, 0, 0, 0, 0, 0, 0, 0, 0), ascii("\u00a00000000000\0"),
                RawTar.binary(0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), ascii("00000000009\0"), ascii("777777777777"), ascii("zzz"))) {
            for (char type : "0LKxgS".toCharArray()) {
                both("field" + Arrays.hashCode(size) + type, "the layer 'l.tar' is not a complete tar", "", new RawTar().raw(RawTar.header("f", type, size, "", RawTar.GNU)).end());
            }
        }
        assertAllAnswered();
    }

    // What is a value of one record looks like a record of its own.
    @Test
    void noValueOfARecordPassesForARecord() throws IOException {
        String forged = "comment=" + repeated("x", 600_000) + " 20 size=8589934592\n19 size=1073741824\n";
        byte[] tar = new RawTar().pax(forged).raw(RawTar.header("empty", '0', RawTar.octal(0), "", RawTar.USTAR)).unended();
        for (char type : "LKxg".toCharArray()) {
            byte[] huge = RawTar.header("huge", type, RawTar.octal(1 << 30), "", RawTar.USTAR);
            archive("forged-" + type, "has a header of 1073741824 bytes", out -> {
                out.write(tar);
                out.write(huge);
                zeros(out, 100 << 20);
            });
        }
        archive("digits", "'manifest.json' is missing", new RawTar().pax("comment=" + repeated("1", 1_000_000)).file("f", new byte[0]).end());
        assertAllAnswered();
    }

    @Test
    void recordsThatAreNoneAreRefused() throws IOException {
        for (String records : List.of("5 a=b\n", "7 a=b\n", "99999999999999999999 a=b\n", "2147483648 a=b\n", "6 a=b", "a=b\n", "6 abc\n", " 6 a=b\n", "-6 a=b\n", "06 a=b\0", "6 a=b\n\n", "0 \n", "16 path=a\0bcdef\n")) {
            both("records" + records.hashCode(), "the layer 'l.tar' is not a complete tar", "fault: ", new RawTar().entry("pax", 'x', ascii(records)).file("f", new byte[3]).end());
        }
        assertAllAnswered();
    }

    @Test
    void anyNumberOfHeadersInARowIsPassed() throws IOException {
        for (char type : "xgLKS".toCharArray()) {
            RawTar tar = new RawTar();
            byte[] header = RawTar.header("h", type, RawTar.octal(0), "", RawTar.GNU);
            for (int i = 0; i < 5_000; i++) {
                tar.raw(header);
            }
            both("row" + type, "1 layers", "'manifest.json' is missing", tar.file("f", new byte[0]).end());
        }
        assertAllAnswered();
    }

    @Test
    void sparseFilesFillNeitherStackNorTime() throws IOException {
        long huge = 1L << 60;
        both("hole1.0", "1 layers", "unpacks to more", new RawTar().pax("GNU.sparse.major=1", "GNU.sparse.minor=0", "GNU.sparse.name=s", "GNU.sparse.realsize=" + huge)
                .file("f", Arrays.copyOf(ascii("0\n"), 512)).end());
        both("hole0.1", "1 layers", "unpacks to more", new RawTar().pax("GNU.sparse.size=" + huge, "GNU.sparse.numblocks=0", "GNU.sparse.map=").pax("GNU.sparse.major=0",
                "GNU.sparse.minor=1", "GNU.sparse.size=" + huge, "GNU.sparse.numblocks=1", "GNU.sparse.map=0,0").file("f", new byte[0]).end());
        byte[] old = RawTar.header("f", 'S', RawTar.octal(0), "", RawTar.GNU);
        System.arraycopy(RawTar.binary(0x10, 0, 0, 0, 0, 0, 0, 0), 0, old, 483, 12);
        both("holeS", "1 layers", "unpacks to more", new RawTar().raw(RawTar.summed(old)).end());
        StringBuilder map = new StringBuilder("50000\n");
        StringBuilder list = new StringBuilder();
        List<String> records = new ArrayList<>(List.of("GNU.sparse.size=100000", "GNU.sparse.numblocks=20000"));
        for (int i = 0; i < 50_000; i++) {
            map.append(2 * i + 1).append("\n1\n");
            list.append(i == 0 ? "" : ",").append(2 * i + 1).append(",1");
            if (i < 20_000) {
                records.add("GNU.sparse.offset=" + (2 * i + 1));
                records.add("GNU.sparse.numbytes=1");
            }
        }
        byte[] data = new byte[50_000];
        both("pieces1.0", "1 layers", "'manifest.json' is missing", new RawTar().pax("GNU.sparse.major=1", "GNU.sparse.minor=0", "GNU.sparse.realsize=100000")
                .file("f", new RawTar().content(ascii(map.toString())).raw(data).unended()).end());
        both("pieces0.1", "1 layers", "'manifest.json' is missing", new RawTar().pax("GNU.sparse.size=100000", "GNU.sparse.numblocks=50000", "GNU.sparse.map=" + list).file("f", data).end());
        both("pieces0.0", "1 layers", "'manifest.json' is missing", new RawTar().pax(records.toArray(String[]::new)).file("f", new byte[20_000]).end());
        RawTar extended = new RawTar();
        byte[] first = RawTar.header("f", 'S', RawTar.octal(0), "", RawTar.GNU);
        first[482] = 1;
        extended.raw(RawTar.summed(first));
        byte[] more = new byte[512];
        more[504] = 1;
        for (int i = 0; i < 100_000; i++) {
            extended.raw(more);
        }
        both("extended", "1 layers", "'manifest.json' is missing", extended.end());
        for (String broken : List.of("1\n0\n", "1\n", "-1\n", "99999999999999999999\n", "1000000000\n0\n", "2\n5\n3\n0\n3\n", "1\n9223372036854775807\n9223372036854775807\n", "1\n0\n600\n", "x",
                "1\n1\n9223372036854775807\n", "3\n1\n9223372036854775807\n1\n9223372036854775807\n1\n2\n")) {
            both("map" + broken.hashCode(), "the layer 'l.tar' is not a complete tar", "fault: ", new RawTar().pax("GNU.sparse.major=1", "GNU.sparse.minor=0", "GNU.sparse.realsize=100000")
                    .file("f", Arrays.copyOf(ascii(broken), 512)).end());
        }
        assertAllAnswered();
    }

    @Test
    void namesOfAnyLengthAndShapeArePassed() throws IOException {
        for (String name : List.of(repeated("./", 900_000), repeated("a/", 900_000), repeated("/", 900_000), repeated("../", 900_000), repeated("a", 900_000),
                repeated("a", 500_000) + "/b", repeated("a/../", 900_000))) {
            both("name" + name.hashCode(), "1 layers", "fault: ", new RawTar().pax("path=" + name).file("f", new byte[0]).pax("path=" + name + "nix/store/x").file("f", new byte[0]).end());
            archive("link" + name.hashCode(), "fault: ", new RawTar().pax("path=" + name, "linkpath=" + name).entry("f", '2', new byte[0]).end());
        }
        assertAllAnswered();
    }

    @Test
    void moreNamesThanThereIsMemoryForAreRefused() throws IOException {
        byte[] name = ascii(repeated("n", 100_000));
        for (char type : "02".toCharArray()) {
            archive("names" + type, "more names", out -> {
                for (int i = 0; i < 400; i++) {
                    out.write(new RawTar().pax("path=" + i + new String(name, StandardCharsets.ISO_8859_1)).entry("f", type, new byte[0]).unended());
                }
                out.write(new byte[1024]);
            });
            archive("entries" + type, "more names", out -> {
                for (int i = 0; i < 150_000; i++) {
                    out.write(RawTar.header("f" + i, type, RawTar.octal(0), "l", RawTar.USTAR));
                }
                out.write(new byte[1024]);
            });
        }
        archive("outside", "and more", out -> {
            for (int i = 0; i < 1_000; i++) {
                out.write(RawTar.header("/f" + i, '0', RawTar.octal(0), "l", RawTar.USTAR));
            }
            out.write(new byte[1024]);
        });
        Path layer = folder.resolve("layer");
        try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(layer), 1 << 16)) {
            for (int i = 0; i < 150_000; i++) {
                out.write(RawTar.header(String.format("nix/store/%032d-a", i), '5', RawTar.octal(0), "", RawTar.USTAR));
            }
        }
        archive("paths", "more names", image(new byte[0], Files.readAllBytes(layer)));
        assertAllAnswered();
    }

    @Test
    void documentsOfAnyShapeAreRead() throws IOException {
        byte[] layer = DockerArchiveTest.LOWER;
        List<String> shapes = new ArrayList<>(List.of("", "null", "1", "\"a\"", "[]", "{}", "[null]", "[[]]", "[{}]", "[{\"Config\": null}]", "[{\"Config\": 1, \"Layers\": []}]",
                "[{\"Config\": \"c.json\", \"Layers\": {}}]", "[{\"Config\": \"c.json\", \"Layers\": [1]}]", "[{\"Config\": \"c.json\", \"Layers\": [null]}]", "[{\"Config\": \"\", \"Layers\": []}]",
                "[{\"Config\": \"l.tar\", \"Layers\": [\"l.tar\"]}]", "[{\"Config\": \"manifest.json\", \"Layers\": []}]", "[{\"Config\": \"c.json\", \"Layers\": [\"c.json\"]}]",
                "[{\"Config\": \"c.json\", \"RepoTags\": 3, \"Layers\": [\"../l.tar\"]}]", "[{\"Config\": \"c.json\", \"RepoTags\": {\"a\": 1}, \"Layers\": [\"l.tar\"]}]",
                repeated("[", 1_000_000), repeated("{\"a\":", 1_000_000), "[" + repeated("[],", 4_000_000) + "[]]", "[" + repeated("{},", 4_000_000) + "{}]",
                "[{\"Config\": \"" + repeated("a", 4_000_000) + "\"}]", "[" + repeated("1", 1_000_000) + "]", "[1e999999999]", "[" + repeated("\"a\",", 5_000_000) + "1]",
                "[{\"Config\": \"c.json\", \"Layers\": [" + repeated("\"l.tar\",", 3_000_000) + "\"l.tar\"]}]"));
        for (String shape : shapes) {
            archive("manifest" + shapes.indexOf(shape), "fault: ", new RawTar().file("c.json", DockerArchiveTest.config(layer)).file("l.tar", layer).file("manifest.json", ascii(shape)).end());
            archive("config" + shapes.indexOf(shape), "fault: ", new RawTar().file("c.json", ascii(shape)).file("l.tar", layer)
                    .file("manifest.json", DockerArchiveTest.manifest("c.json", "l.tar")).end());
        }
        String config = new String(DockerArchiveTest.config(layer), StandardCharsets.UTF_8);
        for (String change : List.of("\"Labels\": []", "\"Labels\": {\"a\": 1}", "\"Labels\": {\"a\": {}}", "\"Labels\": \"x\"")) {
            archive("labels" + change.hashCode(), "'c.json'", new RawTar().file("c.json", config.replaceAll("\"Labels\": \\{[^}]*}", change).getBytes(StandardCharsets.UTF_8)).file("l.tar", layer)
                    .file("manifest.json", DockerArchiveTest.manifest("c.json", "l.tar")).end());
        }
        assertAllAnswered();
    }

    @Test
    void compressedHeadersFillNoMemory() throws IOException {
        for (int flag : new int[] {8, 16}) {
            archive("gzip" + flag, "gzip header", out -> {
                long size = 100L << 20;
                out.write(RawTar.header("l.tar", '0', RawTar.octal(size), "", RawTar.USTAR));
                byte[] some = new byte[1 << 20];
                Arrays.fill(some, (byte) 'a');
                byte[] first = some.clone();
                System.arraycopy(new byte[] {0x1f, (byte) 0x8b, 8, (byte) flag, 0, 0, 0, 0, 0, 0}, 0, first, 0, 10);
                out.write(first);
                for (int i = 1; i < size >> 20; i++) {
                    out.write(some);
                }
                out.write(new RawTar().file("c.json", DockerArchiveTest.config(new byte[0])).file("manifest.json", DockerArchiveTest.manifest("c.json", "l.tar")).end());
            });
        }
        // Empty members, one after the other
        byte[] member = DockerArchiveTest.compressed(new byte[0], GZIPOutputStream::new);
        RawTar members = new RawTar();
        for (int i = 0; i < 200_000; i++) {
            members.raw(member);
        }
        archive("members", "1 layers", image(new byte[0], members.unended()));
        for (String broken : List.of("\u001f\u008b", "\u001f\u008b\u0008\u00ff", "\u0028\u00b5\u002f\u00fd", "\u0028\u00b5\u002f\u00fdxxxxxxxxxxxxxxxxxx", "BZh9xxxx", "\u00fd7zXZ\0xxx")) {
            archive("broken" + broken.hashCode(), "the layer 'l.tar' ", image(new byte[0], ascii(broken)));
            Path file = Files.write(folder.resolve("whole" + broken.hashCode()), ascii(broken));
            expected.put(file.getFileName().toString(), "cannot be read");
        }
        assertAllAnswered();
    }

    @Test
    void whatUnpacksWithoutEndIsRefused() throws IOException {
        byte[] bomb = DockerArchiveTest.compressed(new byte[64 << 20], ZstdOutputStream::new);
        Path archive = Files.write(folder.resolve("bomb"), new RawTar().file("c.json", DockerArchiveTest.config(new byte[0]))
                .file("manifest.json", DockerArchiveTest.manifest("c.json", "l.tar")).file("l.tar", bomb).unended());
        assertTrue(Files.size(archive) < 1 << 20);
        Fault fault = assertThrows(Fault.class, () -> DockerArchive.read(archive, 32 << 20));
        assertTrue(fault.getMessage().contains("unpacks to more than " + (32 << 20) + " bytes"), fault.getMessage());
    }
}
