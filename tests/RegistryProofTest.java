import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import lib.base.Exec;
import lib.base.Fault;
import lib.config.Config;
import lib.http.Network;
import lib.oci.BuiltImage;
import lib.oci.ImageIndex;
import lib.oci.ImageStore;
import lib.oci.Login;
import lib.oci.Registry;
import lib.proof.Fetcher;
import lib.proof.Proof;
import lib.publish.Images;
import lib.publish.Plan;
import lib.release.BuiltRelease;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** What is in a registry is proved by its bytes: Debian's docker-registry, with its files changed behind its back. */
class RegistryProofTest {

    @TempDir
    Path folder;

    @RegisterExtension
    final Registries registries = new Registries(Registries.QUICK);

    private static List<String> writes(FaultProxy proxy) {
        return proxy.log().stream().filter(FaultProxy.Request::writes).map(request -> request.method() + " " + request.path()).toList();
    }

    private Optional<Login.Credential> login(String host, String entry) throws IOException {
        Path file = Files.writeString(folder.resolve("auth.json"), "{\"auths\": {\"" + host + "\": " + entry + "}}");
        return Login.of(Map.of("HOME", folder.toString(), "REGISTRY_AUTH_FILE", file.toString())).find(host + "/" + Registries.PATH);
    }

    private static String base64(String text) {
        return Base64.getEncoder().encodeToString(text.getBytes());
    }

    private void replace(ImageStore store) throws IOException {
        Plan plan = new Plan().add(new Images(List.of(store), registries.release, registries.built.images(), "2.95.0", true, Registries.QUICK));
        plan.requireNoConflicts();
        plan.run(registries.console, 4);
    }

    @Test
    @DisplayName("hazard 50: a layer and a config with other bytes of the same size are found; what the message advises makes them whole")
    void aBlobWithOtherBytesIsFoundAndTheAdviceHelps() throws IOException {
        DockerRegistry server = registries.server();
        FaultProxy proxy = registries.proxy(server);
        Registry registry = registries.registry(Registries.host(proxy), Optional.empty(), Registries.host(proxy) + "/kettle/staging");
        registries.publish(registries.keep(new Registry(Registries.host(proxy) + "/kettle/staging", Optional.empty(), List.of(), true, Registries.QUICK, Network.PLAIN)), registry);
        for (String digest : List.of(registries.built.images().get(0).layers().get(0).blob(), registries.built.images().get(1).id())) {
            ImagesTest.change(server.blob(digest));
            Fault fault = assertThrows(Fault.class, () -> registries.proof(registry).orFail());
            assertTrue(fault.why().toString().contains(digest + ": has ") && fault.next().contains("upload with --replace") && fault.next().contains("its operator has to remove the blob"), fault.toString());
            // Sent, and not taken over from where it is just as wrong; this registry keeps what it has all the same, and the proof says so.
            int before = writes(proxy).size();
            replace(registry);
            List<String> sent = writes(proxy).subList(before, writes(proxy).size());
            assertEquals(List.of(digest), sent.stream().filter(write -> write.contains("digest=")).map(write -> write.replaceAll(".*digest=", "")).toList(), sent.toString());
            assertTrue(assertThrows(Fault.class, () -> registries.proof(registry).orFail()).why().toString().contains(digest + ": has "));
            Files.delete(server.blob(digest));
            replace(registry);
            registries.proof(registry).orFail();
            Exec.of("skopeo", "copy", "--quiet", "--all", "--src-tls-verify=false", "docker://" + server.host() + "/" + Registries.PATH + ":latest",
                    "dir:" + folder.resolve("out" + digest.substring(7))).orFail("skopeo", "");
        }
    }

