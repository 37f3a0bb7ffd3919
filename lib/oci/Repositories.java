package lib.oci;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import lib.base.Console;
import lib.base.Fault;
import lib.config.Environment;
import lib.http.Network;
import lib.http.Tuning;

/** Where the images of an environment go: its registries, and a folder where it is {@code local}. Opened when first asked for. */
public final class Repositories implements AutoCloseable {

    private final Environment environment;
    private final Optional<Path> layout;
    private final List<String> others;
    private final Map<String, String> env;
    private final boolean writes;
    private final Console console;
    private final Network network;
    private final List<Registry> opened = new ArrayList<>();
    private Tuning tuning = Tuning.DEFAULT;
    private List<ImageStore> ours;
    private List<ImageStore> anybodys;

    /**
     * @param layout the folder, where there is one
     * @param others repositories of whatever environment: what they hold on the same host need not be sent again
     * @param env    that leads to the logins
     * @param writes whether more than reading will be asked for
     */
    public Repositories(Environment environment, Optional<Path> layout, List<String> others, Map<String, String> env, boolean writes, Console console, Network network) {
        this.environment = environment;
        this.layout = layout;
        this.others = others;
        this.env = env;
        this.writes = writes;
        this.console = console;
        this.network = network;
    }

    /** Those that are opened from now on are asked so often at most: for who can go without an answer. */
    public Repositories attempts(int most) {
        tuning = new Tuning(tuning.concurrency(), tuning.partsFrom(), tuning.partSize(), tuning.connect(), tuning.idle(), most, tuning.patience());
        return this;
    }

    /** With the logins that are kept for them; says where each comes from. Throws Fault with all logins that cannot be read. */
    public synchronized List<ImageStore> ours() {
        if (ours == null) {
            List<ImageStore> all = new ArrayList<>();
            layout.ifPresent(folder -> all.add(new OciLayout(folder)));
            List<Fault> faults = new ArrayList<>();
            for (String repository : environment.registries()) {
                try {
                    Login login = Login.of(env);
                    Optional<Login.Credential> credential = login.find(repository);
                    console.say(credential.map(known -> repository + ": the login is from " + known).orElse(repository + ": no login in " + login.places()));
                    all.add(open(repository, credential, writes));
                } catch (Fault fault) {
                    faults.add(fault);
                }
            }
            if (!faults.isEmpty()) {
                throw Fault.refused("the logins of some registries cannot be used", faults.stream().map(Fault::getMessage).distinct().toList(), faults.get(0).next());
            }
            ours = all;
        }
        return ours;
    }

    /** As those who pull images see them: without a login, where the environment is public. */
    public synchronized List<ImageStore> anybodys() {
        if (!environment.isPublic()) {
            return ours();
        }
        if (anybodys == null) {
            List<ImageStore> all = new ArrayList<>();
            environment.registries().forEach(repository -> all.add(open(repository, Optional.empty(), false)));
            anybodys = all;
        }
        return anybodys;
    }

    private Registry open(String repository, Optional<Login.Credential> credential, boolean writes) {
        Registry registry = new Registry(repository, credential, others, writes, tuning, network);
        opened.add(registry);
        return registry;
    }

    @Override
    public void close() {
        opened.forEach(Registry::close);
    }
}
