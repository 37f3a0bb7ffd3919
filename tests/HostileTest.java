import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import lib.base.Exec;
import lib.base.FileTree;
import lib.git.Git;
import lib.git.Pristine;
import lib.publish.Destination;
import lib.publish.GitRemote;
import lib.publish.Operation;
import lib.release.ReleaseTag;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What is published depends on the tag, never on the clone or its user. */
class HostileTest {

    private static final boolean SLOW = Boolean.getBoolean("releng.slow");

    @TempDir
    Path temp;

    private Checkout start() throws IOException {
        return Hostile.start(temp.resolve("start"));
    }

    private Checkout copy(Checkout start, String name) {
        Exec.of("cp", "-a", start.folder.toString(), temp.resolve(name).toString()).orFail("cp", "");
        return start.at(temp.resolve(name)).with("XDG_CACHE_HOME", temp.resolve(name + " cache").toString());
    }

    private Path remote() throws IOException {
        Path folder = Files.createTempDirectory(temp, "remote");
        Exec.of("git", "init", "--quiet", "--bare", folder.toString()).orFail("git init", "");
        return folder;
    }

    private static void run(Checkout checkout, lib.base.Cli.Phase phase, String... arguments) {
        Checkout.Run run = checkout.run(phase, arguments);
        assertEquals(0, run.exit(), phase.getClass().getSimpleName() + ": " + run.err());
    }

    /** Every object there is under the release's references, by their ids. */
    private static void references(Checkout checkout, Path remote, Map<String, String> made) {
        Checkout clean = Checkout.existing(checkout.folder);
        made.put("branch", clean.git("--no-replace-objects", "rev-parse", "refs/heads/releng/test"));
        made.put("tag", clean.git("--no-replace-objects", "rev-parse", "refs/tags/2.95.0"));
        made.put("what is pushed", clean.at(remote).git("for-each-ref"));
    }

    /** Prepared, tagged, archived and pushed, without Nix and a store. */
    private Map<String, String> release(Checkout checkout) throws Exception {
        Path remote = remote();
        run(checkout, new prepare(), "--date", "2026-11-22");
        run(checkout, new tag());
        Map<String, String> made = new TreeMap<>();
        try (Git git = Git.open(checkout.folder, checkout.env()); Pristine source = new Pristine(git)) {
            Path tar = source.take(Optional.of("2.95.0")).archive("lix-2.95.0/");
            made.put("archive of " + Files.size(tar) + " bytes", FileTree.sha256(tar));
            GitRemote there = new GitRemote(git, remote.toString(), Optional.empty(), ReleaseTag.remembered(git, "2.95.0").orElseThrow(), false);
            there.requireReachable(true);
            for (Destination.Stage stage : there.compare().stages()) {
                for (Operation operation : stage.operations()) {
                    operation.action().run();
                }
            }
        }
        references(checkout, remote, made);
        return made;
    }

    /** All four phases, to a store. */
    private Map<String, String> publish(Checkout checkout) throws Exception {
        Path remote = remote();
        Map<String, String> made = new TreeMap<>();
        try (Store store = new Store()) {
            run(checkout, new prepare(), "--date", "2026-11-22");
            run(checkout, new tag());
            run(checkout, new build());
            checkout.write("releng.json", store.config(remote));
            store.credentials().forEach(checkout::with);
            checkout.with("RELENG_SIGNING_KEY", "test-1:" + java.util.Base64.getEncoder().encodeToString(KEY));
            run(checkout, new upload(), "--env", "test", "--noconfirm");
            for (Map.Entry<String, Path> file : FileTree.files(checkout.folder.resolve("release")).entrySet()) {
                made.put("release/" + file.getKey(), FileTree.sha256(file.getValue()));
            }
            for (String role : List.of("releases", "cache", "docs")) {
                store.content(role).forEach((key, digest) -> made.put(role + "/" + key, digest));
            }
            // They name this store's buckets, or have the digest of what does.
            made.keySet().removeIf(key -> key.endsWith("versions.json") || key.endsWith("latest.json") || key.endsWith("announcement.md") || key.contains("/SHA256SUMS"));
        }
        references(checkout, remote, made);
        return made;
    }

