package lib.store;

import java.util.ArrayList;
import java.util.List;

/**
 * What is needed of the XML of the S3 API: machine-made, without attributes that matter, without
 * CDATA. A parser takes longer to load than a bucket to list.
 */
public final class Xml {

    private Xml() {
    }

    /** The content of each element of that name, as it stands, in order. An element holds none of its own name. */
    public static List<String> all(String xml, String name) {
        List<String> all = new ArrayList<>();
        for (int at = xml.indexOf("<" + name); at >= 0; at = xml.indexOf("<" + name, at + 1)) {
            int begin = xml.indexOf('>', at) + 1;
            char after = xml.charAt(at + 1 + name.length());
            if (begin == 0 || after != '>' && after != ' ' && after != '/' || xml.charAt(begin - 2) == '/') {
                continue;
            }
            int end = xml.indexOf("</" + name + ">", begin);
            if (end < 0) {
                throw new IllegalArgumentException("the element " + name + " does not end");
            }
            all.add(xml.substring(begin, end));
            at = end;
        }
        return all;
    }

    /** The text of the first element of that name; empty when there is none. */
    public static String text(String xml, String name) {
        String open = "<" + name + ">";
        int begin = xml.indexOf(open);
        int end = begin < 0 ? -1 : xml.indexOf("</" + name + ">", begin);
        return end < 0 ? "" : decode(xml.substring(begin + open.length(), end));
    }

    /** Replaces the entities of XML 1.0, 4.1 and 4.6. */
    static String decode(String text) {
        if (text.indexOf('&') < 0) {
            return text;
        }
        StringBuilder decoded = new StringBuilder(text.length());
        for (int at = 0; at < text.length(); at++) {
            int end = text.charAt(at) == '&' ? text.indexOf(';', at) : -1;
            if (end < 0) {
                decoded.append(text.charAt(at));
                continue;
            }
            String entity = text.substring(at + 1, end);
            switch (entity) {
                case "amp" -> decoded.append('&');
                case "lt" -> decoded.append('<');
                case "gt" -> decoded.append('>');
                case "quot" -> decoded.append('"');
                case "apos" -> decoded.append('\'');
                default -> {
                    boolean hex = entity.startsWith("#x");
                    decoded.appendCodePoint(Integer.parseInt(entity.substring(hex ? 2 : 1), hex ? 16 : 10));
                }
            }
            at = end;
        }
        return decoded.toString();
    }
}
