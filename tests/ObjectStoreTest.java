import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import lib.base.Exec;
import lib.base.Fault;
import lib.base.FileTree;
import lib.http.Network;
import lib.http.Tuning;
import lib.s3.ContentType;
import lib.s3.Dialect;
import lib.s3.ObjectStore;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;

/** The S3 client against a real server and against one that goes wrong; the sections say which. */
class ObjectStoreTest {

    private static final String SHORT = "public, max-age=60";
    /** Parts of the smallest size S3 allows, and no long waits. */
    private static final Tuning QUICK = new Tuning(8, 6 << 20, 5 << 20, Duration.ofSeconds(5), Duration.ofSeconds(2), 3, Duration.ofSeconds(30));

    @TempDir
    Path root;

    private final Store server = new Store();
    private final List<Closeable> opened = new ArrayList<>();

    // Buckets are made on first use, and a test's threads may not both be the first.
    @BeforeEach
    void bucket() {
        server.bucket("docs");
    }

    @AfterEach
    void close() throws IOException {
        for (Closeable one : opened) {
            one.close();
        }
        server.close();
    }

    private ObjectStore at(URI endpoint, Tuning tuning) {
        ObjectStore store = ObjectStore.connect(endpoint, server.region(),
                StaticCredentialsProvider.create(AwsBasicCredentials.create(server.id(), server.secret())), tuning, Network.PLAIN);
        opened.add(store::close);
        return store;
    }

    private Path file(String name, byte[] bytes) throws IOException {
        return Files.write(root.resolve(name), bytes);
    }

    private static byte[] random(int size) {
        byte[] bytes = new byte[size];
        new Random(size).nextBytes(bytes);
        return bytes;
    }

    private void put(ObjectStore store, String key, Path file) throws IOException {
        store.put(server.bucket("docs"), key, file, FileTree.sha256(file), SHORT);
    }

    // --- what arrives -------------------------------------------------------------------------

    @Test
    void keysOfAnyKindArriveUnderTheirNames() throws IOException {
        ObjectStore store = server.open();
        List<String> keys = List.of("a b", "a+b", "a~b", "a%20b", "ünï/ćødé \u2192.html", "a&b<c>'d", "a=b;c,d@e!f(g)*h", "q?r#s", "$:[]");
        for (String key : keys) {
            Path file = file("f", key.getBytes(StandardCharsets.UTF_8));
            put(store, key, file);
            assertArrayEquals(Files.readAllBytes(file), server.get("docs", key), key);
            assertEquals(FileTree.sha256(file), store.sha256(server.bucket("docs"), key));
            assertTrue(store.list(server.bucket("docs"), key).containsKey(key), key);
        }
    }

    @Test
    void anEmptyFileIsAnEmptyObject() throws IOException {
        ObjectStore store = server.open();
        put(store, "empty", file("empty", new byte[0]));
        assertEquals(0, server.get("docs", "empty").length);
        assertArrayEquals(new byte[0], store.get(server.bucket("docs"), "empty").orElseThrow());
        assertEquals(0L, store.size(server.bucket("docs"), "empty").orElseThrow());
    }

    @Test
    void aListingOfMoreThanAThousandIsWhole() throws Exception {
        ObjectStore store = server.open();
        Path file = file("f", "x".getBytes());
        ExecutorService threads = Executors.newFixedThreadPool(8);
        List<Future<?>> running = new ArrayList<>();
        for (int i = 0; i < 1005; i++) {
            String key = "d" + i % 3 + "/" + i;
            running.add(threads.submit(() -> {
                put(store, key, file);
                return null;
            }));
        }
        for (Future<?> one : running) {
            one.get();
        }
        threads.shutdown();
        assertEquals(1005, store.list(server.bucket("docs"), "").size());
        assertEquals(List.of("d0", "d1", "d2"), store.folders(server.bucket("docs"), ""));
        store.delete(server.bucket("docs"), store.list(server.bucket("docs"), "").keySet());
        assertEquals(Map.of(), server.content("docs"));
    }

