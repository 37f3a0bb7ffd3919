package lib;

import java.util.LinkedHashMap;
import java.util.Map;

/** Media types of what a release consists of, by the ending of the name. */
public final class ContentType {

    // The first ending that fits decides.
    private static final Map<String, String> BY_ENDING = new LinkedHashMap<>();

    static {
        BY_ENDING.put(".html", "text/html; charset=utf-8");
        BY_ENDING.put(".css", "text/css; charset=utf-8");
        BY_ENDING.put(".js", "text/javascript; charset=utf-8");
        BY_ENDING.put(".json", "application/json");
        BY_ENDING.put(".svg", "image/svg+xml");
        BY_ENDING.put(".png", "image/png");
        BY_ENDING.put(".ico", "image/vnd.microsoft.icon");
        BY_ENDING.put(".woff2", "font/woff2");
        BY_ENDING.put(".woff", "font/woff");
        BY_ENDING.put(".txt", "text/plain; charset=utf-8");
        BY_ENDING.put(".md", "text/markdown; charset=utf-8");
        BY_ENDING.put(".nix", "text/plain; charset=utf-8");
        BY_ENDING.put(".sha256", "text/plain; charset=utf-8");
        BY_ENDING.put("nix-cache-info", "text/x-nix-cache-info");
        BY_ENDING.put(".narinfo", "text/x-nix-narinfo");
        BY_ENDING.put(".ls", "application/json");
        BY_ENDING.put(".nar.zst", "application/x-nix-nar");
        BY_ENDING.put(".nar.xz", "application/x-nix-nar");
        BY_ENDING.put(".nar", "application/x-nix-nar");
        BY_ENDING.put(".xz", "application/x-xz");
        BY_ENDING.put(".gz", "application/gzip");
        BY_ENDING.put(".zst", "application/zstd");
        BY_ENDING.put(".tar", "application/x-tar");
    }

    private ContentType() {
    }

    public static String of(String name) {
        return BY_ENDING.entrySet().stream().filter(entry -> name.endsWith(entry.getKey())).map(Map.Entry::getValue)
                .findFirst().orElse("application/octet-stream");
    }
}
