package lib.base;

import java.util.concurrent.atomic.AtomicLong;

/**
 * How far a step of many parts has come: redrawn on a terminal, elsewhere a plain line every few
 * seconds. Safe for threads.
 */
public final class Progress {

    private static final long TERMINAL_NANOS = 100_000_000L;
    private static final long PLAIN_NANOS = 5_000_000_000L;

    private final Console console;
    private final String what;
    private final long count;
    private final long bytes;
    private final long start = System.nanoTime();
    private final AtomicLong doneCount = new AtomicLong();
    private final AtomicLong doneBytes = new AtomicLong();
    private final AtomicLong shown = new AtomicLong(start);

    /** {@code count} parts with {@code bytes} bytes together. */
    public Progress(Console console, String what, long count, long bytes) {
        this.console = console;
        this.what = what;
        this.count = count;
        this.bytes = bytes;
    }

    /** Another part is done, with the rest of its bytes. */
    public void add(long partBytes) {
        doneCount.incrementAndGet();
        sent(partBytes);
    }

    /** Some bytes of a part are done; what is below nothing does not count. */
    public void sent(long someBytes) {
        doneBytes.addAndGet(Math.max(0, someBytes));
        long now = System.nanoTime();
        long last = shown.get();
        if (now - last > (console.terminal() ? TERMINAL_NANOS : PLAIN_NANOS) && shown.compareAndSet(last, now)) {
            if (console.terminal()) {
                console.redraw("    " + line(now));
            } else {
                console.say(line(now));
            }
        }
    }

    public long count() {
        return doneCount.get();
    }

    private String line(long now) {
        double seconds = (now - start) / 1e9;
        double rate = doneBytes.get() / seconds;
        String left = rate > 0 && bytes > 0 ? ", " + Math.round((bytes - doneBytes.get()) / rate) + " s left" : "";
        return what + ": " + doneCount + " of " + count + ", " + size(doneBytes.get()) + " of " + size(bytes) + ", " + size((long) rate) + "/s" + left;
    }

    /** Bytes for people, in powers of ten as disks and networks are sold. */
    public static String size(long bytes) {
        if (bytes < 1000) {
            return bytes + " B";
        }
        double value = bytes;
        String unit = "";
        for (String next : new String[] {"kB", "MB", "GB", "TB"}) {
            if (value < 1000) {
                break;
            }
            value /= 1000;
            unit = next;
        }
        return String.format(java.util.Locale.ROOT, value < 10 ? "%.1f %s" : "%.0f %s", value, unit);
    }
}
