package lib.publish;

import java.io.IOException;
import java.time.DateTimeException;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import lib.base.Fault;
import lib.base.Json;
import lib.base.Parallel;
import lib.config.Environment;
import lib.config.Project;
import lib.proof.Fetcher;
import lib.release.BuiltRelease;
import lib.release.Version;
import lib.s3.ObjectStore;

/**
 * {@code index.html} beside the folders of all versions: what is out there, the newest first.
 *
 * @param releases in any order
 * @param current  the one that manifest.nix names once this stands there
 * @param latest   whether latest.json is there by then
 */
record IndexPage(Project project, Environment environment, List<Listed> releases, Optional<Version> current, boolean latest) {

    private static final int AT_ONCE = 64;

    /**
     * A release that is whole.
     *
     * @param page whether it has a page of its own
     * @param file what it has in its folder in the place of one
     */
    record Listed(Version version, Optional<String> name, Optional<LocalDate> date, boolean page, String file) {
        static Listed of(BuiltRelease built) {
            return new Listed(built.version(), Optional.of(built.name()), built.date(), true, Pages.INDEX);
        }
    }

    private record Row(String version, String href, Optional<String> name, Optional<Pages.Day> date, boolean isCurrent, boolean preRelease, Optional<String> only) {
    }

    private record Major(String major, List<Row> releases) {
    }

    private record Current(String version, String href) {
    }

    private record Values(String project, Optional<Current> current, boolean hasLinks, List<Pages.Link> links, List<Major> majors) {
    }

    /** The releases that are published whole, but for one: asks two small things about each. */
    static List<Listed> published(Published published, Optional<Version> but) throws IOException {
        List<Listed> found = Collections.synchronizedList(new ArrayList<>());
        List<Version> versions = published.versions().stream().filter(version -> !but.equals(Optional.of(version))).toList();
        Parallel.forEach(versions, AT_ONCE, version -> listed(published, version).ifPresent(found::add));
        return found;
    }

    private static Optional<Listed> listed(Published published, Version version) {
        String bucket = published.environment().releases();
        String folder = published.project().folder(version.toString());
        ObjectStore store = published.store();
        boolean page = store.head(bucket, folder + Pages.INDEX).isPresent();
        Optional<byte[]> json = store.get(bucket, folder + BuiltRelease.VERSIONS);
        if (!page && !isWhole(store, bucket, folder)) {
            return Optional.empty();
        }
        String file = page ? Pages.INDEX : store.head(bucket, folder + "manual/index.html").isPresent() ? "manual/index.html" : "manifest.nix";
        return Optional.of(new Listed(version, json.flatMap(bytes -> field(bytes, "name")), json.flatMap(bytes -> field(bytes, "date")).flatMap(IndexPage::date), page, file));
    }

    // A page is sent after all else. Who published before there were pages wrote release.json last, and before there was that, with other
    // tools, no digest beside an object, as releng always does.
    private static boolean isWhole(ObjectStore store, String bucket, String folder) {
        return store.head(bucket, folder + "manifest.nix").map(headers -> !headers.containsKey(ObjectStore.SHA256)
                || store.head(bucket, folder + BuiltRelease.FILE).isPresent()).orElse(false);
    }

    private static Optional<String> field(byte[] json, String name) {
        try {
            return Optional.of(Json.object(json, BuiltRelease.VERSIONS).path(name).asText()).filter(text -> !text.isBlank());
        } catch (Fault unreadable) {
            return Optional.empty();
        }
    }

    private static Optional<LocalDate> date(String text) {
        try {
            return Optional.of(LocalDate.parse(text));
        } catch (DateTimeException e) {
            return Optional.empty();
        }
    }

    String html() {
        Map<String, List<Row>> majors = new LinkedHashMap<>();
        List<Listed> newestFirst = releases.stream().sorted(Comparator.comparing(Listed::version).reversed()).toList();
        newestFirst.forEach(release -> majors.computeIfAbsent(release.version().major(), major -> new ArrayList<>()).add(new Row(release.version().toString(),
                href(release), release.name(), release.date().map(Pages.Day::new), current.equals(Optional.of(release.version())), !release.version().isFinal(),
                release.page() ? Optional.empty() : Optional.of(release.file().startsWith("manual/") ? "manual only" : "store paths only"))));
        Optional<Listed> pointed = newestFirst.stream().filter(release -> current.equals(Optional.of(release.version()))).findFirst();
        List<Pages.Link> links = links(pointed);
        return Pages.fill("index.html", new Values(project.name(), pointed.map(release -> new Current(release.version().toString(), href(release))), !links.isEmpty(), links,
                majors.entrySet().stream().map(major -> new Major(major.getKey(), major.getValue())).toList()));
    }

    // By address where the manual has one; a path from here to another bucket is none.
    private List<Pages.Link> links(Optional<Listed> pointed) {
        List<Pages.Link> links = new ArrayList<>();
        if (environment.urls().containsKey("docs")) {
            links.add(new Pages.Link(Fetcher.address(environment, "docs", project.manual("stable") + "index.html"), "Manual"));
        } else {
            pointed.filter(Listed::page).ifPresent(release -> links.add(new Pages.Link(folder(release) + "manual/index.html", "Manual")));
        }
        if (latest) {
            links.add(new Pages.Link("latest.json", "latest.json"));
        }
        if (current.isPresent()) {
            links.add(new Pages.Link("../manifest.nix", "manifest.nix"));
        }
        return links;
    }

    private String folder(Listed release) {
        return Pages.relative(project.folder(release.version().toString()).substring(project.prefix().length() + 1));
    }

    private String href(Listed release) {
        return folder(release) + release.file();
    }
}
