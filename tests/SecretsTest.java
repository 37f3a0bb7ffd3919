import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import lib.base.Exec;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.core.sync.RequestBody;

/** Runs upload as a process of its own and looks everywhere for the secrets it was given. */
@DisplayName("hazard 36: secrets")
class SecretsTest {

    private static final List<String> ROLES = List.of("releases", "cache", "docs", "install");
    private static final String CANARY = "Zq83NobodyMaySeeThisvB17";

    @TempDir
    Path folder;

    private final Store store = new Store();
    private DockerRegistry registry;
    private Checkout checkout;
    private Path remote;
    private Path tmp;
    private Path bin;
    private Path keyFile;
    private AccessTest.FakeSsh ssh;
    private Search search;

    @BeforeEach
    void release() throws IOException {
        checkout = Released.copy(folder.resolve("checkout"));
        remote = folder.resolve("remote.git");
        checkout.git("init", "--quiet", "--bare", remote.toString());
        registry = DockerRegistry.withPassword(folder.resolve("registry"));
        checkout.with("REGISTRY_AUTH_FILE", Files.writeString(folder.resolve("auth.json"), registry.login()).toString());
        checkout.write("releng.json", store.config(remote, registry.host() + "/lix/lix").replace("\"region\"", "\"keysFrom\": \"store.example.org\", \"region\""));
        tmp = Files.createDirectory(folder.resolve("tmp"));
        bin = Files.createDirectory(folder.resolve("bin"));
        keyFile = folder.resolve("key");
        Exec.of("nix-store", "--generate-binary-cache-key", "test-1", keyFile.toString(), folder.resolve("key.pub").toString()).orFail("key", "");
        ssh = new AccessTest.FakeSsh(Files.createDirectory(folder.resolve("ssh")));
        ssh.prints(store.id(), store.secret());
        for (String program : List.of("git", "nix", "nix-store", "sh", "test", "stty")) {
            wrap(program, "");
        }
        checkout.env().keySet().removeIf(name -> name.startsWith("AWS_") || name.startsWith("RELENG_SIGNING_KEY") || name.equals("XDG_RUNTIME_DIR"));
        checkout.with("HOME", Files.createDirectory(folder.resolve("home")).toString()).with("TMPDIR", tmp.toString())
                .with("PATH", bin + ":" + ssh.folder + ":" + System.getenv("PATH"));
        search = new Search();
        search.forSecret("the store's secret", store.secret());
        search.forSecret("the canary", CANARY);
        search.forSecret("the registry's password", DockerRegistry.PASSWORD);
        search.forSecret("the registry's password, encoded", Base64.getEncoder().encodeToString((DockerRegistry.USER + ":" + DockerRegistry.PASSWORD).getBytes()));
        String key = Files.readString(keyFile).strip().replaceFirst(".*:", "");
        search.forSecret("the signing key", key);
        search.forSecret("the signing key, decoded", new String(Base64.getDecoder().decode(key), StandardCharsets.ISO_8859_1));
    }

    @AfterEach
    void close() throws IOException {
        registry.close();
        store.close();
    }

    /** Looks for secrets in bytes, and remembers which was found where. */
    private static final class Search {

        private final Map<String, String> secrets = new LinkedHashMap<>();
        final Set<String> found = new TreeSet<>();

        void forSecret(String name, String secret) {
            secrets.put(name, secret);
        }

        void in(String place, byte[] bytes) {
            String text = new String(bytes, StandardCharsets.ISO_8859_1);
            secrets.forEach((name, secret) -> {
                if (text.contains(secret)) {
                    found.add(name + " in " + place);
                }
            });
        }

        void inFile(Path file) throws IOException {
            in(file.toString(), file.toString().getBytes());
            in(file.toString(), Files.readAllBytes(file));
        }

