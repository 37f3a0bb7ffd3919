import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentSkipListSet;
import lib.config.Config;
import lib.config.Environment;
import lib.config.Project;
import lib.release.BuiltRelease;
import lib.s3.local.LocalStore;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The README's example of another project, taken from the README and released. */
class AdoptionTest {

    /** Belongs to the public key in the example, and signs nothing but this. */
    private static final String SIGNING_KEY = "cache.example.org-1:3E6GVk+vilHmc7+2rOhhxmIPMKKLDl+HwySQyLv/GTmyPbilYjSzCSRXku/lOOerOLBy7+IR2Rkn8siokgjIFg==";

    @TempDir
    Path folder;

    private final List<HttpServer> fronts = new ArrayList<>();
    private final Set<String> asked = new ConcurrentSkipListSet<>();

    @AfterEach
    void close() {
        fronts.forEach(front -> front.stop(0));
    }

    @Test
    @DisplayName("hazard 53: the Kettle of the example is released to its own places, proved there, and asks nothing of Lix's")
    void anotherProjectIsReleased() throws Exception {
        Path buckets = folder.resolve("buckets");
        String[] names = {"kettle-releases", "kettle-cache", "kettle-docs", "kettle-install"};
        try (LocalStore store = new LocalStore(buckets, names); DockerRegistry registry = DockerRegistry.open(folder.resolve("registry"))) {
            // Only the hosts are others.
            String json = Files.readString(Home.folder().resolve("tests/fixtures/kettle/releng.json")).replace("ssh://git@git.example.org", "file://" + folder.resolve("git"))
                    .replace("https://s3.example.org", store.endpoint().toString()).replace("registry.example.org", registry.host());
            for (String role : List.of("releases", "cache", "docs")) {
                json = json.replace("https://" + role + ".example.org", front(role, buckets.resolve("kettle-" + role)));
            }
            Checkout checkout = kettle(json);
            Config config = Config.of(checkout.folder);
            Environment live = config.environment("live");
            assertFalse(config.toString().toLowerCase().contains("lix"), config.toString());
            Path remote = folder.resolve("git/kettle/kettle");
            checkout.git("init", "--quiet", "--bare", remote.toString());

            Checkout.Run unsaid = checkout.run(new prepare());
            assertEquals(1, unsaid.exit(), unsaid.err());
            assertTrue(unsaid.err().contains("project.upstream") && unsaid.err().contains("project.review"), unsaid.err());
            withoutOthersReferences(checkout, config.project());

            assertDone(checkout.run(new prepare()));
            assertDone(checkout.run(new tag()));
            assertDone(checkout.run(new build()));
            checkout.with("AWS_ACCESS_KEY_ID", store.id()).with("AWS_SECRET_ACCESS_KEY", store.secret()).with("RELENG_SIGNING_KEY", SIGNING_KEY);
            Checkout.Run published = checkout.answering("I want to release this to live\n", new upload(), "--env", "live");
            assertDone(published);
            assertTrue(published.err().endsWith("    what you still do:\n    - announce 1.2.0 on the mailing list: https://lists.example.org/kettle\n"), published.err());
            String announcement = checkout.read("release/announcement.md");
            assertTrue(announcement.contains("[Release notes](" + live.urls().get("docs") + "/manual/kettle/1.2/releases/rl-1.2.html)") && !announcement.contains("lix.systems"), announcement);
            assertEquals(Set.of("cache", "docs", "releases"), asked, "proved by public address");

            Checkout anybody = Checkout.existing(checkout.folder);
            anybody.env().keySet().removeIf(variable -> variable.startsWith("AWS_"));
            assertDone(anybody.run(new upload(), "--env", "live", "--target", "verify"));

            Files.createDirectories(folder.resolve("local"));
            Files.writeString(folder.resolve("local/cache.pub"), live.publicKey().orElseThrow());
            Consumer consumer = new Consumer(store.endpoint(), live, config.project(), BuiltRelease.read(checkout.folder.resolve("release")), folder, anybody.env());
            consumer.nixCopies();
            consumer.manifestEvaluates();
            consumer.latestJsonLeadsToEveryFile();
            consumer.checksumsFit();
            consumer.manualIsThere();
            consumer.tagIsThere(remote);
            consumer.sourceIsTheTag(remote);
            consumer.imagesComeOut("docker://" + live.registries().get(0), "--src-tls-verify=false");
            assertTrue(Files.exists(buckets.resolve("kettle-releases/kettle/kettle-1.2.0/kettle-1.2.0-manual.tar.gz")), "as the README says");
            assertTrue(checkout.git("show", "1.2.0:" + config.project().releaseNotes() + "/rl-1.2.md").startsWith("# Kettle 1.2 \"Crème Brûlée\""));
            assertTrue(checkout.git("show", "1.2.0:" + config.project().summary()).contains("](releases/rl-1.2.md)"));
        }
    }

