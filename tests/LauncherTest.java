import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import javax.tools.ToolProvider;
import lib.base.Exec;
import lib.base.FileTree;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The jbang file of this repository, run as a process on small scripts. */
class LauncherTest {

    /** Prints its arguments, each ended by a NUL, or does what the first one says; "wait" is ended by a signal. */
    private static final String PROBE = """
            import java.nio.charset.StandardCharsets;

            public class Probe {
                public static void main(String[] args) throws Exception {
                    switch (args.length == 0 ? "" : args[0]) {
                        case "copy" -> System.in.transferTo(System.out);
                        case "exit" -> System.exit(Integer.parseInt(args[1]));
                        case "wait" -> {
                            System.out.println(ProcessHandle.current().pid());
                            new java.util.concurrent.CountDownLatch(1).await(); // until the signal that the test sends
                        }
                        case "where" -> System.out.print(System.getenv("JBANG_LAUNCH_CMD") + "\\n" + System.getProperty("user.dir"));
                        default -> {
                            for (String arg : args) {
                                System.out.write((arg + "\\0").getBytes(StandardCharsets.UTF_8));
                            }
                        }
                    }
                    System.out.flush();
                }
            }
            """;

    private static final Path LAUNCHER = Home.folder().resolve("jbang");

    /** Shared, so that JBang is fetched and the probe built once; its name has what shells stumble over. */
    @TempDir
    static Path shared;
    private static Path jbangDir;
    private static Path probe;

    @TempDir
    Path temp;

    @BeforeAll
    static void fetchOnce() throws Exception {
        jbangDir = shared.resolve("jbang dir");
        probe = Files.createDirectories(shared.resolve("it's a $HOME")).resolve("Probe.java");
        Files.writeString(probe, PROBE);
        String users = System.getenv().getOrDefault("JBANG_DIR", System.getProperty("user.home") + "/.jbang");
        seed(Path.of(users), jbangDir);
        assertEquals("", run(shared, Map.of(), LAUNCHER, probe).text());
    }

    @Test
    void argumentsArriveUnchanged() throws Exception {
        String[] args = {"a b", " ", "it's", "\"", "*", "~", "$HOME ${HOME} $(id)", "`id`", "\\", "a\\nb", "line\nline\n",
            "cr\rlf", "tab\t", "é 日 🚀", "!", "&", ";", "#", "%{x}", "@file", "@@", "-x", "--verbose", "--", "-Dx=y", "run"};
        Files.writeString(temp.resolve("file"), "not this");
        assertArrayEquals(args, run(temp, Map.of(), LAUNCHER, probe, args).args());
    }

    @Test
    void emptyArgumentsArriveEmpty() throws Exception {
        String[] args = {"", "a", "", ""};
        assertArrayEquals(args, run(temp, Map.of(), LAUNCHER, probe, args).args());
    }

    @Test
    void nonAsciiArrivesWithoutALocale() throws Exception {
        assumeTrue(run(temp, Map.of(), Path.of("/usr/bin/env"), "locale", "-a").text().contains("C.utf8"), "no C.UTF-8 here");
        Ran ran = run(temp, Map.of("LANG", "", "LC_ALL", "", "LC_CTYPE", ""), LAUNCHER, probe, "é 日");
        assertArrayEquals(new String[] {"é 日"}, ran.args());
    }

    @Test
    void stdinArrivesUntouched() throws Exception {
        byte[] bytes = new byte[300_000];
        new Random(1).nextBytes(bytes);
        Path input = Files.write(temp.resolve("input"), bytes);
        ProcessBuilder builder = process(temp, Map.of(), LAUNCHER, probe, "copy").redirectInput(input.toFile());
        assertArrayEquals(bytes, run(builder).out());
    }

    @Test
    void exitCodeIsTheScripts() throws Exception {
        assertEquals(3, run(temp, Map.of(), LAUNCHER, probe, "exit", "3").status());
        // JBang itself says 255 for "run this".
        assertEquals(255, run(temp, Map.of(), LAUNCHER, probe, "exit", "255").status());
    }

