import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.abort;

import com.sun.net.httpserver.HttpServer;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.time.Duration;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import lib.base.Exec;
import lib.base.Fault;
import lib.base.FileTree;
import lib.http.Network;
import lib.http.Tuning;
import lib.proof.Fetcher;
import lib.s3.ObjectStore;
import org.gaul.s3proxy.S3Proxy;
import org.gaul.s3proxy.auth.AuthenticationType;
import org.gaul.s3proxy.nio2blob.FilesystemNio2BlobStore;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;

/** Proxies and authorities, as the usual variables tell all programs. */
class NetworkTest {

    private static final Tuning ONCE = new Tuning(4, 5 << 20, 5 << 20, Duration.ofSeconds(20), Duration.ofMinutes(1), 1, Duration.ZERO);
    private static final String NAME = "store.kettle.invalid";

    @TempDir
    Path temp;

    private static Map<String, String> variables(String text) {
        Map<String, String> env = new HashMap<>();
        for (String one : text.split(" ")) {
            if (one.contains("=")) {
                env.put(one.substring(0, one.indexOf('=')), one.substring(one.indexOf('=') + 1));
            }
        }
        return env;
    }

    @ParameterizedTest(name = "{1} with {0}")
    @CsvSource(delimiter = '|', nullValues = "none", value = {
            "HTTPS_PROXY=http://p:3128                          | https://s3.example.org      | http://p:3128",
            "https_proxy=http://small:1 HTTPS_PROXY=http://p:2  | https://s3.example.org      | http://small:1",
            "HTTPS_PROXY=p:3128                                 | https://s3.example.org      | http://p:3128",
            "HTTPS_PROXY=https://p                              | https://s3.example.org      | https://p:443",
            "HTTPS_PROXY=http://p                               | https://s3.example.org      | http://p:80",
            "HTTP_PROXY=http://p:3128                           | https://s3.example.org      | none",
            "HTTP_PROXY=http://p:3128                           | http://s3.example.org       | http://p:3128",
            "ALL_PROXY=http://p:3128                            | https://s3.example.org      | http://p:3128",
            "HTTPS_PROXY=                                       | https://s3.example.org      | none",
            "HTTP_PROXY=http://p:1 HTTPS_PROXY=http://p:1 ALL_PROXY=http://p:1 | http://127.0.0.1:9000 | none",
            "HTTP_PROXY=http://p:1 ALL_PROXY=http://p:1         | http://localhost:9000       | none",
            "HTTP_PROXY=http://p:1 ALL_PROXY=http://p:1         | http://[::1]:9000           | none",
            "HTTPS_PROXY=http://p:1 NO_PROXY=example.org        | https://s3.example.org      | none",
            "HTTPS_PROXY=http://p:1 NO_PROXY=.example.org       | https://s3.example.org      | none",
            "HTTPS_PROXY=http://p:1 NO_PROXY=*.example.org      | https://s3.example.org      | none",
            "HTTPS_PROXY=http://p:1 NO_PROXY=x.org,S3.Example.Org | https://s3.example.org    | none",
            "HTTPS_PROXY=http://p:1 NO_PROXY=ample.org          | https://s3.example.org      | http://p:1",
            "HTTPS_PROXY=http://p:1 NO_PROXY=s3.example.org:8443 | https://s3.example.org     | http://p:1",
            "HTTPS_PROXY=http://p:1 NO_PROXY=s3.example.org:443 | https://s3.example.org      | none",
            "HTTPS_PROXY=http://p:1 NO_PROXY=*                  | https://s3.example.org      | none",
            "HTTPS_PROXY=http://p:1 NO_PROXY=10.0.0.0/8         | https://10.1.2.3            | none",
            "HTTPS_PROXY=http://p:1 NO_PROXY=10.0.0.0/8         | https://11.1.2.3            | http://p:1",
            "HTTPS_PROXY=http://p:1 NO_PROXY=fd00::/8           | https://[fd12::3]:9000      | none",
            "HTTPS_PROXY=http://p:1 no_proxy=[fd12::3]:9000     | https://[fd12::3]:9000      | none",
            "HTTPS_PROXY=http://p:1 NO_PROXY=10.0.0.0/99        | https://10.1.2.3            | http://p:1"})
    void theVariablesSayWhatGoesThroughAProxy(String set, String address, String proxy) {
        Network network = Network.of(variables(set), Optional.empty());
        assertEquals(Optional.ofNullable(proxy), network.proxy(URI.create(address)).map(Network.Proxy::toString));
    }

