package lib.release;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import lib.base.Fault;
import lib.base.Json;
import lib.nix.PublicKey;
import lib.nix.SigningKey;

/**
 * A signed statement: DSSE, the Dead Simple Signing Envelope 1.0, around an in-toto statement, in one line.
 *
 * @param payload    the statement's bytes
 * @param signatures of it, in their order
 * @see <a href="https://github.com/secure-systems-lab/dsse/blob/v1.0.0/envelope.md">envelope.md</a>
 */
public record Envelope(byte[] payload, List<Signed> signatures) {

    /** By whom, as they call themselves, and the 64 bytes. */
    public record Signed(String keyid, byte[] signature) {
    }

    private static final String TYPE = "application/vnd.in-toto+json";

    /** A statement, signed with this key: the same bytes each time. */
    public static Envelope of(byte[] statement, SigningKey key) {
        return new Envelope(statement, List.of(new Signed(PublicKey.of(key.publicKey()).name(), key.sign(preAuthenticated(statement)))));
    }

    /** From its JSON. Throws IllegalArgumentException with a sentence that goes on from the file's name. */
    public static Envelope parse(byte[] json) {
        try {
            ObjectNode top = Json.object(json, "it");
            if (!top.path("payloadType").asText().equals(TYPE)) {
                throw new IllegalArgumentException("is not an envelope around an in-toto statement");
            }
            List<Signed> signatures = new ArrayList<>();
            for (JsonNode signature : top.path("signatures")) {
                signatures.add(new Signed(signature.path("keyid").asText(), Base64.getDecoder().decode(signature.path("sig").asText())));
            }
            return new Envelope(Base64.getDecoder().decode(top.path("payload").asText()), signatures);
        } catch (Fault fault) {
            throw new IllegalArgumentException("is not an envelope: " + String.join("; ", fault.why()), fault);
        }
    }

    public byte[] json() {
        ObjectNode top = Json.MAPPER.createObjectNode().put("payload", Base64.getEncoder().encodeToString(payload)).put("payloadType", TYPE);
        var all = top.putArray("signatures");
        signatures.forEach(one -> all.addObject().put("keyid", one.keyid()).put("sig", Base64.getEncoder().encodeToString(one.signature())));
        return (top + "\n").getBytes(StandardCharsets.UTF_8);
    }

    /** Why nobody who trusts this key would take it; empty when they would. The names that signatures go by count for nothing. */
    public Optional<String> refuse(PublicKey key) {
        byte[] signed = preAuthenticated(payload);
        return signatures.stream().anyMatch(one -> key.verifies(signed, one.signature())) ? Optional.empty()
                : Optional.of("has no valid signature by " + key.name() + ", but " + signatures.stream().map(Signed::keyid).toList());
    }

    // PAE of protocol.md: each with its length in bytes.
    private static byte[] preAuthenticated(byte[] payload) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes(("DSSEv1 " + TYPE.length() + " " + TYPE + " " + payload.length + " ").getBytes(StandardCharsets.UTF_8));
        out.writeBytes(payload);
        return out.toByteArray();
    }
}
