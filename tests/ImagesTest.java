import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.github.luben.zstd.ZstdOutputStream;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import lib.base.Console;
import lib.base.Exec;
import lib.base.Fault;
import lib.base.FileTree;
import lib.base.Json;
import lib.config.Config;
import lib.http.Network;
import lib.http.Tuning;
import lib.oci.BuiltImage;
import lib.oci.DockerArchive;
import lib.oci.ImageIndex;
import lib.oci.OciLayout;
import lib.proof.Fetcher;
import lib.proof.Proof;
import lib.publish.Destination;
import lib.publish.Images;
import lib.publish.Plan;
import lib.release.BuiltRelease;
import lib.release.Version;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The sample's images in a folder, as upload puts them there and as skopeo takes them out. */
class ImagesTest {

    @TempDir
    Path folder;

    private final ByteArrayOutputStream said = new ByteArrayOutputStream();
    private final Console console = new Console(InputStream.nullInputStream(), new PrintStream(said, true), new PrintStream(said, true), false, false);
    private Path release;
    private BuiltRelease built;
    private OciLayout layout;

    @BeforeEach
    void aBuiltRelease() throws IOException {
        release = Released.copy(folder.resolve("checkout")).folder.resolve("release");
        built = Registries.images(BuiltRelease.read(release));
        layout = new OciLayout(folder.resolve("layout"));
    }

    private Images images(boolean replace) {
        return new Images(List.of(layout), release, built.images(), "2.95.0", replace, Tuning.DEFAULT);
    }

    private void publish() throws IOException {
        Plan plan = new Plan().add(images(false));
        plan.requireNoConflicts();
        plan.run(console, 4);
        new Plan().add(new Images.Tags(List.of(layout), built.images(), List.of("2.95", "latest"), Optional::empty)).run(console, 4);
    }

    private Proof proof() {
        return new Proof(Fetcher.of(Config.LIX.environment("local"), Optional.empty(), Network.PLAIN), Config.LIX.environment("local"), Config.LIX.project(),
                Optional.empty(), console).images(List.of(layout), built, List.of("2.95.0", "2.95", "latest"));
    }

    private static List<String> stages(Destination.Difference difference) {
        return difference.stages().stream().map(stage -> stage.name() + " " + stage.operations().size()).toList();
    }

    private Path file(String digest) {
        return layout.folder().resolve("blobs").resolve(digest.replace(':', '/'));
    }

    @Test
    @DisplayName("hazard 20: each platform comes out as it was built, and media types are what was sent, says skopeo")
    void skopeoTakesEachPlatformOut() throws IOException {
        publish();
        proof().orFail();
        JsonNode index = Json.MAPPER.readTree(Exec.of("skopeo", "inspect", "--raw", layout.name() + ":latest").orFail("skopeo", ""));
        assertEquals("application/vnd.oci.image.index.v1+json", index.path("mediaType").asText());
        assertEquals("Lix", index.path("annotations").path("org.opencontainers.image.title").asText());
        for (String tag : List.of("2.95.0", "2.95", "latest")) {
            for (BuiltImage image : built.images()) {
                comesOut(image, tag);
            }
        }
    }

    private void comesOut(BuiltImage image, String tag) throws IOException {
        Path out = folder.resolve(tag + image.architecture());
        Exec.of("skopeo", "--override-os", image.os(), "--override-arch", image.architecture(), "copy", "--quiet", "--dest-decompress",
                layout.name() + ":" + tag, "dir:" + out).orFail("skopeo", "");
        JsonNode manifest = Json.MAPPER.readTree(Files.readAllBytes(out.resolve("manifest.json")));
        assertEquals(image.id(), manifest.path("config").path("digest").asText());
        assertEquals(image.layers().stream().map(BuiltImage.Layer::diffId).toList(),
                Stream.iterate(0, i -> i + 1).limit(2).map(i -> manifest.path("layers").path(i).path("digest").asText()).toList());
    }

