package lib.s3;

import java.util.concurrent.TimeUnit;

/**
 * How many requests at once are worth it. A near store answers the later the more it is asked at once:
 * more than it can serve cost both sides processor time and gain nothing. A far one takes as long for
 * many as for one, and then there may be as many as allowed. So it begins with few, and doubles as long
 * as answers come about as soon as the soonest. Safe for threads.
 */
public final class Pace {

    private static final int FEW = 8;
    /** Answers that take so much longer than the soonest were waiting for each other. */
    private static final double QUEUED = 1.6;
    /** Below it an answer tells of the store's processor and not of the way to it. */
    private static final double NEAR = TimeUnit.MILLISECONDS.toNanos(4);

    private final int most;
    private int limit;
    private int running;
    private long soonest = Long.MAX_VALUE;
    private long waited;
    private int answers;

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

    /** The answer to a request began so many nanoseconds after its last byte was sent. */
    public synchronized void answered(long nanos) {
        soonest = Math.min(soonest, nanos);
        waited += nanos;
        if (++answers >= limit && limit < most) {
            if (soonest > NEAR && waited / (double) answers < soonest * QUEUED) {
                limit = Math.min(most, limit * 2);
                notifyAll();
            }
            answers = 0;
            waited = 0;
        }
    }
}
