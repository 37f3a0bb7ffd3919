package lib.oci;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** Where in a file the bytes belong that are stored of it; between them are zeros (GNU tar's manual, Storing Sparse Files). */
final class Sparse {

    private static final int MOST_PIECES = 1 << 18;

    /** Where bytes come from that are stored. */
    interface Bytes {
        int read(byte[] into, int offset, int length) throws IOException;
    }

    /** The blocks behind a header. */
    interface Blocks {
        byte[] next() throws IOException;
    }

    private final long[] pieces;
    private final long size;
    private int piece;
    private long at;

    /**
     * A file of {@code size} bytes, of which {@code stored} are there.
     *
     * @param pieces offset and length of each, in order
     */
    Sparse(List<Long> pieces, long size, long stored) throws IOException {
        this.pieces = pieces.stream().mapToLong(Long::longValue).toArray();
        this.size = size;
        long end = 0;
        long sum = 0; // no more than the size, for they do not overlap
        for (int i = 0; i < this.pieces.length; i += 2) {
            long offset = this.pieces[i];
            long length = this.pieces[i + 1];
            if (offset < end || offset > size || length > size - offset) {
                throw new IOException("the pieces of a sparse file do not fit its size");
            }
            end = offset + length;
            sum += length;
        }
        if (sum != stored) {
            throw new IOException("a sparse file has " + stored + " bytes, and its map says " + sum);
        }
    }

    /** A file without holes. */
    Sparse(long size) {
        this.pieces = new long[] {0, size};
        this.size = size;
    }

    long size() {
        return size;
    }

    /** As InputStream has it. */
    int read(byte[] into, int offset, int length, Bytes stored) throws IOException {
        while (piece < pieces.length && at == pieces[piece] + pieces[piece + 1]) {
            piece += 2;
        }
        if (at == size) {
            return -1;
        }
        boolean hole = piece == pieces.length || at < pieces[piece];
        long end = piece == pieces.length ? size : hole ? pieces[piece] : pieces[piece] + pieces[piece + 1];
        int some = (int) Math.min(length, end - at);
        if (hole) {
            Arrays.fill(into, offset, offset + some, (byte) 0);
        } else {
            some = stored.read(into, offset, some);
        }
        at += some;
        return some;
    }

    /** The pieces in a header of GNU's old format and in the blocks it goes on in. */
    static List<Long> old(byte[] header, Blocks further) throws IOException {
        List<Long> pieces = new ArrayList<>();
        byte[] block = header;
        int last = 482;
        add(pieces, block, 386, last);
        while (block[last] != 0) {
            block = further.next();
            last = 504;
            if (block == null) {
                throw new IOException("the map of a sparse file ends too early");
            }
            add(pieces, block, 0, last);
        }
        return pieces;
    }

    private static void add(List<Long> pieces, byte[] block, int from, int end) throws IOException {
        for (int at = from; at < end && block[at] != 0; at += 24) {
            add(pieces, Tar.number(block, at, 12));
            add(pieces, Tar.number(block, at + 12, 12));
        }
    }

    private static void add(List<Long> pieces, long number) throws IOException {
        if (pieces.size() == 2 * MOST_PIECES) {
            throw new IOException("a sparse file has more than " + MOST_PIECES + " pieces");
        }
        pieces.add(number);
    }

    /** The format of pax's records, 0 or 1; -1 where they are of no sparse file. Others are read as what is stored, holes left out. */
    static int format(Map<String, String> pax) {
        String version = pax.getOrDefault("GNU.sparse.major", "") + "." + pax.getOrDefault("GNU.sparse.minor", "");
        return switch (version) {
            case "0.0", "0.1" -> 0;
            case "1.0" -> 1;
            case "." -> pax.containsKey("GNU.sparse.map") ? 0 : -1;
            default -> -1;
        };
    }

    /** The pieces in pax's records, formats 0.0 and 0.1. */
    static List<Long> records(Map<String, String> pax) throws IOException {
        List<Long> pieces = new ArrayList<>();
        String map = pax.getOrDefault("GNU.sparse.map", "");
        for (String number : map.isEmpty() ? new String[0] : map.split(",", -1)) {
            add(pieces, PaxRecords.number(number));
        }
        long count = PaxRecords.number(pax.getOrDefault("GNU.sparse.numblocks", ""));
        if (pieces.size() % 2 != 0 || pieces.size() / 2 != count) {
            throw new IOException("a sparse file has " + count + " pieces, and its map " + pieces.size() / 2);
        }
        return pieces;
    }

    /** The pieces in the blocks in front of the content, format 1.0: a number a line, first how many pieces there are. */
    static List<Long> inFront(Bytes content) throws IOException {
        List<Long> pieces = new ArrayList<>();
        byte[] block = new byte[Tar.BLOCK];
        int at = block.length;
        StringBuilder digits = new StringBuilder();
        for (long numbers = -1; numbers != 0; ) {
            if (at == block.length) {
                at = 0;
                for (int filled = 0; filled < block.length; ) {
                    filled += content.read(block, filled, block.length - filled);
                }
            }
            byte next = block[at++];
            if (next != '\n') {
                digits.append((char) (next & 0xff));
                if (digits.length() > Tar.BLOCK) {
                    throw new IOException("the map of a sparse file has a malformed number");
                }
                continue;
            }
            long number = PaxRecords.number(digits.toString());
            digits.setLength(0);
            if (numbers > 0) {
                add(pieces, number);
                numbers--;
            } else {
                numbers = 2 * Math.min(number, MOST_PIECES + 1);
            }
        }
        return pieces;
    }
}
