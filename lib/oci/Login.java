package lib.oci;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import lib.base.Exec;
import lib.base.Fault;
import lib.base.Json;

/**
 * The logins that docker, podman and skopeo keep (containers-auth.json(5), docker's config.json and its credential
 * helpers). The first file that has one for a repository counts, and in it the entry that names most of it.
 */
public final class Login {

    /** A name and what proves it; neither is ever shown. */
    public static final class Credential {
        private final String origin;
        final String user;
        final String secret;
        /** The secret is no password, but a refresh token of OAuth 2. */
        final boolean identity;

        private Credential(String origin, String user, String secret, boolean identity) {
            this.origin = origin;
            this.user = user;
            this.secret = secret;
            this.identity = identity;
        }

        /** As the header Authorization has it (RFC 7617). */
        String basic() {
            return "Basic " + Base64.getEncoder().encodeToString((user + ":" + secret).getBytes(StandardCharsets.UTF_8));
        }

        /** The file it comes from, and the helper, where it comes from one. */
        @Override
        public String toString() {
            return origin;
        }
    }

    private final List<Path> files;
    private final Map<String, String> env;

    private Login(List<Path> files, Map<String, String> env) {
        this.files = files;
        this.env = env;
    }

    /** Where the environment variables lead. Throws Fault when one names a file that is not there. */
    public static Login of(Map<String, String> env) {
        return of(env, Path.of("/run/containers"));
    }

    /** {@code run}: where logins are kept, a folder a user, without a folder of the session (containers-auth.json(5)). */
    public static Login of(Map<String, String> env, Path run) {
        Path home = Path.of(env.getOrDefault("HOME", System.getProperty("user.home")));
        List<Path> files = new ArrayList<>();
        set(env, "REGISTRY_AUTH_FILE").map(Path::of).ifPresent(file -> {
            if (!Files.exists(file)) {
                throw Fault.refused("there are no logins in " + file, "REGISTRY_AUTH_FILE names it, but it does not exist", "unset the variable, or log in: skopeo login HOST");
            }
            files.add(file);
        });
        set(env, "XDG_RUNTIME_DIR").map(folder -> Path.of(folder, "containers")).or(() -> user().map(run::resolve))
                .ifPresent(folder -> files.add(folder.resolve("auth.json")));
        files.add(set(env, "XDG_CONFIG_HOME").map(Path::of).orElse(home.resolve(".config")).resolve("containers/auth.json"));
        files.add(set(env, "DOCKER_CONFIG").map(Path::of).orElse(home.resolve(".docker")).resolve("config.json"));
        return new Login(files, env);
    }

    // As root over ssh or su: no session, and no folder of it.
    private static Optional<String> user() {
        try {
            return Optional.of(Files.getAttribute(Path.of("/proc/self"), "unix:uid").toString());
        } catch (IOException | UnsupportedOperationException | IllegalArgumentException e) {
            return Optional.empty(); // no Linux, and then no such folder
        }
    }

    private static Optional<String> set(Map<String, String> env, String name) {
        return Optional.ofNullable(env.get(name)).filter(value -> !value.isBlank());
    }

    /** The files that are looked at, for people. */
    public String places() {
        return String.join(", ", files.stream().map(Path::toString).toList());
    }

    /** The login for a repository, {@code HOST/PATH}; may run a credential helper. Throws Fault for a file that cannot be read. */
    public Optional<Credential> find(String repository) {
        for (Path file : files) {
            if (Files.exists(file)) {
                Optional<Credential> found = find(file, repository);
                if (found.isPresent()) {
                    return found;
                }
            }
        }
        return Optional.empty();
    }

    private Optional<Credential> find(Path file, String repository) {
        JsonNode config = read(file);
        for (String name = repository; ; name = name.substring(0, name.lastIndexOf('/'))) {
            for (Map.Entry<String, JsonNode> helper : config.path("credHelpers").properties()) {
                if (place(helper.getKey()).equals(name)) {
                    return ask(file, helper.getValue().asText(), helper.getKey());
                }
            }
            for (Map.Entry<String, JsonNode> entry : config.path("auths").properties()) {
                Optional<Credential> found = place(entry.getKey()).equals(name) ? entry(file, entry.getKey(), entry.getValue()) : Optional.empty();
                if (found.isPresent()) {
                    return found;
                }
            }
            if (!name.contains("/")) {
                return config.path("credsStore").asText().isEmpty() ? Optional.empty() : ask(file, config.path("credsStore").asText(), key(config, name));
            }
        }
    }