    @Test
    void everyKindOfFileHasItsMediaType() {
        Map.of("a.html", "text/html; charset=utf-8", "a.js", "text/javascript; charset=utf-8", "a.css", "text/css; charset=utf-8",
                "a.svg", "image/svg+xml", "a.json", "application/json", "lix-2.95.0.tar.gz", "application/gzip", "lix-2.95.0.tar.xz", "application/x-xz",
                "0.narinfo", "text/x-nix-narinfo", "nar/0.nar.zst", "application/x-nix-nar", "nix-cache-info", "text/x-nix-cache-info")
                .forEach((name, type) -> assertEquals(type, ContentType.of(name), name));
        assertEquals("application/octet-stream", ContentType.of("html"));
        assertEquals("application/octet-stream", ContentType.of("a.html/b"));
    }

    @Test
    void largeFilesGoInPartsAndArriveWhole() throws IOException {
        ObjectStore store = at(server.endpoint(), QUICK);
        Path file = file("large.tar.xz", random((12 << 20) + 345));
        put(store, "large.tar.xz", file);
        var head = server.client().headObject(request -> request.bucket(server.bucket("docs")).key("large.tar.xz"));
        assertEquals("application/x-xz", head.contentType());
        assertEquals(SHORT, head.cacheControl());
        assertEquals(Map.of("sha256", FileTree.sha256(file)), head.metadata());
        assertTrue(head.eTag().endsWith("-3\""), head.eTag());
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        assertEquals(Files.size(file), store.download(server.bucket("docs"), "large.tar.xz", out));
        assertArrayEquals(Files.readAllBytes(file), out.toByteArray());
    }

    @Test
    void aCopyKeepsBytesTypeAndDigest() throws IOException {
        ObjectStore store = server.open();
        Path file = file("a.css", "body {}".getBytes());
        put(store, "from/a b+c.css", file);
        store.copy(server.bucket("docs"), "from/a b+c.css", server.bucket("docs"), "to", "public, max-age=7");
        var head = server.client().headObject(request -> request.bucket(server.bucket("docs")).key("to"));
        assertEquals("text/css; charset=utf-8", head.contentType());
        assertEquals("public, max-age=7", head.cacheControl());
        assertEquals(FileTree.sha256(file), head.metadata().get("sha256"));
        assertArrayEquals(Files.readAllBytes(file), server.get("docs", "to"));
        store.copy(server.bucket("docs"), "from/a b+c.css", server.bucket("other"), "b.css", FileTree.sha256(file), SHORT);
        var other = server.client().headObject(request -> request.bucket(server.bucket("other")).key("b.css"));
        assertEquals("text/css; charset=utf-8 " + SHORT + " " + FileTree.sha256(file),
                other.contentType() + " " + other.cacheControl() + " " + other.metadata().get("sha256"));
        assertArrayEquals(Files.readAllBytes(file), server.get("other", "b.css"));
        assertThrows(Fault.class, () -> store.copy(server.bucket("docs"), "none", server.bucket("other"), "to", "0", SHORT));
        Fault fault = assertThrows(Fault.class, () -> store.copy(server.bucket("docs"), "none", server.bucket("docs"), "to", SHORT));
        assertTrue(fault.getMessage().contains("no such object"), fault.getMessage());
    }

    @Test
    void aCopyThatFailsInAnAnswerOfSuccessHasFailed() throws IOException {
        String xml = "<Error><Code>InternalError</Code><Message>later</Message></Error>";
        try (Faulty faulty = new Faulty(server.endpoint(), (request, count) -> "200\r\nContent-Length: " + (xml.length() + 4) + "\r\n\r\n" + xml)) {
            Fault fault = assertThrows(Fault.class, () -> at(faulty.endpoint(), QUICK).copy("docs", "from", "docs", "to", "0", SHORT));
            assertTrue(fault.getMessage().contains("InternalError: later"), fault.getMessage());
            assertEquals(3, faulty.requests.size(), "it is tried again");
        }
    }

