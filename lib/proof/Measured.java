package lib.proof;

import java.io.IOException;
import java.io.InputStream;
import java.security.MessageDigest;
import java.util.HexFormat;
import lib.base.FileTree;

/** Counts and digests the bytes that are read through it. */
final class Measured extends InputStream {

    private final InputStream in;
    private final MessageDigest digest = FileTree.digest("SHA-256");
    private long size;

    Measured(InputStream in) {
        this.in = in;
    }

    @Override
    public int read() throws IOException {
        int one = in.read();
        if (one >= 0) {
            digest.update((byte) one);
            size++;
        }
        return one;
    }

    @Override
    public int read(byte[] into, int offset, int length) throws IOException {
        int count = in.read(into, offset, length);
        if (count > 0) {
            digest.update(into, offset, count);
            size += count;
        }
        return count;
    }

    /** Reads to the end, but little beyond so many bytes: what never ends must not hold us. */
    Measured all(long longest) throws IOException {
        byte[] buffer = new byte[1 << 16];
        while (size <= longest && read(buffer, 0, buffer.length) >= 0) {
            // the digest is all we want
        }
        return this;
    }

    /** Bytes so far. */
    long size() {
        return size;
    }

    /** SHA-256 of the bytes so far; once. */
    byte[] sha256() {
        return digest.digest();
    }

    String hex() {
        return HexFormat.of().formatHex(sha256());
    }
}
