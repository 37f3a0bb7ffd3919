import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import lib.Exec;
import lib.FileTree;

/** The sample project, prepared, tagged and built once for all tests; each takes a copy. */
final class Released {

    private static final class Built {
        static final Path FOLDER;

        static {
            try {
                FOLDER = Files.createTempDirectory("releng-test-released");
                Runtime.getRuntime().addShutdownHook(new Thread(() -> {
                    try {
                        FileTree.remove(FOLDER);
                    } catch (IOException e) {
                        System.err.println("left behind: " + FOLDER + ": " + e);
                    }
                }));
                Checkout checkout = sample(FOLDER.resolve("checkout"));
                for (Checkout.Run run : new Checkout.Run[] {checkout.run(new prepare()), checkout.run(new tag()), checkout.run(new build())}) {
                    if (run.exit() != 0) {
                        throw new IllegalStateException(run.err());
                    }
                }
            } catch (IOException e) {
                throw new ExceptionInInitializerError(e);
            }
        }
    }

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

    /** A copy of the release: HEAD on the tag, release/ built. */
    static Checkout copy(Path folder) {
        Exec.of("cp", "-a", Built.FOLDER.resolve("checkout").toString(), folder.toString()).orFail("cp", "");
        return Checkout.existing(folder).with("NIX_CONFIG", Sample.NIX_CONFIG);
    }
}
