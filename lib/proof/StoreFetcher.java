package lib.proof;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import lib.base.Fault;
import lib.config.Environment;
import lib.s3.ObjectStore;

/** Through the object store, with its keys and its own retries: for environments that are not public. */
final class StoreFetcher implements Fetcher {

    /** Up to here an object is taken in one piece. */
    private static final long PIECE = 1 << 20;

    private final ObjectStore store;
    private final Environment environment;

    StoreFetcher(ObjectStore store, Environment environment) {
        this.store = store;
        this.environment = environment;
    }

    @Override
    public InputStream open(String role, String key) throws IOException {
        String bucket = Fetcher.bucket(environment, role);
        if (size(role, key) <= PIECE) {
            return new ByteArrayInputStream(store.get(bucket, key).orElseThrow(StoreFetcher::notThere));
        }
        Pipe pipe = new Pipe();
        Thread download = new Thread(() -> pipe.fill(out -> store.download(bucket, key, out)), "proof download");
        download.setDaemon(true);
        download.start();
        return pipe;
    }

    // One request where open() has two: of thousands of small things each round trip counts.
    @Override
    public byte[] first(int most, String role, String key) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try {
            store.download(Fetcher.bucket(environment, role), key, new OutputStream() {
                @Override
                public void write(int one) throws IOException {
                    write(new byte[] {(byte) one}, 0, 1);
                }

                @Override
                public void write(byte[] from, int offset, int length) throws IOException {
                    bytes.write(from, offset, Math.min(length, most - bytes.size()));
                    if (bytes.size() == most) {
                        throw new EnoughException();
                    }
                }
            });
        } catch (EnoughException e) {
            // that is what was asked for
        } catch (Fault fault) {
            said(role, key); // whether there is none at all
            throw fault;
        }
        return bytes.toByteArray();
    }

    private static final class EnoughException extends IOException {
        private static final long serialVersionUID = 1;
    }

    @Override
    public long size(String role, String key) throws IOException {
        return said(role, key).size();
    }

    @Override
    public Said said(String role, String key) throws IOException {
        Map<String, String> headers = store.head(Fetcher.bucket(environment, role), key).orElseThrow(StoreFetcher::notThere);
        return Said.of(headers).orElseThrow(() -> Fault.failed(name(role, key) + " does not report its size", "HEAD answers no Content-Length", "look at the server"));
    }

    @Override
    public String name(String role, String key) {
        return "s3://" + Fetcher.bucket(environment, role) + "/" + key;
    }

    private static NotThere notThere() {
        return new NotThere("there is no such object");
    }

    /** From a store that pushes to a decoder that pulls, a megabyte in between. */
    private static final class Pipe extends InputStream {

        private interface Source {
            void writeTo(OutputStream out) throws IOException;
        }

        private static final byte[] END = {};

        private final BlockingQueue<byte[]> chunks = new ArrayBlockingQueue<>(16);
        private volatile boolean closed;
        private volatile Throwable failure;
        private byte[] chunk = {0};
        private int at = 1;

        void fill(Source source) {
            try {
                source.writeTo(new OutputStream() {
                    @Override
                    public void write(int one) throws IOException {
                        put(new byte[] {(byte) one});
                    }

                    @Override
                    public void write(byte[] bytes, int offset, int length) throws IOException {
                        if (length > 0) {
                            put(Arrays.copyOfRange(bytes, offset, offset + length));
                        }
                    }
                });
            } catch (Throwable e) {
                failure = e; // also an error of the machine's: without an end the reader would wait for ever
            }
            try {
                put(END);
            } catch (IOException e) {
                // nobody reads on, so nobody asks how it ended
            }
        }

        private void put(byte[] bytes) throws IOException {
            try {
                do {
                    if (closed) {
                        throw new IOException("nobody reads any further");
                    }
                } while (!chunks.offer(bytes, 100, TimeUnit.MILLISECONDS));
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IOException("interrupted", e);
            }
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
            if (at == chunk.length && chunk != END) {
                try {
                    chunk = chunks.take();
                    at = 0;
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    throw Fault.failed("the proof was interrupted", "a thread was stopped", "run again").from(e);
                }
            }
            if (chunk == END) {
                if (failure instanceof RuntimeException unchecked) {
                    throw unchecked;
                }
                if (failure != null) {
                    throw new IOException(failure);
                }
                return -1;
            }
            int count = Math.min(length, chunk.length - at);
            System.arraycopy(chunk, at, into, offset, count);
            at += count;
            return count;
        }

        @Override
        public void close() {
            closed = true;
        }
    }
}
