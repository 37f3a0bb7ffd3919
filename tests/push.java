///usr/bin/env jbang "$0" "$@" ; exit $?
//JAVA 17+
//DESCRIPTION Pushes the images of a release to registries as upload does, and nothing else of it: what the benchmark times.
//DEPS com.fasterxml.jackson.core:jackson-databind:2.22.4
//DEPS com.github.luben:zstd-jni:1.5.7-28
//DEPS org.apache.commons:commons-compress:1.28.0
//DEPS commons-io:commons-io:2.22.0
//DEPS org.apache.httpcomponents.client5:httpclient5:5.6.4
//DEPS org.slf4j:slf4j-nop:2.0.20
//SOURCES ../lib/base/Console.java ../lib/base/Exec.java ../lib/base/Fault.java ../lib/base/FileTree.java ../lib/base/Hosts.java ../lib/base/Variables.java
//SOURCES ../lib/base/Json.java ../lib/base/Measured.java ../lib/base/Parallel.java ../lib/base/Progress.java
//SOURCES ../lib/base/Shown.java ../lib/http/*.java ../lib/config/Environment.java ../lib/config/ImagePolicy.java
//SOURCES ../lib/nix/Nix.java ../lib/oci/*.java ../lib/release/BuiltRelease.java ../lib/release/StoreClosure.java ../lib/nix/Base32.java ../lib/nix/Narinfo.java
//SOURCES ../lib/release/Version.java ../lib/publish/Destination.java ../lib/publish/Images.java ../lib/publish/Operation.java ../lib/publish/Plan.java
//SOURCES ../lib/nix/Provenance.java ../lib/publish/Running.java
// As in upload.java, which says why.
//COMPILE_OPTIONS -XDstringConcat=inline
//RUNTIME_OPTIONS -XX:+IgnoreUnrecognizedVMOptions --enable-native-access=ALL-UNNAMED -XX:+UseSerialGC -Xms64m
//RUNTIME_OPTIONS -XX:CompileCommand=quiet -XX:CompileCommand=CompileThresholdScaling,sun.security.provider.DigestBase::*,0.0002
//RUNTIME_OPTIONS -XX:Tier4InvocationThreshold=500000 -XX:Tier4MinInvocationThreshold=60000
//RUNTIME_OPTIONS -XX:Tier4CompileThreshold=1500000 -XX:Tier4BackEdgeThreshold=4000000
//RUNTIME_OPTIONS -XX:+UnlockDiagnosticVMOptions -XX:-C1ProfileCalls -XX:-C1ProfileVirtualCalls -XX:-C1ProfileInlinedCalls
//RUNTIME_OPTIONS -XX:-C1ProfileBranches -XX:-C1ProfileCheckcasts -XX:-C1UpdateMethodData

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import lib.base.Console;
import lib.base.Fault;
import lib.http.Network;
import lib.http.Tuning;
import lib.oci.ImageStore;
import lib.oci.Registry;
import lib.publish.Images;
import lib.publish.Plan;
import lib.release.BuiltRelease;

/** Exits 0 when every repository has the images, else 1. */
class push {

    public static void main(String[] args) throws Exception {
        if (args.length < 2) {
            System.err.println("usage: push RELEASE REPOSITORY...");
            System.exit(2);
        }
        try {
            BuiltRelease built = BuiltRelease.read(Path.of(args[0]));
            List<ImageStore> stores = new ArrayList<>();
            for (String repository : List.of(args).subList(1, args.length)) {
                stores.add(new Registry(repository, Optional.empty(), List.of(), true, Tuning.DEFAULT, Network.PLAIN));
            }
            Plan plan = new Plan().add(new Images(stores, Path.of(args[0]), built.images(), built.version().toString(), false, Tuning.DEFAULT));
            plan.requireNoConflicts();
            plan.run(Console.system(System.getenv()), 32);
        } catch (Fault fault) {
            System.err.println("error: " + fault.getMessage() + "\n  next: " + fault.next());
            System.exit(1);
        }
    }
}
