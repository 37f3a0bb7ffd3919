import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import lib.base.Console;
import lib.base.Exec;
import lib.base.Fault;
import lib.config.Environment;
import lib.http.Network;
import lib.http.Tuning;
import lib.nix.Narinfo;
import lib.nix.Nix;
import lib.nix.PublicKey;
import lib.nix.SigningKey;
import lib.nix.StoreNar;
import lib.proof.Sparing;
import lib.publish.Cache;
import lib.publish.Plan;
import lib.s3.ObjectStore;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;

/** In what order a cache is sent, what lies on the disk meanwhile, and what is asked of its bucket: counted by a proxy. */
class CacheSendingTest {

    private static final int CHAINS = 4;
    private static final int DEPTH = 6;
    private static final int LARGE = 300_000;

    @TempDir
    Path folder;

    private final Store server = new Store();
    private final Console console = new Console(InputStream.nullInputStream(), new PrintStream(OutputStream.nullOutputStream()),
            new PrintStream(OutputStream.nullOutputStream()), false, false);
    private FaultProxy proxy;
    private ObjectStore store;
    private SigningKey key;
    private List<String> roots;
    private int paths;
    private String bucket;

    @BeforeEach
    void open() throws IOException {
        proxy = new FaultProxy(server.endpoint());
        store = ObjectStore.connect(proxy.endpoint(), server.region(), StaticCredentialsProvider.create(AwsBasicCredentials.create(server.id(), server.secret())),
                Tuning.DEFAULT, Network.PLAIN);
        bucket = server.bucket("cache");
        nix("nix-store", "--generate-binary-cache-key", "test-1", folder.resolve("key").toString(), folder.resolve("key.pub").toString());
        key = SigningKey.inFile(SigningKey.Use.cache, folder.resolve("key"));
        // Chains, each link with the one below it, and one path that refers to all their ends; text that does not become much smaller.
        Random random = new Random(folder.hashCode());
        StringBuilder expression = new StringBuilder("let ");
        for (int chain = 0; chain < CHAINS; chain++) {
            for (int level = 0; level < DEPTH; level++) {
                String text = random.ints(level == 0 ? LARGE / 2 : 200, 'a', 'z' + 1).mapToObj(letter -> String.valueOf((char) letter)).collect(Collectors.joining());
                expression.append("c").append(chain).append("l").append(level).append(" = builtins.toFile \"link\" \"").append(text)
                        .append(level == 0 ? "" : " ${c" + chain + "l" + (level - 1) + "}").append("\"; ");
            }
        }
        String ends = IntStream.range(0, CHAINS).mapToObj(chain -> "${c" + chain + "l" + (DEPTH - 1) + "}").collect(Collectors.joining(" "));
        Path file = Files.writeString(folder.resolve("paths.nix"), expression + "in builtins.toFile \"root\" \"" + ends + "\"");
        roots = List.of(nix("nix", "eval", "--impure", "--raw", "--expr", "import " + file));
        paths = CHAINS * DEPTH + 1;
    }

    @AfterEach
    void close() throws IOException {
        store.close();
        proxy.close();
        server.close();
    }

    private String nix(String... command) {
        return Exec.of(command).env("NIX_CONFIG", Sample.NIX_CONFIG).orFail(command[0], "").strip();
    }

    private Plan plan(long window) throws IOException {
        return new Plan().add(cache(window));
    }

    private Cache cache(long window) {
        return cache(environment(Optional.empty(), true), window, nix().closure(roots));
    }

    private Nix nix() {
        Map<String, String> env = new TreeMap<>(System.getenv());
        env.put("NIX_CONFIG", Sample.NIX_CONFIG);
        return new Nix(console, env, List.of());
    }

    private Environment environment(Optional<String> lsCompression, boolean wantMassQuery) {
        return new Environment("test", "no-releases", bucket, "no-docs", "no-install", Optional.of(server.endpoint()), server.region(), List.of(),
                Optional.empty(), Environment.Gerrit.no, Optional.empty(), Map.of(), Optional.empty(), false, Optional.empty(), lsCompression, wantMassQuery, Optional.empty(), Optional.empty());
    }

    private Cache cache(Environment environment, long window, SortedMap<String, Nix.PathInfo> closure) {
        return new Cache(store, environment, nix(), () -> closure, Optional.of(PublicKey.of(key.publicKey())), () -> key, folder.resolve("staging"), false, window);
    }

