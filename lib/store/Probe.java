package lib.store;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.services.s3.model.CompletedPart;

/** Finds a store's dialect by writing an object under a name nobody uses, and removing it. */
public final class Probe {

    private final Wire wire;
    private final Sdk sdk;
    private final String bucket;
    private final String key = ".releng-probe-" + UUID.randomUUID();

    public Probe(Wire wire, Sdk sdk, String bucket) {
        this.wire = wire;
        this.sdk = sdk;
        this.bucket = bucket;
    }

    /** Throws Refusal when the keys may not write, or not delete. Leaves nothing behind that it may remove. */
    public Dialect run() throws IOException {
        boolean understood = put(true);
        if (!understood) {
            put(false);
        }
        try {
            boolean conditional = understood && !put(true);
            return parts(conditional);
        } finally {
            wire.ask("DELETE", bucket, key, "");
        }
    }

    // Whether it was written. 412: the key is taken; 501 and, from some, 400: the store does not know the condition.
    private boolean put(boolean absent) throws IOException {
        Body body = Body.of("releng looks what this store can do".getBytes(StandardCharsets.UTF_8));
        try {
            Map<String, String> headers = new TreeMap<>(Map.of("content-md5", body.md5()));
            if (absent) {
                headers.put("if-none-match", "*");
            }
            wire.put(bucket, key, "", headers, body);
            return true;
        } catch (Refusal refusal) {
            if (absent && (refusal.status == 412 || refusal.status == 501 || refusal.status == 400)) {
                return false;
            }
            throw refusal;
        }
    }

    private Dialect parts(boolean conditional) throws IOException {
        String id;
        try {
            id = sdk.ask(client -> client.createMultipartUpload(request -> request.bucket(bucket).key(key))).uploadId();
        } catch (Refusal refusal) {
            if (refusal.status == 501 || refusal.status == 400 || refusal.status == 405) {
                return new Dialect(conditional, false, false);
            }
            throw refusal;
        }
        boolean complete = false;
        try {
            String etag = sdk.ask(client -> client.uploadPart(request -> request.bucket(bucket).key(key).uploadId(id).partNumber(1),
                    RequestBody.fromString("releng"))).eTag();
            sdk.ask(client -> client.completeMultipartUpload(request -> request.bucket(bucket).key(key).uploadId(id).ifNoneMatch("*")
                    .multipartUpload(upload -> upload.parts(List.of(CompletedPart.builder().partNumber(1).eTag(etag).build())))));
            complete = true;
            return new Dialect(conditional, true, false);
        } catch (Refusal refusal) {
            if (refusal.status == 412) {
                return new Dialect(conditional, true, true);
            }
            if (refusal.status == 501 || refusal.status == 400) {
                return new Dialect(conditional, true, false);
            }
            throw refusal;
        } finally {
            if (!complete) {
                sdk.ask(client -> client.abortMultipartUpload(request -> request.bucket(bucket).key(key).uploadId(id)));
            }
        }
    }
}
