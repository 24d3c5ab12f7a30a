// Counts committed records: `java CountRows BOOTSTRAP TOPIC ROWS SECONDS`. Ends when there are so many, or after so long; prints how many.

import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

public class CountRows {
    public static void main(String[] args) {
        long rows = Long.parseLong(args[2]), seen = 0;
        long deadline = System.nanoTime() + Long.parseLong(args[3]) * 1_000_000_000L;
        Map<String, Object> settings = Map.of("bootstrap.servers", args[0], "isolation.level", "read_committed",
            "auto.offset.reset", "earliest", "enable.auto.commit", false);
        try (var consumer = new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            List<TopicPartition> partitions = consumer.partitionsFor(args[1]).stream()
                .map(info -> new TopicPartition(info.topic(), info.partition())).toList();
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            while (seen < rows && System.nanoTime() < deadline) seen += consumer.poll(Duration.ofMillis(200)).count();
            // More than there should be is as wrong as less.
            long quiet = System.nanoTime() + 2_000_000_000L;
            while (System.nanoTime() < quiet) seen += consumer.poll(Duration.ofMillis(200)).count();
        }
        System.out.println("rows " + seen);
    }
}
