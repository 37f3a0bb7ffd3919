package lib.publish;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import lib.base.Cli;
import lib.base.Console;
import lib.base.Fault;
import lib.base.FileTree;
import lib.base.Lock;
import lib.config.Environment;
import lib.git.Git;
import lib.git.GitServer;
import lib.http.Network;
import lib.http.Tuning;
import lib.nix.Nix;
import lib.nix.SigningKey;
import lib.oci.Repositories;
import lib.proof.Fetcher;
import lib.proof.Glance;
import lib.s3.Embedded;
import lib.s3.Keys;
import lib.s3.ObjectStore;
import picocli.CommandLine.Option;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;

/**
 * Object store, git repository and signing key of an environment, open for one run. The environment
 * {@code local} is made here: a folder with buckets, a bare repository and a throw-away key.
 */
public final class Access implements AutoCloseable {

    /** How a run reaches an environment, as a picocli mixin. */
    public static final class Options {
        @Option(names = "--signing-key", paramLabel = "FILE", description = "The cache's secret key. Default: the key in RELENG_SIGNING_KEY, or the output "
                + "of the command in RELENG_SIGNING_KEY_COMMAND, such as: age -d -i ID prod.key.age")
        Path signingKey;

        @Option(names = "--provenance-key", paramLabel = "FILE", description = "The secret key that signs provenance and checksums, where the environment has one of its own "
                + "(provenanceKey). Default: as with --signing-key, RELENG_PROVENANCE_KEY or RELENG_PROVENANCE_KEY_COMMAND.")
        Path provenanceKey;

        @Option(names = "--concurrency", paramLabel = "N", description = "How many requests run at once, at most; default: ${DEFAULT-VALUE}.")
        public int concurrency = ObjectStore.CONCURRENCY;

        @Option(names = "--local-folder", paramLabel = "DIR", description = "Where the environment local keeps its buckets and repository; "
                + "default: releng/local in the clone's .git.")
        Path localFolder;

        /** Throws Fault (usage) for what cannot be. */
        public void check() {
            if (concurrency < 1) {
                throw Fault.usage("--concurrency must be at least 1", "it is " + concurrency + ", and nothing could be sent", "omit it for the default");
            }
        }

        /**
         * Opens an environment to look at alone: without keys where it is public, else with keys, which are only used from a checkout. Throws
         * Fault (usage) where there is none.
         */
        public Access looking(Environment environment, List<String> buckets, Optional<Git> checkout, Cli.Session session, List<String> registries, Network network) throws IOException {
            if (environment.isPublic()) {
                return anonymous(environment, session.console(), network);
            }
            Git git = checkout.orElseThrow(() -> Fault.usage(environment.name() + " is not public", "its keys are only used from a checkout", "run in one, or name it with --repo"));
            return open(environment, buckets, git, session, wish(session, git, true, registries, network));
        }

        /** With these options; {@code readOnly} where nothing is to be changed, nor made. */
        public Wish wish(Cli.Session session, Git git, boolean readOnly, List<String> registries, Network network) {
            return new Wish(Optional.ofNullable(signingKey).map(session::resolve), Optional.ofNullable(provenanceKey).map(session::resolve), localFolder == null ? git.shared("local") : session.resolve(localFolder),
                    readOnly, concurrency, registries, network);
        }
    }

    private final Environment environment;
    private final Network network;
    private ObjectStore store;
    private Optional<String> gitUrl = Optional.empty();
    private Repositories repositories;
    private Path staging;
    private Runnable lifetime = () -> { };
    private Supplier<SigningKey> openKey;
    private SigningKey key;
    private Supplier<SigningKey> openProvenanceKey;
    private SigningKey provenanceKey;
    private final List<AutoCloseable> opened = new ArrayList<>();

    private Access(Environment environment, Network network) {
        this.environment = environment;
        this.network = network;
    }

    /** What anybody has of an environment that is public: nothing but what is to be read, and no keys. */
    public static Access anonymous(Environment environment, Console console, Network network) {
        Access access = new Access(environment, network);
        access.gitUrl = environment.git();
        access.repositories = access.keep(new Repositories(environment, Optional.empty(), List.of(), Map.of(), false, console, network));
        return access;
    }

