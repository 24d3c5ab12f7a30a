// Fills the topics of benches/nexmark: `java LoadNexmark BOOTSTRAP EVENTS`. Of 50 events one is a person, three are auctions and 46 are bids;
// proportions, hot keys and value ranges are Nexmark's, the names are our own. Event time goes up by 10,000 events a second, without
// disorder; an auction's bids are in one partition. Prints how many persons, auctions, bids and side rows there are.

import static java.nio.charset.StandardCharsets.UTF_8;

import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.serialization.ByteArraySerializer;

public class LoadNexmark {
    static final long START = 1_700_000_000_000L;
    static final int EVENTS_PER_SECOND = 10_000;
    static final int PERSONS = 1, AUCTIONS = 3, ALL = 50;
    static final long FIRST_ID = 1_000;
    // Half of the bids are for a hot auction, of the last hundred one; three of four bidders and sellers are hot ones.
    static final int HOT_AUCTIONS = 2, HOT_PEOPLE = 4, HOT_GROUP = 100, OPEN_AUCTIONS = 100, ACTIVE_PEOPLE = 1_000;
    static final int FIRST_CATEGORY = 10, CATEGORIES = 5;
    static final int SIDE_ROWS = 10_000;
    static final String[] STATES = {"AZ", "CA", "ID", "OR", "WA", "WY"};
    static final String[] CITIES = {"Phoenix", "Fresno", "Boise", "Portland", "Bend", "Redmond", "Seattle", "Kent", "Cheyenne"};
    static final String[] NAMES = {"Ada", "Ben", "Cleo", "Dora", "Emil", "Fritz", "Gesa", "Hugo", "Ines", "Jan", "Karla"};
    static final String[] FAMILIES = {"Abel", "Brandt", "Cramer", "Dietz", "Engel", "Fuchs", "Graf", "Horn", "Iven"};
    static final String[] CHANNELS = {"Google", "Facebook", "Baidu", "Apple"};
    static final String LETTERS = "abcdefghijklmnopqrstuvwxyz";
    static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss.SSS").withZone(ZoneOffset.UTC);

    static final SplittableRandom RANDOM = new SplittableRandom(20_261_122);
    static final AtomicReference<Exception> FAILED = new AtomicReference<>();
    static Producer<byte[], byte[]> producer;

    public static void main(String[] args) throws Exception {
        long events = Long.parseLong(args[1]), persons = 0, auctions = 0, bids = 0;
        Map<String, Object> settings = Map.of("bootstrap.servers", args[0], "acks", "all", "linger.ms", 5,
            "batch.size", 65536, "buffer.memory", 64L << 20);
        try (var open = new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer())) {
            producer = open;
            for (long key = 0; key < SIDE_ROWS; key++) side(key);
            for (long i = 0; i < events; i++) {
                long time = START + i * 1000 / EVENTS_PER_SECOND, turn = i % ALL;
                if (turn < PERSONS) person(FIRST_ID + persons++, time);
                else if (turn < PERSONS + AUCTIONS) auction(FIRST_ID + auctions++, persons, time);
                else bid(auctions, persons, time, bids++);
            }
            open.flush();
        }
        if (FAILED.get() != null) throw FAILED.get();
        System.out.printf("loaded %d persons, %d auctions, %d bids, %d side rows%n", persons, auctions, bids, SIDE_ROWS);
    }

    static void person(long id, long time) {
        String name = one(NAMES) + " " + one(FAMILIES);
        send("nexmark-person", id, "{\"id\":" + id + text("name", name) + text("emailAddress", letters(7) + "@" + letters(5) + ".com")
            + text("creditCard", digits(16)) + text("city", one(CITIES)) + text("state", one(STATES)) + text("dateTime", at(time))
            + text("extra", letters(80)) + "}");
    }

    static void auction(long id, long persons, long time) {
        long seller = FIRST_ID + (hot(HOT_PEOPLE) ? (persons - 1) / HOT_GROUP * HOT_GROUP : recent(persons, ACTIVE_PEOPLE));
        long first = price(), expires = time + 1 + RANDOM.nextLong(2L * OPEN_AUCTIONS * ALL / AUCTIONS * 1000 / EVENTS_PER_SECOND);
        send("nexmark-auction", id, "{\"id\":" + id + text("itemName", letters(12)) + text("description", letters(60))
            + number("initialBid", first) + number("reserve", first + price()) + text("dateTime", at(time)) + text("expires", at(expires))
            + number("seller", seller) + number("category", FIRST_CATEGORY + RANDOM.nextInt(CATEGORIES)) + text("extra", letters(200)) + "}");
    }

    static void bid(long auctions, long persons, long time, long number) {
        long auction = FIRST_ID + (hot(HOT_AUCTIONS) ? (auctions - 1) / HOT_GROUP * HOT_GROUP : recent(auctions, OPEN_AUCTIONS));
        long bidder = FIRST_ID + (hot(HOT_PEOPLE) ? (persons - 1) / HOT_GROUP * HOT_GROUP + 1 : recent(persons, ACTIVE_PEOPLE));
        String channel = RANDOM.nextBoolean() ? one(CHANNELS) : "channel-" + RANDOM.nextInt(10_000);
        String url = "https://www.nexmark.com/" + letters(5) + "/" + letters(5) + "/" + letters(5) + "/item.htm?query=1";
        send("nexmark-bid", auction, "{\"auction\":" + auction + number("bidder", bidder) + number("price", price())
            + text("channel", channel) + text("url", url) + text("dateTime", at(time)) + text("extra", letters(20)) + "}");
    }

    // All of it is from before the first event.
    static void side(long key) {
        String value = "{\"key\":" + key + text("value", "side-" + key) + text("dateTime", at(START - SIDE_ROWS + key)) + "}";
        send("nexmark-side", "{\"key\":" + key + "}", value);
    }

    static boolean hot(int ratio) {
        return RANDOM.nextInt(ratio) > 0;
    }

    // One of the last `most` of those that there are.
    static long recent(long there, int most) {
        return there - 1 - RANDOM.nextLong(Math.min(there, most));
    }

    static long price() {
        return Math.round(Math.pow(10, RANDOM.nextDouble() * 6) * 100);
    }

    static String one(String[] of) {
        return of[RANDOM.nextInt(of.length)];
    }

    static String letters(int length) {
        StringBuilder text = new StringBuilder(length);
        for (int i = 0; i < length; i++) text.append(LETTERS.charAt(RANDOM.nextInt(LETTERS.length())));
        return text.toString();
    }

    static String digits(int length) {
        StringBuilder text = new StringBuilder(length);
        for (int i = 0; i < length; i++) text.append((char) ('0' + RANDOM.nextInt(10)));
        return text.toString();
    }

    static String at(long time) {
        return TIME.format(Instant.ofEpochMilli(time));
    }

    static String text(String name, String value) {
        return ",\"" + name + "\":\"" + value + "\"";
    }

    static String number(String name, long value) {
        return ",\"" + name + "\":" + value;
    }

    static void send(String topic, long key, String value) {
        send(topic, Long.toString(key), value);
    }

    static void send(String topic, String key, String value) {
        producer.send(new ProducerRecord<>(topic, key.getBytes(UTF_8), value.getBytes(UTF_8)), (done, error) -> {
            if (error != null) FAILED.compareAndSet(null, error);
        });
    }
}
