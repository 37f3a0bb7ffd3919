import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import lib.base.Exec;
import lib.base.Json;
import lib.release.BuiltRelease;
import org.cyclonedx.Version;
import org.cyclonedx.parsers.JsonParser;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SbomTest {

    @TempDir
    Path folder;

    @Test
    void bomListsWhatTheBuildsReferToAtRunTimeAndFitsItsSchema() throws Exception {
        Checkout checkout = Released.copy(folder.resolve("checkout"));
        byte[] bytes = Files.readAllBytes(checkout.folder.resolve("release/artifacts/lix/lix-2.95.0/lix-2.95.0.cdx.json"));
        assertEquals(List.of(), new JsonParser().validate(bytes, Version.VERSION_16));

        JsonNode bom = Json.object(bytes, "the BOM");
        assertEquals("2.95.0", bom.at("/metadata/component/version").asText());
        BuiltRelease built = BuiltRelease.read(checkout.folder.resolve("release"));
        List<String> outputs = built.jobs().stream().filter(job -> job.attr().startsWith("build.")).flatMap(job -> job.outputs().values().stream()).toList();
        List<String> line = new ArrayList<>(List.of("nix-store", "--query", "--requisites"));
        line.addAll(outputs);
        Exec.Result nix = Exec.of(line.toArray(String[]::new)).run();
        Set<String> components = new TreeSet<>();
        bom.path("components").forEach(component -> components.add(component.path("bom-ref").asText()));
        assertEquals(new TreeSet<>(nix.out().lines().toList()), components);
        assertTrue(components.stream().noneMatch(path -> path.endsWith(".drv")), components.toString());

        Set<String> named = new HashSet<>(components);
        named.add("lix-2.95.0");
        bom.path("dependencies").forEach(dependency -> {
            assertTrue(named.remove(dependency.path("ref").asText()), dependency + " stands twice, or is of nothing");
            dependency.path("dependsOn").forEach(other -> assertTrue(components.contains(other.asText()), other.asText()));
        });
        assertEquals(Set.of(), named, "each says what it refers to");
        int ours = 0;
        for (JsonNode component : bom.path("components")) {
            if (outputs.contains(component.path("bom-ref").asText())) {
                ours++;
                assertEquals("pkg:nix/lix@2.95.0", component.path("purl").asText(), "of whichever output");
                assertTrue(component.toString().contains("nix:drv_path"), component.toString());
            }
        }
        assertEquals(outputs.size(), ours);
    }
}
