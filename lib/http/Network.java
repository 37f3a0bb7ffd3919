package lib.http;

import java.io.IOException;
import java.io.InputStream;
import java.math.BigInteger;
import java.net.InetAddress;
import java.net.URI;
import java.net.URLDecoder;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;
import lib.base.Fault;
import lib.base.Hosts;
import lib.base.Variables;
import org.apache.hc.core5.http.HttpHost;

/**
 * The way from this machine to others, as the usual variables tell all programs: proxies ({@code HTTPS_PROXY},
 * {@code HTTP_PROXY}, {@code ALL_PROXY}, {@code NO_PROXY}, in either case), and whose certificates are trusted beside those
 * that Java trusts ({@code AWS_CA_BUNDLE}, {@code SSL_CERT_FILE}, the environment's key {@code ca}). This machine itself is
 * never asked through a proxy.
 */
public final class Network {

    /** What to do where a proxy answers 407. */
    public static final String LOGIN = "the proxy wants a login, or another one: set HTTPS_PROXY to http://USER:PASSWORD@HOST:PORT, and run again";

    /** No proxy, and what Java trusts. */
    public static final Network PLAIN = new Network(Map.of(), Map.of());

    /**
     * A proxy.
     *
     * @param user     empty where it wants none
     * @param password empty, too
     */
    public record Proxy(HttpHost host, Optional<String> user, String password) {

        @Override
        public String toString() {
            return host.toString();
        }
    }

    private final Map<String, String> env;
    /** By what names them. */
    private final Map<String, Path> authorities;
    private TrustManager[] trusted;

    private Network(Map<String, String> env, Map<String, Path> authorities) {
        this.env = env;
        this.authorities = authorities;
    }

    /** {@code ca} is the environment's own file of authorities. */
    public static Network of(Map<String, String> env, Optional<Path> ca) {
        Map<String, Path> authorities = new java.util.LinkedHashMap<>();
        Variables.set(env, "AWS_CA_BUNDLE").ifPresent(file -> authorities.put("AWS_CA_BUNDLE", Path.of(file)));
        // A shell for building with Nix sets it to a file that is not there.
        Variables.set(env, "SSL_CERT_FILE").map(Path::of).filter(Files::exists).ifPresent(file -> authorities.put("SSL_CERT_FILE", file));
        ca.ifPresent(file -> authorities.put("the environment's key 'ca'", file));
        return new Network(Map.copyOf(env), authorities);
    }

    /** The proxy that requests to an address go through. Throws Fault (usage) for one that cannot be understood. */
    public Optional<Proxy> proxy(URI address) {
        if (address.getHost() == null || Hosts.isLoopback(address.getHost()) || isExempt(address)) {
            return Optional.empty();
        }
        String scheme = address.getScheme().toLowerCase(Locale.ROOT) + "_proxy";
        return List.of(scheme, scheme.toUpperCase(Locale.ROOT), "all_proxy", "ALL_PROXY").stream()
                .flatMap(name -> Variables.set(env, name).map(text -> read(name, text)).stream()).findFirst();
    }

    private static Proxy read(String name, String text) {
        Fault unclear = Fault.usage(name + " is not the address of a proxy", "it must be http://HOST:PORT, or http://USER:PASSWORD@HOST:PORT",
                "set it to one, or unset it");
        try {
            URI uri = new URI(text.contains("://") ? text : "http://" + text);
            if (uri.getHost() == null || !uri.getScheme().equals("http") && !uri.getScheme().equals("https")) {
                throw unclear;
            }
            int port = uri.getPort() >= 0 ? uri.getPort() : uri.getScheme().equals("https") ? 443 : 80;
            Optional<String> login = Optional.ofNullable(uri.getRawUserInfo());
            String password = login.filter(both -> both.contains(":")).map(both -> decoded(both.substring(both.indexOf(':') + 1))).orElse("");
            return new Proxy(new HttpHost(uri.getScheme(), uri.getHost(), port), login.map(both -> decoded(both.replaceFirst(":.*", ""))), password);
        } catch (java.net.URISyntaxException | IllegalArgumentException e) {
            throw unclear;
        }
    }

