package lib.oci;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * A tar stream, entry by entry: v7, ustar and pax (POSIX.1-2017, pax), GNU (long names, sparse files). What is unclear
 * is read as Go's archive/tar does, which docker, skopeo and containerd have; what that refuses throws IOException.
 * The stream itself is the content of the current entry, holes filled with zeros.
 *
 * <p>Of its own, for the reader of Commons Compress calls itself for each extended header and each piece of a sparse
 * file and writes holes out to pass them: a few KB end it in a StackOverflowError, or never.
 */
final class Tar extends InputStream {

    static final int BLOCK = 512;
    /** Bytes of an extended header, or of the map of a sparse file: all that is ever held of an entry. */
    static final int LARGEST_HEADER = 1 << 20;
    private static final byte[] ZEROS = new byte[BLOCK];
    private static final String WITHOUT_CONTENT = "123456";

    /**
     * An entry.
     *
     * @param type as in the header, but that v7's files have {@code '0'}, too, and its folders {@code '5'}
     * @param link where it leads, if it is one
     * @param size of its content in bytes, holes and all
     */
    record Entry(String name, char type, String link, long size) {
        boolean isFile() {
            return WITHOUT_CONTENT.indexOf(type) < 0;
        }
    }

    private final InputStream in;
    /** Bytes of the current entry that are still to come: stored ones, and the padding behind them. */
    private long stored;
    private int padding;
    private final byte[] passed = new byte[1 << 13];
    private Sparse content = new Sparse(0);

    Tar(InputStream in) {
        this.in = in;
    }

    /** Whether a file that begins with these bytes, a block or all there are, is a tar. */
    static boolean begins(byte[] block) {
        return block.length == 0 || block.length == BLOCK && (allZero(block) || hasChecksum(block));
    }

    /** The next entry; null behind the last. */
    Entry next() throws IOException {
        Map<String, String> pax = Map.of();
        String longName = "";
        String longLink = "";
        while (true) {
            pass();
            byte[] header = block();
            if (header == null || allZero(header)) {
                requireEnd(header);
                return null;
            }
            if (!hasChecksum(header)) {
                throw new IOException("a header has a wrong checksum");
            }
            long size = number(header, 124, 12);
            char type = (char) (header[156] & 0xff);
            switch (type) {
                case 'x' -> pax = PaxRecords.of(extended(size));
                case 'g' -> { // of no meaning for the next entry, and ends what was
                    PaxRecords.of(extended(size));
                    pax = Map.of();
                    longName = "";
                    longLink = "";
                }
                case 'L' -> longName = text(extended(size), 0, (int) size);
                case 'K' -> longLink = text(extended(size), 0, (int) size);
                default -> {
                    String name = either(longName, pax.get("path"), name(header));
                    String link = either(longLink, pax.get("linkpath"), text(header, 157, 100));
                    return entry(header, pax, name, link, pax.containsKey("size") ? PaxRecords.number(pax.get("size")) : size);
                }
            }
        }
    }

