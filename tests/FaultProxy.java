import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;

/**
 * In front of an S3 server, and of a registry where there is one: counts and logs the requests, passes their bytes
 * on unchanged (the Host header is signed), and mistreats those it is told to. HTTP/1.1 as in RFC 9112, one connection
 * to the server a request.
 */
final class FaultProxy implements AutoCloseable {

    /** What happens to a request. AFTER: the server has done what was asked, and the client does not learn of it. */
    enum Fault {
        /** Something else is done first, or before the client learns of it; then it goes on as if nothing were. */
        MEANWHILE, MEANWHILE_AFTER,
        KILL_BEFORE, KILL_AFTER, RESET_BEFORE, RESET_AFTER, CUT_REQUEST, CUT_ANSWER, STALL,
        ERROR_500("500 Internal Server Error", "InternalError", ""),
        ERROR_500_AFTER("500 Internal Server Error", "InternalError", ""),
        SLOW_DOWN_503("503 Service Unavailable", "SlowDown", "Retry-After: 1\r\n"),
        UNAUTHORIZED_401("401 Unauthorized", "UNAUTHORIZED", ""),
        FORBIDDEN_403("403 Forbidden", "AccessDenied", ""),
        NOT_FOUND_404("404 Not Found", "NOT_FOUND", ""),
        TOO_MANY_429("429 Too Many Requests", "TOOMANYREQUESTS", "Retry-After: 1\r\n"),
        /** A registry's answer names another digest than it should. */
        OTHER_DIGEST;

        private final String status;
        private final String code;
        private final String header;

        Fault() {
            this("", "", "");
        }

        Fault(String status, String code, String header) {
            this.status = status;
            this.code = code;
            this.header = header;
        }

        /** The status the client is answered with; empty where it is answered nothing. */
        String answer() {
            return status.replaceAll(" .*", "");
        }

        private boolean after() {
            return name().endsWith("_AFTER");
        }
    }

    /**
     * A request that came in.
     *
     * @param number from 1, in the order of arrival
     * @param path   as it stands in the request line, with the query; of an upload to a registry without what is its own
     * @param before how many requests of the same method and path came before it
     */
    record Request(int number, String method, String path, int before) {
        boolean writes() {
            return !method.equals("GET") && !method.equals("HEAD");
        }
    }

    private static final String REGISTRY = "/v2/";

    private final URI server;
    private volatile URI registry;
    private final ServerSocket listening;
    private final List<Request> log = new ArrayList<>();
    private final AtomicInteger busy = new AtomicInteger();
    private final AtomicInteger mistreated = new AtomicInteger();
    private final Set<Socket> open = ConcurrentHashMap.newKeySet();
    private volatile Predicate<Request> which = request -> false;
    private volatile Fault fault;
    private volatile Runnable kill = () -> { };

    FaultProxy(URI server) throws IOException {
        this.server = server;
        this.listening = new ServerSocket(0, 200, InetAddress.getLoopbackAddress());
        start(() -> {
            while (true) {
                Socket client = listening.accept();
                start(() -> serve(client));
            }
        });
    }

    /** Where requests to a registry go: the paths below /v2/, which is no bucket's name. */
    FaultProxy registry(URI registry) {
        this.registry = registry;
        return this;
    }

    URI endpoint() {
        return URI.create("http://127.0.0.1:" + listening.getLocalPort());
    }

    /** From now on this happens to these requests. */
    FaultProxy arm(Fault fault, Predicate<Request> which) {
        this.fault = fault;
        this.which = which;
        return this;
    }

    /** How the client is killed, which returns when it is dead; or what is done meanwhile. */
    FaultProxy killing(Runnable kill) {
        this.kill = kill;
        return this;
    }

    /** All requests so far, in the order of arrival. */
    List<Request> log() {
        synchronized (log) {
            return List.copyOf(log);
        }
    }

    /** How many requests were mistreated. */
    int mistreated() {
        return mistreated.get();
    }

    /** Until no request is under way. */
    void awaitIdle() throws InterruptedException {
        // Polled, with an end: connections end in threads of their own, whenever the other side hangs up.
        for (long end = System.nanoTime() + 20_000_000_000L; busy.get() > 0; Thread.sleep(5)) {
            if (System.nanoTime() > end) {
                throw new IllegalStateException(busy + " requests are still under way");
            }
        }
    }

    @Override
    public void close() throws IOException {
        listening.close();
        for (Socket socket : open) {
            socket.close();
        }
    }

