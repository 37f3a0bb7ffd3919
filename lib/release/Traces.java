package lib.release;

import com.github.luben.zstd.ZstdInputStream;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.zip.GZIPInputStream;
import lib.base.FileTree;
import lib.base.Parallel;
import lib.base.Variables;
import lib.git.Git;
import lib.nix.Nix;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.tukaani.xz.XZInputStream;

/**
 * What of the machine it was built on a release gives away: the folders of its user and of the builds, and the user's name in archives. Looked for
 * in every file, in archives as in folders, compressed or not.
 */
public final class Traces {

    private static final int MOST_NAMED = 20;
    private static final int DEEPEST = 4;
    private static final int CHUNK = 1 << 18;
    private static final int TAR_MAGIC = 257;
    // Home of those who are the same everywhere.
    private static final Set<String> NOBODYS = Set.of("root", "nobody", "nixbld");

    /** What to look for, and what it is to people. A path is not another one that begins or ends with it. */
    private final Map<String, String> texts = new LinkedHashMap<>();
    private final Set<String> users = new HashSet<>();
    private final List<String> found = Collections.synchronizedList(new ArrayList<>());

    private Traces() {
    }

    /** A sentence for each file below the folder that has some; not of the {@code source}'s, whose bytes are the tag's. */
    public static List<String> of(Git git, List<Nix.Job> jobs, Path folder, String source) throws IOException {
        Traces traces = new Traces();
        Map<String, String> env = git.env();
        traces.path(git.workTree().toString(), "the checkout");
        Variables.set(env, "HOME").ifPresent(home -> traces.path(home, "the home folder"));
        jobs.forEach(job -> traces.texts.put("/nix-build-" + job.drvPath().replaceFirst("^.*/[^-]*-", "") + "-", "a build's folder"));
        for (String variable : List.of("USER", "LOGNAME")) {
            Variables.set(env, variable).filter(name -> !NOBODYS.contains(name)).ifPresent(traces.users::add);
        }
        Map<String, Path> files = FileTree.files(folder);
        files.values().removeIf(file -> file.endsWith(source));
        Parallel.forEach(files.entrySet(), Runtime.getRuntime().availableProcessors(), file -> {
            try (InputStream in = Files.newInputStream(file.getValue())) {
                traces.look(file.getKey(), in, 0);
            } catch (IllegalArgumentException e) {
                throw new IOException(file.getKey() + " is no sound archive: " + e.getMessage(), e);
            }
        });
        List<String> named = new ArrayList<>(traces.found.stream().sorted().limit(MOST_NAMED).toList());
        if (traces.found.size() > MOST_NAMED) {
            named.add("and " + (traces.found.size() - MOST_NAMED) + " more");
        }
        return named;
    }

    // A single name, such as /root or /src, is nobody's own and stands in many texts.
    private void path(String path, String what) {
        if (path.matches("/[^/]+/.*[^/]")) {
            texts.putIfAbsent(path, what);
        }
    }

    private void look(String name, InputStream raw, int depth) throws IOException {
        BufferedInputStream in = plain(new BufferedInputStream(raw));
        byte[] head = head(in, TAR_MAGIC + 5);
        boolean tar = head.length == TAR_MAGIC + 5 && new String(head, TAR_MAGIC, 5, StandardCharsets.ISO_8859_1).equals("ustar");
        if (!tar || depth == DEEPEST) {
            search(name, in);
            return;
        }
        TarArchiveInputStream entries = new TarArchiveInputStream(in, "UTF-8");
        for (TarArchiveEntry entry = entries.getNextEntry(); entry != null; entry = entries.getNextEntry()) {
            String inside = name + ": " + entry.getName();
            if (users.contains(entry.getUserName()) || users.contains(entry.getGroupName())) {
                found.add(inside + " belongs to " + entry.getUserName() + ":" + entry.getGroupName());
            }
            find(inside, "\n" + entry.getName() + "\n" + entry.getLinkName() + "\n").ifPresent(found::add);
            try {
                look(inside, entries, depth + 1);
            } catch (IOException | IllegalArgumentException e) {
                // a file that only looks compressed, as tests have them: it was read as far as that goes
            }
        }
    }

    private static BufferedInputStream plain(BufferedInputStream in) throws IOException {
        byte[] magic = head(in, 6);
        String hex = java.util.HexFormat.of().formatHex(magic);
        InputStream unpacked = hex.startsWith("1f8b08") ? new GZIPInputStream(in) : hex.equals("fd377a585a00") ? new XZInputStream(in)
                : hex.startsWith("28b52ffd") ? new ZstdInputStream(in) : null;
        return unpacked == null ? in : new BufferedInputStream(unpacked);
    }

    private static byte[] head(BufferedInputStream in, int length) throws IOException {
        in.mark(length);
        byte[] head = in.readNBytes(length);
        in.reset();
        return head;
    }

    // A letter a byte, and something before the first and behind the last. What a chunk may have cut is looked at with the next one.
    private void search(String name, InputStream in) throws IOException {
        int longest = 1 + texts.keySet().stream().mapToInt(text -> text.getBytes(StandardCharsets.UTF_8).length).max().orElse(0);
        String text = "\n";
        Optional<String> trace = Optional.empty();
        for (byte[] chunk = in.readNBytes(CHUNK); chunk.length > 0 && trace.isEmpty(); chunk = in.readNBytes(CHUNK)) {
            text = text.substring(Math.max(0, text.length() - longest)) + new String(chunk, StandardCharsets.ISO_8859_1);
            trace = find(name, text);
        }
        String end = text.substring(Math.max(0, text.length() - longest)) + "\n";
        trace.or(() -> find(name, end)).ifPresent(found::add);
    }

    private Optional<String> find(String name, String text) {
        for (Map.Entry<String, String> wanted : texts.entrySet()) {
            String bytes = new String(wanted.getKey().getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1);
            for (int at = text.indexOf(bytes, 1); at >= 0 && at + bytes.length() < text.length(); at = text.indexOf(bytes, at + 1)) {
                if (bytes.endsWith("-") || !isName(text.charAt(at - 1)) && !isName(text.charAt(at + bytes.length()))) {
                    return Optional.of(name + " names " + wanted.getValue() + ", " + wanted.getKey());
                }
            }
        }
        return Optional.empty();
    }

    private static boolean isName(char letter) {
        return letter >= '0' && letter <= '9' || letter >= 'A' && letter <= 'Z' || letter >= 'a' && letter <= 'z' || letter == '_' || letter == '-' || letter >= 0x80;
    }
}
