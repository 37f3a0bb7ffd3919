package lib.nix;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import lib.base.Console;
import lib.base.Exec;
import lib.base.Fault;
import lib.base.FileTree;

/**
 * {@code nix upgrade-nix} as those who follow a manifest.nix run it: with this machine's Nix, but a store, a profile and settings of its
 * own. A store path says where it is, and what this machine has there may be what was just built; so Nix runs in a mount namespace where
 * {@code /nix} is an empty folder, and has what it installs from the cache, or not at all. Nothing outside that folder is written,
 * and the folder goes with {@link #close}.
 *
 * <p>Needs Linux, util-linux, and the right to mount in a namespace: root's, or anybody's where users may have namespaces. A Nix that is in
 * {@code /nix/store} itself is copied into the folder first, with all it refers to: what a release has in common with it is not
 * fetched then, as it is for anybody who upgrades from there. What is installed runs as this user, and sees this machine's other files.
 */
public final class NixUpgrade implements AutoCloseable {

    /** It cannot be tried here; the message says why. Says nothing of what was published. */
    public static final class NotHere extends Exception {
        private static final long serialVersionUID = 1;

        NotHere(String why) {
            super(why);
        }
    }

    private static final Path STORE = Path.of("/nix/store");
    // First those that cannot reach the machine's mounts. In a chroot only root has any, and those are private by default.
    private static final List<String> NAMESPACES = List.of("-Urm", "-m");
    private static final String ENTER = "mount --bind \"$0/nix\" /nix && exec \"$@\"";
    // With a program of its own, for there are folders that none may be run from. Not written by us: what we start meanwhile might hold it open.
    private static final String PROBE = "echo '#!/bin/sh' >\"$0/probe\" && chmod +x \"$0/probe\" && \"$0/probe\" && mount --bind \"$0/nix\" /nix";
    // Where a program that was installed would see them, no variables but these.
    private static final Pattern PASSED = Pattern.compile("PATH|LANG|(?i:(https?|all|no)_proxy)");
    private static final Pattern NO_SUCH_COMMAND = Pattern.compile("is not a recogni[sz]ed command|unrecogni[sz]ed flag|isn't available in Determinate Nix");
    private static final List<String> AUTHORITIES = List.of("/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/ca-bundle.pem", "/etc/pki/tls/certs/ca-bundle.crt");

    private final Map<String, String> env;
    private final Path nix;
    private final String system;
    private final Path folder;
    private String namespace;

    private NixUpgrade(Map<String, String> env, Path nix, String system, Path folder) {
        this.env = env;
        this.nix = nix;
        this.system = system;
        this.folder = folder;
    }

    /** Looks for this machine's Nix and a store of its own. Throws NotHere where there is none. */
    public static NixUpgrade open(Map<String, String> env, Console console) throws NotHere, IOException {
        Path nix = Nix.onPath("nix", env).orElseThrow(() -> new NotHere("there is no Nix on this machine")).toRealPath();
        String system;
        try {
            Map<String, String> storeless = new HashMap<>(env); // not everybody may open this machine's
            storeless.put("NIX_REMOTE", "dummy://");
            system = new Nix(console, storeless, List.of()).system();
        } catch (Fault fault) {
            throw new NotHere(fault.getMessage());
        }
        NixUpgrade upgrade = new NixUpgrade(env, nix, system, Files.createTempDirectory("releng-upgrade").toRealPath());
        try {
            upgrade.namespace();
            return upgrade;
        } catch (NotHere | IOException | RuntimeException e) {
            upgrade.close();
            throw e;
        }
    }

    /** This machine's, as Nix calls it: which of a manifest's paths it takes. */
    public String system() {
        return system;
    }

    /** A folder that goes with this. */
    public Path folder() {
        return folder;
    }

    /**
     * Installs what a manifest names for this machine, and returns what its {@code bin/nix --version} says. Throws Fault where that
     * does not work, with Nix's reasons.
     *
     * @param manifest  address of the manifest.nix, as Nix understands it
     * @param path      the store path that it names for this system
     * @param cache     address of the only cache it may come from
     * @param publicKey {@code NAME:BASE64}, the only key that is trusted
     */
    public String install(String manifest, String path, String cache, String publicKey) throws NotHere, IOException {
        if (!path.startsWith(STORE + "/")) {
            throw new NotHere(path + " is not in " + STORE);
        }
        settings(cache, publicKey);
        String profile = folder.resolve("profile").toString();
        ownNix(path, profile);
        Exec upgrade = inside(nix.toString(), "upgrade-nix", "--nix-store-paths-url", manifest, "--profile", profile);
        Exec.Result upgraded = upgrade.run();
        Path there = folder.resolve(path.substring(1)).resolve("bin");
        if (NO_SUCH_COMMAND.matcher(upgraded.err()).find()) {
            throw new NotHere("this machine's Nix cannot do it: " + upgraded.err().strip());
        } else if (upgraded.exit() != 0 && Files.exists(there.getParent()) && !Files.exists(there.resolve("nix")) && !Files.exists(there.resolve("nix-env"))) {
            throw new NotHere(path + " is no Nix: it has no bin/nix");
        } else if (upgraded.exit() != 0) {
            throw Fault.failed("nix upgrade-nix --nix-store-paths-url " + manifest + " does not work", upgrade.because(upgraded), "look at what it reports");
        }
        return inside(profile + "/bin/nix", "--version").orFail("what nix upgrade-nix installed does not run", "look at " + path).strip();
    }

