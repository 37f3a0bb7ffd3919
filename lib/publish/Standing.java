package lib.publish;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.function.Supplier;
import java.util.stream.Stream;
import lib.base.Fault;
import lib.oci.ImageIndex;
import lib.proof.Glance;
import lib.publish.Status.Place;
import lib.release.BuiltRelease;
import lib.release.Version;

/**
 * Where pointers stand, as they say themselves.
 *
 * @param versions those that are out
 * @param built    what their release.json say, of those that have one
 */
record Standing(Inspection inspection, Pointers pointers, Collection<Version> versions, SortedMap<Version, BuiltRelease> built) {

    private static final String INSTALL = "install";

    /** Those that a release writes last. */
    List<Place> root() {
        return List.of(place("manifest", "manifest.nix", pointers::manifest), place("latest.json", "latest.json", pointers::latestJson));
    }

    /** stable, each MAJOR, and nightly. */
    List<Place> manuals() {
        return Stream.of(Stream.of("stable"), majors(), Stream.of("nightly")).flatMap(all -> all).map(this::manual).toList();
    }

    /** The MAJORs of what is out, the newest first. */
    Stream<String> majors() {
        return versions.stream().sorted(Comparator.reverseOrder()).map(Version::major).distinct();
    }

    private static Place place(String kind, String name, Supplier<Optional<Version>> at) {
        try {
            return new Place(kind, name, "", at.get(), List.of(), Optional.empty(), Optional.empty());
        } catch (Fault fault) {
            return new Place(kind, name, "", Optional.empty(), List.of(), Optional.empty(), Optional.of(fault.getMessage()));
        }
    }

    private Place manual(String which) {
        Place place = place("manual", which, () -> pointers.manual(which));
        if (place.none()) {
            Glance.Seen index = inspection.glance().look(Inspection.DOCS, inspection.project().manual(which) + "index.html");
            return new Place("manual", which, "", Optional.empty(), List.of(), Optional.empty(), index.there() ? Optional.of("it does not say of which version it is") : index.unknown());
        }
        Optional<BuiltRelease> said = place.at().map(built::get);
        if (said.isEmpty()) {
            return place;
        }
        Status.Part pages = inspection.sized("manual", which, Inspection.DOCS, inspection.pages(said.get(), which));
        List<String> missing = Stream.concat(pages.missing().stream(), pages.other().stream()).toList();
        return new Place("manual", which, "", place.at(), missing, Optional.empty(), pages.unknown().stream().findFirst());
    }

    /** Of each repository the tag latest, and those of MAJORs: at the newest version whose index they name, by its own tag or its release.json. */
    List<Place> images() {
        List<Place> places = new ArrayList<>();
        inspection.tags().byRepository().forEach((repository, tags) -> Stream.concat(Stream.of("latest"), majors()).forEach(tag -> {
            ImageTags.Named named = tags.get(tag);
            Optional<Version> at = named.digest().flatMap(digest -> versions.stream().sorted(Comparator.reverseOrder())
                    .filter(version -> tags.containsKey(version.toString()) && tags.get(version.toString()).digest().equals(Optional.of(digest)) || digest.equals(index(version))).findFirst());
            places.add(new Place("image", tag, repository, at, List.of(), named.digest(), named.unknown()));
        }));
        return places;
    }

    private String index(Version version) {
        return Optional.ofNullable(built.get(version)).filter(BuiltRelease::hasImages).map(known -> ImageIndex.of(known.images()).index().digest()).orElse("");
    }

    /** Of each system, at the version whose own installer is as large, or, of several, has the same bytes. */
    List<Place> installers() {
        Glance glance = inspection.glance();
        if (!glance.reaches(INSTALL)) {
            return List.of();
        }
        String stem = inspection.project().prefix() + "/" + inspection.project().installer("");
        Optional<List<String>> listed = glance.list(INSTALL, inspection.project().prefix() + "/");
        List<String> systems = listed.map(keys -> keys.stream().filter(key -> key.startsWith(stem)).map(key -> key.substring(stem.length())).toList())
                .filter(found -> !found.isEmpty()).orElse(inspection.project().installers());
        glance.look(INSTALL, systems.stream().map(system -> inspection.project().prefix() + "/" + inspection.project().installer(system)).toList()); // all at once
        return systems.stream().map(system -> place("installer", system, () -> installer(glance, system))).toList();
    }

    private Optional<Version> installer(Glance glance, String system) {
        String name = inspection.project().installer(system);
        String key = inspection.project().prefix() + "/" + name;
        Glance.Seen pointer = glance.look(INSTALL, key);
        pointer.unknown().ifPresent(why -> {
            throw Fault.failed(why, List.of(), "run again");
        });
        if (pointer.missing()) {
            return Optional.empty();
        }
        Map<String, Glance.Seen> own = glance.look(INSTALL, versions.stream().map(version -> own(version, name)).toList());
        List<Version> candidates = versions.stream().filter(version -> own.get(own(version, name)).size().equals(pointer.size())).sorted(Comparator.reverseOrder()).toList();
        if (candidates.size() > 1) {
            String digest = glance.sha256(INSTALL, key);
            candidates = candidates.stream().filter(version -> glance.sha256(INSTALL, own(version, name)).equals(digest)).toList();
        }
        return Optional.of(candidates.stream().findFirst().orElseThrow(() -> Fault.refused(glance.name(INSTALL, key) + " does not state its version",
                "it is that of no version", "find out who put it there")));
    }

    private String own(Version version, String name) {
        return inspection.project().folder(version.toString()) + name;
    }
}
