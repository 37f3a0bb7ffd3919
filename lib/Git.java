package lib;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.eclipse.jgit.dircache.DirCache;
import org.eclipse.jgit.dircache.DirCacheEditor;
import org.eclipse.jgit.dircache.DirCacheEntry;
import org.eclipse.jgit.errors.RepositoryNotFoundException;
import org.eclipse.jgit.lib.Constants;
import org.eclipse.jgit.lib.FileMode;
import org.eclipse.jgit.lib.ObjectId;
import org.eclipse.jgit.lib.ObjectInserter;
import org.eclipse.jgit.lib.ObjectReader;
import org.eclipse.jgit.lib.Ref;
import org.eclipse.jgit.lib.Repository;
import org.eclipse.jgit.revwalk.RevCommit;
import org.eclipse.jgit.revwalk.RevTag;
import org.eclipse.jgit.revwalk.RevWalk;
import org.eclipse.jgit.storage.file.FileRepositoryBuilder;
import org.eclipse.jgit.treewalk.TreeWalk;
import org.eclipse.jgit.treewalk.filter.PathFilterGroup;

/**
 * The checkout. JGit reads it and makes trees without touching index or work tree; whatever
 * depends on how its user set git up (identity, signing, checkout filters, ssh) is left to the
 * user's own {@code git}. Commits and trees are made first and become visible with {@link #update},
 * all references at once.
 */
public final class Git implements AutoCloseable {

    private final Repository repository;
    private final Map<String, String> env;

    static {
        JGit.withoutSystemSettings();
    }

    private Git(Repository repository, Map<String, String> env) {
        this.repository = repository;
        this.env = env;
    }

