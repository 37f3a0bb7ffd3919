package lib.release;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Date;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import lib.base.FileTree;
import lib.config.Project;
import lib.nix.Nix;
import lib.nix.ReleaseJobs;
import org.cyclonedx.Version;
import org.cyclonedx.exception.GeneratorException;
import org.cyclonedx.generators.BomGeneratorFactory;
import org.cyclonedx.model.Bom;
import org.cyclonedx.model.Component;
import org.cyclonedx.model.Dependency;
import org.cyclonedx.model.Metadata;
import org.cyclonedx.model.Property;

/**
 * What a release consists of, for those who look for what has to be updated: each store path that the builds refer to at run
 * time, in CycloneDX 1.6 (ECMA-424), with the properties that other tools for Nix give them. It follows from the closure
 * alone: the same release has the same bytes.
 *
 * @param commit  that was built
 * @param time    of the commit, in seconds since 1970
 * @param builds  the release jobs' builds, by system
 * @param closure of all that was built
 */
public record Sbom(Project project, lib.release.Version version, String commit, long time, SortedMap<String, Nix.Job> builds, SortedMap<String, Nix.PathInfo> closure) {

    /** As builtins.parseDrvName splits a name: the version begins after the first dash that no letter follows; then, which of the outputs it is, as nixpkgs calls them. */
    private static final Pattern NAME = Pattern.compile("(?<name>.*?)(-(?<version>[^A-Za-z].*?)(-(bin|debug|dev|devdoc|devman|dist|doc|info|lib|man|static))?)?", Pattern.DOTALL);
    private static final int HASH = 33;

    /** What its file is called. */
    public static String file(Project project, lib.release.Version version) {
        return project.prefix() + "-" + version + ".cdx.json";
    }

    /** Of what {@code shape} builds. */
    public static Sbom of(Release release, String commit, long time, ReleaseJobs shape, SortedMap<String, Nix.PathInfo> closure) {
        return new Sbom(release.project(), release.version(), commit, time, shape.builds(), closure);
    }

    /** Writes it among the artifacts. */
    public void write(Path artifacts) throws IOException {
        FileTree.writeWhole(artifacts.resolve(file(project, version)), json().getBytes(StandardCharsets.UTF_8));
    }

    String json() {
        SortedMap<String, Component> components = new TreeMap<>();
        List<Dependency> dependencies = new ArrayList<>();
        Component whole = whole();
        Dependency builtFrom = new Dependency(whole.getBomRef());
        builds.values().forEach(job -> job.outputs().values().forEach(output -> builtFrom.addDependency(new Dependency(output))));
        dependencies.add(builtFrom);
        for (String path : new TreeSet<>(StoreClosure.reached(closure, outputs()))) {
            components.put(path, component(closure.get(path)));
            Dependency references = new Dependency(path);
            closure.get(path).references().stream().filter(other -> !other.equals(path)).forEach(other -> references.addDependency(new Dependency(other)));
            dependencies.add(references);
        }
        builds.forEach((system, job) -> job.outputs().forEach((output, path) -> {
            Component made = components.get(path);
            made.setType(Component.Type.APPLICATION);
            made.addProperty(property("nix:drv_path", job.drvPath()));
            made.addProperty(property("nix:output", output));
            made.addProperty(property("nix:system", system));
        }));
        Bom bom = new Bom();
        bom.setSerialNumber("urn:uuid:" + UUID.nameUUIDFromBytes((commit + "\n" + String.join("\n", components.keySet())).getBytes(StandardCharsets.UTF_8)));
        bom.setVersion(1);
        Metadata metadata = new Metadata();
        metadata.setTimestamp(Date.from(Instant.ofEpochSecond(time)));
        metadata.setComponent(whole);
        bom.setMetadata(metadata);
        bom.setComponents(List.copyOf(components.values()));
        bom.setDependencies(dependencies);
        try {
            return BomGeneratorFactory.createJson(Version.VERSION_16, bom).toJsonString() + "\n";
        } catch (GeneratorException e) {
            throw new IllegalStateException("what is made here can be written", e);
        }
    }

    private Collection<String> outputs() {
        return builds.values().stream().flatMap(job -> job.outputs().values().stream()).toList();
    }

    private Component whole() {
        Component whole = new Component();
        whole.setType(Component.Type.APPLICATION);
        whole.setName(project.name());
        whole.setVersion(version.toString());
        whole.setBomRef(project.prefix() + "-" + version);
        whole.addProperty(property("git:commit", commit));
        return whole;
    }

    private static Component component(Nix.PathInfo path) {
        String base = Path.of(path.path()).getFileName().toString();
        Matcher parts = NAME.matcher(base.substring(HASH));
        parts.matches();
        Optional<String> version = Optional.ofNullable(parts.group("version"));
        Component component = new Component();
        component.setType(Component.Type.LIBRARY);
        component.setName(parts.group("name"));
        version.ifPresent(component::setVersion);
        component.setBomRef(path.path());
        component.setPurl("pkg:nix/" + encoded(parts.group("name")) + version.map(text -> "@" + encoded(text)).orElse(""));
        component.addProperty(property("nix:output_path", path.path()));
        component.addProperty(property("nix:nar_hash", path.narHash()));
        component.addProperty(property("nix:nar_size", Long.toString(path.narSize())));
        return component;
    }

    // Names of store paths have few characters; of those only + and ? and = mean something in a package URL.
    private static String encoded(String text) {
        return java.net.URLEncoder.encode(text, StandardCharsets.UTF_8);
    }

    private static Property property(String name, String value) {
        Property property = new Property();
        property.setName(name);
        property.setValue(value);
        return property;
    }
}
