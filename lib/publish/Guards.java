package lib.publish;

import java.util.Optional;
import lib.BuiltRelease;
import lib.Console;
import lib.Environment;
import lib.Fault;
import lib.Project;
import lib.Version;

/** What a release does to others only when told to by name. */
public record Guards(Console console, Published published) {

    /**
     * Whether a pointer goes to this version: users of a newer one must not fall back. It reads the last thing a
     * release writes; {@code told} that it may move back.
     */
    public boolean moves(String pointer, Version version, boolean told) {
        Optional<Version> newer = published.pointer().filter(out -> out.compareTo(version) > 0);
        newer.ifPresent(out -> console.warn("manifest.nix is at " + out + ": '" + pointer + "' "
                + (told ? "is moved back to " + version : "stays there; --move-pointers " + pointer + " would move it")));
        return newer.isEmpty() || told;
    }

    /** Whether what is named by the MAJOR, its manual and images, is left alone: it is that of its newest release. */
    public boolean newerOfMajor(BuiltRelease built) {
        Optional<Version> newer = published.versions().stream().filter(version -> built.official()
                && version.major().equals(built.version().major()) && version.compareTo(built.version()) > 0).findFirst();
        newer.ifPresent(version -> console.warn("the manual and images of " + version.major() + " stay those of " + version));
        return newer.isPresent();
    }

    /** Throws Fault (refused) where {@code said}, what stands behind --replace, does not do; null where nobody said it. */
    public static void replace(Environment environment, Project project, Version version, String said) {
        String name = project.prefix() + "-" + version;
        if (said != null && environment.guarded() && !said.equals(name)) {
            throw Fault.refused("published bytes are not replaced on " + environment.name(), "people have pinned them",
                    "release a new version; if it must be, say --replace " + name);
        }
    }
}
