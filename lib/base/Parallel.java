package lib.base;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** The same question to many at once. */
public final class Parallel {

    private Parallel() {
    }

    /** What is done for each; may throw. */
    public interface Work<T> {
        void on(T one) throws IOException;
    }

    /** Ends when all have ended; throws what the first failed one threw. */
    public static <T> void forEach(Collection<T> all, int concurrency, Work<T> work) throws IOException {
        ExecutorService threads = Executors.newFixedThreadPool(Math.max(1, Math.min(concurrency, all.size())));
        try {
            List<Future<?>> running = new ArrayList<>();
            all.forEach(one -> running.add(threads.submit(() -> {
                work.on(one);
                return null;
            })));
            for (Future<?> one : running) {
                one.get();
            }
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RuntimeException cause) {
                throw cause;
            }
            if (e.getCause() instanceof IOException cause) {
                throw cause;
            }
            throw new IllegalStateException(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        } finally {
            threads.shutdownNow();
        }
    }
}
