import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What two who release at once may do to each other, and what one release may do to the pointers of another. */
class TwoManagersTest {

    @TempDir
    Path folder;

    private Managers managers;

    @BeforeEach
    void open() {
        managers = new Managers(folder);
    }

    @AfterEach
    void close() {
        managers.close();
    }

    private static Checkout.Run upload(Checkout checkout, String... arguments) {
        return Managers.upload(checkout, arguments);
    }

    private static Checkout.Run assertDone(Checkout.Run run) {
        return Managers.assertDone(run);
    }

    @Test
    @DisplayName("hazard 46: a release that came out while the question waited is not moved back, and nothing is written")
    void aReleaseThatCameOutWhileTheQuestionWaitedStays() throws IOException {
        assertDone(upload(managers.release("2.95.0")));
        Checkout old = managers.release("2.95.1");
        Checkout young = managers.release("2.96.0");
        Checkout.Run run = Managers.confirmedAfter(() -> assertDone(upload(young)), old);
        assertEquals(3, run.exit(), run.err());
        assertTrue(run.err().contains("manual stable has changed since the plan was made") && run.err().contains("releng-version.txt had the ETag"), run.err());
        assertFalse(managers.store.content("releases").keySet().stream().anyMatch(key -> key.contains("2.95.1")), "nothing was written");
        Map<String, String> stable = managers.manual("stable");
        String manifest = managers.manifest();
        assertTrue(manifest.contains("lix-2.96.0"), manifest);

        Checkout.Run again = assertDone(upload(old));
        assertTrue(again.err().contains("the manual stable is at 2.96.0: 'stable' stays there"), again.err());
        assertEquals(stable, managers.manual("stable"));
        assertEquals(manifest, managers.manifest());
        assertEquals("2.95.1", version("2.95"));
    }

    @Test
    @DisplayName("hazard 46: a manual of the MAJOR that was published while the question waited does not go back")
    void aManualThatCameOutWhileTheQuestionWaitedStays() throws IOException {
        Checkout old = managers.release("2.95.0");
        Checkout young = managers.release("2.95.1");
        Checkout.Run run = Managers.confirmedAfter(() -> assertDone(upload(young, "--target", "manual")), old, "--target", "manual");
        assertEquals(3, run.exit(), run.err());
        assertEquals("2.95.1", version("2.95"));
        assertTrue(assertDone(upload(old)).err().contains("the manual 2.95 is at 2.95.1: '2.95' stays there"));
        assertEquals("2.95.1", version("2.95"));
    }

    @Test
    void aPageThatIsNobodysIsFoundByTheProof() throws IOException {
        Checkout only = managers.release("2.95.0");
        assertDone(upload(only));
        managers.store.put("docs", "manual/lix/2.95/old.html", "of another version".getBytes());
        Checkout.Run plan = assertDone(upload(only, "--plan"));
        assertTrue(plan.out().contains("delete s3://" + managers.store.bucket("docs") + "/manual/lix/2.95/old.html"), plan.out());
        // As if it came only once the run had deleted what it knew of.
        try (FaultProxy proxy = new FaultProxy(managers.store.endpoint())) {
            only.write("releng.json", only.read("releng.json").replace(managers.store.endpoint().toString(), proxy.endpoint().toString()));
            proxy.killing(() -> managers.store.put("docs", "manual/lix/2.95/new.html", "of another version".getBytes()))
                    .arm(FaultProxy.Fault.MEANWHILE_AFTER, request -> request.method().equals("POST") && request.path().contains("?delete"));
            Checkout.Run run = upload(only);
            assertEquals(1, run.exit(), run.err());
            assertTrue(run.err().contains("manual/lix/2.95/new.html: is not part of this release's"), run.err());
        }
    }

