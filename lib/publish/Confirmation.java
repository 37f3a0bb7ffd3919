package lib.publish;

import lib.Console;
import lib.Environment;
import lib.Fault;

/**
 * The question before anything is changed, with the environment in its colour.
 *
 * @param skip do not ask: somebody said so
 */
public record Confirmation(Console console, Environment environment, boolean skip) {

    /** The environment's name in its colour: red is where the world looks. */
    public String spoken() {
        return console.paint(environment.guarded() ? Console.Colour.RED : environment.isLocal() ? Console.Colour.GREEN : Console.Colour.YELLOW,
                environment.name());
    }

    /** Throws Fault (refused) unless the sentence is typed. */
    public void require(String title) {
        String sentence = "I want to release this to " + environment.name();
        if (skip) {
            return;
        }
        String answer = console.ask("To publish " + title + " on " + spoken() + ", type: " + sentence + "\n>");
        if (!answer.equals(sentence)) {
            throw Fault.refused("not confirmed", answer.isEmpty() ? "nothing was typed" : "typed was: " + answer,
                    "run again and type the sentence, or say --noconfirm; nothing was published");
        }
    }
}
