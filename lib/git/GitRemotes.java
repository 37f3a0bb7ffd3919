package lib.git;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import lib.base.Exec;
import lib.base.Fault;
import org.eclipse.jgit.lib.ObjectId;

/** Where a clone's branches come from, as its settings say. Nothing is fetched into it, and nothing in it changes. */
public record GitRemotes(Git git) {

    /**
     * The branch that a branch follows.
     *
     * @param remote the name of a remote, an address, or {@code .} for this clone itself
     * @param ref    its full name there
     */
    public record Upstream(String remote, String ref) {

        /** As git spells it: {@code origin/main}. */
        @Override
        public String toString() {
            return (remote.equals(".") ? "" : remote + "/") + ref.replaceFirst("^refs/heads/", "");
        }
    }

    /** What a branch, named without {@code refs/heads/}, follows; empty where it is on its own. */
    public Optional<Upstream> upstream(String branch) {
        Optional<String> remote = setting("branch." + branch + ".remote");
        return setting("branch." + branch + ".merge").flatMap(ref -> remote.map(name -> new Upstream(name, ref)));
    }

    /** The commit the upstream is on, asked there; empty where that branch is gone. Throws Fault where nobody answers. */
    public Optional<ObjectId> tip(Upstream upstream) {
        return git.git("ls-remote", "--quiet", "--", upstream.remote(), upstream.ref())
                .orFail(upstream.remote() + " cannot be asked for " + upstream.ref(), "check its address, your ssh key and your permissions there")
                .lines().map(line -> line.split("\t")).filter(parts -> parts.length == 2 && parts[1].equals(upstream.ref()))
                .map(parts -> ObjectId.fromString(parts[0])).findFirst();
    }

    /** Whether one of the clone's remotes is the repository at an address, by whatever scheme, user and port either is reached. */
    public boolean have(String address) {
        return GitServer.all(git).stream().anyMatch(remote -> place(remote.url()).equals(place(address)));
    }

    /** Host and path of an address as git understands it; of a local one, the path. */
    static String place(String address) {
        String bare = address.replaceFirst("/*$", "").replaceFirst("\\.git$", "");
        if (bare.startsWith("/") || bare.startsWith("file://")) {
            return bare.replaceFirst("^file://", "");
        }
        String[] parts = bare.contains("://") ? bare.replaceFirst("^[^:]*://", "").split("/", 2) : bare.split(":/*", 2);
        String host = parts[0].replaceFirst("^.*@", "");
        return (bare.contains("://") ? host.replaceFirst(":\\d*$", "") : host).toLowerCase(Locale.ROOT) + "/" + (parts.length > 1 ? parts[1] : "");
    }

    /** The addresses of all remotes, and of {@code others} that are none of them, whatever the user name. */
    public static Set<String> with(Git git, List<String> others) {
        Set<String> urls = new LinkedHashSet<>();
        GitServer.all(git).forEach(remote -> urls.add(remote.url()));
        others.stream().filter(other -> urls.stream().noneMatch(url -> GitServer.withoutUser(url).equals(GitServer.withoutUser(other)))).toList().forEach(urls::add);
        return urls;
    }

    // With exit code 1 git says that it is not set.
    private Optional<String> setting(String key) {
        Exec ask = git.git("config", "--get", key);
        Exec.Result result = ask.run();
        if (result.exit() > 1) {
            throw Fault.failed("git could not read the setting " + key, ask.because(result), "look at the clone with git config --list");
        }
        return Optional.of(result.out().strip()).filter(value -> result.exit() == 0 && !value.isEmpty());
    }
}
