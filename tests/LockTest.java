import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import lib.base.Fault;
import lib.base.FileTree;
import lib.base.Lock;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Two at once in one checkout. */
class LockTest {

    @TempDir
    Path folder;

    /** Holds a lock until its standard input ends. */
    public static final class Holder {
        public static void main(String[] arguments) throws IOException {
            try (Lock lock = Lock.take(Path.of(arguments[0]), "a test")) {
                System.out.println("held");
                System.in.read();
            }
        }
    }

    private static Process holder(Path file) throws IOException {
        Process process = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-XX:TieredStopAtLevel=1",
                "-cp", System.getProperty("java.class.path"), Holder.class.getName(), file.toString()).redirectError(ProcessBuilder.Redirect.INHERIT).start();
        assertEquals("held", process.inputReader().readLine());
        return process;
    }

    @Test
    void aLockIsHeldByOneAndGoneWithItHoweverItEnds() throws Exception {
        Path file = folder.resolve("a/b.lock");
        try (Lock lock = Lock.take(file, "a test")) {
            assertEquals(Fault.Kind.REFUSED, assertThrows(Fault.class, () -> Lock.take(file, "a test")).kind());
        }
        Process process = holder(file);
        try {
            Fault held = assertThrows(Fault.class, () -> Lock.take(file, "a test"));
            assertTrue(held.getMessage().contains("a test is in progress") && held.getMessage().contains("process " + process.pid()), held.getMessage());
        } finally {
            process.destroyForcibly();
        }
        assertTrue(process.waitFor(1, TimeUnit.MINUTES));
        Lock.take(file, "a test").close();
        Lock.take(file, "a test").close();
    }

    @Test
    @DisplayName("hazard 48: two uploads to one environment from one checkout never share what they stage; a plan touches nothing of a run beside it")
    void twoUploadsFromOneCheckoutDoNotMix() throws Exception {
        try (Managers managers = new Managers(folder)) {
            Checkout checkout = managers.release("2.95.0");
            Path staged = Files.createDirectories(checkout.folder.resolve(".git/releng/staging-test/1")).resolve("x");
            Files.writeString(staged, "of a run in progress");
            Process process = holder(checkout.folder.resolve(".git/releng/test.lock"));
            try {
                Checkout.Run run = Managers.upload(checkout);
                assertEquals(3, run.exit(), run.err());
                assertTrue(run.err().contains("an upload to test is in progress in this checkout"), run.err());
                Map<String, Path> before = FileTree.files(checkout.folder.resolve(".git/releng"));
                Managers.assertDone(Managers.upload(checkout, "--plan"));
                assertEquals(before.keySet(), FileTree.files(checkout.folder.resolve(".git/releng")).keySet());
                assertEquals("of a run in progress", Files.readString(staged));
            } finally {
                process.destroyForcibly();
            }
            assertTrue(process.waitFor(1, TimeUnit.MINUTES));
            Managers.assertDone(Managers.upload(checkout)); // and it removes what the killed one has left
            assertFalse(Files.exists(staged));
        }
    }

    @Test
    @DisplayName("hazard 48: two uploads at once to two environments sign each with its own key")
    void twoEnvironmentsAtOnceKeepTheirKeys() throws Exception {
        try (Managers managers = new Managers(folder); Store second = new Store()) {
            Checkout checkout = managers.release("2.95.0");
            String one = managers.store.config(folder.resolve("2.95.0.git"));
            checkout.git("init", "--quiet", "--bare", folder.resolve("other.git").toString());
            String other = second.config(folder.resolve("other.git")).replaceFirst(".*?\"test\":", "\"other\":").replaceFirst("}}\\s*$", "");
            checkout.write("releng.json", one.replaceFirst("}}\\s*$", "," + other + "}}"));
            lib.base.Exec.of("nix-store", "--generate-binary-cache-key", "other-1", folder.resolve("other").toString(), folder.resolve("other.pub").toString()).orFail("key", "");
            Checkout beside = checkout.at(checkout.folder).with("RELENG_SIGNING_KEY", Files.readString(folder.resolve("other")));
            CompletableFuture<Checkout.Run> first = CompletableFuture.supplyAsync(() -> Managers.upload(checkout), work -> new Thread(work).start());
            Managers.assertDone(beside.run(new upload(), "--env", "other", "--noconfirm"));
            Managers.assertDone(first.get());
            for (Store store : List.of(managers.store, second)) {
                String name = store == second ? "other-1" : "test-1";
                List<String> narinfos = store.content("cache").keySet().stream().filter(key -> key.endsWith(".narinfo")).toList();
                assertFalse(narinfos.isEmpty());
                for (String narinfo : narinfos) {
                    String text = new String(store.get("cache", narinfo));
                    assertTrue(text.contains("Sig: " + name + ":") && text.indexOf("Sig: ") == text.lastIndexOf("Sig: "), text);
                }
            }
        }
    }
}
