import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.zip.GZIPInputStream;
import lib.base.Console;
import lib.base.Exec;
import lib.base.Fault;
import lib.base.FileTree;
import lib.base.Json;
import lib.config.Environment;
import lib.config.Project;
import lib.nix.Nix;
import lib.nix.NixUpgrade;
import lib.oci.BuiltImage;
import lib.release.BuiltRelease;

/** Those who fetch a release: without keys, over http, with their own tools. Each proof throws Fault when it fails. */
final class Consumer {

    private final URI endpoint;
    private final Environment environment;
    private final Project project;
    private final BuiltRelease built;
    private final Path folder;
    private final Map<String, String> env;
    private final HttpClient http = HttpClient.newHttpClient();

    /** {@code folder} has the local environment in {@code local/} and takes what is fetched. */
    Consumer(URI endpoint, Environment environment, Project project, BuiltRelease built, Path folder, Map<String, String> env) {
        this.endpoint = endpoint;
        this.environment = environment;
        this.project = project;
        this.built = built;
        this.folder = folder;
        this.env = env;
    }

    /** Every output and every derivation, with all they refer to, into an empty store that trusts the cache's public key and nothing else. */
    void nixCopies() throws IOException {
        List<String> outputs = built.jobs().stream().flatMap(job -> job.outputs().values().stream()).toList();
        nixCopy(outputs);
        nixCopy(java.util.stream.Stream.concat(java.util.stream.Stream.of("--derivation"), built.jobs().stream().map(Nix.Job::drvPath)).toList());
        for (String output : outputs) {
            require(Files.exists(inStore(output)), output + " did not arrive in the consumer's store");
        }
    }

    private void nixCopy(List<String> what) throws IOException {
        List<String> line = new ArrayList<>(List.of("nix", "--extra-experimental-features", "nix-command", "copy",
                "--from", endpoint + "/" + environment.cache(), "--to", store().toString(),
                "--option", "trusted-public-keys", Files.readString(folder.resolve("local/cache.pub")).strip(), "--option", "require-sigs", "true"));
        line.addAll(what);
        // A cache of narinfos of an earlier run on the same port must not answer for this one.
        Exec.of(line).baseEnv(env).env("XDG_CACHE_HOME", folder.resolve("nix-cache").toString())
                .orFail("nix could not copy from the cache", "look at the bucket " + environment.cache());
    }

    void manifestEvaluates() throws Exception {
        Path manifest = folder.resolve("manifest.nix");
        Files.write(manifest, get(environment.releases(), "manifest.nix"));
        String json = Exec.of("nix-instantiate", "--eval", "--strict", "--json", manifest.toString()).baseEnv(env)
                .orFail("manifest.nix does not evaluate", "look at it");
        JsonNode path = Json.MAPPER.readTree(json).path(built.system());
        require(path.isTextual(), "manifest.nix has no path for " + built.system() + ": " + json);
        require(Files.exists(inStore(path.asText())), path.asText() + " of manifest.nix is not in the consumer's store");
    }

    /** Who follows the published manifest.nix gets the release from the cache. Throws NotHere where this machine cannot try it. */
    void nixUpgrades(Console console) throws Exception {
        try (NixUpgrade upgrade = NixUpgrade.open(env, console)) {
            String path = built.jobs().stream().filter(job -> job.attr().equals("build." + upgrade.system())).map(job -> job.outputs().get("out")).findFirst().orElse("/");
            String said = upgrade.install(endpoint + "/" + environment.releases() + "/manifest.nix", path, endpoint + "/" + environment.cache(),
                    Files.readString(folder.resolve("local/cache.pub")).strip());
            require(built.version().isIn(said), "bin/nix --version of what nix upgrade-nix installed says '" + said + "', and not " + built.version());
        }
    }

