package lib.config;

import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * How much larger than the one before a release may be, in per cent, by what grows; there is no limit for what is not in it.
 */
public record Limits(Map<Kind, Long> percent) {

    /** What grows: closures of outputs, images as registries keep them, and files. */
    public enum Kind { closure, images, files }

    public static final Limits NONE = new Limits(Map.of());

    /** Throws IllegalArgumentException, with one sentence a line for the user, for values that cannot be. */
    public Limits {
        List<String> faults = percent.entrySet().stream().filter(limit -> limit.getValue() < 0).map(limit -> limit.getKey()
                + " is per cent of growth: 0 or more, not " + limit.getValue()).sorted().toList();
        if (!faults.isEmpty()) {
            throw new IllegalArgumentException(String.join("\n", faults));
        }
        percent = Map.copyOf(percent);
    }

    /** Those of some kinds. */
    public Limits only(Predicate<Kind> which) {
        return new Limits(percent.entrySet().stream().filter(limit -> which.test(limit.getKey())).collect(Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue)));
    }
}
