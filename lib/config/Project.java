package lib.config;

import java.net.URI;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import lib.base.Hosts;

/**
 * The names of the project being released; {@code releng.json} in the checkout says them for another than Lix.
 *
 * @param name           in headings and messages: {@code # Lix 2.93}
 * @param prefix         of everything published: {@code lix/lix-2.93.1/...}, {@code manual/lix/...}
 * @param versionFile    JSON file with {@code version} and {@code release_name}
 * @param pendingNotes   folder of the notes of the coming release, one file an entry
 * @param changeAuthors  YAML file with the names and links of credited people
 * @param releaseNotes   folder of the notes already released
 * @param summary        mdBook's table of contents
 * @param forge          web address of the forge people and repository live on, without a slash at the end; empty without one
 * @param repository     OWNER/NAME on that forge, for links to issues and pull requests
 * @param upstream       OWNER/NAME on GitHub, for {@code gh#} and {@code nix#} links
 * @param review         web address a change number is put behind, for {@code cl/} links
 * @param installers     systems there are installers for, as Nix calls them; empty where that is not said
 * @param releaseBlocker label on the forge of issues that no release is made with; empty where nobody looks for them
 * @param post           the post about a release, which must be there as a pull request; empty where nobody looks for it
 * @param afterwards     what a person still does when a release is published, in this order
 */
