package lib.base;

import java.net.InetAddress;
import java.net.UnknownHostException;

/** What a host's name says by itself. */
public final class Hosts {

    private Hosts() {
    }

    /** Whether a host is this machine, whatever a name server says: what a name resolves to can change. */
    public static boolean isLoopback(String host) {
        if (host.equals("localhost")) {
            return true;
        }
        try {
            return host.matches("[0-9.]+|\\[[0-9a-fA-F:]+]") && InetAddress.getByName(host).isLoopbackAddress();
        } catch (UnknownHostException e) {
            return false;
        }
    }
}
