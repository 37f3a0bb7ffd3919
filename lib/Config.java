package lib;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The project's names and the environments: Lix's own, changed by the {@code releng.json} that a
 * checkout may carry at its top. The README documents every key.
 */
public record Config(Project project, ImagePolicy imagePolicy, Map<String, Environment> environments) {

    public static final String FILE = "releng.json";

    public static final Config LIX = new Config(Project.LIX, ImagePolicy.LIX, byName(List.of(
            Environment.LOCAL, Environment.STAGING, Environment.LIVE)));

    /** Reads {@code releng.json} in the folder, if there. Throws Fault with every fault of the file. */
    public static Config of(Path folder) {
        Path file = folder.resolve(FILE);
        if (!Files.exists(file)) {
            return LIX;
        }
        try {
            return parse(Files.readAllBytes(file));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static Config parse(byte[] json) {
        List<String> faults = new ArrayList<>();
        Json.Fields top = new Json.Fields(Json.object(json, FILE), FILE + ": ", faults);
        Project project = top.optionalObject("project").map(fields -> project(fields)).orElse(Project.LIX);
        ImagePolicy imagePolicy = top.optionalObject("images").map(fields -> imagePolicy(fields)).orElse(ImagePolicy.LIX);
        Map<String, Environment> environments = new LinkedHashMap<>(LIX.environments());
        top.optionalObject("environments").ifPresent(all -> {
            for (String name : all.keys()) {
                all.optionalObject(name).ifPresent(fields ->
                        environment(name, fields, environments.get(name), faults).ifPresent(e -> environments.put(name, e)));
            }
        });
        top.nothingElse();
        if (!faults.isEmpty()) {
            throw Fault.failed(FILE + " has " + faults.size() + (faults.size() == 1 ? " fault" : " faults"), faults,
                    "mend it; the README lists every key with its meaning");
        }
        return new Config(project, imagePolicy, environments);
    }

    /** The environment of that name. Throws Fault (usage) listing the known ones. */
    public Environment environment(String name) {
        String asked = name.equals("production") ? "live" : name;
        Environment environment = environments.get(asked);
        if (environment == null) {
            throw Fault.usage("there is no environment '" + name + "'",
                    "known: " + String.join(", ", environments.keySet()), "name one of them with --env");
        }
        return environment;
    }

    /** The repositories of all environments. */
    public List<String> registries() {
        return environments.values().stream().flatMap(environment -> environment.registries().stream()).distinct().toList();
    }

    private static Project project(Json.Fields fields) {
        Project lix = Project.LIX;
        String[] values = {
            fields.optionalText("name").orElse(lix.name()),
            fields.optionalText("prefix").orElse(lix.prefix()),
            fields.optionalText("versionFile").orElse(lix.versionFile()),
            fields.optionalText("pendingNotes").orElse(lix.pendingNotes()),
            fields.optionalText("changeAuthors").orElse(lix.changeAuthors()),
            fields.optionalText("releaseNotes").orElse(lix.releaseNotes()),
            fields.optionalText("summary").orElse(lix.summary()),
            fields.optionalText("forge").orElse(lix.forge()),
            fields.optionalText("repository").orElse(lix.repository()),
            fields.optionalText("upstream").orElse(lix.upstream()),
            fields.optionalText("review").orElse(lix.review()),
        };
        fields.nothingElse();
        try {
            return new Project(values[0], values[1], values[2], values[3], values[4], values[5], values[6], values[7],
                    values[8], values[9], values[10]);
        } catch (IllegalArgumentException e) {
            fields.refuse(e.getMessage());
            return lix;
        }
    }

    private static ImagePolicy imagePolicy(Json.Fields fields) {
        ImagePolicy lix = ImagePolicy.LIX;
        long largestLayer = fields.has("largestLayer") ? fields.number("largestLayer") : lix.largestLayer();
        long mostLayers = fields.has("mostLayers") ? fields.number("mostLayers") : lix.mostLayers();
        List<String> without = fields.optionalTexts("without").orElse(lix.without());
        fields.nothingElse();
        try {
            return new ImagePolicy(largestLayer, (int) Math.min(mostLayers, Integer.MAX_VALUE), without);
        } catch (IllegalArgumentException e) {
            fields.refuse(e.getMessage());
            return lix;
        }
    }

    // An environment that exists is changed key by key; a new one must say everything that has no
    // harmless default.
    private static Optional<Environment> environment(String name, Json.Fields fields, Environment old, List<String> faults) {
        int before = faults.size();
        String releases = old != null ? fields.optionalText("releases").orElse(old.releases()) : fields.text("releases");
        String cache = old != null ? fields.optionalText("cache").orElse(old.cache()) : fields.text("cache");
        String docs = old != null ? fields.optionalText("docs").orElse(old.docs()) : fields.text("docs");
        String install = old != null ? fields.optionalText("install").orElse(old.install()) : fields.text("install");
        Optional<URI> endpoint = old != null && !fields.has("endpoint") ? old.endpoint()
                : (old != null && old.isLocal() ? fields.optionalText("endpoint") : Optional.of(fields.text("endpoint")))
                        .flatMap(text -> uri(fields, "endpoint", text));
        String region = old != null ? fields.optionalText("region").orElse(old.region()) : fields.text("region");
        List<String> registries = fields.optionalTexts("registries").orElse(old != null ? old.registries() : List.of());
        Optional<String> git = old != null ? fields.optionalText("git").or(old::git) : Optional.of(fields.text("git"));
        boolean gerrit = fields.optionalFlag("gerrit").orElse(old != null && old.gerrit());
        Optional<String> publicKey = fields.optionalText("publicKey").or(() -> old != null ? old.publicKey() : Optional.empty());
        Map<String, URI> urls = new LinkedHashMap<>(old != null ? old.urls() : Map.of());
        fields.optionalObject("urls").ifPresent(inner -> {
            for (String role : inner.keys()) {
                inner.optionalText(role).flatMap(text -> uri(inner, role, text)).ifPresent(uri -> urls.put(role, uri));
            }
        });
        Optional<String> keysFrom = fields.optionalText("keysFrom").or(() -> old != null ? old.keysFrom() : Optional.empty());
        boolean guarded = fields.optionalFlag("guarded").orElse(old != null && old.guarded());
        fields.nothingElse();
        if (faults.size() > before) {
            return Optional.empty();
        }
        try {
            return Optional.of(new Environment(name, releases, cache, docs, install, endpoint, region, registries, git,
                    gerrit, publicKey, urls, keysFrom, guarded));
        } catch (IllegalArgumentException e) {
            e.getMessage().lines().forEach(fields::refuse);
            return Optional.empty();
        }
    }

    private static Optional<URI> uri(Json.Fields fields, String key, String text) {
        try {
            return text.isEmpty() ? Optional.empty() : Optional.of(new URI(text));
        } catch (java.net.URISyntaxException e) {
            fields.fault(key, "is no web address: " + text);
            return Optional.empty();
        }
    }

    private static Map<String, Environment> byName(List<Environment> list) {
        Map<String, Environment> map = new LinkedHashMap<>();
        list.forEach(environment -> map.put(environment.name(), environment));
        return map;
    }
}
