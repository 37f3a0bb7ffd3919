package lib.http;

import java.util.Collection;
import java.util.Locale;
import java.util.Map;
import lib.base.Fault;

/** The head of a request, of whatever client: a line break in it would be another header, or another request. */
public final class Head {

    private Head() {
    }

    /**
     * Throws Fault, which names the header and never its value, for a value that is more than one line.
     *
     * @param server the address it would be sent to, for people
     */
    public static void require(String server, Map<String, ? extends Collection<String>> headers) {
        headers.forEach((name, values) -> values.forEach(value -> require(server, name, value)));
    }

    /** As above, of one header. */
    public static void require(String server, String name, String value) {
        if (!oneLine(name) || !oneLine(value)) {
            throw Fault.failed(server + " was not sent a request", "the header " + (oneLine(name) ? name.toLowerCase(Locale.ROOT) : "")
                    + " would have a line break or another control character in it",
                    "see where that value comes from (a variable, a file, a server's answer), and run again");
        }
    }

    static boolean oneLine(String text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c < ' ' && c != '\t' || c == 0x7f) {
                return false;
            }
        }
        return true;
    }
}
