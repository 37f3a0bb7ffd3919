package lib.base;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/** Text for a terminal that is so many characters wide. */
public final class Columns {

    private static final String DOTS = "...";
    private static final String GAP = "  ";

    private Columns() {
    }

    /** The text, or its beginning and end where it is longer than {@code width}, which is 4 or more. */
    public static String middle(String text, int width) {
        if (text.length() <= width) {
            return text;
        }
        int begin = (width - DOTS.length() + 1) / 2;
        return text.substring(0, begin) + DOTS + text.substring(text.length() - (width - DOTS.length() - begin));
    }

    /**
     * Rows as cells that stand below one another, each padded but the last. Where a row would be longer than {@code width}, the columns that
     * are {@code elastic} give way, the widest first, and are shortened in the middle.
     */
    public static List<List<String>> fit(List<List<String>> rows, int width, Integer... elastic) {
        int columns = rows.stream().mapToInt(List::size).max().orElse(0);
        int[] widths = IntStream.range(0, columns).map(column -> rows.stream().filter(row -> row.size() > column).mapToInt(row -> row.get(column).length()).max().orElse(0)).toArray();
        while (IntStream.of(widths).sum() + GAP.length() * (columns - 1) > width) {
            int widest = List.of(elastic).stream().max((one, other) -> Integer.compare(widths[one], widths[other])).orElseThrow();
            widths[widest]--;
        }
        return rows.stream().map(row -> {
            List<String> cells = new ArrayList<>();
            for (int i = 0; i < row.size(); i++) {
                String text = middle(row.get(i), Math.max(widths[i], DOTS.length() + 1));
                cells.add(i == row.size() - 1 ? text : text + " ".repeat(Math.max(0, widths[i] - text.length())) + GAP);
            }
            return cells;
        }).toList();
    }

    /** Words in lines of at most {@code width}, each after the first indented; a word that is longer than a line is shortened in the middle. */
    public static List<String> wrap(String text, int width, String indent) {
        List<String> lines = new ArrayList<>();
        StringBuilder line = new StringBuilder(text.replaceFirst("(?s)\\S.*", ""));
        for (String word : text.strip().split("\\s+")) {
            String fits = middle(word, width - indent.length());
            if (!line.toString().isBlank() && line.length() + 1 + fits.length() > width) {
                lines.add(line.toString());
                line = new StringBuilder(indent).append(fits);
            } else {
                line.append(line.toString().isBlank() ? "" : " ").append(fits);
            }
        }
        lines.add(line.toString());
        return lines;
    }
}
