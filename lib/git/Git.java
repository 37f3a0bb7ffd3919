package lib.git;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import lib.base.Exec;
import lib.base.Fault;
import org.eclipse.jgit.lib.ObjectId;
import org.eclipse.jgit.lib.Repository;
import org.eclipse.jgit.revwalk.RevCommit;
import org.eclipse.jgit.storage.file.FileRepositoryBuilder;

/**
 * The checkout. Where it is, and what its references are, the user's own {@code git} says; so it makes commits, tags and
 * pushes, with the user's identity, signing, ssh and commit-msg hook, and with nothing else of how it is set up
 * ({@link GitEnv}). JGit reads the objects and makes trees without touching index or work tree. Commits and trees are
 * made first and become visible with {@link #update}, all references at once.
 */
public final class Git implements AutoCloseable {

    private final GitLayout layout;
    private final Map<String, String> env;
    private final GitObjects objects;

    static {
        JGit.withoutSystemSettings();
    }

    private Git(GitLayout layout, Repository repository, Map<String, String> env) {
        this.layout = layout;
        this.env = env;
        this.objects = new GitObjects(repository, this::fetchObject);
    }

    /** The checkout that {@code folder} is in; linked worktrees count. Throws Fault when there is none that can be used. */
    public static Git open(Path folder, Map<String, String> env) {
        try {
            GitLayout layout = GitLayout.of(folder, env);
            // Of the repository as a whole: a work tree's own references and settings are git's to read.
            return new Git(layout, new FileRepositoryBuilder().setGitDir(layout.common().toFile()).setBare().setMustExist(true).build(), env);
        } catch (IOException e) {
            throw Fault.failed("the repository of " + folder + " cannot be read", e.toString(), "look at it with git fsck").from(e);
        }
    }

    /** The same, for who can do without; empty where there is none. */
    public static Optional<Git> find(Path folder, Map<String, String> env) {
        try {
            return Optional.of(open(folder, env));
        } catch (Fault none) {
            return Optional.empty();
        }
    }

    @Override
    public void close() {
        objects.repository().close();
    }

    public Path workTree() {
        return layout.workTree();
    }

    /** A file or folder for what we remember about this checkout, outside its work tree. */
    public Path state(String name) {
        return layout.folder().resolve("releng").resolve(name);
    }

    /** The same for what is remembered about the repository, whichever of its work trees we are in. */
    public Path shared(String name) {
        return layout.common().resolve("releng").resolve(name);
    }

    /** Whether the history ends before its beginning: what is further back cannot be seen here. */
    public boolean isShallow() {
        return layout.shallow();
    }

    /** The branch HEAD is on, without {@code refs/heads/}; empty when HEAD is detached. */
    public Optional<String> branch() {
        return answer("symbolic-ref", "--quiet", "HEAD").map(ref -> ref.replaceFirst("^refs/heads/", ""));
    }

    /** The commit HEAD is on. Throws Fault when there is none yet. */
    public ObjectId head() {
        return commit("HEAD").orElseThrow(() -> Fault.failed("the checkout has no commit", "HEAD names none yet",
                "commit something first"));
    }

    /** The commit a reference or id names, tags peeled; empty when there is no such thing. */
    public Optional<ObjectId> commit(String name) {
        return object(name).flatMap(objects::peel);
    }

    /** What a reference or id names itself: for an annotated tag, the tag. */
    public Optional<ObjectId> object(String name) {
        Optional<ObjectId> id = ObjectId.isId(name) ? Optional.of(ObjectId.fromString(name))
                : name.startsWith("refs/") ? Optional.ofNullable(references(name).get(name))
                : answer("rev-parse", "--verify", "--quiet", name).map(ObjectId::fromString);
        // A full id names itself, whether or not there is such an object.
        return id.filter(objects::has);
    }

    /** References and what each of them names itself, by patterns of git for-each-ref. */
    public Map<String, ObjectId> references(String... patterns) {
        List<String> question = new ArrayList<>(List.of("for-each-ref", "--format=%(objectname) %(refname)"));
        question.addAll(List.of(patterns)); // rev-parse would take refs/heads/refs/tags/X for refs/tags/X
        Map<String, ObjectId> found = new TreeMap<>();
        answer(question.toArray(new String[0])).stream().flatMap(String::lines).map(line -> line.split(" "))
                .forEach(line -> found.put(line[1], ObjectId.fromString(line[0])));
        return found;
    }

