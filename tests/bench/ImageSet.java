import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import lib.oci.BuiltImage;
import lib.oci.DockerArchive;
import lib.oci.ParallelGzip;
import lib.release.BuiltRelease;
import lib.release.Version;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;

/** A release of nothing but images, the same in every run of one Java, each of some layers full of programs. */
record ImageSet(String name, Path release, BuiltRelease built, double seconds) {

    private static final int LAYERS = 8;

    /** Writes a release for so many platforms; {@code seconds} is what reading one image costs, as build does it. */
    static ImageSet make(String name, Path release, List<String> architectures, int megabytes) throws IOException {
        List<BuiltImage> images = new ArrayList<>();
        Files.createDirectories(release);
        double seconds = 0;
        for (String architecture : architectures) {
            String file = "image-" + architecture + ".tar.gz";
            write(release.resolve(file), architecture, megabytes * 1_000_000L / LAYERS);
            long start = System.nanoTime();
            images.add(DockerArchive.read(release.resolve(file)).built(file, architecture + "-linux"));
            seconds = (System.nanoTime() - start) / 1e9;
        }
        BuiltRelease built = new BuiltRelease("all", Version.of("1.2.0"), "Bench", true, "0".repeat(40), Optional.empty(), "x86_64-linux", "all",
                BuiltRelease.measure(release), images, List.of());
        Files.write(release.resolve(BuiltRelease.FILE), built.json());
        return new ImageSet(name, release, built, seconds);
    }

    @Override
    public String toString() {
        long bytes = built.images().stream().flatMap(image -> image.layers().stream()).mapToLong(BuiltImage.Layer::size).sum();
        long sent = built.images().stream().flatMap(image -> image.layers().stream()).mapToLong(BuiltImage.Layer::blobSize).sum();
        return String.format(java.util.Locale.ROOT, "%s (%d images, %d layers each, %.0f MB, compressed %.0f MB)", name, built.images().size(), LAYERS, bytes / 1e6, sent / 1e6);
    }

    private static void write(Path file, String architecture, long layerBytes) throws IOException {
        try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(file));
                ParallelGzip gzip = new ParallelGzip(out, Runtime.getRuntime().availableProcessors());
                TarArchiveOutputStream tar = new TarArchiveOutputStream(gzip)) {
            List<String> diffIds = new ArrayList<>();
            List<String> names = new ArrayList<>();
            for (int i = 0; i < LAYERS; i++) {
                Path layer = Files.createTempFile(file.getParent(), "layer", ".tar");
                layer(layer, architecture + i, layerBytes);
                names.add("\"layer" + i + ".tar\"");
                diffIds.add("\"sha256:" + lib.base.FileTree.sha256(layer) + "\"");
                TarArchiveEntry entry = new TarArchiveEntry("layer" + i + ".tar");
                entry.setSize(Files.size(layer));
                tar.putArchiveEntry(entry);
                try (InputStream in = new BufferedInputStream(Files.newInputStream(layer))) {
                    in.transferTo(tar);
                }
                tar.closeArchiveEntry();
                Files.delete(layer);
            }
            entry(tar, "config.json", "{\"architecture\": \"" + architecture + "\", \"os\": \"linux\", \"config\": {}, \"rootfs\": {\"type\": \"layers\", \"diff_ids\": ["
                    + String.join(", ", diffIds) + "]}}");
            entry(tar, "manifest.json", "[{\"Config\": \"config.json\", \"RepoTags\": [\"bench:1\"], \"Layers\": [" + String.join(", ", names) + "]}]");
            tar.finish();
            gzip.finish();
        }
    }

    private static void entry(TarArchiveOutputStream tar, String name, String text) throws IOException {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        TarArchiveEntry entry = new TarArchiveEntry(name);
        entry.setSize(bytes.length);
        tar.putArchiveEntry(entry);
        tar.write(bytes);
        tar.closeArchiveEntry();
    }

    // What every machine has that runs this, and what images are full of: programs. Each layer begins at another place in them.
    private static void layer(Path file, String seed, long bytes) throws IOException {
        Path programs = Path.of(System.getProperty("java.home"), "lib/modules");
        try (TarArchiveOutputStream tar = new TarArchiveOutputStream(new BufferedOutputStream(Files.newOutputStream(file)))) {
            TarArchiveEntry entry = new TarArchiveEntry("nix/store/0123456789abcdfghijklmnpqrsvwxyz-" + seed + "/bin/program");
            entry.setSize(bytes);
            tar.putArchiveEntry(entry);
            byte[] some = new byte[1 << 16];
            long skip = Math.floorMod(seed.hashCode() * 7_919_000L, Files.size(programs));
            for (long left = bytes; left > 0; skip = 0) {
                try (InputStream in = Files.newInputStream(programs)) {
                    in.skipNBytes(skip);
                    for (int read = 1; left > 0 && (read = in.read(some, 0, (int) Math.min(left, some.length))) > 0; left -= read) {
                        tar.write(some, 0, read);
                    }
                }
            }
            tar.closeArchiveEntry();
            tar.finish();
        }
    }
}