public record Project(String name, String prefix, String versionFile, String pendingNotes, String changeAuthors,
                      String releaseNotes, String summary, Optional<String> forge, Optional<String> repository,
                      Optional<String> upstream, Optional<String> review, List<String> installers,
                      Optional<String> releaseBlocker, Optional<Post> post, List<Task> afterwards) {

    /** Beside the pages of a manual in the bucket of docs: of which version they are. */
    public static final String MANUAL_VERSION = "releng-version.txt";

    /**
     * How the pull request with the post about a release is found.
     *
     * @param repository  OWNER/NAME on the forge
     * @param pullRequest its branch, or a text in its title, with VERSION or MAJOR where those stand
     */
    public record Post(String repository, String pullRequest) {

        /** Branch or text for one release. */
        public String of(String version, String major) {
            return pullRequest.replace("VERSION", version).replace("MAJOR", major);
        }
    }

    public static final Project LIX = new Project("Lix", "lix", "version.json", "doc/manual/rl-next",
            "doc/manual/change-authors.yml", "doc/manual/src/release-notes", "doc/manual/src/SUMMARY.md",
            Optional.of("https://git.lix.systems"), Optional.of("lix-project/lix"), Optional.of("NixOS/nix"),
            Optional.of("https://gerrit.lix.systems/c/lix/+/"), List.of("aarch64-darwin", "aarch64-linux", "x86_64-darwin", "x86_64-linux"),
            Optional.empty(), Optional.empty(),
            List.of(new Task("merge the release post", "https://git.lix.systems/lix-project/lix-website/pulls"),
                    new Task("toot about {version}", "https://chaos.social/@lix_project"),
                    new Task("update Lix {major} in nixpkgs", "https://github.com/NixOS/nixpkgs/tree/master/pkgs/tools/package-management/lix")));

    /** What a person does, and where; {@code {version}} and {@code {major}} in it are the release's. */
    public record Task(String what, String link) {

        /** Throws IllegalArgumentException, with one sentence a line for the user, for values that cannot be. */
        public Task {
            List<String> faults = new ArrayList<>();
            check(faults, !what.isBlank() && what.lines().count() == 1, "what must be one line, and not empty");
            check(faults, link.matches("https?://[^\\s{}/][^\\s]*"), "link must be a web address, not '" + link + "'");
            for (String text : List.of(what, link)) {
                check(faults, !filled(text, "", "").matches("(?s).*[{}].*"), "'" + text + "' may have {version} and {major} in it, and no other braces");
            }
            if (!faults.isEmpty()) {
                throw new IllegalArgumentException(String.join("\n", faults));
            }
        }

        /** For one release. */
        public Task of(String version, String major) {
            return new Task(filled(what, version, major), filled(link, version, major));
        }

        private static String filled(String text, String version, String major) {
            return text.replace("{version}", version).replace("{major}", major);
        }
    }

    /** Without installers, what is looked for on the forge, and anything to do afterwards. */
    public Project(String name, String prefix, String versionFile, String pendingNotes, String changeAuthors, String releaseNotes, String summary,
                   Optional<String> forge, Optional<String> repository, Optional<String> upstream, Optional<String> review) {
        this(name, prefix, versionFile, pendingNotes, changeAuthors, releaseNotes, summary, forge, repository, upstream, review, List.of(), Optional.empty(), Optional.empty(),
                List.of());
    }

    /** Throws IllegalArgumentException, with one sentence a line for the user, for values that cannot be. */
    public Project {
        List<String> faults = new ArrayList<>();
        check(faults, !name.isBlank() && name.equals(name.strip()) && name.lines().count() == 1,
                "name must be a word, not '" + name.replace("\n", "\\n") + "'");
        check(faults, prefix.matches("[a-z0-9][a-z0-9._-]*"),
                "prefix becomes part of file names and tags: lower-case letters, digits and . _ -, not '" + prefix + "'");
        for (String path : List.of(versionFile, pendingNotes, changeAuthors, releaseNotes, summary)) {
            check(faults, !path.isEmpty() && !path.startsWith("/") && !path.endsWith("/")
                            && Arrays.stream(path.split("/")).noneMatch(part -> part.isEmpty() || part.equals("..") || part.equals(".")),
                    "'" + path + "' must be a path inside the checkout, without . or ..");
        }
        forge.ifPresent(url -> check(faults, url.matches("https?://\\S*[^/\\s]"),
                "forge must be a web address without a slash at the end, not '" + url + "'"));
        review.ifPresent(url -> check(faults, url.matches("https?://\\S+"), "review must be a web address, not '" + url + "'"));
        repository.ifPresent(path -> check(faults, path.matches("[^/\\s]+/[^/\\s]+"), "repository must be OWNER/NAME, not '" + path + "'"));
        releaseBlocker.ifPresent(label -> {
            check(faults, !label.isBlank(), "releaseBlocker must be a label");
            check(faults, forge.isPresent() && repository.isPresent(), "releaseBlocker needs forge and repository, whose issues have that label");
        });
        post.ifPresent(about -> {
            check(faults, about.repository().matches("[\\w.-]+/[\\w.-]+"), "post.repository must be OWNER/NAME, not '" + about.repository() + "'");
            check(faults, about.pullRequest().contains("VERSION") || about.pullRequest().contains("MAJOR"),
                    "post.pullRequest must have VERSION or MAJOR in it, as in 'Lix VERSION', not '" + about.pullRequest() + "'");
            check(faults, forge.isPresent(), "post needs forge, which its repository is on");
        });
        check(faults, releaseBlocker.isEmpty() && post.isEmpty() || forge.map(Project::isAskable).orElse(true),
                "forge must use https where releaseBlocker or post is set: a token may be sent there");
        upstream.ifPresent(path -> check(faults, path.matches("[^/\\s]+/[^/\\s]+"), "upstream must be OWNER/NAME, not '" + path + "'"));
        installers.forEach(system -> check(faults, system.matches("[a-z0-9_]+-(linux|darwin)"),
                "installers are for systems as Nix calls them, such as x86_64-linux, not '" + system + "'"));
        if (!faults.isEmpty()) {
            throw new IllegalArgumentException(String.join("\n", faults));
        }
        installers = List.copyOf(installers);
        afterwards = List.copyOf(afterwards);
    }

    /** The folder of a version's artifacts in the bucket of releases, such as {@code lix/lix-2.93.1/}. */
    public String folder(String version) {
        return prefix + "/" + prefix + "-" + version + "/";
    }

    /** The name of a system's installer: in the folder of its version, and beside these folders for users who name none. */
    public String installer(String system) {
        return prefix + "-installer-" + system;
    }

    /** The folder of a manual in the bucket of docs, such as {@code manual/lix/stable/}: of a MAJOR, nightly or stable. */
    public String manual(String which) {
        return "manual/" + prefix + "/" + which + "/";
    }

    private static boolean isAskable(String forge) {
        try {
            URI uri = URI.create(forge);
            return uri.getHost() != null && ("https".equals(uri.getScheme()) || Hosts.isLoopback(uri.getHost()));
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    private static void check(List<String> faults, boolean holds, String sentence) {
        if (!holds) {
            faults.add(sentence);
        }
    }
}
