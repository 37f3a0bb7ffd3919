import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import lib.base.Console;
import lib.base.Exec;
import lib.base.Fault;
import lib.base.FileTree;
import lib.base.Json;
import lib.nix.Base32;
import lib.nix.Nix;
import lib.nix.PackedNar;
import lib.nix.Provenance;
import lib.nix.SigningKey;
import lib.nix.StoreNar;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What we write of store paths, against what the machine's Nix writes. */
class StoreNarTest {

    // All that a NAR can have: names in the order of bytes, whatever the locale, links to nowhere, empty files and folders.
    private static final String BUILDER = """
            mkdir -p $out/bin $out/empty $out/a "$out/a b" $out/a-b $out/B
            echo 'a program' > $out/bin/run; chmod +x $out/bin/run
            ln -s bin/run $out/link; ln -s /nowhere/./at//all/ $out/dangling; ln -s ../grüße "$out/a b/up"
            printf '' > $out/nothing; printf 1234567 > $out/seven; printf 12345678 > $out/eight; printf 123456789 > $out/nine
            printf x > "$out/grüße"; printf y > "$out/a/日本"; printf z > $out/Z; printf 0 > $out/_; printf '"' > "$out/quote\\"back\\\\slash"
            head -c 100000 /dev/zero > $out/large
            echo $dependency > $out/reference
            """;

    @TempDir
    Path folder;

    private String nix(String... command) {
        return Exec.of(command).env("NIX_CONFIG", Sample.NIX_CONFIG).env("LC_ALL", "C.UTF-8").orFail(String.join(" ", command), "").strip();
    }

    private Nix ours() {
        Map<String, String> env = new TreeMap<>(System.getenv());
        env.put("NIX_CONFIG", Sample.NIX_CONFIG);
        return new Nix(Console.system(Map.of()), env, List.of());
    }

    private String built() throws IOException {
        Path expression = Files.writeString(folder.resolve("expression.nix"), "derivation { name = \"store-nar\"; system = builtins.currentSystem; builder = \"/bin/sh\"; PATH = \"/usr/bin:/bin\"; "
                + "dependency = builtins.toFile \"dependency\" \"text\"; source = ./source; args = [ ./builder ]; }");
        Files.createDirectories(folder.resolve("source"));
        Files.writeString(folder.resolve("source/file"), "a source");
        Files.writeString(folder.resolve("builder"), BUILDER);
        return nix("nix-build", "--no-out-link", expression.toString());
    }

    private String narinfo(String path) throws IOException {
        return Path.of(path).getFileName().toString().substring(0, 32);
    }

    @Test
    void narsListingsAndNarinfosAreThoseOfNix() throws IOException {
        String path = built();
        String derivation = nix("nix-store", "--query", "--deriver", path);
        Path secret = folder.resolve("secret");
        nix("nix-store", "--generate-binary-cache-key", "test-1", secret.toString(), folder.resolve("public").toString());
        Path cache = folder.resolve("cache");
        for (List<String> which : List.of(List.of(path), List.of("--derivation", derivation))) {
            List<String> line = new java.util.ArrayList<>(List.of("nix", "copy", "--no-check-sigs", "--to", "file://" + cache + "?compression=zstd&write-nar-listing=true&secret-key=" + secret));
            line.addAll(which);
            nix(line.toArray(new String[0]));
        }
        SortedMap<String, Nix.PathInfo> closure = ours().closure(List.of(path, derivation));
        SortedMap<String, Provenance> provenance = ours().provenance(closure.keySet());
        assertTrue(closure.size() >= 5, closure.toString());
        for (Nix.PathInfo info : closure.values()) {
            ByteArrayOutputStream nar = new ByteArrayOutputStream();
            StoreNar.write(Path.of(info.path()), nar);
            assertEquals(info.narHash(), "sha256:" + HexFormat.of().formatHex(FileTree.digest("SHA-256").digest(nar.toByteArray())), info.path());
            assertEquals(info.narSize(), nar.size());
            JsonNode theirs = Json.MAPPER.readTree(cache.resolve(narinfo(info.path()) + ".ls").toFile());
            assertEquals(theirs, Json.MAPPER.readTree(StoreNar.listing(Path.of(info.path()))));

            PackedNar packed = PackedNar.pack(info, folder.resolve("packed"));
            assertEquals(Files.size(folder.resolve("packed")), packed.fileSize());
            Provenance from = provenance.get(Path.of(info.path()).getFileName().toString());
            String unsigned = packed.narinfo(info, from, List.of());
            String signature = SigningKey.inFile(SigningKey.Use.cache, secret).sign(lib.nix.Narinfo.parse(unsigned).fingerprint());
            // The compressed file is another where the libraries are; all else is not.
            assertEquals(withoutFile(Files.readString(cache.resolve(narinfo(info.path()) + ".narinfo"))), withoutFile(packed.narinfo(info, from, List.of(signature))));
        }
    }

