package lib;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.eclipse.jgit.api.errors.AbortedByHookException;
import org.eclipse.jgit.dircache.DirCache;
import org.eclipse.jgit.dircache.DirCacheEditor;
import org.eclipse.jgit.dircache.DirCacheEntry;
import org.eclipse.jgit.errors.RepositoryNotFoundException;
import org.eclipse.jgit.hooks.Hooks;
import org.eclipse.jgit.lib.Constants;
import org.eclipse.jgit.lib.FileMode;
import org.eclipse.jgit.lib.ObjectId;
import org.eclipse.jgit.lib.ObjectInserter;
import org.eclipse.jgit.lib.ObjectReader;
import org.eclipse.jgit.lib.Ref;
import org.eclipse.jgit.lib.Repository;
import org.eclipse.jgit.revwalk.RevCommit;
import org.eclipse.jgit.revwalk.RevObject;
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
        return object(name).map(this::peel);
    }

    /** What a reference or id names itself: for an annotated tag, the tag. */
    public Optional<ObjectId> object(String name) {
        try {
            return Optional.ofNullable(repository.resolve(name));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private ObjectId peel(ObjectId id) {
        try (RevWalk walk = new RevWalk(repository)) {
            RevObject object = walk.peel(walk.parseAny(id));
            return object.copy();
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
        ByteArrayOutputStream said = new ByteArrayOutputStream();
        try {
            return Hooks.commitMsg(repository, new PrintStream(said, true, StandardCharsets.UTF_8),
                    new PrintStream(said, true, StandardCharsets.UTF_8)).setCommitMessage(message).call().stripTrailing() + "\n";
        } catch (AbortedByHookException e) {
            throw Fault.refused("the commit-msg hook refused the message '" + message.lines().findFirst().orElse("") + "'",
                    said.toString(StandardCharsets.UTF_8).isBlank() ? e.getMessage() : said.toString(StandardCharsets.UTF_8),
                    "mend the hook or what it found, and run again; nothing was changed").from(e);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
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
        withMessage(message, file -> git("tag", force ? "-f" : "--no-column", flag("tag.gpgsign") ? "-s" : "-a",
                "--cleanup=verbatim", "-F", file.toString(), name, commit.name())
                .orFail("git could not make the tag " + name, "mend what git says and run again"));
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

    /** The user's git, in this checkout; our caller's GIT_DIR and the like are not passed on. */
    public Exec git(String... arguments) {
        List<String> line = new ArrayList<>(List.of("git"));
        line.addAll(Arrays.asList(arguments));
        Map<String, String> clean = new java.util.HashMap<>(env);
        clean.keySet().removeAll(List.of("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR"));
        return Exec.of(line).in(workTree()).baseEnv(clean);
    }

    private boolean flag(String key) {
        return git("config", "--type=bool", "--get", key).run().out().strip().equals("true");
    }

    private interface WithFile<T> {
        T call(Path file);
    }

    private static <T> T withMessage(String message, WithFile<T> use) {
        try {
            Path file = Files.createTempFile("releng", ".txt");
            try {
                Files.writeString(file, message);
                return use.call(file);
            } finally {
                Files.deleteIfExists(file);
            }
        } catch (IOException e) {
            throw Fault.failed("a temporary file could not be written", e.toString(), "make room in the temporary folder and run again").from(e);
        }
    }
}
