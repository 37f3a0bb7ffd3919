import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import lib.config.Environment;
import lib.config.Project;
import lib.publish.Status;
import lib.publish.StatusTable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** upload --target status: ten releases, one of them without release.json, two not whole. */
class StatusTest {

    @RegisterExtension
    static final StatusWorld WORLD = new StatusWorld();

    private static final String ALL = "2.95.0 whole, 2.94.1 whole, 2.94.0 whole, 2.93.0 old, 2.92.0 incomplete, 2.91.1 incomplete, 2.91.0 whole, 2.90.1 whole, 2.90.0 whole, 2.90.0-rc10 whole";

    private static int paths() {
        return WORLD.built.get("2.95.0").closure().size();
    }

    private static List<JsonNode> list(JsonNode array) {
        return StreamSupport.stream(array.spliterator(), false).toList();
    }

    private static List<String> texts(JsonNode array) {
        return list(array).stream().map(JsonNode::asText).toList();
    }

    private static String states(JsonNode status) {
        return list(status.path("releases")).stream().map(release -> release.path("version").asText() + " " + release.path("state").asText()).collect(Collectors.joining(", "));
    }

    private static JsonNode release(JsonNode status, String version) {
        return list(status.path("releases")).stream().filter(release -> release.path("version").asText().equals(version)).findFirst().orElseThrow();
    }

    /** What it lacks, part by part, as PART WHERE: THERE of OF, and the names. */
    private static List<String> lacks(JsonNode release) {
        List<String> lacks = new ArrayList<>();
        for (JsonNode part : release.path("parts")) {
            if (!part.path("missing").isEmpty() || !part.path("other").isEmpty()) {
                lacks.add(part.path("part").asText() + " " + part.path("where").asText() + ": " + part.path("there") + " of " + part.path("of") + ": "
                        + texts(part.path("missing")) + texts(part.path("other")));
            }
        }
        return lacks;
    }

    private static String pointers(JsonNode status, String kind) {
        return list(status.path("pointers")).stream().filter(place -> place.path("pointer").asText().equals(kind))
                .map(place -> place.path("name").asText() + " " + place.path("version").asText() + (place.path("missing").isEmpty() ? "" : " lacks " + texts(place.path("missing"))))
                .collect(Collectors.joining(", "));
    }

    @Test
    void eachReleaseIsWholeOrSaysWhatItLacksAndPointersSayWhereTheyStand() {
        JsonNode status = StatusWorld.status(WORLD.checkout);
        assertEquals(ALL, states(status));
        String git = "--git-dir=" + WORLD.remote;
        String main = WORLD.checkout.git(git, "rev-parse", "main");
        long files = WORLD.files();
        int pages = WORLD.built.get("2.95.0").below("manual").size();
        long size = WORLD.built.get("2.92.0").below("artifacts").get("lix/lix-2.92.0/lix-2.92.0-manual.tar.gz").size();
        assertEquals(List.of("files : " + (files - 2) + " of " + files + ": [lix/lix-2.92.0/lix-2.92.0.tar.gz][lix/lix-2.92.0/lix-2.92.0-manual.tar.gz has 3 bytes, expected " + size + "]",
                "image " + WORLD.repositories.get(1) + ": 0 of 1: [" + WORLD.repositories.get(1) + ":2.92.0][]"), lacks(release(status, "2.92.0")));
        assertEquals(List.of("cache : " + (paths() - 1) + " of " + paths() + ": [" + WORLD.ownPath("2.91.1") + "][]",
                "tag : 0 of 1: [][refs/tags/2.91.1 is on " + main + ", expected " + WORLD.built.get("2.91.1").commit() + "]",
                "manual 2.91: " + (pages - 1) + " of " + pages + ": [manual/lix/2.91/index.html][]"), lacks(release(status, "2.91.1")));
        JsonNode newest = release(status, "2.95.0");
        assertEquals(WORLD.built.get("2.95.0").commit() + " " + WORLD.built.get("2.95.0").date().orElseThrow() + " [main, release-2.95]",
                newest.path("commit").asText() + " " + newest.path("date").asText() + " " + texts(newest.path("branches")));

        assertEquals("manifest.nix 2.95.0", pointers(status, "manifest"));
        assertEquals("latest.json 2.95.0", pointers(status, "latest.json"));
        assertEquals("stable 2.95.0, 2.95 2.95.0, 2.94 2.94.1, 2.93 2.93.0, 2.92 2.92.0, 2.91 2.91.1 lacks [manual/lix/2.91/index.html], 2.90 2.90.1, nightly null", pointers(status, "manual"));
        String tags = "latest 2.95.0, 2.95 2.95.0, 2.94 2.94.1, 2.93 2.93.0, 2.92 2.92.0, 2.91 2.91.1, 2.90 2.90.1";
        assertEquals(tags + ", " + tags, pointers(status, "image"));
        assertEquals("main [2.95.0], release-2.90 [2.90.0-rc10, 2.90.0, 2.90.1], release-2.91 [2.91.0, 2.91.1], release-2.92 [2.92.0], release-2.93 [2.93.0], release-2.94 [2.94.0, 2.94.1], release-2.95 [2.95.0]",
                list(status.path("branches")).stream().map(branch -> branch.path("branch").asText() + " " + texts(branch.path("releases"))).collect(Collectors.joining(", ")));
        assertEquals(main, status.path("branches").get(0).path("commit").asText());
        assertEquals(List.of("2.3.0"), texts(status.path("onlyTagged")));
        assertEquals("true [] [] []", status.path("here").path("out") + " " + status.path("here").path("moves") + " " + status.path("here").path("stays") + " "
                + status.path("here").path("conflicts"), "release/ is what is out");

        assertEquals("2.92.0 incomplete", states(StatusWorld.status(WORLD.checkout, "--release", "2.92.0")));
        assertEquals("2.89.0 absent", states(StatusWorld.status(WORLD.checkout, "--release", "2.89.0")));
    }

