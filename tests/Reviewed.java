import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import lib.git.Git;
import lib.release.ReleaseTag;

/** A checkout with a built release, buckets, and a project on the Gerrit that has what the release was made from. */
final class Reviewed implements AutoCloseable {

    static final String BRANCH = "refs/heads/main";
    static final String TAG = "refs/tags/2.95.0";

    final GerritServer gerrit = GerritServer.shared();
    final Store store = new Store();
    final Checkout checkout;
    final String project;
    private final Path folder;

    /** {@code submitType} as Gerrit's REST API has it. */
    Reviewed(Path folder, String submitType) throws IOException {
        this(folder, submitType, Released.reviewed(folder.resolve("checkout")));
    }

    /** With another release, of 2.95.0. */
    Reviewed(Path folder, String submitType, Checkout checkout) throws IOException {
        this.folder = folder;
        this.checkout = checkout;
        project = gerrit.project(submitType);
        push("2.95.0~2:" + BRANCH);
        gerrit.rest("PUT", "/projects/" + project + "/HEAD", "{\"ref\": \"" + BRANCH + "\"}");
        checkout.with("GIT_SSH_COMMAND", gerrit.sshCommand());
        checkout.git("remote", "add", "gerrit", gerrit.ssh("manager@", project));
        configure("true");
        store.open(checkout, folder);
    }

    /** Has the release begin no maintenance branch, which would be one more place for a tag to be seen from. */
    Reviewed withoutMaintenanceBranch() {
        try (Git git = Git.open(checkout.folder, checkout.env())) {
            new ReleaseTag("2.95.0", git.head(), "main", Optional.empty()).remember(git);
        }
        return this;
    }

    /** Sets the environment's key {@code gerrit}. */
    void configure(String value) throws IOException {
        checkout.write("releng.json", store.config(Path.of("GIT")).replace("\"GIT\"", "\"" + gerrit.ssh("", project) + "\", \"gerrit\": " + value)
                .replaceFirst("\\{", "{\"project\": {\"review\": \"" + gerrit.web() + "/c/" + project + "/+/\"}, "));
    }

    Checkout.Run upload(String... arguments) {
        List<String> line = new ArrayList<>(List.of("--env", "test", "--noconfirm"));
        line.addAll(List.of(arguments));
        return checkout.run(new upload(), line.toArray(new String[0]));
    }

    /** upload, which ends waiting for the review. Returns the changes' numbers, the top one last. */
    List<Integer> inReview() throws IOException {
        Checkout.Run run = upload();
        assertEquals(4, run.exit(), run.err());
        assertNothingPublished();
        return numbers(run);
    }

    /**
     * Has the changes submitted as reviewers do, the top one with all below it. Gerrit 3.10 fails at some chains that have a merge
     * under Rebase If Necessary ("change not processed by merge strategy"), by the ids of their commits: then from below, until it takes the rest.
     */
    void submitted(List<Integer> changes) {
        for (int next = 0; !gerrit.submit(changes.subList(next, changes.size())); next++) {
            assertTrue(next < changes.size() - 1, "Gerrit submits nothing");
            gerrit.submit(changes.subList(next, next + 1));
        }
    }

    static List<Integer> numbers(Checkout.Run run) {
        Matcher address = Pattern.compile("(?m)^http://\\S+/\\+/(\\d+)  NEW  ").matcher(run.out());
        return address.results().map(found -> Integer.parseInt(found.group(1))).toList();
    }

    /** upload, all the way. */
    Checkout.Run done(String... arguments) {
        Checkout.Run run = upload(arguments);
        assertEquals(0, run.exit(), run.err());
        assertEquals(commit("2.95.0"), anybodysTag(), run.err());
        assertTrue(store.content("releases").containsKey("manifest.nix"));
        return run;
    }

    /** upload, which ends with this exit code before anything is published, and says all of these. */
    Checkout.Run refused(int exit, List<String> arguments, String... saying) {
        Checkout.Run run = upload(arguments.toArray(new String[0]));
        for (String text : saying) {
            assertTrue(run.err().contains(text), text + "\nnot in\n" + run.err());
        }
        assertEquals(exit, run.exit(), run.err());
        assertNothingPublished();
        return run;
    }

    void assertNothingPublished() {
        for (String role : List.of("releases", "cache", "docs", "install")) {
            assertEquals(Map.of(), store.content(role), role);
        }
    }

    /** As the administrator. */
    void push(String... refspecs) {
        checkout.git(Stream.concat(Stream.of("push", "--quiet", gerrit.admin(project)), Stream.of(refspecs)).toArray(String[]::new));
    }

    /** Somebody else's commit gets into main. Returns it. */
    String mainMoves() {
        String base = checkout.git("rev-parse", "2.95.0~2");
        String other = checkout.git("commit-tree", base + "^{tree}", "-p", base, "-m", "somebody else's");
        push(other + ":" + BRANCH);
        return other;
    }

    String commit(String name) {
        return checkout.git("rev-parse", name + "^{commit}");
    }

    /** What the server's main is on, which has then been fetched. */
    String main() {
        checkout.git("fetch", "--quiet", gerrit.admin(project), BRANCH);
        return checkout.git("rev-parse", "FETCH_HEAD");
    }

    /** The commit that the tag is on for who does not log in; empty where they see none. */
    String anybodysTag() {
        return checkout.git("ls-remote", gerrit.web() + "/" + project, TAG + "^{}").replaceAll("\\s.*", "");
    }

    /** upload as a process of its own. */
    Process forked() throws IOException {
        ProcessBuilder builder = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Dslf4j.provider=org.slf4j.nop.NOPServiceProvider",
                "-cp", System.getProperty("java.class.path"), "upload", "--env", "test", "--noconfirm")
                .directory(checkout.folder.toFile()).redirectOutput(ProcessBuilder.Redirect.DISCARD).redirectError(folder.resolve("said").toFile());
        builder.environment().clear();
        builder.environment().putAll(checkout.env());
        return builder.start();
    }

    /** What the last forked upload said. */
    String said() throws IOException {
        return Files.readString(folder.resolve("said"));
    }

    @Override
    public void close() {
        store.close();
    }
}
