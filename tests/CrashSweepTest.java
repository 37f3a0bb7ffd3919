import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/**
 * upload, killed at each of its requests, or with each of them failing: consumers find the old release whole or
 * the new one whole, and another run ends where an uninterrupted one would have. Requests of a stage go out at
 * once, so that the Nth is not the same each time: its stage is. A sample of each stage; all with --slow.
 */
@Order(1)
class CrashSweepTest {

    private static final boolean ALL = Boolean.getBoolean("releng.slow");
    /** So many runs hit every request once. */
    private static final int PARTS = 7;
    private static final List<FaultProxy.Fault> PASSING = List.of(FaultProxy.Fault.ERROR_500, FaultProxy.Fault.ERROR_500_AFTER, FaultProxy.Fault.SLOW_DOWN_503,
            FaultProxy.Fault.RESET_BEFORE, FaultProxy.Fault.RESET_AFTER, FaultProxy.Fault.CUT_REQUEST, FaultProxy.Fault.CUT_ANSWER);

    @TempDir
    static Path folder;

    private static SweepReleases releases;
    private static SweepConsumer consumer;
    private static SortedMap<String, String> old;
    private static SortedMap<String, String> next;
    /** The numbers of the requests of an uninterrupted run, by their stage, in the order the stages begin. */
    private static final Map<String, List<Integer>> STAGES = new LinkedHashMap<>();
    private static List<String> warnings;
    private static int requests;
    private static int lastWrite;
    private static final ConcurrentLinkedQueue<SweepWorld> FREE = new ConcurrentLinkedQueue<>();
    private static final AtomicInteger MADE = new AtomicInteger();

    @BeforeAll
    static void anUninterruptedRun() throws Exception {
        releases = new SweepReleases(folder.resolve("releases"));
        in(world -> {
            old = world.state();
            try (FaultProxy proxy = world.proxied()) {
                Checkout.Run run = world.upload();
                assertEquals(0, run.exit(), run.err());
                warnings = warnings(run);
                String reading = "asking";
                for (FaultProxy.Request request : proxy.log()) {
                    reading = switch (stage(request)) {
                        case "write cache NAR" -> "verifying";
                        case "write releases manifest.nix" -> "looking back";
                        default -> reading;
                    };
                    STAGES.computeIfAbsent(request.writes() ? stage(request) : reading, s -> new ArrayList<>()).add(request.number());
                }
                List<String> nars = proxy.log().stream().filter(request -> stage(request).equals("write cache NAR")).map(FaultProxy.Request::path).toList();
                assertEquals(List.copyOf(new java.util.LinkedHashSet<>(nars)), nars, "a NAR that two paths have is sent once");
                requests = proxy.log().size();
                FaultProxy.Request last = proxy.log().stream().filter(FaultProxy.Request::writes).reduce((first, second) -> second).orElseThrow();
                assertEquals("write releases manifest.nix", stage(last), "the last write");
                lastWrite = last.number();
            }
            next = world.state();
        });
        consumer = new SweepConsumer(releases, old, next);
    }

    @AfterAll
    static void close() throws Exception {
        for (SweepWorld world : FREE) {
            world.close();
        }
    }

    @TestFactory
    Stream<DynamicTest> killed() {
        TreeMap<Integer, FaultProxy.Fault> when = new TreeMap<>();
        for (int n = 1; ALL && n <= requests; n++) {
            when.put(n, n % 2 == 0 ? FaultProxy.Fault.KILL_BEFORE : FaultProxy.Fault.KILL_AFTER);
        }
        for (List<Integer> numbers : STAGES.values()) {
            when.putIfAbsent(middle(numbers), when.size() % 2 == 0 ? FaultProxy.Fault.KILL_BEFORE : FaultProxy.Fault.KILL_AFTER);
        }
        when.put(1, FaultProxy.Fault.KILL_BEFORE);
        when.put(lastWrite, FaultProxy.Fault.KILL_BEFORE);
        System.out.println("crash sweep: " + (when.size() + 1) + " kills, " + requests + " requests");
        Stream<DynamicTest> tests = when.entrySet().stream().map(entry -> test(entry.getValue() + " request " + entry.getKey() + " of " + requests
                + ", " + stage(entry.getKey()), world -> kill(world, entry.getValue(), entry.getKey())));
        return Stream.concat(tests, Stream.of(test("KILL_AFTER the last write", world -> kill(world, FaultProxy.Fault.KILL_AFTER, lastWrite))));
    }

