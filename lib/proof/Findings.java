package lib.proof;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import lib.base.Fault;
import lib.base.Parallel;

/** What one part of a proof has found. Safe for threads. */
public final class Findings {

    /** A check of one thing; what it throws is a failure of the proof. */
    public interface Check<T> {
        void on(T one) throws Exception;
    }

    // A store that is down is told of some times, not once for every object.
    private static final int UNREADABLE = 10;

    private final Set<String> failures = new LinkedHashSet<>();
    private final List<String> unproven = new ArrayList<>();
    private final Set<String> remedies = new LinkedHashSet<>();
    private final AtomicInteger unreadable = new AtomicInteger();
    private final AtomicLong proved = new AtomicLong();
    private final int concurrency;

    Findings(int concurrency) {
        this.concurrency = concurrency;
    }

    /** What was published is not what was built: a sentence that names the place, what is there and what should be. */
    public synchronized void failure(String sentence) {
        failures.add(sentence);
    }

    /** What could not be checked, and why: no failure, but no proof either. */
    public synchronized void unproven(String sentence) {
        unproven.add(sentence);
    }

    /** What to do about the failures of a kind, in words of its own. */
    public synchronized void remedy(String sentence) {
        remedies.add(sentence);
    }

    /** One more thing was looked at and is right. */
    public void proved() {
        proved.incrementAndGet();
    }

    synchronized List<String> failures() {
        return List.copyOf(failures);
    }

    synchronized List<String> unproven() {
        return List.copyOf(unproven);
    }

    synchronized Set<String> remedies() {
        return Set.copyOf(remedies);
    }

    long count() {
        return proved.get();
    }

    /** Checks all, several at once, and ends when all have ended; every failure is kept. */
    public <T> void each(Collection<T> all, Check<T> check) {
        try {
            Parallel.forEach(all, concurrency, one -> one(one, check));
        } catch (IOException e) {
            throw new UncheckedIOException(e); // none is thrown there
        }
        if (unreadable.get() > UNREADABLE) {
            failure("after " + UNREADABLE + " failures to read, the others were not asked for");
            unreadable.set(0);
        }
    }

    private <T> void one(T one, Check<T> check) {
        if (unreadable.get() > UNREADABLE) {
            return;
        }
        try {
            check.on(one);
        } catch (Fault fault) {
            if (unreadable.incrementAndGet() <= UNREADABLE) {
                failure(fault.getMessage());
            }
        } catch (Exception e) {
            failure(one + ": " + e);
        }
    }
}
