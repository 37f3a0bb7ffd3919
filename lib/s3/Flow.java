package lib.s3;

import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import lib.http.Body;
import lib.http.Pool;
import lib.http.Refusal;
import software.amazon.awssdk.crt.http.HttpClientConnection;
import software.amazon.awssdk.crt.http.HttpHeader;
import software.amazon.awssdk.crt.http.HttpHeaderBlock;
import software.amazon.awssdk.crt.http.HttpRequest;
import software.amazon.awssdk.crt.http.HttpRequestBodyStream;
import software.amazon.awssdk.crt.http.HttpStream;
import software.amazon.awssdk.crt.http.HttpStreamResponseHandler;

/**
 * A request on its way: the library's threads pull its body and bring its answer, the caller's waits for that, and gives it
 * up when nothing moves either way.
 */
final class Flow implements HttpRequestBodyStream, HttpStreamResponseHandler {

    private static final int MOST_INTERIM = 10;

    private final Body.Source source;
    private final long idle;
    private final URI endpoint;
    private HttpClientConnection connection;
    private HttpStream stream;

    // By the library's threads, seen by the caller's: guarded by this.
    private final ArrayDeque<byte[]> chunks = new ArrayDeque<>();
    private final Map<String, String> headers = new TreeMap<>();
    private int status;
    private int interim;
    private boolean headed;
    private boolean sent;
    private boolean ended;
    private boolean abandoned;
    private boolean unasked;
    private long taken;
    private int error;
    private RuntimeException failure;
    private long moved;
    private long asked;
    private long waited;

    Flow(Body.Source source, Duration idle, URI endpoint) {
        this.source = source;
        this.idle = idle.toNanos();
        this.endpoint = endpoint;
        this.sent = source.length() == 0;
    }

    void begin(HttpClientConnection on, HttpRequest request) {
        connection = on;
        moved = System.nanoTime();
        asked = moved;
        try {
            stream = connection.makeRequest(request, this);
            stream.activate();
        } catch (RuntimeException e) {
            connection.close();
            throw e;
        }
    }

    // Bytes that are missing at the end are an error to the library: so it learns that there will be no more. What is thrown it prints.
    @Override
    public synchronized boolean sendRequestBody(ByteBuffer buffer) {
        if (abandoned) {
            return true;
        }
        try {
            sent = source.fill(buffer);
            moved = System.nanoTime();
            asked = moved;
            return sent;
        } catch (RuntimeException e) {
            failure = e;
            return true;
        }
    }

    @Override
    public boolean resetPosition() {
        return false; // each attempt has a flow of its own
    }

    @Override
    public long getLength() {
        return source.length();
    }

    @Override
    public synchronized void onResponseHeaders(HttpStream on, int code, int block, HttpHeader[] some) {
        moved = System.nanoTime();
        if (block == HttpHeaderBlock.INFORMATIONAL.getValue()) {
            if (++interim > MOST_INTERIM) {
                connection.shutdown();
            }
            return;
        }
        if (block != HttpHeaderBlock.MAIN.getValue()) {
            return;
        }
        for (HttpHeader header : some) {
            headers.merge(header.getName().toLowerCase(Locale.ROOT), header.getValue(), (one, more) -> one + ", " + more);
        }
    }

    @Override
    public synchronized void onResponseHeadersDone(HttpStream on, int block) {
        if (block == HttpHeaderBlock.MAIN.getValue()) {
            status = on.getResponseStatusCode(); // there may have been no header
            headed = true;
            waited = System.nanoTime() - asked;
            notifyAll();
        }
    }

    @Override
    public synchronized int onResponseBody(HttpStream on, byte[] some) {
        moved = System.nanoTime();
        // While the request is not quite sent, the library takes the body of a second answer for more of the first one's.
        int ours = unasked ? 0 : (int) Math.min(some.length, length() - taken);
        unasked |= ours < some.length;
        if (ours > 0) {
            taken += ours;
            chunks.add(Arrays.copyOf(some, ours));
        }
        notifyAll();
        return 0; // room for more is made by who reads
    }

    @Override
    public synchronized void onResponseComplete(HttpStream on, int code) {
        ended = true;
        error = code;
        notifyAll();
        if (abandoned) {
            release();
        }
    }

