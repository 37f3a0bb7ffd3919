package lib.publish;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import lib.base.Exec;
import lib.base.Fault;
import lib.base.Json;
import lib.config.Project;
import lib.git.Git;
import lib.git.GitServer;
import lib.http.Network;
import lib.http.Web;
import org.eclipse.jgit.lib.ObjectId;

/**
 * A Gerrit, asked for what a push does not tell. Over ssh, with the user's own, which the push takes as well: the states of changes
 * (Gerrit Code Review, "gerrit query"). By web address, as anybody: how the project submits (REST API, "Get Config"); where that does
 * not answer it is not known, and nothing depends on it but how early a fault is found.
 *
 * @param url as git understands it, with the user's name
 */
public record Gerrit(Git git, String url, Project project, Network network) {

    /** Commits asked for at once: a query has a longest length. */
    private static final int TOGETHER = 25;
    private static final String PREFIX = ")]}'";

    /**
     * A change that one of our commits is, or was, a patch set of.
     *
     * @param state   NEW, MERGED or ABANDONED
     * @param commit  of ours
     * @param current what its newest patch set is: another commit where somebody has rebased or amended it, or where it was submitted as another
     */
    public record Change(int number, String address, String state, String subject, ObjectId commit, ObjectId current, int patchSet) {

        boolean open() {
            return state.equals("NEW");
        }

        boolean ours() {
            return commit.equals(current);
        }

        /** A line for people. */
        @Override
        public String toString() {
            return address + "  " + state + (ours() ? "" : ", patch set " + patchSet + " is another commit") + "  " + subject;
        }
    }

    /**
     * What a project says of itself.
     *
     * @param submitType as the REST API has it, such as MERGE_IF_NECESSARY
     * @param state      ACTIVE, READ_ONLY or HIDDEN
     */
    public record Settings(String submitType, String state) {
    }

    /** Where browsers find it, without a slash at the end. */
    public Optional<String> web() {
        return GitServer.web(project, url);
    }

    /** The project's name there. */
    public String name() {
        return GitServer.path(url);
    }

    /** Empty where the web address does not answer anybody, or is not that of a Gerrit. */
    public Optional<Settings> settings() {
        try {
            URI address = URI.create(web().orElseThrow(() -> new IOException("no address")) + "/projects/" + URLEncoder.encode(name(), StandardCharsets.UTF_8) + "/config");
            try (Web server = new Web(address, network)) {
                Web.Text answer = server.get(address.getRawPath(), Map.of());
                if (answer.status() != 200 || !answer.body().startsWith(PREFIX)) {
                    return Optional.empty();
                }
                JsonNode json = Json.MAPPER.readTree(answer.body().substring(PREFIX.length()));
                return Optional.of(new Settings(json.path("submit_type").asText(), json.path("state").asText("ACTIVE")));
            }
        } catch (IOException | IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    /** The changes for a branch of those commits that are any, in the order of the commits. Throws Fault where ssh does not answer. */
    public List<Change> changes(String branch, List<ObjectId> commits) {
        List<Change> changes = new ArrayList<>();
        for (int from = 0; from < commits.size(); from += TOGETHER) {
            List<ObjectId> some = commits.subList(from, Math.min(from + TOGETHER, commits.size()));
            String query = "project:{" + name() + "} branch:{refs/heads/" + branch + "} (" + some.stream().map(commit -> "commit:" + commit.name()).collect(Collectors.joining(" OR ")) + ")";
            String out = ssh("gerrit query --format=JSON --current-patch-set --patch-sets '" + query + "'")
                    .orFail("the states of the changes on " + url + " cannot be asked for", "check your ssh key and your permissions there, and run again");
            out.lines().map(Gerrit::parse).filter(json -> json.has("number")).forEach(json -> some.forEach(commit -> change(json, commit).ifPresent(changes::add)));
        }
        return changes.stream().sorted(Comparator.comparingInt(change -> commits.indexOf(change.commit()))).toList();
    }

    private static Optional<Change> change(JsonNode json, ObjectId commit) {
        JsonNode current = json.path("currentPatchSet");
        for (JsonNode patchSet : json.path("patchSets")) {
            if (patchSet.path("revision").asText().equals(commit.name())) {
                return Optional.of(new Change(json.path("number").asInt(), json.path("url").asText("change " + json.path("number").asInt()), json.path("status").asText(),
                        json.path("subject").asText(), commit, ObjectId.fromString(current.path("revision").asText()), current.path("number").asInt()));
            }
        }
        return Optional.empty();
    }

    private static JsonNode parse(String line) {
        try {
            return Json.MAPPER.readTree(line);
        } catch (IOException e) {
            throw Fault.failed("gerrit query answered something else than JSON", line, "look at what ssh prints there").from(e);
        }
    }

    /** Submits a change with all below it, by the project's rules. What it says is for people. */
    public Exec.Result submit(String branch, ObjectId commit) {
        return ssh(review("--submit", branch, commit)).run();
    }

    /** The command that does something with a change; a commit may be one of several branches and projects. */
    String review(String what, String branch, ObjectId commit) {
        return "gerrit review --project '" + name() + "' --branch '" + branch + "' " + what + " " + commit.name();
    }

    /** Makes a branch at a commit that is there, for who may not push it. */
    public Exec.Result createBranch(String branch, ObjectId start) {
        return ssh("gerrit create-branch '" + name() + "' '" + branch + "' " + start.name()).run();
    }

    /** What a person types to have a command run there. */
    public String command(String words) {
        URI address = GitServer.address(url).orElseThrow();
        return "ssh" + (address.getPort() < 0 ? "" : " -p " + address.getPort()) + " " + destination(address) + " " + words;
    }

    // The ssh that git takes for a push: gitvariables "GIT_SSH_COMMAND", git-config "core.sshCommand".
    private Exec ssh(String words) {
        String actual = git.git("ls-remote", "--get-url", url).orFail("git does not know the address " + url, "look at url.*.insteadOf in its settings").strip();
        URI address = GitServer.address(actual).filter(uri -> "ssh".equals(uri.getScheme()))
                .orElseThrow(() -> Fault.failed("the Gerrit at " + url + " cannot be asked for the states of changes", "git goes to " + actual + ", which is no ssh:// address",
                        "use an ssh:// address"));
        String own = Optional.ofNullable(git.env().get("GIT_SSH_COMMAND")).orElseGet(() -> git.git("config", "--get", "core.sshCommand").run().out().strip());
        List<String> line = new ArrayList<>(own.isEmpty() ? List.of(git.env().getOrDefault("GIT_SSH", "ssh")) : List.of("sh", "-c", own + " \"$@\"", "ssh"));
        if (address.getPort() >= 0) {
            line.addAll(List.of("-p", Integer.toString(address.getPort())));
        }
        line.addAll(List.of(destination(address), words));
        return Exec.of(line).in(git.workTree()).baseEnv(git.env());
    }

    private static String destination(URI address) {
        return (address.getUserInfo() == null ? "" : address.getUserInfo() + "@") + address.getHost();
    }
}
