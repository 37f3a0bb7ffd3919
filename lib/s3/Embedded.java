package lib.s3;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import lib.base.Console;
import lib.base.Exec;
import lib.base.Fault;
import lib.base.FileTree;

/** The embedded object store, run by JBang as a process of its own that ends with this one. */
public final class Embedded implements AutoCloseable {

    private final Process process;
    private final URI endpoint;
    private final String id;
    private final String secret;

    private Embedded(Process process, URI endpoint, String id, String secret) {
        this.process = process;
        this.endpoint = endpoint;
        this.id = id;
        this.secret = secret;
    }

    /**
     * Starts LocalStore.java on a folder. A script cannot know its own path, so it carries the
     * server's source as a resource; what it says while JBang fetches its libraries goes to the console.
     */
    public static Embedded start(Path folder, List<String> buckets, Map<String, String> env, Console console) throws IOException {
        Path scratch = Files.createTempDirectory("releng-store");
        try (InputStream source = Embedded.class.getResourceAsStream("/LocalStore.java")) {
            if (source == null) {
                throw new IllegalStateException("the calling script lacks //FILES LocalStore.java=lib/s3/local/LocalStore.java");
            }
            Path script = scratch.resolve("LocalStore.java");
            Files.copy(source, script);
            List<String> line = new ArrayList<>(List.of(jbang(env), script.toString(), folder.toString()));
            line.addAll(buckets);
            Process process = Exec.of(line).baseEnv(env).start();
            StringBuilder said = new StringBuilder();
            Thread errors = new Thread(() -> process.errorReader(StandardCharsets.UTF_8).lines().forEach(text -> {
                said.append(text).append('\n');
                if (text.startsWith("[jbang] Resolving")) {
                    console.say("fetching the embedded object store's libraries, only this once");
                }
            }), "embedded store");
            errors.setDaemon(true);
            errors.start();
            BufferedReader out = process.inputReader(StandardCharsets.UTF_8);
            Optional<String> endpoint = Optional.ofNullable(out.readLine());
            if (endpoint.isEmpty()) {
                errors.join(1000);
                throw Fault.failed("the embedded object store did not start", said.toString(), "fix what it reports and run again");
            }
            return new Embedded(process, URI.create(endpoint.get()), out.readLine(), out.readLine());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException(e);
        } finally {
            FileTree.remove(scratch);
        }
    }

    // The launcher that ran us says where it is; without one, JBang is installed.
    private static String jbang(Map<String, String> env) {
        return Optional.ofNullable(env.get("JBANG_LAUNCH_CMD")).filter(path -> Files.isExecutable(Path.of(path))).orElse("jbang");
    }

    public URI endpoint() {
        return endpoint;
    }

    public String id() {
        return id;
    }

    public String secret() {
        return secret;
    }

    @Override
    public void close() throws IOException {
        process.getOutputStream().close();
        try {
            process.waitFor();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
