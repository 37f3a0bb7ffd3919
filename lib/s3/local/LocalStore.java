///usr/bin/env jbang "$0" "$@" ; exit $?
//JAVA 17+
//DESCRIPTION The object store of the environment `local`: S3 on loopback, kept in a folder.
//DEPS org.gaul:s3proxy:4.1.0
//DEPS org.slf4j:slf4j-nop:2.0.20
//RUNTIME_OPTIONS -Dslf4j.provider=org.slf4j.nop.NOPServiceProvider -XX:TieredStopAtLevel=1 -XX:+UseSerialGC

package lib.s3.local;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.stream.Stream;
import org.gaul.s3proxy.S3Proxy;
import org.gaul.s3proxy.auth.AuthenticationType;
import org.gaul.s3proxy.blobstore.BlobStore;
import org.gaul.s3proxy.blobstore.ForwardingBlobStore;
import org.gaul.s3proxy.nio2blob.FilesystemNio2BlobStore;
import software.amazon.awssdk.services.s3.model.ObjectCannedACL;

/**
 * S3Proxy on a folder, with keys of its own for each start. Anybody may read, as at the public web
 * addresses of a real store; only the keys may write. A script of its own, so that no phase pulls
 * in its libraries.
 */
public final class LocalStore implements AutoCloseable {

    private final S3Proxy server;
    private final String id = random(10);
    private final String secret = random(20);

    /** Serves the folder on a free port; each name in {@code buckets} is a bucket. */
    public LocalStore(Path folder, String... buckets) throws Exception {
        for (String bucket : buckets) {
            Files.createDirectories(folder.resolve(bucket));
            removePartial(folder.resolve(bucket));
        }
        server = S3Proxy.builder()
                .blobStore(new PublicRead(new FilesystemNio2BlobStore(folder.toString())))
                .endpoint(URI.create("http://127.0.0.1:0"))
                .awsAuthentication(AuthenticationType.AWS_V4, id, secret)
                .ignoreUnknownHeaders(true) // else parts of a multipart upload are answered with 501
                .build();
        server.start();
    }

    public URI endpoint() {
        return URI.create("http://127.0.0.1:" + server.getPort());
    }

    public String id() {
        return id;
    }

    public String secret() {
        return secret;
    }

    @Override
    public void close() throws Exception {
        server.stop();
    }

    /** FOLDER BUCKET...: prints endpoint, key id and secret on a line each, and serves until it is ended. */
    public static void main(String[] args) throws Exception {
        LocalStore store = new LocalStore(Path.of(args[0]), java.util.Arrays.copyOfRange(args, 1, args.length));
        System.out.println(store.endpoint() + "\n" + store.id() + "\n" + store.secret());
        Thread.currentThread().join();
    }

    // S3Proxy writes KEY-UUID and renames it. What a server that was killed was writing would be an object from now on.
    private static void removePartial(Path bucket) throws IOException {
        try (Stream<Path> objects = Files.walk(bucket)) {
            for (Path object : (Iterable<Path>) objects.filter(Files::isRegularFile)::iterator) {
                if (object.getFileName().toString().matches(".*-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")) {
                    Files.delete(object);
                }
            }
        }
    }

    private static String random(int bytes) {
        byte[] random = new byte[bytes];
        new SecureRandom().nextBytes(random);
        return HexFormat.of().formatHex(random);
    }

    private static final class PublicRead extends ForwardingBlobStore {
        PublicRead(BlobStore store) {
            super(store);
        }

        @Override
        public ObjectCannedACL getBlobAccess(String bucket, String key) {
            return ObjectCannedACL.PUBLIC_READ;
        }

        @Override
        public ObjectCannedACL getBlobAccess(String bucket, String key, String version) {
            return ObjectCannedACL.PUBLIC_READ;
        }
    }
}
