import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import lib.base.Exec;
import lib.base.FileTree;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** upload --target installer. */
class InstallersTest {

    private static final List<String> SYSTEMS = List.of("aarch64-darwin", "aarch64-linux", "x86_64-linux");

    @TempDir
    Path folder;

    private final Store store = new Store();
    private Checkout checkout;

    @BeforeEach
    void project() throws IOException {
        checkout = Checkout.empty(folder.resolve("checkout"));
        checkout.write("version.json", "{\"version\": \"2.95.0\", \"release_name\": \"Bici Bici\"}");
        checkout.git("add", "--all");
        checkout.git("commit", "--quiet", "--message=start");
        configure(SYSTEMS.toString().replaceAll("[a-z0-9_]+-[a-z]+", "\"$0\""));
        store.credentials().forEach(checkout::with);
    }

    @AfterEach
    void close() {
        store.close();
    }

    /** What the project says of its installers, as JSON. */
    private void configure(String installers, String... edits) throws IOException {
        String json = store.config(folder.resolve("nowhere.git")).replaceFirst("\\{", "{\"project\": {\"installers\": " + installers + "}, ");
        for (int i = 0; i < edits.length; i += 2) {
            json = json.replace(edits[i], edits[i + 1]);
        }
        checkout.write("releng.json", json);
    }

    /** A folder with an installer of a version for each system. */
    private Path built(String version, List<String> systems) throws IOException {
        Path built = Files.createDirectories(folder.resolve("built-" + version));
        for (String system : systems) {
            Files.write(built.resolve("lix-installer-" + system), ExecutableTest.program(system, "https://releases.example.org/lix/lix-" + version + "/nix-" + version + "-" + system + ".tar.xz"));
        }
        return built;
    }

    private Checkout.Run upload(String... arguments) {
        List<String> line = new ArrayList<>(List.of("--env", "test", "--noconfirm", "--target", "installer"));
        line.addAll(List.of(arguments));
        return checkout.run(new upload(), line.toArray(new String[0]));
    }

    private Checkout.Run publish(String version, String... more) throws IOException {
        List<String> line = new ArrayList<>(List.of("--from", built(version, SYSTEMS).toString(), "--release", version));
        line.addAll(List.of(more));
        Checkout.Run run = upload(line.toArray(new String[0]));
        assertEquals(0, run.exit(), run.err());
        return run;
    }

    private static void assertRefused(Checkout.Run run, String... saying) {
        assertEquals(3, run.exit(), run.err());
        for (String text : saying) {
            assertTrue(run.err().contains(text), text + "\nnot in\n" + run.err());
        }
    }

    /** The version of each system's installer that users get. */
    private Set<String> pointers() {
        return Set.copyOf(SYSTEMS.stream().map(system -> new String(store.get("install", "lix/lix-installer-" + system), StandardCharsets.ISO_8859_1)
                .replaceAll("(?s).*/lix-([^/]+)/.*", "$1")).toList());
    }

    @Test
    void installersArePublishedProvedAndPointedToAndThenNothingIsLeftToDo() throws Exception {
        Path built = built("2.95.0", SYSTEMS);
        Checkout.Run plan = upload("--from", built.toString(), "--plan");
        assertEquals(0, plan.exit(), plan.err());
        assertEquals(List.of("installers: new files", "verify: the installers, fetched back", "installer: new files", "verify: the installers that users get"),
                plan.out().lines().filter(line -> !line.startsWith(" ")).map(line -> line.replaceAll(" \\(.*", "")).toList());
        assertEquals(Map.of(), store.content("install"));

        Checkout.Run first = upload("--from", "../" + built.getFileName());
        assertEquals(0, first.exit(), first.err());
        assertTrue(first.err().contains("proved: installers in lix/lix-2.95.0/ 3") && first.err().contains("proved: installers in lix/ 3"), first.err());
        SortedMap<String, String> content = store.content("install");
        assertEquals(6, content.size(), content.toString());
        for (String system : SYSTEMS) {
            byte[] bytes = Files.readAllBytes(built.resolve("lix-installer-" + system));
            assertArrayEquals(bytes, store.get("install", "lix/lix-2.95.0/lix-installer-" + system));
            assertArrayEquals(bytes, store.get("install", "lix/lix-installer-" + system));
        }
        for (String role : List.of("releases", "cache", "docs")) {
            assertEquals(Map.of(), store.content(role), role);
        }
        assertEquals("public, max-age=60", header("lix/lix-installer-x86_64-linux"));
        assertTrue(header("lix/lix-2.95.0/lix-installer-x86_64-linux").contains("immutable"));

        Checkout.Run second = upload("--from", built.toString());
        assertTrue(second.exit() == 0 && second.err().contains("nothing to do: test already has Lix 2.95.0's installers"), second.err());
        assertEquals("", second.out());
        assertEquals(content, store.content("install"));
    }

    private String header(String key) {
        return store.client().headObject(request -> request.bucket(store.bucket("install")).key(key)).cacheControl();
    }

