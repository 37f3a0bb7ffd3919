package lib.publish;

import lib.release.Version;

/** What users follow without naming a version; the names are those of {@code --move-pointers}. */
public enum Pointer {
    /** The root manifest.nix, which nix upgrade-nix reads, and latest.json, which other scripts do. */
    manifest,
    /** The manual stable. */
    stable,
    /** The image tag latest. */
    latest,
    /** Manual and image tag of the MAJOR. */
    major,
    /** The manual of what is not released. */
    nightly,
    /** The installers of all systems. */
    installer;

    /** What the manual or the image tag is called that goes to a version. */
    public String place(Version version) {
        return this == major ? version.major() : name();
    }

    /** Whether final releases are all that counts for it, and which: of the MAJOR only those with the same MAJOR. */
    boolean isOf(Version release, Version published) {
        return this != nightly && (this != major || release.major().equals(published.major()));
    }
}
