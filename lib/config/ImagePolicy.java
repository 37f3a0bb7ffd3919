package lib.config;

import java.util.List;

/**
 * What an image must not be, or users and registries suffer.
 *
 * @param largestLayer bytes of a layer as registries keep it, compressed
 * @param mostLayers   of an image
 * @param without      names of packages whose store paths must not be inside, whatever their version: perl, python
 */
public record ImagePolicy(long largestLayer, int mostLayers, List<String> without) {

    public static final ImagePolicy LIX = new ImagePolicy(65_000_000, 100, List.of("perl", "python"));

    /** Throws IllegalArgumentException, with a sentence for the user, for a value that cannot be. */
    public ImagePolicy {
        if (largestLayer < 1 || mostLayers < 1) {
            throw new IllegalArgumentException("no image has layers of " + largestLayer + " bytes or " + mostLayers + " layers: both must be above 0");
        }
    }
}
