import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.GZIPInputStream;
import lib.base.Exec;
import lib.base.FileTree;
import lib.oci.BuiltImage;
import lib.release.BuiltRelease;
import lib.release.Check;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BuildTest {

    @TempDir
    Path folder;

    private static Map<String, String> digests(Path release) throws IOException {
        Map<String, String> digests = new TreeMap<>();
        for (Map.Entry<String, Path> file : FileTree.files(release).entrySet()) {
            digests.put(file.getKey(), FileTree.sha256(file.getValue()));
        }
        return digests;
    }

    /** Replaces text in the sample's flake, and makes the tag anew from that. */
    private static void changeFlake(Checkout checkout, String from, String to) throws IOException {
        changeFile(checkout, "flake.nix", from, to);
    }

    private static void changeFile(Checkout checkout, String file, String from, String to) throws IOException {
        String text = checkout.read(file);
        assertTrue(text.contains(from), from);
        checkout.write(file, text.replace(from, to));
        checkout.git("commit", "--quiet", "-a", "-m", "change");
        checkout.git("tag", "--force", "-a", "-m", "2.95.0", "2.95.0");
    }

    private Checkout.Run assertFails(Checkout checkout, int exit, String[] arguments, String... saying) throws IOException {
        Map<String, String> before = digests(checkout.folder.resolve("release"));
        Checkout.Run run = checkout.run(new build(), arguments);
        assertEquals(exit, run.exit(), run.err());
        for (String text : saying) {
            assertTrue(run.err().contains(text), text + "\nnot in\n" + run.err());
        }
        assertEquals(before, digests(checkout.folder.resolve("release")), "release/ is as it was");
        assertFalse(Files.exists(checkout.folder.resolve("release.partial")), "nothing half-made is left");
        return run;
    }

    @Test
    void aSecondBuildGivesTheSameBytes() throws IOException {
        Checkout checkout = Released.copy(folder.resolve("checkout"));
        Path release = checkout.folder.resolve("release");
        Map<String, String> first = digests(release);
        FileTree.remove(release);
        Checkout.Run run = checkout.with("TZ", "Asia/Tokyo").with("LC_ALL", "C").run(new build());
        assertEquals(0, run.exit(), run.err());
        assertEquals(first, digests(release));
    }

    @Test
    void releaseHoldsWhatConsumersExpect() throws IOException {
        Checkout checkout = Released.copy(folder.resolve("checkout"));
        Path release = checkout.folder.resolve("release");
        Path artifacts = release.resolve("artifacts/lix/lix-2.95.0");
        for (String name : List.of("nix-2.95.0-x86_64-linux.tar.xz", "nix-2.95.0-aarch64-linux.tar.xz", "lix-2.95.0-manual.tar.gz", "lix-2.95.0.tar.gz")) {
            assertEquals(FileTree.sha256(artifacts.resolve(name)), Files.readString(artifacts.resolve(name + ".sha256")), name);
        }
        assertEquals(Files.readString(artifacts.resolve("manifest.nix")), Files.readString(release.resolve("artifacts/manifest.nix")));
        assertEquals(digests(release.resolve("manual")), digests(artifacts.resolve("manual")));
        BuiltRelease built = BuiltRelease.read(release);
        assertTrue(built.official());
        assertEquals("2.95.0", built.tag().orElseThrow());
        assertEquals(checkout.git("rev-parse", "2.95.0^{commit}"), built.commit());
        for (Path file : FileTree.files(release).values()) {
            assertTrue(Files.getPosixFilePermissions(file).contains(java.nio.file.attribute.PosixFilePermission.OWNER_WRITE), file.toString());
        }
    }

    @Test
    @DisplayName("hazard 34: manifest.nix names the output `out` of each system, sorted by system")
    void manifestNamesTheOutputOutOfEachSystem() throws IOException {
        Checkout checkout = Released.copy(folder.resolve("checkout"));
        BuiltRelease built = BuiltRelease.read(checkout.folder.resolve("release"));
        StringBuilder expected = new StringBuilder("{");
        for (String system : List.of("aarch64-linux", "x86_64-linux")) {
            String out = built.jobs().stream().filter(job -> job.attr().equals("build." + system)).findFirst().orElseThrow().outputs().get("out");
            assertTrue(out.endsWith("-lix-2.95.0"), out);
            expected.append(expected.length() > 1 ? "," : "").append('"').append(system).append("\":\"").append(out).append('"');
        }
        String json = Exec.of("nix-instantiate", "--eval", "--strict", "--json", checkout.folder.resolve("release/artifacts/manifest.nix").toString())
                .baseEnv(checkout.env()).orFail("eval", "").strip();
        assertEquals(expected.append("}").toString(), json);
    }

    @Test
    void theSourceTarIsGitArchives() throws IOException {
        Checkout checkout = Released.copy(folder.resolve("checkout"));
        Path tar = folder.resolve("git.tar");
        checkout.git("archive", "--prefix=lix-2.95.0/", "--format=tar", "--output=" + tar, "2.95.0");
        try (InputStream gzip = new GZIPInputStream(Files.newInputStream(checkout.folder.resolve("release/artifacts/lix/lix-2.95.0/lix-2.95.0.tar.gz")))) {
            assertTrue(java.util.Arrays.equals(Files.readAllBytes(tar), gzip.readAllBytes()));
        }
    }

    @Test
    void theUsersGitSettingsDoNotChangeTheSourceTar() throws IOException {
        Checkout checkout = Released.copy(folder.resolve("checkout"));
        String before = FileTree.sha256(checkout.folder.resolve("release/artifacts/lix/lix-2.95.0/lix-2.95.0.tar.gz"));
        checkout.git("config", "tar.umask", "0077");
        checkout.git("config", "core.autocrlf", "true");
        Checkout.Run run = checkout.run(new build());
        assertEquals(0, run.exit(), run.err());
        assertEquals(before, FileTree.sha256(checkout.folder.resolve("release/artifacts/lix/lix-2.95.0/lix-2.95.0.tar.gz")));
    }

    @Test
    @DisplayName("hazard 7: where HEAD is not the tag nothing old is removed")
    void whereHeadIsNotTheTagNothingOldIsRemoved() throws IOException {
        Checkout checkout = Released.copy(folder.resolve("checkout"));
        checkout.git("checkout", "--quiet", "releng/test");
        assertFails(checkout, 3, new String[0], "HEAD is not the tag 2.95.0", "git checkout 2.95.0");
        checkout.git("tag", "--delete", "2.95.0");
        assertFails(checkout, 3, new String[0], "HEAD is not the tag 2.95.0", "tag.java");
        checkout.write("version.json", checkout.read("version.json").replace("2.95.0", "2.96.0-dev")).git("commit", "--quiet", "--all", "--message=begin");
        assertFails(checkout, 3, new String[0], "HEAD is not the tag 2.96.0-dev", "development goes on here: git checkout the tag");
    }

    @Test
    void uncommittedChangesAreRefused() throws IOException {
        Checkout checkout = Released.copy(folder.resolve("checkout"));
        checkout.write("src/nix.sh", "changed\n");
        assertFails(checkout, 3, new String[0], "uncommitted changes", "src/nix.sh");
    }

    @Test
    void jobsThatDoNotEvaluateAreNamedWithTheirErrors() throws IOException {
        Checkout checkout = Released.copy(folder.resolve("checkout"));
        changeFlake(checkout, "build = forAllSystems (system: package.${system}.build);", """
                build = forAllSystems (system: package.${system}.build) // {
                  aarch64-linux = throw "no such compiler";
                };""");
        assertFails(checkout, 1, new String[0], "build.aarch64-linux: ", "no such compiler");
        // tryEval does not catch this one: it ends the whole evaluation.
        changeFlake(checkout, "throw \"no such compiler\"", "1 + \"a\"");
        assertFails(checkout, 1, new String[0], "build.aarch64-linux: ", "cannot add");
        changeFlake(checkout, "outputs =\n", "outputs = oops\n");
        assertFails(checkout, 1, new String[0], "do not evaluate");
    }

    @Test
    void aFailingBuildLeavesReleaseAsItWas() throws IOException {
        Checkout checkout = Released.copy(folder.resolve("checkout"));
        changeFile(checkout, "package.nix", "mkdir -p \"$out/lib\"", "echo the compiler broke >&2; exit 1");
        assertFails(checkout, 1, new String[0], "the build failed", "the compiler broke");
    }

    @Test
    void whatAReleaseIsMadeOfMustBeThere() throws IOException {
        Checkout checkout = Released.copy(folder.resolve("checkout"));
        String jobs = checkout.read("flake.nix");
        int start = jobs.indexOf("release-jobs = import");
        String call = jobs.substring(start, jobs.lastIndexOf("};\n    };") + 2);
        String expression = call.substring("release-jobs = ".length(), call.length() - 1);
        changeFlake(checkout, call, "release-jobs.all = builtins.removeAttrs (" + expression + ").all [ \"tarballs\" ];");
        assertFails(checkout, 1, new String[0], "there is no job 'tarballs'");
        changeFlake(checkout, "builtins.removeAttrs (", "{ again.build = (" + expression + ").x86_64-linux-only.build; } // (");
        changeFlake(checkout, ").all [ \"tarballs\" ];", ").all;");
        assertFails(checkout, 1, new String[0], "two builds for x86_64-linux: ", "again.build.x86_64-linux");
    }

    @Test
    void aBuildWithoutManualIsAnError() throws IOException {
        Checkout checkout = Released.copy(folder.resolve("checkout"));
        changeFlake(checkout, "profiles = {", "profiles = {\n          none = [ ];");
        changeFlake(checkout, "release-jobs = import ./release-jobs.nix {",
                "release-jobs.nodoc.build.x86_64-linux = derivation { name = \"x\"; system = \"x86_64-linux\"; builder = \"/bin/sh\"; };\n      unused = import ./release-jobs.nix {");
        assertFails(checkout, 1, new String[] {"--profile", "nodoc"}, "there is no manual", "build.x86_64-linux");
    }

    @Test
    void aTreeWithoutProfilesIsBuiltAsItIs() throws IOException {
        Checkout checkout = Released.copy(folder.resolve("checkout"));
        changeFlake(checkout, "release-jobs = import ./release-jobs.nix {", "release-jobs = builtins.getAttr \"x86_64-linux-only\" (import ./release-jobs.nix {");
        String flake = checkout.read("flake.nix");
        int end = flake.lastIndexOf("      };\n    };");
        checkout.write("flake.nix", flake.substring(0, end) + "      });\n    };" + flake.substring(end + "      };\n    };".length()));
        checkout.git("commit", "--quiet", "-a", "-m", "old layout");
        checkout.git("tag", "--force", "-a", "-m", "2.95.0", "2.95.0");
        Checkout.Run run = checkout.run(new build());
        assertEquals(0, run.exit(), run.err());
        assertEquals(List.of("build.x86_64-linux", "tarballs"),
                BuiltRelease.read(checkout.folder.resolve("release")).jobs().stream().map(job -> job.attr()).toList());
    }

    @Test
    void anUnknownProfileIsNamedWithTheKnownOnes() throws IOException {
        Checkout checkout = Released.copy(folder.resolve("checkout"));
        assertFails(checkout, 1, new String[] {"--profile", "nine"}, "no profile", "nine", "everything", "x86_64-linux-only");
    }

    @Test
    void contentAddressedDerivationsAreNamedBeforeAnythingIsBuilt() throws IOException {
        Checkout checkout = Released.copy(folder.resolve("checkout"));
        changeFile(checkout, "package.nix", "name = \"lix-util-${version}\"; }",
                "name = \"lix-util-${version}\"; __contentAddressed = true; outputHashMode = \"recursive\"; outputHashAlgo = \"sha256\"; }");
        String[] says = {"build.x86_64-linux", "remove __contentAddressed from what is released"};
        assertFails(checkout, 1, new String[] {}, says);
        checkout.with("NIX_CONFIG", Sample.NIX_CONFIG.replace("flakes", "flakes ca-derivations"));
        Checkout.Run run = assertFails(checkout, 1, new String[] {}, says);
        assertFalse(run.err().contains("Building"), run.err());
    }

    @Test
    void submodulesAreNamed() throws IOException {
        Checkout checkout = Released.copy(folder.resolve("checkout"));
        Checkout other = Checkout.of(checkout.folder.resolve("doc"), folder.resolve("other"));
        checkout.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", other.folder.toString(), "vendor/doc");
        changeFile(checkout, "README.md", "a", "b");
        Checkout.Run run = checkout.run(new build());
        assertEquals(0, run.exit(), run.err());
        assertTrue(run.err().contains("files of submodules are not in the source tarball") && run.err().contains(": vendor/doc"), run.err());
    }

    @Test
    void whatCannotBeBuiltHereFailsWithNixsReason() throws IOException {
        Checkout checkout = Released.copy(folder.resolve("checkout"));
        assertFails(checkout, 1, new String[] {"--profile", "everything"}, "aarch64-darwin", "add remote builders");
    }

    @Test
    void justTheManualNeedsNoTag() throws IOException {
        Checkout checkout = Released.sample(folder.resolve("checkout"));
        Checkout.Run run = checkout.run(new build(), "--target", "manual");
        assertEquals(0, run.exit(), run.err());
        BuiltRelease built = BuiltRelease.read(checkout.folder.resolve("release"));
        assertFalse(built.official());
        assertTrue(built.tag().isEmpty());
        assertEquals(List.of("manual"), Files.list(checkout.folder.resolve("release")).filter(Files::isDirectory).map(path -> path.getFileName().toString()).toList());
        assertTrue(built.below("manual").containsKey("index.html"));
    }

    @Test
    void whatWasBuiltIsProtectedFromGarbageCollection() {
        Checkout checkout = Released.copy(folder.resolve("checkout"));
        Checkout.Run run = checkout.run(new build());
        assertEquals(0, run.exit(), run.err());
        try {
            BuiltRelease built = BuiltRelease.read(checkout.folder.resolve("release"));
            for (var job : built.jobs()) {
                for (String path : List.of(job.drvPath(), job.outputs().get("out"))) {
                    String roots = Exec.of("nix-store", "--query", "--roots", path).baseEnv(checkout.env()).orFail("roots", "");
                    assertTrue(roots.contains(checkout.folder.toString()), path + ": " + roots);
                }
            }
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    @Test
    void theChecksThatWereSkippedStandInReleaseJsonAndAnOlderOneWithoutThemIsReadToo() throws IOException {
        Checkout checkout = Released.copy(folder.resolve("checkout"));
        assertEquals(List.of(), BuiltRelease.read(checkout.folder.resolve("release")).skipped());
        checkout.git("commit", "--quiet", "--amend", "--no-verify", "-m", checkout.git("show", "-s", "--format=%B") + Check.trailer(List.of(Check.post, Check.newer)) + "\nChange-Id: I1");
        checkout.git("tag", "--force", "-a", "-m", "2.95.0", "2.95.0");
        Checkout.Run run = checkout.run(new build());
        assertEquals(0, run.exit(), run.err());
        Path json = checkout.folder.resolve("release/release.json");
        BuiltRelease built = BuiltRelease.read(json.getParent());
        assertEquals(List.of("newer", "post"), built.skipped());
        Files.writeString(json, Files.readString(json).replaceFirst("\"skippedChecks\": \\[[^]]*],", ""));
        assertEquals(built.withSkipped(List.of()), BuiltRelease.read(json.getParent()));
    }

    @Test
    void imagesAreReadAndWrittenDown() throws IOException {
        Checkout checkout = Released.copy(folder.resolve("checkout"));
        BuiltRelease built = BuiltRelease.read(checkout.folder.resolve("release"));
        assertEquals(List.of("aarch64-linux linux/arm64", "x86_64-linux linux/amd64"),
                built.images().stream().map(image -> image.system() + " " + image.os() + "/" + image.architecture()).toList());
        for (BuiltImage image : built.images()) {
            String archive = checkout.folder.resolve("release").resolve(image.path()).toString();
            String[] manifest = Exec.of("tar", "-xzOf", archive, "manifest.json").orFail("tar", "").split("\"");
            String digest = Exec.of("sh", "-c", "tar -xzOf \"$0\" \"$1\" | sha256sum", archive, manifest[3]).orFail("tar", "").substring(0, 64);
            assertEquals("sha256:" + digest, image.id());
            assertEquals(2, image.layers().size());
            for (BuiltImage.Layer layer : image.layers()) {
                String entry = layer.diffId().substring(7) + ".tar";
                assertEquals(layer.diffId().substring(7) + "  -", Exec.of("sh", "-c", "tar -xzOf \"$0\" \"$1\" | sha256sum", archive, entry).orFail("tar", "").strip());
                assertTrue(layer.blobSize() > 0 && layer.blobSize() < layer.size(), layer.toString());
            }
        }
    }

    @Test
    @DisplayName("hazard 25: a broken image, and one that breaks the policy, is found by build")
    void aBrokenImageIsFoundByBuild() throws IOException {
        Checkout checkout = Released.copy(folder.resolve("checkout"));
        checkout.write("releng.json", "{\"images\": {\"mostLayers\": 1, \"without\": [\"lix-util\"]}}");
        assertFails(checkout, 3, new String[0], "images violate the project's policy", "docker-image-aarch64-linux.tar.gz: it has 2 layers, more than 1",
                "-lix-util-2.95.0, and the policy forbids", "compressed", "--allow-image-policy");
        Checkout.Run allowed = checkout.run(new build(), "--allow-image-policy");
        assertTrue(allowed.exit() == 0 && allowed.err().contains("warning: ") && allowed.err().contains("it has 2 layers"), allowed.err());
        checkout.write("releng.json", "{\"images\": {\"mostLayers\": 0}}");
        assertFails(checkout, 1, new String[0], "releng.json has 1 fault", "above 0");
        Files.delete(checkout.folder.resolve("releng.json"));
        changeFile(checkout, "package.nix", "| gzip -n >", "| gzip -n | head --bytes=700 >");
        assertFails(checkout, 1, new String[0], "docker-image-aarch64-linux.tar.gz is not a complete image");
    }

    @Test
    void settingsGoThroughToNix() throws IOException {
        Checkout checkout = Released.copy(folder.resolve("checkout"));
        changeFile(checkout, "package.nix", "mkdir -p \"$out/lib\"", "mkdir -p \"$out/lib\" # " + folder); // so that there is something to build
        assertFails(checkout, 1, new String[] {"--option", "extra-platforms", "i686-linux"}, "aarch64-linux'", "add remote builders");
        assertFails(checkout, 1, new String[] {"--max-jobs", "0"}, "max-jobs");
        Checkout.Run run = checkout.run(new build(), "--max-jobs", "1", "--cores", "1", "--builders", "");
        assertEquals(0, run.exit(), run.err());
    }

    @Test
    void outsideAReleasableCheckoutItSaysWhatIsMissing() throws IOException {
        Checkout checkout = Checkout.empty(folder.resolve("checkout"));
        checkout.write("version.json", "{\"version\": \"abc\"}");
        checkout.git("add", ".");
        checkout.git("commit", "--quiet", "-m", "x");
        Checkout.Run run = checkout.run(new build());
        assertEquals(1, run.exit(), run.err());
        assertTrue(run.err().contains("'abc' is not a version") && run.err().contains("release_name is missing"), run.err());
        Checkout.Run outside = checkout.at(folder).run(new build());
        assertEquals(2, outside.exit(), outside.err());
        Checkout.Run usage = checkout.run(new build(), "--nonsense");
        assertEquals(2, usage.exit());
        assertTrue(usage.err().contains("--nonsense"), usage.err());
    }

    /** Without a daemon Nix hands variables to derivations that ask for them, so it has them only where it must fetch with them itself. */
    @Test
    void nixGetsKeysOnlyForSubstitutersOfS3() throws IOException {
        Checkout checkout = Released.copy(folder.resolve("checkout"));
        Path bin = Files.createDirectory(folder.resolve("bin"));
        Path got = folder.resolve("got");
        for (String program : List.of("nix", "nix-store", "nix-instantiate")) {
            Program.write(bin.resolve(program), "#!/bin/sh\nenv >>'" + got + "'\nPATH=${PATH#*:}\nexec " + program + " \"$@\"\n");
        }
        checkout.with("PATH", bin + ":" + System.getenv("PATH")).with("AWS_ACCESS_KEY_ID", "of-store").with("AWS_SECRET_ACCESS_KEY", "of-store").with("RELENG_SIGNING_KEY", "signing");
        assertEquals(0, checkout.run(new build(), "--target", "manual").exit());
        assertFalse(Files.readString(got).contains("=of-store") || Files.readString(got).contains("=signing"), Files.readString(got));
        Checkout.Run run = checkout.run(new build(), "--target", "manual", "--option", "extra-substituters", "s3://nowhere?endpoint=127.0.0.1:1&scheme=http");
        assertEquals(0, run.exit(), run.err());
        assertTrue(Files.readString(got).contains("AWS_SECRET_ACCESS_KEY=of-store"), Files.readString(got));
        assertFalse(Files.readString(got).contains("=signing"), Files.readString(got));
    }
}
