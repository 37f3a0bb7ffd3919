import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import lib.base.Cli;
import lib.base.Json;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A project's releases of two years, one after the other through all four phases, from main and from maintenance branches. */
class TenReleasesTest {

    /** Without the switch --slow: a pre-release, the first final one, the next MAJOR, a patch of the last. */
    private static final int SOME = 4;
    private static final String NAME_90 = "Vanilla Ice Cream";
    private static final String NAME_91 = "Dragon's Breath";
    private static final String NAME_92 = "Курник";

    private record Planned(String version, String name, String branch) {
    }

    private static final List<Planned> ALL = List.of(
            new Planned("2.90.0-beta1", NAME_90, "main"), new Planned("2.90.0-rc1", NAME_90, "main"), new Planned("2.90.0", NAME_90, "main"), new Planned("2.91.0", NAME_91, "main"),
            new Planned("2.90.1", NAME_90, "release-2.90"), new Planned("2.91.1-rc1", NAME_91, "release-2.91"), new Planned("2.91.1", NAME_91, "release-2.91"),
            new Planned("2.92.0", NAME_92, "main"), new Planned("2.91.2", NAME_91, "release-2.91"), new Planned("2.92.1", NAME_92, "release-2.92"));

    /** What there must be after each: pointers; branches and tags on the server; SUMMARY and notes of the branch it was made on. */
    private static final String EXPECTED = """
            2.90.0-beta1 | manifest 2.90.0-beta1, latest.json 2.90.0-beta1, stable 2.90.0-beta1 | 2.90 2.90.0-beta1 | main 2.90.0-beta1 | 2.90.0-beta1 | 2.90 2.94 | 2.90: 2.90.0-beta1
            2.90.0-rc1 | manifest 2.90.0-rc1, latest.json 2.90.0-rc1, stable 2.90.0-rc1 | 2.90 2.90.0-rc1 | main 2.90.0-rc1 | 2.90.0-beta1 2.90.0-rc1 | 2.90 2.94 | 2.90: 2.90.0-rc1 2.90.0-beta1
            2.90.0 | manifest 2.90.0, latest.json 2.90.0, stable 2.90.0 | 2.90 2.90.0 | main 2.91.0-dev, release-2.90 2.90.0 | 2.90.0-beta1 2.90.0-rc1 2.90.0 | 2.90 2.94 | 2.90: 2.90.0 2.90.0-rc1 2.90.0-beta1
            2.91.0 | manifest 2.91.0, latest.json 2.91.0, stable 2.91.0 | 2.90 2.90.0, 2.91 2.91.0 | main 2.92.0-dev, release-2.90 2.90.0, release-2.91 2.91.0 | 2.90.0-beta1 2.90.0-rc1 2.90.0 2.91.0 | 2.91 2.90 2.94 | 2.90: 2.90.0 2.90.0-rc1 2.90.0-beta1; 2.91: 2.91.0
            2.90.1 | manifest 2.91.0, latest.json 2.91.0, stable 2.91.0 | 2.90 2.90.1, 2.91 2.91.0 | main 2.92.0-dev, release-2.90 2.90.1, release-2.91 2.91.0 | 2.90.0-beta1 2.90.0-rc1 2.90.0 2.90.1 2.91.0 | 2.90 2.94 | 2.90: 2.90.1 2.90.0 2.90.0-rc1 2.90.0-beta1
            2.91.1-rc1 | manifest 2.91.0, latest.json 2.91.0, stable 2.91.0 | 2.90 2.90.1, 2.91 2.91.0 | main 2.92.0-dev, release-2.90 2.90.1, release-2.91 2.91.1-rc1 | 2.90.0-beta1 2.90.0-rc1 2.90.0 2.90.1 2.91.0 2.91.1-rc1 | 2.91 2.90 2.94 | 2.90: 2.90.0 2.90.0-rc1 2.90.0-beta1; 2.91: 2.91.1-rc1 2.91.0
            2.91.1 | manifest 2.91.1, latest.json 2.91.1, stable 2.91.1 | 2.90 2.90.1, 2.91 2.91.1 | main 2.92.0-dev, release-2.90 2.90.1, release-2.91 2.91.1 | 2.90.0-beta1 2.90.0-rc1 2.90.0 2.90.1 2.91.0 2.91.1-rc1 2.91.1 | 2.91 2.90 2.94 | 2.90: 2.90.0 2.90.0-rc1 2.90.0-beta1; 2.91: 2.91.1 2.91.1-rc1 2.91.0
            2.92.0 | manifest 2.92.0, latest.json 2.92.0, stable 2.92.0 | 2.90 2.90.1, 2.91 2.91.1, 2.92 2.92.0 | main 2.93.0-dev, release-2.90 2.90.1, release-2.91 2.91.1, release-2.92 2.92.0 | 2.90.0-beta1 2.90.0-rc1 2.90.0 2.90.1 2.91.0 2.91.1-rc1 2.91.1 2.92.0 | 2.92 2.91 2.90 2.94 | 2.90: 2.90.0 2.90.0-rc1 2.90.0-beta1; 2.91: 2.91.0; 2.92: 2.92.0
            2.91.2 | manifest 2.92.0, latest.json 2.92.0, stable 2.92.0 | 2.90 2.90.1, 2.91 2.91.2, 2.92 2.92.0 | main 2.93.0-dev, release-2.90 2.90.1, release-2.91 2.91.2, release-2.92 2.92.0 | 2.90.0-beta1 2.90.0-rc1 2.90.0 2.90.1 2.91.0 2.91.1-rc1 2.91.1 2.91.2 2.92.0 | 2.91 2.90 2.94 | 2.90: 2.90.0 2.90.0-rc1 2.90.0-beta1; 2.91: 2.91.2 2.91.1 2.91.1-rc1 2.91.0
            2.92.1 | manifest 2.92.1, latest.json 2.92.1, stable 2.92.1 | 2.90 2.90.1, 2.91 2.91.2, 2.92 2.92.1 | main 2.93.0-dev, release-2.90 2.90.1, release-2.91 2.91.2, release-2.92 2.92.1 | 2.90.0-beta1 2.90.0-rc1 2.90.0 2.90.1 2.91.0 2.91.1-rc1 2.91.1 2.91.2 2.92.0 2.92.1 | 2.92 2.91 2.90 2.94 | 2.90: 2.90.0 2.90.0-rc1 2.90.0-beta1; 2.91: 2.91.0; 2.92: 2.92.1 2.92.0
            """;

