package lib.publish;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import lib.base.Console;
import lib.base.Fault;
import lib.base.Parallel;
import lib.config.Environment;
import lib.nix.PublicKey;
import lib.nix.SigningKey;
import lib.oci.ImageStore;
import lib.proof.Signers;
import lib.s3.Dialect;
import lib.s3.ObjectStore;

/**
 * Everything that can be checked before the first byte is sent, reported at once.
 *
 * @param writes whether something will be written: a plan needs only read access
 */
public record Preflight(Console console, Environment environment, boolean writes, List<Fault> faults) {

    private static final String SAMPLE = "releng looks whether what it signs verifies";

    public Preflight(Console console, Environment environment, boolean writes) {
        this(console, environment, writes, new ArrayList<>());
    }

    /** All that a release needs, or a manual alone, which is pushed nowhere and not signed. Returns the public half of the key that signs. */
    public Optional<String> release(Access access, Optional<GitRemote> remote, boolean images) {
        check(access::checkLifetime);
        if (remote.isEmpty()) {
            buckets(access.store(), List.of(environment.docs()));
            return Optional.empty();
        }
        buckets(access.store(), List.of(environment.cache(), environment.releases(), environment.docs()));
        Optional<String> signer = key(access::key, environment.publicKey(), "signing key");
        if (environment.provenanceKey().isPresent()) {
            key(access::provenanceKey, environment.provenanceKey(), "key for provenance");
        }
        git(remote.get());
        if (images) {
            images(access.repositories()::ours);
        }
        return signer;
    }

    /** Each bucket can be read and, for a run, written; what the store cannot do is said. All at once: a far store is asked a dozen things about each. */
    public Preflight buckets(ObjectStore store, List<String> buckets) {
        Map<String, Fault> found = new ConcurrentHashMap<>();
        try {
            Parallel.forEach(buckets, buckets.size(), bucket -> {
                try {
                    bucket(store, bucket);
                } catch (Fault fault) {
                    found.put(bucket, fault);
                }
            });
        } catch (IOException e) {
            throw new UncheckedIOException(e); // a check throws none
        }
        buckets.stream().map(found::get).filter(Objects::nonNull).forEach(faults::add);
        return this;
    }

    private void bucket(ObjectStore store, String bucket) {
        if (!writes) {
            store.requireBucket(bucket);
            return;
        }
        Dialect dialect = store.probe(bucket);
        if (!dialect.conditionalWrites()) {
            console.warn("bucket " + bucket + " does not support conditional writes: two release managers at once could overwrite each other");
        }
        if (!dialect.multipart()) {
            console.warn("bucket " + bucket + " does not support multipart uploads: large files are sent in one piece");
        }
    }

    /** A key that signs is the one consumers trust; returns its public half. A plan asks for no key. */
    private Optional<String> key(Supplier<SigningKey> key, Optional<String> trusted, String which) {
        List<String> signer = new ArrayList<>();
        if (writes) {
            check(() -> {
                SigningKey mine = key.get();
                signer.add(mine.publicKey());
                trusted.filter(expected -> !expected.equals(signer.get(0))).ifPresent(expected -> {
                    throw Fault.refused("the " + which + " is not the one of " + environment.name(), "it signs as " + signer.get(0)
                            + ", consumers trust " + expected, "use the key of this environment");
                });
                if (!PublicKey.of(mine.publicKey()).verifies(SAMPLE, mine.sign(SAMPLE))) {
                    throw Fault.refused("the " + which + " makes signatures that nobody can verify", "its secret half does not belong to its public half " + mine.publicKey(),
                            "use the key as nix-store --generate-binary-cache-key wrote it");
                }
            });
        }
        return signer.stream().findFirst();
    }

    /** The push target answers and, for a run, would take the push; the tag is signed by whom the environment says. */
    private Preflight git(GitRemote remote) {
        environment.allowedSigners().map(remote.git().workTree()::resolve).ifPresent(file -> check(() -> new Signers(file).require(remote.git(), remote.tag().version())));
        return check(() -> remote.requireReachable(writes));
    }

    /** Every repository of images can be read and, for a run, written to, with the login there is for it. */
    public Preflight images(Supplier<List<ImageStore>> stores) {
        List<ImageStore> opened = new ArrayList<>();
        check(() -> opened.addAll(stores.get()));
        opened.forEach(store -> check(store::check));
        return this;
    }

    public Preflight check(Runnable check) {
        try {
            check.run();
        } catch (Fault fault) {
            faults.add(fault);
        }
        return this;
    }

    /** Whether nothing was found yet. */
    public boolean passed() {
        return faults.isEmpty();
    }

    /** Throws Fault (refused) with every check that failed. */
    public void throwIfAny() {
        if (!faults.isEmpty()) {
            throw Fault.refused(environment.name() + " is not ready for a release",
                    faults.stream().map(fault -> fault.getMessage() + " (" + fault.next() + ")").toList(),
                    "fix " + (faults.size() == 1 ? "this" : "these") + " and run again; nothing was published").from(faults.get(0));
        }
    }
}
