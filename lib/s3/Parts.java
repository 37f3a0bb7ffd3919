package lib.s3;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import lib.http.Body;
import lib.http.Refusal;
import lib.http.Tuning;
import software.amazon.awssdk.services.s3.model.CompletedPart;
import software.amazon.awssdk.services.s3.model.MultipartUpload;

/**
 * Large files in parts that travel at once (S3 API, multipart upload). No part is ever held in
 * memory. The object appears when all are there, with the last request, or not at all.
 */
public final class Parts {

    private final Wire wire;
    private final Sdk sdk;
    private final Listing listing;
    private final Tuning tuning;
    private final ExecutorService workers;

    public Parts(Wire wire, Sdk sdk, Listing listing, Tuning tuning, ExecutorService workers) {
        this.wire = wire;
        this.sdk = sdk;
        this.listing = listing;
        this.tuning = tuning;
        this.workers = workers;
    }

    /**
     * Sends a file. Whatever fails, no part stays behind: those of an earlier run that was killed are
     * removed, too, which ends a run of somebody else that is sending the same key.
     *
     * @param sha256 in hex, of the whole file; Fault when it is another by now
     * @param absent whether the store is to refuse with 412 when the key is taken
     */
    public void send(String bucket, String key, Path file, String sha256, String contentType, String cacheControl, boolean absent)
            throws IOException {
        abandon(bucket, key);
        String id = sdk.ask(client -> client.createMultipartUpload(request -> request.bucket(bucket).key(key).contentType(contentType)
                .cacheControl(cacheControl).metadata(Map.of("sha256", sha256)))).uploadId();
        try {
            List<CompletedPart> parts = parts(bucket, key, id, file, sha256);
            try {
                sdk.ask(client -> client.completeMultipartUpload(request -> request.bucket(bucket).key(key).uploadId(id)
                        .ifNoneMatch(absent ? "*" : null).multipartUpload(upload -> upload.parts(parts))));
            } catch (Refusal refusal) {
                // Asked again because the answer was lost, the store knows the upload no more: done, then.
                if (refusal.status != 404) {
                    throw refusal;
                }
            }
        } catch (IOException | RuntimeException e) {
            try {
                abandon(bucket, key);
            } catch (IOException | RuntimeException left) {
                e.addSuppressed(left);
            }
            throw e;
        }
        // An answer that was lost on the way began another upload.
        abandon(bucket, key);
        Optional<Map<String, String>> there = wire.head(bucket, key);
        if (there.isEmpty() || !sha256.equals(there.get().get("x-amz-meta-sha256"))
                || !Long.toString(Files.size(file)).equals(there.get().get("content-length"))) {
            throw new IOException("all parts were sent, but the object is not complete; is somebody else sending it?");
        }
    }

    private void abandon(String bucket, String key) throws IOException {
        for (MultipartUpload left : listing.uploads(bucket, key)) {
            if (left.key().equals(key)) {
                try {
                    sdk.ask(client -> client.abortMultipartUpload(request -> request.bucket(bucket).key(key).uploadId(left.uploadId())));
                } catch (Refusal refusal) {
                    if (refusal.status != 404) { // gone meanwhile
                        throw refusal;
                    }
                }
            }
        }
    }

    private List<CompletedPart> parts(String bucket, String key, String id, Path file, String sha256) throws IOException {
        long size = Files.size(file);
        long step = tuning.partSize(size);
        AtomicBoolean failed = new AtomicBoolean();
        List<Future<CompletedPart>> running = new ArrayList<>();
        for (long offset = 0; offset < size; offset += step) {
            int number = running.size() + 1;
            Body body = Body.of(file, offset, Math.min(step, size - offset));
            Callable<CompletedPart> send = () -> part(bucket, key, id, number, body, failed);
            running.add(workers.submit(send));
        }
        List<CompletedPart> parts = new ArrayList<>();
        Throwable first = null;
        // Meanwhile the whole: the parts are right each for itself, and so must be what they make.
        try {
            Body whole = Body.of(file, 0, size);
            whole.requireSame(whole.sha256(), sha256);
        } catch (IOException | RuntimeException e) {
            failed.set(true);
            first = e;
        }
        // To the end of all: a part that comes after the upload was given up would stay for ever.
        for (Future<CompletedPart> one : running) {
            try {
                parts.add(one.get());
            } catch (ExecutionException e) {
                first = first == null ? e.getCause() : first;
            } catch (InterruptedException e) {
                failed.set(true);
                first = new IOException("interrupted", e);
            }
        }
        if (first instanceof RuntimeException cause) {
            throw cause;
        }
        if (first != null) {
            throw first instanceof IOException cause ? cause : new IOException(first);
        }
        return parts;
    }

    private CompletedPart part(String bucket, String key, String id, int number, Body body, AtomicBoolean failed) throws IOException {
        if (failed.get()) {
            return null;
        }
        try {
            String query = Wire.query("partNumber", Integer.toString(number), "uploadId", id);
            String etag = wire.put(bucket, key, query, Map.of("content-md5", body.md5()), body).get("etag");
            return CompletedPart.builder().partNumber(number).eTag(etag).build();
        } catch (IOException | RuntimeException e) {
            failed.set(true);
            throw e;
        }
    }
}
