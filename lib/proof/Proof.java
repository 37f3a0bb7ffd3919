package lib.proof;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Predicate;
import lib.base.Console;
import lib.base.Exec;
import lib.base.Fault;
import lib.base.FileTree;
import lib.base.Parallel;
import lib.config.Environment;
import lib.config.Project;
import lib.git.Git;
import lib.git.GitReader;
import lib.nix.Nix;
import lib.nix.PublicKey;
import lib.oci.ImageStore;
import lib.publish.Folder;
import lib.publish.VersionPage;
import lib.publish.Versions;
import lib.release.BuiltCheck;
import lib.release.BuiltRelease;
import lib.release.BuiltRelease.BuiltFile;
import lib.release.Version;
import org.eclipse.jgit.lib.ObjectId;

/**
 * Fetches back what was published and compares it with what was built. Parts are named first and
 * proved together by {@link #orFail}; nothing is written anywhere.
 */
public final class Proof {

    /** What is asked for at once where nobody says otherwise, and of registries. */
    private static final int CONCURRENCY = 16;
    private static final int AT_ONCE = 4;
    private static final int SHOWN = 100;

    /** Proves one part; what it throws is a failure too. */
    public interface Part {
        void prove(Findings findings) throws Exception;
    }

    private record Named(String name, Part part, boolean many) {
    }

    private final Fetching fetcher;
    private final Environment environment;
    private final Project project;
    private final Optional<PublicKey> publicKey;
    private final Optional<String> allowedSigners;
    private final Console console;
    private final List<Named> parts = new ArrayList<>();
    private Duration patience = Duration.ZERO;
    private int concurrency = CONCURRENCY;
    private Optional<Sparing> sparing = Optional.empty();
    private Optional<Earlier> earlier = Optional.empty();
    private volatile boolean light;

    /**
     * @param signer the public key NAME:BASE64 of the key this run signs with, for an environment that
     *               does not say its own; empty where that is not known either
     */
    public Proof(Fetcher fetcher, Environment environment, Project project, Optional<String> signer, Console console) {
        this.fetcher = new Fetching(fetcher, console);
        this.environment = environment;
        this.project = project;
        this.publicKey = environment.publicKey().or(() -> signer).map(PublicKey::of);
        this.allowedSigners = environment.allowedSigners();
        this.console = console;
    }

    /** How long a name that may change may still show its old bytes: caches on the way keep it that long. */
    public Proof patience(Duration patience) {
        this.patience = patience;
        fetcher.patience(patience);
        return this;
    }

    /** How many things are asked for at once, at most; as few as the server is near. */
    public Proof concurrency(int most) {
        this.concurrency = most;
        return this;
    }

    /**
     * What was proved by its bytes before is proved by metadata: store paths of the release that manifest.nix names, as the
     * pointer moves only after the proof of all of them ({@link Earlier}). Where that is this release and nothing was sent, also its
     * files, by the digests that the store itself takes of what it holds, and its images, by manifests, sizes and tags.
     */
    public Proof sparing(Sparing sparing) {
        this.sparing = Optional.of(sparing).filter(Sparing::wanted);
        return this;
    }

    private synchronized Earlier earlier() {
        if (earlier.isEmpty()) {
            earlier = Optional.of(sparing.isPresent() ? Earlier.of(fetcher, project) : Earlier.NOTHING);
        }
        return earlier.get();
    }

    private boolean isProvedBefore(BuiltRelease built) {
        light = sparing.isPresent() && sparing.get().nothingSent().getAsBoolean() && earlier().release().equals(Optional.of(built));
        return light;
    }

    /** What a version's release.json says, fetched; empty where it was published without one. Throws Fault when it is not whole. */
    public Optional<BuiltRelease> released(Version version) {
        return released(version, bytes -> { });
    }

    private Optional<BuiltRelease> released(Version version, Consumer<byte[]> whole) {
        String key = project.folder(version.toString()) + BuiltRelease.FILE;
        String name = fetcher.name("releases", key);
        return fetcher.document("releases", key).map(bytes -> {
            whole.accept(bytes);
            BuiltRelease released = BuiltRelease.parse(bytes, name);
            if (!released.version().equals(version)) {
                throw Fault.failed(name + " is of another release", "it says version " + released.version(), "find out who wrote it");
            }
            return released;
        });
    }

