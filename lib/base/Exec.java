package lib.base;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.regex.Pattern;

/**
 * One run of another program. The child does not outlive us, however we die: a shell between us and
 * it holds the other end of a pipe and ends the child when that pipe closes, which the kernel does
 * for us even after SIGKILL. It inherits no secret but those it is lent by name: whoever runs as the
 * same user can read its environment, and all that it runs in turn gets it.
 */
public final class Exec {

    /** What a finished child left behind; output decoded as UTF-8. */
    public record Result(int exit, String out, String err) {
    }

    /** Reads the child's standard output while it runs. */
    public interface Reader {
        void read(InputStream out) throws IOException;
    }

    // $1 is the file for the child's standard input, the rest is its command line. A background
    // child of a shell reads from /dev/null and ignores INT, so that a Ctrl-C reaches us first.
    private static final String GUARD = """
            exec 3<&0; in=$1; shift
            "$@" <"$in" 3<&- & child=$!
            { read -r _ <&3; kill -TERM $child; sleep 2; kill -KILL $child; } >/dev/null 2>&1 & guard=$!
            exec 3<&-
            wait $child; status=$?
            kill $guard 2>/dev/null
            exit $status
            """;

    /** The user's keys for a store, as the AWS tools have them. */
    public static final Set<String> STORE_KEYS = Set.of("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN");

    // By what they are called, for AWS goes on inventing them. Not a list of what may pass: the command for the key may need
    // the token of a password manager, git that of a forge, and what else the user has set is theirs to hand on.
    private static final Pattern OURS = Pattern.compile("RELENG_.*|AWS_(CONTAINER_.*|(?!SHARED_CREDENTIALS_FILE|VAULT_).*(KEY|SECRET|TOKEN|CREDENTIAL).*)");

    private final List<String> command;
    private final Set<String> lent = new HashSet<>();
    private final Map<String, String> env = new LinkedHashMap<>();
    private Path folder;
    private Path stdin = Path.of("/dev/null");
    private Consumer<String> errors;
    private Map<String, String> baseEnv;

    private Exec(List<String> command) {
        this.command = List.copyOf(command);
    }

    public static Exec of(String... command) {
        return new Exec(Arrays.asList(command));
    }

    public static Exec of(List<String> command) {
        return new Exec(command);
    }

    /** The folder to run in. */
    public Exec in(Path folder) {
        this.folder = folder;
        return this;
    }

    /** Secrets of ours that this child needs, by the names of their variables. */
    public Exec lend(Collection<String> variables) {
        lent.addAll(variables);
        return this;
    }

    /** Those of the variables that no child inherits. */
    public static List<String> secrets(Collection<String> variables) {
        return variables.stream().filter(name -> OURS.matcher(name).matches()).toList();
    }

    /** One more environment variable. Secrets may go here, never into the command line. */
    public Exec env(String name, String value) {
        env.put(name, value);
        return this;
    }

    /** The whole environment to start from, instead of this process's. */
    public Exec baseEnv(Map<String, String> env) {
        this.baseEnv = env;
        return this;
    }

    public Exec stdin(Path file) {
        this.stdin = file;
        return this;
    }

    /** Each line of standard error as it comes, besides being kept. */
    public Exec onError(Consumer<String> line) {
        this.errors = line;
        return this;
    }

    /** Runs to the end, whatever the exit code. Throws Fault when the program does not exist. */
    public Result run() {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        Result result = run(stream -> stream.transferTo(out));
        return new Result(result.exit(), out.toString(StandardCharsets.UTF_8), result.err());
    }

    /** Runs to the end and returns standard output; a Fault with the tail of standard error if it fails. */
    public String orFail(String what, String next) {
        Result result = run();
        if (result.exit() != 0) {
            throw Fault.failed(what, because(result), next);
        }
        return result.out();
    }

    /** "git push: exit 1: ..." with the last lines the program wrote. */
    public String because(Result result) {
        List<String> lines = result.err().strip().lines().toList();
        String tail = String.join("\n", lines.subList(Math.max(0, lines.size() - 12), lines.size()));
        return String.join(" ", command.subList(0, Math.min(2, command.size())))
                + " ended with exit code " + result.exit() + (tail.isEmpty() ? "" : ":\n" + tail);
    }

    /** Runs to the end, handing standard output to the reader as it comes. */
    public Result run(Reader reader) {
        Process process = start();
        StringBuilder err = new StringBuilder();
        CompletableFuture<Void> errDone = CompletableFuture.runAsync(() -> drain(process, err), Exec::thread);
        try {
            // The reader may stop early; what is left is drained, or the child would hang.
            try (InputStream out = process.getInputStream()) {
                reader.read(out);
                out.transferTo(java.io.OutputStream.nullOutputStream());
            }
            int exit = process.waitFor();
            errDone.join();
            if (exit == 127 && err.toString().contains(command.get(0) + ": not found")) {
                throw Fault.failed(command.get(0) + " is not installed", "it was not found on PATH",
                        "install " + command.get(0) + " and run again");
            }
            return new Result(exit, "", err.toString());
        } catch (IOException e) {
            throw Fault.failed("reading the output of " + command.get(0) + " failed", e.toString(), "run again").from(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw Fault.failed(command.get(0) + " was interrupted", "the run was stopped", "run again").from(e);
        } finally {
            close(process); // also ends a child that still runs
        }
    }

    /**
     * Starts and returns at once. The child ends when the returned process's standard input is
     * closed, or with us.
     */
    public Process start() {
        List<String> line = new ArrayList<>(List.of("sh", "-c", GUARD, "sh", stdin.toString()));
        line.addAll(command);
        ProcessBuilder builder = new ProcessBuilder(line);
        if (folder != null) {
            builder.directory(folder.toFile());
        }
        if (baseEnv != null) {
            builder.environment().clear();
            builder.environment().putAll(baseEnv);
        }
        List<String> withheld = new ArrayList<>(secrets(builder.environment().keySet()));
        withheld.removeAll(lent);
        builder.environment().keySet().removeAll(withheld);
        builder.environment().putAll(env);
        try {
            return builder.start();
        } catch (IOException e) {
            throw Fault.failed("could not start " + command.get(0), e.getMessage(), "look at the folder it runs in: " + folder)
                    .from(e);
        }
    }

    private void drain(Process process, StringBuilder into) {
        try (var lines = process.errorReader(StandardCharsets.UTF_8)) {
            for (String line; (line = lines.readLine()) != null; ) {
                into.append(line).append('\n');
                if (errors != null) {
                    errors.accept(line);
                }
            }
        } catch (IOException e) {
            into.append(e.getMessage()).append('\n');
        }
    }

    private static void close(Process process) {
        try {
            process.getOutputStream().close();
        } catch (IOException e) {
            // the other end is gone: just what we wanted
        }
    }

    private static void thread(Runnable work) {
        Thread thread = new Thread(work, "stderr");
        thread.setDaemon(true);
        thread.start();
    }
}
