import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import lib.base.Exec;
import lib.base.Fault;

/** What a run of another program cost, by the operating system's accounting of the finished child. */
final class Measure {

    /** Seconds of wall clock, seconds of CPU (user and system), peak resident memory in bytes. */
    record Cost(double wall, double cpu, double rss) {
    }

    /** A command line and what is added to the environment; secrets go there. */
    record Command(List<String> line, Map<String, String> env) {
    }

    // The shell's own time counts milliseconds, where GNU time counts hundredths; only that one
    // tells the peak memory. In a process group of its own (set -m) the program ends with the shell.
    private static final String TIMED = """
            figures=$1 rss=$2; shift 2
            TIMEFORMAT='%3R %3U %3S'
            exec 3>&2
            set -m
            { time {
                command time -q -o "$rss" -f %M "$@" >/dev/null 2>&3 &
                trap "kill -TERM -$!" TERM
                wait $!
            }; } 2>"$figures"
            """;

    private final Path scratch;

    /** Keeps its notes in this folder. */
    Measure(Path scratch) {
        this.scratch = scratch;
    }

    /** Throws Fault when the program fails: what did not do its work has no price. */
    Cost run(Command command) throws IOException {
        return run(command, false);
    }

    /** As above, for a program that may fail, too: it is only its start that is of interest. */
    Cost start(Command command) throws IOException {
        return run(command, true);
    }

    private Cost run(Command command, boolean mayFail) throws IOException {
        // What earlier runs have written goes to the disk now, not at the expense of this one.
        Exec.of("sync").run();
        Path figures = scratch.resolve("figures");
        Path rss = scratch.resolve("rss");
        List<String> line = new ArrayList<>(List.of("bash", "-c", TIMED, "bash", figures.toString(), rss.toString()));
        line.addAll(command.line());
        Exec exec = Exec.of(line).baseEnv(environment());
        command.env().forEach(exec::env);
        Exec.Result result = exec.run();
        if (result.exit() != 0 && !mayFail) {
            throw Fault.failed("a measured program failed: " + String.join(" ", command.line()), exec.because(result),
                    "fix what it reports, or leave it out with --peers");
        }
        // The last line; before it the shell may tell that its job has ended.
        List<String> said = Files.readAllLines(figures);
        String[] seconds = said.get(said.size() - 1).replace(',', '.').split(" ");
        return new Cost(Double.parseDouble(seconds[0]), Double.parseDouble(seconds[1]) + Double.parseDouble(seconds[2]),
                Double.parseDouble(Files.readString(rss).strip()) * 1024);
    }

    // Nobody is measured with a profile or a proxy of the user's.
    private static Map<String, String> environment() {
        Map<String, String> env = new HashMap<>(System.getenv());
        env.keySet().removeIf(name -> name.startsWith("RCLONE_") || name.startsWith("AWS_"));
        env.put("no_proxy", "127.0.0.1,localhost");
        env.put("NO_PROXY", "127.0.0.1,localhost");
        return env;
    }
}
