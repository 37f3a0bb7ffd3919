package lib.release;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import lib.git.Git;
import org.eclipse.jgit.lib.ObjectId;

/**
 * A release in a branch's history, as its tag or its release commit says: a clone may lack the one, and a branch that was
 * not merged back to the other.
 *
 * @param name the release's name; empty where a tag's message is another than ours
 * @param tag  whether a tag says it
 */
record Past(Version version, Optional<String> name, boolean tag) {

    private static final Pattern SUBJECT = Pattern.compile("release: (\\S+) \"(.*)\"");

    /** All of them, in no order; a release may be there twice. */
    static List<Past> of(Git git, ObjectId tip) {
        String next = "look at the repository with git fsck";
        List<Past> all = new ArrayList<>();
        git.git("for-each-ref", "--merged=" + tip.name(), "--format=%(refname:strip=2)%09%(contents:subject)", "refs/tags")
                .orFail("git could not list the tags", next).lines().map(line -> line.split("\t", 2))
                .forEach(parts -> version(parts[0]).ifPresent(version -> all.add(new Past(version,
                        subject(parts[1]).filter(subject -> subject.group(1).equals(parts[0])).map(subject -> subject.group(2)), true))));
        git.git("log", "--format=%s", "--grep=^release: ", tip.name()).orFail("git could not search the history", next).lines()
                .forEach(line -> subject(line).ifPresent(subject -> version(subject.group(1))
                        .ifPresent(version -> all.add(new Past(version, Optional.of(subject.group(2)), false)))));
        return all;
    }

    private static Optional<Matcher> subject(String line) {
        return Optional.of(SUBJECT.matcher(line)).filter(Matcher::matches);
    }

    private static Optional<Version> version(String text) {
        try {
            return Optional.of(Version.of(text)).filter(version -> !version.isDevelopment());
        } catch (IllegalArgumentException e) {
            return Optional.empty(); // a tag or a commit of another kind
        }
    }
}
