package lib.s3;

import lib.http.Network;
import lib.http.Refusal;

/** What to do about what an object store refused. */
final class Remedies {

    private Remedies() {
    }

    static String of(Refusal e) {
        return switch (e.code) {
            case "RequestTimeTooSkewed" -> "set this machine's clock, and run again";
            case "ExpiredToken" -> "get new keys, and run again: what is there is not sent twice";
            case "InvalidAccessKeyId", "SignatureDoesNotMatch" -> "check the keys, and the environment's region";
            case "AuthorizationHeaderMalformed", "InvalidRegion", "IllegalLocationConstraintException", "PermanentRedirect", "TemporaryRedirect" ->
                    "set the environment's region and endpoint to those of the bucket: the store names them above";
            case "NoSuchBucket" -> "check the bucket's name in the environment; releng makes no buckets";
            case "QuotaExceeded", "InsufficientStorage", "XMinioStorageFull" -> "have space freed in the store, and run again: what is there is not sent twice";
            case "BadDigest", "XAmzContentSHA256Mismatch" -> "the file is not what was built, or was changed on the way: build again";
            default -> switch (e.status) {
                case 407 -> Network.LOGIN;
                case 301, 302, 303, 307, 308 -> "set the environment's region and endpoint to those of the bucket: this address sends elsewhere";
                case 413, 507 -> "have space freed in the store, or a larger object allowed, and run again: what is there is not sent twice";
                case 200 -> "check that this is the address of an object store, and that nothing in between answers in its place";
                case 401, 403 -> "check that the key may do this on this bucket";
                case 404 -> "check the bucket's name in the environment; releng makes no buckets";
                default -> "run again: what is there is not sent twice";
            };
        };
    }
}
