package lib.nix;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import picocli.CommandLine.Option;

/** What the release manager hands through to Nix, as a picocli mixin. */
public final class NixOptions {

    @Option(names = {"-j", "--max-jobs"}, paramLabel = "N", description = "How many builds run at once on this machine; Nix's setting max-jobs.")
    String maxJobs;

    @Option(names = "--cores", paramLabel = "N", description = "How many cores a build may use; Nix's setting cores.")
    String cores;

    @Option(names = "--builders", paramLabel = "SPEC", description = "Remote builders; Nix's setting builders.")
    String builders;

    @Option(names = "--option", arity = "2", paramLabel = "NAME VALUE", hideParamSyntax = true,
            description = "Any other setting of Nix; may be given more than once.")
    List<String> settings = new ArrayList<>();

    @Option(names = {"-k", "--keep-going"}, description = "Keep building after a failure, to see all failures.")
    boolean keepGoing;

    /** As Nix's commands take them. */
    public List<String> line() {
        List<String> line = new ArrayList<>();
        add(line, "max-jobs", maxJobs);
        add(line, "cores", cores);
        add(line, "builders", builders);
        add(line, "keep-going", keepGoing ? "true" : null);
        for (int i = 0; i + 1 < settings.size(); i += 2) {
            add(line, settings.get(i), settings.get(i + 1));
        }
        return line;
    }

    /** Those that what is built, or where it comes from, may depend on. Others may name machines, or hold a token: of those only the name is anybody's business. */
    private static final Set<String> PUBLIC = Set.of("cores", "extra-platforms", "extra-substituters", "extra-trusted-public-keys", "fallback", "keep-going", "max-jobs", "max-silent-time",
            "require-sigs", "sandbox", "sandbox-fallback", "substitute", "substituters", "system", "system-features", "timeout", "trusted-public-keys");

    /** The settings by name, for anybody to read. */
    public SortedMap<String, String> published() {
        SortedMap<String, String> published = new TreeMap<>();
        List<String> line = line();
        for (int i = 0; i < line.size(); i += 3) {
            String value = line.get(i + 2);
            published.put(line.get(i + 1), PUBLIC.contains(line.get(i + 1)) && !value.matches("(?s).*[@?].*") ? value : "(not published)");
        }
        return published;
    }

    private static void add(List<String> line, String name, String value) {
        if (value != null) {
            line.addAll(List.of("--option", name, value));
        }
    }
}
