import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import lib.base.Exec;

/** The unpacked files of an image, and the PATH its config has. */
record Rootfs(Path folder, List<String> path) {

    private static final String PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    private static final int MOST_LINKS = 40;
    /** In mounts of its own, which end with it: folder, what is lent to it, and after -- what to run. */
    private static final String RUN = """
            set -e
            root=$1; shift
            while [ "$1" != -- ]; do
              mkdir "$root/$1"
              mount --rbind "/$1" "$root/$1"
              shift
            done
            shift
            exec chroot "$root" "$@"
            """;

    static Rootfs of(Path folder, JsonNode config) {
        String path = PATH;
        for (JsonNode variable : config.path("Env")) {
            path = variable.asText().startsWith("PATH=") ? variable.asText().substring("PATH=".length()) : path;
        }
        return new Rootfs(folder, List.of(path.split(":")));
    }

    /** Whether this machine lets us run something in other files than its own. */
    static boolean runs() {
        return Exec.of("unshare", "--map-root-user", "--mount", "true").run().exit() == 0;
    }

    /** Where a command's program is, as who is inside sees it; empty where there is none, or it may not be run. */
    Optional<String> find(String command) throws IOException {
        Stream<String> places = command.contains("/") ? Stream.of(command) : path.stream().map(place -> place + "/" + command);
        for (String place : places.toList()) {
            Optional<Path> file = inside(place);
            if (file.isPresent() && Files.isRegularFile(file.get()) && Files.isExecutable(file.get())) {
                return Optional.of(place);
            }
        }
        return Optional.empty();
    }

    // A link with an absolute target begins at the folder, and none leads out of it.
    private Optional<Path> inside(String path) throws IOException {
        Deque<String> names = new ArrayDeque<>(List.of(path.split("/")));
        Path at = folder;
        for (int links = 0; !names.isEmpty(); ) {
            String name = names.pop();
            Path next = name.isEmpty() || name.equals(".") ? at : name.equals("..") ? at.equals(folder) ? at : at.getParent() : at.resolve(name);
            if (!Files.isSymbolicLink(next)) {
                at = next;
                continue;
            }
            if (++links > MOST_LINKS) {
                return Optional.empty();
            }
            String target = Files.readSymbolicLink(next).toString();
            at = target.startsWith("/") ? folder : at;
            List<String> more = List.of(target.split("/"));
            for (int i = more.size() - 1; i >= 0; i--) {
                names.push(more.get(i));
            }
        }
        return Files.exists(at) ? Optional.of(at) : Optional.empty();
    }

    /** Runs a program of it. A script whose shell it lacks is lent this machine's. */
    Exec.Result run(String program, String... arguments) throws IOException {
        List<String> line = new ArrayList<>(List.of("unshare", "--map-root-user", "--mount", "sh", "-c", RUN, "sh", folder.toString()));
        if (interpreter(program).isPresent() && inside(interpreter(program).get()).isEmpty()) {
            for (String lent : List.of("bin", "lib", "lib64", "usr")) {
                if (Files.exists(Path.of("/", lent)) && inside(lent).isEmpty()) {
                    line.add(lent);
                }
            }
        }
        line.addAll(List.of("--", program));
        line.addAll(List.of(arguments));
        return Exec.of(line).run();
    }

    private Optional<String> interpreter(String program) throws IOException {
        try (InputStream in = Files.newInputStream(inside(program).orElseThrow())) {
            String begins = new String(in.readNBytes(200), StandardCharsets.ISO_8859_1);
            return begins.startsWith("#!") ? Optional.of(begins.substring(2).strip().split("\\s", 2)[0]) : Optional.empty();
        }
    }
}
