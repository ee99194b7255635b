// Apache Kafka's own client in Java: admin, idempotent writes, all codecs, reads without a group. The first fault ends it.
//
//   java -cp 'build/apache-kafka/*' tests/kafka/JavaClientCases.java HOST:PORT

import java.util.*;
import java.util.concurrent.*;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.*;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.serialization.*;

public class JavaClientCases {
  // What is older than a topic's retention, a week, may go at any moment.
  static final long BEGUN = System.currentTimeMillis() - 3_600_000L;
  static final int WAIT_MS = 20_000;
  static String address;
  static Admin admin;

  static void same(Object got, Object wanted, String what) {
    if (got instanceof List<?> some && wanted instanceof List<?> all) { // thousands of records are no message
      for (int i = 0; i < Math.min(some.size(), all.size()); ++i) same(some.get(i), all.get(i), what + ", number " + i);
      same(some.size(), all.size(), what + ", count");
    } else if (!Objects.equals(got, wanted)) {
      throw new AssertionError(String.format("%s: %.300s came, not %.300s", what, got, wanted));
    }
  }

  // What the work gives, or the name of the error that it ends with.
  static Object outcome(Callable<?> work) throws Exception {
    try {
      return work.call();
    } catch (ExecutionException | KafkaException error) {
      return (error.getCause() == null ? error : error.getCause()).getClass().getSimpleName();
    }
  }

  // Apache Kafka answers an admin before all of it has heard of the change.
  static void becomes(Object wanted, String what, Callable<?> look) throws Exception {
    for (int looks = 0; looks < WAIT_MS / 20 && !wanted.equals(outcome(look)); ++looks) Thread.sleep(20);
    same(outcome(look), wanted, what);
  }

  static <T> T told(Future<T> answer) throws Exception { return answer.get(WAIT_MS, TimeUnit.MILLISECONDS); }
  static int partitionsOf(String topic) throws Exception {
    return told(admin.describeTopics(List.of(topic)).allTopicNames()).get(topic).partitions().size();
  }
  static String found(TopicPartition part, OffsetSpec where) throws Exception {
    var at = told(admin.listOffsets(Map.of(part, where)).partitionResult(part));
    return at.offset() + "@" + at.timestamp();
  }

  static TopicPartition topicOf(String stem, String key, String setting) throws Exception {
    String topic = stem + "-" + System.nanoTime();
    told(admin.createTopics(List.of(new NewTopic(topic, 1, (short) 1).configs(Map.of(key, setting)))).all());
    becomes(1, topic + " has partitions", () -> partitionsOf(topic));
    return new TopicPartition(topic, 0);
  }

  static KafkaProducer<String, String> producer(String codec) {
    return new KafkaProducer<>(Map.of("bootstrap.servers", address, "acks", "all", "enable.idempotence", true, "linger.ms", 2,
        "compression.type", codec, "max.block.ms", WAIT_MS), new StringSerializer(), new StringSerializer());
  }

  // Small fetches: many of them for one topic, and they begin inside batches.
  static KafkaConsumer<String, String> reader(TopicPartition of) {
    KafkaConsumer<String, String> reader = new KafkaConsumer<>(Map.of("bootstrap.servers", address, "auto.offset.reset", "none",
        "max.partition.fetch.bytes", 40_000), new StringDeserializer(), new StringDeserializer());
    reader.assign(List.of(of));
    return reader;
  }

  static String row(long offset, long time, String key, String value, Headers headers) {
    return offset + "@" + time + " " + key + "=" + value + " " + Arrays.toString(headers.toArray());
  }

  // The rows of a partition to its end. The epoch makes the client ask first where that ended.
  static List<String> rows(KafkaConsumer<String, String> reader, TopicPartition part, long from) {
    reader.seek(part, new OffsetAndMetadata(from, Optional.of(0), ""));
    long end = reader.endOffsets(Set.of(part)).get(part);
    List<String> rows = new ArrayList<>();
    for (int polls = 0; polls < 500 && reader.position(part) < end; ++polls) {
      for (var each : reader.poll(java.time.Duration.ofMillis(200)).records(part)) {
        rows.add(row(each.offset(), each.timestamp(), each.key(), each.value(), each.headers()));
      }
    }
    return rows;
  }

