package lib.s3;

import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import lib.base.Console;
import lib.base.Exec;
import lib.base.Fault;
import lib.base.Json;
import lib.base.Variables;
import lib.config.Environment;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.auth.credentials.AwsSessionCredentials;
import software.amazon.awssdk.auth.credentials.ProcessCredentialsProvider;
import software.amazon.awssdk.auth.credentials.ProfileCredentialsProvider;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.profiles.Profile;
import software.amazon.awssdk.profiles.ProfileFile;
import software.amazon.awssdk.profiles.ProfileFileSupplier;
import software.amazon.awssdk.profiles.ProfileProperty;
import software.amazon.awssdk.utils.SdkAutoCloseable;

/**
 * The keys of an object store: those of the AWS variables, of a profile, or keys made for this run
 * over ssh. Asked for with every request, so that keys that can be renewed are. Safe for threads.
 */
public final class Keys implements AwsCredentialsProvider, AutoCloseable {

    /** Keys that end sooner than this are no keys to begin a release with. */
    private static final Duration ENOUGH = Duration.ofMinutes(15);

    private static final List<String> PROFILE_KEYS = List.of(ProfileProperty.AWS_ACCESS_KEY_ID, ProfileProperty.CREDENTIAL_PROCESS,
            ProfileProperty.SSO_START_URL, "sso_session", ProfileProperty.ROLE_ARN, ProfileProperty.LOGIN_SESSION);

    private final String origin;
    private final String endpoint;
    private final AwsCredentialsProvider provider;
    private final InstantSource clock;
    private volatile boolean had;

    private Keys(String origin, Environment environment, AwsCredentialsProvider provider, InstantSource clock) {
        this.origin = origin;
        this.endpoint = environment.endpoint().orElseThrow().toString();
        this.provider = provider;
        this.clock = clock;
    }

    /**
     * The keys the environment variables lead to, for these buckets. Nothing is contacted yet.
     * Throws Fault where there are none.
     */
    public static Keys of(Environment environment, List<String> buckets, Map<String, String> env, Console console, InstantSource clock) {
        Optional<String> id = Variables.set(env, "AWS_ACCESS_KEY_ID");
        Optional<String> secret = Variables.set(env, "AWS_SECRET_ACCESS_KEY");
        if (id.isPresent() != secret.isPresent()) {
            String missing = id.isPresent() ? "AWS_SECRET_ACCESS_KEY" : "AWS_ACCESS_KEY_ID";
            throw Fault.refused("half of the keys for " + environment.endpoint().orElseThrow() + " is missing",
                    "of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY only one is set", "set " + missing + " too, or neither");
        }
        if (id.isPresent()) {
            return new Keys("AWS_ACCESS_KEY_ID", environment, StaticCredentialsProvider.create(ofVariables(id.get(), secret.get(), env)), clock);
        }
        ProfileFileSupplier files = profiles(environment, env);
        Optional<String> profile = Variables.set(env, "AWS_PROFILE").or(() -> files.get().profile("default").filter(Keys::holdsKeys).map(Profile::name));
        if (profile.isPresent()) {
            return new Keys("the profile '" + profile.get() + "'", environment, ofProfile(files, profile.get()), clock);
        }
        String host = environment.keysFrom().orElseThrow(() -> Fault.refused("there are no keys for " + environment.endpoint().orElseThrow(),
                "neither AWS_ACCESS_KEY_ID nor AWS_PROFILE is set, there is no default profile, and no ssh host makes keys for " + environment.name(),
                "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, and run again"));
        return new Keys(host, environment, new Ephemeral(host, "releng-" + environment.name(), buckets, env, console, clock), clock);
    }

    /** The keys as they are now. Throws Fault where they cannot be had. */
    @Override
    public AwsCredentials resolveCredentials() {
        try {
            AwsCredentials credentials = provider.resolveCredentials();
            had = true;
            return credentials;
        } catch (SdkException | IllegalArgumentException | IllegalStateException e) {
            String what = "there are no keys for " + endpoint;
            String why = origin + ": " + e.getMessage().replaceAll(": ProfileFile\\(.*", "");
            // What a parser says quotes what it read: neither its message nor the cause may go on.
            if (e.getCause() != null && !(e.getCause() instanceof UncheckedIOException)) {
                why += " " + e.getCause().getMessage().strip();
            }
            String next = "fix the profile, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, which this prints: aws configure export-credentials --format env";
            throw had ? Fault.failed(what, why, next) : Fault.refused(what, why, next);
        }
    }