    /** Every file of the version's folder, and its manifest.nix, release.json and versions.json by what they say, and what is signed of them. */
    public Proof artifacts(BuiltRelease built) {
        String folder = project.folder(built.version().toString());
        return check("release files", findings -> {
            SortedMap<String, BuiltFile> files = built.below("artifacts/" + folder.replaceAll("/$", ""));
            if (!files.containsKey("manifest.nix")) {
                findings.failure("release.json names no " + folder + "manifest.nix: it does not describe a complete release");
            }
            files("release files", "releases", folder, built, files, Instant.MIN, findings);
            Manifest.prove(fetcher, folder + "manifest.nix", built, findings);
            String name = fetcher.name("releases", folder + BuiltRelease.FILE);
            SortedMap<String, String> digests = new TreeMap<>();
            files.forEach((path, file) -> digests.put(path, file.sha256()));
            Optional<BuiltRelease> released = released(built.version(), bytes -> digests.put(BuiltRelease.FILE, FileTree.sha256(bytes)));
            if (released.isEmpty()) {
                findings.failure(name + ": is missing");
            } else if (!released.get().equals(built)) {
                findings.failure(name + ": does not describe what was built here");
                digests.remove(BuiltRelease.FILE);
            } else {
                findings.proved();
            }
            if (Versions.belongsTo(built)) {
                new VersionsProof(fetcher, new Versions(built, project, environment), environment.name()).prove(folder + BuiltRelease.VERSIONS, findings)
                        .ifPresent(bytes -> digests.put(BuiltRelease.VERSIONS, FileTree.sha256(bytes)));
            }
            new AttestedProof(fetcher, built, project, environment.provenanceKey().map(PublicKey::of).or(() -> publicKey)).prove(folder, digests, findings);
        });
    }

    /** Every output and derivation of the release in the cache, and all they refer to; {@code deep} as in {@link #closure}. */
    public Proof cache(BuiltRelease built, Predicate<String> deep) {
        return check("cache", findings -> new Closure(fetcher, publicKey, deep, earlier(), sparing.map(wish -> wish.seen().get()).orElse(Map.of()), console).prove(built.storePaths(), built.closure(), findings));
    }

    /** These store paths in the cache and all they refer to; of those that {@code deep} takes the whole NAR is fetched. */
    public Proof closure(Collection<String> storePaths, Predicate<String> deep) {
        return check("cache", findings -> new Closure(fetcher, publicKey, deep, earlier(), Map.of(), console).prove(storePaths, Collections.emptySortedMap(), findings));
    }

    /** Every page of the manual at {@code which}: a MAJOR, nightly or stable. */
    public Proof manual(BuiltRelease built, String which) {
        String prefix = project.manual(which);
        return check("manual " + which, findings -> {
            SortedMap<String, BuiltFile> pages = built.below("manual");
            if (!pages.containsKey("index.html")) {
                findings.failure("release.json names no index.html of the manual");
            }
            files("manual " + which, "docs", prefix, built, pages, Instant.now().plus(patience), findings);
        });
    }

    private Proof page(BuiltRelease built) {
        PageProof page = PageProof.of(fetcher, new VersionPage(built, project, environment, publicKey));
        return page.isDue() ? check("page", page::prove) : this;
    }

    /** Installers below a prefix of their bucket; one without a version may be shown late by caches on the way. */
    public Proof installers(String prefix, SortedMap<String, BuiltFile> files) {
        return check("installers in " + prefix, findings -> new FilesProof(fetcher, console, file -> false)
                .prove("installers", "install", prefix, files, Instant.now().plus(patience), findings));
    }

    /** The images of a release in each repository: every byte of them, each of the tags names their index, and their provenance is attached to that. */
    public Proof images(List<ImageStore> stores, BuiltRelease built, List<String> tags) {
        stores.forEach(store -> check("images in " + store.name(), findings -> ReferrerProof.prove(fetcher, store, built, project,
                new ImageProof(store, built.images(), console).all(tags, isProvedBefore(built), findings)), false));
        return this;
    }

