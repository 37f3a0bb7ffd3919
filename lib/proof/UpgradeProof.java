package lib.proof;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Base64;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import lib.base.Console;
import lib.base.Fault;
import lib.base.Progress;
import lib.config.Environment;
import lib.config.Project;
import lib.nix.Narinfo;
import lib.nix.NixUpgrade;
import lib.nix.PublicKey;
import lib.proof.Fetcher.NotThere;
import lib.release.Version;

/**
 * That {@code nix upgrade-nix} installs a version from its own manifest.nix and the cache. Where both are public Nix fetches them itself;
 * else what it would fetch is fetched with the keys of this run and handed to it in a folder, so that Nix never sees them.
 *
 * @param before whether it was proved before, by which it is enough that the manifest names something
 * @param says   whether {@code bin/nix --version} must say the version: not where build was told to skip that
 * @param env    whose PATH has Nix
 */
record UpgradeProof(Fetching fetcher, Environment environment, Project project, Optional<PublicKey> key, Version version, BooleanSupplier before,
                    boolean says, Map<String, String> env, Console console) implements Proof.Part {

    private static final String CACHE = "cache";
    private static final String RELEASES = "releases";

    @Override
    public void prove(Findings findings) throws IOException {
        String manifest = project.folder(version.toString()) + "manifest.nix";
        String name = fetcher.name(RELEASES, manifest);
        Optional<byte[]> bytes = fetcher.find(RELEASES, manifest);
        if (bytes.isEmpty()) {
            findings.unproven("nix upgrade-nix was not run: " + name + " is missing");
            return;
        }
        SortedMap<String, String> paths = Manifest.parse(bytes.get(), name);
        if (before.getAsBoolean()) {
            findings.proved();
            return;
        }
        try (NixUpgrade upgrade = NixUpgrade.open(env, console)) {
            if (!paths.containsKey(upgrade.system())) {
                findings.unproven("nix upgrade-nix was not run: the release has no build for " + upgrade.system() + ", which this machine is");
            } else if (key.isEmpty()) {
                findings.unproven("nix upgrade-nix was not run: no public key is known that it could trust");
            } else {
                prove(upgrade, bytes.get(), paths.get(upgrade.system()), findings);
            }
        } catch (NixUpgrade.NotHere e) {
            findings.unproven("nix upgrade-nix was not run: " + e.getMessage());
        }
    }

    private void prove(NixUpgrade upgrade, byte[] manifest, String path, Findings findings) throws IOException, NixUpgrade.NotHere {
        Map<String, byte[]> texts = new ConcurrentHashMap<>();
        Collection<Narinfo> closure = closure(path, texts, findings);
        long size = closure.stream().mapToLong(narinfo -> narinfo.narSize() + narinfo.fileSize()).sum();
        long room = Files.getFileStore(upgrade.folder()).getUsableSpace();
        if (size > room) {
            findings.unproven("nix upgrade-nix was not run: it needs " + Progress.size(size) + " in " + upgrade.folder().getParent() + ", which has " + Progress.size(room));
            return;
        }
        console.say("nix upgrade-nix installs " + version + " into a store of its own: " + closure.size() + " store paths, " + Progress.size(size));
        // Nix knows no further authorities than the machine's.
        boolean open = environment.urls().keySet().containsAll(List.of(CACHE, RELEASES)) && environment.ca().isEmpty();
        Path folder = upgrade.folder().resolve("fetched");
        if (!open) {
            fetch(closure, texts, folder, findings);
            Files.write(folder.resolve("manifest.nix"), manifest);
        }
        String address = open ? fetcher.name(RELEASES, project.folder(version.toString()) + "manifest.nix") : folder.resolve("manifest.nix").toUri().toString();
        String trusted = key.get().name() + ":" + Base64.getEncoder().encodeToString(key.get().raw());
        try {
            String said = upgrade.install(address, path, open ? Fetcher.base(environment, CACHE) : "file://" + folder, trusted);
            if (says && !version.isIn(said)) {
                findings.failure("bin/nix --version of what nix upgrade-nix installed, " + path + ", does not say " + version + ", but '" + said + "'");
            } else {
                findings.proved();
            }
        } catch (Fault fault) {
            findings.failure(fault.getMessage());
            findings.remedy("where only this machine's Nix is at fault: leave out the proof 'upgrade' in upload.java");
        }
    }

    // What is missing or wrong the proof of the cache says, and Nix. But whatever caches on the way show late is waited for here.
    private Collection<Narinfo> closure(String path, Map<String, byte[]> texts, Findings findings) {
        Map<String, Narinfo> found = new ConcurrentHashMap<>();
        for (Set<String> next = Set.of(hash(path)); !next.isEmpty(); ) {
            findings.each(next, hash -> fetcher.find(CACHE, hash + ".narinfo").ifPresent(bytes -> {
                found.put(hash, Narinfo.parse(new String(bytes, java.nio.charset.StandardCharsets.UTF_8)));
                texts.put(hash, bytes);
            }));
            next = next.stream().flatMap(hash -> Stream.ofNullable(found.get(hash))).flatMap(narinfo -> narinfo.references().stream()).map(UpgradeProof::hash)
                    .filter(hash -> !found.containsKey(hash)).collect(Collectors.toSet());
        }
        return found.values();
    }

    private void fetch(Collection<Narinfo> closure, Map<String, byte[]> texts, Path folder, Findings findings) throws IOException {
        Files.createDirectories(folder);
        texts.put("nix-cache-info", fetcher.find(CACHE, "nix-cache-info").orElse(new byte[0]));
        for (Map.Entry<String, byte[]> text : texts.entrySet()) {
            Files.write(folder.resolve(text.getKey() + (text.getKey().equals("nix-cache-info") ? "" : ".narinfo")), text.getValue());
        }
        findings.each(closure, narinfo -> {
            Path file = folder.resolve(narinfo.url());
            Files.createDirectories(file.getParent());
            try {
                fetcher.read(CACHE, narinfo.url(), in -> Files.copy(in, file, StandardCopyOption.REPLACE_EXISTING));
            } catch (NotThere e) {
                // then Nix does not find it either
            }
        });
    }

    private static String hash(String path) {
        return path.replaceFirst(".*/", "").replaceFirst("-.*", "");
    }
}
