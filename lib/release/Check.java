package lib.release;

import java.util.Collection;
import java.util.EnumSet;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** What is checked before a release; the names are those of {@code --skip}. */
public enum Check {
    /** The version is newer than every tag in the branch's history. */
    newer,
    /** And than what is out on live. */
    pointer,
    /** The release's name is new for a new MAJOR, and stays the same within one. */
    name,
    /** The branch has all that its upstream has. */
    upstream,
    /** No issue that must be closed before a release is open. */
    blockers,
    /** The pull request with the post about the release is there. */
    post;

    private static final String TRAILER = "Skipped-Checks: ";
    private static final Pattern SKIPPED = Pattern.compile("(?m)^" + TRAILER + "(.+)$");

    /** The paragraph of the release commit's message that says what was skipped; empty where nothing was. */
    public static String trailer(Collection<Check> skipped) {
        return skipped.isEmpty() ? "" : "\n" + TRAILER + EnumSet.copyOf(skipped).stream().map(Check::name).collect(Collectors.joining(", ")) + "\n";
    }

    /** The names that a release commit's message says were skipped, of this version of the checks or another. */
    public static List<String> skippedIn(String message) {
        Matcher said = SKIPPED.matcher(message);
        return said.find() ? List.of(said.group(1).strip().split("\\s*,\\s*")) : List.of();
    }
}
