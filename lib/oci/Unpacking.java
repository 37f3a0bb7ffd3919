package lib.oci;

import com.github.luben.zstd.ZstdInputStreamNoFinalizer;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.regex.Pattern;
import org.apache.commons.compress.compressors.gzip.GzipCompressorInputStream;
import org.apache.commons.io.input.ProxyInputStream;

/** Plain bytes of an archive and of the files in it, as long as there are not too many of them. For one reading. */
final class Unpacking {

    /** An archive may always unpack to so many bytes, and to a hundred times its own. */
    private static final long ALWAYS = 16L << 30;
    private static final int TIMES = 100;
    private static final Map<String, Pattern> MAGIC = Map.of("gzip", Pattern.compile("\u001f\u008b"), "zstd", Pattern.compile("\u0028\u00b5\u002f\u00fd", Pattern.LITERAL),
            "bzip2", Pattern.compile("BZh[1-9](1AY&SY|\u0017rE8P\u0090)"), "xz", Pattern.compile("\u00fd7zXZ\0", Pattern.LITERAL));
    private static final int LARGEST_GZIP_HEADER = 1 << 17;

    private final long most;
    private long left;

    /** {@code most}: bytes, those of files in the archive counted once more. */
    Unpacking(long most) {
        this.most = most;
        this.left = most;
    }

    Unpacking(Path archive) throws IOException {
        this(Math.max(ALWAYS, Math.multiplyExact(TIMES, Files.size(archive))));
    }

    /** The plain bytes of an archive; the file is closed with them. */
    InputStream open(Path archive) throws IOException {
        InputStream file = Files.newInputStream(archive);
        try {
            BufferedInputStream in = new BufferedInputStream(file, 1 << 16);
            return plain(in, compression(in));
        } catch (IOException | IllegalArgumentException e) {
            file.close();
            throw e;
        }
    }

    /** gzip (RFC 1952), zstd (RFC 8878), bzip2, xz or none, as the first bytes say; none of them is taken. */
    static String compression(InputStream in) throws IOException {
        in.mark(10);
        String magic = new String(in.readNBytes(10), StandardCharsets.ISO_8859_1);
        in.reset();
        return MAGIC.entrySet().stream().filter(known -> known.getValue().matcher(magic).lookingAt()).map(Map.Entry::getKey).findFirst().orElse("none");
    }

    /** What a file unpacks to. What once could not be read cannot be read again. */
    InputStream plain(InputStream in, String compression) throws IOException {
        return new Counted(switch (compression) {
            case "gzip" -> GzipCompressorInputStream.builder().setInputStream(new GzipHeaders(in)).setDecompressConcatenated(true).get();
            // Without a finalizer: one closes what is read from as soon as the collector finds nobody needs the decompressor.
            case "zstd" -> new ZstdInputStreamNoFinalizer(in);
            case "none" -> in;
            default -> throw new IOException("it is compressed with " + compression + ", and registries take gzip and zstd");
        });
    }

    /** Throws IOException where so many bytes more would be too many. */
    void require(long bytes) throws IOException {
        if (bytes > left) {
            throw new IOException("it unpacks to more than " + most + " bytes");
        }
    }

    private final class Counted extends ProxyInputStream {
        private IOException failure;

        Counted(InputStream in) {
            super(in);
        }

        @Override
        protected void beforeRead(int count) throws IOException {
            if (failure != null) {
                throw failure;
            }
        }

        @Override
        protected void afterRead(int count) throws IOException {
            require(count);
            left -= Math.max(0, count);
        }

        @Override
        protected void handleIOException(IOException e) throws IOException {
            failure = e;
            throw e;
        }
    }

    // The decompressor holds the name and the comment of a header in memory, which it reads byte by byte, and only those.
    private static final class GzipHeaders extends ProxyInputStream {
        private int single;

        GzipHeaders(InputStream in) {
            super(in);
        }

        @Override
        protected void beforeRead(int count) throws IOException {
            single = count == 1 ? single + 1 : 0;
            if (single > LARGEST_GZIP_HEADER) {
                throw new IOException("it has a gzip header of more than " + LARGEST_GZIP_HEADER + " bytes");
            }
        }
    }
}