    @TempDir
    Path folder;

    private final Store store = new Store();
    private Checkout checkout;
    private Path server;

    @BeforeEach
    void project() throws IOException {
        checkout = Released.sample(folder.resolve("checkout"));
        server = folder.resolve("server.git");
        checkout.git("init", "--quiet", "--bare", "--initial-branch=main", server.toString());
        checkout.git("branch", "--move", "main");
        checkout.git("rm", "--quiet", "-r", "doc/manual/rl-next");
        Released.shortManual(checkout);
        checkout.write("releng.json", store.config(server)).git("add", "--all");
        checkout.git("commit", "--quiet", "--message=a short manual, and where it goes");
        checkout.git("remote", "add", "origin", server.toString());
        checkout.git("push", "--quiet", "--set-upstream", "origin", "main");
        store.open(checkout, folder);
    }

    @AfterEach
    void close() {
        store.close();
    }

    @Test
    void tenReleasesInARowLeaveEachPointerBranchTagAndPageWhereItMustBe() throws IOException {
        boolean slow = Boolean.getBoolean("releng.slow");
        List<Planned> some = slow ? ALL : ALL.subList(1, 1 + SOME);
        String expected = slow ? EXPECTED : EXPECTED.lines().skip(1).limit(SOME).map(line -> line.replace(" | 2.90.0-beta1 ", " | ").replace(" 2.90.0-beta1", "") + "\n")
                .collect(Collectors.joining());
        StringBuilder table = new StringBuilder();
        for (Planned release : some) {
            release(release);
            table.append(row(release)).append('\n');
        }
        assertEquals(expected, table.toString());
    }

