package lib.release;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import lib.base.Fault;
import lib.base.FileTree;
import lib.base.Json;
import lib.config.Project;
import lib.nix.Nix;
import lib.oci.ImageIndex;
import lib.release.BuiltRelease.BuiltFile;

/**
 * How a release was built: an in-toto Statement v1 about all its files, and its images, with SLSA provenance v1, in one
 * line. It has no times and no names of machines: the same commit, built the same way, has the same bytes.
 *
 * @param nix     Nix's version, as it says it
 * @param options settings that were given to Nix, by name
 * @see <a href="https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md">in-toto's statement.md</a>
 * @see <a href="https://slsa.dev/spec/v1.0/provenance">SLSA's provenance.md</a>
 */
public record Statement(BuiltRelease built, Project project, String nix, SortedMap<String, String> options) {

    private static final String TYPE = "https://in-toto.io/Statement/v1";
    private static final String PREDICATE = "https://slsa.dev/provenance/v1";
    /** Tags (RFC 4151), as nobody has to find anything there; the README says what the parameters mean. */
    private static final String BUILDER = "tag:lix.systems,2026:releng";
    private static final String BUILD_TYPE = BUILDER + ":release-jobs:1";

    /** What its file is called, here and where it is published, signed. */
    public static String file(Project project, Version version) {
        return project.prefix() + "-" + version + ".intoto.jsonl";
    }

    /** The file of a release that has one: earlier ones had none. */
    public static Optional<BuiltFile> in(BuiltRelease built, Project project) {
        return built.files().stream().filter(file -> file.path().equals(file(project, built.version()))).findFirst();
    }

    /** Writes it into a folder that will be release/, and returns the release with its file. */
    public BuiltRelease write(Path folder) throws IOException {
        byte[] bytes = json();
        String name = file(project, built.version());
        FileTree.writeWhole(folder.resolve(name), bytes);
        return built.withFile(new BuiltFile(name, bytes.length, FileTree.sha256(bytes)));
    }

    byte[] json() throws IOException {
        ObjectNode top = Json.MAPPER.createObjectNode().put("_type", TYPE);
        ArrayNode subjects = top.putArray("subject");
        subjects(built, project).forEach((name, sha256) -> digest(subjects.addObject().put("name", name), "sha256", sha256));
        top.put("predicateType", PREDICATE);
        ObjectNode predicate = top.putObject("predicate");
        ObjectNode definition = predicate.putObject("buildDefinition").put("buildType", BUILD_TYPE);
        ObjectNode external = definition.putObject("externalParameters");
        Optional<String> repository = project.forge().flatMap(forge -> project.repository().map(path -> forge + "/" + path));
        repository.ifPresent(address -> external.put("repository", address));
        built.tag().ifPresent(tag -> external.put("tag", tag));
        external.put("commit", built.commit()).put("profile", built.profile());
        ObjectNode given = external.putObject("nixOptions");
        options.forEach(given::put);
        built.skipped().forEach(external.putArray("skippedChecks")::add);
        definition.putObject("internalParameters").put("system", built.system()).put("nix", nix);
        ArrayNode dependencies = definition.putArray("resolvedDependencies");
        ObjectNode source = dependencies.addObject().put("name", "source");
        repository.ifPresent(address -> source.put("uri", "git+" + address + built.tag().map(tag -> "@refs/tags/" + tag).orElse("")));
        digest(source, "gitCommit", built.commit());
        for (Nix.Job job : built.jobs()) {
            digest(dependencies.addObject().put("name", job.attr()).put("uri", "nix:" + job.drvPath()), "sha256", FileTree.sha256(Path.of(job.drvPath())));
        }
        ObjectNode run = predicate.putObject("runDetails");
        run.putObject("builder").put("id", BUILDER);
        built.rebuilt().ifPresent(twice -> {
            ObjectNode rebuilt = run.putObject("metadata").putObject("releng_rebuilt"); // as SLSA has extensions named
            twice.same().forEach(rebuilt.putArray("same")::add);
            twice.elsewhere().forEach(rebuilt.putArray("elsewhere")::add);
        });
        return (top + "\n").getBytes(StandardCharsets.UTF_8);
    }

    private static void digest(ObjectNode node, String algorithm, String hex) {
        node.putObject("digest").put(algorithm, hex);
    }

    /** What it is about: files by their names in the version's folder, and the images by a package URL; SHA-256 in hex. */
    private static SortedMap<String, String> subjects(BuiltRelease built, Project project) {
        SortedMap<String, String> subjects = new TreeMap<>();
        built.below(("artifacts/" + project.folder(built.version().toString())).replaceAll("/$", "")).forEach((name, file) -> subjects.put(name, file.sha256()));
        if (built.hasImages()) {
            String sha256 = ImageIndex.of(built.images()).index().digest().replace("sha256:", "");
            subjects.put("pkg:oci/" + project.prefix() + "@sha256%3A" + sha256 + "?tag=" + built.version(), sha256);
        }
        return subjects;
    }

    /** What a statement says that is not so of a release; each goes on from the file's name. */
    public static List<String> faults(byte[] statement, BuiltRelease built, Project project) {
        JsonNode top;
        try {
            top = Json.object(statement, "the statement");
        } catch (Fault fault) {
            return List.of("holds no statement: " + String.join("; ", fault.why()));
        }
        List<String> faults = new ArrayList<>();
        if (!top.path("_type").asText().equals(TYPE) || !top.path("predicateType").asText().equals(PREDICATE)) {
            faults.add("is no in-toto statement about provenance");
        }
        String commit = top.at("/predicate/buildDefinition/externalParameters/commit").asText();
        if (!commit.equals(built.commit())) {
            faults.add("is about commit " + commit + ", the release is " + built.commit());
        }
        SortedMap<String, String> subjects = subjects(built, project);
        SortedMap<String, String> said = new TreeMap<>();
        top.path("subject").forEach(subject -> said.put(subject.path("name").asText(), subject.at("/digest/sha256").asText()));
        TreeSet<String> names = new TreeSet<>(subjects.keySet());
        names.addAll(said.keySet());
        for (String name : names) {
            String is = said.getOrDefault(name, "nothing");
            String should = subjects.getOrDefault(name, "nothing");
            if (!is.equals(should)) {
                faults.add("says " + is + " of " + name + ", release.json " + should);
            }
        }
        return faults;
    }
}
