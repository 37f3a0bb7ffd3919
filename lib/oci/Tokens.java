package lib.oci;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import lib.base.Json;
import lib.http.Body;
import lib.http.Refusal;

/**
 * What a registry wants in the header Authorization: nothing, the login itself (RFC 7617), or tokens for it (RFC 6750,
 * and "Docker Registry v2 authentication via central service"), which are fetched, kept as long as they last, and
 * fetched anew. The registry says which, the first time it refuses. Safe for threads.
 */
final class Tokens {

    /** Where a service does not say how long a token lasts, the specification does. */
    private static final int SECONDS = 60;
    /** Longer nobody needs one, whatever it is said to last. */
    private static final int MOST_SECONDS = 24 * 3600;

    private record Token(String value, long until) {
        boolean usable() {
            return System.nanoTime() - until < 0;
        }
    }

    private final Optional<Login.Credential> credential;
    private final Servers servers;
    private final Map<String, Token> tokens = new HashMap<>();
    private Challenge challenge = new Challenge("", Map.of());

    Tokens(Optional<Login.Credential> credential, Servers servers) {
        this.credential = credential;
        this.servers = servers;
    }

    /** The header for what is to be done, such as {@code repository:lix-project/lix:pull,push}; empty where none is wanted. */
    synchronized Optional<String> header(List<String> scopes) throws IOException {
        if (challenge.scheme().equals("basic")) {
            return credential.map(Login.Credential::basic);
        }
        if (!challenge.scheme().equals("bearer")) {
            return Optional.empty();
        }
        String scope = String.join(" ", scopes);
        Token token = tokens.get(scope);
        if (token == null || !token.usable()) {
            token = fetch(scopes);
            tokens.put(scope, token);
        }
        return Optional.of("Bearer " + token.value());
    }

    /**
     * Takes what a registry says with a 401; returns whether asking again is worth it: {@code sent} went with the
     * request. Of several ways that of tokens is taken, which says what it is for, unless nobody can be asked for one.
     */
    synchronized boolean challenged(String wwwAuthenticate, Optional<String> sent, List<String> scopes) {
        List<Challenge> offered = Challenge.all(wwwAuthenticate).stream().filter(one -> List.of("bearer", "basic").contains(one.scheme())).toList();
        Optional<Challenge> chosen = offered.stream()
                .filter(one -> one.scheme().equals("bearer") && realm(one).filter(servers::allows).isPresent()).findFirst()
                .or(() -> offered.stream().filter(one -> one.scheme().equals("basic") && credential.isPresent()).findFirst())
                .or(() -> offered.stream().findFirst());
        if (chosen.isEmpty()) {
            return false;
        }
        challenge = chosen.get();
        // A token that is not taken any more, though it should be: another one may be.
        tokens.remove(String.join(" ", scopes));
        return challenge.scheme().equals("bearer") || sent.isEmpty() && credential.isPresent();
    }

    private static Optional<URI> realm(Challenge challenge) {
        try {
            return Optional.of(new URI(challenge.parameters().getOrDefault("realm", "").replace(" ", "%20"))).filter(realm -> realm.getHost() != null);
        } catch (URISyntaxException e) {
            return Optional.empty();
        }
    }

    private Token fetch(List<String> scopes) throws IOException {
        URI realm = realm(challenge).orElseThrow(() -> new Refusal(401, "", "its tokens are issued at '" + challenge.parameters().getOrDefault("realm", "")
                + "', which is not an address", Optional.empty()));
        List<String> fields = new ArrayList<>();
        Optional.ofNullable(challenge.parameters().get("service")).ifPresent(service -> fields.add("service=" + encode(service)));
        Map<String, String> headers = new HashMap<>();
        boolean identity = credential.map(known -> known.identity).orElse(false);
        Body body = Body.NONE;
        String target = Servers.target(realm);
        if (identity) {
            fields.addAll(List.of("scope=" + encode(String.join(" ", scopes)), "client_id=releng", "grant_type=refresh_token",
                    "refresh_token=" + encode(credential.get().secret)));
            headers.put("content-type", "application/x-www-form-urlencoded");
            body = Body.of(String.join("&", fields).getBytes(StandardCharsets.UTF_8));
        } else {
            scopes.forEach(scope -> fields.add("scope=" + encode(scope)));
            credential.ifPresent(known -> headers.put("authorization", known.basic()));
            target += (target.contains("?") ? "&" : "?") + String.join("&", fields);
        }
        long asked = System.nanoTime();
        byte[] json = servers.send(identity ? "POST" : "GET", realm, target, headers, body, answer -> {
            if (!answer.ok()) {
                Refusal refusal = Servers.refusal(answer);
                throw new Refusal(refusal.status, refusal.code, "from " + Servers.origin(realm) + ", which issues its tokens", answer.header("retry-after"));
            }
            return answer.body().readNBytes(1 << 20);
        });
        try {
            JsonNode token = Json.MAPPER.readTree(json);
            String value = Arrays.stream(new String[] {"token", "access_token"}).map(key -> token.path(key).asText()).filter(text -> !text.isEmpty())
                    .findFirst().orElseThrow(() -> new Refusal(401, "", realm + " answered without a token", Optional.empty()));
            if (!value.matches("[\\x21-\\x7e]+")) {
                throw new Refusal(401, "", realm + " answered with a malformed token", Optional.empty());
            }
            // Used up to three quarters of its life: a request has to arrive before it ends, and clocks differ.
            double life = Math.max(1, Math.min(MOST_SECONDS, token.path("expires_in").asDouble(SECONDS)));
            return new Token(value, asked + (long) (TimeUnit.SECONDS.toNanos(1) * life * 3 / 4));
        } catch (JsonProcessingException e) {
            throw new Refusal(401, "", realm + " answered with something that is not JSON", Optional.empty());
        }
    }

    private static String encode(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }
}
