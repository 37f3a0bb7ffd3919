import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import lib.base.Exec;
import lib.base.Fault;
import lib.base.FileTree;
import lib.config.Environment;
import lib.config.Project;
import lib.git.Git;
import lib.notes.Gathered;
import lib.oci.ImageIndex;
import lib.publish.Announcement;
import lib.publish.Versions;
import lib.release.BuiltRelease;
import lib.release.Release;
import lib.release.Version;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is left when a release is published: the announcement, what others' scripts read, and what people still do. */
class AnnouncementTest {

    private static final String NOTES = "doc/manual/src/release-notes/rl-2.95.md";

    @TempDir
    Path folder;

    private final List<String> said = new ArrayList<>();

    private String announced(Checkout checkout, Environment environment, BuiltRelease built) {
        try (Git git = Git.open(checkout.folder, checkout.env())) {
            return Announcement.of(git, Project.LIX, environment, built, Proving.console(said)).markdown();
        }
    }

    private Optional<Gathered> gathered(Checkout checkout, String version) {
        try (Git git = Git.open(checkout.folder, checkout.env())) {
            return Gathered.of(git, new Release(Project.LIX, Version.of(version), "Crème Brûlée", Optional.empty()), git.head());
        }
    }

    // --- the announcement

    @Test
    void itHasTheSignificantEntriesTheLinksTheImagesAndEverybodyWhoIsCredited() throws IOException {
        Checkout checkout = Released.copy(folder.resolve("checkout"));
        BuiltRelease built = BuiltRelease.read(checkout.folder.resolve("release"));
        String text = announced(checkout, Environment.LIVE, built);
        assertTrue(text.startsWith("""
                # Lix 2.95.0 "Crème Brûlée"

                ## Highlights

                - The hash type `rot13` is gone [lix#4101](https://git.lix.systems/lix-project/lix/issues/4101)"""), text);
        assertFalse(text.contains("max-cups") || text.contains("pre-release"), text);
        assertTrue(text.contains("](https://docs.lix.systems/manual/lix/2.95/release-notes/rl-2.95.html)\n- [Manual](https://docs.lix.systems/manual/lix/2.95/index.html)\n"), text);
        for (String file : List.of("lix-2.95.0.tar.gz", "manifest.nix", "nix-2.95.0-x86_64-linux.tar.xz", "versions.json")) {
            assertTrue(text.contains("](https://releases.lix.systems/lix/lix-2.95.0/" + file + ")"), file + "\nnot in\n" + text);
        }
        String digest = ImageIndex.of(built.images()).index().digest();
        assertTrue(text.contains("- `git.lix.systems/lix-project/lix:2.95.0@" + digest + "`\n- `ghcr.io/lix-project/lix:2.95.0@" + digest + "`\n"), text);
        assertTrue(text.endsWith("\n\n## Thanks\n\nMany thanks to [Amaranth Oak](https://git.lix.systems/amaranth), [bobolink](https://git.lix.systems/bobolink), saltmarsh, and "
                + "[Zoë Quillwort](https://github.com/quillwort).\n"), text);

        checkout.git("clone", "--quiet", "--branch", "2.95.0", checkout.folder.toString(), folder.resolve("clone").toString());
        assertEquals(text, announced(checkout.at(folder.resolve("clone")), Environment.LIVE, built), "from a clone that prepared nothing");
    }

    @Test
    void whereNothingIsPublicItNamesBucketsAndKeys() throws IOException {
        Checkout checkout = Released.copy(folder.resolve("checkout"));
        String text = announced(checkout, Environment.STAGING, BuiltRelease.read(checkout.folder.resolve("release")));
        assertTrue(text.contains("- Release notes: `s3://staging-docs/manual/lix/2.95/release-notes/rl-2.95.html`\n"), text);
        assertTrue(text.contains("- lix-2.95.0.tar.gz: `s3://staging-releases/lix/lix-2.95.0/lix-2.95.0.tar.gz` ("), text);
        assertTrue(text.contains("- `git.lix.systems/lix-project/lix-releng-staging:2.95.0@sha256:"), text);
    }

