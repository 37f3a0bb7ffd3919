package lib.nix;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import lib.base.Console;
import lib.base.Fault;
import lib.base.FileTree;
import lib.base.Measured;
import lib.git.Git;
import lib.git.GitEnv;
import lib.git.GitObjects;
import lib.git.Pristine;
import lib.git.Tree;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;

/**
 * What Nix takes into its store of a flake's commit, against the commit. Up to 2.19, and in Lix, that is what
 * {@code git archive} gives, later the files as they are stored; submodules and what LFS has are there where the flake asks
 * for them. Anything else came in by a filter or a setting of this machine's, perhaps at an earlier time: Nix remembers what
 * it took of a commit.
 */
public final class FlakeSource {

    private static final int MOST_NAMED = 20;
    private static final Pattern POINTER = Pattern.compile("version https://git-lfs\\.github\\.com/spec/v1\n(?:.*\n)*?oid sha256:([0-9a-f]{64})\n(?:.*\n)*");
    private static final Pattern ASKS_FOR_LFS = Pattern.compile("\\blfs\\s*=\\s*true\\b");

    /** What stands under a name: {@code is} is {@code file}, {@code program} or {@code link}, {@code bytes} their SHA-256. */
    private record Item(String is, String bytes) {
    }

    private final Pristine pristine;
    private final Map<String, Item> archived;
    private final Map<String, GitObjects.Entry> stored = new HashMap<>();
    private final boolean lfs;

    /** Of what stands below the prefix in a tar archive of the commit. */
    public FlakeSource(Pristine pristine, String prefix, Path tar) throws IOException {
        this.pristine = pristine;
        archived = archived(prefix, tar);
        Git git = pristine.git();
        git.below(pristine.commit(), "").forEach(entry -> stored.put(local(entry.path()), entry));
        lfs = git.read(pristine.commit(), "flake.nix").map(flake -> ASKS_FOR_LFS.matcher(new String(flake, StandardCharsets.UTF_8)).find()).orElse(false);
    }

    /**
     * A Nix to evaluate the flake with, after it has taken in the commit's own files. Throws Fault (refused) naming the files
     * that are others in the store.
     */
    public Nix nix(Console console, Map<String, String> env, List<String> options, String flake) throws IOException {
        List<String> submodules = stored.values().stream().filter(entry -> entry.kind() == Tree.Kind.SUBMODULE).map(GitObjects.Entry::path).sorted().toList();
        if (!submodules.isEmpty()) {
            console.warn("files of submodules are not in the source tarball, and Nix has them only where the flake asks for them: " + String.join(", ", submodules));
        }
        Map<String, String> own = new HashMap<>(env);
        own.put("XDG_CACHE_HOME", pristine.git().state("nix-cache").toString());
        own.put("NIX_CACHE_HOME", pristine.git().state("nix-cache").resolve("nix").toString());
        List<String> faults = List.of();
        String taken = "";
        for (Map<String, String> cache : List.of(GitEnv.clean(env), GitEnv.clean(own))) {
            // Its own git first sees nothing of the user's; then it remembers. Inputs are fetched as the user fetches.
            new Nix(console, pristine.env(cache), options).source(flake);
            Nix nix = new Nix(console, cache, options);
            taken = nix.source(flake);
            faults = faults(Path.of(taken));
            if (faults.isEmpty()) {
                return nix;
            }
        }
        List<String> shown = new ArrayList<>(faults.subList(0, Math.min(MOST_NAMED, faults.size())));
        if (shown.size() < faults.size()) {
            shown.add("and " + (faults.size() - shown.size()) + " more");
        }
        shown.add("Nix copied them to " + taken);
        throw Fault.refused("what Nix would build is not what the tag contains", shown,
                "find the git filter or setting that does this (git check-attr --all FILE; git config --show-origin --get-regexp filter), and run again without it");
    }

    /** How the files in a store path differ from the commit's. */
    public List<String> faults(Path store) throws IOException {
        Map<String, Path> found = new TreeMap<>();
        try (Stream<Path> walk = Files.walk(store)) {
            walk.filter(path -> !Files.isDirectory(path, java.nio.file.LinkOption.NOFOLLOW_LINKS)).forEach(path -> found.put(store.relativize(path).toString(), path));
        }
        TreeSet<String> names = new TreeSet<>(archived.keySet());
        names.addAll(found.keySet());
        List<String> faults = new ArrayList<>();
        for (String name : names) {
            fault(name, Optional.ofNullable(found.get(name))).ifPresent(fault -> faults.add(name + ": " + fault));
        }
        return faults;
    }

    private Optional<String> fault(String name, Optional<Path> found) throws IOException {
        if (found.isEmpty()) {
            return Optional.of("is not there");
        }
        Item item = item(found.get());
        if (item.equals(archived.get(name)) || inSubmodule(name)) {
            return Optional.empty();
        }
        GitObjects.Entry entry = stored.get(name);
        if (entry == null) {
            return Optional.of("is not in the tag");
        }
        byte[] blob = pristine.git().bytes(entry.id());
        String is = entry.kind() == Tree.Kind.LINK ? "link" : entry.executable() ? "program" : "file";
        Matcher pointer = POINTER.matcher(lfs && blob.length < 1024 ? new String(blob, StandardCharsets.UTF_8) : "");
        if (!item.is().equals(is)) {
            return Optional.of("is a " + item.is() + ", in the tag it is a " + is);
        }
        return item.bytes().equals(FileTree.sha256(blob)) || pointer.matches() && item.bytes().equals(pointer.group(1)) ? Optional.empty() : Optional.of("has other bytes");
    }

    private boolean inSubmodule(String name) {
        for (int slash = name.indexOf('/'); slash > 0; slash = name.indexOf('/', slash + 1)) {
            GitObjects.Entry entry = stored.get(name.substring(0, slash));
            if (entry != null) {
                return entry.kind() == Tree.Kind.SUBMODULE;
            }
        }
        return false;
    }

    private static Item item(Path file) throws IOException {
        if (Files.isSymbolicLink(file)) {
            return new Item("link", FileTree.sha256(Files.readSymbolicLink(file).toString().getBytes(StandardCharsets.UTF_8)));
        }
        return new Item(Files.getPosixFilePermissions(file).contains(PosixFilePermission.OWNER_EXECUTE) ? "program" : "file", FileTree.sha256(file));
    }

    private static Map<String, Item> archived(String prefix, Path tar) throws IOException {
        Map<String, Item> items = new HashMap<>();
        try (InputStream in = Files.newInputStream(tar); TarArchiveInputStream entries = new TarArchiveInputStream(new java.io.BufferedInputStream(in), "UTF-8")) {
            for (TarArchiveEntry entry = entries.getNextEntry(); entry != null; entry = entries.getNextEntry()) {
                String name = local(entry.getName().substring(Math.min(prefix.length(), entry.getName().length())));
                if (entry.isSymbolicLink()) {
                    items.put(name, new Item("link", FileTree.sha256(local(entry.getLinkName()).getBytes(StandardCharsets.UTF_8))));
                } else if (entry.isFile()) {
                    items.put(name, new Item((entry.getMode() & 0100) != 0 ? "program" : "file", Measured.of(entries, Long.MAX_VALUE).hex()));
                }
            }
        }
        return items;
    }

    // As this JVM reads that name from a folder: in the C locale it cannot tell one character beyond ASCII from another.
    private static String local(String name) {
        return new String(name.getBytes(StandardCharsets.UTF_8), Charset.forName(System.getProperty("sun.jnu.encoding", "UTF-8")));
    }
}
