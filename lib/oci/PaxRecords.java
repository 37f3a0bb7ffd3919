package lib.oci;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

/** The records of an extended header (POSIX.1-2017, pax): {@code LENGTH KEY=VALUE}, each ended by a newline. */
final class PaxRecords {

    private PaxRecords() {
    }

    /**
     * Those that say what an entry is, by their keys; of a key that is there twice the last. The pieces of a sparse
     * file (GNU.sparse.offset and numbytes) become one GNU.sparse.map. Throws IOException for what is no record.
     */
    static Map<String, String> of(byte[] bytes) throws IOException {
        Map<String, String> records = new HashMap<>();
        StringBuilder pieces = new StringBuilder();
        for (int at = 0; at < bytes.length; ) {
            int blank = at;
            long length = 0; // up to seven digits: more than any header has
            while (blank < bytes.length && blank - at < 7 && bytes[blank] >= '0' && bytes[blank] <= '9') {
                length = length * 10 + bytes[blank++] - '0';
            }
            long end = at + length;
            if (blank >= bytes.length || bytes[blank] != ' ' || end <= blank + 1 || end > bytes.length || bytes[(int) end - 1] != '\n') {
                throw new IOException("an extended header has a malformed record");
            }
            int equals = blank + 1;
            while (bytes[equals] != '=') {
                if (bytes[equals++] == '\n' && equals == end) {
                    throw new IOException("an extended header has a record without a value");
                }
            }
            String key = new String(bytes, blank + 1, equals - blank - 1, StandardCharsets.UTF_8);
            int from = equals + 1;
            int size = (int) end - 1 - from;
            if (key.equals("GNU.sparse.offset") || key.equals("GNU.sparse.numbytes")) {
                pieces.append(pieces.isEmpty() ? "" : ",").append(new String(bytes, from, size, StandardCharsets.ISO_8859_1));
            } else if (key.equals("path") || key.equals("linkpath") || key.equals("size") || key.startsWith("GNU.sparse.")) {
                records.put(key, value(bytes, from, size));
            }
            at = (int) end;
        }
        if (!pieces.isEmpty()) {
            records.put("GNU.sparse.map", pieces.toString());
        }
        records.values().removeIf(String::isEmpty); // as if it were not there
        return records;
    }

    private static String value(byte[] bytes, int from, int size) throws IOException {
        String value = new String(bytes, from, size, StandardCharsets.UTF_8);
        if (value.indexOf('\0') >= 0) {
            throw new IOException("an extended header has a name with a NUL inside");
        }
        return value;
    }

    /** Decimal digits, and nothing else. */
    static long number(String digits) throws IOException {
        try {
            if (!digits.isEmpty() && Character.isDigit(digits.charAt(0))) {
                return Long.parseLong(digits);
            }
        } catch (NumberFormatException e) {
            // said below
        }
        throw new IOException("an extended header has a number that is malformed, negative or too large");
    }
}
