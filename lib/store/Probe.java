package lib.store;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import lib.http.Body;
import lib.http.Refusal;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.services.s3.model.CompletedPart;

/**
 * Finds a store's dialect by writing an object under a name of our own, and removing it. The name is always
 * the same, so that a run removes what one that was killed has left; two runs at once do not mislead each
 * other, since only a store that knows the condition ever answers with 412.
 */
public final class Probe {

    private static final String KEY = ".releng-probe";

    /** How the store took a conditional PUT. */
    private enum Answer { WRITTEN, TAKEN, NOT_UNDERSTOOD }

    private final Wire wire;
    private final Sdk sdk;
    private final String bucket;

    public Probe(Wire wire, Sdk sdk, String bucket) {
        this.wire = wire;
        this.sdk = sdk;
        this.bucket = bucket;
    }

    /** Throws Refusal when the keys may not write, or not delete. Leaves nothing behind that it may remove. */
    public Dialect run() throws IOException {
        Answer first = put(true);
        if (first == Answer.NOT_UNDERSTOOD) {
            put(false);
        }
        try {
            boolean conditional = first == Answer.TAKEN || first == Answer.WRITTEN && put(true) == Answer.TAKEN;
            return parts(conditional);
        } finally {
            wire.ask("DELETE", bucket, KEY, "");
        }
    }

    // 412: the key is taken; 501 and, from some, 400: the store does not know the condition.
    private Answer put(boolean absent) throws IOException {
        Body body = Body.of("releng looks what this store can do".getBytes(StandardCharsets.UTF_8));
        try {
            Map<String, String> headers = new TreeMap<>(Map.of("content-md5", body.md5()));
            if (absent) {
                headers.put("if-none-match", "*");
            }
            wire.put(bucket, KEY, "", headers, body);
            return Answer.WRITTEN;
        } catch (Refusal refusal) {
            if (absent && refusal.status == 412) {
                return Answer.TAKEN;
            }
            if (absent && (refusal.status == 501 || refusal.status == 400)) {
                return Answer.NOT_UNDERSTOOD;
            }
            throw refusal;
        }
    }

    private Dialect parts(boolean conditional) throws IOException {
        String id;
        try {
            id = sdk.ask(client -> client.createMultipartUpload(request -> request.bucket(bucket).key(KEY))).uploadId();
        } catch (Refusal refusal) {
            if (refusal.status == 501 || refusal.status == 400 || refusal.status == 405) {
                return new Dialect(conditional, false, false);
            }
            throw refusal;
        }
        boolean complete = false;
        try {
            String etag = sdk.ask(client -> client.uploadPart(request -> request.bucket(bucket).key(KEY).uploadId(id).partNumber(1),
                    RequestBody.fromString("releng"))).eTag();
            sdk.ask(client -> client.completeMultipartUpload(request -> request.bucket(bucket).key(KEY).uploadId(id).ifNoneMatch("*")
                    .multipartUpload(upload -> upload.parts(List.of(CompletedPart.builder().partNumber(1).eTag(etag).build())))));
            complete = true;
            return new Dialect(conditional, true, false);
        } catch (Refusal refusal) {
            if (refusal.status == 412) {
                return new Dialect(conditional, true, true);
            }
            // 404: the answer to an attempt before was lost, and the upload is complete.
            if (refusal.status == 501 || refusal.status == 400 || refusal.status == 404) {
                return new Dialect(conditional, true, false);
            }
            throw refusal;
        } finally {
            if (!complete) {
                abort(id);
            }
        }
    }

    private void abort(String id) throws IOException {
        try {
            sdk.ask(client -> client.abortMultipartUpload(request -> request.bucket(bucket).key(KEY).uploadId(id)));
        } catch (Refusal refusal) {
            if (refusal.status != 404) {
                throw refusal;
            }
        }
    }
}
