///usr/bin/env jbang "$0" "$@" ; exit $?
//JAVA 17+
//DESCRIPTION Phase 2: the release commit on a detached HEAD, its tag, and the merge back.
//DEPS info.picocli:picocli:4.7.7
//DEPS com.fasterxml.jackson.core:jackson-databind:2.22.4
//DEPS org.eclipse.jgit:org.eclipse.jgit:7.8.1.202611041320-r
//DEPS org.slf4j:slf4j-nop:2.0.20
//SOURCES lib/Cli.java lib/Config.java lib/Console.java lib/Environment.java lib/Exec.java lib/Fault.java
//SOURCES lib/FileTree.java lib/Git.java lib/Json.java lib/Project.java lib/Release.java lib/Version.java
//JAVA_OPTIONS -XX:TieredStopAtLevel=1 -XX:+UseSerialGC

import lib.Cli;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

@Command(name = "tag", description = "Makes the release commit and its tag, and merges the tag back into the branch.")
class tag implements Cli.Phase {

    @Mixin
    final Cli.Common common = new Cli.Common();

    public static void main(String[] args) {
        Cli.main(new tag(), args);
    }

    @Override
    public Cli.Common common() {
        return common;
    }

    @Override
    public void run(Cli.Session session) throws Exception {
    }
}
