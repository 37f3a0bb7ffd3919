import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.List;
import java.util.Map;
import lib.base.Exec;

/** The sample project as a git checkout. */
final class Sample {

    /** How Nix builds it as a plain user of this machine's shell: no sandbox, nothing fetched, both systems here. */
    static final String NIX_CONFIG = """
            experimental-features = nix-command flakes
            sandbox = false
            build-users-group =
            substituters =
            extra-platforms = x86_64-linux aarch64-linux
            """;

    private Sample() {
    }

    /** Copies the sample's files. Links stay links, but for the one that leaves the folder. */
    static void copy(Path to) throws IOException {
        Path from = Home.samples();
        Files.walkFileTree(from, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path folder, BasicFileAttributes attributes) throws IOException {
                Files.createDirectories(to.resolve(from.relativize(folder).toString()));
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                Path target = to.resolve(from.relativize(file).toString());
                boolean leaves = Files.isSymbolicLink(file) && !file.toRealPath().startsWith(from.toRealPath());
                if (leaves) {
                    Files.copy(file, target);
                } else {
                    Files.copy(file, target, LinkOption.NOFOLLOW_LINKS, StandardCopyOption.COPY_ATTRIBUTES);
                }
                return FileVisitResult.CONTINUE;
            }
        });
    }

    /** A repository of the sample on the branch releng/2.95, independent of the user's own git settings. */
    static void checkout(Path folder, Map<String, String> env) throws IOException {
        Files.createDirectories(folder);
        copy(folder);
        for (List<String> arguments : List.of(
                List.of("init", "--quiet", "--initial-branch=releng/2.95"),
                List.of("config", "user.name", "Release Manager"), List.of("config", "user.email", "manager@example.org"),
                List.of("config", "commit.gpgsign", "false"), List.of("config", "tag.gpgsign", "false"),
                List.of("config", "core.hooksPath", ".git/hooks"),
                List.of("add", "--all"), List.of("commit", "--quiet", "--message=start"))) {
            List<String> line = new java.util.ArrayList<>(List.of("git"));
            line.addAll(arguments);
            Exec.of(line).in(folder).baseEnv(env).orFail("git " + arguments.get(0), "");
        }
    }
}
