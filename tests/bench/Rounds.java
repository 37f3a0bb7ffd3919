import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import lib.base.Console;

/** Who is compared takes turns, so that whatever else the machine does hits all alike. */
final class Rounds {

    /** Something that is measured. */
    interface Contender {
        String name();

        /** A fresh place to work in; removed when the turn is closed. */
        Turn turn() throws Exception;
    }

    /** One contender's phases, measured one after the other in the same place. */
    interface Turn extends AutoCloseable {
        /** Null where the contender knows no such phase. */
        Measure.Command command(String phase) throws Exception;

        /** Throws Fault when the phase that just ran did not do its work. */
        void check(String phase) throws Exception;
    }

    private final Measure measure;
    private final Console console;

    Rounds(Measure measure, Console console) {
        this.measure = measure;
        this.console = console;
    }

    /** So many rounds of all, after one that warms up server and page cache and is not counted, unless it is the only one. */
    void run(Results results, List<Contender> contenders, List<String> phases, int rounds) throws Exception {
        for (int round = 0; round <= rounds; round++) {
            console.step(results.title() + ": " + (round == 0 ? "warming up" : "round " + round + " of " + rounds));
            // Another one begins each time: nobody always follows the same.
            List<Contender> order = new ArrayList<>(contenders);
            Collections.rotate(order, -round);
            for (Contender contender : order) {
                try (Turn turn = contender.turn()) {
                    StringBuilder said = new StringBuilder(String.format("%-14s", contender.name()));
                    for (String phase : phases) {
                        Measure.Command command = turn.command(phase);
                        if (command == null) {
                            continue;
                        }
                        Measure.Cost cost = measure.run(command);
                        turn.check(phase);
                        if (round > 0 || rounds == 0) {
                            results.add(contender.name(), phase, cost);
                        }
                        said.append("  ").append(phase).append(' ').append(Results.show(cost));
                    }
                    console.say(said.toString());
                }
            }
        }
    }
}
