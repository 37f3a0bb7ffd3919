import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;

/** Where a benchmark keeps its files. */
final class Scratch {

    private Scratch() {
    }

    /**
     * A new folder; in memory, where there is room for so many bytes and the servers find the attributes they need: a
     * disk that is told of every file that was removed between two turns takes its time in the next, and that is
     * nobody's who is measured.
     */
    static Path folder(long room) throws IOException {
        Path memory = Path.of("/dev/shm");
        if (Files.isWritable(memory) && Files.getFileStore(memory).getUsableSpace() > room) {
            Path folder = Files.createTempDirectory(memory, "releng-bench");
            try {
                Files.setAttribute(folder, "user:releng", ByteBuffer.wrap(new byte[] {1}));
                return folder;
            } catch (IOException | UnsupportedOperationException e) {
                Files.delete(folder);
            }
        }
        return Files.createTempDirectory("releng-bench").toRealPath();
    }
}
