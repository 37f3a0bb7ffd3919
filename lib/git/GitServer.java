package lib.git;

import java.net.URI;
import java.net.URISyntaxException;
import java.util.List;
import java.util.Optional;
import lib.base.Fault;
import lib.config.Project;

/**
 * A remote of this clone, and what its address tells.
 *
 * @param name as the clone calls it
 * @param url  as git understands it, with the user's name in it where one is needed
 */
public record GitServer(String name, String url) {

    /** The remote that is at {@code url}, whatever user name either has: on a Gerrit everybody pushes under their own. */
    public static Optional<GitServer> find(Git git, String url) {
        return all(git).stream().filter(remote -> withoutUser(remote.url).equals(withoutUser(url))).findFirst();
    }

    /** The same. Throws Fault (refused) when there is none. */
    public static GitServer require(Git git, String url) {
        return find(git, url).orElseThrow(() -> {
            List<String> urls = all(git).stream().map(GitServer::url).distinct().toList();
            return Fault.refused("no remote of this clone is " + url, urls.isEmpty() ? "it has no remotes" : "it has: " + String.join(", ", urls),
                    "git remote add gerrit " + url.replaceFirst("//", "//YOU@") + ", and run again");
        });
    }

    /** Those of fetching and of pushing; an address may have spaces in it. */
    static List<GitServer> all(Git git) {
        return git.git("remote", "--verbose").orFail("git did not name its remotes", "look at the clone's settings with git config --list").lines()
                .filter(line -> line.contains(" (")) // one without an address is no place to ask
                .map(line -> new GitServer(line.substring(0, line.indexOf('\t')), line.substring(line.indexOf('\t') + 1, line.lastIndexOf(" (")))).toList();
    }

    static String withoutUser(String url) {
        return url.replaceFirst("//[^@/]*@", "//").replaceFirst("/$", "").replaceFirst("\\.git$", "");
    }

    /** The repository's path on its server, which is a project's name on a Gerrit: {@code lix} of {@code ssh://gerrit.lix.systems:2022/lix}. */
    public static String path(String url) {
        return withoutUser(url).replaceFirst("^[a-z+]+://[^/]*/*", "");
    }

    /** An address of the form {@code scheme://host/path}; empty for what git understands beside these. */
    public static Optional<URI> address(String url) {
        try {
            return Optional.of(new URI(url)).filter(uri -> uri.getHost() != null);
        } catch (URISyntaxException e) {
            return Optional.empty();
        }
    }

    /**
     * Where browsers find a Gerrit, without a slash at the end: what stands before {@code /c/} in the address of the project's
     * changes, else the host that git goes to.
     */
    public static Optional<String> web(Project project, String url) {
        return project.review().map(review -> review.replaceFirst("/c/.*$", "").replaceFirst("/+$", ""))
                .or(() -> address(url).map(uri -> "https://" + uri.getHost()));
    }

    /** What installs the hook that puts a Change-Id into each message, as Gerrit's own documentation has it. */
    public static String hook(Project project, String url) {
        return "curl -Lo \"$(git rev-parse --git-path hooks/commit-msg)\" " + web(project, url).orElse("https://GERRIT") + "/tools/hooks/commit-msg"
                + " && chmod +x \"$(git rev-parse --git-path hooks/commit-msg)\"";
    }
}
