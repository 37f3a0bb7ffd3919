import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import lib.base.Console;
import lib.base.FileTree;
import lib.config.Config;
import lib.http.Network;
import lib.http.Tuning;
import lib.oci.ImageStore;
import lib.oci.Login;
import lib.oci.Registry;
import lib.proof.Fetcher;
import lib.proof.Proof;
import lib.publish.Images;
import lib.publish.Plan;
import lib.release.BuiltRelease;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/** The sample's images, and real registries to send them to. */
final class Registries implements BeforeEachCallback, AfterEachCallback {

    static final String PATH = "kettle/kettle";
    static final Tuning QUICK = new Tuning(8, 0, 0, Duration.ofSeconds(5), Duration.ofSeconds(20), 3, Duration.ofSeconds(30));

    final ByteArrayOutputStream said = new ByteArrayOutputStream();
    final Console console = new Console(InputStream.nullInputStream(), new PrintStream(said, true), new PrintStream(said, true), false, false);
    Path release;
    BuiltRelease built;
    private Path folder;
    private final Tuning tuning;
    private final List<AutoCloseable> opened = new ArrayList<>();

    Registries(Tuning tuning) {
        this.tuning = tuning;
    }

    @Override
    public void beforeEach(ExtensionContext context) throws IOException {
        folder = Files.createTempDirectory("releng-test-registries");
        release = Released.copy(folder.resolve("checkout")).folder.resolve("release");
        built = images(BuiltRelease.read(release));
    }

    /** A release that is nothing but its images: nobody looks among the releases for the provenance that should be attached to them. */
    static BuiltRelease images(BuiltRelease whole) {
        return new BuiltRelease(whole.target(), whole.version(), whole.name(), whole.official(), whole.commit(), whole.tag(), whole.system(), whole.profile(),
                List.of(), whole.images(), whole.jobs());
    }

    @Override
    public void afterEach(ExtensionContext context) throws Exception {
        Collections.reverse(opened);
        for (AutoCloseable one : opened) {
            one.close();
        }
        FileTree.remove(folder);
    }

    <T extends AutoCloseable> T keep(T thing) {
        opened.add(thing);
        return thing;
    }

    DockerRegistry server() throws IOException {
        return keep(DockerRegistry.open(folder.resolve("registry" + opened.size())));
    }

    FaultProxy proxy(DockerRegistry server) throws IOException {
        return keep(new FaultProxy(server.endpoint()).registry(server.endpoint()));
    }

    Registry registry(String host, Optional<Login.Credential> credential, String... others) {
        return keep(new Registry(host + "/" + PATH, credential, List.of(others), true, tuning, Network.PLAIN));
    }

    static String host(FaultProxy proxy) {
        return proxy.endpoint().getAuthority();
    }

    /** Under the version, and then the tags that users follow. */
    void publish(ImageStore... stores) throws IOException {
        Plan plan = new Plan().add(new Images(List.of(stores), release, built.images(), "2.95.0", false, tuning));
        plan.requireNoConflicts();
        plan.run(console, 4);
        new Plan().add(new Images.Tags(List.of(stores), built.images(), List.of("2.95", "latest"), Optional::empty)).run(console, 4);
    }

    Proof proof(ImageStore... stores) {
        return new Proof(Fetcher.of(Config.LIX.environment("local"), Optional.empty(), Network.PLAIN), Config.LIX.environment("local"), Config.LIX.project(),
                Optional.empty(), console).images(List.of(stores), built, List.of("2.95.0", "2.95", "latest"));
    }
}
