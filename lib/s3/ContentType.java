package lib.s3;

import java.util.Map;

/** Media types of what a release consists of, by the ending of the name. */
public final class ContentType {

    private static final String TEXT = "text/plain; charset=utf-8";
    private static final String NAR = "application/x-nix-nar";

    // The longest ending that is known decides: .nar.xz is no .xz.
    private static final Map<String, String> BY_ENDING = Map.ofEntries(
            Map.entry("html", "text/html; charset=utf-8"),
            Map.entry("css", "text/css; charset=utf-8"),
            Map.entry("js", "text/javascript; charset=utf-8"),
            Map.entry("json", "application/json"),
            Map.entry("svg", "image/svg+xml"),
            Map.entry("png", "image/png"),
            Map.entry("ico", "image/vnd.microsoft.icon"),
            Map.entry("woff2", "font/woff2"),
            Map.entry("woff", "font/woff"),
            Map.entry("ttf", "font/ttf"),
            Map.entry("txt", TEXT),
            Map.entry("md", "text/markdown; charset=utf-8"),
            Map.entry("nix", TEXT),
            Map.entry("sh", TEXT),
            Map.entry("sha256", TEXT),
            Map.entry("sig", TEXT),
            Map.entry("intoto.jsonl", "application/vnd.dsse.envelope.v1+json"),
            Map.entry("xml", "application/xml"),
            Map.entry("pdf", "application/pdf"),
            Map.entry("narinfo", "text/x-nix-narinfo"),
            Map.entry("ls", "application/json"),
            Map.entry("nar.zst", NAR),
            Map.entry("nar.xz", NAR),
            Map.entry("nar.bz2", NAR),
            Map.entry("nar", NAR),
            Map.entry("xz", "application/x-xz"),
            Map.entry("gz", "application/gzip"),
            Map.entry("zst", "application/zstd"),
            Map.entry("tar", "application/x-tar"));

    private ContentType() {
    }

    /** The media type of a file or key of that name; RFC 2046's for bytes of any kind when nothing is known. */
    public static String of(String name) {
        String last = name.substring(name.lastIndexOf('/') + 1);
        if (last.equals("nix-cache-info")) {
            return "text/x-nix-cache-info";
        }
        if (last.equals("SHA256SUMS")) {
            return TEXT;
        }
        for (int dot = last.indexOf('.'); dot >= 0; dot = last.indexOf('.', dot + 1)) {
            String type = BY_ENDING.get(last.substring(dot + 1));
            if (type != null) {
                return type;
            }
        }
        return "application/octet-stream";
    }
}
