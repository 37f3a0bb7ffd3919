package lib.oci;

import java.io.IOException;
import java.io.OutputStream;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.IntConsumer;
import lib.base.Parallel;

/**
 * A store's own thread: what it is asked for it does one after the other, and one that hangs holds up nobody else. A
 * blob's bytes come to it through a pipe of a few pieces. All methods are for one other thread, the one that reads.
 */
final class Lane implements AutoCloseable {

    /** Bytes of a piece, at most. */
    static final int PIECE = 1 << 16;
    /** Pieces on their way, at most: what a lane holds in memory. */
    private static final int PIECES = 32;
    private static final byte[] END = {};
    private static final byte[] BROKEN = {};

    final ImageStore store;
    private final ExecutorService thread = Parallel.threads(1, "images");
    private Turn turn = new Turn();

    Lane(ImageStore store) {
        this.store = store;
    }

    /** What a store is asked for. */
    interface Work {
        void run(Turn turn) throws IOException;
    }

    /** One thing a store does, as the store sees it. */
    static final class Turn {
        private final BlockingQueue<byte[]> pipe = new ArrayBlockingQueue<>(PIECES);
        private Future<?> running;
        private long moved = System.nanoTime();
        private boolean asked;
        private boolean ended;
        private Exception failure;

        /** Something has come of it: it does not hang. */
        synchronized void moved() {
            moved = System.nanoTime();
            notifyAll();
        }

        /** Hands over what is given to the lane, to its end; {@code sent} hears of each piece. */
        void pass(OutputStream out, IntConsumer sent) throws IOException {
            synchronized (this) {
                asked = true;
            }
            moved();
            try {
                for (byte[] piece = pipe.take(); piece != END; piece = pipe.take()) {
                    if (piece == BROKEN) {
                        throw new IOException("the rest of it did not arrive");
                    }
                    out.write(piece);
                    sent.accept(piece.length);
                    moved();
                }
            } catch (InterruptedException e) {
                throw new IOException("given up", e);
            }
        }

        private void run(Work work) {
            Exception thrown = null;
            try {
                work.run(this);
            } catch (IOException | RuntimeException e) {
                thrown = e;
            }
            synchronized (this) {
                ended = true;
                failure = failure == null ? thrown : failure;
            }
            pipe.clear(); // who waits to fill it waits for nobody
            moved();
        }

        private synchronized boolean over() {
            return ended || failure != null;
        }

        /** Whether it came about before it was given up: because nothing moved for so long. */
        private synchronized boolean await(boolean end, Duration patience) throws InterruptedException {
            while (!over() && (end || !asked)) {
                long left = moved + patience.toNanos() - System.nanoTime();
                if (left <= 0) {
                    return false;
                }
                wait(Math.max(1, TimeUnit.NANOSECONDS.toMillis(left)));
            }
            return true;
        }

        // It may be stuck where nothing wakes it until the server's time is over; what comes of it then is nobody's failure.
        private void giveUp(String why) {
            synchronized (this) {
                failure = failure == null ? new SocketTimeoutException(why) : failure;
            }
            running.cancel(true);
            breakOff();
        }

        private void breakOff() {
            pipe.clear();
            pipe.offer(BROKEN);
        }
    }

    /** Begins it, as soon as what was asked for before has ended. */
    void begin(Work work) {
        Turn next = new Turn();
        turn = next;
        next.running = thread.submit(() -> next.run(work));
    }

    /** How it failed, or was given up; null where it did not, or has not yet. */
    Exception failure() {
        synchronized (turn) {
            return turn.failure;
        }
    }

    /** Waits until it asks for bytes, and says whether it does; gives it up when nothing moves for so long. */
    boolean asks(Duration patience) {
        await(false, patience);
        synchronized (turn) {
            return turn.asked && !turn.over();
        }
    }

    /** Waits until it has ended; gives it up when nothing moves for so long. */
    void end(Duration patience) {
        await(true, patience);
    }

    private void await(boolean end, Duration patience) {
        try {
            if (!turn.await(end, patience)) {
                turn.giveUp(tired(patience));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            turn.giveUp("interrupted");
        }
    }

    /** Gives it a piece, which nobody changes afterwards; where it takes none for so long it is given up. */
    void give(byte[] piece, Duration patience) {
        try {
            if (!turn.over() && !turn.pipe.offer(piece, patience.toNanos(), TimeUnit.NANOSECONDS)) {
                turn.giveUp(tired(patience));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            turn.giveUp("interrupted");
        }
    }

    /** That was all. */
    void giveNoMore(Duration patience) {
        give(END, patience);
    }

    /** That was not all, but no more comes. */
    void breakOff() {
        turn.breakOff();
    }

    private static String tired(Duration patience) {
        return "nothing moved for " + patience.toMillis() / 1000.0 + " s, and others were waiting";
    }

    @Override
    public void close() {
        if (!turn.over()) {
            turn.breakOff();
        }
        thread.shutdownNow();
    }
}
