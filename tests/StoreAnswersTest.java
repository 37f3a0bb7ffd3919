import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.Closeable;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import lib.base.Fault;
import lib.base.FileTree;
import lib.http.Network;
import lib.http.Tuning;
import lib.s3.Dialect;
import lib.s3.ObjectStore;
import lib.s3.local.LocalStore;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentials;
import software.amazon.awssdk.auth.credentials.AwsSessionCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.services.s3.S3Client;

/** An object store, or what answers in its place, that says what cannot be: the end is a fault that names it, and soon. */
class StoreAnswersTest {

    private static final Tuning QUICK = new Tuning(8, 6 << 20, 5 << 20, Duration.ofSeconds(5), Duration.ofSeconds(5), 2, Duration.ofSeconds(20));

    @TempDir
    Path root;

    private final List<Closeable> opened = new ArrayList<>();

    @AfterEach
    void close() throws IOException {
        for (Closeable one : opened) {
            one.close();
        }
    }

    private ObjectStore at(URI endpoint, AwsCredentials keys) {
        ObjectStore store = ObjectStore.connect(endpoint, "local", StaticCredentialsProvider.create(keys), QUICK, Network.PLAIN);
        opened.add(store::close);
        return store;
    }

    private ObjectStore at(Faulty faulty) {
        return at(faulty.endpoint(), AwsBasicCredentials.create("id", "secret"));
    }

    private Faulty answering(Faulty.Decision decision) throws IOException {
        Faulty faulty = new Faulty(URI.create("http://127.0.0.1:1"), decision);
        opened.add(faulty);
        return faulty;
    }

    private Path file(int size) throws IOException {
        return Files.write(root.resolve("f" + size), new byte[size]);
    }

    /** A fault that says so, of an answer that a person may see on a terminal. */
    private static Fault fails(Faulty faulty, Executable asking, String... saying) {
        Fault fault = assertThrows(Fault.class, asking);
        for (String text : saying) {
            assertTrue(fault.getMessage().contains(text), text + "\nnot in\n" + fault.getMessage());
        }
        assertTrue(fault.getMessage().contains(faulty.endpoint().toString()), fault.getMessage());
        assertTrue(fault.getMessage().length() < 1200 && fault.getMessage().chars().noneMatch(c -> c < ' '), fault.getMessage());
        return fault;
    }

    // --- how long to wait ---------------------------------------------------------------------

    @Test
    void whoAsksToWaitTooLongIsGivenUpAtOnceAndTheFaultSaysHowLong() throws IOException {
        Path file = file(10);
        for (String asked : List.of("3600", "99999999999", "9223372036854775807", "9223372036854775808", "18446744073709551615", "9".repeat(50),
                "Fri, 31 Dec 9999 23:59:59 GMT")) {
            Faulty faulty = answering((request, count) -> "503 " + asked);
            fails(faulty, () -> at(faulty).put("docs", "k", file, "no-cache"), "503", "asks to wait", asked);
            fails(faulty, () -> at(faulty).list("docs", ""), "503", "asks to wait", asked);
            assertEquals(2, faulty.requests.size(), asked);
        }
    }

    @Test
    void aTimeToWaitThatIsNoneIsPassedOver() throws IOException {
        Path file = file(10);
        for (String asked : List.of("-5", "-9223372036854775809", "soon", "1e9", "Fri, 31 Feb 2020 25:00:00 GMT")) {
            Faulty faulty = answering((request, count) -> "503 " + asked);
            fails(faulty, () -> at(faulty).put("docs", "k", file, "no-cache"), "503");
            assertEquals(2, faulty.requests.size(), asked);
        }
    }

    // --- heads --------------------------------------------------------------------------------

