package lib.publish;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import lib.base.Exec;
import lib.base.Fault;

/** What a server says where it does not take a push, and what to do about it. */
final class PushRefusal {

    private static final String ADMIN = "have an administrator of the project grant it, ";

    /** What a Gerrit's answer has in it, in the order they are looked for, and what to do then; BRANCH, TAG and WEB are put in. */
    private static final List<Map.Entry<String, String>> REMEDIES = List.of(
            Map.entry("missing Change-Id", "install the Gerrit's commit-msg hook and make the commit again: HOOK"),
            Map.entry("same Change-Id in multiple changes", "give each commit a Change-Id of its own with git rebase --interactive, and make the release again"),
            Map.entry("not allowed to upload merges", ADMIN + "Push Merge Commit on refs/for/refs/heads/BRANCH: the release is merged back"),
            Map.entry("invalid committer", "register that address at WEB/settings#EmailAddresses, or " + ADMIN + "Forge Committer"),
            Map.entry("invalid author", "register that address at WEB/settings#EmailAddresses, or " + ADMIN + "Forge Author"),
            Map.entry("not permitted: forge committer", "the tagger's address is not one of yours there: register it at WEB/settings#EmailAddresses, or " + ADMIN + "Forge Committer on refs/tags/*"),
            Map.entry("project state does not permit write", "the project is read-only: have its owner set it to active"),
            Map.entry("not permitted: create change", ADMIN + "Create Change (Push on refs/for/refs/heads/BRANCH)"),
            Map.entry("not permitted: update by submit", ADMIN + "Submit on refs/for/refs/heads/BRANCH, or omit --submit and have the changes submitted"),
            Map.entry("because it already exists", "it is there and hidden, as it was pushed before a branch held its commit: have an administrator run FLUSH, and it is seen again"),
            Map.entry("not permitted: create tag", ADMIN + "Create Annotated Tag on refs/tags/*"),
            Map.entry("not permitted: create annotated tag", ADMIN + "Create Annotated Tag on refs/tags/*"),
            Map.entry("not permitted: create signed tag", ADMIN + "Create Signed Tag on refs/tags/*"),
            Map.entry("not permitted: force update", ADMIN + "Push with Force on refs/tags/*, or release under a new version"),
            Map.entry("not permitted: create", ADMIN + "Create Reference on that branch, or have them make it"),
            Map.entry("not permitted: update", "push for review (\"gerrit\": true), or " + ADMIN + "Push on refs/heads/BRANCH"));

    private PushRefusal() {
    }

    /** Whether a reference was refused, and not something in between broken. */
    static boolean isOne(Exec.Result result) {
        return result.out().contains("[rejected]") || result.out().contains("[remote rejected]");
    }

    /** The fault of a push that ended with a failure: refused where the server said no to it, and took nothing. */
    static Fault of(String refspec, String url, Exec push, Exec.Result result, Map<String, String> names) {
        if (!isOne(result)) {
            return Fault.failed("git could not push " + refspec + " to " + url, push.because(result), "fix what git reports and run upload again: what is published already is skipped");
        }
        String said = result.out() + result.err();
        Optional<String> remedy = REMEDIES.stream().filter(entry -> said.contains(entry.getKey())).map(Map.Entry::getValue).findFirst();
        String next = remedy.orElse("fix what git reports");
        for (Map.Entry<String, String> name : names.entrySet()) {
            next = next.replace(name.getKey(), name.getValue());
        }
        return Fault.refused(url + " refused " + refspec, why(result), next + "; then run upload again: what is published already is skipped");
    }

    /** What people need of git's output: the references that were refused, and what the server had to say. */
    private static List<String> why(Exec.Result result) {
        Predicate<String> progress = line -> line.isBlank() || line.contains("Processing changes") || line.startsWith("Hint:") || line.contains("SUCCESS");
        List<String> why = new ArrayList<>(result.out().lines().filter(line -> !line.startsWith("To ") && !line.equals("Done") && !line.startsWith("=")).toList());
        result.err().lines().filter(line -> line.startsWith("remote: ")).map(line -> line.substring("remote: ".length()).strip())
                .filter(progress.negate()).limit(8).forEach(why::add);
        return why;
    }
}
