package lib.s3;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Map;
import java.util.SortedMap;
import lib.base.FileTree;
import software.amazon.awssdk.auth.credentials.AwsCredentials;
import software.amazon.awssdk.auth.credentials.AwsSessionCredentials;

/**
 * AWS Signature Version 4 in the Authorization header, in the dialect of S3: paths are encoded once
 * and not normalised.
 */
final class Signer {

    private record Key(String day, AwsCredentials owner, byte[] bytes) {
    }

    // Four a request: looking one up costs more than what most of them digest.
    private static final ThreadLocal<MessageDigest> SHA256 = ThreadLocal.withInitial(() -> FileTree.digest("SHA-256"));

    private final String region;
    private volatile Key last;

    Signer(String region) {
        this.region = region;
    }

    /**
     * Adds the headers x-amz-date, x-amz-content-sha256, authorization and, for keys that last a
     * while, x-amz-security-token. All headers given are signed; their names are in lower case.
     *
     * @param path   as it is sent, encoded
     * @param query  as it is sent: encoded, sorted, each with a {@code =}
     * @param payload hex SHA-256 of the body, or UNSIGNED-PAYLOAD, when content-md5 is signed instead
     * @param time   in seconds since 1970
     */
    void sign(String method, String path, String query, SortedMap<String, String> headers, String payload, AwsCredentials keys, long time) {
        String day = timestamp(time).substring(0, 8);
        headers.put("x-amz-date", timestamp(time));
        headers.put("x-amz-content-sha256", payload);
        if (keys instanceof AwsSessionCredentials session) {
            headers.put("x-amz-security-token", session.sessionToken());
        }
        StringBuilder canonical = new StringBuilder(700).append(method).append('\n').append(path).append('\n').append(query).append('\n');
        StringBuilder names = new StringBuilder(100);
        for (Map.Entry<String, String> header : headers.entrySet()) {
            canonical.append(header.getKey()).append(':').append(header.getValue()).append('\n');
            names.append(names.length() == 0 ? "" : ";").append(header.getKey());
        }
        canonical.append('\n').append(names).append('\n').append(payload);
        String scope = day + "/" + region + "/s3/aws4_request";
        String text = "AWS4-HMAC-SHA256\n" + headers.get("x-amz-date") + "\n" + scope + "\n" + hex(sha256(utf8(canonical.toString())));
        headers.put("authorization", "AWS4-HMAC-SHA256 Credential=" + keys.accessKeyId() + "/" + scope + ", SignedHeaders=" + names
                + ", Signature=" + hex(hmac(key(day, keys), utf8(text))));
    }

    // Derived once a day for each owner: three of four HMACs are spared.
    private byte[] key(String day, AwsCredentials owner) {
        Key known = last;
        if (known == null || !known.day.equals(day) || !known.owner.equals(owner)) {
            byte[] bytes = hmac(utf8("AWS4" + owner.secretAccessKey()), utf8(day));
            for (String word : new String[] {region, "s3", "aws4_request"}) {
                bytes = hmac(bytes, utf8(word));
            }
            known = new Key(day, owner, bytes);
            last = known;
        }
        return known.bytes;
    }

    /** HMAC-SHA-256, RFC 2104. Not javax.crypto's, which takes longer to load than a release to sign. */
    static byte[] hmac(byte[] key, byte[] text) {
        byte[] inner = Arrays.copyOf(key.length > 64 ? sha256(key) : key, 64);
        byte[] outer = inner.clone();
        for (int i = 0; i < 64; i++) {
            inner[i] ^= 0x36;
            outer[i] ^= 0x5c;
        }
        return sha256(outer, sha256(inner, text));
    }

    /** Percent-encodes all but A-Z a-z 0-9 - . _ ~ (RFC 3986, 2.3) and, where asked, the slash. */
    static String encode(String text, boolean keepSlash) {
        StringBuilder encoded = new StringBuilder(text.length() + 16);
        for (byte b : utf8(text)) {
            char c = (char) (b & 0xff);
            if (c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '.' || c == '_' || c == '~'
                    || c == '/' && keepSlash) {
                encoded.append(c);
            } else {
                encoded.append('%').append(Character.toUpperCase(Character.forDigit(c >> 4, 16)))
                        .append(Character.toUpperCase(Character.forDigit(c & 15, 16)));
            }
        }
        return encoded.toString();
    }

    // 20261122T232203Z. By hand, because a formatter takes longer to load than a release to sign.
    static String timestamp(long time) {
        LocalDateTime utc = LocalDateTime.ofEpochSecond(time, 0, ZoneOffset.UTC);
        return "" + utc.getYear() + two(utc.getMonthValue()) + two(utc.getDayOfMonth()) + "T" + two(utc.getHour()) + two(utc.getMinute())
                + two(utc.getSecond()) + "Z";
    }

    private static String two(int number) {
        return number < 10 ? "0" + number : "" + number;
    }

    private static byte[] sha256(byte[]... texts) {
        MessageDigest digest = SHA256.get();
        for (byte[] text : texts) {
            digest.update(text);
        }
        return digest.digest();
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static String hex(byte[] bytes) {
        return HexFormat.of().formatHex(bytes);
    }
}
