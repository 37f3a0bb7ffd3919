package lib.nix;

import java.util.ArrayList;
import java.util.List;
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

    private static void add(List<String> line, String name, String value) {
        if (value != null) {
            line.addAll(List.of("--option", name, value));
        }
    }
}
