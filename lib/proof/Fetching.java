package lib.proof;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import lib.Fault;
import lib.proof.Fetcher.NotThere;

/** Asks a fetcher again when the network or the server fails, never when its answer is a clear one. */
record Fetching(Fetcher fetcher) {

    private static final int ATTEMPTS = 5;
    private static final int SMALL = 8 << 20;

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
        return again(name(role, key), () -> {
            try (InputStream in = new Source(fetcher.open(role, key))) {
                return use.from(in);
            }
        });
    }

    /** Size in bytes; throws as {@link #read}. */
    long size(String role, String key) throws NotThere {
        return again(name(role, key), () -> fetcher.size(role, key));
    }

    /** A small thing's bytes. Throws as {@link #read}, and Fault for one of more than 8 MB. */
    byte[] small(String role, String key) throws NotThere {
        byte[] bytes = read(role, key, in -> in.readNBytes(SMALL + 1));
        if (bytes.length > SMALL) {
            throw Fault.failed(name(role, key) + " is not what it should be", "it has more than " + SMALL + " bytes", "find out who wrote it");
        }
        return bytes;
    }

    /** As {@link #small}; empty when there is none. */
    Optional<byte[]> find(String role, String key) {
        try {
            return Optional.of(small(role, key));
        } catch (NotThere e) {
            return Optional.empty();
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
                    String why = e.getMessage() == null ? e.toString() : e.getMessage();
                    throw Fault.failed(name + " cannot be read", why + ", " + attempt + " times", "look at the network and the server, and run again").from(e);
                }
                pause(attempt);
            }
        }
    }

    // Twice as long each time, and never in step with the others that failed at the same moment.
    private static void pause(int attempt) {
        try {
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