    @Test
    void signalsReachTheScript() throws Exception {
        Process process = process(temp, Map.of(), LAUNCHER, probe, "wait").redirectError(temp.resolve("err").toFile()).start();
        try (var out = process.inputReader()) {
            assertEquals(Long.toString(process.pid()), out.readLine());
            process.destroy();
            assertTrue(process.waitFor(1, TimeUnit.MINUTES));
            assertEquals(128 + 15, process.exitValue());
        } finally {
            process.destroyForcibly();
        }
    }

    @Test
    void linksAndFoldersMayHaveAnyName() throws Exception {
        Path folder = Files.createDirectories(temp.resolve("a \"b\" 'c' $d"));
        Path home = house(folder.resolve("house"));
        Files.createSymbolicLink(folder.resolve("absolute link"), home.resolve("jbang"));
        Path link = Files.createSymbolicLink(folder.resolve("link to link"), Path.of("absolute link"));
        Path jdk = folder.resolve("j d k");
        for (String program : List.of("java", "javac")) {
            executable(jdk.resolve("bin").resolve(program), "exec '" + System.getProperty("java.home") + "/bin/" + program + "' \"$@\"");
        }
        Files.copy(Path.of(System.getProperty("java.home"), "release"), jdk.resolve("release"));
        Path cwd = Files.createDirectories(folder.resolve("work"));
        Ran ran = run(cwd, Map.of("JAVA_HOME", jdk.toString()), link, "../house/Probe.java", "where");
        assertEquals(home.toRealPath().resolve("jbang") + "\n" + cwd.toRealPath(), ran.text());
    }

    @Test
    void aliasesWorkFromAnywhere() throws Exception {
        Path home = house(temp.resolve("a house"));
        Path cwd = Files.createDirectories(temp.resolve("work"));
        // Nothing of this may come in between: JBang's own build command, a folder, another catalog.
        Files.createDirectories(cwd.resolve("build"));
        Files.writeString(cwd.resolve("jbang-catalog.json"), "{\"aliases\": {\"build\": {\"script-ref\": \"other.java\"}}}");
        assertArrayEquals(new String[] {"of the alias", "", "x"}, run(cwd, Map.of(), home.resolve("jbang"), "build", "", "x").args());
        assertArrayEquals(new String[] {"of the alias", ""}, run(home, Map.of(), Path.of("./jbang"), "--quiet", "run", "build", "").args());

        Path at = house(temp.resolve("house@2"));
        assertArrayEquals(new String[] {"of the alias", "x"}, run(at, Map.of(), at.resolve("jbang"), "build", "x").args());
    }

    @Test
    void whatIsNoScriptIsLeftToJBang() throws Exception {
        String pinned = Files.readAllLines(LAUNCHER).stream()
                .filter(line -> line.startsWith("jbang_version=")).findFirst().orElseThrow().substring("jbang_version=".length());
        assertEquals(pinned + "\n", run(temp, Map.of(), LAUNCHER, "version").text());
        Ran unknown = run(temp, Map.of(), LAUNCHER, "no-such-alias", "");
        assertTrue(unknown.status() > 0 && unknown.err().contains("no-such-alias") && unknown.out().length == 0, unknown::toString);
    }

    @Test
    void threeFirstRunsAtOnceAllWork() throws Exception {
        assumeTrue(Missing.onPath("mvn"), "no Maven here");
        assertEquals(1, firstRunsAtOnce(temp.resolve("empty"), Map.of()).split("fetching JBang", -1).length - 1);
        assertEquals(List.of(), leftIn(temp.resolve("empty")));
    }