  static void topicsAreMadeGrownAndDeleted() throws Exception {
    Node node = told(admin.describeCluster().controller());
    var nodes = told(admin.describeCluster().nodes()); // newer clients print more of a node
    same(nodes.stream().map(each -> each.host() + ":" + each.port() + " " + each.id() + " " + each.rack()).toList(),
        List.of(address + " " + node.id() + " null"), "nodes");
    String topic = topicOf("java-topic", "retention.ms", "-1").topic();
    same(told(admin.listTopics().names()).contains(topic), true, "the topic is listed");
    told(admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(3))).all());
    becomes(3, "partitions after growing", () -> partitionsOf(topic));
    var last = told(admin.describeTopics(List.of(topic)).allTopicNames()).get(topic).partitions().get(2);
    same(List.of(last.leader(), last.replicas(), last.isr()), List.of(node, List.of(node), List.of(node)), "" + last);
    Callable<?> shrink = () -> told(admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(2))).all());
    same(outcome(shrink), "InvalidPartitionsException", "shrunk");
    told(admin.deleteTopics(List.of(topic)).all());
    becomes("UnknownTopicOrPartitionException", "described after its end", () -> partitionsOf(topic));
  }

  static Object change(ConfigResource of, AlterConfigOp.OpType how, String name, String value) throws Exception {
    var ops = List.of(new AlterConfigOp(new ConfigEntry(name, value), how));
    return outcome(() -> told(admin.incrementalAlterConfigs(Map.of(of, ops)).all()));
  }

  static void settingsAreShownAndChanged() throws Exception {
    var of = new ConfigResource(ConfigResource.Type.TOPIC, topicOf("java-set", "segment.bytes", "1048576").topic());
    becomes("1048576 false INT", "segment.bytes", () -> setting(of, "segment.bytes"));
    same(change(of, AlterConfigOp.OpType.SET, "retention.ms", "60000"), null, "set");
    becomes("60000 false LONG", "retention.ms set", () -> setting(of, "retention.ms"));
    same(change(of, AlterConfigOp.OpType.DELETE, "retention.ms", ""), null, "delete");
    becomes("604800000 true LONG", "retention.ms deleted", () -> setting(of, "retention.ms"));
    same(change(of, AlterConfigOp.OpType.APPEND, "cleanup.policy", "compact"), null, "append");
    becomes("delete,compact false LIST", "cleanup.policy appended to", () -> setting(of, "cleanup.policy"));
    same(change(of, AlterConfigOp.OpType.SET, "cleanup.policy", "compact,delete"), null, "set to both");
    becomes("compact,delete false LIST", "cleanup.policy as it was set", () -> setting(of, "cleanup.policy"));
    same(change(of, AlterConfigOp.OpType.SUBTRACT, "cleanup.policy", "compact"), null, "subtract");
    becomes(true, "cleanup.policy is delete", () -> setting(of, "cleanup.policy").matches("delete (true|false) LIST"));
    same(change(of, AlterConfigOp.OpType.SET, "no.such.key", "1"), "InvalidConfigurationException", "no such key");
    same(change(of, AlterConfigOp.OpType.APPEND, "retention.ms", "1"), "InvalidConfigurationException", "append to a number");
  }

  static String setting(ConfigResource of, String name) throws Exception {
    ConfigEntry shown = told(admin.describeConfigs(List.of(of)).all()).get(of).get(name);
    return shown.value() + " " + shown.isDefault() + " " + shown.type();
  }

  static void codecComesBack(String codec) throws Exception {
    TopicPartition part = topicOf("java-" + codec, "retention.ms", "-1");
    List<String> wanted = new ArrayList<>();
    List<Object> confirmed = new ArrayList<>(); // offsets, in the order of the callbacks
    try (var to = producer(codec)) {
      for (int i = 0; i < 3000; ++i) {
        String key = i % 5 == 0 ? null : "key" + i;
        String value = i % 7 == 0 ? null : (part + " line " + i + " ").repeat(i == 1501 ? 4000 : i % 30);
        var record = new ProducerRecord<>(part.topic(), 0, BEGUN + i, key, value);
        if (i % 3 == 0) record.headers().add("at", ("" + i).getBytes()).add("none", null).add("at", new byte[0]);
        wanted.add(row(i, BEGUN + i, key, value, record.headers()));
        to.send(record, (at, error) -> confirmed.add(error == null ? at.offset() : error));
      }
    }
    same(confirmed, java.util.stream.LongStream.range(0, 3000).boxed().toList(), codec + " callbacks");
    try (var reader = reader(part)) {
      same(rows(reader, part, 0), wanted, codec);
      same(rows(reader, part, 1234), wanted.subList(1234, 3000), codec + " from 1234");
    }
  }

  static Object cut(TopicPartition part, long before) throws Exception {
    var answer = admin.deleteRecords(Map.of(part, RecordsToDelete.beforeOffset(before))).lowWatermarks().get(part);
    return outcome(() -> told(answer).lowWatermark());
  }

  static void timesAndEndsAreFoundAndRecordsDeleted() throws Exception {
    TopicPartition part = topicOf("java-time", "retention.ms", "-1");
    List<String> wanted = new ArrayList<>();
    try (var to = producer("none")) { // each a batch of its own; the newest is not the last
      for (int i = 0; i < 100; ++i) {
        var record = new ProducerRecord<>(part.topic(), 0, BEGUN + (i == 60 ? 5000 : 10 * i), "k", "v" + i);
        wanted.add(row(told(to.send(record)).offset(), record.timestamp(), "k", "v" + i, record.headers()));
      }
    }
    same(found(part, OffsetSpec.earliest()) + " " + found(part, OffsetSpec.latest()), "0@-1 100@-1", "ends");
    same(found(part, OffsetSpec.maxTimestamp()), "60@" + (BEGUN + 5000), "the newest record");
    try (var reader = reader(part)) {
      for (long[] each : new long[][] {{-9, 0, 0}, {1, 1, 10}, {505, 51, 510}, {600, 60, 5000}, {5000, 60, 5000}}) {
        OffsetAndTimestamp at = reader.offsetsForTimes(Map.of(part, BEGUN + each[0])).get(part);
        same(at.offset() + "@" + at.timestamp(), each[1] + "@" + (BEGUN + each[2]), "time " + each[0]);
        same(found(part, OffsetSpec.forTimestamp(BEGUN + each[0])), each[1] + "@" + (BEGUN + each[2]), "asked for " + each[0]);
      }
      same(reader.offsetsForTimes(Map.of(part, BEGUN + 5001)).get(part), null, "a time after all");
      same(found(part, OffsetSpec.forTimestamp(BEGUN + 5001)), "-1@-1", "the admin's time after all");
      same(cut(part, 40), 40L, "low water mark");
      same(cut(part, 101), "OffsetOutOfRangeException", "deleting beyond the end");
      same(reader.beginningOffsets(Set.of(part)) + " " + reader.endOffsets(Set.of(part)),
          Map.of(part, 40) + " " + Map.of(part, 100), "beginning and end");
      same(rows(reader, part, 40), wanted.subList(40, 100), "what was not deleted");
      same(outcome(() -> rows(reader, part, 39)), "OffsetOutOfRangeException", "reading what was deleted");
      same(cut(part, -1), 100L, "deleting all");
    }
  }

  public static void main(String[] args) throws Exception {
    System.setProperty("org.slf4j.simpleLogger.defaultLogLevel", "error");
    address = args[0];
    admin = Admin.create(Map.of("bootstrap.servers", address));
    try {
      topicsAreMadeGrownAndDeleted();
      settingsAreShownAndChanged();
      for (String codec : List.of("none", "gzip", "snappy", "lz4", "zstd")) codecComesBack(codec);
      timesAndEndsAreFoundAndRecordsDeleted();
    } catch (Throwable error) {
      System.out.println("FAILED  " + error + "\n  " + error.getStackTrace()[0]);
      System.exit(1);
    }
    System.out.println("ok      Apache Kafka's client in Java");
  }
}
