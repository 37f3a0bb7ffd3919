package lib.http;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URI;
import java.util.Map;
import java.util.Optional;
import org.apache.hc.client5.http.auth.AuthScope;
import org.apache.hc.client5.http.auth.UsernamePasswordCredentials;
import org.apache.hc.client5.http.classic.methods.HttpUriRequestBase;
import org.apache.hc.client5.http.impl.auth.BasicAuthCache;
import org.apache.hc.client5.http.impl.auth.BasicScheme;
import org.apache.hc.client5.http.impl.auth.CredentialsProviderBuilder;
import org.apache.hc.client5.http.protocol.HttpClientContext;
import org.apache.hc.core5.http.ClassicHttpResponse;
import org.apache.hc.core5.http.io.entity.AbstractHttpEntity;
import org.apache.hc.core5.http.protocol.HttpContext;

/** A request on its way, and what became of it. Sent by one thread, watched by another. */
final class Exchange {

    private static final String NAME = Exchange.class.getName();

    final HttpUriRequestBase request;
    private volatile long moved = System.nanoTime();
    private volatile boolean writing;
    private volatile boolean stalled;
    private boolean reused;
    private boolean answered;
    private boolean early;
    private long asked;
    private long waited;

    Exchange(String method, URI address, Map<String, String> headers, Body body) {
        request = new HttpUriRequestBase(method, address);
        headers.forEach(request::addHeader);
        if (body.length > 0) {
            request.setEntity(entity(body));
        }
    }

    private AbstractHttpEntity entity(Body body) {
        return new AbstractHttpEntity((String) null, null) {
            @Override
            public long getContentLength() {
                return body.length;
            }

            @Override
            public boolean isStreaming() {
                return true;
            }

            @Override
            public InputStream getContent() {
                throw new UnsupportedOperationException("bytes are pushed");
            }

            @Override
            public void writeTo(OutputStream out) throws IOException {
                body.pass(new byte[(int) Math.min(body.length, 1 << 16)], 0, (bytes, offset, length) -> {
                    asked = System.nanoTime(); // before: who is not let run after it must not take the way for shorter than it is
                    out.write(bytes, offset, length);
                    moved = System.nanoTime();
                });
            }

            @Override
            public void close() {
                // what it is of is closed by whoever opened it
            }
        };
    }

    HttpClientContext context(Optional<Network.Proxy> proxy) {
        HttpClientContext context = HttpClientContext.create();
        context.setAttribute(NAME, this);
        proxy.filter(by -> by.user().isPresent()).ifPresent(by -> {
            UsernamePasswordCredentials credentials = new UsernamePasswordCredentials(by.user().get(), by.password().toCharArray());
            context.setCredentialsProvider(CredentialsProviderBuilder.create().add(new AuthScope(by.host()), credentials).build());
            BasicScheme known = new BasicScheme();
            known.initPreemptive(credentials);
            BasicAuthCache cache = new BasicAuthCache();
            cache.put(by.host(), known); // at once: a body that comes once cannot be sent again after a 407
            context.setAuthCache(cache);
        });
        return context;
    }

    static Exchange of(HttpContext context) {
        return (Exchange) context.getAttribute(NAME);
    }

    void begins(boolean onUsedConnection) {
        reused = onUsedConnection;
        answered = false;
        early = false;
        asked = System.nanoTime();
        moved = asked;
        writing = true;
    }

    void isSent() {
        writing = false;
    }

    void isAnswered(boolean beforeItsEnd) {
        waited = System.nanoTime() - asked;
        answered = true;
        early = beforeItsEnd;
    }

    /** For a thread that watches: nothing of it was taken since that time, in System.nanoTime(). */
    void cancelIfStalled(long since) {
        if (writing && moved - since < 0 && !stalled) {
            stalled = true;
            request.cancel();
        }
    }

    /** Ends the connection where the answer was not read to its end: to close it would first read what is left. */
    void end(ClassicHttpResponse response) {
        request.cancel();
        try {
            response.close();
        } catch (IOException e) {
            // of no use any more
        }
    }

    boolean stalled() {
        return stalled;
    }

    /** Whether the connection had answered another request before. */
    boolean reused() {
        return reused;
    }

    boolean answered() {
        return answered;
    }

    /** Whether the answer came before all of the request was sent. */
    boolean early() {
        return early;
    }

    /** Nanoseconds from handing over the last bytes of the request to the head of the answer. */
    long waited() {
        return waited;
    }
}
