package lib.proof;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import lib.base.Console;
import lib.base.Fault;
import lib.http.Retry;
import lib.proof.Fetcher.NotThere;

/**
 * Asks a fetcher again when the network or the server fails, never when its answer is a clear one; and a server that
 * has failed with one thing after the other no more. Safe for threads.
 */
final class Fetching {

    private static final int ATTEMPTS = 5;
    private static final int SMALL = 8 << 20;
    /** A release.json tells of each store path: of hundreds of thousands. */
    private static final int DOCUMENT = 64 << 20;
    private static final String LOOK = "look at the network and the server, and run again";
    // Each of them has been waited for through all attempts.
    private static final int GIVEN_UP = 10;
    private static final Duration LONGEST = Duration.ofHours(1);
    private static final Duration POLL = Duration.ofSeconds(2);
    /** What is said of what the store has, and a public address does not show. */
    static final String LATE = "the store has it: a cache in between still serves its old answer";

    private final Fetcher fetcher;
    /** Of each server, how many things could not be read since one could. */
    private final Map<String, AtomicInteger> unread = new ConcurrentHashMap<>();

    private final Console console;
    private Duration patience = Duration.ZERO;
    private Instant began;
    private Instant until = Instant.MAX;

    Fetching(Fetcher fetcher, Console console) {
        this.fetcher = fetcher;
        this.console = console;
    }

    void patience(Duration patience) {
        this.patience = patience;
    }

    /** The same things without what stands in between and may show what was there before; empty where nothing does. */
    Optional<Fetching> behind(String role) {
        return fetcher.behind(role).map(store -> new Fetching(store, console));
    }

    /**
     * Waits a little; false once everybody has waited long enough for caches on the way: from the first time on for
     * the proof's patience, or as long as one of them says that it keeps an answer, but no more than an hour.
     */
    boolean waited(Duration kept) {
        if (patience.isZero()) {
            return false;
        }
        Instant now = Instant.now();
        synchronized (this) {
            if (began == null) {
                began = now;
                until = now.plus(patience);
                console.say("a public address does not show yet what the store has: waiting for the caches in between");
            }
            Instant longest = began.plus(LONGEST);
            Instant end = now.plus(kept).isAfter(longest) ? longest : now.plus(kept);
            until = !kept.isZero() && end.isAfter(until) ? end : until;
        }
        if (now.isAfter(until)) {
            return false;
        }
        try {
            // Asked again after a pause, because a cache on the way tells nobody when it drops its old answer.
            Thread.sleep(POLL.toMillis());
            return true;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw Fault.failed("the proof was interrupted", "a thread was stopped", "run again").from(e);
        }
    }

    /** The bytes stopped coming: what a decoder says of them says nothing. */
    static final class BrokenOff extends IOException {
        BrokenOff(IOException cause) {
            super(cause.getMessage() == null ? cause.toString() : cause.getMessage(), cause);
        }
    }

    /** Makes something of the bytes; may be called again, with all of them from the first. */
    interface Use<T> {
        T from(InputStream bytes) throws IOException;
    }

    private interface Request<T> {
        T send() throws IOException;
    }

    String name(String role, String key) {
        return fetcher.name(role, key);
    }

    /** Throws Fault when nothing can be fetched after several tries. */
    <T> T read(String role, String key, Use<T> use) throws NotThere {
        return awaited(role, key, () -> {
            try (InputStream in = new Source(fetcher.open(role, key))) {
                return use.from(in);
            }
        });
    }

    /** Size in bytes; throws as {@link #read}. */
    long size(String role, String key) throws NotThere {
        return awaited(role, key, () -> fetcher.size(role, key));
    }

    /** As {@link #size}, with when it was written. */
    Fetcher.Said said(String role, String key) throws NotThere {
        return awaited(role, key, () -> fetcher.said(role, key));
    }

    /** No more than so many of a thing's first bytes, in memory. Throws as {@link #read}. */
    byte[] first(int most, String role, String key) throws NotThere {
        return awaited(role, key, () -> fetcher.first(most, role, key));
    }

