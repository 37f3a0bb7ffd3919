package lib.proof;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.HexFormat;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import lib.base.Fault;
import lib.base.FileTree;
import lib.config.Project;
import lib.nix.Narinfo;
import lib.nix.Nix;
import lib.proof.Fetcher.NotThere;
import lib.release.BuiltRelease;
import lib.release.Version;

/**
 * What was proved by its bytes before: the release that manifest.nix names, as the environment itself tells of it.
 *
 * <p>That is so because the pointer moves only after the proof of all that its release holds, whoever moves it and
 * by whatever option; what a run has sent and was killed before it had proved is in no release that the pointer names. What
 * was written after the pointer moved counts as new all the same, by the store's own clock: then a run that sent
 * something of that release again, or in its place, and was killed, leaves nothing unproved either. So nothing that a run
 * notes down is believed, and none of it has to be found again by the next one, on whatever machine.
 *
 * @param release the release; empty where nothing counts as proved
 * @param pointed when the pointer was moved to it
 */
record Earlier(Optional<BuiltRelease> release, Instant pointed) {

    static final Earlier NOTHING = new Earlier(Optional.empty(), Instant.MIN);

    private static final String RELEASES = "releases";
    private static final String MANIFEST = "manifest.nix";

    /** Asks the store itself where that can be asked. Whatever is not as it should be there makes it nothing: then all bytes are proved. */
    static Earlier of(Fetching fetcher, Project project) {
        Fetching store = fetcher.behind(RELEASES).orElse(fetcher);
        try {
            // When before what: where it moves in between, it is taken to have moved before what it names was written.
            Optional<Instant> pointed = store.said(RELEASES, MANIFEST).written();
            byte[] manifest = store.small(RELEASES, MANIFEST);
            Version version = version(manifest, project);
            String json = project.folder(version.toString()) + BuiltRelease.FILE;
            if (pointed.isEmpty() || !isBefore(store.said(RELEASES, json), pointed.get())) {
                return NOTHING;
            }
            BuiltRelease release = BuiltRelease.parse(store.document(RELEASES, json).orElse(new byte[0]), store.name(RELEASES, json));
            BuiltRelease.BuiltFile file = release.below("artifacts").get(MANIFEST);
            // A manifest that somebody wrote by hand names what it likes.
            boolean names = release.version().equals(version) && file != null && file.sha256().equals(HexFormat.of().formatHex(FileTree.digest("SHA-256").digest(manifest)));
            return names && !release.closure().isEmpty() ? new Earlier(Optional.of(release), pointed.get()) : NOTHING;
        } catch (NotThere | Fault | IllegalArgumentException e) {
            return NOTHING;
        }
    }

    private static Version version(byte[] manifest, Project project) {
        String text = new String(manifest, StandardCharsets.UTF_8);
        Set<String> versions = Manifest.parse(manifest, MANIFEST).values().stream().map(path -> path.replaceAll("^.*/[^/-]*-", ""))
                .map(name -> name.startsWith(project.prefix() + "-") ? name.substring(project.prefix().length() + 1) : "").collect(Collectors.toSet());
        if (versions.size() != 1) {
            throw new IllegalArgumentException(text);
        }
        return Version.of(versions.iterator().next());
    }

    /** Whether the path, with the NAR that a narinfo names, is one of the release's. */
    boolean holds(Narinfo narinfo) {
        Nix.PathInfo path = release.map(known -> known.closure().get(narinfo.storePath())).orElse(null);
        return path != null && path.narHash().equals(narinfo.narHash());
    }

    /** Whether a thing was there when the pointer moved; in the same second it may have come after that. */
    boolean covers(Fetcher.Said said) {
        return isBefore(said, pointed);
    }

    private static boolean isBefore(Fetcher.Said said, Instant pointed) {
        return said.written().isPresent() && said.written().get().isBefore(pointed);
    }

    /** For people. */
    String spoken() {
        return release.map(known -> known.version().toString()).orElse("nothing");
    }
}
