package lib.publish;

import com.samskivert.mustache.DefaultCollector;
import com.samskivert.mustache.Mustache;
import java.io.IOException;
import java.io.InputStream;
import java.io.Reader;
import java.io.StringReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.LocalDate;
import java.time.format.DateTimeFormatter;
import java.util.Iterator;
import java.util.Locale;
import java.util.Optional;
import lib.proof.Fetcher;

/**
 * The pages for those who look at releases, made of the templates in {@code pages/}, in Mustache: no page runs a script, asks
 * for anything but itself, or takes a value for HTML. A page is a view of what is published: any run may make it anew.
 */
final class Pages {

    static final String INDEX = "index.html";

    private static final Mustache.Compiler MUSTACHE = Mustache.compiler().strictSections(true).withLoader(Pages::template).withCollector(new DefaultCollector() {
        @Override
        public Iterator<?> toIterator(Object value) {
            return value instanceof Optional<?> optional ? optional.stream().iterator() : super.toIterator(value);
        }
    });
    private static final DateTimeFormatter DAY = DateTimeFormatter.ofPattern("d MMMM yyyy", Locale.ENGLISH);

    private Pages() {
    }

    /** A day for programs and for people. */
    record Day(String iso, String spoken) {
        Day(LocalDate date) {
            this(date.toString(), DAY.format(date));
        }
    }

    /** Where something else is, and what people call it. */
    record Link(String href, String what) {
    }

    /** A template, filled in with the components of a record. */
    static String fill(String template, Record values) {
        try (Reader reader = template(template)) {
            return MUSTACHE.compile(reader).execute(values);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A path below the page's own folder as a link, whatever characters are in it. */
    static String relative(String path) {
        return Fetcher.address(".", path).substring("./".length());
    }

    private static Reader template(String name) throws IOException {
        try (InputStream in = Pages.class.getResourceAsStream("/pages/" + name)) {
            if (in == null) {
                throw new IllegalStateException("the calling script lacks //FILES pages/" + name + "=lib/publish/pages/" + name);
            }
            return new StringReader(new String(in.readAllBytes(), StandardCharsets.UTF_8));
        }
    }
}
