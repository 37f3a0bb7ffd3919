import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/**
 * Another manager's whole release of the next MAJOR in between, at the question and at a request of each stage of ours:
 * users of it never fall back, and what is mixed is said until it is put right. A sample of the stages; all with --slow.
 */
@Execution(ExecutionMode.SAME_THREAD)
class ManagersSweepTest {

    private static final boolean ALL = Boolean.getBoolean("releng.slow");
    /** The stages in which two do meet. */
    private static final List<String> SAMPLE = List.of("write docs manual stable", "write releases manifest.nix");

    @TempDir
    static Path folder;

    private static SweepReleases releases;
    private static SweepWorld world;
    private static Checkout young;
    private static SortedMap<String, String> both;
    private static final Map<String, List<Integer>> STAGES = new LinkedHashMap<>();

    @BeforeAll
    static void oneAfterTheOther() throws Exception {
        releases = new SweepReleases(folder.resolve("releases"));
        Checkout checkout = releases.checkout(folder.resolve("young"));
        checkout.git("checkout", "--quiet", "releng/test");
        checkout.write("doc/manual/rl-next/handle.md", "---\nsynopsis: \"The handle stays cool\"\nprs: 4112\ncategory: Fixes\n---\n\nIt used to be hot.\n");
        SweepReleases.release(checkout, "2.96.0", "Tarte Tatin");
        world = SweepWorld.of(releases, folder.resolve("world"));
        young = world.manager(checkout.folder);
        try (FaultProxy proxy = world.proxied()) {
            Managers.assertDone(world.upload());
            proxy.log().stream().filter(FaultProxy.Request::writes).forEach(request ->
                    STAGES.computeIfAbsent(CrashSweepTest.stage(request), stage -> new ArrayList<>()).add(request.number()));
        }
        Managers.assertDone(Managers.upload(young));
        both = consumers();
    }

    @AfterAll
    static void close() throws Exception {
        world.close();
    }

    // Digests and references. The registry remembers what a tag named before: nobody sees that; and a copy may spell a type in another way.
    private static SortedMap<String, String> consumers() throws IOException {
        SortedMap<String, String> state = new TreeMap<>(world.state());
        state.replaceAll((key, value) -> value.replaceAll(" \\{.*", ""));
        state.keySet().removeIf(key -> key.contains("/_manifests/tags/") && key.contains("/index/"));
        return state;
    }

    @Test
    @DisplayName("hazard 46: in between at the question")
    void atTheQuestion() throws Exception {
        world.restore(releases);
        world.direct();
        Checkout.Run run = Managers.confirmedAfter(() -> Managers.assertDone(Managers.upload(young)), world.checkout());
        assertEquals(3, run.exit(), run.err());
        theYoungOneIsFollowed();
        allEndsAsOneAfterTheOther();
    }

    @TestFactory
    @DisplayName("hazard 46: in between at each stage")
    Stream<DynamicTest> atEachStage() {
        System.out.println("sweep of two managers: " + (ALL ? STAGES.keySet() : SAMPLE));
        return STAGES.entrySet().stream().filter(stage -> ALL || SAMPLE.contains(stage.getKey())).flatMap(stage ->
                Stream.of(FaultProxy.Fault.MEANWHILE, FaultProxy.Fault.MEANWHILE_AFTER).filter(when -> ALL || when == FaultProxy.Fault.MEANWHILE)
                        .map(when -> DynamicTest.dynamicTest(when + " " + stage.getKey(), () -> at(when, stage.getKey(), stage.getValue().size() / 2))));
    }

    /** At the so many-th request of a stage. */
    private static void at(FaultProxy.Fault when, String stage, int before) throws Exception {
        world.restore(releases);
        try (FaultProxy proxy = world.proxied()) {
            int[] seen = {0};
            proxy.killing(() -> Managers.assertDone(Managers.upload(young)))
                    .arm(when, request -> request.writes() && CrashSweepTest.stage(request).equals(stage) && next(seen) == before);
            Checkout.Run run = world.upload();
            assertEquals(1, proxy.mistreated(), run.err());
            assertTrue(run.exit() == 0 || run.exit() == 1 && run.err().contains("next: ") && !run.err().contains("unexpectedly"), run.exit() + ": " + run.err());
        }
        theYoungOneIsFollowed();
        allEndsAsOneAfterTheOther();
    }

    private static synchronized int next(int[] seen) {
        return seen[0]++;
    }

    private static void theYoungOneIsFollowed() throws IOException {
        assertTrue(Files.readString(world.bucket("releases").resolve("manifest.nix")).contains("-lix-2.96.0\""));
        assertTrue(Files.readString(world.bucket("releases").resolve("lix/latest.json")).contains("\"version\": \"2.96.0\""));
        assertTrue(Files.readString(world.bucket("docs").resolve("manual/lix/stable/releng-version.txt")).startsWith("2.96.0 "));
        SortedMap<String, String> now = consumers();
        for (String key : both.keySet()) {
            if (key.contains("/_manifests/tags/latest/")) {
                assertEquals(both.get(key), now.get(key), key);
            }
        }
    }

    private static void allEndsAsOneAfterTheOther() throws Exception {
        world.direct();
        Checkout.Run again = world.upload();
        if (again.exit() != 0) {
            assertTrue(again.exit() == 1 && again.err().contains("--point-to 2.96.0 fixes that"), again.err());
            Managers.assertDone(world.checkout().run(new upload(), "--env", "test", "--noconfirm", "--point-to", "2.96.0"));
            Managers.assertDone(world.upload());
        }
        Managers.assertDone(Managers.upload(young));
        SortedMap<String, String> missing = new TreeMap<>(both);
        SortedMap<String, String> surplus = new TreeMap<>(consumers());
        missing.entrySet().removeAll(consumers().entrySet());
        surplus.entrySet().removeAll(both.entrySet());
        assertEquals(missing, surplus);
    }
}
