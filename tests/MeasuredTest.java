import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import lib.base.FileTree;
import lib.base.Measured;
import org.junit.jupiter.api.Test;

/** Whoever reads or writes, and however: all bytes are counted and digested. */
class MeasuredTest {

    private static final byte[] BYTES = new byte[300_000];

    static {
        new Random(7).nextBytes(BYTES);
    }

    private static void assertWhole(Measured measured) {
        assertEquals(BYTES.length, measured.size());
        assertEquals("sha256:" + FileTree.sha256(BYTES), measured.digest());
    }

    @Test
    void whatIsSkippedIsMeasuredToo() throws IOException {
        Measured measured = new Measured();
        InputStream in = measured.reading(new ByteArrayInputStream(BYTES));
        assertEquals(BYTES[0] & 0xff, in.read());
        in.skipNBytes(200_000);
        assertArrayEquals(Arrays.copyOfRange(BYTES, 200_001, BYTES.length), in.readAllBytes());
        assertEquals(-1, in.read());
        assertEquals(0, in.skip(1));
        assertWhole(measured);
    }

    @Test
    void whatIsWrittenGoesOnAsItIs() throws IOException {
        ByteArrayOutputStream to = new ByteArrayOutputStream();
        try (Measured measured = new Measured(to)) {
            measured.write(BYTES[0]);
            measured.write(BYTES, 1, BYTES.length - 1);
            assertWhole(measured);
        }
        assertArrayEquals(BYTES, to.toByteArray());
    }

    @Test
    void ofWhatNeverEndsNoMoreThanAByteTooManyIsRead() throws IOException {
        AtomicLong taken = new AtomicLong();
        InputStream endless = new InputStream() {
            @Override
            public int read() {
                taken.incrementAndGet();
                return 0;
            }
        };
        for (long most : new long[] {0, 1, (1 << 16) - 1, 1 << 16, (1 << 16) + 1}) {
            taken.set(0);
            assertEquals(most + 1, Measured.of(endless, most).size());
            assertEquals(most + 1, taken.get());
        }
        AtomicLong came = new AtomicLong();
        assertWhole(Measured.of(new ByteArrayInputStream(BYTES), Long.MAX_VALUE, came::addAndGet));
        assertEquals(BYTES.length, came.get());
    }
}
