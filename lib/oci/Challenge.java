package lib.oci;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * One of the ways a server offers to prove who one is: WWW-Authenticate, RFC 9110, 11.6.1. Several may stand in one
 * header, and several headers are as good as one.
 *
 * @param scheme     in small letters
 * @param parameters by name in small letters
 */
record Challenge(String scheme, Map<String, String> parameters) {

    /** All of them, in their order; what cannot be read is left out. */
    static List<Challenge> all(String header) {
        List<Challenge> all = new ArrayList<>();
        Reader reader = new Reader(header);
        while (reader.more()) {
            String word = reader.token();
            if (word.isEmpty()) {
                reader.at++;
            } else if (reader.skip("=") && !all.isEmpty()) {
                all.get(all.size() - 1).parameters().putIfAbsent(word.toLowerCase(Locale.ROOT), reader.value());
            } else {
                all.add(new Challenge(word.toLowerCase(Locale.ROOT), new TreeMap<>()));
                reader.token68();
            }
        }
        return all;
    }

    // By hand: a pattern with a group that repeats has no end to how deep it goes.
    private static final class Reader {
        private final String text;
        private int at;

        Reader(String text) {
            this.text = text;
        }

        /** Past commas and white space, whether there is anything. */
        boolean more() {
            while (at < text.length() && ", \t".indexOf(text.charAt(at)) >= 0) {
                at++;
            }
            return at < text.length();
        }

        private static boolean of(char c, String others) {
            return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || others.indexOf(c) >= 0;
        }

        private String run(String others) {
            int begin = at;
            while (at < text.length() && of(text.charAt(at), others)) {
                at++;
            }
            return text.substring(begin, at);
        }

        String token() {
            return run("!#$%&'*+-.^_`|~");
        }

        private void blank() {
            while (at < text.length() && (text.charAt(at) == ' ' || text.charAt(at) == '\t')) {
                at++;
            }
        }

        /** Takes that sign, and blanks on both sides, where it comes next. */
        boolean skip(String sign) {
            int begin = at;
            blank();
            if (text.startsWith(sign, at)) {
                at++;
                blank();
                return true;
            }
            at = begin;
            return false;
        }

        /** A quoted string, without its quotes, or a token; some servers quote nothing, not even an address. */
        String value() {
            if (!skip("\"")) {
                return run("!#$%&'*+-.^_`|~:/?@");
            }
            StringBuilder value = new StringBuilder();
            for (; at < text.length() && text.charAt(at) != '"'; at++) {
                if (text.charAt(at) == '\\' && at + 1 < text.length()) {
                    at++;
                }
                value.append(text.charAt(at));
            }
            at++;
            return value.toString();
        }

        /** Takes what some schemes have in the place of parameters. */
        void token68() {
            int begin = at;
            blank();
            run("-._~+/");
            while (at < text.length() && text.charAt(at) == '=') {
                at++;
            }
            blank();
            if (at < text.length() && text.charAt(at) != ',') {
                at = begin;
            }
        }
    }
}