    /** The tags alone, for images that {@link #images} has proved in the same run: they are not fetched twice. */
    public Proof imageTags(List<ImageStore> stores, BuiltRelease built, List<String> tags) {
        stores.forEach(store -> check("image tags in " + store.name(), findings -> new ImageProof(store, built.images(), console).tags(tags, findings), false));
        return this;
    }

    /** A pointer among the releases: the manifest.nix at the root is the version's, where that is known; what else there is says what it should. */
    public Proof pointer(Optional<BuiltRelease> built, Folder pointer) {
        return pointer.items().containsKey("manifest.nix") ? built.map(this::manifest).orElse(this) : shown(pointer);
    }

    /** Anybody gets these bytes, at names that may change, by now. */
    public Proof shown(Folder folder) {
        return folder.items().isEmpty() ? this : check(folder.name(), findings -> folder.items().forEach((key, item) ->
                small(folder.prefix() + key, new BuiltFile(key, item.size(), item.sha256()), findings)));
    }

    /** The pointer: manifest.nix at the root is the version's. */
    public Proof manifest(BuiltRelease built) {
        return check("manifest", findings -> {
            BuiltFile manifest = built.below("artifacts").get("manifest.nix");
            if (manifest == null) {
                findings.failure("release.json names no manifest.nix for the root");
            } else {
                small("manifest.nix", manifest, findings);
            }
            Manifest.prove(fetcher, "manifest.nix", built, findings);
        });
    }

    // By its bytes, whatever the store says: what may change is not proved by metadata.
    private void small(String key, BuiltFile file, Findings findings) {
        new FilesProof(fetcher, console, any -> false).prove(key, "releases", "", new TreeMap<>(Map.of(key, file)), Instant.now().plus(patience), findings);
    }

    /**
     * The annotated tag of a version on the remote peels to the commit, and one of the environment's allowed signers has signed it.
     *
     * @param url      as git understands it
     * @param commit   empty where it is not known: then that it is there is all that is proved
     * @param required whether a remote that does not answer is a failure; else it is said that nothing was proved
     * @param checkout whose settings the push went by; empty where there is none
     * @param env      the environment git runs in
     */
    public Proof tag(String url, Version version, Optional<String> commit, boolean required, Optional<Git> checkout, Map<String, String> env) {
        return check("tag", findings -> {
            String ref = "refs/tags/" + version;
            GitReader reader = new GitReader(checkout, env, url, required);
            Exec ask = reader.references(ref, ref + "^{}");
            Exec.Result answer = ask.run();
            if (answer.exit() != 0) {
                String sentence = ref + " on " + url + ": " + ask.because(answer);
                if (required) {
                    findings.failure(sentence);
                } else {
                    findings.unproven(sentence);
                }
                return;
            }
            Map<String, String> refs = GitReader.parsed(answer.out());
            GitReader.wrongTag(refs, ref, commit).ifPresentOrElse(wrong -> findings.failure(ref + " on " + url + ": " + wrong), () -> {
                findings.proved();
                allowedSigners.ifPresent(file -> signature(checkout, url, version, ObjectId.fromString(refs.get(ref)), file, findings));
            });
        });
    }

    // The object that is there, whatever this clone has under that name.
    private static void signature(Optional<Git> checkout, String url, Version version, ObjectId tag, String signers, Findings findings) {
        Git git = checkout.orElseThrow(() -> Fault.failed("the signature cannot be checked", "the allowed signers are a file of a checkout", "run in one, or name it with --repo"));
        if (git.object(tag.name()).isEmpty()) {
            git.git("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--recurse-submodules=no", "--", url, "refs/tags/" + version)
                    .orFail("refs/tags/" + version + " on " + url + " cannot be fetched", "look at the repository");
        }
        new Signers(git.workTree().resolve(signers)).fault(git, tag, version.toString())
                .ifPresentOrElse(fault -> findings.failure("refs/tags/" + version + " on " + url + ": " + fault), findings::proved);
    }

    /** All that is known to belong to a version: by its release.json, which is returned, or else what can be proved without. */
    public Optional<BuiltRelease> version(Version version, Predicate<String> deep) {
        Optional<BuiltRelease> built = released(version);
        built.ifPresentOrElse(known -> artifacts(known).cache(known, deep).page(known), () -> oldRelease(version, deep));
        return built;
    }