    private static String withoutFile(String narinfo) {
        return narinfo.replaceAll("(?m)^(URL|FileHash|FileSize): .*", "$1").replaceAll("(?m) +$", "");
    }

    /** Prints hash and listing of a path: run where the locale knows no more than ASCII. */
    static final class Print {
        public static void main(String[] args) throws IOException {
            ByteArrayOutputStream nar = new ByteArrayOutputStream();
            StoreNar.write(Path.of(args[0]), nar);
            System.out.println(HexFormat.of().formatHex(FileTree.digest("SHA-256").digest(nar.toByteArray())));
            System.out.write(StoreNar.listing(Path.of(args[0])));
            System.out.flush();
        }
    }

    @Test
    void whatIsWrittenDoesNotDependOnTheLocale() throws IOException {
        String path = built();
        String[] said = Exec.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-cp", System.getProperty("java.class.path"), "StoreNarTest$Print", path)
                .env("LC_ALL", "C").env("LANG", "C").orFail("java", "").split("\n");
        assertEquals(nix("nix-store", "--query", "--hash", path), "sha256:" + Base32.encode(HexFormat.of().parseHex(said[0])));
        assertEquals(Json.MAPPER.readTree(StoreNar.listing(Path.of(path))), Json.MAPPER.readTree(said[1]));
    }

    @Test
    void theSameNarIsTheSameFileHoweverManyCores() throws IOException {
        Path large = folder.resolve("tree");
        Files.write(large, new byte[40 << 20]);
        String hash = "sha256:" + nix("nix-hash", "--type", "sha256", large.toString());
        Nix.PathInfo info = new Nix.PathInfo(large.toString(), hash, 40 << 20, List.of());
        PackedNar first = PackedNar.pack(info, folder.resolve("first"));
        assertEquals(first, PackedNar.pack(info, folder.resolve("second")));
        assertArrayEquals(Files.readAllBytes(folder.resolve("first")), Files.readAllBytes(folder.resolve("second")));
    }

    @Test
    void aPathThatIsNotWhatNixSaysIsNotPacked() throws IOException {
        Path changed = Files.writeString(folder.resolve("changed"), "as it was");
        String hash = "sha256:" + nix("nix-hash", "--type", "sha256", changed.toString());
        Files.writeString(changed, "as it is.");
        Fault fault = assertThrows(Fault.class, () -> PackedNar.pack(new Nix.PathInfo(changed.toString(), hash, 128, List.of()), folder.resolve("packed")));
        assertTrue(fault.getMessage().contains("is not what Nix's database says"), fault.getMessage());
    }

    @Test
    void whereAPathComesFromIsReadInAllShapesThatNixPrints() throws IOException {
        String hash = "1z3w00ldwz56m5chcmbkl801x0xw8dxpxkybky2aq3gwnc6q2s87";
        for (String printed : List.of(
                "[{'path':'/nix/store/PATH','ca':'text:sha256:HASH','deriver':'/nix/store/x.drv','signatures':['a-1:b']}]",
                "{'/nix/store/PATH':{'ca':'text:sha256:HASH','deriver':'/nix/store/x.drv','signatures':['a-1:b']}}",
                "{'info':{'PATH':{'ca':{'hash':'sha256-B2mBDbP8DayEn8vPfntDvIMeAKJzVQZZqaZ83igAfPw=','method':'text'},'deriver':'x.drv','signatures':['a-1:b']}},'version':2}",
                "{'info':{'PATH':{'ca':'text:sha256:HASH','deriver':'x.drv','signatures':[{'keyName':'a-1','sig':'b'}]}},'version':2}")) {
            assertEquals(Map.of("PATH", new Provenance(Optional.of("x.drv"), Optional.of("text:sha256:" + hash), List.of("a-1:b"))),
                    Provenance.parse(Json.MAPPER.readTree(printed.replace('\'', '"').replace("HASH", hash))), printed);
        }
        Provenance nothing = new Provenance(Optional.empty(), Optional.empty(), List.of());
        assertEquals(Map.of("a", nothing), Provenance.parse(Json.MAPPER.readTree("{\"/nix/store/a\":{\"ca\":null,\"deriver\":null}}")));
    }
}
