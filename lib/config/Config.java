package lib.config;

import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import lib.base.Fault;
import lib.base.Json;
import lib.config.Environment.Gerrit;

/**
 * The project's names and the environments: Lix's own, changed by the {@code releng.json} that a
 * checkout may carry at its top. A project of another name has the environment local, and of the rest
 * what it says itself: nothing of it may go to an address of Lix's. The README documents every key.
 */
public record Config(Project project, ImagePolicy imagePolicy, Map<String, Environment> environments, Limits limits) {

    public static final String FILE = "releng.json";

    /** A project's public place: guarded unless it says otherwise. */
    private static final String LIVE = Environment.LIVE.name();

    public static final Config LIX = new Config(Project.LIX, ImagePolicy.LIX, byName(
            Environment.LOCAL, Environment.STAGING, Environment.LIVE), Limits.NONE);

    /** Reads {@code releng.json} in the folder, if there. Throws Fault with every fault of the file. */
    public static Config of(Path folder) {
        Path file = folder.resolve(FILE);
        if (!Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
            return LIX;
        }
        try {
            return parse(Files.readAllBytes(file));
        } catch (IOException e) {
            throw Fault.failed(FILE + " cannot be read", e.toString(), "look at " + file).from(e);
        }
    }

    static Config parse(byte[] json) {
        List<String> faults = new ArrayList<>();
        Json.Fields top = new Json.Fields(Json.object(json, FILE), FILE + ": ", faults);
        for (String section : List.of("project", "images", "environments", "limits")) {
            if (top.unset(section)) {
                top.fault(section, "cannot be null: leave it out, or set its keys to null one by one");
            }
        }
        Optional<Json.Fields> names = top.optionalObject("project");
        boolean lix = names.map(Config::isLix).orElse(true);
        Project project = names.map(fields -> project(fields, lix)).orElse(Project.LIX);
        ImagePolicy imagePolicy = top.optionalObject("images").map(fields -> imagePolicy(fields)).orElse(ImagePolicy.LIX);
        Map<String, Environment> environments = new LinkedHashMap<>(lix ? LIX.environments() : byName(Environment.LOCAL));
        top.optionalObject("environments").ifPresent(all -> all.keys().forEach(name -> {
            if (name.equals("production")) {
                all.fault(name, "is another name of " + LIVE + ": say " + LIVE);
            } else if (!all.unset(name)) {
                all.optionalObject(name).flatMap(fields -> environment(name, fields, Optional.ofNullable(environments.get(name)), faults))
                        .ifPresent(environment -> environments.put(name, environment));
            } else if (name.equals(Environment.LOCAL.name())) {
                all.fault(name, "cannot be null: it is where releases are tried out");
            } else {
                environments.remove(name);
            }
        }));
        Limits limits = top.optionalObject("limits").map(Config::limits).orElse(Limits.NONE);
        top.nothingElse();
        if (!faults.isEmpty()) {
            throw Fault.failed(FILE + " has " + faults.size() + (faults.size() == 1 ? " fault" : " faults"), faults,
                    "fix it; the README lists every key with its meaning");
        }
        return new Config(project, imagePolicy, environments, limits);
    }

    /** The environment of that name. Throws Fault (usage) listing the known ones. */
    public Environment environment(String name) {
        String asked = name.equals("production") ? LIVE : name;
        Environment environment = environments.get(asked);
        if (environment == null) {
            throw Fault.usage("there is no environment '" + name + "'", "known: " + String.join(", ", environments.keySet())
                            + (LIX.environments.containsKey(asked) ? "; " + FILE + " does not say what " + asked + " is for " + project.name() : ""),
                    "name one of them with --env, or describe it in " + FILE + ": the README lists the keys");
        }
        return environment;
    }

    /** The repositories of all environments. */
    public List<String> registries() {
        return environments.values().stream().flatMap(environment -> environment.registries().stream()).distinct().toList();
    }

    // By what it publishes under: Lix whose forge has moved is still Lix.
    private static boolean isLix(Json.Fields fields) {
        return fields.optionalText("name").map(Project.LIX.name()::equals).orElse(true)
                && fields.optionalText("prefix").map(Project.LIX.prefix()::equals).orElse(true);
    }

