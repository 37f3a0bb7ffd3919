package lib.publish;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Collection;
import java.util.Optional;
import lib.base.Json;
import lib.release.BuiltRelease;

/** A status as one JSON document. Its keys are the README's: each is always there, and null or empty where there is nothing to say. */
final class StatusJson {

    private StatusJson() {
    }

    static ObjectNode of(Status status) {
        ObjectNode top = Json.MAPPER.createObjectNode().put("project", status.project().prefix()).put("environment", status.environment().name())
                .put("lookedAt", "names and sizes");
        ArrayNode releases = top.putArray("releases");
        status.releases().forEach(release -> release(releases.addObject(), release));
        ArrayNode places = top.putArray("pointers");
        status.places().forEach(place -> place(places.addObject(), place));
        ArrayNode branches = top.putArray("branches");
        status.branches().forEach(branch -> texts(branches.addObject().put("branch", branch.name()).put("commit", branch.commit()).putArray("releases"),
                branch.holds()));
        texts(top.putArray("onlyTagged"), status.onlyTagged());
        status.here().ifPresentOrElse(here -> here(top.putObject("here"), here), () -> top.putNull("here"));
        texts(top.putArray("unknown"), status.unknown());
        return top;
    }

    private static void release(ObjectNode node, Status.Release release) {
        node.put("version", release.version().toString()).put("state", release.state().name());
        text(node, "commit", release.built().map(BuiltRelease::commit));
        text(node, "date", release.built().flatMap(BuiltRelease::date));
        parts(node.putArray("parts"), release.parts());
        texts(node.putArray("branches"), release.branches());
    }

    private static void parts(ArrayNode nodes, Collection<Status.Part> parts) {
        for (Status.Part part : parts) {
            ObjectNode node = nodes.addObject().put("part", part.name()).put("where", part.where()).put("there", part.there()).put("of", part.of());
            texts(node.putArray("missing"), part.missing());
            texts(node.putArray("other"), part.other());
            texts(node.putArray("unknown"), part.unknown());
        }
    }

    private static void place(ObjectNode node, Status.Place place) {
        node.put("pointer", place.kind()).put("name", place.name()).put("where", place.where());
        text(node, "version", place.at());
        text(node, "digest", place.digest());
        texts(node.putArray("missing"), place.missing());
        text(node, "unknown", place.unknown());
    }

    private static void here(ObjectNode node, Status.Here here) {
        text(node, "version", here.built().map(BuiltRelease::version));
        text(node, "commit", here.built().map(BuiltRelease::commit));
        text(node, "target", here.built().map(BuiltRelease::target));
        node.put("out", here.isOut());
        parts(node.putArray("parts"), here.parts());
        texts(node.putArray("conflicts"), here.conflicts());
        ArrayNode moves = node.putArray("moves");
        here.moves().forEach(move -> {
            ObjectNode one = moves.addObject().put("pointer", move.pointer());
            text(one, "from", move.from());
            one.put("to", move.to().toString());
        });
        texts(node.putArray("stays"), here.stays());
        text(node, "fault", here.fault());
    }

    private static void text(ObjectNode node, String key, Optional<?> value) {
        node.put(key, value.map(Object::toString).orElse(null));
    }

    private static void texts(ArrayNode node, Collection<?> values) {
        values.forEach(value -> node.add(value.toString()));
    }
}
