import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import lib.base.Cli;
import lib.base.Console;
import lib.base.Exec;
import lib.base.FileTree;

/** A git checkout in a temporary folder, and phases run in it as a user would, in this process. */
final class Checkout {

    /** What one run of a phase did. */
    record Run(int exit, String out, String err) {
    }

    final Path folder;
    private final Map<String, String> env = new HashMap<>(System.getenv());

    private Checkout(Path folder) {
        this.folder = folder;
        // Nobody's own settings decide whether a test passes.
        env.put("GIT_CONFIG_GLOBAL", "/dev/null");
        env.put("GIT_CONFIG_SYSTEM", "/dev/null");
        env.remove("SOURCE_DATE_EPOCH");
        env.put("NO_COLOR", "1");
    }

    /** A repository on branch {@code releng/test} holding a copy of the given folder, one commit. */
    static Checkout of(Path content, Path folder) throws IOException {
        Checkout checkout = empty(folder);
        FileTree.copy(content, folder);
        checkout.git("add", "-A");
        checkout.git("commit", "-q", "-m", "start");
        return checkout;
    }

    /** A repository without a commit, on branch {@code releng/test}. */
    static Checkout empty(Path folder) throws IOException {
        Files.createDirectories(folder);
        Checkout checkout = new Checkout(folder);
        checkout.git("init", "-q", "-b", "releng/test");
        checkout.git("config", "user.name", "Release Manager");
        checkout.git("config", "user.email", "manager@example.org");
        return checkout;
    }

    /** A checkout that is there already. */
    static Checkout existing(Path folder) {
        return new Checkout(folder);
    }

    /** The same repository seen from another work tree or folder of it. */
    Checkout at(Path other) {
        Checkout checkout = new Checkout(other);
        checkout.env.putAll(env);
        return checkout;
    }

    Checkout with(String variable, String value) {
        env.put(variable, value);
        return this;
    }

    Map<String, String> env() {
        return env;
    }

    /** Git's standard output without the newline at the end; fails the test when git fails. */
    String git(String... arguments) {
        List<String> line = new java.util.ArrayList<>(List.of("git"));
        line.addAll(List.of(arguments));
        return Exec.of(line).in(folder).baseEnv(env).orFail("git " + String.join(" ", arguments), "").stripTrailing();
    }

    String read(String path) throws IOException {
        return Files.readString(folder.resolve(path));
    }

    Checkout write(String path, String text) throws IOException {
        Files.createDirectories(folder.resolve(path).getParent());
        Files.writeString(folder.resolve(path), text);
        return this;
    }

    Run run(Cli.Phase phase, String... args) {
        return answering("", phase, args);
    }

    /** Runs a phase with something typed on its standard input. */
    Run answering(String typed, Cli.Phase phase, String... args) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        Console console = new Console(new ByteArrayInputStream(typed.getBytes(StandardCharsets.UTF_8)),
                new PrintStream(out, true, StandardCharsets.UTF_8), new PrintStream(err, true, StandardCharsets.UTF_8), false, false);
        int exit = Cli.run(phase, new Cli.Session(console, folder, env), args);
        return new Run(exit, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
    }

    /** Everything a failed phase must leave as it was: HEAD, references, index, work tree, but not unreachable objects. */
    Map<String, String> state() throws IOException {
        Map<String, String> state = new TreeMap<>();
        state.put("HEAD", Files.readString(Path.of(git("rev-parse", "--absolute-git-dir"), "HEAD")));
        state.put("refs", git("for-each-ref"));
        state.put("index", git("ls-files", "--stage"));
        state.put("status", git("status", "--porcelain=v1"));
        for (Map.Entry<String, Path> file : FileTree.files(folder).entrySet()) {
            if (!file.getKey().startsWith(".git/") && !file.getKey().equals(".git")) {
                state.put("file " + file.getKey(), FileTree.sha256(file.getValue()));
            }
        }
        return state;
    }
}
