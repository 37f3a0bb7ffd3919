package lib.config;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

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
 * @param afterwards     what a person still does when a release is published, in this order
 */
public record Project(String name, String prefix, String versionFile, String pendingNotes, String changeAuthors,
                      String releaseNotes, String summary, Optional<String> forge, Optional<String> repository,
                      Optional<String> upstream, Optional<String> review, List<Task> afterwards) {

    public static final Project LIX = new Project("Lix", "lix", "version.json", "doc/manual/rl-next",
            "doc/manual/change-authors.yml", "doc/manual/src/release-notes", "doc/manual/src/SUMMARY.md",
            Optional.of("https://git.lix.systems"), Optional.of("lix-project/lix"), Optional.of("NixOS/nix"),
            Optional.of("https://gerrit.lix.systems/c/lix/+/"),
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

    /** Without anything to do afterwards. */
    public Project(String name, String prefix, String versionFile, String pendingNotes, String changeAuthors, String releaseNotes, String summary,
                   Optional<String> forge, Optional<String> repository, Optional<String> upstream, Optional<String> review) {
        this(name, prefix, versionFile, pendingNotes, changeAuthors, releaseNotes, summary, forge, repository, upstream, review, List.of());
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
        upstream.ifPresent(path -> check(faults, path.matches("[^/\\s]+/[^/\\s]+"), "upstream must be OWNER/NAME, not '" + path + "'"));
        if (!faults.isEmpty()) {
            throw new IllegalArgumentException(String.join("\n", faults));
        }
        afterwards = List.copyOf(afterwards);
    }

    /** The folder of a version's artifacts in the bucket of releases, such as {@code lix/lix-2.93.1/}. */
    public String folder(String version) {
        return prefix + "/" + prefix + "-" + version + "/";
    }

    /** The folder of a manual in the bucket of docs, such as {@code manual/lix/stable/}: of a MAJOR, nightly or stable. */
    public String manual(String which) {
        return "manual/" + prefix + "/" + which + "/";
    }

    private static void check(List<String> faults, boolean holds, String sentence) {
        if (!holds) {
            faults.add(sentence);
        }
    }
}
