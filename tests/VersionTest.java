import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import lib.release.Version;
import org.junit.jupiter.api.Test;

class VersionTest {

    private static final List<String> ORDER = List.of("2.90.0-dev", "2.90-alpha.1", "2.90-beta.1", "2.90-beta.2", "2.90.0-rc1",
            "2.90.0-rc2", "2.90.0-rc10", "2.90.0", "2.90.1", "2.91.0", "2.91.10", "3.0", "10.0.0");

    @Test
    void versionsSortAsReleasesFollowEachOther() {
        List<Version> versions = new ArrayList<>(ORDER.stream().map(Version::of).toList());
        Collections.shuffle(versions, new Random(1));
        Collections.sort(versions);
        assertEquals(ORDER, versions.stream().map(Version::toString).toList());
    }

    @Test
    void majorIsTheFirstTwoComponents() {
        assertEquals("2.93", Version.of("2.93.1").major());
        assertEquals("2.90", Version.of("2.90.0-rc1").major());
        assertEquals("2.90", Version.of("2.90-beta.1").major());
    }

    @Test
    void spellingsOfOneVersionAreEqual() {
        assertEquals(Version.of("2.90"), Version.of("2.90.0"));
        assertEquals(Version.of("2.90").hashCode(), Version.of("2.90.0").hashCode());
        assertEquals("2.90", Version.of("2.90").toString());
    }

    @Test
    void onlyFinalVersionsAreFinal() {
        assertTrue(Version.of("2.90.0").isFinal());
        assertFalse(Version.of("2.90.0-rc1").isFinal());
        assertTrue(Version.of("2.96.0-dev").isDevelopment());
    }

    @Test
    void whatIsNoVersionIsAnErrorThatSaysWhatOneLooksLike() {
        for (String text : List.of("", "abc", "2", "2.", "2.90.0-", "v2.90.0", "2.90.0 ", "2.90.0-foo1", "2.90/0", "2.90.0-rc1-rc2")) {
            var error = assertThrows(IllegalArgumentException.class, () -> Version.of(text), text);
            assertTrue(error.getMessage().contains("2.93.1"), error.getMessage());
        }
    }
}
