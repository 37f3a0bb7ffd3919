package lib.publish;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import lib.base.Console;
import lib.base.Fault;
import lib.config.Environment;
import lib.config.Project;
import lib.oci.ImageStore;
import lib.release.Version;

/**
 * What a release does to others only when told to by name: users of a newer one must not fall back, and users of
 * final releases are no testers. Each pointer is asked itself where it is.
 */
public final class Guards {

    private final Console console;
    private final Published published;
    private final Version version;
    private final Collection<Pointer> told;
    private final List<Version> versions;

    /** @param told the pointers that go to this version wherever they are */
    public Guards(Console console, Published published, Version version, Collection<Pointer> told) {
        this(console, published, version, told, published.versions());
    }

    /** @param versions what is out */
    public Guards(Console console, Published published, Version version, Collection<Pointer> told, List<Version> versions) {
        this.console = console;
        this.published = published;
        this.version = version;
        this.told = told;
        this.versions = versions;
    }

    /** Whether the root manifest.nix goes to this version. */
    public boolean manifest() {
        return moves(Pointer.manifest, "manifest", "manifest.nix", () -> published.manifest());
    }

    /** Whether latest.json does, which goes with it. */
    public boolean latestJson() {
        return moves(Pointer.manifest, "latest.json", "latest.json", () -> published.latestJson().or(published::manifest));
    }

    /** Whether this manual goes to this version. */
    public boolean manual(Pointer pointer) {
        String which = pointer.place(version);
        return moves(pointer, which, "the manual " + which, () -> published.manual(which).or(() -> otherwise(pointer)));
    }

    /** Whether the installers of these names go to this version; all of them or none. */
    public boolean installers(Collection<String> names) {
        return moves(Pointer.installer, "installer", "the installer", () -> published.installers(names));
    }

    /** Whether this image tag does; of several repositories, whether it does in all. */
    public boolean images(Pointer pointer, List<ImageStore> stores) {
        String tag = pointer.place(version);
        Place place = () -> published.images(stores, tag, version, otherwise(pointer));
        boolean moves = moves(pointer, tag, "the image tag " + tag, place);
        if (moves && !told.contains(pointer)) {
            warnWhereOvertaken(pointer, tag, place, stores);
        }
        return moves;
    }

    // A run that was killed right after it had overtaken another's newer release leaves the tag at ours: the next one has
    // nothing to do, and would say so.
    private void warnWhereOvertaken(Pointer pointer, String tag, Place place, List<ImageStore> stores) {
        Optional<Version> newer = published.current().filter(out -> out.compareTo(version) > 0 && pointer.isOf(version, out));
        try {
            if (newer.isEmpty() || !place.at().equals(Optional.of(version))) {
                return;
            }
            for (ImageStore store : stores) {
                if (store.tag(newer.get().toString()).isPresent()) {
                    console.warn(store.name() + ":" + tag + " is at " + version + ", though manifest.nix is at " + newer.get()
                            + ", which is there too: --point-to " + newer.get() + " fixes that");
                }
            }
        } catch (IOException e) {
            throw Fault.failed("the image tag " + tag + " cannot be read", e.toString(), "run again").from(e);
        }
    }

    private Optional<Version> otherwise(Pointer pointer) {
        return otherwise(pointer, version, versions, published::manifest);
    }

    /** Where a pointer is that does not say so: before each did by itself, it was where the last thing is that a release writes. */
    static Optional<Version> otherwise(Pointer pointer, Version version, List<Version> versions, Supplier<Optional<Version>> manifest) {
        return switch (pointer) {
            case nightly -> Optional.empty();
            case major -> versions.stream().filter(other -> other.major().equals(version.major())).max(Comparator.naturalOrder());
            default -> manifest.get();
        };
    }

    private interface Place {
        Optional<Version> at() throws IOException;
    }

    private boolean moves(Pointer pointer, String name, String what, Place place) {
        boolean named = told.contains(pointer);
        Optional<String> why;
        try {
            why = whyNot(pointer, what, version, place.at(), versions);
        } catch (IOException e) {
            throw Fault.failed(what + " cannot be read", e.toString(), "run again").from(e);
        } catch (Fault unknown) {
            if (!named || unknown.kind() != Fault.Kind.REFUSED) {
                throw unknown;
            }
            why = Optional.of(unknown.what());
        }
        why.ifPresent(reason -> console.warn(reason + ": '" + name + "' "
                + (named ? "is moved to " + version : "stays there; --move-pointers " + pointer + " would move it")));
        return why.isEmpty() || named;
    }

    /** Why a pointer does not go to a version by itself, as a sentence; empty where it does, or is there. {@code versions} are out. */
    static Optional<String> whyNot(Pointer pointer, String what, Version version, Optional<Version> at, List<Version> versions) {
        if (at.isPresent() && at.get().compareTo(version) > 0) {
            return Optional.of(what + " is at " + at.get());
        }
        return finalOut(pointer, version, at, versions).filter(out -> !version.isFinal()).map(out -> what + (at.isPresent() ? " is at " + at.get() : " does not exist yet") + ", "
                + version + " is a pre-release, and " + out + " is out");
    }

    /** The newest final release that is out of what the pointer is for. */
    private static Optional<Version> finalOut(Pointer pointer, Version version, Optional<Version> at, List<Version> versions) {
        List<Version> out = new ArrayList<>(versions);
        at.ifPresent(out::add);
        return out.stream().filter(other -> other.isFinal() && pointer.isOf(version, other)).max(Comparator.naturalOrder());
    }

    /** Throws Fault (refused) where users would be pointed to a pre-release though a final release is out, and nobody named the pointers. */
    public void pointTo() {
        Optional<Version> out = finalOut(Pointer.manifest, version, Optional.empty(), versions);
        if (told.isEmpty() && !version.isFinal() && out.isPresent()) {
            throw Fault.refused(version + " is a pre-release", out.get() + " is out, and users of final releases must not get pre-releases",
                    "to point to it anyway, name the pointers: --move-pointers manifest,stable,latest,major");
        }
    }

    /** Throws Fault (refused) where {@code said}, what stands behind --replace, does not do; null where nobody said it. */
    public static void replace(Environment environment, Project project, Version version, String said) {
        String name = project.prefix() + "-" + version;
        if (said != null && environment.guarded() && !said.equals(name)) {
            throw Fault.refused("published bytes are not replaced on " + environment.name(), "people have pinned them",
                    "release a new version; to replace it anyway, pass --replace " + name);
        }
    }
}
