import java.io.IOException;
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import lib.base.Fault;

/** The programs that send a folder to a prefix, and how each is told. */
final class Senders {

    static final List<String> PHASES = List.of("first", "rerun");

    /** What a program is to do: send {@code set} to the prefix of the target's bucket, which it reaches at {@code via}. */
    record Job(FileSet set, Target target, URI via, String prefix) {
        String in(String scheme) {
            return scheme + target.bucket() + "/" + prefix;
        }
    }

    interface Recipe {
        Measure.Command command(Job job, String phase) throws Exception;
    }

    private Senders() {
    }

    /** A sender of this set to this target; each turn gets a fresh prefix, which is verified and emptied. */
    static Rounds.Contender contender(String name, Recipe recipe, FileSet set, Target target, URI via) {
        return new Rounds.Contender() {
            @Override
            public String name() {
                return name;
            }

            @Override
            public Rounds.Turn turn() {
                Job job = new Job(set, target, via, target.freshPrefix());
                return new Rounds.Turn() {
                    @Override
                    public Measure.Command command(String phase) throws Exception {
                        return recipe.command(job, phase);
                    }

                    @Override
                    public void check(String phase) {
                        var there = target.sizes(job.prefix());
                        if (!there.equals(set.sizes())) {
                            var first = there.keySet().stream().filter(key -> !set.sizes().containsKey(key)).findFirst();
                            throw Fault.failed(name + " did not send what it was to send", "below " + job.in("s3://") + " are " + there.size()
                                    + " objects, not the " + set.sizes().size() + " files with their sizes" + first.map(key -> "; such as " + key)
                                    .orElse(""), "there is nothing to compare; fix it, or leave it out with --peers");
                        }
                    }

                    @Override
                    public void close() {
                        target.empty(job.prefix());
                    }
                };
            }
        };
    }

    /** Ours, by the {@code java ...} that JBang would start. */
    static Recipe ours(List<String> java) {
        return (job, phase) -> {
            List<String> line = new ArrayList<>(java);
            line.addAll(List.of(job.via().toString(), job.target().region(), job.target().bucket(), job.prefix(), job.set().folder().toString()));
            return new Measure.Command(line, Map.of("AWS_ACCESS_KEY_ID", job.target().id(), "AWS_SECRET_ACCESS_KEY", job.target().secret()));
        };
    }

    /** {@code aws s3 sync} or {@code aws s3 cp --recursive}; the latter sends all again in a rerun. */
    static Recipe aws(Path program, Path config, List<String> command) throws IOException {
        // Only a file can say this. Newer versions add checksums that not every server understands.
        Files.writeString(config, "[default]\nrequest_checksum_calculation = when_required\ns3 =\n    addressing_style = path\n");
        return (job, phase) -> {
            List<String> line = new ArrayList<>(List.of(program.toString(), "s3"));
            line.addAll(command);
            line.addAll(List.of("--only-show-errors", "--endpoint-url", job.via().toString(), job.set().folder().toString(), job.in("s3://")));
            Map<String, String> env = new HashMap<>(Map.of(
                    "AWS_ACCESS_KEY_ID", job.target().id(), "AWS_SECRET_ACCESS_KEY", job.target().secret(),
                    "AWS_DEFAULT_REGION", job.target().region(), "AWS_EC2_METADATA_DISABLED", "true",
                    "AWS_CONFIG_FILE", config.toString(), "AWS_SHARED_CREDENTIALS_FILE", "/dev/null"));
            // For a given server with a private certificate. Not for rclone, which refuses to start with it.
            Optional.ofNullable(System.getenv("AWS_CA_BUNDLE")).ifPresent(bundle -> env.put("AWS_CA_BUNDLE", bundle));
            return new Measure.Command(line, env);
        };
    }

    static Recipe rclone(List<String> flags) {
        return (job, phase) -> {
            List<String> line = new ArrayList<>(List.of("rclone", "copy", job.set().folder().toString(), job.in(":s3:"),
                    "--transfers", "32", "--checkers", "32", "--fast-list"));
            line.addAll(flags);
            return new Measure.Command(line, Map.of("RCLONE_CONFIG", "/dev/null",
                    "RCLONE_S3_PROVIDER", "Other", "RCLONE_S3_ENDPOINT", job.via().toString(), "RCLONE_S3_FORCE_PATH_STYLE", "true",
                    "RCLONE_S3_REGION", job.target().region(),
                    "RCLONE_S3_ACCESS_KEY_ID", job.target().id(), "RCLONE_S3_SECRET_ACCESS_KEY", job.target().secret()));
        };
    }

    /**
     * The least anybody can do: first unsigned puts of curl, 32 at once, hashing nothing; in a rerun
     * the pages of one listing, which tell that all is there by name and size.
     */
    static Recipe floor(Path config) {
        return (job, phase) -> {
            StringBuilder todo = new StringBuilder();
            List<String> keys = List.copyOf(job.set().sizes().keySet());
            if (phase.equals("first")) {
                // Asking before each large file whether it may come would cost a round trip.
                todo.append("header = \"Expect:\"\n");
                keys.forEach(key -> todo.append("upload-file = \"").append(job.set().folder().resolve(key)).append("\"\nurl = \"")
                        .append(job.in(job.via() + "/")).append(key).append("\"\n"));
            } else {
                for (int page = 0; page < keys.size(); page += 1000) {
                    todo.append("output = /dev/null\nurl = \"").append(job.via()).append('/').append(job.target().bucket())
                            .append("?list-type=2&prefix=").append(job.prefix())
                            .append(page == 0 ? "" : "&start-after=" + job.prefix() + keys.get(page - 1)).append("\"\n");
                }
            }
            Files.writeString(config, todo);
            return new Measure.Command(List.of("curl", "-q", "--silent", "--show-error", "--fail", "--fail-early", "--parallel",
                    "--parallel-immediate", "--parallel-max", "32", "--config", config.toString()), Map.of());
        };
    }

    /** Why the target does not take unsigned requests, if it does not. */
    static Optional<String> refusesUnsigned(Target target) throws IOException {
        String bucket = target.endpoint() + "/" + target.bucket();
        for (String[] request : new String[][] {{"PUT", bucket + "/unsigned"}, {"GET", bucket + "?list-type=2"}}) {
            HttpURLConnection connection = (HttpURLConnection) URI.create(request[1]).toURL().openConnection();
            connection.setRequestMethod(request[0]);
            if (request[0].equals("PUT")) {
                connection.setDoOutput(true);
                connection.getOutputStream().write("x".getBytes(StandardCharsets.UTF_8));
            }
            int status = connection.getResponseCode();
            if (status != 200) {
                return Optional.of("an unsigned " + request[0] + " is answered with " + status);
            }
            try (InputStream body = connection.getInputStream()) {
                body.readAllBytes();
            }
        }
        target.empty("unsigned");
        return Optional.empty();
    }
}
