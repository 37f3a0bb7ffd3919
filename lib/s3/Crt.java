package lib.s3;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.net.UnknownHostException;
import java.security.cert.CertificateEncodingException;
import java.security.cert.X509Certificate;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import javax.net.ssl.SSLException;
import javax.net.ssl.X509TrustManager;
import lib.base.Fault;
import lib.http.Body;
import lib.http.Head;
import lib.http.Network;
import lib.http.Pool;
import lib.http.Refusal;
import lib.http.Tuning;
import software.amazon.awssdk.auth.credentials.AwsCredentials;
import software.amazon.awssdk.auth.credentials.AwsSessionCredentials;
import software.amazon.awssdk.crt.CRT;
import software.amazon.awssdk.crt.CrtResource;
import software.amazon.awssdk.crt.CrtRuntimeException;
import software.amazon.awssdk.crt.auth.credentials.Credentials;
import software.amazon.awssdk.crt.auth.signing.AwsSigner;
import software.amazon.awssdk.crt.auth.signing.AwsSigningConfig;
import software.amazon.awssdk.crt.http.HttpClientConnection;
import software.amazon.awssdk.crt.http.HttpClientConnectionManager;
import software.amazon.awssdk.crt.http.HttpClientConnectionManagerOptions;
import software.amazon.awssdk.crt.http.HttpException;
import software.amazon.awssdk.crt.http.HttpHeader;
import software.amazon.awssdk.crt.http.HttpProxyOptions;
import software.amazon.awssdk.crt.http.HttpRequest;
import software.amazon.awssdk.crt.io.ClientBootstrap;
import software.amazon.awssdk.crt.io.EventLoopGroup;
import software.amazon.awssdk.crt.io.HostResolver;
import software.amazon.awssdk.crt.io.SocketOptions;
import software.amazon.awssdk.crt.io.TlsConnectionOptions;
import software.amazon.awssdk.crt.io.TlsContext;
import software.amazon.awssdk.crt.io.TlsContextOptions;

/**
 * An object store's connections and signatures (AWS Signature Version 4), by the AWS Common Runtime: it does in native code what
 * costs most where thousands of small objects are sent. Nothing of it is loaded before the first request. Safe for threads.
 */
final class Crt implements AutoCloseable {

    private static final int MOST_CONNECTIONS = 512;
    /** Bytes of an answer that nobody has read yet. */
    private static final int WINDOW = 1 << 18;

    private final URI endpoint;
    private final String region;
    private final Tuning tuning;
    private final Network network;
    private Pool other;
    private volatile boolean isUnknown;
    private EventLoopGroup loops;
    private HostResolver resolver;
    private ClientBootstrap bootstrap;
    private HttpClientConnectionManager connections;
    private boolean closed;

    Crt(URI endpoint, String region, Tuning tuning, Network network) {
        this.endpoint = endpoint;
        this.region = region;
        this.tuning = tuning;
        this.network = network;
        this.isUnknown = endpoint.getHost().startsWith("[");
    }

    /**
     * Sends a request once, signed.
     *
     * @param target  path and query, encoded
     * @param headers but for the host
     * @param payload hex SHA-256 of the body, or UNSIGNED-PAYLOAD, when content-md5 is signed instead
     */
    <T> T exchange(String method, String target, Map<String, String> headers, Body body, String payload, AwsCredentials keys,
                   Pool.Reader<T> reader) throws IOException {
        headers.forEach((name, value) -> Head.require(endpoint.toString(), name, value));
        Head.require(endpoint.toString(), "authorization", keys.accessKeyId());
        if (keys instanceof AwsSessionCredentials session) {
            Head.require(endpoint.toString(), "x-amz-security-token", session.sessionToken());
        }
        load();
        try (Body.Source source = body.open()) {
            Flow flow = new Flow(source, tuning.idle(), endpoint);
            HttpRequest request = signed(method, target, headers, flow, payload, keys);
            if (isUnknown) {
                return exchangeOtherwise(request, body, reader);
            }
            HttpClientConnection connection;
            try {
                connection = await(connections().acquireConnection());
            } catch (UnknownHostException e) {
                InetAddress.getByName(endpoint.getHost());
                isUnknown = true; // but Java knows it, by means of its own
                return exchangeOtherwise(request, body, reader);
            }
            if (body.length > 0 || method.equals("PUT")) {
                request.addHeader("content-length", Long.toString(body.length));
            }
            flow.begin(connection, request);
            try {
                return flow.read(reader);
            } catch (IOException e) {
                if (!flow.isCutOff()) {
                    throw e;
                }
            } finally {
                flow.end();
            }
            // The library does not read on when it cannot write on: what a server says that refuses before the end, and hangs up, is lost.
            return exchangeOtherwise(request, body, reader);
        } catch (CrtRuntimeException e) {
            throw told(e.errorCode, endpoint);
        }
    }

