package lib.release;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Collectors;
import lib.base.Console;
import lib.base.Fault;

/** Asks checks that have names, and may be skipped by them. */
final class Checking {

    interface Question {
        /** What speaks against the release, a sentence each. */
        List<String> ask() throws IOException;
    }

    private Checking() {
    }

    /**
     * Throws {@code refusal} with {@code known} and all that the checks have found, but for those to skip; tells the console what is checked.
     * Returns those that were skipped, which are not those that had nothing to ask.
     *
     * @param question of a check; empty where there is nothing to ask
     */
    static <C extends Enum<C>> Set<C> require(Class<C> checks, Function<C, Optional<Question>> question, Set<C> skip, List<String> known, String step, Console console,
                                              Function<List<String>, Fault> refusal) {
        Map<C, Question> questions = new EnumMap<>(checks);
        for (C check : checks.getEnumConstants()) {
            question.apply(check).ifPresent(asks -> questions.put(check, asks));
        }
        List<C> unasked = Arrays.stream(checks.getEnumConstants()).filter(check -> !questions.containsKey(check)).toList();
        Set<C> skipped = new TreeSet<>(skip);
        skipped.retainAll(questions.keySet());
        questions.keySet().removeAll(skipped);
        console.step(step + ": " + list(questions.keySet()) + (unasked.isEmpty() ? "" : " (nothing to ask here: " + list(unasked) + ")"));
        if (!skipped.isEmpty()) {
            console.warn("skipped: " + list(skipped));
        }
        List<String> faults = new ArrayList<>(known);
        questions.forEach((check, asks) -> ask(asks).forEach(sentence -> faults.add(check + ": " + sentence)));
        if (!faults.isEmpty()) {
            throw refusal.apply(faults);
        }
        return skipped;
    }

    private static List<String> ask(Question question) {
        try {
            return question.ask();
        } catch (IOException e) {
            return List.of(e.getMessage());
        }
    }

    private static String list(Collection<? extends Enum<?>> checks) {
        return checks.isEmpty() ? "nothing" : checks.stream().map(Enum::name).collect(Collectors.joining(", "));
    }
}
