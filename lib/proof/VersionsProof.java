package lib.proof;

import java.util.Optional;
import lib.base.FileTree;
import lib.publish.Versions;

/**
 * A release's versions.json. It never changes, and public addresses may: those it has are its own.
 *
 * @param versions    as it would be published now
 * @param environment where
 */
record VersionsProof(Fetching fetcher, Versions versions, String environment) {

    /** Returns what is there, if it is right. */
    Optional<byte[]> prove(String key, Findings findings) {
        Optional<byte[]> there = fetcher.find("releases", key);
        String name = fetcher.name("releases", key);
        if (there.isEmpty()) {
            findings.failure(name + ": is missing");
            return there;
        }
        Optional<Versions> right = versions.as(there.get());
        right.ifPresentOrElse(same -> {
            findings.proved();
            if (!same.equals(versions)) {
                findings.unproven("the addresses in " + name + ": they begin with " + same.base() + ", those of " + environment + " with " + versions.base());
            }
        }, () -> findings.failure(name + ": has sha256 " + FileTree.sha256(there.get()) + ", expected " + versions.file().sha256()));
        return there.filter(bytes -> right.isPresent());
    }
}
