package lib.nix;

import java.util.Base64;
import java.util.HexFormat;

/**
 * Nix's own base 32: its own alphabet, least significant bits first in the last digit.
 *
 * @see <a href="https://nix.dev/manual/nix/latest/protocols/nix32">the encoding</a>
 */
public final class Base32 {

    private static final String DIGITS = "0123456789abcdfghijklmnpqrsvwxyz";

    private Base32() {
    }

    /** The digits, most significant first. */
    public static String encode(byte[] bytes) {
        StringBuilder text = new StringBuilder();
        for (int digit = (bytes.length * 8 + 4) / 5 - 1; digit >= 0; digit--) {
            int at = digit * 5 / 8;
            int shift = digit * 5 % 8;
            int bits = (bytes[at] & 0xff) >> shift;
            if (at + 1 < bytes.length) {
                bits |= (bytes[at + 1] & 0xff) << (8 - shift);
            }
            text.append(DIGITS.charAt(bits & 31));
        }
        return text.toString();
    }

    /** A SHA-256 as narinfos have it, {@code sha256:} and base 32; from that, from hex, or from {@code sha256-} and base 64. */
    public static String narinfoHash(String hash) {
        if (hash.startsWith("sha256-")) {
            return "sha256:" + encode(Base64.getDecoder().decode(hash.substring(7)));
        }
        return hash.length() == 7 + 64 ? "sha256:" + encode(HexFormat.of().parseHex(hash.substring(7))) : hash;
    }
}
