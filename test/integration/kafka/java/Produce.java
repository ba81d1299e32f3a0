import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Random;
import java.util.concurrent.Future;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Drives Kafka's own producers by a script on standard input, one command a line, words separated by tabs:
 *   producer NAME CODEC [TRANSACTIONAL_ID]
 *   begin NAME | commit NAME | abort NAME | flush NAME
 *   send NAME TOPIC PARTITION KEY VALUE      (\N is null)
 *   fill NAME TOPIC PARTITION COUNT SIZE KEYS
 * A transaction that is open at the end stays open, as one of a crashed producer does.
 */
public class Produce {
    private static final Map<String, KafkaProducer<byte[], byte[]>> producers = new HashMap<>();
    private static final Map<String, List<Future<RecordMetadata>>> sent = new HashMap<>();
    private static final Random random = new Random(7);

    public static void main(String[] args) throws Exception {
        BufferedReader script = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = script.readLine(); line != null; line = script.readLine()) {
            if (!line.isEmpty()) run(args[0], line.split("\t", -1));
        }
        for (String name : producers.keySet()) settle(name);
        // Not closed: closing would abort what the script left open.
        Runtime.getRuntime().halt(0);
    }

    private static void run(String bootstrap, String[] words) throws Exception {
        String name = words[1];
        switch (words[0]) {
            case "producer" -> open(bootstrap, name, words[2], words.length > 3 ? words[3] : null);
            case "begin" -> producers.get(name).beginTransaction();
            case "flush" -> settle(name);
            case "commit" -> {
                settle(name);
                producers.get(name).commitTransaction();
            }
            case "abort" -> {
                settle(name);
                producers.get(name).abortTransaction();
            }
            case "send" -> send(name, words[2], Integer.parseInt(words[3]), bytes(words[4]), bytes(words[5]));
            case "fill" -> fill(name, words);
            default -> throw new IllegalArgumentException(words[0]);
        }
    }

    private static void open(String bootstrap, String name, String codec, String transactionalId) {
        Properties config = new Properties();
        config.put("bootstrap.servers", bootstrap);
        config.put("compression.type", codec);
        config.put("batch.size", 4000);
        config.put("linger.ms", 200);
        config.put("max.request.size", 60_000_000);
        config.put("buffer.memory", 120_000_000);
        if (transactionalId != null) {
            config.put("transactional.id", transactionalId);
            config.put("transaction.timeout.ms", 600_000);
        } else {
            config.put("enable.idempotence", false);
            config.put("acks", "all");
        }
        var producer = new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer());
        if (transactionalId != null) producer.initTransactions();
        producers.put(name, producer);
        sent.put(name, new ArrayList<>());
    }

    private static void fill(String name, String[] words) {
        int count = Integer.parseInt(words[4]);
        int size = Integer.parseInt(words[5]);
        int keys = Integer.parseInt(words[6]);
        for (int i = 0; i < count; i++) {
            StringBuilder value = new StringBuilder(size + 16).append(i).append(':');
            // The character takes three bytes, so that size is one of bytes.
            for (int wide = 0; value.length() + 2 * wide < size; wide++) {
                value.append(Integer.toString(random.nextInt(1000), 36)).append("课");
            }
            byte[] key = ("k" + random.nextInt(keys)).getBytes(StandardCharsets.UTF_8);
            send(name, words[2], Integer.parseInt(words[3]), key, value.toString().getBytes(StandardCharsets.UTF_8));
        }
    }

    private static void send(String name, String topic, int partition, byte[] key, byte[] value) {
        var record = new ProducerRecord<>(topic, partition, key, value);
        record.headers().add("trace", "abc".getBytes(StandardCharsets.UTF_8)).add("none", null);
        sent.get(name).add(producers.get(name).send(record));
    }

    private static void settle(String name) throws Exception {
        producers.get(name).flush();
        for (var future : sent.get(name)) future.get();
        sent.get(name).clear();
    }

    private static byte[] bytes(String word) {
        return word.equals("\\N") ? null : word.getBytes(StandardCharsets.UTF_8);
    }
}
