package lib.s3;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import lib.http.Refusal;
import software.amazon.awssdk.services.s3.model.CommonPrefix;
import software.amazon.awssdk.services.s3.model.ListMultipartUploadsResponse;
import software.amazon.awssdk.services.s3.model.ListObjectsV2Response;
import software.amazon.awssdk.services.s3.model.MultipartUpload;
import software.amazon.awssdk.services.s3.model.S3Object;

/**
 * What is in a bucket, a thousand a request. What is not in a listing is sent, or deleted: so one that cannot be
 * whole, or not of what was asked for, is a Refusal. Safe for threads.
 */
public final class Listing {

    /** Pages in a row that bring nothing: a store may have to look for a while. */
    private static final int MOST_EMPTY = 100;
    /** All pages: ten million keys. */
    private static final int MOST = 10_000;

    private final Sdk sdk;

    public Listing(Sdk sdk) {
        this.sdk = sdk;
    }

    /** Throws Refusal when there is no such bucket, or it may not be read. */
    public void requireBucket(String bucket) throws IOException {
        page(bucket, "", null, null, 1);
    }

    /** All objects whose key begins with the prefix, by key. */
    public SortedMap<String, S3Object> objects(String bucket, String prefix) throws IOException {
        Objects all = new Objects(bucket, prefix);
        while (!all.complete()) {
            all.next();
        }
        return all.found();
    }

    /** The objects whose key begins with a prefix, as far as they were asked for. For one thread at a time. */
    public final class Objects {
        private final String bucket;
        private final String prefix;
        private final SortedMap<String, S3Object> found = new TreeMap<>();
        private final Pages pages = new Pages();
        private String token;
        private boolean complete;

        public Objects(String bucket, String prefix) {
            this.bucket = bucket;
            this.prefix = prefix;
        }

        /** Asks for the next thousand. */
        public void next() throws IOException {
            ListObjectsV2Response page = page(bucket, prefix, null, token, 1000);
            for (S3Object object : page.contents()) {
                require(object.key() != null && object.key().startsWith(prefix),
                        "it lists '" + object.key() + "', which does not begin with '" + prefix + "'");
                require(object.size() != null && object.size() >= 0, "it gives '" + object.key() + "' no size");
                found.put(object.key(), object);
            }
            complete = !page.isTruncated();
            if (!complete) {
                token = pages.next(found.size(), page.nextContinuationToken());
            }
        }

        String bucket() {
            return bucket;
        }

        public SortedMap<String, S3Object> found() {
            return found;
        }

        /** Whether there are no more. */
        public boolean complete() {
            return complete;
        }
    }

    /** What stands between the prefix and the next slash, of keys that have one; in order. */
    public List<String> folders(String bucket, String prefix) throws IOException {
        SortedSet<String> folders = new TreeSet<>();
        Pages pages = new Pages();
        for (String token = null; ; ) {
            ListObjectsV2Response page = page(bucket, prefix, "/", token, 1000);
            for (CommonPrefix common : page.commonPrefixes()) {
                String folder = common.prefix();
                require(folder != null && folder.startsWith(prefix) && folder.indexOf('/', prefix.length()) == folder.length() - 1,
                        "it lists '" + folder + "', which is not a folder directly below '" + prefix + "'");
                folders.add(folder.substring(prefix.length(), folder.length() - 1));
            }
            if (!page.isTruncated()) {
                return List.copyOf(folders);
            }
            token = pages.next(folders.size() + page.contents().size(), page.nextContinuationToken());
        }
    }

    /** All uploads in parts that were begun and not ended, of keys that begin with the prefix. */
    public List<MultipartUpload> uploads(String bucket, String prefix) throws IOException {
        List<MultipartUpload> uploads = new ArrayList<>();
        Set<String> known = new HashSet<>();
        Pages pages = new Pages();
        for (String[] from = {null, null}; ; ) {
            String[] after = from;
            ListMultipartUploadsResponse page = sdk.ask(client -> client.listMultipartUploads(request -> request.bucket(bucket).prefix(prefix)
                    .keyMarker(after[0]).uploadIdMarker(after[1])));
            requireListing(bucket, page.bucket(), page.isTruncated());
            for (MultipartUpload upload : page.uploads()) {
                require(upload.key() != null && upload.key().startsWith(prefix) && upload.uploadId() != null,
                        "it lists an upload of '" + upload.key() + "', which does not begin with '" + prefix + "'");
                if (known.add(upload.uploadId() + " " + upload.key())) {
                    uploads.add(upload);
                }
            }
            if (!page.isTruncated()) {
                return uploads;
            }
            pages.next(uploads.size(), page.nextKeyMarker() == null ? null : page.nextKeyMarker() + " " + page.nextUploadIdMarker());
            from = new String[] {page.nextKeyMarker(), page.nextUploadIdMarker()};
        }
    }

    private ListObjectsV2Response page(String bucket, String prefix, String delimiter, String token, int most) throws IOException {
        ListObjectsV2Response page = sdk.ask(client -> client.listObjectsV2(request -> request.bucket(bucket).prefix(prefix).delimiter(delimiter)
                .continuationToken(token).maxKeys(most)));
        requireListing(bucket, page.name(), page.isTruncated());
        return page;
    }

    private static void requireListing(String bucket, String of, Boolean truncated) throws Refusal {
        require(of == null || of.equals(bucket), "it lists the bucket '" + of + "'");
        require(truncated != null, "it does not say whether there is more (IsTruncated)");
    }

    private static void require(boolean holds, String otherwise) throws Refusal {
        if (!holds) {
            throw new Refusal(200, "", "its listing cannot be right: " + otherwise, Optional.empty());
        }
    }

    /** Where to go on, and whether that leads anywhere. */
    private static final class Pages {
        private final Set<String> places = new HashSet<>();
        private int found;
        private int empty;

        /** The place to go on at, when so many were found up to there. */
        String next(int foundByNow, String place) throws Refusal {
            require(place != null && !place.isEmpty(), "it says that there is more, and not where to go on");
            require(places.add(place), "it goes on where it has been, at '" + place + "'");
            empty = foundByNow > found ? 0 : empty + 1;
            found = foundByNow;
            require(empty < MOST_EMPTY && places.size() < MOST, places.size() + " pages have " + found + " keys, and there are to be more");
            return place;
        }
    }
}
