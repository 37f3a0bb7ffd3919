package lib.nix;

import com.github.luben.zstd.Zstd;
import com.github.luben.zstd.ZstdOutputStreamNoFinalizer;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.TreeSet;
import java.util.stream.Collectors;
import lib.base.Fault;
import lib.base.Measured;

/**
 * The compressed NAR of store paths.
 *
 * @param fileHash {@code sha256:} and Nix's base 32
 * @param fileSize in bytes
 */
public record PackedNar(String fileHash, long fileSize) {

    // What libarchive, and so Nix, takes when nothing else is said.
    private static final int LEVEL = 3;
    /** Bytes of a NAR that is worth more than one core. Always so, as it has other bytes then. */
    private static final long PARALLEL = 32 << 20;

    /** Where it lies below a cache. */
    public String url() {
        return "nar/" + fileHash.substring("sha256:".length()) + ".nar.zst";
    }

    /** Compresses a path's NAR into a file. Throws Fault when the path is not, or no longer, what Nix's database says. */
    public static PackedNar pack(Nix.PathInfo path, Path file) throws IOException {
        try (Measured packed = new Measured(Files.newOutputStream(file))) {
            String narHash;
            try (ZstdOutputStreamNoFinalizer zstd = new ZstdOutputStreamNoFinalizer(packed, LEVEL)) {
                if (path.narSize() >= PARALLEL) {
                    zstd.setWorkers(Runtime.getRuntime().availableProcessors());
                }
                Measured nar = new Measured(zstd);
                BufferedOutputStream out = new BufferedOutputStream(nar, 1 << 16);
                StoreNar.write(Path.of(path.path()), out);
                out.flush();
                narHash = hash(nar);
            }
            if (!narHash.equals(Base32.narinfoHash(path.narHash()))) {
                throw Fault.failed(path.path() + " is not what Nix's database says",
                        "its NAR has the hash " + narHash + ", the database says " + Base32.narinfoHash(path.narHash()),
                        "repair the store (nix-store --verify --check-contents --repair), and run again; nothing of the path was published");
            }
            return new PackedNar(hash(packed), packed.size());
        }
    }

    /** Bytes that are few as one frame of zstd, with their size in its header. */
    public static byte[] compressed(byte[] bytes) {
        return Zstd.compress(bytes, LEVEL);
    }

    /** The narinfo of a path that this is the NAR of, signed by nobody but whom it is already. */
    public String narinfo(Nix.PathInfo path, Provenance provenance, Collection<String> signatures) {
        StringBuilder text = new StringBuilder();
        line(text, "StorePath", path.path());
        line(text, "URL", url());
        line(text, "Compression", "zstd");
        line(text, "FileHash", fileHash);
        line(text, "FileSize", Long.toString(fileSize));
        line(text, "NarHash", Base32.narinfoHash(path.narHash()));
        line(text, "NarSize", Long.toString(path.narSize()));
        line(text, "References", path.references().stream().map(reference -> Path.of(reference).getFileName().toString()).sorted()
                .collect(Collectors.joining(" ")));
        provenance.deriver().ifPresent(deriver -> line(text, "Deriver", deriver));
        TreeSet<String> all = new TreeSet<>(provenance.signatures());
        all.addAll(signatures);
        all.forEach(signature -> line(text, "Sig", signature));
        provenance.ca().ifPresent(ca -> line(text, "CA", ca));
        return text.toString();
    }

    private static void line(StringBuilder text, String key, String value) {
        text.append(key).append(": ").append(value).append('\n');
    }

    private static String hash(Measured measured) {
        return "sha256:" + Base32.encode(measured.sha256());
    }
}
