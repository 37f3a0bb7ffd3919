import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.TimeUnit;
import lib.s3.Pace;
import org.junit.jupiter.api.Test;

/** How many requests there are at once, with answers that take as long as the test says. */
class PaceTest {

    private static void answers(Pace pace, int count, double millis) {
        for (int i = 0; i < count; i++) {
            pace.begin();
            pace.answered((long) (millis * TimeUnit.MILLISECONDS.toNanos(1)));
            pace.end();
        }
    }

    @Test
    void aNearStoreIsNotAskedMoreThanItCanAnswer() {
        Pace pace = new Pace(64);
        int few = pace.limit();
        answers(pace, 1000, 1);
        assertEquals(few, pace.limit());
    }

    @Test
    void aFarStoreIsAskedForAllThatMayBe() {
        Pace pace = new Pace(64);
        answers(pace, 1000, 20);
        assertEquals(64, pace.limit());
    }

    @Test
    void aFarStoreThatIsBusyIsNotAskedMore() {
        Pace pace = new Pace(64);
        answers(pace, 1, 20);
        int few = pace.limit();
        answers(pace, 1000, 50);
        assertEquals(few, pace.limit());
    }

    @Test
    void noMoreAtOnceThanAllowedHoweverFar() throws Exception {
        Pace pace = new Pace(3);
        answers(pace, 100, 200);
        assertEquals(3, pace.limit());
        for (int i = 0; i < 3; i++) {
            pace.begin();
        }
        Thread fourth = new Thread(pace::begin);
        fourth.start();
        while (fourth.getState() != Thread.State.WAITING) {
            assertTrue(fourth.isAlive(), "the fourth began");
            Thread.onSpinWait();
        }
        pace.end();
        fourth.join();
    }
}
