package lib.oci;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import lib.base.Measured;
import org.apache.commons.io.input.CloseShieldInputStream;

/** What stands in an archive, read once from front to end. Of its files no more is held than names, digests and small documents. */
final class Contents {

    private static final Pattern STORE_PATH = Pattern.compile("nix/store/([0-9a-z]{32}-[^/]+)(/.*)?", Pattern.DOTALL);
    /** As much as skopeo takes of a config. */
    private static final int LARGEST_DOCUMENT = 4 << 20;
    private static final int ALL_DOCUMENTS = 32 << 20;
    /** Bytes for names, about: some 100,000 of links and store paths, or 15,000 files, each of which is compressed to know what it would be. */
    private static final int ALL_NAMES = 32 << 20;
    private static final int NAME = 250;
    private static final int FILE = 2_000;
    private static final int MOST_LINKS = 40;
    private static final int MOST_FAULTS = 20;
    private static final int SHOWN = 200;

    /**
     * A file's plain bytes, and what registries would get of them.
     *
     * @param sha256     of the plain bytes in hex; empty where they could not be read
     * @param storePaths names below nix/store, if it is a tar
     * @param fault      why it can be no layer; empty where it can
     */
    record Stored(String sha256, long size, String blob, long blobSize, String compression, SortedSet<String> storePaths, String fault) {
    }

    private final Unpacking unpacking;
    private final Map<String, Stored> files = new HashMap<>();
    private final Map<String, String> links = new HashMap<>();
    /** Files that may be manifest or config: small, and of JSON's look. */
    private final Map<String, byte[]> documents = new HashMap<>();
    private int documentBytes;
    private long nameBytes;
    private final List<String> faults = new ArrayList<>();

    private Contents(Unpacking unpacking) {
        this.unpacking = unpacking;
    }

    /** Whatever keeps it from being read to its end is among its faults. */
    static Contents of(Path archive, Unpacking unpacking) {
        Contents contents = new Contents(unpacking);
        String entry = "its beginning";
        try (InputStream in = unpacking.open(archive)) {
            Tar tar = new Tar(in);
            for (Tar.Entry next = tar.next(); next != null; next = tar.next()) {
                entry = "'" + shown(next.name()) + "'";
                contents.entry(next, tar);
                entry = "what follows " + entry;
            }
            in.transferTo(OutputStream.nullOutputStream()); // a decompressor's own checks come last
        } catch (IOException | IllegalArgumentException e) {
            contents.faults.clear();
            contents.fault(entry + " cannot be read: " + message(e));
        }
        return contents;
    }

    List<String> faults() {
        return faults;
    }

    void fault(String what) {
        if (faults.size() < MOST_FAULTS) {
            faults.add(what);
        } else if (faults.size() == MOST_FAULTS) {
            faults.add("and more");
        }
    }

    /** A name or a message, not too long for people. */
    static String shown(String text) {
        return text.length() > SHOWN ? text.substring(0, SHOWN) + "..." : text;
    }

    /** What an exception says; those of decompressors may say nothing. */
    static String message(Exception e) {
        String said = e.getMessage() != null ? e.getMessage() : e instanceof EOFException ? "it ends too early" : e.toString();
        return shown(said.lines().findFirst().orElse(""));
    }

    /** A name as seen from the top of the archive; empty where it leads out of it. */
    static Optional<String> inside(String folder, String name) {
        List<String> parts = new ArrayList<>();
        if (name.startsWith("/") || name.isEmpty()) {
            return Optional.empty();
        }
        for (String part : (folder + name).split("/")) {
            if (part.equals("..")) {
                if (parts.isEmpty()) {
                    return Optional.empty();
                }
                parts.remove(parts.size() - 1);
            } else if (!part.isEmpty() && !part.equals(".")) {
                parts.add(part);
            }
        }
        return Optional.of(String.join("/", parts));
    }

    boolean has(String name) {
        return files.containsKey(name);
    }

    Stored file(String entry) {
        return files.get(entry);
    }

    /** The document a file is; empty where it does not look like one, or is too large. */
    Optional<byte[]> document(String entry) {
        return Optional.ofNullable(documents.get(entry));
    }

    /** The file that a name leads to, through links; empty, with a fault, where there is none. */
    Optional<String> resolve(String name) {
        String at = inside("", name).orElse(name);
        for (int i = 0; i < MOST_LINKS && links.containsKey(at); i++) {
            at = links.get(at);
        }
        if (!files.containsKey(at)) {
            fault("'" + shown(name) + "' is " + (links.containsKey(at) ? "a link to itself" : at.equals(inside("", name).orElse(name)) ? "missing"
                    : "a link to '" + shown(at) + "', which is missing"));
            return Optional.empty();
        }
        return Optional.of(at);
    }

