package reads;

import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.flink.api.common.functions.MapFunction;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/** A bounded job: writes what it finds in a dependency file and a dependency jar to the file named first. */
public final class ReadsDependencies {
    public static void main(String[] arguments) throws Exception {
        StreamExecutionEnvironment environment = StreamExecutionEnvironment.getExecutionEnvironment();
        environment.fromData(arguments[1]).map(new Reads(arguments[0], read())).setParallelism(1).print();
        environment.execute("reads");
    }

    static String read() throws Exception {
        ClassLoader loader = Thread.currentThread().getContextClassLoader();
        try (InputStream resource = loader.getResourceAsStream("userData/word.txt")) {
            return new String(resource.readAllBytes(), StandardCharsets.UTF_8).trim();
        }
    }

    static final class Reads implements MapFunction<String, String> {
        private final String output;
        private final String inMain;

        Reads(String output, String inMain) {
            this.output = output;
            this.inMain = inMain;
        }

        @Override
        public String map(String value) throws Exception {
            String line = dependency.Word.shout(inMain + " " + read() + " " + value);
            Files.writeString(Path.of(output), line);
            return line;
        }
    }

    private ReadsDependencies() {}
}
