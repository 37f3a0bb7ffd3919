package lib.notes;

import java.util.List;
import lib.config.Project;

/**
 * What a project wants its notes to look like.
 *
 * @param categories in the order of the notes; an entry that names none is in the last
 */
public record Rules(Project project, List<String> categories) {

    String defaultCategory() {
        return categories.get(categories.size() - 1);
    }
}
