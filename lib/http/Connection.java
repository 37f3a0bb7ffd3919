package lib.http;

import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.SSLSocketFactory;

/** HTTP/1.1 on one connection that is kept for the next request (RFC 9112). For one thread at a time. */
final class Connection implements Closeable {

    private static final int LONGEST_HEAD = 1 << 16;
    /** Of answers that only say that another one is coming. */
    private static final int MOST_INTERIM = 10;
    private static final Pattern LENGTH = Pattern.compile("\\d{1,18}");
    private static final Pattern STATUS = Pattern.compile("HTTP/1\\.([01]) ([1-9]\\d\\d)(?: .*)?");

    private final URI server;
    private final Socket socket;
    private final Lines in;
    private final OutputStream out;
    // Small enough for many of them, large enough that a page and its head go out as one packet train.
    private final byte[] buffer = new byte[1 << 16];
    private volatile long moved = System.nanoTime();
    /** When the last bytes of the request were handed over, in System.nanoTime(). */
    private long asked;
    /** Whether a request was answered on it: the next one may find that the store has closed it meanwhile. */
    private boolean used;

    /**
     * The answer; its body must be read to the end for the connection to be of use again.
     *
     * @param waited nanoseconds from handing over the last bytes of the request to the first of the answer
     */
    record Answer(int status, Map<String, String> headers, InputStream body, boolean keep, long waited) {
        Optional<String> header(String lowerCaseName) {
            return Optional.ofNullable(headers.get(lowerCaseName));
        }
    }

    Connection(URI endpoint, Tuning tuning) throws IOException {
        server = endpoint;
        boolean tls = endpoint.getScheme().equals("https");
        int port = endpoint.getPort() >= 0 ? endpoint.getPort() : tls ? 443 : 80;
        Socket plain = new Socket();
        Socket open = plain;
        try {
            plain.connect(new InetSocketAddress(endpoint.getHost(), port), (int) tuning.connect().toMillis());
            plain.setTcpNoDelay(true);
            if (tls) {
                plain.setSoTimeout((int) tuning.connect().toMillis());
                SSLSocket secure = (SSLSocket) ((SSLSocketFactory) SSLSocketFactory.getDefault()).createSocket(plain, endpoint.getHost(), port, true);
                SSLParameters parameters = secure.getSSLParameters();
                parameters.setEndpointIdentificationAlgorithm("HTTPS"); // else any valid certificate would do
                secure.setSSLParameters(parameters);
                secure.startHandshake();
                open = secure;
            }
            open.setSoTimeout((int) tuning.idle().toMillis());
            socket = open;
            in = new Lines(open.getInputStream());
            out = open.getOutputStream();
        } catch (IOException | RuntimeException e) {
            plain.close();
            throw e;
        }
    }

    boolean used() {
        return used;
    }

    /** Whether nothing has come that nobody asked for: it would be taken for the next answer. */
    boolean silent() {
        try {
            return in.at == in.end && in.from.available() == 0;
        } catch (IOException e) {
            return false;
        }
    }

    /** Whether nothing has moved since that time, in System.nanoTime(): writing has no timeout of its own. */
    boolean stalledSince(long nanos) {
        return moved - nanos < 0;
    }

    /** Sends a request and reads the head of its answer. */
    Answer exchange(String method, String target, Map<String, String> headers, Body body) throws IOException {
        StringBuilder head = new StringBuilder(800).append(method).append(' ').append(target).append(" HTTP/1.1\r\n");
        for (Map.Entry<String, String> header : headers.entrySet()) {
            head.append(header.getKey()).append(": ").append(header.getValue()).append("\r\n");
        }
        if (body.length > 0 || !method.equals("GET") && !method.equals("HEAD")) {
            head.append("content-length: ").append(body.length).append("\r\n");
        }
        byte[] bytes = head.append("\r\n").toString().getBytes(StandardCharsets.UTF_8);
        moved = System.nanoTime();
        try {
            if (bytes.length > buffer.length / 2) {
                throw new IOException("the head of the request is " + bytes.length + " bytes long");
            }
            System.arraycopy(bytes, 0, buffer, 0, bytes.length);
            body.pass(buffer, bytes.length, (some, offset, length) -> {
                asked = System.nanoTime(); // before: who is not let run after it must not take the way for shorter than it is
                out.write(some, offset, length);
                moved = System.nanoTime();
            });
            out.flush();
        } catch (IOException e) {
            // A store that refuses does not wait for the body: its answer says more than the broken pipe.
            try {
                socket.setSoTimeout(1000);
                Answer early = answer(method);
                return new Answer(early.status, early.headers, early.body, false, 0);
            } catch (IOException nothingSaid) {
                throw e;
            }
        }
        Answer answer = answer(method);
        used = true;
        return answer;
    }