    /** What can be proved of a version that was published without release.json; the rest is said. */
    public Proof oldRelease(Version version, Predicate<String> deep) {
        return check("old release", findings -> new OldRelease(fetcher, project, version).prove(findings,
                paths -> new Closure(fetcher, publicKey, deep, Earlier.NOTHING, Map.of(), console).prove(paths, Collections.emptySortedMap(), findings)));
    }

    /** A version is installed by the Nix on the PATH of {@code env}: {@link UpgradeProof}; {@code built} as {@link #version} knows it. */
    public Proof upgrade(Version version, Optional<BuiltRelease> built, Map<String, String> env) {
        return check("upgrade", new UpgradeProof(fetcher, environment, project, publicKey, version, () -> built.filter(this::isProvedBefore).isPresent(),
                built.filter(known -> known.skipped().contains(BuiltCheck.version.name())).isEmpty(), env, console));
    }

    /** A part of the caller's own, reported with the others. */
    public Proof check(String name, Part part) {
        return check(name, part, true);
    }

    private Proof check(String name, Part part, boolean many) {
        parts.add(new Named(name, part, many));
        return this;
    }

    /** Whether no part was named yet: proving would fail. */
    public boolean isEmpty() {
        return parts.isEmpty();
    }

    /** Proves all parts. Throws one Fault with every failure; warns of what could not be proved. */
    public void orFail() {
        List<String> failures = new ArrayList<>();
        List<String> proved = new ArrayList<>();
        Set<String> remedies = new LinkedHashSet<>();
        Map<Named, Findings> all = new LinkedHashMap<>();
        parts.forEach(named -> all.put(named, new Findings(named.many() ? concurrency : Math.min(concurrency, CONCURRENCY))));
        prove(all);
        for (Map.Entry<Named, Findings> part : all.entrySet()) {
            Named named = part.getKey();
            Findings findings = part.getValue();
            // A proof that looked at nothing is none.
            if (findings.count() == 0 && findings.failures().isEmpty() && findings.unproven().isEmpty()) {
                findings.failure("there was nothing to check");
            }
            List<String> found = findings.failures().stream().sorted().toList();
            found.stream().limit(SHOWN).forEach(failure -> failures.add(named.name() + ": " + failure));
            if (found.size() > SHOWN) {
                failures.add(named.name() + ": and " + (found.size() - SHOWN) + " more");
            }
            remedies.addAll(findings.remedies());
            findings.unproven().forEach(sentence -> console.warn("not proved: " + named.name() + ": " + sentence));
            proved.add(named.name() + " " + findings.count());
        }
        if (parts.isEmpty()) {
            failures.add("there was nothing to check");
        }
        if (failures.stream().anyMatch(failure -> failure.contains(Fetching.LATE))) {
            remedies.add("what the store has is published: wait until the caches in between have expired, or purge them, and run again");
        }
        if (!failures.stream().allMatch(failure -> failure.contains(Fetching.LATE))) {
            remedies.add("where something is missing or has other bytes: find out who else writes there, fix or remove it, and run again");
        }
        if (!failures.isEmpty()) {
            throw Fault.failed("what was published is not what was built", failures, String.join("; ", remedies));
        }
        console.say("proved: " + String.join(", ", proved)
                + (light ? "; by metadata, as manifest.nix names this release already and nothing was sent (--prove-all fetches every byte)" : ""));
    }

    // Most parts wait for one answer after the other: together they wait no longer than the slowest.
    private static void prove(Map<Named, Findings> all) {
        try {
            Parallel.forEach(all.entrySet(), AT_ONCE, part -> {
                try {
                    part.getKey().part().prove(part.getValue());
                } catch (Fault fault) {
                    part.getValue().failure(fault.getMessage());
                } catch (Exception e) {
                    part.getValue().failure(e.toString());
                }
            });
        } catch (IOException e) {
            throw new UncheckedIOException(e); // none is thrown there
        }
    }

    private void files(String what, String role, String prefix, BuiltRelease built, SortedMap<String, BuiltFile> files, Instant deadline, Findings findings) {
        Predicate<Map.Entry<String, BuiltFile>> told = isProvedBefore(built) ? sparing.orElseThrow().below(role, prefix) : file -> false;
        new FilesProof(fetcher, console, told).prove(what, role, prefix, files, deadline, findings);
    }
}
