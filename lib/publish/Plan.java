package lib.publish;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import lib.base.Console;
import lib.base.Fault;
import lib.base.Json;
import lib.base.Progress;

/** The ordered list of operations that makes the actual state the desired one: printed, or run. */
public final class Plan {

    /** {@code unchanged} is asked before the first stage of a destination. */
    private record Step(String destination, Destination.Stage stage, Operation.Action unchanged) {
        String title() {
            return destination + ": " + stage.name();
        }
    }

    private static final int SHOWN = 6;

    private final List<Step> steps = new ArrayList<>();
    private final List<String> conflicts = new ArrayList<>();
    private Runnable first = () -> { };

    /** Adds what a destination lacks. Asks it now; whoever changes what may change there until it is run stops the run. */
    public Plan add(Destination destination) throws IOException {
        Destination.Difference difference = destination.compare();
        for (Destination.Stage stage : difference.stages()) {
            steps.add(new Step(destination.name(), stage, stage == difference.stages().get(0) ? difference.unchanged() : () -> { }));
        }
        difference.conflicts().forEach(conflict -> conflicts.add(destination.name() + ": " + conflict));
        return this;
    }

    /** Does this before anything that a run changes. */
    public Plan first(Runnable action) {
        first = action;
        return this;
    }

    /** The same, where there is one. */
    public Plan add(Optional<? extends Destination> destination) throws IOException {
        return destination.isPresent() ? add(destination.get()) : this;
    }

    /** Adds a check that everything before it must pass, for anything after it to run. */
    public Plan verify(String what, Operation.Action action) {
        steps.add(new Step("verify", new Destination.Stage(what, List.of(Operation.verify(what, action))), () -> { }));
        return this;
    }

    /** Whether there is nothing to do, but perhaps to verify. */
    public boolean isEmpty() {
        return conflicts.isEmpty() && steps.stream().flatMap(step -> step.stage().operations().stream())
                .allMatch(operation -> operation.kind() == Operation.Kind.VERIFY);
    }

    /** Throws Fault (refused) with every conflict. */
    public void requireNoConflicts() {
        if (!conflicts.isEmpty()) {
            throw Fault.refused("other bytes are already published under names that never change", conflicts,
                    "release under a new version, or find out who published those; nothing was written");
        }
    }

    /** The operations on standard output, grouped by destination and stage, with counts and bytes. */
    public void print(Console console, boolean all) {
        for (Step step : steps) {
            List<Operation> operations = step.stage().operations();
            Map<Operation.Kind, Integer> kinds = new LinkedHashMap<>();
            operations.forEach(operation -> kinds.merge(operation.kind(), 1, Integer::sum));
            List<String> counts = kinds.entrySet().stream().map(kind -> kind.getKey().name().toLowerCase() + " " + kind.getValue()).toList();
            console.print(console.paint(Console.Colour.BOLD, step.title()) + " (" + String.join(", ", counts) + "; "
                    + Progress.size(bytes(operations)) + ")");
            int shown = all || operations.size() <= SHOWN ? operations.size() : SHOWN - 2;
            operations.subList(0, shown).forEach(operation -> console.print("    " + operation));
            if (shown < operations.size()) {
                console.print("    and " + (operations.size() - shown) + " more; --verbose shows them");
            }
        }
    }

    /** The operations on standard output as JSON, one object a line. */
    public void printJson(Console console) {
        for (Step step : steps) {
            for (Operation operation : step.stage().operations()) {
                var json = Json.MAPPER.createObjectNode().put("destination", step.destination()).put("stage", step.stage().name())
                        .put("kind", operation.kind().name().toLowerCase()).put("what", operation.what()).put("bytes", operation.bytes());
                operation.from().ifPresent(from -> json.put("from", from));
                operation.to().ifPresent(to -> json.put("to", to));
                console.print(json.toString());
            }
        }
    }

