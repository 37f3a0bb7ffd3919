import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;
import lib.base.Exec;
import lib.base.Fault;
import lib.base.FileTree;
import lib.base.Json;
import lib.http.Network;
import lib.http.Tuning;
import lib.oci.BuiltImage;
import lib.oci.ImageIndex;
import lib.oci.Login;
import lib.oci.OciLayout;
import lib.oci.Registry;
import lib.publish.Images;
import lib.publish.Plan;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** The sample's images in a real registry, Debian's docker-registry, and as skopeo finds them there. */
class RegistryTest {

    @TempDir
    Path folder;

    @RegisterExtension
    final Registries registries = new Registries(Registries.QUICK);

    private JsonNode skopeo(String... arguments) throws IOException {
        List<String> line = new ArrayList<>(List.of("skopeo"));
        line.addAll(List.of(arguments));
        return Json.MAPPER.readTree(Exec.of(line).orFail("skopeo", ""));
    }

    /** Each platform by each tag, copied out: the config is the one of the archive. */
    private void comesOut(String repository, String... login) throws IOException {
        for (String tag : List.of("2.95.0", "2.95", "latest")) {
            for (BuiltImage image : registries.built.images()) {
                Path out = folder.resolve(repository.replaceAll("\\W", "") + tag + image.architecture());
                List<String> line = new ArrayList<>(List.of("skopeo", "--override-os", image.os(), "--override-arch", image.architecture(), "copy", "--quiet",
                        "--src-tls-verify=false"));
                line.addAll(List.of(login));
                line.addAll(List.of("docker://" + repository + ":" + tag, "dir:" + out));
                Exec.of(line).orFail("skopeo", "");
                String config = Json.MAPPER.readTree(Files.readAllBytes(out.resolve("manifest.json"))).path("config").path("digest").asText();
                assertEquals(image.id(), config);
                assertEquals(image.id(), "sha256:" + FileTree.sha256(out.resolve(config.substring(7))));
            }
        }
    }

    private static List<String> writes(FaultProxy proxy) {
        return proxy.log().stream().filter(FaultProxy.Request::writes).map(request -> request.method() + " " + request.path()).toList();
    }

    @Test
    @DisplayName("hazard 20: two platforms and three tags arrive as one index of what was sent, says skopeo; a second run sends nothing")
    void twoPlatformsArriveUnderThreeTags() throws IOException {
        DockerRegistry server = registries.server();
        FaultProxy proxy = registries.proxy(server);
        Registry registry = registries.registry(Registries.host(proxy), Optional.empty());
        registry.check();
        registries.publish(registry);
        registries.proof(registry).orFail();
        comesOut(server.host() + "/" + Registries.PATH);
        JsonNode index = skopeo("inspect", "--raw", "--tls-verify=false", "docker://" + server.host() + "/" + Registries.PATH + ":latest");
        assertEquals("application/vnd.oci.image.index.v1+json", index.path("mediaType").asText());
        assertEquals("Lix", index.path("annotations").path("org.opencontainers.image.title").asText());
        assertEquals(List.of("amd64", "arm64"), Stream.of(0, 1).map(i -> index.path("manifests").path(i).path("platform").path("architecture").asText()).sorted().toList());
        for (JsonNode entry : index.path("manifests")) {
            JsonNode manifest = skopeo("inspect", "--raw", "--tls-verify=false", "docker://" + server.host() + "/" + Registries.PATH + "@" + entry.path("digest").asText());
            assertEquals(entry.path("mediaType").asText(), manifest.path("mediaType").asText());
        }
        assertEquals(List.of("2.95", "2.95.0", "latest"), Stream.of(skopeo("list-tags", "--tls-verify=false", "docker://" + server.host() + "/" + Registries.PATH).path("Tags"))
                .flatMap(tags -> Stream.iterate(0, i -> i + 1).limit(tags.size()).map(i -> tags.get(i).asText())).sorted().toList());

        int before = proxy.log().size();
        List<String> written = writes(proxy);
        FileTree.remove(registries.release); // with nothing to do no archive is read
        registries.publish(registry);
        assertEquals(written, writes(proxy));
        // One for each of three tags, the index and two manifests.
        assertEquals(6, proxy.log().size() - before, proxy.log().subList(before, proxy.log().size()).toString());
    }