    @Test
    void whatAnybodyFetchesRuns() throws Exception {
        assumeTrue(store.anonymousReads() && System.getProperty("os.name").equals("Linux"));
        String system = System.getProperty("os.arch").replace("amd64", "x86_64") + "-linux";
        Path built = Files.createDirectories(folder.resolve("built"));
        byte[] program = Files.readAllBytes(Path.of("/bin/true"));
        Files.write(built.resolve("lix-installer-" + system), (new String(program, StandardCharsets.ISO_8859_1) + "2.95.0").getBytes(StandardCharsets.ISO_8859_1));
        configure("[\"" + system + "\"]", "\"region\"", "\"urls\": {\"install\": \"" + store.endpoint() + "/" + store.bucket("install") + "\"}, \"region\"");
        Checkout.Run run = upload("--from", built.toString());
        assertEquals(0, run.exit(), run.err());
        Path fetched = folder.resolve("fetched");
        Files.write(fetched, java.net.URI.create(store.endpoint() + "/" + store.bucket("install") + "/lix/lix-installer-" + system).toURL().openStream().readAllBytes());
        assertTrue(fetched.toFile().setExecutable(true));
        Exec.of(fetched.toString()).orFail("the installer", "");
    }

    @Test
    void allThatIsWrongWithAFolderIsRefusedAtOnce() throws IOException {
        publish("2.94.0");
        SortedMap<String, String> before = store.content("install");
        Path built = built("2.95.0", List.of("x86_64-linux", "x86_64-darwin"));
        Files.write(built.resolve("lix-installer-aarch64-linux"), ExecutableTest.program("x86_64-linux", "2.94.0"));
        Files.writeString(built.resolve("lix-installer-x86_64-linux.sha256"), "x");
        Files.writeString(built.resolve("nix-installer-x86_64-linux"), "x");
        Files.createDirectory(built.resolve("lix-installer-riscv64-linux"));
        assertRefused(upload("--from", built.toString()), "lix-installer-aarch64-darwin is missing: Lix 2.94.0 had one",
                "lix-installer-aarch64-linux is no program for aarch64-linux: it is an ELF file for x86_64", "lix-installer-aarch64-linux does not contain 2.95.0",
                "lix-installer-x86_64-darwin is one too many: the project has installers for [aarch64-darwin, aarch64-linux, x86_64-linux]",
                "lix-installer-x86_64-linux.sha256 is no name of an installer", "nix-installer-x86_64-linux is no name of an installer",
                "lix-installer-riscv64-linux is no file", "nothing was published");
        assertRefused(upload("--from", folder.resolve("none").toString()), "it is no folder");
        checkout.write("version.json", "{\"version\": \"2.96.0-dev\", \"release_name\": \"TBD\"}");
        checkout.git("commit", "--quiet", "--all", "--message=on");
        assertRefused(upload("--from", built.toString()), "2.96.0-dev, which is never released".substring(0, 10), "--release");
        assertEquals(before, store.content("install"));
    }

    @Test
    void whatTheLastReleaseHadMustBeThereUnlessTheProjectSaysOtherwise() throws IOException {
        configure("null");
        assertRefused(upload("--from", built("2.94.0", List.of()).toString(), "--release", "2.94.0"), "it is empty");
        publish("2.94.0");
        Path built = built("2.95.0", List.of("x86_64-linux", "aarch64-darwin", "riscv64-linux"));
        assertRefused(upload("--from", built.toString()), "lix-installer-aarch64-linux is missing: Lix 2.94.0 had one");
        configure("[\"x86_64-linux\", \"aarch64-darwin\", \"riscv64-linux\"]");
        Checkout.Run run = upload("--from", built.toString());
        assertEquals(0, run.exit(), run.err());
        assertTrue(run.err().contains("no installer for aarch64-linux any more, though Lix 2.94.0 had one"), run.err());
        assertTrue(new String(store.get("install", "lix/lix-installer-aarch64-linux"), StandardCharsets.ISO_8859_1).contains("2.94.0"), "its users keep what they have");
    }

    @Test
    void thePointerNeverGoesBackUnlessTold() throws IOException {
        publish("2.95.0-rc1");
        assertEquals(Set.of("2.95.0-rc1"), pointers(), "nothing final is out");
        publish("2.96.0");
        Checkout.Run maintenance = publish("2.95.1");
        assertTrue(maintenance.err().contains("the installer is at 2.96.0: 'installer' stays there; --move-pointers installer would move it"), maintenance.err());
        Checkout.Run candidate = publish("2.97.0-rc1");
        assertTrue(candidate.err().contains("the installer is at 2.96.0, 2.97.0-rc1 is a pre-release, and 2.96.0 is out"), candidate.err());
        assertEquals(Set.of("2.96.0"), pointers());
        assertTrue(store.content("install").containsKey("lix/lix-2.97.0-rc1/lix-installer-x86_64-linux"));
        publish("2.95.1", "--move-pointers", "installer");
        assertEquals(Set.of("2.95.1"), pointers());
        publish("2.96.0");
        assertEquals(Set.of("2.96.0"), pointers());
    }

