package lib.base;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** What one process at a time may do. Held by the process, and gone with it however it ends; its file stays. */
public final class Lock implements AutoCloseable {

    // A lock of the kernel's is the process's: within it, closing the file anywhere gives it back.
    private static final Set<Path> OURS = ConcurrentHashMap.newKeySet();

    private final Path file;
    private final FileChannel channel;

    private Lock(Path file, FileChannel channel) {
        this.file = file;
        this.channel = channel;
    }

    /** Throws Fault (refused) at once where another run holds it; {@code doing} says what of, such as "an upload to live". */
    public static Lock take(Path file, String doing) {
        Path real = file;
        try {
            real = Files.createDirectories(file.toAbsolutePath().getParent()).toRealPath().resolve(file.getFileName());
            if (!OURS.add(real)) {
                throw held(real, doing, "this process");
            }
            FileChannel channel = FileChannel.open(real, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
            FileLock lock = channel.tryLock();
            if (lock == null) {
                String holder = Files.readString(real).strip();
                channel.close();
                OURS.remove(real);
                throw held(real, doing, holder.matches("[0-9]{1,20}") ? "process " + holder : "another process");
            }
            channel.truncate(0).write(java.nio.ByteBuffer.wrap((ProcessHandle.current().pid() + "\n").getBytes(java.nio.charset.StandardCharsets.US_ASCII)));
            return new Lock(real, channel);
        } catch (OverlappingFileLockException e) {
            throw held(real, doing, "this process");
        } catch (IOException e) {
            OURS.remove(real);
            throw Fault.failed("could not determine whether " + doing + " is in progress", file + ": " + e, "make it writable and run again").from(e);
        }
    }

    private static Fault held(Path file, String doing, String holder) {
        return Fault.refused(doing + " is in progress in this checkout", holder + " holds " + file, "wait for it to end, or end it, and run again");
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            // it ends with the process at the latest
        } finally {
            OURS.remove(file);
        }
    }
}
