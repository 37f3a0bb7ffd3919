import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import lib.base.Difference;
import lib.base.FileTree;
import lib.nix.Nix;
import lib.release.BuiltRelease;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** build --check: everything twice. */
class RebuildTest {

    @TempDir
    Path folder;

    private static List<String> names(List<String> drvs) {
        return drvs.stream().map(drv -> drv.replaceFirst("^/nix/store/[^-]*-", "")).sorted().toList();
    }

    @Test
    void whatWasBuiltTwiceAndIsTheSameIsWrittenDown() throws IOException {
        Checkout checkout = Released.copy(folder.resolve("checkout"));
        assertEquals(Map.of(), BuiltRelease.read(checkout.folder.resolve("release")).rebuilt().map(twice -> Map.of("", twice)).orElse(Map.of()));
        Checkout.Run run = checkout.with("NIX_CONFIG", Sample.NIX_CONFIG.replaceFirst("extra-platforms.*", "extra-platforms = ")).run(new build(), "--check", "--cores", "1", "--option", "access-tokens", "example.org=se3cret");
        assertEquals(0, run.exit(), run.err());
        // What it says of how it was built is for everybody.
        String statement = checkout.read("release/lix-2.95.0.intoto.jsonl");
        assertTrue(statement.contains("\"nixOptions\":{\"access-tokens\":\"(not published)\",\"cores\":\"1\"}"), statement);
        assertTrue(Pattern.compile("\"releng_rebuilt\":\\{\"same\":\\[(\"/nix/store/[^\"]+-lix-[^\"]+[.]drv\"|[^]])*],\"elsewhere\":\\[\"/nix/store/").matcher(statement).find(), statement);
        Nix.Rebuilt twice = BuiltRelease.read(checkout.folder.resolve("release")).rebuilt().orElseThrow();
        // What the artifacts are made of on the way from the builds, too.
        assertEquals(List.of("lix-2.95.0-tarballs.drv", "lix-2.95.0.drv", "lix-docker-image-2.95.0.drv", "nix-binary-tarball-2.95.0.drv"), names(twice.same()));
        assertEquals(List.of("lix-2.95.0.drv", "lix-docker-image-2.95.0.drv", "nix-binary-tarball-2.95.0.drv"), names(twice.elsewhere()));
        assertTrue(run.err().contains("warning: not built again, as this machine is of another system: 3 derivations"), run.err());
        assertTrue(run.err().contains("sizes are not compared: no remote of this clone"), run.err());
        assertFalse(Files.exists(checkout.folder.resolve(".git/releng/again")));
    }

    @Test
    void anArtifactThatIsAnotherTheSecondTimeIsTold() throws IOException {
        Checkout checkout = Released.copy(folder.resolve("checkout"));
        // Named for this test, so that what others leave behind is not taken for ours.
        String mark = folder.getFileName().toString().replaceAll("[^A-Za-z0-9]", "");
        String nix = checkout.read("package.nix").replace("nix-binary-tarball-${version}", "tarball-" + mark).replace("cp ${./scripts/install} $name/install",
                "cp ${./scripts/install} $name/install; date +%N > \"$out/when\"");
        checkout.write("package.nix", nix);
        checkout.git("commit", "--quiet", "-a", "-m", "time");
        checkout.git("tag", "--force", "-a", "-m", "2.95.0", "2.95.0");
        Map<String, Path> before = FileTree.files(checkout.folder.resolve("release"));
        String sum = FileTree.sha256(checkout.folder.resolve("release/release.json"));

        Path bin = Files.createDirectory(folder.resolve("bin"));
        Program.write(bin.resolve("diffoscope"), "#!/bin/sh\nfor both; do :; done\necho \"between ${both##*-tarball-}\"\ncat \"$both/when\"\nexit 1\n");
        Checkout.Run run = checkout.with("PATH", bin + ":" + System.getenv("PATH")).run(new build(), "--check");
        assertEquals(1, run.exit(), run.err());
        Matcher told = Pattern.compile("what was built is not reproducible: built again, these are others\n  (/nix/store/\\S+-tarball-" + mark + ")\n"
                + "  when differs from byte [0-8] on, 10 and 10 bytes\n  between " + mark + "\\.check\n  \\d{9}\n").matcher(run.err());
        assertTrue(told.find(), run.err());
        assertFalse(Files.exists(Path.of(told.group(1) + ".check")), "the second one is removed");
        try (Stream<Path> left = Files.list(Path.of(System.getenv().getOrDefault("TMPDIR", "/tmp")))) {
            assertEquals(List.of(), left.filter(path -> path.toString().contains(mark) && path.toString().contains("nix-build-")).toList());
        }
        assertEquals(before.keySet(), FileTree.files(checkout.folder.resolve("release")).keySet());
        assertEquals(sum, FileTree.sha256(checkout.folder.resolve("release/release.json")), "release/ is as it was");
        assertFalse(Files.exists(checkout.folder.resolve("release.partial")));
    }

