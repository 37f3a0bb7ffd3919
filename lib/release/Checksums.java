package lib.release;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import lib.base.Fault;
import lib.base.FileTree;

/** {@code FILE.sha256} beside each file: 64 hex digits, nothing else. */
public final class Checksums {

    private static final String SUFFIX = ".sha256";

    private Checksums() {
    }

    /** Writes those that a folder lacks, for the files directly in it. Throws Fault with those that are there and wrong. */
    public static void write(Path folder) throws IOException {
        List<String> faults = new ArrayList<>();
        for (Path file : FileTree.list(folder)) {
            if (file.toString().endsWith(SUFFIX)) {
                continue;
            }
            Path checksum = Path.of(file + SUFFIX);
            String digest = FileTree.sha256(file);
            if (!Files.exists(checksum)) {
                Files.writeString(checksum, digest);
            } else if (!Files.readString(checksum).equals(digest)) {
                faults.add(checksum.getFileName() + " says '" + Files.readString(checksum).strip() + "', the file is " + digest);
            }
        }
        if (!faults.isEmpty()) {
            throw Fault.failed("checksum files do not match their files", faults, "fix the job 'tarballs' and tag again");
        }
    }
}
