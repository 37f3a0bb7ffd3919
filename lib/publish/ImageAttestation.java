package lib.publish;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import lib.base.Fault;
import lib.config.Project;
import lib.http.Retry;
import lib.http.Tuning;
import lib.oci.DockerArchive;
import lib.oci.ImageIndex;
import lib.oci.ImageStore;
import lib.oci.Referrer;
import lib.oci.Referrers;
import lib.release.BuiltRelease;
import lib.release.Statement;

/**
 * The signed provenance of a release, attached to the index of its images in each repository: whoever has the images
 * finds it there. Where the repository keeps no list of such things itself, a tag has it, and what others have on that
 * list stays.
 *
 * @param index    that it is attached to; it is there by then
 * @param name     of the envelope's file
 * @param envelope the one that is published, or will be before this; empty as long as neither is known
 * @param replace  what is there is read, and what has other bytes is sent again; else a registry's word for its size does
 * @param tuning   for how long what fails is sent again
 */
public record ImageAttestation(List<ImageStore> stores, ImageIndex.Document index, String name, Envelope envelope, boolean replace, Tuning tuning) implements Destination {

    /** The envelope's bytes, as far as they are known. */
    public interface Envelope {
        Optional<byte[]> bytes() throws IOException;
    }

    /** Of a release that has a statement of its provenance. */
    public static Optional<ImageAttestation> of(List<ImageStore> stores, BuiltRelease built, Project project, Envelope envelope, boolean replace) {
        return Statement.in(built, project).map(file -> new ImageAttestation(stores, ImageIndex.of(built.images()).index(), file.path(), envelope, replace, Tuning.DEFAULT));
    }

    @Override
    public String name() {
        return "provenance of the images";
    }

    @Override
    public Difference compare() throws IOException {
        Optional<Referrer> wanted = referrer();
        List<Operation> blobs = new ArrayList<>();
        List<Operation> manifests = new ArrayList<>();
        List<Operation> lists = new ArrayList<>();
        for (ImageStore store : stores) {
            Referrers there = Images.asked(store, () -> Referrers.of(store, index.digest()));
            boolean listed = wanted.filter(referrer -> there.names(referrer.manifest())).isPresent();
            List<ImageIndex.Document> missing = wanted.map(referrer -> Images.asked(store, () -> missing(store, referrer))).orElse(List.of());
            boolean whole = wanted.filter(referrer -> Images.asked(store, () -> Images.isAt(store, referrer.manifest().digest(), referrer.manifest()))).isPresent();
            if (wanted.isEmpty() || !missing.isEmpty()) {
                blobs.add(operation("envelope in " + store.name(), missing.stream().mapToLong(blob -> blob.bytes().length).sum(), wanted.map(Referrer::layer),
                        () -> send(store)));
            }
            if (!whole || !listed && there.own()) {
                manifests.add(operation("manifest in " + store.name(), wanted.map(referrer -> (long) referrer.manifest().bytes().length).orElse(0L),
                        wanted.map(Referrer::manifest), () -> store.manifest(required().manifest())));
            }
            if (!listed && !there.own()) {
                lists.add(list(store, there, wanted));
            }
        }
        return new Difference(Stream.of(new Stage("envelope", blobs), new Stage("manifest", manifests), new Stage("list", lists))
                .filter(stage -> !stage.operations().isEmpty()).toList(), List.of());
    }

    private Optional<Referrer> referrer() throws IOException {
        return envelope.bytes().map(bytes -> Referrer.attestation(index, bytes, name));
    }

    private Referrer required() throws IOException {
        return referrer().orElseThrow(() -> Fault.failed(name + " cannot be attached to the images", "it is not published", "run again"));
    }

    private static Operation operation(String what, long bytes, Optional<ImageIndex.Document> to, Operation.Action action) {
        return new Operation(Operation.Kind.CREATE, what, bytes, Optional.empty(), to.map(ImageIndex.Document::digest), action);
    }

    // What the plan shows may be another list by then: it is read again as late as can be, as registries know no conditional writes.
    private Operation list(ImageStore store, Referrers there, Optional<Referrer> wanted) {
        String tag = Referrers.tag(index.digest());
        Operation.Action action = () -> {
            Referrer referrer = required();
            Referrers now = Referrers.of(store, index.digest());
            if (!now.own() && !now.names(referrer.manifest())) { // a repository that was not there yet may keep a list, after all
                store.tag(tag, now.with(referrer));
            }
        };
        Optional<ImageIndex.Document> to = wanted.map(there::with);
        return new Operation(there.tagged().isPresent() ? Operation.Kind.MOVE : Operation.Kind.CREATE, store.name() + ":" + tag,
                to.map(list -> (long) list.bytes().length).orElse(0L), there.tagged().map(DockerArchive::digest), to.map(ImageIndex.Document::digest), action);
    }

    private List<ImageIndex.Document> missing(ImageStore store, Referrer referrer) throws IOException {
        List<ImageIndex.Document> missing = new ArrayList<>();
        for (ImageIndex.Document blob : referrer.blobs()) {
            if (!(replace || store.near() ? store.holds(blob.digest(), bytes -> { }) : store.size(blob.digest()).equals(Optional.of((long) blob.bytes().length)))) {
                missing.add(blob);
            }
        }
        return missing;
    }

    private void send(ImageStore store) throws IOException {
        Referrer referrer = required();
        try {
            Retry.run(tuning, () -> {
                for (ImageIndex.Document blob : missing(store, referrer)) {
                    store.blob(blob.digest(), blob.bytes().length, out -> out.write(blob.bytes()));
                }
                return null;
            });
        } catch (IOException e) {
            throw store.fault(name + " did not arrive", e);
        }
    }
}
