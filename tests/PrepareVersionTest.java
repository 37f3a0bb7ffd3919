import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** prepare --version and --name: a commit of its own before the notes, and nothing at all where anything fails. */
class PrepareVersionTest {

    /** As nobody's program would write it. */
    private static final String FILE = "{\"release_name\" :\"Cr\\u00e8me \\ud83c\\udf6e\",\r\n\t\"nested\": {\"version\": \"1\", \"release_name\": [2.50]},"
            + " \"versio\\u006e\":  \"2.94.0-dev\"  , \"official_release\":false,\n\n\"ünder\": 1.10 }";

    @TempDir
    Path temp;

    private Checkout sample() throws IOException {
        return PrepareTest.commit(Checkout.of(Home.samples(), temp.resolve("checkout")).write("version.json", FILE));
    }

    @Test
    void versionAndNameAreACommitOfTheirOwnAndNothingElseInTheFileChanges() throws IOException {
        Checkout checkout = sample();
        TagTest.hook(checkout, "commit-msg", TagTest.CHANGE_ID_HOOK);
        String start = checkout.git("rev-parse", "HEAD");
        Checkout.Run run = PrepareTest.run(checkout, "--version", "2.95.0", "--name", "Crème \\Brûlée");
        PrepareTest.assertPrepared(checkout, run);
        assertEquals(start, checkout.git("rev-parse", "HEAD~2"));
        assertEquals("release: version 2.95.0 \"Crème \\Brûlée\"", checkout.git("show", "-s", "--format=%s", "HEAD~1"));
        assertTrue(checkout.git("show", "-s", "--format=%B", "HEAD~1").contains("\nChange-Id: I"));
        assertEquals("M\tversion.json", checkout.git("diff", "--name-status", "HEAD~2", "HEAD~1"));
        assertEquals("", checkout.git("diff", "--name-status", "HEAD~1", "HEAD", "--", "version.json"));
        assertEquals(FILE.replace("Cr\\u00e8me \\ud83c\\udf6e", "Crème \\\\Brûlée").replace("2.94.0-dev", "2.95.0"), checkout.read("version.json"));
        assertTrue(checkout.read("doc/manual/src/release-notes/rl-2.95.md").startsWith("# Lix 2.95 \"Crème \\Brûlée\""));
        assertTrue(run.err().contains("set version.json to 2.95.0 \"Crème \\Brûlée\""), run.err());
        assertEquals(start, checkout.git("rev-parse", "releng/test@{1}"), "the branch moved once");
    }

    @Test
    void eachMayBeSetAloneAndWhatIsSoAlreadyMakesNoCommit() throws IOException {
        Checkout checkout = sample();
        PrepareTest.assertPrepared(checkout, PrepareTest.run(checkout, "--version", "2.95.0"));
        assertEquals("release: version 2.95.0 \"Crème 🍮\"", checkout.git("show", "-s", "--format=%s", "HEAD~1"));
        assertEquals(FILE.replace("2.94.0-dev", "2.95.0"), checkout.read("version.json"));
        checkout.git("reset", "-q", "--hard", "HEAD~1");
        String start = checkout.git("rev-parse", "HEAD");
        PrepareTest.assertPrepared(checkout, PrepareTest.run(checkout, "--version", "2.95.0", "--name", "Crème 🍮"));
        assertEquals(start, checkout.git("rev-parse", "HEAD~1"));
        checkout.git("reset", "-q", "--hard", start);
        PrepareTest.assertPrepared(checkout, PrepareTest.run(checkout, "--name", "Tea"));
        assertEquals(FILE.replace("2.94.0-dev", "2.95.0").replace("Cr\\u00e8me \\ud83c\\udf6e", "Tea"), checkout.read("version.json"));
    }

    @Test
    void aVersionFileBehindALinkStaysBehindIt() throws IOException {
        Checkout checkout = sample();
        checkout.git("mv", "version.json", "src/version.json");
        Files.createSymbolicLink(checkout.folder.resolve("version.json"), Path.of("src/version.json"));
        PrepareTest.commit(checkout);
        PrepareTest.assertPrepared(checkout, PrepareTest.run(checkout, "--version", "2.95.0"));
        assertTrue(Files.isSymbolicLink(checkout.folder.resolve("version.json")));
        assertEquals("M\tsrc/version.json", checkout.git("diff", "--name-status", "HEAD~2", "HEAD~1"));
    }

