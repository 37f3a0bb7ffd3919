package lib.proof;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import lib.base.Exec;
import lib.base.FileTree;
import lib.config.Environment;
import lib.config.Project;
import lib.git.Git;
import lib.git.GitEnv;
import lib.git.GitServer;
import lib.release.Version;
import org.eclipse.jgit.lib.ObjectId;

/**
 * The release as readers of the remote repository have it: a branch holds its commit, and the tag is shown to anybody. A Gerrit hides a
 * tag from those who can read no branch that holds it, and not from who pushed it.
 *
 * @param git the user's, in the checkout; empty where there is none, and then the history is fetched into a folder of its own
 * @param env the environment git runs in
 */
public record BranchProof(Environment environment, Project project, Optional<Git> git, Map<String, String> env) {

    /** Asked first: where releases are made, and what usually comes of them. */
    private static final List<String> LIKELY = List.of("refs/heads/main", "refs/heads/master");

    /** A repository, and as whom it is asked. */
    private record Reader(Optional<Git> git, Path folder, Map<String, String> env) {

        Exec git(String... arguments) {
            List<String> line = new ArrayList<>(List.of(arguments));
            Exec exec = git.map(found -> found.git(arguments)).orElseGet(() -> Git.nowhere(GitEnv.clean(env), line).env("GIT_DIR", folder.toString()));
            return exec.env("GIT_TERMINAL_PROMPT", "0").env("GIT_NO_LAZY_FETCH", "1");
        }
    }

    /**
     * Where anybody reads the repository at {@code url} without a login, as far as its address tells: a Gerrit's web address, or the same
     * path over https. The address itself where nobody answers there.
     */
    public String publicAddress(String url) {
        return candidate(url).filter(web -> anonymously("ls-remote", "--quiet", "--", web, "HEAD").run().exit() == 0).orElse(url);
    }

    private Optional<String> candidate(String url) {
        Optional<String> web = environment.gerrit() == Environment.Gerrit.no ? GitServer.address(url).map(uri -> "https://" + uri.getHost()) : GitServer.web(project, url);
        return url.startsWith("ssh://") ? web.map(address -> address + "/" + GitServer.path(url)) : Optional.empty();
    }

    // Nothing of the user's that could log in: neither their settings nor the files that git's HTTP reads at home.
    private Exec anonymously(String... arguments) {
        Exec exec = Git.nowhere(env, List.of(arguments)).env("GIT_TERMINAL_PROMPT", "0").env("GIT_ASKPASS", "true");
        return exec.env("HOME", "/dev/null").env("XDG_CONFIG_HOME", "/dev/null").env("GIT_CONFIG_GLOBAL", "/dev/null");
    }

    /**
     * Both, as a part of a proof.
     *
     * @param commit   the release commit; where it is not known, what the tag is on
     * @param branch   that must hold it, without {@code refs/heads/}; empty for any
     * @param required whether a remote that does not answer is a failure
     */
    public Proof.Part part(String url, Version version, Optional<String> commit, Optional<String> branch, boolean required) {
        return findings -> {
            shown(url, version.toString(), commit, findings);
            Exec ask = new Reader(git, Path.of("/dev/null"), env).git("ls-remote", "--quiet", "--", url, "refs/tags/" + version + "^{}");
            Optional<String> held = commit.or(() -> ask.run().out().lines().map(line -> line.split("\t")[0]).findFirst());
            if (held.isPresent()) {
                holds(url, branch.map(name -> "refs/heads/" + name), held.get(), required, findings);
            } else {
                findings.unproven("the commit of " + version + " is not known, so that no branch can be asked for it");
            }
        };
    }

    /** That anybody is shown the tag; said, where nobody is let in without a login. */
    private void shown(String url, String tag, Optional<String> commit, Findings findings) {
        Optional<String> web = candidate(url).filter(address -> environment.gerrit() != Environment.Gerrit.no);
        if (web.isEmpty()) {
            return;
        }
        Exec ask = anonymously("ls-remote", "--quiet", "--", web.get(), "refs/tags/" + tag + "^{}");
        Exec.Result answer = ask.run();
        if (answer.exit() != 0) {
            findings.unproven("that others see the tag: " + web.get() + " is not read without a login: " + ask.because(answer));
        } else if (answer.out().isBlank()) {
            findings.failure("refs/tags/" + tag + " on " + url + ": is hidden from others, as no branch that they may read held its commit when it was pushed");
            findings.remedy("where a tag is hidden: have an administrator of the Gerrit run gerrit flush-caches --cache git_tags, and run again");
        } else if (commit.isPresent() && !answer.out().startsWith(commit.get())) {
            findings.failure("refs/tags/" + tag + " on " + web.get() + ": is on " + answer.out().split("\t")[0] + ", expected " + commit.get());
        } else {
            findings.proved();
        }
    }

    /**
     * That a branch there holds the commit.
     *
     * @param branch   in full; empty for any
     * @param required whether a remote that does not answer is a failure
     */
    private void holds(String url, Optional<String> branch, String commit, boolean required, Findings findings) throws IOException {
        Path folder = Files.createTempDirectory("releng-history");
        try {
            Reader reader = new Reader(git, folder, env);
            if (git.isEmpty()) {
                reader.git("init", "--quiet", "--bare", "--template=").orFail("git could not make a repository", "free up space in " + folder);
            }
            Exec ask = reader.git("ls-remote", "--quiet", "--", url, branch.orElse("refs/heads/*"));
            Exec.Result answer = ask.run();
            if (answer.exit() != 0) {
                unanswered(url + ": " + ask.because(answer), required, findings);
                return;
            }
            Map<String, String> heads = new TreeMap<>(Comparator.comparing((String ref) -> LIKELY.contains(ref) ? 0 : 1).thenComparing(Comparator.naturalOrder()));
            answer.out().lines().map(line -> line.split("\t")).filter(line -> line.length == 2 && ObjectId.isId(line[0])).forEach(line -> heads.put(line[1], line[0]));
            for (Map.Entry<String, String> head : heads.entrySet()) {
                if (isIn(reader, url, head, commit)) {
                    findings.proved();
                    return;
                }
            }
            findings.failure((branch.isPresent() ? branch.get() : "none of the " + heads.size() + " branches") + " on " + url + ": does not hold the release commit " + commit);
        } finally {
            FileTree.remove(folder);
        }
    }

    // Commits alone tell, where the server can leave out the rest.
    private boolean isIn(Reader reader, String url, Map.Entry<String, String> head, String commit) {
        if (git.isEmpty() || reader.git("cat-file", "-e", head.getValue() + "^{commit}").run().exit() != 0) {
            List<String> line = new ArrayList<>(List.of("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--recurse-submodules=no"));
            if (git.isEmpty()) {
                line.add("--filter=tree:0");
            }
            line.addAll(List.of("--", url, head.getKey()));
            reader.git(line.toArray(new String[0])).run();
        }
        return reader.git("merge-base", "--is-ancestor", commit, head.getValue()).run().exit() == 0;
    }

    private static void unanswered(String sentence, boolean required, Findings findings) {
        if (required) {
            findings.failure(sentence);
        } else {
            findings.unproven(sentence);
        }
    }
}
