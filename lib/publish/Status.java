package lib.publish;

import java.util.List;
import java.util.Optional;
import java.util.SortedSet;
import lib.config.Environment;
import lib.config.Project;
import lib.release.BuiltRelease;
import lib.release.Version;

/**
 * What is out on an environment, by names and sizes.
 *
 * @param releases   newest first
 * @param places     where each pointer stands
 * @param branches   those that hold a release
 * @param onlyTagged versions that have a tag, and nothing published; newest first
 * @param here       what is built in the checkout; empty where nothing is
 * @param unknown    what could not be asked as a whole, and why
 */
public record Status(Project project, Environment environment, List<Release> releases, List<Place> places, List<Branch> branches, List<Version> onlyTagged,
                     Optional<Here> here, List<String> unknown) {

    /** Whether what is not among the releases is not out. */
    boolean isTold() {
        return unknown.isEmpty() && places.stream().noneMatch(place -> place.kind().equals("manifest") && place.unknown().isPresent());
    }

    /** How a release is out there; the names are those in JSON. */
    public enum State {
        /** All that was looked at is there. */
        whole,
        /** Something is missing, or is not what it should be. */
        incomplete,
        /** Nothing is known to be missing, but not all could be asked. */
        unknown,
        /** Published without release.json, so that nobody can say what belongs to it. */
        old,
        /** Nothing of it is there. */
        absent
    }

    /**
     * A part of a release in one place.
     *
     * @param name    {@code files}, {@code cache}, {@code manual}, {@code image}, {@code tag} or {@code branch}
     * @param where   which manual or repository; empty for the others
     * @param there   of what should be there
     * @param missing what is not
     * @param other   what is, and is something else; with what it should be
     * @param unknown what could not be asked, and why
     */
    public record Part(String name, String where, int there, int of, List<String> missing, List<String> other, List<String> unknown) {
        boolean lacks() {
            return !missing.isEmpty() || !other.isEmpty();
        }
    }

    /**
     * A version.
     *
     * @param built    what its release.json says; empty where there is none
     * @param branches those that hold its commit
     */
    public record Release(Version version, State state, Optional<BuiltRelease> built, List<Part> parts, List<String> branches) {
        static State state(List<Part> parts) {
            return parts.stream().anyMatch(Part::lacks) ? State.incomplete : parts.stream().anyMatch(part -> !part.unknown().isEmpty()) ? State.unknown : State.whole;
        }
    }

    /**
     * A pointer, or one of several under one name.
     *
     * @param kind    {@code manifest}, {@code latest.json}, {@code manual}, {@code image} or {@code installer}
     * @param name    its file, the manual's place, the tag, or the system
     * @param where   the repository of an image; empty for the others
     * @param at      the version it is at; empty where there is none, or it does not say
     * @param missing what it lacks of that version
     * @param digest  what an image tag names
     * @param unknown why nobody knows where it is
     */
    public record Place(String kind, String name, String where, Optional<Version> at, List<String> missing, Optional<String> digest, Optional<String> unknown) {
        /** What people call it. */
        String spoken() {
            return kind.equals("manual") ? "manual " + name : kind.equals("image") ? "image tag " + name : kind.equals("installer") ? "installer " + name : name;
        }

        boolean none() {
            return at.isEmpty() && digest.isEmpty() && unknown.isEmpty();
        }
    }

    /** A branch of the remote, without {@code refs/heads/}, what it is on, and the releases that it holds. */
    public record Branch(String name, String commit, SortedSet<Version> holds) {
    }

    /**
     * What release/ holds, and what uploading it would change.
     *
     * @param parts     what would be sent is what they lack; other bytes under the same name are conflicts
     * @param conflicts names that hold other bytes
     * @param moves     pointers that would move
     * @param stays     pointers that would not, and why
     * @param fault     why it cannot be read; then the rest is empty
     */
    public record Here(Optional<BuiltRelease> built, List<Part> parts, List<String> conflicts, List<Move> moves, List<String> stays, Optional<String> fault) {

        /** Whether nothing would be sent, and no pointer moved. */
        boolean isOut() {
            return fault.isEmpty() && conflicts.isEmpty() && moves.isEmpty() && parts.stream().allMatch(part -> part.missing().isEmpty() && part.unknown().isEmpty());
        }
    }

    /** A pointer that goes from a version, or nowhere, to another. */
    public record Move(String pointer, Optional<Version> from, Version to) {
    }
}
