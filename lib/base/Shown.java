package lib.base;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What others wrote (servers, git, Nix, names of files), made fit to be shown: it moves no cursor, hides and reorders
 * nothing, and no key stands in the addresses in it.
 */
final class Shown {

    // Colours and nothing else: without them what compilers say stays readable.
    private static final Pattern COLOURS = Pattern.compile("\u001b\\[[0-9;:]*m");

    // RFC 3986, 3.2.1: up to the last @ before the path. The second form is a password with a / in it, which ends the path
    // too early for everybody; what follows the colon of a port is none. In an address for ssh the name alone is no secret.
    private static final Pattern USER = Pattern.compile("(?i)(?:(ssh:|sftp:)|:|(?<![^\\s\"'(=]))//"
            + "(?:[^/?#\\s\"]*@|[^/?#@:\\[\\s\"]*:(?!\\d{0,5}(?:[/?#\\s\"']|$))[^\\s\"]*)");

    // As in presigned addresses (X-Amz-Signature, X-Amz-Security-Token, sig) and of forges (access_token, private_token).
    private static final Pattern PARAMETER = Pattern.compile("(?i)([?&;#](?:[\\w.~-]{0,40}(?:signature|token|credential|password|passwd|secret|api_?-?key)"
            + "[\\w.~-]{0,20}|sig|auth|jwt)=)[^&;#\\s\"']+");

    private Shown() {
    }

    /** Newlines and tabs stay; the rest that does not print becomes its escape in JSON (RFC 8259, 7), which leaves JSON the JSON it was. */
    static String text(String text) {
        String plain = COLOURS.matcher(text.replace("\r\n", "\n")).replaceAll("");
        return visible(PARAMETER.matcher(withoutKeys(plain)).replaceAll("$1..."));
    }

    private static String withoutKeys(String text) {
        return USER.matcher(text).replaceAll(match -> {
            int start = match.group().indexOf("//") + 2;
            int end = match.group().lastIndexOf('@') + 1; // none where the second form turns out to be no password
            String user = match.group(1) == null || end == 0 ? "" : match.group().substring(start, end).replaceFirst("[:@].*", "");
            return Matcher.quoteReplacement(match.group().substring(0, start) + (user.isEmpty() ? "" : user + "@") + match.group().substring(Math.max(start, end)));
        });
    }

    private static String visible(String text) {
        StringBuilder visible = new StringBuilder(text.length());
        text.codePoints().forEach(point -> {
            if (prints(point)) {
                visible.appendCodePoint(point);
            } else {
                for (char half : Character.toChars(point)) {
                    visible.append(String.format("\\u%04x", (int) half));
                }
            }
        });
        return visible.toString();
    }

    private static boolean prints(int point) {
        return switch (Character.getType(point)) {
            case Character.CONTROL -> point == '\n' || point == '\t';
            // Joiners and the soft hyphen are letters' business; the others of this kind turn what follows around, or are not seen.
            case Character.FORMAT -> point == 0x00AD || point == 0x200C || point == 0x200D;
            case Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR, Character.SURROGATE -> false;
            default -> true;
        };
    }
}
