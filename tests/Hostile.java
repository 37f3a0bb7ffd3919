import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import lib.base.Exec;

/** How clones and their users are set up: everything of it that has changed, or could change, what a program makes of a tag. */
final class Hostile {

    /** One such thing; what it does to a checkout of {@link #start}, of which nothing is released yet. */
    record Setting(String name, Change change) {
    }

    interface Change {
        void make(Checkout checkout) throws IOException;
    }

    private static final String POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:"
            + "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n";

    private Hostile() {
    }

    /** The sample with everything in it that a filter, an attribute, a locale or a setting acts on; the same ids each time. */
    static Checkout start(Path folder) throws IOException {
        Checkout checkout = Released.sample(folder).with("GIT_AUTHOR_DATE", "2026-01-02T03:04:05 +0130").with("GIT_COMMITTER_DATE", "2026-01-02T03:04:06 -0700");
        checkout.write(".gitattributes", checkout.read(".gitattributes") + """
                deploy/*.key filter=git-crypt diff=git-crypt
                *.bin filter=lfs diff=lfs merge=lfs -text
                src/crlf.txt text eol=crlf
                src/auto.txt text=auto
                src/ident.txt ident
                src/VERSION.in export-subst
                src/utf16.txt text working-tree-encoding=UTF-16LE
                """);
        checkout.write(".mailmap", "Proper Name <proper@example.org> <manager@example.org>\n");
        checkout.write("deploy/mail.key", "CIPHERTEXT\n").write("assets/logo.bin", POINTER).write("src/auto.txt", "one\ntwo\n").write("src/ident.txt", "$Id$\n");
        checkout.write("src/VERSION.in", "$Format:%h %t %p|%H|%an %aN %aE|%ad|%cd|%ci|%ar|%cr|%d|%D|%(describe)|%N|%G?|%s|%b$\n");
        checkout.write("src/crlf.txt", "one\r\ntwo\r\n");
        // Not from Java, whose names are the locale's.
        Exec.of("sh", "-c", "mkdir 'gr\303\266\303\237e' && echo x > 'gr\303\266\303\237e/\303\274.txt' && printf 'a\\0b\\0\\n\\0' > src/utf16.txt && ln -s README.md link")
                .in(folder).orFail("sh", "");
        checkout.git("add", "--all");
        checkout.git("commit", "--quiet", "--amend", "--reset-author", "--message=Schöner Anfang");
        return checkout;
    }

