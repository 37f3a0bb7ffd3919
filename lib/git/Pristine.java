package lib.git;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import lib.base.Exec;
import lib.base.Fault;
import lib.base.FileTree;
import lib.base.PlainPath;
import org.eclipse.jgit.lib.ObjectId;

/**
 * A repository that holds one commit under one reference, with its history, and nothing else of the clone it is made from:
 * no settings, filters, attributes, replacements, other tags or branches. Git and Nix that read it, in {@link #env}, see
 * what everybody sees. What they abbreviate (export-subst: {@code %h}) is as long as it must be among the objects of that
 * history; {@code %D} is the one reference, and names are by the commit's own {@code .mailmap}.
 */
public final class Pristine implements AutoCloseable {

    private static final Set<String> KEPT = Set.of("GIT_EXEC_PATH", "GIT_SSL_CAINFO");

    // Names are by the commit's own mailmap; whose keys are known on a machine is nobody's matter.
    private static final String CONFIG = """
            [mailmap]
                blob = "%s:.mailmap"
            [core]
                attributesFile = /dev/null
            [gpg]
                program = false
            [gpg "ssh"]
                program = false
            [gpg "x509"]
                program = false
            """;

    private final Git git;
    private final Path folder;
    private final PlainPath plain;
    private ObjectId commit;
    private String ref;

    /** Nothing yet, in a folder of its own in the clone's .git. */
    public Pristine(Git git) throws IOException {
        this.git = git;
        this.folder = git.state("source");
        this.plain = new PlainPath(folder);
    }

    /**
     * HEAD's commit, under the tag where there is one; the clone's objects are borrowed where they can be. Throws Fault in a
     * shallow clone: what counts commits would count others here.
     */
    public Pristine take(Optional<String> tag) throws IOException {
        if (git.isShallow()) {
            throw Fault.refused("this clone is shallow", "Nix counts the commits of the history, and here the history is cut off",
                    "git fetch --unshallow, and run again");
        }
        commit = git.head();
        ref = tag.map(name -> "refs/tags/" + name).orElse("refs/heads/source");
        FileTree.remove(folder);
        Files.createDirectories(folder);
        fill(tag.flatMap(name -> git.object(ref)).orElse(commit));
        return this;
    }

    public Git git() {
        return git;
    }

    /** A work tree without files, so that Nix takes it as it is instead of fetching from it; under a name that Nix reads as it is. */
    public Path folder() {
        return plain.path();
    }

    public ObjectId commit() {
        return commit;
    }

    /** The full name of the reference. */
    public String ref() {
        return ref;
    }

    private void fill(ObjectId object) throws IOException {
        must("init", "--quiet", "--template=", "--object-format=sha1", "--initial-branch=none");
        git.fetchFiles(commit, "");
        if (abbreviates()) {
            git.pack(object, folder.resolve(".git/objects/pack/pack"));
        } else {
            Files.writeString(folder.resolve(".git/objects/info/alternates"), git.objectFolder() + "\n");
        }
        must("update-ref", ref, object.name());
        Files.writeString(folder.resolve(".git/config"), CONFIG.formatted(ref), StandardOpenOption.APPEND);
    }

    // How much of an id is unique depends on the other objects there are: then they must be those of the history alone.
    private boolean abbreviates() {
        return git.below(commit, "").stream().filter(entry -> entry.path().equals(".gitattributes") || entry.path().endsWith("/.gitattributes"))
                .filter(entry -> entry.kind() == Tree.Kind.FILE)
                .anyMatch(entry -> new String(git.bytes(entry.id()), StandardCharsets.ISO_8859_1).contains("export-subst"));
    }

    /** An environment for programs that read it: of git's settings, and of what the locale or the clock would do, nothing is left. */
    public Map<String, String> env(Map<String, String> env) {
        Map<String, String> clean = new HashMap<>(env);
        clean.keySet().removeIf(name -> name.startsWith("GIT_") && !KEPT.contains(name) || name.startsWith("LC_") || name.equals("LANGUAGE"));
        clean.putAll(Map.of("GIT_CONFIG_NOSYSTEM", "1", "GIT_CONFIG_GLOBAL", "/dev/null", "GIT_CONFIG_SYSTEM", "/dev/null", "GIT_ATTR_NOSYSTEM", "1",
                "GIT_NO_REPLACE_OBJECTS", "1", "GIT_DEFAULT_REF_FORMAT", "files", "LANG", "C.UTF-8", "TZ", "UTC",
                "GIT_TEST_DATE_NOW", Long.toString(git.committed(commit)))); // for "3 days ago"
        return clean;
    }

    /** The commit as {@code git archive} makes it: a tar file that is there as long as this is. */
    public Path archive(String prefix) {
        Path tar = folder.resolve(".git/commit.tar");
        must("archive", "--format=tar", "--prefix=" + prefix, "--output=" + tar, ref);
        return tar;
    }

    private void must(String... arguments) {
        List<String> line = new ArrayList<>(List.of("git"));
        line.addAll(Arrays.asList(arguments));
        Map<String, String> env = env(git.env());
        env.put("HOME", folder.toString());
        env.put("XDG_CONFIG_HOME", folder.toString());
        Exec.of(line).in(folder).baseEnv(env).orFail("git could not read the commit out of the clone", "fix what git reports and run again");
    }

    @Override
    public void close() {
        try (plain) {
            FileTree.remove(folder);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