    // A store of credentials knows a host by the name it was logged in to by, which stands there with nothing in it.
    private static String key(JsonNode config, String host) {
        return config.path("auths").properties().stream().map(Map.Entry::getKey).filter(key -> place(key).equals(host)).findFirst().orElse(host);
    }

    // Older programs wrote addresses: https://index.docker.io/v1/ is docker.io.
    private static String place(String key) {
        String place = key.replaceFirst("^https?://", "").replaceFirst("/v[12]/?$", "").replaceFirst("/$", "");
        return place.equals("index.docker.io") ? "docker.io" : place;
    }

    private static JsonNode read(Path file) {
        try {
            JsonNode config = Json.MAPPER.readTree(Files.readAllBytes(file));
            if (config != null && config.isObject()) {
                return config;
            }
            throw unreadable(file, "it is not a JSON object");
        } catch (JsonProcessingException e) {
            // What the parser says quotes what it read.
            throw unreadable(file, "line " + (e.getLocation() == null ? "?" : e.getLocation().getLineNr()) + " is not JSON");
        } catch (IOException e) {
            throw unreadable(file, e.toString());
        }
    }

    private static Fault unreadable(Path file, String why) {
        return Fault.refused("the logins in " + file + " cannot be read", why, "fix it, or log in again: docker login HOST, or skopeo login HOST");
    }

    private static Optional<Credential> entry(Path file, String key, JsonNode entry) {
        String user = entry.path("username").asText();
        String secret = entry.path("password").asText();
        if (entry.hasNonNull("auth") && !entry.path("auth").asText().isBlank()) {
            try {
                String both = new String(Base64.getDecoder().decode(entry.path("auth").asText().strip()), StandardCharsets.UTF_8);
                int colon = both.indexOf(':');
                if (colon < 0) {
                    throw new IllegalArgumentException("no colon");
                }
                user = both.substring(0, colon);
                secret = both.substring(colon + 1).replaceAll("\\x00+$", "");
            } catch (IllegalArgumentException e) {
                throw unreadable(file, "auths." + key + ".auth is not the base64 of NAME:PASSWORD");
            }
        }
        String identity = entry.path("identitytoken").asText();
        if (!identity.isEmpty()) {
            return Optional.of(new Credential(file.toString(), user, identity, true));
        }
        return secret.isEmpty() ? Optional.empty() : Optional.of(new Credential(file.toString(), user, secret, false));
    }

    private Optional<Credential> ask(Path file, String helper, String host) {
        String program = "docker-credential-" + helper;
        if (!helper.matches("[A-Za-z0-9._-]+")) {
            throw unreadable(file, "a credential helper's name is letters, digits, . _ and -");
        }
        Exec.Result answer = Exec.of("sh", "-c", "printf %s \"$2\" | \"$1\" get", "sh", program, host).baseEnv(env).run();
        if (answer.exit() != 0 && answer.out().contains("credentials not found")) {
            return Optional.empty();
        }
        try {
            JsonNode found = answer.exit() == 0 ? Json.MAPPER.readTree(answer.out()) : Json.MAPPER.createObjectNode();
            String user = found.path("Username").asText();
            if (found.path("Secret").asText().isEmpty()) {
                throw Fault.refused(program + " has no login for " + host, file + " names it; " + (answer.exit() == 0 ? "what it printed has no Secret"
                        : "exit code " + answer.exit() + ": " + said(answer)), "try: echo " + host + " | " + program + " get");
            }
            return Optional.of(new Credential(file + ", by " + program, user, found.path("Secret").asText(), user.equals("<token>")));
        } catch (JsonProcessingException e) {
            throw Fault.refused(program + " has no login for " + host, file + " names it; what it printed is not JSON", "try: echo " + host + " | " + program + " get");
        }
    }

    // When it fails, helpers say why on either stream; a secret they print only when they succeed.
    private static String said(Exec.Result answer) {
        return (answer.err() + answer.out()).strip().lines().findFirst().orElse("it printed nothing");
    }
}
