package lib.s3;

import java.io.ByteArrayInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.xml.stream.XMLInputFactory;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamReader;
import lib.http.Head;
import lib.http.Refusal;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.core.interceptor.Context;
import software.amazon.awssdk.core.interceptor.ExecutionAttributes;
import software.amazon.awssdk.core.interceptor.ExecutionInterceptor;
import software.amazon.awssdk.core.interceptor.SdkExecutionAttribute;
import software.amazon.awssdk.http.Abortable;

/**
 * What a store says in XML. The SDK takes any document for the one that was asked for, with nothing in it, and what
 * it does not know (entities, declarations) for nothing: a page that a proxy puts in an answer's place would be an
 * empty bucket. So it only gets to see what can be right.
 */
final class Documents implements ExecutionInterceptor {

    /** Bytes. A page of a listing has a thousand keys of a thousand bytes, and little more. */
    private static final int LARGEST = 16 << 20;
    private static final int DEEPEST = 20;
    private static final Map<String, Set<String>> ROOTS = Map.of("ListObjectsV2", Set.of("ListBucketResult"),
            "ListMultipartUploads", Set.of("ListMultipartUploadsResult"), "CreateMultipartUpload", Set.of("InitiateMultipartUploadResult"),
            "CompleteMultipartUpload", Set.of("CompleteMultipartUploadResult", "Error"), "DeleteObjects", Set.of("DeleteResult", "Error"));

    private static final Pattern ROOT = Pattern.compile("^(?:\u00ef\u00bb\u00bf)?\\s*(?:<\\?xml[^>]*>\\s*)?<([A-Za-z]+)[\\s/>]");
    // What no store has a reason to write: declarations, comments, instructions, entities of its own.
    private static final Pattern ODD = Pattern.compile("<!(?!\\[CDATA\\[)|<\\?(?!xml )|&(?!(?:amp|lt|gt|quot|apos|#\\d{1,7}|#x[0-9A-Fa-f]{1,6});)");

    private final String server;

    /** {@code server} is its address, for people. */
    Documents(String server) {
        this.server = server;
    }

    @Override
    public void beforeTransmission(Context.BeforeTransmission context, ExecutionAttributes attributes) {
        Head.require(server, context.httpRequest().headers());
    }

    @Override
    public Optional<InputStream> modifyHttpResponseContent(Context.ModifyHttpResponse context, ExecutionAttributes attributes) {
        if (context.responseBody().isEmpty()) {
            return context.responseBody();
        }
        byte[] document = read(context.responseBody().get());
        String text = new String(document, StandardCharsets.ISO_8859_1);
        if (!context.httpResponse().isSuccessful()) {
            // What it says is of use only where it can be read; the status is what counts.
            return Optional.of(new ByteArrayInputStream(plain(text) ? document : new byte[0]));
        }
        Set<String> roots = ROOTS.getOrDefault(attributes.getAttribute(SdkExecutionAttribute.OPERATION_NAME), Set.of());
        if (!roots.isEmpty() && cutOff(text)) {
            throw brokenOff(null);
        }
        if (!roots.isEmpty() && !(roots.contains(root(text)) && plain(text))) {
            throw SdkClientException.create("another document", unexpected(context.httpResponse().statusCode(), roots.iterator().next(), text));
        }
        return Optional.of(new ByteArrayInputStream(document));
    }

    private static byte[] read(InputStream body) {
        try {
            byte[] document = body.readNBytes(LARGEST + 1);
            if (document.length > LARGEST) {
                if (body instanceof Abortable endless) {
                    endless.abort();
                }
                throw SdkClientException.create("too long", new Refusal(200, "", "an answer of more than " + LARGEST + " bytes", Optional.empty()));
            }
            body.close();
            return document;
        } catch (IOException e) {
            throw brokenOff(e);
        }
    }

    private static SdkClientException brokenOff(IOException cause) {
        return SdkClientException.create("the answer was cut off", cause == null ? new EOFException() : cause);
    }

    /** What to throw for an answer of success that is something else than was asked for. */
    static Refusal unexpected(int status, String expected, String text) {
        String begin = text.substring(0, Math.min(80, text.length()));
        return new Refusal(status, "", "no " + expected + " as stores write it, but '" + Refusal.brief(begin) + "'", Optional.empty());
    }

    // Where a connection's end is an answer's end nothing else tells.
    private static boolean cutOff(String text) {
        String some = text.strip();
        return some.isEmpty() || some.startsWith("<") && !some.endsWith(">") || some.startsWith("<?") && some.indexOf('<', 1) < 0;
    }

    /** The name of a document's outermost element; empty for what is no XML. */
    static String root(String text) {
        Matcher root = ROOT.matcher(text);
        return root.find() ? root.group(1) : "";
    }

    /** Whether it is as stores write it. The SDK's parser calls itself for each element in another: without an end, to its own. */
    private static boolean plain(String text) {
        int depth = 0;
        for (int at = text.indexOf('<'); at >= 0 && at + 1 < text.length(); at = text.indexOf('<', at + 1)) {
            char next = text.charAt(at + 1);
            int end = text.indexOf('>', at);
            depth += next == '/' ? -1 : next == '?' || next == '!' || end > 0 && text.charAt(end - 1) == '/' ? 0 : 1;
            if (depth > DEEPEST) {
                return false;
            }
        }
        return !ODD.matcher(text).find();
    }

    /** What a store says with a status that is none of success: Error, with Code and Message (S3 API, error responses). */
    static Refusal refusal(int status, String text, Optional<String> retryAfter) {
        String code = "";
        String message = "";
        if (root(text).equals("Error") && plain(text)) {
            XMLInputFactory parsers = XMLInputFactory.newInstance();
            parsers.setProperty(XMLInputFactory.SUPPORT_DTD, false);
            try {
                XMLStreamReader error = parsers.createXMLStreamReader(new java.io.StringReader(text));
                while (error.hasNext() && (code.isEmpty() || message.isEmpty())) {
                    if (error.next() == XMLStreamReader.START_ELEMENT && error.getLocalName().equals("Code")) {
                        code = error.getElementText();
                    } else if (error.isStartElement() && error.getLocalName().equals("Message")) {
                        message = error.getElementText();
                    }
                }
            } catch (XMLStreamException e) {
                // cut off: what came before has to do
            }
        }
        return new Refusal(status, code, message, retryAfter);
    }
}
