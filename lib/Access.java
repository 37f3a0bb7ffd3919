package lib;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.auth.credentials.AwsSessionCredentials;
import software.amazon.awssdk.auth.credentials.ProfileCredentialsProvider;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.exception.SdkClientException;

/**
 * Object store, git repository and signing key of an environment, open for one run. The environment
 * {@code local} is made here: a folder with buckets, a bare repository and a throw-away key.
 */
public final class Access implements AutoCloseable {

    private ObjectStore store;
    private String gitUrl;
    private SigningKey key;
    private final List<AutoCloseable> opened = new ArrayList<>();

    private Access() {
    }

    public ObjectStore store() {
        return store;
    }

    /** Where branch and tag go, as git understands it. */
    public String gitUrl() {
        return gitUrl;
    }

    public SigningKey key() {
        return key;
    }

    /** Opens a deployment reached over the network. {@code keyFile} is the cache's secret key, where a file was named. */
    public static Access remote(Environment environment, Git git, Optional<Path> keyFile, Map<String, String> env) throws IOException {
        Access access = new Access();
        try {
            access.store = access.keep(ObjectStore.connect(environment.endpoint().orElseThrow(), environment.region(), credentials(environment, env)));
            String url = environment.git().orElseThrow();
            access.gitUrl = environment.gerrit() ? git.remoteLike(url) : url;
            access.key = access.keep(signingKey(keyFile, env));
            return access;
        } catch (RuntimeException | IOException e) {
            access.close();
            throw e;
        }
    }

    /** Opens the environment {@code local} in a folder; {@code throwAway} removes the folder at the end. */
    public static Access local(Environment environment, Path folder, boolean throwAway, Cli.Session session, Nix nix, Git git) throws IOException {
        Access access = new Access();
        try {
            if (throwAway) {
                access.opened.add(() -> FileTree.remove(folder));
            }
            Files.createDirectories(folder);
            Path bare = folder.resolve("git");
            if (!Files.exists(bare)) {
                git.git("init", "--quiet", "--bare", bare.toString()).orFail("the repository of " + environment.name() + " could not be made", "look at " + folder);
            }
            access.gitUrl = bare.toString();
            Path secret = folder.resolve("cache.sec");
            if (!Files.exists(secret)) {
                nix.generateKey(environment.cache(), secret, folder.resolve("cache.pub"));
            }
            access.key = access.keep(SigningKey.inFile(secret));
            Embedded server = access.keep(Embedded.start(folder.resolve("buckets"),
                    List.of(environment.releases(), environment.cache(), environment.docs(), environment.install()), session.env(), session.console()));
            access.store = access.keep(ObjectStore.connect(server.endpoint(), environment.region(),
                    StaticCredentialsProvider.create(AwsBasicCredentials.create(server.id(), server.secret()))));
            return access;
        } catch (RuntimeException | IOException e) {
            access.close();
            throw e;
        }
    }

    // Resolved once and now: keys that are not there are found before anything begins.
    private static AwsCredentialsProvider credentials(Environment environment, Map<String, String> env) {
        String id = env.get("AWS_ACCESS_KEY_ID");
        String secret = env.get("AWS_SECRET_ACCESS_KEY");
        if (id != null && secret != null) {
            String token = env.get("AWS_SESSION_TOKEN");
            return StaticCredentialsProvider.create(token == null ? AwsBasicCredentials.create(id, secret) : AwsSessionCredentials.create(id, secret, token));
        }
        try (ProfileCredentialsProvider profile = ProfileCredentialsProvider.create(env.getOrDefault("AWS_PROFILE", "default"))) {
            return StaticCredentialsProvider.create(profile.resolveCredentials());
        } catch (SdkClientException e) {
            throw Fault.refused("there are no keys for " + environment.endpoint().orElseThrow(), e.getMessage(),
                    "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, and run again").from(e);
        }
    }

    private static SigningKey signingKey(Optional<Path> file, Map<String, String> env) throws IOException {
        if (file.isPresent()) {
            return SigningKey.inFile(file.get());
        }
        if (env.containsKey("RELENG_SIGNING_KEY")) {
            return SigningKey.ofText(env.get("RELENG_SIGNING_KEY"));
        }
        if (env.containsKey("RELENG_SIGNING_KEY_COMMAND")) {
            return SigningKey.ofCommand(env.get("RELENG_SIGNING_KEY_COMMAND"), env);
        }
        throw Fault.refused("there is no key to sign the cache with", "neither --signing-key nor RELENG_SIGNING_KEY nor RELENG_SIGNING_KEY_COMMAND is given",
                "name the key's file, or a command that prints it, such as: age -d -i ID prod.key.age");
    }

    private <T extends AutoCloseable> T keep(T resource) {
        opened.add(0, resource);
        return resource;
    }

    /** Closes in the opposite order of opening. */
    @Override
    public void close() throws IOException {
        for (AutoCloseable resource : opened) {
            try {
                resource.close();
            } catch (IOException e) {
                throw e;
            } catch (Exception e) {
                throw new IOException(e);
            }
        }
        opened.clear();
    }
}