    @Test
    void withoutNotesItSaysNoMoreThanIsSo() throws IOException {
        Checkout checkout = Released.copy(folder.resolve("checkout"));
        BuiltRelease built = BuiltRelease.read(checkout.folder.resolve("release"));
        List<BuiltRelease.BuiltFile> files = built.files().stream().filter(file -> !file.path().endsWith("/rl-2.95.html")).toList();
        BuiltRelease other = new BuiltRelease("all", Version.of("2.95.1-rc1"), built.name(), true, built.commit(), Optional.empty(), built.system(), built.profile(),
                files, List.of(), built.jobs());
        String text = announced(checkout, Environment.LIVE, other);
        assertTrue(text.startsWith("# Lix 2.95.1-rc1 \"Crème Brûlée\"\n\nThis is a pre-release, for testing.\n\n## Links\n\n"
                + "- [Manual](https://releases.lix.systems/lix/lix-2.95.1-rc1/manual/index.html)\n"), text);
        assertFalse(Stream.of("hanks", "Highlights", "Release notes", "images", "rot13").anyMatch(text::contains), text);
    }

    // --- the entries in the history

    private Checkout project() throws IOException {
        Checkout checkout = Checkout.of(Home.samples(), folder.resolve("checkout"));
        return PrepareTest.commit(checkout);
    }

    private static void prepared(Checkout checkout, String version, String... entries) throws IOException {
        checkout.git("rm", "-q", "-r", "--ignore-unmatch", "doc/manual/rl-next");
        checkout.write("doc/manual/rl-next/.gitkeep", "");
        for (int i = 0; i < entries.length; i++) {
            checkout.write("doc/manual/rl-next/" + (char) ('a' + i) + ".md", entries[i]);
        }
        checkout.write("version.json", checkout.read("version.json").replaceFirst("2[.]95[.][^\"]*", version));
        PrepareTest.commit(checkout);
        Checkout.Run run = checkout.run(new prepare());
        assertEquals(0, run.exit(), run.err());
    }

    private static String entry(String keys, String text) {
        return "---\n" + keys + "\n---\n\n" + text + "\n";
    }

    @Test
    void theEntriesAreThoseOfThisVersionWhateverCameAfter() throws IOException {
        Checkout checkout = project();
        prepared(checkout, "2.95.0-rc1", entry("synopsis: first\nsignificance: significant\ncredits: bobolink", "t"));
        prepared(checkout, "2.95.0", entry("synopsis: fixed\nsignificance: significant\ncategory: Fixes", "See [it](@docroot@/language/values.md#strings) and [this][here].\n\n[here]: https://a.example"),
                entry("synopsis: broken\nsignificance: significant\ncategory: Breaking Changes\ncredits: [quillwort, amaranth]", "See [that][here].\n\n[here]: https://b.example"),
                entry("synopsis: small\ncredits: amaranth", "t"), entry("synopsis: new\nsignificance: significant\ncategory: Features", "t"));
        checkout.git("commit", "-q", "--allow-empty", "-m", "Revert \"release: release notes for 2.95.0\"");
        checkout.write(NOTES, checkout.read(NOTES) + "\nA correction.\n");
        PrepareTest.commit(checkout);
        checkout.git("checkout", "-q", "-b", "side", "HEAD~3");
        checkout.git("commit", "-q", "--allow-empty", "-m", "side");
        checkout.git("checkout", "-q", "releng/test");
        checkout.git("merge", "-q", "--no-ff", "-m", "merged", "side");

        Gathered gathered = gathered(checkout, "2.95.0").orElseThrow();
        String text = gathered.significant();
        assertEquals(List.of("- broken", "- new", "- fixed"), text.lines().filter(line -> line.startsWith("- ")).toList());
        assertTrue(text.contains("[that][here-b]") && text.contains("[here-b]: https://b.example") && text.contains("[here-a]: https://a.example"), text);
        assertEquals("[Amaranth Oak](https://git.lix.systems/amaranth) and [Zoë Quillwort](https://github.com/quillwort)", gathered.credited());
        assertEquals("[bobolink](https://git.lix.systems/bobolink)", gathered(checkout, "2.95.0-rc1").orElseThrow().credited());
        assertEquals(Optional.empty(), gathered(checkout, "2.95"));
        BuiltRelease built = new BuiltRelease("all", Version.of("2.95.0"), "n", true, checkout.git("rev-parse", "HEAD"), Optional.empty(), "", "", List.of(), List.of(), List.of());
        assertTrue(announced(checkout, Environment.LIVE, built).contains("[it](https://docs.lix.systems/manual/lix/2.95/language/values.html#strings)"));
    }

