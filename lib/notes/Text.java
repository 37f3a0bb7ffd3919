package lib.notes;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/** Text files as people keep them. */
final class Text {

    /** The order of UTF-8 bytes and of git's trees; String's own differs beyond U+FFFF. */
    static final Comparator<String> BY_CODE_POINT =
            (a, b) -> Arrays.compare(a.codePoints().toArray(), b.codePoints().toArray());

    private Text() {
    }

    /**
     * A file's text without byte order mark, its lines ended by {@code \n} alone. Empty, and a
     * problem with its line, when the bytes are not UTF-8 or have conflicts of a merge.
     */
    static Optional<String> decode(byte[] bytes, String file, List<Problem> problems) {
        CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder();
        CharBuffer chars = CharBuffer.allocate(bytes.length);
        ByteBuffer in = ByteBuffer.wrap(bytes);
        CoderResult result = decoder.decode(in, chars, true);
        if (result.isError()) {
            problems.add(new Problem(file, line(chars.flip().toString(), chars.length()), "is not UTF-8 from here on"));
            return Optional.empty();
        }
        String text = chars.flip().toString();
        return Optional.of(lines(text.startsWith("\ufeff") ? text.substring(1) : text)).filter(whole -> !isInConflict(whole, file, problems));
    }

    /** The text with its lines ended by {@code \n} alone; Markdown ends one also at a lone {@code \r}. */
    static String lines(String text) {
        return text.replace("\r\n", "\n").replace('\r', '\n');
    }

    /** A problem for every mark that an unfinished merge left; true when there is one. */
    private static boolean isInConflict(String text, String file, List<Problem> problems) {
        List<String> lines = text.lines().toList();
        // The marks between are also a heading's and a table's.
        if (lines.stream().noneMatch(line -> line.matches("(<{7,}|>{7,})( .*)?"))) {
            return false;
        }
        for (int i = 0; i < lines.size(); i++) {
            if (lines.get(i).matches("(<{7,}|>{7,}|\\|{7,})( .*)?|={7}")) {
                problems.add(new Problem(file, i + 1, "is an unresolved merge conflict: '" + lines.get(i).substring(0, 7)
                        + "'; resolve it and remove this line"));
            }
        }
        return true;
    }

    /** The number, from 1, of the line a position is in. */
    static int line(String text, int position) {
        return 1 + (int) text.substring(0, Math.min(position, text.length())).chars().filter(c -> c == '\n').count();
    }

    /** Whether Markdown takes a line for blank: other white space than this is text to it. */
    static boolean isBlank(String line) {
        return line.chars().allMatch(c -> c == ' ' || c == '\t');
    }

    /** {@code A}; {@code A and B}; {@code A, B, and C}. */
    static String join(List<String> names) {
        int last = names.size() - 1;
        return switch (names.size()) {
            case 0, 1 -> String.join("", names);
            case 2 -> names.get(0) + " and " + names.get(1);
            default -> String.join(", ", names.subList(0, last)) + ", and " + names.get(last);
        };
    }
}
