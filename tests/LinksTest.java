import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Links among the files that prepare and tag read and write: followed inside the checkout, else refused by name, never replaced. */
@DisplayName("hazard 43: a link in the place of the notes' folder loses every older page")
class LinksTest {

    private static final String PAGES = "doc/manual/src/release-notes";

    @TempDir
    Path temp;

    private Checkout start() throws IOException {
        return Released.sample(temp.resolve("checkout"));
    }

    private static void commit(Checkout checkout) {
        checkout.git("add", "--all");
        checkout.git("commit", "--quiet", "--message=links");
    }

    /** Moves what is at a path to another place, and puts a link there. */
    private static void link(Checkout checkout, String path, String to) throws IOException {
        Path from = checkout.folder.resolve(path);
        Files.createDirectories(checkout.folder.resolve(to).getParent());
        Files.move(from, checkout.folder.resolve(to));
        Files.createSymbolicLink(from, from.getParent().relativize(checkout.folder.resolve(to)));
    }

    private static Map<String, String> links(Checkout checkout) {
        Map<String, String> links = new TreeMap<>();
        checkout.git("ls-tree", "-r", "HEAD").lines().filter(line -> line.startsWith("120000"))
                .forEach(line -> links.put(line.substring(line.indexOf('\t') + 1), line.substring(0, line.indexOf('\t'))));
        return links;
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource({PAGES + ", doc/rl", "doc/manual/rl-next, notes", "doc/manual/rl-next/a-cups.md, doc/a-cups.md", "doc/manual/src/SUMMARY.md, doc/TOC.md",
            "version.json, meta/version.json", "doc, documentation", "doc/manual/src, manual", PAGES + "/rl-2.95.md, doc/page.md"})
    void aLinkInTheCheckoutIsFollowedAndStays(String path, String to) throws IOException {
        Checkout checkout = start();
        checkout.write(PAGES + "/rl-2.95.md", "# Lix 2.95 \"Crème Brûlée\"\n\n# Lix 2.95.0-rc1 (2026-01-01)\n\nsome\n");
        link(checkout, path, to);
        commit(checkout);
        Map<String, String> before = links(checkout);
        String entry = path.endsWith("a-cups.md") ? checkout.read(to) : "";
        Checkout.Run check = checkout.run(new prepare(), "--check");
        assertEquals(0, check.exit(), check.err());
        Checkout.Run run = checkout.run(new prepare());
        assertEquals(0, run.exit(), run.err());
        assertEquals("", checkout.git("status", "--porcelain"));
        assertTrue(checkout.read(PAGES + "/rl-2.95.md").contains("# Lix 2.95.0 ("), "what a reader finds at its place");
        Map<String, String> after = links(checkout);
        if (!entry.isEmpty()) {
            before.remove(path); // the entry is gathered: the link is taken away, and what it led to is nobody's entry
            assertEquals(entry, checkout.read(to));
        }
        assertEquals(before, after);
        Checkout.Run tagged = checkout.run(new tag());
        assertEquals(0, tagged.exit(), tagged.err());
        assertEquals(before, links(checkout));
    }

    @ParameterizedTest(name = "{0} to {1}")
    @CsvSource(delimiter = ';', value = {
            PAGES + "; /usr/share/doc; is a link to /usr/share/doc, outside the checkout",
            PAGES + "; ../../../../outside; is a link to ../../../../outside, outside the checkout",
            PAGES + "; nowhere; is a link to nowhere, which is not there",
            PAGES + "; release-notes; in a loop",
            "doc/manual/rl-next; ../../../outside; outside the checkout",
            "doc/manual/rl-next; rl-next/x; in a loop",
            "doc/manual/rl-next/a-cups.md; /etc/hostname; is a link to /etc/hostname, outside the checkout",
            "doc/manual/rl-next/a-cups.md; gone.md; which is not there",
            "doc/manual/src/SUMMARY.md; ../../../../TOC.md; outside the checkout",
            "version.json; ../version.json; outside the checkout",
            "version.json; version.json; in a loop"})
    void aLinkThatLeadsNowhereIsNamedByCheckAndByTheRun(String path, String target, String says) throws IOException {
        Checkout checkout = start();
        checkout.git("rm", "-r", "--quiet", path);
        Files.createDirectories(checkout.folder.resolve(path).getParent());
        Files.createSymbolicLink(checkout.folder.resolve(path), Path.of(target));
        commit(checkout);
        assertRefused(checkout, path, says);
    }

    @ParameterizedTest
    @CsvSource({PAGES, "doc/manual/rl-next", "doc"})
    void aSubmoduleIsNamedByCheckAndByTheRun(String path) throws IOException {
        Checkout checkout = start();
        Checkout other = Checkout.of(checkout.folder.resolve("doc"), temp.resolve("other"));
        checkout.git("rm", "-r", "--quiet", path);
        checkout.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", other.folder.toString(), path);
        commit(checkout);
        assertRefused(checkout, path, "is a submodule");
    }

    private static void assertRefused(Checkout checkout, String path, String says) throws IOException {
        Map<String, String> before = checkout.state();
        Checkout.Run check = checkout.run(new prepare(), "--check");
        Checkout.Run run = checkout.run(new prepare());
        for (Checkout.Run one : List.of(check, run)) {
            assertTrue(one.exit() == 1 || one.exit() == 3, one.exit() + one.err());
            assertTrue(one.err().contains(path) && one.err().contains(says), one.err());
            assertFalse(one.err().contains("unexpectedly"), one.err());
        }
        assertEquals(before, checkout.state());
    }
}