    @Test
    void aReleaseWithoutEntriesHasNone() throws IOException {
        Checkout checkout = project();
        checkout.git("rm", "-q", "-r", "doc/manual/rl-next");
        PrepareTest.commit(checkout);
        assertEquals(0, checkout.run(new prepare(), "--allow-empty").exit());
        assertEquals(List.of("", ""), gathered(checkout, "2.95.0").map(none -> List.of(none.significant(), none.credited())).orElseThrow());
        checkout.git("checkout", "-q", "--orphan", "squashed");
        checkout.git("commit", "-q", "-m", "release: release notes for 2.95.0");
        assertEquals(Optional.empty(), gathered(checkout, "2.95.0"), "nothing stands before the first commit");
    }

    // --- versions.json

    private static String says(String... line) {
        return Exec.of(line).orFail(line[0], "").strip();
    }

    private static String evaluated(String nix) {
        return says("nix-instantiate", "--eval", "--strict", "--json", "-E", nix);
    }

    @Test
    void anyReaderOfJsonFindsWhatWasBuiltInIt() throws IOException {
        Checkout checkout = Released.copy(folder.resolve("checkout"));
        BuiltRelease built = BuiltRelease.read(checkout.folder.resolve("release"));
        String json = new Versions(built, Project.LIX, Environment.LIVE).json();
        String file = Files.writeString(folder.resolve("versions.json"), json).toString();
        String read = "let v = builtins.fromJSON (builtins.readFile " + file + "); in ";
        assertEquals("[\"2.95.0\",\"2.95\",\"Crème Brûlée\",\"" + checkout.with("TZ", "UTC").git("log", "-1", "--format=%cd", "--date=format-local:%Y-%m-%d") + "\"]",
                evaluated(read + "[ v.version v.major v.name v.date ]"));
        Path artifacts = checkout.folder.resolve("release/artifacts");
        assertEquals("true", evaluated(read + "v.storePaths == import " + artifacts.resolve("manifest.nix")));
        String names = "import json, sys\nfor name, f in json.load(open(sys.argv[1]))['files'].items():\n print(f['sri'], f['sha256'], f['size'], f['address'])";
        List<String> lines = says("python3", "-c", names, file).lines().toList();
        List<String> expected = new ArrayList<>();
        for (String name : new java.util.TreeSet<>(List.of(Exec.of("find", ".", "-maxdepth", "1", "-type", "f", "!", "-name", "*.sha256", "-printf", "%f\\n")
                .in(artifacts.resolve("lix/lix-2.95.0")).orFail("find", "").split("\n")))) {
            Path one = artifacts.resolve("lix/lix-2.95.0").resolve(name);
            String sri = says("sh", "-c", "openssl dgst -sha256 -binary \"$0\" | openssl base64 -A", one.toString());
            expected.add("sha256-" + sri + " " + says("sha256sum", one.toString()).substring(0, 64) + " " + Files.size(one) + " https://releases.lix.systems/lix/lix-2.95.0/" + name);
        }
        assertEquals(expected, lines);
        assertEquals(json, new Versions(BuiltRelease.parse(built.json(), "again"), Project.LIX, Environment.LIVE).json());
    }

