package lib.git;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import lib.base.Fault;
import org.eclipse.jgit.dircache.DirCache;
import org.eclipse.jgit.dircache.DirCacheEditor;
import org.eclipse.jgit.dircache.DirCacheEntry;
import org.eclipse.jgit.errors.MissingObjectException;
import org.eclipse.jgit.lib.Constants;
import org.eclipse.jgit.lib.FileMode;
import org.eclipse.jgit.lib.ObjectId;
import org.eclipse.jgit.lib.ObjectInserter;
import org.eclipse.jgit.lib.ObjectReader;
import org.eclipse.jgit.lib.Repository;
import org.eclipse.jgit.revwalk.RevCommit;
import org.eclipse.jgit.revwalk.RevTag;
import org.eclipse.jgit.revwalk.RevWalk;
import org.eclipse.jgit.treewalk.TreeWalk;
import org.eclipse.jgit.treewalk.filter.PathFilterGroup;

/**
 * The objects of a repository as they are stored, read and made with JGit: it knows neither replacements nor grafts nor
 * filters, which are one clone's own. What a partial clone has left on the server {@code fetch} gets: it takes an object's
 * name and answers with what is the matter where it could not.
 */
public record GitObjects(Repository repository, Function<ObjectId, Optional<String>> fetch) {

    private interface Reading<T> {
        T read() throws IOException;
    }

    private <T> T reading(Reading<T> reading) {
        ObjectId asked = null;
        while (true) {
            try {
                return reading.read();
            } catch (MissingObjectException e) {
                Optional<String> fault = e.getObjectId().equals(asked) ? Optional.of("git has it, but it cannot be read") : fetch.apply(e.getObjectId());
                if (fault.isPresent()) {
                    throw Fault.failed("the object " + e.getObjectId().name() + " is not in this clone", fault.get(),
                            "fetch what is missing (git fetch), or use a complete clone").from(e);
                }
                asked = e.getObjectId();
            } catch (IOException e) {
                throw Fault.failed("the repository's objects cannot be read", e.toString(), "look at it with git fsck").from(e);
            }
        }
    }

    boolean has(ObjectId id) {
        return reading(() -> repository.getObjectDatabase().has(id));
    }

    /** The commit an object is or, for a tag, names; empty when it is something else. */
    Optional<ObjectId> peel(ObjectId id) {
        return reading(() -> {
            try (RevWalk walk = new RevWalk(repository)) {
                return walk.peel(walk.parseAny(id)) instanceof RevCommit commit ? Optional.of(commit.copy()) : Optional.empty();
            }
        });
    }

    Optional<String> tagMessage(ObjectId tag) {
        return reading(() -> {
            try (RevWalk walk = new RevWalk(repository)) {
                return walk.parseAny(tag) instanceof RevTag annotated ? Optional.of(annotated.getFullMessage()) : Optional.empty();
            }
        });
    }

    <T> T withCommit(ObjectId id, Function<RevCommit, T> ask) {
        return reading(() -> {
            try (RevWalk walk = new RevWalk(repository)) {
                return ask.apply(walk.parseCommit(id));
            }
        });
    }

    boolean isAncestor(ObjectId old, ObjectId young) {
        return reading(() -> {
            try (RevWalk walk = new RevWalk(repository)) {
                return walk.isMergedInto(walk.parseCommit(old), walk.parseCommit(young));
            }
        });
    }

    byte[] bytes(ObjectId id) {
        return reading(() -> repository.open(id).getBytes());
    }

    /** A file of a tree, by its path; links and submodules too. */
    public record Entry(String path, FileMode mode, ObjectId id) {

        public Tree.Kind kind() {
            return kindOf(mode);
        }

        public boolean executable() {
            return mode == FileMode.EXECUTABLE_FILE;
        }
    }

    /** All files below a folder, or in the whole tree where it is empty. */
    List<Entry> below(ObjectId tree, String folder) {
        return reading(() -> {
            try (TreeWalk walk = new TreeWalk(repository)) {
                walk.addTree(tree);
                walk.setRecursive(true);
                if (!folder.isEmpty()) {
                    walk.setFilter(PathFilterGroup.createFromStrings(folder));
                }
                List<Entry> entries = new ArrayList<>();
                while (walk.next()) {
                    entries.add(new Entry(walk.getPathString(), walk.getFileMode(0), walk.getObjectId(0)));
                }
                return entries;
            }
        });
    }