    @Test
    void whatIsNoLongerInTheStoreIsSaidBeforeAnythingIsSent() {
        SortedMap<String, Nix.PathInfo> closure = nix().closure(roots);
        String gone = "/nix/store/" + "0".repeat(32) + "-gone";
        closure.put(gone, new Nix.PathInfo(gone, "sha256:" + "0".repeat(52), 120, List.of()));
        Fault fault = assertThrows(Fault.class, () -> new Plan().add(cache(environment(Optional.empty(), true), Cache.WINDOW, closure)));
        assertEquals(List.of(gone), fault.why());
        assertEquals(Set.of(), objects());
    }

    /** Something that looks at each request before the server gets it. */
    private void watch(Consumer<FaultProxy.Request> eye) {
        proxy.arm(FaultProxy.Fault.values()[0], request -> {
            eye.accept(request);
            return false;
        });
    }

    private long asked(String method, String part) {
        return proxy.log().stream().filter(request -> request.method().equals(method) && request.path().contains(part)).count();
    }

    private Set<String> objects() {
        return server.content("cache").keySet();
    }

    @Test
    void noNarinfoBeforeItsNarItsListingAndAllItRefersTo() throws IOException {
        Plan plan = plan(Cache.WINDOW);
        Set<String> early = new ConcurrentSkipListSet<>();
        AtomicInteger narinfosBeforeLastNar = new AtomicInteger();
        AtomicInteger nars = new AtomicInteger();
        Map<String, List<String>> references = new TreeMap<>();
        for (String path : nix("nix-store", "--query", "--requisites", roots.get(0)).split("\n")) {
            references.put(path.substring(11, 43), nix("nix-store", "--query", "--references", path).lines().map(one -> one.substring(11, 43)).toList());
        }
        watch(request -> {
            if (!request.method().equals("PUT")) {
                return;
            }
            if (request.path().contains("/nar/")) {
                nars.incrementAndGet();
            }
            if (request.path().endsWith(".narinfo")) {
                if (nars.get() < paths) {
                    narinfosBeforeLastNar.incrementAndGet();
                }
                Set<String> there = objects();
                String hash = request.path().replaceAll(".*/|\\.narinfo", "");
                Stream.concat(Stream.of(hash + ".ls"), references.get(hash).stream().map(reference -> reference + ".narinfo"))
                        .filter(needed -> !there.contains(needed)).forEach(needed -> early.add(hash + " before " + needed));
            }
        });
        plan.run(console, 16);
        assertEquals(Set.of(), early);
        assertEquals(paths, asked("PUT", ".narinfo"));
        assertTrue(narinfosBeforeLastNar.get() > 0, "narinfos wait for the NARs of others");
        for (String narinfo : objects().stream().filter(name -> name.endsWith(".narinfo")).toList()) {
            assertTrue(objects().contains(Narinfo.parse(new String(server.get("cache", narinfo), StandardCharsets.UTF_8)).url()), narinfo);
        }
        assertFalse(Files.exists(folder.resolve("staging")) && folder.resolve("staging").toFile().list().length > 0, "what was sent is not kept");
    }

    @Test
    void listingsAreCompressedWhereTheEnvironmentSaysSoAndNixReadsThemAllTheSame() throws IOException {
        assumeTrue(server.anonymousReads(), "the server given for tests does not let anybody read");
        for (boolean zstd : new boolean[] {true, false}) {
            server.content("cache").keySet().forEach(key -> server.client().deleteObject(request -> request.bucket(bucket).key(key)));
            new Plan().add(cache(environment(zstd ? Optional.of("zstd") : Optional.empty(), zstd), Cache.WINDOW, nix().closure(roots))).run(console, 16);
            String name = roots.get(0).substring(11, 43) + ".ls";
            var stored = server.client().getObjectAsBytes(request -> request.bucket(bucket).key(name));
            assertEquals(zstd ? "zstd" : "", Objects.toString(stored.response().contentEncoding(), ""));
            assertEquals("application/json", stored.response().contentType());
            String listing = new String(StoreNar.listing(Path.of(roots.get(0))), StandardCharsets.UTF_8);
            assertEquals(!zstd, Arrays.equals(stored.asByteArray(), listing.getBytes(StandardCharsets.UTF_8)));
            assertEquals(listing, nix("nix", "eval", "--impure", "--raw", "--expr", "builtins.readFile (builtins.fetchurl \"" + server.endpoint() + "/" + bucket + "/" + name
                    + "\")"));
            String info = new String(server.get("cache", "nix-cache-info"), StandardCharsets.UTF_8);
            assertEquals(List.of("StoreDir: /nix/store", zstd ? "WantMassQuery: 1" : "Priority: 40"), info.lines().limit(2).toList());
        }
    }

