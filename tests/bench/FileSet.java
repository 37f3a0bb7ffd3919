import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;
import lib.base.FileTree;

/** Files as a release has them, the same in every run; the sizes by the path in the folder. */
record FileSet(String name, Path folder, SortedMap<String, Long> sizes) {

    static final List<String> NAMES = List.of("small", "large", "cache");

    /** Writes a set into a folder of its own; {@code quick} makes a small one that only shows that all works. */
    static FileSet make(String name, Path parent, boolean quick) throws IOException {
        Writer writer = new Writer(parent.resolve(name));
        switch (name) {
            case "small" -> writer.manual(quick ? 60 : 1500);
            case "large" -> writer.tarballs(quick ? 2 : 4, (quick ? 3 : 40) * 1_000_000);
            case "cache" -> writer.cache(quick ? 20 : 800, quick ? 1 << 18 : 1 << 23);
            default -> throw new IllegalArgumentException(name);
        }
        return new FileSet(name, writer.folder, writer.sizes);
    }

    long bytes() {
        return sizes.values().stream().mapToLong(Long::longValue).sum();
    }

    @Override
    public String toString() {
        return String.format(Locale.ROOT, "%s (%,d files, %.1f MB)", name, sizes.size(), bytes() / 1e6);
    }

    private static final class Writer {
        private static final String BASE32 = "0123456789abcdfghijklmnpqrsvwxyz";

        private final Path folder;
        private final SortedMap<String, Long> sizes = new TreeMap<>();
        private final Random random = new Random(2026);

        Writer(Path folder) {
            this.folder = folder;
        }

        // About 12 KB each, in the folders of a manual.
        void manual(int count) throws IOException {
            for (int i = 0; i < count; i++) {
                file(String.format("manual/chapter-%02d/page-%04d.html", i % 20, i), bytes(6_000 + random.nextInt(12_000)));
            }
        }

        void tarballs(int count, int size) throws IOException {
            for (int i = 0; i < count; i++) {
                String name = "kettle-1.2.0-system" + i + ".tar.xz";
                file(name, bytes(size));
                for (String algorithm : List.of("SHA-1", "SHA-256", "SHA-512")) {
                    String digest = FileTree.digest(algorithm, folder.resolve(name));
                    file(name + "." + algorithm.toLowerCase(Locale.ROOT).replace("-", ""), (digest + "\n").getBytes(StandardCharsets.UTF_8));
                }
            }
        }

        // Sizes from 1 KB to the largest by their logarithm, squared towards the small ones as in a
        // real closure: 800 are about 400 MB, where an even spread would be 745.
        void cache(int count, int largest) throws IOException {
            for (int i = 0; i < count; i++) {
                String hash = word(32);
                String nar = "nar/" + word(52) + ".nar.zst";
                int size = (int) (1024 * Math.pow(largest / 1024.0, Math.pow(random.nextDouble(), 2)));
                file(nar, bytes(size));
                file(hash + ".narinfo", ("StorePath: /nix/store/" + hash + "-part-" + i + "\nURL: " + nar + "\nCompression: zstd\nFileHash: sha256:"
                        + word(52) + "\nFileSize: " + size + "\nNarHash: sha256:" + word(52) + "\nNarSize: " + 3L * size + "\nReferences: "
                        + word(32) + "-libc " + word(32) + "-bash\nSig: cache.example.org:" + word(86) + "==\n").getBytes(StandardCharsets.UTF_8));
            }
        }

        private void file(String path, byte[] content) throws IOException {
            Path file = folder.resolve(path);
            Files.createDirectories(file.getParent());
            Files.write(file, content);
            sizes.put(path, (long) content.length);
        }

        private byte[] bytes(int size) {
            byte[] bytes = new byte[size];
            random.nextBytes(bytes);
            return bytes;
        }

        private String word(int length) {
            StringBuilder word = new StringBuilder();
            random.ints(length, 0, 32).forEach(digit -> word.append(BASE32.charAt(digit)));
            return word.toString();
        }
    }
}
