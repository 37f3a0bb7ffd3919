package lib.release;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import lib.base.Fault;
import lib.base.Json;
import lib.config.Config;
import lib.config.Project;
import lib.git.Git;

/**
 * The release being made, as the checkout's version file tells it.
 *
 * @param version  the version
 * @param name     the release's name, spoken and non-ASCII as people write it
 * @param official the version file's {@code official_release}; empty in old trees, where flake.nix has the flag
 */
public record Release(Project project, Version version, String name, Optional<Boolean> official) {

    /** Reads the version file's bytes. Throws Fault naming {@code file} and all its faults. */
    public static Release read(Project project, byte[] json, String file) {
        ObjectNode object = Json.object(json, file);
        List<String> faults = new ArrayList<>();
        // Other keys are allowed here: the file is the project's, not ours.
        Json.Fields fields = new Json.Fields(object, file + ": ", faults);
        String text = fields.text("version");
        String name = fields.text("release_name");
        Optional<Boolean> official = fields.optionalFlag("official_release");
        Version version = null;
        if (!text.isEmpty() || faults.isEmpty()) {
            try {
                version = Version.of(text);
            } catch (IllegalArgumentException e) {
                faults.add(file + ": version: " + e.getMessage());
            }
        }
        if (faults.isEmpty() && !isName(name)) {
            faults.add(file + ": release_name must be one line without quotes, and not empty");
        }
        if (!faults.isEmpty()) {
            throw Fault.failed(file + " does not describe a release", faults, "fix it and run again");
        }
        return new Release(project, version, name, official);
    }

    /** The release that HEAD's version file describes. Throws Fault when there is none. */
    public static Release at(Git git, Project project) {
        String file = project.versionFile();
        return read(project, git.read(git.head(), file).orElseThrow(() -> Fault.failed(file + " is not in HEAD",
                "it says which version this is", "commit it, or name the version file in " + Config.FILE)), file);
    }

    static boolean isName(String name) {
        return !name.isBlank() && !name.contains("\n") && !name.contains("\"");
    }

    /** The version file with {@code official_release} true; nothing else changes but the layout. */
    public static byte[] markOfficial(byte[] json, String file) {
        ObjectNode object = Json.object(json, file);
        object.put("official_release", true);
        return Json.pretty((JsonNode) object).getBytes(java.nio.charset.StandardCharsets.UTF_8);
    }

    /** The version file with another version and name in their places; every other byte stays. */
    public static byte[] withVersion(byte[] json, String file, String version, String name) {
        Map<String, String> values = Map.of("version", version, "release_name", name);
        ByteArrayOutputStream edited = new ByteArrayOutputStream();
        int kept = 0;
        try (JsonParser parser = Json.MAPPER.createParser(json)) {
            parser.nextToken();
            while (parser.nextToken() == JsonToken.FIELD_NAME) {
                String value = values.get(parser.currentName());
                parser.nextToken();
                int from = (int) parser.currentTokenLocation().getByteOffset();
                parser.skipChildren();
                parser.finishToken();
                if (value != null && from < 0) {
                    throw new IOException("its bytes are not in UTF-8");
                } else if (value != null) {
                    edited.write(json, kept, from - kept);
                    edited.write(Json.MAPPER.writeValueAsBytes(value));
                    kept = (int) parser.currentLocation().getByteOffset();
                }
            }
        } catch (IOException e) {
            throw Fault.failed(file + " cannot be edited", e.getMessage(), "save it as JSON in UTF-8, commit it and run again").from(e);
        }
        edited.write(json, kept, json.length - kept);
        return edited.toByteArray();
    }

    public String major() {
        return version.major();
    }

    /** {@code lix-2.93.1}: the folder of the artifacts and the stem of their names. */
    public String stem() {
        return project.prefix() + "-" + version;
    }

    /** The notes of this MAJOR, a path inside the checkout. */
    public String notesFile() {
        return project.releaseNotes() + "/rl-" + major() + ".md";
    }

    /** {@code Lix 2.93.1 "Bici Bici"}, for people. */
    public String spoken() {
        return project.name() + " " + version + " \"" + name + "\"";
    }
}