    private void kill(SweepWorld world, FaultProxy.Fault fault, int number) throws Exception {
        try (FaultProxy proxy = world.proxied()) {
            Process process = world.forked();
            proxy.killing(() -> process.toHandle().destroyForcibly()).arm(fault, request -> request.number() == number);
            if (!process.waitFor(4, TimeUnit.MINUTES)) {
                process.destroyForcibly();
                throw new AssertionError("upload neither ended nor was killed: " + world.said());
            }
            assertEquals(137, process.exitValue(), world.said());
            proxy.awaitIdle();
        }
        consumersAreContent(world);
        theNextRunFinishes(world);
    }

    @TestFactory
    @DisplayName("a seventh of the requests fail, once each")
    Stream<DynamicTest> failingOnce() {
        return PASSING.stream().flatMap(fault -> Stream.iterate(0, part -> part + 1).limit(PARTS)
                .filter(part -> ALL || part == fault.ordinal() % PARTS)
                .map(part -> test(fault + ", part " + part, world -> failOnce(world, fault, part))));
    }

    private void failOnce(SweepWorld world, FaultProxy.Fault fault, int part) throws Exception {
        try (FaultProxy proxy = world.proxied()) {
            proxy.arm(fault, request -> request.before() == 0 && (Math.floorMod((request.method() + request.path()).hashCode(), PARTS) == part || rare(request)));
            Checkout.Run run = world.upload();
            assertEquals(0, run.exit(), run.err());
            assertEquals(warnings, warnings(run), "what passes must not be taken for a property of the store");
            assertTrue(proxy.mistreated() > requests / PARTS / 2, proxy.mistreated() + " requests were mistreated");
            assertSame(next, world.state());
            nothingToSend(world);
        }
    }

    @TestFactory
    @DisplayName("a request that is never answered is given up after the client's own timeout, and sent again")
    Stream<DynamicTest> stalled() {
        return STAGES.values().stream().filter(numbers -> ALL || numbers.contains(lastWrite)).map(CrashSweepTest::middle)
                .map(number -> test("STALL request " + number + ", " + stage(number), world -> stall(world, number)));
    }

    private void stall(SweepWorld world, int number) throws Exception {
        assumeTrue(ALL, "it takes the client's timeout, a minute: --slow runs it, for each stage");
        try (FaultProxy proxy = world.proxied()) {
            proxy.arm(FaultProxy.Fault.STALL, request -> request.number() == number);
            Checkout.Run run = world.upload();
            assertEquals(0, run.exit(), run.err());
            assertEquals(1, proxy.mistreated());
        }
        assertSame(next, world.state());
    }

    // Those of which there are few are hit in every part, and probes, whose names are new each time.
    private static boolean rare(FaultProxy.Request request) {
        return request.writes() && (stage(request).equals("probe") || STAGES.getOrDefault(stage(request), List.of()).size() <= 3);
    }

    @TestFactory
    @DisplayName("from some request on all fail; or one is forbidden")
    Stream<DynamicTest> failingForGood() {
        List<FaultProxy.Fault> faults = new ArrayList<>(PASSING);
        faults.add(FaultProxy.Fault.FORBIDDEN_403);
        List<List<Integer>> stages = List.copyOf(STAGES.values());
        return faults.stream().flatMap(fault -> Stream.iterate(0, stage -> stage + 1).limit(stages.size())
                .filter(stage -> ALL || fault.ordinal() % 2 == 0 && stage == (faults.indexOf(fault) * 3 + 1) % stages.size())
                .map(stage -> middle(stages.get(stage)))
                .map(number -> test(fault + " from request " + number + " on, " + stage(number), world -> failForGood(world, fault, number))));
    }