    @Test
    void aFolderAndTwoRegistriesCostOneReadingOfTheArchive() throws Exception {
        DockerRegistry first = registries.server();
        DockerRegistry second = registries.server();
        // With the first bytes of an image to arrive its archive is gone: who opened it can read on, nobody else can.
        FaultProxy proxy = registries.proxy(first).arm(null, request -> {
            for (BuiltImage image : registries.built.images()) {
                if (request.path().contains("digest=") && image.layers().stream().anyMatch(layer -> request.path().endsWith(layer.blob()))) {
                    registries.release.resolve(image.path()).toFile().delete();
                }
            }
            return false;
        });
        OciLayout layout = new OciLayout(folder.resolve("layout"));
        Registry one = registries.registry(Registries.host(proxy), Optional.empty());
        Registry two = registries.registry(second.host(), Optional.empty());
        registries.publish(layout, one, two);
        registries.proof(layout, one, two).orFail();
        assertEquals(first.state(), second.state());
        registries.built.images().forEach(image -> assertFalse(Files.exists(registries.release.resolve(image.path()))));

        FileTree.remove(second.data());
        Fault fault = assertThrows(Fault.class, () -> registries.publish(layout, one, two));
        assertTrue(fault.getMessage().contains(".tar.gz cannot be read"), fault.getMessage());
    }

    // All there is, for reading only, but for one folder; /var/tmp, which others need, is no exception.
    private static final String READ_ONLY = """
            set -e
            mkdir "$1.root"
            mount --rbind / "$1.root"
            mount -o remount,bind,ro "$1.root"
            mount --bind "$1" "$1.root$1"
            root=$1.root; shift
            exec chroot "$root" "$@"
            """;

    private Exec.Result readOnly(Path temporary, String... command) {
        List<String> line = new ArrayList<>(List.of("unshare", "--map-root-user", "--mount", "sh", "-c", READ_ONLY, "sh", temporary.toString()));
        line.addAll(List.of(command));
        Exec.Result result = Exec.of(line).run();
        folder.resolve(temporary.getFileName() + ".root").toFile().delete();
        return result;
    }

    @Test
    void nothingIsWrittenWhereOthersNeedVarTmp() throws IOException {
        Path temporary = Files.createDirectory(folder.resolve("temporary"));
        assumeTrue(readOnly(temporary, "true").exit() == 0, "this machine lets nobody have mounts of their own: unshare --map-root-user --mount");
        assertTrue(readOnly(temporary, "touch", "/var/tmp/releng").err().contains("Read-only"));
        DockerRegistry server = registries.server();
        Exec.Result pushed = readOnly(temporary, Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Djava.io.tmpdir=" + temporary,
                "-cp", System.getProperty("java.class.path"), "push", registries.release.toString(), server.host() + "/" + Registries.PATH);
        assertEquals(0, pushed.exit(), pushed.err());
        assertEquals(ImageIndex.of(registries.built.images()).index().digest(), server.tag(Registries.PATH, "2.95.0"));
        assertEquals(Map.of(), FileTree.files(temporary));
    }

    @Test
    void aRegistryThatFailsKeepsNobodyElseFromTheirImages() throws IOException {
        DockerRegistry good = registries.server();
        DockerRegistry bad = registries.server();
        FaultProxy proxy = registries.proxy(bad).arm(FaultProxy.Fault.FORBIDDEN_403, request -> request.path().contains("digest="));
        Registry one = registries.registry(Registries.host(proxy), Optional.empty());
        Registry two = registries.registry(good.host(), Optional.empty());
        Fault fault = assertThrows(Fault.class, () -> registries.publish(one, two));
        assertTrue(fault.getMessage().contains(Registries.host(proxy)) && fault.getMessage().contains("403") && !fault.getMessage().contains(good.host()), fault.getMessage());
        for (BuiltImage image : registries.built.images()) {
            assertEquals(Optional.of(image.configSize()), two.size(image.id()));
        }
        proxy.arm(null, request -> false);
        registries.publish(one, two);
        registries.proof(one, two).orFail();
    }

