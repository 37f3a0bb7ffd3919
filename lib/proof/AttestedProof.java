package lib.proof;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import lib.base.FileTree;
import lib.config.Project;
import lib.nix.PublicKey;
import lib.nix.SshSignature;
import lib.publish.Attested;
import lib.release.BuiltRelease;
import lib.release.BuiltRelease.BuiltFile;
import lib.release.Envelope;
import lib.release.Statement;

/**
 * What is signed of a release: that its statement and checksums are those of what was built, and by whom they are signed.
 *
 * @param trusted the key that signs them; empty where none is known
 */
record AttestedProof(Fetching fetcher, BuiltRelease built, Project project, Optional<PublicKey> trusted) {

    /**
     * A release that was built without a statement has nothing signed.
     *
     * @param digests the SHA-256 of the other files in the version's folder, by name; without release.json or versions.json where that is not what it should be
     */
    void prove(String folder, SortedMap<String, String> digests, Findings findings) {
        Optional<BuiltFile> statement = Statement.in(built, project);
        if (statement.isEmpty()) {
            return;
        }
        if (trusted.isEmpty()) {
            findings.unproven("who has signed the provenance and the checksums: no public key is known that their signatures could be checked with");
        }
        Optional<byte[]> envelope = there(folder + statement.get().path(), findings);
        envelope.ifPresent(bytes -> {
            Optional<String> fault = Attested.fault(bytes, statement.get(), trusted);
            tell(folder + statement.get().path(), fault.map(List::of).orElseGet(() -> Statement.faults(Envelope.parse(bytes).payload(), built, project)), findings);
            digests.put(statement.get().path(), FileTree.sha256(bytes));
        });
        Optional<byte[]> sums = there(folder + Attested.SUMS, findings);
        sums.filter(bytes -> envelope.isPresent()).ifPresent(bytes -> tell(folder + Attested.SUMS,
                Attested.differing(known(text(bytes), digests), Attested.sums(digests)).map(names -> "has other checksums than what is there, of " + names).stream().toList(), findings));
        Optional<byte[]> signature = there(folder + Attested.SIGNATURE, findings);
        if (trusted.isPresent() && sums.isPresent()) {
            signature.ifPresent(bytes -> tell(folder + Attested.SIGNATURE, SshSignature.fault(sums.get(), text(bytes), trusted.get()).stream().toList(), findings));
        }
    }

    // That a file is not what it should be is said already: it does not matter whether checksums know the one or the other.
    private static String known(String sums, SortedMap<String, String> digests) {
        String left = sums;
        for (String name : List.of(BuiltRelease.FILE, BuiltRelease.VERSIONS)) {
            left = digests.containsKey(name) ? left : Attested.without(left, name);
        }
        return left;
    }

    private Optional<byte[]> there(String key, Findings findings) {
        Optional<byte[]> bytes = fetcher.find("releases", key);
        if (bytes.isEmpty()) {
            tell(key, List.of("is missing"), findings);
        }
        return bytes;
    }

    private void tell(String key, List<String> faults, Findings findings) {
        faults.forEach(fault -> findings.failure(fetcher.name("releases", key) + ": " + fault));
        if (faults.isEmpty()) {
            findings.proved();
        }
    }

    private static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }
}
