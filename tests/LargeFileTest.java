import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import lib.base.FileTree;
import lib.s3.ObjectStore;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;

/** A large file against little memory. */
class LargeFileTest {

    @TempDir
    Path root;

    /** ENDPOINT FILE SHA256: sends the file, and says the peak of the resident memory in kB. */
    static final class Sender {
        public static void main(String[] args) throws IOException {
            try (ObjectStore store = ObjectStore.connect(URI.create(args[0]), "local",
                    StaticCredentialsProvider.create(AwsBasicCredentials.create("id", "secret")))) {
                store.put("bucket", "large", Path.of(args[1]), args[2], "no-cache");
            }
            System.out.println(Files.readAllLines(Path.of("/proc/self/status")).stream().filter(line -> line.startsWith("VmHWM"))
                    .findFirst().orElseThrow().replaceAll("[^0-9]", ""));
        }
    }

    @Test
    void aFileManyTimesItsMemoryIsSentInAQuarterOfAGigabyte() throws Exception {
        assumeTrue(Files.exists(Path.of("/proc/self/status")), "there is no /proc");
        long size = Boolean.getBoolean("releng.slow") ? 2L << 30 : 640L << 20;
        Path file = root.resolve("large");
        try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
            sparse.setLength(size);
        }
        String sha256 = FileTree.sha256(file);
        try (Faulty faulty = new Faulty(URI.create("http://127.0.0.1:1"), (request, count) -> request.method().equals("HEAD")
                ? "200\r\nx-amz-meta-sha256: " + sha256 + "\r\nContent-Length: " + size : "s3")) {
            Process sender = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Xmx96m", "-cp",
                    System.getProperty("java.class.path"), "-Dslf4j.provider=org.slf4j.nop.NOPServiceProvider", Sender.class.getName(),
                    faulty.endpoint().toString(), file.toString(), sha256).redirectError(ProcessBuilder.Redirect.INHERIT).start();
            String peak = new String(sender.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
            assertEquals(0, sender.waitFor());
            assertEquals(size, faulty.partBytes());
            assertTrue(Long.parseLong(peak) < 256 << 10, peak + " kB");
        }
    }
}
