import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import lib.release.Executable;
import lib.release.Version;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is a program for which system: by hand-written headers, and by real programs of this machine. */
class ExecutableTest {

    private static final Version VERSION = Version.of("2.95.0");
    private static final int X86_64 = 0x0100_0007;
    private static final int ARM64 = 0x0100_000c;
    private static final int EXEC = 2;

    @TempDir
    Path folder;

    /** A program of a few bytes for a system, with a text in it. */
    static byte[] program(String system, String text) {
        return switch (system) {
            case "x86_64-linux" -> elf(64, false, 62, 3, text);
            case "aarch64-linux" -> elf(64, false, 183, EXEC, text);
            case "riscv64-linux" -> elf(64, false, 243, 3, text);
            case "i686-linux" -> elf(32, false, 3, EXEC, text);
            case "armv7l-linux" -> elf(32, false, 40, EXEC, text);
            case "s390x-linux" -> elf(64, true, 22, 3, text);
            case "x86_64-darwin" -> machO(X86_64, EXEC, text);
            case "aarch64-darwin" -> machO(ARM64, EXEC, text);
            default -> throw new IllegalArgumentException(system);
        };
    }

    private static byte[] elf(int bits, boolean big, int machine, int type, String text) {
        boolean wide = bits == 64;
        ByteBuffer header = ByteBuffer.allocate(wide ? 64 : 52).order(big ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN);
        header.put(new byte[] {0x7f, 'E', 'L', 'F', (byte) (wide ? 2 : 1), (byte) (big ? 2 : 1), 1, 0}).position(16);
        header.putShort((short) type).putShort((short) machine).putInt(1);
        byte[] tail = (text + "\0").getBytes(StandardCharsets.UTF_8);
        int sections = header.capacity() + Math.max(tail.length, 20);
        if (wide) {
            header.putLong(0x1000).putLong(64).putLong(sections);
        } else {
            header.putInt(0x1000).putInt(52).putInt(sections);
        }
        header.putInt(0).putShort((short) header.capacity()).putShort((short) 0).putShort((short) 0).putShort((short) (wide ? 64 : 40)).putShort((short) 1);
        return join(header.array(), Arrays.copyOf(tail, sections - header.capacity()), new byte[wide ? 64 : 40]);
    }

    private static byte[] machO(int cpu, int type, String text) {
        byte[] tail = text.getBytes(StandardCharsets.UTF_8);
        ByteBuffer header = ByteBuffer.allocate(32 + 72).order(ByteOrder.LITTLE_ENDIAN);
        header.putInt(0xfeedfacf).putInt(cpu).putInt(0).putInt(type).putInt(1).putInt(72).putInt(0).putInt(0);
        header.putInt(0x19).putInt(72).put("__TEXT".getBytes(StandardCharsets.US_ASCII)).position(32 + 40);
        header.putLong(0).putLong(header.capacity() + tail.length);
        return join(header.array(), tail);
    }

    private static byte[] fat(boolean wide, Map<Integer, byte[]> programs) {
        ByteBuffer header = ByteBuffer.allocate(256).putInt(wide ? 0xcafebabf : 0xcafebabe).putInt(programs.size());
        byte[][] parts = new byte[programs.size() + 1][];
        int at = 256;
        int part = 1;
        for (Map.Entry<Integer, byte[]> program : programs.entrySet()) {
            header.putInt(program.getKey()).putInt(0);
            if (wide) {
                header.putLong(at).putLong(program.getValue().length).putInt(0).putInt(0);
            } else {
                header.putInt(at).putInt(program.getValue().length).putInt(0);
            }
            parts[part++] = program.getValue();
            at += program.getValue().length;
        }
        parts[0] = header.array();
        return join(parts);
    }