    // Where things lie in a checkout is a habit that projects share; names and addresses are each one's own.
    private static Project project(Json.Fields fields, boolean lix) {
        Project old = Project.LIX;
        Optional<Project> own = Optional.of(old).filter(any -> lix);
        List<Optional<String>> required = List.of(
                fields.text("name", own.map(Project::name)), fields.text("prefix", own.map(Project::prefix)),
                fields.text("versionFile", Optional.of(old.versionFile())), fields.text("pendingNotes", Optional.of(old.pendingNotes())),
                fields.text("changeAuthors", Optional.of(old.changeAuthors())), fields.text("releaseNotes", Optional.of(old.releaseNotes())),
                fields.text("summary", Optional.of(old.summary())));
        // What is missing is a fault already; any value that can be lets the others be looked at.
        List<String> values = required.stream().map(value -> value.orElse("absent")).toList();
        Optional<String> forge = fields.optionalText("forge", own.flatMap(Project::forge));
        Optional<String> repository = fields.optionalText("repository", own.flatMap(Project::repository));
        Optional<String> upstream = fields.optionalText("upstream", own.flatMap(Project::upstream));
        Optional<String> review = fields.optionalText("review", own.flatMap(Project::review));
        List<String> installers = fields.optionalTexts("installers", own.map(Project::installers).orElse(List.of()));
        Optional<String> releaseBlocker = fields.optionalText("releaseBlocker", own.flatMap(Project::releaseBlocker));
        Optional<Project.Post> post = fields.unset("post") ? Optional.empty() : fields.optionalObject("post").map(inner -> {
            Project.Post about = new Project.Post(inner.text("repository", Optional.empty()).orElse("absent/absent"), inner.text("pullRequest", Optional.empty()).orElse("VERSION"));
            inner.nothingElse();
            return about;
        });
        List<Project.Task> afterwards = fields.has("afterwards") ? tasks(fields.objects("afterwards"))
                : fields.unset("afterwards") ? List.of() : own.map(Project::afterwards).orElse(List.of());
        fields.nothingElse();
        try {
            return new Project(values.get(0), values.get(1), values.get(2), values.get(3), values.get(4), values.get(5), values.get(6),
                    forge, repository, upstream, review, installers, releaseBlocker, post, afterwards);
        } catch (IllegalArgumentException e) {
            fields.refuse(e.getMessage());
            return old;
        }
    }

    private static List<Project.Task> tasks(List<Json.Fields> list) {
        List<Project.Task> tasks = new ArrayList<>();
        for (Json.Fields fields : list) {
            Optional<String> what = fields.text("what", Optional.empty());
            Optional<String> link = fields.text("link", Optional.empty());
            fields.nothingElse();
            try {
                if (what.isPresent() && link.isPresent()) {
                    tasks.add(new Project.Task(what.get(), link.get()));
                }
            } catch (IllegalArgumentException e) {
                fields.refuse(e.getMessage());
            }
        }
        return tasks;
    }

    private static ImagePolicy imagePolicy(Json.Fields fields) {
        ImagePolicy lix = ImagePolicy.LIX;
        long largestLayer = fields.unset("largestLayer") ? Long.MAX_VALUE : fields.has("largestLayer") ? fields.number("largestLayer") : lix.largestLayer();
        long mostLayers = fields.unset("mostLayers") ? Long.MAX_VALUE : fields.has("mostLayers") ? fields.number("mostLayers") : lix.mostLayers();
        List<String> without = fields.optionalTexts("without", lix.without());
        fields.nothingElse();
        try {
            return new ImagePolicy(largestLayer, (int) Math.min(mostLayers, Integer.MAX_VALUE), without);
        } catch (IllegalArgumentException e) {
            fields.refuse(e.getMessage());
            return lix;
        }
    }

    private static Limits limits(Json.Fields fields) {
        Map<Limits.Kind, Long> percent = new EnumMap<>(Limits.Kind.class);
        for (Limits.Kind kind : Limits.Kind.values()) {
            if (!fields.unset(kind.name()) && fields.has(kind.name())) {
                percent.put(kind, fields.number(kind.name()));
            }
        }
        fields.nothingElse();
        try {
            return new Limits(percent);
        } catch (IllegalArgumentException e) {
            fields.refuse(e.getMessage());
            return Limits.NONE;
        }
    }