    private void entry(Tar.Entry entry, Tar tar) throws IOException {
        Optional<String> name = inside("", entry.name());
        if (name.isEmpty()) {
            fault("'" + shown(entry.name()) + "' leads outside the archive");
        } else if (entry.type() == '1' || entry.type() == '2') {
            link(name.get(), entry.type() == '1' ? "" : name.get().substring(0, name.get().lastIndexOf('/') + 1), entry.link());
        } else if (entry.isFile()) {
            unpacking.require(entry.size());
            note(name.get().length() + FILE);
            Stored stored = file(name.get(), tar);
            Stored before = files.put(name.get(), stored);
            if (before != null && !before.equals(stored)) {
                fault("'" + shown(name.get()) + "' occurs twice, with different bytes");
            }
            note(0); // what was inside counts, too
        } else if (entry.type() != '5') {
            fault("'" + shown(name.get()) + "' is neither a file nor a folder nor a link");
        }
    }

    private void link(String name, String from, String to) throws IOException {
        Optional<String> target = inside(from, to);
        note(name.length() + target.map(String::length).orElse(0));
        target.ifPresentOrElse(inside -> links.put(name, inside), () -> fault("'" + shown(name) + "' is a link to a place outside the archive, '" + shown(to) + "'"));
    }

    private void note(int length) throws IOException {
        nameBytes += length + NAME;
        if (nameBytes > ALL_NAMES) {
            throw new IOException("it has more names, or longer ones, than an image can have");
        }
    }

    private Stored file(String name, InputStream tar) {
        Measured raw = new Measured();
        BufferedInputStream in = new BufferedInputStream(raw.reading(CloseShieldInputStream.wrap(tar)), 1 << 16);
        Measured compressed = new Measured();
        String compression = "";
        try (ParallelGzip gzip = new ParallelGzip(compressed)) {
            compression = Unpacking.compression(in);
            boolean compress = compression.equals("none");
            Measured plain = new Measured(compress ? gzip : OutputStream.nullOutputStream());
            TreeSet<String> storePaths = new TreeSet<>();
            String fault;
            try (InputStream content = unpacking.plain(in, compression)) {
                fault = look(name, new BufferedInputStream(plain.reading(content), 1 << 16), storePaths);
                in.transferTo(OutputStream.nullOutputStream()); // what stands behind a compressed end belongs to the file, too
            }
            if (compress) {
                gzip.finish();
            }
            Measured blob = compress ? compressed : raw;
            return new Stored(plain.hex(), plain.size(), blob.hex(), blob.size(), compress ? "gzip" : compression, storePaths, fault);
        } catch (IOException | IllegalArgumentException e) {
            // Of no matter but to a layer; and if it is the archive that cannot be read, that is said where it is read on.
            return new Stored("", 0, "", 0, compression, new TreeSet<>(), "cannot be read: " + message(e));
        }
    }

    /** Reads it to its end: the names of the store paths of a tar; a document is kept. Why it is no tar, or nothing. */
    private String look(String name, BufferedInputStream file, SortedSet<String> storePaths) throws IOException {
        file.mark(Tar.BLOCK);
        byte[] begin = file.readNBytes(Tar.BLOCK);
        file.reset();
        String fault = "is not a tar";
        if (Tar.begins(begin)) {
            fault = storePaths(file, storePaths);
        } else if (new String(begin, StandardCharsets.ISO_8859_1).matches("(?s)[ \t\r\n]*+([\\[{].*)?")) {
            keep(name, file.readNBytes(LARGEST_DOCUMENT + 1));
        }
        file.transferTo(OutputStream.nullOutputStream());
        return fault;
    }

    // More than fits is left out: the config of an image has no reason to stand behind so much else.
    private void keep(String name, byte[] document) {
        if (document.length <= LARGEST_DOCUMENT && documentBytes + document.length <= ALL_DOCUMENTS) {
            documentBytes += document.length;
            documents.put(name, document);
        }
    }

    private String storePaths(InputStream layer, SortedSet<String> names) throws IOException {
        Tar tar = new Tar(layer);
        try {
            for (Tar.Entry entry = tar.next(); entry != null; entry = tar.next()) {
                Matcher path = STORE_PATH.matcher(inside("", entry.name().replaceFirst("^/+", "")).orElse(""));
                if (path.matches() && names.add(path.group(1))) {
                    note(path.group(1).length());
                }
            }
            return "";
        } catch (IOException e) {
            return "is not a complete tar: " + message(e);
        }
    }
}
