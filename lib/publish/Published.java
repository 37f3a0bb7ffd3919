package lib.publish;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import lib.BuiltRelease;
import lib.Fault;
import lib.ObjectStore;
import lib.Project;
import lib.Version;

/** Which versions of a project a bucket of releases holds, and which one its root manifest.nix points to. */
public record Published(ObjectStore store, String bucket, Project project) {

    /**
     * The version of the store paths in manifest.nix, the last thing a release writes; empty where there is
     * none. Throws Fault (refused) for one that does not tell: moving it blindly could move it back.
     */
    public Optional<Version> pointer() {
        return store.get(bucket, "manifest.nix").map(bytes -> new String(bytes, StandardCharsets.UTF_8)).map(manifest -> {
            Matcher name = Pattern.compile("-" + Pattern.quote(project.prefix()) + "-(\\d[^\"]*)\"").matcher(manifest);
            return (name.find() ? parse(name.group(1)) : Optional.<Version>empty())
                    .orElseThrow(() -> Fault.refused("s3://" + bucket + "/manifest.nix does not tell its version",
                            manifest.lines().limit(3).toList(), "look at it; mend it by hand, or remove it"));
        });
    }

    /** Every version that has a folder of its own, whole or not. */
    public List<Version> versions() {
        String stem = project.prefix() + "-";
        return store.folders(bucket, project.prefix() + "/").stream().filter(folder -> folder.startsWith(stem))
                .flatMap(folder -> parse(folder.substring(stem.length())).stream()).sorted().toList();
    }

    /** What was built as this version, as it was published with it; empty for what other tools published. */
    public Optional<BuiltRelease> release(Version version) {
        String key = project.folder(version) + BuiltRelease.FILE;
        return store.get(bucket, key).map(json -> BuiltRelease.parse(json, "s3://" + bucket + "/" + key));
    }

    private static Optional<Version> parse(String version) {
        try {
            return Optional.of(Version.of(version));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }
}
