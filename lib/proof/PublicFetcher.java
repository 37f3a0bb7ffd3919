package lib.proof;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import lib.base.Fault;
import lib.http.Network;
import lib.http.Pool;
import lib.http.Tuning;
import lib.s3.Pace;

/** By public address, as anybody: no keys, no cookies, no netrc. Follows redirects on the same host only. */
final class PublicFetcher implements Fetcher {

    private static final int REDIRECTS = 5;
    private static final int MOST = 128;
    private static final Pattern MAX_AGE = Pattern.compile("(?:s-maxage|max-age)=\"?([0-9]{1,9})");
    private static final Pattern SECONDS = Pattern.compile("[0-9]{1,9}");

    private final Map<String, URI> urls;
    private final Tuning tuning;
    private final Network network;
    private final Map<String, Pool> pools = new ConcurrentHashMap<>();
    private final Map<String, Pace> paces = new ConcurrentHashMap<>();

    /** {@code idle}: how long a server may send nothing. */
    PublicFetcher(Map<String, URI> urls, Duration idle, Network network) {
        this.urls = urls;
        this.tuning = new Tuning(1, 0, 0, Duration.ofSeconds(20), idle, 1, Duration.ZERO);
        this.network = network;
    }

    @Override
    public InputStream open(String role, String key) throws IOException {
        return send("GET", role, key).body();
    }

    @Override
    public long size(String role, String key) throws IOException {
        return said(role, key).size();
    }

    @Override
    public Said said(String role, String key) throws IOException {
        Pool.Answer answer = send("HEAD", role, key);
        answer.body().close();
        return Said.of(answer.headers())
                .orElseThrow(() -> Fault.failed(name(role, key) + " does not report its size", "HEAD answers no Content-Length", "look at the server"));
    }

    @Override
    public String name(String role, String key) {
        return Fetcher.address(urls.get(role).toString().replaceAll("/$", ""), key);
    }

    private Pool.Answer send(String method, String role, String key) throws IOException {
        URI uri = URI.create(name(role, key));
        for (int hop = 0; ; hop++) {
            Pool.Answer answer = ask(method, uri);
            int status = answer.status();
            if (status == 200) {
                return answer;
            }
            answer.text(); // to its end, where that is near: then the connection is of further use
            answer.body().close();
            if (status == 403 || status == 404 || status == 410) {
                throw new NotThere("answers " + status, kept(answer));
            }
            if (status == 408 || status == 429 || status >= 500) {
                throw new IOException("answers " + status);
            }
            String location = answer.header("location").orElse("");
            if (status < 300 || status >= 400 || location.isEmpty() || hop == REDIRECTS) {
                throw Fault.failed(uri + " cannot be read", "answers " + status, "look at the server: a consumer gets this answer too");
            }
            URI next = resolve(uri, location).orElseThrow(() -> Fault.failed(name(role, key) + " cannot be read",
                    "answers " + status + " to something that is not an address: " + location, "look at the server: a consumer gets this answer too"));
            if (!origin(next).equals(origin(uri))) {
                throw Fault.failed(uri + " cannot be read", "answers " + status + " to another host: " + next,
                        "look at the server, or name the right address in urls of the environment");
            }
            uri = next;
        }
    }

    // As many at once as the server is worth, until what it answers is read.
    private Pool.Answer ask(String method, URI uri) throws IOException {
        Pool pool = pools.computeIfAbsent(origin(uri), server -> new Pool(URI.create(server), tuning, network));
        Pace pace = paces.computeIfAbsent(origin(uri), server -> new Pace(MOST));
        pace.begin();
        AtomicBoolean ended = new AtomicBoolean();
        Runnable end = () -> {
            if (!ended.getAndSet(true)) {
                pace.end();
            }
        };
        try {
            // Proxies on the way are asked not to answer from memory.
            Pool.Answer answer = pool.open(method, uri.getRawPath() + (uri.getRawQuery() == null ? "" : "?" + uri.getRawQuery()), Map.of("cache-control", "no-cache"));
            Runnable whole = pace.answered(answer);
            return new Pool.Answer(answer.status(), answer.headers(), new FilterInputStream(answer.body()) {
                @Override
                public void close() throws IOException {
                    try {
                        super.close();
                    } finally {
                        if (!ended.get()) { // a second time it would not be now that it was whole
                            whole.run();
                        }
                        end.run();
                    }
                }
            }, answer.waited());
        } catch (IOException | RuntimeException e) {
            end.run();
            throw e;
        }
    }

    // RFC 9111, 4.2: what it may be kept for, less how long it was kept.
    private static Duration kept(Pool.Answer answer) {
        Matcher age = MAX_AGE.matcher(answer.header("cache-control").orElse(""));
        long seconds = age.find() ? Long.parseLong(age.group(1)) : 0;
        Matcher old = SECONDS.matcher(answer.header("age").orElse(""));
        return Duration.ofSeconds(Math.max(0, seconds - (old.matches() ? Long.parseLong(old.group()) : 0)));
    }

    private static Optional<URI> resolve(URI from, String location) {
        try {
            return Optional.of(from.resolve(location));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    private static String origin(URI uri) {
        return uri.getScheme() + "://" + Objects.toString(uri.getRawAuthority());
    }

    // RFC 3986: what may stand in a path segment unencoded, and the slash.
    static String encode(String key) {
        StringBuilder path = new StringBuilder();
        for (byte b : key.getBytes(StandardCharsets.UTF_8)) {
            char c = (char) (b & 0xff);
            boolean plain = c < 128 && (Character.isLetterOrDigit(c) || "-._~/".indexOf(c) >= 0);
            path.append(plain ? String.valueOf(c) : String.format("%%%02X", b & 0xff));
        }
        return path.toString();
    }
}
