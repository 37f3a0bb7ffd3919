import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.github.luben.zstd.ZstdOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.GZIPOutputStream;
import lib.base.FileTree;
import lib.git.Git;
import lib.nix.Nix;
import lib.release.BuiltRelease;
import lib.release.ManualLinks;
import lib.release.Traces;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tukaani.xz.LZMA2Options;
import org.tukaani.xz.XZOutputStream;

/** What is checked of a release before it replaces the one in release/. */
class BuiltChecksTest {

    @TempDir
    Path folder;

    private static void change(Checkout checkout, String file, String from, String to) throws IOException {
        String text = checkout.read(file);
        assertTrue(text.contains(from), from);
        checkout.write(file, text.replace(from, to));
    }

    @Test
    void allThatIsWrongIsToldAtOnceAndSkippedByName() throws IOException {
        Checkout checkout = Released.copy(folder.resolve("checkout"));
        change(checkout, "package.nix", "outputs = [ \"out\" \"doc\" ];", "outputs = [ \"out\" \"doc\" \"debug\" ];");
        change(checkout, "package.nix", "mkdir -p \"$out/bin\"", "mkdir -p \"$out/bin\" \"$debug/lib/debug\"");
        change(checkout, "src/nix.sh", "@version@", "@version@-rc1");
        change(checkout, "src/nix.conf", "", "# " + checkout.folder.toRealPath() + "/src/nix.conf\n");
        change(checkout, "doc/manual/book.awk", "<h1>Not found</h1>", "<h1>Not found</h1><a href='gone.html'>x</a>");
        checkout.git("rm", "--quiet", "COPYING");
        checkout.git("commit", "--quiet", "-a", "-m", "change");
        checkout.git("tag", "--force", "-a", "-m", "2.95.0", "2.95.0");
        String sum = FileTree.sha256(checkout.folder.resolve("release/release.json"));

        Checkout.Run run = checkout.run(new build());
        assertEquals(3, run.exit(), run.err());
        for (String text : List.of("refused: 2.95.0 is not fit to be released", "links: 404.html: the link 'gone.html' leads nowhere",
                "debug: the output debug of build.aarch64-linux has no file in it: /nix/store/", "debug: the output debug of build.x86_64-linux",
                "/bin/nix --version does not say 2.95.0, but 'nix (Lix, like Nix) 2.95.0-rc1'", "machine: lix/lix-2.95.0/nix-2.95.0-x86_64-linux.tar.xz: nix-2.95.0-x86_64-linux/store/",
                "-nix.conf names the checkout, " + checkout.folder.toRealPath(), "machine: lix/lix-2.95.0/lix-2.95.0-docker-image-aarch64-linux.tar.gz: ",
                "licences: the source has no licence", "--skip NAME,...")) {
            assertTrue(run.err().contains(text), text + "\nnot in\n" + run.err());
        }
        assertFalse(run.err().contains("lix-2.95.0.tar.gz: "), "the source is as it was tagged\n" + run.err());
        assertEquals(sum, FileTree.sha256(checkout.folder.resolve("release/release.json")), "release/ is as it was");

        run = checkout.run(new build(), "--skip", "links,debug", "--skip", "version,machine,licences");
        assertEquals(0, run.exit(), run.err());
        assertTrue(run.err().contains("warning: skipped: links, debug, version, machine, licences"), run.err());
        assertEquals(List.of("links", "debug", "version", "machine", "licences"), BuiltRelease.read(checkout.folder.resolve("release")).skipped());
        run = checkout.run(new build(), "--target", "manual");
        assertEquals(3, run.exit(), run.err());
        assertTrue(run.err().contains("Checking what was built: links, machine (nothing to ask here: debug, version, licences)") && run.err().contains("gone.html"), run.err());
        assertEquals(2, checkout.run(new build(), "--skip", "weather").exit());
    }

    @Test
    void linksOfAManualLeadToItsPagesAndTheirParts() throws IOException {
        Path manual = Files.createDirectories(folder.resolve("manual/sub dir")).getParent();
        String good = "<a href='#here' id='here'></a><a name='old'></a><a href=''></a><a href='#'></a><a href='#top'></a><a href='sub%20dir/page.html#a%20b'></a><a href='sub dir/page.html'></a>"
                + "<a href='./index.html?q=a/b#old'></a><a href='sub%20dir/'></a><a href='sub%20dir'></a><img src='a+b.svg#any'><link rel='icon' href='a%2Bb.svg'><a href='page.html#:~:text=x'></a>"
                + "<a href='https://example.org/gone'></a><a href='//example.org/gone'></a><a href='/gone'></a><a href='mailto:a@b'></a><a href='javascript:x()'></a>"
                + "<img src='data:image/png;base64,xx'><!-- <a href='gone'> --><code>&lt;a href='gone'></code>";
        Files.writeString(manual.resolve("index.html"), good);
        Files.writeString(manual.resolve("a+b.svg"), "<svg/>");
        Files.writeString(manual.resolve("notes.txt"), "<a href='gone'>");
        Files.writeString(manual.resolve("page.html"), "<p>");
        Files.writeString(manual.resolve("404.html"), "<base href='/manual/lix/'><a href='gone'></a>");
        Files.writeString(manual.resolve("toc.html"), "<base target='_parent'><a href='index.html'></a>");
        Files.writeString(manual.resolve("sub dir/index.html"), "<a href='../index.html#here'></a><base href='../'><a href='page.html'></a>");
        Files.writeString(manual.resolve("sub dir/page.html"), "<h1 id='a b'></h1><a href='page.html'></a><a href='..'></a>");
        // A base holds for the whole page (HTML, 4.2.3): there, ../index.html is above the manual.
        assertEquals(List.of("sub dir/index.html: the link '../index.html#here' leads out of the manual"), ManualLinks.dead(manual));

        Files.delete(manual.resolve("sub dir/index.html"));
        Files.writeString(manual.resolve("bad.html"), "<a href='gone.html'></a><img src='sub dir/none.png'><script src='Index.html'></script><a href='#nothing'></a><a href='page.html#Here'></a>"
                + "<a href='../manual/index.html'></a><a href='%00'></a><a href='50%'></a><iframe src='toc'></iframe><a href='gone.html'>again</a>");
        Files.writeString(manual.resolve("index.html"), "<p>");
        assertEquals(List.of("bad.html: the link 'gone.html' leads nowhere", "bad.html: the link '#nothing' leads to a part that bad.html does not have",
                "bad.html: the link 'page.html#Here' leads to a part that page.html does not have", "bad.html: the link '../manual/index.html' leads out of the manual",
                "bad.html: the link '%00' is no address", "bad.html: the link '50%' leads nowhere", "bad.html: the link 'sub dir/none.png' leads nowhere",
                "bad.html: the link 'Index.html' leads nowhere", "bad.html: the link 'toc' leads nowhere"), ManualLinks.dead(manual));
        StringBuilder many = new StringBuilder();
        for (int i = 0; i < 30; i++) {
            many.append("<a href='").append(i).append("'></a>");
        }
        Files.writeString(manual.resolve("bad.html"), many);
        assertEquals(21, ManualLinks.dead(manual).size());
    }

