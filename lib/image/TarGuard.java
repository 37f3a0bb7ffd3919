package lib.image;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A tar stream (POSIX.1-2017, pax) in which no header is larger than a header has reason to be. Readers of tar hold
 * the long names and extended headers of an entry in memory, however long the archive says they are.
 */
final class TarGuard extends InputStream {

    private static final int BLOCK = 512;
    private static final int LARGEST_HEADER = 1 << 20;
    private static final Pattern PAX_SIZE = Pattern.compile("\\d+ size=(\\d+)\n");

    private final InputStream in;
    /** What was looked at and may be read: a header and, of an extended one, its content. */
    private byte[] seen = new byte[0];
    private int at;
    /** Content of the current entry that is still to come, padding included. */
    private long content;
    private long paxSize = -1;
    private boolean ended;

    TarGuard(InputStream in) {
        this.in = in;
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] into, int offset, int length) throws IOException {
        if (length == 0) {
            return 0;
        }
        if (at == seen.length && content == 0 && !ended) {
            look();
        }
        if (at < seen.length) {
            int some = Math.min(length, seen.length - at);
            System.arraycopy(seen, at, into, offset, some);
            at += some;
            return some;
        }
        // Behind the last header comes what no reader of tar looks at.
        int read = in.read(into, offset, ended ? length : (int) Math.min(length, content));
        if (read > 0 && !ended) {
            content -= read;
        }
        return read;
    }

    private void look() throws IOException {
        byte[] header = in.readNBytes(BLOCK);
        seen = header;
        at = 0;
        if (header.length < BLOCK || allZero(header)) {
            ended = true;
            return;
        }
        long size = number(header, 124, 12);
        char type = (char) header[156];
        if ("LKxXg".indexOf(type) >= 0) {
            if (size < 0 || size > LARGEST_HEADER) {
                throw new IOException("it has a header of " + size + " bytes");
            }
            byte[] extended = in.readNBytes((int) padded(size));
            seen = new byte[header.length + extended.length];
            System.arraycopy(header, 0, seen, 0, header.length);
            System.arraycopy(extended, 0, seen, header.length, extended.length);
            Matcher override = PAX_SIZE.matcher(new String(extended, StandardCharsets.ISO_8859_1));
            paxSize = "xX".indexOf(type) >= 0 && override.find() ? Long.parseLong(override.group(1)) : paxSize;
        } else if (type == 'S') {
            throw new IOException("it is sparse"); // its headers go on where others have their content
        } else {
            content = padded(paxSize >= 0 ? paxSize : Math.max(0, size));
            paxSize = -1;
        }
    }

    private static long padded(long size) {
        return (size + BLOCK - 1) / BLOCK * BLOCK;
    }

    private static boolean allZero(byte[] block) {
        for (byte b : block) {
            if (b != 0) {
                return false;
            }
        }
        return true;
    }

    // Octal digits; or, with the first bit set, the number itself: how GNU tar writes sizes from 8 GB on.
    private static long number(byte[] header, int offset, int length) {
        long number = 0;
        if ((header[offset] & 0x80) != 0) {
            for (int i = offset + length - 8; i < offset + length; i++) {
                number = number << 8 | header[i] & 0xff;
            }
            return number;
        }
        for (int i = offset; i < offset + length; i++) {
            if (header[i] >= '0' && header[i] <= '7') {
                number = number << 3 | header[i] - '0';
            }
        }
        return number;
    }

    @Override
    public void close() throws IOException {
        in.close();
    }
}