    @Test
    void blobsOfAnotherRepositoryOfTheHostAreTakenOverAndNotSent() throws IOException {
        DockerRegistry server = registries.server();
        FaultProxy proxy = registries.proxy(server);
        registries.publish(registries.keep(new Registry(Registries.host(proxy) + "/kettle/staging", Optional.empty(), List.of(), true, Registries.QUICK, Network.PLAIN)));
        int sent = writes(proxy).size();
        Registry registry = registries.registry(Registries.host(proxy), Optional.empty(), Registries.host(proxy) + "/kettle/nothing", Registries.host(proxy) + "/kettle/staging", "elsewhere.example.org/kettle");
        registries.publish(registry);
        registries.proof(registry).orFail();
        List<String> writes = writes(proxy).subList(sent, writes(proxy).size());
        assertTrue(writes.stream().noneMatch(write -> write.contains("digest=")), writes.toString());
        assertEquals(6, writes.stream().filter(write -> write.contains("mount=sha256:")).count(), writes.toString());
        comesOut(server.host() + "/" + Registries.PATH);
    }

    @Test
    void withAPasswordOnlyTheLoginMayWrite() throws IOException {
        DockerRegistry server = registries.keep(DockerRegistry.withPassword(folder.resolve("closed")));
        Fault fault = assertThrows(Fault.class, () -> registries.registry(server.host(), Optional.empty()).check());
        assertEquals(Fault.Kind.REFUSED, fault.kind());
        assertTrue(fault.getMessage().contains("401") && fault.getMessage().contains("there is no login") && fault.next().contains("skopeo login " + server.host()), fault.toString());
        fault = assertThrows(Fault.class, () -> registries.registry(server.host(), login(server.host(), "{\"auth\": \"" + base64(DockerRegistry.USER + ":wrong") + "\"}")).check());
        assertTrue(fault.getMessage().contains("401") && fault.getMessage().contains("the login is from " + folder.resolve("auth.json")), fault.getMessage());
        assertFalse(fault.toString().contains("wrong"), fault.toString());
        Registry registry = registries.registry(server.host(), login(server.host(), "{\"auth\": \"" + base64(DockerRegistry.USER + ":" + DockerRegistry.PASSWORD) + "\"}"));
        registry.check();
        assertEquals(Map.of(), server.state());
        registries.publish(registry);
        registries.proof(registry).orFail();
        comesOut(server.host() + "/" + Registries.PATH, "--src-creds", DockerRegistry.USER + ":" + DockerRegistry.PASSWORD);
    }

    @Test
    void tokensAreFetchedForWhatIsToBeDoneAndAnewWhenTheyEndOrAreNotTaken() throws Exception {
        for (String entry : List.of("{\"auth\": \"" + base64(DockerRegistry.USER + ":" + DockerRegistry.PASSWORD) + "\"}",
                "{\"auth\": \"" + base64("<token>:") + "\", \"identitytoken\": \"" + TokenServer.REFRESH_TOKEN + "\"}")) {
            // Not taken at all; then registries.said to last a second, so that a registries.release needs some.
            TokenServer tokens = registries.keep(new TokenServer(Files.createTempDirectory(folder, "tokens"), 0).stale(1));
            DockerRegistry server = registries.keep(DockerRegistry.withTokens(Files.createTempDirectory(folder, "registry"), tokens.realm(), tokens.certificate()));
            Registry registry = registries.registry(server.host(), login(server.host(), entry));
            registry.check();
            registries.publish(registry);
            registries.proof(registry).orFail();
            // Asked until a token has ended, with an end: a second is as short as a service can say.
            for (long end = System.nanoTime() + 20_000_000_000L; tokens.asked().size() < 3 && System.nanoTime() < end; ) {
                assertTrue(registry.tag("latest").isPresent());
            }
            assertTrue(tokens.asked().size() >= 3, tokens.asked().toString());
            String method = entry.contains("identity") ? "POST " : "GET ";
            assertTrue(tokens.asked().stream().allMatch((method + DockerRegistry.USER + " repository:" + Registries.PATH + ":pull,push")::equals), tokens.asked().toString());

            Registry anybody = registries.keep(new Registry(server.host() + "/" + Registries.PATH, Optional.empty(), List.of(), false, Registries.QUICK, Network.PLAIN));
            anybody.check();
            registries.proof(anybody).orFail();
            assertTrue(tokens.asked().contains("GET nobody repository:" + Registries.PATH + ":pull"), tokens.asked().toString());
            Fault fault = assertThrows(Fault.class, () -> registries.registry(server.host(), Optional.empty()).check());
            assertTrue(fault.getMessage().contains("it cannot be written to") && fault.getMessage().contains("401"), fault.getMessage());
        }
    }