    static List<Setting> settings() {
        List<Setting> settings = new ArrayList<>();
        String reads = "filter.git-crypt.smudge=sed s/CIPHERTEXT/password/;filter.git-crypt.clean=sed s/password/CIPHERTEXT/";
        // Not index.skipHash nor feature.manyFiles, which sets it: with a split index git 2.55 itself loses files of it.
        for (String line : List.of(reads, reads + ";filter.git-crypt.required=true",
                "filter.lfs.smudge=echo the picture;filter.lfs.clean=git hash-object --stdin;filter.lfs.process=",
                "core.autocrlf=true", "core.autocrlf=input", "core.eol=crlf", "core.symlinks=false", "core.fileMode=false", "core.ignoreCase=true",
                "core.quotePath=false", "core.abbrev=20", "core.abbrev=4", "core.abbrev=no", "core.commentChar=r", "core.fsmonitor=true",
                "core.untrackedCache=true", "core.splitIndex=true", "index.version=4", "feature.experimental=true",
                "core.compression=0", "core.looseCompression=0", "core.bigFileThreshold=1", "core.sharedRepository=0666", "core.checkStat=minimal",
                "core.ignoreStat=true", "core.logAllRefUpdates=false", "core.notesRef=refs/notes/mine", "core.pager=false", "core.editor=false",
                "core.whitespace=trailing-space", "core.useReplaceRefs=true", "core.warnAmbiguousRefs=false", "core.multiPackIndex=false",
                "mailmap.blob=HEAD:README.md", "log.mailmap=true", "log.date=relative", "log.decorate=full", "log.showSignature=true", "log.follow=true",
                "log.excludeDecoration=refs/tags/*", "log.diffMerges=off", "format.pretty=oneline", "format.signOff=true", "notes.displayRef=refs/notes/*",
                "i18n.commitEncoding=ISO-8859-1", "i18n.commitEncoding=UTF-16", "i18n.logOutputEncoding=UTF-16",
                "commit.cleanup=scissors", "commit.verbose=true", "commit.status=false", "trailer.where=start", "tag.sort=-version:refname", "column.ui=always",
                "color.ui=always", "status.relativePaths=false", "status.short=true", "status.branch=true", "status.showStash=true", "status.renames=copies",
                "status.showUntrackedFiles=all", "status.submoduleSummary=true", "diff.renames=copies", "diff.noprefix=true", "diff.external=false",
                "diff.ignoreSubmodules=all", "diff.relative=true", "grep.patternType=perl", "merge.ff=only", "merge.renames=false", "pull.rebase=true",
                "push.default=matching", "push.default=nothing", "push.followTags=true", "push.recurseSubmodules=only", "push.pushOption=ci.skip",
                "push.autoSetupRemote=true", "push.useForceIfIncludes=true", "push.negotiate=true", "remote.pushDefault=nowhere",
                "fetch.prune=true;fetch.pruneTags=true", "checkout.guess=false", "checkout.workers=4", "submodule.recurse=true", "rerere.enabled=true",
                "gc.auto=1", "maintenance.auto=true", "pack.packSizeLimit=1m", "pack.window=0", "transfer.fsckObjects=true", "transfer.unpackLimit=1",
                "tar.umask=0077", "tar.umask=user", "tar.tar.command=false", "tar.tar.gz.command=false", "init.defaultBranch=trunk", "init.defaultObjectFormat=sha256",
                "advice.detachedHead=false", "user.useConfigOnly=true", "safe.bareRepository=explicit", "protocol.version=0", "blame.ignoreRevsFile=nowhere",
                "uploadpack.allowFilter=false", "gpg.format=ssh", "alias.archive=!false", "alias.push=!false")) {
            settings.add(config(line));
        }
        for (String[] variable : new String[][] {{"LC_ALL", "C"}, {"LANG", "de_DE.ISO-8859-1"}, {"LANGUAGE", "de"}, {"TZ", "Pacific/Kiritimati"}, {"COLUMNS", "20"},
                {"GIT_DIR", "/nowhere"}, {"GIT_WORK_TREE", "/"}, {"GIT_INDEX_FILE", "/nowhere/index"}, {"GIT_OBJECT_DIRECTORY", "/nowhere"},
                {"GIT_COMMON_DIR", "/nowhere"}, {"GIT_NAMESPACE", "mine"}, {"GIT_PREFIX", "src/"}, {"GIT_REPLACE_REF_BASE", "refs/tags/"}, {"GIT_ATTR_SOURCE", "HEAD~0"},
                {"GIT_ICASE_PATHSPECS", "1"}, {"GIT_GLOB_PATHSPECS", "1"}, {"GIT_DEFAULT_HASH", "sha256"}, {"GIT_QUARANTINE_PATH", "/nowhere"},
                {"GIT_TRACE", "1"}, {"GIT_TRACE_SETUP", "1"}, {"GIT_PAGER", "false"}, {"GIT_EDITOR", "false"}, {"GIT_EXTERNAL_DIFF", "false"}, {"GIT_OPTIONAL_LOCKS", "0"},
                {"GIT_CONFIG_PARAMETERS", "'i18n.commitEncoding=ISO-8859-1' 'push.followTags=true' 'push.pushOption=ci.skip' 'core.abbrev=20'"},
                {"TAR_OPTIONS", "--owner=me"}, {"GZIP", "-1"}, {"XZ_OPT", "-0"}, {"ZSTD_CLEVEL", "19"}}) {
            settings.add(new Setting(variable[0] + "=" + variable[1], checkout -> checkout.with(variable[0], variable[1])));
        }
        settings.add(new Setting("GIT_CONFIG_COUNT", checkout -> checkout.with("GIT_CONFIG_COUNT", "2").with("GIT_CONFIG_KEY_0", "i18n.commitEncoding")
                .with("GIT_CONFIG_VALUE_0", "ISO-8859-1").with("GIT_CONFIG_KEY_1", "push.followTags").with("GIT_CONFIG_VALUE_1", "true")));
        settings.addAll(files());
        return settings;
    }