    private Entry entry(byte[] header, Map<String, String> pax, String name, String link, long size) throws IOException {
        char type = (char) (header[156] & 0xff);
        if (type == 0) { // how v7 writes files, and folders too
            type = name.endsWith("/") ? '5' : '0';
        }
        stored = WITHOUT_CONTENT.indexOf(type) < 0 ? size : 0;
        padding = padding(stored);
        content = new Sparse(stored);
        if (type == 'S') {
            content = new Sparse(Sparse.old(header, this::block), number(header, 483, 12), stored);
        } else if (type == '0' && Sparse.format(pax) >= 0) {
            List<Long> pieces = Sparse.format(pax) == 0 ? Sparse.records(pax) : Sparse.inFront(this::stored);
            String whole = either(pax.get("GNU.sparse.size"), pax.get("GNU.sparse.realsize"));
            content = new Sparse(pieces, whole.isEmpty() ? size : PaxRecords.number(whole), stored);
            name = either(pax.get("GNU.sparse.name"), name);
        }
        return new Entry(name, type, link, content.size());
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] into, int offset, int length) throws IOException {
        return length == 0 ? 0 : content.read(into, offset, length, this::stored);
    }

    private int stored(byte[] into, int offset, int length) throws IOException {
        int read = stored == 0 ? -1 : in.read(into, offset, (int) Math.min(length, stored));
        if (read < 0) {
            throw new EOFException("it ends too early");
        }
        stored -= read;
        return read;
    }

    /** What is left of the current entry; only the padding of the last may be missing. */
    private void pass() throws IOException {
        while (stored > 0) {
            stored(passed, 0, passed.length);
        }
        in.readNBytes(passed, 0, padding);
        padding = 0;
    }

    /** The content of an extended header. */
    private byte[] extended(long size) throws IOException {
        if (size > LARGEST_HEADER) {
            throw new IOException("it has a header of " + size + " bytes");
        }
        byte[] bytes = in.readNBytes((int) size);
        if (bytes.length < size) {
            throw new EOFException("it ends inside a header");
        }
        padding = padding(size);
        return bytes;
    }

    private byte[] block() throws IOException {
        byte[] block = in.readNBytes(BLOCK);
        if (block.length > 0 && block.length < BLOCK) {
            throw new EOFException("it ends inside a header");
        }
        return block.length == 0 ? null : block;
    }

    private void requireEnd(byte[] zeros) throws IOException {
        byte[] second = zeros == null ? null : block();
        if (second != null && !allZero(second)) {
            throw new IOException("a block of zeros stands between its entries");
        }
    }

    private static int padding(long size) {
        return (int) (-size & BLOCK - 1);
    }

    private static String either(String... texts) {
        return Arrays.stream(texts).filter(text -> text != null && !text.isEmpty()).findFirst().orElse("");
    }

    private static String name(byte[] header) {
        String magic = new String(header, 257, 6, StandardCharsets.ISO_8859_1);
        boolean star = new String(header, 508, 4, StandardCharsets.ISO_8859_1).equals("tar\0");
        String prefix = magic.equals("ustar\0") ? text(header, 345, star ? 131 : 155) : "";
        return prefix.isEmpty() ? text(header, 0, 100) : prefix + "/" + text(header, 0, 100);
    }

    /** Up to the first NUL. */
    private static String text(byte[] bytes, int offset, int most) {
        int length = 0;
        while (length < most && bytes[offset + length] != 0) {
            length++;
        }
        return new String(bytes, offset, length, StandardCharsets.UTF_8);
    }

    private static boolean allZero(byte[] block) {
        return Arrays.equals(block, ZEROS);
    }

    // Of unsigned bytes, or, in old tars, of signed ones; its own count as blanks.
    private static boolean hasChecksum(byte[] header) {
        long unsigned = 8 * ' ';
        long signed = unsigned;
        for (int i = 0; i < BLOCK; i++) {
            if (i < 148 || i >= 156) {
                unsigned += header[i] & 0xff;
                signed += header[i];
            }
        }
        try {
            long sum = number(header, 148, 8);
            return sum == unsigned || sum == signed;
        } catch (IOException e) {
            return false;
        }
    }

    /** Octal digits; or, with the first bit set, the number itself: how GNU tar writes sizes from 8 GB on. Never negative. */
    static long number(byte[] header, int offset, int length) throws IOException {
        byte[] field = Arrays.copyOfRange(header, offset, offset + length);
        if ((field[0] & 0x80) != 0) {
            field[0] &= 0x7f;
            BigInteger number = new BigInteger(field); // of a negative one the next bit is set, too
            return number.bitLength() < Long.SIZE ? number.longValue() : none();
        }
        int at = 0;
        while (at < length && (field[at] == ' ' || field[at] == 0)) {
            at++;
        }
        long number = 0; // of up to twelve digits
        for (; at < length && field[at] >= '0' && field[at] <= '7'; at++) {
            number = number << 3 | field[at] - '0';
        }
        for (; at < length && field[at] != 0; at++) {
            if (field[at] != ' ') {
                return none();
            }
        }
        return number;
    }

    private static long none() throws IOException {
        throw new IOException("a header has a number that is malformed, negative or too large");
    }
}
