package lib.notes;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import lib.Project;

/** Issues, pull requests and changes as people write them, and the Markdown links they become. */
record References(Project project) {

    private static final Pattern FORM = Pattern.compile("(?:(?<where>[^#\\s]+)#)?(?<number>[1-9][0-9]*)");

    /** Empty when the text is no reference. */
    Optional<String> issue(String text) {
        return link(text, "issues", "issues");
    }

    Optional<String> pullRequest(String text) {
        return link(text, "pulls", "pull");
    }

    Optional<String> change(String text) {
        return text.matches("[1-9][0-9]*") ? Optional.of("[cl/" + text + "](" + project.review() + text + ")") : Optional.empty();
    }

    /** How an issue or a pull request may be written, for people. */
    String forms() {
        return "123, fj#123 or " + project.prefix() + "#123 for one of ours, gh#123 or " + upstreamName() + "#123 for one of "
                + project.upstream();
    }

    private Optional<String> link(String text, String onForge, String onGitHub) {
        Matcher matcher = FORM.matcher(text);
        if (!matcher.matches()) {
            return Optional.empty();
        }
        String where = matcher.group("where");
        String number = matcher.group("number");
        if (where == null || where.equals("fj") || where.equals(project.prefix())) {
            return Optional.of("[" + project.prefix() + "#" + number + "](" + project.forge() + "/" + project.repository()
                    + "/" + onForge + "/" + number + ")");
        }
        if (where.equals("gh") || where.equals(upstreamName())) {
            return Optional.of("[" + upstreamName() + "#" + number + "](https://github.com/" + project.upstream()
                    + "/" + onGitHub + "/" + number + ")");
        }
        return Optional.empty();
    }

    private String upstreamName() {
        return project.upstream().substring(project.upstream().indexOf('/') + 1);
    }
}