    @Test
    void aLoginIsTakenFromTheAddressAndNeverShown() {
        Network network = Network.of(Map.of("HTTPS_PROXY", "http://me%40work:p%2Bw%3A%40@p:3128"), Optional.empty());
        Network.Proxy proxy = network.proxy(URI.create("https://s3.example.org")).orElseThrow();
        assertEquals(List.of("me@work", "p+w:@", "http://p:3128"), List.of(proxy.user().orElseThrow(), proxy.password(), proxy.toString()));
        for (String wrong : List.of("http://me:secret@", "socks5://me:secret@p:1", "http://me:secret@p:99999999", "http://me:sec ret@p:1", "://secret", "ftp://p")) {
            Fault fault = assertThrows(Fault.class, () -> Network.of(Map.of("HTTPS_PROXY", wrong), Optional.empty()).proxy(URI.create("https://s3.example.org")), wrong);
            assertTrue(fault.getMessage().contains("HTTPS_PROXY") && !fault.getMessage().contains("secret"), fault.getMessage());
        }
    }

    @Test
    void filesOfAuthoritiesThatAreNoneAreNamedWithTheVariable() throws IOException {
        Path empty = Files.writeString(temp.resolve("empty.pem"), "nothing\n");
        Path broken = Files.writeString(temp.resolve("broken.pem"), "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
        for (Path file : List.of(empty, broken, temp.resolve("gone.pem"), temp)) {
            for (Network network : List.of(Network.of(Map.of("AWS_CA_BUNDLE", file.toString()), Optional.empty()), Network.of(Map.of(), Optional.of(file)))) {
                Fault fault = assertThrows(Fault.class, network::tls);
                assertTrue(fault.getMessage().contains(file.toString()) && (fault.getMessage().contains("AWS_CA_BUNDLE") || fault.getMessage().contains("'ca'")), fault.getMessage());
            }
        }
        Network.of(Map.of("SSL_CERT_FILE", "/no-cert-file.crt"), Optional.empty()).tls();
    }

    /** A key of its own for a name, and the file that vouches for it. */
    private Path authority(String name) {
        Path keys = temp.resolve("keys.p12");
        keytool("-genkeypair", "-alias", "server", "-keyalg", "EC", "-dname", "CN=" + name, "-ext", "san=dns:" + name, "-validity", "2", "-keystore", keys.toString());
        Path ca = temp.resolve("ca.pem");
        keytool("-exportcert", "-rfc", "-alias", "server", "-keystore", keys.toString(), "-file", ca.toString());
        return ca;
    }

    private S3Proxy storeOverTls() throws Exception {
        Files.createDirectories(temp.resolve("store/bucket"));
        S3Proxy server = S3Proxy.builder().blobStore(new FilesystemNio2BlobStore(temp.resolve("store").toString()))
                .secureEndpoint(URI.create("https://127.0.0.1:0")).keyStore(temp.resolve("keys.p12").toString(), "changeit")
                .awsAuthentication(AuthenticationType.AWS_V4, "id", "secret").ignoreUnknownHeaders(true).build();
        server.start();
        return server;
    }

    @Test
    void aStoreOnANameThatOnlyTheProxyKnowsIsUsedThroughIt() throws Exception {
        Map<String, String> env = Map.of("AWS_CA_BUNDLE", authority(NAME).toString());
        S3Proxy server = storeOverTls();
        try (ConnectProxy proxy = new ConnectProxy(server.getSecurePort())) {
            URI endpoint = URI.create("https://" + NAME + ":" + server.getSecurePort());
            String known = "http://me:p%40ss@127.0.0.1:" + proxy.port();
            Network network = Network.of(with(env, "HTTPS_PROXY", known), Optional.empty());
            try (ObjectStore store = store(endpoint, network)) {
                Path file = Files.write(temp.resolve("file"), new byte[6 << 20]);
                store.put("bucket", "large", file, FileTree.sha256(file), "no-cache"); // in parts
                assertEquals(List.of("large"), List.copyOf(store.list("bucket", "").keySet()));
                assertEquals(6 << 20, store.get("bucket", "large").orElseThrow().length);
            }
            assertTrue(proxy.asked.stream().allMatch(("CONNECT " + NAME + ":" + server.getSecurePort() + " HTTP/1.1")::equals) && !proxy.asked.isEmpty(), proxy.asked.toString());
            Fetcher anybody = Fetcher.anonymous(Map.of("cache", endpoint), Duration.ofSeconds(10), network);
            assertThrows(Fetcher.NotThere.class, () -> anybody.open("cache", "k")); // S3Proxy's 403, through the tunnel

            refused(endpoint, env, "no address is known for the name " + NAME);
            refused(endpoint, with(env, "HTTPS_PROXY", known.replace("p%40ss", "wrong")), "the proxy wants a login");
            refused(endpoint, Map.of("HTTPS_PROXY", known), "AWS_CA_BUNDLE");
        } finally {
            server.stop();
        }
    }

    @Test
    void aHandshakeThatIsDroppedIsTriedAgain() throws Exception {
        Map<String, String> env = Map.of("SSL_CERT_FILE", authority("localhost").toString());
        S3Proxy server = storeOverTls();
        try (Dropping way = new Dropping(server.getSecurePort(), 2);
                ObjectStore store = ObjectStore.connect(URI.create("https://localhost:" + way.port()), "local",
                        StaticCredentialsProvider.create(AwsBasicCredentials.create("id", "secret")),
                        new Tuning(1, 5 << 20, 5 << 20, Duration.ofSeconds(5), Duration.ofSeconds(10), 5, Duration.ofSeconds(20)), Network.of(env, Optional.empty()))) {
            assertEquals(Optional.empty(), store.get("bucket", "k"));
            assertEquals(3, way.asked.size());
        } finally {
            server.stop();
        }
    }

    @Test
    @DisplayName("hazard 51: a TLS peer that stops reading hangs the run, and the watchdog that is to notice")
    void aTlsPeerThatStopsReadingIsGivenUp() throws Exception {
        Path ca = authority("localhost");
        KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(KeyStore.getInstance(temp.resolve("keys.p12").toFile(), "changeit".toCharArray()), "changeit".toCharArray());
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), null, null);
        Path file = Files.write(temp.resolve("file"), new byte[40 << 20]);
        List<Socket> taken = new CopyOnWriteArrayList<>();
        try (ServerSocket server = context.getServerSocketFactory().createServerSocket(0, 50, InetAddress.getLoopbackAddress());
                ObjectStore store = ObjectStore.connect(URI.create("https://localhost:" + server.getLocalPort()), "local",
                        StaticCredentialsProvider.create(AwsBasicCredentials.create("id", "secret")),
                        new Tuning(1, 1L << 40, 5 << 20, Duration.ofSeconds(5), Duration.ofSeconds(1), 1, Duration.ZERO), Network.of(Map.of(), Optional.of(ca)))) {
            FaultProxy.start(() -> {
                Socket client = server.accept();
                taken.add(client);
                client.getInputStream().read(); // the handshake, and then nothing more
            });
            Fault fault = assertTimeoutPreemptively(Duration.ofSeconds(30), () -> assertThrows(Fault.class,
                    () -> store.put("bucket", "k", file, FileTree.sha256(file), "no-cache")));
            assertTrue(fault.getMessage().contains("nothing moved for 1 s"), fault.getMessage());
        } finally {
            for (Socket socket : taken) {
                socket.close();
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"closes at once", "reads no more", "reads on"})
    void whoRefusesBeforeTheEndIsUnderstood(String then) throws Exception {
        Path file = Files.write(temp.resolve("file"), new byte[40 << 20]);
        try (Refusing server = new Refusing(then);
                ObjectStore store = ObjectStore.connect(URI.create("http://127.0.0.1:" + server.port()), "local", StaticCredentialsProvider.create(AwsBasicCredentials.create("id", "secret")),
                        new Tuning(1, 1L << 40, 5 << 20, Duration.ofSeconds(5), Duration.ofSeconds(20), 8, Duration.ofSeconds(20)), Network.PLAIN)) {
            for (int i = 1; i <= 10; i++) {
                Fault fault = assertTimeoutPreemptively(Duration.ofSeconds(30), () -> assertThrows(Fault.class, () -> store.put("bucket", "k", file, "no-cache")));
                assertTrue(fault.getMessage().contains("403 AccessDenied: not you"), fault.getMessage());
                assertTrue(server.asked.size() <= (then.equals("closes at once") ? 2 * i : i), "who hangs up may have to say it twice, to the client that hears it");
            }
        }
    }

