import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import lib.base.Console;
import lib.base.Exec;
import lib.base.Fault;
import lib.config.Environment;
import lib.http.Network;
import lib.nix.PublicKey;
import lib.nix.SigningKey;
import lib.publish.Access;
import lib.s3.Keys;
import lib.s3.ObjectStore;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AccessTest {

    // One word: a parser that quotes what it did not understand quotes a word.
    private static final String SECRET = "q7XwNotToBeSeenByAnyZk29";

    @TempDir
    Path folder;

    private final Store store = new Store();
    private final ByteArrayOutputStream said = new ByteArrayOutputStream();
    private final Map<String, String> env = new HashMap<>();
    private volatile Instant now = Instant.parse("2026-01-31T12:00:00Z");
    private FakeSsh ssh;

    @BeforeEach
    void machine() throws IOException {
        ssh = new FakeSsh(Files.createDirectory(folder.resolve("bin")));
        ssh.prints(store.id(), store.secret());
        env.put("PATH", ssh.folder + ":" + System.getenv("PATH"));
        env.put("HOME", Files.createDirectory(folder.resolve("home")).toString());
    }

    @AfterEach
    void close() {
        store.close();
    }

    /** A program named ssh that does what the store's host does, and remembers how it was called. */
    static final class FakeSsh {

        final Path folder;

        FakeSsh(Path folder) {
            this.folder = folder;
        }

        void prints(String id, String secret) throws IOException {
            Files.writeString(folder.resolve("key.json"), "{\"name\": \"releng-test\", \"id\": \"" + id + "\", \"secret_key\": \"" + secret + "\"}\n");
            does("cat '" + folder.resolve("key.json") + "'");
        }

        /** As the real command: an option it does not know, or one that is not there, is an error. */
        void does(String shell) throws IOException {
            Program.write(folder.resolve("ssh"), """
                    #!/bin/sh
                    echo "$*" >>'FOLDER/calls'
                    env >>'FOLDER/env'
                    while [ "$1" != garage-ephemeral-key ]; do shift || exit 2; done
                    [ "$2 $3 $5 $6 $7" = 'new --name --read --write --age-secs' ] && [ "$8" -gt 0 ] && [ $# -gt 8 ] || { echo usage >&2; exit 2; }
                    """.replace("FOLDER", folder.toString()) + shell + "\n");
        }

        List<String> calls() throws IOException {
            Path calls = folder.resolve("calls");
            return Files.exists(calls) ? Files.readAllLines(calls) : List.of();
        }
    }

    private Environment environment(String keysFrom) {
        return new Environment("test", store.bucket("releases"), store.bucket("cache"), store.bucket("docs"), store.bucket("install"),
                Optional.of(store.endpoint()), store.region(), List.of(), Optional.of("file:///nowhere"), false, Optional.empty(), Map.of(),
                Optional.ofNullable(keysFrom), false);
    }

    private Console console() {
        return new Console(InputStream.nullInputStream(), new PrintStream(said, true), new PrintStream(said, true), false, false);
    }

    private Keys keys(String keysFrom) {
        return Keys.of(environment(keysFrom), List.of(store.bucket("releases"), store.bucket("docs")), env, console(), () -> now);
    }

    private Keys ephemeral() {
        return keys("store.example.org");
    }

    private Access access(Path keyFile) throws IOException {
        return Access.remote(environment("store.example.org"), null, List.of(store.bucket("docs")), env, console(),
                new Access.Wish(Optional.ofNullable(keyFile), Optional.empty(), Path.of("/nowhere"), false, 8, List.of(), Network.PLAIN));
    }

    private String idOf(Keys keys) {
        return keys.resolveCredentials().accessKeyId();
    }

    private Fault assertFault(org.junit.jupiter.api.function.Executable work, String... saying) {
        Fault fault = assertThrows(Fault.class, work);
        java.io.StringWriter all = new java.io.StringWriter();
        // The trace is what is tested: --verbose prints it, and it must not hold a secret either.
        fault.printStackTrace(new java.io.PrintWriter(all));
        String text = all + fault.next();
        for (String part : saying) {
            assertTrue(text.contains(part), part + "\nnot in\n" + text);
        }
        assertFalse(text.contains(SECRET) || text.contains(store.secret()), "a secret in\n" + text);
        return fault;
    }

    private static void awaitFile(Path file) throws Exception {
        // Polled, with an end: another process makes it, and tells nobody.
        for (long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30); !Files.exists(file); Thread.sleep(5)) {
            assertTrue(System.nanoTime() < end, file + " does not come");
        }
    }

    @Test
    void keysMadeOverSshOpenTheStore() throws IOException {
        try (Access access = access(null)) {
            access.store().requireBucket(store.bucket("docs"));
            access.checkLifetime();
        }
        assertEquals(List.of("-T -o ControlMaster=no -o ConnectTimeout=30 -o ServerAliveInterval=15 store.example.org garage-ephemeral-key new "
                + "--name releng-test --read --write --age-secs 3600 " + store.bucket("docs")), ssh.calls());
        ssh.prints(store.id(), "wrong");
        try (Access access = access(null)) {
            assertFault(() -> access.store().requireBucket(store.bucket("docs")), "403");
            assertEquals(8, access.store().concurrency(), "as wished");
        }
    }

    @Test
    @DisplayName("hazards 22 and 31: keys that end in an hour are made anew before that, in the middle of a longer upload")
    void keysAreMadeAnewBeforeTheyEnd() throws IOException {
        try (Keys keys = ephemeral(); ObjectStore open = ObjectStore.connect(store.endpoint(), store.region(), keys)) {
            for (int i = 0; i < 5; i++) {
                open.requireBucket(store.bucket("docs"));
            }
            now = now.plus(Duration.ofMinutes(44));
            open.requireBucket(store.bucket("docs"));
            assertEquals(1, ssh.calls().size());
            now = now.plus(Duration.ofMinutes(2));
            open.requireBucket(store.bucket("docs"));
            open.requireBucket(store.bucket("docs"));
            assertEquals(2, ssh.calls().size());
            // The new one is really the one that is used.
            now = now.plus(Duration.ofMinutes(46));
            ssh.prints("another", "key");
            assertFault(() -> open.requireBucket(store.bucket("docs")), "403");
        }
    }

    @Test
    void oneRenewsWhileTheOthersGoOnWithTheOldKey() throws Exception {
        try (Keys keys = ephemeral()) {
            ExecutorService threads = Executors.newFixedThreadPool(16);
            Callable<String> ask = () -> idOf(keys);
            for (Future<String> first : threads.invokeAll(java.util.Collections.nCopies(16, ask))) {
                assertEquals(store.id(), first.get());
            }
            assertEquals(1, ssh.calls().size(), "the first key is asked for once");
            now = now.plus(Duration.ofMinutes(50));
            ssh.prints("second", "x");
            ssh.does("touch '" + folder + "/asking'; while [ ! -e '" + folder + "/answer' ]; do sleep 0.05; done; cat '" + ssh.folder + "/key.json'");
            Future<String> renewing = threads.submit(ask);
            awaitFile(folder.resolve("asking"));
            for (Future<String> other : threads.invokeAll(java.util.Collections.nCopies(15, ask))) {
                assertEquals(store.id(), other.get());
            }
            assertFalse(renewing.isDone());
            Files.createFile(folder.resolve("answer"));
            assertEquals("second", renewing.get());
            assertEquals("second", idOf(keys));
            assertEquals(2, ssh.calls().size());
            threads.shutdown();
        }
    }

    @Test
    void aRenewalThatFailsIsTriedAgainAndIsAFaultOnlyWhenTheOldKeyHasEnded() throws Exception {
        try (Keys keys = ephemeral(); ObjectStore open = ObjectStore.connect(store.endpoint(), store.region(), keys)) {
            open.requireBucket(store.bucket("docs"));
            ssh.does("echo no route >&2; exit 255");
            now = now.plus(Duration.ofMinutes(46));
            open.requireBucket(store.bucket("docs"));
            open.requireBucket(store.bucket("docs"));
            assertEquals(2, ssh.calls().size(), "not with every request");
            assertTrue(said.toString().contains("warning: store.example.org made no keys") && said.toString().contains("no route")
                    && said.toString().contains("good until 2026-01-31T12:59:00Z"), said.toString());
            now = now.plus(Duration.ofSeconds(61));
            open.requireBucket(store.bucket("docs"));
            assertEquals(3, ssh.calls().size());
            now = now.plus(Duration.ofMinutes(14));
            Fault ended = assertFault(() -> open.requireBucket(store.bucket("docs")), "store.example.org made no keys", "no route");
            assertEquals(Fault.Kind.FAILED, ended.kind());
            assertFault(() -> open.requireBucket(store.bucket("docs")), "store.example.org made no keys");
            assertEquals(4, ssh.calls().size(), "not one ssh for each thread that waits");
            ssh.prints(store.id(), store.secret());
            now = now.plus(Duration.ofSeconds(61));
            open.requireBucket(store.bucket("docs"));
        }
    }

    @Test
    void whatSshCanGoWrongWithIsSaid() throws IOException {
        record Case(String shell, String... saying) {
        }
        for (Case wrong : List.of(
                new Case("echo 'Permission denied (publickey).' >&2; exit 255", "exit code 255", "Permission denied (publickey)", "ssh store.example.org"),
                new Case("echo 'bash: garage-ephemeral-key: command not found' >&2; exit 127", "garage-ephemeral-key is not installed there"),
                new Case("echo 'no such bucket' >&2; echo " + SECRET + "; exit 1", "exit code 1", "no such bucket"),
                new Case("true", "it printed nothing"),
                new Case("echo " + SECRET, "it printed no JSON object", "25 characters"),
                new Case("echo '{\"name\": \"x\", \"id\": \"x\", \"secret_key\": " + SECRET + "}'", "it printed no JSON object"),
                new Case("echo '{\"name\": \"x\", \"id\": \"x\", \"secret_key\": \"" + SECRET + "\"} and more'", "it printed no JSON object"),
                new Case("echo '[\"" + SECRET + "\"]'", "it printed no JSON object"),
                new Case("echo '{\"id\": 7, \"secret\": \"" + SECRET + "\"}'", "name is missing", "id should be a string", "secret_key is missing"),
                new Case("echo '{\"name\": \"x\", \"id\": \"\", \"secret_key\": \"" + SECRET + "\"}'", "is empty"))) {
            ssh.does(wrong.shell());
            assertEquals(Fault.Kind.REFUSED, assertFault(() -> ephemeral().resolveCredentials(), wrong.saying()).kind());
            assertFault(() -> access(null), wrong.saying());
        }
        env.put("PATH", folder.resolve("home").toString());
        assertFault(() -> ephemeral().resolveCredentials(), "ssh is not installed");
        assertFalse(said.toString().contains(SECRET));
    }

    @Test
    void sshGetsNoKeys() throws IOException {
        env.put("RELENG_SIGNING_KEY", SECRET);
        env.put("AWS_SESSION_TOKEN", SECRET);
        env.put("AWS_ACCESS_KEY_ID", "");
        env.put("SSH_AUTH_SOCK", "/agent");
        ephemeral().resolveCredentials();
        String got = Files.readString(ssh.folder.resolve("env"));
        assertTrue(got.contains("SSH_AUTH_SOCK=/agent"), got);
        assertFalse(got.contains(SECRET), got);
    }

    @Test
    void theVariablesComeFirstAndBothAreNeeded() throws IOException {
        env.put("AWS_PROFILE", "nobody");
        env.put("AWS_ACCESS_KEY_ID", "id");
        assertFault(() -> ephemeral(), "set AWS_SECRET_ACCESS_KEY too");
        env.put("AWS_SECRET_ACCESS_KEY", SECRET);
        assertEquals("id", idOf(ephemeral()));
        env.remove("AWS_ACCESS_KEY_ID");
        assertFault(() -> ephemeral(), "set AWS_ACCESS_KEY_ID too");
        assertEquals(List.of(), ssh.calls());
    }

    @Test
    void aProfileComesBeforeSsh() throws IOException {
        Path aws = Files.createDirectory(folder.resolve("home/.aws"));
        Files.writeString(aws.resolve("config"), "[default]\nregion = garage\n[profile named]\ncredential_process = cat '" + folder + "/process.json'\n");
        assertEquals(store.id(), idOf(ephemeral()), "a default profile without keys is none");
        Files.writeString(aws.resolve("credentials"), "[default]\naws_access_key_id = of-default\naws_secret_access_key = " + SECRET + "\n");
        assertEquals("of-default", idOf(ephemeral()));
        env.put("AWS_PROFILE", "named");
        Files.writeString(folder.resolve("process.json"), process("of-process", now.plus(Duration.ofDays(9000))));
        assertEquals("of-process", idOf(ephemeral()));
        assertEquals(1, ssh.calls().size());

        Path other = folder.resolve("elsewhere");
        Files.writeString(other, "[named]\naws_access_key_id = of-elsewhere\naws_secret_access_key = " + SECRET + "\n");
        env.put("AWS_SHARED_CREDENTIALS_FILE", other.toString());
        env.put("AWS_CONFIG_FILE", folder.resolve("none").toString());
        assertEquals("of-elsewhere", idOf(ephemeral()));
    }

    @Test
    void aProfileThatGivesNoKeysIsSaidWithoutThem() throws IOException {
        Path config = folder.resolve("config");
        env.put("AWS_CONFIG_FILE", config.toString());
        env.put("AWS_PROFILE", "nobody");
        assertFault(() -> idOf(ephemeral()), "there are no keys for " + store.endpoint(), "nobody");
        env.put("AWS_PROFILE", "p");
        String process = "[profile p]\ncredential_process = ";
        for (Map.Entry<String, String> wrong : Map.of(process + "echo " + SECRET, "Failed to refresh process-based credentials",
                process + "echo '{\"SecretAccessKey\": " + SECRET + "}'", "Failed to refresh process-based credentials",
                process + "echo '{\"SecretAccessKey\": \"" + SECRET + "\"}'", "Unsupported credential version",
                process + "echo logged out >&2; exit 3", "logged out",
                "[profile p]\naws_secret_access_key = " + SECRET, "no credentials for profile 'p'",
                "[profile p]\naws_access_key_id = x\n" + SECRET, "line 3",
                "[profile p]\nsso_start_url = https://x\nsso_account_id = 1\nsso_region = y\nsso_role_name = z", "aws configure export-credentials").entrySet()) {
            Files.writeString(config, wrong.getKey() + "\n");
            assertFault(() -> idOf(ephemeral()), "there are no keys for " + store.endpoint(), wrong.getValue());
        }
        env.keySet().removeAll(List.of("AWS_PROFILE", "AWS_CONFIG_FILE"));
        assertFault(() -> keys(null), "there are no keys for", "no ssh host makes keys for test", "AWS_PROFILE");
    }

    private static String process(String id, Instant end) {
        return "{\"Version\": 1, \"AccessKeyId\": \"" + id + "\", \"SecretAccessKey\": \"" + SECRET
                + "\", \"SessionToken\": \"t\", \"Expiration\": \"" + end + "\"}";
    }

    @Test
    @DisplayName("hazard 31: keys that are about to end are refused before anything begins, and said when")
    void keysThatAreAboutToEndAreRefused() throws IOException {
        env.putAll(Map.of("AWS_ACCESS_KEY_ID", "id", "AWS_SECRET_ACCESS_KEY", SECRET, "AWS_SESSION_TOKEN", "t"));
        ephemeral().checkLifetime();
        assertEquals(Optional.empty(), ephemeral().expiry());
        env.put("AWS_CREDENTIAL_EXPIRATION", "2026-01-31T12:14:00+00:00");
        assertEquals(Fault.Kind.REFUSED, assertFault(() -> ephemeral().checkLifetime(), "about to expire", "2026-01-31T12:14:00Z, in 14 minutes").kind());
        env.put("AWS_CREDENTIAL_EXPIRATION", "2026-01-31T11:00:00Z");
        assertFault(() -> ephemeral().checkLifetime(), "have expired", "ended at 2026-01-31T11:00:00Z");
        env.put("AWS_CREDENTIAL_EXPIRATION", "2026-01-31T12:16:00Z");
        ephemeral().checkLifetime();
        env.put("AWS_CREDENTIAL_EXPIRATION", "tomorrow");
        assertFault(() -> ephemeral(), "AWS_CREDENTIAL_EXPIRATION is not a time");
    }

    @Test
    void keysOfAProcessAreAskedForAgainWhenTheyEnd() throws Exception {
        Path config = folder.resolve("config");
        Path json = folder.resolve("process.json");
        Files.writeString(config, "[default]\ncredential_process = cat '" + json + "'\n");
        env.put("AWS_CONFIG_FILE", config.toString());
        now = Instant.now(); // the SDK's own clock decides here
        Files.writeString(json, process("first", now.plusSeconds(17)));
        try (Keys keys = ephemeral()) {
            assertEquals("first", idOf(keys));
            assertFault(keys::checkLifetime, "about to expire");
            Files.writeString(json, process("second", now.plus(Duration.ofHours(9))));
            // Polled, with an end: the SDK renews when its own clock says so, and tells nobody.
            for (long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30); !idOf(keys).equals("second"); Thread.sleep(100)) {
                assertTrue(System.nanoTime() < end, "the first keys are kept");
            }
            keys.checkLifetime();
        }
    }

    private String secretKey() {
        Path file = folder.resolve("key");
        if (!Files.exists(file)) {
            Exec.of("nix-store", "--generate-binary-cache-key", "test-1", file.toString(), folder.resolve("key.pub").toString()).orFail("key", "");
        }
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    @Test
    void theSigningKeyIsLookedForWhenItIsNeeded() throws IOException {
        try (Access access = access(null)) {
            assertEquals(Fault.Kind.REFUSED, assertFault(access::key, "there is no key to sign the cache with", "age -d").kind());
        }
        String text = secretKey();
        String expected = Files.readString(folder.resolve("key.pub")).strip();
        try (Access access = access(folder.resolve("key"))) {
            assertEquals(expected, access.key().publicKey());
        }
        assertTrue(Files.exists(folder.resolve("key")), "what was there stays");
        env.put("RELENG_SIGNING_KEY_COMMAND", "cat '" + folder.resolve("key") + "'");
        try (Access access = access(null)) {
            assertEquals(expected, access.key().publicKey());
        }
        env.put("RELENG_SIGNING_KEY", text + "\n");
        env.put("RELENG_SIGNING_KEY_COMMAND", "exit 1");
        try (Access access = access(null)) {
            assertEquals(expected, access.key().publicKey());
        }
    }

    @Test
    void aKeyThatCanBeReadOnlyOnceWillDo() throws Exception {
        String text = secretKey();
        Path pipe = folder.resolve("pipe");
        Exec.of("mkfifo", pipe.toString()).orFail("mkfifo", "");
        Thread writer = new Thread(() -> {
            try {
                Files.writeString(pipe, text, java.nio.file.StandardOpenOption.WRITE);
            } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
            }
        });
        writer.start();
        SigningKey key = SigningKey.of(SigningKey.Use.cache, Optional.of(pipe), env);
        assertTrue(PublicKey.of(key.publicKey()).verifies("a text", key.sign("a text")));
        writer.join();
    }

    @Test
    void whatIsNoSigningKeyIsRefusedAndNotQuoted() throws IOException {
        String half = Base64.getEncoder().encodeToString(new byte[32]);
        for (Map.Entry<String, String> wrong : Map.of("test-1:" + SECRET + "!", "not base64", "test-1:" + half, "it is a public key",
                SECRET, "NAME:BASE64", ":" + SECRET, "NAME:BASE64",
                "test-1:" + SECRET + "\n" + SECRET, "one line",
                "test-1:" + Base64.getEncoder().encodeToString(SECRET.getBytes()), "it has 24 bytes",
                "age-encryption.org/v1\n" + SECRET, "it is encrypted", "-----BEGIN AGE ENCRYPTED FILE-----\n" + SECRET, "it is encrypted").entrySet()) {
            env.put("RELENG_SIGNING_KEY", wrong.getKey());
            assertFault(() -> SigningKey.of(SigningKey.Use.cache, Optional.empty(), env), "there is no signing key in RELENG_SIGNING_KEY", wrong.getValue());
            Files.writeString(folder.resolve("wrong"), wrong.getKey());
            assertFault(() -> SigningKey.of(SigningKey.Use.cache, Optional.of(folder.resolve("wrong")), env), folder.resolve("wrong").toString(), wrong.getValue());
        }
        assertFault(() -> SigningKey.of(SigningKey.Use.cache, Optional.of(folder.resolve("not-there")), env), "does not exist");
        env.remove("RELENG_SIGNING_KEY");
        for (Map.Entry<String, String> wrong : Map.of("echo " + SECRET, "NAME:BASE64", "true", "it printed nothing", "echo why >&2; exit 4", "exit code 4",
                "no-such-program-of-anybody", "not installed").entrySet()) {
            env.put("RELENG_SIGNING_KEY_COMMAND", wrong.getKey());
            assertFault(() -> SigningKey.of(SigningKey.Use.cache, Optional.empty(), env), wrong.getValue());
        }
    }
}
