package lib.nix;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.Base64;
import java.util.Optional;

/**
 * Signatures of files as {@code ssh-keygen -Y sign -n file} makes them, with Ed25519 and SHA-512.
 *
 * @see <a href="https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.sshsig">PROTOCOL.sshsig</a>
 */
public final class SshSignature {

    static final String TYPE = "ssh-ed25519";

    /** What is signed: a file, and nothing that a signature for a login or a commit could be taken for. */
    private static final byte[] NAMESPACE = ascii("file");
    private static final byte[] MAGIC = ascii("SSHSIG");
    private static final byte[] NOTHING = {};
    private static final byte[] HASH = ascii("sha512");
    private static final int VERSION = 1;
    private static final String BEGIN = "-----BEGIN SSH SIGNATURE-----\n";
    private static final String END = "-----END SSH SIGNATURE-----\n";

    private SshSignature() {
    }

    /** In armour, with a newline at the end; the same for the same file. */
    public static String of(byte[] file, SigningKey key) {
        return armoured(joined(before(PublicKey.of(key.publicKey())), strings(strings(ascii(TYPE), key.sign(signed(file))))));
    }

    private static String armoured(byte[] signature) {
        return BEGIN + Base64.getEncoder().encodeToString(signature).replaceAll(".{1,70}", "$0\n") + END;
    }

    /** Why an armoured signature, as OpenSSH writes it, does not count as this key's of a file; empty where it does. */
    public static Optional<String> fault(byte[] file, String armoured, PublicKey key) {
        byte[] signature = NOTHING;
        try {
            signature = Base64.getMimeDecoder().decode(armoured.replace(BEGIN, "").replace(END, ""));
        } catch (IllegalArgumentException e) {
            // then it is none
        }
        if (!armoured(signature).equals(armoured) || !Arrays.equals(MAGIC, Arrays.copyOf(signature, MAGIC.length))) {
            return Optional.of("is no signature of OpenSSH's");
        }
        // All but the last 64 bytes follow from the key.
        byte[] before = joined(before(key), ByteBuffer.allocate(4 + 4 + TYPE.length() + 4).putInt(4 + TYPE.length() + 4 + 64).putInt(TYPE.length()).put(ascii(TYPE)).putInt(64).array());
        if (signature.length != before.length + 64 || !Arrays.equals(before, Arrays.copyOf(signature, before.length))) {
            return Optional.of("is not a signature of a file by " + key.name() + " (" + key.ssh() + ")");
        }
        return key.verifies(signed(file), Arrays.copyOfRange(signature, before.length, signature.length)) ? Optional.empty()
                : Optional.of("is not a valid signature by " + key.name());
    }

    private static byte[] before(PublicKey key) {
        return joined(MAGIC, ByteBuffer.allocate(4).putInt(VERSION).array(), strings(strings(ascii(TYPE), key.raw()), NAMESPACE, NOTHING, HASH));
    }

    private static byte[] signed(byte[] file) {
        try {
            return joined(MAGIC, strings(NAMESPACE, NOTHING, HASH, MessageDigest.getInstance("SHA-512").digest(file)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("SHA-512 is part of every JDK", e);
        }
    }

    /** Strings as ssh's protocols have them (RFC 4251, 5): each after its length. */
    static byte[] strings(byte[]... strings) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (byte[] string : strings) {
            out.writeBytes(ByteBuffer.allocate(4).putInt(string.length).array());
            out.writeBytes(string);
        }
        return out.toByteArray();
    }

    private static byte[] joined(byte[]... parts) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            out.writeBytes(part);
        }
        return out.toByteArray();
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }
}