    private Optional<Login.Credential> login(String host, String entry) throws IOException {
        Path file = Files.writeString(folder.resolve("auth.json"), "{\"auths\": {\"" + host + "\": " + entry + "}}");
        return Login.of(Map.of("HOME", folder.toString(), "REGISTRY_AUTH_FILE", file.toString())).find(host + "/" + Registries.PATH);
    }

    private static String base64(String text) {
        return Base64.getEncoder().encodeToString(text.getBytes());
    }

    @Test
    @DisplayName("whatever a registry answers, the end is clear, and the next run finishes")
    void whateverARegistryAnswersTheEndIsClear() throws IOException {
        Map<FaultProxy.Fault, String> lasting = new LinkedHashMap<>();
        lasting.put(FaultProxy.Fault.UNAUTHORIZED_401, "log in and run again");
        lasting.put(FaultProxy.Fault.FORBIDDEN_403, "give this login write access");
        lasting.put(FaultProxy.Fault.NOT_FOUND_404, "check that the repository exists");
        lasting.put(FaultProxy.Fault.TOO_MANY_429, "wait as long as it asks");
        lasting.put(FaultProxy.Fault.ERROR_500, "run again");
        lasting.put(FaultProxy.Fault.CUT_REQUEST, "run again");
        lasting.put(FaultProxy.Fault.RESET_AFTER, "run again");
        lasting.put(FaultProxy.Fault.OTHER_DIGEST, "ask its operator");
        DockerRegistry server = registries.server();
        SortedMap<String, String> whole = new TreeMap<>();
        for (String where : List.of("digest=", "/manifests/sha256:")) {
            for (Map.Entry<FaultProxy.Fault, String> one : lasting.entrySet()) {
                FileTree.remove(server.data());
                FaultProxy proxy = registries.proxy(server).arm(one.getKey(), request -> request.writes() && request.path().contains(where));
                Registry registry = registries.registry(Registries.host(proxy), Optional.empty());
                Fault fault = assertThrows(Fault.class, () -> registries.publish(registry), one.getKey() + " " + where);
                assertTrue(fault.getMessage().contains("http://" + Registries.host(proxy)) && fault.getMessage().contains(one.getKey().answer()), fault.getMessage());
                assertTrue(fault.next().contains(one.getValue()), one.getKey() + " " + where + ": " + fault.next());
                assertEquals(Optional.empty(), registry.tag("2.95.0"));
                proxy.arm(null, request -> false);
                registries.publish(registry);
                registries.proof(registry).orFail();
                whole.putAll(whole.isEmpty() ? server.state() : whole);
                assertEquals(whole, server.state(), one.getKey() + " " + where);
            }
        }
    }

