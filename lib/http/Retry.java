package lib.http;

import java.io.EOFException;
import java.io.IOException;
import java.net.SocketException;
import java.net.UnknownHostException;
import java.security.cert.CertificateException;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLException;

/** Does again what may work the next time: 5xx, 408, 429, lost connections, timeouts. Never what was refused. */
public final class Retry {

    private static final long FIRST_MILLIS = 200;
    private static final long LONGEST_MILLIS = 20_000;

    public interface Attempt<T> {
        T run() throws IOException;
    }

    private Retry() {
    }

    /** Throws what the last attempt threw. */
    public static <T> T run(Tuning tuning, Attempt<T> attempt) throws IOException {
        long end = System.nanoTime() + tuning.patience().toNanos();
        for (int tried = 1; ; tried++) {
            long pause;
            try {
                return attempt.run();
            } catch (Refusal refusal) {
                pause = refusal.retryAfter.isPresent() ? millis(refusal.retryAfter.get(), Instant.now()) : backoff(tried);
                if (!refusal.passing() || tried == tuning.attempts()) {
                    throw refusal;
                }
                if (tooLate(pause, end)) {
                    throw refusal.retryAfter.isPresent() ? refusal.tooLong() : refusal;
                }
            } catch (IOException e) {
                pause = backoff(tried);
                if (e instanceof UnknownHostException || e instanceof SSLException && !(e.getCause() instanceof SocketException || e.getCause() instanceof EOFException)
                        || tried == tuning.attempts() || tooLate(pause, end)) {
                    throw e;
                }
            }
            try {
                // The pause is the point, there is nothing to wait for: an overloaded store, or one that said Retry-After, is not asked again at once.
                Thread.sleep(pause);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IOException("interrupted while waiting to try again", e);
            }
        }
    }

    /** What a lost connection means for people: what Java says of it is often only a name. */
    public static String told(Exception e) {
        for (Throwable cause = e; cause != null; cause = cause.getCause()) {
            if (cause instanceof UnknownHostException) {
                return "no address is known for the name " + cause.getMessage();
            }
            if (cause instanceof CertificateException || cause.getClass().getName().endsWith("CertPathBuilderException")) {
                return "its certificate is not trusted: " + cause.getMessage() + "; where its authority is your own, name the file with that in AWS_CA_BUNDLE,"
                        + " SSL_CERT_FILE or the environment's key ca";
            }
        }
        String said = e.getMessage() == null ? e.toString() : e.getMessage();
        return said.contains("refused by proxy") && said.contains("407") ? said + "; " + Network.LOGIN : said;
    }

    private static boolean tooLate(long pause, long end) {
        return pause > TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
    }

    // Full jitter: requests that failed at once must not come back at once.
    private static long backoff(int tried) {
        return ThreadLocalRandom.current().nextLong(Math.min(LONGEST_MILLIS, FIRST_MILLIS << Math.min(tried, 20)) + 1);
    }

    /** Retry-After in milliseconds: seconds or an HTTP date, RFC 9110, 10.2.3. What is neither is taken for a second. */
    static long millis(String retryAfter, Instant now) {
        String asked = retryAfter.strip();
        if (asked.matches("\\d+")) {
            return TimeUnit.SECONDS.toMillis(asked.length() > 10 ? Integer.MAX_VALUE : Long.parseLong(asked));
        }
        try {
            return Math.max(0, Duration.between(now, ZonedDateTime.parse(asked, DateTimeFormatter.RFC_1123_DATE_TIME)).toMillis());
        } catch (DateTimeException | ArithmeticException e) {
            return 1000;
        }
    }
}