    // By the other client, for names that this one does not know: such as an address of IP version 6 in its brackets.
    private synchronized Pool other() {
        if (other == null) {
            other = new Pool(endpoint, tuning, network);
        }
        return other;
    }

    private <T> T exchangeOtherwise(HttpRequest signed, Body body, Pool.Reader<T> reader) throws IOException {
        Map<String, String> headers = new TreeMap<>();
        signed.getHeaders().forEach(header -> headers.put(header.getName(), header.getValue()));
        headers.keySet().removeAll(List.of("host", "content-length"));
        return other().exchange(signed.getMethod(), signed.getEncodedPath(), headers, body, reader);
    }

    private HttpRequest signed(String method, String target, Map<String, String> headers, Flow flow, String payload, AwsCredentials keys) throws IOException {
        HttpHeader[] all = new HttpHeader[headers.size() + 1];
        int count = 0;
        all[count++] = new HttpHeader("host", endpoint.getPort() < 0 ? endpoint.getHost() : endpoint.getHost() + ":" + endpoint.getPort());
        for (Map.Entry<String, String> header : headers.entrySet()) {
            all[count++] = new HttpHeader(header.getKey(), header.getValue());
        }
        try (AwsSigningConfig config = new AwsSigningConfig()) {
            config.setAlgorithm(AwsSigningConfig.AwsSigningAlgorithm.SIGV4);
            config.setSignatureType(AwsSigningConfig.AwsSignatureType.HTTP_REQUEST_VIA_HEADERS);
            config.setRegion(region);
            config.setService("s3");
            config.setTime(System.currentTimeMillis());
            config.setCredentials(new Credentials(bytes(keys.accessKeyId()), bytes(keys.secretAccessKey()),
                    keys instanceof AwsSessionCredentials session ? bytes(session.sessionToken()) : null));
            config.setUseDoubleUriEncode(false); // S3 encodes a path once, and takes it as it is
            config.setShouldNormalizeUriPath(false);
            config.setSignedBodyValue(payload);
            config.setSignedBodyHeader(AwsSigningConfig.AwsSignedBodyHeaderType.X_AMZ_CONTENT_SHA256);
            return await(AwsSigner.sign(new HttpRequest(method, target, all, flow), config)).getSignedRequest();
        }
    }

    private static byte[] bytes(String text) {
        return text.getBytes(java.nio.charset.StandardCharsets.UTF_8);
    }

    // The library has timeouts of its own for connecting, TLS and proxies; this one is for what it may have forgotten.
    private <T> T await(CompletableFuture<T> future) throws IOException {
        try {
            return future.get(tuning.connect().toMillis() * 4, TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof HttpException http) {
                throw told(http.getErrorCode(), endpoint);
            }
            if (e.getCause() instanceof CrtRuntimeException runtime) {
                throw told(runtime.errorCode, endpoint);
            }
            throw new IllegalStateException(e.getCause());
        } catch (TimeoutException e) {
            future.thenAccept(late -> {
                if (late instanceof CrtResource resource) {
                    resource.close();
                }
            });
            throw new SocketTimeoutException("no connection after " + tuning.connect().toSeconds() * 4 + " s");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while waiting for a connection");
        }
    }

    /** What an error of the library's means, as Java's own clients would throw it. */
    static IOException told(int error, URI endpoint) {
        String name = CRT.awsErrorName(error);
        String text = CRT.awsErrorString(error);
        if (name.startsWith("AWS_IO_DNS")) {
            return new UnknownHostException(endpoint.getHost());
        }
        if (name.startsWith("AWS_IO_TLS")) {
            return new SSLException(text + " (" + name + ")");
        }
        if (name.startsWith("AWS_ERROR_HTTP_PROXY")) {
            return new ConnectException("the proxy refused: " + text);
        }
        return name.startsWith("AWS_IO_SOCKET_CONN") ? new ConnectException(text) : new IOException(text + " (" + name + ")");
    }

