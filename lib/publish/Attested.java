package lib.publish;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import lib.base.FileTree;
import lib.base.Parallel;
import lib.nix.PublicKey;
import lib.nix.SigningKey;
import lib.nix.SshSignature;
import lib.release.BuiltRelease;
import lib.release.BuiltRelease.BuiltFile;
import lib.release.Envelope;
import lib.release.Statement;

/**
 * What is signed for those who fetch a release's files: the statement of how it was built, and the checksums of all files of
 * its folder. What is there counts where it verifies, so that a plan needs no secret key.
 */
public final class Attested implements Destination {

    /** The checksums, as sha256sum writes them, and their signature, as ssh-keygen makes it. */
    public static final String SUMS = "SHA256SUMS";
    public static final String SIGNATURE = SUMS + ".sig";

    // The digest of the envelope before it is signed: a plan without the key cannot tell it.
    private static final String UNKNOWN = "-".repeat(64);
    private static final int SIGNATURE_SIZE = 300;
    private static final int FEW = 3;

    private final Folders folders;
    private final BuiltRelease built;
    private final Optional<BuiltFile> statement;
    private final Optional<SigningKey> key;
    private final Optional<PublicKey> trusted;
    private final Map<String, Optional<byte[]>> there = new ConcurrentHashMap<>();

    /** {@code key}: this run's; a plan has none. */
    public Attested(Folders folders, BuiltRelease built, Optional<SigningKey> key) {
        this.folders = folders;
        this.built = built;
        this.statement = Statement.in(built, folders.project());
        this.key = key;
        this.trusted = folders.environment().provenanceKey().or(folders.environment()::publicKey).or(() -> key.map(SigningKey::publicKey)).map(PublicKey::of);
    }

    @Override
    public String name() {
        return "signed";
    }

    /** The envelope's bytes: those that are published, where they count, or else signed now; empty where a plan can know neither, or nothing is signed. */
    public synchronized Optional<byte[]> envelope() throws IOException {
        if (statement.isEmpty()) {
            return Optional.empty();
        }
        Optional<byte[]> published = there(statement.get().path());
        if (published.isPresent() && fault(published.get(), statement.get(), trusted).isEmpty()) {
            return published;
        }
        byte[] payload = Files.readAllBytes(folders.release().resolve(statement.get().path()));
        return key.map(secret -> Envelope.of(payload, secret).json());
    }

    /** Why an envelope does not count as that of a release's statement; goes on from its name. Without a key anybody's signature will do. */
    public static Optional<String> fault(byte[] envelope, BuiltFile statement, Optional<PublicKey> trusted) {
        try {
            Envelope read = Envelope.parse(envelope);
            String sha256 = FileTree.sha256(read.payload());
            return !sha256.equals(statement.sha256()) ? Optional.of("holds a statement with sha256 " + sha256 + ", expected " + statement.sha256())
                    : trusted.flatMap(read::refuse);
        } catch (IllegalArgumentException e) {
            return Optional.of(e.getMessage());
        }
    }

    /** As {@code sha256sum} writes them: SHA-256 in hex, by name. */
    public static String sums(SortedMap<String, String> digests) {
        StringBuilder sums = new StringBuilder();
        digests.forEach((name, sha256) -> {
            String escaped = name.replace("\\", "\\\\").replace("\n", "\\n");
            sums.append(escaped.equals(name) ? "" : "\\").append(sha256).append("  ").append(escaped).append('\n');
        });
        return sums.toString();
    }

