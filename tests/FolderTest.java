import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import lib.base.Console;
import lib.base.Fault;
import lib.publish.Destination;
import lib.publish.Folder;
import lib.publish.Plan;
import lib.release.BuiltRelease;
import lib.release.BuiltRelease.BuiltFile;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FolderTest {

    @TempDir
    Path root;

    private final Store store = new Store();
    private final Console console = new Console(InputStream.nullInputStream(), new PrintStream(new ByteArrayOutputStream()),
            new PrintStream(new ByteArrayOutputStream()), false, false);

    @AfterEach
    void close() {
        store.close();
    }

    private void pages(int count) throws IOException {
        Files.writeString(root.resolve("index.html"), "index");
        for (int i = 1; i < count; i++) {
            Files.writeString(root.resolve("page" + i + ".html"), "page " + i);
        }
    }

    private Folder folder(Folder.Mode mode) throws IOException {
        SortedMap<String, BuiltFile> files = new TreeMap<>();
        BuiltRelease.measure(root).forEach(file -> files.put(file.path(), file));
        return new Folder("test", store.open(), store.bucket("docs"), "m/", Folder.files(root, files), mode);
    }

    private void publish(Folder.Mode mode) throws IOException {
        Plan plan = new Plan().add(folder(mode));
        plan.requireNoConflicts();
        plan.run(console, 8);
    }

    @Test
    void whatIsThereIsNotSentAgainAndNothingElseIsTouched() throws IOException {
        store.put("docs", "other", "x".getBytes());
        pages(30);
        publish(Folder.Mode.MIRROR);
        assertEquals(31, store.content("docs").size());
        assertArrayEquals("index".getBytes(), store.get("docs", "m/index.html"));
        assertTrue(folder(Folder.Mode.MIRROR).compare().isEmpty());
    }

    @Test
    @DisplayName("hazard 14: the same bytes with newer times send nothing")
    void sameBytesWithNewerTimesSendNothing() throws IOException {
        pages(5);
        publish(Folder.Mode.MIRROR);
        for (int i = 1; i < 5; i++) {
            Files.setLastModifiedTime(root.resolve("page" + i + ".html"), FileTime.fromMillis(System.currentTimeMillis() + 100_000));
        }
        assertTrue(folder(Folder.Mode.MIRROR).compare().isEmpty());
    }

    @Test
    @DisplayName("hazard 1: a manual without its index page is refused")
    void aMirrorWithoutItsIndexIsRefused() throws IOException {
        pages(5);
        publish(Folder.Mode.MIRROR);
        Files.delete(root.resolve("index.html"));
        for (Folder.Mode mode : List.of(Folder.Mode.MIRROR, Folder.Mode.SHRINKING_MIRROR)) {
            Plan plan = new Plan().add(folder(mode));
            Fault fault = assertThrows(Fault.class, plan::requireNoConflicts);
            assertTrue(fault.getMessage().contains("without its index.html"), fault.getMessage());
            assertEquals(3, fault.kind().exitCode);
        }
        assertEquals(5, store.content("docs").size());
    }

    @Test
    @DisplayName("hazard 1: a mirror that would lose more than a tenth is refused, unless told to by name")
    void aMirrorThatWouldLoseMoreThanATenthIsRefused() throws IOException {
        pages(30);
        publish(Folder.Mode.MIRROR);
        for (int i = 1; i <= 4; i++) {
            Files.delete(root.resolve("page" + i + ".html"));
        }
        Plan plan = new Plan().add(folder(Folder.Mode.MIRROR));
        Fault fault = assertThrows(Fault.class, plan::requireNoConflicts);
        assertTrue(fault.getMessage().contains("lose 4 of its pages") && fault.getMessage().contains("--shrink m"), fault.getMessage());
        publish(Folder.Mode.SHRINKING_MIRROR);
        assertEquals(26, store.content("docs").size());
    }

    @Test
    @DisplayName("hazard 27: new pages are sent before old ones are deleted")
    void newPagesGoBeforeOldOnesAreDeleted() throws IOException {
        pages(30);
        publish(Folder.Mode.MIRROR);
        Files.move(root.resolve("page1.html"), root.resolve("moved.html"));
        List<Destination.Stage> stages = folder(Folder.Mode.MIRROR).compare().stages();
        assertEquals(List.of("create s3://" + store.bucket("docs") + "/m/moved.html"),
                stages.get(0).operations().stream().map(operation -> operation.toString().replaceAll(" [0-9a-f]{12}$", "")).toList());
        assertTrue(stages.get(1).operations().get(0).toString().startsWith("delete s3://" + store.bucket("docs") + "/m/page1.html"));
    }

    @Test
    @DisplayName("hazard 3: other bytes under a name that never changes stop the run, with both digests")
    void otherBytesUnderAVersionedNameStopTheRun() throws IOException {
        pages(5);
        store.put("docs", "m/page1.html", "someone else's".getBytes());
        store.put("docs", "m/page2.html", "page 3".getBytes()); // the same size as ours
        Plan plan = new Plan().add(folder(Folder.Mode.CONTENT));
        Fault fault = assertThrows(Fault.class, plan::requireNoConflicts);
        assertEquals(2, fault.why().size(), fault.getMessage());
        String ours = BuiltRelease.measure(root).stream().filter(file -> file.path().equals("page1.html")).findFirst().orElseThrow().sha256();
        assertTrue(fault.why().get(0).contains(ours) && fault.why().get(0).matches(".*sha256 [0-9a-f]{64}, expected [0-9a-f]{64}"), fault.why().get(0));
    }

    @Test
    @DisplayName("hazard 33: the ETag of a multipart upload is not taken for an MD5")
    void aMultipartEtagIsNotTakenForAnMd5() throws IOException {
        pages(1);
        byte[] bytes = Files.readAllBytes(root.resolve("index.html"));
        var client = store.client();
        String bucket = store.bucket("docs");
        String id = client.createMultipartUpload(request -> request.bucket(bucket).key("m/index.html")).uploadId();
        var part = client.uploadPart(request -> request.bucket(bucket).key("m/index.html").uploadId(id).partNumber(1),
                software.amazon.awssdk.core.sync.RequestBody.fromBytes(bytes));
        client.completeMultipartUpload(request -> request.bucket(bucket).key("m/index.html").uploadId(id).multipartUpload(upload ->
                upload.parts(done -> done.partNumber(1).eTag(part.eTag()))));
        assertTrue(store.content("docs").get("m/index.html").contains("-"), "the server made a multipart ETag");
        assertTrue(folder(Folder.Mode.CONTENT).compare().isEmpty());
        Files.writeString(root.resolve("index.html"), "ondex");
        assertFalse(folder(Folder.Mode.CONTENT).compare().conflicts().isEmpty());
    }

    @Test
    void browsersAndProxiesAreToldWhatItIsAndHowLongItStays() throws IOException {
        Files.writeString(root.resolve("a.css"), "x");
        Files.write(root.resolve("b.tar.gz"), "y".getBytes(StandardCharsets.UTF_8));
        publish(Folder.Mode.CONTENT);
        var css = store.client().headObject(request -> request.bucket(store.bucket("docs")).key("m/a.css"));
        var gz = store.client().headObject(request -> request.bucket(store.bucket("docs")).key("m/b.tar.gz"));
        assertEquals("text/css; charset=utf-8", css.contentType());
        assertEquals("application/gzip", gz.contentType());
        assertEquals(null, gz.contentEncoding());
        assertTrue(gz.cacheControl().contains("immutable"));
    }
}