    @Test
    void whoSaysYesBeforeTheEndOfTheRequestIsNotBelieved() throws Exception {
        Path file = Files.write(temp.resolve("file"), new byte[40 << 20]);
        try (Refusing server = new Refusing("says yes, and more");
                ObjectStore store = ObjectStore.connect(URI.create("http://127.0.0.1:" + server.port()), "local", StaticCredentialsProvider.create(AwsBasicCredentials.create("id", "secret")),
                        new Tuning(1, 1L << 40, 5 << 20, Duration.ofSeconds(5), Duration.ofSeconds(20), 1, Duration.ofSeconds(20)), Network.PLAIN)) {
            Fault fault = assertTimeoutPreemptively(Duration.ofSeconds(30), () -> assertThrows(Fault.class, () -> store.put("bucket", "k", file, "no-cache")));
            assertTrue(fault.getMessage().contains("answered 200 before it had all of the request"), fault.getMessage());
        }
    }

    private static Map<String, String> with(Map<String, String> env, String name, String value) {
        Map<String, String> more = new HashMap<>(env);
        more.put(name, value);
        return more;
    }

    private static void keytool(String... arguments) {
        List<String> line = new java.util.ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin/keytool").toString()));
        line.addAll(List.of(arguments));
        line.addAll(List.of("-storepass", "changeit"));
        Exec.of(line).orFail("keytool", "");
    }