    /** Publishes the image for this machine with another text in its config, and looks at what comes out. */
    private List<String> runs(String text, String other) throws IOException {
        BuiltImage image = built.images().stream().filter(any -> any.architecture().equals(System.getProperty("os.arch").replace("aarch64", "arm64"))).findFirst().orElseThrow();
        Path archive = Files.createTempDirectory(folder, "archive");
        Exec.of("tar", "-C", archive.toString(), "-xf", release.resolve(image.path()).toString()).orFail("tar", "");
        String config = image.id().substring("sha256:".length()) + ".json";
        Files.writeString(archive.resolve("config.json"), Files.readString(archive.resolve(config)).replaceFirst(text, other));
        Path manifest = archive.resolve("manifest.json");
        Files.writeString(manifest, Files.readString(manifest).replace(config, "config.json"));
        Exec.of("tar", "-C", archive.toString(), "-czf", folder.resolve("other.tar.gz").toString(), ".").orFail("tar", "");
        BuiltImage changed = DockerArchive.read(folder.resolve("other.tar.gz")).built("other.tar.gz", image.system());
        OciLayout place = new OciLayout(archive.resolve("layout"));
        new Plan().add(new Images(List.of(place), folder, List.of(changed), "latest", false, Tuning.DEFAULT)).run(console, 1);
        Consumer consumer = new Consumer(null, Config.LIX.environment("local"), Config.LIX.project(), new BuiltRelease(built.target(), built.version(), built.name(),
                built.official(), built.commit(), built.tag(), built.system(), built.profile(), built.files(), List.of(changed), built.jobs()), archive, Map.of());
        consumer.imagesComeOut(place.name());
        return consumer.imagesRun("oci:");
    }

    @Test
    @DisplayName("what umoci unpacks has the command, by itself or on the PATH, which runs and says the version; an image without it, or of another version, is found")
    void imagesRunWhereTheyCan() throws IOException {
        String command = "\"(/nix/store/[^\"]*/bin)/nix\"";
        List<String> not = runs("\"Cmd\"", "\"Cmd\"");
        assertEquals(Rootfs.runs() ? 0 : 1, not.size(), not.toString());
        runs("\"Cmd\":\\[" + command, "\"Env\":[\"A=b\",\"PATH=/bin:$1\"],\"Entrypoint\":[\"nix\"");
        for (String missing : List.of("\"$1/nichts\"", "\"$1\"", "\"/../../../../../../usr/bin/env\"")) {
            assertTrue(assertThrows(Fault.class, () -> runs(command, missing), missing).getMessage().contains("is not in it"), missing);
        }
        assertTrue(assertThrows(Fault.class, () -> runs("\"Cmd\":[^\\]]*]", "\"Cmd\":[]")).getMessage().contains("has no command"));
        built = new BuiltRelease(built.target(), Version.of("2.95.1"), built.name(), built.official(), built.commit(), built.tag(), built.system(), built.profile(),
                built.files(), built.images(), built.jobs());
        if (Rootfs.runs()) {
            assertTrue(assertThrows(Fault.class, () -> runs("x", "x")).getMessage().contains("--version says nix (Lix, like Nix) 2.95.0"));
        }
    }

    @Test
    void layersThatCameCompressedComeOutAsTheyWereBuilt() throws IOException {
        BuiltImage image = built.images().get(0);
        Path unpacked = Files.createDirectory(folder.resolve("unpacked"));
        Exec.of("tar", "-C", unpacked.toString(), "-xf", release.resolve(image.path()).toString()).orFail("tar", "");
        DockerArchiveTest.compress(unpacked.resolve(image.layers().get(0).entry()), GZIPOutputStream::new);
        DockerArchiveTest.compress(unpacked.resolve(image.layers().get(1).entry()), ZstdOutputStream::new);
        Exec.of("tar", "-C", unpacked.toString(), "-czf", release.resolve(image.path()).toString(), ".").orFail("tar", "");
        BuiltImage compressed = DockerArchive.read(release.resolve(image.path())).built(image.path(), image.system());
        assertEquals(List.of("gzip", "zstd"), compressed.layers().stream().map(BuiltImage.Layer::compression).toList());
        new Plan().add(new Images(List.of(layout), release, List.of(compressed), "2.95.0", false, Tuning.DEFAULT)).run(console, 4);
        comesOut(image, "2.95.0");
    }

    @Test
    void aSecondRunHasNothingToDoAndReadsNoArchive() throws IOException {
        publish();
        FileTree.remove(release);
        assertEquals(List.of(), stages(images(false).compare()));
        assertEquals(List.of(), stages(new Images.Tags(List.of(layout), built.images(), List.of("2.95", "latest"), Optional::empty).compare()));
    }

    @Test
    void afterACrashOnlyWhatIsMissingIsSent() throws IOException {
        assertEquals(List.of("blobs 2", "manifests 2", "index 1"), stages(images(false).compare()));
        publish();
        Files.delete(layout.folder().resolve("index.json"));
        Files.delete(file(built.images().get(1).layers().get(0).blob()));
        Destination.Difference rest = images(false).compare();
        assertEquals(List.of("blobs 1", "manifests 2", "index 1"), stages(rest));
        assertTrue(rest.stages().get(0).operations().get(0).what().startsWith("1 blobs of " + built.images().get(1).path()), rest.toString());
        publish();
        proof().orFail();
    }

