package lib.nix;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.Signature;
import java.security.spec.EdECPrivateKeySpec;
import java.security.spec.NamedParameterSpec;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import lib.base.Exec;
import lib.base.Fault;
import lib.base.Variables;

/**
 * A secret key, {@code NAME:BASE64} of an Ed25519 seed and public key, as
 * {@code nix-store --generate-binary-cache-key} writes it. In memory only.
 */
public final class SigningKey {

    /** What a key is for, and where it is looked for. */
    public enum Use {
        cache("sign the cache with", "--signing-key", "RELENG_SIGNING_KEY", "prod"),
        provenance("sign the provenance with", "--provenance-key", "RELENG_PROVENANCE_KEY", "provenance");

        private final String purpose;
        private final String option;
        private final String variable;
        private final String example;

        Use(String purpose, String option, String variable, String example) {
            this.purpose = purpose;
            this.option = option;
            this.variable = variable;
            this.example = example;
        }

        private String command() {
            return variable + "_COMMAND";
        }
    }

    private final String text;
    private final String publicKey;

    private SigningKey(Use use, String origin, String text) {
        this.text = text.strip();
        this.publicKey = publicKey(use, origin, this.text);
    }

    /**
     * The key in {@code file} where one is named, else in the variable of this use (RELENG_SIGNING_KEY), else that which the
     * command in another prints (RELENG_SIGNING_KEY_COMMAND). Throws Fault where there is none, or something else there.
     */
    public static SigningKey of(Use use, Optional<Path> file, Map<String, String> env) {
        if (file.isPresent()) {
            return inFile(use, file.get());
        }
        Optional<String> text = Variables.set(env, use.variable);
        if (text.isPresent()) {
            return new SigningKey(use, use.variable, text.get());
        }
        Variables.set(env, use.command()).orElseThrow(() -> Fault.refused("there is no key to " + use.purpose,
                "neither " + use.option + " nor " + use.variable + " nor " + use.command() + " is given",
                "name the key's file, or a command that prints it, such as: age -d -i ID " + use.example + ".key.age"));
        return new SigningKey(use, use.command(), printedByCommand(use.command(), env));
    }

    /** The key in a file, or in what can be read but once, such as a pipe. */
    public static SigningKey inFile(Use use, Path file) {
        try {
            // Any bytes: it may be an encrypted one.
            String text = new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1);
            return new SigningKey(use, file.toString(), text);
        } catch (IOException e) {
            throw Fault.failed("the signing key cannot be read", file + (Files.exists(file) ? " is not readable" : " does not exist"),
                    "name the key's file with " + use.option);
        }
    }

    // What it says may be a secret, so it does not stand on a command line, nor in the environment of what it runs.
    private static String printedByCommand(String variable, Map<String, String> env) {
        String next = "run it by hand; it must print the key";
        Exec.Result result = Exec.of("sh", "-c", "command=$COMMAND; unset COMMAND; eval \"$command\"".replace("COMMAND", variable)).baseEnv(env).lend(List.of(variable)).run();
        if (result.exit() == 127) {
            throw Fault.failed("the command for the signing key failed", "a program in " + variable + " is not installed", next);
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

    /** Signs a text as Nix signs a narinfo's fingerprint: {@code NAME:BASE64}. */
    public String sign(String signed) {
        return text.substring(0, text.indexOf(':') + 1) + Base64.getEncoder().encodeToString(sign(signed.getBytes(StandardCharsets.UTF_8)));
    }

    /** The 64 bytes of an Ed25519 signature (RFC 8032): the same for the same bytes. */
    public byte[] sign(byte[] signed) {
        try {
            Signature ed25519 = Signature.getInstance("Ed25519");
            ed25519.initSign(KeyFactory.getInstance("Ed25519").generatePrivate(new EdECPrivateKeySpec(NamedParameterSpec.ED25519,
                    Arrays.copyOf(decoded(text.substring(text.indexOf(':') + 1)), 32))));
            ed25519.update(signed);
            return ed25519.sign();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("Ed25519 is part of every JDK", e);
        }
    }

    // libsodium's layout: 32 bytes of seed, 32 of public key. No message quotes the text.
    private static String publicKey(Use use, String origin, String text) {
        String fault;
        int colon = text.indexOf(':');
        if (text.startsWith("age-encryption.org/") || text.startsWith("-----BEGIN AGE")) {
            fault = "it is encrypted: " + use.command() + "='age -d -i ID FILE' decrypts it";
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
}