    private static byte[] join(byte[]... parts) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            all.writeBytes(part);
        }
        return all.toByteArray();
    }

    private List<String> faults(String system, byte[] bytes) throws IOException {
        return Executable.faults(Files.write(folder.resolve("program"), bytes), system, VERSION);
    }

    private void assertFault(String saying, String system, byte[] bytes) throws IOException {
        List<String> faults = faults(system, bytes);
        assertEquals(1, faults.size(), saying + ": " + faults);
        assertTrue(faults.get(0).contains(saying), saying + "\nnot in\n" + faults);
    }

    private static final List<String> SYSTEMS = List.of("x86_64-linux", "aarch64-linux", "riscv64-linux", "i686-linux", "armv7l-linux", "s390x-linux",
            "x86_64-darwin", "aarch64-darwin");

    @Test
    void eachProgramIsOneForItsOwnSystemAndNoOther() throws IOException {
        for (String system : SYSTEMS) {
            for (String other : SYSTEMS) {
                assertEquals(system.equals(other) ? 0 : 1, faults(other, program(system, "lix-2.95.0/nix")).size(), system + " as " + other);
            }
        }
        assertFault("is no program for x86_64-linux: it is an ELF file for aarch64", "x86_64-linux", program("aarch64-linux", "2.95.0"));
        assertFault("is no program for aarch64-darwin: it is a Mach-O file for x86_64", "aarch64-darwin", program("x86_64-darwin", "2.95.0"));
    }

    @Test
    void aProgramOfThisMachineIsOneForItsSystemAndALibraryIsNot() throws IOException {
        String cpu = System.getProperty("os.arch").replace("amd64", "x86_64");
        Path java = ProcessHandle.current().info().command().map(Path::of).orElseThrow();
        assumeTrue(Executable.isKnown(cpu + "-linux") && System.getProperty("os.name").equals("Linux"));
        assertEquals(List.of("does not contain 2.95.0: it is of another version"), faults(cpu + "-linux", Files.readAllBytes(Path.of("/bin/true"))));
        byte[] program = Files.readAllBytes(java.toRealPath());
        assertEquals(List.of(), faults(cpu + "-linux", join(program, "2.95.0".getBytes(StandardCharsets.UTF_8))));
        assertFault("is cut off", cpu + "-linux", withText(program, program.length - 100));
        Path library = java.toRealPath().getParent().getParent().resolve("lib/libjava.so");
        assertFault("cannot be run, such as a library", cpu + "-linux", join(Files.readAllBytes(library), "2.95.0".getBytes(StandardCharsets.UTF_8)));
    }

    /** So many of a program's bytes, the version in place of the last ones. */
    private static byte[] withText(byte[] program, int length) {
        byte[] some = Arrays.copyOf(program, length);
        byte[] text = "2.95.0 ".getBytes(StandardCharsets.UTF_8);
        System.arraycopy(text, 0, some, length - text.length, text.length);
        return some;
    }

    @Test
    void whatIsNoProgramIsNamedAsWhatItIs() throws IOException {
        assertFault("it is no ELF file", "x86_64-linux", "#!/bin/sh\n# installs 2.95.0, and is a script of more bytes than a header has\n".getBytes(StandardCharsets.UTF_8));
        assertFault("it is no Mach-O file", "aarch64-darwin", program("x86_64-linux", "2.95.0"));
        assertFault("such as a library", "x86_64-linux", elf(64, false, 62, 1, "2.95.0"));
        assertFault("such as a library", "aarch64-darwin", machO(ARM64, 6, "2.95.0"));
        byte[] freeBsd = program("x86_64-linux", "2.95.0");
        freeBsd[7] = 9;
        assertFault("another operating system (ABI 9)", "x86_64-linux", freeBsd);
        assertEquals(2, faults("x86_64-linux", new byte[0]).size(), "neither a program nor of the version");
        assertEquals(2, faults("x86_64-darwin", new byte[0]).size());
        byte[] javaClass = join(new byte[] {(byte) 0xca, (byte) 0xfe, (byte) 0xba, (byte) 0xbe, 0, 0, 0, 61}, new byte[64], "2.95.0".getBytes(StandardCharsets.UTF_8));
        assertFault("it is no Mach-O file", "x86_64-darwin", javaClass);
    }

    @Test
    void whatIsCutOffIsNoProgram() throws IOException {
        for (String system : SYSTEMS) {
            byte[] whole = program(system, "2.95.0 and more");
            assertFault("is cut off", system, Arrays.copyOf(whole, whole.length - 1));
        }
    }

    @Test
    void aFatFileIsAProgramForEachProcessorInIt() throws IOException {
        for (boolean wide : new boolean[] {false, true}) {
            byte[] both = fat(wide, new TreeMap<>(Map.of(X86_64, program("x86_64-darwin", "2.95.0"), ARM64, program("aarch64-darwin", "2.95.0"))));
            assertEquals(List.of(), faults("x86_64-darwin", both));
            assertEquals(List.of(), faults("aarch64-darwin", both));
            assertFault("it is no ELF file", "x86_64-linux", both);
            assertFault("is cut off", "aarch64-darwin", Arrays.copyOf(both, both.length - 1));
            byte[] one = fat(wide, Map.of(X86_64, program("x86_64-darwin", "2.95.0")));
            assertFault("it is a Mach-O file for other processors", "aarch64-darwin", one);
            byte[] mixed = fat(wide, new TreeMap<>(Map.of(X86_64, program("x86_64-darwin", "2.95.0"), ARM64, program("aarch64-darwin", "2.94.0"))));
            assertFault("does not contain 2.95.0", "aarch64-darwin", mixed);
            byte[] wrong = fat(wide, Map.of(ARM64, program("x86_64-darwin", "2.95.0")));
            assertFault("it is a Mach-O file for x86_64", "aarch64-darwin", wrong);
        }
    }

    @Test
    void aVersionIsNotFoundInsideAnother() throws IOException {
        for (String text : List.of("2.95.0", "lix-2.95.0/nix-2.95.0-aarch64-linux.tar.xz", "x2.95.0-x86_64-linux", "Lix 2.95.0.", "2.95.0-rc1 2.95.0", "v2.95.0")) {
            assertEquals(List.of(), faults("x86_64-linux", program("x86_64-linux", text)), text);
        }
        for (String text : List.of("2.95.0-rc1", "2.95.0-beta.1", "2.95.0rc2", "2.95.0-dev", "12.95.0", "1.2.95.0", "2.95.01", "2.95.0.1", "2x95y0", "2.95")) {
            assertFault("does not contain 2.95.0", "x86_64-linux", program("x86_64-linux", text));
        }
        Path rc = Files.write(folder.resolve("rc"), program("x86_64-linux", "lix-2.95.0-rc1/nix"));
        assertEquals(List.of(), Executable.faults(rc, "x86_64-linux", Version.of("2.95.0-rc1")));
    }

    @Test
    void aSystemThatNobodyKnowsIsNotKnown() {
        SYSTEMS.forEach(system -> assertTrue(Executable.isKnown(system), system));
        for (String system : List.of("", "x86_64", "x86_64-windows", "riscv64-darwin", "z80-linux", "x86_64-linux-musl", "x86_64-linux.sha256")) {
            assertFalse(Executable.isKnown(system), system);
        }
    }
}
