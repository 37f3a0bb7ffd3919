package lib.publish;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import lib.base.Fault;
import lib.base.FileTree;
import lib.base.Json;
import lib.config.Environment;
import lib.config.Project;
import lib.nix.ReleaseJobs;
import lib.proof.Fetcher;
import lib.release.BuiltRelease;
import lib.release.BuiltRelease.BuiltFile;

/**
 * {@code versions.json}: a release for the scripts of others, which need not know how its addresses are made. It follows
 * from release.json and where that is published alone, so that every run makes the same bytes, and anybody can prove them.
 *
 * @param base what its addresses begin with: a public address, or {@code s3://BUCKET}
 */
public record Versions(BuiltRelease built, Project project, String base) {

    private static final String MANIFEST = "manifest.nix";

    public Versions(BuiltRelease built, Project project, Environment environment) {
        this(built, project, Fetcher.base(environment, "releases"));
    }

    /** The key of the pointer to the newest one: the same bytes. */
    public static String latest(Project project) {
        return project.prefix() + "/latest.json";
    }

    /** Whether the release is published with it: earlier ones had none. */
    public static boolean belongsTo(BuiltRelease built) {
        return built.date().isPresent();
    }

    /** What people fetch from the version's folder, by name: not the manual's pages, nor checksums, which stand here. */
    SortedMap<String, BuiltFile> files() {
        SortedMap<String, BuiltFile> files = new TreeMap<>(built.below(("artifacts/" + folder()).replaceAll("/$", "")));
        files.keySet().removeIf(name -> name.contains("/") || name.endsWith(".sha256"));
        return files;
    }

    /** The address of something in the version's folder. */
    String address(String name) {
        return Fetcher.address(base, folder() + name);
    }

    /** With hashes also as W3C's Subresource Integrity writes them, which Nix takes as they are. */
    public String json() {
        ObjectNode top = Json.MAPPER.createObjectNode().put("version", built.version().toString()).put("major", built.version().major()).put("name", built.name());
        built.date().ifPresent(date -> top.put("date", date.toString()));
        ObjectNode files = top.putObject("files");
        files().forEach((name, file) -> files.putObject(name).put("address", address(name)).put("size", file.size()).put("sha256", file.sha256())
                .put("sri", "sha256-" + Base64.getEncoder().encodeToString(HexFormat.of().parseHex(file.sha256()))));
        ObjectNode paths = top.putObject("storePaths");
        new ReleaseJobs(built.jobs()).builds().forEach((system, job) -> paths.put(system, job.outputs().get("out")));
        return Json.pretty(top);
    }

    /** The same with the addresses that other bytes have, where those are all they differ in: a public address may change, what is published does not. */
    public Optional<Versions> as(byte[] published) {
        try {
            String address = Json.object(published, BuiltRelease.VERSIONS).path("files").path(MANIFEST).path("address").asText();
            String key = "/" + folder() + MANIFEST;
            return Optional.of(address).filter(text -> text.endsWith(key)).map(text -> new Versions(built, project, text.substring(0, text.length() - key.length())))
                    .filter(same -> same.json().equals(new String(published, StandardCharsets.UTF_8)));
        } catch (Fault unreadable) {
            return Optional.empty();
        }
    }

    /** It as a file that should be somewhere. */
    public BuiltFile file() {
        byte[] bytes = json().getBytes(StandardCharsets.UTF_8);
        return new BuiltFile(BuiltRelease.VERSIONS, bytes.length, FileTree.sha256(bytes));
    }

    private String folder() {
        return project.folder(built.version().toString());
    }
}
