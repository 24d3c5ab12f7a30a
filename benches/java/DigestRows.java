// What a topic's committed records come to: `java DigestRows BOOTSTRAP TOPIC rows|table`. With `rows` each record's value is one, in any
// order; with `table` each key has its last value, and none if that is null. Prints how many there are and a digest that does not depend on
// their order.

import java.security.MessageDigest;
import java.time.Duration;
import java.util.*;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

public class DigestRows {
    static final HexFormat HEX = HexFormat.of();
    static MessageDigest sha;

    public static void main(String[] args) throws Exception {
        boolean table = args[2].equals("table");
        sha = MessageDigest.getInstance("SHA-256");
        Map<String, Long> last = new HashMap<>();
        long rows = 0, sum = 0;
        Map<String, Object> settings = Map.of("bootstrap.servers", args[0], "isolation.level", "read_committed",
            "auto.offset.reset", "earliest", "enable.auto.commit", false, "max.poll.records", 10_000);
        try (var consumer = new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            List<TopicPartition> partitions = consumer.partitionsFor(args[1]).stream()
                .map(info -> new TopicPartition(info.topic(), info.partition())).toList();
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            // Of committed records: a transaction that goes on holds it back.
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            while (partitions.stream().anyMatch(partition -> consumer.position(partition) < ends.get(partition))) {
                for (var record : consumer.poll(Duration.ofMillis(200))) {
                    if (table) {
                        String key = HEX.formatHex(record.key());
                        if (record.value() == null) last.remove(key);
                        else last.put(key, digest(record.key(), record.value()));
                    } else {
                        rows++;
                        sum += digest(record.value());
                    }
                }
            }
        }
        if (table) {
            rows = last.size();
            for (long digest : last.values()) sum += digest;
        }
        System.out.printf("rows %d digest %016x%n", rows, sum);
    }

    // Its first 64 bits, so that a sum of them tells any two collections apart that were not made to be alike.
    static long digest(byte[]... parts) {
        for (byte[] part : parts) {
            sha.update(Integer.toString(part.length).getBytes());
            sha.update(part);
        }
        return java.nio.ByteBuffer.wrap(sha.digest()).getLong();
    }
}