    private void failForGood(SweepWorld world, FaultProxy.Fault fault, int number) throws Exception {
        try (FaultProxy proxy = world.proxied()) {
            boolean once = fault == FaultProxy.Fault.FORBIDDEN_403;
            proxy.arm(fault, request -> once ? request.number() == number : request.number() >= number);
            Checkout.Run run = world.upload();
            assertTrue(proxy.mistreated() > 0, "nothing was mistreated");
            if (once && stage(number).equals("write images probe")) {
                assertEquals(0, run.exit(), "a registry need not let us take back an upload that was begun: " + run.err());
                return;
            }
            assertTrue(run.exit() == 1 || run.exit() == 3 && withoutProbes(world.state()).equals(old), run.exit() + ": " + run.err());
            assertTrue(run.err().contains("://") && run.err().contains("next: ") && run.err().contains(fault.answer()), run.err());
            assertFalse(run.err().contains("\tat ") || run.err().contains("unexpectedly") || run.err().lines().count() > 60, run.err());
            if (once) {
                FaultProxy.Request forbidden = proxy.log().get(number - 1);
                // All uploads to a registry begin alike.
                assertTrue(forbidden.path().endsWith("/blobs/uploads/") || proxy.log().stream().skip(number).noneMatch(request ->
                        request.method().equals(forbidden.method()) && request.path().equals(forbidden.path())), "403 is not tried again: " + forbidden);
            }
            proxy.awaitIdle();
        }
        consumersAreContent(world);
        theNextRunFinishes(world);
    }

    @Test
    @DisplayName("a new page of the stable manual comes before the pages that link to it")
    void newPagesComeFirst() throws Exception {
        in(world -> {
            world.restore(releases);
            try (FaultProxy proxy = world.proxied()) {
                proxy.arm(FaultProxy.Fault.FORBIDDEN_403, request -> request.writes() && request.path().contains("/stable/release-notes/rl-2.95.html"));
                Checkout.Run run = world.upload();
                assertEquals(1, run.exit(), run.err());
                assertEquals(1, proxy.mistreated(), run.err());
            }
            consumersAreContent(world);
        });
    }

    @Test
    @DisplayName("the sweep's consumer sees what is not whole")
    void theSweepsConsumerSeesWhatIsNotWhole() throws Exception {
        in(world -> {
            Path built = world.checkout().folder.resolve("release");
            world.restore(releases);
            assertEquals(List.of(), consumer.faults(world));
            sees(world, "is not there, or not whole", () -> Files.delete(firstNar(world)));
            sees(world, "is not there, or not whole", () -> Files.write(firstNar(world), new byte[] {1}));
            sees(world, "is not what was built", () -> Files.delete(world.bucket("releases").resolve("lix/lix-2.94.1/lix-2.94.1.tar.gz")));
            sees(world, "neither the old nor the new", () -> Files.writeString(world.bucket("docs").resolve("manual/lix/stable/index.html"), "half"));
            sees(world, "stable/404.html is gone", () -> Files.delete(world.bucket("docs").resolve("manual/lix/stable/404.html")));
            sees(world, "neither the old nor the new", () -> Files.writeString(world.bucket("releases").resolve("lix/stray"), "x"));
            sees(world, "names 2.95.0", () -> Files.copy(built.resolve("artifacts/manifest.nix"), world.bucket("releases").resolve("manifest.nix"),
                    java.nio.file.StandardCopyOption.REPLACE_EXISTING));
            sees(world, "manifest.nix names no version", () -> Files.delete(world.bucket("releases").resolve("manifest.nix")));
            sees(world, "profiles.html is gone", () -> Files.delete(world.bucket("docs").resolve("manual/lix/stable/package-management/profiles.html")));
            sees(world, "a link into nothing: toc.html -> release-notes/rl-2.95.html", () -> Files.copy(built.resolve("manual/toc.html"),
                    world.bucket("docs").resolve("manual/lix/stable/toc.html"), java.nio.file.StandardCopyOption.REPLACE_EXISTING));
            String image = releases.old.images().get(0).layers().get(0).blob();
            sees(world, "lacks " + image, () -> Files.delete(world.registry().blob(image)));
            sees(world, "lacks " + image, () -> Files.write(world.registry().blob(image), new byte[] {1}));
            sees(world, "names 2.94.1, and its images are not under 2.94.1", () -> lib.base.FileTree.remove(world.registry().repository(SweepReleases.IMAGES)
                    .resolve("_manifests/tags/2.94.1")));
            sees(world, "is there before its branch", () -> world.checkout().git("push", "--quiet", world.remote().folder.toString(), "2.95.0"));
        });
    }

    private interface Damage {
        void done() throws Exception;
    }