    @Test
    void aManifestOrIndexWithOtherBytesIsFoundAndSentAgain() throws IOException {
        DockerRegistry server = registries.server();
        FaultProxy proxy = registries.proxy(server);
        Registry registry = registries.registry(Registries.host(proxy), Optional.empty());
        registries.publish(registry);
        ImageIndex index = ImageIndex.of(registries.built.images());
        for (ImageIndex.Document document : List.of(index.manifests().get(0), index.index())) {
            // Still JSON, as a registry wants it.
            Files.writeString(server.blob(document.digest()), Files.readString(server.blob(document.digest())).replace("\"size\":", "\"size\" :"));
            Fault fault = assertThrows(Fault.class, () -> registries.proof(registry).orFail());
            assertTrue(fault.why().toString().contains(document.digest() + ": has other bytes"), fault.toString());
            assertEquals(document == index.index() ? 3 : 0, fault.why().stream().filter(why -> why.contains(Registries.PATH + ":") && why.contains("has other bytes: they are")
                    && !why.contains(": sha256:")).count(), fault.toString());
            int before = writes(proxy).size();
            registries.publish(registry);
            assertTrue(writes(proxy).subList(before, writes(proxy).size()).stream().anyMatch(write -> write.contains(document == index.index() ? "/manifests/2.95.0" : document.digest())),
                    proxy.log().toString());
            Files.delete(server.blob(document.digest())); // as who runs it is asked to
            registries.publish(registry);
            registries.proof(registry).orFail();
        }
    }

    @Test
    void aRegistryThatNamesAnotherDigestThanItSendsIsFound() throws IOException {
        DockerRegistry server = registries.server();
        FaultProxy proxy = registries.proxy(server);
        Registry registry = registries.registry(Registries.host(proxy), Optional.empty());
        registries.publish(registry);
        proxy.arm(FaultProxy.Fault.OTHER_DIGEST, request -> request.method().equals("HEAD") && request.path().endsWith("/manifests/latest"));
        Fault fault = assertThrows(Fault.class, () -> registries.proof(registry).orFail());
        assertEquals(1, fault.why().size());
        assertTrue(fault.getMessage().contains(Registries.PATH + ":latest: names sha256:00000000"), fault.getMessage());
    }

    @Test
    @DisplayName("each blob comes once a run, though images share it and tags are proved after content")
    void eachBlobIsFetchedOnceARun() throws IOException {
        DockerRegistry server = registries.server();
        FaultProxy proxy = registries.proxy(server);
        Registry registry = registries.registry(Registries.host(proxy), Optional.empty());
        List<BuiltImage> shared = new ArrayList<>(registries.built.images());
        shared.add(registries.built.images().get(0));
        BuiltRelease one = registries.built;
        registries.built = new BuiltRelease(one.target(), one.version(), one.name(), one.official(), one.commit(), one.tag(), one.system(), one.profile(),
                one.files(), shared, one.jobs());
        registries.publish(registry);
        int before = proxy.log().size();
        registries.proof(registry).orFail();
        new Proof(Fetcher.of(Config.LIX.environment("local"), Optional.empty(), Network.PLAIN), Config.LIX.environment("local"), Config.LIX.project(), Optional.empty(), registries.console)
                .imageTags(List.of(registry), registries.built, List.of("2.95", "latest")).orFail();
        List<String> blobs = proxy.log().subList(before, proxy.log().size()).stream().map(request -> request.method() + " " + request.path()).filter(path -> path.contains("/blobs/")).toList();
        assertEquals(blobs.stream().distinct().count(), blobs.size(), blobs.toString());
        assertEquals(6, blobs.size());
        assertTrue(blobs.stream().allMatch(path -> path.startsWith("GET ")), blobs.toString());
    }

