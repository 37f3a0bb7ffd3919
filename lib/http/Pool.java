package lib.http;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.hc.client5.http.config.ConnectionConfig;
import org.apache.hc.client5.http.config.RequestConfig;
import org.apache.hc.client5.http.impl.classic.CloseableHttpClient;
import org.apache.hc.client5.http.impl.classic.HttpClientBuilder;
import org.apache.hc.client5.http.impl.classic.HttpClients;
import org.apache.hc.client5.http.impl.io.ManagedHttpClientConnectionFactory;
import org.apache.hc.client5.http.impl.io.PoolingHttpClientConnectionManagerBuilder;
import org.apache.hc.client5.http.ssl.DefaultClientTlsStrategy;
import org.apache.hc.core5.http.ClassicHttpResponse;
import org.apache.hc.core5.http.Header;
import org.apache.hc.core5.http.HttpHost;
import org.apache.hc.core5.http.config.Http1Config;
import org.apache.hc.core5.http.io.SocketConfig;
import org.apache.hc.core5.io.CloseMode;
import org.apache.hc.core5.util.TimeValue;
import org.apache.hc.core5.util.Timeout;

/**
 * One server, asked through Apache HttpClient over connections that are kept for the next request; closed when nothing
 * moves on them. Redirections, refusals and retries are the caller's. Safe for threads.
 */
public final class Pool implements AutoCloseable {

    /** What to do with an answer, whatever its status; may be called again when the answer breaks off. */
    public interface Reader<T> {
        T read(Answer answer) throws IOException;
    }