    @Test
    void anybodyIsToldTheSameInAFolderThatIsNoCheckout() throws IOException {
        ObjectNode mine = (ObjectNode) StatusWorld.status(WORLD.checkout);
        ObjectNode anybodys = (ObjectNode) StatusWorld.status(WORLD.elsewhere(WORLD.json(true, WORLD.repositories)));
        assertTrue(anybodys.get("here").isNull(), anybodys.toPrettyString());
        assertEquals(mine.without("here").toPrettyString(), anybodys.without("here").toPrettyString());

        Checkout.Run closed = WORLD.elsewhere(WORLD.json(false, WORLD.repositories)).run(new upload(), "--env", "test", "--target", "status");
        assertEquals(2, closed.exit(), closed.err());
        assertTrue(closed.err().contains("test is not public") && closed.out().isEmpty(), closed.err());
    }

    @Test
    void noLineOfTheTableIsLongerThanATerminalIsWide() throws IOException {
        Checkout.Run run = StatusWorld.run(WORLD.checkout, "--verbose");
        assertNarrow(run.out());
        String out = run.out().replaceAll(" +", " ");
        long files = WORLD.files();
        for (String line : List.of("Lix on test: 7 whole, 2 not whole, 1 without release.json\n", "\n 2.90.0-rc10 whole ", "\n 2.92.0 lacks 3 ", " " + (files - 2) + "/" + files + " " + paths() + " 1/2 yes release-2.92\n",
                " " + files + " " + (paths() - 1) + "/" + paths() + " 2 no release-2.91\n", "\n2.91.1 lacks\n " + WORLD.ownPath("2.91.1") + "\n", "\n manual 2.91 2.91.1 lacks 1 page\n",
                "\n image tag latest 2.95.0 in all 2 repositories\n", "\n release-2.94 " + WORLD.built.get("2.94.1").commit().substring(0, 10) + " 2.94.1 and 1 before\n",
                "\nLooked at by name and size; every byte: --target verify --release VERSION\n")) {
            assertTrue(out.contains(line), line + "\nnot in\n" + out);
        }
        String longest = WORLD.repositories.get(1);
        assertTrue(run.out().contains(longest.substring(0, 20)) && run.out().contains("-longer-than-a-line:2.92.0") && !run.out().contains(longest), run.out());
        assertTrue(run.err().contains("==> Looking at what is on test\n"), run.err());
    }

    private static void assertNarrow(String out) {
        assertEquals(List.of(), out.lines().filter(line -> line.length() > 80).toList());
    }

    @Test
    void namesOfAnyLengthFitTheTable() {
        String name = "a-name/of-more-than-a-line-".repeat(6) + "z";
        lib.release.Version version = lib.release.Version.of("2.95.0-rc1000000000000000000000000000000000000000000000000000000000000000");
        List<String> names = List.of(name, "two words " + name);
        Status.Part part = new Status.Part("files", "", 123456, 1234567, names, names, names);
        Status.Place place = new Status.Place("image", "latest", name, Optional.of(version), names, Optional.empty(), Optional.of(name));
        Status.Here here = new Status.Here(Optional.of(WORLD.built.get("2.95.0")), List.of(part), names, List.of(new Status.Move(name, Optional.of(version), version)), names, Optional.empty());
        Status status = new Status(Project.LIX, Environment.LOCAL, List.of(new Status.Release(version, Status.State.incomplete, Optional.empty(), List.of(part), List.of(name))),
                List.of(place, new Status.Place("manual", name, "", Optional.of(version), names, Optional.empty(), Optional.empty())),
                List.of(new Status.Branch(name, "0".repeat(40), new TreeSet<>(List.of(version)))), List.of(version), Optional.of(here), names);
        List<String> lines = new ArrayList<>();
        new StatusTable(Proving.console(lines), status).print(false);
        assertNarrow(String.join("\n", lines));
        assertTrue(lines.stream().anyMatch(line -> line.length() == 80 && line.contains("2.95.") && line.contains("...") && line.endsWith("z")), String.join("\n", lines));
    }