    public ObjectStore store() {
        return store;
    }

    /** How what was published is fetched back: by public address where there is one, else with the keys of this run. */
    public Fetcher fetcher() {
        return Fetcher.of(environment, Optional.ofNullable(store), network, "releases", "cache", "docs"); // with keys, of installers too
    }

    /** What there is by name and size, without what proves it. */
    Glance glance(Console console, int most) {
        return new Glance(fetcher(), environment, Optional.ofNullable(store), console, most);
    }

    /** Where branch and tag go, as git understands it; empty only where there are no keys. */
    public Optional<String> gitUrl() {
        return gitUrl;
    }

    /** Where images go. */
    public Repositories repositories() {
        return repositories;
    }

    /** A folder for what this run has to keep until it is sent; made by who puts something there, gone with the run. */
    public Path staging() {
        return staging;
    }

    /** The cache's key, looked for when first asked for: a plan needs none. Throws Fault where there is none. */
    public synchronized SigningKey key() {
        if (key == null) {
            key = openKey.get();
        }
        return key;
    }

    /** The same of the key for provenance and checksums: the cache's, where the environment has none of its own. */
    public synchronized SigningKey provenanceKey() {
        if (provenanceKey == null) {
            provenanceKey = environment.provenanceKey().isPresent() ? openProvenanceKey.get() : key();
        }
        return provenanceKey;
    }

    /** Throws Fault when the object store's keys end before a release is likely to be through. */
    public void checkLifetime() {
        lifetime.run();
    }

    /**
     * What a run wants.
     *
     * @param signingKey  file with the cache's secret key, where one was named
     * @param provenanceKey the same of the key for provenance
     * @param localFolder where the environment local is kept
     * @param planOnly    nothing is to be changed, nor made
     * @param concurrency requests to the object store at once, at most
     * @param registries  repositories of images, of whatever environment
     * @param network     the way to them
     */
    public record Wish(Optional<Path> signingKey, Optional<Path> provenanceKey, Path localFolder, boolean planOnly, int concurrency, List<String> registries, Network network) {
    }

    /**
     * Opens an environment. A plan must not even make the local store: it looks at an empty one. Of those that publish from
     * one clone to one environment only one is open at a time: they would mix what they staged. Throws Fault (refused) to others.
     *
     * @param buckets those that keys are needed for
     */
    public static Access open(Environment environment, List<String> buckets, Git git, Cli.Session session, Wish wish) throws IOException {
        if (wish.provenanceKey().isPresent() && environment.provenanceKey().isEmpty()) {
            throw Fault.usage("--provenance-key is of no use for " + environment.name(), "it has no key provenanceKey in releng.json, so the cache's key signs provenance, too",
                    "write down the key's public half there, or omit it");
        }
        Path folder = wish.localFolder();
        Path staging = git.shared("staging-" + environment.name());
        if (wish.planOnly()) {
            boolean throwAway = environment.isLocal() && !Files.exists(folder);
            return open(environment, buckets, throwAway ? Files.createTempDirectory("releng-local") : folder, throwAway, session, git, wish, staging);
        }
        Lock lock = Lock.take(environment.isLocal() ? folder.resolve("lock") : git.shared(environment.name() + ".lock"), "an upload to " + environment.name());
        try {
            FileTree.remove(staging); // what a run that was killed has left
            Access access = open(environment, buckets, folder, false, session, git, wish, staging);
            access.opened.add(() -> FileTree.remove(staging));
            access.opened.add(lock);
            return access;
        } catch (RuntimeException | IOException e) {
            lock.close();
            throw e;
        }
    }

    private static Access open(Environment environment, List<String> buckets, Path folder, boolean throwAway, Cli.Session session, Git git, Wish wish, Path staging)
            throws IOException {
        Access access = environment.isLocal() ? local(environment, folder, throwAway, session, git, wish)
                : remote(environment, git, buckets, session.env(), session.console(), wish);
        access.staging = staging.resolve(Long.toString(ProcessHandle.current().pid()));
        return access;
    }

