import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import lib.base.Json;
import lib.nix.Narinfo;
import lib.oci.ImageIndex;
import lib.release.BuiltRelease;
import lib.release.BuiltRelease.BuiltFile;

/**
 * What those who fetch a release find when its publication stopped half-way. Whole means: the version that
 * manifest.nix names is there to the last byte, everything published before is as it was, and no narinfo
 * promises what cannot be had. The manual {@code stable} is many objects and cannot change at once: here each
 * page is the old one or the new one, none is missing that both have, and no page links to one that is not there;
 * and it begins to change only when all that has a version in its name is there.
 */
final class SweepConsumer {

    private static final String STABLE = "docs/manual/lix/stable/";
    private static final List<String> BESIDE_IT = List.of("releases/lix/latest.json", "releases/lix/index.html");
    private static final String MANIFEST = "releases/manifest.nix";
    private static final String BASE32 = "0123456789abcdfghijklmnpqrsvwxyz";

    private final SweepReleases releases;
    private final SortedMap<String, String> old;
    private final SortedMap<String, String> next;

    /** The states of a world before the next release and after it; see {@link SweepWorld#state}. */
    SweepConsumer(SweepReleases releases, SortedMap<String, String> old, SortedMap<String, String> next) {
        this.releases = releases;
        this.old = old;
        this.next = next;
    }

    /** All that is wrong. */
    List<String> faults(SweepWorld world) throws IOException {
        SortedMap<String, String> state = world.state();
        List<String> faults = new ArrayList<>(difference(state));
        faults.addAll(cache(world));
        faults.addAll(named(world, state));
        faults.addAll(images(world));
        links(world).forEach(link -> faults.add("a link into nothing: " + link));
        return faults;
    }

    /** What is neither as before nor as after, or came too early. */
    private List<String> difference(SortedMap<String, String> state) {
        List<String> faults = new ArrayList<>();
        state.forEach((key, value) -> {
            boolean probe = key.contains("/.releng-probe"); // of no interest to consumers; a later run removes it
            if (!value.equals(old.get(key)) && !value.equals(next.get(key)) && !probe) {
                faults.add(key + " is neither the old nor the new one: " + value);
            }
        });
        boolean stableDone = next.keySet().stream().filter(key -> key.startsWith(STABLE)).allMatch(key -> next.get(key).equals(state.get(key)));
        old.keySet().stream().filter(key -> !state.containsKey(key)).filter(key -> next.containsKey(key) || !stableDone)
                .forEach(key -> faults.add(key + " is gone"));
        Set<String> begun = new TreeSet<>(state.keySet());
        begun.addAll(old.keySet());
        begun.removeIf(key -> !pointer(key) || java.util.Objects.equals(state.get(key), old.get(key)));
        List<String> missing = next.keySet().stream().filter(key -> !pointer(key) && !next.get(key).equals(state.get(key))).toList();
        if (!begun.isEmpty() && !missing.isEmpty()) {
            faults.add(begun + " moved before there was " + missing);
        }
        if (begun.contains(MANIFEST) && !state.equals(next)) {
            faults.add(MANIFEST + " moved, and was not the last");
        }
        for (String tag : state.keySet()) {
            if (tag.startsWith("refs/tags/") && !old.containsKey(tag) && !state.get("refs/heads/releng/test").equals(next.get("refs/heads/releng/test"))) {
                faults.add(tag + " is there before its branch");
            }
        }
        return faults;
    }

    private static boolean pointer(String key) {
        return key.equals(MANIFEST) || BESIDE_IT.contains(key) || key.startsWith(STABLE) || key.matches(".*/_manifests/tags/(latest|\\d+\\.\\d+)/.*");
    }

    /** Every narinfo, of whatever version: its NAR is there, whole, and so is the narinfo of all it refers to. */
    private static List<String> cache(SweepWorld world) throws IOException {
        List<String> faults = new ArrayList<>();
        Path cache = world.bucket("cache");
        for (Path file : Files.newDirectoryStream(cache, "*.narinfo")) {
            String text = Files.readString(file);
            Narinfo narinfo = Narinfo.parse(text);
            Path nar = cache.resolve(narinfo.url());
            if (!Files.exists(nar) || Files.size(nar) != narinfo.fileSize() || !text.contains("\nFileHash: sha256:" + base32(lib.base.FileTree.sha256(nar)) + "\n")) {
                faults.add("the NAR of " + narinfo.storePath() + " is not there, or not whole");
            }
            narinfo.references().stream().filter(reference -> !Files.exists(cache.resolve(reference.substring(0, 32) + ".narinfo")))
                    .forEach(reference -> faults.add(narinfo.storePath() + " is there before " + reference));
        }
        return faults;
    }

    /** What an image lacks that some tag leads to: index, manifests, configs, layers; each there, whole, and of this repository. */
    private static List<String> images(SweepWorld world) throws IOException {
        List<String> faults = new ArrayList<>();
        DockerRegistry registry = world.registry();
        Path repository = registry.repository(SweepReleases.IMAGES);
        for (Path tag : Files.newDirectoryStream(repository.resolve("_manifests/tags"))) {
            String name = "the image " + tag.getFileName();
            String index = Files.readString(tag.resolve("current/link"));
            for (JsonNode entry : document(registry, repository, index, name, faults).path("manifests")) {
                JsonNode manifest = document(registry, repository, entry.path("digest").asText(), name, faults);
                manifest.path("layers").forEach(layer -> whole(registry, repository.resolve("_layers"), layer.path("digest").asText(), name, faults));
                whole(registry, repository.resolve("_layers"), manifest.path("config").path("digest").asText(), name, faults);
            }
        }
        return faults;
    }