    @Test
    void whatPassesIsTriedAgain() throws IOException {
        DockerRegistry server = registries.server();
        for (FaultProxy.Fault fault : List.of(FaultProxy.Fault.ERROR_500, FaultProxy.Fault.ERROR_500_AFTER, FaultProxy.Fault.TOO_MANY_429, FaultProxy.Fault.RESET_BEFORE,
                FaultProxy.Fault.RESET_AFTER, FaultProxy.Fault.CUT_REQUEST, FaultProxy.Fault.CUT_ANSWER)) {
            FileTree.remove(server.data());
            FaultProxy proxy = registries.proxy(server).arm(fault, request -> request.before() == 0 && Math.floorMod(request.path().hashCode(), 3) == 0);
            Registry registry = registries.registry(Registries.host(proxy), Optional.empty());
            registries.publish(registry);
            registries.proof(registry).orFail();
        }
    }

    @Test
    @DisplayName("hazard 19: an index that is answered with 404 for a while is sent again, and given up with a failure")
    void anIndexThatIsNotTakenForAWhileIsSentAgain() throws IOException {
        DockerRegistry server = registries.server();
        FaultProxy proxy = registries.proxy(server).arm(FaultProxy.Fault.NOT_FOUND_404, request -> request.writes() && request.path().endsWith("/manifests/2.95.0") && request.before() < 3);
        Registry registry = registries.registry(Registries.host(proxy), Optional.empty());
        registries.publish(registry);
        registries.proof(registry).orFail();
        assertEquals(4, writes(proxy).stream().filter(write -> write.endsWith("/manifests/2.95.0")).count());

        FaultProxy never = registries.proxy(server).arm(FaultProxy.Fault.NOT_FOUND_404, request -> request.writes() && request.path().endsWith("/manifests/other"));
        Registry unwilling = registries.keep(new Registry(Registries.host(never) + "/" + Registries.PATH, Optional.empty(), List.of(), true,
                new Tuning(8, 0, 0, Duration.ofSeconds(5), Duration.ofSeconds(20), 3, Duration.ofSeconds(1)), Network.PLAIN));
        Fault fault = assertThrows(Fault.class, () -> unwilling.tag("other", ImageIndex.of(registries.built.images()).index()));
        assertTrue(fault.getMessage().contains("404") && fault.getMessage().contains("does not have yet"), fault.getMessage());
        assertEquals(Optional.empty(), unwilling.tag("other"));
    }

    @Test
    @DisplayName("hazards 25 and 26: a blob that is lost between push and manifest, and one lost later, are found; the next run sends it")
    void aBlobThatIsLostIsFoundAndSentAgain() throws Exception {
        DockerRegistry server = registries.server();
        Registry registry = registries.registry(server.host(), Optional.empty());
        String layer = registries.built.images().get(0).layers().get(0).blob();
        var stages = new Images(List.of(registry), registries.release, registries.built.images(), "2.95.0", false, Registries.QUICK).compare().stages();
        assertEquals(List.of("blobs", "manifests", "index"), stages.stream().map(stage -> stage.name()).toList());
        for (var operation : stages.get(0).operations()) {
            operation.action().run();
        }
        lose(server, layer);
        Fault fault = assertThrows(Fault.class, () -> {
            for (var operation : stages.get(1).operations()) {
                operation.action().run();
            }
        });
        assertTrue(fault.getMessage().contains("http://" + server.host()) && fault.getMessage().contains("UNKNOWN") && fault.next().contains("run again"), fault.toString());
        registries.publish(registry);
        registries.proof(registry).orFail();

        lose(server, layer);
        fault = assertThrows(Fault.class, () -> registries.proof(registry).orFail());
        assertTrue(fault.getMessage().contains(layer + ": is missing"), fault.getMessage());
        Plan again = new Plan().add(new Images(List.of(registry), registries.release, registries.built.images(), "2.95.0", true, Registries.QUICK));
        again.requireNoConflicts();
        again.run(registries.console, 4);
        registries.proof(registry).orFail();
        assertTrue(new Plan().add(new Images(List.of(registry), registries.release, registries.built.images(), "2.95.0", true, Registries.QUICK)).isEmpty());
    }

    private void lose(DockerRegistry server, String blob) throws IOException {
        FileTree.remove(server.repository(Registries.PATH).resolve("_layers/sha256").resolve(blob.substring(7)));
    }
}
