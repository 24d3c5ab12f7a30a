// The jobs of the part `engines` as Kafka Streams applications, exactly_once_v2: `java StreamsJob BOOTSTRAP metrics|hot FOLDER THREADS`.
// `metrics` is docs/examples/user-metrics.sql; `hot` passes readings through, without state. Says "running" and goes on until it is killed.

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.Serializer;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.*;
import org.apache.kafka.streams.kstream.*;
import org.apache.kafka.streams.state.WindowStore;

public class StreamsJob {
    static final JsonFactory JSON = new JsonFactory();
    static final Duration WINDOW = Duration.ofSeconds(5), GRACE = Duration.ofSeconds(2);
    // Closed windows are put out once a second of the clock. While it catches up, event time goes further in that second than the default
    // retention (window and grace), and what is beyond the retention is never put out.
    static final Duration RETENTION = Duration.ofHours(1);

    record Click(long bytes, long time) {}

    record Metrics(long clicks, long bytes, long maxBytes) {
        Metrics with(Click click) {
            return new Metrics(clicks + 1, bytes + click.bytes, Math.max(maxBytes, click.bytes));
        }
    }

    public static void main(String[] args) throws Exception {
        Properties settings = new Properties();
        settings.putAll(Map.of(
            "application.id", args[1],
            "bootstrap.servers", args[0],
            "processing.guarantee", "exactly_once_v2",
            "num.stream.threads", args[3],
            "replication.factor", "1",
            "state.dir", args[2],
            "auto.offset.reset", "earliest"));
        StreamsBuilder builder = new StreamsBuilder();
        if (args[1].equals("metrics")) metrics(builder);
        else hot(builder);
        KafkaStreams streams = new KafkaStreams(builder.build(), settings);
        streams.setStateListener((now, before) -> {
            if (now == KafkaStreams.State.RUNNING) System.out.println("running");
            if (now == KafkaStreams.State.ERROR) System.exit(1);
        });
        streams.start();
        Thread.currentThread().join();
    }

    static void metrics(StreamsBuilder builder) {
        var read = Consumed.with(Serdes.String(), serde(null, (topic, bytes) -> click(bytes)))
            .withTimestampExtractor((record, before) -> ((Click) record.value()).time());
        var metrics = serde(StreamsJob::encoded, StreamsJob::decoded);
        builder.stream("website-clicks", read)
            .groupByKey()
            .windowedBy(TimeWindows.ofSizeAndGrace(WINDOW, GRACE))
            .emitStrategy(EmitStrategy.onWindowClose())
            .aggregate(() -> new Metrics(0, 0, 0), (user, click, sum) -> sum.with(click),
                Materialized.<String, Metrics, WindowStore<Bytes, byte[]>>with(Serdes.String(), metrics).withRetention(RETENTION))
            .toStream((window, sum) -> window.key() + "@" + window.window().start())
            .mapValues(StreamsJob::row)
            .to("user-metrics", Produced.with(Serdes.String(), Serdes.ByteArray()));
    }

    static void hot(StreamsBuilder builder) {
        builder.stream("readings", Consumed.with(Serdes.ByteArray(), Serdes.ByteArray()))
            .mapValues(StreamsJob::reading)
            .filter((key, reading) -> reading.celsius() > 0)
            .mapValues(reading -> ("{\"sensor\":\"" + reading.sensor() + "\",\"celsius\":" + reading.celsius() + "}").getBytes(UTF_8))
            .to("hot", Produced.with(Serdes.ByteArray(), Serdes.ByteArray()));
    }

    record Reading(String sensor, double celsius) {}

    static Reading reading(byte[] value) {
        String sensor = null;
        double celsius = 0;
        try (JsonParser parser = JSON.createParser(value)) {
            parser.nextToken();
            while (parser.nextToken() == JsonToken.FIELD_NAME) {
                String name = parser.currentName();
                parser.nextToken();
                if (name.equals("sensor")) sensor = parser.getText();
                else if (name.equals("celsius")) celsius = parser.getDoubleValue();
            }
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
        return new Reading(sensor, celsius);
    }

    /** Only the fields that the job needs. */
    static Click click(byte[] value) {
        long bytes = 0, time = 0;
        try (JsonParser parser = JSON.createParser(value)) {
            parser.nextToken();
            while (parser.nextToken() == JsonToken.FIELD_NAME) {
                String name = parser.currentName();
                parser.nextToken();
                if (name.equals("bytes")) bytes = parser.getLongValue();
                else if (name.equals("event_time")) time = parser.getLongValue();
            }
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
        return new Click(bytes, time);
    }

    static byte[] row(String userAndStart, Metrics sum) {
        int at = userAndStart.lastIndexOf('@');
        Instant start = Instant.ofEpochMilli(Long.parseLong(userAndStart.substring(at + 1)));
        String text = "{\"user_id\":\"" + userAndStart.substring(0, at) + "\",\"window_start\":\"" + start + "\",\"window_end\":\""
            + start.plus(WINDOW) + "\",\"clicks\":" + sum.clicks() + ",\"bytes\":" + sum.bytes() + ",\"max_bytes\":" + sum.maxBytes() + "}";
        return text.getBytes(UTF_8);
    }

    static byte[] encoded(String topic, Metrics sum) {
        if (sum == null) return null;
        return ByteBuffer.allocate(24).putLong(sum.clicks()).putLong(sum.bytes()).putLong(sum.maxBytes()).array();
    }

    static Metrics decoded(String topic, byte[] bytes) {
        if (bytes == null) return null;
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        return new Metrics(buffer.getLong(), buffer.getLong(), buffer.getLong());
    }

    static <T> Serde<T> serde(Serializer<T> serializer, Deserializer<T> deserializer) {
        return Serdes.serdeFrom(serializer == null ? (topic, value) -> { throw new IllegalStateException("never written"); } : serializer,
            deserializer);
    }
}
