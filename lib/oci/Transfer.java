package lib.oci;

import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.function.LongConsumer;
import lib.base.Fault;
import lib.base.Measured;
import lib.http.Refusal;
import lib.http.Retry;
import lib.http.Tuning;

/**
 * Sends blobs of an image to the stores that lack them, all at once: the archive is read, and each layer compressed,
 * once whatever the number of stores, and nothing is kept. One store's trouble is its own: one that fails, or keeps
 * the others waiting, gets no more in this pass. What did not arrive is sent in another pass over the archive, to
 * those that still lack it.
 */
public final class Transfer {

    /** Who is alone is waited for as long as its own requests go on trying. */
    private static final Duration ALONE = Duration.ofDays(1);

    private final Path archive;
    private final BuiltImage image;
    private final boolean mount;
    private final Tuning tuning;
    private final LongConsumer sent;
    /** What each lacks; its lane takes away what has arrived, even when nobody waits for that any more. */
    private final Map<Lane, Set<String>> missing = new LinkedHashMap<>();
    /** Those of the pass that have failed, and how; they get no more in it. */
    private final Map<Lane, Exception> failed = new LinkedHashMap<>();
    private final List<String> lost = new ArrayList<>();
    private Fault remedy;

    private Transfer(Path archive, BuiltImage image, boolean mount, Map<ImageStore, Set<String>> missing, Tuning tuning, LongConsumer sent) {
        this.archive = archive;
        this.image = image;
        this.mount = mount;
        this.tuning = tuning;
        this.sent = sent;
        missing.forEach((store, digests) -> this.missing.put(new Lane(store), new ConcurrentSkipListSet<>(digests)));
    }

    /**
     * Ends when every store has what it was missing; {@code sent} hears of bytes to any. Throws Fault with all that failed for good.
     *
     * @param mount whether a store may take over what it knows to be elsewhere, instead of being sent it
     */
    public static void run(Path archive, BuiltImage image, Map<ImageStore, Set<String>> missing, boolean mount, Tuning tuning, LongConsumer sent) {
        Transfer transfer = new Transfer(archive, image, mount, missing, tuning, sent);
        List<Lane> lanes = List.copyOf(transfer.missing.keySet());
        try {
            int[] passes = {0};
            Retry.run(tuning, () -> {
                transfer.pass(passes[0]++ > 0);
                return null;
            });
        } catch (IOException e) {
            transfer.failed.forEach(transfer::lose);
        } finally {
            lanes.forEach(Lane::close);
        }
        if (!transfer.lost.isEmpty()) {
            throw Fault.failed(image.path() + " has not arrived everywhere", transfer.lost, transfer.remedy.next()).from(transfer.remedy);
        }
    }

    /** Throws the first failure that may pass. */
    private void pass(boolean again) throws IOException {
        failed.clear();
        ask(again);
        Set<String> wanted = new TreeSet<>();
        lacking().forEach(lane -> wanted.addAll(missing.get(lane)));
        try {
            if (!wanted.isEmpty()) {
                DockerArchive.send(archive, image, wanted, this::send);
            }
        } catch (IOException | UncheckedIOException e) {
            throw Fault.failed(archive + " cannot be read", e.toString(), "check that it exists and that nothing changes it, and run again").from(e);
        }
        for (Map.Entry<Lane, Exception> failure : Map.copyOf(failed).entrySet()) {
            if (failure.getValue() instanceof Fault || failure.getValue() instanceof Refusal refusal && !refusal.passing()) {
                lose(failure.getKey(), failure.getValue());
                failed.remove(failure.getKey());
            }
        }
        for (Exception failure : failed.values()) {
            throw (IOException) failure;
        }
    }

    private List<Lane> lacking() {
        return missing.keySet().stream().filter(lane -> !failed.containsKey(lane) && !missing.get(lane).isEmpty()).toList();
    }

    // What is there already: since another repository has it, or since an answer that was lost was one of success.
    private void ask(boolean again) {
        List<Lane> lanes = lacking();
        for (Lane lane : lanes) {
            Set<String> lacks = missing.get(lane);
            lane.begin(turn -> {
                for (String digest : lacks) {
                    if (again && lane.store.holds(digest, bytes -> turn.moved()) || mount && lane.store.mount(digest)) {
                        lacks.remove(digest);
                    }
                    turn.moved();
                }
            });
        }
        end(lanes, tuning.idle());
    }

    private void send(String digest, long size, DockerArchive.Content content) throws IOException {
        List<Lane> lanes = lacking().stream().filter(lane -> missing.get(lane).contains(digest)).toList();
        for (Lane lane : lanes) {
            Set<String> lacks = missing.get(lane);
            lane.begin(turn -> {
                lane.store.blob(digest, size, out -> turn.pass(out, sent::accept));
                lacks.remove(digest);
            });
        }
        // Half of what a connection may be idle: those who were quick have theirs open.
        Duration patience = lanes.size() > 1 ? tuning.idle().dividedBy(2) : ALONE;
        boolean whole = false;
        try {
            List<Lane> ready = lanes.stream().filter(lane -> lane.asks(patience)).toList();
            if (!ready.isEmpty()) { // else it need not even be compressed
                read(digest, content, ready, patience);
                ready.forEach(lane -> lane.giveNoMore(patience));
            }
            whole = true;
        } finally {
            if (!whole) {
                lanes.forEach(Lane::breakOff);
            }
            // Here each request ends by itself, in the time a server may take to look at what it got.
            end(lanes, tuning.idle().multipliedBy(2));
        }
    }

    private void end(List<Lane> lanes, Duration patience) {
        for (Lane lane : lanes) {
            lane.end(lanes.size() > 1 ? patience : ALONE);
            if (lane.failure() instanceof IOException || lane.failure() instanceof Fault) {
                failed.put(lane, lane.failure());
            } else if (lane.failure() != null) {
                throw (RuntimeException) lane.failure();
            }
        }
    }

    private void read(String digest, DockerArchive.Content content, List<Lane> lanes, Duration patience) throws IOException {
        Measured actual = new Measured(new OutputStream() {
            @Override
            public void write(int b) {
                write(new byte[] {(byte) b}, 0, 1);
            }

            @Override
            public void write(byte[] bytes, int offset, int length) {
                for (int at = offset; at < offset + length; at += Lane.PIECE) {
                    byte[] piece = Arrays.copyOfRange(bytes, at, Math.min(offset + length, at + Lane.PIECE));
                    lanes.forEach(lane -> lane.give(piece, patience));
                }
            }
        });
        content.writeTo(actual);
        String is = actual.digest();
        if (!is.equals(digest)) {
            throw Fault.failed(archive + " is not what was built, or this machine compresses differently",
                    "a layer that was " + digest + " is " + is + " now", "run jbang build.java again, here");
        }
    }

    private void lose(Lane lane, Exception failure) {
        missing.remove(lane);
        Fault fault = failure instanceof Fault known ? known : lane.store.fault("a blob did not arrive", (IOException) failure);
        lost.add(fault.getMessage());
        remedy = remedy == null ? fault : remedy;
    }
}