    /** When the keys end, where that is known and nobody here renews them. */
    public Optional<Instant> expiry() {
        return resolveCredentials().expirationTime();
    }

    /** Throws Fault when the keys end before a release is likely to be through. */
    public void checkLifetime() {
        Instant now = clock.instant();
        expiry().filter(end -> end.isBefore(now.plus(ENOUGH))).ifPresent(end -> {
            boolean over = !end.isAfter(now);
            throw Fault.refused("the keys for " + endpoint + (over ? " have expired" : " are about to expire"),
                    origin + (over ? ": they ended at " : ": they end at ") + end.truncatedTo(ChronoUnit.SECONDS)
                            + (over ? "" : ", in " + Duration.between(now, end).toMinutes() + " minutes"),
                    "get new ones (log in again) and run again");
        });
    }

    @Override
    public void close() {
        if (provider instanceof SdkAutoCloseable resource) {
            resource.close();
        }
    }

    private static AwsCredentials ofVariables(String id, String secret, Map<String, String> env) {
        Optional<String> token = Variables.set(env, "AWS_SESSION_TOKEN");
        if (token.isEmpty()) {
            return AwsBasicCredentials.create(id, secret);
        }
        AwsSessionCredentials.Builder session = AwsSessionCredentials.builder().accessKeyId(id).secretAccessKey(secret).sessionToken(token.get());
        Variables.set(env, "AWS_CREDENTIAL_EXPIRATION").ifPresent(end -> {
            try {
                session.expirationTime(Instant.parse(end));
            } catch (DateTimeException e) {
                throw Fault.refused("AWS_CREDENTIAL_EXPIRATION is not a time", "it is '" + end + "'", "unset it, or set it as the AWS tools do: 2026-01-31T12:00:00Z");
            }
        });
        return session.build();
    }

    // Read again when they change: tools that log people in write new keys there.
    private static ProfileFileSupplier profiles(Environment environment, Map<String, String> env) {
        Path home = Path.of(env.getOrDefault("HOME", System.getProperty("user.home")), ".aws");
        Path config = Variables.set(env, "AWS_CONFIG_FILE").map(Path::of).orElse(home.resolve("config"));
        Path credentials = Variables.set(env, "AWS_SHARED_CREDENTIALS_FILE").map(Path::of).orElse(home.resolve("credentials"));
        List<ProfileFileSupplier> files = new ArrayList<>();
        try {
            // Where both know a profile, the first one's word counts.
            if (Files.isReadable(credentials)) {
                files.add(ProfileFileSupplier.reloadWhenModified(credentials, ProfileFile.Type.CREDENTIALS));
            }
            if (Files.isReadable(config)) {
                files.add(ProfileFileSupplier.reloadWhenModified(config, ProfileFile.Type.CONFIGURATION));
            }
            files.forEach(ProfileFileSupplier::get);
            return files.isEmpty() ? ProfileFileSupplier.fixedProfileFile(ProfileFile.aggregator().build())
                    : ProfileFileSupplier.aggregate(files.toArray(ProfileFileSupplier[]::new));
        } catch (SdkException | IllegalArgumentException e) {
            throw Fault.refused("there are no keys for " + environment.endpoint().orElseThrow(),
                    config + " or " + credentials + " cannot be read: " + e.getMessage(), "fix it and run again");
        }
    }

    // The SDK would run a profile's program with all of our environment.
    private static AwsCredentialsProvider ofProfile(ProfileFileSupplier files, String name) {
        Optional<String> program = files.get().profile(name).flatMap(profile -> profile.property(ProfileProperty.CREDENTIAL_PROCESS));
        if (program.isEmpty()) {
            return ProfileCredentialsProvider.builder().profileFile(files).profileName(name).build();
        }
        List<String> line = new ArrayList<>(List.of("env"));
        Exec.secrets(System.getenv().keySet()).forEach(variable -> line.addAll(List.of("-u", variable)));
        line.addAll(List.of("sh", "-c", program.get()));
        return ProcessCredentialsProvider.builder().command(line).build();
    }

    // A profile may say no more than a region.
    private static boolean holdsKeys(Profile profile) {
        return PROFILE_KEYS.stream().anyMatch(profile.properties()::containsKey);
    }

    /** Keys that {@code garage-ephemeral-key} on the store's host makes, and makes anew before they end. */
    private static final class Ephemeral implements AwsCredentialsProvider {

