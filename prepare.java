///usr/bin/env jbang "$0" "$@" ; exit $?
//JAVA 17+
//DESCRIPTION Phase 1: gather the pending release notes into the manual and commit them.
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

@Command(name = "prepare", description = "Gathers the pending release notes into the manual and commits them.")
class prepare implements Cli.Phase {

    @Mixin
    final Cli.Common common = new Cli.Common();

    public static void main(String[] args) {
        Cli.main(new prepare(), args);
    }

    @Override
    public Cli.Common common() {
        return common;
    }

    @Override
    public void run(Cli.Session session) throws Exception {
    }
}