    @Test
    void aBuildThatFailsTheSecondTimeIsTold() throws IOException {
        Checkout checkout = Released.copy(folder.resolve("checkout"));
        Path once = folder.resolve("once");
        String nix = checkout.read("package.nix");
        checkout.write("package.nix", nix.replace("mkdir -p \"$out/lib\"", "mkdir -p \"$out/lib\"").replace("mkdir -p \"$out/bin\"",
                "mkdir -p \"$out/bin\"\n      if [ -e " + once + "-${system} ]; then echo only once >&2; exit 1; fi; : > " + once + "-${system}"));
        checkout.git("commit", "--quiet", "-a", "-m", "once");
        checkout.git("tag", "--force", "-a", "-m", "2.95.0", "2.95.0");
        Checkout.Run run = checkout.run(new build(), "--check");
        assertEquals(1, run.exit(), run.err());
        assertTrue(run.err().contains("what was built cannot be built again") && run.err().contains("only once"), run.err());
    }

    @Test
    void differencesNameFileAndByte() throws IOException {
        Path one = Files.createDirectories(folder.resolve("one/sub")).getParent();
        Path other = Files.createDirectories(folder.resolve("other/sub")).getParent();
        for (Path root : List.of(one, other)) {
            Files.writeString(root.resolve("same"), "same");
            Files.createSymbolicLink(root.resolve("link"), Path.of("same"));
            Files.createSymbolicLink(root.resolve("points"), Path.of(root == one ? "same" : "sub"));
            Files.writeString(root.resolve("sub/bytes"), root == one ? "0123456789" : "0123x56789");
            Files.writeString(root.resolve("longer"), root == one ? "01" : "012");
            Files.writeString(root.resolve("program"), "#!");
        }
        assertTrue(one.resolve("program").toFile().setExecutable(true));
        Files.writeString(one.resolve("first"), "");
        Files.writeString(other.resolve("second"), "");
        assertEquals(List.of("first is only in the first", "longer differs from byte 2 on, 2 and 3 bytes", "points is another link", "program is executable in one only",
                "sub/bytes differs from byte 4 on, 10 and 10 bytes", "second is only in the second"), Difference.between(one, other, Map.of()));
        assertEquals(List.of("bytes differs from byte 4 on, 10 and 10 bytes"), Difference.between(one.resolve("sub/bytes"), other.resolve("sub/bytes"), Map.of()));
        assertEquals(List.of(), Difference.between(one, one, Map.of()));
        List<String> many = new ArrayList<>();
        for (int i = 0; i < 12; i++) {
            many.add(Files.writeString(other.resolve("sub/" + i), "").toString());
        }
        List<String> shown = Difference.between(one, other, Map.of());
        assertEquals(11, shown.size());
        assertEquals("and 8 more", shown.get(10));
    }
}
