import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import lib.base.Exec;
import lib.base.FileTree;
import lib.config.Environment;
import lib.config.Project;
import lib.http.Network;
import lib.proof.Fetcher;
import lib.proof.Proof;
import lib.s3.ObjectStore;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** {@code nix upgrade-nix} from what was published: it must fail where its users' would, and say where it was not run. */
class UpgradeProofTest {

    @RegisterExtension
    static final Proving.Whole WHOLE = new Proving.Whole();

    @RegisterExtension
    final Proving sample = new Proving(WHOLE);

    @TempDir
    Path folder;

    private Map<String, String> env;
    private String out;

    @BeforeEach
    void aStoreOfItsOwn() throws IOException {
        env = new HashMap<>(sample.checkout.env());
        assumeTrue(Stream.of("-Urm", "-m").anyMatch(how -> Exec.of("unshare", how, "true").run().exit() == 0), "this machine has no namespaces");
        out = sample.outOf("x86_64-linux");
    }

    private Proof upgrade(Environment environment) {
        Optional<ObjectStore> keys = environment.urls().isEmpty() ? Optional.of(sample.store.open()) : Optional.empty();
        return new Proof(Fetcher.of(environment, keys, Network.PLAIN, "releases", "cache"), environment, Project.LIX, Optional.empty(), Proving.console(sample.said))
                .upgrade(sample.built.version(), Optional.of(sample.built), env);
    }

    private void found(String... words) {
        sample.assertFound(upgrade(sample.environment()), 1, words);
        sample.assertFound(upgrade(sample.environment(Map.of())), 1, words);
    }

    private void notRun(String why) {
        upgrade(sample.environment()).orFail();
        assertTrue(sample.said.stream().anyMatch(line -> line.contains("warning: not proved: upgrade: nix upgrade-nix was not run: ") && line.contains(why)), sample.said.toString());
        assertTrue(sample.said.contains("    proved: upgrade 0"), sample.said.toString());
    }

    @Test
    void whatIsPublishedIsInstalledWithAndWithoutKeysAndNothingOfTheUsersIsTouched() throws IOException {
        env.put("HOME", Files.createDirectory(folder.resolve("home")).toString());
        env.put("NIX_CONFIG", env.get("NIX_CONFIG") + "\nstore = dummy://\n"); // no setting of the user's counts
        upgrade(sample.environment()).orFail();
        upgrade(sample.environment(Map.of())).orFail();
        assertEquals(2, sample.said.stream().filter("    proved: upgrade 1"::equals).count(), sample.said.toString());
        try (Stream<Path> home = Files.walk(folder.resolve("home"))) {
            assertEquals(List.of(), home.filter(path -> path.toString().contains(".nix") || path.toString().contains("profile")).toList());
        }
    }

    /** The machine's own store has the path: it was built here. */
    @Test
    void aNarThatIsMissingOrGarbageIsFoundThoughThisMachineHasBuiltIt() {
        assertTrue(Files.exists(Path.of(out)));
        String nar = sample.narinfo(out).url();
        byte[] whole = sample.get("cache", nar);
        sample.put("cache", nar, sample.flipped(whole));
        found("nix upgrade-nix --nix-store-paths-url ", "manifest.nix does not work");
        sample.delete("cache", nar);
        found("does not work", out);
        sample.put("cache", nar, whole);
        sample.edit("cache", sample.key(out), "Sig: test-1:....", "Sig: test-1:AAAA");
        found("does not work", out);
    }

    @Test
    void aProgramThatSaysAnotherVersionOrDoesNotRunIsFound() throws IOException {
        publish(Map.of("nix", "echo 'nix (Lix, like Nix) 2.95.0.1'", "nix-env", "echo Nix"));
        found("does not say 2.95.0, but 'nix (Lix, like Nix) 2.95.0.1'");
        publish(Map.of("nix", "exit 1", "nix-env", "echo Nix"));
        found("what nix upgrade-nix installed does not run");
        publish(Map.of("nix", "echo 2.95.0", "nix-env", "echo"));
        found("could not verify that ");
        publish(Map.of("other", "echo"));
        notRun("is no Nix: it has no bin/nix");
    }

    /** Puts a path with these scripts in bin/ into the cache, signed, and names it in the manifest. */
    private void publish(Map<String, String> scripts) throws IOException {
        Path made = Files.createTempDirectory(folder, "made");
        for (Map.Entry<String, String> script : scripts.entrySet()) {
            Program.write(made.resolve("lix-2.95.0/bin").resolve(script.getKey()), "#!/bin/sh\n" + script.getValue() + "\n");
        }
        String path = nix("nix-store", "--add", made.resolve("lix-2.95.0").toString());
        Path secret = Files.writeString(made.resolve("key"), env.get("RELENG_SIGNING_KEY"));
        nix("nix", "copy", "--to", "file://" + made.resolve("cache") + "?compression=none&secret-key=" + secret, path);
        for (Map.Entry<String, Path> file : FileTree.files(made.resolve("cache")).entrySet()) {
            sample.put("cache", file.getKey(), Files.readAllBytes(file.getValue()));
        }
        sample.put("releases", Proving.FOLDER + "manifest.nix", ("{ x86_64-linux = \"" + path + "\"; }").getBytes(StandardCharsets.UTF_8));
    }

    private String nix(String... command) {
        return Exec.of(command).baseEnv(env).orFail(String.join(" ", command), "").strip();
    }

    @Test
    void whereItCannotBeRunThatIsSaidAndNoFailure() throws IOException {
        sample.put("releases", Proving.FOLDER + "manifest.nix", ("{ riscv64-linux = \"" + out + "\"; }").getBytes(StandardCharsets.UTF_8));
        notRun("the release has no build for x86_64-linux");
        sample.broken.remove("releases");
        String path = env.put("PATH", folder + ":" + env.get("PATH"));
        Program.write(folder.resolve("unshare"), "#!/bin/sh\necho 'unshare: Operation not permitted' >&2\nexit 1\n");
        notRun("unshare: Operation not permitted");
        Files.delete(folder.resolve("unshare"));
        Program.write(folder.resolve("nix"), "#!/bin/sh\n[ \"$1\" != upgrade-nix ] || { echo \"error: 'upgrade-nix' is not a recognised command\" >&2; exit 1; }\nPATH='" + path + "' exec nix \"$@\"\n");
        notRun("is not a recognised command");
        env.put("PATH", "/nowhere");
        notRun("there is no Nix on this machine");
    }

    /** As most have it; and this one is called Lix, which upgrades only a profile that it is in. */
    @Test
    void aNixOfTheStoreIsTakenAlong() throws IOException {
        String real = Exec.of("sh", "-c", "command -v nix").baseEnv(env).orFail("nix", "").strip();
        assumeTrue(!Path.of(real).toRealPath().startsWith("/nix/store"), "all the other tests are of such a Nix");
        Path made = folder.resolve("lix-2.90.0/bin");
        Program.write(made.resolve("nix"), "#!/bin/sh\ncase $1 in --version) echo 'nix (Lix, like Nix) 2.90.0';; upgrade-nix) \"$5/bin/nix\" --version >&2 && exec '" + real + "' \"$@\";; *) exec '" + real + "' \"$@\";; esac\n");
        Program.write(made.resolve("nix-env"), "#!/bin/sh\nexec '" + real + "-env' \"$@\"\n");
        String own = nix("nix-store", "--add", folder.resolve("lix-2.90.0").toString());
        env.put("PATH", own + "/bin:" + env.get("PATH"));
        upgrade(sample.environment()).orFail();
        assertTrue(sample.said.contains("    proved: upgrade 1"), sample.said.toString());
    }
}
