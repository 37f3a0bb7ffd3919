package lib.release;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import lib.base.Progress;
import lib.config.Limits;
import lib.nix.Nix;
import lib.oci.BuiltImage;

/** What a release has grown by since another one. */
public final class Growth {

    /** Per cent that nobody should miss, where the project has no limit of its own. */
    private static final long NOTABLE = 25;
    /** Bytes. Whatever share of a small file that is, nobody's disk or line notices. */
    private static final long NOTHING = 100_000;
    private static final int MOST_NAMED = 20;

    /** A thing that has a size: {@code layers} have a number, which is shown and has no limit. */
    private record Thing(Limits.Kind kind, String name, boolean layers) implements Comparable<Thing> {
        @Override
        public int compareTo(Thing other) {
            return kind != other.kind ? kind.compareTo(other.kind) : name.compareTo(other.name);
        }
    }

    private final BuiltRelease before;
    private final BuiltRelease now;
    private final SortedMap<Thing, Long> old;
    private final SortedMap<Thing, Long> young;

    public Growth(BuiltRelease before, BuiltRelease now) {
        this.before = before;
        this.now = now;
        this.old = sizes(before);
        this.young = sizes(now);
    }

    /** What grew above its limit, a sentence each. */
    public List<String> above(Limits limits) {
        return grown(kind -> Optional.ofNullable(limits.percent().get(kind)));
    }

    /** What grew notably and has no limit, a sentence each. */
    public List<String> notable(Limits limits) {
        return grown(kind -> limits.percent().containsKey(kind) ? Optional.empty() : Optional.of(NOTABLE));
    }

    private List<String> grown(java.util.function.Function<Limits.Kind, Optional<Long>> most) {
        List<String> grown = new ArrayList<>();
        young.forEach((thing, size) -> {
            long was = old.getOrDefault(thing, 0L);
            Optional<Long> limit = thing.layers() || was == 0 || size - was < NOTHING ? Optional.empty() : most.apply(thing.kind());
            limit.filter(percent -> (size - was) * 100.0 / was > percent).ifPresent(percent -> grown.add(thing.kind() + ": " + thing.name() + " has grown by "
                    + percent(was, size) + ", from " + Progress.size(was) + " to " + Progress.size(size) + "; more than " + percent + " %"));
        });
        return grown;
    }

    /** What changed by one per cent or more, what came and what went: lines of 76 columns for people. */
    public List<String> table() {
        List<String> lines = new ArrayList<>();
        int alike = 0;
        TreeSet<Thing> things = new TreeSet<>(old.keySet());
        things.addAll(young.keySet());
        for (Thing thing : things) {
            Optional<Long> was = Optional.ofNullable(old.get(thing));
            Optional<Long> is = Optional.ofNullable(young.get(thing));
            if (was.isPresent() && is.isPresent() && Math.abs(is.get() - was.get()) * 100 < Math.max(1, was.get())) {
                alike++;
                continue;
            }
            String change = was.isEmpty() ? "new" : is.isEmpty() ? "gone" : was.get() == 0 ? "" : percent(was.get(), is.get());
            lines.add(String.format(Locale.ROOT, "%-48s %8s %8s %9s", cut(thing.name(), 48), shown(thing, was), shown(thing, is), change));
        }
        if (alike > 0) {
            lines.add((lines.isEmpty() ? "" : "and ") + alike + " of about the same size");
        }
        lines.addAll(packages("came: ", packages(now), packages(before)));
        lines.addAll(packages("went: ", packages(before), packages(now)));
        return lines;
    }

    private static String shown(Thing thing, Optional<Long> size) {
        return size.map(value -> thing.layers() ? value.toString() : Progress.size(value)).orElse("-");
    }

    private static String percent(long was, long is) {
        return String.format(Locale.ROOT, "%+.0f %%", (is - was) * 100.0 / was);
    }

    private static String cut(String name, int most) {
        return name.length() <= most ? name : name.substring(0, most - 3) + "...";
    }

    private static List<String> packages(String what, SortedMap<String, Long> these, SortedMap<String, Long> others) {
        List<String> names = these.keySet().stream().filter(name -> !others.containsKey(name)).toList();
        List<String> lines = new ArrayList<>(names.stream().limit(MOST_NAMED).map(name -> what + cut(name, 58) + ", " + Progress.size(these.get(name))).toList());
        if (names.size() > MOST_NAMED) {
            lines.add(what + "and " + (names.size() - MOST_NAMED) + " more");
        }
        return lines;
    }

    /** Of what the outputs refer to: names with versions, and bytes. */
    private static SortedMap<String, Long> packages(BuiltRelease release) {
        SortedMap<String, Long> packages = new TreeMap<>();
        StoreClosure.reached(release.closure(), release.jobs().stream().flatMap(job -> job.outputs().values().stream()).toList()).forEach(path ->
                packages.merge(anyVersion(release, path.replaceFirst("^.*/[^-/]*-", "")), release.closure().get(path).narSize(), Long::sum));
        return packages;
    }

    private static SortedMap<Thing, Long> sizes(BuiltRelease release) {
        SortedMap<Thing, Long> sizes = new TreeMap<>();
        for (Nix.Job job : release.closure().isEmpty() ? List.<Nix.Job>of() : release.jobs()) {
            job.outputs().forEach((output, path) -> sizes.put(new Thing(Limits.Kind.closure, job.attr() + (output.equals("out") ? "" : "." + output), false),
                    StoreClosure.reached(release.closure(), List.of(path)).stream().mapToLong(one -> release.closure().get(one).narSize()).sum()));
        }
        for (BuiltImage image : release.images()) {
            String name = "image " + image.system();
            sizes.put(new Thing(Limits.Kind.images, name, false), image.configSize() + image.layers().stream().mapToLong(BuiltImage.Layer::blobSize).sum());
            sizes.put(new Thing(Limits.Kind.images, name + ", layers", true), (long) image.layers().size());
        }
        for (BuiltRelease.BuiltFile file : release.files()) {
            boolean page = file.path().startsWith("manual/");
            if (page || file.path().startsWith("artifacts/") && !file.path().contains("/manual/") && !file.path().endsWith(".sha256")) {
                String name = page ? "the manual's pages" : anyVersion(release, file.path().replaceFirst("^.*/", ""));
                sizes.merge(new Thing(Limits.Kind.files, name, false), file.size(), Long::sum);
            }
        }
        return sizes;
    }

    // The name of a thing is the same in both releases but for their own version.
    private static String anyVersion(BuiltRelease release, String name) {
        return name.replace(release.version().toString(), "VERSION");
    }
}