    // An environment that exists is changed key by key; a new one must say everything that has no
    // harmless default. Null takes a key's value away.
    private static Optional<Environment> environment(String name, Json.Fields fields, Optional<Environment> old, List<String> faults) {
        int before = faults.size();
        Optional<String> releases = fields.text("releases", old.map(Environment::releases));
        Optional<String> cache = fields.text("cache", old.map(Environment::cache));
        Optional<String> docs = fields.text("docs", old.map(Environment::docs));
        Optional<String> install = fields.text("install", old.map(Environment::install));
        boolean embedded = !fields.has("endpoint") && old.map(Environment::isLocal).orElse(false);
        Optional<URI> endpoint = (embedded ? fields.optionalText("endpoint")
                : fields.text("endpoint", old.flatMap(Environment::endpoint).map(URI::toString))).flatMap(text -> uri(fields, "endpoint", text));
        Optional<String> region = fields.text("region", old.map(Environment::region));
        List<String> registries = fields.optionalTexts("registries", old.map(Environment::registries).orElse(List.of()));
        Optional<String> git = embedded ? fields.optionalText("git", old.flatMap(Environment::git)) : fields.text("git", old.flatMap(Environment::git));
        Gerrit gerrit = gerrit(fields, old.map(Environment::gerrit).orElse(Gerrit.no));
        Optional<String> publicKey = fields.optionalText("publicKey", old.flatMap(Environment::publicKey));
        Map<String, URI> urls = new LinkedHashMap<>(fields.unset("urls") ? Map.of() : old.map(Environment::urls).orElse(Map.of()));
        fields.optionalObject("urls").ifPresent(inner -> {
            for (String role : Environment.ROLES) {
                if (inner.unset(role)) {
                    urls.remove(role);
                }
                inner.optionalText(role).flatMap(text -> uri(inner, role, text)).ifPresent(uri -> urls.put(role, uri));
            }
            inner.nothingElse();
        });
        Optional<String> keysFrom = fields.optionalText("keysFrom", old.flatMap(Environment::keysFrom));
        boolean guarded = fields.flag("guarded", old.map(Environment::guarded).orElse(name.equals(LIVE)));
        Optional<String> ca = fields.optionalText("ca", old.flatMap(Environment::ca));
        Optional<String> lsCompression = fields.optionalText("lsCompression", old.flatMap(Environment::lsCompression));
        boolean wantMassQuery = fields.flag("wantMassQuery", old.map(Environment::wantMassQuery).orElse(true));
        Optional<String> provenanceKey = fields.optionalText("provenanceKey", old.flatMap(Environment::provenanceKey));
        Optional<String> allowedSigners = fields.optionalText("allowedSigners", old.flatMap(Environment::allowedSigners));
        fields.nothingElse();
        try {
            // As above: what is missing is a fault already.
            Environment environment = new Environment(name, releases.orElse("absent-releases"), cache.orElse("absent-cache"),
                    docs.orElse("absent-docs"), install.orElse("absent-install"), endpoint, region.orElse("absent"), registries,
                    embedded ? git : git.or(() -> Optional.of("ssh://absent")), gerrit, publicKey, urls, keysFrom, guarded, ca,
                    lsCompression, wantMassQuery, allowedSigners, provenanceKey);
            return Optional.of(environment).filter(sound -> faults.size() == before);
        } catch (IllegalArgumentException e) {
            fields.refuse(e.getMessage());
            return Optional.empty();
        }
    }

    private static Gerrit gerrit(Json.Fields fields, Gerrit before) {
        if (!fields.has("gerrit")) {
            return fields.unset("gerrit") ? Gerrit.no : before;
        }
        return switch (fields.flagOr("gerrit", Gerrit.direct.name())) {
            case "direct" -> Gerrit.direct;
            case "true" -> Gerrit.review;
            default -> Gerrit.no;
        };
    }

    private static Optional<URI> uri(Json.Fields fields, String key, String text) {
        try {
            if (!text.isBlank()) {
                return Optional.of(new URI(text));
            }
        } catch (URISyntaxException e) {
            // said below
        }
        fields.fault(key, "is not a web address: '" + text + "'");
        return Optional.empty();
    }

    private static Map<String, Environment> byName(Environment... list) {
        Map<String, Environment> map = new LinkedHashMap<>();
        List.of(list).forEach(environment -> map.put(environment.name(), environment));
        return map;
    }
}
