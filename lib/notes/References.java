package lib.notes;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import lib.config.Config;
import lib.config.Project;

/** Issues, pull requests and changes as people write them, and the Markdown links they become. */
record References(Project project) {

    private static final Pattern FORM = Pattern.compile("(?:(?<where>[^#\\s]+)#)?(?<number>[1-9][0-9]*)");

    /** Empty when the text is no reference, or the project does not say where its kind is. */
    Optional<String> issue(String text) {
        return link(text, "issues", "issues");
    }

    Optional<String> pullRequest(String text) {
        return link(text, "pulls", "pull");
    }

    Optional<String> change(String text) {
        return project.review().filter(review -> isChange(text)).map(review -> "[cl/" + text + "](" + review + text + ")");
    }

    /** Why a text became no link; {@code what} is what it was to be: an issue or a pull request. */
    String otherwise(String text, String what) {
        Matcher matcher = FORM.matcher(text);
        if (matcher.matches() && isOurs(matcher.group("where"))) {
            return needs(project.forge().isPresent() ? "repository" : project.repository().isPresent() ? "forge" : "forge, project.repository");
        }
        if (matcher.matches() && isUpstreams(matcher.group("where"))) {
            return needs("upstream");
        }
        return " is not a valid " + what + ": write 123, fj#123 or " + project.prefix() + "#123 for one of ours"
                + project.upstream().map(upstream -> ", gh#123 or " + name(upstream) + "#123 for one of " + upstream).orElse("");
    }

    String otherwise(String change) {
        return isChange(change) ? needs("review") : " is not a valid change: write its number, such as 1611";
    }

    private Optional<String> link(String text, String onForge, String onGitHub) {
        Matcher matcher = FORM.matcher(text);
        if (!matcher.matches()) {
            return Optional.empty();
        }
        String where = matcher.group("where");
        String number = matcher.group("number");
        if (isOurs(where)) {
            return project.forge().flatMap(forge -> project.repository().map(repository ->
                    "[" + project.prefix() + "#" + number + "](" + forge + "/" + repository + "/" + onForge + "/" + number + ")"));
        }
        return project.upstream().filter(upstream -> isUpstreams(where)).map(upstream ->
                "[" + name(upstream) + "#" + number + "](https://github.com/" + upstream + "/" + onGitHub + "/" + number + ")");
    }

    private boolean isOurs(String where) {
        return where == null || where.equals("fj") || where.equals(project.prefix());
    }

    private boolean isUpstreams(String where) {
        return where.equals("gh") || project.upstream().map(upstream -> where.equals(name(upstream))).orElse(false);
    }

    /** What is said of a note that needs a key of the project which is not set. */
    static String needs(String key) {
        return " needs an address, but " + Config.FILE + " does not set project." + key;
    }

    private static boolean isChange(String text) {
        return text.matches("[1-9][0-9]*");
    }

    private static String name(String upstream) {
        return upstream.substring(upstream.indexOf('/') + 1);
    }
}
