package lib.s3;

import java.util.concurrent.TimeUnit;
import lib.http.Pool;

/**
 * How many requests at once are worth it. A near store answers the later the more it is asked at once:
 * more than it can serve cost both sides processor time and gain nothing. A far one takes as long for
 * many as for one. So the first answer, which tells the distance, says where to begin; from there more are tried as long
 * as more are answered in the same time, and fewer where as many are. Safe for threads.
 */
public final class Pace {

    private static final int FEW = 8;
    /** Below it an answer tells of the store's processor and not of the way to it. */
    private static final double NEAR = TimeUnit.MILLISECONDS.toNanos(4);
    /** One request more for so much of the way: what a store takes for a small one, about. */
    private static final double EACH = TimeUnit.MICROSECONDS.toNanos(600);
    /** Answers that take so much longer than the soonest were waiting for each other. */
    private static final double QUEUED = 3;
    /** What is tried is kept when so many times as much is answered as before. */
    private static final double GAIN = 1.2;
    private static final double LOSS = 0.9;
    /** Rounds of answers until something else is tried: what is asked for changes, and so does the store. */
    private static final int SETTLED = 8;

    private final int most;
    private int limit;
    private int running;
    private long soonest = Long.MAX_VALUE;
    private long waited;
    private int answers;
    /** What the limit was before what is being tried, and what was answered then; 0 where nothing is. */
    private int before;
    private double rate;
    private int settled;

    /** {@code most} is what it never goes beyond. */
    public Pace(int most) {
        this.most = most;
        this.limit = Math.min(FEW, most);
    }

    /** So many there may be at present. */
    public synchronized int limit() {
        return limit;
    }

    /** Waits until one more request may begin. */
    public synchronized void begin() {
        boolean interrupted = false;
        while (running >= limit) {
            try {
                wait();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        running++;
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** A request has ended. */
    public synchronized void end() {
        running--;
        notify(); // one: all would wake for a single place
    }

    /** The answer to a request has begun. What is returned says that it was read, which counts where it is small. */
    public Runnable answered(Pool.Answer answer) {
        if (!answer.small()) {
            answered(answer.waited());
            return () -> { };
        }
        long begun = System.nanoTime();
        return () -> answered(answer.waited() + System.nanoTime() - begun);
    }

    /** The answer to a request began so many nanoseconds after its last byte was sent; a small one was there. */
    public synchronized void answered(long nanos) {
        boolean first = soonest == Long.MAX_VALUE;
        soonest = Math.min(soonest, nanos);
        if (first) {
            set(near() ? limit : (int) (soonest / EACH));
            return;
        }
        waited += nanos;
        if (++answers >= limit) {
            double average = waited / (double) answers;
            answers = 0;
            waited = 0;
            round(average);
        }
    }

    private boolean near() {
        return soonest <= NEAR;
    }

    // As many answers as there may be requests: so long all of them were asked with this limit.
    private void round(double average) {
        double now = limit / average; // answers in a nanosecond, when all that may be are on their way
        if (before > 0) {
            boolean kept = limit > before ? now >= rate * GAIN : now >= rate * LOSS;
            int tried = before;
            before = 0;
            if (!kept) {
                settled = SETTLED;
                set(tried);
                return;
            }
        } else if (settled-- > 0) {
            return;
        }
        rate = now;
        // Longer than all of ours would take one after the other: it is not each other that they wait for.
        boolean heldBack = average > Math.max(NEAR, limit * (double) soonest);
        int next = !heldBack && (average > soonest * QUEUED || near()) ? limit / 2 : limit * 2;
        int old = limit;
        set(next);
        before = limit == old ? 0 : old;
    }

    private void set(int next) {
        int old = limit;
        limit = Math.max(Math.min(FEW, most), Math.min(most, next));
        if (limit > old) {
            notifyAll();
        }
    }
}
