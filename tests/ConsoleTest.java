import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import lib.base.Cli;
import lib.base.Console;
import lib.base.Fault;
import lib.base.Json;
import lib.base.Progress;
import lib.publish.Destination;
import lib.publish.Operation;
import lib.publish.Plan;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine.Command;

class ConsoleTest {

    private static final String TOKEN = "Zq83NobodyMaySeeThisvB17";

    // A title, a cleared screen, C1's short forms of both, a bell, text that runs backwards, half a character, a line of ours.
    private static final String HOSTILE = "a\u001b]0;owned\u0007b\u001b[2Jc\u009b31md\u0090e\u0008\u007ff\u202eg\u2066h\u200fi\ud800j\u2028k\ufeffl\rm\u0000"
            + "\u001b[31mred\u001b[0m https://me:" + TOKEN + "@host/x\nok: all is published";

    @TempDir
    Path folder;

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();

    private Console console(boolean terminal) {
        return new Console(new ByteArrayInputStream("typed\n".getBytes()), new PrintStream(out, true, StandardCharsets.UTF_8),
                new PrintStream(err, true, StandardCharsets.UTF_8), terminal, terminal);
    }

    private String shown() {
        return out.toString(StandardCharsets.UTF_8) + err.toString(StandardCharsets.UTF_8);
    }

    @Test
    void resultsThatGoToAFileHaveNoColoursThoughMessagesDo() {
        Console console = new Console(new ByteArrayInputStream(new byte[0]), new PrintStream(out, true, StandardCharsets.UTF_8), new PrintStream(err, true, StandardCharsets.UTF_8),
                true, true, true);
        console.print(console.paint(Console.Colour.RED, "red") + " and plain");
        console.say(console.paint(Console.Colour.RED, "red"));
        assertEquals("red and plain\n", out.toString(StandardCharsets.UTF_8));
        assertTrue(err.toString(StandardCharsets.UTF_8).contains("\u001b[31mred"), err.toString(StandardCharsets.UTF_8));
    }

    private static Throwable hostile() {
        return new IOException("cause " + HOSTILE, new IllegalStateException("its cause " + HOSTILE));
    }

    private static List<Consumer<Console>> everyWay() {
        return List.of(console -> console.print(HOSTILE), console -> console.step(HOSTILE), console -> console.say(HOSTILE), console -> console.done(HOSTILE),
                console -> console.warn(HOSTILE), console -> console.ask(HOSTILE.replace("\n", "")), console -> console.say(console.paint(Console.Colour.RED, HOSTILE)),
                console -> console.fault(Fault.failed(HOSTILE, List.of(HOSTILE, "x\n" + HOSTILE), HOSTILE).from(hostile()), true),
                ConsoleTest::redraw);
    }

