package lib.release;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A release's version, ordered like PEP 440: {@code 2.90-beta.1 < 2.90.0-rc1 < 2.90.0 < 2.91.0}.
 * A {@code -dev} version comes before everything else of the same number.
 *
 * @see <a href="https://peps.python.org/pep-0440/#version-scheme">PEP 440</a>
 */
public final class Version implements Comparable<Version> {

    private static final Pattern FORM = Pattern.compile(
            "(?<numbers>\\d+(\\.\\d+)+)(?:[-.]?(?<stage>dev|alpha|a|beta|b|rc|c|pre)(?:[-.]?(?<count>\\d+))?)?");

    private static final int LONGEST = 100;

    private final String text;
    private final List<BigInteger> numbers;
    private final int stage;
    private final BigInteger count;

    private Version(String text, List<BigInteger> numbers, int stage, BigInteger count) {
        this.text = text;
        this.numbers = numbers;
        this.stage = stage;
        this.count = count;
    }

    /** Throws IllegalArgumentException, with a sentence for the user, when the text is no version. */
    public static Version of(String text) {
        Matcher matcher = FORM.matcher(text);
        // A repeated group is matched by recursion, and others may have written the text.
        if (text.length() > LONGEST || !matcher.matches()) {
            throw new IllegalArgumentException("'" + text.substring(0, Math.min(LONGEST, text.length()))
                    + "' is not a version: expected numbers such as 2.93.1, with -rc1, -beta.1 or -dev where it is not final");
        }
        List<BigInteger> numbers = new ArrayList<>();
        for (String number : matcher.group("numbers").split("\\.")) {
            numbers.add(new BigInteger(number));
        }
        String count = matcher.group("count");
        return new Version(text, List.copyOf(numbers), stage(matcher.group("stage")),
                count == null ? BigInteger.ZERO : new BigInteger(count));
    }

    /** The version that the first store path of a project in a manifest.nix names; empty where none does. */
    public static Optional<Version> ofManifest(String prefix, String manifest) {
        Matcher name = Pattern.compile("-" + Pattern.quote(prefix) + "-(\\d[^\"]{0,100})\"").matcher(manifest);
        try {
            return name.find() ? Optional.of(of(name.group(1))) : Optional.empty();
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    private static int stage(String name) {
        if (name == null) {
            return 4;
        }
        return switch (name) {
            case "dev" -> 0;
            case "alpha", "a" -> 1;
            case "beta", "b" -> 2;
            default -> 3;
        };
    }

    /** The first two components, {@code 2.93} of {@code 2.93.1} and {@code 2.90} of {@code 2.90.0-rc1}. */
    public String major() {
        return numbers.get(0) + "." + numbers.get(1);
    }

    /** Whether this is the MAJOR's first number, {@code 2.93.0} or a pre-release of it, and not one of its patches. */
    public boolean isFirstOfMajor() {
        return numbers.stream().skip(2).allMatch(number -> number.signum() == 0);
    }

    /** What is developed after the MAJOR of this version, {@code 2.94.0-dev} after {@code 2.93.1}. */
    public Version nextDevelopment() {
        String rest = ".0".repeat(numbers.size() - 2);
        return of(numbers.get(0) + "." + numbers.get(1).add(BigInteger.ONE) + rest + "-dev");
    }

    public boolean isDevelopment() {
        return stage == 0;
    }

    /** Neither a development version, nor alpha, beta or release candidate. */
    public boolean isFinal() {
        return stage == 4;
    }

    /** Whether a program that says this is of the version; what only begins with it, as 2.95.0-rc1 or 2.95.0.1, is another. */
    public boolean isIn(String said) {
        return Pattern.compile("(?<![\\w.+-])" + Pattern.quote(text) + "(?![\\w+-]|\\.\\w)").matcher(said).find();
    }

    @Override
    public int compareTo(Version other) {
        for (int i = 0; i < Math.max(numbers.size(), other.numbers.size()); i++) {
            int order = component(i).compareTo(other.component(i));
            if (order != 0) {
                return order;
            }
        }
        int order = Integer.compare(stage, other.stage);
        return order != 0 ? order : count.compareTo(other.count);
    }

    private BigInteger component(int i) {
        return i < numbers.size() ? numbers.get(i) : BigInteger.ZERO;
    }

    /** Versions that order the same are equal, however they are spelt. */
    @Override
    public boolean equals(Object other) {
        return other instanceof Version && compareTo((Version) other) == 0;
    }

    @Override
    public int hashCode() {
        int last = numbers.size();
        while (last > 0 && numbers.get(last - 1).signum() == 0) {
            last--;
        }
        return numbers.subList(0, last).hashCode() * 31 + stage * 7 + count.hashCode();
    }

    /** As it was written. */
    @Override
    public String toString() {
        return text;
    }
}
