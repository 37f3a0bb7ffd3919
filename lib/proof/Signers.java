package lib.proof;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import lib.base.Exec;
import lib.base.Fault;
import lib.base.FileTree;
import lib.git.Git;
import org.eclipse.jgit.lib.ObjectId;

/**
 * Whose signatures on tags count: a file of ssh's allowed signers, or one of OpenPGP public keys. Nobody's keys, trust or
 * settings but those in the file have a say.
 *
 * @see <a href="https://man.openbsd.org/ssh-keygen.1#ALLOWED_SIGNERS">ssh-keygen(1), ALLOWED SIGNERS</a>
 * @see <a href="https://git-scm.com/docs/gitformat-signature">gitformat-signature(5)</a>
 */
public record Signers(Path file) {

    private static final String KEYS = "-----BEGIN PGP PUBLIC KEY BLOCK-----";
    private static final String SSH = "\n-----BEGIN SSH SIGNATURE-----";
    private static final List<String> PGP = List.of("\n-----BEGIN PGP SIGNATURE-----", "\n-----BEGIN PGP MESSAGE-----");
    private static final Pattern SSH_KEY = Pattern.compile("with (\\S+ key \\S+)");

    /** What gpg says of a signature that does not count, in the order in which it is looked for. */
    private static final List<Map.Entry<String, String>> REFUSALS = List.of(
            Map.entry("REVKEYSIG", "with a key that has been revoked"), Map.entry("EXPKEYSIG", "with a key that has expired"),
            Map.entry("EXPSIG", "with a signature that has expired"), Map.entry("BADSIG", "with a signature of other contents"),
            Map.entry("ERRSIG", "by nobody of the allowed signers"));

    /** Throws Fault (refused) where the signature of a tag does not count. */
    public void require(Git git, String version) {
        fault(git, git.object("refs/tags/" + version).orElseThrow(), version).ifPresent(fault -> {
            throw Fault.refused("the tag " + version + " is not signed as it must be", fault,
                    "git config tag.gpgSign true, with a key of the allowed signers in user.signingKey; then tag --undo, and tag again");
        });
    }

    /** What is the matter with the signature of a version's tag; empty where one of these has made it. Throws Fault where that cannot be told. */
    public Optional<String> fault(Git git, ObjectId tag, String version) {
        byte[] keys = read();
        boolean pgp = keys.length > 0 && keys[0] < 0 || new String(keys, ISO_8859_1).contains(KEYS); // armoured or not
        String text = new String(git.bytes(tag), ISO_8859_1);
        boolean signedBySsh = text.contains(SSH);
        if (!text.contains("\ntag " + version + "\n")) {
            return Optional.of("is the tag of another version");
        }
        if (!signedBySsh && PGP.stream().noneMatch(text::contains)) {
            return Optional.of(text.contains("\n-----BEGIN SIGNED MESSAGE-----") ? "is signed with X.509, which cannot be checked" : "is not signed");
        }
        if (pgp == signedBySsh) {
            return Optional.of("is signed with " + (pgp ? "ssh, and " + file + " holds OpenPGP keys" : "OpenPGP, and " + file + " holds ssh keys"));
        }
        return alone(git, folder -> pgp ? byPgp(git, folder, tag) : bySsh(git, folder, tag));
    }

    private byte[] read() {
        try {
            return Files.readAllBytes(file);
        } catch (IOException e) {
            throw Fault.failed("the allowed signers cannot be read", e.toString(), "put their keys there, or change allowedSigners in releng.json").from(e);
        }
    }

    private Optional<String> bySsh(Git git, Path folder, ObjectId tag) {
        Exec.Result result = git(git, folder, "-c", "gpg.ssh.allowedSignersFile=" + file.toAbsolutePath(), "verify-tag", "--raw", tag.name()).run();
        if (result.exit() == 0) {
            return Optional.empty();
        }
        Matcher key = SSH_KEY.matcher(result.err());
        if (key.find()) {
            String when = result.err().contains("key has expired") ? ", which had expired then" : result.err().contains("key is not yet valid") ? ", which was not valid yet" : "";
            return Optional.of("is signed with the " + key.group(1) + when + ": not one of the allowed signers in " + file);
        }
        return Optional.of("is signed with a signature that cannot be verified: " + result.err().strip());
    }

    private Optional<String> byPgp(Git git, Path folder, ObjectId tag) {
        Exec.of("gpg", "--batch", "--quiet", "--import", file.toAbsolutePath().toString()).baseEnv(environment(git, folder))
                .orFail("gpg cannot read the keys in " + file, "put armoured public keys there (gpg --armor --export KEY), and run again");
        Exec.Result result = git(git, folder, "verify-tag", "--raw", tag.name()).run();
        if (result.exit() == 0) {
            return Optional.empty();
        }
        for (Map.Entry<String, String> refusal : REFUSALS) {
            Matcher said = Pattern.compile("\\[GNUPG:] " + refusal.getKey() + " (\\S+)").matcher(result.err());
            if (said.find()) {
                return Optional.of("is signed " + refusal.getValue() + " in " + file + ": key " + said.group(1));
            }
        }
        return Optional.of("is signed with a signature that cannot be verified: " + result.err().strip());
    }

    // A repository of nobody's, which sees the clone's objects and has no settings.
    private static Exec git(Git git, Path folder, String... arguments) {
        return Exec.of(Stream.concat(Stream.of("git"), Stream.of(arguments)).toList())
                .in(folder).baseEnv(environment(git, folder));
    }

    private static Map<String, String> environment(Git git, Path folder) {
        Map<String, String> env = new HashMap<>(git.env());
        env.keySet().removeIf(name -> name.startsWith("GIT_") || name.startsWith("XDG_"));
        env.putAll(Map.of("GIT_DIR", folder.resolve("git").toString(), "GIT_OBJECT_DIRECTORY", git.objectFolder().toString(), "GIT_CONFIG_NOSYSTEM", "1",
                "GIT_CONFIG_GLOBAL", "/dev/null", "HOME", folder.toString(), "GNUPGHOME", folder.resolve("keys").toString(), "LC_ALL", "C"));
        return env;
    }

    private static Optional<String> alone(Git git, Function<Path, Optional<String>> check) {
        try {
            Path folder = Files.createTempDirectory("releng-signers"); // for its owner only, as gpg wants it
            try {
                Files.createDirectory(folder.resolve("keys"), PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
                git(git, folder, "init", "--quiet", "--bare", "--template=", folder.resolve("git").toString())
                        .orFail("git cannot make a repository in " + folder, "free up space there, and run again");
                return check.apply(folder);
            } finally {
                FileTree.remove(folder);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
