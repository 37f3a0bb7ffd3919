package lib.publish;

import java.io.IOException;
import java.util.List;

/** A place that should hold a part of the release. */
public interface Destination {

    /**
     * Operations that may run in any order and at once, but for what each needs; stages run one after the other.
     *
     * @param meanwhile it does not wait for the end of the stage before it
     */
    record Stage(String name, List<Operation> operations, boolean meanwhile) {

        public Stage(String name, List<Operation> operations) {
            this(name, operations, false);
        }
    }

    /**
     * What is desired less what is there.
     *
     * @param stages    what has to be done, in order; empty when all is there
     * @param conflicts what must not be done: other bytes stand under a name that never changes
     * @param unchanged throws Fault with both when the place is not what it was when this was made; asked directly before
     *                  the first of the stages, since a person may have thought for hours in between
     */
    record Difference(List<Stage> stages, List<String> conflicts, Operation.Action unchanged) {

        /** For a place where each operation looks for itself. */
        public Difference(List<Stage> stages, List<String> conflicts) {
            this(stages, conflicts, () -> { });
        }

        public boolean isEmpty() {
            return stages.isEmpty() && conflicts.isEmpty();
        }
    }

    /** The name people know it by, such as {@code cache}. */
    String name();

    /** Asks the place what it holds. Writes nothing anywhere. */
    Difference compare() throws IOException;
}
