package lib.proof;

import java.time.Duration;
import java.time.Instant;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.function.Predicate;
import lib.base.Console;
import lib.base.FileTree;
import lib.base.Measured;
import lib.base.Progress;
import lib.proof.Fetcher.NotThere;
import lib.release.BuiltRelease.BuiltFile;

/**
 * Files of release/ where they were published, by their digests.
 *
 * @param told which of them need not be fetched: the store says that it has their bytes
 */
record FilesProof(Fetching fetcher, Console console, Predicate<Map.Entry<String, BuiltFile>> told) {

    // What stands in a file's place is read to its end, for its digest, where that is not much more.
    private static final long SLACK = 8 << 20;
    /** Bytes. Up to here a file is taken in one piece. */
    private static final int PIECE = 1 << 18;

    /** By what follows the prefix in the key. {@code deadline}: until when a cache on the way may show what was there before. */
    void prove(String what, String role, String prefix, SortedMap<String, BuiltFile> files, Instant deadline, Findings findings) {
        Progress progress = new Progress(console, what, files.size(), files.values().stream().mapToLong(BuiltFile::size).sum());
        findings.each(files.entrySet(), entry -> {
            String key = prefix + entry.getKey();
            (told.test(entry) ? Optional.<String>empty() : prove(role, key, entry.getValue(), deadline))
                    .ifPresentOrElse(sentence -> findings.failure(fetcher.name(role, key) + ": " + sentence), findings::proved);
            progress.add(entry.getValue().size());
        });
    }

    private Optional<String> prove(String role, String key, BuiltFile file, Instant deadline) {
        Optional<String> failure = compare(fetcher, role, key, file);
        Optional<Fetching> behind = failure.isPresent() ? fetcher.behind(role) : Optional.empty();
        boolean late = behind.isPresent() && compare(behind.get(), role, key, file).isEmpty();
        // Where nothing tells whether a cache on the way is late, what may change is taken to be.
        while (failure.isPresent() && (late || behind.isEmpty() && Instant.now().isBefore(deadline)) && fetcher.waited(Duration.ZERO)) {
            failure = compare(fetcher, role, key, file);
        }
        return failure.map(sentence -> late && !sentence.contains(Fetching.LATE) ? sentence + "; " + Fetching.LATE : sentence);
    }

    private static Optional<String> compare(Fetching from, String role, String key, BuiltFile file) {
        try {
            byte[] piece = file.size() > PIECE ? new byte[0] : from.first((int) file.size() + 1, role, key);
            if (piece.length == file.size() && HexFormat.of().formatHex(FileTree.digest("SHA-256").digest(piece)).equals(file.sha256())) {
                return Optional.empty();
            }
            return from.read(role, key, in -> {
                Measured actual = Measured.of(in, file.size() + SLACK);
                if (actual.size() > file.size() + SLACK) {
                    return Optional.of("has more than " + (file.size() + SLACK) + " bytes, expected " + file.sha256() + " and " + file.size());
                }
                String sha256 = actual.hex();
                return actual.size() == file.size() && sha256.equals(file.sha256()) ? Optional.empty()
                        : Optional.of("has sha256 " + sha256 + " and " + actual.size() + " bytes, expected " + file.sha256() + " and " + file.size());
            });
        } catch (NotThere e) {
            return Optional.of("is missing (" + e.getMessage() + "), expected " + file.sha256());
        }
    }
}
