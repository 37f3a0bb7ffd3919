package lib;

/**
 * The names of the project being released. The defaults are Lix's; {@code releng.json} in the
 * checkout changes them for another project.
 *
 * @param name           in headings and messages: {@code # Lix 2.93}
 * @param prefix         of everything published: {@code lix/lix-2.93.1/...}, {@code manual/lix/...}
 * @param versionFile    JSON file with {@code version} and {@code release_name}
 * @param pendingNotes   folder of the notes of the coming release, one file an entry
 * @param changeAuthors  YAML file with the names and links of credited people
 * @param releaseNotes   folder of the notes already released
 * @param summary        mdBook's table of contents
 * @param forge          web address of the forge people and repository live on, without a slash at the end
 * @param repository     OWNER/NAME on that forge, for links to issues and pull requests
 * @param upstream       OWNER/NAME on GitHub, for {@code gh#} and {@code nix#} links
 * @param review         web address a change number is put behind, for {@code cl/} links
 */
public record Project(String name, String prefix, String versionFile, String pendingNotes, String changeAuthors,
                      String releaseNotes, String summary, String forge, String repository, String upstream,
                      String review) {

    public static final Project LIX = new Project("Lix", "lix", "version.json", "doc/manual/rl-next",
            "doc/manual/change-authors.yml", "doc/manual/src/release-notes", "doc/manual/src/SUMMARY.md",
            "https://git.lix.systems", "lix-project/lix", "NixOS/nix", "https://gerrit.lix.systems/c/lix/+/");

    /** Throws IllegalArgumentException, with a sentence for the user, for a value that cannot be. */
    public Project {
        requireThat(!name.isBlank() && name.equals(name.strip()) && !name.contains("\n"), "name must be a word, not '" + name + "'");
        requireThat(prefix.matches("[a-z0-9][a-z0-9._-]*"),
                "prefix becomes part of file names and tags: small letters, digits and . _ -, not '" + prefix + "'");
        for (String path : new String[] {versionFile, pendingNotes, changeAuthors, releaseNotes, summary}) {
            requireThat(!path.isEmpty() && !path.startsWith("/") && !path.endsWith("/")
                            && java.util.Arrays.stream(path.split("/")).noneMatch(part -> part.isEmpty() || part.equals("..") || part.equals(".")),
                    "'" + path + "' must be a path inside the checkout, without . or ..");
        }
        requireThat(forge.matches("https?://\\S*[^/\\s]"), "forge must be a web address without a slash at the end, not '" + forge + "'");
        requireThat(review.matches("https?://\\S+"), "review must be a web address, not '" + review + "'");
        requireThat(repository.matches("[^/\\s]+/[^/\\s]+"), "repository must be OWNER/NAME, not '" + repository + "'");
        requireThat(upstream.matches("[^/\\s]+/[^/\\s]+"), "upstream must be OWNER/NAME, not '" + upstream + "'");
    }

    /** The folder of a version's artifacts in the bucket of releases, such as {@code lix/lix-2.93.1/}. */
    public String folder(Version version) {
        return prefix + "/" + prefix + "-" + version + "/";
    }

    /** The folder of a manual in the bucket of docs, such as {@code manual/lix/stable/}: of a MAJOR, nightly or stable. */
    public String manual(String which) {
        return "manual/" + prefix + "/" + which + "/";
    }

    private static void requireThat(boolean holds, String sentence) {
        if (!holds) {
            throw new IllegalArgumentException(sentence);
        }
    }
}
