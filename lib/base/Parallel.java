package lib.base;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Many things at once, on threads that keep no process alive. */
public final class Parallel {

    private Parallel() {
    }

    /** So many threads, under one name. */
    public static ExecutorService threads(int many, String name) {
        return Executors.newFixedThreadPool(many, work -> {
            Thread thread = new Thread(work, name);
            thread.setDaemon(true);
            return thread;
        });
    }

    /** What is done for each; may throw. */
    public interface Work<T> {
        void on(T one) throws IOException;
    }

    /** Ends when all have ended; throws what the first failed one threw. */
    public static <T> void forEach(Collection<T> all, int concurrency, Work<T> work) throws IOException {
        ExecutorService threads = threads(Math.max(1, Math.min(concurrency, all.size())), "work");
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
            throw Fault.failed("the run was interrupted", "a thread was stopped", "run again").from(e);
        } finally {
            threads.shutdownNow();
        }
    }
}
