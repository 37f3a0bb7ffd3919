package lib.oci;

import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.security.MessageDigest;
import java.util.HexFormat;
import lib.base.FileTree;

/** Size and digest of what passes. */
final class Measured extends FilterOutputStream {
    private final MessageDigest digest = FileTree.digest("SHA-256");
    private long size;

    Measured(OutputStream out) {
        super(out);
    }

    @Override
    public void write(int b) throws IOException {
        write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
        digest.update(bytes, offset, length);
        size += length;
        out.write(bytes, offset, length);
    }

    /** Bytes so far. */
    long size() {
        return size;
    }

    /** In hex; once. */
    String sha256() {
        return HexFormat.of().formatHex(digest.digest());
    }
}
