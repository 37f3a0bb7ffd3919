import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import lib.base.FileTree;
import lib.release.Check;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What prepare and tag check before a release: each check failing alone, all at once, each skipped. */
class ChecksTest {

    @TempDir
    static Path template;

    @TempDir
    Path temp;

    private final List<AutoCloseable> servers = new ArrayList<>();
    private final Map<String, String> published = new ConcurrentHashMap<>();
    private final List<String> asked = new CopyOnWriteArrayList<>();

    @BeforeAll
    static void theSample() throws IOException {
        TagTest.project(template);
        Checkout.existing(template).git("branch", "--move", "releng/test");
    }

    @AfterEach
    void close() throws Exception {
        for (AutoCloseable server : servers) {
            server.close();
        }
    }

    private Checkout sample() throws IOException {
        FileTree.copy(template, temp.resolve("checkout"));
        return Checkout.existing(temp.resolve("checkout"));
    }

    private static void commit(Checkout checkout, String message) {
        checkout.git("add", "-A");
        checkout.git("commit", "-q", "--allow-empty", "-m", message);
    }

    private static void version(Checkout checkout, String version, String name) throws IOException {
        checkout.write("version.json", TagTest.VERSION_FILE.replace("2.95.0", version).replace("Crème Brûlée", name));
        commit(checkout, "version");
    }

    /** A release that was made on the branch before. */
    private static void released(Checkout checkout, String version, String name) {
        String subject = "release: " + version + " \"" + name + "\"";
        commit(checkout, subject);
        checkout.git("tag", "-a", "-m", subject, version);
    }

    private static Checkout.Run tag(Checkout checkout, String... args) {
        List<String> line = new ArrayList<>(List.of("--no-notes"));
        line.addAll(List.of(args));
        return checkout.run(new tag(), line.toArray(new String[0]));
    }

    /** The sentences of a refusal, which the run must be. */
    private static List<String> refusals(Checkout checkout, String... args) {
        Checkout.Run run = tag(checkout, args);
        assertEquals(3, run.exit(), run.err());
        assertTrue(run.err().contains("--skip NAME"), run.err());
        return run.err().lines().filter(line -> line.matches("  (newer|pointer|name|upstream|blockers|post): .*")).map(String::strip).toList();
    }

    private static void assertReleased(Checkout.Run run) {
        assertEquals(0, run.exit(), run.err());
    }

    private static void assertRefuses(Checkout checkout, String... says) {
        List<String> lines = refusals(checkout);
        assertEquals(says.length, lines.size(), lines.toString());
        for (int i = 0; i < says.length; i++) {
            assertTrue(lines.get(i).contains(says[i]), says[i] + "\nis not in\n" + lines.get(i));
        }
    }

    // --- newer

    @Test
    void aVersionThatIsNotNewerThanATagOfTheBranchIsRefused() throws IOException {
        Checkout checkout = sample();
        checkout.git("tag", "-m", "another kind", "v-1.0-rc");
        checkout.git("tag", "2.94.9");
        checkout.git("tag", "2.96.0-rc1");
        assertRefuses(checkout, "newer: 2.95.0 is not newer than the tag 2.96.0-rc1, which is in the history of releng/test");
        checkout.git("tag", "-d", "2.96.0-rc1");
        checkout.git("tag", "2.95"); // the same, spelt otherwise
        assertRefuses(checkout, "newer: 2.95.0 is not newer than the tag 2.95,");
        checkout.git("tag", "-d", "2.95");
        checkout.git("checkout", "-q", "-b", "main");
        commit(checkout, "goes on");
        checkout.git("tag", "2.97.0");
        checkout.git("checkout", "-q", "releng/test");
        assertReleased(tag(checkout));
    }