    @Test
    void withoutFlockADeadHolderOfTheLockIsPassedBy() throws Exception {
        seed(jbangDir, temp.resolve("seeded"));
        Process dead = new ProcessBuilder("true").start();
        dead.waitFor();
        Files.createSymbolicLink(temp.resolve("seeded/cache/launcher/holder"), Path.of(Long.toString(dead.pid())));
        firstRunsAtOnce(temp.resolve("seeded"), Map.of("PATH", pathWithout("flock").toString()));
        assertEquals(List.of(), leftIn(temp.resolve("seeded")));
    }

    @Test
    void missingAndOldJavaAreNamed() throws Exception {
        Path jdk = Files.createDirectories(temp.resolve("jdk"));
        Map<String, String> atJdk = Map.of("JAVA_HOME", jdk.toString());
        assertFault(run(temp, atJdk, LAUNCHER, probe), "no Java at " + jdk + "/bin/java");
        executable(jdk.resolve("bin/java"), "exit 1");
        assertFault(run(temp, atJdk, LAUNCHER, probe), jdk + "/bin/java does not state its version");
        Files.writeString(jdk.resolve("release"), "IMPLEMENTOR=\"x\"\nJAVA_VERSION=\"11.0.2\"\n");
        assertFault(run(temp, atJdk, LAUNCHER, probe), jdk + "/bin/java cannot compile");
        executable(jdk.resolve("bin/javac"), "exit 1");
        assertFault(run(temp, atJdk, LAUNCHER, probe), "it is Java 11, the scripts need 17");
        assertFault(run(temp, Map.of("JAVA_HOME", "", "PATH", pathWithout("java").toString()), LAUNCHER, probe), "no Java found");
    }

    @Test
    void aFailedFetchIsExplainedAndLeavesNothing() throws Exception {
        Path empty = temp.resolve("empty");
        Files.writeString(Files.createDirectories(empty.resolve("cache/launcher/fetch")).resolve("x.jar"), "of a killed run");
        Path path = pathWithout("mvn");
        Map<String, String> variables = Map.of("JBANG_DIR", empty.toString(), "PATH", path.toString());
        assertFault(run(temp, variables, LAUNCHER, probe), "no Maven found");
        assertFault(run(temp, Map.of("JBANG_DIR", "/dev/null/x"), LAUNCHER, probe), "cannot write to /dev/null/x");
        executable(path.resolve("mvn"), "echo '[ERROR] no such mirror'; exit 1");
        assertFault(run(temp, variables, LAUNCHER, probe), "it says: [ERROR] no such mirror");
        executable(path.resolve("mvn"), "for a; do case $a in *:jar:all) a=${a#*-cli:}; echo > jbang-cli-${a%%:*}-all.jar; esac; done");
        assertFault(run(temp, variables, LAUNCHER, probe), "the JBang that Maven fetched is not the one expected");
        assertEquals(List.of(), leftIn(empty));
    }

    @Test
    void aJBangThatWasChangedIsNotRun() throws Exception {
        seed(jbangDir, temp.resolve("seeded"));
        Path jar = launched(temp.resolve("seeded"));
        Files.write(jar, new byte[1], StandardOpenOption.APPEND);
        assertFault(run(temp, Map.of("JBANG_DIR", temp.resolve("seeded").toString()), LAUNCHER, probe), "the JBang in " + jar + " is not the one expected");
    }

    // --- the libraries of the phases

