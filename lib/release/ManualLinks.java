package lib.release;

import java.io.IOException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import lib.base.FileTree;
import org.jsoup.Jsoup;
import org.jsoup.nodes.Document;
import org.jsoup.nodes.Element;

/** The links between the pages of a manual, a folder of HTML files. It is read at several addresses, and so is whole only by links that are relative. */
public final class ManualLinks {

    private static final int MOST_NAMED = 20;
    private static final String ELSEWHERE = "(?s)([A-Za-z][A-Za-z0-9+.-]*:|/).*";

    /** What others may refer to, and what it refers to; {@code base} is a folder of the manual. */
    private record Page(Set<String> parts, List<String> links, String base) {
    }

    private ManualLinks() {
    }

    /** The links that lead nowhere, a sentence each. Where other sites are, or the site's own top, is not asked. */
    public static List<String> dead(Path manual) throws IOException {
        SortedMap<String, Path> files = FileTree.files(manual);
        SortedMap<String, Page> pages = new TreeMap<>();
        for (Map.Entry<String, Path> file : files.entrySet()) {
            if (file.getKey().endsWith(".html")) {
                pages.put(file.getKey(), page(file.getKey(), Jsoup.parse(file.getValue().toFile(), "UTF-8")));
            }
        }
        List<String> faults = new ArrayList<>();
        pages.forEach((name, page) -> page.links().forEach(link -> {
            String fault = fault(name, page, link, files.keySet(), pages);
            if (!fault.isEmpty()) {
                faults.add(name + ": the link '" + link + "' " + fault);
            }
        }));
        List<String> named = new ArrayList<>(faults.subList(0, Math.min(MOST_NAMED, faults.size())));
        if (faults.size() > MOST_NAMED) {
            named.add("and " + (faults.size() - MOST_NAMED) + " more");
        }
        return named;
    }

    private static Page page(String name, Document document) {
        Set<String> parts = new HashSet<>(document.select("[id]").eachAttr("id"));
        parts.addAll(document.select("a[name]").eachAttr("name"));
        Element base = document.selectFirst("base[href]");
        String folder = base == null ? "" : base.attr("href").strip();
        List<String> links = new ArrayList<>();
        if (!folder.matches(ELSEWHERE)) {
            document.select("a[href], area[href], link[href]").forEach(element -> links.add(element.attr("href").strip()));
            document.select("[src]").forEach(element -> links.add(element.attr("src").strip()));
            links.removeIf(link -> link.matches(ELSEWHERE));
        }
        return new Page(parts, links.stream().distinct().toList(), name.replaceFirst("[^/]*$", "") + folder.replaceFirst("[^/]*$", ""));
    }

    private static String fault(String name, Page page, String link, Set<String> files, Map<String, Page> pages) {
        String path = decoded(link.replaceFirst("(?s)[?#].*", ""));
        String target = name;
        if (!path.isEmpty()) {
            try {
                target = Path.of(page.base() + path).normalize().toString();
            } catch (InvalidPathException e) {
                return "is no address";
            }
            if (target.startsWith("..")) {
                return "leads out of the manual";
            }
            target = files.contains(target) ? target : target.isEmpty() ? "index.html" : target + "/index.html";
            if (!files.contains(target)) {
                return "leads nowhere";
            }
        }
        String raw = link.contains("#") ? link.substring(link.indexOf('#') + 1).replaceFirst(":~:.*", "") : "";
        Page there = pages.get(target);
        boolean found = there == null || raw.isEmpty() || raw.equals("top") || there.parts().contains(raw) || there.parts().contains(decoded(raw));
        return found ? "" : "leads to a part that " + target + " does not have";
    }

    private static String decoded(String text) {
        try {
            return URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            return text; // a % that stands for itself
        }
    }
}
