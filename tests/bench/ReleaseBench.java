import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import lib.base.Console;
import lib.base.Exec;
import lib.base.Fault;
import lib.base.FileTree;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(name = "release", mixinStandardHelpOptions = true, description = {
        "Publishes releases of a project with a large closure: the first, the same again, one that changes 30 paths of it, and verify.",
        "The peers send nothing but its cache: nix copy, where Nix speaks to a bucket that needs no keys (2.33), rclone and aws s3 sync, of a cache "
                + "folder that somebody has made. They prove nothing, and go without verify.",
        "Last come lines for programs: figure release CONTENDER RTT PHASE wall|cpu|rss|requests MEDIAN MIN MAX, in seconds, MB and requests; and "
                + "ratio release PEER RTT PHASE wall|cpu|rss MEDIAN MIN MAX, ours divided by the peer's."})
final class ReleaseBench implements Callable<Integer> {

    private static final String OURS = "releng";
    private static final List<String> PEERS = List.of("nix-copy", "rclone", "aws-sync");
    private static final List<String> PHASES = List.of("first", "rerun", "patch", "verify");
    private static final Pattern NIX = Pattern.compile("\\(Nix\\) (\\d+)\\.(\\d+)");
    private static final long ROOM = 4L << 30;

    @Option(names = "--paths", paramLabel = "N", defaultValue = "3000", description = "In the closure, in chains of 60, 40 of them large; default: ${DEFAULT-VALUE}.")
    int paths;

    @Option(names = "--rtt", split = ",", paramLabel = "MS", description = "Round trip times in milliseconds, added by a proxy on loopback that counts "
            + "requests; default: ${DEFAULT-VALUE}.")
    List<Integer> rtts = List.of(40);

    @Option(names = "--peers", split = ",", paramLabel = "PEER", description = "nix-copy, rclone, aws-sync, or none; default: all that are there.")
    List<String> peers = PEERS;

    @Option(names = "--rounds", paramLabel = "N", defaultValue = "3", description = "Rounds that count; 0: only one, that warms up, too; default: ${DEFAULT-VALUE}.")
    int rounds;

    @Option(names = "--nix", paramLabel = "PROGRAM", defaultValue = "nix", description = "The peer's Nix; default: ${DEFAULT-VALUE}.")
    String nix;

    private final Console console = Console.system(System.getenv());
    private final Map<String, List<Double>> requests = new LinkedHashMap<>();

    @Override
    public Integer call() throws Exception {
        if (paths < 1 || rounds < 0 || rtts.stream().anyMatch(rtt -> rtt < 0)) {
            throw Fault.usage("wrong usage of bench release", "there is a path, and no answer comes before its question", "see bench release --help");
        }
        if (!Missing.provide(Map.of("bash", "bash", "time", "time", "nix", "nix-bin"), false)) {
            throw Fault.failed("the benchmark cannot begin", "programs are missing", "see above");
        }
        List<String> figures = new ArrayList<>();
        try (Cleanup cleanup = new Cleanup()) {
            Path folder = Scratch.folder(ROOM);
            cleanup.add(() -> FileTree.remove(folder));
            Measure measure = new Measure(folder);
            Script upload = Script.build(Home.folder().resolve("upload.java"), System.getenv());
            console.step("Building two releases with " + paths + " paths, in " + folder);
            ReleaseSet set = ReleaseSet.make(folder, paths, console);
            Target target = cleanup.add(Target.signed(folder.resolve("store"), System.getenv(), console));
            for (int rtt : rtts) {
                Results results = new Results(String.format(Locale.ROOT, "release of %d paths, %d large ones of %d MB, rtt %d ms, rounds: %d", paths,
                        ReleaseSet.LARGE, set.large() / ReleaseSet.LARGE, rtt, rounds), "release %s " + rtt);
                try (Cleanup proxies = new Cleanup()) {
                    List<Rounds.Contender> contenders = new ArrayList<>(List.of(ours(upload, set, target, proxies.add(new DelayProxy(target.endpoint(), rtt)), folder)));
                    for (String peer : peers) {
                        peer(peer, set, folder, target, rtt, proxies).ifPresent(contenders::add);
                    }
                    requests.clear();
                    new Rounds(measure, console).run(results, contenders, PHASES, rounds);
                    List<String> names = contenders.stream().map(Rounds.Contender::name).toList();
                    results.table(names).forEach(console::print);
                    console.print("");
                    names.forEach(name -> figures.addAll(results.figures(name, PHASES, phase -> counted(requests.get(name + " " + phase)))));
                    figures.addAll(results.ratios(OURS, names.subList(1, names.size())));
                }
            }
        }
        figures.forEach(console::print);
        return 0;
    }

    // What warms up is not counted.
    private List<Double> counted(List<Double> all) {
        return all.subList(Math.min(1, rounds), all.size());
    }

