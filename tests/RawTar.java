import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** A tar made header by header: for those that no library writes. */
final class RawTar {

    /** How a header begins what stands behind the link's name: which tar wrote it. */
    static final String V7 = "";
    static final String USTAR = "ustar\00000";
    static final String GNU = "ustar  \0";

    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    /** A header's 512 bytes; {@code size} is the field as it stands, of up to 12 bytes. */
    static byte[] header(String name, char type, byte[] size, String link, String magic) {
        byte[] header = new byte[512];
        put(header, 0, name);
        put(header, 100, "0000644\0");
        put(header, 108, "0000000\0");
        put(header, 116, "0000000\0");
        System.arraycopy(size, 0, header, 124, size.length);
        put(header, 136, "00000000000\0");
        header[156] = (byte) type;
        put(header, 157, link);
        put(header, 257, magic);
        return summed(header);
    }

    /** With the checksum it should have. */
    static byte[] summed(byte[] header) {
        put(header, 148, "        ");
        int sum = 0;
        for (byte b : header) {
            sum += b & 0xff;
        }
        put(header, 148, String.format("%06o\0 ", sum));
        return header;
    }

    static byte[] octal(long size) {
        return String.format("%011o\0", size).getBytes(StandardCharsets.ISO_8859_1);
    }

    /** A number as GNU tar writes those that are too large for octal digits. */
    static byte[] binary(int... last) {
        byte[] field = new byte[12];
        field[0] = (byte) 0x80;
        for (int i = 0; i < last.length; i++) {
            field[12 - last.length + i] |= (byte) last[i];
        }
        return field;
    }

    static void put(byte[] header, int at, String text) {
        byte[] put = text.getBytes(StandardCharsets.ISO_8859_1);
        System.arraycopy(put, 0, header, at, put.length);
    }

    RawTar raw(byte[] some) {
        bytes.writeBytes(some);
        return this;
    }

    RawTar content(byte[] content) {
        return raw(content).raw(new byte[-content.length & 511]);
    }

    RawTar entry(String name, char type, byte[] content) {
        return raw(header(name, type, octal(content.length), "", USTAR)).content(content);
    }

    RawTar file(String name, byte[] content) {
        return entry(name, '0', content);
    }

    /** An extended header of records such as {@code path=name}; a byte a character. */
    RawTar pax(String... records) {
        return pax('x', records);
    }

    RawTar pax(char type, String... records) {
        StringBuilder all = new StringBuilder();
        Arrays.stream(records).forEach(record -> all.append(record(record)));
        return entry("pax", type, all.toString().getBytes(StandardCharsets.ISO_8859_1));
    }

    /** With its own length in front, which counts itself. */
    static String record(String record) {
        int length = record.length() + 2;
        while (String.valueOf(length).length() + record.length() + 2 != length) {
            length = String.valueOf(length).length() + record.length() + 2;
        }
        return length + " " + record + "\n";
    }

    byte[] unended() {
        return bytes.toByteArray();
    }

    byte[] end() {
        return raw(new byte[1024]).unended();
    }
}