    /** Opens a deployment reached over the network; {@code buckets} are those that keys are needed for. */
    public static Access remote(Environment environment, Git git, List<String> buckets, Map<String, String> env, Console console, Wish wish)
            throws IOException {
        Access access = new Access(environment, wish.network());
        try {
            access.openKey = () -> SigningKey.of(SigningKey.Use.cache, wish.signingKey(), env);
            access.openProvenanceKey = () -> SigningKey.of(SigningKey.Use.provenance, wish.provenanceKey(), env);
            String url = environment.git().orElseThrow();
            access.gitUrl = Optional.of(environment.gerrit() == Environment.Gerrit.no || !buckets.contains(environment.releases()) ? url // installers are pushed nowhere
                    : GitServer.require(git, url).url());
            Keys keys = access.keep(Keys.of(environment, buckets, env, console, InstantSource.system()));
            keys.resolveCredentials(); // now: keys that cannot be had are found before anything begins
            access.lifetime = keys::checkLifetime;
            access.repositories = access.keep(new Repositories(environment, Optional.empty(), wish.registries(), env, !wish.planOnly(), console, wish.network()));
            access.store = access.keep(ObjectStore.connect(environment.endpoint().orElseThrow(), environment.region(), keys,
                    Tuning.DEFAULT.withConcurrency(wish.concurrency()), wish.network()));
            return access;
        } catch (RuntimeException e) {
            access.close();
            throw e;
        }
    }

    // throwAway removes the folder at the end.
    private static Access local(Environment environment, Path folder, boolean throwAway, Cli.Session session, Git git, Wish wish)
            throws IOException {
        Access access = new Access(environment, wish.network());
        try {
            if (throwAway) {
                access.opened.add(() -> FileTree.remove(folder));
            }
            Files.createDirectories(folder);
            Path bare = folder.resolve("git");
            if (!Files.exists(bare)) {
                git.git("init", "--quiet", "--bare", "--template=", "--object-format=sha1", bare.toString()).orFail("the repository of " + environment.name() + " could not be made", "look at " + folder);
            }
            access.gitUrl = Optional.of(bare.toString());
            access.repositories = access.keep(new Repositories(environment, Optional.of(folder.resolve("images")), wish.registries(),
                    session.env(), !wish.planOnly(), session.console(), wish.network()));
            Path secret = folder.resolve("cache.sec");
            if (!Files.exists(secret)) {
                new Nix(session.console(), session.env(), List.of()).generateKey(environment.cache(), secret, folder.resolve("cache.pub"));
            }
            access.openKey = () -> SigningKey.inFile(SigningKey.Use.cache, secret);
            access.openProvenanceKey = () -> SigningKey.of(SigningKey.Use.provenance, wish.provenanceKey(), session.env());
            Embedded server = access.keep(Embedded.start(folder.resolve("buckets"),
                    List.of(environment.releases(), environment.cache(), environment.docs(), environment.install()), session.env(), session.console()));
            access.store = access.keep(ObjectStore.connect(server.endpoint(), environment.region(),
                    StaticCredentialsProvider.create(AwsBasicCredentials.create(server.id(), server.secret())),
                    Tuning.DEFAULT.withConcurrency(wish.concurrency()), wish.network()));
            return access;
        } catch (RuntimeException | IOException e) {
            access.close();
            throw e;
        }
    }

    private <T extends AutoCloseable> T keep(T resource) {
        opened.add(0, resource);
        return resource;
    }

    /** Closes in the opposite order of opening; all of them, whatever one of them throws. */
    @Override
    public void close() throws IOException {
        IOException failure = null;
        for (AutoCloseable resource : opened) {
            try {
                resource.close();
            } catch (Exception e) {
                failure = failure != null ? failure : e instanceof IOException known ? known : new IOException(e);
            }
        }
        opened.clear();
        if (failure != null) {
            throw failure;
        }
    }
}
