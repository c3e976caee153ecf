package example;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.utils.ParameterTool;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.streaming.api.functions.source.SourceFunction;
import org.apache.flink.util.Collector;

/**
 * Counts ticks with keyed state and writes the count to a file: a stream whose memory can be seen.
 *
 * <p>Arguments: {@code --output FILE} (needed), {@code --per-second N} (default 10), {@code --label TEXT},
 * {@code --history FILE}. The output file holds one line, {@code VERSION LABEL COUNT}; the history gets every such line.
 *
 * <p>{@link Release} tells which version this is: v1 and v2 count the same, v2 with another name in the file;
 * "v2-crash" fails at its third tick. All three share the operators' uids, so each goes on from the state of another.
 */
public final class Counter {

    public static void main(String[] arguments) throws Exception {
        ParameterTool parameters = ParameterTool.fromArgs(arguments);
        String output = parameters.getRequired("output");
        long pause = 1000L / parameters.getLong("per-second", 10);
        String label = parameters.get("label", "-");
        String history = parameters.get("history", "");

        StreamExecutionEnvironment environment = StreamExecutionEnvironment.getExecutionEnvironment();
        environment
                .addSource(new Ticks(pause), Types.STRING)
                .setParallelism(1)
                .uid("ticks")
                .name("ticks")
                .keyBy(tick -> tick, Types.STRING)
                .process(new Count(output, history, label))
                .returns(Types.LONG)
                .uid("count")
                .name("count");
        environment.execute("stateful-counter " + Release.VERSION);
    }

    /** One tick a pause, all with the same key, until it is stopped. */
    static final class Ticks implements SourceFunction<String> {
        private final long pause;
        private volatile boolean running = true;

        Ticks(long pause) {
            this.pause = pause;
        }

        @Override
        public void run(SourceContext<String> context) throws InterruptedException {
            while (running) {
                synchronized (context.getCheckpointLock()) {
                    context.collect("tick");
                }
                Thread.sleep(pause);
            }
        }

        @Override
        public void cancel() {
            running = false;
        }
    }

    /** Counts per key in Flink's state; nothing else remembers the count. */
    static final class Count extends KeyedProcessFunction<String, String, Long> {
        private final String output;
        private final String history;
        private final String label;
        private transient ValueState<Long> count;
        private transient int seen;

        Count(String output, String history, String label) {
            this.output = output;
            this.history = history;
            this.label = label;
        }

        @Override
        public void open(Configuration parameters) {
            count = getRuntimeContext().getState(new ValueStateDescriptor<>("count", Types.LONG));
        }

        @Override
        public void processElement(String tick, Context context, Collector<Long> collector) throws IOException {
            seen++;
            if (Release.CRASHES && seen == 3) {
                throw new IllegalStateException("version " + Release.VERSION + " is broken on purpose");
            }
            Long before = count.value();
            long now = (before == null ? 0 : before) + 1;
            count.update(now);
            write(now);
        }

        /** Replaces the file at once, so that a reader never sees half a line. */
        private void write(long now) throws IOException {
            Path file = Path.of(output);
            Path next = Path.of(output + ".next");
            String line = Release.VERSION + " " + label + " " + now + "\n";
            Files.write(next, line.getBytes(StandardCharsets.UTF_8));
            if (!history.isEmpty()) {
                Files.write(
                        Path.of(history),
                        line.getBytes(StandardCharsets.UTF_8),
                        StandardOpenOption.CREATE,
                        StandardOpenOption.APPEND);
            }
            Files.move(next, file, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
        }
    }

    private Counter() {}
}
