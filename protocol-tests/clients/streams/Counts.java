// Counts words with Apache Kafka's stream library, exactly once: `java Counts BOOTSTRAP STATE_FOLDER [KEY=VALUE ...]`.
// Reads the topic `words`, repartitions by word, keeps the counts in a persistent store and writes each new count to `counts`.
// Runs until SIGTERM; ends with 1 when the library gives up. Prints each state of the application.

import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.*;
import org.apache.kafka.streams.kstream.*;
import org.apache.kafka.streams.state.KeyValueStore;

public class Counts {
    public static void main(String[] args) throws Exception {
        var words = Serdes.String();
        var builder = new StreamsBuilder();
        builder.stream("words", Consumed.with(words, words))
            .groupBy((key, word) -> word, Grouped.with("by-word", words, words))
            .count(Materialized.<String, Long, KeyValueStore<Bytes, byte[]>>as("counts").withKeySerde(words).withValueSerde(Serdes.Long()))
            .toStream()
            .mapValues(count -> Long.toString(count))
            .to("counts", Produced.with(words, words));

        var settings = new Properties();
        settings.put("bootstrap.servers", args[0]);
        settings.put("state.dir", args[1]);
        settings.put("application.id", "word-counts");
        settings.put("processing.guarantee", "exactly_once_v2");
        settings.put("replication.factor", 1);
        settings.put("num.stream.threads", 2);
        // Every count comes out, not only the last before a commit: so the output tells how often a word was counted.
        settings.put("statestore.cache.max.bytes", 0);
        settings.put("commit.interval.ms", 100);
        settings.put("auto.offset.reset", "earliest");
        settings.put("session.timeout.ms", 6000);
        settings.put("heartbeat.interval.ms", 500);
        for (int i = 2; i < args.length; i++) {
            int at = args[i].indexOf('=');
            settings.put(args[i].substring(0, at), args[i].substring(at + 1));
        }

        var ended = new CountDownLatch(1);
        var streams = new KafkaStreams(builder.build(), settings);
        streams.setStateListener((now, before) -> {
            System.out.println("state " + now);
            if (now == KafkaStreams.State.ERROR) ended.countDown();
        });
        Runtime.getRuntime().addShutdownHook(new Thread(streams::close));
        streams.start();
        ended.await();
        System.exit(1);
    }
}
