import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import lib.base.Exec;
import lib.base.Fault;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ExecTest {

    /** Stands for a phase: runs a child that would run for ever, and says its process id. */
    public static final class Parent {
        public static void main(String[] args) {
            Exec.of("sh", "-c", "echo $$; exec sleep 1000").run(out -> {
                System.out.println(new BufferedReader(new InputStreamReader(out)).readLine());
                System.out.flush();
            });
        }
    }

    @TempDir
    Path folder;

    @Test
    void outputErrorsAndExitCodeComeBack() throws IOException {
        Path input = Files.writeString(folder.resolve("in put"), "é");
        Exec.Result result = Exec.of("sh", "-c", "cat; echo oops >&2; exit 3").stdin(input).run();
        assertEquals(new Exec.Result(3, "é", "oops\n"), result);
    }

    @Test
    void argumentsArriveAsTheyAre() {
        List<String> arguments = List.of("a b", "", "*", "$HOME", "'\"\\", "new\nline", "é", "-n", ";");
        List<String> line = new ArrayList<>(List.of("sh", "-c", "for a; do printf '%s|' \"$a\"; done", "sh"));
        line.addAll(arguments);
        assertEquals(String.join("|", arguments) + "|", Exec.of(line).run().out());
    }

    @Test
    void aMissingProgramIsNamed() {
        Fault fault = assertThrows(Fault.class, () -> Exec.of("no-such-program-here").run());
        assertEquals("no-such-program-here is not installed", fault.what());
    }

    @Test
    void aFailureShowsWhatTheProgramSaid() {
        Fault fault = assertThrows(Fault.class, () -> Exec.of("sh", "-c", "echo the reason >&2; exit 7").orFail("it failed", "fix it"));
        assertTrue(fault.getMessage().contains("exit code 7") && fault.getMessage().contains("the reason"), fault.getMessage());
    }

    @Test
    @DisplayName("hazard 13: no child survives its parent, whatever killed it")
    void noChildSurvivesWhateverKilledTheParent() throws Exception {
        for (boolean kill : new boolean[] {true, false}) {
            Process parent = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-cp",
                    System.getProperty("java.class.path"), Parent.class.getName()).redirectError(ProcessBuilder.Redirect.INHERIT).start();
            ProcessHandle child;
            try (BufferedReader out = parent.inputReader()) {
                child = ProcessHandle.of(Long.parseLong(out.readLine())).orElseThrow();
                assertTrue(child.isAlive());
                if (kill) {
                    parent.destroyForcibly();
                } else {
                    parent.destroy();
                }
            }
            assertTrue(parent.waitFor(20, TimeUnit.SECONDS));
            child.onExit().get(20, TimeUnit.SECONDS);
            assertFalse(child.isAlive());
        }
    }

    @Test
    void closingAStartedChildEndsIt() throws Exception {
        Process process = Exec.of("sleep", "1000").start();
        long start = System.nanoTime();
        process.getOutputStream().close();
        assertTrue(process.waitFor(20, TimeUnit.SECONDS));
        assertTrue(Duration.ofNanos(System.nanoTime() - start).toSeconds() < 20);
    }

    @Test
    void aChildInheritsNoSecretItIsNotLent() {
        Map<String, String> env = new HashMap<>(Map.of("PATH", System.getenv("PATH")));
        List<String> secrets = List.of("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "AWS_CREDENTIAL_EXPIRATION", "AWS_SECRET_KEY",
                "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_BEARER_TOKEN_BEDROCK",
                "RELENG_SIGNING_KEY", "RELENG_SIGNING_KEY_COMMAND", "RELENG_TEST_S3_SECRET");
        List<String> others = List.of("AWS_PROFILE", "AWS_REGION", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_CA_BUNDLE", "AWS_ENDPOINT_URL", "AWS_VAULT_KEYCHAIN_NAME",
                "REGISTRY_AUTH_FILE", "VAULT_TOKEN", "OP_SESSION", "SSH_AUTH_SOCK", "NIX_CONFIG", "GITHUB_TOKEN", "https_proxy");
        secrets.forEach(name -> env.put(name, "secret"));
        others.forEach(name -> env.put(name, "other"));
        assertEquals(Set.copyOf(others), names(Exec.of("env").baseEnv(env)));
        assertEquals(Set.of("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"), difference(names(Exec.of("env").baseEnv(env).lend(Exec.STORE_KEYS)), others));
        assertEquals(Set.of("RELENG_OF_MINE"), difference(names(Exec.of("env").baseEnv(env).env("RELENG_OF_MINE", "x")), others), "what is set for it by name");
    }

    private static Set<String> names(Exec env) {
        return env.orFail("env", "").lines().map(line -> line.replaceFirst("=.*", ""))
                .filter(name -> !Set.of("PATH", "PWD", "OLDPWD", "SHLVL", "_").contains(name)).collect(Collectors.toSet());
    }

    private static Set<String> difference(Set<String> all, List<String> others) {
        return all.stream().filter(name -> !others.contains(name)).collect(Collectors.toSet());
    }

    @Test
    @DisplayName("no child is started past Exec, nor with anything but the session's environment")
    void everyChildIsStartedByExec() throws IOException {
        Map<String, String> sources = new TreeMap<>();
        try (Stream<Path> files = Stream.concat(Files.list(Home.folder()), Files.walk(Home.folder().resolve("lib")))) {
            for (Path file : files.filter(path -> path.toString().endsWith(".java")).toList()) {
                sources.put(file.getFileName().toString(), Files.readString(file));
            }
        }
        assertEquals(Set.of("Console.java", "Exec.java"), with(sources, "new ProcessBuilder|[.]exec\\("));
        assertTrue(sources.get("Console.java").contains("environment().clear()"), "test -t 2 needs nothing");
        assertEquals(Set.of("Keys.java"), with(sources, "ProcessCredentialsProvider[.]builder"), "which the SDK starts");
        // Keys.java asks for names only.
        assertEquals(Set.of("Cli.java", "Keys.java"), with(sources, "getenv"));
        for (Map.Entry<String, String> source : sources.entrySet()) {
            for (String statement : source.getValue().split("\\bExec\\.of\\(", -1)) {
                boolean first = source.getValue().startsWith(statement);
                assertTrue(first || statement.replaceFirst("(?s);\\s*\n.*", "").contains(".baseEnv("), source.getKey() + ": Exec.of(" + statement.lines().findFirst().orElse(""));
            }
        }
    }

    private static Set<String> with(Map<String, String> sources, String pattern) {
        return sources.entrySet().stream().filter(source -> Pattern.compile(pattern).matcher(source.getValue()).find()).map(Map.Entry::getKey).collect(Collectors.toSet());
    }
}
