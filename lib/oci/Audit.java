package lib.oci;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import lib.config.ImagePolicy;

/** Holds images against the project's policy. */
public final class Audit {

    private static final int SHOWN = 20;

    private Audit() {
    }

    /** All that an image does that it must not; empty where it may be published. {@code storePaths} are names such as HASH-perl-5.38.2. */
    public static List<String> violations(ImagePolicy policy, BuiltImage image, List<String> storePaths) {
        List<String> violations = new ArrayList<>();
        image.layers().stream().filter(layer -> layer.blobSize() > policy.largestLayer()).forEach(layer -> violations.add(image.path() + ": the layer "
                + layer.diffId() + " has " + layer.blobSize() + " bytes compressed, more than " + policy.largestLayer()));
        if (image.layers().size() > policy.mostLayers()) {
            violations.add(image.path() + ": it has " + image.layers().size() + " layers, more than " + policy.mostLayers());
        }
        for (String name : policy.without()) {
            // python, python3, python-3.11.9, python3.11-requests; not pythonesque
            Pattern pattern = Pattern.compile("[0-9a-z]{32}-" + Pattern.quote(name) + "[0-9.]*(-.*)?");
            storePaths.stream().filter(path -> pattern.matcher(path).matches()).forEach(path ->
                    violations.add(image.path() + ": contains /nix/store/" + path + ", and the policy forbids " + name));
        }
        return violations;
    }

    /** The layers of an image for people, the largest first. */
    public static List<String> table(BuiltImage image) {
        return image.layers().stream().sorted((a, b) -> Long.compare(b.blobSize(), a.blobSize())).limit(SHOWN).map(layer ->
                String.format(Locale.ROOT, "%s %13d bytes, %13d compressed", layer.diffId().substring(0, 19), layer.size(), layer.blobSize())).toList();
    }
}
