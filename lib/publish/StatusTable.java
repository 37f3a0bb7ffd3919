package lib.publish;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import lib.base.Columns;
import lib.base.Console;
import lib.base.Console.Colour;
import lib.base.Progress;
import lib.publish.Status.Part;
import lib.publish.Status.Place;
import lib.publish.Status.Release;
import lib.publish.Status.State;
import lib.release.BuiltRelease;

/** A status for people, no line of it longer than 80 characters. */
public record StatusTable(Console console, Status status) {

    private static final String NONE = "none";
    private static final int WIDTH = 80;
    private static final int FEW = 5;
    private static final int MOST_TAGS = 8;
    private static final int ID = 10;
    private static final int DIGEST = "sha256:".length() + ID;
    private static final String INDENT = "    ";

    /** All of it, on standard output; as one JSON document where that is wished. */
    public void print(boolean json) {
        if (json) {
            StatusJson.of(status).toPrettyString().lines().forEach(console::print);
            return;
        }
        summary();
        releases();
        lacking();
        places();
        branches();
        status.here().ifPresent(this::here);
        unknown();
        console.print("");
        wrapped("Looked at by name and size; every byte: --target verify --release VERSION", "");
    }

    private void summary() {
        Map<State, Long> states = status.releases().stream().collect(Collectors.groupingBy(Release::state, LinkedHashMap::new, Collectors.counting()));
        String counts = Stream.of(State.values()).filter(states::containsKey).map(state -> states.get(state) + " " + spoken(state)).collect(Collectors.joining(", "));
        wrapped(status.project().name() + " on " + status.environment().name() + ": " + (counts.isEmpty() ? status.isTold() ? "no release" : "nobody tells which releases there are" : counts), "");
    }

    private static String spoken(State state) {
        return switch (state) {
            case incomplete -> "not whole";
            case old -> "without release.json";
            default -> state.name();
        };
    }

    private void releases() {
        if (status.releases().isEmpty()) {
            return;
        }
        title("releases");
        List<List<String>> rows = new ArrayList<>(List.of(List.of("version", "is", "date", "files", "cache", "images", "tag", "branch")));
        status.releases().forEach(release -> rows.add(List.of(release.version().toString(), release.state() == State.incomplete ? "lacks " + lacks(release) : release.state().name(),
                release.built().flatMap(BuiltRelease::date).map(Object::toString).orElse("?"), count(release, "files"), count(release, "cache"), count(release, "image"), count(release, "tag"),
                release.branches().isEmpty() ? count(release, "branch") : release.branches().get(0))));
        List<List<String>> fitted = Columns.fit(rows, WIDTH - 2, 0, 7, 3, 4);
        for (int i = 0; i < fitted.size(); i++) {
            List<String> cells = new ArrayList<>(fitted.get(i));
            if (i == 0) {
                console.print("  " + console.paint(Colour.DIM, String.join("", cells).stripTrailing()));
            } else {
                cells.set(1, console.paint(colour(status.releases().get(i - 1).state()), cells.get(1)));
                console.print("  " + String.join("", cells).stripTrailing());
            }
        }
    }

    private static Colour colour(State state) {
        return switch (state) {
            case whole -> Colour.GREEN;
            case incomplete, absent -> Colour.RED;
            case unknown -> Colour.YELLOW;
            case old -> Colour.DIM;
        };
    }

    private static int lacks(Release release) {
        return release.parts().stream().mapToInt(part -> part.missing().size() + part.other().size()).sum();
    }

    private static String count(Release release, String name) {
        List<Part> parts = release.parts().stream().filter(part -> part.name().equals(name)).toList();
        int there = parts.stream().mapToInt(Part::there).sum();
        int of = parts.stream().mapToInt(Part::of).sum();
        boolean unknown = parts.stream().anyMatch(part -> !part.unknown().isEmpty());
        if (parts.isEmpty()) {
            return "-";
        }
        return unknown ? there == 0 ? "?" : there + "?" + of : of == 1 ? there == 1 ? "yes" : "no" : there == of ? Integer.toString(of) : there + "/" + of;
    }

    private void lacking() {
        for (Release release : status.releases()) {
            List<String> lacks = release.parts().stream().flatMap(part -> Stream.concat(part.missing().stream(), part.other().stream())).toList();
            if (!lacks.isEmpty()) {
                title(release.version() + " lacks");
                some(lacks);
            }
        }
    }

    private void some(Collection<String> sentences) {
        sentences.stream().limit(FEW).forEach(sentence -> wrapped("  " + sentence, INDENT));
        if (sentences.size() > FEW) {
            console.print("  and " + (sentences.size() - FEW) + " more; --json names all");
        }
    }

