package lib.proof;

import com.github.luben.zstd.ZstdInputStreamNoFinalizer;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import lib.base.Measured;
import lib.nix.Base32;
import lib.nix.Narinfo;
import lib.proof.Fetching.BrokenOff;
import org.apache.commons.io.input.BoundedInputStream;
import org.apache.commons.io.input.CloseShieldInputStream;
import org.tukaani.xz.XZInputStream;

/** A compressed NAR against its narinfo: both digests and both sizes in one pass, whatever its size. */
final class Nar {

    static final Set<String> COMPRESSIONS = Set.of("zstd", "xz", "none");

    // What xz -9 needs to unpack; a file cannot make us take more.
    private static final int XZ_KIB = 80 << 10;

    private Nar() {
    }

    /**
     * What is wrong with the file; empty when nothing is. Reads and unpacks no more than the
     * narinfo promises. Throws IOException only when the bytes cannot be read.
     */
    static List<String> faults(Narinfo narinfo, InputStream file) throws IOException {
        // Bounded below the decoder, too: blocks that unpack to nothing may go on for ever.
        Measured packed = new Measured();
        InputStream bounded = packed.reading(BoundedInputStream.builder().setInputStream(file).setMaxCount(narinfo.fileSize() + 1).get());
        List<String> inner = unpack(narinfo, bounded);
        bounded.transferTo(OutputStream.nullOutputStream());
        if (packed.size() > narinfo.fileSize()) {
            return List.of("it is longer than the narinfo's FileSize " + narinfo.fileSize());
        }
        List<String> faults = new ArrayList<>();
        if (packed.size() != narinfo.fileSize()) {
            faults.add("it has " + packed.size() + " bytes, the narinfo's FileSize is " + narinfo.fileSize());
        }
        String hash = hash(packed);
        if (!hash.equals(narinfo.fileHash())) {
            faults.add("its hash is " + hash + ", the narinfo's FileHash is " + narinfo.fileHash());
        }
        faults.addAll(inner);
        return faults;
    }

    private static List<String> unpack(Narinfo narinfo, InputStream packed) throws IOException {
        try (InputStream unpacked = decoder(narinfo.compression(), packed)) {
            Measured nar = Measured.of(unpacked, narinfo.narSize());
            if (nar.size() > narinfo.narSize()) {
                return List.of("the NAR is longer than the narinfo's NarSize " + narinfo.narSize());
            }
            List<String> faults = new ArrayList<>();
            if (nar.size() < narinfo.narSize()) {
                faults.add("the NAR has " + nar.size() + " bytes, the narinfo's NarSize is " + narinfo.narSize());
            }
            String hash = hash(nar);
            if (!hash.equals(narinfo.narHash())) {
                faults.add("the NAR's hash is " + hash + ", the narinfo's NarHash is " + narinfo.narHash());
            }
            return faults;
        } catch (BrokenOff e) {
            throw e;
        } catch (IOException e) {
            return List.of("it cannot be unpacked as " + narinfo.compression() + ": " + (e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage()));
        }
    }

    private static InputStream decoder(String compression, InputStream file) throws IOException {
        InputStream open = CloseShieldInputStream.wrap(file);
        return switch (compression) {
            case "zstd" -> new ZstdInputStreamNoFinalizer(open);
            case "xz" -> new XZInputStream(open, XZ_KIB);
            case "none" -> open;
            default -> throw new IllegalArgumentException(compression);
        };
    }

    private static String hash(Measured measured) {
        return "sha256:" + Base32.encode(measured.sha256());
    }
}