    @Test
    void whatAKilledRunWasWritingIsWrittenOver() throws IOException {
        Path blob = file(built.images().get(0).layers().get(0).blob());
        Path partial = blob.resolveSibling("." + blob.getFileName() + ".partial");
        Files.createDirectories(blob.getParent());
        Files.write(partial, new byte[1 << 20]);
        publish();
        assertFalse(Files.exists(partial));
        proof().orFail();
    }

    @Test
    void whatTwoImagesShareIsSentOnce() throws IOException {
        BuiltImage first = built.images().get(0);
        Destination.Difference twice = new Images(List.of(layout), release, List.of(first, first), "2.95.0", false, Tuning.DEFAULT).compare();
        assertEquals(1, twice.stages().get(0).operations().size(), twice.toString());
        assertTrue(twice.stages().get(0).operations().get(0).what().startsWith("3 blobs of "), twice.toString());
    }

    @Test
    void otherImagesUnderThatVersionStopTheRun() throws IOException {
        publish();
        BuiltImage first = built.images().get(0);
        built = new BuiltRelease(built.target(), built.version(), built.name(), built.official(), built.commit(), built.tag(), built.system(), built.profile(),
                built.files(), List.of(first), built.jobs());
        assertEquals(1, images(false).compare().conflicts().size());
        Fault fault = assertThrows(Fault.class, () -> new Plan().add(images(false)).requireNoConflicts());
        assertTrue(fault.getMessage().contains(layout.name() + ":2.95.0 is sha256:"), fault.getMessage());
        assertEquals(List.of(), images(true).compare().conflicts());
        new Plan().add(images(true)).run(console, 1);
        assertEquals(Optional.of(ImageIndex.of(List.of(first)).index().digest()), layout.tag("2.95.0"));
        assertFalse(layout.tag("latest").equals(layout.tag("2.95.0")), "only this tag has moved");
    }

    @Test
    void aTagThatSomebodyElseMovesMeanwhileIsLeftToThem() throws IOException {
        Plan plan = new Plan().add(images(false)).add(new Images.Tags(List.of(layout), built.images(), List.of("latest"), Optional::empty));
        ImageIndex.Document theirs = ImageIndex.of(built.images().subList(0, 1)).index();
        for (String tag : List.of("2.95.0", "latest")) {
            layout.tag(tag, theirs);
            Fault fault = assertThrows(Fault.class, () -> plan.run(console, 4));
            assertTrue(fault.getMessage().contains(layout.name() + ":" + tag + " has changed since"), fault.getMessage());
            assertEquals(Optional.of(theirs.digest()), layout.tag(tag));
            layout.tag(tag, ImageIndex.of(built.images()).index());
        }
    }

    @Test
    @DisplayName("hazard 46: a newer release that came while the tag was on its way gets the tag back")
    void aTagOverwrittenWhileANewerReleaseCameIsPutBack() throws IOException {
        publish();
        ImageIndex.Document theirs = ImageIndex.of(built.images().subList(0, 1)).index();
        layout.tag("2.96.0", theirs);
        layout.tag("latest", theirs);
        layout.tag("2.95", theirs);
        // It asks for the plan, and again after each tag: in between manifest.nix has moved.
        Iterator<Optional<Version>> manifest = List.of(Optional.<Version>empty(), Optional.of(Version.of("2.96.0")), Optional.of(Version.of("2.96.0"))).iterator();
        Plan plan = new Plan().add(new Images.Tags(List.of(layout), built.images(), List.of("2.95", "latest"), manifest::next));
        Fault fault = assertThrows(Fault.class, () -> plan.run(console, 1));
        assertTrue(fault.getMessage().contains(layout.name() + ":latest was moved while 2.96.0 was published"), fault.getMessage());
        assertEquals(Optional.of(theirs.digest()), layout.tag("latest"));
        assertEquals(layout.tag("2.95.0"), layout.tag("2.95"), "which is no pointer of 2.96.0");
    }

    @Test
    @DisplayName("hazards 25 and 26: a lost blob, a changed manifest and a tag that names another image are found")
    void whatIsNotThereWholeIsFound() throws IOException {
        publish();
        String blob = built.images().get(0).layers().get(1).blob();
        Files.write(file(blob), new byte[] {1});
        Files.delete(file(built.images().get(1).id()));
        String manifest = ImageIndex.of(built.images()).manifests().get(0).digest();
        Files.writeString(file(manifest), "{}");
        layout.tag("latest", ImageIndex.of(built.images().subList(0, 1)).index());
        Fault fault = assertThrows(Fault.class, () -> proof().orFail());
        for (String found : List.of(blob + ": has 1 bytes", built.images().get(1).id() + ": is missing", manifest + ": has other bytes", ":latest: names sha256:")) {
            assertTrue(fault.getMessage().contains(found), found + "\nnot in\n" + fault.getMessage());
        }
        assertEquals(4, fault.why().size(), fault.why().toString());
    }