    private void places() {
        title("pointers");
        List<List<String>> rows = new ArrayList<>();
        List<Place> alone = status.places().stream().filter(place -> !place.kind().equals("image") && !place.kind().equals("installer")).toList();
        alone.forEach(place -> rows.add(List.of(place.spoken(), at(place), note(place))));
        grouped(rows, "image", Place::where, "in all %d repositories");
        grouped(rows, "installer", Place::name, "for all %d systems");
        Columns.fit(rows, WIDTH - 2, 0, 1, 2).forEach(row -> console.print("  " + String.join("", row).stripTrailing()));
    }

    private static String note(Place place) {
        return place.missing().isEmpty() ? "" : "lacks " + place.missing().size() + (place.missing().size() == 1 ? " page" : " pages");
    }

    private static String at(Place place) {
        return place.unknown().isPresent() && place.at().isEmpty() ? "?" : place.at().map(Object::toString)
                .orElse(place.digest().map(digest -> begin(digest, DIGEST)).orElse(NONE));
    }

    /** What is the same in all of them in one row. */
    private void grouped(List<List<String>> rows, String kind, Function<Place, String> which, String all) {
        Map<String, Map<String, List<String>>> byName = new LinkedHashMap<>();
        status.places().stream().filter(place -> place.kind().equals(kind)).forEach(place -> byName.computeIfAbsent(kind.equals("image") ? place.spoken() : kind, name -> new LinkedHashMap<>())
                .computeIfAbsent(at(place), at -> new ArrayList<>()).add(which.apply(place)));
        byName.forEach((name, byVersion) -> byVersion.forEach((at, some) -> {
            boolean same = byVersion.size() == 1;
            boolean first = byVersion.keySet().iterator().next().equals(at);
            String where = same ? some.size() == 1 || at.equals(NONE) ? "" : String.format(all, some.size()) : String.join(", ", some);
            rows.add(List.of(first ? name : "", at, where));
        }));
    }

    private void branches() {
        if (!status.branches().isEmpty()) {
            title("branches");
            List<List<String>> rows = status.branches().stream().map(branch -> List.of(branch.name(), begin(branch.commit(), ID),
                    branch.holds().last() + (branch.holds().size() > 1 ? " and " + (branch.holds().size() - 1) + " before" : ""))).toList();
            Columns.fit(rows, WIDTH - 2, 0, 2).forEach(row -> console.print("  " + String.join("", row).stripTrailing()));
        }
        if (!status.onlyTagged().isEmpty()) {
            title("tags of versions that are not out");
            String some = status.onlyTagged().stream().limit(MOST_TAGS).map(Object::toString).collect(Collectors.joining(", "));
            wrapped("  " + some + (status.onlyTagged().size() > MOST_TAGS ? " and " + (status.onlyTagged().size() - MOST_TAGS) + " more" : ""), "  ");
        }
    }

    private void here(Status.Here here) {
        title("release/ here");
        if (here.fault().isPresent()) {
            wrapped("  " + here.fault().get(), INDENT);
            return;
        }
        BuiltRelease built = here.built().orElseThrow();
        wrapped("  " + built.version() + " of " + begin(built.commit(), ID) + (built.target().equals("all") ? "" : ", " + built.target() + " only")
                + (here.isOut() ? ": nothing to upload" : ""), INDENT);
        some(here.conflicts().stream().map(conflict -> "conflicts: " + conflict).toList());
        here.parts().stream().filter(part -> !part.missing().isEmpty()).forEach(part -> wrapped("  adds " + adds(part, built), INDENT));
        here.moves().forEach(move -> wrapped("  moves " + move.pointer() + ": " + move.from().map(Object::toString).orElse(NONE) + " -> " + move.to(), INDENT));
        here.stays().forEach(stay -> wrapped("  stays: " + stay, INDENT));
    }

    private String adds(Part part, BuiltRelease built) {
        return switch (part.name()) {
            case "files" -> part.missing().size() + (part.missing().size() == 1 ? " file, " : " files, ") + Progress.size(bytes(part, built));
            case "cache" -> part.missing().size() + (part.missing().size() == 1 ? " store path" : " store paths");
            default -> part.missing().get(0);
        };
    }

    private long bytes(Part part, BuiltRelease built) {
        return part.missing().stream().map(key -> built.below("artifacts").get(key)).filter(file -> file != null).mapToLong(BuiltRelease.BuiltFile::size).sum();
    }

    private void unknown() {
        List<String> all = Stream.of(status.unknown().stream(), status.places().stream().flatMap(place -> place.unknown().stream()),
                status.releases().stream().flatMap(release -> release.parts().stream()).flatMap(part -> part.unknown().stream()),
                status.here().stream().flatMap(here -> here.parts().stream()).flatMap(part -> part.unknown().stream())).flatMap(texts -> texts).distinct().toList();
        if (!all.isEmpty()) {
            title("unknown (?)");
            some(all);
        }
    }

    private static String begin(String text, int most) {
        return text.substring(0, Math.min(most, text.length()));
    }

    private void title(String text) {
        console.print("");
        console.print(console.paint(Colour.BOLD, text));
    }

    private void wrapped(String text, String indent) {
        Columns.wrap(text, WIDTH, indent).forEach(console::print);
    }
}
