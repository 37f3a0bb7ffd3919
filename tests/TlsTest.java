import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import lib.base.Exec;
import lib.base.Fault;
import lib.base.FileTree;
import lib.base.Json;
import lib.s3.ObjectStore;
import org.gaul.s3proxy.S3Proxy;
import org.gaul.s3proxy.auth.AuthenticationType;
import org.gaul.s3proxy.nio2blob.FilesystemNio2BlobStore;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;

/** Object store and registry over TLS, as everywhere but on loopback; who is trusted is a matter of a JVM, so each client is one. */
class TlsTest {

    /** ENDPOINT FILE: puts, lists, reads and deletes; prints what it read, or its fault. */
    public static final class Client {
        public static void main(String[] args) throws IOException {
            try (ObjectStore store = ObjectStore.connect(URI.create(args[0]), "local",
                    StaticCredentialsProvider.create(AwsBasicCredentials.create("id", "secret")))) {
                Path file = Path.of(args[1]);
                store.put("bucket", "a b/é.txt", file, FileTree.sha256(file), "no-cache");
                System.out.println(store.list("bucket", "a").keySet() + " " + new String(store.get("bucket", "a b/é.txt").orElseThrow(), StandardCharsets.UTF_8));
                store.delete("bucket", List.of("a b/é.txt")); // through the SDK's own client
                System.out.println(store.list("bucket", "").size());
            } catch (Fault fault) {
                System.out.println(fault.getMessage());
                System.exit(1);
            }
        }
    }

    @TempDir
    Path folder;

    private S3Proxy server;
    private Path keys;

    @BeforeEach
    void start() throws Exception {
        keys = folder.resolve("keys.p12");
        Exec.of(java("keytool"), "-genkeypair", "-alias", "server", "-keyalg", "EC", "-dname", "CN=localhost", "-ext", "san=dns:localhost,dns:registry.example.org",
                "-validity", "2", "-keystore", keys.toString(), "-storepass", "changeit").orFail("keytool", "");
        Files.createDirectories(folder.resolve("store/bucket"));
        server = S3Proxy.builder().blobStore(new FilesystemNio2BlobStore(folder.resolve("store").toString()))
                .secureEndpoint(URI.create("https://127.0.0.1:0")).keyStore(keys.toString(), "changeit")
                .awsAuthentication(AuthenticationType.AWS_V4, "id", "secret").ignoreUnknownHeaders(true).build();
        server.start();
    }

    @AfterEach
    void stop() throws Exception {
        server.stop();
    }

    private static String java(String tool) {
        return Path.of(System.getProperty("java.home"), "bin", tool).toString();
    }

    private String[] trusting() {
        return new String[] {"-Djavax.net.ssl.trustStore=" + keys, "-Djavax.net.ssl.trustStorePassword=changeit"};
    }

    private Exec.Result client(String host, String... options) throws IOException {
        Path file = Files.writeString(folder.resolve("file"), "over TLS");
        return run(options, Client.class.getName(), "https://" + host + ":" + server.getSecurePort(), file.toString());
    }

    private static Exec.Result run(String[] options, String... program) throws IOException {
        List<String> line = new ArrayList<>(List.of(java("java"), "-Dfile.encoding=UTF-8", "-Dslf4j.provider=org.slf4j.nop.NOPServiceProvider"));
        line.addAll(List.of(options));
        line.addAll(List.of("-cp", System.getProperty("java.class.path")));
        line.addAll(List.of(program));
        return Exec.of(line).run();
    }

    @Test
    void aTrustedStoreIsWrittenAndReadOverTls() throws IOException {
        Exec.Result run = client("localhost", trusting());
        assertEquals(0, run.exit(), run.out() + run.err());
        assertEquals("[a b/é.txt] over TLS\n0\n", run.out());
    }

    @Test
    void aStoreNobodyVouchesForIsNotTalkedTo() throws IOException {
        Exec.Result run = client("localhost");
        assertEquals(1, run.exit(), run.out() + run.err());
        assertTrue(run.out().contains("certification path"), run.out());
    }

    @Test
    void aCertificateOfAnotherNameIsRefused() throws IOException {
        Exec.Result run = client("127.0.0.1", trusting());
        assertEquals(1, run.exit(), run.out() + run.err());
        assertTrue(run.out().contains("127.0.0.1"), run.out());
    }

    @Test
    void aNameThatOnlyJavaKnowsIsUsed() throws IOException {
        String hosts = "-Djdk.net.hosts.file=" + Files.writeString(folder.resolve("hosts"), "127.0.0.1 registry.example.org\n");
        Exec.Result run = client("registry.example.org", hosts, trusting()[0], trusting()[1]);
        assertEquals(0, run.exit(), run.out() + run.err());
        assertEquals("[a b/é.txt] over TLS\n0\n", run.out());
    }

