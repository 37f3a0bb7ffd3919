package lib.notes;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import lib.git.Git;
import lib.git.Tree;
import org.eclipse.jgit.lib.ObjectId;

/** Where the project's files are read from. Paths are relative to the top of the checkout; links inside it are followed. */
public interface Source {

    /** A file's bytes; empty when there is no such file, or {@link #fault} says why it cannot be read. */
    Optional<byte[]> read(String path);

    /** What is wrong with a file that any text can have: bytes that are not UTF-8, conflicts of a merge. */
    default List<Problem> problems(String path) {
        List<Problem> problems = new ArrayList<>();
        read(path).ifPresent(bytes -> Text.decode(bytes, path, problems));
        return problems;
    }

    /** The names of what is directly in a folder; none when there is no such folder. */
    List<String> names(String folder);

    /** Why a path cannot be read or written: a link that leads nowhere or out of the checkout, a submodule. */
    default Optional<String> fault(String path) {
        return Optional.empty();
    }

    /** Where a path leads, links followed. */
    default String place(String path) {
        return path;
    }

    /** Where a name in a folder is: of the name itself, no link is followed. */
    default String within(String path) {
        int slash = path.lastIndexOf('/');
        return slash < 0 ? path : place(path.substring(0, slash)) + path.substring(slash);
    }

    /** The files as they stand there now, committed or not, read as a commit of them would be. */
    static Source workTree(Git git) {
        return of(new WorkTree(git), folder -> { });
    }

    /** The files of a commit: neither filters nor hidden edits stand between them and what was reviewed. */
    static Source commit(Git git, ObjectId commit) {
        return of(git.files(commit), folder -> git.fetchFiles(commit, folder));
    }

    private static Source of(Tree tree, Consumer<String> beforeAllOf) {
        return new Source() {
            @Override
            public Optional<byte[]> read(String path) {
                return tree.read(path);
            }

            @Override
            public List<String> names(String folder) {
                Tree.Place place = tree.find(folder);
                if (place.kind() == Tree.Kind.FOLDER) {
                    beforeAllOf.accept(place.path());
                }
                return tree.list(folder);
            }

            @Override
            public Optional<String> fault(String path) {
                return tree.find(path).fault();
            }

            @Override
            public String place(String path) {
                return tree.find(path).path();
            }
        };
    }
}
