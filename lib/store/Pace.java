package lib.store;

/**
 * How many requests at once are worth it. More than a near store can serve cost both sides processor
 * time and gain nothing; a far one wants all there may be. So it begins with few, and doubles as long
 * as that gets more done. Safe for threads.
 */
public final class Pace {

    private static final int FEW = 8;
    /** Doubling must do so much more: less is what a warming JVM gains by itself. */
    private static final double WORTH_IT = 1.3;
    /** What a request counts besides its bytes. */
    private static final long REQUEST_BYTES = 1 << 15;

    private final int most;
    private int limit;
    private int running;
    private boolean settled;
    private double before;
    private int requests;
    private long work;
    private long since = System.nanoTime();

    /** {@code most} is what it never goes beyond. */
    public Pace(int most) {
        this.most = most;
        this.limit = Math.min(FEW, most);
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
        if (running == 0 && requests == 0) {
            since = System.nanoTime();
        }
        running++;
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** A request has ended that sent so many bytes. */
    public synchronized void end(long bytes) {
        running--;
        requests++;
        work += REQUEST_BYTES + bytes;
        // Only while all that may run does: else the rate says nothing about the limit.
        if (running < limit - 1) {
            requests = 0;
            work = 0;
            since = System.nanoTime();
        } else if (!settled && requests >= 4 * limit) {
            judge();
        }
        notifyAll();
    }

    private void judge() {
        double rate = work / (double) (System.nanoTime() - since);
        if (rate > before * WORTH_IT) {
            settled = limit == most;
            limit = Math.min(most, limit * 2);
        } else {
            settled = true;
            limit = Math.max(Math.min(FEW, most), limit / 2);
        }
        before = rate;
        requests = 0;
        work = 0;
        since = System.nanoTime();
    }
}