    /** Nix fetches every file of the release that latest.json names, by its address and hash, and nothing is missing there. */
    void latestJsonLeadsToEveryFile() throws Exception {
        Path latest = folder.resolve("latest.json");
        Files.write(latest, get(environment.releases(), project.prefix() + "/latest.json"));
        Files.write(folder.resolve("manifest.nix"), get(environment.releases(), "manifest.nix"));
        Path fresh = Files.createTempDirectory(folder, "fetched"); // a store that has a file of that hash does not ask for it
        String fetch = "let latest = builtins.fromJSON (builtins.readFile \"" + latest + "\"); in assert latest.storePaths == import \"" + folder.resolve("manifest.nix") + "\";"
                + " builtins.mapAttrs (name: file: baseNameOf (builtins.fetchurl { url = builtins.replaceStrings [ \"s3://\" ] [ \"" + endpoint + "/\" ] file.address;"
                + " sha256 = file.sri; inherit name; })) latest.files";
        String names = Exec.of("nix", "--extra-experimental-features", "nix-command", "eval", "--store", fresh.toString(), "--impure", "--json", "--expr", fetch)
                .baseEnv(env).env("XDG_CACHE_HOME", fresh.resolve("cache").toString()).orFail("Nix cannot fetch what latest.json names", "look at " + latest);
        List<String> fetched = new ArrayList<>();
        Json.MAPPER.readTree(names).fieldNames().forEachRemaining(fetched::add);
        List<String> files = built.below("artifacts/" + project.folder(built.version().toString()).replaceAll("/$", "")).keySet().stream()
                .filter(name -> !name.contains("/") && !name.endsWith(".sha256")).toList();
        require(fetched.equals(files), "latest.json names " + fetched + ", there are " + files);
    }

    void checksumsFit() throws Exception {
        List<String> files = built.below("artifacts").keySet().stream().filter(path -> path.endsWith(".sha256"))
                .map(path -> path.substring(0, path.length() - ".sha256".length())).toList();
        require(!files.isEmpty(), "no file has a checksum");
        StringBuilder sums = new StringBuilder();
        for (String file : files) {
            Path target = folder.resolve("download").resolve(file);
            Files.createDirectories(target.getParent());
            Files.write(target, get(environment.releases(), file));
            sums.append(new String(get(environment.releases(), file + ".sha256"), StandardCharsets.UTF_8)).append("  ").append(file).append('\n');
        }
        Path list = folder.resolve("sums");
        Files.writeString(list, sums);
        Exec.of("sha256sum", "--check", "--strict", "--quiet", list.toString()).in(folder.resolve("download"))
                .orFail("a published file does not fit its checksum", "look at the bucket " + environment.releases());
    }

    void manualIsThere() throws Exception {
        for (String which : List.of(built.version().major(), "stable")) {
            String prefix = "manual/" + project.prefix() + "/" + which + "/";
            String page = built.below("manual").keySet().stream().filter(path -> path.contains("/") && path.endsWith(".html")).findFirst().orElse("404.html");
            for (String path : List.of("index.html", page)) {
                byte[] bytes = get(environment.docs(), prefix + path);
                String sha256 = java.util.HexFormat.of().formatHex(FileTree.digest("SHA-256").digest(bytes));
                require(sha256.equals(built.below("manual").get(path).sha256()), prefix + path + " is not the page that was built");
            }
        }
    }

    void tagIsThere(Path repository) throws IOException {
        String version = built.version().toString();
        require(git(repository, "cat-file", "-t", "refs/tags/" + version).equals("tag"), version + " is not an annotated tag");
        require(git(repository, "rev-parse", "refs/tags/" + version + "^{commit}").equals(built.commit()),
                "the tag " + version + " is not on " + built.commit());
        git(repository, "fsck", "--strict");
        String versionFile = git(repository, "show", built.commit() + ":" + project.versionFile());
        require(Json.object(versionFile.getBytes(StandardCharsets.UTF_8), project.versionFile()).path("official_release").asBoolean()
                        || git(repository, "show", built.commit() + ":flake.nix").contains("officialRelease = true;"),
                "the release commit's tree is not that of an official release");
        require(!git(repository, "for-each-ref", "--contains", built.commit(), "refs/heads").isEmpty(), "no branch has the release in its history");
    }

    void sourceIsTheTag(Path repository) throws Exception {
        String stem = project.prefix() + "-" + built.version();
        byte[] published;
        try (InputStream gzip = new GZIPInputStream(new java.io.ByteArrayInputStream(
                get(environment.releases(), project.prefix() + "/" + stem + "/" + stem + ".tar.gz")))) {
            published = gzip.readAllBytes();
        }
        Path archive = folder.resolve("archive.tar");
        Exec.of("git", "-C", repository.toString(), "archive", "--format=tar", "--prefix=" + stem + "/", "--output=" + archive, built.version().toString())
                .baseEnv(env).orFail("git archive failed", "");
        require(java.util.Arrays.equals(published, Files.readAllBytes(archive)), "the published source archive is not git archive's of the tag");
    }

