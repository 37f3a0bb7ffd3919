import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpServer;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import lib.base.Parallel;
import lib.http.Network;
import lib.proof.Fetcher;
import lib.s3.ObjectStore;
import lib.s3.Pace;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;

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
    void aNearStoreThatHoldsAnswersBackIsAskedForMore() {
        Pace pace = new Pace(128);
        for (int i = 0; i < 1000; i++) {
            answers(pace, 1, i % 10 == 0 ? 2 : 42);
        }
        assertTrue(pace.limit() > 16, pace.limit() + " at once");
    }

    @Test
    void aNearStoreThatOthersKeepBusyIsNotAskedMoreForLong() {
        Pace pace = new Pace(128);
        answers(pace, 10, 0.5);
        double limits = 0;
        for (int i = 0; i < 3000; i++) {
            answers(pace, 1, 2, 0.2);
            limits += pace.limit();
        }
        assertTrue(limits / 3000 < 11, limits / 3000 + " at once");
    }

    @Test
    @DisplayName("a server that leaves Nagle's algorithm on, as Ceph does, sends a short answer's body when its head is confirmed: 40 ms later")
    void bodiesThatComeLateAreAskedForTogether() throws Exception {
        AtomicInteger running = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        ExecutorService threads = Executors.newCachedThreadPool();
        server.setExecutor(threads);
        server.createContext("/", exchange -> {
            most.accumulateAndGet(running.incrementAndGet(), Math::max);
            exchange.sendResponseHeaders(200, 5);
            exchange.getResponseBody().flush();
            try {
                // The pause is what is tested: a server that holds its bodies back for so long.
                Thread.sleep(40);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            running.decrementAndGet();
            exchange.getResponseBody().write("hello".getBytes());
            exchange.close();
        });
        server.start();
        URI base = URI.create("http://127.0.0.1:" + server.getAddress().getPort());
        try (ObjectStore store = ObjectStore.connect(base, "local", StaticCredentialsProvider.create(AwsBasicCredentials.create("id", "secret")))) {
            Fetcher anybody = Fetcher.anonymous(Map.of("cache", base), Duration.ofSeconds(10), Network.PLAIN);
            for (Parallel.Work<Integer> get : List.<Parallel.Work<Integer>>of(i -> store.get("bucket", "k"), i -> anybody.first(6, "cache", "k"))) {
                most.set(0);
                Parallel.forEach(IntStream.range(0, 400).boxed().toList(), 64, get);
                assertTrue(most.get() > 16, most + " at once");
            }
        } finally {
            server.stop(0);
            threads.shutdown();
        }
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