    @Test
    void onlyAWindowLiesOnTheDisk() throws IOException {
        Plan plan = plan(LARGE);
        AtomicInteger most = new AtomicInteger();
        watch(request -> {
            if (request.method().equals("PUT") && request.path().contains("/nar/")) {
                // Polled, with an end: time for others to put there what they should not.
                for (long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(200); System.nanoTime() < end && most.get() <= LARGE; Thread.onSpinWait()) {
                    most.accumulateAndGet(onDisk(), Math::max);
                }
            }
        });
        plan.run(console, 16);
        assertTrue(most.get() > 0 && most.get() <= LARGE, most + " bytes");
        assertEquals(paths, asked("PUT", ".narinfo"));
    }

    private int onDisk() {
        try (Stream<Path> files = Files.list(folder.resolve("staging"))) {
            return files.filter(file -> file.toString().endsWith(".nar.zst")).mapToInt(file -> (int) file.toFile().length()).sum();
        } catch (NoSuchFileException e) {
            return 0;
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    @Test
    void whatTheComparisonSawLongAgoIsNotWhatIsThere() throws IOException {
        plan(Cache.WINDOW).run(console, 16);
        Cache again = cache(Cache.WINDOW);
        assertEquals(Map.of(), again.seen(Sparing.JUST), "nothing was compared yet");
        assertTrue(again.compare().isEmpty());
        assertEquals(paths, again.seen(Sparing.JUST).size());
        assertEquals(Map.of(), again.seen(Duration.ZERO), "somebody thought for longer than that before they said yes");
    }

    @Test
    void aNewBucketIsAskedForTwoLists() throws IOException {
        plan(Cache.WINDOW);
        assertEquals(2, asked("GET", "list-type=2"));
        assertEquals(0, asked("GET", ".narinfo") + asked("HEAD", "nar"));
    }

    @Test
    void whatIsThereIsAskedForByNarinfoAndOneListOfNars() throws IOException {
        plan(Cache.WINDOW).run(console, 16);
        int before = proxy.log().size();
        assertTrue(plan(Cache.WINDOW).isEmpty());
        List<FaultProxy.Request> again = proxy.log().subList(before, proxy.log().size());
        assertEquals(paths, again.stream().filter(request -> request.path().endsWith(".narinfo")).count());
        assertEquals(1, again.stream().filter(request -> request.path().contains("list-type=2")).count());
        assertEquals(paths + 2, again.size(), again.toString()); // and nix-cache-info
    }

    @Test
    void ofALargeBucketNoMoreIsAskedThanOfTheClosure() throws IOException {
        IntStream.range(0, 1100).parallel().forEach(i -> server.put("cache", String.format("nar/%02x%03d.nar.xz", i % 256, i), new byte[] {1}));
        plan(Cache.WINDOW).run(console, 16);
        int before = proxy.log().size();
        assertTrue(plan(Cache.WINDOW).isEmpty());
        List<FaultProxy.Request> again = proxy.log().subList(before, proxy.log().size());
        assertEquals(1, again.stream().filter(request -> request.path().contains("list-type=2")).count());
        assertTrue(again.size() <= 2 * paths + 2, again.size() + " requests");
    }

    @Test
    void aListIsTakenWhereTheNamesFoundSayThatItIsShort() {
        // A thousand names, up to a thirty-second, an eighth, and a half of all names there can be.
        assertTrue(Cache.worthListing("nar/g000.nar.zst", 1000, 3000));
        assertTrue(Cache.worthListing("nar/4000.nar.zst", 1000, 3000));
        assertFalse(Cache.worthListing("nar/1000.nar.zst", 1000, 3000));
        assertFalse(Cache.worthListing("nar/0001.nar.zst", 1000, 3000));
        assertFalse(Cache.worthListing("nar/g000.nar.zst", 13_000, 3000), "nor for ever");
    }

    @Test
    void aNarinfoWhoseNarIsNotAmongThoseListedIsSentAgainWithIt() throws IOException {
        plan(Cache.WINDOW).run(console, 16);
        String nar = objects().stream().filter(name -> name.startsWith("nar/")).findFirst().orElseThrow();
        server.client().deleteObject(request -> request.bucket(bucket).key(nar));
        assertFalse(plan(Cache.WINDOW).isEmpty());
        plan(Cache.WINDOW).run(console, 16);
        assertTrue(objects().contains(nar));
    }
}
