package lib.oci;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.LongConsumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import lib.base.Fault;
import lib.base.Hosts;
import lib.http.Body;
import lib.http.Network;
import lib.http.Pool;
import lib.http.Refusal;
import lib.http.Retry;
import lib.http.Tuning;

/**
 * A repository of a registry (OCI distribution spec 1.1). Requests are tried again as those to an object store are,
 * but for a blob's bytes, which come once. What fails for good is a Fault that names the address. Safe for threads.
 */
public final class Registry implements ImageStore, AutoCloseable {

    private static final String KINDS = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, "
            + "application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json";
    private static final String DIGEST = "docker-content-digest";
    private static final int LARGEST_MANIFEST = 4 << 20;
    private static final int REDIRECTS = 5;
    private static final int MOST_PAGES = 50;
    private static final Set<Integer> NO_SUCH_QUESTION = Set.of(400, 404, 405, 406);
    /** RFC 8288. */
    private static final Pattern NEXT = Pattern.compile("<([^>]*)>\\s*;[^<]*\\brel=\"?next\\b", Pattern.CASE_INSENSITIVE);
    /** Some registries do not know at once the manifests they have just taken, and answer 404 to the index. */
    private static final int INDEX_ATTEMPTS = 20;

    private final String repository;
    private final URI server;
    private final String path;
    private final Optional<Login.Credential> credential;
    private final List<String> siblings;
    private final boolean writes;
    private final Tuning tuning;
    private final Servers servers;
    private final Tokens tokens;

    /**
     * Nothing is contacted yet.
     *
     * @param repository {@code HOST/PATH}; http on loopback, else https
     * @param credential empty for what anybody may do
     * @param others     repositories whose blobs may be taken over, where they are on the same host
     * @param writes     whether more than reading will be asked for
     */
    public Registry(String repository, Optional<Login.Credential> credential, List<String> others, boolean writes, Tuning tuning, Network network) {
        String host = repository.substring(0, repository.indexOf('/'));
        this.repository = repository;
        this.path = repository.substring(host.length() + 1);
        // The one registry whose name is not its address.
        String address = host.equals("docker.io") ? "registry-1.docker.io" : host;
        this.server = URI.create((Hosts.isLoopback(host.replaceFirst(":\\d+$", "")) ? "http://" : "https://") + address);
        this.credential = credential;
        this.siblings = others.stream().filter(other -> other.startsWith(host + "/") && !other.equals(repository))
                .map(other -> other.substring(host.length() + 1)).distinct().toList();
        this.writes = writes;
        this.tuning = tuning;
        this.servers = new Servers(server, tuning, network);
        this.tokens = new Tokens(credential, servers);
    }

    @Override
    public String name() {
        return repository;
    }

    @Override
    public void check() {
        try {
            retried(() -> send("GET", at("tags/list?n=1"), Map.of(), Body.NONE, List.of(), answer -> {
                if (answer.status() == 404 || answer.ok()) {
                    answer.body().readNBytes(LARGEST_MANIFEST);
                    return null; // a repository begins with its first image
                }
                throw Servers.refusal(answer);
            }));
            if (writes) {
                URI upload = retried(this::begin);
                // As if it had never begun; a registry that cannot forget it now does so by itself, later.
                retried(() -> send("DELETE", upload, Map.of(), Body.NONE, List.of(), answer -> answer.text()));
            }
        } catch (IOException e) {
            Fault fault = fault("it cannot be " + (writes ? "written to" : "read"), e);
            throw Fault.refused(fault.what(), fault.why(), fault.next()).from(e);
        }
    }

    @Override
    public Optional<String> tag(String tag) {
        return ask("the tag " + tag, () -> send("HEAD", at("manifests/" + tag), Map.of("accept", KINDS), Body.NONE, List.of(), answer ->
                found(answer, there -> there.header(DIGEST).filter(digest -> digest.matches("sha256:[0-9a-f]{64}")).orElse(""))))
                .map(digest -> digest.isEmpty() ? DockerArchive.digest(manifest(tag).orElse(new byte[0])) : digest);
    }

    @Override
    public Optional<Long> size(String digest) {
        return size(path, digest, List.of());
    }

    private Optional<Long> size(String in, String digest, List<String> alsoReads) {
        return ask("the blob " + digest, () -> send("HEAD", server.resolve("/v2/" + in + "/blobs/" + digest), Map.of(), Body.NONE, alsoReads, answer ->
                found(answer, there -> there.header("content-length").map(Long::valueOf).orElseThrow(() ->
                        new Refusal(answer.status(), "", "it does not say how large the blob is", Optional.empty())))));
    }

    @Override
    public Optional<Blob> read(String digest, long longest, LongConsumer came) {
        return ask("the blob " + digest, () -> send("GET", at("blobs/" + digest), Map.of(), Body.NONE, List.of(), answer ->
                found(answer, there -> Blob.of(there.body(), longest, came))));
    }

