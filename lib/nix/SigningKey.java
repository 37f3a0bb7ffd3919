package lib.nix;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.Signature;
import java.security.spec.EdECPrivateKeySpec;
import java.security.spec.NamedParameterSpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import lib.base.Exec;
import lib.base.Fault;
import lib.base.Variables;

/**
 * The cache's secret key, {@code NAME:BASE64} of an Ed25519 seed and public key, as
 * {@code nix-store --generate-binary-cache-key} writes it. In a file only as long as Nix needs one:
 * mode 0600, on a memory file system where there is one, gone with {@link #close} and on INT and TERM.
 */
public final class SigningKey implements AutoCloseable {

    // The process that made the file is part of its name: what it leaves behind when it is killed, a later one removes.
    private static final Pattern OURS = Pattern.compile("releng-key-(\\d{1,9})-[0-9a-f-]+");

    private static final String COMMAND = "RELENG_SIGNING_KEY_COMMAND";

    private final String text;
    private final String publicKey;
    private final Optional<Path> given;
    private final Map<String, String> env;
    private Path file;
    private Thread hook;
    private boolean stopping;

    private SigningKey(String origin, String text, Optional<Path> given, Map<String, String> env) {
        this.text = text.strip();
        this.publicKey = publicKey(origin, this.text);
        this.given = given;
        this.env = env;
    }

    /**
     * The key in {@code file} where one is named, else in RELENG_SIGNING_KEY, else that which
     * RELENG_SIGNING_KEY_COMMAND prints. Throws Fault where there is none, or something else there.
     */
    public static SigningKey of(Optional<Path> file, Map<String, String> env) {
        if (file.isPresent()) {
            return inFile(file.get(), env);
        }
        Optional<String> text = Variables.set(env, "RELENG_SIGNING_KEY");
        if (text.isPresent()) {
            return new SigningKey("RELENG_SIGNING_KEY", text.get(), Optional.empty(), env);
        }
        Variables.set(env, COMMAND).orElseThrow(() -> Fault.refused("there is no key to sign the cache with",
                "neither --signing-key nor RELENG_SIGNING_KEY nor RELENG_SIGNING_KEY_COMMAND is given",
                "name the key's file, or a command that prints it, such as: age -d -i ID prod.key.age"));
        return new SigningKey(COMMAND, printedByCommand(env), Optional.empty(), env);
    }

