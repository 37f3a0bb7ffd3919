package lib.proof;

import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import lib.base.Exec;
import lib.config.Environment;
import lib.config.Project;
import lib.git.Git;
import lib.git.GitReader;
import lib.git.GitServer;
import lib.release.Version;

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
            try (GitReader reader = new GitReader(git, env, url, required)) {
                Optional<String> held = commit.or(() -> GitReader.parsed(reader.references("refs/tags/" + version + "^{}").run().out()).values().stream().findFirst());
                if (held.isPresent()) {
                    holds(reader, url, branch.map(name -> "refs/heads/" + name), held.get(), required, findings);
                } else {
                    findings.unproven("the commit of " + version + " is not known, so that no branch can be asked for it");
                }
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
    private static void holds(GitReader reader, String url, Optional<String> branch, String commit, boolean required, Findings findings) {
        Exec ask = reader.references(branch.orElse("refs/heads/*"));
        Exec.Result answer = ask.run();
        if (answer.exit() != 0) {
            unanswered(url + ": " + ask.because(answer), required, findings);
            return;
        }
        Map<String, String> heads = likelyFirst(GitReader.parsed(answer.out()));
        for (Map.Entry<String, String> head : heads.entrySet()) {
            reader.bring(Map.of(head.getKey(), head.getValue()));
            if (reader.holds(head.getValue(), commit)) {
                findings.proved();
                return;
            }
        }
        findings.failure((branch.isPresent() ? branch.get() : "none of the " + heads.size() + " branches") + " on " + url + ": does not hold the release commit " + commit);
    }

    /** Branches, in full: those first that releases are usually in. */
    public static SortedMap<String, String> likelyFirst(Map<String, String> heads) {
        SortedMap<String, String> sorted = new TreeMap<>(Comparator.comparing((String ref) -> LIKELY.contains(ref) ? 0 : 1).thenComparing(Comparator.naturalOrder()));
        sorted.putAll(heads);
        return sorted;
    }

    private static void unanswered(String sentence, boolean required, Findings findings) {
        if (required) {
            findings.failure(sentence);
        } else {
            findings.unproven(sentence);
        }
    }
}