    @Test
    void aMachineThatNothingCanBeSentFromIsTold() throws IOException {
        Exec.Result run = client("localhost", "-Dos.arch=pdp11");
        assertEquals(1, run.exit(), run.out() + run.err());
        assertTrue(run.out().contains("aws-crt") && run.out().contains("pdp11"), run.out() + run.err());
    }

    @Test
    void imagesGoToARegistryOverTlsThatIsTrustedUnderItsName() throws Exception {
        KeyStore store = KeyStore.getInstance(keys.toFile(), "changeit".toCharArray());
        Path certificate = TokenServer.pem(Files.createDirectory(folder.resolve("certificates")).resolve("ca.crt"), "CERTIFICATE", store.getCertificate("server").getEncoded());
        Path key = TokenServer.pem(folder.resolve("key.pem"), "PRIVATE KEY", store.getKey("server", "changeit".toCharArray()).getEncoded());
        Path release = Released.copy(folder.resolve("checkout")).folder.resolve("release");
        // Of a host on loopback http is expected, so that these are names of none.
        String hosts = "-Djdk.net.hosts.file=" + Files.writeString(folder.resolve("hosts"), "127.0.0.1 registry.example.org other.example.org\n");
        try (DockerRegistry registry = DockerRegistry.overTls(folder.resolve("registry"), certificate, key)) {
            String port = registry.host().replaceFirst(".*:", ":");
            Exec.Result untrusted = run(new String[] {hosts}, "push", release.toString(), "registry.example.org" + port + "/kettle/kettle");
            assertEquals(1, untrusted.exit(), untrusted.err());
            assertTrue(untrusted.err().contains("certification path"), untrusted.err());
            String[] trusting = {hosts, trusting()[0], trusting()[1]};
            Exec.Result other = run(trusting, "push", release.toString(), "other.example.org" + port + "/kettle/kettle");
            assertEquals(1, other.exit(), other.err());
            assertTrue(other.err().contains("other.example.org"), other.err());
            assertEquals(Map.of(), registry.state());
            Exec.Result pushed = run(trusting, "push", release.toString(), "registry.example.org" + port + "/kettle/kettle");
            assertEquals(0, pushed.exit(), pushed.err());
            // Under the address: not everywhere does Go know the name localhost.
            String index = Exec.of("skopeo", "inspect", "--raw", "--tls-verify=false", "docker://127.0.0.1" + port + "/kettle/kettle:2.95.0").orFail("skopeo", "");
            assertEquals(2, Json.MAPPER.readTree(index).path("manifests").size(), index);
        }
    }

    @Test
    void aRegistryElsewhereSendsNobodyToThisMachine() throws Exception {
        List<String> asked = new CopyOnWriteArrayList<>();
        HttpServer here = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        here.createContext("/", exchange -> {
            asked.add(exchange.getRequestMethod() + " " + exchange.getRequestURI());
            exchange.sendResponseHeaders(404, -1);
            exchange.close();
        });
        KeyManagerFactory managers = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        managers.init(KeyStore.getInstance(keys.toFile(), "changeit".toCharArray()), "changeit".toCharArray());
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(managers.getKeyManagers(), null, null);
        HttpsServer elsewhere = HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        elsewhere.setHttpsConfigurator(new HttpsConfigurator(context));
        String inside = "http://127.0.0.1:" + here.getAddress().getPort();
        elsewhere.createContext("/v2/", exchange -> {
            String path = exchange.getRequestURI().getPath();
            int status = path.startsWith("/v2/token/") ? 401 : path.startsWith("/v2/moved/") && !exchange.getRequestMethod().equals("POST") ? 307
                    : exchange.getRequestMethod().equals("POST") ? 202 : 404;
            exchange.getResponseHeaders().add(status == 401 ? "WWW-Authenticate" : "Location", status == 401 ? "Bearer realm=\"" + inside + "/token\"" : inside + "/x");
            exchange.sendResponseHeaders(status, -1);
            exchange.close();
        });
        here.start();
        elsewhere.start();
        Path release = Released.copy(folder.resolve("checkout")).folder.resolve("release");
        String[] trusting = {"-Djdk.net.hosts.file=" + Files.writeString(folder.resolve("hosts"), "127.0.0.1 registry.example.org\n"), trusting()[0], trusting()[1]};
        try {
            for (String path : List.of("token", "moved", "upload")) {
                Exec.Result pushed = run(trusting, "push", release.toString(), "registry.example.org:" + elsewhere.getAddress().getPort() + "/" + path + "/images");
                assertEquals(1, pushed.exit(), path + ": " + pushed.err());
                assertTrue(pushed.err().contains("must be an https address"), path + ": " + pushed.err());
            }
            assertEquals(List.of(), asked);
        } finally {
            here.stop(0);
            elsewhere.stop(0);
        }
    }
}
