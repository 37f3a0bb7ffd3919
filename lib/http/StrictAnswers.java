package lib.http;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import org.apache.hc.core5.http.ClassicHttpResponse;
import org.apache.hc.core5.http.ConnectionClosedException;
import org.apache.hc.core5.http.HttpException;
import org.apache.hc.core5.http.config.Http1Config;
import org.apache.hc.core5.http.impl.io.DefaultHttpResponseParserFactory;
import org.apache.hc.core5.http.io.HttpMessageParser;
import org.apache.hc.core5.http.io.HttpMessageParserFactory;
import org.apache.hc.core5.http.io.SessionInputBuffer;
import org.apache.hc.core5.http.message.BasicLineParser;

/**
 * Heads of answers as RFC 9112 has them: the library takes one that breaks off for a whole one with fewer headers, and
 * what came behind the last answer for the next.
 */
final class StrictAnswers implements HttpMessageParserFactory<ClassicHttpResponse> {

    // A head has an end, and so have its lines.
    private static final Http1Config BOUNDS = Http1Config.custom().setMaxLineLength(1 << 16).setMaxHeaderCount(200).build();
    private static final DefaultHttpResponseParserFactory LENIENT = new DefaultHttpResponseParserFactory(BOUNDS, BasicLineParser.INSTANCE, null);

    @Override
    public HttpMessageParser<ClassicHttpResponse> create() {
        HttpMessageParser<ClassicHttpResponse> parser = LENIENT.create();
        return new HttpMessageParser<>() {
            private boolean announced; // by an answer that only says that another one is coming

            @Override
            public ClassicHttpResponse parse(SessionInputBuffer buffer, InputStream in) throws IOException, HttpException {
                if (buffer.length() > 0 && !announced) {
                    throw new ConnectionClosedException("there were bytes that nobody asked for");
                }
                ClassicHttpResponse answer = parser.parse(buffer, whole(in));
                announced = answer != null && answer.getCode() < 200;
                return answer;
            }
        };
    }

    private static InputStream whole(InputStream in) {
        return new FilterInputStream(in) {
            @Override
            public int read(byte[] bytes, int offset, int length) throws IOException {
                int read = super.read(bytes, offset, length);
                if (read < 0) {
                    throw new ConnectionClosedException("the answer was cut off, or there was none");
                }
                return read;
            }
        };
    }

    @Override
    @Deprecated
    public HttpMessageParser<ClassicHttpResponse> create(Http1Config config) {
        return create();
    }
}
