///usr/bin/env jbang "$0" "$@" ; exit $?
//JAVA 17+
//DESCRIPTION The yardstick of the benchmark: the embedded object store, open to everybody.
//DEPS org.gaul:s3proxy:4.1.0
//DEPS org.slf4j:slf4j-nop:2.0.20
//RUNTIME_OPTIONS -Dslf4j.provider=org.slf4j.nop.NOPServiceProvider -XX:TieredStopAtLevel=1 -XX:+UseSerialGC

import java.net.URI;
import java.nio.file.Path;
import org.gaul.s3proxy.S3Proxy;
import org.gaul.s3proxy.auth.AuthenticationType;
import org.gaul.s3proxy.nio2blob.FilesystemNio2BlobStore;

/** Beside LocalStore, which refuses what is not signed: a server to which curl can put. */
final class OpenStore {

    private OpenStore() {
    }

    /** FOLDER: prints the endpoint, and serves until it is ended. */
    public static void main(String[] args) throws Exception {
        S3Proxy server = S3Proxy.builder()
                .blobStore(new FilesystemNio2BlobStore(Path.of(args[0]).toString()))
                .endpoint(URI.create("http://127.0.0.1:0"))
                .awsAuthentication(AuthenticationType.NONE, null, null)
                .ignoreUnknownHeaders(true)
                .build();
        server.start();
        System.out.println("http://127.0.0.1:" + server.getPort());
        Thread.currentThread().join();
    }
}