    @Test
    void anIndependentClientReadsBackWhatWasSent() throws IOException {
        assumeTrue(Stream.of(System.getenv("PATH").split(":")).anyMatch(folder -> Files.isExecutable(Path.of(folder, "aws"))), "there is no aws command");
        put(server.open(), "a b.html", file("a.html", "<p>".getBytes()));
        Exec aws = Exec.of("aws", "--endpoint-url", server.endpoint().toString(), "--region", server.region(), "s3api", "head-object",
                "--bucket", server.bucket("docs"), "--key", "a b.html");
        server.credentials().forEach(aws::env);
        Exec.Result head = aws.run();
        assertTrue(head.out().replace("; ", ";").contains("text/html;charset=utf-8") && head.out().contains(SHORT), head.out() + head.err());
    }

    @Test
    @DisplayName("hazard 33: a file that is no more what was built is refused, and nothing of it is there")
    void otherBytesThanPromisedAreRefused() throws IOException {
        ObjectStore store = at(server.endpoint(), QUICK);
        String promised = FileTree.sha256(file("promised", "x".getBytes()));
        for (Path file : List.of(file("small", "y".getBytes()), file("large", random(7 << 20)))) {
            assertThrows(Fault.class, () -> store.put(server.bucket("docs"), "k", file, promised, SHORT));
        }
        assertEquals(Map.of(), server.content("docs"));
        assertNoPartsLeft();
    }

    // --- who writes first ---------------------------------------------------------------------

