import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import lib.nix.Narinfo;
import lib.release.BuiltRelease;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What upload fetches back, by the requests that a server gets. */
class ProofSparingTest {

    @TempDir
    Path folder;

    private Managers managers;
    private Store store;
    private Checkout checkout;
    private FaultProxy proxy;

    @BeforeEach
    void release() throws IOException {
        managers = new Managers(folder);
        store = managers.store;
        proxy = new FaultProxy(store.endpoint());
        checkout = behindProxy(managers.release("2.95.0"));
    }

    @AfterEach
    void close() throws IOException {
        proxy.close();
        managers.close();
    }

    private Checkout behindProxy(Checkout some) throws IOException {
        return some.write("releng.json", some.read("releng.json").replace(store.endpoint().toString(), proxy.endpoint().toString()));
    }

    /** The keys, in a bucket, that a run asks for so. */
    private Set<String> asked(String method, String role, Runnable run) {
        int before = proxy.log().size();
        run.run();
        String path = "/" + store.bucket(role) + "/";
        List<FaultProxy.Request> log = proxy.log();
        return log.subList(before, log.size()).stream().filter(request -> request.method().equals(method) && request.path().startsWith(path) && !request.path().contains("?"))
                .map(request -> request.path().substring(path.length())).collect(Collectors.toCollection(TreeSet::new));
    }

    private Checkout.Run upload(String... arguments) {
        return Managers.assertDone(Managers.upload(checkout, arguments));
    }

    private Set<String> nars() {
        return store.content("cache").keySet().stream().filter(key -> key.startsWith("nar/")).collect(Collectors.toCollection(TreeSet::new));
    }

    private Narinfo narinfo(String path) {
        return Narinfo.parse(new String(store.get("cache", path.substring("/nix/store/".length()).substring(0, 32) + ".narinfo"), StandardCharsets.UTF_8));
    }

    private void flip(String nar) {
        byte[] bytes = store.get("cache", nar);
        bytes[bytes.length / 2] ^= 1;
        store.put("cache", nar, bytes);
    }

    private static Set<String> only(Set<String> keys, String begins) {
        return keys.stream().filter(key -> key.startsWith(begins)).collect(Collectors.toCollection(TreeSet::new));
    }

    @Test
    @DisplayName("a run with nothing to send, where manifest.nix is at this release, fetches no NAR and no file of the release, and says so in a line")
    void aRerunProvesByMetadata() {
        Set<String> first = only(asked("GET", "cache", () -> assertFalse(upload().err().contains("by metadata"))), "nar/");
        assertEquals(nars(), first);
        assertFalse(first.isEmpty());
        managers.settle();
        List<String> said = new ArrayList<>();
        int before = proxy.log().size();
        assertEquals(Set.of(), only(asked("HEAD", "cache", () -> said.add(upload().err())), "nar/"), "the list of them, which the comparison took, tells as much");
        List<String> narinfos = proxy.log().subList(before, proxy.log().size()).stream().map(FaultProxy.Request::path).filter(path -> path.endsWith(".narinfo")).toList();
        assertEquals(narinfos.size(), Set.copyOf(narinfos).size(), "what the comparison has seen is not asked for again");
        assertTrue(said.get(0).contains("by metadata, as manifest.nix names this release already and nothing was sent (--prove-all fetches every byte)"), said.get(0));
        List<String> got = proxy.log().subList(before, proxy.log().size()).stream().filter(request -> request.method().equals("GET") && !request.path().contains("?"))
                .map(request -> request.path().replaceFirst("^/[^/]*-", "")).distinct()
                .filter(path -> !path.endsWith(".narinfo")).sorted().toList();
        assertEquals(List.of("cache/nix-cache-info", "docs/manual/lix/2.95/releng-version.txt", "docs/manual/lix/stable/releng-version.txt",
                "releases/lix/index.html", "releases/lix/latest.json", "releases/lix/lix-2.95.0/SHA256SUMS", "releases/lix/lix-2.95.0/SHA256SUMS.sig", "releases/lix/lix-2.95.0/index.html", "releases/lix/lix-2.95.0/lix-2.95.0.intoto.jsonl",
                "releases/lix/lix-2.95.0/manifest.nix", "releases/lix/lix-2.95.0/release.json", "releases/lix/lix-2.95.0/versions.json",
                "releases/manifest.nix"), got);
    }

