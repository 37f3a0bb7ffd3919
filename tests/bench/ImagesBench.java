import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import lib.base.Console;
import lib.base.Exec;
import lib.base.Fault;
import lib.base.FileTree;
import lib.oci.BuiltImage;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(name = "images", mixinStandardHelpOptions = true, description = {
        "Pushes images with ours (tests/push.java) and with skopeo copy --all, taking turns on Debian's docker-registry, and again with nothing to do.",
        "skopeo reads no compressed archive: what gzip -dc takes counts with its first push. For two platforms in two registries it runs four times.",
        "Last come lines for programs: ratio images SET skopeo first|rerun wall|cpu|rss MEDIAN MIN MAX, ours divided by skopeo's."})
final class ImagesBench implements Callable<Integer> {

    private static final String OURS = "releng";
    private static final String SKOPEO = "skopeo";
    private static final List<String> SETS = List.of("one", "two");
    /** Bytes: two images, unpacked, too, and in two registries. */
    private static final long ROOM = 3L << 30;

    @Option(names = "--sets", split = ",", paramLabel = "SET", description = "one (an image to a registry), two (two platforms to two registries); default: both.")
    List<String> sets = SETS;

    @Option(names = "--rounds", paramLabel = "N", defaultValue = "5", description = "Rounds that count; default: ${DEFAULT-VALUE}.")
    int rounds;

    @Option(names = "--megabytes", paramLabel = "N", defaultValue = "300", description = "Of an image, in 8 layers; default: ${DEFAULT-VALUE}.")
    int megabytes;

    @Option(names = "--install-missing", description = "Install with apt what is absent, as root or with sudo.")
    boolean installMissing;

    private final Console console = Console.system(System.getenv());

    @Override
    public Integer call() throws Exception {
        if (rounds < 1 || megabytes < 1 || !SETS.containsAll(sets)) {
            throw Fault.usage("wrong usage of bench images", "there is at least one round and one megabyte, and the sets are " + String.join(", ", SETS), "see bench images --help");
        }
        if (!Missing.provide(Map.of("bash", "bash", "time", "time", "skopeo", "skopeo", "docker-registry", "docker-registry"), installMissing)) {
            throw Fault.failed("the benchmark cannot begin", "programs are missing", "see above");
        }
        List<Results> all = new ArrayList<>();
        try (Cleanup cleanup = new Cleanup()) {
            Path folder = Scratch.folder(ROOM);
            cleanup.add(() -> FileTree.remove(folder));
            console.say("in " + folder);
            Measure measure = new Measure(folder);
            Script push = Script.build(Home.folder().resolve("tests/push.java"), System.getenv());
            String overhead = push.overhead(measure);
            for (String name : sets) {
                console.step("Making the images: " + name);
                ImageSet set = ImageSet.make(name, folder.resolve(name), name.equals("one") ? List.of("amd64") : List.of("amd64", "arm64"), megabytes);
                List<DockerRegistry> registries = new ArrayList<>();
                for (int i = 0; i < set.built().images().size(); i++) {
                    registries.add(cleanup.add(DockerRegistry.open(folder.resolve(name + "-registry" + i))));
                }
                Results results = new Results(String.format(Locale.ROOT, "images %s, rounds: %d", set, rounds), "images " + name + " %s");
                new Rounds(measure, console).run(results, List.of(contender(OURS, set, registries, (phase, to) -> ours(push, set, to)),
                        contender(SKOPEO, set, registries, (phase, to) -> skopeo(set, to, phase))), List.of("first", "rerun"), rounds);
                results.table(List.of(OURS, SKOPEO)).forEach(console::print);
                console.print(String.format(Locale.ROOT, "not in these figures: build reads and compresses an image once more, for its digests, in %.1f s", set.seconds()));
                console.print("");
                all.add(results);
            }
            console.print(overhead);
            console.print("");
        }
        all.forEach(results -> results.ratios(OURS, List.of(SKOPEO)).forEach(console::print));
        return 0;
    }

    private interface Recipe {
        Measure.Command command(String phase, List<String> repositories);
    }

    private static Measure.Command ours(Script push, ImageSet set, List<String> repositories) {
        List<String> line = new ArrayList<>(push.java());
        line.add(set.release().toString());
        line.addAll(repositories);
        return new Measure.Command(line, Map.of());
    }

    // The unpacked tar is left for the rerun, which is to skopeo's advantage.
    private static Measure.Command skopeo(ImageSet set, List<String> repositories, String phase) {
        StringBuilder script = new StringBuilder("set -e\n");
        for (BuiltImage image : set.built().images()) {
            Path archive = set.release().resolve(image.path());
            Path tar = set.release().resolveSibling(image.path() + ".tar");
            if (phase.equals("first")) {
                script.append("gzip -dc ").append(archive).append(" >").append(tar).append('\n');
            }
            repositories.forEach(repository -> script.append("skopeo copy --all --quiet --dest-tls-verify=false docker-archive:").append(tar)
                    .append(" docker://").append(repository).append(':').append(image.architecture()).append('\n'));
        }
        return new Measure.Command(List.of("sh", "-c", script.toString()), Map.of());
    }

    private static Rounds.Contender contender(String name, ImageSet set, List<DockerRegistry> registries, Recipe recipe) {
        return new Rounds.Contender() {
            @Override
            public String name() {
                return name;
            }

            @Override
            public Rounds.Turn turn() {
                List<String> repositories = registries.stream().map(registry -> registry.host() + "/bench/" + name).toList();
                return new Rounds.Turn() {
                    @Override
                    public Measure.Command command(String phase) {
                        return recipe.command(phase, repositories);
                    }

                    @Override
                    public void check(String phase) throws IOException {
                        for (String repository : repositories) {
                            arrived(name, set, repository);
                        }
                    }

                    @Override
                    public void close() throws IOException {
                        for (DockerRegistry registry : registries) {
                            FileTree.remove(registry.data());
                        }
                        for (BuiltImage image : set.built().images()) {
                            Files.deleteIfExists(set.release().resolveSibling(image.path() + ".tar"));
                        }
                    }
                };
            }
        };
    }

    /** Throws Fault unless every image is there by its tag, with all its layers. */
    private static void arrived(String name, ImageSet set, String repository) throws IOException {
        TreeSet<String> there = new TreeSet<>();
        for (BuiltImage image : set.built().images()) {
            JsonNode manifest = inspect(repository + ":" + (name.equals(OURS) ? set.built().version() : image.architecture()));
            if (name.equals(OURS)) {
                for (JsonNode entry : manifest.path("manifests")) {
                    if (entry.path("platform").path("architecture").asText().equals(image.architecture())) {
                        manifest = inspect(repository + "@" + entry.path("digest").asText());
                    }
                }
            }
            if (manifest.path("layers").size() == image.layers().size()) {
                there.add(manifest.path("config").path("digest").asText());
            }
        }
        TreeSet<String> wanted = new TreeSet<>(set.built().images().stream().map(BuiltImage::id).toList());
        if (!there.equals(wanted)) {
            throw Fault.failed(name + " did not push what it was to push", "in " + repository + " are " + there + ", not " + wanted, "there is nothing to compare");
        }
    }

    private static JsonNode inspect(String what) throws IOException {
        return new ObjectMapper().readTree(Exec.of("skopeo", "inspect", "--raw", "--tls-verify=false", "docker://" + what).orFail("skopeo", "look at it"));
    }
}
