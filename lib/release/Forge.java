package lib.release;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import lib.base.Json;
import lib.base.Variables;
import lib.http.Network;
import lib.http.Refusal;
import lib.http.Web;

/**
 * A Forgejo, read through its REST API, which each describes at {@code /api/swagger}. All methods throw IOException, with a
 * sentence about the server, where it does not answer what was asked.
 */
public final class Forge implements AutoCloseable {

    /** The variable with a token, where the forge wants one. */
    public static final String TOKEN = "RELENG_FORGE_TOKEN";

    private static final int PAGE = 50; // which is also the most that a Forgejo gives unless its operator says otherwise

    /** An issue or a pull request. */
    public record Item(long number, String title, String address, boolean open, boolean merged) {

        /** For people: number, title and address. */
        @Override
        public String toString() {
            return "#" + number + " '" + Refusal.brief(title) + "' (" + address + ")";
        }
    }

    private final String address;
    private final Web web;
    private final Optional<String> token;

    /** {@code address} is the forge's, without a slash at the end. Nothing is contacted yet. */
    public Forge(String address, Map<String, String> env) {
        this.address = address;
        this.web = new Web(URI.create(address), Network.of(env, Optional.empty()));
        this.token = Variables.set(env, TOKEN);
    }

    /** The open issues of a repository, OWNER/NAME, that have a label. Throws IOException also where there is no such label. */
    public List<Item> openIssues(String repository, String label) throws IOException {
        List<Item> open = new ArrayList<>();
        // A label that is not the repository's own, but its organisation's, the server ignores, and lists all issues.
        pages(repository, "/repos/" + repository + "/issues", "state=open&type=issues&labels=" + encoded(label), issue -> {
            if (issue.path("pull_request").isEmpty() && has(issue.path("labels"), label)) {
                open.add(item(repository, "issues", issue));
            }
            return true;
        });
        if (open.isEmpty() && !exists(repository, label)) {
            throw unanswered("has no label '" + label + "' in " + repository + ": see releaseBlocker in releng.json");
        }
        return open;
    }

    /**
     * The pull requests of a repository whose branch is called so, or whose title has the text in it as words of its own: no
     * {@code 2.95.0} in {@code 2.95.0-rc1}. One that is open or merged stands alone.
     */
    public List<Item> pullRequests(String repository, String text) throws IOException {
        List<Item> closed = new ArrayList<>();
        List<Item> there = new ArrayList<>();
        Predicate<String> inTitle = Pattern.compile("(?<![\\p{Alnum}.-])" + Pattern.quote(text) + "(?![.+-]?\\p{Alnum})").asPredicate();
        pages(repository, "/repos/" + repository + "/pulls", "state=all&sort=recentupdate", pull -> {
            if (pull.path("head").path("ref").asText().equals(text) || inTitle.test(pull.path("title").asText())) {
                Item item = item(repository, "pulls", pull);
                (item.open() || item.merged() ? there : closed).add(item);
            }
            return there.isEmpty();
        });
        return there.isEmpty() ? closed : there;
    }

    private Item item(String repository, String kind, JsonNode node) {
        long number = node.path("number").asLong();
        return new Item(number, node.path("title").asText(), address + "/" + repository + "/" + kind + "/" + number,
                node.path("state").asText().equals("open"), node.path("merged").asBoolean());
    }

    private static boolean has(JsonNode labels, String label) {
        for (JsonNode one : labels) {
            if (one.path("name").asText().equals(label)) {
                return true;
            }
        }
        return false;
    }

    private boolean exists(String repository, String label) throws IOException {
        boolean[] found = new boolean[1];
        Predicate<JsonNode> look = node -> !(found[0] = node.path("name").asText().equals(label));
        pages(repository, "/repos/" + repository + "/labels", "", look);
        String owner = "/orgs/" + repository.substring(0, repository.indexOf('/')) + "/labels";
        if (!found[0] && get(owner + "?limit=1").status() == 200) { // another where the owner is a person
            pages(repository, owner, "", look);
        }
        return found[0];
    }

    /** Every entry of a list until one is enough; at its end, or where pages only repeat what was there. */
    private void pages(String repository, String path, String query, Predicate<JsonNode> more) throws IOException {
        Set<Long> seen = new HashSet<>();
        for (int page = 1; ; page++) {
            Web.Text answer = get(path + "?" + query + (query.isEmpty() ? "" : "&") + "limit=" + PAGE + "&page=" + page);
            int before = seen.size();
            for (JsonNode node : list(repository, answer)) {
                if (seen.add(node.path("id").asLong()) && !more.test(node)) {
                    return;
                }
            }
            if (seen.size() == before || answer.headers().getOrDefault("x-total-count", "").equals(Integer.toString(seen.size()))) {
                return;
            }
        }
    }

    private Web.Text get(String path) throws IOException {
        Map<String, String> headers = token.map(secret -> Map.of("authorization", "token " + secret)).orElse(Map.of());
        try {
            return web.get(URI.create(address).getRawPath() + "/api/v1" + path, headers);
        } catch (IOException e) {
            throw unanswered(e.getMessage());
        }
    }

    private IOException unanswered(String why) {
        return new IOException(address + " " + why);
    }

    private JsonNode list(String repository, Web.Text answer) throws IOException {
        if (answer.status() == 200) {
            try {
                JsonNode list = Json.MAPPER.readTree(answer.body());
                if (list.isArray()) {
                    return list;
                }
            } catch (JsonProcessingException e) {
                // said below
            }
            throw unanswered("answers with something that is no list: is it a Forgejo? See forge in releng.json");
        }
        String said = "answers " + answer.status() + message(answer.body());
        throw unanswered(switch (answer.status()) {
            case 401, 403 -> token.isPresent() ? "refuses the token in " + TOKEN + ": " + said : "wants a token: " + said + "; set " + TOKEN;
            case 404 -> "does not have " + repository + ", or does not show it " + (token.isPresent() ? "to the token in " + TOKEN : "without a token in " + TOKEN)
                    + ": " + said;
            default -> said;
        });
    }

    // It may repeat what it was asked with.
    private String message(String body) {
        try {
            String message = Json.MAPPER.readTree(body).path("message").asText();
            String safe = token.isPresent() ? message.replace(token.get(), "...") : message;
            return safe.isBlank() ? "" : " '" + Refusal.brief(safe) + "'";
        } catch (JsonProcessingException e) {
            return "";
        }
    }

    private static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }

    @Override
    public void close() {
        web.close();
    }
}