    // With --quiet git ends with 1 where there is no such reference, and with another code where it could not look.
    private Optional<String> answer(String... question) {
        Exec ask = git(question);
        Exec.Result result = ask.run();
        if (result.exit() > 1) {
            throw Fault.failed("git could not read " + question[question.length - 1], ask.because(result), "look at the repository with git fsck");
        }
        return Optional.of(result.out().strip()).filter(text -> result.exit() == 0 && !text.isEmpty());
    }

    /** The message of an annotated tag; empty when the tag is lightweight. */
    public Optional<String> tagMessage(ObjectId tag) {
        return objects.tagMessage(tag);
    }

    public String message(ObjectId commit) {
        return objects.withCommit(commit, RevCommit::getFullMessage);
    }

    public List<ObjectId> parents(ObjectId commit) {
        return objects.withCommit(commit, parsed -> Arrays.stream(parsed.getParents()).map(RevCommit::copy).map(ObjectId.class::cast).toList());
    }

    public ObjectId tree(ObjectId commit) {
        return objects.withCommit(commit, parsed -> parsed.getTree().copy());
    }

    /** When the commit was made, in seconds since 1970. */
    public long committed(ObjectId commit) {
        return objects.withCommit(commit, RevCommit::getCommitTime).longValue();
    }

    /** Whether {@code old} is in the history of {@code young}. */
    public boolean isAncestor(ObjectId old, ObjectId young) {
        return objects.isAncestor(old, young);
    }

    /** The files of a commit. */
    public Tree files(ObjectId commit) {
        return objects.files(tree(commit));
    }

    /** All files of a commit below a folder, or in the whole of it where that is empty. */
    public List<GitObjects.Entry> below(ObjectId commit, String folder) {
        return objects.below(tree(commit), folder);
    }

    /** A file's bytes in a commit, links followed; empty when it is not there. Throws Fault where a link leads nowhere. */
    public Optional<byte[]> read(ObjectId commit, String path) {
        place(commit, path);
        return files(commit).read(path);
    }

    /** The bytes of a blob. */
    public byte[] bytes(ObjectId blob) {
        return objects.bytes(blob);
    }

    /** Where a file is in a commit, links followed. Throws Fault where one leads nowhere, or out. */
    public String place(ObjectId commit, String path) {
        Tree.Place place = files(commit).find(path);
        place.fault().ifPresent(fault -> {
            throw Fault.failed(path + " cannot be read", fault, "put a file there, or a link inside the checkout; commit, and run again");
        });
        return place.path();
    }

    /**
     * The tree of a commit with some files replaced, or removed where the value is empty. Nothing visible changes. Throws Fault
     * where a link stands in a path: {@link #place} says where that leads.
     */
    public ObjectId edit(ObjectId commit, Map<String, Optional<byte[]>> files) {
        return objects.edit(tree(commit), files);
    }

    // Git fetches what a partial clone lacks when it is asked for it.
    private Optional<String> fetchObject(ObjectId id) {
        Exec ask = git("cat-file", "-t", id.name());
        Exec.Result result = ask.run();
        return result.exit() == 0 ? Optional.empty()
                : Optional.of((promisors().isEmpty() ? "" : "this is a partial clone, and its server did not send the object: ") + ask.because(result));
    }

    /** Fetches at once what a partial clone has left on its server of the files below a folder; a whole clone lacks nothing. */
    public void fetchFiles(ObjectId commit, String folder) {
        List<String> servers = promisors();
        List<String> missing = servers.isEmpty() ? List.of() : below(commit, folder).stream()
                .filter(entry -> entry.kind() != Tree.Kind.SUBMODULE).map(GitObjects.Entry::id)
                .filter(id -> !objects.has(id)).map(ObjectId::name).distinct().toList();
        if (!missing.isEmpty()) {
            // What this does not bring is asked for one by one, and then it is said why it cannot be had.
            withMessage(String.join("\n", missing) + "\n", file -> servers.stream().map(server -> git("-c", "fetch.negotiationAlgorithm=noop", "fetch",
                    "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--recurse-submodules=no", "--refmap=", "--stdin", server)
                    .stdin(file).run().exit()).anyMatch(exit -> exit == 0));
        }
    }