    @Test
    void aDayThatIsNoneIsNamed() throws IOException {
        Checkout checkout = Released.copy(folder.resolve("checkout"));
        String json = Files.readString(checkout.folder.resolve("release/release.json"));
        Fault fault = assertThrows(Fault.class, () -> BuiltRelease.parse(json.replaceFirst("\"date\": \"[^\"]*\"", "\"date\": \"yesterday\"").getBytes(StandardCharsets.UTF_8), "release.json"));
        assertTrue(fault.getMessage().contains("release.json: date: ") && fault.getMessage().contains("yesterday"), fault.getMessage());
    }

    // --- upload

    @Test
    void uploadEndsWithWhatPeopleStillDo() throws IOException {
        try (Managers managers = new Managers(folder)) {
            Checkout checkout = managers.release("2.95.0");
            Path release = checkout.folder.resolve("release");
            Checkout.Run plan = Managers.assertDone(Managers.upload(checkout, "--plan"));
            Managers.assertDone(Managers.upload(checkout, "--target", "manual"));
            assertFalse(plan.err().contains("what you") || Files.exists(release.resolve("announcement.md")) || Files.exists(release.resolve("versions.json")), plan.err());

            Checkout.Run run = Managers.assertDone(Managers.upload(checkout));
            String tasks = """
                        a draft of the announcement is RELEASE/announcement.md
                        what you will still do when it is published on a guarded environment:
                        - merge the release post: https://git.lix.systems/lix-project/lix-website/pulls
                        - toot about 2.95.0: https://chaos.social/@lix_project
                        - update Lix 2.95 in nixpkgs: https://github.com/NixOS/nixpkgs/tree/master/pkgs/tools/package-management/lix
                    """.replace("RELEASE", release.toString());
            assertTrue(run.err().endsWith(tasks), run.err());
            assertTrue(Files.readString(release.resolve("announcement.md")).contains("s3://" + managers.store.bucket("docs") + "/manual/lix/2.95/index.html"));
            byte[] versions = managers.store.get("releases", "lix/lix-2.95.0/versions.json");
            assertArrayEquals(Files.readAllBytes(release.resolve("versions.json")), versions);
            assertArrayEquals(versions, managers.store.get("releases", "lix/latest.json"));

            // A public address that comes later leaves what was published, and moves what changes.
            String json = checkout.read("releng.json");
            checkout.write("releng.json", json.replace("\"region\"", "\"guarded\": true, \"urls\": {\"releases\": \"" + managers.store.endpoint() + "/"
                    + managers.store.bucket("releases") + "/\"}, \"region\""));
            FileTree.remove(release.resolve("announcement.md"));
            Checkout.Run again = Managers.assertDone(Managers.upload(checkout));
            assertTrue(again.err().contains("not proved: release files: the addresses in ") && again.err().contains("\n    what you still do:\n"), again.err());
            assertArrayEquals(versions, managers.store.get("releases", "lix/lix-2.95.0/versions.json"));
            String moved = new String(managers.store.get("releases", "lix/latest.json"), StandardCharsets.UTF_8);
            assertTrue(moved.contains("\"address\": \"" + managers.store.endpoint() + "/" + managers.store.bucket("releases") + "/lix/lix-2.95.0/lix-2.95.0.tar.gz\""), moved);

            checkout.write("releng.json", json.substring(0, json.lastIndexOf('}')) + ", \"project\": {\"afterwards\": null}}");
            Files.delete(release.resolve("announcement.md"));
            Files.createDirectory(release.resolve("announcement.md"));
            Checkout.Run unwritable = Managers.upload(checkout);
            assertEquals(1, unwritable.exit(), unwritable.err());
            assertTrue(unwritable.err().contains("the announcement could not be written") && unwritable.err().contains("all is published and proved"), unwritable.err());
            Files.delete(release.resolve("announcement.md"));
            assertFalse(Managers.assertDone(Managers.upload(checkout)).err().contains("what you"));
        }
    }
}
