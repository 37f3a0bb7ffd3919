///usr/bin/env jbang "$0" "$@" ; exit $?
//JAVA 17+
//DESCRIPTION Benchmarks: what sending costs, compared with well-known programs.
//DEPS info.picocli:picocli:4.7.7
//DEPS com.fasterxml.jackson.core:jackson-databind:2.22.4
//DEPS com.github.luben:zstd-jni:1.5.7-28
//DEPS org.apache.commons:commons-compress:1.28.0
//DEPS commons-io:commons-io:2.22.0
//DEPS org.slf4j:slf4j-nop:2.0.20
//DEPS software.amazon.awssdk:bom:2.57.8@pom
//DEPS software.amazon.awssdk:s3
//DEPS software.amazon.awssdk:apache5-client
//DEPS software.amazon.awssdk.crt:aws-crt:0.39.0
//SOURCES ../lib/base/Console.java ../lib/base/Exec.java ../lib/base/Fault.java ../lib/base/FileTree.java ../lib/base/Json.java
//SOURCES ../lib/base/Measured.java ../lib/base/Parallel.java ../lib/base/PlainPath.java ../lib/base/Shown.java ../lib/config/ImagePolicy.java ../lib/nix/Nix.java
//SOURCES ../lib/s3/Embedded.java ../lib/release/BuiltRelease.java ../lib/release/StoreClosure.java ../lib/nix/Base32.java ../lib/nix/Narinfo.java
//SOURCES ../lib/release/Version.java ../lib/nix/Provenance.java
//SOURCES ../lib/oci/Audit.java ../lib/oci/BuiltImage.java ../lib/oci/Contents.java ../lib/oci/DockerArchive.java
//SOURCES ../lib/oci/ParallelGzip.java ../lib/oci/PaxRecords.java ../lib/oci/Sparse.java ../lib/oci/Tar.java ../lib/oci/Unpacking.java
//SOURCES DockerRegistry.java Home.java Missing.java Sample.java
//SOURCES bench/Cleanup.java bench/DelayProxy.java bench/FileSet.java bench/ImageSet.java bench/ImagesBench.java bench/Measure.java
//SOURCES bench/ReleaseBench.java bench/ReleaseSet.java bench/Results.java bench/Rounds.java bench/Scratch.java bench/Script.java bench/Senders.java bench/Target.java
//FILES LocalStore.java=../lib/s3/local/LocalStore.java

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import lib.base.Console;
import lib.base.Exec;
import lib.base.Fault;
import lib.base.FileTree;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(name = "bench", mixinStandardHelpOptions = true, subcommands = {bench.Upload.class, ImagesBench.class, ReleaseBench.class},
        description = "Compares with well-known programs; everything in a temporary folder and on loopback.")
class bench {

    public static void main(String[] args) {
        Console console = Console.system(System.getenv());
        CommandLine line = new CommandLine(new bench());
        line.setUsageHelpAutoWidth(true);
        line.setExecutionExceptionHandler((e, command, parsed) -> {
            Fault fault = e instanceof Fault known ? known
                    : Fault.failed("bench failed unexpectedly", e.toString(), "report the stack trace").from(e);
            console.fault(fault, fault != e);
            return fault.kind().exitCode;
        });
        System.exit(line.execute(args.length == 0 ? new String[] {"--help"} : args));
    }

    @Command(name = "upload", mixinStandardHelpOptions = true, description = {
            "Sends sets of files with ours (tests/send.java) and with its peers, taking turns on one S3 server, and again with nothing to do.",
            "The server is the one RELENG_TEST_S3_ENDPOINT, ..._KEY, ..._SECRET and ..._REGION name, or else the embedded one.",
            "Last come lines for programs: ratio upload SET PEER RTT first|rerun wall|cpu|rss MEDIAN MIN MAX, ours divided by the peer's."})
    static class Upload implements Callable<Integer> {

