import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import lib.base.Cli;
import lib.base.Exec;
import lib.release.BuiltRelease;

/**
 * Two releases of the sample project, one after the other on the same branch: {@code old} is out, {@code next}
 * is to be published over it, with a page more and a page less in its manual.
 */
final class SweepReleases {

    static final List<String> BUCKETS = List.of("releases", "cache", "docs", "install");
    /** The repository of the images. */
    static final String IMAGES = "sweep/lix";

    final BuiltRelease old;
    final BuiltRelease next;
    private final Path folder;

    /** Makes both releases in an empty folder and publishes the old one, without faults. */
    SweepReleases(Path folder) throws Exception {
        this.folder = folder;
        Checkout checkout = Released.sample(folder.resolve("checkout"));
        Exec.of("nix-store", "--generate-binary-cache-key", "sweep-1", secret().toString(), folder.resolve("key.pub").toString()).orFail("key", "");
        // A short manual: each page is six requests, and every one of them is a place to be killed at.
        Released.shortManual(checkout);
        checkout.git("commit", "--quiet", "--all", "--message=a short manual");
        release(checkout, "2.94.1", "Pão de Queijo");
        old = BuiltRelease.read(checkout.folder.resolve("release"));

        try (SweepWorld world = SweepWorld.empty(this, checkout, folder.resolve("base"))) {
            world.direct();
            Checkout.Run run = world.upload();
            assertEquals(0, run.exit(), run.err());
        }
        checkout.git("checkout", "--quiet", "releng/test");
        checkout.git("rm", "--quiet", "doc/manual/src/package-management/profiles.md");
        checkout.write("doc/manual/src/SUMMARY.md", checkout.read("doc/manual/src/SUMMARY.md").replaceAll("(?m)^.*profiles\\.md.*\n", ""));
        checkout.write("doc/manual/rl-next/lid.md", "---\nsynopsis: \"The lid stays on\"\nprs: 4111\ncategory: Fixes\n---\n\nIt used to fall off.\n");
        release(checkout, "2.95.0", "Crème Brûlée");
        next = BuiltRelease.read(checkout.folder.resolve("release"));
    }

    /** Prepares, tags and builds a version. */
    static void release(Checkout checkout, String version, String name) throws IOException {
        checkout.write("version.json", "{\n    \"version\": \"" + version + "\",\n    \"official_release\": false,\n    \"release_name\": \"" + name + "\"\n}\n");
        checkout.git("add", "--all", "--", "version.json", "doc");
        checkout.git("commit", "--quiet", "--message=" + version + " begins");
        for (Cli.Phase phase : List.of(new prepare(), new tag(), new build())) {
            Checkout.Run run = checkout.run(phase);
            assertEquals(0, run.exit(), run.err());
        }
    }

    /** The file with the cache's secret key. */
    Path secret() {
        return folder.resolve("key");
    }

    /** A copy of the checkout: HEAD on the tag of the next release, release/ built. */
    Checkout checkout(Path to) {
        return copy(folder.resolve("checkout"), to);
    }

    static Checkout copy(Path from, Path to) {
        Exec.of("cp", "-a", from.toString(), to.toString()).orFail("cp", "");
        return Checkout.existing(to).with("NIX_CONFIG", Sample.NIX_CONFIG);
    }

    /** Where the buckets and the repository are kept as the old release left them. */
    Path base() {
        return folder.resolve("base");
    }
}
