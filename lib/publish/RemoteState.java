package lib.publish;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import lib.base.Exec;
import lib.git.Git;
import lib.git.GitReader;
import lib.proof.BranchProof;
import lib.release.ReleaseTag;
import lib.release.Version;

/**
 * References of the repository that releases are pushed to.
 *
 * @param url     empty where an environment has none
 * @param refs    in full
 * @param unknown why they could not be asked for
 * @param held    by branch, without {@code refs/heads/}, the commits of releases that it holds; empty where that is not known
 */
record RemoteState(Optional<String> url, Map<String, String> refs, Optional<String> unknown, SortedMap<String, Optional<Set<String>>> held) {

    private static final String HEADS = "refs/heads/";
    private static final String TAGS = "refs/tags/";

    /** Asks for all tags and branches, at once. */
    static RemoteState of(Optional<String> url, Optional<Git> checkout, Map<String, String> env) throws IOException {
        if (url.isEmpty()) {
            return new RemoteState(url, Map.of(), Optional.empty(), new TreeMap<>());
        }
        try (GitReader reader = new GitReader(checkout, env, url.get(), false)) {
            Exec ask = reader.references(HEADS + "*", TAGS + "*");
            Exec.Result answer = ask.run();
            return answer.exit() == 0 ? new RemoteState(url, GitReader.parsed(answer.out()), Optional.empty(), new TreeMap<>())
                    : new RemoteState(url, Map.of(), Optional.of(url.get() + ": " + ask.because(answer)), new TreeMap<>());
        }
    }

    /** The same, with which of the branches hold these commits: for that their history is fetched. */
    RemoteState holding(Collection<String> commits, Optional<Git> checkout, Map<String, String> env) throws IOException {
        SortedMap<String, String> heads = heads();
        SortedMap<String, Optional<Set<String>>> found = new TreeMap<>();
        if (!heads.isEmpty() && !commits.isEmpty()) {
            try (GitReader reader = new GitReader(checkout, env, url.orElseThrow(), false)) {
                reader.bring(heads);
                heads.forEach((ref, tip) -> found.put(ref.substring(HEADS.length()), reader.held(tip, commits)));
            }
        }
        return new RemoteState(url, refs, unknown, found);
    }

    /** The branches, in full; those first that releases are usually in. */
    SortedMap<String, String> heads() {
        Map<String, String> heads = new TreeMap<>(refs);
        heads.keySet().removeIf(ref -> !ref.startsWith(HEADS));
        return BranchProof.likelyFirst(heads);
    }

    /** The versions that have a tag. */
    Set<Version> tagged() {
        Set<Version> tagged = new TreeSet<>();
        refs.keySet().stream().filter(ref -> ref.startsWith(TAGS) && !ref.endsWith("^{}")).forEach(ref -> Pointers.parse(ref.substring(TAGS.length())).ifPresent(tagged::add));
        return tagged;
    }

    /** What the tag of a version is on. */
    Optional<String> commit(Version version) {
        String tag = ReleaseTag.ref(version.toString());
        return Optional.ofNullable(refs.getOrDefault(tag + "^{}", refs.get(tag)));
    }

    /** The branches that hold a commit, without {@code refs/heads/}, those first that releases are usually in. */
    List<String> branches(String commit) {
        return heads().keySet().stream().map(ref -> ref.substring(HEADS.length()))
                .filter(name -> held.getOrDefault(name, Optional.empty()).map(commits -> commits.contains(commit)).orElse(false)).toList();
    }

    /** Tag and branch of a version, as parts of it; {@code commit} is empty where nobody knows which it should be. */
    List<Status.Part> parts(Version version, Optional<String> commit) {
        if (url.isEmpty()) {
            return List.of();
        }
        if (unknown.isPresent()) {
            List<String> why = List.of(unknown.get());
            return List.of(new Status.Part("tag", "", 0, 1, List.of(), List.of(), why), new Status.Part("branch", "", 0, 1, List.of(), List.of(), why));
        }
        List<Status.Part> parts = new ArrayList<>();
        String ref = ReleaseTag.ref(version.toString());
        Optional<String> wrong = GitReader.wrongTag(refs, ref, commit);
        boolean missing = !refs.containsKey(ref);
        parts.add(new Status.Part("tag", "", wrong.isEmpty() ? 1 : 0, 1, missing ? List.of(ref) : List.of(),
                missing ? List.of() : wrong.stream().map(what -> ref + " " + what).toList(), List.of()));
        Optional<String> expected = commit.or(() -> commit(version));
        expected.ifPresent(id -> parts.add(branch(id)));
        return parts;
    }

    private Status.Part branch(String commit) {
        if (!branches(commit).isEmpty()) {
            return new Status.Part("branch", "", 1, 1, List.of(), List.of(), List.of());
        }
        List<String> unread = held.entrySet().stream().filter(branch -> branch.getValue().isEmpty()).map(Map.Entry::getKey).toList();
        return unread.isEmpty() ? new Status.Part("branch", "", 0, 1, List.of("a branch that holds " + commit), List.of(), List.of())
                : new Status.Part("branch", "", 0, 1, List.of(), List.of(), List.of(url.orElseThrow() + ": the history of " + unread.get(0) + " could not be had"));
    }
}
