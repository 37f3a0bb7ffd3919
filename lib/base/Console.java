package lib.base;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import java.util.UUID;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Where a phase speaks. Results go to standard output, everything said about the work goes to
 * standard error. Colours and redrawing only where standard error is a terminal, and colours of results
 * where they go to one, too. Whoever wrote what
 * is said, it shows no key, sends the terminal nothing, and begins no line that looks like ours.
 */
public final class Console {

    public enum Colour {
        RED(31), GREEN(32), YELLOW(33), BLUE(34), BOLD(1), DIM(2);

        private final int code;

        Colour(int code) {
            this.code = code;
        }
    }

    private final PrintStream out;
    private final PrintStream err;
    private final BufferedReader in;
    private final boolean terminal;
    private final boolean colours;
    private final boolean plainResults;
    // Stands for the escape in what is painted: what others wrote cannot know it.
    private final String escape = UUID.randomUUID().toString();
    private boolean lineOpen;

    public Console(InputStream in, PrintStream out, PrintStream err, boolean terminal, boolean colours) {
        this(in, out, err, terminal, colours, false);
    }

    /** {@code plainResults}: colours go to standard error alone. */
    public Console(InputStream in, PrintStream out, PrintStream err, boolean terminal, boolean colours, boolean plainResults) {
        this.plainResults = plainResults;
        this.in = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8));
        this.out = out;
        this.err = err;
        this.terminal = terminal;
        this.colours = colours;
    }

    /** The process's own streams, always UTF-8, whatever the locale says: notes and names are. */
    public static Console system(Map<String, String> env) {
        boolean terminal = isTerminal(2);
        boolean colours = terminal && env.getOrDefault("NO_COLOR", "").isEmpty()
                && !"dumb".equals(env.getOrDefault("TERM", "dumb"));
        return new Console(System.in,
                new PrintStream(System.out, true, StandardCharsets.UTF_8),
                new PrintStream(System.err, true, StandardCharsets.UTF_8),
                terminal, colours, colours && !isTerminal(1));
    }

    // System.console() asks about standard input and output together; only a child that inherits a
    // descriptor can tell about one of them.
    private static boolean isTerminal(int descriptor) {
        try {
            ProcessBuilder test = new ProcessBuilder("test", "-t", Integer.toString(descriptor)).redirectError(ProcessBuilder.Redirect.INHERIT)
                    .redirectOutput(ProcessBuilder.Redirect.INHERIT);
            test.environment().clear();
            return test.start().waitFor() == 0;
        } catch (IOException e) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /** Standard output, for data that must arrive as it is. */
    public PrintStream out() {
        return out;
    }

    public boolean terminal() {
        return terminal;
    }

    public boolean colours() {
        return colours;
    }

    /** A line of the result, to standard output. */
    public synchronized void print(String line) {
        clear();
        String plain = plainResults ? line.replaceAll(escape + "\\[\\d+m", "") : line;
        out.println(shown(plain, "").replace("\n", "\\n"));
    }

    /** The name of the step that begins. */
    public synchronized void step(String line) {
        clear();
        err.println(shown(paint(Colour.BOLD, "==> " + line), "    "));
    }

    public synchronized void say(String line) {
        clear();
        err.println(shown("    " + line, "    "));
    }

    public synchronized void done(String line) {
        clear();
        err.println(shown(paint(Colour.GREEN, "ok: ") + line, "  "));
    }

    public synchronized void warn(String line) {
        clear();
        err.println(shown(paint(Colour.YELLOW, "warning: ") + line, "  "));
    }

    /** What happened, why, what next. The stack trace only when asked for. */
    public synchronized void fault(Fault fault, boolean verbose) {
        clear();
        String word = switch (fault.kind()) {
            case FAILED, USAGE -> "error: ";
            case REFUSED -> "refused: ";
            case WAITING -> "waiting: ";
        };
        err.println(shown(paint(fault.kind() == Fault.Kind.WAITING ? Colour.YELLOW : Colour.RED, word) + fault.what(), "  "));
        for (String why : fault.why()) {
            err.println(shown("  " + why.strip(), "  "));
        }
        if (!fault.next().isEmpty()) {
            err.println(shown(paint(Colour.BOLD, "  next: ") + fault.next(), "  "));
        }
        if (verbose) {
            StringWriter trace = new StringWriter();
            // --verbose asks for it, to report it; into a string, because what is shown is first freed of keys and control characters.
            fault.printStackTrace(new PrintWriter(trace, true));
            err.println(shown("  " + trace.toString().strip(), "  "));
        }
    }

    /** Asks on standard error and reads one line; an empty answer at the end of input. */
    public String ask(String question) {
        synchronized (this) {
            clear();
            err.print(shown(question, "") + " ");
            err.flush();
        }
        try {
            String answer = in.readLine();
            return answer == null ? "" : answer.strip();
        } catch (IOException e) {
            return "";
        }
    }

    /** Text in a colour, for this console to show. */
    public String paint(Colour colour, String text) {
        return colours ? escape + "[" + colour.code + "m" + text + escape + "[0m" : text;
    }

    private String shown(String text, String indent) {
        return Arrays.stream(text.split(Pattern.quote(escape), -1)).map(Shown::text).collect(Collectors.joining("\u001b")).replace("\n", "\n" + indent);
    }

    /** Draws over the last drawn line. Only for terminals: elsewhere use {@link #say}. */
    synchronized void redraw(String line) {
        err.print("\r\u001b[K" + shown(line, "").replace("\n", "\\n"));
        err.flush();
        lineOpen = true;
    }

    private void clear() {
        if (lineOpen) {
            err.print("\r\u001b[K");
            lineOpen = false;
        }
    }
}
