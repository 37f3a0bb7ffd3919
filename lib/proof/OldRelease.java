package lib.proof;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.function.Consumer;
import lib.base.Measured;
import lib.config.Project;
import lib.proof.Fetcher.NotThere;
import lib.release.Version;

/** A version that older tools published, without release.json: the names it goes by are all that is known of it. */
record OldRelease(Fetching fetcher, Project project, Version version) {

    private static final String RELEASES = "releases";

    /** {@code closure} proves store paths in the cache. */
    void prove(Findings findings, Consumer<Collection<String>> closure) {
        String folder = project.folder(version.toString());
        String stem = project.prefix() + "-" + version;
        findings.unproven("which files there should be, and the pages of the manual: " + fetcher.name(RELEASES, folder + "release.json") + " is missing");
        String name = fetcher.name(RELEASES, folder + "manifest.nix");
        Optional<byte[]> bytes = fetcher.find(RELEASES, folder + "manifest.nix");
        List<String> files = new ArrayList<>(List.of(stem + ".tar.gz", stem + "-manual.tar.gz"));
        if (bytes.isEmpty()) {
            findings.failure(name + ": is missing");
        } else {
            SortedMap<String, String> manifest = Manifest.parse(bytes.get(), name);
            manifest.forEach((system, path) -> {
                if (path.endsWith("-" + stem)) {
                    findings.proved();
                } else {
                    findings.failure(name + ": names " + path + " for " + system + ", which is not called " + stem);
                }
            });
            manifest.keySet().forEach(system -> files.addAll(List.of("nix-" + version + "-" + system + ".tar.xz", stem + "-docker-image-" + system + ".tar.gz")));
            closure.accept(manifest.values());
        }
        findings.each(files, file -> checksum(folder + file, findings));
        index("manual/" + project.prefix() + "/" + version.major() + "/index.html", findings);
    }

    private void checksum(String key, Findings findings) {
        String name = fetcher.name(RELEASES, key);
        Optional<String> expected = fetcher.find(RELEASES, key + ".sha256").map(bytes -> new String(bytes, StandardCharsets.UTF_8).strip());
        try {
            if (expected.isEmpty()) {
                fetcher.size(RELEASES, key);
                findings.unproven(name + ": has no .sha256");
                return;
            }
            if (!expected.get().matches("[0-9a-f]{64}")) {
                findings.failure(name + ".sha256: is not 64 hex digits");
                return;
            }
            String actual = fetcher.read(RELEASES, key, in -> Measured.of(in, Long.MAX_VALUE).hex());
            if (actual.equals(expected.get())) {
                findings.proved();
            } else {
                findings.failure(name + ": has sha256 " + actual + ", its .sha256 says " + expected.get());
            }
        } catch (NotThere e) {
            if (expected.isPresent()) {
                findings.failure(name + ": is missing (" + e.getMessage() + "), its .sha256 is there");
            } else {
                findings.unproven(name + ": is not there (" + e.getMessage() + "), and may never have been");
            }
        }
    }

    private void index(String key, Findings findings) {
        if (fetcher.find("docs", key).filter(bytes -> bytes.length > 0).isPresent()) {
            findings.proved();
        } else {
            findings.failure(fetcher.name("docs", key) + ": is missing or empty");
        }
    }
}