    @Test
    void whatCannotBeAskedIsUnknownAndNotMissing() throws IOException {
        String down;
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            down = "127.0.0.1:" + free.getLocalPort() + "/lix/lix"; // nobody listens there afterwards
        }
        String config = WORLD.json(true, List.of(WORLD.repositories.get(0), down)).replaceFirst("\"git\": \"[^\"]*", "\"git\": \"" + WORLD.folder.resolve("gone.git"));
        Checkout anybody = WORLD.elsewhere(config);
        // Nothing tells which versions there were but what pointers name.
        JsonNode status = StatusWorld.status(anybody);
        assertEquals("2.95.0 unknown", states(status));
        assertEquals(List.of(), lacks(release(status, "2.95.0")));
        assertEquals(List.of("image " + down, "tag", "branch"), list(release(status, "2.95.0").path("parts")).stream().filter(part -> !part.path("unknown").isEmpty())
                .map(part -> (part.path("part").asText() + " " + part.path("where").asText()).strip()).toList());
        assertTrue(texts(status.path("unknown")).get(0).contains("gone.git"), status.path("unknown").toString());
        Checkout.Run run = StatusWorld.run(anybody, "--verbose");
        assertNarrow(run.out());
        assertTrue(run.out().contains("unknown (?)\n") && run.out().contains("  ?  ") && run.out().contains("Lix on test: 1 unknown\n"), run.out());
    }

    @Test
    void whatReleaseHereWouldChangeIsSaid() throws IOException {
        Checkout manager = SweepReleases.copy(WORLD.checkout.folder, WORLD.folder.resolve("manager"));
        WORLD.store.credentials().forEach(manager::with);
        String built = manager.read("release/release.json");
        JsonNode here = here(manager, "2.96.0", built);
        assertEquals("2.96.0 false", here.path("version").asText() + " " + here.path("out"));
        assertEquals("files " + WORLD.files() + ", cache 0, image 1, image 1, tag 1", list(here.path("parts")).stream().filter(part -> !part.path("part").asText().equals("branch"))
                .map(part -> part.path("part").asText() + " " + part.path("missing").size()).collect(Collectors.joining(", ")));
        assertEquals("manual 2.96 null 2.96.0, image tag 2.96 null 2.96.0, image tag latest 2.95.0 2.96.0, manual stable 2.95.0 2.96.0, manifest.nix 2.95.0 2.96.0, latest.json 2.95.0 2.96.0",
                moves(here));
        String table = StatusWorld.run(manager, "--verbose").out();
        assertNarrow(table);
        assertTrue(table.contains("  adds " + WORLD.files() + " files, ") && table.contains("  moves manifest.nix: 2.95.0 -> 2.96.0\n") && table.contains("  adds refs/tags/2.96.0\n"), table);

        here = here(manager, "2.94.2", built); // the guards' rules
        assertEquals("manual 2.94 2.94.1 2.94.2, image tag 2.94 2.94.1 2.94.2", moves(here));
        assertEquals(List.of("image tag latest is at 2.95.0", "manual stable is at 2.95.0", "manifest.nix is at 2.95.0", "latest.json is at 2.95.0"), texts(here.path("stays")));

        here = here(manager, "2.95.0", built.replaceFirst("(-manual\\.tar\\.gz\"[^}]*\"sha256\" ?: \")[0-9a-f]{4}", "$1beef"));
        assertTrue(texts(here.path("conflicts")).stream().anyMatch(text -> text.startsWith("lix/lix-2.95.0/lix-2.95.0-manual.tar.gz holds sha256 ") && text.contains(", expected beef")), here.toPrettyString());
        assertTrue(texts(here.path("conflicts")).stream().anyMatch(text -> text.startsWith("lix/lix-2.95.0/release.json is of another build")), here.toPrettyString());

        manager.write("release/release.json", "{}");
        here = StatusWorld.status(manager).path("here");
        assertTrue(here.path("fault").asText().contains("was not written by build") && here.path("version").isNull(), here.toPrettyString());
    }

    private static JsonNode here(Checkout manager, String version, String built) throws IOException {
        manager.write("release/release.json", built.replaceAll("(\"version\" ?: \"|\"path\" ?: \"lix-|lix/lix-|/lix-)2\\.95\\.0", "$1" + version));
        return StatusWorld.status(manager).path("here");
    }

    private static String moves(JsonNode here) {
        return list(here.path("moves")).stream().map(move -> move.path("pointer").asText() + " " + move.path("from").asText() + " " + move.path("to").asText()).collect(Collectors.joining(", "));
    }

    @Test
    void aLocalEnvironmentThatIsNotThereHasNoReleaseAndIsNotMade() {
        Path local = WORLD.folder.resolve("local");
        Checkout.Run run = WORLD.checkout.run(new upload(), "--env", "local", "--target", "status", "--local-folder", local.toString());
        assertEquals(0, run.exit(), run.err());
        assertNarrow(run.out());
        assertTrue(run.out().startsWith("Lix on local: no release\n") && run.out().contains("  adds " + WORLD.files() + " files, "), run.out());
        assertTrue(Files.notExists(local));
    }
}