    /** Each platform, by the newest tag, with skopeo; {@code from} is what it calls the place, without the tag. */
    void imagesComeOut(String from, String... options) throws IOException {
        for (BuiltImage image : built.images()) {
            Path target = out(from, image);
            // umoci reads no zstd.
            List<String> line = new ArrayList<>(List.of("skopeo", "--override-os", image.os(), "--override-arch", image.architecture(), "copy", "--quiet",
                    "--dest-compress-format", "gzip"));
            line.addAll(List.of(options));
            line.addAll(List.of(from + ":latest", "oci:" + target + ":image"));
            Exec.of(line).baseEnv(env).orFail("skopeo could not copy an image", "look at " + from);
            JsonNode manifest = blob(target, Json.MAPPER.readTree(Files.readAllBytes(target.resolve("index.json"))).path("manifests").path(0));
            String config = manifest.path("config").path("digest").asText();
            require(config.equals(image.id()), image.path() + " came out as " + config + ", and is " + image.id());
        }
    }

    private Path out(String from, BuiltImage image) {
        return folder.resolve("image-" + from.replaceAll(":.*", "-") + image.system());
    }

    private static JsonNode blob(Path layout, JsonNode descriptor) throws IOException {
        return Json.MAPPER.readTree(Files.readAllBytes(layout.resolve("blobs").resolve(descriptor.path("digest").asText().replace(':', '/'))));
    }

    /**
     * What {@link #imagesComeOut} has copied, unpacked by umoci: the command is in it, and the image's Nix says its version
     * where the image is for this machine. Returns which could not be run, and why.
     */
    List<String> imagesRun(String from) throws IOException {
        List<String> not = new ArrayList<>();
        for (BuiltImage image : built.images()) {
            Path copied = out(from, image);
            Path bundle = copied.resolveSibling(copied.getFileName() + "-unpacked");
            Exec.of("umoci", "unpack", "--rootless", "--image", copied + ":image", bundle.toString()).orFail(image.path() + " cannot be unpacked", "look at " + copied);
            JsonNode config = blob(copied, blob(copied, Json.MAPPER.readTree(Files.readAllBytes(copied.resolve("index.json"))).path("manifests").path(0)).path("config")).path("config");
            Rootfs rootfs = Rootfs.of(bundle.resolve("rootfs"), config);
            String command = config.path("Entrypoint").path(0).asText(config.path("Cmd").path(0).asText());
            require(!command.isEmpty(), image.path() + " has no command");
            String program = rootfs.find(command).orElseThrow(() -> fault(image.path() + ": its command " + command + " is not in it, or no program"));
            Optional<String> nix = program.endsWith("/nix") ? Optional.of(program) : rootfs.find("nix");
            if (nix.isPresent() && image.architecture().equals(System.getProperty("os.arch").replace("aarch64", "arm64"))) {
                if (!Rootfs.runs()) {
                    not.add(image.path() + ": this machine lets nobody have mounts of their own: unshare --map-root-user --mount");
                } else {
                    Exec.Result ran = rootfs.run(nix.get(), "--version");
                    require(ran.exit() == 0 && ran.out().contains(built.version().toString()), image.path() + ": " + nix.get() + " --version says " + ran.out() + ran.err());
                }
            }
        }
        return not;
    }

    private Path store() {
        return folder.resolve("consumer");
    }

    private Path inStore(String path) {
        return store().resolve(path.substring(1));
    }

    private byte[] get(String bucket, String key) throws IOException {
        try {
            HttpResponse<byte[]> response = http.send(HttpRequest.newBuilder(URI.create(endpoint + "/" + bucket + "/" + key)).build(),
                    HttpResponse.BodyHandlers.ofByteArray());
            require(response.statusCode() == 200, "/" + bucket + "/" + key + " answers " + response.statusCode());
            return response.body();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException(e);
        }
    }

    private String git(Path repository, String... arguments) {
        List<String> line = new ArrayList<>(List.of("git", "-C", repository.toString()));
        line.addAll(List.of(arguments));
        return Exec.of(line).baseEnv(env).orFail("git " + String.join(" ", arguments), "look at " + repository).strip();
    }

    private static void require(boolean holds, String otherwise) {
        if (!holds) {
            throw fault(otherwise);
        }
    }

    private static Fault fault(String why) {
        return Fault.failed("a proof failed", why, "--keep keeps the folder to look at");
    }
}
