import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import lib.proof.Fetcher;

/** Buckets in a folder, one a role, whose files' times are those a server would tell; writes down what is asked for. */
class FilesFetcher implements Fetcher {

    private final Path folder;
    /** {@code GET KEY} and {@code HEAD KEY}. */
    final List<String> log = Collections.synchronizedList(new ArrayList<>());

    FilesFetcher(Path folder) {
        this.folder = folder;
    }

    Path file(String role, String key) {
        return folder.resolve(role).resolve(key);
    }

    /** How often something was asked for that begins and ends so. */
    long asked(String begins, String ends) {
        return log.stream().filter(request -> request.startsWith(begins) && request.endsWith(ends)).count();
    }

    private Path there(String request, String role, String key) throws IOException {
        log.add(request + " " + key);
        if (!Files.exists(file(role, key))) {
            throw new NotThere("no such file");
        }
        return file(role, key);
    }

    @Override
    public InputStream open(String role, String key) throws IOException {
        return Files.newInputStream(there("GET", role, key));
    }

    @Override
    public long size(String role, String key) throws IOException {
        return said(role, key).size();
    }

    @Override
    public Said said(String role, String key) throws IOException {
        Path file = there("HEAD", role, key);
        return new Said(Files.size(file), Optional.of(Files.getLastModifiedTime(file).toInstant()));
    }

    @Override
    public String name(String role, String key) {
        return role + "/" + key;
    }
}
