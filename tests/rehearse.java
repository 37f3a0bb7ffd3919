///usr/bin/env jbang "$0" "$@" ; exit $?
//JAVA 17+
//DESCRIPTION A whole release of a clone: the four phases against the environment local, fetched back by its consumers.
//DEPS info.picocli:picocli:4.7.7
//DEPS com.fasterxml.jackson.core:jackson-databind:2.22.4
//DEPS org.eclipse.jgit:org.eclipse.jgit:7.8.1.202611041320-r
//DEPS org.slf4j:slf4j-nop:2.0.20
//SOURCES ../lib/base/*.java ../lib/config/*.java ../lib/git/Git*.java ../lib/git/JGit.java ../lib/git/Tree.java
//SOURCES ../lib/nix/Nix.java ../lib/nix/NixUpgrade.java ../lib/oci/BuiltImage.java ../lib/s3/Embedded.java ../lib/release/BuiltRelease.java ../lib/release/StoreClosure.java
//SOURCES ../lib/nix/Base32.java ../lib/nix/Narinfo.java ../lib/release/OfficialFlag.java ../lib/nix/Provenance.java
//SOURCES ../lib/release/Release.java ../lib/release/Version.java
//SOURCES Home.java Missing.java Sample.java Consumer.java DockerRegistry.java Rootfs.java
//FILES LocalStore.java=../lib/s3/local/LocalStore.java
//RUNTIME_OPTIONS -XX:TieredStopAtLevel=1 -XX:+UseSerialGC

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import lib.base.Cli;
import lib.base.Console;
import lib.base.Exec;
import lib.base.Fault;
import lib.base.FileTree;
import lib.base.Json;
import lib.config.Config;
import lib.config.Environment;
import lib.nix.NixUpgrade;
import lib.release.BuiltRelease;
import lib.s3.Embedded;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(name = "rehearse", description = "Makes a whole release of a clone of the checkout, publishes it to the environment local, "
        + "and fetches it back as its consumers do. The default checkout is the sample project.")
class rehearse implements Cli.Phase {

    @Option(names = "--keep", description = "Keep the temporary folder.")
    boolean keep;

    @Option(names = "--install-missing", description = "Install with apt what is absent, as root or with sudo.")
    boolean installMissing;

    @Option(names = "--profile", paramLabel = "NAME", defaultValue = "all", description = "For build; default: ${DEFAULT-VALUE}.")
    String profile;

    /** A line of the table at the end. */
    private record Row(String what, double seconds) {
    }

    private final List<Row> phases = new ArrayList<>();
    private final List<Row> proofs = new ArrayList<>();
    private Console console;
    private DockerRegistry registry;

    public static void main(String[] args) {
        Cli.main(new rehearse(), args);
    }

    @Override
    public void run(Cli.Session session) throws Exception {
        console = session.console();
        if (!Missing.provide(Missing.FOR_REHEARSAL, installMissing)) {
            throw Fault.failed("the rehearsal cannot start", "programs are missing", "see above");
        }
        Path folder = Files.createTempDirectory("releng-rehearsal").toRealPath();
        try {
            Path checkout = folder.resolve("checkout");
            Path local = folder.resolve("local");
            Map<String, String> env = new HashMap<>(session.env());
            if (session.options().repo == null) {
                Sample.checkout(checkout, env);
                env.merge("NIX_CONFIG", Sample.NIX_CONFIG, (set, ours) -> set + "\n" + ours);
            } else {
                copy(session.checkout(), checkout);
            }

            // The rehearsal is of the tool: whether the project is ready is not asked, least of all of others.
            phase(env, checkout, "prepare", "--skip", "blockers,post");
            phase(env, checkout, "tag", "--skip", "blockers,post");
            phase(env, checkout, "build", "--profile", profile);
            registry = DockerRegistry.withPassword(folder.resolve("registry"));
            env.put("REGISTRY_AUTH_FILE", imagesGoTo(checkout, folder).toString());
            phase(env, checkout, "upload", "--env", "local", "--noconfirm", "--local-folder", local.toString());
            phase(env, checkout, "upload", "--env", "local", "--noconfirm", "--local-folder", local.toString());

            console.step("Fetching it back");
            Config config = Config.of(checkout);
            Environment environment = config.environment("local");
            BuiltRelease built = BuiltRelease.read(checkout.resolve("release"));
            try (Embedded server = Embedded.start(local.resolve("buckets"), List.of(environment.releases(), environment.cache(),
                    environment.docs(), environment.install()), env, console)) {
                Consumer consumer = new Consumer(server.endpoint(), environment, config.project(), built, folder, env);
                proof("nix copy from the cache, trusting only its public key", () -> consumer.nixCopies());
                proof("manifest.nix evaluates, and its path for " + built.system() + " is among them", () -> consumer.manifestEvaluates());
                try {
                    proof("nix upgrade-nix installs " + built.version() + " from the published manifest", () -> consumer.nixUpgrades(console));
                } catch (NixUpgrade.NotHere e) {
                    console.warn("not proved: nix upgrade-nix: " + e.getMessage());
                }
                proof("Nix fetches every file that latest.json names", () -> consumer.latestJsonLeadsToEveryFile());
                proof("every file fits its .sha256", () -> consumer.checksumsFit());
                proof("the manual has its index and its pages", () -> consumer.manualIsThere());
                if (!built.images().isEmpty()) {
                    proof("skopeo copies each of " + built.images().size() + " images, and they are those that were built", () ->
                            consumer.imagesComeOut("oci:" + local.resolve("images")));
                    proof("umoci unpacks them, their command is in them, and Nix in the one for this machine says its version", () ->
                            consumer.imagesRun("oci:").forEach(not -> console.warn("not run: " + not)));
                    proof("and from a registry that wants a password, too", () -> consumer.imagesComeOut("docker://" + environment.registries().get(0),
                            "--src-tls-verify=false"));
                }
                proof("the tag peels to the release commit, with the official flag", () -> consumer.tagIsThere(local.resolve("git")));
                proof("git archive of the tag is the published source tarball", () -> consumer.sourceIsTheTag(local.resolve("git")));
            }
            report(folder);
        } finally {
            if (registry != null) {
                registry.close();
            }
            if (!keep) {
                FileTree.remove(folder);
            }
        }
    }