    /**
     * An answer.
     *
     * @param headers with names in lower case; values of a name that comes several times are one list (RFC 9110, 5.3)
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

        /**
         * Whether it comes at once (RFC 6928), so that it has come only when it was read: servers that leave Nagle's
         * algorithm on hold the body of such a one back when they have sent its head.
         */
        public boolean small() {
            return header("content-length").filter(length -> length.matches("\\d{1,5}") && Integer.parseInt(length) <= ONE_FLIGHT).isPresent();
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
    /** Bytes. */
    private static final int ONE_FLIGHT = 14_000;
    private static final Http1Config HTTP = Http1Config.custom().setBufferSize(1 << 16).setMaxLineLength(1 << 16).setMaxHeaderCount(200).build();
    /** Whoever uses a pool says how many at once; it only must not be the one that makes them wait. */
    private static final int MOST_CONNECTIONS = 512;

    private final URI server;
    private final HttpHost host;
    private final Tuning tuning;
    private final Optional<Network.Proxy> proxy;
    private final CloseableHttpClient client;
    private final Set<Exchange> sending = ConcurrentHashMap.newKeySet();
    private final Thread watch = new Thread(this::watch, "stalled requests");

    /** {@code server} is scheme, host and port. Nothing is contacted yet. */
    public Pool(URI server, Tuning tuning, Network network) {
        this.server = URI.create(server.getScheme() + "://" + server.getRawAuthority());
        this.host = new HttpHost(server.getScheme(), server.getHost(), server.getPort());
        this.tuning = tuning;
        this.proxy = network.proxy(server);
        this.client = client(network);
        watch.setDaemon(true);
        watch.start();
    }

    private CloseableHttpClient client(Network network) {
        Timeout idle = Timeout.of(tuning.idle());
        Timeout connect = Timeout.of(tuning.connect());
        PoolingHttpClientConnectionManagerBuilder connections = PoolingHttpClientConnectionManagerBuilder.create()
                .setMaxConnTotal(MOST_CONNECTIONS).setMaxConnPerRoute(MOST_CONNECTIONS)
                .setDefaultSocketConfig(SocketConfig.custom().setTcpNoDelay(true).setSoTimeout(idle).build())
                .setDefaultConnectionConfig(ConnectionConfig.custom().setConnectTimeout(connect).setSocketTimeout(idle)
                        .setValidateAfterInactivity(TimeValue.NEG_ONE_MILLISECOND).build()) // Executor does, each time
                .setConnectionFactory(ManagedHttpClientConnectionFactory.builder().http1Config(HTTP).responseParserFactory(new StrictAnswers()).build());
        if (server.getScheme().equals("https") || proxy.isPresent()) {
            connections.setTlsSocketStrategy(new DefaultClientTlsStrategy(network.tls()));
        }
        HttpClientBuilder builder = HttpClients.custom().setConnectionManager(connections.build()).setRequestExecutor(new Executor())
                .setConnectionReuseStrategy(Executor::isReusable)
                .disableAutomaticRetries().disableRedirectHandling().disableCookieManagement().disableContentCompression()
                .disableDefaultUserAgent().disableAuthCaching()
                .setDefaultRequestConfig(RequestConfig.custom().setResponseTimeout(idle).setExpectContinueEnabled(false)
                        .setProtocolUpgradeEnabled(false).setAuthenticationEnabled(proxy.isPresent()).build());
        proxy.ifPresent(by -> builder.setProxy(by.host()));
        return builder.build();
    }

    /**
     * Sends a request once, on a connection of its own.
     *
     * @param target  path and query, encoded
     * @param headers but for the host
     */
    public <T> T exchange(String method, String target, Map<String, String> headers, Body body, Reader<T> reader) throws IOException {
        headers.forEach((name, value) -> Head.require(server.toString(), name, value));
        while (true) {
            Exchange exchange = exchange(method, target, headers, body);
            sending.add(exchange);
            try {
                ClassicHttpResponse response = client.executeOpen(host, exchange.request, exchange.context(proxy));
                InputStream content = response.getEntity() == null ? InputStream.nullInputStream() : response.getEntity().getContent();
                boolean whole = false;
                try {
                    T result = reader.read(new Answer(response.getCode(), headers(response), content, exchange.waited()));
                    whole = true;
                    return result;
                } catch (Refusal e) {
                    whole = true;
                    throw e;
                } finally {
                    if (whole) {
                        content.read(); // at its end the connection goes back
                    }
                    exchange.end(response);
                }
            } catch (IOException e) {
                if (exchange.stalled()) {
                    throw new SocketTimeoutException("nothing moved for " + tuning.idle().toSeconds() + " s");
                }
                if (exchange.reused() && !exchange.answered() && !(e instanceof SocketTimeoutException) && body.whole()) {
                    continue; // the server had closed it: no fault, and no attempt
                }
                throw e;
            } finally {
                sending.remove(exchange);
            }
        }
    }

    /**
     * Asks for something once; to close the answer's body before its end closes the connection. Reading it throws
     * SocketTimeoutException when nothing comes.
     */
    public Answer open(String method, String target, Map<String, String> headers) throws IOException {
        while (true) {
            Exchange exchange = exchange(method, target, headers, Body.NONE);
            try {
                ClassicHttpResponse response = client.executeOpen(host, exchange.request, exchange.context(proxy));
                InputStream content = response.getEntity() == null ? InputStream.nullInputStream() : response.getEntity().getContent();
                return new Answer(response.getCode(), headers(response), new FilterInputStream(content) {
                    @Override
                    public void close() {
                        exchange.end(response);
                    }
                }, exchange.waited());
            } catch (IOException e) {
                if (!exchange.reused() || exchange.answered() || e instanceof SocketTimeoutException) {
                    throw e;
                }
            }
        }
    }

    private Exchange exchange(String method, String target, Map<String, String> headers, Body body) throws Refusal {
        try {
            return new Exchange(method, URI.create(server + target), headers, body);
        } catch (IllegalArgumentException e) {
            throw new Refusal(400, "", "no address to ask: '" + target + "'", Optional.empty());
        }
    }

    private static Map<String, String> headers(ClassicHttpResponse response) throws IOException {
        Map<String, String> headers = new TreeMap<>();
        for (Header header : response.getHeaders()) {
            headers.merge(header.getName().toLowerCase(Locale.ROOT), header.getValue() == null ? "" : header.getValue(), (one, more) -> one + ", " + more);
        }
        String length = headers.getOrDefault("content-length", "0");
        if (!length.matches("\\d{1,18}")) {
            throw new IOException("an answer with an invalid Content-Length: '" + Refusal.brief(length) + "'");
        }
        return headers;
    }

    // Reading has a timeout; writing has none, and a server that stops taking bytes would hold us for ever.
    private void watch() {
        long nanos = tuning.idle().toNanos();
        try {
            while (true) {
                // The watchdog's own clock, four looks a timeout: that nothing happens is no event to wait for, and no request waits here.
                Thread.sleep(Math.max(1, nanos / 4_000_000));
                sending.forEach(exchange -> exchange.cancelIfStalled(System.nanoTime() - nanos * 5 / 4));
            }
        } catch (InterruptedException closed) {
            return;
        }
    }

    @Override
    public void close() {
        watch.interrupt();
        client.close(CloseMode.IMMEDIATE);
    }
}
