package lib.publish;

import lib.base.Console;
import lib.base.Fault;
import lib.config.Environment;

/**
 * A plan is carried out only after a question, with the environment in its colour.
 *
 * @param skip        do not ask: somebody said so
 * @param concurrency operations at once
 */
public record Confirmation(Console console, Environment environment, boolean skip, Showing showing, int concurrency) {

    /** The environment's name in its colour: red is where the world looks. */
    public String spoken() {
        return console.paint(environment.guarded() ? Console.Colour.RED : environment.isLocal() ? Console.Colour.GREEN : Console.Colour.YELLOW,
                environment.name());
    }

    /**
     * How a plan is shown.
     *
     * @param only           it is not carried out
     * @param json           an operation a line
     * @param everyOperation not only some of each stage
     */
    public record Showing(boolean only, boolean json, boolean everyOperation) {
    }

    /** Prints a plan, asks, and runs the same plan. Throws Fault (refused) for a conflict, or when it is not confirmed. */
    public void carryOut(Plan plan, String title) {
        plan.requireNoConflicts();
        if (plan.isEmpty() && !showing.json()) {
            if (!showing.only()) {
                plan.run(console, concurrency); // the run that sent the last of it may have ended before it had proved it
            }
            console.done("nothing to do: " + spoken() + " already has " + title + (showing.only() ? "" : ", all of it proved"));
            return;
        }
        if (showing.json()) {
            plan.printJson(console);
        } else {
            plan.print(console, showing.everyOperation());
        }
        if (showing.only()) {
            return;
        }
        if (!skip) {
            require(title);
            plan.requireUnchanged(); // while somebody thought about it; and each place again before it changes
        }
        plan.run(console, concurrency);
        console.done("published on " + spoken() + ": " + title);
        environment.urls().values().stream().sorted().forEach(url -> console.say(url.toString()));
    }

    private void require(String title) {
        String sentence = "I want to release this to " + environment.name();
        String answer = console.ask("To publish " + title + " on " + spoken() + ", type: " + sentence + "\n>");
        if (!answer.equals(sentence)) {
            throw Fault.refused("not confirmed", answer.isEmpty() ? "nothing was typed" : "you typed: " + answer,
                    "run again and type the sentence, or pass --noconfirm; nothing was published");
        }
    }
}
