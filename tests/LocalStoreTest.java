import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import lib.base.Fault;
import lib.s3.ObjectStore;
import lib.s3.local.LocalStore;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;

/** The embedded object store, killed and started again. */
class LocalStoreTest {

    @TempDir
    Path folder;

    private static AwsCredentialsProvider keys(String id, String secret) {
        return StaticCredentialsProvider.create(AwsBasicCredentials.create(id, secret));
    }

    @Test
    void whatAKilledServerWasWritingIsNoObjectAfterwards() throws Exception {
        Path buckets = Files.createDirectories(folder.resolve("buckets"));
        Path whole = Files.writeString(folder.resolve("whole"), "whole");
        Process server = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-XX:TieredStopAtLevel=1",
                "-Dslf4j.provider=org.slf4j.nop.NOPServiceProvider", "-cp", System.getProperty("java.class.path"), "lib.s3.local.LocalStore",
                buckets.toString(), "bucket").redirectError(ProcessBuilder.Redirect.DISCARD).start();
        try (Stalled request = new Stalled()) {
            List<String> said = server.inputReader().lines().limit(3).toList();
            try (ObjectStore store = ObjectStore.connect(request.begin(URI.create(said.get(0))), "local", keys(said.get(1), said.get(2)))) {
                Path half = Files.write(folder.resolve("half"), new byte[2 << 20]);
                Thread put = new Thread(() -> assertThrows(Fault.class, () -> store.put("bucket", "half", half, "max-age=1")));
                put.setDaemon(true);
                put.start();
                for (long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30); files(buckets).isEmpty(); Thread.onSpinWait()) {
                    if (System.nanoTime() > end) {
                        throw new AssertionError("the server writes nothing");
                    }
                }
                server.destroyForcibly().waitFor();
            }
        } finally {
            server.destroyForcibly();
        }
        assertEquals(1, files(buckets).size());
        try (LocalStore again = new LocalStore(buckets, "bucket");
                ObjectStore store = ObjectStore.connect(again.endpoint(), "local", keys(again.id(), again.secret()))) {
            store.put("bucket", "whole", whole, "max-age=1");
            assertEquals(List.of("whole"), List.copyOf(store.list("bucket", "").keySet()));
        }
    }

    private static List<Path> files(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            return files.filter(Files::isRegularFile).toList();
        }
    }

    /** Passes on the first half of a request's body, and no more. */
    private static final class Stalled implements AutoCloseable {
        private final java.net.ServerSocket listening = new java.net.ServerSocket(0, 10, java.net.InetAddress.getLoopbackAddress());

        Stalled() throws IOException {
        }

        URI begin(URI server) {
            FaultProxy.start(() -> {
                try (Socket client = listening.accept(); Socket upstream = new Socket(server.getHost(), server.getPort())) {
                    upstream.getOutputStream().write(client.getInputStream().readNBytes(1 << 20));
                    client.getInputStream().transferTo(java.io.OutputStream.nullOutputStream());
                    upstream.getInputStream().read();
                }
            });
            return URI.create("http://127.0.0.1:" + listening.getLocalPort());
        }

        @Override
        public void close() throws IOException {
            listening.close();
        }
    }
}
