package lib.publish;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.function.BinaryOperator;
import lib.base.Fault;
import lib.base.Json;
import lib.config.Project;
import lib.release.Version;

/**
 * Where the pointers are that say it themselves. One that is there and does not is a Fault (refused).
 *
 * @param source how they are read
 * @param name   what people call a key of a role
 */
record Pointers(Project project, Source source, BinaryOperator<String> name) {

    /** The bytes under a key of a role; empty where there is nothing. */
    interface Source {
        Optional<byte[]> read(String role, String key);
    }

    private static final String RELEASES = "releases";

    /** The version of the store paths in manifest.nix, the last thing a release writes; empty where there is none. */
    Optional<Version> manifest() {
        return source.read(RELEASES, "manifest.nix").map(bytes -> Version.ofManifest(project.prefix(), new String(bytes, StandardCharsets.UTF_8))
                .orElseThrow(() -> unstated(RELEASES, "manifest.nix", "its version", bytes)));
    }

    /** The version that latest.json tells of; empty where there is none. */
    Optional<Version> latestJson() {
        String key = Versions.latest(project);
        return source.read(RELEASES, key).map(bytes -> version(bytes).orElseThrow(() -> unstated(RELEASES, key, "its version", bytes)));
    }

    private static Optional<Version> version(byte[] json) {
        try {
            return parse(Json.object(json, "").path("version").asText());
        } catch (Fault unreadable) {
            return Optional.empty();
        }
    }

    /** The version that stands beside the pages of the manual at a place; empty where none does, or no manual is there. */
    Optional<Version> manual(String which) {
        String key = key(project, which);
        return source.read("docs", key).map(bytes -> parse(new String(bytes, StandardCharsets.UTF_8).strip().replaceFirst("\\s.*", ""))
                .orElseThrow(() -> unstated("docs", key, "a version", bytes)));
    }

    /** Where a manual says of which version it is. */
    static String key(Project project, String which) {
        return project.manual(which) + Folders.VERSION;
    }

    private Fault unstated(String role, String key, String what, byte[] bytes) {
        return Fault.refused(name.apply(role, key) + " does not state " + what, new String(bytes, StandardCharsets.UTF_8).lines().limit(3).toList(),
                "look at it, and fix it by hand or remove it");
    }

    static Optional<Version> parse(String version) {
        try {
            return Optional.of(Version.of(version));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }
}