    private Rounds.Contender ours(Script upload, ReleaseSet set, Target target, DelayProxy via, Path folder) {
        Path repository = folder.resolve("repository");
        return contender(OURS, via, target::emptyOthers, () -> {
            FileTree.remove(repository);
            Exec.of("git", "init", "--quiet", "--bare", repository.toString()).orFail("git init", "");
            set.publishTo(target, via.endpoint(), repository);
        }, phase -> {
            List<String> line = new ArrayList<>(upload.java());
            line.addAll(List.of("--env", "bench", "--noconfirm", "--repo", (phase.equals("patch") || phase.equals("verify") ? set.patch() : set.first()).toString(),
                    "--signing-key", set.key().toString()));
            if (phase.equals("verify")) {
                line.addAll(List.of("--target", "verify"));
            }
            return new Measure.Command(line, Map.of("AWS_ACCESS_KEY_ID", target.id(), "AWS_SECRET_ACCESS_KEY", target.secret(),
                    "NIX_CONFIG", set.env().get("NIX_CONFIG")));
        });
    }

    private Optional<Rounds.Contender> peer(String name, ReleaseSet set, Path folder, Target target, int rtt, Cleanup proxies) throws Exception {
        String absent = switch (name) {
            case "nix-copy" -> nixSpeaksS3() ? "" : nix + " is older than 2.33, or not Nix: its s3:// is not there, or wants keys";
            case "rclone" -> Missing.onPath("rclone") ? "" : "it is not installed";
            case "aws-sync" -> bench.Upload.aws().isPresent() ? "" : "no aws runs";
            case "none" -> "nobody is asked for";
            default -> throw Fault.usage("wrong usage of bench release", "--peers does not know " + name, "choose among " + String.join(", ", PEERS));
        };
        if (!absent.isEmpty()) {
            console.print(name + " is left out: " + absent);
            return Optional.empty();
        }
        if (name.equals("nix-copy")) {
            Target open = proxies.add(Target.open(folder.resolve("open"), System.getenv()));
            DelayProxy via = proxies.add(new DelayProxy(open.endpoint(), rtt));
            Path home = folder.resolve("nix-home");
            // Its own notes of what a cache has are not its rerun's: the next machine has none.
            return Optional.of(contender(name, via, () -> open.empty(""), () -> FileTree.remove(home),
                    phase -> phase.equals("verify") ? null : nixCopy(set, phase, home, "s3://" + open.bucket() + "?region=local&scheme=http&endpoint="
                            + via.endpoint().getAuthority() + "&compression=zstd&write-nar-listing=1&secret-key=" + set.key())));
        }
        Map<String, FileSet> folders = new HashMap<>();
        for (String which : List.of("first", "patch")) {
            Path cache = folder.resolve("cache-" + which);
            Measure.Command copy = nixCopy(set, which, folder.resolve("nix-home"), "file://" + cache + "?compression=zstd&write-nar-listing=1&secret-key=" + set.key());
            if (!Files.exists(cache)) {
                Exec.of(copy.line()).baseEnv(set.env()).orFail("nix copy", "mend what it says");
            }
            folders.put(which, new FileSet(name, cache, new java.util.TreeMap<>()));
        }
        DelayProxy via = proxies.add(new DelayProxy(target.endpoint(), rtt));
        Senders.Recipe recipe = name.equals("rclone") ? Senders.rclone(List.of())
                : Senders.aws(bench.Upload.aws().orElseThrow(), folder.resolve("aws"), List.of("sync"));
        return Optional.of(contender(name, via, () -> target.empty("cache/"), () -> { }, phase -> phase.equals("verify") ? null
                : recipe.command(new Senders.Job(folders.get(phase.equals("patch") ? "patch" : "first"), target, via.endpoint(), "cache/"), phase)));
    }

    // As nix copy takes them: derivations by an option of their own.
    private Measure.Command nixCopy(ReleaseSet set, String phase, Path home, String to) throws IOException {
        StringBuilder script = new StringBuilder("set -e\n");
        List<String> roots = ReleaseSet.roots(phase.equals("patch") ? set.patch() : set.first());
        for (boolean derivations : List.of(true, false)) {
            script.append("'").append(nix).append("' --extra-experimental-features nix-command copy --no-check-sigs --to '").append(to).append(derivations ? "' --derivation" : "'");
            roots.stream().filter(path -> path.endsWith(".drv") == derivations).forEach(path -> script.append(' ').append(path));
            script.append('\n');
        }
        return new Measure.Command(List.of("sh", "-c", script.toString()), Map.of("XDG_CACHE_HOME", home.toString(), "NIX_CONFIG", set.env().get("NIX_CONFIG")));
    }

    private boolean nixSpeaksS3() {
        Matcher version = NIX.matcher(Exec.of(nix, "--version").run().out());
        return version.find() && (Integer.parseInt(version.group(1)) > 2 || Integer.parseInt(version.group(2)) >= 33);
    }

    private interface Step {
        Measure.Command of(String phase) throws Exception;
    }

    private interface Act {
        void run() throws Exception;
    }

    private Rounds.Contender contender(String name, DelayProxy via, Act empty, Act begin, Step command) {
        return new Rounds.Contender() {
            @Override
            public String name() {
                return name;
            }

            @Override
            public Rounds.Turn turn() throws Exception {
                begin.run();
                return new Rounds.Turn() {
                    private long before;

                    @Override
                    public Measure.Command command(String phase) throws Exception {
                        before = via.requests();
                        return command.of(phase);
                    }

                    @Override
                    public void check(String phase) {
                        requests.computeIfAbsent(name + " " + phase, key -> new ArrayList<>()).add((double) (via.requests() - before));
                    }

                    @Override
                    public void close() throws Exception {
                        empty.run();
                    }
                };
            }
        };
    }
}