    @Override
    public Optional<byte[]> manifest(String reference) {
        return ask("the manifest " + reference, () -> send("GET", at("manifests/" + reference), Map.of("accept", KINDS), Body.NONE, List.of(), answer ->
                found(answer, there -> there.body().readNBytes(LARGEST_MANIFEST))));
    }

    /** Page by page (OCI distribution spec 1.1, listing referrers). Only an index is a list: who does not know the question answers whatever it has. */
    @Override
    public Optional<List<JsonNode>> referrers(String digest) {
        String what = "the list of what refers to " + digest;
        List<JsonNode> all = new ArrayList<>();
        Optional<URI> next = Optional.of(at("referrers/" + digest));
        for (int page = 1; next.isPresent(); page++) {
            URI address = next.get();
            Optional<Page> came = ask(what, () -> send("GET", address, Map.of("accept", ImageIndex.INDEX), Body.NONE, List.of(), answer -> page(address, answer)));
            if (came.isEmpty() && page == 1) {
                return Optional.empty();
            }
            all.addAll(came.orElseThrow(() -> fault(what + " is not whole", new IOException("its page " + address + " is no image index"))).entries());
            if (page == MOST_PAGES) {
                throw fault(what + " does not end", new IOException("it has more than " + MOST_PAGES + " pages"));
            }
            next = came.get().next();
        }
        return Optional.of(all);
    }

    private record Page(List<JsonNode> entries, Optional<URI> next) {
    }

    private Optional<Page> page(URI address, Pool.Answer answer) throws IOException {
        if (NO_SUCH_QUESTION.contains(answer.status()) || answer.ok() && !answer.header("content-type").map(type -> type.replaceAll(";.*", "").strip())
                .filter(ImageIndex.INDEX::equalsIgnoreCase).isPresent()) {
            answer.text();
            return Optional.empty();
        }
        if (!answer.ok()) {
            throw Servers.refusal(answer);
        }
        Optional<String> next = answer.header("link").map(NEXT::matcher).filter(Matcher::find).map(link -> link.group(1));
        try {
            List<JsonNode> entries = Referrers.entries(answer.body().readNBytes(LARGEST_MANIFEST));
            return Optional.of(new Page(entries, next.isPresent() ? Optional.of(resolve(address, next.get())) : Optional.empty()));
        } catch (JsonProcessingException e) {
            throw new Refusal(answer.status(), "", "what refers to an image is not told in an image index: " + e.getOriginalMessage(), Optional.empty());
        }
    }

    /** From another repository of this registry: a release that was rehearsed in one is sent to the other by its names. */
    @Override
    public boolean mount(String digest) {
        for (String sibling : siblings) {
            try {
                if (size(sibling, digest, List.of(sibling)).isEmpty()) {
                    continue;
                }
                return retried(() -> send("POST", at("blobs/uploads/?mount=" + digest + "&from=" + sibling), Map.of(), Body.NONE, List.of(sibling), answer -> {
                    if (!answer.ok()) {
                        throw Servers.refusal(answer);
                    }
                    return answer.status() == 201; // 202 begins an upload, which nobody goes on with
                }));
            } catch (IOException | Fault e) {
                continue; // not ours to read: then it is sent
            }
        }
        return false;
    }

    @Override
    public void blob(String digest, long size, Body.Content content) throws IOException {
        URI upload = ask("an upload", this::begin);
        String begun = upload.toString().replaceFirst("#.*", "");
        URI end = URI.create(begun + (upload.getRawQuery() == null ? "?" : "&") + "digest=" + digest);
        String is = send("PUT", end, Map.of("content-type", "application/octet-stream"), Body.once(size, content), List.of(), Registry::taken).orElse(digest);
        require(digest, is);
    }

    // POST, and where to go on from there.
    private URI begin() throws IOException {
        return send("POST", at("blobs/uploads/"), Map.of(), Body.NONE, List.of(), answer -> {
            taken(answer);
            String location = answer.header("location").orElseThrow(() -> new Refusal(answer.status(), "", "no Location for the upload", Optional.empty()));
            return resolve(at("blobs/uploads/"), location);
        });
    }

    @Override
    public void manifest(ImageIndex.Document document) {
        ask("the manifest " + document.digest(), () -> put(document.digest(), document));
    }

    @Override
    public void tag(String tag, ImageIndex.Document document) {
        Tuning longer = new Tuning(1, 0, 0, tuning.connect(), tuning.idle(), Math.max(INDEX_ATTEMPTS, tuning.attempts()), tuning.patience());
        String what = "the tag " + tag + " was not set";
        try {
            Retry.run(longer, () -> {
                try {
                    return retried(() -> put(tag, document));
                } catch (IOException e) {
                    if (e instanceof Refusal refusal && refusal.status == 404) {
                        throw new IOException("it does not have yet what the index lists: " + e.getMessage(), e);
                    }
                    throw fault(what, e);
                }
            });
        } catch (IOException e) {
            throw fault(what, e);
        }
    }

