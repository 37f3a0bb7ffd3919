import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import lib.Config;
import lib.Environment;
import lib.Fault;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConfigTest {

    @TempDir
    Path folder;

    private Config parse(String json) throws IOException {
        Files.writeString(folder.resolve(Config.FILE), json);
        return Config.of(folder);
    }

    private Fault fault(String json) {
        return assertThrows(Fault.class, () -> parse(json));
    }

    @Test
    void withoutTheFileEverythingIsLix() {
        Config config = Config.of(folder);
        assertEquals("lix", config.project().prefix());
        assertEquals("releases", config.environment("live").releases());
        assertEquals("local-cache", config.environment("local").cache());
        assertEquals(Optional.of(URI.create("https://s3.lix.systems")), config.environment("staging").endpoint());
    }

    @Test
    void productionIsLive() {
        assertSame(Config.LIX.environment("live"), Config.LIX.environment("production"));
    }

    @Test
    void anUnknownEnvironmentIsAUsageErrorThatListsTheKnownOnes() {
        Fault fault = assertThrows(Fault.class, () -> Config.LIX.environment("prod"));
        assertEquals(Fault.Kind.USAGE, fault.kind());
        assertTrue(fault.getMessage().contains("local, staging, live"), fault.getMessage());
    }

    @Test
    void anotherProjectAdoptsItWithoutAFork() throws IOException {
        Config config = parse("""
                {"project": {"name": "Sample", "prefix": "sample", "pendingNotes": "notes/next"},
                 "environments": {
                   "live": {"cache": "sample-cache"},
                   "europe": {"releases": "eu-releases", "cache": "eu-cache", "docs": "eu-docs", "install": "eu-install",
                              "endpoint": "https://s3.example.org", "region": "eu", "git": "ssh://git@example.org/sample"}}}
                """);
        assertEquals("Sample", config.project().name());
        assertEquals("doc/manual/change-authors.yml", config.project().changeAuthors());
        assertEquals("sample-cache", config.environment("live").cache());
        assertEquals("releases", config.environment("live").releases());
        assertEquals("eu", config.environment("europe").region());
        assertEquals(List.of(), config.environment("europe").registries());
    }

    @Test
    void allFaultsOfTheFileAreReportedAtOnceWithTheirKeys() {
        Fault fault = fault("""
                {"project": {"nam": "x", "prefix": 3}, "enviroments": {},
                 "environments": {"europe": {"releases": "r", "guarded": "yes"}, "staging": {"endpoint": "http://s3.example.org"}}}
                """);
        String all = String.join("\n", fault.why());
        for (String expected : List.of("releng.json: project.nam is not known here", "project.prefix should be a text, but is a number",
                "enviroments is not known here", "environments.europe.cache is missing", "environments.europe.guarded should be true or false",
                "environments.staging: endpoint 'http://s3.example.org' must use https")) {
            assertTrue(all.contains(expected), expected + "\nnot in\n" + all);
        }
        assertEquals(Fault.Kind.FAILED, fault.kind());
    }

    @Test
    void brokenJsonIsNamedWithItsLine() {
        assertTrue(fault("{\n  \"project\": {,}\n}").getMessage().contains("releng.json:2"), "line");
        assertTrue(fault("[]").getMessage().contains("not a JSON object"), "no object");
        assertTrue(fault("{\"project\": {}, \"project\": {}}").getMessage().contains("project"), "twice");
        assertTrue(fault("{} x").getMessage().contains("releng.json"), "trailing");
        assertTrue(fault("").getMessage().contains("releng.json"), "empty");
    }

    @Test
    void anInvalidEnvironmentCannotBeConstructed() {
        Environment live = Environment.LIVE;
        record Bad(String expected, String releases, String docs, URI endpoint, String registry, String git, String key) {
        }
        for (Bad bad : List.of(
                new Bad("no bucket name", "Rel", "docs", live.endpoint().get(), "h/p", "x", null),
                new Bad("four different buckets", "docs", "docs", live.endpoint().get(), "h/p", "x", null),
                new Bad("must use https", "releases", "docs", URI.create("http://10.0.0.1"), "h/p", "x", null),
                new Bad("web address", "releases", "docs", URI.create("https://me:secret@s3.example.org"), "h/p", "x", null),
                new Bad("without a tag", "releases", "docs", live.endpoint().get(), "h/p:latest", "x", null),
                new Bad("git must be", "releases", "docs", live.endpoint().get(), "h/p", "--upload-pack=x", null),
                new Bad("publicKey", "releases", "docs", live.endpoint().get(), "h/p", "x", "name:short"))) {
            var error = assertThrows(IllegalArgumentException.class, () -> new Environment("test", bad.releases(), "cache", bad.docs(), "install",
                    Optional.of(bad.endpoint()), "r", List.of(bad.registry()), Optional.of(bad.git()), false, Optional.ofNullable(bad.key()),
                    Map.of(), Optional.empty(), false));
            assertTrue(error.getMessage().contains(bad.expected()), error.getMessage());
        }
    }

    @Test
    void loopbackNeedsNoTls() throws IOException {
        Config config = parse("{\"environments\": {\"staging\": {\"endpoint\": \"http://127.0.0.1:9000\"}}}");
        assertEquals("127.0.0.1", config.environment("staging").endpoint().get().getHost());
    }
}
