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

    /** So many answers of a store at a distance that serves so many in a millisecond: what it cannot serve at once waits. Returns how long all took. */
    private static double answers(Pace pace, int count, double distance, double serves) {
        double millis = 0;
        for (int i = 0; i < count; i++) {
            double takes = Math.max(distance, pace.limit() / serves);
            millis += takes / pace.limit();
            answers(pace, 1, takes);
        }
        return millis;
    }

    @Test
    void aNearStoreIsNotAskedMoreThanItCanAnswer() {
        Pace pace = new Pace(128);
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
    void theStartIsNotTenRoundTripsLate() {
        Pace pace = new Pace(128);
        answers(pace, 1, 40);
        assertTrue(pace.limit() >= 64, pace.limit() + " after the first answer");
        answers(pace, pace.limit(), 40);
        assertEquals(128, pace.limit());
    }

    @Test
    void aFarStoreThatIsBusyIsAskedForNoMoreThanItServes() {
        Pace pace = new Pace(128);
        double millis = answers(pace, 3000, 40, 0.5); // twenty at once are as good as any number
        assertTrue(pace.limit() <= 40, pace.limit() + " at once");
        assertTrue(millis < 1.1 * 3000 / 0.5, millis + " ms: it serves 500 a second");
    }

    @Test
    void whatTakesLongerByItselfIsAskedForAsMuch() {
        Pace pace = new Pace(128);
        answers(pace, 1000, 40);
        assertEquals(128, pace.limit());
        double millis = answers(pace, 5000, 200, 1000); // objects that are written, not read
        assertTrue(millis < 1.4 * 5000 * 200 / 128, millis + " ms");
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
