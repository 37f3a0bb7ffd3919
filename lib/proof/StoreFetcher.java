package lib.proof;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import lib.Environment;
import lib.ObjectStore;

/** Through the object store, with its keys and its own retries: for environments that are not public. */
final class StoreFetcher implements Fetcher {

    private final ObjectStore store;
    private final Environment environment;

    StoreFetcher(ObjectStore store, Environment environment) {
        this.store = store;
        this.environment = environment;
    }

    @Override
    public InputStream open(String role, String key) throws IOException {
        return new ByteArrayInputStream(store.get(Fetcher.bucket(environment, role), key).orElseThrow(() -> new NotThere("there is no such object")));
    }

    @Override
    public long size(String role, String key) throws IOException {
        return store.size(Fetcher.bucket(environment, role), key).orElseThrow(() -> new NotThere("there is no such object"));
    }

    @Override
    public String name(String role, String key) {
        return "s3://" + Fetcher.bucket(environment, role) + "/" + key;
    }
}