    private static void sees(SweepWorld world, String fault, Damage damage) throws Exception {
        world.restore(releases);
        damage.done();
        List<String> faults = consumer.faults(world);
        assertTrue(faults.stream().anyMatch(seen -> seen.contains(fault)), fault + "\nnot in\n" + faults);
    }

    private static Path firstNar(SweepWorld world) throws Exception {
        try (Stream<Path> nars = Files.list(world.bucket("cache").resolve("nar"))) {
            return nars.sorted().findFirst().orElseThrow();
        }
    }

    private static void consumersAreContent(SweepWorld world) throws Exception {
        world.awaitIdle();
        assertEquals("", String.join("\n", consumer.faults(world)));
    }

    private static void theNextRunFinishes(SweepWorld world) throws Exception {
        world.direct();
        Checkout.Run run = world.upload();
        assertEquals(0, run.exit(), run.err());
        assertSame(next, withoutProbes(world.state()));
        nothingToSend(world);
    }

    private static List<String> warnings(Checkout.Run run) {
        return run.err().lines().filter(line -> line.startsWith("warning: ")).toList();
    }

    private static void nothingToSend(SweepWorld world) {
        Checkout.Run run = world.upload();
        assertTrue(run.exit() == 0 && run.err().contains("nothing to do") && run.out().isEmpty(), run.err());
    }

    // A store that fails for good lets us write a probe, and not remove it; a later run does, when it is old.
    private static SortedMap<String, String> withoutProbes(SortedMap<String, String> state) {
        state.keySet().removeIf(key -> key.contains("/.releng-probe"));
        return state;
    }

    // Of two maps with hundreds of entries only what differs is worth reading.
    private static void assertSame(SortedMap<String, String> expected, SortedMap<String, String> actual) {
        SortedMap<String, String> missing = new TreeMap<>(expected);
        missing.entrySet().removeAll(actual.entrySet());
        SortedMap<String, String> surplus = new TreeMap<>(actual);
        surplus.entrySet().removeAll(expected.entrySet());
        assertEquals(missing, surplus);
    }

    private static int middle(List<Integer> numbers) {
        return numbers.get(numbers.size() / 2);
    }

    private static String stage(int number) {
        return STAGES.entrySet().stream().filter(stage -> stage.getValue().contains(number)).map(Map.Entry::getKey).findFirst().orElse("");
    }

    /** What kind of thing a request reads or writes: {@code write cache narinfo}, {@code write docs manual stable}. */
    static String stage(FaultProxy.Request request) {
        if (request.path().startsWith("/v2/")) {
            String at = request.path().replaceAll("^/v2/" + SweepReleases.IMAGES + "/", "");
            String what = at.contains("digest=") ? "blob" : at.contains("/uploads/") ? request.method().equals("POST") ? "upload" : "probe"
                    : at.startsWith("manifests/sha256:") ? "manifest" : at.startsWith("manifests/") ? "tag " + at.replaceAll(".*/", "") : at;
            return (request.writes() ? "write images " : "read images ") + what;
        }
        String[] parts = request.path().substring(1).replaceAll("[?].*", "").split("/");
        String key = String.join("/", Arrays.copyOfRange(parts, 1, parts.length));
        String what = key.startsWith("nar/") ? "NAR" : key.endsWith(".ls") ? "listing" : key.endsWith(".narinfo") ? "narinfo"
                : key.startsWith("lix/lix-") ? "artifact" : key.startsWith("manual/") ? "manual " + parts[3]
                : key.isEmpty() ? request.writes() ? "deletion" : "bucket" : key;
        if (key.startsWith(".releng-probe")) {
            return "probe";
        }
        return (request.writes() ? "write " : "read ") + parts[0] + " " + what;
    }

    private interface Work {
        void in(SweepWorld world) throws Exception;
    }

    private static DynamicTest test(String name, Work work) {
        return DynamicTest.dynamicTest(name, () -> in(world -> {
            world.restore(releases);
            work.in(world);
        }));
    }

    /** With a world that nobody else uses meanwhile. */
    private static void in(Work work) throws Exception {
        SweepWorld free = FREE.poll();
        SweepWorld world = free != null ? free : SweepWorld.of(releases, folder.resolve("world" + MADE.incrementAndGet()));
        try {
            work.in(world);
        } finally {
            FREE.add(world);
        }
    }
}
