package lib.release;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * What the headers of a program say of the systems it runs on. Nothing of it is run.
 *
 * @see <a href="https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html">ELF: the header</a>
 * @see <a href="https://github.com/apple-oss-distributions/xnu/blob/main/EXTERNAL_HEADERS/mach-o/loader.h">Mach-O</a>
 * and <a href="https://github.com/apple-oss-distributions/cctools/blob/main/include/mach-o/fat.h">files of several</a>
 */
public final class Executable {

    /** Of an ELF file: {@code e_ident} and {@code e_machine}. */
    private record Elf(int bits, ByteOrder order, int machine) {
    }

    private static final ByteOrder LITTLE = ByteOrder.LITTLE_ENDIAN;
    private static final Map<String, Elf> ELF = Map.ofEntries(
            Map.entry("x86_64", new Elf(64, LITTLE, 62)), Map.entry("i686", new Elf(32, LITTLE, 3)),
            Map.entry("aarch64", new Elf(64, LITTLE, 183)), Map.entry("armv6l", new Elf(32, LITTLE, 40)),
            Map.entry("armv7l", new Elf(32, LITTLE, 40)), Map.entry("riscv64", new Elf(64, LITTLE, 243)),
            Map.entry("powerpc64le", new Elf(64, LITTLE, 21)), Map.entry("s390x", new Elf(64, ByteOrder.BIG_ENDIAN, 22)),
            Map.entry("loongarch64", new Elf(64, LITTLE, 258)));
    private static final Map<String, Integer> MACH_O = Map.of("x86_64", 0x0100_0007, "aarch64", 0x0100_000c);

    private static final int ELF_MAGIC = 0x7f45_4c46;
    private static final int EXECUTABLE = 2;
    private static final int EXECUTABLE_ANYWHERE = 3;
    private static final int SYSTEM_V = 0;
    private static final int GNU = 3;
    private static final int MACH_O_64 = 0xfeed_facf;
    private static final int MACH_O_32 = 0xfeed_face;
    private static final int FAT = 0xcafe_babe;
    private static final int FAT_64 = 0xcafe_babf;
    /** A class of Java's begins as a fat file does, with what would be a greater number of programs. */
    private static final int MOST_FAT = 30;
    private static final int SEGMENT_64 = 0x19;

    private final ByteBuffer bytes;

    private Executable(ByteBuffer bytes) {
        this.bytes = bytes;
    }

    /** Whether it is known what a program for this system looks like, as Nix calls it. */
    public static boolean isKnown(String system) {
        return (system.endsWith("-darwin") ? MACH_O.keySet() : ELF.keySet()).contains(cpu(system)) && system.matches("[^-]*-(linux|darwin)");
    }