    @Test
    void whatIsNoHttpIsRefusedWithTheServersName() throws IOException {
        for (String answer : List.of("HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 99999999999 OK\r\nContent-Length: 0\r\n\r\n",
                "HTTP/1.1 -20 OK\r\nContent-Length: 0\r\n\r\n", "ICY 200 OK\r\n\r\n", "\r\n\r\n\r\n", "\u001b]0;title\u0007\u001b[31m" + "x".repeat(5000) + "\r\n\r\n",
                "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello",
                "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nhello",
                "HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\nhello", "HTTP/1.1 200 OK\r\nContent-Length: 0x5\r\n\r\nhello")) {
            Faulty faulty = answering((request, count) -> "raw " + answer);
            fails(faulty, () -> at(faulty).get("docs", "k"));
            fails(faulty, () -> at(faulty).size("docs", "k"));
            fails(faulty, () -> at(faulty).put("docs", "k", file(10), "no-cache"));
        }
        for (String answer : List.of("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nhello\r\n0\r\n\r\n",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhello\r\n0\r\n\r\n")) {
            Faulty faulty = answering((request, count) -> "raw " + answer);
            fails(faulty, () -> at(faulty).get("docs", "k"));
        }
        Faulty faulty = answering((request, count) -> "raw HTTP/1.1 200 OK\r\n\r\n");
        fails(faulty, () -> at(faulty).size("docs", "k"), "how large");
    }

    @Test
    void whatNobodyAskedForIsNotTakenForTheNextAnswer() throws IOException {
        String more = "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nforged!";
        for (String first : List.of("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n")) {
            Faulty faulty = answering((request, count) -> "raw " + (count == 1 ? first + more : "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n"));
            ObjectStore store = at(faulty);
            assertEquals(first.contains("404") ? Optional.empty() : Optional.of(5L), store.size("docs", "k"));
            assertEquals(Optional.of(6L), store.size("docs", "k"), first);
        }
        Faulty faulty = answering((request, count) -> "raw HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" + (count == 1 ? "first" + more : "other"));
        ObjectStore store = at(faulty);
        assertEquals("first", new String(store.get("docs", "k").orElseThrow()));
        assertEquals("other", new String(store.get("docs", "k").orElseThrow()));
    }

    @Test
    void aKeyWithALineBreakMakesNoHeaderAndIsNotShown() throws IOException {
        Faulty faulty = answering((request, count) -> "200");
        for (AwsCredentials keys : List.of(AwsSessionCredentials.create("id", "secret", "geheim\r\nX-Injected: y"),
                AwsBasicCredentials.create("geheim\r\nX-Injected: y", "secret"), AwsSessionCredentials.create("id", "secret", "gehe\u0000im"))) {
            ObjectStore store = at(faulty.endpoint(), keys);
            String header = keys instanceof AwsSessionCredentials ? "x-amz-security-token" : "authorization";
            for (Executable asking : List.<Executable>of(() -> store.get("docs", "k"), () -> store.list("docs", ""), () -> store.requireBucket("docs"),
                    () -> store.put("docs", "k", file(10), "no-cache"), () -> store.put("docs", "k", file(7 << 20), "no-cache"), () -> store.delete("docs", List.of("k")))) {
                Fault fault = fails(faulty, asking);
                assertTrue(fault.getMessage().toLowerCase().contains(header), fault.getMessage());
                assertFalse((fault + fault.next()).contains("gehe"), fault.toString());
            }
        }
        assertEquals(List.of(), faulty.requests);
    }

    // --- documents ----------------------------------------------------------------------------

    private static String listing(String what) {
        return Faulty.document("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>docs</Name>" + what + "</ListBucketResult>");
    }

    private static String object(String key, String size) {
        return "<Contents><Key>" + key + "</Key><ETag>\"0123456789abcdef0123456789abcdef\"</ETag>" + (size.isEmpty() ? "" : "<Size>" + size + "</Size>") + "</Contents>";
    }

    private static final String LAST = "<IsTruncated>false</IsTruncated>";

    private static String more(String token) {
        return "<IsTruncated>true</IsTruncated>" + (token.isEmpty() ? "" : "<NextContinuationToken>" + token + "</NextContinuationToken>");
    }

    @Test
    void aListingThatCannotBeWholeIsAFaultAndNoLoop() throws IOException {
        Map<String, Faulty.Decision> pages = new LinkedHashMap<>();
        pages.put("goes on where it has been", (request, count) -> listing(object("a/" + count, "1") + more("same")));
        pages.put("not where to go on", (request, count) -> listing(object("a/1", "1") + more("")));
        pages.put("there are to be more", (request, count) -> listing(object("a/1", "1") + more("token" + count)));
        for (Map.Entry<String, Faulty.Decision> one : pages.entrySet()) {
            Faulty faulty = answering(one.getValue());
            fails(faulty, () -> at(faulty).list("docs", "a/"), "docs cannot be listed", one.getKey());
            assertTrue(faulty.requests.size() <= 102, faulty.requests.size() + " requests");
        }
        Faulty folders = answering((request, count) -> listing("<CommonPrefixes><Prefix>a/b/</Prefix></CommonPrefixes>" + more("same")));
        fails(folders, () -> at(folders).folders("docs", "a/"), "goes on where it has been");
        Faulty whole = answering((request, count) -> listing(object("a/" + count, "1") + (count < 3 ? more("token" + count) : LAST)));
        assertEquals(List.of("a/1", "a/2", "a/3"), List.copyOf(at(whole).list("docs", "a/").keySet()));
        assertTrue(whole.requests.get(2).head().contains("continuation-token=token2"), whole.requests.get(2).head());
    }

    @Test
    void whatIsNoListingIsNoEmptyBucket() throws IOException {
        for (String page : List.of("<html><body>Please log in</body></html>", "<!DOCTYPE html>\n<html><body>Please log in</body></html>\n", "Please log in", "{\"a\": 1}",
                "<ListAllMyBucketsResult><Buckets></Buckets></ListAllMyBucketsResult>", "<Error><Code>Odd</Code><Message>a</Message></Error>",
                "<ListBucketResult></ListBucketResult>", "<ListBucketResult><Name>docs</Name></ListBucketResult>",
                "<ListBucketResult><Name>others</Name>" + LAST + "</ListBucketResult>", "<ListBucketResult>" + LAST + "<!-- a -->" + "</ListBucketResult>")) {
            Faulty faulty = answering((request, count) -> Faulty.document(page));
            ObjectStore store = at(faulty);
            Fault fault = fails(faulty, () -> store.list("docs", "a/"), "docs cannot be listed");
            assertTrue(fault.next().contains("address of an object store"), fault.next());
            fails(faulty, () -> store.folders("docs", "a/"), "docs cannot be listed");
            fails(faulty, () -> store.requireBucket("docs"), "docs cannot be read");
            assertEquals(3, faulty.requests.size(), "it is not asked again: " + page);
            fails(faulty, () -> store.delete("docs", List.of("a/1")), "could not be deleted");
            fails(faulty, () -> store.copy("docs", "a", "docs", "b", "0", "no-cache"), "could not be copied");
            fails(faulty, () -> store.put("docs", "large", file(7 << 20), "no-cache"), "could not be written");
        }
    }

    @Test
    void aKeyThatWasNotAskedForIsAFault() throws IOException {
        for (String what : List.of(object("b/1", "1"), object("a", "1"), object("", "1"), object("a/1", ""), object("a/1", "-1"), object("a/1", "many"),
                object("a/1", "99999999999999999999"), object("a/&x;b", "1"), object("a/1<!-- -->", "1"), "<Contents><Size>1</Size></Contents>",
                "<a>".repeat(50_000) + "</a>".repeat(50_000), " ".repeat(17 << 20))) {
            Faulty faulty = answering((request, count) -> listing(what + LAST));
            fails(faulty, () -> at(faulty).list("docs", "a/"), "docs cannot be listed");
        }
        for (String prefix : List.of("b/c/", "a/", "a/b", "a/b/c/", "")) {
            Faulty faulty = answering((request, count) -> listing("<CommonPrefixes><Prefix>" + prefix + "</Prefix></CommonPrefixes>" + LAST));
            fails(faulty, () -> at(faulty).folders("docs", "a/"), "docs cannot be listed");
        }
    }

    @Test
    void whatAStoreSaysOfAFailureIsShortAndHarmless() throws IOException {
        String error = "<?xml version=\"1.0\"?><Error><Code>Odd&lt;&#1055;Code</Code><Message>" + "m".repeat(60_000) + "\n\u001b[31m</Message></Error>";
        for (String body : List.of(error, "<Error><Code>&#99999999999;</Code></Error>", "<Error><Code>&x;</Code><Message>", "<Error><Code", "<Error>" + "<a>".repeat(9000),
                "<html>", "\u0000\u001b[2J", "<!DOCTYPE a [<!ENTITY x \"y\">]><Error><Code>&x;</Code></Error>")) {
            Faulty faulty = answering((request, count) -> Faulty.document(body).replaceFirst("200 OK", "400 Bad"));
            fails(faulty, () -> at(faulty).get("docs", "k"), "400");
            fails(faulty, () -> at(faulty).list("docs", ""), "400");
        }
        Faulty faulty = answering((request, count) -> Faulty.document(error.replaceFirst("\n\u001b.31m", "")).replaceFirst("200 OK", "400 Bad"));
        fails(faulty, () -> at(faulty).get("docs", "k"), "400 Odd<\u041fCode: mmm");
    }

    // --- uploads that never ended -------------------------------------------------------------

    private static String uploads(String what) {
        return Faulty.document("<ListMultipartUploadsResult><Bucket>docs</Bucket>" + what + "</ListMultipartUploadsResult>");
    }

    private static String upload(String key, String id, String initiated) {
        return "<Upload><Key>" + key + "</Key><UploadId>" + id + "</UploadId><Initiated>" + initiated + "</Initiated></Upload>";
    }

    @Test
    void partsLeftBehindAreFoundOnWhateverPageTheyAre() throws IOException {
        String other = upload("large.sig", "other", "2020-01-01T00:00:00Z");
        Faulty faulty = answering((request, count) -> request.method().equals("GET")
                ? request.head().contains("key-marker=") ? uploads(upload("large", "left2", "2020-01-01T00:00:00Z") + LAST)
                : uploads(upload("large", "left1", "2020-01-01T00:00:00Z") + other + "<IsTruncated>true</IsTruncated><NextKeyMarker>large.sig</NextKeyMarker>"
                + "<NextUploadIdMarker>other</NextUploadIdMarker>") : request.method().equals("POST") ? "403" : "204");
        assertThrows(Fault.class, () -> at(faulty).put("docs", "large", file(7 << 20), "no-cache"));
        List<String> removed = faulty.requests.stream().filter(request -> request.method().equals("DELETE")).map(request -> request.head().replaceAll("(?s).*uploadId=(\\w+).*", "$1")).toList();
        assertEquals(List.of("left1", "left2"), removed.subList(0, 2));
        assertFalse(removed.contains("other"), removed.toString());

        Faulty round = answering((request, count) -> uploads("<IsTruncated>true</IsTruncated><NextKeyMarker>a</NextKeyMarker><NextUploadIdMarker>b</NextUploadIdMarker>"));
        fails(round, () -> at(round).put("docs", "large", file(7 << 20), "no-cache"), "goes on where it has been");
        assertEquals(2, round.requests.size());
    }

    @Test
    @DisplayName("what killed runs have left is removed when it is old: probes after an hour, anybody's parts after a week")
    void whatKilledRunsHaveLeftIsRemovedWhenItIsOld() throws IOException {
        String now = "Sun, 22 Nov 2026 12:00:00 GMT";
        Faulty faulty = answering((request, count) -> {
            String path = request.head().split(" ")[1];
            if (request.method().equals("GET") && path.contains("list-type=2")) {
                return listing(object(".releng-probe", "1").replace("</Contents>", "<LastModified>2026-11-22T10:59:00.000Z</LastModified></Contents>")
                        + object(".releng-probe-young", "1").replace("</Contents>", "<LastModified>2026-11-22T11:01:00.000Z</LastModified></Contents>") + LAST);
            }
            if (request.method().equals("GET")) {
                return uploads(upload(".releng-probe-1", "oldprobe", "2026-11-22T10:59:00Z") + upload(".releng-probe-2", "youngprobe", "2026-11-22T11:01:00Z")
                        + upload("nar/1", "oldfile", "2026-11-15T11:59:00Z") + upload("nar/2", "youngfile", "2026-11-15T12:01:00Z") + LAST);
            }
            return request.method().equals("PUT") ? "raw HTTP/1.1 200 OK\r\nETag: \"x\"\r\nDate: " + now + "\r\nContent-Length: 0\r\n\r\n"
                    : request.method().equals("DELETE") ? "204" : path.contains("uploadId=")
                    ? Faulty.document("<CompleteMultipartUploadResult><ETag>x</ETag></CompleteMultipartUploadResult>")
                    : Faulty.document("<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>");
        });
        assertEquals(new Dialect(false, true, false), at(faulty).probe("docs"));
        List<String> deleted = faulty.requests.stream().filter(request -> request.method().equals("DELETE")).map(request -> request.head().split(" ")[1]
                .replaceAll("-[0-9a-f]{8}-.*", "-own").replaceAll(".*uploadId=", "")).toList();
        assertEquals(List.of("/docs/.releng-probe-own", "/docs/.releng-probe", "oldprobe", "oldfile"), deleted);
    }

    @Test
    @DisplayName("Ceph compares If-Match with an ETag without quotes: that is found, and then used")
    void aStoreThatWantsETagsWithoutQuotesGetsThem() throws IOException {
        Faulty faulty = answering((request, count) -> {
            String condition = request.head().replaceAll("(?is).*\nif-match: ([^\r]*).*", "$1");
            return request.method().equals("HEAD") ? "404" : !request.method().equals("PUT") ? "501"
                    : condition.equals(request.head()) || condition.equals("e") ? "raw HTTP/1.1 200 OK\r\nETag: \"e\"\r\nContent-Length: 0\r\n\r\n" : "412";
        });
        faulty.otherwise = "204";
        ObjectStore store = at(faulty);
        assertEquals(new Dialect(false, false, false, Dialect.Replacing.BARE), store.probe("docs"));
        Path ours = file(10);
        store.replace("docs", "k", ours, FileTree.sha256(ours), "no-cache", "e");
        String last = faulty.requests.get(faulty.requests.size() - 1).head();
        assertTrue(last.startsWith("PUT /docs/k ") && last.toLowerCase().contains("\nif-match: e\r"), last);
    }

    @Test
    void whatNobodyHasTriedIsNotLeftToTheStore() throws IOException {
        Faulty faulty = answering((request, count) -> request.method().equals("PUT") ? "200"
                : "raw HTTP/1.1 200 OK\r\nContent-Length: 10\r\nx-amz-meta-sha256: theirs\r\n\r\n");
        Path ours = file(10);
        Fault fault = assertThrows(Fault.class, () -> at(faulty).create("docs", "k", ours, FileTree.sha256(ours), "no-cache"));
        assertTrue(fault.getMessage().contains("somebody else has written it meanwhile"), fault.getMessage());
        assertEquals(List.of(), faulty.requests.stream().filter(request -> request.method().equals("PUT")).toList());
    }

    @Test
    void manyProbesAtOnceAllFindTheSameAndRemoveNobodyElses() throws Exception {
        try (LocalStore server = new LocalStore(Files.createDirectories(root.resolve("store")), "docs")) {
            AwsBasicCredentials keys = AwsBasicCredentials.create(server.id(), server.secret());
            try (S3Client client = S3Client.builder().endpointOverride(server.endpoint()).region(software.amazon.awssdk.regions.Region.of("local")).forcePathStyle(true)
                    .credentialsProvider(StaticCredentialsProvider.create(keys)).httpClientBuilder(software.amazon.awssdk.http.apache5.Apache5HttpClient.builder()).build()) {
                client.putObject(request -> request.bucket("docs").key(".releng-probe-running"), RequestBody.fromBytes("x".getBytes(StandardCharsets.UTF_8)));
                client.createMultipartUpload(request -> request.bucket("docs").key(".releng-probe-running"));
                ExecutorService threads = Executors.newFixedThreadPool(8);
                List<Future<Dialect>> running = IntStream.range(0, 160).mapToObj(i -> threads.submit(() -> {
                    try (ObjectStore store = ObjectStore.connect(server.endpoint(), "local", StaticCredentialsProvider.create(keys), QUICK, Network.PLAIN)) {
                        return store.probe("docs");
                    }
                })).toList();
                for (Future<Dialect> one : running) {
                    assertEquals(running.get(0).get(), one.get());
                }
                threads.shutdown();
                assertTrue(running.get(0).get().conditionalWrites() && running.get(0).get().multipart(), running.get(0).get().toString());
                assertEquals(List.of(".releng-probe-running"), client.listObjectsV2(request -> request.bucket("docs")).contents().stream().map(object -> object.key()).toList());
                assertEquals(List.of(".releng-probe-running"), client.listMultipartUploads(request -> request.bucket("docs")).uploads().stream().map(upload -> upload.key()).toList());
            }
        }
    }
}