    /** Throws Fault (refused) where a place that changes is not what it was when the plan was made. */
    public void requireUnchanged() {
        steps.forEach(step -> act(step.title(), step.unchanged()));
    }

    private static void act(String what, Operation.Action action) {
        try {
            action.run();
        } catch (Fault fault) {
            throw fault;
        } catch (Exception e) {
            throw Fault.failed(what + " failed", e.toString(), "run again").from(e);
        }
    }

    /**
     * Runs the stages in order, the operations of a stage, and of those that do not wait for its end, at once. The first failure lets what is
     * running end, starts nothing more, and is thrown with all others; nothing of a later stage runs. What was
     * refused is a failure once anything was written.
     */
    public void run(Console console, int concurrency) {
        if (!isEmpty()) {
            first.run();
        }
        Thread interrupted = new Thread(() -> console.warn("interrupted: " + done() + "; what was sent is kept, and running again sends the rest"),
                "interrupted");
        Runtime.getRuntime().addShutdownHook(interrupted);
        try {
            while (finished < steps.size()) {
                List<Step> together = together(finished);
                List<Operation> operations = together.stream().flatMap(step -> step.stage().operations().stream()).toList();
                current = new Progress(console, title(together), operations.size(), bytes(operations));
                console.step(title(together) + ", " + operations.size() + (operations.size() == 1 ? " operation" : " operations"));
                together.forEach(step -> act(step.title(), step.unchanged()));
                runTogether(operations, title(together), concurrency);
                finished += together.size();
            }
        } catch (Fault fault) {
            throw written ? fault.failed() : fault;
        } finally {
            Runtime.getRuntime().removeShutdownHook(interrupted);
        }
    }

    /** The step at this place and those that do not wait for its end. */
    private List<Step> together(int from) {
        int to = from + 1;
        while (to < steps.size() && steps.get(to).stage().meanwhile()) {
            to++;
        }
        return steps.subList(from, to);
    }

    private static String title(List<Step> together) {
        return together.get(0).destination() + ": " + together.stream().map(step -> step.stage().name()).collect(Collectors.joining(", "));
    }

    private volatile int finished;
    private volatile boolean written;
    private volatile Progress current;

    private String done() {
        int operations = steps.stream().limit(finished).mapToInt(step -> step.stage().operations().size()).sum();
        int all = steps.stream().mapToInt(step -> step.stage().operations().size()).sum();
        long inStage = finished < steps.size() && current != null ? current.count() : 0;
        String where = finished < steps.size() ? "; stopped in " + title(together(finished)) : "";
        return (operations + inStage) + " of " + all + " operations are done" + where;
    }

    private void runTogether(List<Operation> operations, String title, int concurrency) {
        Progress progress = current;
        List<Fault> faults = new Running(operations, operation -> {
            try {
                AtomicLong left = new AtomicLong(operation.bytes()); // what is sent twice counts once
                operation.action().run(bytes -> progress.sent(Math.min(bytes, left.getAndAdd(-bytes))));
                progress.add(left.get());
                wrote(operation);
            } catch (Fault fault) {
                if (fault.kind() != Fault.Kind.REFUSED) {
                    wrote(operation); // who knows how far it came
                }
                throw fault;
            } catch (Exception e) {
                wrote(operation);
                throw Fault.failed(operation + " failed", e.toString(), "run again").from(e);
            }
        }).run(concurrency);
        if (faults.size() == 1) {
            throw faults.get(0);
        }
        if (!faults.isEmpty()) {
            throw Fault.failed(faults.size() + " operations of " + title + " failed",
                    faults.stream().map(fault -> fault.getMessage()).distinct().toList(), faults.get(0).next()).from(faults.get(0));
        }
    }

    private void wrote(Operation operation) {
        if (operation.kind().writes()) {
            written = true;
        }
    }

    private static long bytes(List<Operation> operations) {
        return operations.stream().mapToLong(Operation::bytes).sum();
    }
}
