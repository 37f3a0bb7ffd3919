package lib.git;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import lib.base.Exec;
import lib.base.FileTree;
import org.eclipse.jgit.lib.ObjectId;

/**
 * A repository elsewhere as those read it who may have no checkout: its references, and what its branches hold. History is fetched into
 * the checkout, under no reference, or, without one, into a folder that goes when this is closed.
 */
public final class GitReader implements AutoCloseable {

    private final Optional<Git> checkout;
    private final Map<String, String> env;
    private final String url;
    private final boolean patient;
    private Path history;

    /**
     * @param checkout whose settings and objects count; empty where there is none
     * @param env      the environment git runs in
     * @param url      as git understands it
     * @param patient  whether an ssh that asks something is waited for: who can go without the answer does not
     */
    public GitReader(Optional<Git> checkout, Map<String, String> env, String url, boolean patient) {
        this.checkout = checkout;
        this.env = env;
        this.url = url;
        // An ssh of the user's own is asked as it is.
        this.patient = patient || env.containsKey("GIT_SSH_COMMAND") || env.containsKey("GIT_SSH") || git("config", "--get", "core.sshCommand").run().exit() == 0;
    }

    private Exec git(String... arguments) {
        Exec exec = checkout.map(found -> found.git(arguments)).orElseGet(() -> Git.nowhere(env, List.of(arguments)))
                .env("GIT_TERMINAL_PROMPT", "0").env("GIT_NO_LAZY_FETCH", "1");
        if (history != null) {
            exec.env("GIT_DIR", history.toString());
        }
        return patient ? exec : exec.env("GIT_SSH_COMMAND", "ssh -o BatchMode=yes");
    }

    /** Asks for references, by patterns of ls-remote; its output is for {@link #parsed}. */
    public Exec references(String... patterns) {
        List<String> line = new ArrayList<>(List.of("ls-remote", "--quiet", "--", url));
        line.addAll(Arrays.asList(patterns));
        return git(line.toArray(new String[0]));
    }

    /** References, in full, and what they are at; an annotated tag is also there as {@code NAME^{}}, with what it is on. */
    public static Map<String, String> parsed(String listed) {
        Map<String, String> refs = new TreeMap<>();
        listed.lines().map(line -> line.split("\t")).filter(line -> line.length == 2 && ObjectId.isId(line[0])).forEach(line -> refs.put(line[1], line[0]));
        return refs;
    }

    /** What is wrong with the annotated tag, named in full, of a commit, as a part of a sentence; empty where nothing is. */
    public static Optional<String> wrongTag(Map<String, String> refs, String tag, Optional<String> commit) {
        String peeled = refs.get(tag + "^{}");
        String actual = peeled == null ? refs.get(tag) : peeled;
        if (actual == null) {
            return Optional.of("is missing");
        }
        if (commit.isPresent() && !actual.equals(commit.get())) {
            return Optional.of("is on " + actual + ", expected " + commit.get());
        }
        return peeled == null ? Optional.of("is not an annotated tag") : Optional.empty();
    }

    /** Fetches what these branches, in full and with their tips, have that is not here: commits alone, where the server can leave out the rest. */
    public void bring(Map<String, String> heads) {
        if (checkout.isEmpty() && history == null) {
            begin();
        }
        List<String> look = new ArrayList<>(List.of("rev-list", "--no-walk", "--quiet"));
        look.addAll(heads.values());
        if (git(look.toArray(new String[0])).run().exit() == 0) {
            return;
        }
        List<String> missing = heads.entrySet().stream().filter(head -> git("cat-file", "-e", head.getValue() + "^{commit}").run().exit() != 0)
                .map(Map.Entry::getKey).toList();
        List<String> line = new ArrayList<>(List.of("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--recurse-submodules=no"));
        if (checkout.isEmpty()) {
            line.add("--filter=tree:0");
        }
        line.addAll(List.of("--", url));
        missing.forEach(ref -> line.add(checkout.isEmpty() ? "+" + ref + ":" + ref : ref)); // what has a reference is not fetched again with the next
        git(line.toArray(new String[0])).run();
    }

    private void begin() {
        try {
            Path folder = Files.createTempDirectory("releng-history");
            history = folder;
            git("init", "--quiet", "--bare", "--template=").orFail("git could not make a repository", "free up space in " + folder);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Whether a commit is in the history of a tip that was brought. */
    public boolean holds(String tip, String commit) {
        return git("merge-base", "--is-ancestor", commit, tip).run().exit() == 0;
    }

    /** Those of some commits that are; empty where the history of the tip is not here, or not all of it. */
    public Optional<Set<String>> held(String tip, Collection<String> commits) {
        Set<String> wanted = new HashSet<>(commits);
        Set<String> held = new TreeSet<>();
        Exec.Result result = git("rev-list", tip).run(out -> new BufferedReader(new InputStreamReader(out, StandardCharsets.UTF_8)).lines().filter(wanted::contains).forEach(held::add));
        boolean all = result.exit() == 0 && (held.size() == wanted.size() || !checkout.map(Git::isShallow).orElse(false));
        return all ? Optional.of(held) : Optional.empty();
    }

    @Override
    public void close() throws IOException {
        if (history != null) {
            FileTree.remove(history);
        }
    }
}
