package lib.nix;

import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import lib.base.Fault;

/** Release jobs by what they are to a release: the builds, the manual, the files to publish. */
public final class ReleaseJobs {

    private final List<Nix.Job> jobs;
    private final SortedMap<String, Nix.Job> builds = new TreeMap<>();

    /** Throws Fault when the builds are not one a system, each with an output {@code out}. */
    public ReleaseJobs(List<Nix.Job> jobs) {
        this.jobs = List.copyOf(jobs);
        List<String> faults = new ArrayList<>();
        for (Nix.Job job : jobs) {
            String[] path = job.attr().split("\\.");
            if (path.length < 2 || !path[path.length - 2].equals("build")) {
                continue;
            }
            Nix.Job other = builds.put(job.system(), job);
            if (other != null) {
                faults.add("two builds for " + job.system() + ": " + other.attr() + " and " + job.attr());
            }
            if (!job.outputs().containsKey("out")) {
                faults.add(job.attr() + " has no output 'out', only " + String.join(", ", job.outputs().keySet()));
            }
        }
        if (builds.isEmpty()) {
            faults.add("there is no job build.SYSTEM");
        }
        if (!faults.isEmpty()) {
            throw unfit(faults);
        }
    }

    /** The job {@code build.SYSTEM} of each system. */
    public SortedMap<String, Nix.Job> builds() {
        return builds;
    }

    /** The build whose output {@code doc} is the manual: this system's, which needs no other builder, else any. */
    public Nix.Job manual(String system) {
        List<Nix.Job> candidates = new ArrayList<>(List.of(builds.getOrDefault(system, builds.get(builds.firstKey()))));
        candidates.addAll(builds.values());
        return candidates.stream().filter(job -> job.outputs().containsKey("doc")).findFirst()
                .orElseThrow(() -> unfit(List.of("there is no manual: no build has an output 'doc': "
                        + String.join(", ", builds.values().stream().map(Nix.Job::attr).toList()))));
    }

    /** The one job whose output holds the files to publish. */
    public Nix.Job tarballs() {
        List<Nix.Job> found = jobs.stream().filter(job -> job.attr().equals("tarballs") || job.attr().endsWith(".tarballs")).toList();
        if (found.size() != 1) {
            throw unfit(List.of(found.isEmpty() ? "there is no job 'tarballs', whose output holds the files to publish"
                    : "more than one job 'tarballs': " + String.join(", ", found.stream().map(Nix.Job::attr).toList())));
        }
        return found.get(0);
    }

    private static Fault unfit(List<String> faults) {
        return Fault.failed("release-jobs do not have the jobs that a release needs", faults, "fix the flake, tag again, and run build again");
    }
}
