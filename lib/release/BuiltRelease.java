package lib.release;

import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.util.RawValue;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;
import lib.base.Fault;
import lib.base.FileTree;
import lib.base.Json;
import lib.nix.Nix;
import lib.oci.BuiltImage;

/**
 * {@code release/release.json}: what was built, and all that upload believes about it.
 *
 * @param target   {@code all}, or {@code manual} where only the manual was built
 * @param version  of the tree that was built
 * @param name     the release's name
 * @param official whether the tree says that it is a release; else its manual is a nightly one
 * @param commit   the commit that was built
 * @param tag      its tag; empty where HEAD was none
 * @param system   the system of the machine it was built on
 * @param profile  of release-jobs
 * @param files    everything else in release/, sorted by path
 * @param images   the container images among the files
 * @param jobs     what was built, sorted by attribute
 * @param closure  what was built with Nix and all it refers to, by path; empty where nobody wrote it down
 * @param skipped  the checks before the release that were skipped, by name; empty, too, where nobody wrote them down
 * @param date     the day of the commit, in UTC; empty where nobody wrote it down
 * @param rebuilt  what was built twice; empty where nobody did
 */
public record BuiltRelease(String target, Version version, String name, boolean official, String commit,
                           Optional<String> tag, String system, String profile, List<BuiltFile> files,
                           List<BuiltImage> images, List<Nix.Job> jobs, SortedMap<String, Nix.PathInfo> closure,
                           List<String> skipped, Optional<LocalDate> date, Optional<Nix.Rebuilt> rebuilt) {

    public static final String FILE = "release.json";
    /** What upload puts beside it: the release for other people's scripts, and for people. */
    public static final String VERSIONS = "versions.json";
    public static final String ANNOUNCEMENT = "announcement.md";

    /** Without its closure and day, nothing skipped and nothing built twice. */
    public BuiltRelease(String target, Version version, String name, boolean official, String commit, Optional<String> tag, String system,
                        String profile, List<BuiltFile> files, List<BuiltImage> images, List<Nix.Job> jobs) {
        this(target, version, name, official, commit, tag, system, profile, files, images, jobs, Collections.emptySortedMap(), List.of(), Optional.empty(), Optional.empty());
    }

    public BuiltRelease withClosure(SortedMap<String, Nix.PathInfo> known) {
        return new BuiltRelease(target, version, name, official, commit, tag, system, profile, files, images, jobs, known, skipped, date, rebuilt);
    }

    public BuiltRelease withSkipped(List<String> checks) {
        return new BuiltRelease(target, version, name, official, commit, tag, system, profile, files, images, jobs, closure, checks, date, rebuilt);
    }

    /** With the day of its commit; the time is in seconds since 1970. */
    public BuiltRelease committed(long time) {
        return on(LocalDate.ofInstant(Instant.ofEpochSecond(time), ZoneOffset.UTC));
    }

    private BuiltRelease on(LocalDate day) {
        return new BuiltRelease(target, version, name, official, commit, tag, system, profile, files, images, jobs, closure, skipped, Optional.of(day), rebuilt);
    }

    public BuiltRelease withRebuilt(Nix.Rebuilt twice) {
        return new BuiltRelease(target, version, name, official, commit, tag, system, profile, files, images, jobs, closure, skipped, date, Optional.of(twice));
    }

    /** With one file more. */
    public BuiltRelease withFile(BuiltFile file) {
        List<BuiltFile> all = Stream.concat(files.stream(), Stream.of(file)).sorted(Comparator.comparing(BuiltFile::path)).toList();
        return new BuiltRelease(target, version, name, official, commit, tag, system, profile, all, images, jobs, closure, skipped, date, rebuilt);
    }

    /** A file, by its path below release/; size in bytes, SHA-256 in hex. */
    public record BuiltFile(String path, long size, String sha256) {
    }

    /** Size and digest of every file below a folder but release.json, and what upload puts beside it. */
    public static List<BuiltFile> measure(Path folder) throws IOException {
        SortedMap<String, Path> files = FileTree.files(folder);
        files.keySet().removeAll(Set.of(FILE, VERSIONS, ANNOUNCEMENT));
        try {
            return files.entrySet().parallelStream().map(file -> {
                try {
                    return new BuiltFile(file.getKey(), Files.size(file.getValue()), FileTree.sha256(file.getValue()));
                } catch (IOException e) {
                    throw new java.io.UncheckedIOException(e);
                }
            }).toList();
        } catch (java.io.UncheckedIOException e) {
            throw e.getCause();
        }
    }

    public byte[] json() {
        ObjectNode top = Json.MAPPER.createObjectNode();
        top.put("target", target).put("version", version.toString()).put("name", name).put("official", official)
                .put("commit", commit);
        tag.ifPresent(value -> top.put("tag", value));
        date.ifPresent(day -> top.put("date", day.toString()));
        top.put("system", system).put("profile", profile);
        var jsonFiles = top.putArray("files");
        files.forEach(file -> jsonFiles.addObject().put("path", file.path()).put("size", file.size()).put("sha256", file.sha256()));
        var jsonImages = top.putArray("images");
        for (BuiltImage image : images) {
            ObjectNode node = jsonImages.addObject().put("path", image.path()).put("system", image.system()).put("id", image.id())
                    .put("configSize", image.configSize()).put("os", image.os()).put("architecture", image.architecture());
            image.variant().ifPresent(variant -> node.put("variant", variant));
            ObjectNode labels = node.putObject("labels");
            image.labels().forEach(labels::put);
            var layers = node.putArray("layers");
            image.layers().forEach(layer -> layers.addObject().put("entry", layer.entry()).put("diffId", layer.diffId()).put("size", layer.size())
                    .put("blob", layer.blob()).put("blobSize", layer.blobSize()).put("compression", layer.compression()));
        }
        var jsonJobs = top.putArray("jobs");
        for (Nix.Job job : jobs) {
            ObjectNode node = jsonJobs.addObject().put("attr", job.attr()).put("system", job.system()).put("drvPath", job.drvPath());
            ObjectNode outputs = node.putObject("outputs");
            job.outputs().forEach(outputs::put);
        }
        var jsonSkipped = top.putArray("skippedChecks");
        skipped.forEach(jsonSkipped::add);
        rebuilt.ifPresent(twice -> {
            ObjectNode node = top.putObject("rebuilt");
            twice.same().forEach(node.putArray("same")::add);
            twice.elsewhere().forEach(node.putArray("elsewhere")::add);
        });
        if (!closure.isEmpty()) {
            top.putRawValue("closure", new RawValue(StoreClosure.json(closure)));
        }
        return Json.pretty(top).getBytes(StandardCharsets.UTF_8);
    }

    /** Reads release.json in a folder. Throws Fault when it is not there or not whole. */
    public static BuiltRelease read(Path folder) throws IOException {
        Path file = folder.resolve(FILE);
        if (!Files.exists(file)) {
            throw Fault.failed("there is no built release in " + folder, FILE + " is missing", "run jbang build.java first");
        }
        return parse(Files.readAllBytes(file), file.toString());
    }

    /** The release that a release.json tells of; {@code where} names it in faults. Throws Fault when it is not whole. */
    public static BuiltRelease parse(byte[] json, String where) {
        List<String> faults = new ArrayList<>();
        Json.Fields top = new Json.Fields(Json.object(json, where), FILE + ": ", faults);
        List<BuiltFile> files = new ArrayList<>();
        for (Json.Fields entry : top.objects("files")) {
            files.add(new BuiltFile(entry.text("path"), entry.number("size"), entry.text("sha256")));
            entry.nothingElse();
        }
        List<BuiltImage> images = new ArrayList<>();
        for (Json.Fields entry : top.objects("images")) {
            List<BuiltImage.Layer> layers = new ArrayList<>();
            for (Json.Fields layer : entry.objects("layers")) {
                layers.add(new BuiltImage.Layer(layer.text("entry"), layer.text("diffId"), layer.number("size"), layer.text("blob"), layer.number("blobSize"), layer.text("compression")));
                layer.nothingElse();
            }
            SortedMap<String, String> labels = new TreeMap<>();
            entry.optionalObject("labels").ifPresent(map -> map.keys().forEach(key -> labels.put(key, map.text(key))));
            images.add(new BuiltImage(entry.text("path"), entry.text("system"), entry.text("id"), entry.number("configSize"), entry.text("os"),
                    entry.text("architecture"), entry.optionalText("variant"), labels, layers));
            entry.nothingElse();
        }
        List<Nix.Job> jobs = new ArrayList<>();
        for (Json.Fields entry : top.objects("jobs")) {
            SortedMap<String, String> outputs = new TreeMap<>();
            entry.optionalObject("outputs").ifPresent(map -> map.keys().forEach(key -> outputs.put(key, map.text(key))));
            jobs.add(new Nix.Job(entry.text("attr"), entry.text("system"), entry.text("drvPath"), outputs));
            entry.nothingElse();
        }
        Version version = null;
        try {
            version = Version.of(top.text("version"));
        } catch (IllegalArgumentException e) {
            faults.add(FILE + ": version: " + e.getMessage());
        }
        BuiltRelease release = new BuiltRelease(top.text("target"), version, top.text("name"), top.optionalFlag("official").orElse(false),
                top.text("commit"), top.optionalText("tag"), top.text("system"), top.text("profile"), files, images, jobs);
        release = release.withSkipped(top.optionalTexts("skippedChecks", List.of()));
        Optional<Json.Fields> rebuilt = top.optionalObject("rebuilt");
        if (rebuilt.isPresent()) {
            release = release.withRebuilt(new Nix.Rebuilt(rebuilt.get().optionalTexts("same", List.of()), rebuilt.get().optionalTexts("elsewhere", List.of())));
            rebuilt.get().nothingElse();
        }
        if (top.has("closure")) {
            release = release.withClosure(StoreClosure.parse(top.nodes("closure"), release.storePaths(), FILE + ": closure", faults));
        }
        try {
            release = top.optionalText("date").map(LocalDate::parse).map(release::on).orElse(release);
        } catch (DateTimeException e) {
            faults.add(FILE + ": date: " + e.getMessage());
        }
        top.nothingElse();
        if (!faults.isEmpty()) {
            throw Fault.failed(where + " was not written by build", faults, "run jbang build.java again");
        }
        return release;
    }

    /** Throws Fault with every file below the folder that is missing, changed, or not listed. */
    public void check(Path folder) throws IOException {
        Map<String, BuiltFile> there = new TreeMap<>();
        measure(folder).forEach(file -> there.put(file.path(), file));
        List<String> faults = new ArrayList<>();
        for (BuiltFile file : files) {
            BuiltFile actual = there.remove(file.path());
            if (actual == null) {
                faults.add(file.path() + ": missing");
            } else if (!actual.equals(file)) {
                faults.add(file.path() + ": built as " + file.size() + " bytes, sha256 " + file.sha256()
                        + ", but is now " + actual.size() + " bytes, sha256 " + actual.sha256());
            }
        }
        there.keySet().forEach(path -> faults.add(path + ": was not there when it was built"));
        if (!faults.isEmpty()) {
            throw Fault.refused(folder + " is not what was built", faults, "run jbang build.java again; nothing was published");
        }
    }

    /** What was built with Nix, and how to build it: outputs and derivations, sorted. */
    public List<String> storePaths() {
        return storePaths(jobs);
    }

    public static List<String> storePaths(List<Nix.Job> jobs) {
        return jobs.stream().flatMap(job -> Stream.concat(Stream.of(job.drvPath()), job.outputs().values().stream())).distinct().sorted().toList();
    }

    public boolean hasImages() {
        return !images.isEmpty();
    }

    /** The files below a folder of release/, by their path in it. */
    public SortedMap<String, BuiltFile> below(String folder) {
        SortedMap<String, BuiltFile> below = new TreeMap<>();
        for (BuiltFile file : files) {
            if (file.path().startsWith(folder + "/")) {
                below.put(file.path().substring(folder.length() + 1), file);
            }
        }
        return below;
    }
}
