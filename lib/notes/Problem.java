package lib.notes;

import java.util.Collection;
import java.util.Comparator;
import java.util.List;

/** What is wrong with an input file, and where. Lines count from 1. */
public record Problem(String file, int line, String what) implements Comparable<Problem> {

    private static final Comparator<Problem> ORDER = Comparator.comparing(Problem::file, Text.BY_CODE_POINT)
            .thenComparing(Problem::line).thenComparing(Problem::what);

    @Override
    public int compareTo(Problem other) {
        return ORDER.compare(this, other);
    }

    /** All of them for people, by file and line. */
    public static List<String> lines(Collection<Problem> problems) {
        return problems.stream().sorted().map(Problem::toString).toList();
    }

    /** As compilers print it, so that an editor finds its way. */
    @Override
    public String toString() {
        return file + ":" + line + ": " + what;
    }
}
