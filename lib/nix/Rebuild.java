package lib.nix;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import lib.base.Console;
import lib.base.Difference;
import lib.base.Exec;
import lib.base.Fault;
import lib.base.FileTree;

/** Builds a release's derivations again, from the same inputs, and holds what comes out against what is in the store. */
public record Rebuild(Nix nix, Map<String, String> env, Console console) {

    // ATerm of a derivation: outputs, input derivations, input sources, then the system.
    private static final Pattern SYSTEM = Pattern.compile("\\],\\[[^\\[\\]]*\\],\"([^\"]+)\",\"");
    private static final Pattern KEPT = Pattern.compile("keeping build directory ['\"]([^'\"]+)['\"]");
    private static final String NEXT = "fix the derivation, tag again, and run build again; without --check it is released as it is";

    /**
     * The jobs, and what is built between one of them and another: an image is made of a build, and goes into the tarballs.
     * Throws Fault with what differs. Nix builds again on this machine only, so those for other systems are merely named.
     */
    public Nix.Rebuilt require(List<Nix.Job> jobs) throws IOException {
        List<String> here = new ArrayList<>();
        List<String> elsewhere = new ArrayList<>();
        Set<String> systems = nix.systems();
        for (String drv : derivations(jobs.stream().map(Nix.Job::drvPath).distinct().sorted().toList())) {
            (systems.contains(system(drv)) ? here : elsewhere).add(drv);
        }
        if (!elsewhere.isEmpty()) {
            console.warn("not built again, as this machine is of another system: " + elsewhere.size() + " derivations\n" + String.join("\n", elsewhere));
        }
        if (!here.isEmpty()) {
            check(here);
        }
        return new Nix.Rebuilt(List.copyOf(here), List.copyOf(elsewhere));
    }

    private Collection<String> derivations(List<String> jobs) {
        Set<String> between = new HashSet<>(nix.inStore("--query --requisites", jobs));
        between.retainAll(new HashSet<>(nix.inStore("--query --referrers-closure", jobs)));
        between.removeIf(path -> !path.endsWith(".drv"));
        return new TreeSet<>(between);
    }

    private static String system(String drv) throws IOException {
        Matcher system = SYSTEM.matcher(Files.readString(Path.of(drv), java.nio.charset.StandardCharsets.ISO_8859_1));
        return system.find() ? system.group(1) : "";
    }

    private void check(List<String> drvs) throws IOException {
        List<String> line = new ArrayList<>(List.of("nix-store", "--realise", "--check"));
        line.addAll(drvs);
        line.addAll(nix.options);
        // Else what came out the second time is gone when Nix says that it differs.
        line.addAll(List.of("--option", "keep-failed", "true", "--option", "keep-going", "true"));
        Exec check = nix.fetching(line).onError(text -> {
            if (!text.contains("--add-root")) { // those from the first time hold
                console.say(text);
            }
        });
        Exec.Result result = check.run();
        if (result.exit() == 0) {
            return;
        }
        List<String> faults = new ArrayList<>();
        for (String output : nix.inStore("--query --outputs", drvs)) {
            Path second = Path.of(output + ".check");
            if (result.err().contains(second.toString())) {
                faults.add(output);
                Difference.between(Path.of(output), second, env).forEach(difference -> faults.add("  " + difference));
                remove(second);
            }
        }
        for (Matcher kept = KEPT.matcher(result.err()); kept.find(); ) {
            Path folder = Path.of(kept.group(1));
            if (drvs.stream().anyMatch(drv -> folder.getFileName().toString().startsWith("nix-build-" + name(drv) + "-"))) {
                remove(folder);
            }
        }
        throw faults.isEmpty() ? Fault.failed("what was built cannot be built again", check.because(result), NEXT)
                : Fault.failed("what was built is not reproducible: built again, these are others", faults, NEXT);
    }

    private static String name(String drv) {
        return drv.replaceFirst("^.*/[^-]*-", "");
    }

    // With a daemon both are root's: then the second output goes with the next garbage collection.
    private static void remove(Path folder) {
        try {
            FileTree.remove(folder);
        } catch (IOException e) {
            // as said above
        }
    }
}
