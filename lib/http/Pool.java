package lib.http;

import java.io.IOException;
import java.io.InputStream;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedDeque;

/** Connections to one server, kept for the next request, and closed when nothing moves on them. Safe for threads. */
public final class Pool implements AutoCloseable {

    /** What to do with an answer, whatever its status; may be called again when the answer breaks off. */
    public interface Reader<T> {
        T read(Answer answer) throws IOException;
    }

    /**
     * An answer.
     *
     * @param headers with names in lower case
     * @param body    to be read once
     * @param waited  nanoseconds from handing over the last bytes of the request to the first of the answer
     */
    public record Answer(int status, Map<String, String> headers, InputStream body, long waited) {

        /** Whether it is one of success. */
        public boolean ok() {
            return status / 100 == 2;
        }

        public Optional<String> header(String lowerCaseName) {
            return Optional.ofNullable(headers.get(lowerCaseName));
        }

        /** The body of a failure, as far as it can be read and is worth it: the status is what counts. */
        public String text() {
            try {
                return new String(body.readNBytes(LONGEST_ERROR), StandardCharsets.UTF_8);
            } catch (IOException e) {
                return "";
            }
        }
    }

    private static final int LONGEST_ERROR = 1 << 16;

    private final URI server;
    private final Tuning tuning;
    private final String host;
    private final ConcurrentLinkedDeque<Connection> idle = new ConcurrentLinkedDeque<>();
    private final Set<Connection> busy = ConcurrentHashMap.newKeySet();
    private final Thread watch = new Thread(this::watch, "stalled requests");

    /** {@code server} is scheme, host and port. Nothing is contacted yet. */
    public Pool(URI server, Tuning tuning) {
        this.server = server;
        this.tuning = tuning;
        this.host = server.getPort() < 0 ? server.getHost() : server.getHost() + ":" + server.getPort();
        watch.setDaemon(true);
        watch.start();
    }

    /** As the header Host has it. */
    public String host() {
        return host;
    }

    /**
     * Sends a request once, on a connection of its own.
     *
     * @param target  path and query, encoded
     * @param headers with the host
     */
    public <T> T exchange(String method, String target, Map<String, String> headers, Body body, Reader<T> reader) throws IOException {
        headers.forEach((name, value) -> Head.require(server.toString(), name, value));
        while (true) {
            Connection connection = idle.pollFirst();
            if (connection != null && !connection.silent()) {
                connection.close();
                continue;
            }
            if (connection == null) {
                connection = new Connection(server, tuning);
            }
            busy.add(connection);
            boolean whole = false;
            try {
                Connection.Answer answer;
                try {
                    answer = connection.exchange(method, target, headers, body);
                } catch (SocketTimeoutException e) {
                    throw e;
                } catch (IOException e) {
                    if (!busy.contains(connection)) {
                        throw new SocketTimeoutException("nothing moved for " + tuning.idle().toSeconds() + " s");
                    }
                    if (connection.used() && body.whole()) {
                        continue; // the server had closed it: no fault, and no attempt
                    }
                    throw e;
                }
                boolean keep = answer.keep();
                try {
                    return reader.read(new Answer(answer.status(), answer.headers(), answer.body(), answer.waited()));
                } catch (IOException e) {
                    keep = keep && e instanceof Refusal;
                    throw e;
                } finally {
                    whole = keep && answer.body().read() < 0 && connection.silent();
                }
            } finally {
                busy.remove(connection);
                if (whole) {
                    idle.addFirst(connection);
                } else {
                    connection.close();
                }
            }
        }
    }

    // Reading has a timeout; writing has none, and a server that stops taking bytes would hold us for ever.
    private void watch() {
        long nanos = tuning.idle().toNanos();
        try {
            while (true) {
                // The watchdog's own clock, four looks a timeout; no request waits for it.
                Thread.sleep(Math.max(1, nanos / 4_000_000));
                for (Connection connection : busy) {
                    if (connection.stalledSince(System.nanoTime() - nanos * 5 / 4) && busy.remove(connection)) {
                        connection.close();
                    }
                }
            }
        } catch (InterruptedException closed) {
            return;
        }
    }

    @Override
    public void close() {
        watch.interrupt();
        idle.forEach(Connection::close);
    }
}
