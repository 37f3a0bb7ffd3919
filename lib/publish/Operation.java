package lib.publish;

import java.util.List;
import java.util.Optional;
import java.util.function.LongConsumer;

/**
 * One change of one destination, which can print itself and run itself.
 *
 * @param kind   what it does to the place it names
 * @param what   the place: a key, a store path, a reference
 * @param bytes  about how many are sent
 * @param from   digest or value of what is there now, where something is
 * @param to     digest or value of what will be there, where something will
 * @param action does it; may be called again after a failure
 * @param needs  what must be done before it, of the same stage or of those it runs along with
 */
public record Operation(Kind kind, String what, long bytes, Optional<String> from, Optional<String> to, Action action, List<Operation> needs) {

    public Operation(Kind kind, String what, long bytes, Optional<String> from, Optional<String> to, Action action) {
        this(kind, what, bytes, from, to, action, List.of());
    }

    /** The same, only after others. */
    public Operation after(List<Operation> others) {
        return new Operation(kind, what, bytes, from, to, action, List.copyOf(others));
    }

    /** What to do where a place is not as the plan found it. */
    static final String SOMEBODY_ELSE = "find out who else publishes there, and run again: the new plan says what is left to do";

    public enum Kind {
        /** Work on this machine only. */
        STAGE,
        /** Reads, and fails when what was published is not what was built. */
        VERIFY,
        CREATE, REPLACE, MOVE, DELETE;

        /** Whether it changes what others see. */
        boolean writes() {
            return this != STAGE && this != VERIFY;
        }
    }

    /** The effect of an operation. */
    public interface Action {
        void run() throws Exception;

        /** The same, saying of some bytes that they are on their way. */
        default void run(LongConsumer sent) throws Exception {
            run();
        }
    }

    /** The effect of an operation that takes its time. */
    public interface LongAction extends Action {
        @Override
        void run(LongConsumer sent) throws Exception;

        @Override
        default void run() throws Exception {
            run(bytes -> { });
        }
    }

    public static Operation stage(String what, long bytes, Action action) {
        return new Operation(Kind.STAGE, what, bytes, Optional.empty(), Optional.empty(), action);
    }

    public static Operation verify(String what, Action action) {
        return new Operation(Kind.VERIFY, what, 0, Optional.empty(), Optional.empty(), action);
    }

    public static Operation create(String what, long bytes, String to, Action action) {
        return new Operation(Kind.CREATE, what, bytes, Optional.empty(), Optional.of(to), action);
    }

    public static Operation replace(String what, long bytes, String from, String to, Action action) {
        return new Operation(Kind.REPLACE, what, bytes, Optional.of(from), Optional.of(to), action);
    }

    public static Operation move(String what, String from, String to, Action action) {
        return new Operation(Kind.MOVE, what, 0, Optional.of(from), Optional.of(to), action);
    }

    public static Operation delete(String what, String from, Action action) {
        return new Operation(Kind.DELETE, what, 0, Optional.of(from), Optional.empty(), action);
    }

    /** A line for people: {@code replace manual/lix/2.95/index.html 1f2e.. -> 9ab0..}. */
    @Override
    public String toString() {
        String change = from.map(Operation::brief).map(old -> " " + old + (to.isPresent() ? " ->" : "")).orElse("")
                + to.map(value -> " " + brief(value)).orElse("");
        return kind.name().toLowerCase() + " " + what + change;
    }

    private static String brief(String digest) {
        return digest.matches("[0-9a-f]{32,}") ? digest.substring(0, 12) : digest;
    }
}
