package lib.base;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.function.LongConsumer;

/** Size and SHA-256 of what is written to it and passed on, or of what is read past it. */
public final class Measured extends OutputStream {

    private final OutputStream to;
    private final MessageDigest digest = FileTree.digest("SHA-256");
    private long size;

    /** Of bytes that go nowhere else. */
    public Measured() {
        this(OutputStream.nullOutputStream());
    }

    public Measured(OutputStream to) {
        this.to = to;
    }

    /** Reads to the end, or one byte beyond {@code most}: what never ends must not hold us. {@code came} hears of bytes. */
    public static Measured of(InputStream in, long most, LongConsumer came) throws IOException {
        Measured measured = new Measured();
        byte[] buffer = new byte[1 << 16];
        while (measured.size <= most) {
            int read = in.read(buffer, 0, (int) Math.min(buffer.length - 1, most - measured.size) + 1);
            if (read < 0) {
                break;
            }
            measured.write(buffer, 0, read);
            came.accept(read);
        }
        return measured;
    }

    public static Measured of(InputStream in, long most) throws IOException {
        return of(in, most, bytes -> { });
    }

    @Override
    public void write(int b) throws IOException {
        write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
        digest.update(bytes, offset, length);
        size += length;
        to.write(bytes, offset, length);
    }

    @Override
    public void flush() throws IOException {
        to.flush();
    }

    @Override
    public void close() throws IOException {
        to.close();
    }

    /** A stream all of which is measured, whether it is read or skipped: commons-io's leaves out what is skipped, and its digest is another. */
    public InputStream reading(InputStream from) {
        return new FilterInputStream(from) {
            @Override
            public int read() throws IOException {
                byte[] one = new byte[1];
                return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
            }

            @Override
            public int read(byte[] into, int offset, int length) throws IOException {
                int read = in.read(into, offset, length);
                if (read > 0) {
                    Measured.this.write(into, offset, read);
                }
                return read;
            }

            @Override
            public long skip(long count) throws IOException {
                return Math.max(0, read(new byte[(int) Math.min(count, 1 << 16)]));
            }

            @Override
            public boolean markSupported() {
                return false;
            }
        };
    }

    /** Bytes so far. */
    public long size() {
        return size;
    }

    /** SHA-256 of the bytes so far; once, as are the next two. */
    public byte[] sha256() {
        return digest.digest();
    }

    public String hex() {
        return HexFormat.of().formatHex(sha256());
    }

    /** As registries write it: {@code sha256:} and hex digits. */
    public String digest() {
        return "sha256:" + hex();
    }
}
