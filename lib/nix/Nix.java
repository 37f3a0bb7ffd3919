package lib.nix;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import lib.base.Console;
import lib.base.Exec;
import lib.base.Fault;
import lib.base.FileTree;
import lib.base.Json;

/** The machine's Nix, with the options the release manager hands through to it. */
public final class Nix {

    /**
     * A derivation among a flake's release jobs.
     *
     * @param attr    where it stands below {@code release-jobs}, joined by dots
     * @param system  the system it is for
     * @param drvPath its store derivation
     * @param outputs output name to store path
     */
    public record Job(String attr, String system, String drvPath, SortedMap<String, String> outputs) {
    }

    /**
     * A store path as Nix's database knows it.
     *
     * @param narHash {@code sha256:} and hex
     * @param narSize in bytes
     */
    public record PathInfo(String path, String narHash, long narSize, List<String> references) {
    }

    /**
     * What was built twice.
     *
     * @param same      derivations whose outputs were the same again
     * @param elsewhere derivations that were not built again, as they are for other machines
     */
    public record Rebuilt(List<String> same, List<String> elsewhere) {
    }

    // Every derivation below the attribute set. Whether one evaluates is found out here without
    // ending the others' evaluation, as far as the language can: throw and assert.
    private static final String WALK = """
            root: let
              try = value: builtins.tryEval (builtins.deepSeq value value);
              job = path: drv: {
                inherit path;
                inherit (drv) system drvPath;
                outputs = builtins.listToAttrs
                  (map (name: { inherit name; value = drv.${name}.outPath; }) (drv.outputs or [ "out" ]));
              };
              walk = path: value: let
                  seen = builtins.tryEval value;
                  result = try (job path value);
                in
                  if !seen.success then [ { inherit path; } ]
                  else if !(builtins.isAttrs value) then [ ]
                  else if (value.type or null) == "derivation"
                    then [ (if result.success then result.value else { inherit path; }) ]
                  else builtins.concatLists
                    (map (name: walk (path ++ [ name ]) value.${name}) (builtins.attrNames value));
            in walk [ ] (SELECT)
            """;

    // Old trees have build and tarballs at the top, without profiles.
    private static final String PROFILE = """
            if root ? build then root
            else root.${PROFILE} or (throw "release-jobs has no profile ${PROFILE}; it has: ${toString (builtins.attrNames root)}")""";

    // Names only: no job is evaluated for them.
    private static final String NAMES = """
            root: let jobs = SELECT; in builtins.concatLists (map
              (a: if a == "tarballs" then [ [ a ] ] else map (b: [ a b ]) (builtins.attrNames jobs.${a}))
              (builtins.attrNames jobs))
            """;

    private static final String NO_CONTENT_ADDRESSED = "remove __contentAddressed from what is released, tag again, and run build again:"
            + " the paths of a release are known before it is built, and its users need no experimental feature";

    private static final int MOST_ARGUMENTS = 1000;

    private final Console console;
    private final Map<String, String> env;
    final List<String> options;
    private Optional<Boolean> fetchesFromS3 = Optional.empty();

    /** {@code options} go to every command that evaluates or builds, as Nix spells them. */
    public Nix(Console console, Map<String, String> env, List<String> options) {
        this.console = console;
        this.env = env;
        this.options = List.copyOf(options);
    }

    /** Throws Fault when Nix is not there. */
    public String version() {
        return nix(List.of("nix", "--version")).orFail("Nix cannot be run", "install Nix, or put it on PATH").strip();
    }

    /** The checkout at a commit as a flake reference; {@code ref} must reach the commit, or older Nix looks for {@code master}. */
    public static String flake(Path checkout, String ref, String commit) {
        return "git+" + checkout.toUri().toString().replaceFirst("^file:/+", "file:///").replaceFirst("/$", "")
                + "?ref=" + ref + "&rev=" + commit;
    }

    /** The store path that Nix has a flake's files in. Throws Fault where it cannot take them in. */
    public String source(String flake) {
        List<String> line = new ArrayList<>(List.of("nix", "flake", "metadata", "--json", flake));
        line.addAll(options);
        String json = nix(line).orFail("release-jobs of the flake do not evaluate", "fix the flake, tag again, and run build again");
        return Json.object(json.getBytes(StandardCharsets.UTF_8), "nix flake metadata").path("path").asText();
    }

