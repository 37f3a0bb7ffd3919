package lib.proof;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import lib.base.Console;
import lib.base.Fault;
import lib.base.Measured;
import lib.base.Parallel;
import lib.base.Progress;
import lib.config.Environment;
import lib.proof.Fetcher.NotThere;
import lib.s3.Listing;
import lib.s3.ObjectStore;

/**
 * What is out there by name and size, which costs few bytes and proves none: by listing where there are keys, else each thing is asked for
 * alone, and once however often it is looked at. What cannot be asked is unknown, and not missing.
 */
public final class Glance {

    /** One thing: its size in bytes where it is there, or why nobody knows; missing where neither is. */
    public record Seen(Optional<Long> size, Optional<String> unknown) {
        static final Seen MISSING = new Seen(Optional.empty(), Optional.empty());

        public boolean there() {
            return size.isPresent();
        }

        public boolean missing() {
            return size.isEmpty() && unknown.isEmpty();
        }
    }

    /** The bytes of a thing that is there, or why nobody knows. */
    private record Fetched(Optional<byte[]> bytes, Fault fault) {
    }

    private static final String CACHE = "cache";
    /** Below so many things it is quicker to ask for each. */
    private static final int FEW = 100;

    private final Fetching fetcher;
    private final Environment environment;
    private final Optional<ObjectStore> store;
    private final Console console;
    private final int concurrency;
    private final Map<String, Map<String, Seen>> seen = new ConcurrentHashMap<>();
    private final Map<String, Fetched> small = new ConcurrentHashMap<>();
    private final Set<String> whole = ConcurrentHashMap.newKeySet();
    private final Map<String, String> failed = new ConcurrentHashMap<>();

    /**
     * @param fetcher     of all roles that will be asked for
     * @param store       empty where there are no keys
     * @param concurrency things asked for at once, at most
     */
    public Glance(Fetcher fetcher, Environment environment, Optional<ObjectStore> store, Console console, int concurrency) {
        this.fetcher = new Fetching(fetcher, console);
        this.environment = environment;
        this.store = store;
        this.console = console;
        this.concurrency = concurrency;
    }

    /** Whether there is a way to a role at all. */
    public boolean reaches(String role) {
        return store.isPresent() || environment.urls().containsKey(role);
    }

    /** The public address, or {@code s3://BUCKET/KEY}. */
    public String name(String role, String key) {
        return fetcher.name(role, key);
    }

    /** The bytes of a small thing, of up to 8 MB, which is fetched once; empty where there is none. Throws Fault where nobody knows. */
    public Optional<byte[]> find(String role, String key) {
        Fetched fetched = small.computeIfAbsent(role + "/" + key, any -> fetched(role, key));
        if (fetched.fault() != null) {
            throw fetched.fault();
        }
        return fetched.bytes();
    }

    /** Fetches some of them ahead, all at once. */
    public void fetch(String role, Collection<String> keys) {
        all(keys, key -> small.computeIfAbsent(role + "/" + key, any -> fetched(role, key)));
    }

    private Fetched fetched(String role, String key) {
        try {
            return new Fetched(mayBeThere(role, key) ? fetcher.find(role, key) : Optional.empty(), null);
        } catch (Fault fault) {
            return new Fetched(Optional.empty(), fault);
        }
    }

    /** A release.json's bytes; as {@link #find}, but of up to 64 MB. */
    public Optional<byte[]> document(String role, String key) {
        return mayBeThere(role, key) ? fetcher.document(role, key) : Optional.empty();
    }

    // A listing that names it not, or that failed, has said all there is to say.
    private boolean mayBeThere(String role, String key) {
        Map<String, Seen> known = of(role);
        if (!isListed(role, key, known)) {
            return true;
        }
        Seen listed = known.getOrDefault(key, Seen.MISSING);
        listed.unknown().ifPresent(why -> {
            throw Fault.failed(why, List.of(), "run again");
        });
        return listed.there();
    }

