package lib.nix;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import lib.base.Json;

/**
 * A path of the machine's store as a NAR, and what a listing says of it. Whoever writes one compares it with the hash that
 * Nix's database has of the path.
 *
 * @see <a href="https://nix.dev/manual/nix/latest/protocols/nix-archive">the format</a>
 */
public final class StoreNar {

    private static final boolean CASE_HACK = System.getProperty("os.name").startsWith("Mac");
    private static final Path ROOT = Path.of("/");

    private final OutputStream out;
    private final boolean contents;
    private final byte[] buffer = new byte[1 << 16];
    private long offset;

    private StoreNar(OutputStream out, boolean contents) {
        this.out = out;
        this.contents = contents;
    }

    /** Writes the NAR of a path. Throws IOException, also when the path has what no NAR can have, or changes meanwhile. */
    public static void write(Path path, OutputStream out) throws IOException {
        StoreNar nar = new StoreNar(out, true);
        nar.text("nix-archive-1");
        nar.node(path);
    }

    /** What {@code HASH.ls} of a cache says of a path, version 1; no content is read for it. */
    public static byte[] listing(Path path) throws IOException {
        StoreNar nar = new StoreNar(OutputStream.nullOutputStream(), false);
        nar.text("nix-archive-1");
        ObjectNode top = Json.MAPPER.createObjectNode().put("version", 1);
        top.set("root", nar.node(path));
        return Json.MAPPER.writeValueAsBytes(top);
    }

    private ObjectNode node(Path path) throws IOException {
        PosixFileAttributes attributes = Files.readAttributes(path, PosixFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
        ObjectNode node = Json.MAPPER.createObjectNode();
        text("(");
        text("type");
        if (attributes.isSymbolicLink()) {
            byte[] target = bytes(Files.readSymbolicLink(path));
            text("symlink");
            text("target");
            string(target);
            node.put("type", "symlink").put("target", new String(target, StandardCharsets.UTF_8));
        } else if (attributes.isDirectory()) {
            text("directory");
            ObjectNode entries = node.put("type", "directory").putObject("entries");
            for (Map.Entry<byte[], Path> entry : entries(path).entrySet()) {
                text("entry");
                text("(");
                text("name");
                string(entry.getKey());
                text("node");
                entries.set(new String(entry.getKey(), StandardCharsets.UTF_8), node(entry.getValue()));
                text(")");
            }
        } else if (attributes.isRegularFile()) {
            text("regular");
            node.put("type", "regular").put("size", attributes.size());
            if (attributes.permissions().contains(PosixFilePermission.OWNER_EXECUTE)) {
                text("executable");
                text("");
                node.put("executable", true);
            }
            text("contents");
            number(attributes.size());
            node.put("narOffset", offset);
            file(path, attributes.size());
            pad(attributes.size());
        } else {
            throw new IOException(path + " is not a file, a directory or a symbolic link");
        }
        text(")");
        return node;
    }

    // In the order of their bytes.
    private static Map<byte[], Path> entries(Path folder) throws IOException {
        Map<byte[], Path> entries = new TreeMap<>(Arrays::compareUnsigned);
        try (DirectoryStream<Path> children = Files.newDirectoryStream(folder)) {
            for (Path child : children) {
                byte[] name = bytes(child.getFileName());
                if (CASE_HACK) { // two names that differ in case only lie side by side on a disk that does not tell them apart
                    name = new String(name, StandardCharsets.UTF_8).replaceFirst("~nix~case~hack~[0-9]+$", "").getBytes(StandardCharsets.UTF_8);
                }
                entries.put(name, child);
            }
        }
        return entries;
    }

    // As on the disk, whatever the locale: where the name cannot be had as text, its address has the bytes.
    private static byte[] bytes(Path name) {
        String text = name.toString();
        if (text.chars().allMatch(letter -> letter < 128)) {
            return text.getBytes(StandardCharsets.US_ASCII);
        }
        String address = (name.isAbsolute() ? name : ROOT.resolve(name)).toUri().getRawPath();
        int end = address.endsWith("/") && !text.endsWith("/") ? address.length() - 1 : address.length();
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        for (int i = name.isAbsolute() ? 0 : 1; i < end; i++) {
            if (address.charAt(i) == '%') {
                bytes.write(Integer.parseInt(address.substring(i + 1, i + 3), 16));
                i += 2;
            } else {
                bytes.write(address.charAt(i));
            }
        }
        return bytes.toByteArray();
    }

    private void file(Path file, long size) throws IOException {
        offset += size;
        if (!contents) {
            return;
        }
        long left = size;
        try (InputStream in = Files.newInputStream(file)) {
            for (int read; left > 0 && (read = in.read(buffer, 0, (int) Math.min(buffer.length, left))) >= 0; left -= read) {
                out.write(buffer, 0, read);
            }
        }
        if (left > 0) {
            throw new IOException(file + " is shorter than the " + size + " bytes it had");
        }
    }

    private void text(String text) throws IOException {
        string(text.getBytes(StandardCharsets.US_ASCII));
    }

    private void string(byte[] bytes) throws IOException {
        number(bytes.length);
        put(bytes, bytes.length);
        pad(bytes.length);
    }

    private void number(long number) throws IOException {
        put(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(number).array(), 8);
    }

    private void pad(long size) throws IOException {
        put(new byte[8], (int) (-size & 7));
    }

    private void put(byte[] bytes, int count) throws IOException {
        out.write(bytes, 0, count);
        offset += count;
    }
}