    private Void put(String reference, ImageIndex.Document document) throws IOException {
        Optional<String> is = send("PUT", at("manifests/" + reference), Map.of("content-type", document.mediaType()), Body.of(document.bytes()), List.of(), Registry::taken);
        require(document.digest(), is.orElse(document.digest()));
        return null;
    }

    private static Optional<String> taken(Pool.Answer answer) throws IOException {
        if (!answer.ok()) {
            throw Servers.refusal(answer);
        }
        return answer.header(DIGEST);
    }

    // Where it says nothing, the proof that fetches it has to do.
    private void require(String digest, String is) {
        if (!is.equals(digest)) {
            throw Fault.failed(server + ": it stored other bytes than were sent", "it calls " + Refusal.brief(is) + " what is " + digest,
                    "ask its operator; do not move tags there by hand");
        }
    }

    private static <T> Optional<T> found(Pool.Answer answer, Pool.Reader<T> reader) throws IOException {
        if (answer.status() == 404) {
            answer.text();
            return Optional.empty();
        }
        if (!answer.ok()) {
            throw Servers.refusal(answer);
        }
        return Optional.of(reader.read(answer));
    }

    private static URI resolve(URI from, String location) throws Refusal {
        try {
            return from.resolve(location);
        } catch (IllegalArgumentException e) {
            throw new Refusal(400, "", "it gives no address to continue at: '" + location + "'", Optional.empty());
        }
    }

    private URI at(String what) {
        return URI.create(server + "/v2/" + path + "/" + what);
    }

    /** One attempt; what is refused for want of a token that is still good is asked again with one, and redirections are followed. */
    private <T> T send(String method, URI address, Map<String, String> headers, Body body, List<String> alsoReads, Pool.Reader<T> reader) throws IOException {
        List<String> scopes = new ArrayList<>(List.of("repository:" + path + ":pull" + (writes ? ",push" : "")));
        alsoReads.forEach(other -> scopes.add("repository:" + other + ":pull"));
        URI at = address;
        int challenges = 0; // the second is for a token that should have been good
        for (int hops = 0; ; ) {
            URI now = at;
            // Nobody else is told who we are.
            boolean own = servers.allows(now) && Servers.origin(now).equals(Servers.origin(server));
            Optional<String> authorization = own ? tokens.header(scopes) : Optional.empty();
            Map<String, String> all = new TreeMap<>(headers);
            authorization.ifPresent(value -> all.put("authorization", value));
            boolean once = challenges < 2;
            URI[] next = {null};
            T result = servers.send(method, now, Servers.target(now), all, body, answer -> {
                if (answer.status() == 401 && own && once && tokens.challenged(answer.header("www-authenticate").orElse(""), authorization, scopes)) {
                    answer.text();
                    if (!body.whole()) {
                        throw new IOException("the token expired during the request");
                    }
                    next[0] = now;
                    return null;
                }
                boolean moved = answer.status() / 100 == 3 && body == Body.NONE && (method.equals("GET") || method.equals("HEAD"));
                if (moved && answer.header("location").isPresent()) {
                    answer.text();
                    next[0] = resolve(now, answer.header("location").get());
                    return null;
                }
                return reader.read(answer);
            });
            if (next[0] == null) {
                return result;
            }
            challenges += next[0].equals(now) ? 1 : 0;
            if (++hops > REDIRECTS) {
                throw new Refusal(310, "", "redirected " + hops + " times", Optional.empty());
            }
            at = next[0];
        }
    }

    @Override
    public String remedy() {
        return "upload with --replace sends again what " + repository + " has lost; where a blob has other bytes, most registries keep those whatever is sent:"
                + " there its operator has to remove the blob from its storage first";
    }

    private <T> T retried(Retry.Attempt<T> attempt) throws IOException {
        return Retry.run(tuning, attempt);
    }

    private <T> T ask(String what, Retry.Attempt<T> attempt) {
        try {
            return retried(attempt);
        } catch (IOException e) {
            throw fault(what + " failed", e);
        }
    }

    @Override
    public Fault fault(String what, IOException e) {
        int status = e instanceof Refusal refusal ? refusal.status : 0;
        String login = credential.map(known -> "the login is from " + known).orElse("there is no login for it");
        String why = e instanceof Refusal ? e.getMessage() : e.toString();
        return Fault.failed(server + "/v2/" + path + ": " + what, status == 401 || status == 403 ? List.of(why, login) : List.of(why), switch (status) {
            case 401 -> "log in and run again: skopeo login " + repository.replaceAll("/.*", "") + ", or docker login";
            case 403 -> "give this login write access, or log in as another user, and run again";
            case 404 -> "check that the repository exists and that the login can see it, and run again";
            case 407 -> Network.LOGIN;
            case 429 -> "wait as long as it asks, and run again; what is there is not sent again";
            default -> "run again; what is there is not sent again";
        });
    }

    @Override
    public void close() {
        servers.close();
    }
}