    @Test
    void aLibraryThatWasChangedIsRefusedByNameAndRunsAtNoTime() throws Exception {
        Path home = phases(temp.resolve("a house"));
        Map<String, String> offline = offline();
        run(home, offline, Path.of("./jbang"), "pin").text();
        List<String> pinned = Files.readAllLines(home.resolve("jars.sha256"));
        assertEquals(1, pinned.size(), pinned::toString);
        assertTrue(pinned.get(0).matches("[0-9a-f]{64}  info/picocli/picocli/[^/]+/picocli-[^/]+\\.jar"), pinned.get(0));
        assertEquals("phase", run(temp, offline, home.resolve("jbang"), home.resolve("Phase.java")).text());

        Path jar = picocli(repository());
        FileTime time = Files.getLastModifiedTime(jar);
        addWhatBuildsWouldRun(jar);
        for (FileTime shown : List.of(Files.getLastModifiedTime(jar), time)) { // JBang looks at times
            Files.setLastModifiedTime(jar, shown);
            Files.writeString(home.resolve("Phase.java"), "// edited, so that it is built\n", StandardOpenOption.APPEND);
            for (Object[] way : new Object[][] {{home.resolve("Phase.java")}, {"build"}, {"run", "build"}, {"run", "-Dany=1", home.resolve("Phase.java").toString()}}) {
                boolean known = way.length == 1 || way[1].equals("build");
                Ran refused = run(home, offline, home.resolve("jbang"), way[0], Stream.of(way).skip(1).map(Object::toString).toArray(String[]::new));
                assertFault(refused, jar + ": has the SHA-256 ");
                assertEquals(0, refused.out().length);
                assertFalse(known && Files.exists(temp.resolve("ran")), "the library ran while the script was built");
            }
        }
        assertFault(run(home, offline, home.resolve("jbang"), "pin"), jar + ": has the SHA-256 ");
        assertEquals(pinned, Files.readAllLines(home.resolve("jars.sha256")));
    }

    @Test
    void aLibraryThatIsNotListedIsRefusedWithTheCommandThatListsIt() throws Exception {
        Path home = phases(temp.resolve("house"));
        Map<String, String> offline = offline();
        Ran refused = run(temp, offline, home.resolve("jbang"), home.resolve("Phase.java"));
        assertFault(refused, picocli(repository()) + ": is unlisted\n  next: if you added the //DEPS that brings it: '" + home.toRealPath().resolve("jbang") + "' pin;");
        assertEquals(0, refused.out().length);
        run(temp, offline, home.resolve("jbang"), "pin").text();
        assertEquals("phase", run(temp, offline, home.resolve("jbang"), home.resolve("Phase.java")).text());
    }

    @Test
    void onlyWhatIsNoPhaseRunsWithOtherLibraries() throws Exception {
        Path home = phases(temp.resolve("house"));
        Map<String, String> offline = offline();
        Path tool = Files.createDirectories(home.resolve("tests")).resolve("Tool.java");
        Files.writeString(tool, Files.readString(home.resolve("Phase.java")).replace("Phase", "Tool").replace("phase", "tool"));
        Path copy = Files.copy(home.resolve("Phase.java"), Files.createDirectories(temp.resolve("elsewhere")).resolve("Phase.java"));
        assertEquals("tool", run(temp, offline, home.resolve("jbang"), tool).text());
        assertFault(run(temp, offline, home.resolve("jbang"), copy), ": is unlisted");
    }

    @Test
    void theListIsWhatThePhasesName() throws Exception {
        Path home = Files.createDirectories(temp.resolve("house"));
        for (String name : List.of("jbang", "prepare.java", "tag.java", "build.java", "upload.java", "lib")) {
            Exec.of("cp", "-a", Home.folder().resolve(name).toString(), home.toString()).orFail("cp", "");
        }
        run(temp, Map.of(), home.resolve("jbang"), "pin").text();
        assertEquals(Files.readString(Home.folder().resolve("jars.sha256")), Files.readString(home.resolve("jars.sha256")), "run ./jbang pin");
    }

    /** A folder with the launcher and a phase that has a library; the phase says so when it runs. */
    private static Path phases(Path folder) throws IOException {
        Path home = house(folder);
        Files.delete(home.resolve("Probe.java"));
        Files.writeString(home.resolve("Phase.java"), """
                //DEPS info.picocli:picocli:%s
                public class Phase {
                    public static void main(String[] args) {
                        System.out.print(picocli.CommandLine.class == null ? "" : "phase");
                    }
                }
                """.formatted(PICOCLI.getParent().getFileName()));
        Files.writeString(home.resolve("jbang-catalog.json"), "{\"aliases\": {\"build\": {\"script-ref\": \"Phase.java\"}}}");
        return home;
    }