    @Test
    @DisplayName("--prove-all, --replace, --target verify and --point-to fetch every NAR, whatever was proved before")
    void whoAsksForEveryByteGetsIt() {
        upload();
        managers.settle();
        for (String[] arguments : new String[][] {{"--prove-all"}, {"--replace"}, {"--target", "verify"}, {"--point-to", "2.95.0"}}) {
            assertEquals(nars(), only(asked("GET", "cache", () -> upload(arguments)), "nar/"), List.of(arguments).toString());
        }
        assertEquals(Set.of(), asked("HEAD", "cache", () -> upload("--target", "verify")), "what is small is fetched with one request");
        Set<String> files = asked("GET", "releases", () -> upload("--prove-all"));
        assertTrue(files.contains("lix/lix-2.95.0/lix-2.95.0.tar.gz"), files.toString());
    }

    @Test
    @DisplayName("of the next release only what is new in it is fetched; what it shares with the one before was seen by the comparison")
    void ofTheNextReleaseOnlyWhatIsNewIsFetched() throws IOException {
        upload();
        managers.settle();
        Set<String> before = BuiltRelease.read(checkout.folder.resolve("release")).closure().keySet();
        checkout = behindProxy(managers.release("2.96.0"));
        Set<String> got = only(asked("GET", "cache", this::upload), "nar/");
        Set<String> fresh = new TreeSet<>();
        Set<String> shared = new TreeSet<>();
        BuiltRelease built = BuiltRelease.read(checkout.folder.resolve("release"));
        built.closure().keySet().forEach(path -> (before.contains(path) ? shared : fresh).add(narinfo(path).url()));
        // What Nix installs into a store of its own, for the proof, it needs whole.
        built.jobs().stream().filter(job -> job.attr().startsWith("build.")).flatMap(job -> built.closure().get(job.outputs().get("out")).references().stream())
                .map(path -> narinfo(path).url()).filter(shared::remove).forEach(got::remove);
        assertFalse(shared.isEmpty() || fresh.isEmpty());
        assertEquals(fresh, got);
    }

    @Test
    @DisplayName("a NAR that was there before and has other bytes now is found by --prove-all and verify, and by any run where it was written since")
    void otherBytesOfWhatWasThereBeforeAreFound() {
        upload();
        String nar = nars().iterator().next();
        flip(nar);
        managers.settle(); // as if it had been so when the pointer moved
        upload();
        for (String[] arguments : new String[][] {{"--prove-all"}, {"--target", "verify"}}) {
            Checkout.Run run = Managers.upload(checkout, arguments);
            assertTrue(run.exit() == 1 && run.err().contains(nar + ": is not the NAR of"), run.err());
        }
        flip(nar);
        managers.settle();
        flip(nar);
        Checkout.Run run = Managers.upload(checkout);
        assertTrue(run.exit() == 1 && run.err().contains(nar + ": is not the NAR of"), run.err());
    }

    @Test
    @DisplayName("a run that ends between sending and proof leaves nothing unproved: neither of a release, nor of what was mended in one that is out")
    void whatWasSentAndNotProvedIsProvedByTheNextRun() {
        for (boolean out : List.of(false, true)) {
            String nar = out ? nars().iterator().next() : "";
            if (out) {
                store.client().deleteObject(request -> request.bucket(store.bucket("cache")).key(nar)); // who knows why
            }
            int begun = proxy.log().size();
            String narinfos = "/" + store.bucket("cache") + "/";
            proxy.arm(FaultProxy.Fault.FORBIDDEN_403, request -> request.method().equals("GET") && request.path().startsWith(narinfos) && request.path().endsWith(".narinfo")
                    && proxy.log().subList(begun, proxy.log().size()).stream().anyMatch(earlier -> earlier.method().equals("PUT") && earlier.path().startsWith(narinfos + "nar/")));
            Checkout.Run run = Managers.upload(checkout);
            assertEquals(1, run.exit(), run.err());
            assertTrue(nars().containsAll(Set.of(out ? nar : nars().iterator().next())), "it was sent");
            proxy.arm(FaultProxy.Fault.FORBIDDEN_403, request -> false);
            String broken = out ? nar : nars().iterator().next();
            flip(broken);
            Checkout.Run again = Managers.upload(checkout);
            assertTrue(again.exit() == 1 && again.err().contains(broken + ": is not the NAR of"), again.err());
            flip(broken);
            upload();
            managers.settle();
        }
    }
}
