import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.Writer;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import lib.base.Exec;

/**
 * A machine to build on: an sshd of its own on loopback, with keys of its own, behind which a Nix with a store of its own
 * builds for a system that this machine is not for. Aborts the test, with the reason, where that cannot be had.
 */
final class BuildMachine implements AutoCloseable {

    /** Where sshd is, which is not on everybody's PATH. */
    private static final List<String> SBIN = List.of("/usr/sbin", "/usr/local/sbin", "/sbin");

    private final Path folder;
    private final String system;
    private final Path privileges = Path.of("/run/sshd");
    private boolean madePrivileges;
    private Process sshd;

    BuildMachine(Path folder, String system) throws IOException {
        this.folder = Files.createDirectories(folder);
        this.system = system;
        for (String program : List.of("ssh", "ssh-keygen")) {
            assumeTrue(Missing.onPath(program), "there is no " + program + ": install openssh-client");
        }
        Path program = Stream.concat(Stream.of(System.getenv("PATH").split(":")), SBIN.stream()).map(some -> Path.of(some, "sshd")).filter(Files::isExecutable).findFirst().orElse(null);
        assumeTrue(program != null, "there is no sshd: install openssh-server");
        nix();
        try {
            listen(program);
        } catch (IOException | RuntimeException | Error e) {
            close();
            throw e;
        }
    }

    // A store below a folder is built in only where Nix may make namespaces.
    private void nix() throws IOException {
        Program.write(folder.resolve("nix-store"), """
                #!/bin/sh
                export NIX_CONFIG='sandbox = false
                build-users-group =
                substituters =
                extra-platforms = %s
                sandbox-paths = /bin /usr /lib /lib64? /etc/alternatives?
                '
                PATH=%s exec nix-store --store '%s' "$@"
                """.formatted(system, System.getenv("PATH"), store()));
        Path probe = Files.writeString(folder.resolve("probe.nix"), "derivation { name = \"probe\"; system = \"" + system
                + "\"; builder = \"/bin/sh\"; PATH = \"/usr/bin:/bin\"; args = [ \"-c\" \"uname >$out\" ]; }");
        Exec.Result drv = Exec.of("nix-instantiate", "--store", store().toString(), probe.toString()).env("NIX_CONFIG", Sample.NIX_CONFIG).run();
        Exec.Result built = Exec.of(folder.resolve("nix-store").toString(), "--realise", drv.out().strip()).run();
        assumeTrue(drv.exit() == 0 && built.exit() == 0, "Nix cannot build in a store of its own here: " + drv.err() + built.err());
    }

    private void listen(Path program) throws IOException {
        for (String key : List.of("host", "user")) {
            Exec.of("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "releng test", "-f", folder.resolve(key).toString()).orFail("ssh-keygen", "");
        }
        Files.copy(folder.resolve("user.pub"), folder.resolve("authorized"));
        if (System.getProperty("user.name").equals("root") && !Files.exists(privileges)) {
            Files.createDirectory(privileges); // sshd as root does not start without, and only its service makes it
            madePrivileges = true;
        }
        String said = "";
        for (int attempt = 0; attempt < 5; attempt++) { // another may take the port before sshd does
            int port;
            try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
                port = free.getLocalPort();
            }
            Path config = Files.writeString(folder.resolve("sshd_config"), """
                    ListenAddress 127.0.0.1:%d
                    HostKey %s
                    AuthorizedKeysFile %s
                    PidFile none
                    StrictModes no
                    UsePAM no
                    PasswordAuthentication no
                    KbdInteractiveAuthentication no
                    """.formatted(port, folder.resolve("host"), folder.resolve("authorized")));
            sshd = Exec.of(program.toString(), "-D", "-e", "-f", config.toString()).start();
            BufferedReader lines = sshd.errorReader(StandardCharsets.UTF_8);
            StringBuilder all = new StringBuilder();
            for (String line; (line = lines.readLine()) != null; ) {
                all.append(line).append('\n');
                if (line.contains("Server listening on")) {
                    drain(lines);
                    client(port);
                    return;
                }
            }
            said = all.toString();
        }
        assumeTrue(false, "sshd does not start: " + said);
    }

    private static void drain(BufferedReader lines) {
        Thread drain = new Thread(() -> {
            try {
                lines.transferTo(Writer.nullWriter());
            } catch (IOException e) {
                // it has ended
            }
        }, "sshd");
        drain.setDaemon(true);
        drain.start();
    }

    private void client(int port) throws IOException {
        Files.writeString(folder.resolve("known"), "[127.0.0.1]:" + port + " " + Files.readString(folder.resolve("host.pub")));
        Files.writeString(folder.resolve("ssh_config"), """
                Host build-machine
                    HostName 127.0.0.1
                    Port %d
                    User %s
                    IdentityFile %s
                    IdentitiesOnly yes
                    UserKnownHostsFile %s
                    StrictHostKeyChecking yes
                    BatchMode yes
                """.formatted(port, System.getProperty("user.name"), folder.resolve("user"), folder.resolve("known")));
        Exec.Result hello = Exec.of("ssh", "-F", folder.resolve("ssh_config").toString(), "build-machine", "true").run();
        assumeTrue(hello.exit() == 0, "sshd lets nobody in: " + hello.err());
    }

    /** What goes behind --builders. */
    String spec() {
        return "ssh://build-machine?remote-program=" + folder.resolve("nix-store") + " " + system + " - 2 1";
    }

    /** What Nix is to give to ssh: a user has it in a file. */
    String sshOptions() {
        return "-F " + folder.resolve("ssh_config");
    }

    /** Where its Nix keeps what it has. */
    Path store() {
        return folder.resolve("store");
    }

    @Override
    public void close() throws IOException {
        try {
            if (sshd != null) {
                List<ProcessHandle> connected = sshd.descendants().toList();
                connected.forEach(ProcessHandle::destroy);
                CompletableFuture.allOf(connected.stream().map(ProcessHandle::onExit).toArray(CompletableFuture[]::new)).completeOnTimeout(null, 5, TimeUnit.SECONDS).join();
                sshd.destroy();
                if (!sshd.waitFor(20, TimeUnit.SECONDS)) {
                    sshd.destroyForcibly();
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            if (madePrivileges) {
                Files.deleteIfExists(privileges);
            }
            Exec.of("chmod", "-R", "u+w", folder.toString()).run();
        }
    }
}
