import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import lib.base.Exec;
import lib.git.Git;
import lib.git.Pristine;
import lib.nix.FlakeSource;
import lib.nix.Nix;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What Nix has in its store of a tag is compared with the tag: Nix remembers what it once took of a commit. */
class FlakeSourceTest {

    private static final String DECRYPTS = "filter.git-crypt.smudge=sed s/CIPHERTEXT/password/";

    @TempDir
    Path temp;

    /** With a file of its own content, so that no other test's Nix has seen the commit. */
    private Checkout tagged() throws IOException {
        Checkout checkout = Released.sample(temp.resolve("checkout"));
        checkout.write(".gitattributes", checkout.read(".gitattributes") + "*.key filter=git-crypt\n");
        checkout.write("deploy/mail.key", "CIPHERTEXT\n").write("nonce", temp.toString());
        checkout.git("add", "--all");
        checkout.git("commit", "--quiet", "--message=keys");
        for (Checkout.Run run : new Checkout.Run[] {checkout.run(new prepare()), checkout.run(new tag())}) {
            assertEquals(0, run.exit(), run.err());
        }
        return checkout.with("XDG_CACHE_HOME", temp.resolve("cache").toString());
    }

    private static String source(Checkout checkout) {
        String flake = Nix.flake(checkout.folder, "refs/tags/2.95.0", checkout.git("rev-parse", "HEAD"));
        String json = Exec.of("nix", "--extra-experimental-features", "nix-command flakes", "flake", "metadata", "--json", flake)
                .in(checkout.folder).baseEnv(checkout.env()).orFail("nix", "");
        return json.replaceFirst("(?s).*\"path\":\"([^\"]*)\".*", "$1");
    }

    @Test
    void whatNixOnceTookThroughAFilterIsNotBuilt() throws IOException {
        Checkout checkout = tagged();
        checkout.git("config", DECRYPTS.substring(0, DECRYPTS.indexOf('=')), DECRYPTS.substring(DECRYPTS.indexOf('=') + 1));
        source(checkout); // a Nix before 2.20 runs the filter, and remembers
        checkout.git("config", "--remove-section", "filter.git-crypt");
        Checkout.Run run = checkout.run(new build());
        assertEquals(0, run.exit(), run.err());
        Path tarball = checkout.folder.resolve("release/artifacts/lix/lix-2.95.0/lix-2.95.0.tar.gz");
        assertEquals("CIPHERTEXT", Exec.of("tar", "-xzOf", tarball.toString(), "lix-2.95.0/deploy/mail.key").orFail("tar", "").strip());
    }

    @Test
    void whatDiffersFromTheTagIsNamed() throws IOException {
        Checkout checkout = tagged();
        try (Git git = Git.open(checkout.folder, checkout.env()); Pristine pristine = new Pristine(git)) {
            Path tar = pristine.take(Optional.of("2.95.0")).archive("x/");
            FlakeSource source = new FlakeSource(pristine, "x/", tar);
            Exec.of("tar", "-xf", tar.toString()).in(temp).orFail("tar", "");
            Path store = temp.resolve("x");
            assertEquals(List.of(), source.faults(store));
            Files.writeString(store.resolve("deploy/mail.key"), "password\n");
            Files.writeString(store.resolve("src/more.c"), "");
            Files.delete(store.resolve("flake.nix"));
            Files.delete(store.resolve("nonce"));
            Files.createSymbolicLink(store.resolve("nonce"), Path.of("README.md"));
            assertTrue(store.resolve("version.json").toFile().setExecutable(true));
            assertEquals(List.of("deploy/mail.key: has other bytes", "flake.nix: is not there", "nonce: is a link, in the tag it is a file",
                    "src/more.c: is not in the tag", "version.json: is a program, in the tag it is a file"), source.faults(store));
        }
    }

    @Test
    void whereNixTakesInOtherFilesBuildRefusesAndNamesThem() throws IOException {
        Checkout checkout = tagged();
        // Stands for a git that only Nix uses, with settings of its own: ours are told apart by how the archive is asked for.
        Path bin = temp.resolve("bin");
        Program.write(bin.resolve("git"), "#!/bin/sh\nPATH=$REAL_PATH\ncase \"$*\" in *--output=*) exec git \"$@\" ;; *) exec git -c '" + DECRYPTS + "' \"$@\" ;; esac\n");
        checkout.with("REAL_PATH", checkout.env().get("PATH")).with("PATH", bin + ":" + checkout.env().get("PATH"));
        assumeTrue(Files.readString(Path.of(source(checkout), "deploy/mail.key")).equals("password\n"), "this Nix reads objects itself and runs no filter");
        Map<String, String> before = checkout.state();
        Checkout.Run run = checkout.run(new build());
        assertEquals(3, run.exit(), run.err());
        assertTrue(run.err().contains("what Nix would build is not what the tag contains"), run.err());
        assertTrue(run.err().contains("deploy/mail.key: has other bytes"), run.err());
        assertFalse(run.err().contains("README.md: "), run.err());
        assertEquals(before, checkout.state());
    }
}
