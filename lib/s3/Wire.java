package lib.s3;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.net.ConnectException;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import javax.net.ssl.SSLException;
import lib.http.Body;
import lib.http.Network;
import lib.http.Pool;
import lib.http.Refusal;
import lib.http.Retry;
import lib.http.Tuning;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.utils.http.SdkHttpUtils;

/**
 * Signed requests of the S3 API to one endpoint, with retries, on connections that are kept; so many
 * at once and no more. Where thousands of small objects are sent, the SDK's client costs more
 * processor time than all else together; this is what replaces it there. Safe for threads.
 */
public final class Wire implements AutoCloseable {

    /** What to do with an answer of success. May be called again when the answer breaks off. */
    public interface Reader<T> {
        T read(Map<String, String> headers, InputStream body) throws IOException;
    }

    public static final String EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    private static final int LARGEST_DOCUMENT = 1 << 16;

    private final AwsCredentialsProvider credentials;
    private final Tuning tuning;
    private final Pace pace;
    private final Network network;
    private final URI endpoint;
    private final Crt crt;
    private final String top;

    /** {@code pace} says how many requests there may be at once. */
    public Wire(URI endpoint, String region, AwsCredentialsProvider credentials, Tuning tuning, Pace pace, Network network) {
        this.credentials = credentials;
        this.tuning = tuning;
        this.network = network;
        this.endpoint = endpoint;
        this.crt = new Crt(endpoint, region, tuning, network);
        // Some stores have their S3 API below a path.
        this.top = endpoint.getRawPath() == null ? "" : endpoint.getRawPath().replaceFirst("/+$", "");
        this.pace = pace;
    }

    /**
     * Sends a request until it is answered with success.
     *
     * @param key     of the object; empty for the bucket itself
     * @param query   encoded, sorted, each with a {@code =}; may be empty
     * @param headers with names in lower case
     * @param payload hex SHA-256 of the body, or UNSIGNED-PAYLOAD
     * @throws Refusal when the store says no
     */
    public <T> T send(String method, String bucket, String key, String query, Map<String, String> headers, Body body, String payload,
               Reader<T> reader) throws IOException {
        return Retry.run(tuning, () -> once(method, bucket, key, query, headers, body, payload, reader));
    }

    /** One attempt of {@link #send}. */
    <T> T once(String method, String bucket, String key, String query, Map<String, String> headers, Body body, String payload,
                       Reader<T> reader) throws IOException {
        String path = top + "/" + bucket + (key.isEmpty() ? "" : "/" + SdkHttpUtils.urlEncodeIgnoreSlashes(key));
        pace.begin();
        try {
            return crt.exchange(method, query.isEmpty() ? path : path + "?" + query, headers, body, payload, credentials.resolveCredentials(), answer -> {
                if (!answer.ok()) {
                    throw Documents.refusal(answer.status(), answer.text(), answer.header("retry-after"));
                }
                Runnable whole = pace.answered(answer);
                T result = reader.read(answer.headers(), answer.body());
                whole.run();
                return result;
            });
        } catch (SSLException | ConnectException e) {
            throw clearer(e);
        } finally {
            pace.end();
        }
    }

    // Java says which certificate it does not trust, and what a proxy answered; the library that sends does not.
    private IOException clearer(IOException e) {
        try (Pool pool = new Pool(endpoint, tuning, network)) {
            pool.exchange("HEAD", top + "/", Map.of(), Body.NONE, answer -> {
                if (answer.status() == 407) {
                    throw Documents.refusal(answer.status(), answer.text(), Optional.empty());
                }
                return answer;
            });
            return e;
        } catch (IOException said) {
            return said;
        }
    }

    /**
     * Sends an object or a part; returns the headers of the answer. The headers given have a content-md5:
     * it is signed, so that it binds the bytes as a signed SHA-256 would, and unlike that one it is what
     * stores compute anyhow, for the ETag, so that checking costs them nothing.
     */
    public Map<String, String> put(String bucket, String key, String query, Map<String, String> headers, Body body) throws IOException {
        return send("PUT", bucket, key, query, headers, body, "UNSIGNED-PAYLOAD", (answer, text) -> answer);
    }

    /** Has the store copy an object; the headers given are those of the new one. */
    public void copy(String fromBucket, String from, String bucket, String key, Map<String, String> headers) throws IOException {
        headers.put("x-amz-copy-source", "/" + fromBucket + "/" + SdkHttpUtils.urlEncodeIgnoreSlashes(from));
        headers.put("x-amz-metadata-directive", "REPLACE");
        send("PUT", bucket, key, "", headers, Body.NONE, EMPTY_SHA256, (answer, body) -> {
            String xml = new String(body.readNBytes(LARGEST_DOCUMENT), StandardCharsets.UTF_8);
            String root = Documents.root(xml);
            // The status comes before the work here: what fails later is said in an answer of 200.
            if (!root.equals("CopyObjectResult")) {
                throw root.equals("Error") ? Documents.refusal(500, xml, Optional.empty()) : Documents.unexpected(200, "CopyObjectResult", xml);
            }
            return answer;
        });
    }

    /** Deletes an object, if there is one. */
    public void delete(String bucket, String key) throws IOException {
        send("DELETE", bucket, key, "", Map.of(), Body.NONE, EMPTY_SHA256, (headers, body) -> null);
    }

    /** The headers of an object's answer; empty when there is no such object. */
    public Optional<Map<String, String>> head(String bucket, String key) throws IOException {
        try {
            return Optional.of(send("HEAD", bucket, key, "", Map.of(), Body.NONE, EMPTY_SHA256, (headers, body) -> headers));
        } catch (Refusal refusal) {
            if (refusal.status == 404) {
                return Optional.empty();
            }
            throw refusal;
        }
    }

    /**
     * Copies an object's bytes to a stream and says how many. An answer that breaks off is taken up where it
     * broke, from the same object or not at all. Throws UncheckedIOException when the stream fails.
     */
    public long download(String bucket, String key, OutputStream out) throws IOException {
        Map<String, String> from = new TreeMap<>();
        long[] done = {0};
        return Retry.run(tuning, () -> once("GET", bucket, key, "", from, Body.NONE, EMPTY_SHA256, (headers, body) -> {
            if (!headers.containsKey("content-range")) {
                body.skipNBytes(done[0]);
            }
            if (headers.containsKey("etag")) {
                from.put("if-match", headers.get("etag"));
            }
            byte[] buffer = new byte[1 << 16];
            for (int read = body.read(buffer); read >= 0; read = body.read(buffer)) {
                try {
                    out.write(buffer, 0, read);
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
                done[0] += read;
                from.put("range", "bytes=" + done[0] + "-");
            }
            return done[0];
        }));
    }

    /** A query of names and values in turn, the names sorted. */
    public static String query(String... namesAndValues) {
        StringBuilder query = new StringBuilder();
        for (int i = 0; i < namesAndValues.length; i += 2) {
            query.append(i == 0 ? "" : "&").append(namesAndValues[i]).append('=').append(SdkHttpUtils.urlEncode(namesAndValues[i + 1]));
        }
        return query.toString();
    }

    @Override
    public void close() {
        crt.close();
    }
}