    private static JsonNode document(DockerRegistry registry, Path repository, String digest, String name, List<String> faults) throws IOException {
        return whole(registry, repository.resolve("_manifests/revisions"), digest, name, faults) ? Json.MAPPER.readTree(Files.readAllBytes(registry.blob(digest)))
                : Json.MAPPER.createObjectNode();
    }

    private static boolean whole(DockerRegistry registry, Path links, String digest, String name, List<String> faults) {
        try {
            if (Files.exists(links.resolve(digest.replace(':', '/')).resolve("link")) && digest.equals("sha256:" + lib.base.FileTree.sha256(registry.blob(digest)))) {
                return true;
            }
        } catch (IOException e) {
            // it lacks that one, too
        }
        faults.add(name + " lacks " + digest);
        return false;
    }

    /** What the version that manifest.nix names lacks, by what build wrote down. */
    private List<String> named(SweepWorld world, SortedMap<String, String> state) throws IOException {
        Path manifest = world.bucket("releases").resolve("manifest.nix");
        String text = Files.exists(manifest) ? Files.readString(manifest) : "";
        List<BuiltRelease> named = java.util.stream.Stream.of(releases.old, releases.next)
                .filter(built -> text.contains("-lix-" + built.version() + "\"")).toList();
        if (named.size() != 1) {
            return List.of("manifest.nix names no version, or two: " + text);
        }
        BuiltRelease built = named.get(0);
        SortedMap<String, BuiltFile> desired = new TreeMap<>();
        built.below("artifacts").forEach((path, file) -> desired.put("releases/" + path, file));
        built.below("manual").forEach((path, file) -> desired.put("docs/manual/lix/" + built.version().major() + "/" + path, file));
        List<String> faults = new ArrayList<>();
        desired.forEach((key, file) -> {
            if (!state.getOrDefault(key, "nothing").startsWith(file.sha256() + " ")) {
                faults.add("manifest.nix names " + built.version() + ", and " + key + " is not what was built");
            }
        });
        Path tag = world.registry().repository(SweepReleases.IMAGES).resolve("_manifests/tags/" + built.version() + "/current/link");
        if (!Files.exists(tag) || !Files.readString(tag).equals(ImageIndex.of(built.images()).index().digest())) {
            faults.add("manifest.nix names " + built.version() + ", and its images are not under " + built.version());
        }
        List<String> roots = new ArrayList<>();
        built.jobs().forEach(job -> {
            roots.add(job.drvPath());
            roots.addAll(job.outputs().values());
        });
        roots.stream().map(path -> Path.of(path).getFileName().toString()).filter(name -> !state.containsKey("cache/" + name.substring(0, 32) + ".narinfo"))
                .forEach(name -> faults.add("manifest.nix names " + built.version() + ", and the cache lacks " + name));
        return faults;
    }

    /** Links of the stable manual to pages it does not have, but for those that its releases have already. */
    private Set<String> links(SweepWorld world) throws IOException {
        Set<String> nowhere = nowhere(world.bucket("docs").resolve("manual/lix/stable"));
        for (BuiltRelease built : List.of(releases.old, releases.next)) {
            Path whole = world.bucket("docs").resolve("manual/lix/" + built.version().major());
            if (!nowhere.isEmpty() && Files.exists(whole)) {
                nowhere.removeAll(nowhere(whole));
            }
        }
        return nowhere;
    }

    private static final Pattern HREF = Pattern.compile("href=\"([^\"#?:]+)[\"#?]");

    private static Set<String> nowhere(Path manual) throws IOException {
        Set<String> nowhere = new TreeSet<>();
        for (Map.Entry<String, Path> page : lib.base.FileTree.files(manual).entrySet()) {
            Matcher link = HREF.matcher(page.getKey().endsWith(".html") ? Files.readString(page.getValue()) : "");
            while (link.find()) {
                String target = URI.create("/" + page.getKey()).resolve(link.group(1)).getPath().substring(1);
                if (!Files.exists(manual.resolve(target))) {
                    nowhere.add(page.getKey() + " -> " + target);
                }
            }
        }
        return nowhere;
    }

    // Nix's own base 32: the last byte first, and without e, o, t and u.
    private static String base32(String hex) {
        byte[] bytes = HexFormat.of().parseHex(hex);
        StringBuilder text = new StringBuilder();
        for (int n = (bytes.length * 8 - 1) / 5; n >= 0; n--) {
            int at = n * 5 / 8;
            int shift = n * 5 % 8;
            int bits = (bytes[at] & 0xff) >> shift | (at + 1 < bytes.length ? (bytes[at + 1] & 0xff) << 8 - shift : 0);
            text.append(BASE32.charAt(bits & 31));
        }
        return text.toString();
    }
}