    private synchronized HttpClientConnectionManager connections() {
        if (closed) {
            throw new IllegalStateException("closed");
        }
        if (connections == null) {
            start();
        }
        return connections;
    }

    private static void load() {
        try {
            new CRT();
        } catch (LinkageError e) {
            Throwable why = e.getCause() == null ? e : e.getCause();
            throw Fault.failed("nothing can be sent to an object store from this machine", "the native part of the library for that (aws-crt) cannot be loaded on "
                    + System.getProperty("os.name") + " " + System.getProperty("os.arch") + ": " + why.getMessage(), "if it says that mapping or permission failed, give Java a temporary folder that programs may run from: "
                    + "JAVA_TOOL_OPTIONS=-Djava.io.tmpdir=DIR; else use another machine: it is made for Linux and macOS on x86-64 and ARM").from(e);
        }
    }

    private void start() {
        loops = new EventLoopGroup(Math.min(2, Runtime.getRuntime().availableProcessors()));
        resolver = new HostResolver(loops);
        bootstrap = new ClientBootstrap(loops, resolver);
        int connect = (int) tuning.connect().toMillis();
        try (SocketOptions socket = new SocketOptions(); TlsContextOptions trust = TlsContextOptions.createDefaultClient()) {
            socket.connectTimeoutMs = connect;
            HttpClientConnectionManagerOptions options = new HttpClientConnectionManagerOptions().withClientBootstrap(bootstrap)
                    .withSocketOptions(socket).withUri(endpoint.resolve("/")).withPort(port()).withMaxConnections(MOST_CONNECTIONS)
                    .withManualWindowManagement(true).withWindowSize(WINDOW);
            network.proxy(endpoint).ifPresent(by -> options.withProxyOptions(proxy(by)));
            if (!endpoint.getScheme().equals("https")) {
                connections = HttpClientConnectionManager.create(options);
                return;
            }
            trust.overrideDefaultTrustStore(authorities());
            try (TlsContext context = new TlsContext(trust); TlsConnectionOptions tls = new TlsConnectionOptions(context)) {
                tls.withServerName(endpoint.getHost()).withTimeoutMs(connect);
                connections = HttpClientConnectionManager.create(options.withTlsConnectionOptions(tls));
            }
        }
    }

    private int port() {
        return endpoint.getPort() >= 0 ? endpoint.getPort() : endpoint.getScheme().equals("https") ? 443 : 80;
    }

    private HttpProxyOptions proxy(Network.Proxy by) {
        HttpProxyOptions proxy = new HttpProxyOptions();
        proxy.setHost(by.host().getHostName());
        proxy.setPort(by.host().getPort());
        proxy.setConnectionType(endpoint.getScheme().equals("https") ? HttpProxyOptions.HttpProxyConnectionType.Tunneling
                : HttpProxyOptions.HttpProxyConnectionType.Forwarding);
        by.user().ifPresent(user -> {
            proxy.setAuthorizationType(HttpProxyOptions.HttpProxyAuthorizationType.Basic);
            proxy.setAuthorizationUsername(user);
            proxy.setAuthorizationPassword(by.password());
        });
        return proxy;
    }

    // Whom Java trusts and whom the user names, as for every other request.
    private String authorities() {
        StringBuilder pem = new StringBuilder();
        Base64.Encoder lines = Base64.getMimeEncoder(64, new byte[] {'\n'});
        try {
            for (X509Certificate authority : ((X509TrustManager) network.trusted()[0]).getAcceptedIssuers()) {
                pem.append("-----BEGIN CERTIFICATE-----\n").append(lines.encodeToString(authority.getEncoded())).append("\n-----END CERTIFICATE-----\n");
            }
        } catch (CertificateEncodingException e) {
            throw new IllegalStateException(e);
        }
        return pem.toString();
    }

    /** Ends what is on its way. In order, and waited for: a process that ends without takes a second longer. */
    @Override
    public synchronized void close() {
        closed = true;
        if (other != null) {
            other.close();
        }
        if (connections != null) {
            CompletableFuture<Void> down = connections.getShutdownCompleteFuture();
            connections.close();
            end(down);
            bootstrap.close();
            end(bootstrap.getShutdownCompleteFuture());
            resolver.close();
            loops.close();
            end(loops.getShutdownCompleteFuture());
            connections = null;
        }
    }

    private static void end(CompletableFuture<Void> shutdown) {
        try {
            shutdown.get(2, TimeUnit.SECONDS);
        } catch (ExecutionException | TimeoutException e) {
            // the process ends it
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
