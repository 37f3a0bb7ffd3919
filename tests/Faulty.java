import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;

/** Answers as decided for each request, in words, or passes it on to a real server. */
final class Faulty implements Closeable {
    record Seen(String method, String head, long length) {
    }

    interface Decision {
        String on(Seen request, int count);
    }

    final List<Seen> requests = new CopyOnWriteArrayList<>();
    volatile String otherwise;
    volatile Runnable answered = () -> { };
    private final ServerSocket listening = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    private final URI server;
    private final Decision decision;
    private final AtomicInteger count = new AtomicInteger();

    Faulty(URI server, Decision decision) throws IOException {
        this.server = server;
        this.decision = decision;
        daemon(() -> {
            while (true) {
                Socket client = listening.accept();
                daemon(() -> serve(client));
            }
        });
    }

    URI endpoint() {
        return URI.create("http://127.0.0.1:" + listening.getLocalPort());
    }

    /** A decision: an answer of success with this document. */
    static String document(String xml) {
        return "raw HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nContent-Length: " + xml.getBytes(StandardCharsets.ISO_8859_1).length + "\r\n\r\n" + xml;
    }

    long partBytes() {
        return requests.stream().filter(request -> request.head().contains("partNumber=")).mapToLong(Seen::length).sum();
    }

    @Override
    public void close() throws IOException {
        listening.close();
    }

    private void serve(Socket client) throws IOException {
        try (client) {
            InputStream in = new java.io.BufferedInputStream(client.getInputStream(), 1 << 16);
            while (one(client, in)) {
                continue;
            }
        }
    }

    private boolean one(Socket client, InputStream in) throws IOException {
        StringBuilder text = new StringBuilder();
        while (text.indexOf("\r\n\r\n") < 0) {
            int c = in.read();
            if (c < 0) {
                return false;
            }
            text.append((char) c);
        }
        String head = text.toString();
        var matcher = java.util.regex.Pattern.compile("(?im)^content-length: *(\\d+)").matcher(head);
        Seen seen = new Seen(head.substring(0, head.indexOf(' ')), head, matcher.find() ? Long.parseLong(matcher.group(1)) : 0);
        requests.add(seen);
        String what = seen.method().equals("DELETE") && otherwise != null ? otherwise : decision.on(seen, count.incrementAndGet());
        OutputStream out = client.getOutputStream();
        switch (what) {
            case "reset early" -> {
                client.setSoLinger(true, 0);
                return false;
            }
            case "stall" -> {
                in.skipNBytes(seen.length());
                in.read(); // nothing, until the client gives up
                return false;
            }
            case "forward", "truncate" -> {
                forward(in, seen, out, what.equals("truncate"));
                return false;
            }
            default -> {
                if (what.equals("403") && seen.length() > 0) {
                    // Refuses without reading, as real servers do.
                    out.write("HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n".getBytes());
                    out.flush();
                    client.shutdownOutput();
                    in.transferTo(OutputStream.nullOutputStream());
                    return false;
                }
                in.skipNBytes(seen.length());
                if (what.equals("reset")) {
                    client.setSoLinger(true, 0);
                    return false;
                }
                out.write((what.startsWith("raw ") ? what.substring(4) : answer(what, seen)).getBytes(StandardCharsets.ISO_8859_1));
                return true;
            }
        }
    }

    private static String answer(String what, Seen seen) {
        if (what.equals("s3")) {
            String xml = seen.head().startsWith("POST") ? seen.head().contains("uploadId=")
                    ? "<CompleteMultipartUploadResult><ETag>x</ETag></CompleteMultipartUploadResult>"
                    : "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>"
                    : seen.method().equals("GET") ? "<ListMultipartUploadsResult><IsTruncated>false</IsTruncated></ListMultipartUploadsResult>" : "";
            return "HTTP/1.1 200 OK\r\nETag: \"x\"\r\nContent-Length: " + xml.length() + "\r\n\r\n" + xml;
        }
        String[] words = what.split(" ", 2);
        return "HTTP/1.1 " + words[0].replaceFirst("^(\\d+)", "$1 Answer") + (words.length > 1 && !what.contains("\r") ? "\r\nRetry-After: " + words[1]
                : words.length > 1 ? " " + words[1] : "") + (what.contains("Content-Length") ? "" : "\r\nContent-Length: 0") + "\r\n\r\n";
    }

    private void forward(InputStream in, Seen seen, OutputStream out, boolean truncate) throws IOException {
        try (Socket upstream = new Socket(server.getHost(), server.getPort())) {
            upstream.getOutputStream().write(seen.head().replaceFirst("\r\n", "\r\nConnection: close\r\n").getBytes(StandardCharsets.ISO_8859_1));
            byte[] buffer = new byte[1 << 16];
            for (long left = seen.length(); left > 0; ) {
                int read = in.read(buffer, 0, (int) Math.min(buffer.length, left));
                upstream.getOutputStream().write(buffer, 0, read);
                left -= read;
            }
            if (truncate) {
                // Half of what there is: of the head, or of the body where that is long.
                byte[] all = upstream.getInputStream().readAllBytes();
                out.write(all, 0, all.length / 2);
            } else {
                answered.run();
                upstream.getInputStream().transferTo(out);
            }
        }
    }

    private interface Work {
        void run() throws IOException;
    }

    private static void daemon(Work work) {
        Thread thread = new Thread(() -> {
            try {
                work.run();
            } catch (IOException e) {
                // the other side has closed
            }
        }, "faulty");
        thread.setDaemon(true);
        thread.start();
    }
}
