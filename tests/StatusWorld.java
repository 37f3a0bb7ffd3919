import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import lib.base.Console;
import lib.base.FileTree;
import lib.base.Json;
import lib.http.Network;
import lib.http.Tuning;
import lib.nix.Narinfo;
import lib.oci.BuiltImage;
import lib.oci.ImageIndex;
import lib.oci.Registry;
import lib.release.BuiltRelease;
import lib.release.BuiltRelease.BuiltFile;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Ten releases on one store, a registry and a repository: 2.95.0 is published by upload, the others are its copies under other versions,
 * each with a release.json, a commit, an image index and a store path of its own. 2.93.0 has no release.json.
 */
final class StatusWorld implements BeforeAllCallback, AfterAllCallback {

    static final List<String> COPIES = List.of("2.90.0-rc10", "2.90.0", "2.90.1", "2.91.0", "2.91.1", "2.92.0", "2.93.0", "2.94.0", "2.94.1");
    /** Lacks a file, has another of another size, and no image in the second repository. */
    static final String NO_FILE = "2.92.0";
    /** Lacks a store path and a page of its manual, and its tag is on another commit. */
    static final String NO_PATH = "2.91.1";
    static final String NO_JSON = "2.93.0";

    final Store store = new Store();
    final Map<String, BuiltRelease> built = new HashMap<>();
    Path folder;
    Path remote;
    Checkout checkout;
    List<String> repositories;
    private DockerRegistry registry;

    @Override
    public void beforeAll(ExtensionContext context) throws Exception {
        folder = Files.createTempDirectory("releng-test-status");
        checkout = Released.reviewed(folder.resolve("checkout"));
        remote = folder.resolve("remote.git");
        checkout.git("init", "--quiet", "--bare", "--initial-branch=main", remote.toString());
        checkout.git("--git-dir=" + remote, "config", "user.name", "Release Manager");
        checkout.git("--git-dir=" + remote, "config", "user.email", "manager@example.org");
        registry = DockerRegistry.open(folder.resolve("registry"));
        repositories = List.of(registry.host() + "/lix/lix", registry.host() + "/a-project-with-a-rather-long-name/and-a-repository-whose-name-is-longer-than-a-line");
        checkout.write("releng.json", json(false, repositories));
        store.open(checkout, folder);
        Checkout.Run run = checkout.run(new upload(), "--env", "test", "--noconfirm");
        assertEquals(0, run.exit(), run.err());
        checkout.git("checkout", "--quiet", "main");
        BuiltRelease whole = BuiltRelease.read(checkout.folder.resolve("release"));
        built.put("2.95.0", whole);
        for (String version : COPIES) {
            copy(whole, version);
        }
        damage();
        checkout.git("--git-dir=" + remote, "tag", "2.3.0", "main"); // of a project before this one
    }

    /** releng.json of the environment test; where it is public, anybody reads the store itself. */
    String json(boolean isPublic, List<String> registries) {
        String config = store.config(remote, registries.toArray(new String[0]));
        return isPublic ? config.replace("\"endpoint\"", "\"urls\": {" + List.of("releases", "cache", "docs", "install").stream()
                .map(role -> "\"" + role + "\": \"" + store.endpoint() + "/" + store.bucket(role) + "\"").collect(Collectors.joining(", ")) + "}, \"endpoint\"") : config;
    }

    private void copy(BuiltRelease whole, String version) throws IOException {
        String out = whole.jobs().stream().filter(job -> job.attr().endsWith("build.x86_64-linux")).findFirst().orElseThrow().outputs().get("out");
        String hash = out.substring("/nix/store/".length()).substring(0, 32);
        // Sorted as before; neither e nor t is among Nix's digits.
        String own = hash.substring(0, 24) + FileTree.sha256(version.getBytes(StandardCharsets.UTF_8)).replaceAll("[et]", "0").substring(0, 8);
        String commit = commit(version);
        String text = new String(whole.json(), StandardCharsets.UTF_8).replace(whole.commit(), commit).replace(hash, own).replace("2.95.0", version);
        BuiltRelease copied = BuiltRelease.parse(text.getBytes(StandardCharsets.UTF_8), version);
        byte[] manifest = new String(store.get("releases", "manifest.nix"), StandardCharsets.UTF_8).replace(hash, own).replace("2.95.0", version).getBytes(StandardCharsets.UTF_8);
        List<BuiltFile> files = copied.files().stream().map(file -> file.path().endsWith("manifest.nix") ? new BuiltFile(file.path(), manifest.length, FileTree.sha256(manifest)) : file).toList();
        List<BuiltImage> images = copied.images().stream().map(image -> {
            TreeMap<String, String> labels = new TreeMap<>(image.labels());
            labels.put("org.opencontainers.image.version", version);
            return new BuiltImage(image.path(), image.system(), image.id(), image.configSize(), image.os(), image.architecture(), image.variant(), labels, image.layers());
        }).toList();
        BuiltRelease release = new BuiltRelease(copied.target(), copied.version(), copied.name(), copied.official(), commit, copied.tag(), copied.system(), copied.profile(), files, images,
                copied.jobs(), copied.closure(), copied.skipped(), copied.date(), copied.rebuilt());
        built.put(version, release);
        objects(version, manifest, release);
        String narinfo = new String(store.get("cache", hash + ".narinfo"), StandardCharsets.UTF_8).replace(hash, own).replace("2.95.0", version);
        store.put("cache", own + ".narinfo", narinfo.getBytes(StandardCharsets.UTF_8));
        manual(version, commit);
        for (String repository : repositories) {
            try (Registry registry = new Registry(repository, java.util.Optional.empty(), List.of(), true, Tuning.DEFAULT, Network.PLAIN)) {
                ImageIndex.Document index = ImageIndex.of(release.images()).index();
                registry.tag(version, index);
                registry.tag(release.version().major(), index);
            }
        }
    }

