package lib.proof;

import java.io.IOException;
import java.util.Arrays;
import java.util.Optional;
import lib.config.Project;
import lib.oci.ImageIndex;
import lib.oci.ImageStore;
import lib.oci.Referrer;
import lib.oci.Referrers;
import lib.release.BuiltRelease;
import lib.release.BuiltRelease.BuiltFile;
import lib.release.Statement;

/** That the provenance of a release is attached to the index of its images in a repository: found by the digest of the index, with the bytes that are published. */
public record ReferrerProof(ImageStore store, Referrer wanted) {

    /** Of a release that has a statement of its provenance, by the envelope that is published. */
    static void prove(Fetching fetcher, ImageStore store, BuiltRelease built, Project project, Findings findings) throws IOException {
        Optional<BuiltFile> statement = Statement.in(built, project);
        if (statement.isPresent()) {
            String key = project.folder(built.version().toString()) + statement.get().path();
            Optional<byte[]> envelope = fetcher.find("releases", key);
            if (envelope.isEmpty()) {
                findings.failure(store.name() + ": what provenance should be attached is not known: " + fetcher.name("releases", key) + " is missing");
            } else {
                new ReferrerProof(store, Referrer.attestation(ImageIndex.of(built.images()).index(), envelope.get(), statement.get().path())).prove(findings);
            }
        }
    }

    public void prove(Findings findings) throws IOException {
        String where = store.name() + "@" + wanted.subject().digest() + ": its provenance ";
        String what = where + wanted.manifest().digest() + " ";
        if (!Referrers.of(store, wanted.subject().digest()).names(wanted.manifest())) {
            findings.failure(what + "is not on the list of what refers to it");
        } else {
            findings.proved();
        }
        store.manifest(wanted.manifest().digest()).ifPresentOrElse(bytes -> {
            if (Arrays.equals(bytes, wanted.manifest().bytes())) {
                findings.proved();
            } else {
                findings.failure(what + "has other bytes");
            }
        }, () -> findings.failure(what + "is missing"));
        for (ImageIndex.Document blob : wanted.blobs()) {
            long size = blob.bytes().length;
            store.read(blob.digest(), size, bytes -> { }).ifPresentOrElse(is -> {
                if (is.digest().equals(blob.digest())) {
                    findings.proved();
                } else {
                    findings.failure(what + "has a blob " + blob.digest() + " of other bytes");
                }
            }, () -> findings.failure(what + "lacks its blob " + blob.digest()));
        }
        if (!findings.failures().isEmpty()) {
            findings.remedy(store.remedy());
        }
    }
}
