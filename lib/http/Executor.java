package lib.http;

import java.io.IOException;
import java.net.SocketException;
import org.apache.hc.client5.http.io.ManagedHttpClientConnection;
import org.apache.hc.core5.http.ClassicHttpRequest;
import org.apache.hc.core5.http.ClassicHttpResponse;
import org.apache.hc.core5.http.HttpException;
import org.apache.hc.core5.http.HttpHeaders;
import org.apache.hc.core5.http.HttpRequest;
import org.apache.hc.core5.http.HttpResponse;
import org.apache.hc.core5.http.ProtocolException;
import org.apache.hc.core5.http.impl.DefaultConnectionReuseStrategy;
import org.apache.hc.core5.http.impl.io.HttpRequestExecutor;
import org.apache.hc.core5.http.io.HttpClientConnection;
import org.apache.hc.core5.http.io.HttpResponseInformationCallback;
import org.apache.hc.core5.http.message.MessageSupport;
import org.apache.hc.core5.http.protocol.HttpContext;
import org.apache.hc.core5.http.protocol.HttpCoreContext;
import org.apache.hc.core5.io.CloseMode;
import org.apache.hc.core5.util.Timeout;

/**
 * The library's, but for what it does not do: whoever refuses a request before its end is understood, answers that
 * only announce others come to an end, and bytes that nobody asked for are not the next answer.
 */
final class Executor extends HttpRequestExecutor {

    private static final int MOST_INTERIM = 10;

    @Override
    public ClassicHttpResponse execute(ClassicHttpRequest request, HttpClientConnection connection, HttpResponseInformationCallback callback,
                                       HttpContext context) throws IOException, HttpException {
        Exchange exchange = Exchange.of(context);
        HttpCoreContext core = HttpCoreContext.castOrCreate(context);
        core.setSSLSession(connection.getSSLSession());
        core.setEndpointDetails(connection.getEndpointDetails());
        exchange.begins(connection.getEndpointDetails() != null && connection.getEndpointDetails().getRequestCount() > 0);
        try {
            if (exchange.reused() && connection instanceof ManagedHttpClientConnection kept && kept.getSocket().getInputStream().available() > 0) {
                throw new SocketException("bytes that nobody asked for");
            }
            ClassicHttpResponse response = send(request, connection, exchange);
            if (MessageSupport.canResponseHaveBody(request.getMethod(), response)) {
                connection.receiveResponseEntity(response);
            }
            return response;
        } catch (IOException | HttpException | RuntimeException e) {
            // Not gracefully: TLS would wait for a peer that does not read.
            connection.close(CloseMode.IMMEDIATE);
            throw e;
        }
    }

    private static ClassicHttpResponse send(ClassicHttpRequest request, HttpClientConnection connection, Exchange exchange) throws IOException, HttpException {
        try {
            connection.sendRequestHeader(request);
            if (request.getEntity() != null) {
                connection.sendRequestEntity(request);
            }
            connection.flush();
            exchange.isSent();
        } catch (IOException e) {
            // A server that refuses does not wait for the body: its answer says more than the broken pipe.
            exchange.isSent();
            if (exchange.stalled()) {
                throw e;
            }
            try {
                connection.setSocketTimeout(Timeout.ofSeconds(1));
                ClassicHttpResponse response = head(connection);
                exchange.isAnswered(true);
                return response;
            } catch (IOException | HttpException nothingSaid) {
                throw e;
            }
        }
        ClassicHttpResponse response = head(connection);
        exchange.isAnswered(false);
        return response;
    }

    private static ClassicHttpResponse head(HttpClientConnection connection) throws IOException, HttpException {
        for (int interim = 0; interim <= MOST_INTERIM; interim++) {
            ClassicHttpResponse response = connection.receiveResponseHeader();
            if (response.getCode() >= 200) {
                return response;
            }
            if (response.getCode() == 101) {
                break;
            }
        }
        throw new ProtocolException("it only announces answers");
    }

    /** Whether the connection is of use for the next request. */
    static boolean isReusable(HttpRequest request, HttpResponse response, HttpContext context) {
        boolean twoLengths = response.containsHeader(HttpHeaders.TRANSFER_ENCODING) && response.containsHeader(HttpHeaders.CONTENT_LENGTH);
        return !Exchange.of(context).early() && !twoLengths && DefaultConnectionReuseStrategy.INSTANCE.keepAlive(request, response, context);
    }
}
