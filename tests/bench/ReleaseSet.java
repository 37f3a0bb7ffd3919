import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import lib.base.Console;
import lib.base.Exec;
import lib.base.Json;

/**
 * Two releases of a project with a large closure, built: the sample with many small paths in chains behind it, and a
 * patch release that changes the ends of some. They stay in the Nix store until it is collected.
 *
 * @param first   a checkout on the tag of the first
 * @param patch   one on the tag of the second
 * @param env     for whatever runs in them
 * @param key     file of the secret key the cache is signed with
 * @param large   megabytes of all the large paths
 */
record ReleaseSet(Path first, Path patch, Map<String, String> env, Path key, long large) {

    static final int LARGE = 40;
    static final int CHANGED = 30;
    private static final int DEPTH = 60;
    /** Bytes of a large path, about. */
    private static final int LARGE_SIZE = 5_000_000;

    // What others refer to comes first in its text, so that a NAR of 2 KB has one reference.
    private static final String CLOSURE = """
            { run, revision }:
            let
              count = COUNT;
              depth = DEPTH;
              chains = (count + depth - 1) / depth;
              range = n: builtins.genList (i: i) n;
              text = name: builtins.concatStringsSep "\\n" (map (i: builtins.hashString "sha256" "${name} ${toString i}") (range 30));
              # The last of a chain is what nothing else of it refers to.
              changed = chain: level: revision > 0 && (depth - 1 - level) * chains + chain < CHANGED;
              link = chain: below: level: let
                  name = "bench-${toString chain}-${toString level}";
                in
                builtins.toFile name "${below}\\n${text (name + (if changed chain level then toString revision else ""))}";
              levels = chain: if chain < chains - 1 then depth else count - (chains - 1) * depth;
            in
            map (chain: builtins.foldl' (link chain) "" (builtins.genList (i: i + depth - levels chain) (levels chain))) (range chains)
            ++ map (i: run { name = "bench-large-${toString i}"; } ''
              mkdir "$out"
              seq ${toString (i * 1000000)} 7 ${toString (i * 1000000 + SIZE)} >"$out/data"
            '') (range LARGE)
            """;

    /** With so many paths in the closure of outputs and derivations, about. */
    static ReleaseSet make(Path folder, int paths, Console console) throws IOException {
        Path checkout = folder.resolve("first");
        Map<String, String> env = new java.util.HashMap<>(System.getenv());
        env.merge("NIX_CONFIG", Sample.NIX_CONFIG, (set, ours) -> set + "\n" + ours);
        Sample.checkout(checkout, env);
        Files.writeString(checkout.resolve("closure.nix"), CLOSURE.replace("COUNT", Integer.toString(Math.max(1, paths - 2 * LARGE))).replace("DEPTH", Integer.toString(DEPTH))
                .replace("SIZE", Integer.toString(LARGE_SIZE)).replace("LARGE", Integer.toString(LARGE)).replace("CHANGED", Integer.toString(CHANGED)));
        // Tarballs hold little: it is the cache that is to be large.
        edit(checkout.resolve("package.nix"), "\"closure\" build", "\"closure\" util", "outputs = [ \"out\" \"doc\" ];",
                "outputs = [ \"out\" \"doc\" ];\nbench = import ./closure.nix { inherit run; revision = (import ./revision.nix); };",
                "mkdir -p \"$out/bin\"\n      sed", "mkdir -p \"$out/bin\"\n      printf '%s\\n' $bench > \"$out/bench\"\n      sed");
        edit(checkout.resolve("flake.nix"), "dockerImage = { inherit (dockerImages) x86_64-linux aarch64-linux; };", "");
        Files.writeString(checkout.resolve("revision.nix"), "0\n");
        release(checkout, env, console);

        Path patch = folder.resolve("patch");
        run(folder, env, console, "cp", "-a", checkout.toString(), patch.toString());
        run(patch, env, console, "git", "checkout", "--quiet", "releng/2.95");
        edit(patch.resolve("version.json"), "2.95.0", "2.95.1");
        Files.writeString(patch.resolve("revision.nix"), "1\n");
        release(patch, env, console);

        Path key = folder.resolve("key");
        run(folder, env, console, "nix-store", "--generate-binary-cache-key", "bench-1", key.toString(), folder.resolve("key.pub").toString());
        return new ReleaseSet(checkout, patch, env, key, LARGE * (long) LARGE_SIZE / 1_000_000);
    }

    /** Where both are published: releng.json of an environment {@code bench}. */
    void publishTo(Target target, java.net.URI via, Path repository) throws IOException {
        var environment = Json.MAPPER.createObjectNode().put("endpoint", via.toString()).put("region", target.region()).put("git", repository.toString())
                .put("publicKey", Files.readString(key.resolveSibling("key.pub")).strip());
        List.of("releases", "cache", "docs", "install").forEach(role -> environment.put(role, target.bucket(role)));
        var top = Json.MAPPER.createObjectNode();
        top.putObject("environments").set("bench", environment);
        for (Path checkout : List.of(first, patch)) {
            Files.writeString(checkout.resolve("releng.json"), Json.pretty(top));
        }
    }

    /** Outputs and derivations of a release. */
    static List<String> roots(Path checkout) throws IOException {
        return lib.release.BuiltRelease.read(checkout.resolve("release")).storePaths();
    }

    private static void release(Path checkout, Map<String, String> env, Console console) throws IOException {
        run(checkout, env, console, "git", "add", "--all");
        run(checkout, env, console, "git", "commit", "--quiet", "--message=bench");
        for (List<String> phase : List.of(List.of("prepare", "--allow-empty"), List.of("tag"), List.of("build", "--profile", "x86_64-linux-only"))) {
            List<String> line = new ArrayList<>(List.of(Home.launcher(env), Home.folder().resolve(phase.get(0) + ".java").toString()));
            line.addAll(phase.subList(1, phase.size()));
            run(checkout, env, console, line.toArray(String[]::new));
        }
    }

    private static void run(Path folder, Map<String, String> env, Console console, String... line) {
        Exec.of(line).in(folder).baseEnv(env).orFail(line[0] + " failed", "mend what it says");
    }

    private static void edit(Path file, String... changes) throws IOException {
        String text = Files.readString(file);
        for (int i = 0; i < changes.length; i += 2) {
            if (!text.contains(changes[i])) {
                throw new IllegalStateException("the sample has changed: no '" + changes[i] + "' in " + file);
            }
            text = text.replace(changes[i], changes[i + 1]);
        }
        Files.writeString(file, text);
    }
}
