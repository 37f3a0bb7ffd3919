///usr/bin/env jbang "$0" "$@" ; exit $?
//JAVA 17+
//DESCRIPTION A Gerrit on loopback for the tests, in a folder of its own; prints its web and ssh ports when it answers.
//DEPS com.google.gerrit:gerrit-acceptance-framework:3.10.2
//DEPS com.google.gerrit:gerrit-plugin-api:3.10.2
//DEPS org.bouncycastle:bcpg-jdk18on:1.80
//RUNTIME_OPTIONS -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xmx320m

import com.google.gerrit.pgm.Daemon;
import com.google.gerrit.pgm.Init;
import java.io.IOException;
import java.io.PrintStream;
import java.net.HttpURLConnection;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;

/** A script of its own: its libraries have a jgit and a guava that are not those of the phases. */
class gerrit {

    public static void main(String[] args) throws Exception {
        Path site = Path.of(args[0]);
        int http = freePort();
        int ssh = freePort();
        PrintStream out = System.out;
        System.setOut(System.err); // it speaks on both
        Path log = Files.writeString(Files.createDirectories(site).resolve("log4j.properties"), """
                log4j.rootLogger=WARN, A
                log4j.appender.A=org.apache.log4j.ConsoleAppender
                log4j.appender.A.target=System.err
                log4j.appender.A.layout=org.apache.log4j.SimpleLayout
                """);
        System.setProperty("log4j.configuration", log.toUri().toString());
        Files.writeString(Files.createDirectories(site.resolve("etc")).resolve("gerrit.config"), """
                [gerrit]
                  basePath = git
                  canonicalWebUrl = http://127.0.0.1:%1$d/
                [auth]
                  type = DEVELOPMENT_BECOME_ANY_ACCOUNT
                [index]
                  type = lucene
                [sendemail]
                  enable = false
                [sshd]
                  listenAddress = 127.0.0.1:%2$d
                [httpd]
                  listenUrl = http://127.0.0.1:%1$d/
                """.formatted(http, ssh));
        int made = new Init().main(new String[] {"-d", site.toString(), "--batch", "--no-auto-start", "--dev", "--skip-plugins"});
        if (made != 0) {
            System.exit(made);
        }
        Thread ready = new Thread(() -> {
            while (!answers(http)) {
                Thread.onSpinWait();
            }
            out.println("ready " + http + " " + ssh);
        });
        ready.setDaemon(true);
        ready.start();
        System.exit(new Daemon().main(new String[] {"-d", site.toString()}));
    }

    private static boolean answers(int port) {
        try {
            // It tells nobody in this process when it listens: it is asked, five times a second.
            Thread.sleep(200);
            return ((HttpURLConnection) URI.create("http://127.0.0.1:" + port + "/config/server/version").toURL().openConnection()).getResponseCode() == 200;
        } catch (IOException notYet) {
            return false;
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }
}
