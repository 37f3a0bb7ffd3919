import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import lib.base.Exec;
import lib.nix.Narinfo;
import lib.release.BuiltRelease;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A release for a system that this machine is not for, built on one that is. */
class BuildMachineTest {

    private static final String SYSTEM = "riscv64-linux";

    @TempDir
    Path folder;

    /** The sample for one system more; what is built is this test's own, so that it is not there already. */
    private Checkout sample() throws IOException {
        Checkout checkout = Released.sample(folder.resolve("checkout"));
        checkout.write("flake.nix", checkout.read("flake.nix").replace("systems = [ \"x86_64-linux\"", "systems = [ \"" + SYSTEM + "\" \"x86_64-linux\"")
                .replace("all = [ \"x86_64-linux\" \"aarch64-linux\" ]", "all = [ \"x86_64-linux\" \"" + SYSTEM + "\" ]"));
        checkout.write("package.nix", checkout.read("package.nix").replace("mkdir -p \"$out/lib\"", "mkdir -p \"$out/lib\" # " + folder));
        assertTrue(checkout.read("flake.nix").contains("all = [ \"x86_64-linux\" \"" + SYSTEM) && checkout.read("package.nix").contains(folder.toString()));
        checkout.git("commit", "--quiet", "--all", "--message=one system more");
        Managers.assertDone(checkout.run(new prepare()));
        Managers.assertDone(checkout.run(new tag()));
        return checkout;
    }

    @Test
    void whatThisMachineCannotBuildIsBuiltOnAnotherOverSshAndPublished() throws IOException {
        try (BuildMachine machine = new BuildMachine(folder.resolve("machine"), SYSTEM); Store store = new Store()) {
            Checkout checkout = sample();
            Checkout.Run alone = checkout.run(new build());
            assertTrue(alone.exit() == 1 && alone.err().contains(SYSTEM) && alone.err().contains("the build failed"), alone.err());

            checkout.with("NIX_SSHOPTS", machine.sshOptions());
            Managers.assertDone(checkout.run(new build(), "--builders", machine.spec()));
            BuiltRelease built = BuiltRelease.read(checkout.folder.resolve("release"));
            String there = out(built, SYSTEM);
            String here = out(built, "x86_64-linux");
            assertTrue(Files.exists(inStore(machine, there)), "it was built there");
            assertFalse(Files.exists(inStore(machine, here)), "and what could be built here was not");
            assertTrue(built.below("artifacts").containsKey("lix/lix-2.95.0/nix-2.95.0-" + SYSTEM + ".tar.xz"), built.below("artifacts").keySet().toString());
            assertTrue(checkout.read("release/artifacts/manifest.nix").contains(SYSTEM + " = \"" + there + "\";"), checkout.read("release/artifacts/manifest.nix"));

            checkout.git("init", "--quiet", "--bare", folder.resolve("remote.git").toString());
            checkout.write("releng.json", store.config(folder.resolve("remote.git")));
            store.credentials().forEach(checkout::with);
            Exec.of("nix-store", "--generate-binary-cache-key", "test-1", folder.resolve("key").toString(), folder.resolve("key.pub").toString()).orFail("key", "");
            checkout.with("RELENG_SIGNING_KEY", Files.readString(folder.resolve("key")));
            Managers.assertDone(Managers.upload(checkout));
            Managers.assertDone(Managers.upload(checkout, "--target", "verify"));
            Narinfo narinfo = Narinfo.parse(new String(store.get("cache", there.substring("/nix/store/".length()).substring(0, 32) + ".narinfo"), StandardCharsets.UTF_8));
            assertEquals(List.of(there, built.closure().get(there).narHash()), List.of(narinfo.storePath(), narinfo.narHash()));
            String hash = Exec.of("nix-store", "--store", machine.store().toString(), "--query", "--hash", there).orFail("nix-store", "").strip();
            assertEquals(lib.nix.Base32.narinfoHash(hash), narinfo.narHash(), "what is published is what that machine made");
        }
    }

    private static String out(BuiltRelease built, String system) {
        return built.jobs().stream().filter(job -> job.attr().equals("build." + system)).findFirst().orElseThrow().outputs().get("out");
    }

    private static Path inStore(BuildMachine machine, String path) {
        return machine.store().resolve(path.substring(1));
    }
}
