package lib.proof;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandler;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import lib.Fault;

/** By public address, as anybody: no keys, no cookies, no netrc. Follows redirects on the same host only. */
final class PublicFetcher implements Fetcher {

    private static final int REDIRECTS = 5;
    private static final Pattern MAX_AGE = Pattern.compile("(?:s-maxage|max-age)=\"?([0-9]{1,9})");
    private static final Pattern SECONDS = Pattern.compile("[0-9]{1,9}");

    private static final ScheduledExecutorService WATCH = Executors.newSingleThreadScheduledExecutor(work -> {
        Thread thread = new Thread(work, "stalled downloads");
        thread.setDaemon(true);
        return thread;
    });

    private final Map<String, URI> urls;
    private final Duration idle;
    private final HttpClient http = HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(20))
            .followRedirects(HttpClient.Redirect.NEVER).build();

    /** {@code idle}: how long a server may send nothing. */
    PublicFetcher(Map<String, URI> urls, Duration idle) {
        this.urls = urls;
        this.idle = idle;
    }

    @Override
    public InputStream open(String role, String key) throws IOException {
        return new Watched(send("GET", role, key, HttpResponse.BodyHandlers.ofInputStream()).body());
    }

    @Override
    public long size(String role, String key) throws IOException {
        return send("HEAD", role, key, HttpResponse.BodyHandlers.discarding()).headers().firstValue("Content-Length")
                .filter(length -> length.matches("[0-9]{1,18}")).map(Long::valueOf)
                .orElseThrow(() -> Fault.failed(name(role, key) + " does not tell its size", "HEAD answers no Content-Length", "look at the server"));
    }

    @Override
    public String name(String role, String key) {
        return urls.get(role).toString().replaceAll("/$", "") + "/" + encode(key);
    }

    private <T> HttpResponse<T> send(String method, String role, String key, BodyHandler<T> body) throws IOException {
        URI uri = URI.create(name(role, key));
        for (int hop = 0; ; hop++) {
            // Proxies on the way are asked not to answer from memory.
            HttpRequest request = HttpRequest.newBuilder(uri).method(method, HttpRequest.BodyPublishers.noBody()).timeout(idle)
                    .version("https".equals(uri.getScheme()) ? HttpClient.Version.HTTP_2 : HttpClient.Version.HTTP_1_1)
                    .header("Cache-Control", "no-cache").build();
            HttpResponse<T> response = send(request, body);
            int status = response.statusCode();
            if (status == 200) {
                return response;
            }
            if (response.body() instanceof InputStream in) {
                in.close();
            }
            if (status == 403 || status == 404 || status == 410) {
                throw new NotThere("answers " + status, kept(response));
            }
            if (status == 408 || status == 429 || status >= 500) {
                throw new IOException("answers " + status);
            }
            String location = response.headers().firstValue("Location").orElse("");
            if (status < 300 || status >= 400 || location.isEmpty() || hop == REDIRECTS) {
                throw Fault.failed(uri + " cannot be read", "answers " + status, "look at the server: a consumer gets this answer too");
            }
            URI next = resolve(uri, location).orElseThrow(() -> Fault.failed(name(role, key) + " cannot be read",
                    "answers " + status + " to what is no address: " + location, "look at the server: a consumer gets this answer too"));
            if (!origin(next).equals(origin(uri))) {
                throw Fault.failed(uri + " cannot be read", "answers " + status + " to another host: " + next,
                        "look at the server, or name the right address in urls of the environment");
            }
            uri = next;
        }
    }

    private <T> HttpResponse<T> send(HttpRequest request, BodyHandler<T> body) throws IOException {
        try {
            return http.send(request, body);
        } catch (IllegalArgumentException e) {
            throw new IOException("the answer is not HTTP: " + e.getMessage(), e); // such as a length that is no number
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw Fault.failed("the proof was interrupted", "a thread was stopped", "run again").from(e);
        }
    }

    // RFC 9111, 4.2: what it may be kept for, less how long it was kept.
    private static Duration kept(HttpResponse<?> response) {
        Matcher age = MAX_AGE.matcher(String.join(",", response.headers().allValues("Cache-Control")));
        long seconds = age.find() ? Long.parseLong(age.group(1)) : 0;
        Matcher old = SECONDS.matcher(response.headers().firstValue("Age").orElse(""));
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
    private static String encode(String key) {
        StringBuilder path = new StringBuilder();
        for (byte b : key.getBytes(StandardCharsets.UTF_8)) {
            char c = (char) (b & 0xff);
            boolean plain = c < 128 && (Character.isLetterOrDigit(c) || "-._~/".indexOf(c) >= 0);
            path.append(plain ? String.valueOf(c) : String.format("%%%02X", b & 0xff));
        }
        return path.toString();
    }

    /** The client's own timeout ends with the headers; a body may stall for ever. */
    private final class Watched extends FilterInputStream {
        private final ScheduledFuture<?> watch;
        private volatile long last = System.nanoTime();
        private volatile boolean waiting;

        Watched(InputStream in) {
            super(in);
            long period = Math.max(1, idle.toMillis() / 4);
            watch = WATCH.scheduleWithFixedDelay(this::look, period, period, TimeUnit.MILLISECONDS);
        }

        private void look() {
            if (waiting && System.nanoTime() - last > idle.toNanos()) {
                try {
                    in.close(); // wakes the reader
                } catch (IOException e) {
                    // it is being given up anyway
                }
            }
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] into, int offset, int length) throws IOException {
            last = System.nanoTime();
            waiting = true;
            try {
                return in.read(into, offset, length);
            } catch (IOException e) {
                throw System.nanoTime() - last > idle.toNanos() ? new IOException("nothing came for " + idle.toSeconds() + " s", e) : e;
            } finally {
                waiting = false;
            }
        }

        @Override
        public void close() throws IOException {
            watch.cancel(false);
            in.close();
        }
    }
}