    private void settings(String cache, String publicKey) throws IOException {
        for (String made : List.of("nix/store", "nix/var/nix", "conf", "home", "tmp")) {
            Files.createDirectories(folder.resolve(made));
        }
        Files.writeString(folder.resolve("conf/none"), "");
        Files.writeString(folder.resolve("conf/nix.conf"), String.join("\n", "experimental-features = nix-command", "system = " + system,
                "substituters = " + cache, "trusted-public-keys = " + publicKey, "require-sigs = true", "build-users-group =", "sandbox = false",
                "builders =", "connect-timeout = 30", "stalled-download-timeout = 60", ""));
        Optional<Path> authorities = Stream.concat(Stream.of("NIX_SSL_CERT_FILE", "SSL_CERT_FILE").map(env::get), AUTHORITIES.stream())
                .filter(file -> file != null && Files.isReadable(Path.of(file))).map(Path::of).findFirst();
        if (authorities.isPresent()) {
            Files.copy(authorities.get(), folder.resolve("conf/authorities.pem")); // they may be in /nix, too
        }
    }

    private void namespace() throws NotHere, IOException {
        Files.createDirectories(folder.resolve("nix"));
        String why = "";
        for (String one : NAMESPACES) {
            namespace = one;
            Exec probe = entering(PROBE);
            try {
                Exec.Result result = probe.run();
                if (result.exit() == 0) {
                    return;
                }
                why = why.isEmpty() ? probe.because(result) : why;
            } catch (Fault fault) {
                why = fault.getMessage();
            }
        }
        throw new NotHere("this machine gives it no store of its own: " + why);
    }

    // Its own paths are gone inside, unless they are there, too. Lix upgrades only a profile that has a Nix, and uninstalls that by name.
    private void ownNix(String path, String profile) throws NotHere {
        if (!nix.startsWith(STORE)) {
            return;
        }
        String own = STORE.resolve(nix.getName(2)).toString();
        Exec copy = Exec.of("nix", "--extra-experimental-features", "nix-command", "copy", "--no-check-sigs", "--to", folder.toString(), own).baseEnv(env);
        Exec.Result copied = copy.run();
        if (copied.exit() != 0) {
            throw new NotHere("this machine's Nix cannot be copied into a store of its own: " + copy.because(copied));
        }
        if (Files.exists(folder.resolve(path.substring(1)))) {
            throw new NotHere("this machine's Nix is the release itself, or refers to it");
        }
        if (inside(nix.toString(), "--version").run().out().contains("Lix")) {
            Exec install = inside(nix.resolveSibling("nix-env").toString(), "--profile", profile, "--install", own);
            Exec.Result installed = install.run();
            if (installed.exit() != 0) {
                throw new NotHere("this machine's Nix cannot be installed into a profile of its own: " + install.because(installed));
            }
        }
    }

    private Exec inside(String... command) {
        return entering(ENTER, command);
    }

    private Exec entering(String script, String... command) {
        Map<String, String> passed = new HashMap<>(env);
        passed.keySet().removeIf(name -> !PASSED.matcher(name).matches());
        // NixOS's own mount is a program with its owner's rights, which are not to be had in a namespace.
        passed.put("PATH", (nix.startsWith(STORE) ? nix.getParent() + ":" : "") + env.getOrDefault("PATH", "").replace("/run/wrappers/bin:", ""));
        passed.putAll(Map.of("HOME", folder.resolve("home").toString(), "TMPDIR", folder.resolve("tmp").toString(),
                "NIX_CONF_DIR", folder.resolve("conf").toString(), "NIX_USER_CONF_FILES", folder.resolve("conf/none").toString(),
                "NIX_REMOTE", "local", "NIX_STATE_DIR", "/nix/var/nix"));
        if (Files.exists(folder.resolve("conf/authorities.pem"))) {
            passed.put("NIX_SSL_CERT_FILE", folder.resolve("conf/authorities.pem").toString());
        }
        List<String> line = Stream.concat(Stream.of("unshare", namespace, "sh", "-c", script, folder.toString()), Stream.of(command)).toList();
        return Exec.of(line).baseEnv(passed);
    }

    @Override
    public void close() throws IOException {
        FileTree.remove(folder);
    }
}