    private static ObjectStore store(URI endpoint, Network network) {
        return ObjectStore.connect(endpoint, "local", StaticCredentialsProvider.create(AwsBasicCredentials.create("id", "secret")), ONCE, network);
    }

    /** By the library of the bytes, and by the SDK's. */
    private static void refused(URI endpoint, Map<String, String> env, String says) {
        try (ObjectStore store = store(endpoint, Network.of(env, Optional.empty()))) {
            for (Runnable request : List.<Runnable>of(() -> store.get("bucket", "k"), () -> store.list("bucket", ""))) {
                Fault fault = assertThrows(Fault.class, request::run);
                assertTrue((fault.getMessage() + fault.next()).contains(says), fault.getMessage() + fault.next());
                assertFalse(fault.getMessage().contains("wrong"), fault.getMessage());
            }
        }
    }

    @Test
    void anEndpointBelowAPathIsAskedBelowIt() throws Exception {
        try (Prefixed prefixed = new Prefixed()) {
            URI endpoint = URI.create("http://127.0.0.1:" + prefixed.port() + "/storage/v1/s3");
            try (ObjectStore below = ObjectStore.connect(endpoint, "local", StaticCredentialsProvider.create(AwsBasicCredentials.create("id", "secret")), ONCE,
                    Network.PLAIN)) {
                assertEquals(Optional.empty(), below.get("bucket", "k"));
                assertThrows(Fault.class, () -> below.list("bucket", ""));
                assertTrue(prefixed.asked.size() >= 2 && prefixed.asked.stream().allMatch(line -> line.contains(" /storage/v1/s3/bucket")), prefixed.asked.toString());
            }
        }
    }

    @Test
    void anAddressOfIpVersion6IsAsked() throws Exception {
        HttpServer server;
        try {
            server = HttpServer.create(new InetSocketAddress(InetAddress.getByName("::1"), 0), 0);
        } catch (IOException e) {
            abort("this machine has no IPv6: " + e.getMessage());
            return;
        }
        server.createContext("/", exchange -> {
            byte[] host = exchange.getRequestHeaders().getFirst("Host").getBytes(StandardCharsets.US_ASCII);
            exchange.sendResponseHeaders(200, host.length);
            exchange.getResponseBody().write(host);
            exchange.close();
        });
        server.start();
        try {
            String address = "[::1]:" + server.getAddress().getPort();
            Fetcher anybody = Fetcher.anonymous(Map.of("cache", URI.create("http://" + address)), Duration.ofSeconds(10), Network.PLAIN);
            try (InputStream in = anybody.open("cache", "k")) {
                assertEquals(address, new String(in.readAllBytes(), StandardCharsets.US_ASCII));
            }
            try (ObjectStore store = store(URI.create("http://" + address), Network.PLAIN)) {
                assertEquals(address, new String(store.get("bucket", "k").orElseThrow(), StandardCharsets.US_ASCII));
            }
        } finally {
            server.stop(0);
        }
    }

