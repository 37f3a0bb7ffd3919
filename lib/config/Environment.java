package lib.config;

import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import lib.base.Hosts;

/**
 * One place releases are published to. An invalid one cannot be constructed.
 *
 * @param name       what {@code --env} says and what is typed to confirm
 * @param releases   bucket of the release files and the root {@code manifest.nix}
 * @param cache      bucket of the binary cache
 * @param docs       bucket of the manuals
 * @param install    bucket of the installers
 * @param endpoint   the object store; empty for the embedded one on loopback. Never taken from a variable:
 *                   a staging run must not reach production because of a forgotten {@code export}
 * @param region     the region requests are signed for
 * @param registries repositories the images go to, {@code HOST/PATH} without a tag
 * @param git        where branch and tag go: a URL git understands; empty for a bare repository beside the embedded store
 * @param gerrit     how branches get into a Gerrit, where {@code git} is one; then the user's name is taken from the clone's own remote
 * @param publicKey  the cache's public key, {@code NAME:BASE64}; empty where a deployment has its own
 * @param urls       public web addresses, by bucket role (releases, cache, docs, install); absent where nothing is public
 * @param keysFrom   ssh destination that makes keys for one run; empty where only the standard AWS variables serve
 * @param guarded    a public place: it is asked for by name and refuses what staging allows
 * @param ca         file of certificate authorities that are trusted there, in PEM, from the checkout's top; empty where Java's own suffice
 * @param lsCompression what the cache's listings are compressed with; empty for JSON as it is
 * @param wantMassQuery whether a new cache tells Nix that it may be asked for many paths at once
 * @param allowedSigners file of the keys that may sign its tags, ssh's or OpenPGP's, from the checkout's top; empty where no tag need be signed
 * @param provenanceKey public key of what its provenance and checksums are signed with, {@code NAME:BASE64}; empty where the cache's does that
 */
