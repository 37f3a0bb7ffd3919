import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import lib.base.Fault;
import lib.nix.Base32;
import lib.nix.Nix;
import lib.release.BuiltRelease;
import lib.release.StoreClosure;
import lib.release.Version;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What release.json tells of the store paths of a release. */
class StoreClosureTest {

    @TempDir
    Path folder;

    private static String path(int i) {
        byte[] hash = new byte[20];
        new Random(i).nextBytes(hash);
        return "/nix/store/" + Base32.encode(hash) + "-package-" + i;
    }

    /** A release of so many paths, each of which refers to itself and some before it. */
    private static BuiltRelease release(int count) {
        SortedMap<String, Nix.PathInfo> closure = new TreeMap<>();
        for (int i = 0; i < count; i++) {
            TreeSet<String> references = new TreeSet<>(List.of(path(i)));
            for (int back = 1; back <= 20 && back <= i; back++) {
                references.add(path(i - back));
            }
            closure.put(path(i), new Nix.PathInfo(path(i), "sha256:" + Base32.encode(new byte[32]), 1000 + i, List.copyOf(references)));
        }
        Nix.Job job = new Nix.Job("build.x86_64-linux", "x86_64-linux", path(count - 1), new TreeMap<>(Map.of("out", path(count - 1))));
        return new BuiltRelease("all", Version.of("2.95.0"), "name", true, "0".repeat(40), Optional.of("2.95.0"), "x86_64-linux", "all", List.of(), List.of(),
                List.of(job)).withClosure(closure);
    }

    private static List<String> faults(String json) {
        return assertThrows(Fault.class, () -> BuiltRelease.parse(json.getBytes(StandardCharsets.UTF_8), "release.json"), json).why();
    }

    private static String text(BuiltRelease release) {
        return new String(release.json(), StandardCharsets.UTF_8);
    }

    @Test
    void buildWritesTheClosureOfWhatItBuilt() throws IOException {
        Checkout checkout = Released.copy(folder.resolve("checkout"));
        Path file = checkout.folder.resolve("release/release.json");
        BuiltRelease built = BuiltRelease.read(file.getParent());
        assertEquals(StoreClosure.of(new Nix(Proving.console(new java.util.ArrayList<>()), checkout.env(), List.of()).closure(built.storePaths())), built.closure());
        assertTrue(built.closure().size() > built.storePaths().size(), built.closure().keySet().toString());
        assertArrayEquals(Files.readAllBytes(file), built.json());
        byte[] before = Files.readAllBytes(file);
        assertEquals(0, checkout.run(new build()).exit());
        assertEquals(new String(before, StandardCharsets.UTF_8), Files.readString(file));
    }

    @Test
    void theManualAloneHasNone() throws IOException {
        Checkout checkout = Released.copy(folder.resolve("checkout"));
        assertEquals(0, checkout.run(new build(), "--target", "manual").exit());
        assertFalse(Files.readString(checkout.folder.resolve("release/release.json")).contains("closure"));
    }

    @Test
    void twelveThousandPathsAreReadQuicklyAndAreNotLarge() {
        BuiltRelease release = release(12_000);
        byte[] json = release.json();
        assertTrue(json.length < 5_000_000, json.length + " bytes");
        BuiltRelease read = assertTimeoutPreemptively(Duration.ofSeconds(20), () -> BuiltRelease.parse(json, "release.json"));
        assertEquals(release, read);
    }

    @Test
    void aReleaseJsonWithoutClosureIsRead() {
        BuiltRelease old = release(3).withClosure(new TreeMap<>());
        assertEquals(old, BuiltRelease.parse(old.json(), "release.json"));
        assertTrue(BuiltRelease.parse(old.json(), "release.json").closure().isEmpty());
    }

    @Test
    void aClosureWithAHoleIsNotEvenWritten() {
        SortedMap<String, Nix.PathInfo> closure = new TreeMap<>(release(3).closure());
        closure.remove(path(0));
        assertThrows(IllegalArgumentException.class, () -> release(3).withClosure(closure).json());
    }

