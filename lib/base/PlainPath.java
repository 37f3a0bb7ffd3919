package lib.base;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * A folder under a name that every version of Nix reads alike in an address: its own, or a link to it for as long as this is
 * open. Nix 2.8 does not decode what is encoded before it looks whether a repository is on this machine, and the versions
 * differ in what else a store's address may hold.
 */
public final class PlainPath implements AutoCloseable {

    private static final Pattern PLAIN = Pattern.compile("[A-Za-z0-9/._-]+");

    private final Path path;
    private final Optional<Path> beside;

    public PlainPath(Path folder) throws IOException {
        if (PLAIN.matcher(folder.toString()).matches()) {
            path = folder;
            beside = Optional.empty();
            return;
        }
        Path temp = Path.of(System.getProperty("java.io.tmpdir")).toAbsolutePath();
        beside = Optional.of(Files.createTempDirectory(PLAIN.matcher(temp.toString()).matches() ? temp : Path.of("/tmp"), "releng"));
        path = Files.createSymbolicLink(beside.get().resolve("folder"), Files.createDirectories(folder));
    }

    public Path path() {
        return path;
    }

    @Override
    public void close() {
        try {
            if (beside.isPresent()) {
                FileTree.remove(beside.get());
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
