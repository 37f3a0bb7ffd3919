import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import lib.base.Exec;
import lib.base.FileTree;

/** The sample project, prepared, tagged and built once a version for all tests; each takes a copy. */
final class Released {

    private static final Map<String, Path> BUILT = new ConcurrentHashMap<>();

    private Released() {
    }

    /** The sample as it is before a release. */
    static Checkout sample(Path folder) throws IOException {
        Checkout checkout = Checkout.empty(folder);
        Sample.copy(folder);
        checkout.git("add", "--all");
        checkout.git("commit", "--quiet", "--message=start");
        return checkout.with("NIX_CONFIG", Sample.NIX_CONFIG);
    }

    /** Leaves one page of each folder of the manual's reference: enough for every link, and published quickly. */
    static void shortManual(Checkout checkout) throws IOException {
        String reference = "doc/manual/reference.txt";
        Set<String> folders = new HashSet<>();
        checkout.write(reference, checkout.read(reference).lines().filter(line -> folders.add(line.substring(0, line.lastIndexOf('/', line.indexOf(':')))))
                .map(line -> line + "\n").collect(Collectors.joining()));
    }

    /** A copy of the sample's own release 2.95.0: HEAD on the tag, release/ built. */
    static Checkout copy(Path folder) {
        return copy("2.95.0", folder);
    }

    /** The same of another version. */
    static Checkout copy(String version, Path folder) {
        return copy(BUILT.computeIfAbsent(version, key -> build(key, checkout -> { })), folder);
    }

    private static Checkout copy(Path built, Path folder) {
        Exec.of("cp", "-a", built.resolve("checkout").toString(), folder.toString()).orFail("cp", "");
        return Checkout.existing(folder).with("NIX_CONFIG", Sample.NIX_CONFIG);
    }

    /** A copy of 2.95.0 as it is made for a Gerrit: on main, each commit with a Change-Id; with a short manual, as it is published often. */
    static Checkout reviewed(Path folder) {
        Path built = BUILT.computeIfAbsent("reviewed", key -> build("2.95.0", checkout -> {
            checkout.git("branch", "--move", "main");
            shortManual(checkout);
            Program.write(checkout.folder.resolve(".git/hooks/commit-msg"), TagTest.CHANGE_ID_HOOK);
        }));
        return copy(built, folder);
    }

    private interface Change {
        void to(Checkout checkout) throws IOException;
    }

    private static Path build(String version, Change change) {
        try {
            Path folder = Files.createTempDirectory("releng-test-released");
            Runtime.getRuntime().addShutdownHook(new Thread(() -> remove(folder)));
            Checkout checkout = sample(folder.resolve("checkout"));
            checkout.write("version.json", checkout.read("version.json").replace("2.95.0", version));
            change.to(checkout);
            checkout.git("commit", "--quiet", "--allow-empty", "--all", "--message=version");
            for (Checkout.Run run : new Checkout.Run[] {checkout.run(new prepare()), checkout.run(new tag()), checkout.run(new build())}) {
                if (run.exit() != 0) {
                    throw new IllegalStateException(run.err());
                }
            }
            return folder;
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private static void remove(Path folder) {
        try {
            FileTree.remove(folder);
        } catch (IOException e) {
            System.err.println("left behind: " + folder + ": " + e);
        }
    }
}
