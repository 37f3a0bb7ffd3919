package lib.s3;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.UUID;
import lib.http.Body;
import lib.http.Refusal;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.services.s3.model.CompletedPart;
import software.amazon.awssdk.services.s3.model.MultipartUpload;
import software.amazon.awssdk.services.s3.model.S3Object;

/**
 * Finds a store's dialect by writing an object, and removing it. Under a name of its own each time: of two probes
 * at once one would remove what the other has just written. What killed runs have left is removed when it is old.
 */
public final class Probe {

    private static final String PREFIX = ".releng-probe";
    private static final String NO_ETAG = "00000000000000000000000000000000";
    /** No probe takes that long. */
    private static final Duration OLD = Duration.ofHours(1);
    /** Nor does anybody's file. */
    private static final Duration VERY_OLD = Duration.ofDays(7);

    /** How the store took a conditional PUT. */
    private enum Answer { WRITTEN, TAKEN, NOT_UNDERSTOOD }

    private final Wire wire;
    private final Sdk sdk;
    private final Listing listing;
    private final String bucket;
    private final String key = PREFIX + "-" + UUID.randomUUID();
    private String etag = NO_ETAG;
    /** The store's own clock: only by that one it can be said how old a thing is. */
    private Optional<Instant> now = Optional.empty();

    public Probe(Wire wire, Sdk sdk, Listing listing, String bucket) {
        this.wire = wire;
        this.sdk = sdk;
        this.listing = listing;
        this.bucket = bucket;
    }

    /** Throws Refusal when the keys may not write, or not delete. Leaves nothing behind that it may remove. */
    public Dialect run() throws IOException {
        Answer first = put("if-none-match", "*");
        if (first == Answer.NOT_UNDERSTOOD) {
            put("", "");
        }
        Dialect dialect;
        try {
            boolean conditional = first == Answer.TAKEN || first == Answer.WRITTEN && put("if-none-match", "*") == Answer.TAKEN;
            Dialect.Replacing replacing = replacing();
            Dialect inParts = parts(conditional);
            dialect = new Dialect(conditional, inParts.multipart(), inParts.conditionalParts(), replacing);
        } finally {
            wire.delete(bucket, key);
        }
        try {
            sweep(dialect);
        } catch (Refusal refusal) {
            // What is left takes room, and that is all it does.
        }
        return dialect;
    }

    private Dialect.Replacing replacing() throws IOException {
        for (Dialect.Replacing by : List.of(Dialect.Replacing.QUOTED, Dialect.Replacing.BARE)) {
            if (put("if-match", by.ifMatch(NO_ETAG)) != Answer.TAKEN) {
                break; // it does not know the condition
            }
            if (put("if-match", by.ifMatch(etag)) == Answer.WRITTEN) {
                return by;
            }
        }
        return Dialect.Replacing.UNCONDITIONAL;
    }

    // Parts of a file that is never sent again would stay for ever.
    private void sweep(Dialect dialect) throws IOException {
        if (now.isEmpty()) {
            return;
        }
        for (S3Object left : listing.objects(bucket, PREFIX).values()) {
            if (older(left.lastModified(), OLD)) {
                wire.delete(bucket, left.key());
            }
        }
        for (MultipartUpload left : dialect.multipart() ? listing.uploads(bucket, "") : List.<MultipartUpload>of()) {
            if (left.key().equals(key) || older(left.initiated(), left.key().startsWith(PREFIX) ? OLD : VERY_OLD)) {
                abort(left.key(), left.uploadId());
            }
        }
    }

    private boolean older(Instant time, Duration age) {
        return time != null && time.plus(age).isBefore(now.orElseThrow());
    }

    // 412: the key is taken, or not by what was to be there; 501 and, from some, 400: the store does not know the condition.
    private Answer put(String condition, String value) throws IOException {
        Body body = Body.of("releng looks what this store can do".getBytes(StandardCharsets.UTF_8));
        try {
            Map<String, String> headers = new TreeMap<>(Map.of("content-md5", body.md5()));
            if (!condition.isEmpty()) {
                headers.put(condition, value);
            }
            Map<String, String> written = wire.put(bucket, key, "", headers, body);
            etag = written.getOrDefault("etag", NO_ETAG).replace("\"", "");
            now = time(written.getOrDefault("date", "")).or(() -> now);
            return Answer.WRITTEN;
        } catch (Refusal refusal) {
            if (!condition.isEmpty() && refusal.status == 412) {
                return Answer.TAKEN;
            }
            if (!condition.isEmpty() && (refusal.status == 501 || refusal.status == 400)) {
                return Answer.NOT_UNDERSTOOD;
            }
            throw refusal;
        }
    }

    private static Optional<Instant> time(String date) {
        try {
            return Optional.of(ZonedDateTime.parse(date, DateTimeFormatter.RFC_1123_DATE_TIME).toInstant());
        } catch (DateTimeException e) {
            return Optional.empty(); // then nobody can say what is old
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
            // 404: the answer to an attempt before was lost, and the upload is complete.
            if (refusal.status == 501 || refusal.status == 400 || refusal.status == 404) {
                return new Dialect(conditional, true, false);
            }
            throw refusal;
        } finally {
            if (!complete) {
                abort(key, id);
            }
        }
    }

    private void abort(String of, String id) throws IOException {
        try {
            sdk.ask(client -> client.abortMultipartUpload(request -> request.bucket(bucket).key(of).uploadId(id)));
        } catch (Refusal refusal) {
            if (refusal.status != 404) {
                throw refusal;
            }
        }
    }
}
