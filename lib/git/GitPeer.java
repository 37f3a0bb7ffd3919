package lib.git;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import lib.base.Exec;
import org.eclipse.jgit.lib.ObjectId;

/** The repository at the other end, asked and pushed to by the user's git, with their ssh and their credentials. */
public record GitPeer(Git git, String url) {

    public static final String REACH = "check the address, your ssh key and your permissions there, and run again";

    /** What these references, named in full, are there. Throws Fault where nobody answers. */
    public Map<String, ObjectId> refs(List<String> names) {
        List<String> line = new ArrayList<>(List.of("ls-remote", "--", url));
        line.addAll(names);
        String out = git.git(line.toArray(new String[0])).orFail("the git repository " + url + " cannot be reached", REACH);
        Map<String, ObjectId> there = new HashMap<>();
        out.lines().map(text -> text.split("\t")).forEach(parts -> there.put(parts[1], ObjectId.fromString(parts[0])));
        return there;
    }

    /** The commit a branch, named without {@code refs/heads/}, is on there; its history is here then. Empty where there is no such branch. */
    public Optional<ObjectId> branch(String name) {
        String ref = "refs/heads/" + name;
        Optional<ObjectId> tip = Optional.ofNullable(refs(List.of(ref)).get(ref));
        tip.ifPresent(commit -> bring(ref, commit));
        return tip;
    }

    /** Fetches what is under a reference there, unless it is here; no reference is made for it. */
    public void bring(String ref, ObjectId id) {
        if (git.commit(id.name()).isEmpty()) {
            git.git("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--recurse-submodules=no", "--", url, ref).run();
        }
    }

    /** Whether a commit is in the history of one that is there; not, where that is not here. */
    public boolean holds(ObjectId there, ObjectId commit) {
        return git.commit(there.name()).isPresent() && git.isAncestor(commit, there);
    }

    /** A push of just this, and nothing that the user's settings or a hook would push with it; its output is porcelain. */
    public Exec push(List<String> refspecs, String... options) {
        List<String> line = new ArrayList<>(List.of("push", "--porcelain", "--no-verify", "--no-follow-tags", "--recurse-submodules=no"));
        line.addAll(List.of(options));
        line.addAll(List.of("--", url));
        line.addAll(refspecs);
        return git.git(line.toArray(new String[0]));
    }
}