    @Test
    void aShallowCloneCannotTellAndSaysSo() throws IOException {
        Checkout origin = sample();
        commit(origin, "goes on");
        origin.git("clone", "-q", "--depth=1", "file://" + origin.folder, temp.resolve("clone").toString());
        Checkout.Run run = origin.at(temp.resolve("clone")).run(new prepare(), "--allow-empty");
        assertEquals(3, run.exit(), run.err());
        // The notes are there: prepare has its own refusal before.
        assertTrue(run.err().contains("the notes of 2.95.0 are already there"), run.err());
        run = tag(origin.at(temp.resolve("clone")), "--force-tag");
        assertTrue(run.exit() == 3 && run.err().contains("newer: this clone is shallow") && run.err().contains("name: this clone is shallow"), run.err());
    }

    @Test
    void aForcedTagIsNotInTheWayOfItself() throws IOException {
        Checkout checkout = sample();
        released(checkout, "2.95.0", "Tea");
        commit(checkout, "goes on");
        assertReleased(tag(checkout, "--force-tag"));
    }

    // --- pointer

    /** A web server with what is published, of a project whose clone this then is. */
    private void live(Checkout checkout) throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            try (exchange) {
                asked.add(exchange.getRequestURI().getPath());
                String text = published.getOrDefault(exchange.getRequestURI().getPath(), "");
                if (text.startsWith("to ")) {
                    exchange.getResponseHeaders().set("Location", text.substring(3));
                }
                exchange.sendResponseHeaders(text.isEmpty() ? 404 : text.startsWith("to ") ? 302 : 200, text.isEmpty() ? -1 : text.length());
                exchange.getResponseBody().write(text.getBytes());
            }
        });
        server.start();
        servers.add(() -> server.stop(0));
        String at = "http://127.0.0.1:" + server.getAddress().getPort();
        checkout.write("releng.json", "{\"environments\": {\"live\": {\"urls\": {\"releases\": \"" + at + "/r/\", \"cache\": \"" + at + "/c\", \"docs\": \"" + at + "/d\"}}}}");
        commit(checkout, "live");
        checkout.git("remote", "add", "gerrit", "ssh://somebody@gerrit.lix.systems:2022/lix");
        Program.write(checkout.folder.resolve(".git/hooks/commit-msg"), TagTest.CHANGE_ID_HOOK); // which that server wants
    }

    private void publish(String manifest, String manual) {
        published.put("/r/manifest.nix", "# Lix\n{\n  x86_64-linux = \"/nix/store/" + "a".repeat(32) + "-lix-" + manifest + "\";\n}\n");
        published.put("/d/manual/lix/2.95/releng-version.txt", manual + " 0123\n");
    }

    @Test
    void aVersionThatIsOutOrOlderThanWhatIsOutIsRefused() throws IOException {
        Checkout checkout = sample();
        live(checkout);
        publish("2.95.0", "2.95.0");
        assertRefuses(checkout, "pointer: 2.95.0 is not newer than 2.95.0, which is out on live");
        publish("2.96.1", "2.95.0");
        assertRefuses(checkout, "pointer: 2.96.1 is out on live, and no release is in the history of releng/test that 2.95.0 could be a patch of");
        version(checkout, "2.95.1", "Crème Brûlée");
        released(checkout, "2.95.0", "Crème Brûlée");
        publish("2.96.1", "2.95.1");
        assertRefuses(checkout, "pointer: 2.95.1 is not newer than 2.95.1, which is out on live");
        publish("2.96.1", "2.95.0"); // a patch of an older MAJOR
        assertReleased(tag(checkout));
    }

    @Test
    void whatIsOutIsAskedOnlyInACloneOfTheProject() throws IOException {
        Checkout checkout = sample();
        live(checkout);
        publish("2.96.0", "2.95.0");
        checkout.git("remote", "set-url", "gerrit", "https://git.example.org/lix-project/lix.git");
        assertReleased(tag(checkout));
        assertEquals(List.of(), asked);
        for (String address : List.of("https://git.lix.systems/lix-project/lix.git", "git@git.lix.systems:lix-project/lix", "https://GERRIT.lix.systems/lix/")) {
            checkout.git("checkout", "-q", "releng/test");
            version(checkout, "2.95.1", "Crème Brûlée");
            checkout.git("remote", "set-url", "gerrit", address);
            published.put("/r/manifest.nix", "\"/nix/store/x-lix-2.95.1\"");
            assertRefuses(checkout, "pointer: 2.95.1 is not newer");
        }
    }

    @Test
    void aFirstReleaseHasNothingOutAndABrokenPointerIsNoAnswer() throws IOException {
        Checkout checkout = sample();
        live(checkout);
        published.put("/r/manifest.nix", "<html>");
        assertRefuses(checkout, "/r/manifest.nix does not state its version");
        published.put("/r/manifest.nix", "to https://elsewhere.example.org/manifest.nix");
        assertRefuses(checkout, "/r/manifest.nix answers 302");
        publish("2.95.1", "");
        published.put("/other", published.get("/r/manifest.nix"));
        published.put("/r/manifest.nix", "to ../other");
        assertRefuses(checkout, "pointer: 2.95.0 is not newer than 2.95.1");
        published.clear();
        assertReleased(tag(checkout));
        assertEquals("/r/manifest.nix", asked.get(asked.size() - 1));
    }

    // --- name

    @Test
    void aNewMajorGetsANewNameAndAPatchKeepsIts() throws IOException {
        Checkout checkout = sample();
        released(checkout, "2.94.0", "Crème Brûlée");
        released(checkout, "2.94.1", "Crème Brûlée");
        released(checkout, "2.95.0-dev", "TBD"); // is none
        assertRefuses(checkout, "name: \"Crème Brûlée\" is the name of 2.94.1 already");
        version(checkout, "2.95.0", "ラーメン");
        assertReleased(tag(checkout));
        checkout.git("checkout", "-q", "releng/test");
        version(checkout, "2.95.1", "Tea");
        assertRefuses(checkout, "name: the name of 2.95.0 is \"ラーメン\", that of 2.95.1 is \"Tea\"");
        checkout.git("tag", "-d", "2.95.0"); // its commit is there still
        assertRefuses(checkout, "name: the name of 2.95.0 is \"ラーメン\"");
        version(checkout, "2.95.1", "ラーメン");
        assertReleased(tag(checkout));
    }

    // --- upstream

    /** A clone whose branch follows main of its origin. */
    private Checkout clone(Checkout origin) {
        origin.git("branch", "main");
        origin.git("clone", "-q", origin.folder.toString(), temp.resolve("clone").toString());
        Checkout clone = origin.at(temp.resolve("clone"));
        clone.git("config", "user.name", "Release Manager");
        clone.git("config", "user.email", "manager@example.org");
        clone.git("checkout", "-q", "--track", "-b", "releng/2.95", "origin/main");
        return clone;
    }

    @Test
    void aBranchThatLacksCommitsOfItsUpstreamIsRefused() throws IOException {
        Checkout origin = sample();
        Checkout clone = clone(origin);
        commit(clone, "mine");
        origin.git("checkout", "-q", "main");
        commit(origin, "theirs");
        origin.git("branch", "-q", "decoy/refs/heads/main", "main~1"); // which git's pattern matches, too
        assertRefuses(clone, "upstream: releng/2.95 lacks commits that origin/main has, up to " + origin.git("rev-parse", "--short=12", "main") + ": git pull");
        clone.git("fetch", "-q"); // now known here, and not merged
        assertRefuses(clone, "upstream: releng/2.95 lacks commits");
        clone.git("merge", "-q", "origin/main");
        assertReleased(tag(clone));
    }

    @Test
    void anUpstreamThatIsGoneOrDoesNotAnswerIsRefusedAndNoneIsFine() throws IOException {
        Checkout origin = sample();
        Checkout clone = clone(origin);
        origin.git("branch", "-q", "-D", "main");
        assertRefuses(clone, "upstream: releng/2.95 follows origin/main, which is not there: git branch --unset-upstream releng/2.95");
        FileTree.remove(origin.folder);
        assertRefuses(clone, "upstream: origin cannot be asked for refs/heads/main");
        clone.git("branch", "--unset-upstream");
        assertReleased(tag(clone));
    }

    @Test
    void anUpstreamInTheSameCloneCountsToo() throws IOException {
        Checkout checkout = sample();
        checkout.git("checkout", "-q", "-b", "main");
        commit(checkout, "goes on");
        checkout.git("checkout", "-q", "releng/test");
        checkout.git("branch", "-q", "--set-upstream-to=main");
        assertRefuses(checkout, "upstream: releng/test lacks commits that main has");
        checkout.git("merge", "-q", "main");
        assertReleased(tag(checkout));
    }

    // --- blockers and post

    private Forgejo forge(Checkout checkout, String keys) throws IOException {
        Forgejo forge = new Forgejo();
        servers.add(forge);
        checkout.write("releng.json", "{\"project\": {\"forge\": \"" + forge.address() + "\", " + keys + "}}");
        commit(checkout, "forge");
        return forge;
    }

    private static final String BLOCKERS = "\"releaseBlocker\": \"release-blocker\"";
    private static final String POST = "\"post\": {\"repository\": \"lix-project/website\", \"pullRequest\": \"Lix VERSION\"}";

    @Test
    void openIssuesWithTheLabelAreRefusedAndNoOthers() throws IOException {
        Checkout checkout = sample();
        Forgejo forge = forge(checkout, BLOCKERS);
        forge.issue("closed long ago", "closed", "release-blocker");
        forge.issue("harmless", "open", "bug");
        forge.issue("a pull request", "open", "release-blocker").putObject("pull_request").put("merged", false);
        assertReleased(tag(checkout));
        checkout.git("checkout", "-q", "releng/test");
        version(checkout, "2.95.1", "Crème Brûlée");
        forge.issue("the\u001b kettle burns", "open", "bug", "release-blocker");
        assertRefuses(checkout, "blockers: #4 'the kettle burns' (" + forge.address() + "/lix-project/lix/issues/4) is open, with the label release-blocker");
        assertTrue(forge.asked.stream().allMatch(request -> request.startsWith("GET ")), forge.asked.toString());
    }

    @Test
    void blockersOnALaterPageAreFoundThoughTheLabelIsTheOrganisations() throws IOException {
        Checkout checkout = sample();
        Forgejo forge = forge(checkout, "\"releaseBlocker\": \"urgent & bad\"");
        forge.label("/orgs/lix-project", "fine");
        forge.label("/orgs/lix-project", "urgent & bad");
        forge.page = 7;
        for (int i = 0; i < 40; i++) {
            forge.issue("issue", "open", i == 30 || i == 39 ? "urgent & bad" : "bug");
        }
        assertRefuses(checkout, "blockers: #31", "blockers: #40");
    }

    @Test
    void manyBlockersAreCountedNotListed() throws IOException {
        Checkout checkout = sample();
        Forgejo forge = forge(checkout, BLOCKERS);
        for (int i = 0; i < 120; i++) {
            forge.issue("issue", "open", "release-blocker");
        }
        List<String> lines = refusals(checkout);
        assertEquals(21, lines.size(), lines.toString());
        assertEquals("blockers: and 100 more", lines.get(20));
    }

    @Test
    void aLabelThatIsNowhereIsNoAnswer() throws IOException {
        Checkout checkout = sample();
        Forgejo forge = forge(checkout, "\"releaseBlocker\": \"relase-blocker\"");
        forge.issue("the kettle burns", "open", "release-blocker");
        assertRefuses(checkout, "blockers: " + forge.address() + " has no label 'relase-blocker' in lix-project/lix");
        forge.label("/orgs/lix-project", "relase-blocker");
        assertReleased(tag(checkout));
    }

    @Test
    void aTokenIsSentWhereThereIsOneAndNeverPrinted() throws IOException {
        Checkout checkout = sample();
        Forgejo forge = forge(checkout, BLOCKERS);
        forge.token = "s3cr3t";
        assertRefuses(checkout, "blockers: " + forge.address() + " does not have lix-project/lix, or does not show it without a token in RELENG_FORGE_TOKEN: answers 404");
        checkout.with("RELENG_FORGE_TOKEN", "0ther");
        assertRefuses(checkout, "refuses the token in RELENG_FORGE_TOKEN: answers 401 'user does not exist, token token ...'");
        Checkout.Run verbose = tag(checkout, "--verbose");
        assertFalse((verbose.out() + verbose.err()).contains("0ther"), verbose.err());
        checkout.with("RELENG_FORGE_TOKEN", "s3cr3t");
        assertReleased(tag(checkout));
    }

    @Test
    void aForgeThatIsNoneOrDoesNotAnswerIsRefused() throws IOException {
        Checkout checkout = sample();
        Forgejo forge = forge(checkout, BLOCKERS + ", \"repository\": \"lix-project/tea\", " + POST);
        forge.pullRequest("Lix 2.95.0", "a", "open", false);
        assertRefuses(checkout, "blockers: " + forge.address() + " does not have lix-project/tea");
        forge.instead = "<html>Welcome";
        assertRefuses(checkout, "blockers: " + forge.address() + " answers with something that is no list", "post: " + forge.address() + " answers with");
        forge.close();
        assertRefuses(checkout, "blockers: " + forge.address() + " does not answer: ", "post: " + forge.address() + " does not answer: ");
    }

    @Test
    void thePostMustBeOpenOrMerged() throws IOException {
        Checkout checkout = sample();
        Forgejo forge = forge(checkout, POST);
        forge.page = 2;
        forge.pullRequest("Lix 2.95.0-rc1 is out", "rc", "open", false);
        forge.pullRequest("Lix 12.95.0 is out", "old", "open", false);
        forge.pullRequest("Lix 2.95.00", "odd", "open", false);
        assertRefuses(checkout, "post: no pull request in lix-project/website has the branch 'Lix 2.95.0', or that in its title");
        forge.pullRequest("Announce Lix 2.95.0: Crème Brûlée", "a", "closed", false);
        assertRefuses(checkout, "post: the pull request #4 'Announce Lix 2.95.0: Crème Brûlée' (" + forge.address() + "/lix-project/website/pulls/4) was closed and not merged");
        forge.pullRequest("Announce (Lix 2.95.0).", "b", "closed", true);
        assertReleased(tag(checkout));
        checkout.git("checkout", "-q", "releng/test");
        checkout.write("releng.json", checkout.read("releng.json").replace("Lix VERSION", "release-MAJOR"));
        version(checkout, "2.95.1", "Crème Brûlée");
        assertRefuses(checkout, "post: no pull request");
        forge.pullRequest("The next one", "release-2.95", "open", false);
        assertReleased(tag(checkout));
    }

    // --- all of them

    /** A checkout about which every check has something to say. */
    private Checkout hopeless() throws IOException {
        Checkout origin = sample();
        Checkout checkout = clone(origin);
        origin.git("checkout", "-q", "main");
        commit(origin, "theirs");
        released(checkout, "2.96.0", "Crème Brûlée");
        live(checkout);
        publish("2.97.0", "2.97.0");
        Forgejo forge = new Forgejo();
        servers.add(forge);
        forge.issue("the kettle burns", "open", "release-blocker");
        checkout.write("releng.json", checkout.read("releng.json").replaceFirst("\\{", "{\"project\": {\"forge\": \"" + forge.address() + "\", " + BLOCKERS + ", " + POST + "}, "));
        checkout.git("rm", "-q", "doc/manual/src/release-notes/rl-2.95.md");
        checkout.write("doc/manual/rl-next/a.md", "---\nsynopsis: s\n---\nt\n").write("doc/manual/src/SUMMARY.md", "  <!-- RELENG-AUTO-INSERTION-MARKER -->\n");
        commit(checkout, "forge");
        return checkout;
    }

    @Test
    void allAreReportedTogetherAndEachCanBeSkipped() throws IOException {
        Checkout checkout = hopeless();
        Map<String, String> before = checkout.state();
        List<String> all = List.of("newer", "pointer", "name", "upstream", "blockers", "post");
        List<String> lines = refusals(checkout);
        assertEquals(all, lines.stream().map(line -> line.substring(0, line.indexOf(':'))).toList());
        for (int i = 0; i < all.size(); i++) {
            List<String> others = new ArrayList<>(lines);
            others.remove(i);
            assertEquals(others, refusals(checkout, "--skip", all.get(i)));
        }
        Checkout.Run prepared = checkout.run(new prepare());
        assertEquals(3, prepared.exit(), prepared.err());
        lines.forEach(line -> assertTrue(prepared.err().contains(line), prepared.err()));
        assertEquals(before, checkout.state());
        assertReleased(checkout.run(new prepare(), "--skip", "newer,pointer,name", "--skip", "upstream,blockers,post"));
    }

    @Test
    void whatWasSkippedStandsInTheReleaseCommitAndInItsTag() throws IOException {
        Checkout checkout = hopeless();
        TagTest.hook(checkout, "commit-msg", TagTest.CHANGE_ID_HOOK);
        Checkout.Run run = tag(checkout, "--skip", "post,name,blockers", "--skip=upstream,pointer,newer");
        assertReleased(run);
        assertTrue(run.err().contains("warning: skipped: newer, pointer, name, upstream, blockers, post"), run.err());
        String message = "release: 2.95.0 \"Crème Brûlée\"\n\nRelease produced with releng.\n\nSkipped-Checks: newer, pointer, name, upstream, blockers, post";
        assertEquals(message, checkout.git("for-each-ref", "--format=%(contents)", "refs/tags/2.95.0"));
        assertTrue(checkout.git("show", "-s", "--format=%B", "2.95.0^{commit}").startsWith(message + "\n"));
        assertEquals(List.of("newer", "pointer", "name", "upstream", "blockers", "post"), Check.skippedIn(checkout.git("show", "-s", "--format=%B", "2.95.0^{commit}")));
    }

    @Test
    void whatHadNothingToAskWasNotSkipped() throws IOException {
        Checkout checkout = sample();
        Checkout.Run run = tag(checkout, "--skip", "blockers,name");
        assertReleased(run);
        assertTrue(run.err().contains("==> Checking before the release: newer (nothing to ask here: pointer, upstream, blockers, post)\nwarning: skipped: name\n"), run.err());
        assertEquals(List.of("name"), Check.skippedIn(checkout.git("show", "-s", "--format=%B", "2.95.0^{commit}")));
        assertEquals(List.of(), Check.skippedIn("release: 2.95.0 \"Skipped-Checks: all\"\n\nRelease produced with releng.\n"));
    }

    @Test
    void anUnknownNameIsAUsageErrorThatListsTheKnownOnes() throws IOException {
        Checkout checkout = sample();
        Map<String, String> before = checkout.state();
        for (lib.base.Cli.Phase phase : List.of(new prepare(), new tag())) {
            Checkout.Run run = checkout.run(phase, "--skip", "blocker");
            assertEquals(2, run.exit(), run.err());
            assertTrue(run.err().contains("newer, pointer, name, upstream, blockers, post") && run.err().contains("blocker"), run.err());
        }
        assertEquals(before, checkout.state());
    }
}
