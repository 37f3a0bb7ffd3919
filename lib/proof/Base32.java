package lib.proof;

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
}