    private static String decoded(String text) {
        return URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
    }

    // As curl and Go read it: names with all below them, addresses, nets, each with a port or without; * for all.
    private boolean isExempt(URI address) {
        String host = address.getHost().toLowerCase(Locale.ROOT).replaceAll("[\\[\\]]", "");
        int port = address.getPort() >= 0 ? address.getPort() : address.getScheme().equalsIgnoreCase("https") ? 443 : 80;
        String list = Variables.set(env, "no_proxy").or(() -> Variables.set(env, "NO_PROXY")).orElse("");
        for (String entry : list.toLowerCase(Locale.ROOT).split("[,\\s]+")) {
            String name = entry.replaceFirst("^\\*?\\.", "");
            if (name.matches("\\[.*\\](:\\d+)?|[^:]+:\\d+")) {
                if (name.matches(".*:\\d+$") && !name.endsWith("]") && !name.endsWith(":" + port)) {
                    continue;
                }
                name = name.replaceFirst(":\\d+$", "").replaceAll("[\\[\\]]", "");
            }
            if (name.equals("*") || !name.isEmpty() && (host.equals(name) || host.endsWith("." + name) || isWithin(host, name))) {
                return true;
            }
        }
        return false;
    }

    private static boolean isWithin(String host, String net) {
        int slash = net.indexOf('/');
        if (slash < 0 || !host.matches("[0-9.]+|[0-9a-f:.]*:[0-9a-f:.]*") || !net.matches("[0-9a-f.:]+/\\d{1,3}")) {
            return false;
        }
        try {
            byte[] one = InetAddress.getByName(host).getAddress();
            byte[] other = InetAddress.getByName(net.substring(0, slash)).getAddress();
            int drop = one.length * 8 - Integer.parseInt(net.substring(slash + 1));
            return one.length == other.length && drop >= 0 && new BigInteger(1, one).shiftRight(drop).equals(new BigInteger(1, other).shiftRight(drop));
        } catch (UnknownHostException e) {
            return false;
        }
    }

    /** For TLS connections. Throws Fault (usage) for a file of authorities that cannot be read. */
    public SSLContext tls() {
        try {
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(null, trusted(), null);
            return context;
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Those who decide whose certificates are trusted. */
    public synchronized TrustManager[] trusted() {
        try {
            if (trusted == null) {
                trusted = managers(null);
                if (!authorities.isEmpty()) {
                    trusted = managers(all(((X509TrustManager) trusted[0]).getAcceptedIssuers()));
                }
            }
            return trusted.clone();
        } catch (GeneralSecurityException | IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private static TrustManager[] managers(KeyStore store) throws GeneralSecurityException {
        TrustManagerFactory factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        factory.init(store);
        return factory.getTrustManagers();
    }

    private KeyStore all(X509Certificate[] known) throws GeneralSecurityException, IOException {
        List<Certificate> certificates = new ArrayList<>(List.of(known));
        authorities.forEach((name, file) -> certificates.addAll(read(name, file)));
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        for (Certificate certificate : certificates) {
            store.setCertificateEntry("authority " + store.size(), certificate);
        }
        return store;
    }

    private static Collection<? extends Certificate> read(String name, Path file) {
        String next = "name a file of certificates in PEM, or unset it";
        try (InputStream in = Files.newInputStream(file)) {
            Collection<? extends Certificate> found = CertificateFactory.getInstance("X.509").generateCertificates(in);
            if (found.isEmpty()) {
                throw Fault.usage("there are no authorities in " + file, name + " names it, and it has no certificate", next);
            }
            return found;
        } catch (IOException | GeneralSecurityException e) {
            throw Fault.usage("the authorities in " + file + " cannot be read", name + " names it: " + e.getMessage(), next).from(e);
        }
    }
}