    // One key for all, as signatures are among the bytes that are compared.
    private static final byte[] KEY = key();

    private static byte[] key() {
        try {
            Path folder = Files.createTempDirectory("releng-test-key");
            Exec.of("nix-store", "--generate-binary-cache-key", "test-1", folder.resolve("s").toString(), folder.resolve("p").toString()).orFail("key", "");
            byte[] key = java.util.Base64.getDecoder().decode(Files.readString(folder.resolve("s")).strip().split(":")[1]);
            FileTree.remove(folder);
            return key;
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private static void make(Checkout checkout, String... names) throws IOException {
        for (String name : names) {
            Hostile.settings().stream().filter(setting -> setting.name().startsWith(name)).findFirst().orElseThrow().change().make(checkout);
        }
    }

    @Test
    @DisplayName("hazard 41: the source tarball has what a filter decrypted, what info/attributes left, what git replace put in")
    void theArchiveIsTheTagsOwn() throws Exception {
        Checkout start = start();
        Checkout hostile = copy(start, "hostile");
        make(hostile, "filter.git-crypt.smudge", "info/attributes", "a replaced file", "core.abbrev=20", "mailmap.file");
        assertEquals(release(copy(start, "clean")), release(hostile));
    }

    @Test
    @DisplayName("hazard 42: a private tag is pushed that is in no plan")
    void nothingIsPushedButThePlansReferences() throws Exception {
        Checkout hostile = copy(start(), "hostile");
        make(hostile, "push.followTags=true", "private tags and branches", "hooks", "push.recurseSubmodules=only", "push.default=matching");
        List<String> pushed = release(hostile).get("what is pushed").lines().map(line -> line.substring(line.indexOf('\t') + 1)).toList();
        assertEquals(List.of("refs/heads/releng/test", "refs/tags/2.95.0"), pushed);
    }

    @ParameterizedTest(name = "group {index}")
    @MethodSource("groups")
    void everyPhaseMakesTheSameBytesUnderMany(List<Hostile.Setting> settings) throws Exception {
        Checkout start = start();
        Map<String, String> clean = publish(copy(start, "clean"));
        Checkout hostile = copy(start, "hostile #?&%[]|\\'\"$ %20");
        for (Hostile.Setting setting : settings) {
            setting.change().make(hostile);
        }
        assertEquals(clean, publish(hostile), settings.toString());
        System.out.println(settings.size() + " settings at once, " + clean.size() + " files, objects and references compared");
    }

    /** All at once; with --slow also a few at a time, where one cannot hide behind another. */
    static List<List<Hostile.Setting>> groups() {
        List<Hostile.Setting> all = Hostile.settings();
        List<List<Hostile.Setting>> groups = new ArrayList<>(List.of(all));
        int size = 12;
        for (int i = 0; SLOW && i < all.size(); i += size) {
            groups.add(all.subList(i, Math.min(all.size(), i + size)));
        }
        return groups;
    }

    /** Without Nix and a store; a sample, all with --slow. */
    @Test
    @Timeout(value = 60, unit = TimeUnit.MINUTES)
    void eachSettingAloneChangesNothing() throws Exception {
        Checkout start = start();
        Map<String, String> clean = release(copy(start, "clean"));
        List<Hostile.Setting> settings = Hostile.settings();
        List<String> faults = new ArrayList<>();
        int tried = 0;
        for (int i = 0; i < settings.size(); i += SLOW ? 1 : 25) {
            Checkout checkout = copy(start, "alone " + i);
            try {
                settings.get(i).change().make(checkout);
                assertEquals(clean, release(checkout));
            } catch (AssertionError | RuntimeException e) {
                faults.add(settings.get(i).name() + ": " + e.getMessage());
            }
            FileTree.remove(checkout.folder);
            tried++;
        }
        assertEquals(List.of(), faults);
        System.out.println(tried + " of " + settings.size() + " settings alone, " + clean + " each time");
    }
}
