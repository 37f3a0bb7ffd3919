package lib.publish;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;
import lib.base.Console;
import lib.base.Fault;
import lib.release.BuiltRelease;
import lib.release.Version;
import picocli.CommandLine.Option;

/**
 * Pointers that go back, or on, to a version that is published already.
 *
 * @param named those that go there; all of them where none is named
 */
public record Repoint(Folders folders, Version version, Collection<Pointer> named) {

    /** Which pointers go where, as a picocli mixin. */
    public static final class Options {
        @Option(names = "--point-to", paramLabel = "VERSION",
                description = "Publish nothing: move the pointers that users follow to this version, which is already published.")
        public Version to;

        @Option(names = "--move-pointers", paramLabel = "NAME", split = ",", description = "Move these pointers even if they are at a newer version: manifest, stable, latest, major (the "
                + "MAJOR's manual and image tag), nightly, installer. With --point-to: move only these.")
        public List<Pointer> move = new ArrayList<>();
    }

    /**
     * The files of the version. Throws Fault (refused) where it is not published, or is a pre-release that users of final
     * releases would be pointed to.
     */
    public SortedMap<String, Item> artifacts(Published published, Guards guards) {
        guards.pointTo();
        if (named.contains(Pointer.installer)) {
            throw Installers.onlyWithFiles(" --release " + version);
        }
        String bucket = folders.environment().releases();
        String folder = folders.project().folder(version.toString());
        SortedMap<String, Item> artifacts = Folder.objects(folders.store(), bucket, folder);
        if (!artifacts.containsKey("manifest.nix")) {
            throw Fault.refused(folders.project().name() + " " + version + " is not published on " + folders.environment().name(),
                    "there is no s3://" + bucket + "/" + folder + "manifest.nix; there are: " + published.versions(), "name a version that is");
        }
        return artifacts;
    }

    public boolean moves(Pointer pointer) {
        return named.isEmpty() || named.contains(pointer);
    }

    /** The pointers among the releases that do, in the order in which they move. */
    public List<Folder> root(SortedMap<String, Item> artifacts, Optional<BuiltRelease> built, Console console) throws IOException {
        if (!moves(Pointer.manifest)) {
            return List.of();
        }
        if (built.isEmpty()) {
            console.warn("'latest.json' stays where it is: " + version + " was published without the " + BuiltRelease.FILE + " that it is made of");
        }
        Folder index = folders.index(Optional.empty(), Optional.of(version), built.isPresent());
        return Stream.concat(built.stream().map(folders::latestJson), Stream.of(index, folders.manifest(artifacts))).toList();
    }

    /** The image tags that go there. */
    public List<String> tags() {
        return List.of(Pointer.major, Pointer.latest).stream().filter(this::moves).map(pointer -> pointer.place(version)).toList();
    }

    /** The manuals that do, by their place. */
    public SortedMap<String, Folder> manuals(Optional<BuiltRelease> built) {
        SortedMap<String, Folder> manuals = new TreeMap<>();
        for (Pointer pointer : List.of(Pointer.major, Pointer.stable)) {
            if (moves(pointer)) {
                String which = pointer.place(version);
                manuals.put(which, folders.published(which, version, built.map(BuiltRelease::commit)));
            }
        }
        return manuals;
    }
}