    @Test
    void whatFailsLaterLeavesTheBranchAsItWas() throws IOException {
        Checkout checkout = PrepareTest.commit(sample().write("doc/manual/rl-next/bad.md", "x"));
        TagTest.hook(checkout, "commit-msg", "#!/bin/sh\ntouch \"$PWD/asked\"\n");
        PrepareTest.assertChangesNothing(checkout, 1, List.of("the release notes have 1 fault"), "--version", "2.95.0");
        checkout.git("rm", "-q", "doc/manual/rl-next/bad.md");
        PrepareTest.commit(checkout);
        checkout.git("tag", "2.95.1");
        PrepareTest.assertChangesNothing(checkout, 3, List.of("newer: 2.95.0 is not newer than the tag 2.95.1"), "--version", "2.95.0");
        assertFalse(Files.exists(checkout.folder.resolve("asked")), "no message was made of it");
        checkout.git("tag", "-d", "2.95.1");
        // The checkout filter of the notes fails after git has written the version, which is in a file that comes before.
        Files.delete(checkout.folder.resolve(".git/hooks/commit-msg"));
        checkout.git("mv", "version.json", "a.json");
        checkout.write("releng.json", "{\"project\": {\"versionFile\": \"a.json\"}}").write(".gitattributes", "rl-2.95.md filter=broken\n");
        PrepareTest.commit(checkout);
        checkout.git("config", "filter.broken.smudge", "false");
        checkout.git("config", "filter.broken.required", "true");
        PrepareTest.assertChangesNothing(checkout, 1, List.of("git could not write the notes into the work tree"), "--version", "2.95.0");
    }

    @Test
    void aRunThatWasStoppedIsExplainedAndTheAdviceWorks() throws IOException {
        Checkout checkout = sample();
        String before = checkout.git("rev-parse", "HEAD");
        PrepareTest.assertPrepared(checkout, PrepareTest.run(checkout, "--version", "2.95.0"));
        checkout.git("update-ref", "refs/heads/releng/test", before); // as if killed before the branch moved
        Checkout.Run run = PrepareTest.assertChangesNothing(checkout, 3, List.of("the notes of 2.95.0 are there, but not committed"), "--version", "2.95.0");
        checkout.git(run.err().substring(run.err().indexOf("git stash") + "git ".length()).strip().split(" "));
        PrepareTest.assertPrepared(checkout, PrepareTest.run(checkout, "--version", "2.95.0"));
        assertEquals(before, checkout.git("rev-parse", "HEAD~2"));
    }

    @Test
    void whatIsNoVersionOrNameIsRefused() throws IOException {
        Checkout checkout = sample();
        for (String option : List.of("--version=next", "--name=", "--name=a\"b", "--name=a\nb")) {
            PrepareTest.assertChangesNothing(checkout, 2, List.of(option.replaceFirst("=(?s:.*)", " is no ")), option);
        }
        PrepareTest.assertChangesNothing(checkout, 3, List.of("2.95.0-dev is a development version", "pass --version"), "--version=2.95.0-dev");
        PrepareTest.assertChangesNothing(checkout, 3, List.of("the release has no name yet", "pass --name"), "--version=2.95.0", "--name=TBD");
        for (String mode : List.of("--check", "--print")) {
            PrepareTest.assertChangesNothing(checkout, 2, List.of("--check and --print change nothing"), mode, "--version=2.95.0");
        }
    }

    @Test
    void aFileThatCannotBeChangedByteForByteSaysWhatToDo() throws IOException {
        Checkout checkout = sample();
        Path file = checkout.folder.resolve("version.json");
        byte[] wide = "{\"version\": \"2.94.0\", \"release_name\": \"Tea\"}".getBytes(StandardCharsets.UTF_16BE);
        Files.write(file, wide);
        PrepareTest.commit(checkout);
        PrepareTest.assertChangesNothing(checkout, 1, List.of("version cannot be set in version.json", "UTF-8"), "--version", "2.95.0");
        assertArrayEquals(wide, Files.readAllBytes(file));
        PrepareTest.commit(checkout.write("version.json", "{\"release_name\": \"Tea\"}"));
        PrepareTest.assertChangesNothing(checkout, 1, List.of("version.json: version is missing"), "--version", "2.95.0");
        PrepareTest.commit(checkout.write("version.json", "\ufeff{\"version\": 1, \"release_name\": \"Tea\"}"));
        PrepareTest.assertPrepared(checkout, PrepareTest.run(checkout, "--version", "2.95.0"));
        assertEquals("\ufeff{\"version\": \"2.95.0\", \"release_name\": \"Tea\"}", checkout.read("version.json"));
    }
}