        void inFolder(Path folder) throws IOException {
            try (Stream<Path> files = Files.walk(folder)) {
                for (Path file : files.filter(path -> Files.isRegularFile(path, LinkOption.NOFOLLOW_LINKS)).toList()) {
                    inFile(file);
                }
            }
        }

        /** Everything git has, which its files hold compressed. */
        void inRepository(Checkout checkout) {
            in(checkout.folder + ", an object", checkout.git("cat-file", "--batch-all-objects", "--batch").getBytes(StandardCharsets.UTF_8));
        }

        void inStore(Store store) {
            for (String role : ROLES) {
                for (String key : store.content(role).keySet()) {
                    var object = store.client().getObjectAsBytes(request -> request.bucket(store.bucket(role)).key(key));
                    in("s3://" + role + "/" + key, (key + object.response()).getBytes(StandardCharsets.UTF_8));
                    in("s3://" + role + "/" + key, object.asByteArray());
                }
            }
        }

        /** The command line, which everybody on the machine can read, of a process and all it started. */
        void inProcesses(ProcessHandle process) {
            Stream.concat(Stream.of(process), process.descendants()).forEach(one -> {
                try {
                    in("a command line", Files.readAllBytes(Path.of("/proc/" + one.pid() + "/cmdline")));
                } catch (IOException e) {
                    // it has ended
                }
            });
        }
    }

    /** Puts a program first on PATH that notes its command line and environment, does something, and goes on as the real one. */
    private void wrap(String program, String shell) throws IOException {
        Path real = Stream.of(System.getenv("PATH").split(":")).map(one -> Path.of(one, program)).filter(Files::isExecutable).findFirst().orElseThrow();
        Program.write(bin.resolve(program), "#!/bin/sh\n{ echo; echo \"= " + program + "\" \"$@\"; env; } >>'" + folder.resolve("children") + "'\n"
                + shell + "\nexec '" + real + "' \"$@\"\n");
    }

    private void withVariables() throws IOException {
        store.credentials().forEach(checkout::with);
        checkout.with("RELENG_SIGNING_KEY", Files.readString(keyFile));
    }

    private Process start(String... arguments) throws IOException {
        // A shell has what it starts in the background ignore INT, and so would whatever that starts: these tests, and upload.
        List<String> line = new ArrayList<>(List.of("env", "--default-signal=INT", Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Djava.io.tmpdir=" + tmp, "-Dslf4j.provider=org.slf4j.nop.NOPServiceProvider",
                "-cp", System.getProperty("java.class.path"), "upload", "--env", "test", "--noconfirm", "--verbose"));
        line.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(line).directory(checkout.folder.toFile())
                .redirectOutput(ProcessBuilder.Redirect.appendTo(folder.resolve("out").toFile())).redirectErrorStream(true);
        builder.environment().clear();
        builder.environment().putAll(checkout.env());
        return builder.start();
    }

    /** Runs upload to its end, with an eye on the process list; returns its exit code. */
    private int upload(String... arguments) throws Exception {
        Process process = start(arguments);
        do {
            search.inProcesses(process.toHandle());
        } while (!process.waitFor(50, TimeUnit.MILLISECONDS));
        return process.exitValue();
    }

    private String output() throws IOException {
        return Files.readString(folder.resolve("out"));
    }

    private void searchEverything() throws IOException {
        search.inFile(folder.resolve("out"));
        search.inFolder(checkout.folder);
        search.inRepository(checkout);
        search.inFolder(remote);
        search.inRepository(checkout.at(remote));
        search.inFolder(tmp);
        search.inFolder(folder.resolve("home"));
        search.inStore(store);
        search.inFolder(registry.data());
    }

    // Where a key would be put that is to be on no disk; whatever else is there at the time may go any moment.
    private void searchMemory() throws IOException {
        try (Stream<Path> files = Files.list(Path.of("/dev/shm"))) {
            for (Path file : files.filter(path -> Files.isRegularFile(path, LinkOption.NOFOLLOW_LINKS)).toList()) {
                search.inFile(file);
            }
        } catch (java.nio.file.NoSuchFileException e) {
            // there is none, or it has gone
        }
    }