    /** Where the repository keeps its objects. */
    public Path objectFolder() {
        return layout.common().resolve("objects");
    }

    /** Packs an object and all that can be reached from it into {@code STEM-ID.pack}; a partial clone fetches it. */
    public void pack(ObjectId object, Path stem) {
        withMessage(object.name() + "\n", file -> git("pack-objects", "--quiet", "--revs", stem.toString()).stdin(file)
                .orFail("git could not copy the history of " + object.name(), "free up space, or fix what git reports, and run again"));
    }

    /** The environment this was opened with. */
    public Map<String, String> env() {
        return env;
    }

    private List<String> promisors() {
        return git("config", "--type=bool", "--get-regexp", "^remote\\..*\\.promisor$").run().out().lines().filter(line -> line.endsWith(" true"))
                .map(line -> line.substring("remote.".length(), line.length() - ".promisor true".length())).toList();
    }

    /** Staged and unstaged changes as git prints them, a line each; untracked files do not count. */
    public List<String> changes() {
        return git("status", "--porcelain=v1", "--untracked-files=no", "--ignore-submodules=none")
                .orFail("git could not tell what has changed", "look at the checkout with git status").lines().toList();
    }

    /** Throws Fault (refused) when anything tracked has changed. */
    public void requireNoChanges() {
        List<String> changes = changes();
        if (!changes.isEmpty()) {
            List<String> shown = new ArrayList<>(changes.subList(0, Math.min(20, changes.size())));
            if (shown.size() < changes.size()) {
                shown.add("and " + (changes.size() - shown.size()) + " more");
            }
            throw Fault.refused("the checkout has uncommitted changes", shown,
                    "commit them, or stash them with git stash, and run again");
        }
    }

    /** The message as the clone's commit-msg hook leaves it. Throws Fault (refused) when the hook refuses. */
    public String throughHook(String message) {
        // Not by JGit: in a linked worktree it hands the hook an empty file name.
        Path hook = workTree().resolve(git("rev-parse", "--git-path", "hooks/commit-msg")
                .orFail("git did not say where its hooks are", "look at core.hooksPath").strip());
        return !Files.isExecutable(hook) ? message.stripTrailing() + "\n" : withMessage(message, file -> {
            Exec run = inCheckout(List.of(hook.toString(), file.toString()));
            Exec.Result result = run.run();
            if (result.exit() != 0) {
                throw Fault.refused("the commit-msg hook refused the message '" + message.lines().findFirst().orElse("") + "'",
                        (result.out() + result.err()).isBlank() ? run.because(result) : result.out() + result.err(),
                        "fix the hook, or what it complains about, and run again; nothing was changed");
            }
            return Files.readString(file).stripTrailing() + "\n";
        });
    }

    /** Stores a commit, signed where the user's git signs commits. Nothing visible changes. */
    public ObjectId storeCommit(ObjectId tree, List<ObjectId> parents, String message) {
        List<String> line = new ArrayList<>(List.of("commit-tree"));
        if (flag("commit.gpgsign")) {
            line.add("-S");
        }
        parents.forEach(parent -> line.addAll(List.of("-p", parent.name())));
        return withMessage(message, file -> {
            line.addAll(List.of("-F", file.toString(), tree.name()));
            return ObjectId.fromString(git(line.toArray(new String[0])).orFail("git could not make the commit",
                    "fix what git reports and run again; nothing was changed").strip());
        });
    }

