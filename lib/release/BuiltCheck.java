package lib.release;

/** What is checked of a release that was built; the names are those of {@code --skip}. */
public enum BuiltCheck {
    /** The manual's links to its own pages and their parts lead somewhere. */
    links,
    /** An output {@code debug} has files in it. */
    debug,
    /** The program that was built for this machine is of this version. */
    version,
    /** No file names a folder or the user of this machine. */
    machine,
    /** The source tarball has a licence. */
    licences
}
