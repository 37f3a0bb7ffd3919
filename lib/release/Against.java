package lib.release;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import lib.base.Cli;
import lib.base.Console;
import lib.base.Fault;
import lib.config.Config;
import lib.config.Limits;
import lib.git.Git;
import picocli.CommandLine.Option;

/**
 * The release before, which one that is built is compared with.
 *
 * @param release empty where there is none
 * @param where   it is, for people, or else why there is none
 * @param allowed to grow above its limit
 */
public record Against(Optional<BuiltRelease> release, String where, Limits limits, Set<Limits.Kind> allowed) {

    /** Which it is, and how far one may grow beyond it, as a picocli mixin. */
    public static final class Options {
        @Option(names = "--against", paramLabel = "RELEASE", description = "What to compare sizes with: a folder release/, a release.json, or an environment's "
                + "current release. Default: that of live, in a clone of the project that is released there.")
        String against;

        @Option(names = "--allow-growth", arity = "0..1", split = ",", fallbackValue = "closure,images,files", paramLabel = "NAME",
                description = "Only warn of growth above the limits in releng.json, of all or of: ${COMPLETION-CANDIDATES}.")
        Set<Limits.Kind> allowed = EnumSet.noneOf(Limits.Kind.class);
    }

    /**
     * Looks for it: before the build, which may take hours. Throws Fault where what was named cannot be read; and (refused)
     * where the project has limits and its public place does not answer.
     */
    public static Against find(Options options, Cli.Session session, Git git, Config config, Version version) {
        Limits limits = config.limits();
        boolean named = options.against != null;
        if (named && !isEnvironment(options.against, config)) {
            return new Against(Optional.of(read(session.resolve(Path.of(options.against)))), options.against, limits, options.allowed);
        }
        Optional<PublicPlace> place = named ? Optional.of(PublicPlace.of(config.environment(options.against), git, config)) : PublicPlace.live(git, config);
        if (place.isEmpty()) {
            return new Against(Optional.empty(), "no remote of this clone is that of a project which is public on live; --against names a release", limits, options.allowed);
        }
        String environment = place.get().environment().name();
        try {
            Optional<BuiltRelease> release = current(place.get(), version);
            return new Against(release, release.isPresent() ? environment : environment + " has no release with a " + BuiltRelease.FILE + " yet", limits, options.allowed);
        } catch (IOException e) {
            if (!options.allowed.containsAll(named ? EnumSet.allOf(Limits.Kind.class) : limits.percent().keySet())) {
                throw Fault.refused("the sizes of the release before are not known", e.getMessage(),
                        "try again, name a folder release/ or a release.json with --against, or pass --allow-growth to go without");
            }
            return new Against(Optional.empty(), e.getMessage(), limits, options.allowed);
        }
    }

    /** Prints what has grown, and warns of what grew much. Throws Fault (refused) with what grew above the project's limits. */
    public void require(BuiltRelease built, Console console) {
        if (release.isEmpty()) {
            console.say("sizes are not compared: " + where);
            return;
        }
        console.step("Comparing sizes with " + release.get().version() + " (" + where + ")");
        Growth growth = new Growth(release.get(), built);
        growth.table().forEach(console::say);
        growth.notable(limits).forEach(console::warn);
        growth.above(limits.only(kind -> allowed.contains(kind))).forEach(console::warn);
        List<String> above = growth.above(limits.only(kind -> !allowed.contains(kind)));
        if (!above.isEmpty()) {
            throw Fault.refused("the release has grown above its limits", above,
                    "find out why; to release it anyway, pass --allow-growth, or change limits in " + Config.FILE);
        }
    }

    // Of the same MAJOR where there is one: a patch of an older one is not compared with what came later.
    private static Optional<BuiltRelease> current(PublicPlace place, Version version) throws IOException {
        Optional<Version> newest = place.manifest();
        Optional<Version> own = newest.isPresent() && !newest.get().major().equals(version.major()) ? place.manual(version.major()) : Optional.empty();
        Optional<String> folder = own.or(() -> newest).map(found -> place.project().folder(found.toString()));
        String address = place.address("releases", folder.orElse("") + BuiltRelease.FILE);
        try {
            return folder.isEmpty() ? Optional.empty() : place.read(address).map(json -> BuiltRelease.parse(json.getBytes(StandardCharsets.UTF_8), address));
        } catch (Fault fault) {
            throw new IOException(fault.what() + ": " + String.join("; ", fault.why()), fault);
        }
    }

    private static boolean isEnvironment(String name, Config config) {
        return name.equals("production") || config.environments().containsKey(name);
    }

    private static BuiltRelease read(Path file) {
        try {
            if (!Files.exists(file)) {
                throw Fault.usage("there is nothing to compare with at " + file, "it is not there, and no environment has that name",
                        "name a folder release/, a release.json or an environment with --against");
            }
            return Files.isDirectory(file) ? BuiltRelease.read(file) : BuiltRelease.parse(Files.readAllBytes(file), file.toString());
        } catch (IOException e) {
            throw Fault.failed(file + " cannot be read", e.toString(), "look at it, or name another with --against").from(e);
        }
    }
}
