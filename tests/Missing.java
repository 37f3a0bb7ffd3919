import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The programs tests and rehearsal need, and the Debian packages they come in. */
final class Missing {

    static final Map<String, String> FOR_REHEARSAL = programs("git", "git", "nix", "nix-bin", "xz", "xz-utils", "skopeo", "skopeo", "umoci", "umoci",
            "docker-registry", "docker-registry");
    static final Map<String, String> FOR_TESTS = programs("git", "git", "nix", "nix-bin", "xz", "xz-utils", "skopeo", "skopeo", "umoci", "umoci",
            "docker-registry", "docker-registry", "ssh", "openssh-client", "ssh-keygen", "openssh-client", "gpg", "gnupg", "chromium", "chromium");

    private Missing() {
    }

    /** Whether all are there, after installing them where that was asked for; says what it does and what to type. */
    static boolean provide(Map<String, String> programs, boolean install) {
        List<String> packages = new ArrayList<>();
        programs.forEach((program, debian) -> {
            if (!onPath(program)) {
                packages.add(debian);
            }
        });
        if (packages.isEmpty()) {
            return true;
        }
        List<String> sudo = System.getProperty("user.name").equals("root") ? List.of() : List.of("sudo");
        List<String> command = new ArrayList<>(sudo);
        command.addAll(List.of("apt-get", "install", "-y", "--no-install-recommends"));
        command.addAll(packages);
        if (!install) {
            System.err.println("error: missing: " + String.join(", ", packages));
            System.err.println("  next: run again with --install-missing, or type: " + String.join(" ", command));
            return false;
        }
        System.err.println("installing " + String.join(", ", packages) + ": " + String.join(" ", command));
        List<String> update = new ArrayList<>(sudo);
        update.addAll(List.of("apt-get", "update"));
        // The package lists may be too old to install from, and then only an update helps.
        if (quietly(command) != 0 && (quietly(update) != 0 || quietly(command) != 0)) {
            System.err.println("error: apt could not install " + String.join(", ", packages));
            System.err.println("  next: install them by hand and run again");
            return false;
        }
        return true;
    }

    static boolean onPath(String program) {
        for (String folder : System.getenv().getOrDefault("PATH", "").split(java.io.File.pathSeparator)) {
            if (java.nio.file.Files.isExecutable(java.nio.file.Path.of(folder, program))) {
                return true;
            }
        }
        return false;
    }

    private static int quietly(List<String> command) {
        try {
            ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
            builder.environment().put("DEBIAN_FRONTEND", "noninteractive");
            Process process = builder.start();
            process.getOutputStream().close();
            String said = new String(process.getInputStream().readAllBytes());
            int exit = process.waitFor();
            if (exit != 0) {
                System.err.print(said);
            }
            return exit;
        } catch (IOException e) {
            System.err.println(e.getMessage());
            return 127;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return 130;
        }
    }

    private static Map<String, String> programs(String... pairs) {
        Map<String, String> map = new LinkedHashMap<>();
        for (int i = 0; i < pairs.length; i += 2) {
            map.put(pairs[i], pairs[i + 1]);
        }
        return map;
    }
}