    private void objects(String version, byte[] manifest, BuiltRelease release) {
        String from = "lix/lix-2.95.0/";
        String to = "lix/lix-" + version + "/";
        store.content("releases").keySet().stream().filter(key -> key.startsWith(from)).parallel().forEach(key -> store.client().copyObject(request -> request
                .sourceBucket(store.bucket("releases")).sourceKey(key).destinationBucket(store.bucket("releases"))
                .destinationKey(to + key.substring(from.length()).replace("2.95.0", version))));
        store.put("releases", to + "manifest.nix", manifest);
        store.put("releases", to + "release.json", release.json());
    }

    private void manual(String version, String commit) {
        String from = "manual/lix/2.95/";
        String to = "manual/lix/" + lib.release.Version.of(version).major() + "/";
        store.content("docs").keySet().stream().filter(key -> key.startsWith(from)).parallel().forEach(key -> store.client().copyObject(request -> request
                .sourceBucket(store.bucket("docs")).sourceKey(key).destinationBucket(store.bucket("docs")).destinationKey(to + key.substring(from.length()))));
        store.put("docs", to + "releng-version.txt", (version + " " + commit + "\n").getBytes(StandardCharsets.UTF_8));
    }

    /** A commit on the branch of the MAJOR, with the tag of the version. */
    private String commit(String version) {
        String git = "--git-dir=" + remote;
        String branch = "refs/heads/release-" + lib.release.Version.of(version).major();
        String parent = checkout.git(git, "for-each-ref", "--format=%(objectname)", branch);
        String commit = checkout.git(git, "commit-tree", "-m", version, "-p", parent.isEmpty() ? checkout.git(git, "rev-list", "--max-parents=0", "main") : parent, "main^{tree}");
        checkout.git(git, "update-ref", branch, commit);
        checkout.git(git, "tag", "-a", "-m", version, version, commit);
        return commit;
    }

    private void damage() {
        delete("releases", "lix/lix-" + NO_FILE + "/lix-" + NO_FILE + ".tar.gz");
        store.put("releases", "lix/lix-" + NO_FILE + "/lix-" + NO_FILE + "-manual.tar.gz", new byte[3]);
        delete(repositories.get(1), NO_FILE);
        delete("cache", Narinfo.key(ownPath(NO_PATH)));
        checkout.git("--git-dir=" + remote, "tag", "-f", "-a", "-m", "moved", NO_PATH, "main");
        for (String file : List.of("release.json", "versions.json")) {
            delete("releases", "lix/lix-" + NO_JSON + "/" + file);
        }
        delete("docs", "manual/lix/2.91/index.html");
    }

    String ownPath(String version) {
        return built.get(version).jobs().stream().filter(job -> job.attr().endsWith("build.x86_64-linux")).findFirst().orElseThrow().outputs().get("out");
    }

    /** How many files upload has published in a version's folder. */
    long files() {
        return store.content("releases").keySet().stream().filter(key -> key.startsWith("lix/lix-2.95.0/")).count();
    }

    /** An object, or a tag of a repository. */
    private void delete(String role, String key) {
        if (role.contains("/")) {
            try {
                FileTree.remove(registry.repository(role.substring(role.indexOf('/') + 1)).resolve("_manifests/tags").resolve(key));
            } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
            }
        } else {
            store.client().deleteObject(request -> request.bucket(store.bucket(role)).key(key));
        }
    }

    /** status as JSON. */
    static JsonNode status(Checkout from, String... more) {
        Checkout.Run run = run(from, "--json", more);
        return Json.object(run.out().getBytes(StandardCharsets.UTF_8), "standard output");
    }

    /** status, whose exit code is always 0. */
    static Checkout.Run run(Checkout from, String option, String... more) {
        List<String> line = new java.util.ArrayList<>(List.of("--env", "test", "--target", "status", option));
        line.addAll(List.of(more));
        Checkout.Run run = from.run(new upload(), line.toArray(new String[0]));
        assertEquals(0, run.exit(), run.err());
        return run;
    }

    /** A folder that is no checkout, with this releng.json, and somebody there who has no keys. */
    Checkout elsewhere(String json) throws IOException {
        Path other = Files.createTempDirectory(folder, "elsewhere");
        Files.writeString(other.resolve("releng.json"), json);
        Checkout anybody = checkout.at(other).with("GIT_CEILING_DIRECTORIES", folder.toString());
        anybody.env().keySet().removeIf(variable -> variable.startsWith("AWS_") || variable.startsWith("RELENG_"));
        return anybody;
    }

    @Override
    public void afterAll(ExtensionContext context) throws Exception {
        registry.close();
        store.close();
        FileTree.remove(folder);
    }
}
