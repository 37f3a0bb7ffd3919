import java.util.ArrayDeque;
import java.util.Deque;

/** What is to be ended and removed, last come first: at the end, and on Ctrl-C just as well. */
final class Cleanup implements AutoCloseable {

    private final Deque<AutoCloseable> things = new ArrayDeque<>();
    private final Thread hook = new Thread(this::closeAll, "cleanup");

    Cleanup() {
        Runtime.getRuntime().addShutdownHook(hook);
    }

    synchronized <T extends AutoCloseable> T add(T thing) {
        things.push(thing);
        return thing;
    }

    @Override
    public void close() {
        closeAll();
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            // we are being ended, and the hook is waiting or finds nothing left
        }
    }

    private synchronized void closeAll() {
        while (!things.isEmpty()) {
            AutoCloseable thing = things.pop();
            try {
                thing.close();
            } catch (Exception e) {
                System.err.println("left behind: " + e.getMessage());
            }
        }
    }
}
