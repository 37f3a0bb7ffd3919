///usr/bin/env jbang "$0" "$@" ; exit $?
//JAVA 17+
//DESCRIPTION The tests: all of them, or the classes whose name contains a given word.
//DEPS info.picocli:picocli:4.7.7
//DEPS com.fasterxml.jackson.core:jackson-databind:2.22.4
//DEPS org.snakeyaml:snakeyaml-engine:3.2
//DEPS com.fasterxml.jackson.dataformat:jackson-dataformat-xml:2.22.4
//DEPS org.cyclonedx:cyclonedx-core-java:11.0.1
//DEPS org.eclipse.jgit:org.eclipse.jgit:7.8.1.202611041320-r
//DEPS org.slf4j:slf4j-nop:2.0.20
//DEPS org.commonmark:commonmark:0.28.0
//DEPS org.commonmark:commonmark-ext-gfm-tables:0.28.0
//DEPS org.commonmark:commonmark-ext-gfm-strikethrough:0.28.0
//DEPS org.commonmark:commonmark-ext-footnotes:0.28.0
//DEPS org.commonmark:commonmark-ext-task-list-items:0.28.0
//DEPS org.jsoup:jsoup:1.22.1
//DEPS org.apache.commons:commons-compress:1.28.0
//DEPS commons-io:commons-io:2.22.0
//DEPS com.samskivert:jmustache:1.16
//DEPS com.jcraft:jzlib:1.1.3
//DEPS com.github.luben:zstd-jni:1.5.7-28
//DEPS org.tukaani:xz:1.12
//DEPS software.amazon.awssdk:bom:2.57.8@pom
//DEPS software.amazon.awssdk:s3
//DEPS software.amazon.awssdk:apache5-client
//DEPS software.amazon.awssdk.crt:aws-crt:0.39.0
//DEPS org.gaul:s3proxy:4.1.0
//DEPS org.junit:junit-bom:6.1.3@pom
//DEPS org.junit.jupiter:junit-jupiter
//DEPS org.junit.platform:junit-platform-launcher
//DEPS com.deque.html.axe-core:selenium:4.11.0@fatjar
//SOURCES ../lib/**.java
//SOURCES *Test.java
//SOURCES Browser.java BuildMachine.java Consumer.java DockerRegistry.java FaultProxy.java Faulty.java FilesFetcher.java Forgejo.java Home.java Hostile.java Managers.java Program.java RawTar.java Released.java Rootfs.java Sample.java StallingProxy.java Store.java TokenServer.java
//SOURCES SweepConsumer.java SweepReleases.java SweepWorld.java
//SOURCES Checkout.java Proving.java ReferrersRegistry.java Registries.java GerritServer.java Reviewed.java
//SOURCES Missing.java StatusWorld.java push.java
//SOURCES ../prepare.java
//SOURCES ../tag.java
//SOURCES ../build.java
//SOURCES ../upload.java
//FILES LocalStore.java=../lib/s3/local/LocalStore.java pages/=../lib/publish/pages/*
//RUNTIME_OPTIONS --enable-native-access=ALL-UNNAMED -Dslf4j.provider=org.slf4j.nop.NOPServiceProvider

import static org.junit.platform.engine.discovery.ClassNameFilter.includeClassNamePatterns;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClasspathRoots;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import org.junit.platform.launcher.listeners.SummaryGeneratingListener;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "test", mixinStandardHelpOptions = true,
        description = "Runs the tests; exits 1 when one fails or none ran.")
class test implements Callable<Integer> {

    @Option(names = "--install-missing", description = "Install with apt the programs the tests need.")
    boolean installMissing;

    @Option(names = "--slow", description = "The sweeps at full width.")
    boolean slow;

    @Option(names = "--times", description = "Say how long each test took.")
    boolean times;

    @Parameters(paramLabel = "WORD", description = "Only test classes whose name contains one of these words.")
    List<String> words = List.of();

