import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import lib.base.Exec;
import lib.base.Fault;

/** A script of ours as JBang has compiled it, with the command line JBang would start. */
record Script(Path file, String launcher, List<String> java) {

    static Script build(Path file, Map<String, String> env) throws IOException {
        if (!Files.exists(file)) {
            throw Fault.failed("there is no " + file, "it is what is measured", "name another one with --ours");
        }
        String launcher = Home.launcher(env);
        Exec compile = Exec.of(launcher, file.toString());
        Exec.Result compiled = compile.run(); // whatever it says to no arguments
        JsonNode info = new ObjectMapper().readTree(Exec.of(launcher, "info", "tools", file.toString())
                .orFail("JBang could not describe " + file, "fix it and run again"));
        if (!Files.exists(Path.of(info.path("applicationJar").asText()))) {
            throw Fault.failed(file + " could not be compiled", compile.because(compiled), "fix it and run again");
        }
        List<String> line = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString()));
        info.path("runtimeOptions").forEach(option -> line.add(option.asText()));
        List<String> jars = new ArrayList<>(List.of(info.path("applicationJar").asText()));
        info.path("resolvedDependencies").forEach(jar -> jars.add(jar.asText()));
        line.addAll(List.of("-classpath", String.join(":", jars), file.getFileName().toString().replace(".java", "")));
        return new Script(file, launcher, line);
    }

    /** What JBang itself adds to each run: a start by the launcher less a start by java, both without arguments. */
    String overhead(Measure measure) throws IOException {
        List<Measure.Cost> with = new ArrayList<>();
        List<Measure.Cost> without = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            with.add(measure.start(new Measure.Command(List.of(launcher, file.toString()), Map.of())));
            without.add(measure.start(new Measure.Command(java, Map.of())));
        }
        return String.format(Locale.ROOT, "not in these figures: JBang itself, %.3f s of wall and %.3f s of cpu a run",
                Results.median(with, Measure.Cost::wall) - Results.median(without, Measure.Cost::wall),
                Results.median(with, Measure.Cost::cpu) - Results.median(without, Measure.Cost::cpu));
    }
}