    /** A small thing's bytes. Throws as {@link #read}, and Fault for one of more than 8 MB. */
    byte[] small(String role, String key) throws NotThere {
        return bytes(SMALL, role, key);
    }

    private byte[] bytes(int most, String role, String key) throws NotThere {
        byte[] bytes = first(most + 1, role, key);
        if (bytes.length > most) {
            throw Fault.failed(name(role, key) + " is not what it should be", "it has more than " + most + " bytes", "find out who wrote it");
        }
        return bytes;
    }

    /** As {@link #small}; empty when there is none, and a Fault when only a cache on the way says so. */
    Optional<byte[]> find(String role, String key) {
        return find(SMALL, role, key);
    }

    /** A release.json's bytes: as {@link #find}, but of up to 64 MB. */
    Optional<byte[]> document(String role, String key) {
        return find(DOCUMENT, role, key);
    }

    private Optional<byte[]> find(int most, String role, String key) {
        try {
            return Optional.of(bytes(most, role, key));
        } catch (NotThere e) {
            if (e.getMessage().contains(LATE)) {
                throw Fault.failed(name(role, key) + " is not shown", e.getMessage(), LOOK); // it is there: nobody may take it for missing
            }
            return Optional.empty();
        }
    }

    private <T> T awaited(String role, String key, Request<T> request) throws NotThere {
        while (true) {
            try {
                return answered(name(role, key), request);
            } catch (NotThere e) {
                if (!isBehind(role, key)) {
                    throw e;
                }
                if (!waited(e.kept)) {
                    throw new NotThere(e.getMessage() + ", and " + LATE);
                }
            }
        }
    }

    private boolean isBehind(String role, String key) {
        try {
            return fetcher.behind(role).isPresent() && fetcher.behind(role).get().size(role, key) >= 0;
        } catch (IOException e) {
            return false;
        }
    }

    private <T> T answered(String name, Request<T> request) throws NotThere {
        String server = name.startsWith("s3:") ? "the object store" : name.replaceFirst("(?<=://)([^/]*).*", "$1");
        AtomicInteger failed = unread.computeIfAbsent(server, s -> new AtomicInteger());
        if (failed.get() >= GIVEN_UP) {
            throw Fault.failed(server + " is not asked again", "it could not be read " + GIVEN_UP + " times", LOOK);
        }
        try {
            T answer = again(name, request);
            failed.set(0);
            return answer;
        } catch (NotThere e) {
            failed.set(0);
            throw e;
        } catch (Fault fault) {
            failed.incrementAndGet();
            throw fault;
        }
    }

    private static <T> T again(String name, Request<T> request) throws NotThere {
        for (int attempt = 1; ; attempt++) {
            try {
                return request.send();
            } catch (NotThere e) {
                throw e;
            } catch (IOException e) {
                if (attempt == ATTEMPTS) {
                    throw Fault.failed(name + " cannot be read", Retry.told(e) + ", " + attempt + " times", LOOK).from(e);
                }
                pause(attempt);
            }
        }
    }

    private static void pause(int attempt) {
        try {
            // The pause is the point, so that a server in trouble is left alone: twice as long each time, and never in step with others that failed.
            Thread.sleep(ThreadLocalRandom.current().nextLong(50, 150L << attempt));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw Fault.failed("the proof was interrupted", "a thread was stopped", "run again").from(e);
        }
    }

    /** Tells a broken connection from broken content: decoders throw IOException too. */
    private static final class Source extends FilterInputStream {
        Source(InputStream in) {
            super(in);
        }

        @Override
        public int read() throws IOException {
            try {
                return in.read();
            } catch (IOException e) {
                throw new BrokenOff(e);
            }
        }

        @Override
        public int read(byte[] into, int offset, int length) throws IOException {
            try {
                return in.read(into, offset, length);
            } catch (IOException e) {
                throw new BrokenOff(e);
            }
        }
    }
}