    /** The system this machine builds for, {@code x86_64-linux}. */
    public String system() {
        return nix(List.of("nix", "eval", "--impure", "--raw", "--expr", "builtins.currentSystem"))
                .orFail("nix could not tell this machine's system", "run: nix eval --impure --raw --expr builtins.currentSystem");
    }

    /**
     * All release jobs of a profile, their derivations written to the store, sorted by attribute.
     * Throws Fault with every job that does not evaluate, and Nix's own words about it.
     */
    public List<Job> evaluate(String flake, String profile) {
        List<JsonNode> found = onPath("nix-eval-jobs", env).isPresent() ? evalJobs(flake, profile) : evalWalk(flake, profile);
        List<Job> jobs = new ArrayList<>();
        List<String> faults = new ArrayList<>();
        for (JsonNode node : found) {
            List<String> path = new ArrayList<>();
            node.path("path").forEach(name -> path.add(name.asText()));
            if (node.has("error")) {
                faults.add(String.join(".", path) + ": " + node.get("error").asText());
            } else if (!node.hasNonNull("drvPath")) {
                faults.add(String.join(".", path) + ": " + why(flake, profile, path));
            } else {
                SortedMap<String, String> outputs = new TreeMap<>();
                node.get("outputs").properties().forEach(output -> outputs.put(output.getKey(), output.getValue().asText()));
                jobs.add(new Job(String.join(".", path), node.get("system").asText(), node.get("drvPath").asText(), outputs));
            }
        }
        if (!faults.isEmpty()) {
            throw Fault.failed(faults.size() + " of " + found.size() + " release jobs do not evaluate", faults,
                    faults.stream().anyMatch(fault -> fault.contains("ca-derivations")) ? NO_CONTENT_ADDRESSED : "fix the flake, tag again, and run build again");
        }
        requireKnownPaths(jobs);
        jobs.sort(java.util.Comparator.comparing(Job::attr));
        return jobs;
    }

    // Of a content-addressed derivation, and of what is built from one, Nix has a placeholder until it is built.
    private static void requireKnownPaths(List<Job> jobs) {
        List<String> unknown = jobs.stream().filter(job -> job.outputs().values().stream().anyMatch(path -> path.indexOf('/', 1) < 0)).map(Job::attr).sorted().toList();
        if (!unknown.isEmpty()) {
            throw Fault.failed("release jobs are content-addressed derivations, or are built from some", unknown, NO_CONTENT_ADDRESSED);
        }
    }

    // One process for all. What tryEval cannot catch ends it; then each job is asked alone.
    private List<JsonNode> evalWalk(String flake, String profile) {
        Exec.Result result = eval(flake, WALK, profile).run();
        if (result.exit() == 0) {
            return list(result.out());
        }
        Exec.Result names = eval(flake, NAMES, profile).run();
        List<JsonNode> faulty = new ArrayList<>();
        if (names.exit() == 0) {
            for (JsonNode path : list(names.out())) {
                List<String> parts = new ArrayList<>();
                path.forEach(name -> parts.add(name.asText()));
                String why = why(flake, profile, parts);
                var node = Json.MAPPER.createObjectNode();
                node.set("path", path);
                faulty.add(why.isEmpty() ? node.put("drvPath", "").put("system", "").set("outputs", Json.MAPPER.createObjectNode())
                        : node.put("error", why));
            }
        }
        if (faulty.stream().noneMatch(node -> node.has("error"))) {
            throw Fault.failed("release-jobs of the flake do not evaluate", tail(result.err()), "fix the flake, tag again, and run build again");
        }
        return faulty;
    }

    private Exec eval(String flake, String expression, String profile) {
        List<String> line = new ArrayList<>(List.of("nix", "eval", "--json", flake + "#release-jobs", "--apply",
                expression.replace("SELECT", PROFILE.replace("PROFILE", quote(profile)))));
        line.addAll(options);
        return fetching(line);
    }

    // What Nix says about one job; empty when it evaluates.
    private String why(String flake, String profile, List<String> path) {
        StringBuilder select = new StringBuilder("jobs");
        path.forEach(name -> select.append('.').append(quote(name)));
        String expression = "root: let jobs = SELECT; in " + select + ".drvPath";
        Exec.Result result = eval(flake, expression, profile).run();
        return result.exit() == 0 ? "" : tail(result.err());
    }

