package lib.git;

import java.io.File;
import org.eclipse.jgit.lib.Config;
import org.eclipse.jgit.storage.file.FileBasedConfig;
import org.eclipse.jgit.util.FS;
import org.eclipse.jgit.util.SystemReader;

/** What JGit looks at besides the repository. */
final class JGit {

    private JGit() {
    }

    /** To find the system's settings JGit would run git, with all of our environment; what we ask it depends on none of them. */
    static void withoutSystemSettings() {
        SystemReader.setInstance(new SystemReader.Delegate(SystemReader.getInstance()) {
            @Override
            public FileBasedConfig openSystemConfig(Config parent, FS fs) {
                return new FileBasedConfig(parent, new File("/dev/null"), fs);
            }
        });
    }
}