    private interface Packed {
        OutputStream of(OutputStream out) throws IOException;
    }

    private static byte[] pack(byte[] bytes, Packed packed) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (OutputStream in = packed.of(out)) {
            in.write(bytes);
        }
        return out.toByteArray();
    }

    private static byte[] tar(String name, byte[] bytes, String owner, String link) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (TarArchiveOutputStream tar = new TarArchiveOutputStream(out, "UTF-8")) {
            tar.setLongFileMode(TarArchiveOutputStream.LONGFILE_POSIX);
            TarArchiveEntry to = new TarArchiveEntry("link", TarArchiveEntry.LF_SYMLINK);
            to.setLinkName(link);
            tar.putArchiveEntry(to);
            tar.closeArchiveEntry();
            TarArchiveEntry entry = new TarArchiveEntry(name);
            entry.setSize(bytes.length);
            entry.setUserName(owner);
            tar.putArchiveEntry(entry);
            tar.write(bytes);
            tar.closeArchiveEntry();
        }
        return out.toByteArray();
    }

    private List<String> traces(Git git, Map<String, byte[]> files) throws IOException {
        Path artifacts = folder.resolve("artifacts");
        FileTree.remove(artifacts);
        Files.createDirectories(artifacts);
        for (Map.Entry<String, byte[]> file : files.entrySet()) {
            Files.write(artifacts.resolve(file.getKey()), file.getValue());
        }
        List<Nix.Job> jobs = List.of(new Nix.Job("build.x86_64-linux", "x86_64-linux", "/nix/store/" + "0".repeat(32) + "-lix-2.95.0.drv", new TreeMap<>()));
        return Traces.of(git, jobs, artifacts, "source.tar.gz");
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    @Test
    void namesOfTheMachineAreFoundInArchivesOfArchives() throws IOException {
        Checkout checkout = Checkout.empty(folder.resolve("schön")).with("HOME", "/home/jan").with("USER", "jan").with("LOGNAME", "root");
        try (Git git = Git.open(checkout.folder, checkout.env())) {
            String here = git.workTree().toString();
            byte[] leaks = bytes("x".repeat((1 << 18) - 5) + "\0/home/jan/src\0");
            byte[] image = pack(tar("layer.tar", tar("lib", pack(leaks, GZIPOutputStream::new), "root", ""), "root", ""), GZIPOutputStream::new);
            assertEquals(List.of(
                    "a.tar.xz: bin/nix names the home folder, /home/jan",
                    "b.tar.gz: layer.tar: lib names the home folder, /home/jan",
                    "c.zst names the checkout, " + here,
                    "d names a build's folder, /nix-build-lix-2.95.0.drv-",
                    "e: link names the home folder, /home/jan",
                    "f: doc belongs to jan:",
                    "g names the home folder, /home/jan"),
                    traces(git, Map.of("a.tar.xz", pack(tar("bin/nix", leaks, "root", ""), out -> new XZOutputStream(out, new LZMA2Options(0))), "b.tar.gz", image,
                            "c.zst", pack(bytes("in " + here), ZstdOutputStream::new), "d", bytes("at /tmp/nix-build-lix-2.95.0.drv-0/lix"),
                            "e", tar("doc", bytes("x"), "root", "/home/jan/doc"), "f", tar("doc", bytes("x"), "jan", ""), "g", bytes("/home/jan"),
                            "source.tar.gz", bytes("/home/jan"))));
            // Others of whose names these are a part, what only looks compressed, and what is cut off.
            assertEquals(List.of(), traces(git, Map.of("a", bytes("/home/jana /home/jan-2 x/home/jan /home /tmp/nix-build-lix-2.95.1.drv-0 jan"), "b",
                    bytes("y".repeat((1 << 18) - 3) + "/home/janosch"), "c", tar("bad.gz", new byte[] {0x1f, (byte) 0x8b, 8, 0, 1, 2, 3}, "root", "jan"), "d", bytes(""))));
        }
        try (Git git = Git.open(checkout.folder, checkout.with("HOME", "/root").with("USER", "root").env())) {
            assertEquals(List.of(), traces(git, Map.of("a", bytes("/root/.nix-profile"), "b", tar("root", bytes("x"), "root", "/root"))));
        }
    }
}
