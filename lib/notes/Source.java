package lib.notes;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import lib.Fault;
import lib.Git;
import org.eclipse.jgit.lib.ObjectId;

/** Where the project's files are read from. Paths are relative to the top of the checkout. */
public interface Source {

    /** A file's bytes; empty when there is no such file. */
    Optional<byte[]> read(String path);

    /** What is wrong with a file that any text can have: bytes that are not UTF-8, conflicts of a merge. */
    default List<Problem> problems(String path) {
        List<Problem> problems = new ArrayList<>();
        read(path).ifPresent(bytes -> Text.decode(bytes, path, problems));
        return problems;
    }

    /** The names of what is directly in a folder; none when there is no such folder. */
    List<String> names(String folder);

    /** The files as they stand there now, committed or not. */
    static Source workTree(Path top) {
        return new Source() {
            @Override
            public Optional<byte[]> read(String path) {
                try {
                    Path file = top.resolve(path);
                    return Files.isRegularFile(file) ? Optional.of(Files.readAllBytes(file)) : Optional.empty();
                } catch (InvalidPathException e) {
                    throw Fault.failed("a file's name cannot be read", path + ": the locale has no such characters",
                            "run again with LC_ALL=C.UTF-8").from(e);
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            }

            @Override
            public List<String> names(String folder) {
                if (!Files.isDirectory(top.resolve(folder))) {
                    return List.of();
                }
                try (Stream<Path> list = Files.list(top.resolve(folder))) {
                    return list.map(path -> path.getFileName().toString()).toList();
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            }
        };
    }

    /** The files of a commit: neither filters nor hidden edits stand between them and what was reviewed. */
    static Source commit(Git git, ObjectId commit) {
        return new Source() {
            @Override
            public Optional<byte[]> read(String path) {
                return git.read(commit, path);
            }

            @Override
            public List<String> names(String folder) {
                return git.list(commit, folder).stream()
                        .map(path -> path.substring(folder.length() + 1).replaceFirst("/.*", "")).distinct().toList();
            }
        };
    }
}
