import java.nio.file.Files;
import java.nio.file.Path;

/** Where releng itself is checked out: a script cannot know its own path. */
final class Home {

    private Home() {
    }

    /** The folder the launcher stands in, or else the current one or one above it. */
    static Path folder() {
        String set = System.getProperty("releng.home");
        if (set != null) {
            return Path.of(set);
        }
        String launcher = System.getenv("JBANG_LAUNCH_CMD");
        Path start = launcher != null && isHome(Path.of(launcher).toAbsolutePath().getParent())
                ? Path.of(launcher).toAbsolutePath().getParent() : Path.of("").toAbsolutePath();
        for (Path folder = start; folder != null; folder = folder.getParent()) {
            if (isHome(folder)) {
                return folder.normalize();
            }
        }
        throw new IllegalStateException("run from inside releng's own checkout: no prepare.java in " + start + " or above it");
    }

    /** The command that runs JBang scripts: the launcher that ran us, or else ours. */
    static String launcher(java.util.Map<String, String> env) {
        String launcher = env.get("JBANG_LAUNCH_CMD");
        return launcher != null && Files.isExecutable(Path.of(launcher)) ? launcher : folder().resolve("jbang").toString();
    }

    static Path samples() {
        return folder().resolve("tests/sample-project");
    }

    private static boolean isHome(Path folder) {
        return folder != null && Files.exists(folder.resolve("prepare.java")) && Files.exists(folder.resolve("lib/base/Cli.java"));
    }
}
