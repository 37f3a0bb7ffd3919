import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;

/** The costs of one comparison, and what is said about them. */
final class Results {

    private static final Map<String, ToDoubleFunction<Measure.Cost>> FIGURES = new LinkedHashMap<>();

    private static final Measure.Cost NOTHING = new Measure.Cost(Double.NaN, Double.NaN, Double.NaN);

    static {
        FIGURES.put("wall", Measure.Cost::wall);
        FIGURES.put("cpu", Measure.Cost::cpu);
        FIGURES.put("rss", Measure.Cost::rss);
    }

    private final String title;
    private final String label;
    private final Map<String, Map<String, List<Measure.Cost>>> costs = new LinkedHashMap<>();

    /**
     * @param title for people
     * @param label of the ratio lines, with {@code %s} where the peer's name belongs
     */
    Results(String title, String label) {
        this.title = title;
        this.label = label;
    }

    String title() {
        return title;
    }

    void add(String contender, String phase, Measure.Cost cost) {
        costs.computeIfAbsent(contender, name -> new LinkedHashMap<>()).computeIfAbsent(phase, name -> new ArrayList<>()).add(cost);
    }

    /** A line a contender, with the medians of all phases; the order it was given in. */
    List<String> table(List<String> contenders) {
        Set<String> phases = new LinkedHashSet<>();
        contenders.forEach(contender -> phases.addAll(costs.get(contender).keySet()));
        List<String> lines = new ArrayList<>(List.of(title + "; medians"));
        StringBuilder head = new StringBuilder(" ".repeat(14));
        phases.forEach(phase -> head.append(String.format("  | %6s: wall    cpu s  peak MB", phase)));
        lines.add(head.toString());
        for (String contender : contenders) {
            StringBuilder line = new StringBuilder(String.format("%-14s", contender));
            for (String phase : phases) {
                List<Measure.Cost> all = costs.get(contender).getOrDefault(phase, List.of(NOTHING));
                line.append(String.format(Locale.ROOT, "  | %12.3f %8.3f %8.1f", median(all, Measure.Cost::wall),
                        median(all, Measure.Cost::cpu), median(all, Measure.Cost::rss) / 1e6));
            }
            lines.add(line.toString());
        }
        return lines;
    }

    /** {@code figure LABEL PHASE FIGURE MEDIAN MIN MAX}: seconds, megabytes, and requests. */
    List<String> figures(String contender, List<String> phases, Function<String, List<Double>> requests) {
        List<String> lines = new ArrayList<>();
        for (String phase : phases) {
            List<Measure.Cost> all = costs.get(contender).get(phase);
            if (all == null) {
                continue;
            }
            Map<String, List<Double>> figures = new LinkedHashMap<>();
            FIGURES.forEach((figure, of) -> figures.put(figure, all.stream().map(cost -> of.applyAsDouble(cost) / (figure.equals("rss") ? 1e6 : 1)).toList()));
            figures.put("requests", requests.apply(phase));
            figures.forEach((figure, values) -> {
                List<Double> sorted = values.stream().sorted().toList();
                lines.add(String.format(Locale.ROOT, "figure %s %s %s %.3f %.3f %.3f", String.format(label, contender), phase, figure, median(sorted),
                        sorted.get(0), sorted.get(sorted.size() - 1)));
            });
        }
        return lines;
    }

    /** {@code ratio LABEL PHASE FIGURE MEDIAN MIN MAX}: ours to each peer's, pair by pair within a round. */
    List<String> ratios(String ours, List<String> peers) {
        List<String> lines = new ArrayList<>();
        for (String peer : peers) {
            costs.get(peer).forEach((phase, theirs) -> FIGURES.forEach((figure, of) -> {
                List<Measure.Cost> mine = costs.get(ours).get(phase);
                List<Double> ratios = new ArrayList<>();
                for (int round = 0; round < theirs.size(); round++) {
                    // No child is so quick that it costs nothing; it is only not seen.
                    ratios.add(of.applyAsDouble(mine.get(round)) / Math.max(0.001, of.applyAsDouble(theirs.get(round))));
                }
                ratios.sort(null);
                lines.add(String.format(Locale.ROOT, "ratio %s %s %s %.3f %.3f %.3f", String.format(label, peer), phase, figure,
                        median(ratios), ratios.get(0), ratios.get(ratios.size() - 1)));
            }));
        }
        return lines;
    }

    static String show(Measure.Cost cost) {
        return String.format(Locale.ROOT, "%7.3f s, cpu %7.3f s, peak %6.1f MB", cost.wall(), cost.cpu(), cost.rss() / 1e6);
    }

    static double median(List<Measure.Cost> costs, ToDoubleFunction<Measure.Cost> figure) {
        return median(costs.stream().map(figure::applyAsDouble).sorted().toList());
    }

    private static double median(List<Double> sorted) {
        int middle = sorted.size() / 2;
        return sorted.size() % 2 == 1 ? sorted.get(middle) : (sorted.get(middle - 1) + sorted.get(middle)) / 2;
    }
}
