import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import lib.base.Exec;
import lib.base.FileTree;

/** Debian's docker-registry on loopback, which keeps what it is sent in a folder; in a process of its own that ends with us. */
final class DockerRegistry implements AutoCloseable {

    /** For htpasswd, which has it as bcrypt, cheaply. */
    static final String USER = "releaser";
    static final String PASSWORD = "geheim";
    private static final String HTPASSWD = USER + ":$2y$04$0c9XIO7BEPXR8fgDyzpMdOSS5ZYCGeBgr0/DnOSmrwlHNoaB6Cbje\n";

    private final Path folder;
    private final Process process;
    private final String host;

    private DockerRegistry(Path folder, String tls, String auth) throws IOException {
        this.folder = folder;
        Files.createDirectories(data());
        Path config = Files.writeString(folder.resolve("config.yml"), """
                version: 0.1
                log: {level: info, accesslog: {disabled: true}}
                storage: {filesystem: {rootdirectory: %s}}
                http: {addr: "127.0.0.1:0"%s}
                %s
                """.formatted(folder.resolve("data"), tls, auth));
        process = Exec.of("docker-registry", "serve", config.toString()).start();
        BufferedReader said = process.errorReader(StandardCharsets.UTF_8);
        StringBuilder all = new StringBuilder();
        Matcher listening = null;
        for (String line; (line = said.readLine()) != null; ) {
            all.append(line).append('\n');
            listening = Pattern.compile("listening on (127\\.0\\.0\\.1:\\d+)").matcher(line);
            if (listening.find()) {
                break;
            }
        }
        if (listening == null || listening.groupCount() == 0 || !listening.reset().find()) {
            throw new IOException("docker-registry did not start: " + all);
        }
        host = listening.group(1);
        Thread rest = new Thread(() -> said.lines().forEach(line -> { })); // a full pipe would stop it
        rest.setDaemon(true);
        rest.start();
    }

    /** For anybody to read and write. */
    static DockerRegistry open(Path folder) throws IOException {
        return new DockerRegistry(folder, "", "");
    }

    /** For {@link #USER} with {@link #PASSWORD} (Basic). */
    static DockerRegistry withPassword(Path folder) throws IOException {
        Path htpasswd = Files.writeString(Files.createDirectories(folder).resolve("htpasswd"), HTPASSWD);
        return new DockerRegistry(folder, "", "auth: {htpasswd: {realm: releases, path: " + htpasswd + "}}");
    }

    /** For those with a token of this service (Bearer), whose certificate is in a file. */
    static DockerRegistry withTokens(Path folder, URI realm, Path certificate) throws IOException {
        return new DockerRegistry(folder, "", "auth: {token: {realm: \"" + realm + "\", service: releases, issuer: releng, rootcertbundle: " + certificate + "}}");
    }

    /** Over TLS, with this certificate and its key, as PEM. */
    static DockerRegistry overTls(Path folder, Path certificate, Path key) throws IOException {
        return new DockerRegistry(folder, ", tls: {certificate: " + certificate + ", key: " + key + "}", "");
    }

    /** HOST:PORT. */
    String host() {
        return host;
    }

    URI endpoint() {
        return URI.create("http://" + host);
    }

    /** Where it keeps the bytes of a blob or manifest. */
    Path blob(String digest) {
        String hex = digest.substring("sha256:".length());
        return data().resolve("docker/registry/v2/blobs/sha256").resolve(hex.substring(0, 2)).resolve(hex).resolve("data");
    }

    /** What docker, podman and skopeo would keep for {@link #USER}. */
    String login() {
        return "{\"auths\": {\"" + host + "\": {\"auth\": \"" + Base64.getEncoder().encodeToString((USER + ":" + PASSWORD).getBytes(StandardCharsets.UTF_8)) + "\"}}}";
    }

    /** What a tag of a repository names. */
    String tag(String path, String tag) {
        try {
            return Files.readString(repository(path).resolve("_manifests/tags").resolve(tag).resolve("current/link"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Where it keeps what a repository refers to. */
    Path repository(String path) {
        return data().resolve("docker/registry/v2/repositories").resolve(path);
    }

    Path data() {
        return folder.resolve("data");
    }

    /** All it keeps but uploads that were never ended: each file with its digest. */
    SortedMap<String, String> state() throws IOException {
        SortedMap<String, String> state = new TreeMap<>();
        for (Map.Entry<String, Path> file : FileTree.files(data()).entrySet()) {
            if (!file.getKey().contains("/_uploads/")) {
                state.put(file.getKey(), FileTree.sha256(file.getValue()));
            }
        }
        return state;
    }

    @Override
    public void close() throws IOException {
        process.getOutputStream().close(); // Exec's guard ends it
        try {
            process.waitFor();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
