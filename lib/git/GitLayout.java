package lib.git;

import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import lib.base.Exec;
import lib.base.Fault;

/**
 * Where a checkout and its repository are.
 *
 * @param workTree the top of its files
 * @param folder   git's folder for this work tree
 * @param common   git's folder for the repository, which its linked work trees share
 * @param shallow  whether the history is cut off
 */
record GitLayout(Path workTree, Path folder, Path common, boolean shallow) {

    // A JVM keeps names in the locale's characters alone, whatever git and Nix could do with them.
    private static void requireReadableName(Path folder) {
        String name = folder.toString();
        if (name.indexOf('\ufffd') >= 0) {
            throw unreadable(name);
        }
        if (name.chars().anyMatch(Character::isISOControl)) {
            throw Fault.usage("the checkout is in a folder with a control character in its name", "git and Nix print one name per line: "
                    + name.replaceAll("\\p{Cntrl}", "?"), "move the checkout to a folder with another name");
        }
    }

    private static Fault unreadable(String name) {
        return Fault.usage("the name of the checkout's folder cannot be read", name + ": the locale has no such characters",
                "run again with LC_ALL=C.UTF-8, or in a folder with another name");
    }

    /** As git says for what it finds from {@code folder}. Throws Fault (usage) where there is no checkout that can be used. */
    static GitLayout of(Path folder, Map<String, String> env) {
        requireReadableName(folder);
        if (!Files.isDirectory(folder)) {
            throw Fault.usage(folder + " is not a folder", "the checkout should be there", "name the checkout with --repo");
        }
        // The last one fails where there is no work tree, after the others have been printed.
        Exec.Result result = Exec.of("git", "rev-parse", "--is-bare-repository", "--is-inside-work-tree", "--show-object-format",
                "--is-shallow-repository", "--absolute-git-dir", "--git-common-dir", "--show-toplevel").in(folder)
                .baseEnv(GitEnv.clean(env)).env("LC_ALL", "C").run();
        List<String> said = result.out().lines().toList();
        String next = "run from inside the checkout, or name it with --repo";
        if (said.size() < 6) {
            boolean none = result.err().contains("not a git repository");
            throw Fault.usage(none ? folder + " is not in a git checkout" : "git cannot use the checkout in " + folder, result.err().strip(),
                    none ? next : "fix what git reports, and run again");
        }
        if (said.get(0).equals("true")) {
            throw Fault.usage(folder + " is a bare repository", "a release needs a work tree", "name a checkout with --repo");
        }
        if (!said.get(2).equals("sha1")) {
            throw Fault.usage("this is a repository of the object format " + said.get(2), "JGit, which reads it, supports only SHA-1",
                    "make the release in a clone whose object format is sha1");
        }
        if (said.get(1).equals("false") || said.size() < 7) {
            throw Fault.usage(folder + " is not in a work tree", "its git folder is " + said.get(4)
                    + (result.err().isBlank() ? "" : "; " + result.err().strip()), next);
        }
        try {
            GitLayout layout = new GitLayout(Path.of(said.get(6)), Path.of(said.get(4)), folder.resolve(said.get(5)).normalize(), said.get(3).equals("true"));
            requireReadableName(layout.folder());
            requireReadableName(layout.workTree());
            return layout;
        } catch (InvalidPathException e) {
            throw unreadable(said.get(6)).from(e);
        }
    }
}