    private void assertNothingFound() throws IOException {
        assertEquals(Set.of(), search.found);
    }

    @Test
    void theSearchFindsWhatIsThere() throws Exception {
        Files.writeString(Files.createDirectories(tmp.resolve("a/b")).resolve("c"), "x" + CANARY);
        Files.createFile(tmp.resolve(CANARY));
        Files.writeString(registry.data().resolve("note"), DockerRegistry.PASSWORD);
        Files.write(folder.resolve("out"), Base64.getDecoder().decode(Files.readString(keyFile).strip().replaceFirst(".*:", "")));
        checkout.write("committed", CANARY);
        checkout.git("add", "committed");
        Files.delete(checkout.folder.resolve("committed"));
        store.put("docs", "page", Files.readAllBytes(keyFile));
        store.client().putObject(request -> request.bucket(store.bucket("cache")).key("x").metadata(Map.of("note", store.secret())), RequestBody.empty());
        Process process = new ProcessBuilder("sh", "-c", "sh -c 'sleep 60; :' " + CANARY + "; :").start();
        try {
            for (long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30); search.found.isEmpty() && System.nanoTime() < end; ) {
                search.inProcesses(process.toHandle());
            }
        } finally {
            process.descendants().forEach(ProcessHandle::destroy);
            process.destroy();
        }
        searchEverything();
        assertEquals(new TreeSet<>(Set.of("the canary in a command line", "the canary in " + tmp.resolve("a/b/c"), "the canary in " + tmp.resolve(CANARY),
                "the signing key, decoded in " + folder.resolve("out"), "the canary in " + checkout.folder + ", an object",
                "the signing key in s3://docs/page", "the registry's password in " + registry.data().resolve("note"), "the store's secret in s3://cache/x")), search.found);
    }

    @Test
    void keysFromVariablesAreNowhereToBeSeen() throws Exception {
        withVariables();
        checkout.with("AWS_SESSION_TOKEN", "");
        assertEquals(0, upload(), output());
        assertPublished();
    }

    @Test
    void keysFromSshAndFromACommandAreNowhereToBeSeen() throws Exception {
        checkout.with("RELENG_SIGNING_KEY_COMMAND", "cat '" + keyFile + "'");
        assertEquals(0, upload(), output());
        assertEquals(1, ssh.calls().size());
        assertTrue(ssh.calls().get(0).contains(" --name releng-test ") && ssh.calls().get(0).contains(store.bucket("docs")), ssh.calls().toString());
        search.in("what ssh was called with", String.join(" ", ssh.calls()).getBytes());
        search.inFile(ssh.folder.resolve("env"));
        assertPublished();
    }

    @Test
    void keysFromFilesAreNowhereToBeSeen() throws Exception {
        Files.writeString(folder.resolve("profiles"), "[default]\naws_access_key_id = " + store.id() + "\naws_secret_access_key = " + store.secret() + "\n");
        checkout.with("AWS_SHARED_CREDENTIALS_FILE", folder.resolve("profiles").toString());
        assertEquals(0, upload("--signing-key", keyFile.toString()), output());
        assertEquals(List.of(), ssh.calls());
        assertPublished();
    }

    private void assertPublished() throws IOException {
        String narinfo = store.content("cache").keySet().stream().filter(key -> key.endsWith(".narinfo")).findFirst().orElseThrow();
        assertTrue(new String(store.get("cache", narinfo), StandardCharsets.UTF_8).contains("Sig: test-1:"), "the key was really used");
        assertTrue(registry.tag("lix/lix", "latest").startsWith("sha256:"), "and so was the registry's password");
        searchEverything();
        String calls = Stream.of(Files.readString(folder.resolve("children")).split("\n")).filter(line -> line.startsWith("= ")).reduce("", String::concat);
        assertTrue(calls.contains("= nix ") && calls.contains("= git "), calls);
        search.in("a child's command line", calls.getBytes());
        assertNothingFound();
    }

    private static final String NOTE = "{ echo; echo \"= $0\"; env; } >>'CHILDREN'\n";

    private Path program(String name, String shell) throws IOException {
        return Program.write(bin.resolve(name), "#!/bin/sh\n" + NOTE.replace("CHILDREN", folder.resolve("children").toString()) + shell + "\n");
    }

    private void assertChildrenHaveNoSecret(String... expected) throws IOException {
        String[] children = Files.readString(folder.resolve("children")).split("(^|\n)\n= ");
        for (String name : expected) {
            assertTrue(Stream.of(children).anyMatch(child -> child.startsWith(name) || child.lines().findFirst().orElse("").endsWith("/" + name)), name + " did not run");
        }
        for (String child : children) {
            // The shell that is told the command for the key is the only one that has it.
            String rest = child.startsWith("sh ") ? child.replaceAll("RELENG_SIGNING_KEY_COMMAND=of-command.*", "") : child;
            search.in("the environment of " + child.lines().findFirst().orElse(""), rest.getBytes());
        }
        assertNothingFound();
    }

    @Test
    void childrenDoNotInheritKeys() throws Exception {
        withVariables();
        checkout.with("AWS_SESSION_TOKEN", "").with("RELENG_SIGNING_KEY_COMMAND", "echo " + CANARY);
        assertEquals(0, upload("--plan"), output());
        assertEquals(0, upload("--help"), output());
        assertChildrenHaveNoSecret("nix ", "git ls-remote", "sh ", "test -t 2");
    }

    /** Who is asked for one key sees no other: a profile's program, the command for the signing key, a credential helper, hooks. */
    @Test
    void whoeverIsAskedForAKeySeesNoOther() throws Exception {
        for (String variable : List.of("AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "AWS_CREDENTIAL_EXPIRATION", "AWS_WEB_IDENTITY_TOKEN_FILE",
                "AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "RELENG_OF_TOMORROW")) {
            checkout.with(variable, CANARY);
        }
        Path printed = Files.writeString(folder.resolve("printed"), "{\"Version\": 1, \"AccessKeyId\": \"" + store.id() + "\", \"SecretAccessKey\": \"" + store.secret() + "\"}");
        program("of-profile", "cat '" + printed + "'");
        program("of-command", "[ \"$OF_THE_USER\" = theirs ] && cat '" + keyFile + "'");
        Path answer = Files.writeString(folder.resolve("answer"), "{\"Username\": \"" + DockerRegistry.USER + "\", \"Secret\": \"" + DockerRegistry.PASSWORD + "\"}");
        program("docker-credential-test", "cat >/dev/null; cat '" + answer + "'");
        checkout.with("AWS_CONFIG_FILE", Files.writeString(folder.resolve("config"), "[profile p]\ncredential_process = of-profile 'an argument'\n").toString())
                .with("AWS_PROFILE", "p").with("RELENG_SIGNING_KEY_COMMAND", "of-command # " + CANARY).with("OF_THE_USER", "theirs")
                .with("REGISTRY_AUTH_FILE", Files.writeString(folder.resolve("helper.json"), "{\"credHelpers\": {\"" + registry.host() + "\": \"test\"}}").toString());
        assertEquals(0, upload(), output());
        assertChildrenHaveNoSecret("of-profile", "of-command", "docker-credential-test", "git push");
        assertTrue(Files.readString(folder.resolve("children")).contains("\nAWS_PROFILE=p\n"), "where keys are is no secret");
        assertPublished();
    }

    @Test
    void aRunThatFailsShowsNoSecret() throws Exception {
        withVariables();
        checkout.with("AWS_SECRET_ACCESS_KEY", CANARY);
        assertFails("403");
        store.credentials().forEach(checkout::with);
        for (String wrong : List.of("test-1:" + CANARY, CANARY)) {
            checkout.with("RELENG_SIGNING_KEY", wrong);
            assertFails("there is no signing key in RELENG_SIGNING_KEY");
        }
        checkout.env().keySet().removeAll(store.credentials().keySet());
        for (String printed : List.of(CANARY, "{\"name\": \"x\", \"id\": \"y\", \"secret_key\": " + CANARY + "}")) {
            ssh.does("echo '" + printed + "'");
            assertFails("store.example.org made no keys");
        }
        Path printed = Files.writeString(folder.resolve("printed"), CANARY);
        Path config = Files.writeString(folder.resolve("config"), "[profile p]\ncredential_process = cat '" + printed + "'\n");
        checkout.with("AWS_PROFILE", "p").with("AWS_CONFIG_FILE", config.toString());
        assertFails("process-based credentials");
        store.credentials().forEach(checkout::with);
        checkout.with("RELENG_SIGNING_KEY", Files.readString(keyFile));
        String remotes = checkout.read("releng.json");
        checkout.write("releng.json", remotes.replace("\"" + remote + "\"", "\"http://me:" + CANARY + "@127.0.0.1:1/lix\""));
        assertFails("the git repository http://127.0.0.1:1/lix cannot be reached");
        String settings = checkout.read(".git/config");
        checkout.git("remote", "add", "other", "https://" + CANARY + "@git.example.org/x.git");
        checkout.git("config", "url.https://me:" + CANARY + "@short.example.org/.insteadOf", "short:");
        checkout.git("remote", "add", "short", "short:y");
        checkout.write("releng.json", remotes.replace("\"" + remote + "\"", "\"ssh://gerrit.example.org/lix\", \"gerrit\": true"));
        assertFails("no remote of this clone is ssh://gerrit.example.org/lix");
        checkout.write(".git/config", settings).write("releng.json", remotes);
        Files.createFile(folder.resolve("out"));
        searchEverything();
        assertNothingFound();
    }

    private void assertFails(String saying) {
        Checkout.Run run = checkout.run(new upload(), "--env", "test", "--noconfirm", "--verbose");
        assertEquals(3, run.exit(), run.err());
        assertTrue(run.err().contains(saying), run.err());
        search.in("the output of a run that fails: " + saying, (run.out() + run.err()).getBytes(StandardCharsets.UTF_8));
    }

    @Test
    @DisplayName("hazard 13: the signing key is in no file, also while it is used, and no child outlives the run, whatever ends it")
    void theSigningKeyIsInNoFile() throws Exception {
        withVariables();
        Path asked = folder.resolve("asked");
        wrap("nix", "case \"$*\" in *path-info*) touch '" + asked + "'; exec sleep 300;; esac");
        for (String signal : List.of("TERM", "INT", "KILL")) {
            Files.deleteIfExists(asked);
            Process process = start();
            // Polled, with an end: a child of the run makes that file, and tells nobody.
            for (long end = System.nanoTime() + TimeUnit.MINUTES.toNanos(2); !Files.exists(asked); Thread.sleep(20)) {
                assertTrue(process.isAlive() && System.nanoTime() < end, output());
            }
            searchEverything();
            searchMemory();
            search.inProcesses(process.toHandle());
            List<ProcessHandle> children = process.descendants().toList();
            Exec.of("kill", "-" + signal, Long.toString(process.pid())).orFail("kill", "");
            assertTrue(process.waitFor(30, TimeUnit.SECONDS), signal + " did not end it");
            CompletableFuture.allOf(children.stream().map(ProcessHandle::onExit).toArray(CompletableFuture[]::new)).get(20, TimeUnit.SECONDS); // else a child survives
        }
        searchEverything();
        assertNothingFound();
    }
}