    private void release(Planned release) throws IOException {
        checkout.git("checkout", "--quiet", release.branch());
        checkout.write("doc/manual/rl-next/of-" + release.version() + ".md", "---\nsynopsis: News of " + release.version() + "\ncategory: Fixes\n---\n");
        checkout.git("add", "doc");
        checkout.git("commit", "--quiet", "--message=news");
        checkout.git("push", "--quiet", "--set-upstream", "origin", release.branch());
        done(new prepare(), "--version", release.version(), "--name", release.name());
        done(new tag());
        done(new build());
        done(new upload(), "--env", "test", "--noconfirm");
        assertEquals(release.branch(), checkout.git("symbolic-ref", "--short", "HEAD"), "back on the branch");
        assertEquals("", checkout.git("status", "--porcelain"));
        assertEquals(checkout.git("rev-parse", "HEAD"), checkout.git("--git-dir=" + server, "rev-parse", release.branch()));
    }

    private void done(Cli.Phase phase, String... arguments) {
        Checkout.Run run = checkout.run(phase, arguments);
        assertEquals(0, run.exit(), phase.getClass().getName() + ": " + run.err());
    }

    private String row(Planned release) throws IOException {
        String server = "--git-dir=" + this.server;
        String branches = checkout.git(server, "for-each-ref", "--format=%(refname:short)", "refs/heads").lines()
                .map(branch -> branch + " " + text(Json.object(checkout.git(server, "show", branch + ":version.json").getBytes(StandardCharsets.UTF_8), ""), "version"))
                .collect(Collectors.joining(", "));
        String tags = checkout.git(server, "tag", "--sort=version:refname").lines().sorted((one, other) -> lib.release.Version.of(one).compareTo(lib.release.Version.of(other)))
                .collect(Collectors.joining(" "));
        String summary = all("rl-(2\\.\\d+)\\.md", checkout.read("doc/manual/src/SUMMARY.md"));
        TreeMap<String, String> notes = new TreeMap<>();
        for (String major : summary.split(" ")) {
            String page = checkout.read("doc/manual/src/release-notes/rl-" + major + ".md");
            if (!major.equals("2.94")) { // was there before
                notes.put(major, all("(?m)^# Lix (\\S+) \\(", page));
            }
        }
        return String.join(" | ", release.version(),
                "manifest " + all("-lix-(2[^\"]*)\"", new String(store.get("releases", "manifest.nix"), StandardCharsets.UTF_8)).replaceAll(" .*", "")
                        + ", latest.json " + text(Json.object(store.get("releases", "lix/latest.json"), ""), "version") + ", stable " + manual("stable").orElse("none"),
                Arrays.stream("2.90 2.91 2.92".split(" ")).flatMap(major -> manual(major).map(version -> major + " " + version).stream()).collect(Collectors.joining(", ")),
                branches, tags, summary, notes.entrySet().stream().map(page -> page.getKey() + ": " + page.getValue()).collect(Collectors.joining("; ")));
    }

    private Optional<String> manual(String place) {
        String key = "manual/lix/" + place + "/releng-version.txt";
        return store.content("docs").containsKey(key) ? Optional.of(new String(store.get("docs", key), StandardCharsets.UTF_8).replaceAll("\\s(?s:.*)", "")) : Optional.empty();
    }

    private static String text(JsonNode object, String key) {
        return object.path(key).asText();
    }

    private static String all(String pattern, String text) {
        return Pattern.compile(pattern).matcher(text).results().map((MatchResult found) -> found.group(1)).distinct().collect(Collectors.joining(" "));
    }
}
