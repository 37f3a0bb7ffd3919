package lib.release;

import org.eclipse.jgit.lib.ObjectId;

/**
 * Where a new MAJOR leaves the branch that development goes on in.
 *
 * @param branch the MAJOR's maintenance branch, without {@code refs/heads/}: {@code release-2.95}
 * @param start  the commit it begins at: the merge of the MAJOR's first release, which the development commit follows
 */
public record BranchOff(String branch, ObjectId start) {

    static final String PREFIX = "release-";

    /** The name of a MAJOR's maintenance branch. */
    public static String nameOf(String major) {
        return PREFIX + major;
    }

    public String ref() {
        return "refs/heads/" + branch;
    }
}