    /** Makes an annotated tag, signed where the user's git signs tags, if nothing else is asked for. {@code force} replaces one that is there. */
    public void tag(String name, ObjectId commit, String message, boolean force, Optional<Boolean> signed) {
        boolean sign = signed.orElseGet(() -> flag("tag.gpgsign"));
        List<String> line = new ArrayList<>(List.of("tag", sign ? "--sign" : signed.isPresent() ? "--no-sign" : "--annotate", "--cleanup=verbatim"));
        if (force) {
            line.add("-f");
        }
        withMessage(message, file -> {
            line.addAll(List.of("-F", file.toString(), name, commit.name()));
            Exec run = git(line.toArray(new String[0]));
            Exec.Result result = run.run();
            // Git 2.39 leaves a tag unsigned, and exits 0, when ssh-keygen cannot sign.
            if (result.exit() != 0 || sign && !isSigned("refs/tags/" + name)) {
                throw Fault.failed("git could not make the " + (sign ? "signed " : "") + "tag " + name, run.because(result), sign
                        ? "see that git's gpg.format and user.signingKey name a key that can sign now, or pass --no-sign, and run again" : "fix what git reports and run again");
            }
            return name;
        });
    }

    private boolean isSigned(String tag) throws IOException {
        byte[] bytes = objects.bytes(object(tag).orElseThrow());
        return new String(bytes, StandardCharsets.UTF_8).contains("\n-----BEGIN ");
    }

    /** One reference's change: {@code to} empty deletes it, {@code from} empty creates it. */
    public record Move(String ref, Optional<ObjectId> from, Optional<ObjectId> to) {
    }

    /** Moves references all or none, each only if it still is what was expected. */
    public void update(List<Move> moves, String reason) {
        StringBuilder script = new StringBuilder("start\n");
        for (Move move : moves) {
            String from = move.from().orElse(ObjectId.zeroId()).name();
            script.append(move.to().isPresent()
                    ? "update " + move.ref() + " " + move.to().get().name() + " " + from
                    : "delete " + move.ref() + " " + from).append('\n');
        }
        script.append("prepare\ncommit\n");
        withMessage(script.toString(), file -> git("update-ref", "-m", reason, "--stdin").stdin(file)
                .orFail("git could not move " + String.join(", ", moves.stream().map(Move::ref).toList()),
                        "fix what git reports and run again; no reference was moved"));
    }

    /** Checks out with the user's git: a branch by name, or, detached, a commit. */
    public void checkout(String what, boolean detach) {
        List<String> line = new ArrayList<>(List.of("checkout", "--quiet", "--no-recurse-submodules"));
        if (detach) {
            line.add("--detach");
        }
        // To git checkout a branch of that whole name, refs/heads/refs/tags/X, comes first.
        line.add(object("refs/heads/" + what).isPresent() && detach ? commit(what).orElseThrow().name() : what);
        line.add("--"); // what precedes is no file
        git(line.toArray(new String[0])).orFail("git could not check out " + what, "fix what git reports and run again");
    }

    /** The user's git, in this checkout; our caller's GIT_DIR and the like are not passed on. */
    public Exec git(String... arguments) {
        List<String> line = new ArrayList<>(List.of("git"));
        line.addAll(Arrays.asList(arguments));
        return inCheckout(line);
    }

    /** The user's git, in no repository: neither one around the current folder nor our caller's GIT_DIR says where an address leads. */
    public static Exec nowhere(Map<String, String> env, List<String> arguments) {
        List<String> line = new ArrayList<>(List.of("git"));
        line.addAll(arguments);
        return Exec.of(line).baseEnv(GitEnv.clean(env)).env("GIT_DIR", "/dev/null");
    }

    private Exec inCheckout(List<String> line) {
        return Exec.of(line).in(workTree()).baseEnv(GitEnv.clean(env));
    }

    private boolean flag(String key) {
        return git("config", "--type=bool", "--get", key).run().out().strip().equals("true");
    }

    private interface WithFile<T> {
        T call(Path file) throws IOException;
    }

    // Beside the repository's own files: what a killed run leaves there goes with the clone.
    private <T> T withMessage(String message, WithFile<T> use) {
        try {
            Path file = Files.createTempFile(Files.createDirectories(state("tmp")), "message", ".txt");
            try {
                Files.writeString(file, message);
                return use.call(file);
            } finally {
                Files.deleteIfExists(file);
            }
        } catch (IOException e) {
            throw Fault.failed("a temporary file could not be written", e.toString(), "free up space there and run again").from(e);
        }
    }
}
