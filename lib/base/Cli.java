package lib.base;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.Help.ColorScheme;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

/** What every phase script shares on the command line: help, errors, exit codes. */
public final class Cli {

    /**
     * What a phase gets from the process it runs in, and the options that every phase has. Tests hand in their own.
     *
     * @param folder the current one, absolute
     */
    public record Session(Console console, Path folder, Map<String, String> env, Common options) {

        public Session(Console console, Path folder, Map<String, String> env) {
            this(console, folder, env, new Common());
        }

        public static Session system() {
            return new Session(Console.system(System.getenv()), Path.of("").toAbsolutePath(), System.getenv());
        }

        /** A path as the user has typed it, seen from the current folder. */
        public Path resolve(Path typed) {
            return folder.resolve(typed).normalize();
        }

        /** The folder to look for the checkout in. */
        public Path checkout() {
            return options.repo == null ? folder : resolve(options.repo);
        }
    }

    /** A phase: its steps in order. */
    public interface Phase {
        /** Says how values of its own kinds are read from options. */
        default void prepare(CommandLine line) {
        }

        /** Throws Fault, or anything else for what nobody foresaw. */
        void run(Session session) throws Exception;
    }

    /** The options every phase has, as a picocli mixin. */
    public static final class Common {
        @Option(names = "--repo", paramLabel = "DIR", description = "The checkout; default: the one that contains the current folder.")
        public Path repo;

        @Option(names = "--verbose", description = "Print stack traces with errors, and in upload every operation of the plan.")
        public boolean verbose;

        @Option(names = {"-h", "--help"}, usageHelp = true, description = "Show this help and exit.")
        boolean help;

        @Option(names = "--completion", description = "Print a completion script for bash and zsh, and exit.")
        boolean completion;
    }

    private Cli() {
    }

    /** Runs a phase as a process: ends the JVM with the exit code. */
    public static void main(Phase phase, String[] args) {
        System.exit(run(phase, Session.system(), args));
    }

    /** Runs a phase and returns its exit code: 0 done, 1 failed, 2 wrong usage, 3 refused by a guard, 4 waiting for somebody else. */
    public static int run(Phase phase, Session session, String... args) {
        Console console = session.console();
        Common common = session.options();
        CommandLine line = new CommandLine(phase).addMixin("common", common);
        phase.prepare(line);
        ColorScheme colours = CommandLine.Help.defaultColorScheme(console.colours() ? Ansi.ON : Ansi.OFF);
        line.setColorScheme(colours);
        try {
            line.parseArgs(args);
            if (line.isUsageHelpRequested()) {
                line.setUsageHelpWidth(width(session.env()));
                line.usage(console.out(), colours);
                return 0;
            }
            if (common.completion) {
                console.out().print(AutoComplete.bash(line.getCommandName(), line));
                return 0;
            }
            phase.run(session);
            return 0;
        } catch (ParameterException e) {
            console.fault(Fault.usage("wrong usage of " + line.getCommandName(), e.getMessage(),
                    "see " + line.getCommandName() + " --help"), false);
            return Fault.Kind.USAGE.exitCode;
        } catch (Fault fault) {
            console.fault(fault, common.verbose);
            return fault.kind().exitCode;
        } catch (Throwable e) {
            Optional<Fault> known = ofFiles(e);
            if (known.isPresent()) {
                console.fault(known.get(), common.verbose);
                return known.get().kind().exitCode;
            }
            // Nobody foresaw this one; the class name is often the best clue there is.
            console.fault(Fault.failed(line.getCommandName() + " failed unexpectedly", e.toString(),
                    "run again with --verbose and report the stack trace").from(e), common.verbose);
            return Fault.Kind.FAILED.exitCode;
        }
    }

    // Picocli would ask with all of our environment.
    private static int width(Map<String, String> env) {
        String[] size = Exec.of("sh", "-c", "stty size 2>&1 || :").stdin(Path.of("/dev/tty")).baseEnv(env).run().out().strip().split(" ");
        boolean known = size.length == 2 && size[1].matches("\\d{2,4}");
        return known ? Math.max(Integer.parseInt(size[1]), 55) : 80;
    }

    /** What a file system refuses can happen anywhere, and is nobody's mistake here. */
    private static Optional<Fault> ofFiles(Throwable e) {
        Throwable cause = e instanceof UncheckedIOException ? e.getCause() : e;
        String message = String.valueOf(cause.getMessage());
        boolean full = message.contains("No space left on device") || message.contains("Disk quota exceeded");
        if (!(cause instanceof FileSystemException) && !(cause instanceof IOException && full)) {
            return Optional.empty();
        }
        if (full) {
            return Optional.of(Fault.failed("there is no space left", message, "free up space there and run again").from(e));
        }
        String why = cause instanceof AccessDeniedException ? "permission denied" : cause instanceof NoSuchFileException ? "it is not there" : message;
        return Optional.of(Fault.failed(((FileSystemException) cause).getFile() + " cannot be used", why, "check it, and whether something else changes it, and run again").from(e));
    }
}