    // Until it is drawn: it is not with every byte.
    private static void redraw(Console console) {
        Progress progress = new Progress(console, HOSTILE, 1, 1);
        long end = System.nanoTime() + (console.terminal() ? 200_000_000L : 0);
        do {
            progress.sent(0);
        } while (System.nanoTime() < end);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    @DisplayName("hazard 22: whatever others wrote, the terminal is sent nothing but our own colours, a log nothing at all")
    void theTerminalGetsNoEscapeThatIsNotOurs(boolean terminal) {
        for (Consumer<Console> way : everyWay()) {
            way.accept(console(terminal));
        }
        String text = shown();
        assertTrue(text.contains("\\u001b]0;owned\\u0007b\\u001b[2Jc\\u009b31md\\u0090e\\u0008\\u007ff\\u202eg\\u2066h\\u200fi"), text);
        String rest = terminal ? text.replaceAll("\r?\u001b\\[(K|0m|1m|3[1-4]m)", "") : text;
        assertEquals("", rest.codePoints().filter(point -> point != '\n' && point != '\t' && (Character.isISOControl(point)
                || Character.getType(point) == Character.FORMAT || Character.getType(point) == Character.LINE_SEPARATOR || Character.getType(point) == Character.SURROGATE))
                .mapToObj(Integer::toHexString).reduce("", (a, b) -> a + " " + b));
        assertFalse(text.contains(TOKEN), text);
        assertFalse(text.contains("\u001b[31mred"), "a colour of others");
        assertFalse(text.lines().anyMatch(line -> line.startsWith("ok: all is published")), "a line that looks like ours");
    }

    @Test
    void ourOwnColoursAreKept() {
        Console console = console(true);
        console.say("on " + console.paint(Console.Colour.RED, "live") + " \u001b[31mx\u001b[0m");
        console.print(console.paint(Console.Colour.BOLD, "title"));
        assertEquals("\u001b[1mtitle\u001b[0m\n    on \u001b[31mlive\u001b[0m x\n", shown());
        assertEquals("live", console(false).paint(Console.Colour.RED, "live"));
    }

    @Test
    void lettersOfAllLanguagesAreKept() {
        String text = "é 日本 \uD83D\uDE80 \uD83D\uDC69\u200D\uD83D\uDCBB \u0645\u06CC\u200C\u062E ‘quoted’ $1 \\u001b 100% \t.";
        console(false).print(text);
        assertEquals(text + "\n", shown());
    }

    @ParameterizedTest
    @CsvSource(quoteCharacter = '`', value = {
        "https://me:TOKEN@host/x.git, https://host/x.git",
        "https://TOKEN@host:8080/x, https://host:8080/x",
        "HTTPS://me:TOKEN@host, HTTPS://host",
        "http://me:TOK@TOKEN@host/a@b, http://host/a@b",
        "http://:TOKEN@host/, http://host/",
        "ssh://git@host/x, ssh://git@host/x",
        "ssh://git:TOKEN@host:22/x, ssh://git@host:22/x",
        "git+ssh://git:TOKEN@host/x, git+ssh://git@host/x",
        "ftp://TOKEN@host/x, ftp://host/x",
        "git+https://x-access-token:TOKEN@host/x?ref=y, git+https://host/x?ref=y",
        "fatal: unable to access 'https://me:TOKEN@host/': no, fatal: unable to access 'https://host/': no",
        "(https://a/b https://me:TOKEN@host), (https://a/b https://host)",
        "https://proxy/https://me:TOKEN@host/, https://proxy/https://host/",
        "url.https://me:TOKEN@host/.insteadOf, url.https://host/.insteadOf",
        "to //me:TOKEN@host/x, to //host/x",
        "https://me:TO/KEN?TOKEN@host/x, https://host/x",
        "https://host/x?X-Amz-Algorithm=a&X-Amz-Credential=TOKEN&X-Amz-Security-Token=TOKEN&X-Amz-Signature=TOKEN, https://host/x?X-Amz-Algorithm=a&X-Amz-Credential=...&X-Amz-Security-Token=...&X-Amz-Signature=...",
        "GET /x?access_token=TOKEN&page=2: 403, GET /x?access_token=...&page=2: 403",
        "https://blobs/x?sv=1&sig=TOKEN%3D, https://blobs/x?sv=1&sig=...",
        "https://h/x#id_token=TOKEN, https://h/x#id_token=...",
        "https://host:443/@scope/p@1, https://host:443/@scope/p@1",
        "https://[::1]:443/p@1, https://[::1]:443/p@1",
        "git@host:lix/lix and me@example.org, git@host:lix/lix and me@example.org",
        "// note: ask@example.org, // note: ask@example.org",
        "/nix/store//a@b, /nix/store//a@b",
        "https://auth/token?service=registry&scope=repository:x:pull, https://auth/token?service=registry&scope=repository:x:pull"})
    @DisplayName("hazard 52: no key stands in an address that is shown")
    void addressesAreShownWithoutKeys(String text, String expected) {
        Console console = console(false);
        console.say(text.replace("TOKEN", TOKEN));
        assertEquals("    " + expected + "\n", shown());
    }

    @Test
    void aPlanIsJsonWhateverItsNames() throws IOException {
        String name = HOSTILE.replace("\ud800", "").replaceAll("\u001b\\[(31|0)m", "") + "\"\\";
        Operation operation = Operation.create(name, 1, "to", () -> { });
        Plan plan = new Plan().add(new Destination() {
            @Override
            public String name() {
                return "place";
            }

            @Override
            public Difference compare() {
                return new Difference(List.of(new Stage("one", List.of(operation, operation))), List.of());
            }
        });
        plan.printJson(console(true));
        List<String> names = new ArrayList<>();
        for (String line : shown().lines().toList()) {
            names.add(Json.MAPPER.readTree(line).path("what").asText());
        }
        String expected = name.replace("me:" + TOKEN + "@", "");
        assertEquals(List.of(expected, expected), names);
    }

    @Test
    void aLongLineTakesNoTime() {
        for (String part : List.of("/", "//", "http://a:b/", "a", "://a", "?token", "?", "ssh:", "https://a@", ":", "é", "\u001b[")) {
            assertTimeoutPreemptively(Duration.ofSeconds(20), () -> console(false).say(part.repeat(200_000)), part);
        }
    }

    @Command(name = "phase")
    private static final class Throwing implements Cli.Phase {
        private final Throwable thrown;

        Throwing(Throwable thrown) {
            this.thrown = thrown;
        }

        @Override
        public void run(Cli.Session session) throws Exception {
            if (thrown instanceof Error error) {
                throw error;
            }
            throw (Exception) thrown;
        }
    }

    private int phase(Throwable thrown, String... arguments) {
        return Cli.run(new Throwing(thrown), new Cli.Session(console(false), folder, Map.of("PATH", System.getenv("PATH"))), arguments);
    }

    @Test
    void whatNobodyForesawIsShownTheSameWay() {
        assertEquals(1, phase((Exception) hostile(), "--verbose"));
        assertTrue(shown().contains("phase failed unexpectedly") && shown().contains("its cause") && shown().contains("at ConsoleTest.hostile"), shown());
        assertEquals(1, phase(new StackOverflowError(HOSTILE)), "an error is no exception, and no trace either");
        assertTrue(shown().contains("StackOverflowError"), shown());
        assertEquals(2, phase(null, HOSTILE));
        assertEquals(2, phase(null, "--" + HOSTILE + "=x"));
        assertTrue(shown().contains("wrong usage of phase"), shown());
        assertFalse(shown().contains("\u001b") || shown().contains("\u202e") || shown().contains(TOKEN), shown());
        assertFalse(shown().lines().anyMatch(line -> line.startsWith("ok: ")), shown());
    }

    @Test
    void dataIsLeftAsItIs() {
        console(false).out().print(HOSTILE);
        assertEquals(new String(HOSTILE.getBytes(StandardCharsets.UTF_8), StandardCharsets.UTF_8), shown());
    }

    @Test
    void whatIsTypedIsRead() {
        assertEquals("typed", new Console(new ByteArrayInputStream("typed\n".getBytes()), new PrintStream(out), new PrintStream(err), true, false).ask("really?\n>"));
        assertEquals("", new Console(InputStream.nullInputStream(), new PrintStream(out), new PrintStream(err), true, false).ask("really?"));
        assertEquals("really?\n> really? ", shown());
    }
}