        private static final String OURS = "releng";
        private static final String FLOOR = "floor";
        /** Bytes: the largest set, where it is sent from and where it arrives, and as much again. */
        private static final long ROOM = 4L << 30;
        private static final List<String> PEERS = List.of("aws-cp", "aws-sync", "rclone-tuned", "rclone-best", FLOOR);

        @Option(names = "--sets", split = ",", paramLabel = "SET", description = "small (1,500 files of 12 KB), large (4 of 40 MB and their "
                + "checksums), cache (800 narinfos and their NARs); default: all.")
        List<String> sets = FileSet.NAMES;

        @Option(names = "--peers", split = ",", paramLabel = "PEER", description = "aws-cp, aws-sync, rclone-tuned, rclone-best (no HEAD, no "
                + "check of the bucket, no checksum), floor (curl, unsigned puts; for the rerun a listing); default: all.")
        List<String> peers = PEERS;

        @Option(names = "--rtt", split = ",", paramLabel = "MS", description = "Round trip times in milliseconds, added by a proxy on loopback; "
                + "default: 0, without it.")
        List<Integer> rtts = List.of(0);

        @Option(names = "--rounds", paramLabel = "N", defaultValue = "5", description = "Rounds that count; default: ${DEFAULT-VALUE}.")
        int rounds;

        @Option(names = "--quick", description = "One round with small sets: shows that all works, and tells nothing.")
        boolean quick;

        @Option(names = "--ours", paramLabel = "SCRIPT", description = "What to measure instead of tests/send.java.")
        Path ours;

        @Option(names = "--install-missing", description = "Install with apt what is absent, as root or with sudo.")
        boolean installMissing;

        private final Console console = Console.system(System.getenv());

        @Override
        public Integer call() throws Exception {
            known("--sets", sets, FileSet.NAMES);
            known("--peers", peers, PEERS);
            if (rounds < 1 || rtts.stream().anyMatch(rtt -> rtt < 0)) {
                throw Fault.usage("wrong usage of bench upload", "there is at least one round, and no answer comes before its question",
                        "see bench upload --help");
            }
            Path aws = programs();
            try (Cleanup cleanup = new Cleanup()) {
                Path folder = Scratch.folder(ROOM);
                cleanup.add(() -> FileTree.remove(folder));
                console.say("in " + folder);
                Measure measure = new Measure(folder);
                Script send = Script.build(ours == null ? Home.folder().resolve("tests/send.java") : ours.toAbsolutePath(), System.getenv());
                String overhead = send.overhead(measure);
                console.step("Starting the server");
                Target target = cleanup.add(Target.signed(folder.resolve("store"), System.getenv(), console));
                Optional<Target> open = openTarget(cleanup, folder, target);

                Map<String, Senders.Recipe> recipes = new LinkedHashMap<>();
                recipes.put(OURS, Senders.ours(send.java()));
                for (String peer : peers) {
                    switch (peer) {
                        case "aws-cp" -> recipes.put(peer, Senders.aws(aws, folder.resolve("aws"), List.of("cp", "--recursive")));
                        case "aws-sync" -> recipes.put(peer, Senders.aws(aws, folder.resolve("aws"), List.of("sync")));
                        case "rclone-tuned" -> recipes.put(peer, Senders.rclone(List.of()));
                        case "rclone-best" -> recipes.put(peer,
                                Senders.rclone(List.of("--s3-no-head", "--s3-no-check-bucket", "--s3-disable-checksum")));
                        default -> open.ifPresent(there -> recipes.put(FLOOR, Senders.floor(folder.resolve("curl"))));
                    }
                }

                List<Results> all = new ArrayList<>();
                for (String set : sets) {
                    FileSet files = FileSet.make(set, folder, quick);
                    for (int rtt : rtts) {
                        Results results = compare(files, rtt, recipes, target, open, measure);
                        // At once: should a later comparison fail, this one was not for nothing.
                        results.table(List.copyOf(recipes.keySet())).forEach(console::print);
                        console.print("");
                        all.add(results);
                    }
                    FileTree.remove(files.folder());
                }
                List<String> others = recipes.keySet().stream().filter(name -> !name.equals(OURS)).toList();
                console.print(overhead);
                console.print("");
                all.forEach(results -> results.ratios(OURS, others).forEach(console::print));
            }
            return 0;
        }

