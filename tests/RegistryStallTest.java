import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Predicate;
import lib.base.Exec;
import lib.base.Fault;
import lib.base.FileTree;
import lib.http.Network;
import lib.http.Tuning;
import lib.oci.BuiltImage;
import lib.oci.DockerArchive;
import lib.oci.ImageStore;
import lib.oci.OciLayout;
import lib.oci.Registry;
import lib.oci.Transfer;
import lib.publish.Images;
import lib.publish.Plan;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** Two real registries, one of which hangs: the other gets its images all the same. */
class RegistryStallTest {

    /** Tried again for longer than any test takes: who waits for the one that hangs is found out. */
    private static final Tuning PATIENT = new Tuning(8, 0, 0, Duration.ofSeconds(5), Duration.ofSeconds(4), 1000, Duration.ofMinutes(10));

    @TempDir
    Path folder;

    @RegisterExtension
    final Registries registries = new Registries(PATIENT);

    private void publish(ImageStore... stores) {
        try {
            new Plan().add(new Images(List.of(stores), registries.release, registries.built.images(), "2.95.0", false, PATIENT)).run(registries.console, 4);
        } catch (IOException e) {
            throw new CompletionException(e);
        }
    }

    private boolean hasAll(ImageStore store) throws IOException {
        for (BuiltImage image : registries.built.images()) {
            List<String> blobs = new ArrayList<>(List.of(image.id()));
            image.layers().forEach(layer -> blobs.add(layer.blob()));
            for (String blob : blobs) {
                if (store.size(blob).isEmpty()) {
                    return false;
                }
            }
        }
        return true;
    }

    private void await(ImageStore store, CompletableFuture<Void> publishing) throws Exception {
        // Polled, with an end: the registry is another process, and tells nobody what it has got.
        for (long end = System.nanoTime() + 90_000_000_000L; !hasAll(store); Thread.sleep(20)) {
            assertFalse(publishing.isDone(), "it ended before the healthy one had everything");
            assertTrue(System.nanoTime() < end, "the one that hangs keeps the bytes from the healthy one");
        }
    }

    private void oneThatHangs(Predicate<FaultProxy.Request> when, boolean sibling) throws Exception {
        DockerRegistry good = registries.server();
        DockerRegistry bad = registries.server();
        FaultProxy proxy = registries.proxy(bad);
        String host = proxy.endpoint().getAuthority();
        Registry hanging = registries.registry(host, Optional.empty(), sibling ? new String[] {host + "/kettle/staging"} : new String[0]);
        Registry healthy = registries.registry(good.host(), Optional.empty());
        proxy.arm(FaultProxy.Fault.STALL, when);
        CompletableFuture<Void> publishing = CompletableFuture.runAsync(() -> publish(hanging, healthy));
        await(healthy, publishing);
        assertFalse(publishing.isDone());
        proxy.arm(FaultProxy.Fault.FORBIDDEN_403, FaultProxy.Request::writes);
        Fault fault = (Fault) assertThrows(CompletionException.class, publishing::join).getCause();
        assertTrue(fault.getMessage().contains(host) && !fault.getMessage().contains(good.host()), fault.getMessage());
        proxy.arm(null, request -> false);
        publish(hanging, healthy);
        assertEquals(good.state(), bad.state());
    }

    @Test
    @DisplayName("hazard 54: a registry that hangs when an upload is to begin does not keep the bytes from the healthy one")
    void oneThatHangsWhenAnUploadIsToBeginDoesNotKeepTheBytesFromTheOther() throws Exception {
        oneThatHangs(request -> request.method().equals("POST"), false);
    }

    @Test
    void oneThatTakesAllBytesAndNeverAnswersDoesNotKeepThemFromTheOther() throws Exception {
        oneThatHangs(request -> request.method().equals("PUT") && request.path().contains("digest="), false);
    }

    @Test
    void oneThatHangsWhenAskedWhatAnotherRepositoryHasDoesNotKeepTheBytesFromTheOther() throws Exception {
        oneThatHangs(request -> request.path().contains("/kettle/staging/"), true);
    }

    @Test
    void oneThatStopsReadingInTheMiddleDoesNotKeepTheRestFromTheOthers() throws Exception {
        BuiltImage image = image(24 << 20);
        DockerRegistry good = registries.keep(DockerRegistry.open(folder.resolve("good")));
        DockerRegistry bad = registries.keep(DockerRegistry.open(folder.resolve("bad")));
        ServerSocket listening = registries.keep(new ServerSocket(0, 50, InetAddress.getLoopbackAddress()));
        new StallingProxy(listening, bad.endpoint(), 0);
        Tuning once = new Tuning(8, 0, 0, Duration.ofSeconds(5), Duration.ofSeconds(3), 1, Duration.ofSeconds(30));
        Registry hanging = registries.keep(new Registry("127.0.0.1:" + listening.getLocalPort() + "/" + Registries.PATH, Optional.empty(), List.of(), true, once, Network.PLAIN));
        Registry healthy = registries.registry(good.host(), Optional.empty());
        OciLayout layout = new OciLayout(folder.resolve("layout"));
        Map<ImageStore, java.util.Set<String>> missing = new LinkedHashMap<>();
        for (ImageStore store : List.of(hanging, healthy, layout)) {
            missing.put(store, new TreeSet<>(List.of(image.id(), image.layers().get(0).blob())));
        }
        Fault fault = assertThrows(Fault.class, () -> Transfer.run(registries.release.resolve(image.path()), image, missing, true, once, bytes -> { }));
        assertEquals(1, fault.why().size(), fault.getMessage());
        assertTrue(fault.getMessage().contains(hanging.name().replaceAll("/.*", "")), fault.getMessage());
        for (ImageStore store : List.of(healthy, layout)) {
            assertEquals(Optional.of(image.configSize()), store.size(image.id()));
            assertEquals(Optional.of(image.layers().get(0).blobSize()), store.size(image.layers().get(0).blob()));
        }
    }

    /** Of one layer of so many bytes, which no compression makes smaller. */
    private BuiltImage image(int size) throws IOException {
        Path parts = Files.createDirectories(folder.resolve("parts/nix/store"));
        byte[] random = new byte[size];
        new Random(1).nextBytes(random);
        Files.write(parts.resolve("random"), random);
        Path layer = folder.resolve("parts/layer.tar");
        Exec.of("tar", "-C", folder.resolve("parts").toString(), "-cf", layer.toString(), "nix").orFail("tar", "");
        Files.writeString(folder.resolve("parts/config.json"), "{\"os\": \"linux\", \"architecture\": \"amd64\", \"config\": {}, \"rootfs\": {\"diff_ids\": [\"sha256:"
                + FileTree.sha256(layer) + "\"]}}", StandardCharsets.UTF_8);
        Files.writeString(folder.resolve("parts/manifest.json"), "[{\"Config\": \"config.json\", \"RepoTags\": [], \"Layers\": [\"layer.tar\"]}]");
        Exec.of("tar", "-C", folder.resolve("parts").toString(), "-cf", registries.release.resolve("image.tar").toString(), "manifest.json", "config.json", "layer.tar").orFail("tar", "");
        return DockerArchive.read(registries.release.resolve("image.tar")).built("image.tar", "x86_64-linux");
    }
}