    private static List<Setting> files() {
        String attributes = "src export-ignore\n* text eol=crlf\n*.md filter=git-crypt\n*.sh export-subst\n";
        return List.of(
                new Setting("info/attributes", checkout -> checkout.write(".git/info/attributes", attributes)),
                new Setting("core.attributesFile", checkout -> beside(checkout, "attributes", attributes, "core.attributesFile")),
                new Setting("mailmap.file", checkout -> beside(checkout, "mailmap", "Somebody Else <s@example.org> <manager@example.org>\n", "mailmap.file")),
                new Setting("commit.template", checkout -> beside(checkout, "message", "JIRA-1: \n", "commit.template")),
                new Setting("diff.orderFile", checkout -> beside(checkout, "order", "*.md\n", "diff.orderFile")),
                new Setting("the user's own files", Hostile::home),
                new Setting("init.templateDir", Hostile::template),
                new Setting("TMPDIR", checkout -> checkout.with("TMPDIR", Files.createDirectories(folder(checkout).resolve("temp dir")).toString())),
                new Setting("info/exclude", checkout -> checkout.write(".git/info/exclude", "*\n")),
                new Setting("a replaced file", checkout -> replace(checkout, "HEAD:README.md", "replaced in this clone only\n")),
                new Setting("a replaced version.json", checkout -> replace(checkout, "HEAD:version.json", "{\"version\": \"9.9.9\", \"release_name\": \"Not it\"}\n")),
                new Setting("a replaced commit", checkout -> clean(checkout).git("replace", "HEAD", clean(checkout).git("commit-tree", "-m", "another", "HEAD^{tree}"))),
                new Setting("info/grafts", checkout -> checkout.write(".git/info/grafts", clean(checkout).git("rev-parse", "HEAD") + " "
                        + clean(checkout).git("commit-tree", "-m", "an ancestor", "HEAD^{tree}") + "\n")),
                new Setting("private tags and branches", checkout -> {
                    clean(checkout).git("tag", "--annotate", "--message=only mine", "private/customer-x");
                    clean(checkout).git("branch", "2.95.0");
                    clean(checkout).git("branch", "refs/tags/2.95.0");
                }),
                new Setting("notes", checkout -> clean(checkout).git("notes", "add", "--message=private", "HEAD")),
                new Setting("hooks", checkout -> hooks(checkout, checkout.folder.resolve(".git/hooks"))),
                new Setting("core.hooksPath", checkout -> {
                    hooks(checkout, folder(checkout).resolve("team hooks"));
                    clean(checkout).git("config", "core.hooksPath", folder(checkout).resolve("team hooks").toString());
                }),
                new Setting("an umask of git's", checkout -> {
                    Path bin = folder(checkout).resolve("bin");
                    Program.write(bin.resolve("git"), "#!/bin/sh\numask 077\nPATH=$REAL_PATH exec git \"$@\"\n");
                    checkout.with("REAL_PATH", checkout.env().get("PATH")).with("PATH", bin + ":" + checkout.env().get("PATH"));
                }),
                new Setting("many objects", checkout -> clean(checkout).git("-c", "core.useReplaceRefs=false", "repack", "-a", "-d", "-q")),
                new Setting("a sparse checkout", checkout -> clean(checkout).git("sparse-checkout", "set", "doc")));
    }

    /** A line {@code key=value;key=value} of the clone's configuration. */
    private static Setting config(String line) {
        return new Setting(line, checkout -> {
            for (String one : line.split(";")) {
                clean(checkout).git("config", one.substring(0, one.indexOf('=')), one.substring(one.indexOf('=') + 1));
            }
        });
    }

    /** The same clone without the settings of the environment. */
    private static Checkout clean(Checkout checkout) {
        return Checkout.existing(checkout.folder).with("GIT_AUTHOR_DATE", "2026-01-02T03:04:05 +0130").with("GIT_COMMITTER_DATE", "2026-01-02T03:04:06 -0700");
    }

    private static Path folder(Checkout checkout) throws IOException {
        return Files.createDirectories(checkout.folder.resolveSibling(checkout.folder.getFileName() + " settings"));
    }

    private static void beside(Checkout checkout, String name, String text, String key) throws IOException {
        clean(checkout).git("config", key, Files.writeString(folder(checkout).resolve(name), text).toString());
    }

    private static void replace(Checkout checkout, String what, String text) throws IOException {
        Path file = Files.writeString(folder(checkout).resolve("replacement"), text);
        clean(checkout).git("replace", what, clean(checkout).git("hash-object", "-w", "--no-filters", file.toString()));
    }

    private static void home(Checkout checkout) throws IOException {
        Path git = Files.createDirectories(folder(checkout).resolve("config/git"));
        Files.writeString(git.resolve("attributes"), "* export-ignore\n*.key filter=git-crypt\n");
        Files.writeString(git.resolve("config"), "[filter \"git-crypt\"]\n\tsmudge = sed s/CIPHERTEXT/password/\n[i18n]\n\tcommitEncoding = ISO-8859-1\n"
                + "[push]\n\tfollowTags = true\n[core]\n\tabbrev = 20\n[tar]\n\tumask = 0077\n");
        checkout.with("XDG_CONFIG_HOME", git.getParent().toString()).with("GIT_CONFIG_GLOBAL", git.resolve("config").toString());
    }

    private static void template(Checkout checkout) throws IOException {
        Path template = Files.createDirectories(folder(checkout).resolve("template/info")).getParent();
        Files.writeString(template.resolve("info/attributes"), "* export-ignore\n");
        Files.writeString(template.resolve("config"), "[core]\n\tabbrev = 20\n[tar]\n\tumask = 0077\n");
        clean(checkout).git("config", "init.templateDir", template.toString());
        checkout.with("GIT_TEMPLATE_DIR", template.toString());
    }

    // All but commit-msg, which is the user's to have.
    private static void hooks(Checkout checkout, Path folder) throws IOException {
        for (String refuses : List.of("pre-commit", "prepare-commit-msg", "pre-merge-commit", "pre-rebase", "applypatch-msg", "pre-receive", "update")) {
            Program.write(folder.resolve(refuses), "#!/bin/sh\nexit 1\n");
        }
        Program.write(folder.resolve("pre-push"), "#!/bin/sh\ngit push --no-verify --all \"$2\"; git push --no-verify --tags \"$2\"\n");
        Program.write(folder.resolve("post-checkout"), "#!/bin/sh\ngit tag -f hooked HEAD\n");
    }
}
