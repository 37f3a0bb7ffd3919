///usr/bin/env jbang "$0" "$@" ; exit $?
//JAVA 17+
//DESCRIPTION Sends the files of a folder with the transfer engine and skips what is there: what the benchmark times.
//DEPS software.amazon.awssdk:bom:2.57.8@pom
//DEPS software.amazon.awssdk:s3
//DEPS software.amazon.awssdk:apache5-client
//DEPS software.amazon.awssdk.crt:aws-crt:0.39.0
//DEPS org.apache.httpcomponents.client5:httpclient5:5.6.4
//DEPS org.slf4j:slf4j-nop:2.0.20
//SOURCES ../lib/base/Fault.java ../lib/base/FileTree.java ../lib/base/Hosts.java ../lib/base/Variables.java ../lib/http/*.java ../lib/s3/ContentType.java ../lib/s3/Dialect.java ../lib/s3/Documents.java ../lib/s3/Listing.java ../lib/s3/ObjectStore.java
//SOURCES ../lib/s3/Pace.java ../lib/s3/Parts.java ../lib/s3/Probe.java ../lib/s3/Remedies.java ../lib/s3/Sdk.java ../lib/s3/Crt.java ../lib/s3/Flow.java ../lib/s3/Wire.java
// As in upload.java, which says why.
//COMPILE_OPTIONS -XDstringConcat=inline
//RUNTIME_OPTIONS -XX:+IgnoreUnrecognizedVMOptions -XX:+UseSerialGC -XX:-UsePerfData -Xmx128m
//RUNTIME_OPTIONS -XX:CompileCommand=quiet -XX:CompileCommand=CompileThresholdScaling,sun.security.provider.DigestBase::*,0.0002
//RUNTIME_OPTIONS -XX:Tier4InvocationThreshold=500000 -XX:Tier4MinInvocationThreshold=60000
//RUNTIME_OPTIONS -XX:Tier4CompileThreshold=1500000 -XX:Tier4BackEdgeThreshold=4000000
//RUNTIME_OPTIONS -XX:+UnlockDiagnosticVMOptions -XX:-C1ProfileCalls -XX:-C1ProfileVirtualCalls -XX:-C1ProfileInlinedCalls
//RUNTIME_OPTIONS -XX:-C1ProfileBranches -XX:-C1ProfileCheckcasts -XX:-C1UpdateMethodData

import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import lib.base.Fault;
import lib.base.FileTree;
import lib.http.Network;
import lib.http.Tuning;
import lib.s3.ObjectStore;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;

/** Exits 0 when everything is there, else 1; keys from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. */
class send {

    public static void main(String[] args) throws Exception {
        if (args.length != 5 && !(args.length == 7 && args[5].equals("--concurrency"))) {
            System.err.println("usage: send ENDPOINT REGION BUCKET PREFIX FOLDER [--concurrency N]");
            System.exit(2);
        }
        int concurrency = args.length == 7 ? Integer.parseInt(args[6]) : ObjectStore.CONCURRENCY;
        StaticCredentialsProvider keys = StaticCredentialsProvider.create(
                AwsBasicCredentials.create(System.getenv("AWS_ACCESS_KEY_ID"), System.getenv("AWS_SECRET_ACCESS_KEY")));
        try (ObjectStore store = ObjectStore.connect(URI.create(args[0]), args[1], keys, Tuning.DEFAULT.withConcurrency(concurrency), Network.PLAIN)) {
            send(store, args[2], args[3], Path.of(args[4]), concurrency);
        } catch (Fault fault) {
            System.err.println("error: " + fault.getMessage() + "\n  next: " + fault.next());
            System.exit(1);
        }
    }

    private static void send(ObjectStore store, String bucket, String prefix, Path folder, int concurrency) throws Exception {
        SortedMap<String, ObjectStore.Stored> there = store.list(bucket, prefix);
        ExecutorService threads = Executors.newFixedThreadPool(concurrency);
        try {
            List<Future<?>> running = new ArrayList<>();
            for (Map.Entry<String, Path> file : FileTree.files(folder).entrySet()) {
                running.add(threads.submit(() -> {
                    one(store, bucket, prefix + file.getKey(), file.getValue(), there.get(prefix + file.getKey()));
                    return null;
                }));
            }
            for (Future<?> one : running) {
                one.get();
            }
        } catch (ExecutionException e) {
            throw e.getCause() instanceof Fault fault ? fault : e;
        } finally {
            threads.shutdownNow();
        }
    }

    private static void one(ObjectStore store, String bucket, String key, Path file, ObjectStore.Stored stored) throws Exception {
        if (stored == null || !holds(store, bucket, file, stored)) {
            store.put(bucket, key, file, "public, max-age=300");
        }
    }

    private static boolean holds(ObjectStore store, String bucket, Path file, ObjectStore.Stored stored) throws Exception {
        if (stored.size() == Files.size(file) && stored.md5().isPresent()) {
            return FileTree.digest("MD5", file).equals(stored.md5().get());
        }
        return store.holds(bucket, stored, file, Files.size(file), FileTree.sha256(file));
    }
}
