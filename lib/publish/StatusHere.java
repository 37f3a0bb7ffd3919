package lib.publish;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.stream.Stream;
import lib.base.Fault;
import lib.publish.Status.Here;
import lib.publish.Status.Move;
import lib.publish.Status.Part;
import lib.publish.Status.Place;
import lib.release.BuiltRelease;
import lib.release.Version;

/** What is built in a checkout, and what uploading it would change. Empty where nothing is built; a fault where that cannot be read. */
record StatusHere(Optional<BuiltRelease> built, Optional<String> fault) {

    /** {@code folder} is the one that build has made; its release.json is all that is read of it. */
    static StatusHere read(Optional<Path> folder) throws IOException {
        try {
            return new StatusHere(folder.isPresent() ? Optional.of(BuiltRelease.read(folder.get())) : Optional.empty(), Optional.empty());
        } catch (Fault broken) {
            return new StatusHere(Optional.empty(), Optional.of(broken.getMessage()));
        }
    }

    Optional<Version> version() {
        return built.map(BuiltRelease::version);
    }

    /** With what is out; {@code versions} are those that are, {@code theirs} what their release.json say. */
    Optional<Here> compared(Inspection inspection, Standing standing, List<Place> places, List<Version> versions, SortedMap<Version, BuiltRelease> theirs) {
        if (built.isEmpty()) {
            return fault.map(why -> new Here(Optional.empty(), List.of(), List.of(), List.of(), List.of(), Optional.of(why)));
        }
        BuiltRelease ours = built.get();
        boolean all = ours.target().equals("all");
        List<Part> parts = all ? inspection.parts(ours) : List.of();
        List<String> conflicts = new ArrayList<>(parts.stream().flatMap(part -> part.other().stream()).toList());
        if (all && theirs.containsKey(ours.version())) {
            conflicts.addAll(inspection.differences(ours, theirs.get(ours.version())));
        }
        List<Move> moves = new ArrayList<>();
        List<String> stays = new ArrayList<>();
        wanted(ours).forEach(pointer -> {
            List<Place> of = places(pointer, ours, all, places);
            if (!of.isEmpty()) {
                move(pointer, of, ours.version(), versions, standing, moves, stays);
            }
        });
        return Optional.of(new Here(built, parts, conflicts, moves, stays, Optional.empty()));
    }

    private static Stream<Pointer> wanted(BuiltRelease ours) {
        return ours.official() ? Stream.of(Pointer.major, Pointer.latest, Pointer.stable, Pointer.manifest) : Stream.of(Pointer.nightly);
    }

    /** The places that go with a pointer; those of a MAJOR that is new are not among those that are out. */
    private static List<Place> places(Pointer pointer, BuiltRelease ours, boolean all, List<Place> places) {
        String name = pointer.place(ours.version());
        List<Place> found = new ArrayList<>();
        if (pointer == Pointer.manifest) {
            places.stream().filter(place -> all && List.of("manifest", "latest.json").contains(place.kind())).forEach(found::add);
        } else if (pointer != Pointer.latest) {
            found.add(places.stream().filter(place -> place.kind().equals("manual") && place.name().equals(name)).findFirst()
                    .orElse(new Place("manual", name, "", Optional.empty(), List.of(), Optional.empty(), Optional.empty())));
        }
        if (all && ours.hasImages() && (pointer == Pointer.latest || pointer == Pointer.major)) {
            List<String> repositories = places.stream().filter(place -> place.kind().equals("image")).map(Place::where).distinct().toList();
            repositories.forEach(repository -> found.add(places.stream().filter(place -> place.where().equals(repository) && place.name().equals(name)).findFirst()
                    .orElse(new Place("image", name, repository, Optional.empty(), List.of(), Optional.empty(), Optional.empty()))));
        }
        return found;
    }

    // As upload does it: of several repositories, a tag moves in all or in none.
    private static void move(Pointer pointer, List<Place> of, Version to, List<Version> versions, Standing standing, List<Move> moves, List<String> stays) {
        of.stream().map(Place::kind).distinct().forEach(kind -> {
            List<Place> same = of.stream().filter(place -> place.kind().equals(kind)).toList();
            String what = same.get(0).spoken();
            Optional<Place> unsaid = same.stream().filter(place -> place.at().isEmpty() && !place.none()).findFirst();
            if (unsaid.isPresent()) {
                stays.add(what + ": " + unsaid.get().unknown().orElse(unsaid.get().where() + " does not state its version"));
                return;
            }
            Optional<Version> at = same.stream().flatMap(place -> place.at().stream()).max(Comparator.naturalOrder());
            Optional<Version> taken = at.or(() -> Guards.otherwise(pointer, to, versions, () -> standing.root().get(0).at()));
            Guards.whyNot(pointer, what, to, taken, versions).ifPresentOrElse(stays::add, () -> {
                if (!same.stream().allMatch(place -> place.at().equals(Optional.of(to)))) {
                    moves.add(new Move(what, at, to));
                }
            });
        });
    }
}
