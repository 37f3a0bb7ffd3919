package lib.git;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;

/**
 * Files by their path from the top of a checkout, in a commit or in a work tree. Both are read alike: a link is followed
 * inside the tree, and what it leads to is what is read and what is written.
 */
public interface Tree {

    /** What stands under a name itself, no link followed. */
    enum Kind { FILE, FOLDER, LINK, SUBMODULE, OTHER, ABSENT }

    /** Links one behind the other; git and the kernel give up at about as many. */
    int MOST_LINKS = 40;

    Kind kind(String path);

    /** The bytes of a file; of a link, where it leads. */
    byte[] bytes(String path);

    /** The names of what is directly in a folder. */
    List<String> names(String folder);

    /**
     * Where a path leads.
     *
     * @param path  without links in it; of something that is not there yet, where it would be
     * @param kind  what is there: FILE, FOLDER or ABSENT where nothing is the matter
     * @param fault why nothing can be read or written there: a link out of the tree, to nothing or in a circle, a submodule
     */
    record Place(String path, Kind kind, Optional<String> fault) {
    }

    /** Follows the links of a path. Never throws for what a tree can hold. */
    default Place find(String path) {
        return find("", path, 0);
    }

    private Place find(String from, String path, int links) {
        Deque<String> done = new ArrayDeque<>(from.isEmpty() ? List.of() : List.of(from.split("/")));
        Kind kind = Kind.FOLDER;
        for (String name : path.split("/")) {
            if (name.isEmpty() || name.equals(".")) {
                continue;
            }
            if (name.equals("..")) {
                if (done.pollLast() == null) {
                    return new Place(path, Kind.OTHER, Optional.of("leads outside the checkout"));
                }
                kind = kind == Kind.FOLDER ? kind : Kind.ABSENT;
                continue;
            }
            String parent = String.join("/", done);
            done.addLast(name);
            String here = String.join("/", done);
            kind = kind == Kind.FOLDER ? kind(here) : Kind.ABSENT;
            if (kind == Kind.LINK) {
                Place end = follow(here, parent, links);
                if (end.fault().isPresent()) {
                    return end;
                }
                kind = end.kind();
                done.clear();
                done.addAll(end.path().isEmpty() ? List.of() : List.of(end.path().split("/")));
            } else if (kind == Kind.SUBMODULE) {
                return new Place(here, kind, Optional.of(here + " is a submodule: its files are another repository's"));
            } else if (kind == Kind.OTHER) {
                return new Place(here, kind, Optional.of(here + " is neither a file nor a folder"));
            }
        }
        return new Place(String.join("/", done), kind, Optional.empty());
    }

    private Place follow(String link, String parent, int links) {
        String target = new String(bytes(link), java.nio.charset.StandardCharsets.UTF_8);
        String spoken = link + " is a link to " + target;
        if (target.startsWith("/")) {
            return new Place(link, Kind.LINK, Optional.of(spoken + ", outside the checkout"));
        }
        if (links >= MOST_LINKS) {
            return new Place(link, Kind.LINK, Optional.of(spoken + ", in a loop"));
        }
        Place end = find(parent, target, links + 1);
        if (end.fault().isPresent()) {
            return new Place(link, end.kind(), Optional.of(end.fault().get().startsWith("leads out") ? spoken + ", outside the checkout" : end.fault().get()));
        }
        return end.kind() == Kind.ABSENT ? new Place(link, Kind.LINK, Optional.of(spoken + ", which is not there")) : end;
    }

    /** A file's bytes, links followed; empty when there is no file, or {@link Place#fault} says why it cannot be read. */
    default Optional<byte[]> read(String path) {
        Place place = find(path);
        return place.fault().isEmpty() && place.kind() == Kind.FILE ? Optional.of(bytes(place.path())) : Optional.empty();
    }

    /** The names of what is directly in a folder, links followed; none when there is no folder. */
    default List<String> list(String folder) {
        Place place = find(folder);
        return place.fault().isEmpty() && place.kind() == Kind.FOLDER ? names(place.path()) : List.of();
    }
}