        private static final String MAKER = "garage-ephemeral-key";
        private static final Duration LIFE = Duration.ofHours(1);
        private static final Duration RENEW = LIFE.multipliedBy(3).dividedBy(4);
        // A request has to arrive before the key ends, and clocks differ.
        private static final Duration USABLE = LIFE.minusMinutes(1);
        private static final Duration PAUSE = Duration.ofMinutes(1);

        private record Key(AwsCredentials credentials, Instant made) {
        }

        private final String host;
        private final List<String> command;
        private final Map<String, String> env;
        private final Console console;
        private final InstantSource clock;
        private final ReentrantLock asking = new ReentrantLock();
        private volatile Key key;
        private volatile Instant nextTry = Instant.MIN;
        private Fault failure;

        Ephemeral(String host, String name, List<String> buckets, Map<String, String> env, Console console, InstantSource clock) {
            this.host = host;
            this.env = env;
            this.console = console;
            this.clock = clock;
            // ControlMaster: a connection that is open is used, but none is left behind that keeps our pipes open.
            command = new ArrayList<>(List.of("ssh", "-T", "-o", "ControlMaster=no", "-o", "ConnectTimeout=30", "-o", "ServerAliveInterval=15", host,
                    MAKER, "new", "--name", name, "--read", "--write", "--age-secs", Long.toString(LIFE.toSeconds())));
            command.addAll(buckets);
        }

        @Override
        public AwsCredentials resolveCredentials() {
            Key old = key;
            Instant now = clock.instant();
            boolean usable = usable(old, now);
            if (usable && (now.isBefore(nextTry) || !asking.tryLock())) {
                return old.credentials(); // also while another thread asks: ssh may wait for somebody's touch
            }
            if (!usable) {
                asking.lock();
            }
            try {
                if (key == old) {
                    renew(usable);
                }
                return key.credentials();
            } finally {
                asking.unlock();
            }
        }

        private static boolean usable(Key key, Instant now) {
            return key != null && now.isBefore(key.made().plus(USABLE));
        }

        private void renew(boolean usable) {
            Instant now = clock.instant();
            if (now.isBefore(nextTry) && failure != null) {
                throw failure; // for all who waited: not one ssh each
            }
            try {
                console.say((key == null ? "asking " : "asking again ") + host + " for keys, by ssh");
                key = new Key(ask(), now);
                failure = null;
                nextTry = now.plus(RENEW);
            } catch (Fault fault) {
                nextTry = clock.instant().plus(PAUSE);
                failure = fault;
                if (!usable) {
                    throw fault;
                }
                console.warn(fault.getMessage() + "; the old keys are good until " + key.made().plus(USABLE).truncatedTo(ChronoUnit.SECONDS));
            }
        }

        private AwsCredentials ask() {
            if (Arrays.stream(env.getOrDefault("PATH", "").split(":"))
                    .noneMatch(folder -> !folder.isEmpty() && Files.isExecutable(Path.of(folder, "ssh")))) {
                throw none(List.of("ssh is not installed: it was not found on PATH"),
                        "install ssh, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and run again");
            }
            Exec ssh = Exec.of(command).baseEnv(env);
            Exec.Result result = ssh.run();
            if (result.exit() == 127) {
                // ssh is there, and hands on the 127 of the shell over there.
                throw none(List.of(MAKER + " is not installed there, or not for the user you log in as"), "try: ssh " + host + " " + MAKER + " --help");
            }
            if (result.exit() != 0) {
                throw none(List.of(ssh.because(result)), "try: ssh " + host + "; or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
            }
            // Neither what it printed nor what a parser says about it may go on.
            List<String> faults = new ArrayList<>();
            try {
                Json.Fields fields = new Json.Fields(Json.object(result.out().getBytes(StandardCharsets.UTF_8), ""), "", faults);
                fields.text("name");
                String id = fields.text("id");
                String secret = fields.text("secret_key");
                if (faults.isEmpty() && (id.isBlank() || secret.isBlank())) {
                    faults.add("id or secret_key is empty");
                }
                if (faults.isEmpty()) {
                    return AwsBasicCredentials.create(id, secret);
                }
            } catch (Fault fault) {
                faults.add(result.out().isBlank() ? "it printed nothing"
                        : "it printed no JSON object, but " + result.out().length() + " characters of something else");
            }
            throw none(faults.stream().map(fault -> MAKER + ": " + fault).toList(),
                    "it should print {\"name\", \"id\", \"secret_key\"}; check its version, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
        }

        private Fault none(List<String> why, String next) {
            String what = host + " made no keys for the object store";
            return key == null ? Fault.refused(what, why, next) : Fault.failed(what, why, next);
        }
    }
}
