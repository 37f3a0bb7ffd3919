import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Where files lie, and which may know of which. */
class LayoutTest {

    /** The folders of lib from the ground up; those of one number stand side by side. */
    private static final Map<String, Integer> FLOORS = Map.ofEntries(Map.entry("base", 0), Map.entry("http", 1), Map.entry("config", 2), Map.entry("git", 2),
            Map.entry("nix", 3), Map.entry("s3", 3), Map.entry("oci", 3), Map.entry("release", 4), Map.entry("notes", 5), Map.entry("publish", 5), Map.entry("proof", 5));

    private static List<Path> javaFiles(Path folder) throws IOException {
        try (Stream<Path> walk = Files.walk(folder)) {
            return walk.filter(path -> path.toString().endsWith(".java")).sorted().toList();
        }
    }

    @Test
    void nothingInLibKnowsWhatIsAboveIt() throws IOException {
        List<String> faults = new ArrayList<>();
        Pattern lib = Pattern.compile("\\blib\\.([a-z0-9]+)\\.[a-z0-9.]*[A-Z]\\w*");
        for (Path file : javaFiles(Home.folder().resolve("lib"))) {
            Path where = Home.folder().resolve("lib").relativize(file);
            Integer floor = FLOORS.get(where.getName(0).toString());
            if (floor == null) {
                faults.add(where + " lies in no folder of the layout");
                continue;
            }
            String text = Files.readString(file).replaceAll("jgit\\.lib\\.", "");
            for (Matcher used = lib.matcher(text); used.find(); ) {
                if (FLOORS.getOrDefault(used.group(1), 99) > floor) {
                    faults.add(where + " uses " + used.group());
                }
            }
            if (!text.contains("package lib." + where.getParent().toString().replace('/', '.') + ";")) {
                faults.add(where + " is of another package than its folder");
            }
        }
        assertEquals(List.of(), faults);
    }

    @Test
    void noFileIsLongerThanOneReads() throws IOException {
        List<String> faults = new ArrayList<>();
        for (Path file : javaFiles(Home.folder())) {
            String where = Home.folder().relativize(file).toString();
            int most = where.startsWith("lib/") ? 400 : where.startsWith("tests/") ? 500 : 300;
            long lines = Files.readString(file).lines().count();
            if (lines > most) {
                faults.add(where + " has " + lines + " lines, more than " + most);
            }
        }
        assertEquals(List.of(), faults);
    }

    @Test
    void allScriptsNameOneVersionOfALibrary() throws IOException {
        Map<String, TreeSet<String>> versions = new TreeMap<>();
        Pattern dependency = Pattern.compile("(?m)^//DEPS ([^:\\s]+:[^:\\s]+):([^\\s@]+)");
        for (Path file : javaFiles(Home.folder())) {
            for (Matcher named = dependency.matcher(Files.readString(file)); named.find(); ) {
                versions.computeIfAbsent(named.group(1), name -> new TreeSet<>()).add(named.group(2));
            }
        }
        versions.values().removeIf(one -> one.size() == 1);
        assertEquals(Map.of(), versions);
    }
}
