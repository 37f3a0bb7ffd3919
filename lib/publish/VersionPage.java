package lib.publish;

import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import lib.base.Progress;
import lib.config.Environment;
import lib.config.Project;
import lib.nix.PublicKey;
import lib.nix.ReleaseJobs;
import lib.oci.ImageIndex;
import lib.proof.Fetcher;
import lib.release.BuiltRelease;
import lib.release.BuiltRelease.BuiltFile;
import org.jsoup.Jsoup;

/**
 * {@code index.html} in a version's folder: what there is of it, how to get it, and how to verify that. It follows from release.json, the
 * environment and a key alone.
 *
 * @param key of the cache; empty where nobody knows it
 */
public record VersionPage(BuiltRelease built, Project project, Environment environment, Optional<PublicKey> key) {

    private static final Pattern SYSTEM = Pattern.compile("(?<![A-Za-z0-9_])[a-z0-9_]+-(linux|darwin|freebsd)(?![A-Za-z0-9_])");
    private static final Pattern PLAIN_WORD = Pattern.compile("[\\w@%+:,./-]+");

    private record File(String name, String href, String size, String sha256) {
    }

    private record Group(String id, String system, String spoken, List<File> files) {
    }

    private record StorePath(String system, String path) {
    }

    private record Repository(String name) {
    }

    private record Shown(String platforms, String digest, List<Repository> repositories) {
    }

    private record Signed(String allowed, String identity) {
    }

    private record Values(String title, String project, String version, Optional<String> name, Optional<Pages.Day> date, String commit, boolean preRelease,
                          Optional<String> notes, Optional<String> manual, Optional<File> source, Optional<String> manifest, List<StorePath> paths, boolean hasCache,
                          Optional<String> cache, Optional<String> key, List<Group> groups, Optional<Signed> signed, String example, List<Pages.Link> documents,
                          Optional<Shown> images, Optional<String> versions) {
    }

    /** Its key. */
    public String place() {
        return project.folder(built.version().toString()) + Pages.INDEX;
    }

    /** Whether the release has a page of ours: not where it brings a file of that name. */
    public boolean belongs() {
        return !artifacts().containsKey(Pages.INDEX);
    }

    /** Whether it is a release with provenance, which is published with the sums of all its files and their signature. */
    public boolean hasProvenance() {
        return provenance().isPresent();
    }

    /** The same with the key that a published page names, where none is known here. */
    public VersionPage as(String published) {
        return key.isPresent() ? this : new VersionPage(built, project, environment, Optional.ofNullable(Jsoup.parse(published).getElementById("key")).flatMap(named -> {
            try {
                return Optional.of(PublicKey.of(named.text()));
            } catch (IllegalArgumentException none) {
                return Optional.empty();
            }
        }));
    }

    public String html() {
        String version = built.version().toString();
        SortedMap<String, BuiltFile> artifacts = artifacts();
        Map<String, List<File>> bySystem = new TreeMap<>();
        Map<String, File> files = new TreeMap<>();
        new Versions(built, project, environment).files().forEach((name, file) -> {
            File shown = new File(name, Pages.relative(name), Progress.size(file.size()), file.sha256());
            files.put(name, shown);
            Matcher system = SYSTEM.matcher(name);
            bySystem.computeIfAbsent(system.find() ? system.group() : "", any -> new ArrayList<>()).add(shown);
        });
        List<File> any = bySystem.remove("");
        List<Group> groups = new ArrayList<>();
        Optional.ofNullable(any).ifPresent(some -> groups.add(new Group("any-system", "Any system", "any system", some)));
        bySystem.forEach((system, some) -> groups.add(new Group(system, system, system, some)));
        Optional<String> notes = Announcement.notesPage(project, built).map(page -> "manual/" + page).filter(artifacts::containsKey).map(Pages::relative);
        Optional<String> cache = Optional.ofNullable(environment.urls().get("cache")).map(address -> Fetcher.base(environment, "cache"));
        Optional<String> cacheKey = key.map(VersionPage::text);
        return Pages.fill("version.html", new Values(project.name() + " " + version + (built.name().isBlank() ? "" : " “" + built.name() + "”"), project.name(), version,
                Optional.of(built.name()).filter(name -> !name.isBlank()), built.date().map(Pages.Day::new), built.commit(), !built.version().isFinal(), notes,
                Optional.of("manual/index.html").filter(artifacts::containsKey), Optional.ofNullable(files.get(stem() + ".tar.gz")),
                Optional.of("manifest.nix").filter(name -> environment.urls().containsKey("releases")).map(new Versions(built, project, environment)::address),
                paths(), cache.isPresent() || cacheKey.isPresent(), cache, cacheKey, groups, signed(), files.keySet().stream().findFirst().map(VersionPage::quoted).orElse("FILE"),
                documents(files), images(), Optional.of(BuiltRelease.VERSIONS).filter(name -> Versions.belongsTo(built))));
    }

    private SortedMap<String, BuiltFile> artifacts() {
        return built.below(("artifacts/" + project.folder(built.version().toString())).replaceAll("/$", ""));
    }

    private String stem() {
        return project.prefix() + "-" + built.version();
    }

    private Optional<String> provenance() {
        return Optional.of(stem() + ".intoto.jsonl").filter(name -> built.files().stream().anyMatch(file -> file.path().equals(name)));
    }

    private List<StorePath> paths() {
        List<StorePath> paths = new ArrayList<>();
        new ReleaseJobs(built.jobs()).builds().forEach((system, job) -> paths.add(new StorePath(system, job.outputs().get("out"))));
        return paths;
    }

    // A key of its own for this, where the environment has one; and no word of what nobody can verify.
    private Optional<Signed> signed() {
        return provenance().flatMap(name -> environment.provenanceKey().map(PublicKey::of).or(() -> key))
                .map(signer -> new Signed(quoted(signer.name() + " namespaces=\"file\" " + signer.ssh()), quoted(signer.name())));
    }

    private List<Pages.Link> documents(Map<String, File> files) {
        List<Pages.Link> documents = new ArrayList<>();
        provenance().ifPresent(name -> documents.add(new Pages.Link(Pages.relative(name), "Provenance (in-toto, SLSA)")));
        Optional.ofNullable(files.get(stem() + ".cdx.json")).ifPresent(file -> documents.add(new Pages.Link(file.href(), "Bill of materials (CycloneDX)")));
        return documents;
    }

    private Optional<Shown> images() {
        if (!built.hasImages() || environment.registries().isEmpty()) {
            return Optional.empty();
        }
        String platforms = built.images().stream().map(image -> image.os() + "/" + image.architecture() + image.variant().map(variant -> "/" + variant).orElse(""))
                .distinct().sorted().collect(Collectors.joining(", "));
        return Optional.of(new Shown(platforms, ImageIndex.of(built.images()).index().digest(), environment.registries().stream().map(Repository::new).toList()));
    }

    private static String text(PublicKey key) {
        return key.name() + ":" + Base64.getEncoder().encodeToString(key.raw());
    }

    /** As a word of a POSIX shell. */
    private static String quoted(String word) {
        return PLAIN_WORD.matcher(word).matches() && !word.startsWith("-") ? word : "'" + word.replace("'", "'\\''") + "'";
    }
}
