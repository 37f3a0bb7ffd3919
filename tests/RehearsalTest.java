import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import lib.base.Exec;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RehearsalTest {

    @TempDir
    Path folder;

    @Test
    void aWholeReleaseIsMadePublishedAndFetchedBack() throws IOException {
        Map<String, String> env = new HashMap<>(System.getenv());
        env.put("JAVA_HOME", System.getProperty("java.home"));
        env.put("JAVA_TOOL_OPTIONS", "-Djava.io.tmpdir=" + folder);
        // From a folder that is no checkout at all: a release manager may stand anywhere.
        Exec.Result run = Exec.of(Home.launcher(System.getenv()), Home.folder().resolve("tests/rehearse.java").toString()).in(folder).baseEnv(env).run();
        assertEquals(0, run.exit(), run.out() + run.err());
        assertEquals(11, (run.out() + run.err()).lines().filter(line -> line.matches("(proved: |warning: not proved: nix upgrade-nix: this machine gives it no store).*")).count(), run.out());
        for (String phase : List.of("prepare", "tag", "build", "upload")) {
            assertTrue(run.out().lines().anyMatch(line -> line.matches(phase + " +[0-9.]+ s")), run.out());
        }
        try (var left = Files.list(folder)) {
            assertFalse(left.anyMatch(path -> path.getFileName().toString().startsWith("releng")), "nothing is left behind");
        }
    }
}