    /** The checkout that {@code folder} is in; linked worktrees count. Throws Fault when there is none. */
    public static Git open(Path folder, Map<String, String> env) {
        if (!Files.isDirectory(folder)) {
            throw Fault.usage(folder + " is no folder", "the checkout was looked for there", "name the checkout with --repo");
        }
        try {
            // Not from the environment: a GIT_DIR left over from a hook must not redirect a release.
            FileRepositoryBuilder builder = new FileRepositoryBuilder().setMustExist(true).findGitDir(folder.toFile());
            if (builder.getGitDir() == null) {
                throw Fault.usage(folder + " is not in a git checkout", "no .git in it or in a folder above it",
                        "run from inside the checkout, or name it with --repo");
            }
            Repository repository = builder.build();
            if (repository.isBare()) {
                throw Fault.usage(folder + " is a bare repository", "a release is made from files", "name a checkout with --repo");
            }
            return new Git(repository, env);
        } catch (RepositoryNotFoundException e) {
            throw Fault.usage(folder + " is not in a git checkout", e.getMessage(),
                    "run from inside the checkout, or name it with --repo").from(e);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        repository.close();
    }

    public Path workTree() {
        return repository.getWorkTree().toPath();
    }

    /** A file or folder for what we remember about this checkout, outside its work tree. */
    public Path state(String name) {
        return repository.getDirectory().toPath().resolve("releng").resolve(name);
    }

    /** The same for what is remembered about the repository, whichever of its work trees we are in. */
    public Path shared(String name) {
        return repository.getCommonDirectory().toPath().resolve("releng").resolve(name);
    }

    /** The branch HEAD is on, without {@code refs/heads/}; empty when HEAD is detached. */
    public Optional<String> branch() {
        try {
            Ref head = repository.exactRef(Constants.HEAD);
            return head == null || !head.isSymbolic() ? Optional.empty()
                    : Optional.of(Repository.shortenRefName(head.getTarget().getName()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The commit HEAD is on. Throws Fault when there is none yet. */
    public ObjectId head() {
        return commit(Constants.HEAD).orElseThrow(() -> Fault.failed("the checkout has no commit", "HEAD names none yet",
                "commit something first"));
    }

    /** The commit a reference or id names, tags peeled; empty when there is no such thing. */
    public Optional<ObjectId> commit(String name) {
        return object(name).flatMap(this::peel);
    }

    /** What a reference or id names itself: for an annotated tag, the tag. */
    public Optional<ObjectId> object(String name) {
        try {
            // A full id resolves to itself, whether or not there is such an object.
            return Optional.ofNullable(repository.resolve(name)).filter(this::isHere);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private boolean isHere(ObjectId id) {
        try {
            return repository.getObjectDatabase().has(id);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Optional<ObjectId> peel(ObjectId id) {
        try (RevWalk walk = new RevWalk(repository)) {
            return walk.peel(walk.parseAny(id)) instanceof RevCommit commit ? Optional.of(commit.copy()) : Optional.empty();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The message of an annotated tag; empty when the tag is lightweight. */
    public Optional<String> tagMessage(ObjectId tag) {
        try (RevWalk walk = new RevWalk(repository)) {
            return walk.parseAny(tag) instanceof RevTag annotated ? Optional.of(annotated.getFullMessage()) : Optional.empty();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public String message(ObjectId commit) {
        return withCommit(commit, RevCommit::getFullMessage);
    }

    public List<ObjectId> parents(ObjectId commit) {
        return withCommit(commit, parsed -> Arrays.stream(parsed.getParents()).map(RevCommit::copy).map(ObjectId.class::cast).toList());
    }

    public ObjectId tree(ObjectId commit) {
        return withCommit(commit, parsed -> parsed.getTree().copy());
    }

    /** When the commit was made, in seconds since 1970. */
    public long committed(ObjectId commit) {
        return withCommit(commit, RevCommit::getCommitTime).longValue();
    }

    private <T> T withCommit(ObjectId id, java.util.function.Function<RevCommit, T> ask) {
        try (RevWalk walk = new RevWalk(repository)) {
            return ask.apply(walk.parseCommit(id));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Whether {@code old} is in the history of {@code young}. */
    public boolean isAncestor(ObjectId old, ObjectId young) {
        try (RevWalk walk = new RevWalk(repository)) {
            return walk.isMergedInto(walk.parseCommit(old), walk.parseCommit(young));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A file's bytes in a commit; empty when it is not there. */
    public Optional<byte[]> read(ObjectId commit, String path) {
        try (TreeWalk walk = TreeWalk.forPath(repository, path, tree(commit))) {
            if (walk == null || walk.isSubtree()) {
                return Optional.empty();
            }
            return Optional.of(repository.open(walk.getObjectId(0)).getBytes());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The paths of all files below a folder in a commit, in the tree's order. */
    public List<String> list(ObjectId commit, String folder) {
        try (TreeWalk walk = new TreeWalk(repository)) {
            walk.addTree(tree(commit));
            walk.setRecursive(true);
            walk.setFilter(PathFilterGroup.createFromStrings(folder));
            List<String> paths = new ArrayList<>();
            while (walk.next()) {
                paths.add(walk.getPathString());
            }
            return paths;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
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
                    "commit them, or put them away with git stash, and run again");
        }
    }

    /** The tree of a commit with some files replaced, or removed where the value is empty. Nothing visible changes. */
    public ObjectId edit(ObjectId commit, Map<String, Optional<byte[]>> files) {
        try (ObjectInserter inserter = repository.newObjectInserter(); ObjectReader reader = repository.newObjectReader()) {
            DirCache cache = DirCache.read(reader, tree(commit));
            DirCacheEditor editor = cache.editor();
            for (Map.Entry<String, Optional<byte[]>> file : files.entrySet()) {
                if (file.getValue().isEmpty()) {
                    editor.add(new DirCacheEditor.DeletePath(file.getKey()));
                    continue;
                }
                ObjectId blob = inserter.insert(Constants.OBJ_BLOB, file.getValue().get());
                editor.add(new DirCacheEditor.PathEdit(file.getKey()) {
                    @Override
                    public void apply(DirCacheEntry entry) {
                        if (entry.getFileMode() == FileMode.MISSING) {
                            entry.setFileMode(FileMode.REGULAR_FILE);
                        }
                        entry.setObjectId(blob);
                    }
                });
            }
            editor.finish();
            ObjectId tree = cache.writeTree(inserter);
            inserter.flush();
            return tree;
        } catch (IOException e) {
            throw Fault.failed("git could not store the new tree", e.toString(), "make room or mend the repository, then run again").from(e);
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
                        "mend the hook or what it found, and run again; nothing was changed");
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
                    "mend what git says and run again; nothing was changed").strip());
        });
    }

    /** Makes an annotated tag, signed where the user's git signs tags. {@code force} replaces one that is there. */
    public void tag(String name, ObjectId commit, String message, boolean force) {
        boolean sign = flag("tag.gpgsign");
        List<String> line = new ArrayList<>(List.of("tag", sign ? "-s" : "-a", "--cleanup=verbatim"));
        if (force) {
            line.add("-f");
        }
        withMessage(message, file -> {
            line.addAll(List.of("-F", file.toString(), name, commit.name()));
            Exec run = git(line.toArray(new String[0]));
            Exec.Result result = run.run();
            // Git 2.39 leaves a tag unsigned, and exits 0, when ssh-keygen cannot sign.
            if (result.exit() != 0 || sign && !isSigned("refs/tags/" + name)) {
                throw Fault.failed("git could not make the tag " + name, run.because(result), "mend what git says and run again");
            }
            return name;
        });
    }

    private boolean isSigned(String tag) throws IOException {
        byte[] bytes = repository.open(object(tag).orElseThrow()).getBytes();
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
                        "mend what git says and run again; no reference was moved"));
    }

    /** Checks out with the user's git: a branch by name, or, detached, a commit. */
    public void checkout(String what, boolean detach) {
        List<String> line = new ArrayList<>(List.of("checkout", "--quiet"));
        if (detach) {
            line.add("--detach");
        }
        line.add(what);
        git(line.toArray(new String[0])).orFail("git could not check out " + what, "mend what git says and run again");
    }

    /**
     * The address of this clone's remote that is at {@code url}, whatever user name either has: on
     * Gerrit everybody pushes under their own. Throws Fault when there is none.
     */
    public String remoteLike(String url) {
        List<String> urls = git("remote", "-v").run().out().lines().map(line -> line.split("\\s+")[1]).distinct().toList();
        return urls.stream().filter(candidate -> withoutUser(candidate).equals(withoutUser(url))).findFirst()
                .orElseThrow(() -> Fault.refused("no remote of this clone is " + url, urls.isEmpty() ? "it has no remotes" : "it has: " + String.join(", ", urls),
                        "git remote add gerrit " + url.replaceFirst("//", "//YOU@") + ", and run again"));
    }

    private static String withoutUser(String url) {
        return url.replaceFirst("//[^@/]*@", "//").replaceFirst("/$", "").replaceFirst("\\.git$", "");
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
        return Exec.of(line).baseEnv(withoutRepository(env)).env("GIT_DIR", "/dev/null");
    }

    private Exec inCheckout(List<String> line) {
        return Exec.of(line).in(workTree()).baseEnv(withoutRepository(env));
    }

    private static Map<String, String> withoutRepository(Map<String, String> env) {
        Map<String, String> clean = new java.util.HashMap<>(env);
        clean.keySet().removeAll(List.of("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES",
                "GIT_COMMON_DIR", "GIT_NAMESPACE", "GIT_PREFIX"));
        return clean;
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
            throw Fault.failed("a temporary file could not be written", e.toString(), "make room there and run again").from(e);
        }
    }
}