    @Test
    @DisplayName("whatever is wrong in a closure is named, all at once")
    void whateverIsWrongIsNamed() {
        String json = text(release(3));
        List<String> paths = List.copyOf(release(3).closure().keySet());
        for (String[] change : new String[][] {
                {"\"path\":\"/nix/store/", "\"path\":\"nix/store/", "closure[0].path cannot be"},
                {"\"path\":\"[^\"]*\"", "\"path\":7", "closure[0].path cannot be 7"},
                {"\"path\":\"[^\"]*\",", "", "closure[0].path cannot be left out"},
                {"\"path\":\"" + paths.get(1), "\"path\":\"" + paths.get(0), "is there twice"},
                {"sha256:0", "sha256:e", "closure[0].narHash cannot be"},
                {"sha256:0", "sha1:0", "closure[0].narHash cannot be"},
                {"\"narSize\":10", "\"narSize\":-10", "closure[0].narSize cannot be -10"},
                {"\"narSize\":10", "\"narSize\":1.5e", "closure[0].narSize cannot be"},
                {"\"narSize\":10", "\"narSize\":99999999999999999999", "closure[0].narSize cannot be"},
                {"\"references\":\\[", "\"references\":[3,", "closure[0].references cannot have 3"},
                {"\"references\":\\[", "\"references\":[-1,", "closure[0].references cannot have -1"},
                {"\"references\":\\[", "\"references\":[\"0\",", "closure[0].references cannot have \"0\""},
                {"\"references\":\\[(\\d)", "\"references\":[$1,$1", "closure[0].references has"},
                {"\"references\":\\[[0-9,]*\\]", "\"references\":7", "closure[0].references cannot be 7"},
                {",\"references\":\\[[0-9,]*\\]", "", "closure[0].references cannot be left out"},
                {"\"narSize\"", "\"more\":1,\"narSize\"", "closure[0].more is not known here"},
                {"\\{\"path\"", "7, {\"path\"", "closure[0].path cannot be left out"}}) {
            String changed = json.replaceFirst(change[0], change[1]);
            assertFalse(changed.equals(json), change[0]);
            assertTrue(faults(changed).stream().anyMatch(fault -> fault.contains(change[2])), change[2] + " not in " + faults(changed));
        }
        String other = json.replaceFirst("\"path\":\"/nix/store/", "\"path\":\"/gnu/store/").replaceAll("(\"drvPath\": \"|\"out\": \")/nix", "$1/nix");
        assertTrue(faults(other).toString().contains("is of another store"), faults(other).toString());
        String swapped = json.replace(paths.get(0), "X").replace(paths.get(1), paths.get(0)).replace("X", paths.get(1));
        assertTrue(faults(swapped).toString().contains("should stand before"), faults(swapped).toString());
        assertTrue(faults(json.replaceFirst("\"closure\": \\[[^\\]]*(\\][^\\]]*)*\\]", "\"closure\": {}")).toString().contains("closure should be a list"));
        assertTrue(faults(json.replaceFirst("(?s)\"closure\": .*", "\"closure\": []\n}")).toString().contains("lacks " + path(2) + ", which was built"));
        String loose = json.replaceAll("\"references\":\\[[0-9,]*\\]", "\"references\":[]");
        assertEquals(2, faults(loose).stream().filter(fault -> fault.contains("which nothing refers to that was built")).count(), faults(loose).toString());
        List<String> many = faults(text(release(3_000)).replace("\"narSize\":", "\"narSize\":-").replace("sha256:", "md5:"));
        assertEquals(21, many.size(), many.toString());
        assertTrue(many.get(20).contains("5980 more faults"), many.toString());
        assertEquals(2, faults(json.replaceFirst("sha256:", "md5:").replaceFirst("\"references\":\\[", "\"references\":[9,")).size());
    }
}