    // JUnit warns of every link out of a temporary folder that it removes: ours are roots of Nix.
    private static final java.util.logging.Logger JUNIT = java.util.logging.Logger.getLogger("org.junit.jupiter.api.io");

    public static void main(String[] args) {
        JUNIT.setLevel(java.util.logging.Level.SEVERE);
        System.exit(new CommandLine(new test()).execute(args));
    }

    @Override
    public Integer call() {
        if (!Missing.provide(Missing.FOR_TESTS, installMissing)) {
            return 1;
        }
        System.setProperty("releng.slow", Boolean.toString(slow));
        String pattern = words.isEmpty() ? ".*Test"
                : ".*(" + String.join("|", words.stream().map(Pattern::quote).toList()) + ").*Test|.*(" + String.join("|", words) + ")";
        LauncherDiscoveryRequest request = LauncherDiscoveryRequestBuilder.request()
                .selectors(selectClasspathRoots(Set.of(Path.of(
                        test.class.getProtectionDomain().getCodeSource().getLocation().getPath()))))
                .filters(includeClassNamePatterns(pattern))
                .configurationParameter("junit.jupiter.execution.parallel.enabled", "true")
                .configurationParameter("junit.jupiter.execution.parallel.mode.default", "concurrent")
                .configurationParameter("junit.jupiter.execution.parallel.config.strategy", "fixed")
                .configurationParameter("junit.jupiter.execution.parallel.config.fixed.parallelism", "4")
                .configurationParameter("junit.jupiter.execution.parallel.config.executor-service", "WORKER_THREAD_POOL")
                // What takes longest begins first, else all wait for it at the end.
                .configurationParameter("junit.jupiter.testclass.order.default", "org.junit.jupiter.api.ClassOrderer$OrderAnnotation")
                .configurationParameter("junit.jupiter.execution.timeout.default", "5 m")
                .build();
        SummaryGeneratingListener summary = new SummaryGeneratingListener();
        LauncherFactory.create().execute(request, summary, new Progress(times));
        summary.getSummary().printFailuresTo(new PrintWriter(System.err, true), 30);
        var counts = summary.getSummary();
        System.out.println(counts.getTestsSucceededCount() + " passed, " + counts.getTestsFailedCount() + " failed, "
                + (counts.getTestsSkippedCount() + counts.getTestsAbortedCount()) + " skipped");
        boolean broken = counts.getTestsFailedCount() > 0 || counts.getContainersFailedCount() > 0;
        return broken || counts.getTestsSucceededCount() == 0 ? 1 : 0;
    }

    /** A line a test, as it ends, so that a hanging one is seen; reasons with those that did not run or did not pass. */
    private record Progress(boolean times, java.util.Map<TestIdentifier, Long> starts) implements TestExecutionListener {

        Progress(boolean times) {
            this(times, new java.util.concurrent.ConcurrentHashMap<>());
        }

        @Override
        public void executionStarted(TestIdentifier test) {
            starts.put(test, System.nanoTime());
        }

        @Override
        public void executionSkipped(TestIdentifier test, String reason) {
            System.out.println("skipped " + name(test) + ": " + reason);
        }

        @Override
        public void executionFinished(TestIdentifier test, TestExecutionResult result) {
            if (test.isTest()) {
                String word = switch (result.getStatus()) {
                    case SUCCESSFUL -> "ok      ";
                    case ABORTED -> "skipped ";
                    case FAILED -> "FAILED  ";
                };
                // A sweep's first failure is not kept back to its end.
                String reason = result.getThrowable().map(t -> ": " + t.getMessage()).orElse("");
                String time = times ? " (" + (System.nanoTime() - starts.get(test)) / 1_000_000 + " ms)" : "";
                System.out.println(word + name(test) + reason + time);
            }
        }

        private static String name(TestIdentifier test) {
            String in = test.getParentIdObject().map(id -> id.getSegments().stream()
                    .filter(segment -> segment.getType().equals("class")).map(segment -> segment.getValue()).findFirst().orElse("")).orElse("");
            return in + "." + test.getDisplayName();
        }
    }
}
