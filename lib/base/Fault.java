package lib.base;

import java.util.List;

/**
 * An error a release manager can act on. It says what happened, why (one line a fault, all of them)
 * and what to do next, in that order; the exit code tells a script which kind it was.
 */
public final class Fault extends RuntimeException {

    /** Exit codes: see the README's table. */
    public enum Kind {
        FAILED(1), USAGE(2), REFUSED(3), WAITING(4);

        public final int exitCode;

        Kind(int exitCode) {
            this.exitCode = exitCode;
        }
    }

    private final Kind kind;
    private final String what;
    private final List<String> why;
    private final String next;

    private Fault(Kind kind, String what, List<String> why, String next, Throwable cause) {
        super(what + (why.isEmpty() ? "" : ": " + String.join("; ", why)), cause);
        this.kind = kind;
        this.what = what;
        this.why = List.copyOf(why);
        this.next = next;
    }

    /** Something did not work. */
    public static Fault failed(String what, String why, String next) {
        return new Fault(Kind.FAILED, what, List.of(why), next, null);
    }

    /** Several independent faults of one input, reported together. */
    public static Fault failed(String what, List<String> why, String next) {
        return new Fault(Kind.FAILED, what, why, next, null);
    }

    /** The command line asks for something that makes no sense. */
    public static Fault usage(String what, String why, String next) {
        return new Fault(Kind.USAGE, what, List.of(why), next, null);
    }

    /** A guard said no before anything was changed. */
    public static Fault refused(String what, String why, String next) {
        return new Fault(Kind.REFUSED, what, List.of(why), next, null);
    }

    public static Fault refused(String what, List<String> why, String next) {
        return new Fault(Kind.REFUSED, what, why, next, null);
    }

    /** Somebody else has to do something first; nothing was published. */
    public static Fault waiting(String what, List<String> why, String next) {
        return new Fault(Kind.WAITING, what, why, next, null);
    }

    /** The same fault where something was changed before: nobody may take it for a refusal. */
    public Fault failed() {
        return new Fault(kind == Kind.REFUSED ? Kind.FAILED : kind, what, why, next, getCause());
    }

    /** The same fault, remembering what it came from (shown with --verbose only). */
    public Fault from(Throwable cause) {
        return new Fault(kind, what, why, next, cause);
    }

    public Kind kind() {
        return kind;
    }

    public String what() {
        return what;
    }

    public List<String> why() {
        return why;
    }

    public String next() {
        return next;
    }
}
