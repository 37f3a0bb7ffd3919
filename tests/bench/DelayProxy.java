import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/**
 * A server that is far away: every byte arrives half a round trip later, in order, and a new
 * connection costs a round trip more. Bandwidth is not limited, and TCP's slow start not imitated.
 */
final class DelayProxy implements AutoCloseable {

    /** What is on its way; no bytes for the end of the stream. */
    private record Chunk(long due, byte[] bytes) {
    }

    // On its way at most, a direction of a connection: more than a window on any real line.
    private static final int WINDOW = 16 << 20;
    private static final int CHUNK = 1 << 16;
    /** How a request's first line ends. */
    private static final byte[] REQUEST = " HTTP/1.1\r\n".getBytes(StandardCharsets.US_ASCII);

    private final URI server;
    private final long rtt;
    private final ServerSocket listening;
    private final AtomicLong requests = new AtomicLong();

    /** In front of an http server, with this round trip time in milliseconds. */
    DelayProxy(URI server, int rtt) throws IOException {
        this.server = server;
        this.rtt = rtt * 1_000_000L;
        listening = new ServerSocket(0, 1024, InetAddress.getByName("127.0.0.1"));
        start(() -> {
            while (true) {
                Socket client = listening.accept();
                long accepted = System.nanoTime();
                start(() -> serve(client, accepted));
            }
        });
    }

    URI endpoint() {
        return URI.create("http://127.0.0.1:" + listening.getLocalPort());
    }

    /** Requests that have gone through so far. */
    long requests() {
        return requests.get();
    }

    @Override
    public void close() throws IOException {
        listening.close();
    }

    private void serve(Socket client, long accepted) throws IOException {
        Socket upstream;
        try {
            upstream = new Socket(server.getHost(), server.getPort() < 0 ? 80 : server.getPort());
        } catch (IOException e) {
            client.close();
            throw e;
        }
        client.setTcpNoDelay(true);
        upstream.setTcpNoDelay(true);
        // On loopback a connection is made at once; over the line its first byte leaves a round trip later.
        connect(client, upstream, accepted + rtt, true);
        connect(upstream, client, accepted, false);
    }

    private void connect(Socket from, Socket to, long notBefore, boolean asks) {
        BlockingQueue<Chunk> line = new LinkedBlockingQueue<>();
        Semaphore window = new Semaphore(WINDOW);
        start(() -> {
            byte[] buffer = new byte[CHUNK];
            int matched = 0;
            try {
                InputStream in = from.getInputStream();
                for (int read; (read = in.read(buffer)) >= 0; ) {
                    for (int i = 0; asks && i < read; i++) {
                        matched = buffer[i] == REQUEST[matched] ? matched + 1 : buffer[i] == REQUEST[0] ? 1 : 0;
                        if (matched == REQUEST.length) {
                            requests.incrementAndGet();
                            matched = 0;
                        }
                    }
                    window.acquireUninterruptibly(read);
                    line.add(new Chunk(Math.max(System.nanoTime(), notBefore) + rtt / 2, java.util.Arrays.copyOf(buffer, read)));
                }
            } finally {
                line.add(new Chunk(Math.max(System.nanoTime(), notBefore) + rtt / 2, new byte[0]));
            }
        });
        start(() -> {
            boolean whole = false;
            try {
                OutputStream out = to.getOutputStream();
                for (Chunk chunk; (chunk = take(line)).bytes().length > 0; ) {
                    for (long left; (left = chunk.due() - System.nanoTime()) > 0; ) {
                        LockSupport.parkNanos(left);
                    }
                    out.write(chunk.bytes());
                    window.release(chunk.bytes().length);
                }
                to.shutdownOutput();
                whole = true;
            } finally {
                // The other direction may still have an answer to bring, unless this one broke.
                if (!whole || from.isOutputShutdown()) {
                    window.release(WINDOW);
                    from.close();
                    to.close();
                }
            }
        });
    }

    private static Chunk take(BlockingQueue<Chunk> line) throws IOException {
        try {
            return line.take();
        } catch (InterruptedException e) {
            throw new IOException(e);
        }
    }

    private interface Work {
        void run() throws IOException;
    }

    private static void start(Work work) {
        Thread thread = new Thread(() -> {
            try {
                work.run();
            } catch (IOException e) {
                // one side closed: the other sees that too
            }
        }, "delay");
        thread.setDaemon(true);
        thread.start();
    }
}
