import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import lib.base.Json;
import lib.config.Config;
import lib.config.Environment;
import lib.release.BuiltRelease;
import lib.s3.local.LocalStore;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What Lix uses in 2026, as data: its releng.json, and releases with it to a server of this machine. */
class TodayTest {

    private static final String HOST = "lix-releng@s3-admin.afnix.fr";

    @TempDir
    Path folder;

    private AccessTest.FakeSsh ssh;
    private LocalStore store;

    @BeforeEach
    void server() throws Exception {
        String[] buckets = Stream.of("", "staging.").flatMap(place -> Environment.ROLES.stream().map(role -> role + "." + place + "lix.systems")).toArray(String[]::new);
        store = new LocalStore(folder.resolve("buckets"), buckets);
        ssh = new AccessTest.FakeSsh(Files.createDirectory(folder.resolve("bin")));
        ssh.prints(store.id(), store.secret());
    }

    @AfterEach
    void close() throws Exception {
        store.close();
    }

    private static byte[] today() throws IOException {
        return Files.readAllBytes(Home.folder().resolve("tests/fixtures/lix-2026/releng.json"));
    }

    /** A release of the sample, under today's names; only addresses are others, and no registry is there. */
    private Checkout release() throws IOException {
        Checkout checkout = Released.copy(folder.resolve("checkout"));
        checkout.git("init", "--quiet", "--bare", folder.resolve("remote.git").toString());
        ObjectNode json = Json.object(today(), "releng.json");
        json.withObject("environments").elements().forEachRemaining(environment -> ((ObjectNode) environment).put("endpoint", store.endpoint().toString())
                .put("git", folder.resolve("remote.git").toString()).put("gerrit", false).putArray("registries"));
        checkout.env().keySet().removeIf(variable -> variable.startsWith("AWS_"));
        return checkout.write(Config.FILE, json.toString()).with("PATH", ssh.folder + ":" + System.getenv("PATH"))
                .with("HOME", Files.createDirectories(folder.resolve("home")).toString());
    }

    private static Checkout.Run done(Checkout checkout, String... arguments) {
        List<String> line = new ArrayList<>(List.of(arguments));
        line.add("--noconfirm");
        Checkout.Run run = checkout.run(new upload(), line.toArray(new String[0]));
        assertEquals(0, run.exit(), run.err());
        return run;
    }

    @Test
    void theReadmesExampleIsTodaysFile() throws IOException {
        Matcher block = Pattern.compile("```json\n(.*?)```", Pattern.DOTALL).matcher(Files.readString(Home.folder().resolve("README.md")));
        assertTrue(block.find(), "the README has no example");
        assertEquals(new String(today()), block.group(1));
    }

    @Test
    void todaysFileSaysWhereTodaysReleasesGo() throws IOException {
        Path checkout = Files.createDirectory(folder.resolve("names"));
        Files.write(checkout.resolve(Config.FILE), today());
        Config config = Config.of(checkout);
        for (String name : List.of("live", "staging")) {
            Environment environment = config.environment(name);
            String place = name.equals("live") ? "lix.systems" : "staging.lix.systems";
            assertEquals(List.of("releases." + place, "cache." + place, "docs." + place, "install." + place),
                    List.of(environment.releases(), environment.cache(), environment.docs(), environment.install()));
            assertEquals(Optional.of(URI.create("https://s3.afnix.fr")), environment.endpoint());
            assertEquals(name.equals("live") ? "global" : "garage", environment.region());
            assertEquals(Optional.of(HOST), environment.keysFrom());
            assertTrue(environment.wantMassQuery() && environment.lsCompression().equals(Optional.of("zstd")));
            Environment seed = Config.LIX.environment(name);
            assertEquals(List.of(seed.git(), seed.registries(), seed.publicKey(), seed.urls(), seed.gerrit(), seed.guarded()), List.of(environment.git(),
                    environment.registries(), environment.publicKey(), environment.urls(), environment.gerrit(), environment.guarded()));
        }
        assertEquals(List.of("aarch64-darwin", "aarch64-linux", "x86_64-linux"), config.project().installers());
        assertEquals(4, Config.LIX.project().installers().size());
    }

    @Test
    void aReleaseUnderTodaysNamesIsPublishedAndNixTakesIt() throws Exception {
        Checkout checkout = release();
        Path secret = folder.resolve("key");
        lib.base.Exec.of("nix-store", "--generate-binary-cache-key", "test-1", secret.toString(),
                Files.createDirectory(folder.resolve("local")).resolve("cache.pub").toString()).orFail("key", "");
        done(checkout, "--env", "staging", "--signing-key", secret.toString());
        assertEquals(1, ssh.calls().size(), ssh.calls().toString());
        assertTrue(ssh.calls().get(0).endsWith(HOST + " garage-ephemeral-key new --name releng-staging --read --write --age-secs 3600 "
                + "releases.staging.lix.systems cache.staging.lix.systems docs.staging.lix.systems"), ssh.calls().toString());
        Config config = Config.of(checkout.folder);
        Consumer consumer = new Consumer(store.endpoint(), config.environment("staging"), config.project(), BuiltRelease.read(checkout.folder.resolve("release")),
                folder, checkout.env());
        consumer.nixCopies();
        consumer.manifestEvaluates();
        consumer.checksumsFit();
        consumer.manualIsThere();
        assertTrue(done(checkout, "--env", "staging", "--signing-key", secret.toString()).err().contains("nothing to do"));
        done(checkout, "--env", "staging", "--target", "verify");
    }

    @Test
    void aPlanForLiveAndInstallersUnderTodaysNames() throws IOException {
        Checkout checkout = release();
        Checkout.Run plan = done(checkout, "--env", "live", "--plan");
        assertTrue(plan.out().contains("create s3://releases.lix.systems/manifest.nix") && plan.out().contains("s3://cache.lix.systems")
                && plan.out().contains("create s3://docs.lix.systems/manual/lix/stable/"), plan.out());
        Path built = Files.createDirectory(folder.resolve("built"));
        for (String system : List.of("aarch64-darwin", "aarch64-linux", "x86_64-linux")) {
            Files.write(built.resolve("lix-installer-" + system), ExecutableTest.program(system, "2.95.0"));
        }
        done(checkout, "--env", "staging", "--target", "installer", "--from", built.toString());
        assertTrue(Files.exists(folder.resolve("buckets/install.staging.lix.systems/lix/lix-installer-aarch64-darwin")));
        assertFalse(Files.exists(folder.resolve("buckets/releases.staging.lix.systems/lix")));
        List<String> asked = ssh.calls().stream().map(call -> call.replaceAll(".*--name (\\S+) .*--age-secs 3600 ", "$1: ")).toList();
        assertEquals(List.of("releng-live: releases.lix.systems cache.lix.systems docs.lix.systems", "releng-staging: install.staging.lix.systems"), asked);
    }
}
