package lib.publish;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import lib.base.FileTree;
import lib.config.Environment;
import lib.config.Project;
import lib.nix.PublicKey;
import lib.proof.Proof;
import lib.release.BuiltRelease;
import lib.release.BuiltRelease.BuiltFile;
import lib.release.Version;
import lib.s3.ObjectStore;
import picocli.CommandLine.Option;

/**
 * Where the files of a release go in the buckets of an environment.
 *
 * @param release the folder that was built
 * @param replace other bytes under a name with the version in it are replaced: somebody said so by name
 * @param shrink  prefixes of manuals that may lose many pages
 */
public record Folders(ObjectStore store, Environment environment, Project project, Path release, boolean replace, List<String> shrink) {

    /** What may be lost of what is there, as a picocli mixin. */
    public static final class Options {
        @Option(names = "--replace", arity = "0..1", fallbackValue = "", paramLabel = "NAME",
                description = "Replace files of this version that are published with other bytes. A guarded environment requires the name, such as lix-2.93.1.")
        public String replace;

        @Option(names = "--shrink", paramLabel = "PREFIX", description = "Let this manual, such as manual/lix/stable, lose more than a tenth of its pages.")
        public List<String> shrink = new ArrayList<>();

        public boolean replaces() {
            return replace != null;
        }
    }

    /** Beside the pages of a manual: of which version they are. Moves with them, and first. */
    static final String VERSION = Project.MANUAL_VERSION;

    /** All that stands in the folder of the version. */
    public Folder artifacts(BuiltRelease built) {
        return versioned("releases", built, Folder.files(release, built.below(("artifacts/" + project.folder(built.version().toString())).replaceAll("/$", ""))));
    }

    /** What anybody needs to prove this release, or to point to it again; and what others' scripts read of it. */
    public Folder releaseJson(BuiltRelease built) throws IOException {
        Path file = release.resolve(BuiltRelease.FILE);
        BuiltFile json = new BuiltFile(BuiltRelease.FILE, Files.size(file), FileTree.sha256(file));
        SortedMap<String, Item> items = Folder.files(release, Map.of(BuiltRelease.FILE, json));
        if (Versions.belongsTo(built)) {
            items.put(BuiltRelease.VERSIONS, new Item.Text(asPublished(new Versions(built, project, environment)).json()));
        }
        return versioned(BuiltRelease.FILE, built, items);
    }

    private Versions asPublished(Versions versions) {
        String key = project.folder(versions.built().version().toString()) + BuiltRelease.VERSIONS;
        return replace ? versions : store.get(environment.releases(), key).flatMap(versions::as).orElse(versions);
    }

    private Folder versioned(String name, BuiltRelease built, SortedMap<String, Item> items) {
        return new Folder(name, store, environment.releases(), project.folder(built.version().toString()), items,
                replace ? Folder.Mode.REPLACED_CONTENT : Folder.Mode.CONTENT);
    }

    /** The manual of a MAJOR, or nightly. */
    public Folder manual(String which, BuiltRelease built) {
        return mirror(which, Folder.files(release, built.below("manual")), built.version(), Optional.of(built.commit()));
    }

    /** The manual at a place that moves, said to be of this version: what it has and the pages do not goes away. */
    private Folder mirror(String which, SortedMap<String, Item> pages, Version version, Optional<String> commit) {
        String prefix = project.manual(which);
        SortedMap<String, Item> items = new TreeMap<>(pages);
        items.put(VERSION, new Item.Text(version + commit.map(id -> " " + id).orElse("") + "\n"));
        return new Folder("manual " + which, store, environment.docs(), prefix, items,
                shrink.contains(prefix.replaceAll("/$", "")) ? Folder.Mode.SHRINKING_MIRROR : Folder.Mode.MIRROR);
    }

    /** The manual at a place as it was published with a version that is out. */
    public Folder published(String which, Version version, Optional<String> commit) {
        return mirror(which, Folder.objects(store, environment.releases(), project.folder(version.toString()) + "manual/"), version, commit);
    }