    private List<JsonNode> evalJobs(String flake, String profile) {
        // Whether there are profiles is a question about names alone: cheap.
        String names = eval(flake, "root: builtins.attrNames (SELECT)", profile)
                .orFail("release-jobs of the flake do not evaluate", "fix the flake, tag again, and run build again");
        boolean profiles = nix(List.of("nix", "eval", "--json", flake + "#release-jobs", "--apply", "root: root ? build"))
                .orFail("release-jobs of the flake do not evaluate", "fix the flake").strip().equals("false");
        List<String> line = new ArrayList<>(List.of("nix-eval-jobs", "--force-recurse", "--flake",
                flake + "#release-jobs" + (profiles ? "." + quote(profile) : "")));
        line.addAll(options);
        Exec.Result result = fetching(line).run();
        List<JsonNode> found = new ArrayList<>();
        for (String json : result.out().lines().filter(text -> text.startsWith("{")).toList()) {
            var node = Json.object(json.getBytes(StandardCharsets.UTF_8), "nix-eval-jobs");
            node.set("path", node.get("attrPath"));
            found.add(node);
        }
        boolean named = found.stream().anyMatch(node -> node.has("error"));
        if (result.exit() != 0 && !named) {
            throw Fault.failed("release-jobs of the flake do not evaluate", tail(result.err() + names), "fix the flake, tag again, and run build again");
        }
        return found;
    }

    private static List<JsonNode> list(String json) {
        try {
            List<JsonNode> nodes = new ArrayList<>();
            Json.MAPPER.readTree(json).forEach(nodes::add);
            return nodes;
        } catch (IOException e) {
            throw Fault.failed("nix printed no JSON", e.getMessage(), "run again with --verbose").from(e);
        }
    }

    /**
     * Builds all outputs of the jobs, as many at once as Nix is set up for, and protects outputs and
     * derivations from garbage collection by links in {@code roots}, a folder made anew.
     */
    public void build(List<Job> jobs, Path roots) throws IOException {
        FileTree.remove(roots);
        Files.createDirectories(roots);
        List<String> drvs = jobs.stream().map(Job::drvPath).distinct().sorted().toList();
        List<String> line = new ArrayList<>(List.of("nix-store", "--realise", "--add-root", roots.resolve("built").toString(), "--indirect"));
        line.addAll(drvs);
        line.addAll(options);
        Exec build = fetching(line).onError(text -> console.say(text));
        build.orFail("the build failed", "see Nix's errors above; fix them, or add remote builders, and run build again");
        for (int i = 0; i < drvs.size(); i++) {
            nix(List.of("nix-instantiate", "--add-root", roots.resolve("drv-" + i).toString(), "--indirect", "--expr",
                    "import " + drvs.get(i))).orFail("a derivation could not be protected from garbage collection", "look at " + roots);
        }
        List<String> gone = jobs.stream().flatMap(job -> job.outputs().values().stream())
                .filter(path -> !Files.exists(Path.of(path))).toList();
        if (!gone.isEmpty()) {
            throw Fault.failed("Nix reports success, but outputs are not in the store", gone, "run build again; see nix-store --verify");
        }
    }

    /** The paths and everything they refer to, by path. Throws Fault when one is not in the store. */
    public SortedMap<String, PathInfo> closure(Collection<String> paths) {
        SortedMap<String, PathInfo> closure = new TreeMap<>();
        List<String> all = inStore("--query --requisites", paths);
        for (int i = 0; i < all.size(); i += MOST_ARGUMENTS) {
            // A path, its NAR's SHA-256 in hex, its size, its deriver or nothing, how many references, and those: the same in all
            // versions of Nix, as installers are made of it, while the JSON of `nix path-info` changes.
            Iterator<String> lines = inStore("--dump-db", all.subList(i, Math.min(all.size(), i + MOST_ARGUMENTS))).iterator();
            while (lines.hasNext()) {
                String path = lines.next();
                String hash = "sha256:" + lines.next();
                long size = Long.parseLong(lines.next());
                lines.next();
                List<String> references = Stream.generate(lines::next).limit(Long.parseLong(lines.next())).toList();
                closure.put(path, new PathInfo(path, hash, size, references));
            }
        }
        return closure;
    }

    List<String> inStore(String what, Collection<String> paths) {
        List<String> line = new ArrayList<>(List.of("nix-store"));
        line.addAll(List.of(what.split(" ")));
        line.addAll(paths);
        return nix(line).orFail("the closure of what was built is not in the Nix store", "run build again: it may have been garbage-collected").lines().toList();
    }