    /** Changes four bytes in the middle; the size stays. */
    static void change(Path file) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        for (int i = 0; i < 4; i++) {
            bytes[bytes.length / 2 + i] ^= 0x55;
        }
        Files.write(file, bytes);
    }

    @Test
    @DisplayName("hazard 50: a layer, a config, a manifest and an index with other bytes of the same size are found, and the next run sends them")
    void whatHasTheSizeButNotTheBytesIsFoundAndSentAgain() throws IOException {
        publish();
        ImageIndex index = ImageIndex.of(built.images());
        BuiltImage image = built.images().get(0);
        for (String digest : List.of(image.layers().get(0).blob(), image.id(), index.manifests().get(1).digest(), index.index().digest())) {
            change(file(digest));
            Fault fault = assertThrows(Fault.class, () -> proof().orFail(), digest);
            assertTrue(fault.why().stream().anyMatch(why -> why.contains(digest + ": has ")), fault.getMessage());
            assertTrue(fault.next().contains("run upload again: it sends what " + layout.name() + " does not have in full"), fault.next());
            publish();
            proof().orFail();
        }
        for (String tag : List.of("2.95.0", "latest")) {
            change(file(index.index().digest()));
            Fault fault = assertThrows(Fault.class, () -> new Proof(Fetcher.of(Config.LIX.environment("local"), Optional.empty(), Network.PLAIN), Config.LIX.environment("local"),
                    Config.LIX.project(), Optional.empty(), console).imageTags(List.of(layout), built, List.of(tag)).orFail());
            assertTrue(fault.getMessage().contains(layout.name() + ":" + tag + ": has other bytes"), fault.getMessage());
            publish();
        }
    }

    @Test
    void aFolderThatNamesNoDigestOrCannotBeReadIsSaid() throws IOException {
        publish();
        Path index = layout.folder().resolve("index.json");
        Files.writeString(index, Files.readString(index).replace(ImageIndex.of(built.images()).index().digest(), "../../x\\u0000"));
        assertThrows(Fault.class, () -> proof().orFail());
        assertEquals(1, images(false).compare().conflicts().size());
        FileTree.remove(layout.folder());
        publish();
        Path blob = file(built.images().get(0).id());
        Files.delete(blob);
        Files.createDirectory(blob);
        assertThrows(Fault.class, () -> proof().orFail());
        Fault fault = assertThrows(Fault.class, () -> images(false).compare());
        assertTrue(fault.getMessage().contains(layout.name() + ": it cannot be read"), fault.getMessage());
    }

    @Test
    @DisplayName("hazard 25: an archive that is no more what was built is not passed over, and nothing of it stays")
    void whatWasChangedAfterBuildIsNotSent() throws IOException {
        BuiltImage image = built.images().get(0);
        byte[] other = Files.readAllBytes(release.resolve(built.images().get(1).path()));
        Files.write(release.resolve(image.path()), other);
        Fault fault = assertThrows(Fault.class, this::publish);
        assertTrue(fault.getMessage().contains(image.path()), fault.getMessage());
        assertEquals(Optional.empty(), layout.tag("2.95.0"));
        assertThrows(IOException.class, () -> layout.blob(image.id(), 3, out -> new ByteArrayInputStream(new byte[3]).transferTo(out)));
        try (Stream<Path> blobs = Files.list(layout.folder().resolve("blobs/sha256"))) {
            TreeSet<String> known = new TreeSet<>();
            built.images().forEach(one -> {
                known.add(one.id().substring(7));
                one.layers().forEach(layer -> known.add(layer.blob().substring(7)));
            });
            assertEquals(List.of(), blobs.map(path -> path.getFileName().toString()).filter(name -> !known.contains(name)).toList());
        }
    }

    @Test
    void theSameArchivesGiveTheSameDigestsWhateverTheOrderOfTheirKeys() {
        assertEquals(ImageIndex.of(built.images()).index().digest(), ImageIndex.of(BuiltRelease.parse(built.json(), "again").images()).index().digest());
        assertEquals(Map.of("org.opencontainers.image.title", "Lix", "org.opencontainers.image.version", "2.95.0"), built.images().get(0).labels());
    }
}
