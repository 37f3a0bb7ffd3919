import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.cert.Certificate;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import lib.base.Exec;

/** Makes tokens for a registry ("Docker Registry v2 authentication via central service"): anybody may pull, one user may push. */
final class TokenServer implements AutoCloseable {

    static final String REFRESH_TOKEN = "refresh-me";

    private final HttpServer server;
    private final PrivateKey key;
    private final Certificate certificate;
    private final Path certificateFile;
    private final List<String> asked = new CopyOnWriteArrayList<>();
    private volatile long life;
    private volatile int stale;

    /** Tokens are said to last so many seconds. */
    TokenServer(Path folder, long life) throws Exception {
        this.life = life;
        Path keys = folder.resolve("keys.p12");
        Exec.of(Path.of(System.getProperty("java.home"), "bin", "keytool").toString(), "-genkeypair", "-alias", "tokens", "-keyalg", "RSA", "-dname", "CN=tokens",
                "-validity", "2", "-keystore", keys.toString(), "-storepass", "changeit").orFail("keytool", "");
        KeyStore store = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(keys)) {
            store.load(in, "changeit".toCharArray());
        }
        key = (PrivateKey) store.getKey("tokens", "changeit".toCharArray());
        certificate = store.getCertificate("tokens");
        certificateFile = pem(folder.resolve("tokens.pem"), "CERTIFICATE", certificate.getEncoded());
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/token", this::answer);
        server.start();
    }

    URI realm() {
        return URI.create("http://127.0.0.1:" + server.getAddress().getPort() + "/token");
    }

    /** Writes a certificate or a key as PEM (RFC 7468). */
    static Path pem(Path file, String label, byte[] der) throws IOException {
        return Files.writeString(file, "-----BEGIN " + label + "-----\n" + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(der)
                + "\n-----END " + label + "-----\n");
    }

    Path certificate() {
        return certificateFile;
    }

    /** The next tokens, so many, are not taken by the registry, though they should be. */
    TokenServer stale(int tokens) {
        stale = tokens;
        return this;
    }

    /** What was asked for: method, who asked, and the scopes. */
    List<String> asked() {
        return List.copyOf(asked);
    }

    private void answer(HttpExchange exchange) throws IOException {
        String form = exchange.getRequestMethod().equals("POST") ? new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8)
                : exchange.getRequestURI().getRawQuery();
        List<String> fields = Stream.of(form.split("&")).map(field -> URLDecoder.decode(field, StandardCharsets.UTF_8)).toList();
        String basic = "Basic " + Base64.getEncoder().encodeToString((DockerRegistry.USER + ":" + DockerRegistry.PASSWORD).getBytes(StandardCharsets.UTF_8));
        String authorization = exchange.getRequestHeaders().getFirst("Authorization");
        boolean known = basic.equals(authorization) || fields.contains("refresh_token=" + REFRESH_TOKEN);
        String scopes = fields.stream().filter(field -> field.startsWith("scope=")).map(field -> field.substring(6)).collect(Collectors.joining(" "));
        asked.add(exchange.getRequestMethod() + " " + (known ? DockerRegistry.USER : authorization == null ? "nobody" : "somebody else") + " " + scopes);
        try {
            byte[] body = (known || authorization == null ? "{\"" + (exchange.getRequestMethod().equals("POST") ? "access_" : "") + "token\": \"" + token(scopes, known)
                    + "\", \"expires_in\": " + life + "}" : "{\"errors\": [{\"code\": \"UNAUTHORIZED\", \"message\": \"who are you\"}]}").getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(known || authorization == null ? 200 : 401, body.length);
            exchange.getResponseBody().write(body);
        } catch (Exception e) {
            throw new IOException(e);
        } finally {
            exchange.close();
        }
    }

    // RFC 7519, as docker-registry reads it: what may be done is in "access".
    private String token(String scopes, boolean known) throws Exception {
        List<String> access = new ArrayList<>();
        for (String scope : scopes.split(" ")) {
            String[] parts = scope.split(":");
            access.add("{\"type\": \"repository\", \"name\": \"" + parts[1] + "\", \"actions\": [" + Stream.of(parts[2].split(","))
                    .filter(action -> known || action.equals("pull")).map(action -> "\"" + action + "\"").collect(Collectors.joining(", ")) + "]}");
        }
        long now = Instant.now().getEpochSecond() - (stale-- > 0 ? 3600 : 0);
        String header = "{\"typ\": \"JWT\", \"alg\": \"RS256\", \"x5c\": [\"" + Base64.getEncoder().encodeToString(certificate.getEncoded()) + "\"]}";
        String claims = "{\"iss\": \"releng\", \"sub\": \"\", \"aud\": \"releases\", \"exp\": " + (now + 300) + ", \"nbf\": " + (now - 60) + ", \"iat\": " + now
                + ", \"jti\": \"1\", \"access\": [" + String.join(", ", access) + "]}";
        Base64.Encoder url = Base64.getUrlEncoder().withoutPadding();
        String signed = url.encodeToString(header.getBytes(StandardCharsets.UTF_8)) + "." + url.encodeToString(claims.getBytes(StandardCharsets.UTF_8));
        Signature signature = Signature.getInstance("SHA256withRSA");
        signature.initSign(key);
        signature.update(signed.getBytes(StandardCharsets.UTF_8));
        return signed + "." + url.encodeToString(signature.sign());
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