    @Test
    @DisplayName("hazard 47: each pointer is asked itself: one that a killed run has moved already is not moved back")
    void eachPointerKnowsItsOwnVersion() throws IOException {
        assertDone(upload(managers.release("2.95.0")));
        Checkout young = managers.release("2.96.0");
        assertDone(upload(young, "--target", "manual")); // moves stable, and leaves manifest.nix
        Map<String, String> stable = managers.manual("stable");
        assertEquals("2.96.0", version("stable"));
        Checkout.Run run = assertDone(upload(managers.release("2.95.1")));
        assertTrue(run.err().contains("the manual stable is at 2.96.0: 'stable' stays there"), run.err());
        assertEquals(stable, managers.manual("stable"));
        assertTrue(managers.manifest().contains("lix-2.95.1\""), managers.manifest());
    }

    @Test
    @DisplayName("hazard 37: a pre-release moves no pointer once a final release is out, unless it is named; until then it does")
    void aPreReleaseMovesNoPointerOnceAFinalReleaseIsOut() throws IOException {
        Checkout candidate = managers.release("2.97.0-rc1");
        assertDone(upload(candidate));
        assertTrue(managers.manifest().contains("lix-2.97.0-rc1\""), "there is nothing else to follow");
        assertDone(upload(managers.release("2.97.0")));
        assertEquals("2.97.0", version("2.97"));

        Map<String, String> stable = managers.manual("stable");
        Checkout next = managers.release("2.98.0-rc1");
        Checkout.Run run = assertDone(upload(next));
        assertTrue(run.err().contains("manifest.nix is at 2.97.0, 2.98.0-rc1 is a pre-release, and 2.97.0 is out: 'manifest' stays there"), run.err());
        assertTrue(managers.manifest().contains("lix-2.97.0\""), managers.manifest());
        assertEquals(stable, managers.manual("stable"));
        assertEquals("2.98.0-rc1", version("2.98"), "of this MAJOR nothing final is out");
        assertDone(upload(managers.release("2.97.1")));
        assertEquals("2.97.1", version("stable"));

        Checkout.Run pointed = upload(next, "--point-to", "2.98.0-rc1");
        assertEquals(3, pointed.exit(), pointed.err());
        assertTrue(pointed.err().contains("--move-pointers"), pointed.err());
        assertDone(upload(next, "--point-to", "2.98.0-rc1", "--move-pointers", "stable"));
        assertEquals("2.98.0-rc1", version("stable"));
        assertTrue(managers.manifest().contains("lix-2.97.1\""), managers.manifest());
    }

    @Test
    @DisplayName("hazard 46: a run that was overtaken in the middle of a manual stops, and the next one says what is mixed and what fixes that")
    void whatTwoRunsHaveMixedIsSaidAndPutRight() throws IOException {
        assertDone(upload(managers.release("2.95.0")));
        Checkout old = managers.release("2.95.1");
        Checkout young = managers.release("2.96.0");
        String config = old.read("releng.json");
        try (FaultProxy proxy = new FaultProxy(managers.store.endpoint())) {
            old.write("releng.json", config.replace(managers.store.endpoint().toString(), proxy.endpoint().toString()));
            proxy.killing(() -> assertDone(upload(young))).arm(FaultProxy.Fault.MEANWHILE, request ->
                    request.method().equals("PUT") && request.path().contains("/stable/") && request.path().endsWith("/index.html"));
            Checkout.Run run = upload(old);
            assertEquals(1, run.exit(), run.err());
            assertEquals(1, proxy.mistreated(), "2.96.0 came out in the middle of it");
        }
        assertTrue(managers.manifest().contains("lix-2.96.0\""), managers.manifest());
        old.write("releng.json", config);
        Checkout.Run again = upload(old);
        assertEquals(1, again.exit(), again.err());
        assertTrue(again.err().contains("is not that of 2.96.0") && again.err().contains("/stable/") && again.err().contains("--point-to 2.96.0"), again.err());
        assertDone(upload(old, "--point-to", "2.96.0"));
        assertDone(upload(old));
        assertDone(upload(young));
    }

    private String version(String which) {
        return new String(managers.store.get("docs", "manual/lix/" + which + "/releng-version.txt")).split("\\s")[0];
    }
}
