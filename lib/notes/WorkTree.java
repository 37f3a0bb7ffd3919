package lib.notes;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import lib.base.Fault;
import lib.git.Git;
import lib.git.Tree;
import org.eclipse.jgit.lib.ObjectId;

/**
 * The files of a work tree as a commit of them would hold them. What git finds unchanged is read from its index: then it
 * does not matter how it stands in the work tree (as a link or a file, with which line ends, or not at all).
 */
final class WorkTree implements Tree {

    private record Entry(String mode, ObjectId id) {

        Kind kind() {
            return switch (mode) {
                case "120000" -> Kind.LINK;
                case "160000" -> Kind.SUBMODULE;
                default -> Kind.FILE;
            };
        }
    }

    private final Git git;
    private final NavigableMap<String, Entry> unchanged = new TreeMap<>();

    WorkTree(Git git) {
        this.git = git;
        for (String line : lsFiles("--stage")) {
            String[] what = line.substring(0, line.indexOf('\t')).split(" ");
            unchanged.put(line.substring(line.indexOf('\t') + 1), new Entry(what[0], ObjectId.fromString(what[1])));
        }
        lsFiles("--modified").forEach(unchanged::remove); // those of an unfinished merge are among them
    }

    private List<String> lsFiles(String which) {
        return Stream.of(git.git("ls-files", "-z", which).orFail("git could not list its files", "look at the checkout with git status").split("\0"))
                .filter(line -> !line.isEmpty()).toList();
    }

    @Override
    public Kind kind(String path) {
        Entry entry = unchanged.get(path);
        if (entry != null) {
            return entry.kind();
        }
        Path file = file(path);
        if (Files.isDirectory(file, LinkOption.NOFOLLOW_LINKS)) {
            return Files.exists(file.resolve(".git"), LinkOption.NOFOLLOW_LINKS) ? Kind.SUBMODULE : Kind.FOLDER;
        }
        if (Files.isSymbolicLink(file)) {
            return Kind.LINK;
        }
        String below = unchanged.ceilingKey(path + "/");
        return Files.isRegularFile(file) ? Kind.FILE : Files.exists(file) ? Kind.OTHER
                : below != null && below.startsWith(path + "/") ? Kind.FOLDER : Kind.ABSENT;
    }

    @Override
    public byte[] bytes(String path) {
        Entry entry = unchanged.get(path);
        if (entry != null) {
            return git.bytes(entry.id());
        }
        try {
            Path file = file(path);
            return Files.isSymbolicLink(file) ? Files.readSymbolicLink(file).toString().getBytes(java.nio.charset.StandardCharsets.UTF_8)
                    : Files.readAllBytes(file);
        } catch (IOException e) {
            throw Fault.failed(path + " cannot be read", e.toString(), "make it readable and run again").from(e);
        }
    }

    @Override
    public List<String> names(String folder) {
        TreeSet<String> names = new TreeSet<>();
        String prefix = folder.isEmpty() ? "" : folder + "/";
        unchanged.tailMap(prefix).keySet().stream().takeWhile(path -> path.startsWith(prefix))
                .forEach(path -> names.add(path.substring(prefix.length()).replaceFirst("(?s)/.*", "")));
        Path here = file(folder);
        if (Files.isDirectory(here)) {
            try (Stream<Path> list = Files.list(here)) {
                list.map(path -> path.getFileName().toString()).filter(name -> !name.equals(".git")).forEach(names::add);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        return List.copyOf(names);
    }

    private Path file(String path) {
        try {
            return git.workTree().resolve(path);
        } catch (InvalidPathException e) {
            throw Fault.failed("a file's name cannot be read", path + ": the locale has no such characters",
                    "run again with LC_ALL=C.UTF-8").from(e);
        }
    }
}