        private Results compare(FileSet files, int rtt, Map<String, Senders.Recipe> recipes, Target target, Optional<Target> open,
                                Measure measure) throws Exception {
            int counted = quick ? 1 : rounds;
            Results results = new Results(String.format(Locale.ROOT, "upload %s, rtt %d ms, rounds: %d", files, rtt, counted),
                    "upload " + files.name() + " %s " + rtt);
            try (Cleanup proxies = new Cleanup()) {
                URI via = delayed(target.endpoint(), rtt, proxies);
                URI openVia = open.isEmpty() || open.get() == target ? via : delayed(open.get().endpoint(), rtt, proxies);
                List<Rounds.Contender> contenders = new ArrayList<>();
                recipes.forEach((name, recipe) -> contenders.add(name.equals(FLOOR) ? Senders.contender(name, recipe, files, open.get(), openVia)
                        : Senders.contender(name, recipe, files, target, via)));
                new Rounds(measure, console).run(results, contenders, Senders.PHASES, counted);
            }
            return results;
        }

        static URI delayed(URI server, int rtt, Cleanup proxies) throws Exception {
            if (rtt == 0) {
                return server;
            }
            if (!"http".equals(server.getScheme())) {
                throw Fault.usage("no delay can be added on the way to " + server, "the proxy would need the server's TLS certificate",
                        "use an http endpoint, or leave out --rtt");
            }
            return proxies.add(new DelayProxy(server, rtt)).endpoint();
        }

        // A given server is the only one there is; the embedded one is started again without authentication.
        private Optional<Target> openTarget(Cleanup cleanup, Path folder, Target target) throws Exception {
            if (!peers.contains(FLOOR)) {
                return Optional.empty();
            }
            if (System.getenv("RELENG_TEST_S3_ENDPOINT") == null) {
                return Optional.of(cleanup.add(Target.open(folder.resolve("open"), System.getenv())));
            }
            Optional<String> refusal = Senders.refusesUnsigned(target);
            refusal.ifPresent(why -> console.print("floor is left out: " + why));
            return refusal.isEmpty() ? Optional.of(target) : Optional.empty();
        }

        private void known(String option, List<String> given, List<String> names) {
            List<String> unknown = given.stream().filter(name -> !names.contains(name)).toList();
            if (!unknown.isEmpty()) {
                throw Fault.usage("wrong usage of bench upload", option + " does not know " + String.join(", ", unknown),
                        "choose among " + String.join(", ", names));
            }
        }

        /** The aws that is measured, if one is; all others are found on PATH. */
        private Path programs() {
            Map<String, String> needed = new LinkedHashMap<>(Map.of("bash", "bash", "time", "time"));
            boolean withAws = peers.stream().anyMatch(peer -> peer.startsWith("aws"));
            if (withAws && aws().isEmpty()) {
                needed.put("an aws that runs", "awscli");
            }
            if (peers.stream().anyMatch(peer -> peer.startsWith("rclone"))) {
                needed.put("rclone", "rclone");
            }
            if (peers.contains(FLOOR)) {
                needed.put("curl", "curl");
            }
            if (!Missing.provide(needed, installMissing)) {
                throw Fault.failed("the benchmark cannot begin", "programs are missing", "see above, or choose others with --peers");
            }
            return !withAws ? null : aws().orElseThrow(() -> Fault.failed("no aws runs", "those on PATH fail at --version",
                    "fix them, or choose others with --peers"));
        }

        // A shim of a Python version manager may have nothing behind it, and costs a shell at each start
        // that is not aws's.
        static Optional<Path> aws() {
            for (String folder : System.getenv("PATH").split(":")) {
                Path program = Path.of(folder, "aws");
                if (!folder.endsWith("/shims") && Files.isExecutable(program) && Exec.of(program.toString(), "--version").run().exit() == 0) {
                    return Optional.of(program);
                }
            }
            return Optional.empty();
        }
    }
}
