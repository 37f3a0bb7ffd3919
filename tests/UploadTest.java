import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.concurrent.TimeUnit;
import lib.base.Exec;
import lib.base.FileTree;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class UploadTest {

    private static final List<String> ROLES = List.of("releases", "cache", "docs", "install");

    @TempDir
    Path folder;

    private final Store store = new Store();
    private Checkout checkout;
    private Path remote;

    @BeforeEach
    void release() throws IOException {
        checkout = Released.copy(folder.resolve("checkout"));
        remote = folder.resolve("remote.git");
        checkout.git("init", "--quiet", "--bare", remote.toString());
        checkout.write("releng.json", store.config(remote));
        store.open(checkout, folder);
    }

    @AfterEach
    void close() {
        store.close();
    }

    private Checkout.Run upload(String... arguments) {
        List<String> line = new ArrayList<>(List.of("--env", "test", "--noconfirm"));
        line.addAll(List.of(arguments));
        return checkout.run(new upload(), line.toArray(new String[0]));
    }

    private void assertNothingPublished() {
        for (String role : ROLES) {
            assertEquals(Map.of(), store.content(role), role);
        }
        assertEquals("", checkout.at(remote).git("for-each-ref"));
    }

    private Checkout.Run assertRefused(Checkout.Run run, String... saying) {
        assertEquals(3, run.exit(), run.err());
        for (String text : saying) {
            assertTrue(run.err().contains(text), text + "\nnot in\n" + run.err());
        }
        return run;
    }

    @Test
    @DisplayName("hazard 14: everything is published once, and the second run sends nothing and says so")
    void theSecondRunSendsNothingAndSaysSo() throws IOException {
        Checkout.Run first = upload();
        assertEquals(0, first.exit(), first.err());
        assertTrue(first.err().contains(", upgrade 1,") || first.err().contains("nix upgrade-nix was not run: this machine gives it no store of its own"), first.err());
        Map<String, SortedMap<String, String>> content = new java.util.HashMap<>();
        ROLES.forEach(role -> content.put(role, store.content(role)));
        assertTrue(content.get("releases").containsKey("manifest.nix"));
        assertTrue(content.get("releases").containsKey("lix/lix-2.95.0/nix-2.95.0-x86_64-linux.tar.xz"));
        assertTrue(content.get("cache").containsKey("nix-cache-info"));
        assertTrue(content.get("docs").containsKey("manual/lix/2.95/index.html"));
        assertTrue(content.get("docs").containsKey("manual/lix/stable/index.html"));
        assertEquals("2.95.0", checkout.at(remote).git("tag", "--list"));
        assertEquals(checkout.git("rev-parse", "releng/test"), checkout.at(remote).git("rev-parse", "refs/heads/releng/test"));

        Checkout.Run second = upload();
        assertEquals(0, second.exit(), second.err());
        assertTrue(second.err().contains("nothing to do"), second.err());
        assertEquals("", second.out());
        ROLES.forEach(role -> assertEquals(content.get(role), store.content(role)));
        assertFalse(Files.exists(checkout.folder.resolve(".git/releng/staging-test")), "staging is removed");
    }

    @Test
    @DisplayName("hazard 30: a plan writes nothing anywhere, and sees what a run would meet")
    void aPlanWritesNothing() {
        Checkout.Run plan = upload("--plan", "--verbose");
        assertEquals(0, plan.exit(), plan.err());
        for (String line : List.of("create s3://" + store.bucket("releases") + "/manifest.nix", "lix-2.95.0.tar.gz", "narinfo of /nix/store/",
                "create refs/tags/2.95.0 on " + remote, "create s3://" + store.bucket("docs") + "/manual/lix/stable/index.html")) {
            assertTrue(plan.out().contains(line), line + "\nnot in\n" + plan.out());
        }
        assertNothingPublished();
        store.put("releases", "lix/lix-2.95.0/lix-2.95.0.tar.gz", "x".getBytes());
        assertRefused(upload("--plan"), "lix-2.95.0.tar.gz holds sha256");
    }

    @Test
    @DisplayName("hazard 30: a plan needs a key that may only read, and no request of it writes; a run with that key is refused at once")
    void aPlanNeedsOnlyReadAccess() throws IOException {
        try (FaultProxy readOnly = new FaultProxy(store.endpoint()).arm(FaultProxy.Fault.FORBIDDEN_403, FaultProxy.Request::writes)) {
            checkout.write("releng.json", store.config(remote).replace(store.endpoint().toString(), readOnly.endpoint().toString()));
            checkout.env().remove("RELENG_SIGNING_KEY");
            Checkout.Run plan = upload("--plan");
            assertEquals(0, plan.exit(), plan.err());
            assertTrue(plan.out().contains("manifest.nix"), plan.out());
            assertTrue(readOnly.log().size() > 10, readOnly.log().toString());
            assertEquals(List.of(), readOnly.log().stream().filter(FaultProxy.Request::writes).toList());

            Checkout.Run run = upload("--target", "manual");
            assertRefused(run, "403", store.bucket("docs"));
            assertEquals(1, readOnly.log().stream().filter(FaultProxy.Request::writes).count(), "a 403 is not asked for twice");
        }
        assertNothingPublished();
    }

    @Test
    void aSessionTokenWithALineBreakIsRefusedAndNotShown() {
        checkout.with("AWS_SESSION_TOKEN", "gehe\r\nX-Injected: im");
        for (String[] arguments : new String[][] {{"--plan"}, {}}) {
            Checkout.Run run = assertRefused(upload(arguments), store.endpoint().toString(), "x-amz-security-token", "line break");
            assertFalse((run.out() + run.err()).contains("gehe"), run.err());
        }
        checkout.env().remove("AWS_SESSION_TOKEN");
        assertNothingPublished();
    }

    @Test
    @DisplayName("hazard 23: a run with nothing to send proves all the same, and sees through metadata that vouches for other bytes")
    void nothingToSendIsProvedAllTheSame() {
        assertEquals(0, upload().exit());
        Checkout.Run again = upload();
        assertTrue(again.exit() == 0 && again.err().contains("nothing to do") && again.err().contains("proved: cache"), again.err());
        String key = "lix/lix-2.95.0/lix-2.95.0.tar.gz";
        byte[] bytes = store.get("releases", key);
        bytes[bytes.length / 2] ^= 1;
        String sha256 = store.client().headObject(request -> request.bucket(store.bucket("releases")).key(key)).metadata().get("sha256");
        store.client().putObject(request -> request.bucket(store.bucket("releases")).key(key).metadata(java.util.Map.of("sha256", sha256)),
                software.amazon.awssdk.core.sync.RequestBody.fromBytes(bytes));
        Checkout.Run run = upload();
        assertEquals(1, run.exit(), run.err());
        assertTrue(run.err().contains(key) && run.err().contains(sha256), run.err());
    }

    @Test
    @DisplayName("hazards 26 and 33: what is broken in the bucket is found before any pointer moves, and named")
    void whatIsBrokenInTheBucketIsFoundBeforeAnyPointerMoves() throws IOException {
        assertEquals(0, upload().exit());
        store.client().deleteObject(request -> request.bucket(store.bucket("releases")).key("manifest.nix"));
        String nar = store.content("cache").keySet().stream().filter(key -> key.startsWith("nar/")).findFirst().orElseThrow();
        byte[] bytes = store.get("cache", nar);
        bytes[bytes.length / 2] ^= 1;
        store.put("cache", nar, bytes);
        Checkout.Run run = upload();
        assertEquals(1, run.exit(), run.err());
        assertTrue(run.err().contains(nar) && run.err().contains("is not the NAR of"), run.err());
        assertFalse(store.content("releases").containsKey("manifest.nix"), "the pointer has not moved");
    }

    @Test
    void whatNixCannotUpgradeToMovesNoPointer() throws IOException {
        String path = checkout.env().get("PATH");
        Program.write(folder.resolve("bin/nix"), "#!/bin/sh\n[ \"$1\" != upgrade-nix ] || { echo 'error: no' >&2; exit 1; }\nPATH='" + path + "' exec nix \"$@\"\n");
        checkout.with("PATH", folder.resolve("bin") + ":" + path);
        Checkout.Run run = upload();
        assumeFalse(run.err().contains("nix upgrade-nix was not run"), run.err());
        assertEquals(1, run.exit(), run.err());
        assertTrue(run.err().contains("upgrade: nix upgrade-nix --nix-store-paths-url ") && run.err().contains("error: no"), run.err());
        assertFalse(store.content("releases").containsKey("manifest.nix"), "the pointer has not moved");
    }

    @Test
    @DisplayName("upload --target verify proves what is published, and names what is broken")
    void verifyProvesWhatIsPublishedAndNamesWhatIsBroken() throws IOException {
        assertEquals(0, upload().exit());
        FileTree.remove(checkout.folder.resolve("release")); // nothing of the build is needed
        checkout.env().remove("RELENG_SIGNING_KEY");
        Checkout.Run whole = checkout.run(new upload(), "--env", "test", "--target", "verify");
        assertEquals(0, whole.exit(), whole.err());
        assertTrue(whole.err().contains("2.95.0 on test is what was built"), whole.err());
        assertTrue(whole.err().contains("not proved: upgrade: nix upgrade-nix was not run: no public key is known"), whole.err());
        delete("releases", "lix/lix-2.95.0/manual/404.html");
        Checkout.Run broken = checkout.run(new upload(), "--env", "test", "--target", "verify", "--release", "2.95.0");
        assertEquals(1, broken.exit(), broken.err());
        assertTrue(broken.err().contains("lix/lix-2.95.0/manual/404.html"), broken.err());
        Checkout.Run other = checkout.run(new upload(), "--env", "test", "--target", "verify", "--release", "2.94.0");
        assertEquals(1, other.exit(), other.err());
    }

    @Test
    void pointersComeAfterTheProofAndManifestIsTheLast() {
        List<String> titles = upload("--plan").out().lines().filter(line -> !line.startsWith(" ")).map(line -> line.replaceAll(" \\(.*", "")).toList();
        List<String> order = new ArrayList<>(titles.stream().map(title -> title.replaceAll(": .*", "")).distinct().toList());
        assertEquals(List.of("cache", "releases", "release.json", "signed", "manual 2.95", "git", "page", "verify", "manual stable", "latest.json", "index of releases", "manifest"), order);
        assertEquals(List.of("cache: nix-cache-info", "cache: NARs", "cache: listings", "cache: narinfos"),
                titles.stream().filter(title -> title.startsWith("cache")).distinct().toList());
        assertTrue(titles.contains("git: branch and tag"), titles.toString());
    }

    @Test
    @DisplayName("hazard 2: a maintenance release leaves manifest.nix and stable alone, unless told to move them")
    void aMaintenanceReleaseLeavesThePointersAlone() {
        byte[] newer = "{ x86_64-linux = \"/nix/store/00000000000000000000000000000000-lix-2.96.0\"; }".getBytes(StandardCharsets.UTF_8);
        store.put("releases", "manifest.nix", newer);
        store.put("docs", "manual/lix/stable/index.html", "of 2.96".getBytes());
        Checkout.Run run = upload();
        assertEquals(0, run.exit(), run.err());
        assertTrue(run.err().contains("manifest.nix is at 2.96.0"), run.err());
        assertArrayEquals(newer, store.get("releases", "manifest.nix"));
        assertArrayEquals("of 2.96".getBytes(), store.get("docs", "manual/lix/stable/index.html"));
        assertTrue(store.content("docs").containsKey("manual/lix/2.95/index.html"));
        assertEquals(0, upload("--move-pointers", "manifest,stable").exit());
        assertTrue(new String(store.get("releases", "manifest.nix"), StandardCharsets.UTF_8).contains("lix-2.95.0"));
    }

    @Test
    void theManualOfAMajorStaysThatOfItsNewestRelease() {
        store.put("releases", "lix/lix-2.95.1/lix-2.95.1.tar.gz", "x".getBytes());
        store.put("docs", "manual/lix/2.95/index.html", "of 2.95.1".getBytes());
        Checkout.Run run = upload();
        assertEquals(0, run.exit(), run.err());
        assertArrayEquals("of 2.95.1".getBytes(), store.get("docs", "manual/lix/2.95/index.html"));
    }

    @Test
    @DisplayName("hazard 3: other bytes under a published version stop the run before anything is written")
    void otherBytesUnderAPublishedVersionStopTheRun() {
        store.put("releases", "lix/lix-2.95.0/manifest.nix", "{ }".getBytes());
        assertRefused(upload(), "lix/lix-2.95.0/manifest.nix holds sha256", "nothing was written");
        assertEquals(1, store.content("releases").size());
        assertEquals(Map.of(), store.content("cache"));
        assertEquals(Map.of(), store.content("docs"));
        assertEquals("", checkout.at(remote).git("for-each-ref"));
    }

    @Test
    @DisplayName("hazard 4: a missing push target is found before anything is public, with every other fault")
    void aMissingPushTargetIsFoundFirst() throws IOException {
        FileTree.remove(remote);
        String missing = store.bucket("docs") + "-not";
        checkout.write("releng.json", store.config(remote).replace("\"" + store.bucket("docs") + "\"", "\"" + missing + "\""));
        Checkout.Run run = checkout.run(new upload(), "--env", "test", "--noconfirm");
        assertRefused(run, "remote.git cannot be reached", missing);
        for (String role : ROLES) {
            assertEquals(Map.of(), store.content(role), role);
        }
    }

    @Test
    @DisplayName("hazard 5: without the remembered branch nothing is published")
    void withoutTheRememberedBranchNothingIsPublished() throws IOException {
        FileTree.remove(checkout.folder.resolve(".git/releng/tags"));
        assertRefused(upload(), "the branch of 2.95.0 is not known", "tag.java");
        assertNothingPublished();
    }

    @Test
    @DisplayName("from history: a tag that is not on the branch that is pushed is refused")
    void aTagThatIsNotOnItsBranchIsRefused() {
        checkout.git("branch", "--force", "releng/test", "releng/test~2");
        assertRefused(upload(), "the tag 2.95.0 is not in the history of its branch releng/test");
        assertNothingPublished();
    }

    @Test
    @DisplayName("hazard 6: the endpoint is the environment's, whatever a variable says")
    void theEndpointIsTheEnvironmentsWhateverAVariableSays() throws Exception {
        checkout.with("AWS_ENDPOINT_URL", "http://127.0.0.1:9").with("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
                .with("AWS_REGION", "us-east-1").with("AWS_USE_FIPS_ENDPOINT", "true");
        Process process = forked("--env", "test", "--noconfirm", "--target", "manual");
        String said = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), said);
        assertTrue(store.content("docs").containsKey("manual/lix/stable/index.html"));
    }

    @Test
    @DisplayName("hazard 13: TERM stops at once and says what was and was not published")
    void termStopsAtOnceAndSaysWhatWasPublished() throws Exception {
        try (ServerSocket stalling = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
            StallingProxy proxy = new StallingProxy(stalling, store.endpoint(), 40);
            checkout.write("releng.json", store.config(remote).replace(store.endpoint().toString(), "http://127.0.0.1:" + stalling.getLocalPort()));
            Process process = forked("--env", "test", "--noconfirm", "--target", "manual");
            proxy.awaitStall();
            long start = System.nanoTime();
            process.toHandle().destroy(); // the other destroy() would close what it says
            String said = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
            assertEquals(143, process.waitFor());
            assertTrue(TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - start) < 20, "at once");
            assertTrue(said.matches("(?s).*interrupted: \\d+ of \\d+ operations are done; stopped in manual 2.95: new files.*"), said);
        }
        checkout.write("releng.json", store.config(remote));
        Checkout.Run again = upload("--target", "manual");
        assertEquals(0, again.exit(), again.err());
        assertEquals(0, upload("--target", "manual").out().length());
    }

    @Test
    @DisplayName("hazard 22: no terminal escapes where standard error is no terminal; hazard 15: no traces")
    void noEscapesAndNoTracesInLogs() throws Exception {
        Process process = forked("--env", "test", "--noconfirm", "--target", "manual");
        String said = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), said);
        assertFalse(said.contains("\u001b") || said.contains("\r"), said);
        store.put("docs", "manual/lix/2.95/gone1.html", "x".getBytes());
        checkout.with("AWS_SECRET_ACCESS_KEY", "wrong");
        Checkout.Run run = upload();
        assertRefused(run, "403");
        assertFalse(run.err().contains("\tat "), run.err());
        assertFalse(run.err().contains(store.secret()) || run.err().contains("wrong"), "no secret in a message");
    }

    @Test
    @DisplayName("hazards 23 and 24: what is missing is sent again, whichever it is, though the last step was done long ago")
    void whateverIsMissingIsSentAgain() {
        assertEquals(0, upload().exit());
        Map<String, SortedMap<String, String>> content = new java.util.HashMap<>();
        ROLES.forEach(role -> content.put(role, store.content(role)));
        delete("releases", "lix/lix-2.95.0/nix-2.95.0-aarch64-linux.tar.xz");
        delete("docs", "manual/lix/2.95/404.html");
        delete("cache", "nix-cache-info");
        checkout.at(remote).git("update-ref", "-d", "refs/tags/2.95.0");
        Checkout.Run run = upload();
        assertEquals(0, run.exit(), run.err());
        assertEquals(4, run.out().lines().filter(line -> line.startsWith("    create")).count(), run.out());
        ROLES.forEach(role -> assertEquals(content.get(role), store.content(role)));
        assertEquals("2.95.0", checkout.at(remote).git("tag", "--list"));
    }

    private void delete(String role, String key) {
        store.client().deleteObject(request -> request.bucket(store.bucket(role)).key(key));
    }

    @Test
    @DisplayName("hazard 30: not even a plan for the local environment makes it")
    void aPlanForTheLocalEnvironmentDoesNotMakeIt() {
        checkout.with("JBANG_LAUNCH_CMD", Home.launcher(System.getenv()));
        Checkout.Run run = checkout.run(new upload(), "--env", "local", "--plan");
        assertEquals(0, run.exit(), run.err());
        assertTrue(run.out().contains("create s3://local-releases/manifest.nix"), run.out());
        assertFalse(Files.exists(checkout.folder.resolve(".git/releng/local")));
    }

    @Test
    @DisplayName("hazard 25: a file that is missing or was changed after build is not passed over")
    void whatWasChangedAfterBuildIsNotPublished() throws IOException {
        Path artifacts = checkout.folder.resolve("release/artifacts/lix/lix-2.95.0");
        Files.writeString(artifacts.resolve("manifest.nix"), "{ }");
        Files.delete(artifacts.resolve("lix-2.95.0.tar.gz.sha256"));
        Files.writeString(artifacts.resolve("extra.txt"), "x");
        assertRefused(upload(), "lix-2.95.0/manifest.nix: built as", "lix-2.95.0.tar.gz.sha256: missing", "extra.txt: was not there");
        assertNothingPublished();
    }

    @Test
    void withoutTheTypedSentenceNothingIsPublished() {
        for (String typed : List.of("", "yes\n", "I want to release this to live\n")) {
            assertRefused(checkout.answering(typed, new upload(), "--env", "test"), "not confirmed");
        }
        assertNothingPublished();
        Checkout.Run run = checkout.answering("I want to release this to test\n", new upload(), "--env", "test", "--target", "manual");
        assertEquals(0, run.exit(), run.err());
    }

    @Test
    void headMustBeTheTagThatWasBuiltOrItsBranch() {
        checkout.git("checkout", "--quiet", "-b", "other", "releng/test");
        assertRefused(upload(), "HEAD is not the tag 2.95.0");
        checkout.git("checkout", "--quiet", "2.95.0~1");
        assertRefused(upload(), "HEAD is not the tag 2.95.0");
        assertNothingPublished();
        checkout.git("checkout", "--quiet", "releng/test");
        assertEquals(0, upload("--plan").exit(), "on its branch it is after an upload to another environment");
    }

    @Test
    void withoutKeysNothingBegins() {
        checkout.env().keySet().removeAll(List.of("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"));
        checkout.with("AWS_PROFILE", "no-such-profile-of-anybody");
        assertRefused(upload(), "there are no keys for");
        store.credentials().forEach(checkout::with);
        checkout.env().remove("RELENG_SIGNING_KEY");
        assertRefused(upload(), "no key to sign the cache with");
    }

    @Test
    void aKeyConsumersDoNotTrustIsRefused() throws IOException {
        Checkout.Run without = upload("--provenance-key", folder.resolve("key").toString());
        assertTrue(without.exit() == 2 && without.err().contains("it has no key provenanceKey in releng.json"), without.err());
        String other = "test-1:" + java.util.Base64.getEncoder().encodeToString(new byte[32]);
        checkout.write("releng.json", store.config(remote).replace("\"region\"", "\"publicKey\": \"" + other + "\", \"provenanceKey\": \"" + other + "\", \"region\""));
        Checkout.Run run = upload("--provenance-key", folder.resolve("key").toString());
        assertRefused(run, "the signing key is not the one of test");
        assertTrue(run.err().contains("the key for provenance is not the one of test: it signs as test-1:"), run.err());
        assertRefused(upload(), "there is no key to sign the provenance with: neither --provenance-key nor RELENG_PROVENANCE_KEY nor RELENG_PROVENANCE_KEY_COMMAND is given");
        assertNothingPublished();
    }

    @Test
    void theSigningKeysCanComeFromCommands() throws IOException {
        Path key = folder.resolve("key");
        checkout.env().remove("RELENG_SIGNING_KEY");
        checkout.with("RELENG_SIGNING_KEY_COMMAND", "cat '" + key + "'");
        Exec.of("nix-store", "--generate-binary-cache-key", "own-1", folder.resolve("own").toString(), folder.resolve("own.pub").toString()).orFail("key", "");
        checkout.with("RELENG_PROVENANCE_KEY_COMMAND", "cat '" + folder.resolve("own") + "'");
        checkout.write("releng.json", store.config(remote).replace("\"region\"", "\"provenanceKey\": \"" + Files.readString(folder.resolve("own.pub")).strip() + "\", \"region\""));
        Checkout.Run run = upload();
        assertEquals(0, run.exit(), run.err());
        assertTrue(new String(store.get("releases", "lix/lix-2.95.0/lix-2.95.0.intoto.jsonl"), StandardCharsets.UTF_8).contains("\"keyid\":\"own-1\""));
        String narinfo = new String(store.get("cache", store.content("cache").keySet().stream().filter(name -> name.endsWith(".narinfo")).findFirst().orElseThrow()),
                StandardCharsets.UTF_8);
        assertTrue(narinfo.contains("Sig: test-1:"), narinfo);
    }

    @Test
    @DisplayName("hazard 32: a narinfo whose NAR is gone is sent again, with the NAR; what is whole is not compressed again")
    void aNarinfoWithoutItsNarIsSentAgain() {
        assertEquals(0, upload().exit());
        SortedMap<String, String> before = store.content("cache");
        String nar = before.keySet().stream().filter(key -> key.startsWith("nar/")).findFirst().orElseThrow();
        store.client().deleteObject(request -> request.bucket(store.bucket("cache")).key(nar));
        Checkout.Run run = upload();
        assertEquals(0, run.exit(), run.err());
        assertTrue(run.out().contains("cache: NARs (create 1;"), run.out());
        assertEquals(before, store.content("cache"));
    }

    @Test
    void aBranchThatWentOnElsewhereIsNotOverwritten() throws IOException {
        Checkout other = Released.copy(folder.resolve("other"));
        other.git("checkout", "--quiet", "releng/test");
        other.git("config", "user.name", "Other");
        other.git("reset", "--quiet", "--hard", "releng/test^1");
        other.git("commit", "--quiet", "--allow-empty", "-m", "elsewhere");
        other.git("push", "--quiet", remote.toString(), "releng/test");
        assertRefused(upload(), "has commits that are not in the branch here");
        assertEquals(Map.of(), store.content("cache"));
    }

    @Test
    void aBranchThatHasOursAndWentOnIsLeftAsItIs() throws IOException {
        Checkout other = Released.copy(folder.resolve("other"));
        other.git("checkout", "--quiet", "releng/test");
        other.git("commit", "--quiet", "--allow-empty", "-m", "elsewhere, on top of ours");
        other.git("push", "--quiet", remote.toString(), "releng/test");
        Checkout.Run run = upload();
        assertEquals(0, run.exit(), run.err());
        assertEquals(other.git("rev-parse", "releng/test"), checkout.at(remote).git("rev-parse", "releng/test"));
        assertEquals("2.95.0", checkout.at(remote).git("tag", "--list"));
    }

    /** upload as a process of its own, on this test's class path. */
    private Process forked(String... arguments) throws IOException {
        List<String> line = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Dslf4j.provider=org.slf4j.nop.NOPServiceProvider", "-cp", System.getProperty("java.class.path"), "upload"));
        line.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(line).directory(checkout.folder.toFile()).redirectOutput(ProcessBuilder.Redirect.DISCARD);
        builder.environment().clear();
        builder.environment().putAll(checkout.env());
        return builder.start();
    }
}
