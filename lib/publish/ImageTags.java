package lib.publish;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import lib.base.Fault;
import lib.base.Parallel;
import lib.config.Environment;
import lib.oci.ImageStore;

/** What tags name in the repositories of an environment, by the repository's name. One that does not answer is asked no further. */
record ImageTags(Map<String, Map<String, Named>> byRepository) {

    /** What a tag names, or why nobody knows; it is missing where neither is said. */
    record Named(Optional<String> digest, Optional<String> unknown) {
    }

    private static final int CONCURRENCY = 8;

    /** {@code stores} may throw Fault: then nothing is known of those that the environment has. */
    static ImageTags of(Supplier<List<ImageStore>> stores, Environment environment, List<String> tags) throws IOException {
        Map<String, Map<String, Named>> found = new LinkedHashMap<>();
        try {
            List<ImageStore> opened = stores.get();
            opened.forEach(store -> found.put(store.name(), new ConcurrentHashMap<>()));
            Parallel.forEach(opened, CONCURRENCY, store -> ask(store, tags, found.get(store.name())));
        } catch (Fault fault) {
            environment.registries().forEach(repository -> found.put(repository, unknown(tags, fault)));
        }
        return new ImageTags(found);
    }

    private static void ask(ImageStore store, List<String> tags, Map<String, Named> found) throws IOException {
        List<String> others = new ArrayList<>(tags);
        Named first = named(store, others.remove(0));
        found.put(tags.get(0), first);
        if (first.unknown().isPresent()) {
            others.forEach(tag -> found.put(tag, first));
        } else {
            Parallel.forEach(others, CONCURRENCY, tag -> found.put(tag, named(store, tag)));
        }
    }

    private static Named named(ImageStore store, String tag) {
        try {
            return new Named(store.tag(tag), Optional.empty());
        } catch (Fault fault) {
            return new Named(Optional.empty(), Optional.of(fault.getMessage()));
        } catch (IOException e) {
            return new Named(Optional.empty(), Optional.of(store.fault("it cannot be read", e).getMessage()));
        }
    }

    private static Map<String, Named> unknown(List<String> tags, Fault fault) {
        Map<String, Named> all = new LinkedHashMap<>();
        tags.forEach(tag -> all.put(tag, new Named(Optional.empty(), Optional.of(fault.getMessage()))));
        return all;
    }
}