    private static final Path PICOCLI = Path.of(picocli.CommandLine.class.getProtectionDomain().getCodeSource().getLocation().getPath());

    /** With a repository and a cache of its own: JBang remembers where it found a library. */
    private Map<String, String> offline() throws IOException {
        seed(jbangDir, temp.resolve("own"));
        return Map.of("JBANG_REPO", repository().toString(), "JBANG_DIR", temp.resolve("own").toString());
    }

    /** A Maven repository with one library, which a test may spoil. */
    private Path repository() throws IOException {
        Path repository = temp.resolve("repository");
        if (!Files.exists(repository)) {
            FileTree.copy(PICOCLI.getParent(), Files.createDirectories(picocli(repository).getParent()));
        }
        return repository;
    }

    private static Path picocli(Path repository) {
        return repository.resolve("info/picocli/picocli").resolve(PICOCLI.getParent().getFileName()).resolve(PICOCLI.getFileName());
    }

    /** An annotation processor, which javac would run, and an integration, which JBang would; both leave a file. */
    private void addWhatBuildsWouldRun(Path jar) throws IOException {
        Path source = Files.writeString(temp.resolve("Evil.java"), """
                public class Evil extends javax.annotation.processing.AbstractProcessor {
                    static {
                        try {
                            java.nio.file.Files.createFile(java.nio.file.Path.of("%s"));
                        } catch (java.io.IOException e) {
                            throw new java.io.UncheckedIOException(e);
                        }
                    }
                    @Override public boolean process(java.util.Set<? extends javax.lang.model.element.TypeElement> types, javax.annotation.processing.RoundEnvironment round) {
                        return false;
                    }
                }
                """.formatted(temp.resolve("ran")));
        assertEquals(0, ToolProvider.getSystemJavaCompiler().run(null, null, null, "-proc:none", source.toString()));
        try (FileSystem zip = FileSystems.newFileSystem(jar)) {
            Files.copy(temp.resolve("Evil.class"), zip.getPath("Evil.class"));
            Files.createDirectories(zip.getPath("META-INF/services"));
            Files.writeString(zip.getPath("META-INF/services/javax.annotation.processing.Processor"), "Evil\n");
            Files.writeString(zip.getPath("META-INF/jbang-integration.list"), "Evil\n");
        }
    }

    private static Path launched(Path jbangDir) throws IOException {
        try (Stream<Path> files = Files.list(jbangDir.resolve("cache/launcher"))) {
            return files.filter(file -> file.toString().endsWith(".jar")).findFirst().orElseThrow();
        }
    }

    /** Runs the probe three times at once where it is not yet built; what they said on standard error. */
    private String firstRunsAtOnce(Path jbangDir, Map<String, String> more) throws Exception {
        Map<String, String> variables = new HashMap<>(more);
        variables.put("JBANG_DIR", jbangDir.toString());
        List<Process> processes = new ArrayList<>();
        try {
            for (int i = 0; i < 3; i++) {
                processes.add(process(temp, variables, LAUNCHER, probe, "run " + i)
                        .redirectOutput(temp.resolve("out" + i).toFile()).redirectError(temp.resolve("err" + i).toFile()).start());
            }
            StringBuilder said = new StringBuilder();
            for (int i = 0; i < 3; i++) {
                assertTrue(processes.get(i).waitFor(3, TimeUnit.MINUTES));
                said.append(Files.readString(temp.resolve("err" + i)));
                assertEquals("run " + i + "\0", Files.readString(temp.resolve("out" + i)), said::toString);
            }
            return said.toString();
        } finally {
            processes.forEach(Process::destroyForcibly);
        }
    }

    private static void assertFault(Ran ran, String expected) {
        assertEquals(1, ran.status(), ran::toString);
        assertTrue(ran.err().contains(expected) && ran.err().contains("error: ") && ran.err().contains("\n  next: "), ran::toString);
    }