    private Answer answer(String method) throws IOException {
        in.fill();
        long waited = System.nanoTime() - asked;
        boolean keep;
        int status;
        Map<String, String> headers;
        int interim = 0;
        do {
            String line = in.line(LONGEST_HEAD);
            Matcher words = STATUS.matcher(line);
            if (!words.matches()) {
                throw broken("what is no HTTP: '" + begin(line) + "'");
            }
            keep = words.group(1).equals("1");
            status = Integer.parseInt(words.group(2));
            headers = headers();
            if (status == 101 || ++interim > MOST_INTERIM) {
                throw broken(status + ", and with nothing else");
            }
        } while (status < 200);
        keep &= !headers.getOrDefault("connection", "").toLowerCase(Locale.ROOT).contains("close");
        String coding = headers.get("transfer-encoding");
        String length = headers.get("content-length");
        if (length != null && !LENGTH.matcher(length).matches()) {
            throw broken("a Content-Length that is none: '" + begin(length) + "'");
        }
        if (method.equals("HEAD") || status == 204 || status == 304) {
            return new Answer(status, headers, InputStream.nullInputStream(), keep, waited);
        }
        if (coding != null && !coding.equalsIgnoreCase("chunked")) {
            throw broken("a Transfer-Encoding that nobody asked for: '" + begin(coding) + "'");
        }
        if (coding != null) {
            return new Answer(status, headers, new Content(-1, true), keep && length == null, waited);
        }
        return new Answer(status, headers, new Content(length == null ? Long.MAX_VALUE : Long.parseLong(length), false), keep && length != null, waited);
    }

    // A name that comes several times has its values in one list, RFC 9110, 5.3.
    private Map<String, String> headers() throws IOException {
        Map<String, String> headers = new TreeMap<>();
        int left = LONGEST_HEAD;
        for (String line = in.line(left); !line.isEmpty(); line = in.line(left)) {
            left -= line.length();
            int colon = line.indexOf(':');
            if (colon < 1 || line.substring(0, colon).indexOf(' ') >= 0 || !Head.oneLine(line)) {
                throw broken("what is no header: '" + begin(line) + "'");
            }
            headers.merge(line.substring(0, colon).toLowerCase(Locale.ROOT), line.substring(colon + 1).strip(), (one, other) -> one + ", " + other);
        }
        return headers;
    }

    private IOException broken(String what) {
        return new IOException(server + " answered with " + what);
    }

    private static String begin(String text) {
        return Refusal.brief(text.substring(0, Math.min(80, text.length())));
    }

    /** What arrives: lines and, in between, bytes. */
    private static final class Lines {
        private final InputStream from;
        private final byte[] buffer = new byte[1 << 14];
        private int at;
        private int end;

        Lines(InputStream from) {
            this.from = from;
        }

        /** Waits until there is something to read; false at the end. */
        boolean fill() throws IOException {
            if (at == end) {
                at = 0;
                end = Math.max(0, from.read(buffer));
            }
            return at < end;
        }

        // ISO 8859-1, as header fields are.
        String line(int longest) throws IOException {
            String line = "";
            while (fill()) {
                int begin = at;
                while (at < end && buffer[at] != '\n') {
                    at++;
                }
                line += new String(buffer, begin, at - begin, StandardCharsets.ISO_8859_1);
                if (line.length() > longest) {
                    throw new IOException("the head of the answer is too long");
                }
                if (at < end) {
                    at++;
                    return line.endsWith("\r") ? line.substring(0, line.length() - 1) : line;
                }
            }
            throw new EOFException("the connection was closed before an answer came");
        }

        int read(byte[] bytes, int offset, int length) throws IOException {
            if (at == end && length >= buffer.length) {
                return from.read(bytes, offset, length);
            }
            if (!fill()) {
                return -1;
            }
            int some = Math.min(length, end - at);
            System.arraycopy(buffer, at, bytes, offset, some);
            at += some;
            return some;
        }
    }

    /** The body of an answer: so many bytes, or chunks (RFC 9112, 7.1), or up to the end. An early end is an error. */
    private final class Content extends InputStream {
        private final boolean chunked;
        private long left;

        Content(long length, boolean chunked) {
            this.left = chunked ? 0 : length;
            this.chunked = chunked;
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] bytes, int offset, int length) throws IOException {
            if (length == 0) {
                return 0;
            }
            if (chunked && left == 0) {
                nextChunk();
            }
            if (left <= 0) {
                return -1;
            }
            int read = in.read(bytes, offset, (int) Math.min(length, left));
            moved = System.nanoTime();
            if (read < 0) {
                if (!chunked && left > Long.MAX_VALUE / 2) {
                    return -1;
                }
                throw new EOFException("the answer ended " + left + " bytes early");
            }
            left -= read;
            if (chunked && left == 0 && !in.line(2).isEmpty()) {
                throw broken("a chunk that does not end where it should");
            }
            return read;
        }

        // -1 marks the end: the trailers are read, too, for the next answer to begin where it begins.
        private void nextChunk() throws IOException {
            String size = in.line(1000);
            int extension = size.indexOf(';');
            String digits = extension < 0 ? size.strip() : size.substring(0, extension).strip();
            if (!digits.matches("[0-9a-fA-F]{1,15}")) {
                throw broken("a chunk of no size: '" + begin(size) + "'");
            }
            left = Long.parseLong(digits, 16);
            if (left == 0) {
                headers();
                left = -1;
            }
        }
    }

    @Override
    public void close() {
        try {
            socket.close();
        } catch (IOException e) {
            // it is of no use either way
        }
    }
}