    /** The files of a tree. */
    Tree files(ObjectId tree) {
        return new Tree() {
            @Override
            public Kind kind(String path) {
                return entry(tree, path).map(Entry::kind).orElse(Kind.ABSENT);
            }

            @Override
            public byte[] bytes(String path) {
                return GitObjects.this.bytes(entry(tree, path).orElseThrow().id());
            }

            @Override
            public List<String> names(String folder) {
                ObjectId there = folder.isEmpty() ? tree : entry(tree, folder).orElseThrow().id();
                return reading(() -> {
                    try (TreeWalk walk = new TreeWalk(repository)) {
                        walk.addTree(there);
                        List<String> names = new ArrayList<>();
                        while (walk.next()) {
                            names.add(walk.getNameString());
                        }
                        return names;
                    }
                });
            }
        };
    }

    private Optional<Entry> entry(ObjectId tree, String path) {
        return reading(() -> {
            try (TreeWalk walk = TreeWalk.forPath(repository, path, tree)) {
                return walk == null ? Optional.empty() : Optional.of(new Entry(path, walk.getFileMode(0), walk.getObjectId(0)));
            }
        });
    }

    private static Tree.Kind kindOf(FileMode mode) {
        return mode == FileMode.TREE ? Tree.Kind.FOLDER : mode == FileMode.SYMLINK ? Tree.Kind.LINK
                : mode == FileMode.GITLINK ? Tree.Kind.SUBMODULE : Tree.Kind.FILE;
    }

    /** A tree with some files replaced, or removed where the value is empty. Throws Fault where a link or a folder would be. */
    ObjectId edit(ObjectId tree, Map<String, Optional<byte[]>> files) {
        files.forEach((path, content) -> content.ifPresent(bytes -> requireFile(tree, path)));
        return reading(() -> {
            try (ObjectInserter inserter = repository.newObjectInserter(); ObjectReader reader = repository.newObjectReader()) {
                DirCache cache = DirCache.read(reader, tree);
                DirCacheEditor editor = cache.editor();
                for (Map.Entry<String, Optional<byte[]>> file : files.entrySet()) {
                    if (file.getValue().isEmpty()) {
                        editor.add(new DirCacheEditor.DeletePath(file.getKey()));
                    } else {
                        editor.add(replace(file.getKey(), inserter.insert(Constants.OBJ_BLOB, file.getValue().get())));
                    }
                }
                editor.finish();
                ObjectId made = cache.writeTree(inserter);
                inserter.flush();
                return made;
            } catch (MissingObjectException e) {
                throw e;
            } catch (IOException e) {
                throw Fault.failed("git could not store the new tree", e.toString(), "free up space or repair the repository, and run again").from(e);
            }
        });
    }

    // The editor would put a file into the place of a link or a folder, and with that take away all that is behind it.
    private void requireFile(ObjectId tree, String path) {
        Tree files = files(tree);
        List<String> names = Arrays.asList(path.split("/"));
        for (int i = 1; i <= names.size(); i++) {
            String here = String.join("/", names.subList(0, i));
            Tree.Kind kind = files.kind(here);
            if (kind != Tree.Kind.ABSENT && kind != (i == names.size() ? Tree.Kind.FILE : Tree.Kind.FOLDER)) {
                throw Fault.refused(path + " cannot be written", here + " is a " + kind.name().toLowerCase(java.util.Locale.ROOT) + " in git",
                        "put a " + (i == names.size() ? "file" : "folder") + " there, commit, and run again");
            }
        }
    }

    private static DirCacheEditor.PathEdit replace(String path, ObjectId blob) {
        return new DirCacheEditor.PathEdit(path) {
            @Override
            public void apply(DirCacheEntry entry) {
                if (entry.getFileMode() == FileMode.MISSING) {
                    entry.setFileMode(FileMode.REGULAR_FILE);
                }
                entry.setObjectId(blob);
            }
        };
    }
}