    @Override
    public Difference compare() throws IOException {
        if (statement.isEmpty()) {
            return new Difference(List.of(), List.of());
        }
        Parallel.forEach(List.of(statement.get().path(), SUMS, SIGNATURE), 3, this::there);
        SortedMap<String, String> digests = digests();
        List<Operation> operations = new ArrayList<>();
        List<String> conflicts = new ArrayList<>();
        String name = statement.get().path();
        add(name, there(name).flatMap(bytes -> fault(bytes, statement.get(), trusted)), statement.get().size() * 4 / 3, Optional.of(statement.get().sha256()),
                () -> new String(envelope().orElseThrow(), StandardCharsets.UTF_8), operations, conflicts);
        Optional<byte[]> envelope = envelope();
        String sums = sums(digests, envelope);
        Optional<String> differing = there(SUMS).flatMap(bytes -> differing(envelope.isPresent() ? text(bytes) : without(text(bytes), name), envelope.isPresent() ? sums : without(sums, name)));
        add(SUMS, differing.map(names -> "holds other checksums, of " + names), sums.length(), Optional.empty(), () -> sums(digests, envelope()), operations, conflicts);
        Optional<byte[]> right = there(SUMS).filter(bytes -> differing.isEmpty());
        byte[] signed = right.orElse(sums.getBytes(StandardCharsets.UTF_8));
        Optional<PublicKey> judge = trusted.filter(by -> right.isPresent() || envelope.isPresent()); // of sums that nobody knows nothing can be said
        add(SIGNATURE, there(SIGNATURE).flatMap(bytes -> judge.flatMap(by -> SshSignature.fault(signed, text(bytes), by))), SIGNATURE_SIZE, Optional.empty(),
                () -> SshSignature.of(sums(digests, envelope()).getBytes(StandardCharsets.UTF_8), key.orElseThrow()), operations, conflicts);
        return new Difference(operations.isEmpty() ? List.of() : List.of(new Stage("provenance and checksums", operations)), conflicts);
    }

    private interface Text {
        String get() throws IOException;
    }

    // Each after those before it, whatever a run is killed in: what is signed is there.
    private void add(String name, Optional<String> fault, long bytes, Optional<String> to, Text text, List<Operation> operations, List<String> conflicts) {
        boolean replaced = there.get(name).isPresent();
        if (replaced && fault.isEmpty()) {
            return;
        }
        String bucket = folders.environment().releases();
        String key = folder() + name;
        String url = "s3://" + bucket + "/" + key;
        if (replaced && !folders.replace()) {
            conflicts.add(url + " " + fault.get());
            return;
        }
        Optional<String> etag = replaced ? folders.store().head(bucket, key).map(head -> head.getOrDefault("etag", "").replace("\"", "")) : Optional.empty();
        operations.add(new Operation(replaced ? Operation.Kind.REPLACE : Operation.Kind.CREATE, url, bytes, replaced ? there.get(name).map(FileTree::sha256) : Optional.empty(), to,
                () -> new Item.Text(text.get()).send(folders.store(), bucket, key, Folder.Mode.CONTENT.cacheControl, etag), List.copyOf(operations)));
    }

    private String folder() {
        return folders.project().folder(built.version().toString());
    }

    private Optional<byte[]> there(String name) {
        return there.computeIfAbsent(name, missing -> folders.store().get(folders.environment().releases(), folder() + missing));
    }

    private SortedMap<String, String> digests() throws IOException {
        SortedMap<String, String> digests = new TreeMap<>();
        folders.artifacts(built).items().forEach((name, item) -> digests.put(name, item.sha256()));
        folders.releaseJson(built).items().forEach((name, item) -> digests.put(name, item.sha256()));
        return digests;
    }

    private String sums(SortedMap<String, String> others, Optional<byte[]> envelope) {
        SortedMap<String, String> all = new TreeMap<>(others);
        all.put(statement.orElseThrow().path(), envelope.map(FileTree::sha256).orElse(UNKNOWN));
        return sums(all);
    }

    /** Checksums but that of one file, which is not known. */
    public static String without(String sums, String name) {
        return sums.lines().filter(line -> !line.endsWith("  " + name)).map(line -> line + "\n").collect(Collectors.joining());
    }

    /** Which files some checksums differ in, the first of them; empty where they are the same. */
    public static Optional<String> differing(String there, String sums) {
        if (there.equals(sums)) {
            return Optional.empty();
        }
        Set<String> lines = new TreeSet<>(there.lines().toList());
        sums.lines().filter(line -> !lines.remove(line)).forEach(lines::add);
        List<String> names = lines.stream().map(line -> line.replaceFirst("^.*?  ", "")).distinct().toList();
        return Optional.of(names.isEmpty() ? "lines in another order" : String.join(", ", names.subList(0, Math.min(FEW, names.size())))
                + (names.size() > FEW ? " and " + (names.size() - FEW) + " more" : ""));
    }

    private static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }
}
