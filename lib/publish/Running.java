package lib.publish;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import lib.base.Fault;

/**
 * Operations that run at once, each as soon as what it needs is done. What has just become possible goes before what was
 * possible all the time: what belongs together is finished before the next is begun.
 */
final class Running {

    private final Consumer<Operation> doing;
    private final Deque<Operation> ready = new ArrayDeque<>();
    private final Map<Operation, List<Operation>> waiting = new IdentityHashMap<>();
    private final Map<Operation, Integer> lacks = new IdentityHashMap<>();
    private final List<Fault> faults = new ArrayList<>();
    private int running;

    /** {@code doing} throws Fault, and nothing else. */
    Running(List<Operation> operations, Consumer<Operation> doing) {
        this.doing = doing;
        Set<Operation> ours = Collections.newSetFromMap(new IdentityHashMap<>());
        ours.addAll(operations);
        for (Operation operation : operations) {
            List<Operation> needs = operation.needs().stream().filter(ours::contains).toList(); // the others are done
            needs.forEach(needed -> waiting.computeIfAbsent(needed, key -> new ArrayList<>()).add(operation));
            if (needs.isEmpty()) {
                ready.add(operation);
            } else {
                lacks.put(operation, needs.size());
            }
        }
    }

    /** Ends when all are done, or, after the first failure, when nothing runs any more. Returns what failed. */
    List<Fault> run(int concurrency) {
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < Math.min(concurrency, ready.size() + lacks.size()); i++) {
            Thread thread = new Thread(this::work, "publish");
            thread.setDaemon(true);
            threads.add(thread);
        }
        threads.forEach(Thread::start);
        try {
            for (Thread thread : threads) {
                thread.join();
            }
        } catch (InterruptedException e) {
            threads.forEach(Thread::interrupt);
            Thread.currentThread().interrupt();
            throw Fault.failed("the run was interrupted", "a thread was stopped", "run again");
        }
        if (faults.isEmpty() && !lacks.isEmpty()) {
            throw new IllegalStateException("operations that need each other: " + lacks.keySet());
        }
        return faults;
    }

    private void work() {
        for (Operation operation = next(); operation != null; operation = next()) {
            Fault failure = null;
            try {
                doing.accept(operation);
            } catch (Fault fault) {
                failure = fault;
            } catch (Throwable e) { // or the others would wait for ever
                failure = Fault.failed(operation + " failed", e.toString(), "run again").from(e);
            }
            done(operation, failure);
        }
    }

    /** The next to run; null when there will be none. */
    private synchronized Operation next() {
        try {
            while (ready.isEmpty() && running > 0) {
                wait();
            }
        } catch (InterruptedException e) {
            return null;
        }
        if (ready.isEmpty()) {
            return null;
        }
        running++;
        return ready.removeFirst();
    }

    private synchronized void done(Operation operation, Fault failure) {
        running--;
        if (failure != null) {
            faults.add(failure);
        }
        if (!faults.isEmpty()) {
            ready.clear();
        } else {
            for (Operation dependent : waiting.getOrDefault(operation, List.of())) {
                if (lacks.merge(dependent, -1, Integer::sum) == 0) {
                    lacks.remove(dependent);
                    ready.addFirst(dependent);
                    notify(); // one each: all would wake for a single place
                }
            }
        }
        if (ready.isEmpty() && running == 0) {
            notifyAll();
        }
    }
}
