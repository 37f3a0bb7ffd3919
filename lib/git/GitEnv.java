package lib.git;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** What git is told by its environment, so that what it makes depends on the repository alone. */
public final class GitEnv {

    /** What of the user's settings would change what is committed, pushed or read back, as it is for every git we run. */
    private static final Map<String, String> SETTINGS = Map.ofEntries(
            Map.entry("i18n.commitEncoding", "UTF-8"), Map.entry("i18n.logOutputEncoding", "UTF-8"), Map.entry("log.showSignature", "false"),
            Map.entry("push.followTags", "false"), Map.entry("push.recurseSubmodules", "no"), Map.entry("push.pushOption", ""),
            Map.entry("core.fsmonitor", "false"), Map.entry("status.renames", "false"), Map.entry("submodule.recurse", "false"),
            Map.entry("fetch.prune", "false"), Map.entry("core.useReplaceRefs", "false"));

    /** Variables of git's that would lead it to another repository, other objects or other paths than those meant. */
    private static final List<String> ELSEWHERE = List.of("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY",
            "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_COMMON_DIR", "GIT_IMPLICIT_WORK_TREE", "GIT_PREFIX", "GIT_NAMESPACE",
            "GIT_SHALLOW_FILE", "GIT_REPLACE_REF_BASE", "GIT_ATTR_SOURCE", "GIT_QUARANTINE_PATH", "GIT_NO_LAZY_FETCH", "GIT_CONFIG",
            "GIT_GLOB_PATHSPECS", "GIT_NOGLOB_PATHSPECS", "GIT_ICASE_PATHSPECS", "GIT_DEFAULT_HASH", "GIT_DEFAULT_REF_FORMAT",
            "GIT_TEMPLATE_DIR");

    private GitEnv() {
    }

    /** An environment in which git finds the repository it is run in, and what is stored there: nothing leads elsewhere. */
    public static Map<String, String> clean(Map<String, String> env) {
        Map<String, String> clean = new HashMap<>(env);
        clean.keySet().removeAll(ELSEWHERE);
        clean.put("GIT_NO_REPLACE_OBJECTS", "1");
        clean.put("GIT_GRAFT_FILE", "/dev/null");
        clean.put("GIT_LITERAL_PATHSPECS", "1");
        int count = env.getOrDefault("GIT_CONFIG_COUNT", "").matches("[0-9]{1,6}") ? Integer.parseInt(env.get("GIT_CONFIG_COUNT")) : 0;
        for (Map.Entry<String, String> setting : SETTINGS.entrySet()) {
            clean.put("GIT_CONFIG_KEY_" + count, setting.getKey());
            clean.put("GIT_CONFIG_VALUE_" + count++, setting.getValue());
            // That of a git we were started by, `git -c`, comes after them all.
            clean.computeIfPresent("GIT_CONFIG_PARAMETERS", (name, set) -> set + " '" + setting.getKey() + "=" + setting.getValue() + "'");
        }
        clean.put("GIT_CONFIG_COUNT", Integer.toString(count));
        return clean;
    }
}
