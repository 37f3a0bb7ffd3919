import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import lib.base.Exec;
import lib.config.Environment;
import lib.config.Project;
import lib.nix.Nix;
import lib.nix.PublicKey;
import lib.oci.ImageIndex;
import lib.publish.VersionPage;
import lib.release.BuiltRelease;
import lib.release.BuiltRelease.BuiltFile;
import lib.release.Version;
import lib.s3.ObjectStore;
import org.jsoup.Jsoup;
import org.jsoup.nodes.Document;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.core.sync.RequestBody;

/** The pages for those who look at releases: a browser shows them to everybody, and what they say is so. */
class PagesTest {

    private static final String HOSTILE = "</title><script>document.title = 'x'</script> & \"'` {{title}} é 🍰";
    /** Five, with the two of the sample. */
    private static final List<String> MORE = List.of("aarch64-darwin", "riscv64-linux", "x86_64-darwin");
    private static final String REGISTRY = "registry.example/lix-project/a-name-that-is-rather-long-for-a-phone/lix";

    @TempDir
    Path folder;

    private final List<Managers> opened = new ArrayList<>();

    @AfterEach
    void close() {
        opened.forEach(Managers::close);
    }

    // --- what a page says

    /** The sample's release for five systems, with provenance and a name that nobody gives a release. */
    private static BuiltRelease large(BuiltRelease sample) {
        String old = sample.version().toString();
        List<BuiltFile> files = new ArrayList<>(List.of(new BuiltFile("lix-2.95.9.intoto.jsonl", 10, "0".repeat(64))));
        List<Nix.Job> jobs = new ArrayList<>(sample.jobs());
        sample.files().forEach(file -> files.add(new BuiltFile(file.path().replace(old, "2.95.9"), file.size(), file.sha256())));
        for (String system : MORE) {
            files.add(new BuiltFile("artifacts/lix/lix-2.95.9/nix-2.95.9-" + system + ".tar.xz", 23_456_789, "0123456789abcdef".repeat(4)));
            jobs.add(new Nix.Job("release-jobs.all.build." + system, system, "/nix/store/" + "0".repeat(32) + "-lix.drv", new TreeMap<>(Map.of("out", "/nix/store/" + "1".repeat(32) + "-lix-2.95.9"))));
        }
        return new BuiltRelease("all", Version.of("2.95.9"), HOSTILE, true, sample.commit(), Optional.empty(), sample.system(), sample.profile(), files, sample.images(), jobs,
                sample.closure(), List.of(), Optional.of(LocalDate.of(2026, 3, 9)), Optional.empty());
    }

    private static Environment environment(Map<String, URI> urls, Optional<String> provenanceKey) {
        return new Environment("test", "test-releases", "test-cache", "test-docs", "test-install", Optional.empty(), "local", List.of(REGISTRY), Optional.empty(), Environment.Gerrit.no,
                Environment.LIVE.publicKey(), urls, Optional.empty(), false, Optional.empty(), Optional.empty(), true, Optional.empty(), provenanceKey);
    }

    private static VersionPage page(BuiltRelease built, Environment environment) {
        return new VersionPage(built, Project.LIX, environment, environment.publicKey().map(PublicKey::of));
    }

    @Test
    void aVersionsPageHasEachFileImageAndStorePathWithWhatOneTypes() throws IOException {
        BuiltRelease built = large(BuiltRelease.read(Released.copy(folder.resolve("checkout")).folder.resolve("release")));
        Environment open = environment(Environment.LIVE.urls(), Optional.empty());
        Document page = Jsoup.parse(page(built, open).html());
        assertEquals("Lix 2.95.9 “" + HOSTILE + "”", page.title());
        assertEquals(List.of("Lix 2.95.9", HOSTILE, "9 March 2026"), List.of(page.selectFirst("h1").text(), page.selectFirst(".name").wholeText(), page.selectFirst("time").text()));
        assertEquals(0, page.select("script").size());
        Map<String, String> rows = new TreeMap<>();
        page.select(".files tbody tr").forEach(row -> rows.put(row.selectFirst("a").text(), row.selectFirst(".digest").text()));
        Map<String, String> files = new TreeMap<>();
        built.below("artifacts/lix/lix-2.95.9").forEach((name, file) -> files.put(name, file.sha256()));
        files.keySet().removeIf(name -> name.contains("/") || name.endsWith(".sha256"));
        assertEquals(files, rows);
        assertEquals(List.of("Any system", "aarch64-darwin", "aarch64-linux", "riscv64-linux", "x86_64-darwin", "x86_64-linux"), page.select("#files ~ h3").eachText().subList(0, 6));
        assertEquals(5, page.select(".paths tbody tr").size());
        assertTrue(page.select(".paths").text().contains("x86_64-darwin /nix/store/" + "1".repeat(32) + "-lix-2.95.9"));
        List<String> commands = page.select("pre").eachText();
        String digest = ImageIndex.of(built.images()).index().digest();
        for (String command : List.of("docker pull " + REGISTRY + ":2.95.9", "docker pull " + REGISTRY + "@" + digest,
                "nix upgrade-nix --nix-store-paths-url https://releases.lix.systems/lix/lix-2.95.9/manifest.nix")) {
            assertTrue(commands.contains(command), command + "\nnot in\n" + commands);
        }
        assertEquals(open.publicKey().orElseThrow(), page.getElementById("key").text());
        assertTrue(page.select("a").eachAttr("href").containsAll(List.of("manual/index.html", "manual/release-notes/rl-2.95.html", "lix-2.95.9.tar.gz", "SHA256SUMS.sig", "release.json")));

        String closed = page(built, environment(Map.of(), Optional.empty())).html();
        assertFalse(closed.contains("upgrade-nix ") || closed.contains("s3://") || closed.contains("https://"), "what nobody can fetch has no address");
    }

