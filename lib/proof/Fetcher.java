package lib.proof;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import lib.base.Fault;
import lib.config.Environment;
import lib.http.Network;
import lib.s3.ObjectStore;

/** How a consumer gets at what was published: by bucket role (releases, cache, docs, install) and key. Safe for threads. */
public interface Fetcher {

    /** There is no such thing; the message is what the other side answered. */
    final class NotThere extends IOException {
        private static final long serialVersionUID = 1;

        /** How long whoever answered may go on answering so from memory. */
        final transient Duration kept;

        public NotThere(String answer) {
            this(answer, Duration.ZERO);
        }

        NotThere(String answer, Duration kept) {
            super(answer);
            this.kept = kept;
        }
    }

    /** What a role is fetched from without what stands in between; empty where nothing does, or there are no keys for it. */
    default Optional<Fetcher> behind(String role) {
        return Optional.empty();
    }

    /** The bytes as they come. Throws NotThere, Fault when asking again is no use, other IOExceptions when it is. */
    InputStream open(String role, String key) throws IOException;

    /** No more than so many of its first bytes, in memory; throws as {@link #open}. */
    default byte[] first(int most, String role, String key) throws IOException {
        try (InputStream in = open(role, key)) {
            return in.readNBytes(most);
        }
    }

    /** The size in bytes without the bytes; throws as {@link #open}. */
    long size(String role, String key) throws IOException;

    /** What a server says of a thing: its size in bytes, and when it was written, where it says that. */
    record Said(long size, Optional<Instant> written) {
        /** From the headers of an answer, with names in lower case; no size where they have none. */
        public static Optional<Said> of(Map<String, String> headers) {
            Optional<Instant> written = Optional.empty();
            try {
                written = Optional.ofNullable(headers.get("last-modified")).map(time -> Instant.from(DateTimeFormatter.RFC_1123_DATE_TIME.parse(time)));
            } catch (DateTimeException e) {
                // then nobody knows
            }
            Optional<Instant> known = written;
            return Optional.ofNullable(headers.get("content-length")).filter(length -> length.matches("[0-9]{1,18}")).map(length -> new Said(Long.parseLong(length), known));
        }
    }

    /** As {@link #size}, with the time. */
    default Said said(String role, String key) throws IOException {
        return new Said(size(role, key), Optional.empty());
    }

    /** The public address, or {@code s3://BUCKET/KEY}. */
    String name(String role, String key);

    /**
     * By public address where the environment has one for a role, else through the store. Throws Fault
     * (refused) when a role has neither.
     *
     * @param store empty where there are no keys
     * @param network the way to public addresses
     */
    static Fetcher of(Environment environment, Optional<ObjectStore> store, Network network, String... roles) {
        List<String> without = new ArrayList<>();
        for (String role : roles) {
            if (!environment.urls().containsKey(role) && store.isEmpty()) {
                without.add(role + " has no public address, and there are no keys for its bucket " + bucket(environment, role));
            }
        }
        if (!without.isEmpty()) {
            throw Fault.refused("what is on " + environment.name() + " cannot be fetched from here", without,
                    "provide keys for the object store, or name the public addresses in urls of the environment");
        }
        Fetcher open = anonymous(environment.urls(), Duration.ofSeconds(60), network);
        Optional<Fetcher> keyed = store.map(known -> new StoreFetcher(known, environment));
        return new Fetcher() {
            private Fetcher to(String role) {
                return environment.urls().containsKey(role) ? open : keyed.orElseThrow();
            }

            @Override
            public Optional<Fetcher> behind(String role) {
                return environment.urls().containsKey(role) ? keyed : Optional.empty();
            }

            @Override
            public InputStream open(String role, String key) throws IOException {
                return to(role).open(role, key);
            }

            @Override
            public byte[] first(int most, String role, String key) throws IOException {
                return to(role).first(most, role, key);
            }

            @Override
            public long size(String role, String key) throws IOException {
                return to(role).size(role, key);
            }

            @Override
            public Said said(String role, String key) throws IOException {
                return to(role).said(role, key);
            }

            @Override
            public String name(String role, String key) {
                return to(role).name(role, key);
            }
        };
    }

    /** By public address, as anybody; {@code idle} is how long a server may send nothing. */
    static Fetcher anonymous(Map<String, URI> urls, Duration idle, Network network) {
        return new PublicFetcher(urls, idle, network);
    }

    /** Where anybody fetches a thing: its public address, or {@code s3://BUCKET/KEY} where the environment has none for the role. */
    static String address(Environment environment, String role, String key) {
        return address(base(environment, role), key);
    }

    /** What the addresses of a role begin with, without a slash at the end. */
    static String base(Environment environment, String role) {
        return environment.urls().containsKey(role) ? environment.urls().get(role).toString().replaceAll("/$", "") : "s3://" + bucket(environment, role);
    }

    static String address(String base, String key) {
        return base + "/" + (base.startsWith("s3:") ? key : PublicFetcher.encode(key));
    }

    /** The bucket of a role. */
    static String bucket(Environment environment, String role) {
        return switch (role) {
            case "releases" -> environment.releases();
            case "cache" -> environment.cache();
            case "docs" -> environment.docs();
            case "install" -> environment.install();
            default -> throw new IllegalArgumentException(role);
        };
    }
}