    /** What keeps a file from being a program for a system that is known, of this version: a sentence each. Throws IOException where it cannot be read. */
    public static List<String> faults(Path file, String system, Version version) throws IOException {
        try (FileChannel channel = FileChannel.open(file)) {
            if (channel.size() > Integer.MAX_VALUE) {
                return List.of("has " + channel.size() + " bytes, more than any installer");
            }
            Executable whole = new Executable(channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size()));
            List<String> faults = new ArrayList<>();
            Executable program = whole;
            try {
                if (system.endsWith("-darwin")) {
                    program = whole.slice(MACH_O.get(cpu(system))).orElse(whole);
                    program.machO(system).ifPresent(faults::add);
                } else {
                    whole.elf(system).ifPresent(faults::add);
                }
            } catch (IndexOutOfBoundsException | IllegalArgumentException e) {
                faults.add("is cut off: its headers say that it is longer than its " + channel.size() + " bytes");
            }
            if (!program.contains(version)) {
                faults.add("does not contain " + version + ": it is of another version");
            }
            return faults;
        }
    }

    private static String cpu(String system) {
        return system.replaceFirst("-.*", "");
    }

    private Optional<String> elf(String system) {
        if (bytes.limit() < 64 || bytes.getInt(0) != ELF_MAGIC) {
            return Optional.of(isNot(system) + " it is no ELF file");
        }
        boolean wide = bytes.get(4) == 2;
        ByteBuffer header = bytes.duplicate().order(bytes.get(5) == 2 ? ByteOrder.BIG_ENDIAN : LITTLE);
        Elf is = new Elf(wide ? 64 : 32, header.order(), header.getShort(18) & 0xffff);
        int type = header.getShort(16);
        int abi = bytes.get(7);
        long entry = wide ? header.getLong(24) : header.getInt(24);
        if (!is.equals(ELF.get(cpu(system)))) {
            return Optional.of(isNot(system) + " it is an ELF file for " + spoken(is));
        }
        if (abi != SYSTEM_V && abi != GNU) {
            return Optional.of(isNot(system) + " its ELF header names another operating system (ABI " + abi + ")");
        }
        if (type != EXECUTABLE && type != EXECUTABLE_ANYWHERE || entry == 0) {
            return Optional.of(isNot(system) + " it is an ELF file that cannot be run, such as a library");
        }
        long programs = wide ? header.getLong(32) : header.getInt(28);
        long sections = wide ? header.getLong(40) : header.getInt(32);
        int sizes = wide ? 54 : 42;
        requireWithin(programs, (long) header.getShort(sizes) * header.getShort(sizes + 2));
        requireWithin(sections, sections == 0 ? 0 : (long) header.getShort(sizes + 4) * (header.getShort(sizes + 6) & 0xffff));
        return Optional.empty();
    }

    private Optional<String> machO(String system) {
        if (bytes.limit() < 32) {
            return Optional.of(isNot(system) + " it is no Mach-O file");
        }
        ByteBuffer header = bytes.duplicate().order(LITTLE);
        int magic = header.getInt(0);
        if (magic != MACH_O_64) {
            return Optional.of(isNot(system) + (magic == MACH_O_32 ? " it is a Mach-O file of 32 bits"
                    : programs(bytes).isEmpty() ? " it is no Mach-O file" : " it is a Mach-O file for other processors"));
        }
        if (header.getInt(4) != MACH_O.get(cpu(system))) {
            return Optional.of(isNot(system) + " it is a Mach-O file for " + MACH_O.entrySet().stream().filter(known -> known.getValue() == header.getInt(4))
                    .map(Map.Entry::getKey).findFirst().orElse("processor " + header.getInt(4)));
        }
        if (header.getInt(12) != EXECUTABLE) {
            return Optional.of(isNot(system) + " it is a Mach-O file that cannot be run, such as a library");
        }
        int commands = header.getInt(16);
        for (int i = 0, at = 32; i < commands; at += Math.max(8, header.getInt(at + 4)), i++) {
            if (header.getInt(at) == SEGMENT_64) {
                requireWithin(header.getLong(at + 40), header.getLong(at + 48));
            }
        }
        return Optional.empty();
    }

    /** The program for a processor in a fat file of Mach-O. */
    private Optional<Executable> slice(int cpu) {
        return programs(bytes).stream().filter(program -> program[0] == cpu).findFirst().map(program -> {
            requireWithin(program[1], program[2]);
            return new Executable(bytes.slice((int) program[1], (int) program[2]));
        });
    }

    /** Of each program in a fat file its processor, offset and size; none where it is no such file. */
    private static List<long[]> programs(ByteBuffer file) {
        List<long[]> programs = new ArrayList<>();
        int magic = file.limit() < 8 ? 0 : file.getInt(0);
        boolean wide = magic == FAT_64;
        if (magic != FAT && !wide || file.getInt(4) < 0 || file.getInt(4) > MOST_FAT) {
            return programs;
        }
        for (int i = 0, at = 8; i < file.getInt(4); i++, at += wide ? 32 : 20) {
            programs.add(new long[] {file.getInt(at), wide ? file.getLong(at + 8) : file.getInt(at + 8) & 0xffff_ffffL,
                wide ? file.getLong(at + 16) : file.getInt(at + 12) & 0xffff_ffffL});
        }
        return programs;
    }

    private void requireWithin(long offset, long size) {
        if (offset < 0 || size < 0 || offset > bytes.limit() - size) {
            throw new IndexOutOfBoundsException();
        }
    }

    private static String isNot(String system) {
        return "is no program for " + system + ":";
    }

    private static String spoken(Elf elf) {
        return ELF.entrySet().stream().filter(known -> known.getValue().equals(elf)).map(Map.Entry::getKey).sorted().findFirst()
                .orElse("machine " + elf.machine() + ", " + elf.bits() + " bits" + (elf.order() == LITTLE ? "" : ", big endian"));
    }

    /** Whether the version stands in it, and not only as a part of another: 2.95.0-rc1 and 12.95.0 are none of 2.95.0. */
    private boolean contains(Version version) {
        String text = Pattern.quote(version.toString());
        return Pattern.compile(text + "(?<![0-9]" + text + ")(?<![0-9]\\." + text + ")"
                + "(?!\\.?[0-9]|[-.]?(?:dev|alpha|a|beta|b|rc|c|pre)[-.]?[0-9]|-(?:dev|alpha|beta|rc|pre)\\b)").matcher(new Letters(bytes)).find();
    }

    /** Bytes as letters, a letter each, without a copy. */
    private record Letters(ByteBuffer bytes) implements CharSequence {
        @Override
        public int length() {
            return bytes.limit();
        }

        @Override
        public char charAt(int index) {
            return (char) (bytes.get(index) & 0xff);
        }

        @Override
        public CharSequence subSequence(int start, int end) {
            return new Letters(bytes.slice(start, end - start));
        }

        @Override
        public String toString() {
            return java.nio.charset.StandardCharsets.ISO_8859_1.decode(bytes.duplicate()).toString();
        }
    }
}
