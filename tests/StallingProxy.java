import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** In front of a server: passes bytes on until so many PUTs have gone by, then nothing any more. */
final class StallingProxy {

    private final URI server;
    private final int puts;
    private final AtomicInteger seen = new AtomicInteger();
    private final CountDownLatch stalled = new CountDownLatch(1);

    StallingProxy(ServerSocket listening, URI server, int puts) {
        this.server = server;
        this.puts = puts;
        FaultProxy.start(() -> {
            while (!listening.isClosed()) {
                Socket client = listening.accept();
                FaultProxy.start(() -> serve(client));
            }
        });
    }

    void awaitStall() throws InterruptedException {
        if (!stalled.await(60, TimeUnit.SECONDS)) {
            throw new IllegalStateException("only " + seen + " PUTs went by");
        }
    }

    private void serve(Socket client) throws IOException {
        try (client; Socket upstream = new Socket(server.getHost(), server.getPort())) {
            FaultProxy.start(() -> pipe(upstream.getInputStream(), client.getOutputStream(), false));
            pipe(client.getInputStream(), upstream.getOutputStream(), true);
        }
    }

    private void pipe(InputStream in, OutputStream out, boolean requests) throws IOException {
        byte[] buffer = new byte[1 << 16];
        for (int read; (read = in.read(buffer)) >= 0; ) {
            // A request begins in a packet of its own here: the client waits for each answer.
            if (requests && read > 4 && new String(buffer, 0, 4).equals("PUT ") && seen.incrementAndGet() > puts) {
                stalled.countDown();
                return;
            }
            out.write(buffer, 0, read);
            out.flush();
        }
    }
}