    @Test
    void whatThePageSaysToTypeVerifiesTheFiles() throws Exception {
        BuiltRelease built = large(BuiltRelease.read(Released.copy(folder.resolve("checkout")).folder.resolve("release")));
        Exec.of("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", folder.resolve("id").toString()).orFail("ssh-keygen", "");
        byte[] blob = Base64.getDecoder().decode(Files.readString(folder.resolve("id.pub")).split("\\s+")[1]);
        String key = "it's-sums-1:" + Base64.getEncoder().encodeToString(java.util.Arrays.copyOfRange(blob, blob.length - 32, blob.length));
        Document page = Jsoup.parse(page(built, environment(Map.of(), Optional.of(key))).html());
        Path files = Files.createDirectories(folder.resolve("files"));
        Files.writeString(files.resolve("one"), "one");
        Files.writeString(files.resolve("SHA256SUMS"), Exec.of("sha256sum", "one").in(files).orFail("sha256sum", "") + "0".repeat(64) + "  not-fetched\n");
        Exec.of("ssh-keygen", "-q", "-Y", "sign", "-f", folder.resolve("id").toString(), "-n", "file", files.resolve("SHA256SUMS").toString()).orFail("ssh-keygen", "");
        String typed = "set -e\n" + String.join("\n", page.select("#verify ~ pre").stream().limit(3).map(block -> block.wholeText()).toList());
        String said = Exec.of("sh", "-c", typed).in(files).orFail("sh", "");
        assertTrue(said.contains("Good \"file\" signature for it's-sums-1") && said.contains("one: OK"), said);
        Files.writeString(files.resolve("SHA256SUMS"), " ", java.nio.file.StandardOpenOption.APPEND);
        assertFalse(Exec.of("sh", "-c", typed).in(files).run().exit() == 0);
    }

    @Test
    void withoutProvenanceAPageNamesNoSignature() throws IOException {
        BuiltRelease sample = BuiltRelease.read(Released.copy(folder.resolve("checkout")).folder.resolve("release"));
        List<BuiltFile> files = sample.files().stream().filter(file -> !file.path().endsWith(".intoto.jsonl")).toList();
        BuiltRelease older = new BuiltRelease("all", Version.of("2.95.0"), sample.name(), true, sample.commit(), Optional.empty(), sample.system(), sample.profile(), files, List.of(), sample.jobs());
        String html = page(older, environment(Environment.LIVE.urls(), Optional.empty())).html();
        assertFalse(html.contains("SHA256SUMS") || html.contains("ssh-keygen") || html.contains("docker pull") || html.contains("versions.json"), html);
        assertTrue(html.contains("sha256sum "), html);
    }

    // --- in a browser

    /** What is published of 2.95.0 where anybody may look, beside older releases and one whose upload was killed. */
    private Store published() throws IOException {
        Managers managers = new Managers(folder);
        opened.add(managers);
        Store store = managers.store;
        assumeTrue(store.anonymousReads(), "the server given for tests does not let anybody read");
        Checkout checkout = managers.release("2.95.0");
        checkout.write("releng.json", checkout.read("releng.json").replace("\"region\"", "\"urls\": {\"releases\": \"" + address(store, "releases") + "\", \"cache\": \"" + address(store, "cache")
                + "\", \"docs\": \"" + address(store, "docs") + "\"}, \"region\""));
        for (String there : List.of("2.90.0/manifest.nix", "2.90.0/manual/index.html", "2.89.1/manifest.nix", "2.88.0/lix-2.88.0.tar.gz", "2.94.0-rc1/index.html")) {
            store.put("releases", "lix/lix-" + there, "{ }".getBytes(StandardCharsets.UTF_8));
        }
        store.put("releases", "lix/lix-2.94.0-rc1/versions.json", ("{\"name\": \"<b>Tea</b> & cake\", \"date\": \"2026-02-01\"}").getBytes(StandardCharsets.UTF_8));
        ObjectStore ours = store.open();
        Path manifest = Files.writeString(folder.resolve("manifest"), "{ }");
        ours.put(store.bucket("releases"), "lix/lix-2.93.0/manifest.nix", manifest, lib.base.FileTree.sha256(manifest), "no-cache");
        Managers.assertDone(Managers.upload(checkout));
        return store;
    }

