import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
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
import java.util.Set;
import java.util.stream.Stream;
import lib.base.Fault;
import lib.config.Config;
import lib.config.Environment;
import lib.config.ImagePolicy;
import lib.config.Project;
import org.junit.jupiter.api.DisplayName;
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

    private static final String KETTLE = "\"project\": {\"name\": \"Kettle\", \"prefix\": \"kettle\"}";
    private static final String PLACES = "\"releases\": \"k-releases\", \"cache\": \"k-cache\", \"docs\": \"k-docs\", \"install\": \"k-install\", "
            + "\"endpoint\": \"https://s3.example.org\", \"region\": \"eu\", \"git\": \"ssh://git@example.org/kettle\"";

    @Test
    @DisplayName("hazard 53: another project inherits habits, and nothing that leads to Lix")
    void anotherProjectInheritsNoAddress() throws IOException {
        Config config = parse("{" + KETTLE + ", \"environments\": {\"live\": {" + PLACES + "}, \"europe\": {" + PLACES + "}}}");
        assertEquals(List.of("local", "live", "europe"), List.copyOf(config.environments().keySet()));
        Environment live = config.environment("production");
        assertTrue(live.guarded());
        assertEquals(Environment.Gerrit.no, live.gerrit());
        assertFalse(live.isPublic() || config.environment("europe").guarded());
        assertEquals(List.of(Optional.empty(), Optional.empty(), List.of(), Map.of()),
                List.of(live.keysFrom(), live.publicKey(), live.registries(), live.urls()));
        assertFalse(config.toString().toLowerCase().contains("lix"), config.toString());
        assertFalse(config.toString().contains("NixOS"), config.toString());
        assertEquals(Project.LIX.pendingNotes(), config.project().pendingNotes());
        assertEquals(Environment.LOCAL, config.environment("local"));
    }

    @Test
    void aPartlyDescribedEnvironmentOfAnotherProjectSaysAllThatItLacks() {
        for (String project : List.of(KETTLE, "\"project\": {\"name\": \"Lix\", \"prefix\": \"kettle\"}")) {
            Fault fault = fault("{" + project + ", \"environments\": {\"live\": {\"cache\": \"K\", \"docs\": \"k-docs\", \"urls\": {\"docs\": \"docs.example.org\"}}}}");
            assertSays(fault, "live.releases is missing", "live.install is missing", "live.endpoint is missing", "live.region is missing",
                    "live.git is missing", "cache 'K' is not a bucket name", "urls.docs 'docs.example.org' must be a web address");
            assertEquals(7, fault.why().size(), fault.getMessage());
        }
        assertSays(fault("{\"project\": {\"name\": \"Kettle\"}}"), "project.prefix is missing");
        assertSays(fault("{\"project\": {\"prefix\": \"kettle\"}}"), "project.name is missing");
    }

    @Test
    void whatAnotherProjectHasNotDescribedIsNoEnvironmentOfIts() throws IOException {
        Config config = parse("{" + KETTLE + "}");
        for (String name : List.of("live", "staging", "production")) {
            Fault fault = assertThrows(Fault.class, () -> config.environment(name));
            assertEquals(Fault.Kind.USAGE, fault.kind());
            assertSays(fault, "known: local; releng.json does not say what", "for Kettle");
        }
    }

    @Test
    void lixItselfIsChangedKeyByKey() throws IOException {
        for (String project : List.of("", "\"project\": {\"forge\": \"https://new.lix.systems\", \"prefix\": \"lix\"}, ")) {
            Config config = parse("{" + project + "\"environments\": {\"live\": {\"cache\": \"other-cache\", \"urls\": {\"cache\": \"https://c.example.org\"}}}}");
            Environment live = config.environment("live");
            assertEquals("other-cache", live.cache());
            assertEquals(URI.create("https://c.example.org"), live.urls().get("cache"));
            assertEquals(Environment.LIVE, new Environment("live", live.releases(), "cache", live.docs(), live.install(), live.endpoint(), live.region(),
                    live.registries(), live.git(), true, live.publicKey(), Environment.LIVE.urls(), live.keysFrom(), live.guarded()));
            assertEquals(Environment.STAGING, config.environment("staging"));
        }
    }

    @Test
    void gerritIsTrueFalseOrDirect() throws IOException {
        for (var entry : Map.of("true", Environment.Gerrit.review, "false", Environment.Gerrit.no, "\"direct\"", Environment.Gerrit.direct).entrySet()) {
            assertEquals(entry.getValue(), parse("{\"environments\": {\"live\": {\"gerrit\": " + entry.getKey() + "}}}").environment("live").gerrit());
        }
        for (String value : List.of("\"review\"", "1", "[]")) {
            Fault fault = assertThrows(Fault.class, () -> parse("{\"environments\": {\"live\": {\"gerrit\": " + value + "}}}"));
            assertTrue(fault.getMessage().contains("gerrit should be true, false or \"direct\""), fault.getMessage());
        }
    }

    @Test
    void nullTakesAwayWhatIsOptional() throws IOException {
        Environment live = parse("""
                {"environments": {"live": {"registries": null, "publicKey": null, "keysFrom": null, "gerrit": null, "guarded": null,
                  "urls": {"docs": null}}}}""").environment("live");
        assertEquals(List.of(List.of(), Optional.empty(), Optional.empty(), Environment.Gerrit.no, false),
                List.of(live.registries(), live.publicKey(), live.keysFrom(), live.gerrit(), live.guarded()));
        assertEquals(Set.of("releases", "cache", "install"), live.urls().keySet());
        Config config = parse("""
                {"project": {"forge": null, "repository": null, "upstream": null, "review": null},
                 "images": {"largestLayer": null, "mostLayers": null, "without": null},
                 "environments": {"local": {"endpoint": null, "git": null}, "live": {"urls": null}, "staging": null}}""");
        assertEquals(Map.of(), config.environment("live").urls());
        assertEquals(List.of("local", "live"), List.copyOf(config.environments().keySet()));
        assertEquals(Environment.LOCAL, config.environment("local"));
        assertEquals(new ImagePolicy(Long.MAX_VALUE, Integer.MAX_VALUE, List.of()), config.imagePolicy());
        assertEquals(List.of(), Stream.of(config.project().forge(), config.project().repository(), config.project().upstream(), config.project().review())
                .flatMap(Optional::stream).toList());
    }

    @Test
    void nullOfWhatIsNeededIsAFault() {
        Fault fault = fault("""
                {"project": {"name": null, "versionFile": null}, "images": null, "environments": {"local": null, "production": {},
                 "live": {"releases": null, "endpoint": null, "region": null, "git": null}}}""");
        assertSays(fault, "project.name cannot be null", "project.versionFile cannot be null", "images cannot be null", "environments.local cannot be null",
                "live.releases cannot be null", "live.endpoint cannot be null", "live.region cannot be null", "live.git cannot be null",
                "environments.production is another name of live");
        assertEquals(9, fault.why().size(), fault.getMessage());
    }

    @Test
    void anAddressThatSaysNothingIsNoWayToTheEmbeddedStore() {
        assertSays(fault("{\"environments\": {\"live\": {\"endpoint\": \"\", \"urls\": {\"docs\": \" \", \"dosc\": null}}}}"),
                "live.endpoint is not a web address: ''", "urls.docs is not a web address: ' '", "urls.dosc is not a known key");
        assertSays(fault("{\"environments\": {\"local\": {\"endpoint\": \"http://127.0.0.1:9000\"}}}"), "local.git is missing");
    }

    @Test
    void aFileThatCannotBeReadIsNoMissingOne() throws IOException {
        Files.createDirectory(folder.resolve(Config.FILE));
        assertSays(assertThrows(Fault.class, () -> Config.of(folder)), "releng.json cannot be read");
        Files.delete(folder.resolve(Config.FILE));
        Files.createSymbolicLink(folder.resolve(Config.FILE), Path.of("nowhere"));
        assertSays(assertThrows(Fault.class, () -> Config.of(folder)), "releng.json cannot be read");
    }

    @Test
    void bytesThatAreNoTextAreNamed() throws IOException {
        Files.write(folder.resolve(Config.FILE), new byte[] {0, 0, 0, '{', 0, 0x11, 0, 0, 1});
        assertSays(assertThrows(Fault.class, () -> Config.of(folder)), "releng.json is not JSON");
    }

    private static void assertSays(Fault fault, String... all) {
        for (String text : all) {
            assertTrue(fault.getMessage().contains(text), text + "\nnot in\n" + fault.getMessage());
        }
    }

    @Test
    void allFaultsOfTheFileAreReportedAtOnceWithTheirKeys() {
        Fault fault = fault("""
                {"project": {"nam": "x", "prefix": 3, "forge": "x", "review": "y"}, "enviroments": {},
                 "environments": {"europe": {"releases": "r", "guarded": "yes"}, "staging": {"endpoint": "http://s3.example.org"}}}
                """);
        String all = String.join("\n", fault.why());
        for (String expected : List.of("releng.json: project.nam is not a known key", "project.prefix should be a string, but is a number",
                "project: forge must be a web address", "project: review must be a web address",
                "enviroments is not a known key", "environments.europe.cache is missing", "environments.europe: releases 'r' is not a bucket name", "environments.europe.guarded should be true or false",
                "environments.staging: endpoint 'http://s3.example.org' must use https")) {
            assertTrue(all.contains(expected), expected + "\nnot in\n" + all);
        }
        assertEquals(Fault.Kind.FAILED, fault.kind());
    }

    @Test
    void whatIsLookedForOnTheForgeBeforeAReleaseIsTheProjectsToSay() throws IOException {
        assertTrue(Config.LIX.project().releaseBlocker().isEmpty() && Config.LIX.project().post().isEmpty(), "nobody is asked unless a project says so");
        Project project = parse("""
                {"project": {"releaseBlocker": "release-blocker", "post": {"repository": "lix-project/website", "pullRequest": "release-MAJOR (VERSION)"}}}""").project();
        assertEquals("release-blocker", project.releaseBlocker().orElseThrow());
        assertEquals("release-2.95 (2.95.1)", project.post().orElseThrow().of("2.95.1", "2.95"));
        assertEquals(Project.LIX, parse("{\"project\": {\"releaseBlocker\": null, \"post\": null}}").project());
        assertSays(fault("{" + KETTLE.replace("}", ", \"releaseBlocker\": \" \", \"post\": {\"repository\": \"website\", \"pullRequest\": \"release\", \"x\": 1}}") + "}"),
                "project.post.x is not a known key", "releaseBlocker must be a label", "releaseBlocker needs forge and repository", "post.repository must be OWNER/NAME, not 'website'",
                "post.pullRequest must have VERSION or MAJOR in it", "post needs forge");
        assertSays(fault("{\"project\": {\"post\": {}, \"forge\": \"http://git.example.org\"}}"), "post.repository is missing", "post.pullRequest is missing", "forge must use https");
    }

    @Test
    void whatPeopleDoAfterwardsIsEachProjectsOwn() throws IOException {
        assertEquals(Project.LIX.afterwards(), parse("{\"project\": {\"forge\": \"https://new.lix.systems\"}}").project().afterwards());
        assertEquals(List.of(), parse("{" + KETTLE + "}").project().afterwards());
        assertEquals(List.of(), parse("{\"project\": {\"afterwards\": null}}").project().afterwards());
        Project.Task task = parse("{\"project\": {\"afterwards\": [{\"what\": \"post {version}\", \"link\": \"https://k.example/{major}/{version}\"}]}}").project().afterwards().get(0);
        assertEquals(new Project.Task("post 1.2.3", "https://k.example/1.2/1.2.3"), task.of("1.2.3", "1.2"));
        Fault fault = fault("""
                {"project": {"afterwards": [{"what": "post {verison}", "link": "https://k.example"}, {"what": "", "link": "mailto:k"}, {"link": 3, "wat": "x"}, "toot",
                 {"what": "post", "link": "https://{major}"}]}}""");
        assertSays(fault, "project.afterwards[0]: 'post {verison}' may have {version} and {major} in it, and no other braces",
                "project.afterwards[1]: what must be one line", "project.afterwards[1]: link must be a web address, not 'mailto:k'", "project.afterwards[2].what is missing",
                "project.afterwards[2].link should be a string", "project.afterwards[2].wat is not a known key; known: link, what", "project.afterwards[3] should be an object",
                "project.afterwards[4]: link must be a web address");
        assertEquals(8, fault.why().size(), fault.getMessage());
        assertSays(fault("{\"project\": {\"afterwards\": \"toot\"}}"), "project.afterwards should be a list, but is a text");
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
                new Bad("not a bucket name", "Rel", "docs", live.endpoint().get(), "h/p", "x", null),
                new Bad("four different buckets", "docs", "docs", live.endpoint().get(), "h/p", "x", null),
                new Bad("must use https", "releases", "docs", URI.create("http://10.0.0.1"), "h/p", "x", null),
                new Bad("web address", "releases", "docs", URI.create("https://me:secret@s3.example.org"), "h/p", "x", null),
                new Bad("without a tag", "releases", "docs", live.endpoint().get(), "h/p:latest", "x", null),
                new Bad("git must be", "releases", "docs", live.endpoint().get(), "h/p", "--upload-pack=x", null),
                new Bad("web address", "releases", "docs", URI.create("https://s3.example.org:65536"), "h/p", "x", null),
                new Bad("without a tag", "releases", "docs", live.endpoint().get(), "h:65536/p", "x", null),
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
