package lib.release;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import lib.base.Fault;
import lib.git.Git;
import org.eclipse.jgit.lib.ObjectId;

/**
 * What tells an official release from a build of the branch: {@code official_release} in the version
 * file, or, in trees whose version file has no such key, a line of flake.nix.
 *
 * @param file   where the flag is, a path inside the checkout
 * @param set    whether it is true
 * @param marked the file's bytes with the flag true
 */
public record OfficialFlag(String file, boolean set, byte[] marked) {

    private static final String FLAKE = "flake.nix";
    private static final Pattern LINE = Pattern.compile("(?s)(?<before>\\s*officialRelease = )(?<value>true|false)(?<after>;.*)");

    /** The flag in a commit whose version file says {@code release}. Throws Fault naming file and lines. */
    public static OfficialFlag in(Git git, ObjectId commit, Release release) {
        String file = git.place(commit, release.project().versionFile());
        if (release.official().isPresent()) {
            byte[] json = git.read(commit, file).orElseThrow();
            return new OfficialFlag(file, release.official().get(), Release.markOfficial(json, file));
        }
        byte[] flake = git.read(commit, FLAKE).orElseThrow(() -> Fault.failed("cannot tell whether this is an official release",
                file + " has no key official_release, and there is no " + FLAKE, "add the key to " + file + ", false, and commit it"));
        return inFlake(flake, git.place(commit, FLAKE), file);
    }

    // Bytes go through ISO 8859-1 unchanged: only one line of the file is ours.
    private static OfficialFlag inFlake(byte[] flake, String file, String versionFile) {
        String[] lines = new String(flake, ISO_8859_1).split("\n", -1);
        List<Integer> hits = IntStream.range(0, lines.length).filter(i -> LINE.matcher(lines[i]).matches()).boxed().toList();
        if (hits.size() != 1) {
            throw Fault.failed(FLAKE + " must have exactly one line 'officialRelease = false;'",
                    hits.isEmpty() ? List.of(FLAKE + " has none, and " + versionFile + " has no key official_release")
                            : hits.stream().map(i -> FLAKE + ":" + (i + 1) + ": " + lines[i].strip()).toList(),
                    "leave one, or add official_release to " + versionFile + ", and commit it");
        }
        var line = LINE.matcher(lines[hits.get(0)]);
        line.matches();
        boolean set = line.group("value").equals("true");
        lines[hits.get(0)] = line.group("before") + "true" + line.group("after");
        return new OfficialFlag(file, set, String.join("\n", lines).getBytes(ISO_8859_1));
    }
}