    @Test
    void aPointerOfNobodyKnowsWhichVersionIsNotMovedBlindly() throws IOException {
        store.put("install", "lix/lix-installer-x86_64-linux", ExecutableTest.program("x86_64-linux", "2.99.0"));
        Path built = built("2.95.0", SYSTEMS);
        assertRefused(upload("--from", built.toString()), "/lix/lix-installer-x86_64-linux does not state its version", "--move-pointers installer moves it anyway");
        assertEquals(1, store.content("install").size());
        publish("2.95.0", "--move-pointers", "installer");
        assertEquals(Set.of("2.95.0"), pointers());
    }

    @Test
    void publishedInstallersDoNotChangeUnlessTheyAreReplacedByName() throws IOException {
        publish("2.95.0");
        SortedMap<String, String> before = store.content("install");
        Path built = built("2.95.0", SYSTEMS);
        Files.write(built.resolve("lix-installer-x86_64-linux"), ExecutableTest.program("x86_64-linux", "rebuilt: /lix-2.95.0/"));
        assertRefused(upload("--from", built.toString()), "lix/lix-2.95.0/lix-installer-x86_64-linux holds sha256", "nothing was written");
        configure("null", "\"region\"", "\"guarded\": true, \"region\"");
        assertRefused(upload("--from", built.toString(), "--replace"), "--replace lix-2.95.0");
        assertEquals(before, store.content("install"));
        Checkout.Run run = upload("--from", built.toString(), "--replace", "lix-2.95.0");
        assertEquals(0, run.exit(), run.err());
        for (String key : List.of("lix/lix-2.95.0/lix-installer-x86_64-linux", "lix/lix-installer-x86_64-linux")) {
            assertArrayEquals(Files.readAllBytes(built.resolve("lix-installer-x86_64-linux")), store.get("install", key));
        }
    }

    @Test
    void withoutProofThePointerDoesNotMoveAndTheNextRunMovesIt() throws IOException {
        publish("2.94.0");
        Path built = built("2.95.0", SYSTEMS);
        try (FaultProxy broken = new FaultProxy(store.endpoint()).arm(FaultProxy.Fault.FORBIDDEN_403,
                request -> request.method().equals("GET") && request.path().contains("/lix-2.95.0/lix-installer"))) {
            configure("null", store.endpoint().toString(), broken.endpoint().toString());
            Checkout.Run run = upload("--from", built.toString());
            assertEquals(1, run.exit(), run.err());
            assertEquals(Set.of("2.94.0"), pointers());
            assertTrue(store.content("install").containsKey("lix/lix-2.95.0/lix-installer-x86_64-linux"));
        }
        configure("null");
        assertEquals(0, upload("--from", built.toString()).exit());
        assertEquals(Set.of("2.95.0"), pointers());
    }

    @Test
    void keysAreAskedForTheBucketOfInstallersAlone() throws IOException {
        AccessTest.FakeSsh ssh = new AccessTest.FakeSsh(Files.createDirectory(folder.resolve("bin")));
        ssh.prints(store.id(), store.secret());
        configure("null", "\"region\"", "\"keysFrom\": \"keys.example.org\", \"region\"");
        checkout.env().keySet().removeAll(store.credentials().keySet());
        checkout.with("PATH", ssh.folder + ":" + System.getenv("PATH")).with("HOME", Files.createDirectory(folder.resolve("home")).toString());
        publish("2.95.0");
        assertTrue(ssh.calls().size() == 1 && ssh.calls().get(0).endsWith("--age-secs 3600 " + store.bucket("install")), ssh.calls().toString());
    }

    @Test
    void withoutTheTypedSentenceNothingIsPublished() throws IOException {
        Path built = built("2.95.0", SYSTEMS);
        Checkout.Run run = checkout.answering("yes\n", new upload(), "--env", "test", "--target", "installer", "--from", built.toString());
        assertRefused(run, "To publish Lix 2.95.0's installers on test", "not confirmed");
        assertEquals(Map.of(), store.content("install"));
        assertEquals(0, checkout.answering("I want to release this to test\n", new upload(), "--env", "test", "--target", "installer", "--from", built.toString()).exit());
    }

    @Test
    void whatMakesNoSenseIsAUsageError() throws IOException {
        FileTree.remove(folder.resolve("built-2.95.0"));
        String from = built("2.95.0", SYSTEMS).toString();
        for (List<String> line : List.of(List.of("--target", "installer"), List.of("--from", from), List.of("--target", "manual", "--from", from),
                List.of("--target", "installer", "--from", from, "--point-to", "2.94.0"), List.of("--target", "installer", "--point-to", "2.94.0"))) {
            List<String> all = new ArrayList<>(List.of("--env", "test", "--noconfirm"));
            all.addAll(line);
            Checkout.Run run = checkout.run(new upload(), all.toArray(new String[0]));
            assertEquals(2, run.exit(), line + run.err());
            assertFalse(run.err().contains("failed unexpectedly"), run.err());
        }
        Checkout.Run run = checkout.run(new upload(), "--env", "test", "--point-to", "2.94.0", "--move-pointers", "installer");
        assertTrue(run.exit() == 2 && run.err().contains("--target installer --from DIR --release 2.94.0 --move-pointers installer"), run.err());
        assertEquals(Map.of(), store.content("install"));
    }
}