    /** A folder with the launcher, a catalog and the probe. */
    private static Path house(Path folder) throws IOException {
        Files.createDirectories(folder);
        Files.copy(LAUNCHER, folder.resolve("jbang"), StandardCopyOption.COPY_ATTRIBUTES);
        Files.copy(probe, folder.resolve("Probe.java"));
        Files.writeString(folder.resolve("jbang-catalog.json"),
                "{\"aliases\": {\"build\": {\"script-ref\": \"Probe.java\", \"arguments\": [\"of the alias\"]}}}");
        return folder;
    }

    /** A folder with the programs the launcher uses, but one. */
    private Path pathWithout(String program) throws IOException {
        Path folder = Files.createDirectories(temp.resolve("bin"));
        for (String name : List.of("awk", "bash", "flock", "grep", "java", "ln", "mkdir", "mv", "mvn", "readlink", "rm",
                "sha256sum", "shasum", "sleep", "tail")) {
            for (String from : System.getenv("PATH").split(":")) {
                Path real = Path.of(from, name).toAbsolutePath();
                if (!name.equals(program) && !Files.exists(folder.resolve(name)) && Files.isExecutable(real)) {
                    executable(folder.resolve(name), "exec '" + real + "' \"$@\"");
                }
            }
        }
        return folder;
    }

    private static void executable(Path file, String body) throws IOException {
        Program.write(file, "#!/bin/sh\n" + body + "\n");
    }

    /** Spares the tests that are not about it the download. */
    private static void seed(Path from, Path to) throws IOException {
        Path folder = Files.createDirectories(to.resolve("cache/launcher"));
        if (!Files.isDirectory(from.resolve("cache/launcher"))) {
            return;
        }
        try (var jars = Files.newDirectoryStream(from.resolve("cache/launcher"), "*.jar")) {
            for (Path jar : jars) {
                Files.copy(jar, folder.resolve(jar.getFileName()));
            }
        }
    }

    /** What a launcher left behind besides the jar and the file it locks. */
    private static List<String> leftIn(Path jbangDir) throws IOException {
        try (Stream<Path> files = Files.list(jbangDir.resolve("cache/launcher"))) {
            return files.map(file -> file.getFileName().toString())
                    .filter(name -> !name.equals("lock") && !name.matches("jbang-cli-.*-all\\.jar")).toList();
        }
    }

    private static ProcessBuilder process(Path cwd, Map<String, String> variables, Path program, Object first, String... rest) {
        List<String> command = new ArrayList<>(List.of(program.toString(), first.toString()));
        command.addAll(List.of(rest));
        ProcessBuilder builder = new ProcessBuilder(command).directory(cwd.toFile());
        builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
        builder.environment().put("JBANG_DIR", jbangDir.toString());
        builder.environment().remove("JAVA_TOOL_OPTIONS");
        builder.environment().putAll(variables);
        return builder;
    }

    private static Ran run(Path cwd, Map<String, String> variables, Path program, Object first, String... rest) throws Exception {
        return run(process(cwd, variables, program, first, rest));
    }

    private static Ran run(ProcessBuilder builder) throws Exception {
        Path out = Files.createTempFile(shared, "out", "");
        Path err = Files.createTempFile(shared, "err", "");
        Process process = builder.redirectOutput(out.toFile()).redirectError(err.toFile()).start();
        try {
            process.getOutputStream().close();
            assertTrue(process.waitFor(3, TimeUnit.MINUTES), () -> builder.command() + " hangs");
            return new Ran(process.exitValue(), Files.readAllBytes(out), Files.readString(err));
        } finally {
            process.destroyForcibly();
        }
    }

    private record Ran(int status, byte[] out, String err) {

        String text() {
            assertEquals(0, status, err);
            return new String(out, UTF_8);
        }

        String[] args() {
            String all = text();
            return all.isEmpty() ? new String[0] : all.substring(0, all.length() - 1).split("\0", -1);
        }

        @Override
        public String toString() {
            return "exit " + status + ", " + out.length + " bytes, and on standard error:\n" + err;
        }
    }
}
