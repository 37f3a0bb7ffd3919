package lib.release;

import java.io.IOException;
import java.net.URI;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import lib.base.Fault;
import lib.config.Config;
import lib.config.Environment;
import lib.config.Project;
import lib.git.Git;
import lib.git.GitRemotes;
import lib.http.Network;
import lib.http.Web;

/** Which versions are out, as an environment's public addresses tell anybody. Methods throw IOException, with a sentence, where they do not. */
record PublicPlace(Environment environment, Project project, Network network) {

    /** Where the environment is public; throws Fault (usage) where it is not. */
    static PublicPlace of(Environment environment, Git git, Config config) {
        if (!environment.urls().containsKey("releases")) {
            throw Fault.usage("the environment " + environment.name() + " has no public address of its releases", "without keys nobody can ask what is out there",
                    "set urls.releases in " + Config.FILE + ", or name another place");
        }
        return new PublicPlace(environment, config.project(), Network.of(git.env(), environment.ca().map(git.workTree()::resolve)));
    }

    /** The environment live where it is public, and this clone one of the project that is released there. */
    static Optional<PublicPlace> live(Git git, Config config) {
        GitRemotes remotes = new GitRemotes(git);
        Project project = config.project();
        return Optional.ofNullable(config.environments().get(Environment.LIVE.name())).filter(live -> live.urls().containsKey("releases"))
                .filter(live -> Stream.concat(live.git().stream(), project.forge().stream().flatMap(forge -> project.repository().stream()
                        .map(repository -> forge + "/" + repository))).anyMatch(remotes::have)).map(live -> of(live, git, config));
    }

    /** The version of manifest.nix; empty where there is none. */
    Optional<Version> manifest() throws IOException {
        String address = address("releases", "manifest.nix");
        Optional<String> text = read(address);
        if (text.isEmpty()) {
            return Optional.empty();
        }
        return Optional.of(Version.ofManifest(project.prefix(), text.get()).orElseThrow(() -> new IOException(address + " does not state its version")));
    }

    /** The version of the manual of a MAJOR; empty where there is none, none that says so, or no public address of manuals. */
    Optional<Version> manual(String major) throws IOException {
        if (!environment.urls().containsKey("docs")) {
            return Optional.empty();
        }
        String address = address("docs", project.manual(major) + Project.MANUAL_VERSION);
        try {
            return read(address).map(said -> Version.of(said.strip().replaceFirst("(?s)\\s.*", "")));
        } catch (IllegalArgumentException e) {
            throw new IOException(address + " does not state a version", e);
        }
    }

    /** A file's address. */
    String address(String role, String key) {
        return environment.urls().get(role).toString().replaceFirst("/$", "") + "/" + key;
    }

    Optional<String> read(String address) throws IOException {
        URI uri = URI.create(address);
        try (Web web = new Web(uri, network)) {
            // Proxies on the way are asked not to answer from memory.
            Web.Text answer = web.get(uri.getRawPath(), Map.of("cache-control", "no-cache"));
            if (answer.status() == 404 || answer.status() == 410) {
                return Optional.empty();
            }
            if (answer.status() != 200) {
                throw new IOException("answers " + answer.status());
            }
            return Optional.of(answer.body());
        } catch (IOException e) {
            throw new IOException(address + " " + e.getMessage(), e);
        }
    }
}
