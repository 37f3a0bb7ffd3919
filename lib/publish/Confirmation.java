package lib.publish;

import lib.base.Console;
import lib.base.Fault;
import lib.config.Environment;
import picocli.CommandLine.Option;

/**
 * A plan is carried out only after a question, with the environment in its colour.
 *
 * @param everyOperation the plan is shown whole, not only some of each stage
 * @param concurrency    operations at once
 */
public record Confirmation(Console console, Environment environment, Options wish, boolean everyOperation, int concurrency) {

    /** Whether to show, ask and run, as a picocli mixin. */
    public static final class Options {
        @Option(names = {"-n", "--plan", "--dry-run"}, description = "Print what would be done, and do nothing. Needs only read access.")
        public boolean planOnly;

        @Option(names = "--json", description = "Print the plan as JSON, one operation per line; with --target status one document.")
        public boolean json;

        @Option(names = "--noconfirm", description = "Do not ask before publishing.")
        public boolean noConfirm;
    }

    /** The environment's name in its colour: red is where the world looks. */
    public String spoken() {
        return console.paint(environment.guarded() ? Console.Colour.RED : environment.isLocal() ? Console.Colour.GREEN : Console.Colour.YELLOW,
                environment.name());
    }

    /** Prints a plan, asks, and runs the same plan. Throws Fault (refused) for a conflict, or when it is not confirmed. */
    public void carryOut(Plan plan, String title) {
        plan.requireNoConflicts();
        if (plan.isEmpty() && !wish.json) {
            if (!wish.planOnly) {
                plan.run(console, concurrency); // the run that sent the last of it may have ended before it had proved it
            }
            console.done("nothing to do: " + spoken() + " already has " + title + (wish.planOnly ? "" : ", all of it proved"));
            return;
        }
        if (wish.json) {
            plan.printJson(console);
        } else {
            plan.print(console, everyOperation);
        }
        if (wish.planOnly) {
            return;
        }
        if (!wish.noConfirm) {
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
