package lib.git;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import lib.config.Config;
import lib.config.Environment;
import org.eclipse.jgit.lib.ObjectId;
import org.eclipse.jgit.revwalk.FooterLine;

/**
 * What a Gerrit knows a commit as a change by: a Change-Id in the footer of its message, another one in each (Gerrit Code
 * Review, "commit-msg Hook" and "Change-Ids"). It refuses a push for review that has a commit without.
 */
public final class GitChangeIds {

    private static final Pattern ID = Pattern.compile("I[0-9a-f]{40}");
    private static final Pattern LINK = Pattern.compile(".*/id/(I[0-9a-f]{40})/?");
    /** Short enough that an error is read to its end. */
    private static final int SHOWN = 10;
    private static final String SAMPLE = "release: what the hook makes of a message\n\nNo commit is made of it.\n";

    private GitChangeIds() {
    }

    /** The Change-Id of a message; empty where its last paragraph has none. */
    public static Optional<String> of(String message) {
        return FooterLine.fromMessage(message).stream().map(line -> switch (line.getKey().toLowerCase(java.util.Locale.ROOT)) {
            case "change-id" -> line.getValue();
            case "link" -> LINK.matcher(line.getValue()).replaceFirst("$1");
            default -> "";
        }).filter(value -> ID.matcher(value).matches()).findFirst();
    }

    /** A sentence for each commit that has none, and for each two that have the same. */
    public static List<String> faults(Git git, List<ObjectId> commits) {
        List<String> faults = new ArrayList<>();
        Map<String, ObjectId> seen = new LinkedHashMap<>();
        for (ObjectId commit : commits) {
            Optional<String> id = of(git.message(commit));
            if (id.isEmpty()) {
                faults.add("commit " + describe(git, commit) + " has no Change-Id");
            } else if (seen.containsKey(id.get())) {
                faults.add("commits " + describe(git, seen.get(id.get())) + " and " + describe(git, commit) + " have the same Change-Id");
            } else {
                seen.put(id.get(), commit);
            }
        }
        return faults.size() <= SHOWN ? faults
                : java.util.stream.Stream.concat(faults.stream().limit(SHOWN), java.util.stream.Stream.of("and " + (faults.size() - SHOWN) + " more")).toList();
    }

    /**
     * What would keep a release that is made on {@code tip} from being reviewed: for every Gerrit that this clone has a remote
     * of, what is wrong with the commits that its branches lack, as far as this clone knows them, and whether the clone has a
     * hook that gives the release's own commits an id. A sentence each, with its remedy.
     */
    public static List<String> lacking(Git git, Config config, ObjectId tip) {
        List<String> faults = new ArrayList<>();
        for (Environment environment : config.environments().values()) {
            Optional<GitServer> server = environment.gerrit() != Environment.Gerrit.review ? Optional.empty() : environment.git().flatMap(url -> GitServer.find(git, url));
            if (server.isEmpty()) {
                continue;
            }
            String wants = ", and the Gerrit of " + environment.name() + " refuses that: ";
            String hook = GitServer.hook(config.project(), server.get().url());
            if (of(git.throughHook(SAMPLE)).isEmpty()) {
                faults.add("the clone has no commit-msg hook that adds a Change-Id" + wants + hook);
            }
            faults(git, notOn(git, server.get(), tip)).forEach(fault -> faults.add(fault + wants + "git commit --amend, or git rebase --interactive, with the hook"));
        }
        return faults;
    }

    // A clone that has never fetched from there knows nothing of it; upload asks the server itself.
    private static List<ObjectId> notOn(Git git, GitServer server, ObjectId tip) {
        boolean known = !git.git("for-each-ref", "--count=1", "refs/remotes/" + server.name() + "/").run().out().isEmpty();
        return known ? git.git("rev-list", "--reverse", tip.name(), "--not", "--remotes=" + server.name() + "/*")
                .orFail("git could not search the history", "look at the repository with git fsck").lines().<ObjectId>map(ObjectId::fromString).toList() : List.of();
    }

    private static String describe(Git git, ObjectId commit) {
        return commit.name().substring(0, 12) + " '" + git.message(commit).lines().findFirst().orElse("") + "'";
    }
}
