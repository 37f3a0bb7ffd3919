package lib.nix;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.Signature;
import java.security.spec.X509EncodedKeySpec;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;

/**
 * A public key, a cache's or one for provenance, Ed25519 (RFC 8032).
 *
 * @param name what signatures by it begin with
 */
public record PublicKey(String name, java.security.PublicKey key) {

    // SubjectPublicKeyInfo of RFC 8410, up to the 32 bytes of the key itself.
    private static final byte[] X509 = HexFormat.of().parseHex("302a300506032b6570032100");

    /** From {@code NAME:BASE64}. Throws IllegalArgumentException. */
    public static PublicKey of(String text) {
        int colon = text.indexOf(':');
        byte[] raw = colon < 1 ? new byte[0] : Base64.getDecoder().decode(text.substring(colon + 1).strip());
        if (raw.length != 32) {
            throw new IllegalArgumentException("'" + text + "' is not a public key: NAME:BASE64 of 32 bytes");
        }
        byte[] encoded = Arrays.copyOf(X509, X509.length + raw.length);
        System.arraycopy(raw, 0, encoded, X509.length, raw.length);
        try {
            return new PublicKey(text.substring(0, colon), KeyFactory.getInstance("Ed25519").generatePublic(new X509EncodedKeySpec(encoded)));
        } catch (GeneralSecurityException e) {
            throw new IllegalArgumentException("'" + text + "' is not a public key: " + e.getMessage(), e);
        }
    }

    /** As OpenSSH writes it: {@code ssh-ed25519 BASE64} (RFC 8709). */
    public String ssh() {
        return SshSignature.TYPE + " " + Base64.getEncoder().encodeToString(SshSignature.strings(SshSignature.TYPE.getBytes(StandardCharsets.US_ASCII), raw()));
    }

    /** The 32 bytes that it is. */
    public byte[] raw() {
        byte[] encoded = key.getEncoded();
        return Arrays.copyOfRange(encoded, X509.length, encoded.length);
    }

    /** Why a consumer who trusts only this key would not take the path; empty when they would. */
    public List<String> refuse(Narinfo narinfo) {
        List<String> ours = narinfo.signatures().stream().filter(signature -> signature.startsWith(name + ":")).toList();
        if (ours.stream().anyMatch(signature -> verifies(narinfo.fingerprint(), signature))) {
            return List.of();
        }
        if (!ours.isEmpty()) {
            return List.of("the signature by " + name + " is not valid");
        }
        return List.of("it is not signed by " + name + ", but by " + narinfo.signers());
    }

    /** Whether a signature {@code NAME:BASE64} of a text is by this key. */
    public boolean verifies(String text, String signature) {
        try {
            return signature.startsWith(name + ":")
                    && verifies(text.getBytes(StandardCharsets.UTF_8), Base64.getDecoder().decode(signature.substring(name.length() + 1)));
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    /** Whether these bytes are an Ed25519 signature of those by this key. */
    public boolean verifies(byte[] signed, byte[] signature) {
        try {
            Signature ed25519 = Signature.getInstance("Ed25519");
            ed25519.initVerify(key);
            ed25519.update(signed);
            return ed25519.verify(signature);
        } catch (GeneralSecurityException e) {
            return false;
        }
    }
}
