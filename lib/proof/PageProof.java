package lib.proof;

import java.nio.charset.StandardCharsets;
import java.util.Optional;
import lib.publish.VersionPage;

/**
 * The page of a release. It is a view, which each releng makes in its own way: another than this makes is no proof, and no failure either.
 *
 * @param page as this releng makes it
 * @param name what it is fetched by
 * @param html what is there; empty where nothing is
 */
record PageProof(VersionPage page, String name, Optional<String> html) {

    static PageProof of(Fetching fetcher, VersionPage page) {
        return new PageProof(page, fetcher.name("releases", page.place()),
                fetcher.find("releases", page.place()).map(bytes -> new String(bytes, StandardCharsets.UTF_8)));
    }

    /** Whether there is one, or should be: what was published before there were pages needs none. */
    boolean isDue() {
        return page.belongs() && (html.isPresent() || page.hasProvenance());
    }

    void prove(Findings findings) {
        if (html.isEmpty()) {
            findings.failure(name + ": is missing");
        } else if (page.as(html.get()).html().equals(html.get())) {
            findings.proved();
        } else {
            findings.unproven(name + ": another releng than this has made it, or somebody else; the next upload of " + page.built().version() + " makes it anew");
        }
    }
}
