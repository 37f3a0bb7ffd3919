package lib.base;

import java.util.Map;
import java.util.Optional;

/** Variables of the environment. */
public final class Variables {

    private Variables() {
    }

    /** A variable's value without blanks around it; empty where it is not set, or to nothing, which is how many a CI says the same. */
    public static Optional<String> set(Map<String, String> env, String name) {
        return Optional.ofNullable(env.get(name)).map(String::strip).filter(value -> !value.isEmpty());
    }
}
