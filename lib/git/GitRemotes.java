package lib.git;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** The repositories that a clone pushes to and fetches from, as its user has named them. */
public final class GitRemotes {

    private GitRemotes() {
    }

    /** The addresses of all remotes, and of {@code others} that are none of them, whatever the user name. */
    public static Set<String> with(Git git, List<String> others) {
        Set<String> urls = new LinkedHashSet<>();
        git.git("remote", "-v").orFail("git did not name its remotes", "look at the clone's settings with git config --list").lines()
                .forEach(line -> urls.add(line.substring(line.indexOf('\t') + 1, line.lastIndexOf(" ("))));
        others.stream().filter(other -> urls.stream().noneMatch(url -> Git.withoutUser(url).equals(Git.withoutUser(other)))).toList().forEach(urls::add);
        return urls;
    }
}
