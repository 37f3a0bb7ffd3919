package lib;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;

/**
 * The cache's secret key in a file for as long as Nix needs one: mode 0600, on a memory file system
 * where there is one, gone at the end and on INT and TERM.
 */
public final class SigningKey implements AutoCloseable {

    private final Path file;
    private final boolean ours;
    private final Thread hook = new Thread(this::remove, "remove signing key");

    private SigningKey(Path file, boolean ours) {
        this.file = file;
        this.ours = ours;
        if (ours) {
            Runtime.getRuntime().addShutdownHook(hook);
        }
    }

    /** A key that already is a file. It stays where it is. */
    public static SigningKey inFile(Path file) {
        if (!Files.isReadable(file)) {
            throw Fault.failed("the signing key cannot be read", file + (Files.exists(file) ? " is not readable" : " does not exist"),
                    "name the key's file with --signing-key");
        }
        return new SigningKey(file, false);
    }

    /** A key whose text is known, {@code NAME:BASE64}. */
    public static SigningKey ofText(String text) throws IOException {
        Path memory = Path.of("/dev/shm");
        var mode = PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));
        Path file = Files.isWritable(memory) ? Files.createTempFile(memory, "releng", ".key", mode) : Files.createTempFile("releng", ".key", mode);
        SigningKey key = new SigningKey(file, true);
        Files.writeString(file, text);
        return key;
    }

    /** A key that a command prints, such as {@code age -d -i ID prod.key.age}. */
    public static SigningKey ofCommand(String command, Map<String, String> env) throws IOException {
        Exec.Result result = Exec.of("sh", "-c", command).baseEnv(env).run();
        if (result.exit() != 0 || result.out().isBlank()) {
            throw Fault.failed("the command for the signing key failed", List.of("it ended with exit code " + result.exit(), result.err().strip()),
                    "run it by hand; it must print the key");
        }
        return ofText(result.out());
    }

    public Path file() {
        return file;
    }

    @Override
    public void close() {
        if (ours) {
            remove();
            Runtime.getRuntime().removeShutdownHook(hook);
        }
    }

    private void remove() {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException("the signing key is still in " + file, e);
        }
    }
}
