import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import lib.Exec;
import lib.Fault;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ExecTest {

    /** Stands for a phase: runs a child that would run for ever, and says its process id. */
    public static final class Parent {
        public static void main(String[] args) {
            Exec.of("sh", "-c", "echo $$; exec sleep 1000").run(out -> {
                System.out.println(new BufferedReader(new InputStreamReader(out)).readLine());
                System.out.flush();
            });
        }
    }

    @TempDir
    Path folder;

    @Test
    void outputErrorsAndExitCodeComeBack() throws IOException {
        Path input = Files.writeString(folder.resolve("in put"), "é");
        Exec.Result result = Exec.of("sh", "-c", "cat; echo oops >&2; exit 3").stdin(input).run();
        assertEquals(new Exec.Result(3, "é", "oops\n"), result);
    }

    @Test
    void argumentsArriveAsTheyAre() {
        List<String> arguments = List.of("a b", "", "*", "$HOME", "'\"\\", "new\nline", "é", "-n", ";");
        List<String> line = new ArrayList<>(List.of("sh", "-c", "for a; do printf '%s|' \"$a\"; done", "sh"));
        line.addAll(arguments);
        assertEquals(String.join("|", arguments) + "|", Exec.of(line).run().out());
    }

    @Test
    void aMissingProgramIsNamed() {
        Fault fault = assertThrows(Fault.class, () -> Exec.of("no-such-program-here").run());
        assertEquals("no-such-program-here is not installed", fault.what());
    }

    @Test
    void aFailureShowsWhatTheProgramSaid() {
        Fault fault = assertThrows(Fault.class, () -> Exec.of("sh", "-c", "echo the reason >&2; exit 7").orFail("it failed", "mend it"));
        assertTrue(fault.getMessage().contains("exit code 7") && fault.getMessage().contains("the reason"), fault.getMessage());
    }

    @Test
    @DisplayName("hazard 13: no child survives its parent, whatever killed it")
    void noChildSurvivesWhateverKilledTheParent() throws Exception {
        for (boolean kill : new boolean[] {true, false}) {
            Process parent = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-cp",
                    System.getProperty("java.class.path"), Parent.class.getName()).redirectError(ProcessBuilder.Redirect.INHERIT).start();
            ProcessHandle child;
            try (BufferedReader out = parent.inputReader()) {
                child = ProcessHandle.of(Long.parseLong(out.readLine())).orElseThrow();
                assertTrue(child.isAlive());
                if (kill) {
                    parent.destroyForcibly();
                } else {
                    parent.destroy();
                }
            }
            assertTrue(parent.waitFor(20, TimeUnit.SECONDS));
            child.onExit().get(20, TimeUnit.SECONDS);
            assertFalse(child.isAlive());
        }
    }

    @Test
    void closingAStartedChildEndsIt() throws Exception {
        Process process = Exec.of("sleep", "1000").start();
        long start = System.nanoTime();
        process.getOutputStream().close();
        assertTrue(process.waitFor(20, TimeUnit.SECONDS));
        assertTrue(Duration.ofNanos(System.nanoTime() - start).toSeconds() < 20);
    }
}