    /** A key in a file that stays where it is. What can be read but once, such as a pipe, is kept in memory. */
    public static SigningKey inFile(Path file, Map<String, String> env) {
        try {
            // Any bytes: it may be an encrypted one.
            String text = new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1);
            return new SigningKey(file.toString(), text, Optional.of(file).filter(Files::isRegularFile), env);
        } catch (IOException e) {
            throw Fault.failed("the signing key cannot be read", file + (Files.exists(file) ? " is not readable" : " does not exist"),
                    "name the key's file with --signing-key");
        }
    }

    // What it says may be a secret, so it does not stand on a command line, nor in the environment of what it runs.
    private static String printedByCommand(Map<String, String> env) {
        String next = "run it by hand; it must print the key";
        Exec.Result result = Exec.of("sh", "-c", "command=$COMMAND; unset COMMAND; eval \"$command\"".replace("COMMAND", COMMAND)).baseEnv(env).lend(List.of(COMMAND)).run();
        if (result.exit() == 127) {
            throw Fault.failed("the command for the signing key failed", "a program in RELENG_SIGNING_KEY_COMMAND is not installed", next);
        }
        if (result.exit() != 0 || result.out().isBlank()) {
            throw Fault.failed("the command for the signing key failed", List.of(result.exit() == 0 ? "it printed nothing"
                    : "it ended with exit code " + result.exit(), result.err().strip()), next);
        }
        return result.out();
    }

    /** The public key that belongs to it, {@code NAME:BASE64}. */
    public String publicKey() {
        return publicKey;
    }

    /** Signs a text as Nix signs a narinfo's fingerprint: Ed25519 (RFC 8032), {@code NAME:BASE64}. */
    public String sign(String signed) {
        int colon = text.indexOf(':');
        try {
            Signature ed25519 = Signature.getInstance("Ed25519");
            ed25519.initSign(KeyFactory.getInstance("Ed25519").generatePrivate(new EdECPrivateKeySpec(NamedParameterSpec.ED25519,
                    Arrays.copyOf(decoded(text.substring(colon + 1)), 32))));
            ed25519.update(signed.getBytes(StandardCharsets.UTF_8));
            return text.substring(0, colon + 1) + Base64.getEncoder().encodeToString(ed25519.sign());
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("Ed25519 is part of every JDK", e);
        }
    }

    // libsodium's layout: 32 bytes of seed, 32 of public key. No message quotes the text.
    private static String publicKey(String origin, String text) {
        String fault;
        int colon = text.indexOf(':');
        if (text.startsWith("age-encryption.org/") || text.startsWith("-----BEGIN AGE")) {
            fault = "it is encrypted: RELENG_SIGNING_KEY_COMMAND='age -d -i ID FILE' decrypts it";
        } else if (text.isEmpty()) {
            fault = "it is empty";
        } else if (colon < 1 || text.chars().anyMatch(Character::isWhitespace)) {
            fault = "it is not one line NAME:BASE64";
        } else {
            byte[] bytes = decoded(text.substring(colon + 1));
            if (bytes.length == 64) {
                return text.substring(0, colon) + ":" + Base64.getEncoder().encodeToString(Arrays.copyOfRange(bytes, 32, 64));
            }
            fault = bytes.length == 0 ? "what follows the name is not base64" : bytes.length == 32 ? "it is a public key"
                    : "it has " + bytes.length + " bytes, a secret key has 64";
        }
        throw Fault.refused("there is no signing key in " + origin, fault, "it should be as nix-store --generate-binary-cache-key writes it");
    }

    private static byte[] decoded(String base64) {
        try {
            return Base64.getDecoder().decode(base64);
        } catch (IllegalArgumentException e) {
            return new byte[0];
        }
    }

    /** The file for Nix; there until {@link #close}, after which it is made anew when asked for. */
    public synchronized Path file() {
        if (given.isPresent()) {
            return given.get();
        }
        if (file == null) {
            Path folder = folders(env).get(0);
            file = folder.resolve("releng-key-" + ProcessHandle.current().pid() + "-" + UUID.randomUUID());
            hook = new Thread(this::stop, "remove signing key");
            try {
                Runtime.getRuntime().addShutdownHook(hook); // first: there is no moment with the file and without it
                write();
            } catch (IOException | IllegalStateException e) {
                close();
                throw Fault.failed("the signing key could not be written to a file", folder + ": " + e, "free up space there and run again").from(e);
            }
        }
        return file;
    }

    private void write() throws IOException {
        if (stopping) {
            throw new IllegalStateException("the run is being stopped");
        }
        try (SeekableByteChannel channel = Files.newByteChannel(file, Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")))) {
            ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
        }
    }

    private synchronized void stop() {
        stopping = true;
        remove();
    }

    /** Removes the file, unless it was there before us. */
    @Override
    public synchronized void close() {
        if (file != null) {
            remove();
            file = null;
            if (!stopping) {
                try {
                    Runtime.getRuntime().removeShutdownHook(hook);
                } catch (IllegalStateException e) {
                    // the process is ending: the hook finds nothing
                }
            }
        }
    }

    private void remove() {
        try {
            if (file != null) {
                Files.deleteIfExists(file);
            }
        } catch (IOException e) {
            throw new java.io.UncheckedIOException("the signing key is still in " + file, e);
        }
    }

    /** Removes the key files of runs of this user that were killed. */
    public static void removeLeftovers(Map<String, String> env) {
        for (Path folder : folders(env)) {
            try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, "releng-key-*")) {
                for (Path file : files) {
                    Matcher name = OURS.matcher(file.getFileName().toString());
                    if (name.matches() && ProcessHandle.of(Long.parseLong(name.group(1))).isEmpty()
                            && Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS) && ownedByUs(file)) {
                        Files.deleteIfExists(file);
                    }
                }
            } catch (IOException | DirectoryIteratorException e) {
                // another run removes them at the same time, or will
            }
        }
    }

    // What we make belongs to us: the one answer that does without a name for the user.
    private static boolean ownedByUs(Path file) throws IOException {
        Path probe = Files.createTempFile("releng", "");
        try {
            return Files.getOwner(file, LinkOption.NOFOLLOW_LINKS).equals(Files.getOwner(probe));
        } finally {
            Files.delete(probe);
        }
    }

    // Memory first; the folder of the session before the one that everybody shares.
    private static List<Path> folders(Map<String, String> env) {
        List<Path> folders = new ArrayList<>();
        Variables.set(env, "XDG_RUNTIME_DIR").map(Path::of).filter(SigningKey::isMemory).ifPresent(folders::add);
        Optional.of(Path.of("/dev/shm")).filter(SigningKey::isMemory).ifPresent(folders::add);
        folders.add(Path.of(System.getProperty("java.io.tmpdir")));
        return folders;
    }

    private static boolean isMemory(Path folder) {
        try {
            return Files.isDirectory(folder) && Files.isWritable(folder) && Set.of("tmpfs", "ramfs").contains(Files.getFileStore(folder).type());
        } catch (IOException e) {
            return false;
        }
    }
}