    /** Hands the answer over, and waits for its end. */
    <T> T read(Pool.Reader<T> reader) throws IOException {
        awaitHead();
        Content content = new Content();
        try {
            T result = reader.read(new Pool.Answer(status, headers, content, waited));
            content.requireWhole();
            return result;
        } catch (Refusal refusal) {
            content.settle();
            throw refusal;
        }
    }

    private synchronized void awaitHead() throws IOException {
        while (!headed && !ended) {
            await();
        }
        if (!headed) {
            requireNoError();
            throw new IOException("the answer was cut off, or there was none");
        }
        if (!headers.getOrDefault("transfer-encoding", "chunked").equalsIgnoreCase("chunked")) {
            throw new IOException("an answer in a coding that was not asked for: '" + Refusal.brief(headers.get("transfer-encoding")) + "'");
        }
        String length = headers.getOrDefault("content-length", "0");
        if (!length.matches("\\d{1,18}")) {
            throw new IOException("an answer with an invalid Content-Length: '" + Refusal.brief(length) + "'");
        }
    }

    private void requireNoError() throws IOException {
        if (failure != null) {
            throw failure;
        }
        if (error != 0) {
            throw Crt.told(error, endpoint);
        }
    }

    /** Waits until something moves. Throws SocketTimeoutException when nothing does. */
    private void await() throws IOException {
        long left = moved + idle - System.nanoTime();
        if (left <= 0) {
            throw new SocketTimeoutException("nothing moved for " + TimeUnit.NANOSECONDS.toSeconds(idle) + " s");
        }
        try {
            TimeUnit.NANOSECONDS.timedWait(this, Math.max(1_000_000, left));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted");
        }
    }

    /** Whether the other side hung up before it had all of the request, and was not understood. */
    synchronized boolean isCutOff() {
        return ended && error != 0 && failure == null && !headed && !sent;
    }

    /** Gives the connection back where all of it has ended well, and ends it where not. */
    synchronized void end() {
        if (unasked || !sent) {
            connection.shutdown(); // it is of no use for another request
        }
        if (ended) {
            release();
        } else {
            abandoned = true;
            connection.shutdown();
        }
    }

    private void release() {
        stream.close();
        connection.close();
    }

    // Known to be a number once the head was looked at; before, what is none is refused there.
    private long length() {
        String length = headers.getOrDefault("content-length", "");
        return length.matches("\\d{1,18}") ? Long.parseLong(length) : Long.MAX_VALUE;
    }

    /** The body of the answer. One of failure may break off: what came of it is all. */
    private final class Content extends InputStream {
        private final long length = length();
        private long received;
        private byte[] chunk = new byte[0];
        private int at;

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] bytes, int offset, int wanted) throws IOException {
            if (wanted == 0) {
                return 0;
            }
            if (at == chunk.length && !next()) {
                return -1;
            }
            int some = Math.min(wanted, chunk.length - at);
            System.arraycopy(chunk, at, bytes, offset, some);
            at += some;
            return some;
        }

        private boolean next() throws IOException {
            synchronized (Flow.this) {
                while (chunks.isEmpty() && !ended && !unasked && received < length) {
                    await();
                }
                if (chunks.isEmpty()) {
                    if (received < length && !unasked && status / 100 == 2) {
                        requireNoError();
                    }
                    return false;
                }
                chunk = chunks.remove();
                at = 0;
                received += chunk.length;
                moved = System.nanoTime(); // who reads slowly is not the server's fault
                if (!ended) {
                    stream.incrementWindow(chunk.length);
                }
                return true;
            }
        }

        // Who says yes to what it has not had whole has said nothing.
        private void requireWhole() throws IOException {
            if (source.length() > 0) {
                transferTo(OutputStream.nullOutputStream());
            } else if (read() >= 0) {
                return; // the caller has enough
            }
            synchronized (Flow.this) {
                while (!ended && !unasked) {
                    await();
                }
                if (!sent) { // which is no error to the library: it sends no more of it
                    throw new IOException("it answered " + status + " before it had all of the request");
                }
                if (!unasked) { // or it is whole, and what is wrong is what came behind it
                    requireNoError();
                }
            }
        }

        // So that the connection is of use for the next request.
        private void settle() {
            try {
                if (sent && read() < 0) {
                    synchronized (Flow.this) {
                        while (!ended && !unasked) {
                            await();
                        }
                    }
                }
            } catch (IOException e) {
                // it was refused, whatever comes behind
            }
        }
    }
}
