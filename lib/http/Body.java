package lib.http;

import java.io.Closeable;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.Base64;
import java.util.HexFormat;
import lib.base.Fault;
import lib.base.FileTree;

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
        void take(byte[] bytes, int offset, int length) throws IOException;
    }

    /** Bytes that come once, from the first to the last. */
    public interface Content {
        void writeTo(OutputStream out) throws IOException;
    }

    private static final int FEW = 1 << 16;

    private final Path file;
    private final long offset;
    /** All of them, where they are few: of a file once it was read, since hashing and sending both want them. */
    private byte[] bytes;
    private final Content once;
    private boolean begun;
    public final long length;

    private Body(Path file, long offset, byte[] bytes, Content once, long length) {
        this.file = file;
        this.offset = offset;
        this.bytes = bytes;
        this.once = once;
        this.length = length;
    }

    public static Body of(byte[] bytes) {
        return new Body(null, 0, bytes, null, bytes.length);
    }

    public static Body of(Path file, long offset, long length) {
        return new Body(file, offset, null, null, length);
    }

    /** For one attempt only: what was sent of it is gone. */
    public static Body once(long length, Content content) {
        return new Body(null, 0, null, content, length);
    }

    /** Whether it can be handed over from its beginning. */
    public boolean whole() {
        return once == null || !begun;
    }

    /**
     * Hands all of it over, a buffer at a time, after the first {@code filled} bytes that are in the
     * buffer already. Throws Fault when the file cannot be read or has shrunk.
     */
    void pass(byte[] buffer, int filled, Sink sink) throws IOException {
        if (once != null) {
            sink.take(buffer, 0, filled);
            begun = true;
            Exactly exactly = new Exactly(length, sink);
            once.writeTo(exactly);
            if (exactly.left > 0) {
                throw new IOException("there are " + exactly.left + " bytes less than there were to be");
            }
            return;
        }
        if (bytes == null && length <= FEW) {
            bytes = few();
        }
        try (FileChannel channel = bytes == null ? channel() : null) {
            long position = 0;
            int end = filled;
            do {
                int some = (int) Math.min(buffer.length - end, length - position);
                fill(channel, position, ByteBuffer.wrap(buffer, end, some));
                sink.take(buffer, 0, end + some);
                position += some;
                end = 0;
            } while (position < length);
        }
    }

    /** Its bytes for who pulls them; not for those that come once. */
    public interface Source extends Closeable {

        /** In bytes. */
        long length();

        /** Puts more into the buffer, at most what it takes, and says whether that was the last. Throws Fault as {@link #pass}. */
        boolean fill(ByteBuffer buffer);
    }

    /** Opens it. Throws Fault when the file cannot be read. */
    public Source open() {
        if (once != null) {
            throw new IllegalStateException("these bytes are pushed");
        }
        if (bytes == null && length <= FEW) {
            bytes = few();
        }
        FileChannel channel = bytes == null ? channel() : null;
        return new Source() {
            private long position;

            @Override
            public long length() {
                return length;
            }

            @Override
            public boolean fill(ByteBuffer buffer) {
                int some = (int) Math.min(buffer.remaining(), length - position);
                int limit = buffer.limit();
                buffer.limit(buffer.position() + some);
                Body.this.fill(channel, position, buffer);
                buffer.limit(limit);
                position += some;
                return position == length;
            }

            @Override
            public void close() throws IOException {
                if (channel != null) {
                    channel.close();
                }
            }
        };
    }

    /** In hex. */
    public String sha256() throws IOException {
        MessageDigest digest = FileTree.digest("SHA-256");
        pass(buffer(), 0, digest::update);
        return HexFormat.of().formatHex(digest.digest());
    }

    /** As the header Content-MD5 has it: base64, RFC 1864. */
    public String md5() throws IOException {
        MessageDigest digest = FileTree.digest("MD5");
        pass(buffer(), 0, digest::update);
        return Base64.getEncoder().encodeToString(digest.digest());
    }

    /** Both in one go. */
    public Digests digests() throws IOException {
        MessageDigest whole = FileTree.digest("SHA-256");
        MessageDigest digest = FileTree.digest("MD5");
        pass(buffer(), 0, (buffer, offset, some) -> {
            whole.update(buffer, offset, some);
            digest.update(buffer, offset, some);
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

    private FileChannel channel() {
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
        return Fault.failed(file + " cannot be read", why, "check that it exists and that nothing changes it, and run again");
    }

    // More than was announced would be taken for the next request.
    private static final class Exactly extends OutputStream {
        private final Sink sink;
        private long left;

        Exactly(long length, Sink sink) {
            this.left = length;
            this.sink = sink;
        }

        @Override
        public void write(int b) throws IOException {
            write(new byte[] {(byte) b}, 0, 1);
        }

        @Override
        public void write(byte[] bytes, int offset, int length) throws IOException {
            if (length > left) {
                throw new IOException("there are more bytes than there were to be");
            }
            left -= length;
            sink.take(bytes, offset, length);
        }
    }
}
