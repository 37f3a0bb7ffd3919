package lib.release;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import lib.base.Fault;
import lib.base.Json;
import lib.config.Project;
import lib.git.Git;
import org.eclipse.jgit.lib.ObjectId;

/**
 * The version file with another version or name in it, and every other byte as it was.
 *
 * @param place where it is, links followed
 */
public record VersionFile(String place, byte[] bytes, Release release) {

    /**
     * The file of a commit with what is set; empty where it says so already, or nothing is set. Throws Fault (usage) for
     * what is no version or name.
     *
     * @param version null leaves it as it is
     * @param name    null, too
     */
    public static Optional<VersionFile> set(Git git, ObjectId commit, Project project, String version, String name) {
        requirePossible(version, name);
        String file = project.versionFile();
        byte[] old = version == null && name == null ? new byte[0] : git.read(commit, file).orElseThrow(() -> Fault.failed("there is no " + file,
                "it says which version is released", "run in a checkout of " + project.name()));
        byte[] bytes = old;
        Map<String, String> values = new LinkedHashMap<>();
        Optional.ofNullable(version).ifPresent(value -> values.put("version", value));
        Optional.ofNullable(name).ifPresent(value -> values.put("release_name", value));
        for (Map.Entry<String, String> value : values.entrySet()) {
            bytes = with(bytes, file, value.getKey(), value.getValue());
        }
        return Arrays.equals(bytes, old) ? Optional.empty()
                : Optional.of(new VersionFile(git.place(commit, file), bytes, Release.read(project, bytes, file)));
    }

    /** The message of the commit that holds just this. */
    public String message() {
        return "release: version " + release.version() + " \"" + release.name() + "\"\n";
    }

    private static void requirePossible(String version, String name) {
        try {
            Optional.ofNullable(version).ifPresent(Version::of);
        } catch (IllegalArgumentException e) {
            throw Fault.usage("--version is no version", e.getMessage(), "write it as in --version 2.95.0").from(e);
        }
        if (name != null && !Release.isName(name)) {
            throw Fault.usage("--name is no name of a release", "it must be one line without quotes, and not empty", "write it as in --name 'Crème Brûlée'");
        }
    }

    private static byte[] with(byte[] json, String file, String key, String value) {
        ObjectNode wanted = Json.object(json, file);
        if (!wanted.has(key)) {
            throw Fault.failed(file + " does not describe a release", file + ": " + key + " is missing", "add the key, commit it, and run again");
        }
        if (wanted.path(key).asText().equals(value)) {
            return json;
        }
        wanted.put(key, value);
        byte[] changed = replaced(json, key, value);
        if (!Json.object(changed, file).equals(wanted)) {
            throw Fault.failed(key + " cannot be set in " + file, "it is not UTF-8 without a byte order mark", "save it as that, commit it, and run again");
        }
        return changed;
    }

    /** Of a JSON text (RFC 8259) the value of a key at its top, where the parser finds it. */
    private static byte[] replaced(byte[] json, String key, String value) {
        try (JsonParser parser = Json.MAPPER.createParser(json)) {
            parser.nextToken();
            while (parser.nextToken() == JsonToken.FIELD_NAME) {
                boolean found = parser.currentName().equals(key);
                parser.nextToken();
                int start = (int) parser.currentTokenLocation().getByteOffset();
                parser.skipChildren();
                parser.finishToken();
                int end = (int) parser.currentLocation().getByteOffset();
                if (found && start >= 0 && end >= start) {
                    ByteArrayOutputStream out = new ByteArrayOutputStream();
                    out.write(json, 0, start);
                    out.writeBytes(Json.MAPPER.writeValueAsString(value).getBytes(StandardCharsets.UTF_8));
                    out.write(json, end, json.length - end);
                    return out.toByteArray();
                }
            }
        } catch (IOException e) {
            // it was parsed before: what is wrong now is its encoding
        }
        return json;
    }
}