    /** Where the paths come from, by their base names. Throws Fault when one is not in the store. */
    public SortedMap<String, Provenance> provenance(Collection<String> paths) {
        SortedMap<String, Provenance> all = new TreeMap<>();
        List<String> left = List.copyOf(paths);
        for (int i = 0; i < left.size(); i += MOST_ARGUMENTS) {
            for (List<String> some : byKind(left.subList(i, Math.min(left.size(), i + MOST_ARGUMENTS)))) {
                Exec.Result said = nix(of(some, "nix", "path-info", "--json")).run();
                if (said.exit() != 0 && said.err().contains("--json-format")) { // from 2.33 on it wants to be told which JSON, and later insists
                    said = nix(of(some, "nix", "path-info", "--json", "--json-format", "2")).run();
                }
                try {
                    all.putAll(Provenance.parse(Json.MAPPER.readTree(said.out())));
                } catch (IOException | RuntimeException e) {
                    throw Fault.failed("Nix does not say where store paths come from", List.of(tail(said.err()), e.toString()),
                            "run build again if they were garbage-collected; else by hand: nix path-info --json " + some.get(0)).from(e);
                }
            }
        }
        List<String> unknown = left.stream().filter(path -> !all.containsKey(Path.of(path).getFileName().toString())).toList();
        if (!unknown.isEmpty()) {
            throw Fault.failed("Nix does not say where store paths come from", unknown, "run by hand: nix path-info --json " + unknown.get(0));
        }
        return all;
    }

    // Without --derivation Nix takes a .drv for its outputs; with it, an output for its derivation.
    private static List<List<String>> byKind(Collection<String> paths) {
        return Stream.of(true, false)
                .map(drv -> paths.stream().filter(path -> path.endsWith(".drv") == drv).toList())
                .filter(some -> !some.isEmpty()).toList();
    }

    private static List<String> of(List<String> paths, String... command) {
        List<String> line = new ArrayList<>(List.of(command));
        if (paths.get(0).endsWith(".drv")) {
            line.add("--derivation");
        }
        line.addAll(paths);
        return line;
    }

    /** A new pair of keys in two files. */
    public void generateKey(String name, Path secret, Path open) {
        nix(List.of("nix-store", "--generate-binary-cache-key", name, secret.toString(), open.toString()))
                .orFail("Nix could not make a signing key", "fix what Nix reports");
    }

    private Exec nix(List<String> command) {
        List<String> line = new ArrayList<>(command);
        if (command.get(0).equals("nix")) {
            line.addAll(1, List.of("--extra-experimental-features", "nix-command flakes"));
        }
        return Exec.of(line).baseEnv(env);
    }

    // What is built should not see keys, which a Nix without a daemon hands to derivations that ask for them by name. It gets
    // them only where Nix itself needs them, for a substituter behind keys that are not in a profile.
    Exec fetching(List<String> command) {
        if (fetchesFromS3.isEmpty()) {
            fetchesFromS3 = Optional.of(settings().lines().anyMatch(setting -> setting.startsWith("substituters = ") && setting.contains("s3://")));
        }
        return fetchesFromS3.get() ? nix(command).lend(Exec.STORE_KEYS) : nix(command);
    }

    // The first has its name since 2.20, the second is gone one day.
    private String settings() {
        return Stream.of(List.of("nix", "config", "show"), List.of("nix", "show-config")).map(ArrayList::new).peek(line -> line.addAll(options))
                .map(line -> nix(line).run()).filter(result -> result.exit() == 0).map(Exec.Result::out).findFirst().orElse("");
    }

    /** The systems this machine builds for itself. */
    Set<String> systems() {
        return settings().lines().filter(setting -> setting.matches("(system|extra-platforms) = .*"))
                .flatMap(setting -> Arrays.stream(setting.replaceFirst(".* = ", "").split(" "))).collect(Collectors.toSet());
    }

    static Optional<Path> onPath(String program, Map<String, String> env) {
        return Arrays.stream(env.getOrDefault("PATH", "").split(":")).filter(folder -> !folder.isEmpty())
                .map(folder -> Path.of(folder, program)).filter(Files::isExecutable).findFirst();
    }

    private static String quote(String name) {
        return '"' + name.replace("\\", "\\\\").replace("\"", "\\\"").replace("${", "\\${") + '"';
    }

    private static String tail(String err) {
        List<String> lines = err.strip().lines().filter(line -> !line.startsWith("warning:")).toList();
        return String.join("\n", lines.subList(Math.max(0, lines.size() - 15), lines.size()));
    }
}