    /** What both take and note; one a thread. */
    private abstract static class Listener implements AutoCloseable {
        final List<String> asked = new CopyOnWriteArrayList<>();
        private final ServerSocket socket = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());

        Listener() throws IOException {
            FaultProxy.start(() -> {
                while (!socket.isClosed()) {
                    Socket client = socket.accept();
                    FaultProxy.start(() -> serve(client));
                }
            });
        }

        abstract void serve(Socket client) throws IOException;

        int port() {
            return socket.getLocalPort();
        }

        static String head(InputStream in) throws IOException {
            StringBuilder head = new StringBuilder();
            while (head.indexOf("\r\n\r\n") < 0) {
                int next = in.read();
                if (next < 0) {
                    throw new IOException("closed");
                }
                head.append((char) next);
            }
            return head.toString();
        }

        @Override
        public void close() throws IOException {
            socket.close();
        }
    }

    /** A proxy that wants a password, and knows one name. */
    private static final class ConnectProxy extends Listener {
        private final int server;

        ConnectProxy(int server) throws IOException {
            this.server = server;
        }

        @Override
        void serve(Socket client) throws IOException {
            try (client) {
                InputStream in = new BufferedInputStream(client.getInputStream());
                OutputStream out = client.getOutputStream();
                String head = head(in);
                String login = "Basic " + Base64.getEncoder().encodeToString("me:p@ss".getBytes(StandardCharsets.UTF_8));
                if (!head.contains("Proxy-Authorization: " + login + "\r\n")) {
                    out.write("HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"proxy\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".getBytes());
                    return;
                }
                asked.add(head.lines().findFirst().orElseThrow());
                try (Socket upstream = new Socket("127.0.0.1", server)) {
                    out.write("HTTP/1.1 200 OK\r\n\r\n".getBytes());
                    FaultProxy.start(() -> upstream.getInputStream().transferTo(out));
                    in.transferTo(upstream.getOutputStream());
                }
            }
        }
    }

    /** Ends the first connections in the middle of the handshake. */
    private static final class Dropping extends Listener {
        private final int server;
        private final int first;

        Dropping(int server, int first) throws IOException {
            this.server = server;
            this.first = first;
        }

        @Override
        void serve(Socket client) throws IOException {
            try (client) {
                asked.add("");
                if (asked.size() <= first) {
                    client.getInputStream().read();
                    client.shutdownOutput();
                    client.getInputStream().transferTo(OutputStream.nullOutputStream());
                    return;
                }
                try (Socket upstream = new Socket("127.0.0.1", server)) {
                    FaultProxy.start(() -> upstream.getInputStream().transferTo(client.getOutputStream()));
                    client.getInputStream().transferTo(upstream.getOutputStream());
                }
            }
        }
    }

    /** Answers as soon as it has the head: no, or yes and something that nobody asked for. */
    private static final class Refusing extends Listener {
        private final String then;
        private final List<Socket> open = new CopyOnWriteArrayList<>();

        Refusing(String then) throws IOException {
            this.then = then;
        }

        @Override
        void serve(Socket client) throws IOException {
            open.add(client);
            String body = "<Error><Code>AccessDenied</Code><Message>not you</Message></Error>";
            do {
                asked.add(head(client.getInputStream()).lines().findFirst().orElseThrow());
                client.getOutputStream().write((then.equals("says yes, and more") ? "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst" + "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nforged!"
                        : "HTTP/1.1 403 Forbidden\r\nContent-Length: " + body.length() + "\r\n\r\n" + body).getBytes());
                if (then.equals("closes at once")) {
                    client.close();
                } else if (!then.equals("reads no more")) {
                    client.getInputStream().skipNBytes(40 << 20);
                }
            } while (then.equals("reads on"));
        }

        @Override
        public void close() throws IOException {
            super.close();
            for (Socket client : open) {
                client.close();
            }
        }
    }

    /** Notes what is asked for, and answers as a store that has nothing. */
    private static final class Prefixed extends Listener {
        Prefixed() throws IOException {
        }

        @Override
        void serve(Socket client) throws IOException {
            try (client) {
                asked.add(head(new BufferedInputStream(client.getInputStream())).lines().findFirst().orElseThrow());
                client.getOutputStream().write("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".getBytes());
            }
        }
    }
}