    /** The digest of a thing's bytes, which are read for it, in hex. Throws Fault where there is none, or nobody knows. */
    public String sha256(String role, String key) {
        try {
            return fetcher.read(role, key, in -> Measured.of(in, Long.MAX_VALUE).hex());
        } catch (NotThere e) {
            throw Fault.failed(name(role, key) + " is not there any more", e.getMessage(), "run again").from(e);
        }
    }

    /**
     * Lists what is below a prefix of a role, where there are keys: what that does not name is missing from now on. The keys, sorted; empty
     * where nothing can be listed. Where a listing fails, all that is below it is unknown.
     */
    public Optional<List<String>> list(String role, String prefix) {
        if (store.isEmpty()) {
            return Optional.empty();
        }
        try {
            Map<String, Seen> known = of(role);
            List<ObjectStore.Stored> all = List.copyOf(store.get().list(Fetcher.bucket(environment, role), prefix).values());
            all.forEach(object -> known.put(object.key(), new Seen(Optional.of(object.size()), Optional.empty())));
            whole.add(role + "/" + prefix);
            return Optional.of(all.stream().map(ObjectStore.Stored::key).toList());
        } catch (Fault fault) {
            failed.put(role + "/" + prefix, fault.getMessage());
            return Optional.empty();
        }
    }

    /** What is known of each of these keys; those that nobody has asked for are asked for now, several at once. */
    public Map<String, Seen> look(String role, Collection<String> keys) {
        Map<String, Seen> known = of(role);
        if (role.equals(CACHE)) {
            listSome(keys.stream().distinct().filter(key -> !known.containsKey(key)).count());
        }
        List<String> ask = keys.stream().distinct().filter(key -> !known.containsKey(key) && !isListed(role, key, known)).toList();
        Progress progress = new Progress(console, fetcher.name(role, ""), ask.size(), 0);
        all(ask, key -> {
            known.put(key, ask(role, key));
            progress.add(0);
        });
        return keys.stream().distinct().collect(Collectors.toMap(key -> key, key -> known.getOrDefault(key, Seen.MISSING), (one, other) -> one, TreeMap::new));
    }

    /** One of them. */
    public Seen look(String role, String key) {
        return look(role, List.of(key)).get(key);
    }

    private void all(Collection<String> keys, Consumer<String> work) {
        try {
            Parallel.forEach(keys, concurrency, work::accept);
        } catch (IOException e) {
            throw new UncheckedIOException(e); // none is thrown there
        }
    }

    private Map<String, Seen> of(String role) {
        return seen.computeIfAbsent(role, any -> new ConcurrentHashMap<>());
    }

    private boolean isListed(String role, String key, Map<String, Seen> known) {
        failed.forEach((prefix, why) -> {
            if ((role + "/" + key).startsWith(prefix)) {
                known.put(key, new Seen(Optional.empty(), Optional.of(why)));
            }
        });
        return known.containsKey(key) || whole.stream().anyMatch((role + "/" + key)::startsWith);
    }

    private Seen ask(String role, String key) {
        try {
            return new Seen(Optional.of(fetcher.size(role, key)), Optional.empty());
        } catch (NotThere e) {
            return Seen.MISSING;
        } catch (Fault fault) {
            return new Seen(Optional.empty(), Optional.of(fault.getMessage()));
        }
    }

    // Nobody knows how large a cache is. A thousand keys come in the time that as many questions take as are asked at once.
    private void listSome(long wanted) {
        if (store.isEmpty() || wanted < FEW || !whole.isEmpty() && whole.contains(CACHE + "/")) {
            return;
        }
        try {
            Listing.Objects all = store.get().begin(environment.cache(), "");
            for (long pages = wanted / concurrency; !all.complete() && pages > 0; pages--) {
                store.get().more(all);
            }
            all.found().forEach((key, object) -> of(CACHE).put(key, new Seen(Optional.of(object.size()), Optional.empty())));
            if (all.complete()) {
                whole.add(CACHE + "/");
            }
        } catch (Fault fault) {
            failed.put(CACHE + "/", fault.getMessage());
        }
    }
}
