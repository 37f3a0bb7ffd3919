package lib.git;

import com.jcraft.jzlib.Deflater;
import com.jcraft.jzlib.GZIPOutputStream;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.Map;
import lib.base.FileTree;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.compress.archivers.tar.TarConstants;

/** Archives whose bytes depend on their content alone. */
public final class Archives {

    private Archives() {
    }

    /**
     * A gzip stream (RFC 1952) without name or time. The deflater is one written in Java: Java's own
     * is whichever zlib the machine brings, and those differ in the bytes they choose.
     */
    public static OutputStream gzip(OutputStream out) throws IOException {
        int gzipWrapper = 16;
        return new GZIPOutputStream(new BufferedOutputStream(out, 1 << 16), new Deflater(9, 15 + gzipWrapper), 1 << 16, true);
    }

    /** A file, gzipped. */
    public static void gzip(Path file, Path target) throws IOException {
        try (OutputStream gzip = gzip(Files.newOutputStream(target))) {
            Files.copy(file, gzip);
        }
    }

    /** A folder's files below {@code prefix} as .tar.gz: sorted, owner 0, modes 644 and 755, the given time in seconds. */
    public static void folder(Path folder, String prefix, long time, Path target) throws IOException {
        try (OutputStream gzip = gzip(Files.newOutputStream(target));
                TarArchiveOutputStream tar = new TarArchiveOutputStream(gzip, "UTF-8")) {
            tar.setLongFileMode(TarArchiveOutputStream.LONGFILE_POSIX);
            tar.setBigNumberMode(TarArchiveOutputStream.BIGNUMBER_POSIX);
            tar.setAddPaxHeadersForNonAsciiNames(true);
            for (Map.Entry<String, Path> file : FileTree.files(folder).entrySet()) {
                TarArchiveEntry entry = new TarArchiveEntry(prefix + file.getKey(), TarConstants.LF_NORMAL);
                entry.setSize(Files.size(file.getValue()));
                entry.setMode(Files.getPosixFilePermissions(file.getValue()).contains(PosixFilePermission.OWNER_EXECUTE) ? 0755 : 0644);
                entry.setModTime(time * 1000);
                tar.putArchiveEntry(entry);
                try (InputStream in = Files.newInputStream(file.getValue())) {
                    in.transferTo(tar);
                }
                tar.closeArchiveEntry();
            }
        }
    }
}
