package lib.registry;

import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.LongConsumer;
import lib.BuiltRelease;
import lib.Fault;
import lib.FileTree;
import lib.http.Refusal;
import lib.http.Retry;
import lib.http.Tuning;
import lib.image.DockerArchive;

/**
 * Sends blobs of an image to the stores that lack them, all at once: the archive is read, and each layer compressed,
 * once whatever the number of stores, and nothing is kept. What did not arrive is sent in another pass over the
 * archive, to those that still lack it.
 */
public final class Transfer {

    private final Path archive;
    private final BuiltRelease.Image image;
    private final boolean mount;
    private final Map<ImageStore, Set<String>> missing = new LinkedHashMap<>();
    /** Those of the pass that have failed, and how; they get no more in it. */
    private final Map<ImageStore, Exception> failed = new LinkedHashMap<>();
    private final List<String> lost = new ArrayList<>();
    private Fault remedy;
    /** What is wrong with the archive itself: nobody gets more of it. */
    private RuntimeException broken;

    private final LongConsumer sent;

    private Transfer(Path archive, BuiltRelease.Image image, boolean mount, Map<ImageStore, Set<String>> missing, LongConsumer sent) {
        this.archive = archive;
        this.image = image;
        this.mount = mount;
        this.sent = sent;
        missing.forEach((store, digests) -> this.missing.put(store, new TreeSet<>(digests)));
    }

    /**
     * Ends when every store has what it was missing; {@code sent} hears of bytes to any. Throws Fault with all that failed for good.
     *
     * @param mount whether a store may take over what it knows to be elsewhere, instead of being sent it
     */
    public static void run(Path archive, BuiltRelease.Image image, Map<ImageStore, Set<String>> missing, boolean mount, Tuning tuning, LongConsumer sent) {
        Transfer transfer = new Transfer(archive, image, mount, missing, sent);
        try {
            int[] passes = {0};
            Retry.run(tuning, () -> {
                transfer.pass(passes[0]++ > 0);
                return null;
            });
        } catch (IOException e) {
            transfer.failed.forEach(transfer::lose);
        }
        if (!transfer.lost.isEmpty()) {
            throw Fault.failed(image.path() + " has not arrived everywhere", transfer.lost, transfer.remedy.next()).from(transfer.remedy);
        }
    }

    /** Throws the first failure that may pass. */
    private void pass(boolean again) throws IOException {
        failed.clear();
        for (Map.Entry<ImageStore, Set<String>> one : missing.entrySet()) {
            // An answer that was lost may have been one of success.
            one.getValue().removeIf(digest -> with(one.getKey(), () -> again && one.getKey().holds(digest) || mount && one.getKey().mount(digest)));
        }
        Set<String> wanted = new TreeSet<>();
        missing.forEach((store, digests) -> wanted.addAll(failed.containsKey(store) ? Set.of() : digests));
        try {
            if (!wanted.isEmpty()) {
                DockerArchive.send(archive, image, wanted, (digest, size, content) -> {
                    List<ImageStore> to = missing.keySet().stream().filter(store -> missing.get(store).contains(digest) && !failed.containsKey(store)).toList();
                    send(to, new ArrayList<>(), digest, size, content);
                });
            }
        } catch (IOException | UncheckedIOException e) {
            throw Fault.failed(archive + " cannot be read", e.toString(), "see that it is there and that nothing changes it, and run again").from(e);
        }
        for (Map.Entry<ImageStore, Exception> failure : Map.copyOf(failed).entrySet()) {
            if (failure.getValue() instanceof Fault || failure.getValue() instanceof Refusal refusal && !refusal.passing()) {
                lose(failure.getKey(), failure.getValue());
                failed.remove(failure.getKey());
            }
        }
        for (Exception failure : failed.values()) {
            throw (IOException) failure;
        }
    }

    // One within the other: each store asks for the bytes when it is ready, the innermost last, and then all get them.
    private void send(List<ImageStore> to, List<Leg> legs, String digest, long size, DockerArchive.Content content) {
        if (to.isEmpty()) {
            read(legs, digest, size, content);
            return;
        }
        ImageStore store = to.get(0);
        List<ImageStore> others = to.subList(1, to.size());
        boolean[] asked = {false};
        boolean arrived = with(store, () -> {
            store.blob(digest, size, out -> {
                asked[0] = true;
                Leg leg = new Leg(out);
                legs.add(leg);
                send(others, legs, digest, size, content);
                leg.end();
            });
            return true;
        });
        if (arrived) {
            missing.get(store).remove(digest);
        }
        if (!asked[0]) {
            send(others, legs, digest, size, content);
        }
    }

    private void read(List<Leg> legs, String digest, long size, DockerArchive.Content content) {
        try {
            if (legs.isEmpty()) {
                return; // nobody was ready
            }
            MessageDigest actual = FileTree.digest("SHA-256");
            content.writeTo(new OutputStream() {
                @Override
                public void write(int b) {
                    write(new byte[] {(byte) b}, 0, 1);
                }

                @Override
                public void write(byte[] bytes, int offset, int length) {
                    actual.update(bytes, offset, length);
                    for (Leg leg : legs) {
                        leg.write(bytes, offset, length);
                        sent.accept(length);
                    }
                }
            });
            String is = "sha256:" + HexFormat.of().formatHex(actual.digest());
            if (!is.equals(digest)) {
                throw Fault.failed(archive + " is not what was built, or this machine compresses otherwise", "a layer that was " + digest + " is " + is + " now",
                        "run jbang build.java again, here");
            }
        } catch (IOException e) {
            broken = new UncheckedIOException(e);
            throw broken;
        } catch (RuntimeException e) {
            broken = e;
            throw e;
        }
    }

    private interface Step {
        boolean run() throws IOException;
    }

    /** What a step for a store says; false where it failed, which is kept. */
    private boolean with(ImageStore store, Step step) {
        try {
            return !failed.containsKey(store) && step.run();
        } catch (IOException | RuntimeException e) {
            if (broken != null) {
                throw broken;
            }
            if (!(e instanceof IOException || e instanceof Fault)) {
                throw (RuntimeException) e;
            }
            failed.put(store, e);
            return false;
        }
    }

    private void lose(ImageStore store, Exception failure) {
        missing.remove(store);
        Fault fault = failure instanceof Fault known ? known : store.fault("a blob did not arrive", (IOException) failure);
        lost.add(fault.getMessage());
        remedy = remedy == null ? fault : remedy;
    }

    /** The way to one store; when it breaks, the bytes still go to the others. */
    private static final class Leg {
        private final OutputStream out;
        private IOException failure;

        Leg(OutputStream out) {
            this.out = out;
        }

        void write(byte[] bytes, int offset, int length) {
            try {
                if (failure == null) {
                    out.write(bytes, offset, length);
                }
            } catch (IOException e) {
                failure = e;
            }
        }

        void end() throws IOException {
            if (failure != null) {
                throw failure;
            }
        }
    }
}
