package lib.base;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;

/** What two files or folders differ in, for people. */
public final class Difference {

    private static final int MOST_FILES = 10;
    private static final int MOST_LINES = 60;
    private static final String DIFFOSCOPE = "diffoscope";

    private Difference() {
    }

    /** A line for each file that differs, and what diffoscope says where it is on PATH; empty where nothing does. */
    public static List<String> between(Path one, Path other, Map<String, String> env) throws IOException {
        List<String> lines = files(one, other);
        if (!lines.isEmpty() && Arrays.stream(env.getOrDefault("PATH", "").split(":")).anyMatch(folder -> Files.isExecutable(Path.of(folder, DIFFOSCOPE)))) {
            lines.addAll(shortened(Exec.of(DIFFOSCOPE, "--no-progress", "--exclude-directory-metadata=yes", one.toString(), other.toString())
                    .baseEnv(env).run().out().lines().toList(), MOST_LINES));
        }
        return lines;
    }

    /** Throws Fault with what two folders differ in that were made of the same things. */
    public static void require(Path first, Path second, Map<String, String> env) throws IOException {
        List<String> differences = between(first, second, env);
        if (!differences.isEmpty()) {
            throw Fault.failed(first.getFileName() + " is not the same when it is made again", differences, "report this: it depends on more than what it is made of");
        }
    }

    private static List<String> files(Path one, Path other) throws IOException {
        SortedMap<String, Path> ours = all(one);
        SortedMap<String, Path> theirs = all(other);
        List<String> lines = new ArrayList<>();
        for (Map.Entry<String, Path> file : ours.entrySet()) {
            Path twin = theirs.remove(file.getKey());
            String differs = twin == null ? "is only in the first" : differs(file.getValue(), twin);
            if (!differs.isEmpty()) {
                lines.add((file.getKey().isEmpty() ? one.getFileName() : file.getKey()) + " " + differs);
            }
        }
        theirs.keySet().forEach(name -> lines.add(name + " is only in the second"));
        return shortened(lines, MOST_FILES);
    }

    private static SortedMap<String, Path> all(Path folder) throws IOException {
        SortedMap<String, Path> all = new TreeMap<>();
        try (Stream<Path> walk = Files.walk(folder)) {
            walk.filter(path -> !Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS)).forEach(path -> all.put(folder.relativize(path).toString(), path));
        }
        return all;
    }

    private static String differs(Path one, Path other) throws IOException {
        if (Files.isSymbolicLink(one) || Files.isSymbolicLink(other)) {
            boolean same = Files.isSymbolicLink(one) && Files.isSymbolicLink(other) && Files.readSymbolicLink(one).equals(Files.readSymbolicLink(other));
            return same ? "" : "is another link";
        }
        long at = Files.mismatch(one, other);
        if (at >= 0) {
            return "differs from byte " + at + " on, " + Files.size(one) + " and " + Files.size(other) + " bytes";
        }
        return Files.isExecutable(one) == Files.isExecutable(other) ? "" : "is executable in one only";
    }

    private static List<String> shortened(List<String> lines, int most) {
        List<String> some = new ArrayList<>(lines.subList(0, Math.min(most, lines.size())));
        if (lines.size() > most) {
            some.add("and " + (lines.size() - most) + " more");
        }
        return some;
    }
}