    private void serve(Socket client) throws IOException {
        open.add(client);
        try (client) {
            client.setTcpNoDelay(true);
            InputStream in = new BufferedInputStream(client.getInputStream());
            for (Head request; (request = Head.read(in)) != null; ) {
                busy.incrementAndGet();
                try {
                    if (!exchange(request, client, in, client.getOutputStream())) {
                        return;
                    }
                } finally {
                    busy.decrementAndGet();
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            open.remove(client);
        }
    }

    /** Whether the connection goes on. */
    private boolean exchange(Head head, Socket client, InputStream in, OutputStream out) throws IOException, InterruptedException {
        Request request = record(head);
        Fault fault = which.test(request) ? this.fault : null;
        if (fault != null) {
            mistreated.incrementAndGet();
        }
        boolean meanwhile = fault == Fault.MEANWHILE_AFTER;
        if (fault == Fault.MEANWHILE) {
            kill.run();
        }
        if (fault == Fault.MEANWHILE || meanwhile) {
            fault = null;
        }
        if (fault != null && !fault.after() && fault != Fault.CUT_REQUEST && fault != Fault.CUT_ANSWER && fault != Fault.OTHER_DIGEST) {
            mistreat(fault, head, client, in, out);
            return false;
        }
        URI to = registry != null && request.path().startsWith(REGISTRY) ? registry : server;
        try (Socket socket = new Socket(to.getHost(), to.getPort())) {
            socket.setTcpNoDelay(true);
            InputStream fromServer = new BufferedInputStream(socket.getInputStream());
            OutputStream toServer = socket.getOutputStream();
            if (fault == Fault.CUT_REQUEST && !head.hasBody()) {
                toServer.write(head.bytes, 0, head.bytes.length / 2);
                mistreat(fault, head, client, in, out);
                return false;
            }
            toServer.write(head.bytes);
            Head answer = null;
            boolean unread = false;
            if (head.header("expect").equalsIgnoreCase("100-continue")) {
                answer = require(Head.read(fromServer));
                unread = answer.status() != 100; // the server wants no body: the client may or may not send it
                if (!unread) {
                    out.write(answer.bytes);
                }
            }
            if (!unread) {
                if (!head.copyBody(in, toServer, fault == Fault.CUT_REQUEST)) {
                    mistreat(fault, head, client, in, out);
                    return false;
                }
                do {
                    answer = require(Head.read(fromServer));
                } while (answer.status() < 200);
            }
            if (fault == Fault.OTHER_DIGEST) {
                answer = new Head(new String(answer.bytes, StandardCharsets.ISO_8859_1).replaceFirst("(Docker-Content-Digest: sha256:)[0-9a-f]{8}", "$100000000")
                        .getBytes(StandardCharsets.ISO_8859_1));
            }
            answer.toHead = head.first.startsWith("HEAD ");
            if (fault != null && fault.after()) {
                answer.copyBody(fromServer, OutputStream.nullOutputStream(), false);
                mistreat(fault, head, client, in, out);
                return false;
            }
            if (meanwhile) {
                kill.run();
            }
            boolean cut = fault == Fault.CUT_ANSWER;
            out.write(answer.bytes, 0, cut && !answer.hasBody() ? answer.bytes.length / 2 : answer.bytes.length);
            if (cut && !answer.hasBody() || !answer.copyBody(fromServer, out, cut)) {
                out.flush();
                // A pause, because TCP tells nobody when the other side has read: without it the reset overtakes what was sent.
                Thread.sleep(20);
                mistreat(fault, head, client, in, out);
                return false;
            }
            return !unread && !answer.untilClosed() && !answer.header("connection").equalsIgnoreCase("close");
        }
    }

    private void mistreat(Fault fault, Head request, Socket client, InputStream in, OutputStream out) throws IOException {
        if (fault == Fault.KILL_BEFORE || fault == Fault.KILL_AFTER) {
            kill.run();
        } else if (!fault.status.isEmpty()) {
            String body = request.first.startsWith("HEAD ") ? "" : request.first.contains(" " + REGISTRY)
                    ? "{\"errors\": [{\"code\": \"" + fault.code + "\", \"message\": \"as the test wants it\"}]}"
                    : "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>" + fault.code + "</Code><Message>as the test wants it</Message></Error>";
            out.write(("HTTP/1.1 " + fault.status + "\r\n" + fault.header + "Content-Length: " + body.length()
                    + "\r\nConnection: close\r\n\r\n" + body).getBytes(StandardCharsets.US_ASCII));
            client.shutdownOutput();
            in.transferTo(OutputStream.nullOutputStream()); // closing with unread bytes would take the answer back
            return;
        } else if (fault == Fault.STALL) {
            in.transferTo(OutputStream.nullOutputStream());
            return;
        }
        client.setSoLinger(true, 0);
    }

    private Request record(Head head) {
        String[] line = head.first.split(" ");
        line[1] = line[1].replaceFirst("/blobs/uploads/[^/?]+[?](.*&)?(digest=.*)$", "/blobs/uploads/ID?$2");
        synchronized (log) {
            int before = (int) log.stream().filter(earlier -> earlier.method().equals(line[0]) && earlier.path().equals(line[1])).count();
            Request request = new Request(log.size() + 1, line[0], line[1], before);
            log.add(request);
            return request;
        }
    }

    private static Head require(Head head) throws EOFException {
        if (head == null) {
            throw new EOFException("the server closed the connection without an answer");
        }
        return head;
    }

    /** What a thread of a proxy does; ends quietly when a side closes. */
    interface Work {
        void run() throws IOException;
    }

    static void start(Work work) {
        Thread thread = new Thread(() -> {
            try {
                work.run();
            } catch (IOException e) {
                // one side closed: the other sees that too
            }
        }, "fault proxy");
        thread.setDaemon(true);
        thread.start();
    }

    /** First line and headers of a request or an answer, and what they say about the body behind them. */
    private static final class Head {
        private final byte[] bytes;
        private final String first;
        private final Map<String, String> headers = new TreeMap<>();
        private boolean toHead; // the answer to HEAD: headers of a body that does not come

        private Head(byte[] bytes) {
            this.bytes = bytes;
            String[] lines = new String(bytes, StandardCharsets.ISO_8859_1).split("\r\n");
            first = lines[0];
            Arrays.stream(lines).skip(1).forEach(line -> headers.put(line.substring(0, line.indexOf(':')).toLowerCase(Locale.ROOT),
                    line.substring(line.indexOf(':') + 1).strip()));
        }

        /** Null where the connection ends before the first byte. */
        static Head read(InputStream in) throws IOException {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            for (int last = 0; last != 0x0d0a0d0a; ) {
                int next = in.read();
                if (next < 0 && bytes.size() == 0) {
                    return null;
                } else if (next < 0) {
                    throw new EOFException();
                }
                bytes.write(next);
                last = last << 8 | next;
            }
            return new Head(bytes.toByteArray());
        }

        String header(String name) {
            return headers.getOrDefault(name, "");
        }

        int status() {
            return first.startsWith("HTTP/") ? Integer.parseInt(first.split(" ")[1]) : 0;
        }

        private boolean chunked() {
            return header("transfer-encoding").equalsIgnoreCase("chunked");
        }

        boolean untilClosed() {
            return status() >= 200 && status() != 204 && status() != 304 && !toHead && !chunked() && !headers.containsKey("content-length");
        }

        boolean hasBody() {
            return !toHead && status() != 204 && status() != 304 && (chunked() || untilClosed() || !header("content-length").matches("0*"));
        }

        /** Copies the body as it stands on the wire; only half of it (of its first chunk), and false, where it is to be cut. */
        boolean copyBody(InputStream in, OutputStream out, boolean cut) throws IOException {
            if (!hasBody()) {
                return true;
            }
            if (untilClosed()) {
                in.transferTo(out);
            } else if (!chunked()) {
                long length = Long.parseLong(header("content-length"));
                copy(in, out, cut ? length / 2 : length);
            } else {
                for (long size = -1; size != 0; ) {
                    String line = line(in, out);
                    size = Long.parseLong(line.replaceAll(";.*", ""), 16);
                    copy(in, out, cut ? size / 2 : size);
                    if (cut) {
                        break;
                    }
                    if (size > 0) {
                        copy(in, out, 2);
                    }
                }
                while (!cut && !line(in, out).isEmpty()) { // trailers
                }
            }
            out.flush();
            return !cut;
        }

        private static String line(InputStream in, OutputStream out) throws IOException {
            StringBuilder line = new StringBuilder();
            for (int next; (next = in.read()) != '\n'; ) {
                if (next < 0) {
                    throw new EOFException();
                }
                line.append((char) next);
            }
            out.write((line + "\n").getBytes(StandardCharsets.ISO_8859_1));
            return line.toString().strip();
        }

        private static void copy(InputStream in, OutputStream out, long length) throws IOException {
            byte[] buffer = new byte[1 << 14];
            for (long left = length; left > 0; ) {
                int read = in.read(buffer, 0, (int) Math.min(buffer.length, left));
                if (read < 0) {
                    throw new EOFException();
                }
                out.write(buffer, 0, read);
                left -= read;
            }
        }
    }
}