    @Test
    @DisplayName("hazard 27: of two that create a key at once one wins, and the other is told")
    void ofTwoCreationsAtOnceOneWins() throws Exception {
        ObjectStore store = at(server.endpoint(), QUICK);
        assumeTrue(store.probe(server.bucket("docs")).conditionalWrites(), "the store knows no If-None-Match");
        ExecutorService threads = Executors.newFixedThreadPool(4);
        for (int round = 0; round < 5; round++) {
            String key = "k" + round;
            List<Future<?>> running = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                Path file = file("r" + round + i, ("by " + i).getBytes());
                running.add(threads.submit(() -> {
                    store.create(server.bucket("docs"), key, file, FileTree.sha256(file), SHORT);
                    return null;
                }));
            }
            int refused = 0;
            for (Future<?> one : running) {
                try {
                    one.get();
                } catch (java.util.concurrent.ExecutionException e) {
                    assertTrue(e.getCause().getMessage().contains("somebody else has written it meanwhile"), e.getCause().toString());
                    assertEquals(3, ((Fault) e.getCause()).kind().exitCode);
                    refused++;
                }
            }
            assertEquals(3, refused);
        }
        threads.shutdown();
    }

    @Test
    void creatingTheSameBytesAgainIsFine() throws IOException {
        for (ObjectStore store : List.of(at(server.endpoint(), QUICK), at(server.endpoint(), QUICK))) {
            for (Path file : List.of(file("small", "x".getBytes()), file("large", random(7 << 20)))) {
                String key = file.getFileName().toString();
                store.create(server.bucket("docs"), key, file, FileTree.sha256(file), SHORT);
                store.create(server.bucket("docs"), key, file, FileTree.sha256(file), SHORT);
                Path other = file("other", random((int) Files.size(file) + 1));
                Fault fault = assertThrows(Fault.class, () -> store.create(server.bucket("docs"), key, other, FileTree.sha256(other), SHORT));
                assertEquals(3, fault.kind().exitCode, fault.getMessage());
                assertArrayEquals(Files.readAllBytes(file), server.get("docs", key));
            }
            store.probe(server.bucket("docs")); // the second time by what the probe has found
        }
        assertNoPartsLeft();
    }

    @Test
    void whatSomebodyElseHasWrittenMeanwhileIsNotReplaced() throws IOException {
        String bucket = server.bucket("docs");
        ObjectStore store = at(server.endpoint(), QUICK);
        for (int round = 0; round < 2; round++) {
            for (int size : List.of(10, 7 << 20)) {
                put(store, "k", file("planned", random(1)));
                String planned = store.list(bucket, "k").get("k").etag();
                put(store, "k", file("theirs", random(2)));
                String theirs = store.list(bucket, "k").get("k").etag();
                Path ours = file("ours", random(size));
                Fault fault = assertThrows(Fault.class, () -> store.replace(bucket, "k", ours, FileTree.sha256(ours), SHORT, planned));
                assertEquals(Fault.Kind.REFUSED, fault.kind());
                assertEquals(theirs, store.list(bucket, "k").get("k").etag());
                store.replace(bucket, "k", ours, FileTree.sha256(ours), SHORT, theirs);
                assertEquals((long) size, store.size(bucket, "k").orElseThrow());
            }
            store.probe(bucket); // the second time by what the probe has found
        }
    }

    @Test
    @DisplayName("hazard 35: what the store can do is found by trying, and nothing is left behind")
    void theProbeLeavesNothing() throws IOException {
        Dialect dialect = server.open().probe(server.bucket("docs"));
        assertTrue(dialect.multipart(), dialect.toString());
        assertEquals(Map.of(), server.content("docs"));
        assertNoPartsLeft();
    }

    @Test
    void aStoreThatIgnoresTheConditionIsFoundOut() throws IOException {
        try (Faulty faulty = new Faulty(server.endpoint(), (request, count) -> request.method().equals("PUT") ? "200" : "501")) {
            assertEquals(new Dialect(false, false, false), probed(faulty, "204"));
        }
    }

    private Dialect probed(Faulty faulty, String deletion) {
        faulty.otherwise = deletion;
        return at(faulty.endpoint(), QUICK).probe("bucket");
    }

    @Test
    void keysThatMayNotWriteAreFoundBeforehand() throws IOException {
        try (Faulty faulty = new Faulty(server.endpoint(), (request, count) -> "403")) {
            Fault fault = assertThrows(Fault.class, () -> at(faulty.endpoint(), QUICK).probe("bucket"));
            assertTrue(fault.getMessage().contains("bucket cannot be written") && fault.getMessage().contains("403"), fault.getMessage());
            assertEquals(1, faulty.requests.size());
        }
    }

    @Test
    @DisplayName("hazard 33: where ETags are no MD5s nothing is believed of them: the digest is stored")
    void whereEtagsAreNoMd5sTheDigestIsStored() throws IOException {
        Path file = file("f", random(1000));
        ObjectStore store = server.open();
        store.put(server.bucket("docs"), "k", file, SHORT);
        ObjectStore.Stored stored = store.list(server.bucket("docs"), "k").get("k");
        assertEquals(FileTree.digest("MD5", file), stored.md5().orElseThrow(), "here the ETag tells");
        assertTrue(store.holds(server.bucket("docs"), stored, file, 1000, FileTree.sha256(file)));

        try (Faulty faulty = new Faulty(server.endpoint(), (request, count) -> "s3")) { // whose ETags are always x
            ObjectStore other = at(faulty.endpoint(), QUICK);
            other.put(server.bucket("docs"), "k", file, SHORT);
            other.put(server.bucket("docs"), "l", file, SHORT);
            String digest = "x-amz-meta-sha256: " + FileTree.sha256(file);
            assertEquals(List.of("k false", "k true", "l true"), faulty.requests.stream().map(request ->
                    request.head().split(" ")[1].replaceAll(".*/", "") + " " + request.head().contains(digest)).toList());
        }
    }

    // --- what goes wrong on the way -----------------------------------------------------------

    @Test
    @DisplayName("hazard 33: after 500, 429, a reset, half an answer and silence the whole body is sent again")
    void whatPassesIsTriedAgainWithTheWholeBody() throws IOException {
        Path file = file("f.bin", random(300_000));
        for (String fault : List.of("500", "502", "503", "429", "reset", "reset early", "truncate", "stall")) {
            try (Faulty faulty = new Faulty(server.endpoint(), (request, count) -> count <= 2 ? fault : "forward")) {
                put(at(faulty.endpoint(), QUICK), "k", file);
                assertEquals(3, faulty.requests.size(), fault);
                assertArrayEquals(Files.readAllBytes(file), server.get("docs", "k"), fault);
                server.client().deleteObject(request -> request.bucket(server.bucket("docs")).key("k"));
            }
        }
    }

    @Test
    void theStoreIsWaitedForAsLongAsItAsks() throws IOException {
        for (boolean asDate : List.of(false, true)) {
            try (Faulty faulty = new Faulty(server.endpoint(), (request, count) -> count > 1 ? "forward" : "503 " + (asDate
                    ? DateTimeFormatter.RFC_1123_DATE_TIME.format(ZonedDateTime.now(ZoneOffset.UTC).plusSeconds(3)) : "2"))) {
                long start = System.nanoTime();
                put(at(faulty.endpoint(), QUICK), "k", file("f", "x".getBytes()));
                double seconds = (System.nanoTime() - start) / 1e9;
                assertTrue(seconds > 1.9, seconds + " s");
            }
        }
    }

    @Test
    void longerThanOurPatienceNobodyWaits() throws IOException {
        try (Faulty faulty = new Faulty(server.endpoint(), (request, count) -> "503 3600")) {
            Path file = file("f", "x".getBytes());
            Fault fault = assertThrows(Fault.class, () -> put(at(faulty.endpoint(), QUICK), "k", file));
            assertTrue(fault.getMessage().contains("503") && fault.getMessage().contains(faulty.endpoint().toString())
                    && fault.getMessage().contains("/k"), fault.getMessage());
            assertEquals(1, faulty.requests.size());
        }
    }

    @Test
    void whatIsRefusedIsNotTriedAgain() throws IOException {
        Path file = file("f", random(3 << 20));
        for (String status : List.of("400", "403", "404", "409", "501")) {
            try (Faulty faulty = new Faulty(server.endpoint(), (request, count) -> status)) {
                Fault fault = assertThrows(Fault.class, () -> put(at(faulty.endpoint(), QUICK), "k", file));
                assertTrue(fault.getMessage().contains(status), fault.getMessage());
                assertFalse(fault.getMessage().contains(server.secret()));
                assertEquals(1, faulty.requests.size(), status);
            }
        }
    }

    @Test
    void attemptsAreNumbered() throws IOException {
        try (Faulty faulty = new Faulty(server.endpoint(), (request, count) -> "500")) {
            Path file = file("f", "x".getBytes());
            assertThrows(Fault.class, () -> put(at(faulty.endpoint(), QUICK), "k", file));
            assertEquals(3, faulty.requests.size());
        }
    }

    @Test
    void aDownloadGoesOnWhereItBrokeOff() throws IOException {
        byte[] bytes = random(1 << 20);
        server.put("docs", "k", bytes);
        try (Faulty faulty = new Faulty(server.endpoint(), (request, count) -> count <= 2 ? "truncate" : "forward")) {
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            assertEquals(bytes.length, at(faulty.endpoint(), QUICK).download(server.bucket("docs"), "k", out));
            assertArrayEquals(bytes, out.toByteArray());
            assertTrue(faulty.requests.get(2).head().toLowerCase().contains("range: bytes="), faulty.requests.get(2).head());
        }
    }

    @Test
    @DisplayName("hazard 33: an upload in parts that fails is not visible and leaves no parts")
    void aFailedUploadInPartsLeavesNothing() throws IOException {
        Path file = file("large", random(16 << 20));
        for (String fault : List.of("500", "403", "reset")) {
            try (Faulty faulty = new Faulty(server.endpoint(), (request, count) -> request.head().contains("partNumber=2") ? fault : "forward")) {
                assertThrows(Fault.class, () -> put(at(faulty.endpoint(), QUICK), "large", file));
            }
            assertEquals(Map.of(), server.content("docs"), fault);
            assertNoPartsLeft();
        }
    }

    @Test
    @DisplayName("an upload in parts whose Nth request fails, once or for good, leaves the object whole or nothing, and never parts")
    void everyRequestOfAnUploadInParts() throws IOException {
        Path file = file("large", random(11 << 20));
        int requests;
        try (Faulty faulty = new Faulty(server.endpoint(), (request, count) -> "forward")) {
            put(at(faulty.endpoint(), QUICK), "large", file);
            requests = faulty.requests.size();
        }
        assertTrue(requests >= 7, requests + " requests: a list, a beginning, three parts, the end, a look");
        for (int n = 1; n <= requests; n++) {
            int number = n;
            for (String fault : List.of("500", "503 0", "reset", "reset early", "truncate", "stall")) {
                server.client().deleteObject(request -> request.bucket(server.bucket("docs")).key("large"));
                try (Faulty faulty = new Faulty(server.endpoint(), (request, count) -> count == number ? fault : "forward")) {
                    put(at(faulty.endpoint(), QUICK), "large", file);
                }
                assertEquals(FileTree.sha256(file), server.open().sha256(server.bucket("docs"), "large"), fault + " at request " + n);
                assertNoPartsLeft();
            }
            server.client().deleteObject(request -> request.bucket(server.bucket("docs")).key("large"));
            AtomicInteger failed = new AtomicInteger();
            try (Faulty faulty = new Faulty(server.endpoint(), (request, count) -> count == number && failed.incrementAndGet() == 1 ? "403" : "forward")) {
                assertThrows(Fault.class, () -> put(at(faulty.endpoint(), QUICK), "large", file), "403 at request " + n);
            }
            assertNoPartsLeft();
            put(at(server.endpoint(), QUICK), "large", file);
            assertEquals(FileTree.sha256(file), server.open().sha256(server.bucket("docs"), "large"));
        }
    }

    @Test
    void partsOfARunThatWasKilledAreRemovedByTheNext() throws IOException {
        for (int i = 0; i < 3; i++) {
            server.client().createMultipartUpload(request -> request.bucket(server.bucket("docs")).key("large"));
        }
        String other = server.client().createMultipartUpload(request -> request.bucket(server.bucket("docs")).key("large.sig")).uploadId();
        put(at(server.endpoint(), QUICK), "large", file("large", random(7 << 20)));
        assertEquals(List.of(other), server.client().listMultipartUploads(request -> request.bucket(server.bucket("docs"))).uploads().stream()
                .map(upload -> upload.uploadId()).toList());
        server.client().abortMultipartUpload(request -> request.bucket(server.bucket("docs")).key("large.sig").uploadId(other));
    }

    private void assertNoPartsLeft() {
        assertEquals(List.of(), server.client().listMultipartUploads(request -> request.bucket(server.bucket("docs"))).uploads());
    }

    @Test
    void requestsAtOnceAreBoundedForPartsToo() throws Exception {
        AtomicInteger running = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        try (Faulty faulty = new Faulty(server.endpoint(), (request, count) -> {
            most.accumulateAndGet(running.incrementAndGet(), Math::max);
            return "forward";
        })) {
            faulty.answered = running::decrementAndGet;
            ObjectStore store = at(faulty.endpoint(), QUICK.withConcurrency(3));
            ExecutorService threads = Executors.newFixedThreadPool(6);
            List<Future<?>> all = new ArrayList<>();
            for (int i = 0; i < 6; i++) {
                Path file = file("large" + i, random((7 << 20) + i));
                all.add(threads.submit(() -> {
                    put(store, file.getFileName().toString(), file);
                    return null;
                }));
            }
            for (Future<?> one : all) {
                one.get();
            }
            threads.shutdown();
            assertEquals(6, server.content("docs").size());
            assertTrue(most.get() <= 3, most + " at once");
        }
    }
}
