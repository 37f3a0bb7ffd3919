package lib.release;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import lib.base.Console;
import lib.base.Exec;
import lib.base.Fault;
import lib.base.FileTree;
import lib.git.Git;
import lib.nix.Nix;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;

/**
 * What must hold of a release that was built, before anybody publishes it.
 *
 * @param folder as release/ will be
 * @param jobs   what was built
 * @param system of this machine
 * @param source the tar of the commit; empty where only the manual was built
 */
public record BuiltChecks(Git git, Release release, Path folder, List<Nix.Job> jobs, String system, Optional<Path> source) {

    private static final String PROGRAM = "bin/nix";
    /** Names people give it, and the folder of the REUSE specification. */
    private static final Pattern LICENCE = Pattern.compile("(?i)((un)?licen[cs]e|copying|copyright)([._-].*)?|licen[cs]es/.+");

    /** Throws Fault (refused) with all that the checks have found, but for those to skip; returns those that were skipped. */
    public Set<BuiltCheck> require(Set<BuiltCheck> skip, Console console) {
        return Checking.require(BuiltCheck.class, this::question, skip, List.of(), "Checking what was built", console, faults -> Fault.refused(
                release.version() + " is not fit to be released", faults,
                "fix that, tag again, and run build again; --skip NAME,... skips checks by name, and release.json says which"));
    }

    /** Empty where there is nothing to ask. */
    private Optional<Checking.Question> question(BuiltCheck check) {
        return switch (check) {
            case links -> Optional.of(() -> ManualLinks.dead(folder.resolve("manual")));
            case debug -> Optional.of(debugs()).filter(found -> !found.isEmpty()).map(found -> () -> empty(found));
            case version -> program().filter(found -> source.isPresent()).map(found -> () -> version(found));
            case machine -> Optional.of(() -> Traces.of(git, jobs, source.isPresent() ? folder.resolve("artifacts") : folder, release.stem() + ".tar.gz"));
            case licences -> source.map(tar -> () -> licence(tar));
        };
    }

    private List<Nix.Job> debugs() {
        return source.isPresent() ? jobs.stream().filter(job -> job.outputs().containsKey("debug")).toList() : List.of();
    }

    private static List<String> empty(List<Nix.Job> debugs) throws IOException {
        List<String> faults = new ArrayList<>();
        for (Nix.Job job : debugs) {
            Path debug = Path.of(job.outputs().get("debug"));
            if (FileTree.files(debug).isEmpty()) {
                faults.add("the output debug of " + job.attr() + " has no file in it: " + debug);
            }
        }
        return faults;
    }

    private Optional<Path> program() {
        return jobs.stream().filter(job -> job.attr().equals("build." + system) && job.outputs().containsKey("out"))
                .map(job -> Path.of(job.outputs().get("out"), PROGRAM)).filter(Files::isExecutable).findFirst();
    }

    private List<String> version(Path program) {
        Exec asks = Exec.of(program.toString(), "--version").baseEnv(git.env());
        Exec.Result result = asks.run();
        if (result.exit() != 0) {
            return List.of(asks.because(result));
        }
        return release.version().isIn(result.out()) ? List.of() : List.of(program + " --version does not say " + release.version() + ", but '" + result.out().strip() + "'");
    }

    private List<String> licence(Path tar) throws IOException {
        try (InputStream in = new BufferedInputStream(Files.newInputStream(tar)); TarArchiveInputStream entries = new TarArchiveInputStream(in, "UTF-8")) {
            for (TarArchiveEntry entry = entries.getNextEntry(); entry != null; entry = entries.getNextEntry()) {
                String name = entry.getName().replaceFirst("^[^/]*/", "");
                if (LICENCE.matcher(name).matches() && (entry.isSymbolicLink() || entry.isFile() && entry.getSize() > 0)) {
                    return List.of();
                }
            }
        }
        return List.of("the source has no licence at its top: a file such as COPYING or LICENSE, or the folder LICENSES");
    }
}
