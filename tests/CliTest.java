import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import lib.base.Cli;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine.Command;

/** What every phase says of what it did not foresee. */
class CliTest {

    @TempDir
    Path folder;

    private interface Work {
        void run() throws Exception;
    }

    @Command(name = "phase")
    private static final class Phase implements Cli.Phase {
        private final Work work;

        Phase(Work work) {
            this.work = work;
        }

        @Override
        public void run(Cli.Session session) throws Exception {
            work.run();
        }
    }

    private Checkout.Run run(Work work) {
        return Checkout.existing(folder).run(new Phase(work));
    }

    @Test
    @DisplayName("hazard 44: what a file system refuses is said as what it is, wherever it happens")
    void whatAFileSystemRefusesIsSaid() throws IOException {
        Path file = Files.createFile(folder.resolve("file"));
        for (Work work : new Work[] {() -> Files.createDirectory(file), () -> Files.readString(folder.resolve("not there")), () -> Files.list(file),
                () -> { throw new UncheckedIOException(new java.nio.file.AccessDeniedException(file.toString())); }}) {
            Checkout.Run run = run(work);
            assertEquals(1, run.exit());
            assertTrue(run.err().contains(folder.toString()) && run.err().contains("next: ") && run.err().contains("cannot be used"), run.err());
            assertFalse(run.err().contains("unexpectedly") || run.err().contains("\tat "), run.err());
        }
        Checkout.Run full = run(() -> {
            try (var out = Files.newOutputStream(Path.of("/dev/full"))) {
                out.write(1);
            }
        });
        assertTrue(full.err().contains("there is no space left") && full.err().contains("free up space"), full.err());
        assertTrue(run(() -> { throw new IllegalStateException("a fault of ours"); }).err().contains("failed unexpectedly"));
    }
}
