import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import lib.base.Exec;

/** Scripts that tests put in the place of programs and hooks. */
final class Program {

    private Program() {
    }

    /**
     * Writes an executable file; whoever runs it finds the old or the new one. It is written by a program of its own:
     * what another test starts at this instant would hold our file open, and until it does not, nobody could run ours.
     */
    static Path write(Path file, String script) throws IOException {
        Files.createDirectories(file.getParent());
        Path text = Files.writeString(file.resolveSibling(file.getFileName() + ".text"), script);
        Path copy = file.resolveSibling(file.getFileName() + ".new");
        Exec.of("install", "-m", "755", text.toString(), copy.toString()).orFail("install", "");
        Files.delete(text);
        return Files.move(copy, file, java.nio.file.StandardCopyOption.REPLACE_EXISTING, java.nio.file.StandardCopyOption.ATOMIC_MOVE);
    }
}