    private static String address(Store store, String role) {
        return store.endpoint() + "/" + store.bucket(role);
    }

    @Test
    void bothPagesAreReadableForEverybodyAndEveryLinkOnThemAnswers() throws Exception {
        Store store = published();
        Document index = Jsoup.parse(new String(store.get("releases", "lix/index.html"), StandardCharsets.UTF_8));
        assertEquals(List.of("2.95.0 current", "2.94.0-rc1 <b>Tea</b> & cake 1 February 2026 pre-release", "2.90.0 manual only", "2.89.1 store paths only"),
                index.select("tbody tr").eachText().stream().map(row -> row.replaceFirst("^2.95.0 .* current$", "2.95.0 current")).toList());
        BuiltRelease built = large(BuiltRelease.read(folder.resolve("2.95.0/release")));
        store.client().putObject(request -> request.bucket(store.bucket("releases")).key("large.html").contentType("text/html"),
                RequestBody.fromString(page(built, environment(Environment.LIVE.urls(), Optional.empty())).html()));
        List<String> faults = new ArrayList<>();
        try (Browser browser = new Browser(folder.resolve("profile"))) {
            for (String page : List.of("lix/index.html", "lix/lix-2.95.0/index.html", "large.html")) {
                for (int width : new int[] {1280, 360}) {
                    for (boolean dark : new boolean[] {false, true}) {
                        browser.look(width, dark);
                        browser.open(address(store, "releases") + "/" + page);
                        seen(browser, width).forEach(fault -> faults.add(page + " at " + width + (dark ? " in the dark: " : ": ") + fault));
                    }
                }
                for (JsonNode link : page.equals("large.html") ? List.<JsonNode>of() : browser.evaluate("[...new Set([...document.links].map(link => link.href))]")) {
                    answers(browser, link.asText()).ifPresent(fault -> faults.add(page + ": " + fault));
                }
            }
        }
        assertEquals(List.of(), faults);
    }

    /** What somebody at this width would complain of: the browser, the page's edge, and axe-core for those who see or point in another way. */
    private static List<String> seen(Browser browser, int width) throws Exception {
        List<String> faults = new ArrayList<>(browser.complaints());
        int needed = browser.evaluate("document.documentElement.scrollWidth").asInt();
        if (needed > width) {
            faults.add("is " + needed + " wide");
        }
        browser.evaluate("performance.getEntriesByType('resource').map(one => one.name)").forEach(one -> faults.add("asks for " + one.asText()));
        try (InputStream axe = PagesTest.class.getResourceAsStream("/axe.min.js")) {
            browser.evaluate(new String(axe.readAllBytes(), StandardCharsets.UTF_8) + "; 0");
        }
        JsonNode found = browser.evaluate("axe.run({preload: false}).then(found => ({passed: found.passes.map(rule => rule.id),"
                + " faults: [...found.violations, ...found.incomplete].map(rule => rule.id + ' ' + rule.nodes.map(node => node.html + ' ' + node.failureSummary).join(' '))}))");
        found.path("faults").forEach(fault -> faults.add(fault.asText()));
        List<String> passed = new ArrayList<>();
        found.path("passed").forEach(rule -> passed.add(rule.asText()));
        List.of("color-contrast", "html-has-lang", "landmark-one-main", "page-has-heading-one", "heading-order", "region", "link-name").stream().filter(rule -> !passed.contains(rule))
                .forEach(rule -> faults.add("axe-core has not looked at " + rule));
        return faults;
    }

    private static Optional<String> answers(Browser browser, String link) throws Exception {
        int fragment = link.indexOf('#');
        if (fragment >= 0) {
            return browser.evaluate("document.getElementById('" + link.substring(fragment + 1) + "') !== null").asBoolean() ? Optional.empty() : Optional.of(link + " leads nowhere");
        }
        HttpURLConnection connection = (HttpURLConnection) URI.create(link).toURL().openConnection();
        try {
            connection.setRequestMethod("HEAD");
            return connection.getResponseCode() == 200 ? Optional.empty() : Optional.of(link + ": " + connection.getResponseCode());
        } finally {
            connection.disconnect();
        }
    }
}