    @Test
    void blobsAreFetchedWhereTheRegistrySendsToWithoutALoginAndABrokenDownloadBeginsAnew() throws Exception {
        DockerRegistry server = registries.keep(DockerRegistry.withPassword(folder.resolve("closed")));
        Registry sender = registries.registry(server.host(), login(server.host(), "{\"auth\": \"" + base64(DockerRegistry.USER + ":" + DockerRegistry.PASSWORD) + "\"}"));
        registries.publish(sender);
        String layer = registries.built.images().get(0).layers().get(0).blob();
        AtomicInteger broken = new AtomicInteger();
        List<String> logins = Collections.synchronizedList(new ArrayList<>());
        HttpServer storage = loopback(exchange -> {
            logins.add(String.valueOf(exchange.getRequestHeaders().getFirst("Authorization")));
            byte[] bytes = Files.readAllBytes(server.blob("sha256:" + exchange.getRequestURI().getPath().substring(1)));
            boolean whole = broken.getAndDecrement() <= 0;
            exchange.sendResponseHeaders(200, bytes.length);
            exchange.getResponseBody().write(bytes, 0, whole ? bytes.length : bytes.length / 2);
            exchange.close();
        });
        HttpServer front = loopback(exchange -> {
            String path = exchange.getRequestURI().toString();
            if (path.contains("/blobs/sha256:")) {
                exchange.getResponseHeaders().set("Location", "http://127.0.0.1:" + storage.getAddress().getPort() + "/" + path.replaceAll(".*sha256:", "") + "?signed=%2Fyes");
                exchange.sendResponseHeaders(307, -1);
            } else {
                relay(exchange, server);
            }
            exchange.close();
        });
        String host = "127.0.0.1:" + front.getAddress().getPort();
        Registry registry = registries.registry(host, login(host, "{\"auth\": \"" + base64(DockerRegistry.USER + ":" + DockerRegistry.PASSWORD) + "\"}"));
        broken.set(1);
        registries.proof(registry).orFail();
        assertEquals(7, logins.size(), "one of six broke off");
        assertEquals(List.of("null"), logins.stream().distinct().toList());
        ImagesTest.change(server.blob(layer));
        assertTrue(assertThrows(Fault.class, () -> registries.proof(registry).orFail()).getMessage().contains(layer + ": has "));
        broken.set(Integer.MAX_VALUE);
        assertTrue(assertThrows(Fault.class, () -> registries.proof(registry).orFail()).getMessage().contains("the blob " + layer + " failed"));
    }

    private void relay(HttpExchange exchange, DockerRegistry server) throws IOException {
        try {
            HttpRequest.Builder request = HttpRequest.newBuilder(server.endpoint().resolve(exchange.getRequestURI().toString()))
                    .method(exchange.getRequestMethod(), HttpRequest.BodyPublishers.noBody());
            for (String header : List.of("Authorization", "Accept")) {
                Optional.ofNullable(exchange.getRequestHeaders().getFirst(header)).ifPresent(value -> request.header(header, value));
            }
            HttpResponse<byte[]> answer = HttpClient.newHttpClient().send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
            for (String header : List.of("Docker-Content-Digest", "Www-Authenticate", "Content-Type")) {
                answer.headers().firstValue(header).ifPresent(value -> exchange.getResponseHeaders().set(header, value));
            }
            exchange.sendResponseHeaders(answer.statusCode(), answer.body().length == 0 ? -1 : answer.body().length);
            exchange.getResponseBody().write(answer.body());
        } catch (InterruptedException e) {
            throw new IOException(e);
        }
    }

    private HttpServer loopback(HttpHandler handler) throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(Executors.newCachedThreadPool(work -> {
            Thread thread = new Thread(work, "registry");
            thread.setDaemon(true);
            return thread;
        }));
        server.createContext("/", handler);
        server.start();
        registries.keep(() -> server.stop(0));
        return server;
    }

    @Test
    void aBlobThatNeverEndsIsGivenUpAndALengthThatIsNoneIsSaid() throws IOException {
        HttpServer endless = loopback(exchange -> {
            if (exchange.getRequestMethod().equals("HEAD")) {
                exchange.getResponseHeaders().set("Content-Length", "many");
                exchange.sendResponseHeaders(200, -1);
                exchange.close();
                return;
            }
            exchange.sendResponseHeaders(200, 0);
            byte[] some = new byte[1 << 16];
            while (true) {
                exchange.getResponseBody().write(some); // ends when nobody reads on
            }
        });
        Registry registry = registries.registry("127.0.0.1:" + endless.getAddress().getPort(), Optional.empty());
        String digest = registries.built.images().get(0).id();
        AtomicLong came = new AtomicLong(); // by which a slow download is told from one that hangs
        assertEquals(1001, registry.read(digest, 1000, came::addAndGet).orElseThrow().size());
        assertEquals(1001, came.get());
        Fault fault = assertThrows(Fault.class, () -> registry.size(digest));
        assertTrue(fault.getMessage().contains("Content-Length"), fault.getMessage());
    }
}
