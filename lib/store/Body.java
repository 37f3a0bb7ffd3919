package lib.store;

import java.io.FileInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.Base64;
import java.util.HexFormat;
import lib.Fault;
import lib.FileTree;

/**
 * The bytes of a request, from their beginning for each attempt: a retry never sends an exhausted stream. For
 * one thread at a time.
 */
public final class Body {

    public static final Body NONE = of(new byte[0]);

    /** MD5 as the header Content-MD5 has it, base64 (RFC 1864), and SHA-256 in hex. */
    public record Digests(String md5, String sha256) {
    }

    interface Sink {
        void take(byte[] buffer, int length) throws IOException;
    }

    private static final int FEW = 1 << 16;

    private final Path file;
    private final long offset;
    /** All of them, where they are few: of a file once it was read, since hashing and sending both want them. */
    private byte[] bytes;
    public final long length;

    private Body(Path file, long offset, byte[] bytes, long length) {
        this.file = file;
        this.offset = offset;
        this.bytes = bytes;
        this.length = length;
    }

    public static Body of(byte[] bytes) {
        return new Body(null, 0, bytes, bytes.length);
    }

    public static Body of(Path file, long offset, long length) {
        return new Body(file, offset, null, length);
    }

    /**
     * Hands all of it over, a buffer at a time, after the first {@code filled} bytes that are in the
     * buffer already. Throws Fault when the file cannot be read or has shrunk.
     */
    void pass(byte[] buffer, int filled, Sink sink) throws IOException {
        if (bytes == null && length <= FEW) {
            bytes = few();
        }
        try (FileChannel channel = bytes == null ? open() : null) {
            long position = 0;
            int end = filled;
            do {
                int some = (int) Math.min(buffer.length - end, length - position);
                fill(channel, position, ByteBuffer.wrap(buffer, end, some));
                sink.take(buffer, end + some);
                position += some;
                end = 0;
            } while (position < length);
        }
    }

    /** In hex. */
    String sha256() throws IOException {
        MessageDigest digest = FileTree.digest("SHA-256");
        pass(buffer(), 0, (buffer, some) -> digest.update(buffer, 0, some));
        return HexFormat.of().formatHex(digest.digest());
    }

    /** As the header Content-MD5 has it: base64, RFC 1864. */
    public String md5() throws IOException {
        MessageDigest digest = FileTree.digest("MD5");
        pass(buffer(), 0, (buffer, some) -> digest.update(buffer, 0, some));
        return Base64.getEncoder().encodeToString(digest.digest());
    }

    /** Both in one go. */
    public Digests digests() throws IOException {
        MessageDigest whole = FileTree.digest("SHA-256");
        MessageDigest digest = FileTree.digest("MD5");
        pass(buffer(), 0, (buffer, some) -> {
            whole.update(buffer, 0, some);
            digest.update(buffer, 0, some);
        });
        return new Digests(Base64.getEncoder().encodeToString(digest.digest()), HexFormat.of().formatHex(whole.digest()));
    }

    /** Throws Fault when a digest of this file is not the one it was built with. */
    public void requireSame(String now, String built) {
        if (!now.equals(built)) {
            throw Fault.failed(file + " is not what was built", "its sha256 is " + now + ", and was " + built, "build again; nothing of it was published");
        }
    }

    private byte[] buffer() {
        return new byte[(int) Math.max(1, Math.min(length, 1 << 16))];
    }

    // A stream, which is opened sooner than a channel.
    private byte[] few() {
        try (FileInputStream in = new FileInputStream(file.toFile())) {
            in.skipNBytes(offset);
            byte[] all = in.readNBytes((int) length);
            if (all.length < length) {
                throw unreadable("it ends at " + (offset + all.length) + ", and was longer before");
            }
            return all;
        } catch (IOException e) {
            throw unreadable(e.toString()).from(e);
        }
    }

    private FileChannel open() {
        try {
            return FileChannel.open(file, StandardOpenOption.READ);
        } catch (IOException e) {
            throw unreadable(e.toString()).from(e);
        }
    }

    private void fill(FileChannel channel, long position, ByteBuffer buffer) {
        if (channel == null) {
            buffer.put(bytes, (int) position, buffer.remaining());
            return;
        }
        try {
            for (long at = offset + position; buffer.hasRemaining(); ) {
                int read = channel.read(buffer, at);
                if (read < 0) {
                    throw unreadable("it ends at " + at + ", and was longer before");
                }
                at += read;
            }
        } catch (IOException e) {
            throw unreadable(e.toString()).from(e);
        }
    }

    private Fault unreadable(String why) {
        return Fault.failed(file + " cannot be read", why, "see that it is there and that nothing changes it, and run again");
    }
}