    /** The sample project under another name, its files where this releng.json says. */
    private Checkout kettle(String json) throws IOException {
        Checkout checkout = Released.sample(folder.resolve("checkout")).write(Config.FILE, json);
        Project project = Config.of(checkout.folder).project();
        Path book = Path.of(project.summary()).getParent().getParent();
        for (String[] moved : new String[][] {{"doc/manual", book.toString()}, {book + "/rl-next", project.pendingNotes()},
            {book + "/change-authors.yml", project.changeAuthors()}, {book + "/src/release-notes", project.releaseNotes()}}) {
            Files.createDirectories(checkout.folder.resolve(moved[1]).getParent());
            checkout.git("mv", moved[0], moved[1]);
        }
        edit(checkout, project.summary(), "release-notes/", "releases/");
        edit(checkout, "package.nix", "./doc/manual", "./" + book, "src rl-next", "src", "lix", "kettle", "Lix", "Kettle");
        edit(checkout, "flake.nix", "inherit version;", "inherit version; prefix = \"kettle\";");
        edit(checkout, "version.json", "2.95.0", "1.2.0");
        commit(checkout);
        return checkout;
    }

    // The sample's notes name changes and another project's issues, of which the example says nothing.
    private static void withoutOthersReferences(Checkout checkout, Project project) throws IOException {
        for (String name : List.of("brew-log.md", "drop-rot13.md", "kettle-race.md")) {
            String file = project.pendingNotes() + "/" + name;
            checkout.write(file, checkout.read(file).replaceAll("(?m)^cls:.*\n", "").replace("lix#", "kettle#").replaceAll(", (nix|gh)#\\d+", ""));
        }
        commit(checkout);
    }

    private static void edit(Checkout checkout, String file, String... pairs) throws IOException {
        String text = checkout.read(file);
        for (int i = 0; i < pairs.length; i += 2) {
            assertTrue(text.contains(pairs[i]), pairs[i] + " is not in " + file);
            text = text.replace(pairs[i], pairs[i + 1]);
        }
        checkout.write(file, text);
    }

    private static void commit(Checkout checkout) {
        checkout.git("add", "--all");
        checkout.git("commit", "--quiet", "--message=kettle");
    }

    private static void assertDone(Checkout.Run run) {
        assertEquals(0, run.exit(), run.err());
        assertFalse((run.out() + run.err()).contains("lix.systems"), run.err());
    }

    /** A web server that shows a bucket, as a deployment has one. */
    private String front(String role, Path bucket) throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            asked.add(role);
            answer(exchange, bucket.resolve(exchange.getRequestURI().getPath().substring(1)));
        });
        server.setExecutor(task -> new Thread(task).start());
        server.start();
        fronts.add(server);
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    private static void answer(HttpExchange exchange, Path file) throws IOException {
        try (exchange) {
            boolean there = Files.isRegularFile(file);
            if (there && exchange.getRequestMethod().equals("GET")) {
                byte[] bytes = Files.readAllBytes(file);
                exchange.sendResponseHeaders(200, bytes.length == 0 ? -1 : bytes.length);
                exchange.getResponseBody().write(bytes);
            } else {
                exchange.getResponseHeaders().set("Content-Length", Long.toString(there ? Files.size(file) : 0));
                exchange.sendResponseHeaders(there ? 200 : 404, -1);
            }
        }
    }
}