public record Environment(String name, String releases, String cache, String docs, String install,
                          Optional<URI> endpoint, String region, List<String> registries, Optional<String> git,
                          Gerrit gerrit, Optional<String> publicKey, Map<String, URI> urls,
                          Optional<String> keysFrom, boolean guarded, Optional<String> ca,
                          Optional<String> lsCompression, boolean wantMassQuery, Optional<String> allowedSigners,
                          Optional<String> provenanceKey) {

    /** How a branch gets there: by a plain push, as changes that are reviewed ({@code refs/for/}), or past the review of a Gerrit. */
    public enum Gerrit { no, review, direct }

    public static final List<String> ROLES = List.of("releases", "cache", "docs", "install");

    private static final Pattern REPOSITORY = Pattern.compile("[A-Za-z0-9.-]+(:(?<port>\\d{1,5}))?(/[a-z0-9][a-z0-9._-]*)+");
    private static final int MOST_PORT = 65_535;

    private static final Optional<URI> LIX_STORE = Optional.of(URI.create("https://s3.lix.systems"));

    public static final Environment LOCAL = new Environment("local",
            "local-releases", "local-cache", "local-docs", "local-install",
            Optional.empty(), "local", List.of(), Optional.empty(), false, Optional.empty(), Map.of(),
            Optional.empty(), false);

    public static final Environment STAGING = new Environment("staging",
            "staging-releases", "staging-cache", "staging-docs", "staging-install",
            LIX_STORE, "garage",
            List.of("git.lix.systems/lix-project/lix-releng-staging", "ghcr.io/lix-project/lix-releng-staging"),
            Optional.of("ssh://git@git.lix.systems/lix-project/lix-releng-staging"), false,
            Optional.empty(), Map.of(), Optional.of("s3.lix.systems"), false);

    public static final Environment LIVE = new Environment("live",
            "releases", "cache", "docs", "install",
            LIX_STORE, "garage",
            List.of("git.lix.systems/lix-project/lix", "ghcr.io/lix-project/lix"),
            Optional.of("ssh://gerrit.lix.systems:2022/lix"), true,
            Optional.of("cache.lix.systems:aBnZUw8zA7H35Cz2RyKFVs3H4PlGTLawyY5KRbvJR8o="),
            Map.of("releases", URI.create("https://releases.lix.systems"),
                    "cache", URI.create("https://cache.lix.systems"),
                    "docs", URI.create("https://docs.lix.systems"),
                    "install", URI.create("https://install.lix.systems")),
            Optional.of("s3.lix.systems"), true);

    /** With the authorities that Java trusts, a cache as Nix writes one, and whatever signatures; {@code reviewed} on a Gerrit. */
    public Environment(String name, String releases, String cache, String docs, String install, Optional<URI> endpoint, String region,
                       List<String> registries, Optional<String> git, boolean reviewed, Optional<String> publicKey, Map<String, URI> urls,
                       Optional<String> keysFrom, boolean guarded) {
        this(name, releases, cache, docs, install, endpoint, region, registries, git, reviewed ? Gerrit.review : Gerrit.no, publicKey, urls, keysFrom, guarded,
                Optional.empty(), Optional.empty(), true, Optional.empty(), Optional.empty());
    }

    /** Throws IllegalArgumentException, with one sentence a line for the user, for values that cannot be. */
    public Environment {
        List<String> faults = new ArrayList<>();
        check(faults, name.matches("[a-z][a-z0-9-]*"), "name '" + name + "' must be lower-case letters, digits and -");
        List<String> buckets = List.of(releases, cache, docs, install);
        for (int i = 0; i < ROLES.size(); i++) {
            check(faults, buckets.get(i).matches("[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"),
                    ROLES.get(i) + " '" + buckets.get(i) + "' is not a bucket name: 3 to 63 lower-case letters, digits, . and -");
        }
        check(faults, new HashSet<>(buckets).size() == buckets.size(),
                "releases, cache, docs and install must be four different buckets");
        endpoint.ifPresent(uri -> checkWeb(faults, "endpoint", uri));
        urls.forEach((role, uri) -> {
            check(faults, ROLES.contains(role), "urls." + role + " is not one of " + String.join(", ", ROLES));
            checkWeb(faults, "urls." + role, uri);
        });
        check(faults, region.matches("[A-Za-z0-9-]+"), "region '" + region + "' must be letters, digits and -");
        for (String registry : registries) {
            Matcher form = REPOSITORY.matcher(registry);
            check(faults, form.matches() && (form.group("port") == null || Integer.parseInt(form.group("port")) <= MOST_PORT),
                    "registries: '" + registry + "' must be HOST/PATH in lower-case letters, without a tag");
        }
        check(faults, new HashSet<>(registries).size() == registries.size(), "registries names one repository twice");
        check(faults, git.map(url -> !url.isBlank() && !url.startsWith("-")).orElse(true), "git must be a URL that git understands");
        check(faults, gerrit == Gerrit.no || git.map(url -> url.startsWith("ssh://") || url.startsWith("file://")).orElse(false),
                "gerrit needs git to be a ssh:// URL");
        check(faults, publicKey.map(Environment::isPublicKey).orElse(true),
                "publicKey must be NAME:BASE64 of 32 bytes, as nix-store --generate-binary-cache-key prints it");
        check(faults, provenanceKey.map(Environment::isPublicKey).orElse(true), "provenanceKey must be NAME:BASE64 of 32 bytes, as publicKey");
        check(faults, keysFrom.map(host -> host.matches("[A-Za-z0-9][A-Za-z0-9@._-]*")).orElse(true),
                "keysFrom must be an ssh destination");
        check(faults, ca.map(file -> !file.isBlank()).orElse(true), "ca must be a file of certificates in PEM");
        check(faults, lsCompression.map("zstd"::equals).orElse(true), "lsCompression must be zstd, or left out");
        check(faults, allowedSigners.map(file -> !file.isBlank()).orElse(true), "allowedSigners must be a file of keys");
        if (!faults.isEmpty()) {
            throw new IllegalArgumentException(String.join("\n", faults));
        }
        registries = List.copyOf(registries);
        urls = Map.copyOf(urls);
    }

    /** All of them, in the order of {@link #ROLES}. */
    public List<String> buckets() {
        return List.of(releases, cache, docs, install);
    }

    /** Whether anybody can fetch what is published, by web address and without keys. */
    public boolean isPublic() {
        return urls.keySet().containsAll(List.of("releases", "cache", "docs"));
    }

    /** As long as a proxy on the way may keep what a pointer said. */
    public Duration patience() {
        return urls.isEmpty() ? Duration.ZERO : Duration.ofMinutes(6);
    }

    /** The embedded store on a folder of this machine. */
    public boolean isLocal() {
        return endpoint.isEmpty();
    }

    private static void checkWeb(List<String> faults, String what, URI uri) {
        String scheme = uri.getScheme();
        boolean web = uri.getHost() != null && uri.getPort() <= MOST_PORT && ("https".equals(scheme) || "http".equals(scheme))
                && uri.getUserInfo() == null && uri.getQuery() == null && uri.getFragment() == null;
        check(faults, web, what + " '" + uri + "' must be a web address without user, query or fragment");
        check(faults, !web || "https".equals(scheme) || Hosts.isLoopback(uri.getHost()),
                what + " '" + uri + "' must use https: keys and bytes travel over it");
    }

    private static boolean isPublicKey(String key) {
        int colon = key.indexOf(':');
        try {
            return colon > 0 && Base64.getDecoder().decode(key.substring(colon + 1)).length == 32;
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    private static void check(List<String> faults, boolean holds, String sentence) {
        if (!holds) {
            faults.add(sentence);
        }
    }
}