    /** The manual that stands among the artifacts by then, proved, at another place: the store copies its pages. */
    public Folder copied(String which, BuiltRelease built) {
        String there = project.folder(built.version().toString()) + "manual/";
        return mirror(which, Folder.copies(release, built.below("manual"), built.below("artifacts/" + there.replaceAll("/$", "")),
                environment.releases(), there), built.version(), Optional.of(built.commit()));
    }

    /** Adds the proof of a manual that stays where it is, if it is there: two runs at once may have mixed it. */
    public void proveUntouched(String which, Published published, Proof proof) {
        published.manual(which).ifPresent(at -> proof.check("manual " + which + " of " + at,
                findings -> published(which, at, Optional.empty()).proveUntouched(at, findings)));
    }

    /** The page of the version, with its proof: anybody is shown it as it is made now. No file where the release has one of that name. */
    public Folder page(BuiltRelease built, Optional<String> signer, Proof proof) {
        VersionPage page = new VersionPage(built, project, environment, environment.publicKey().or(() -> signer).map(PublicKey::of));
        SortedMap<String, Item> items = new TreeMap<>();
        if (page.belongs()) {
            items.put(page.place(), new Item.Text(asPublished(page).html()));
        }
        Folder folder = pointer("page", items);
        proof.shown(folder);
        return folder;
    }

    // A plan knows no key that signs.
    private VersionPage asPublished(VersionPage page) {
        return page.key().isPresent() ? page : store.get(environment.releases(), page.place()).map(bytes -> page.as(new String(bytes, StandardCharsets.UTF_8))).orElse(page);
    }

    /**
     * The pointers among the releases that go to this version, and the page that lists it, in their order: manifest.nix last, as who reads it
     * finds the rest.
     */
    public List<Folder> root(BuiltRelease built, Guards guards) throws IOException {
        List<Folder> root = new ArrayList<>();
        boolean latest = guards.latestJson();
        boolean manifest = guards.manifest();
        if (latest) {
            root.add(latestJson(built));
        }
        root.add(index(Optional.of(built), manifest ? Optional.of(built.version()) : Optional.empty(), latest));
        if (manifest) {
            root.add(manifest(Folder.files(release, built.below("artifacts"))));
        }
        return root;
    }

    /**
     * The page that lists what is published.
     *
     * @param sent   is listed, whether it is there already or not
     * @param moved  where manifest.nix goes; empty where it stays
     * @param latest whether latest.json is written, too
     */
    Folder index(Optional<BuiltRelease> sent, Optional<Version> moved, boolean latest) throws IOException {
        Published published = new Published(store, environment, project);
        List<IndexPage.Listed> releases = IndexPage.published(published, sent.map(BuiltRelease::version));
        sent.map(IndexPage.Listed::of).ifPresent(releases::add);
        IndexPage index = new IndexPage(project, environment, releases, moved.or(published::current),
                latest || store.head(environment.releases(), Versions.latest(project)).isPresent());
        return pointer("index of releases", new TreeMap<>(Map.of(project.prefix() + "/" + Pages.INDEX, new Item.Text(index.html()))));
    }

    /** The pointer that others' scripts read. */
    Folder latestJson(BuiltRelease built) {
        return pointer("latest.json", new TreeMap<>(Map.of(Versions.latest(project), new Item.Text(new Versions(built, project, environment).json()))));
    }

    /** The pointer at the root, from among the artifacts. */
    Folder manifest(SortedMap<String, Item> artifacts) {
        SortedMap<String, Item> manifest = new TreeMap<>(artifacts);
        manifest.keySet().retainAll(List.of("manifest.nix"));
        return pointer("manifest", manifest);
    }

    private Folder pointer(String name, SortedMap<String, Item> items) {
        return new Folder(name, store, environment.releases(), "", items, Folder.Mode.POINTER);
    }
}