    // A clone, so that the rehearsal cannot hurt; with the identity and the hook the real one has.
    private void copy(Path repo, Path checkout) throws IOException {
        Exec.of("git", "clone", "--quiet", "--no-hardlinks", repo.toString(), checkout.toString())
                .orFail(repo + " could not be cloned", "name a git checkout with --repo");
        for (String key : List.of("user.name", "user.email")) {
            String value = Exec.of("git", "-C", repo.toString(), "config", key).run().out().strip();
            if (!value.isEmpty()) {
                Exec.of("git", "-C", checkout.toString(), "config", key, value).run();
            }
        }
        String hooks = Exec.of("git", "-C", repo.toString(), "rev-parse", "--path-format=absolute", "--git-path", "hooks/commit-msg").run().out().strip();
        if (Files.exists(Path.of(hooks))) {
            Files.copy(Path.of(hooks), checkout.resolve(".git/hooks/commit-msg"), java.nio.file.StandardCopyOption.COPY_ATTRIBUTES,
                    java.nio.file.StandardCopyOption.REPLACE_EXISTING);
        }
    }

    /** The environment local gets a registry besides its folder, as others have some; returns the file with its login. */
    private Path imagesGoTo(Path checkout, Path folder) throws IOException {
        Path file = checkout.resolve(Config.FILE);
        ObjectNode config = Files.exists(file) ? Json.object(Files.readAllBytes(file), Config.FILE) : Json.MAPPER.createObjectNode();
        config.withObject("/environments/local").putArray("registries").add(registry.host() + "/rehearsal/images");
        Files.writeString(file, Json.pretty(config));
        return Files.writeString(folder.resolve("auth.json"), registry.login());
    }

    // As a release manager types it: a process of its own, in the checkout.
    private void phase(Map<String, String> env, Path checkout, String... arguments) {
        console.step("jbang " + String.join(" ", arguments));
        List<String> line = new ArrayList<>(List.of(Home.launcher(env), Home.folder().resolve(arguments[0] + ".java").toString()));
        line.addAll(List.of(arguments).subList(1, arguments.length));
        long start = System.nanoTime();
        Exec.of(line).in(checkout).baseEnv(env).onError(text -> console.say(text))
                .orFail(arguments[0] + " failed", "see above; --keep keeps the folder to look at");
        phases.add(new Row(arguments[0], (System.nanoTime() - start) / 1e9));
    }

    private interface Proof {
        void run() throws Exception;
    }

    private void proof(String what, Proof proof) throws Exception {
        long start = System.nanoTime();
        proof.run();
        proofs.add(new Row(what, (System.nanoTime() - start) / 1e9));
        console.done(what);
    }

    private void report(Path folder) {
        console.print("");
        phases.forEach(row -> console.print(String.format(java.util.Locale.ROOT, "%-8s %6.1f s", row.what(), row.seconds())));
        console.print("");
        proofs.forEach(row -> console.print("proved: " + row.what()));
        console.print(keep ? "kept: " + folder + " (checkout/release is what was built, local/buckets what was published, local/git the repository)"
                : "the temporary folder is removed; --keep keeps it");
    }
}
