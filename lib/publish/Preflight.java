package lib.publish;

import java.util.ArrayList;
import java.util.List;
import lib.Fault;

/** Everything that can be checked before the first byte is sent, reported at once. */
public final class Preflight {

    private final List<Fault> faults = new ArrayList<>();

    /** Runs a check; the Fault it throws is kept. */
    public Preflight check(Runnable check) {
        try {
            check.run();
        } catch (Fault fault) {
            faults.add(fault);
        }
        return this;
    }

    /** Throws Fault (refused) with every check that failed. */
    public void throwIfAny(String what) {
        if (!faults.isEmpty()) {
            throw Fault.refused(what, faults.stream().map(fault -> fault.getMessage() + " (" + fault.next() + ")").toList(),
                    "mend " + (faults.size() == 1 ? "this" : "these") + " and run again; nothing was published").from(faults.get(0));
        }
    }
}
