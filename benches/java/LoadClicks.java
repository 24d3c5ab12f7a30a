// Fills a topic with clicks: `java LoadClicks BOOTSTRAP TOPIC EVENTS USERS EVENTS_PER_SECOND [closers|open [AGENT_BYTES]]`.
// Event times go up by the rate, each up to 1.9 s behind; keys are users, evenly drawn. At the end one click some seconds later in
// each partition closes all windows: with `closers` only these are sent, with `open` all but these. With
// AGENT_BYTES each has a user agent of its own, of so many bytes that no codec makes small. Prints how many events, bytes of values and rows (users in 5-second windows) that makes.

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.*;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.serialization.ByteArraySerializer;

public class LoadClicks {
    static final long START = 1_700_000_000_000L;
    static final long WINDOW_MS = 5_000;
    static final int LARGEST_DELAY_MS = 1_900;
    static final String[] AGENTS = {"Mozilla/5.0 Firefox/128.0", "Mozilla/5.0 Safari/605.1.15", "Mozilla/5.0 Chrome/126.0"};
    static final String[] PAGES = {"/", "/sale", "/shoes", "/shirts", "/bags", "/search?q=rain", "/help", "/account"};

    static final String LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    static final SplittableRandom RANDOM = new SplittableRandom(20_261_121);
    static final AtomicReference<Exception> FAILED = new AtomicReference<>();
    static long bytes;
    static int agentBytes;

    public static void main(String[] args) throws Exception {
        String topic = args[1];
        long events = Long.parseLong(args[2]), rate = Long.parseLong(args[4]);
        int users = Integer.parseInt(args[3]);
        Map<String, Object> settings = Map.of("bootstrap.servers", args[0], "acks", "all", "linger.ms", 5,
            "batch.size", 65536, "buffer.memory", 64L << 20);
        Map<Long, BitSet> windows = new HashMap<>();
        int partitions;
        try (var producer = new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer())) {
            partitions = producer.partitionsFor(topic).size();
            String part = args.length < 6 ? "" : args[5];
            agentBytes = args.length < 7 ? 0 : Integer.parseInt(args[6]);
            for (long i = 0; !part.equals("closers") && i < events; i++) {
                long time = START + LARGEST_DELAY_MS + i * 1000 / rate - RANDOM.nextInt(LARGEST_DELAY_MS + 1);
                int user = RANDOM.nextInt(users);
                if (part.isEmpty()) windows.computeIfAbsent(time / WINDOW_MS, w -> new BitSet(users)).set(user);
                send(producer, topic, null, "user-" + user, time);
            }
            producer.flush();
            // Late enough for every window, and not so late that Kafka Streams has given up windows that it has not put out.
            long end = START + events * 1000 / rate + 20_000;
            for (int p = 0; !part.equals("open") && p < partitions; p++) send(producer, topic, p, "closer-" + p, end);
        }
        if (FAILED.get() != null) throw FAILED.get();
        long rows = windows.values().stream().mapToLong(BitSet::cardinality).sum();
        System.out.printf("loaded %d events, %d bytes, %d rows%n", events + partitions, bytes, rows);
    }

    static String agent() {
        if (agentBytes == 0) return AGENTS[RANDOM.nextInt(AGENTS.length)];
        StringBuilder agent = new StringBuilder(agentBytes);
        // Six bits in a character.
        while (agent.length() < agentBytes) {
            long bits = RANDOM.nextLong();
            for (int i = 0; i < 10 && agent.length() < agentBytes; i++, bits >>>= 6) agent.append(LETTERS.charAt((int) bits & 63));
        }
        return agent.toString();
    }

    static void send(Producer<byte[], byte[]> producer, String topic, Integer partition, String user, long time) {
        String page = RANDOM.nextInt(2) == 0 ? "/product/" + RANDOM.nextInt(500) : PAGES[RANDOM.nextInt(PAGES.length)];
        String value = "{\"user_id\":\"" + user + "\",\"url\":\"" + page + "\",\"method\":\"GET\",\"status\":200,\"bytes\":"
            + RANDOM.nextInt(100_000) + ",\"referrer\":\"" + PAGES[RANDOM.nextInt(PAGES.length)] + "\",\"agent\":\""
            + agent() + "\",\"event_time\":" + time + "}";
        byte[] encoded = value.getBytes(UTF_8);
        bytes += encoded.length;
        producer.send(new ProducerRecord<>(topic, partition, user.getBytes(UTF_8), encoded), (done, error) -> {
            if (error != null) FAILED.compareAndSet(null, error);
        });
    }
}
