import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;
import lib.base.Console;
import lib.base.Fault;
import lib.publish.Destination;
import lib.publish.Operation;
import lib.publish.Plan;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class PlanTest {

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final Console console = new Console(InputStream.nullInputStream(), new PrintStream(out, true, StandardCharsets.UTF_8),
            new PrintStream(OutputStream.nullOutputStream()), false, false);
    private final List<String> done = Collections.synchronizedList(new ArrayList<>());

    private Operation operation(String name) {
        return Operation.create(name, 1, "to", () -> done.add(name));
    }

    private Operation failing(String name) {
        return Operation.create(name, 1, "to", () -> {
            throw Fault.failed(name + " failed", "because", "fix it");
        });
    }

    private static Destination destination(Destination.Stage... stages) {
        return new Destination() {
            @Override
            public String name() {
                return "place";
            }

            @Override
            public Difference compare() {
                return new Difference(List.of(stages), List.of());
            }
        };
    }

    @Test
    void aLongOperationSaysHowFarItHasCome() throws IOException {
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        Console terminal = new Console(InputStream.nullInputStream(), new PrintStream(out, true), new PrintStream(err, true), true, false);
        Operation.LongAction slow = sent -> {
            sent.accept(4000);
            // Until the line is redrawn, with an end: it is not redrawn with every byte.
            for (long end = System.nanoTime() + 20_000_000_000L; !err.toString().contains("4.0 kB of 10 kB") && System.nanoTime() < end; ) {
                sent.accept(0);
            }
            sent.accept(20_000); // some of it for the second time
        };
        new Plan().add(destination(new Destination.Stage("one", List.of(Operation.create("image", 10_000, "to", slow))))).run(terminal, 1);
        assertTrue(err.toString().contains("0 of 1, 4.0 kB of 10 kB"), err.toString());
        assertFalse(err.toString().contains("24 kB of"), err.toString());
    }

    @Test
    void stagesRunInTheirOrder() throws IOException {
        List<Operation> first = IntStream.range(0, 50).mapToObj(i -> operation("a" + i)).toList();
        Plan plan = new Plan().add(destination(new Destination.Stage("one", first), new Destination.Stage("two", List.of(operation("b")))))
                .verify("it is there", () -> done.add("verified")).add(destination(new Destination.Stage("three", List.of(operation("c")))));
        plan.run(console, 8);
        assertEquals(53, done.size());
        assertEquals(List.of("b", "verified", "c"), done.subList(50, 53));
    }

    @Test
    @DisplayName("hazard 28: a failure is thrown, whatever else went well, and nothing of a later stage runs")
    void aFailureIsThrownAndNothingOfALaterStageRuns() throws IOException {
        Plan plan = new Plan().add(destination(new Destination.Stage("one", List.of(operation("a"), failing("b"), operation("c"))),
                new Destination.Stage("two", List.of(operation("d")))));
        Fault fault = assertThrows(Fault.class, () -> plan.run(console, 1));
        assertEquals("b failed", fault.what());
        assertFalse(done.contains("d"), done.toString());
        Plan throwing = new Plan().add(destination(new Destination.Stage("one", List.of(Operation.create("x", 0, "to", () -> {
            throw new IllegalStateException("nobody foresaw this");
        })))));
        assertTrue(assertThrows(Fault.class, () -> throwing.run(console, 1)).getMessage().contains("nobody foresaw this"));
    }

    @Test
    @DisplayName("exit code 3 means that nothing was changed: what is refused once something was written is a failure")
    void whatIsRefusedAfterSomethingWasWrittenIsAFailure() throws IOException {
        Operation refusing = Operation.create("x", 0, "to", () -> {
            throw Fault.refused("no", "because", "next");
        });
        Plan first = new Plan().add(destination(new Destination.Stage("one", List.of(refusing))));
        assertEquals(Fault.Kind.REFUSED, assertThrows(Fault.class, () -> first.run(console, 2)).kind());
        Plan staged = new Plan().add(destination(new Destination.Stage("one", List.of(Operation.stage("here", 1, () -> done.add("here")))),
                new Destination.Stage("two", List.of(refusing)))).verify("it is there", () -> done.add("looked"));
        assertEquals(Fault.Kind.REFUSED, assertThrows(Fault.class, () -> staged.run(console, 2)).kind());
        for (Operation write : List.of(operation("a"), failing("a"))) {
            Plan after = new Plan().add(destination(new Destination.Stage("one", List.of(write)), new Destination.Stage("two", List.of(refusing))));
            assertEquals(Fault.Kind.FAILED, assertThrows(Fault.class, () -> after.run(console, 2)).kind());
        }
    }

    @Test
    void whatChangedSinceThePlanWasMadeStopsItBeforeThatPlaceIsTouched() throws IOException {
        Destination changing = new Destination() {
            @Override
            public String name() {
                return "pointer";
            }

            @Override
            public Difference compare() {
                return new Difference(List.of(new Destination.Stage("one", List.of(operation("b")))), List.of(), () -> {
                    throw Fault.refused("it moved", "to there", "next");
                });
            }
        };
        Plan plan = new Plan().add(destination(new Destination.Stage("one", List.of(operation("a"))))).add(changing);
        assertEquals(Fault.Kind.REFUSED, assertThrows(Fault.class, plan::requireUnchanged).kind());
        assertEquals(List.of(), done);
        assertEquals(Fault.Kind.FAILED, assertThrows(Fault.class, () -> plan.run(console, 2)).kind());
        assertEquals(List.of("a"), done);
    }

    @Test
    void whenSeveralFailAllAreNamed() throws IOException {
        java.util.concurrent.CyclicBarrier together = new java.util.concurrent.CyclicBarrier(2);
        List<Operation> both = List.of("x", "y").stream().map(name -> Operation.create(name, 1, "to", () -> {
            together.await();
            throw Fault.failed(name + " failed", "because", "fix it");
        })).toList();
        Fault fault = assertThrows(Fault.class, () -> new Plan().add(destination(new Destination.Stage("one", both))).run(console, 2));
        assertTrue(fault.getMessage().contains("x failed") && fault.getMessage().contains("y failed"), fault.getMessage());
    }

    @Test
    @DisplayName("hazard 26: what comes after a proof that fails does not run")
    void whatComesAfterAFailingProofDoesNotRun() throws IOException {
        Plan plan = new Plan().add(destination(new Destination.Stage("one", List.of(operation("content")))))
                .verify("it is there", () -> {
                    throw Fault.failed("it is not", "gone", "run again");
                }).add(destination(new Destination.Stage("two", List.of(operation("pointer")))));
        assertEquals("it is not", assertThrows(Fault.class, () -> plan.run(console, 4)).what());
        assertEquals(List.of("content"), done);
    }

    @Test
    void anOperationWaitsForWhatItNeedsAndForNothingElse() throws IOException {
        java.util.concurrent.CountDownLatch last = new java.util.concurrent.CountDownLatch(1);
        Operation first = operation("a1");
        Operation slow = Operation.create("a2", 1, "to", () -> {
            assertTrue(last.await(20, java.util.concurrent.TimeUnit.SECONDS), "b1 waits for a2");
            done.add("a2");
        });
        Operation second = Operation.create("b1", 1, "to", () -> {
            done.add("b1");
            last.countDown();
        }).after(List.of(first));
        Operation both = operation("b2").after(List.of(first, slow, second));
        new Plan().add(destination(new Destination.Stage("one", List.of(slow, first)), new Destination.Stage("two", List.of(both, second), true),
                new Destination.Stage("three", List.of(operation("c"))))).run(console, 4);
        assertEquals(List.of("a1", "b1", "a2", "b2", "c"), done);
    }

    @Test
    void whatNeedsAFailedOperationDoesNotRun() throws IOException {
        Operation failing = failing("a");
        Plan plan = new Plan().add(destination(new Destination.Stage("one", List.of(failing)), new Destination.Stage("two", List.of(operation("b").after(List.of(failing))), true)));
        assertEquals("a failed", assertThrows(Fault.class, () -> plan.run(console, 3)).what());
        assertEquals(List.of(), done);
    }

    @Test
    void whatIsPrintedIsWhatRuns() throws IOException {
        Plan plan = new Plan().add(destination(new Destination.Stage("one", List.of(operation("a"), Operation.replace("b", 2_000_000, "0123456789abcdef0123456789abcdef",
                "fedcba9876543210fedcba9876543210", () -> done.add("b")), Operation.delete("c", "etag", () -> done.add("c"))))));
        plan.print(console, true);
        assertEquals("""
                place: one (create 1, replace 1, delete 1; 2.0 MB)
                    create a to
                    replace b 0123456789ab -> fedcba987654
                    delete c etag
                """, out.toString(StandardCharsets.UTF_8));
        assertTrue(done.isEmpty());
        plan.run(console, 1);
        assertEquals(List.of("a", "b", "c"), done);
    }

    @Test
    void aPlanThatOnlyVerifiesIsEmpty() throws IOException {
        assertTrue(new Plan().add(destination()).verify("all", () -> { }).isEmpty());
        assertFalse(new Plan().add(destination(new Destination.Stage("one", List.of(operation("a"))))).isEmpty());
    }
}
