// Writes requests and responses with Apache Kafka's message classes, for our codecs to be compared with.
//
//   java -cp 'build/kafka_frames/*' KafkaFrames.java src/plimsoll/wire/corpus tests/kafka
//
// The nth field that is visited, in the order of the wire, has a value made of n (value() below), so that a reader
// who walks the same fields in the same order knows what to find: kafka_frames_test.cc does. A request of the second
// folder has values that a broker of one node does something with (wanted() below): golden_frames.py sends them.

import java.io.IOException;
import java.lang.reflect.Method;
import java.lang.reflect.ParameterizedType;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.message.ApiMessageType;
import org.apache.kafka.common.message.RequestHeaderData;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.ObjectSerializationCache;
import org.apache.kafka.common.protocol.types.BoundField;
import org.apache.kafka.common.protocol.types.CompactArrayOf;
import org.apache.kafka.common.protocol.types.RawTaggedField;
import org.apache.kafka.common.protocol.types.Schema;
import org.apache.kafka.common.protocol.types.TaggedFields;
import org.apache.kafka.common.protocol.types.Type;
import org.apache.kafka.common.record.CompressionType;
import org.apache.kafka.common.record.MemoryRecords;
import org.apache.kafka.common.record.SimpleRecord;

public class KafkaFrames {
  // key, oldest version, newest version
  static final int[][] APIS = {
    {0, 0, 9}, {1, 4, 12}, {2, 1, 7}, {3, 0, 9}, {10, 0, 4}, {18, 0, 3}, {19, 2, 7}, {20, 1, 6}, {21, 0, 2},
    {22, 0, 4}, {23, 2, 4}, {32, 1, 4}, {33, 0, 2}, {37, 0, 3}, {44, 0, 1}, {60, 0, 0},
  };
  static final int CORRELATION_ID = 0x01020304;
  static final String CLIENT_ID = "client";

  enum Variant { PLAIN, NULLS, TAGS, SERVED }

  // By the name of a field, or its path. CreateTopics makes what DeleteTopics then deletes; all else is of one topic.
  static final Map<String, Object> WANTED = new HashMap<>();
  static {
    Object[][] all = {
      {"topic", "apache"}, {"topics.name", "apache"}, {"topic_data.name", "apache"}, {"resource_name", "apache"},
      {"resource_type", (byte) 2}, {"configs.name", "retention.ms"}, {"configs.value", "3600000"},
      {"configuration_keys", "retention.ms"}, {"config_operation", (byte) 0}, {"partition", 0}, {"index", 0},
      {"partition_index", 0}, {"num_partitions", 1}, {"replication_factor", (short) 1}, {"acks", (short) -1},
      {"timeout_ms", 1000}, {"transaction_timeout_ms", 60_000}, {"max_wait_ms", 0}, {"min_bytes", 1},
      {"max_bytes", 1 << 20}, {"partition_max_bytes", 1 << 20}, {"replica_id", -1}, {"isolation_level", (byte) 0},
      {"session_id", 0}, {"session_epoch", -1}, {"current_leader_epoch", -1}, {"last_fetched_epoch", -1},
      {"leader_epoch", 0}, {"fetch_offset", 0L}, {"log_start_offset", -1L}, {"timestamp", -1L}, {"offset", 1L},
      {"producer_id", -1L}, {"producer_epoch", (short) -1}, {"validate_only", false}, {"topic_id", Uuid.ZERO_UUID},
      {"transactional_id", null}, {"key_type", (byte) 0},
    };
    for (Object[] one : all) WANTED.put((String) one[0], one[1]);
  }

  final Variant variant;
  int version = 0;
  int key = 0;
  int fields = 0; // visited
  boolean applies; // the variant differs from the plain one

  KafkaFrames(Variant variant) {
    this.variant = variant;
    applies = variant == Variant.PLAIN;
  }

  static Object value(Type type, int n) {
    switch (type.toString().replace("COMPACT_", "").replace("NULLABLE_", "")) {
      case "BOOLEAN": return n % 2 == 1;
      case "INT8": return (byte) (n % 100 + 1);
      case "INT16": return (short) (1000 + n);
      case "INT32": return 100_000 + n;
      case "INT64": return 1_000_000_000_000L + n;
      case "STRING": return "s" + n;
      case "UUID": return new Uuid(n, n + 1);
      case "RECORDS": return MemoryRecords.readableRecords(
          ByteBuffer.wrap(("records " + n).getBytes(StandardCharsets.UTF_8)));
      default: throw new IllegalArgumentException("no value for " + type);
    }
  }

  // What a field of a served request is to be; `otherwise` where that does not matter.
  Object wanted(String path, Object otherwise) {
    if (otherwise instanceof MemoryRecords) {
      return MemoryRecords.withRecords(CompressionType.NONE, new SimpleRecord(1L, "key".getBytes(), "value".getBytes()),
          new SimpleRecord(2L, null, ("version " + version).getBytes()));
    }
    if (key == 19 && path.equals("topics.name")) return "apache." + version;
    if (key == 20 && (path.equals("topics.name") || path.equals("topic_names"))) return "apache." + (version + 1);
    if (key == 37 && path.equals("topics.count")) return 10 + version;
    String[] names = path.split("\\.");
    String last = names[names.length - 1];
    String two = names.length < 2 ? last : names[names.length - 2] + "." + last;
    return WANTED.containsKey(two) ? WANTED.get(two) : WANTED.getOrDefault(last, otherwise);
  }

  static Method named(Class<?> type, String name, int parameters) {
    for (Method method : type.getMethods()) {
      if (method.getName().equals(name) && method.getParameterCount() == parameters) return method;
    }
    throw new IllegalArgumentException(type + " has no " + name);
  }

  static String camel(String name) {
    StringBuilder text = new StringBuilder();
    for (String word : name.split("_")) text.append(Character.toUpperCase(word.charAt(0))).append(word.substring(1));
    return text.toString();
  }

  // What a list or one of Apache's own collections holds.
  static Class<?> elementOf(Method getter) {
    java.lang.reflect.Type type = getter.getGenericReturnType();
    if (!(type instanceof ParameterizedType)) type = getter.getReturnType().getGenericSuperclass();
    return (Class<?>) ((ParameterizedType) type).getActualTypeArguments()[0];
  }

  void fill(Message message, Schema schema, String path) throws ReflectiveOperationException {
    for (BoundField field : schema.fields()) {
      Type type = field.def.type;
      if (type instanceof TaggedFields) {
        if (variant == Variant.TAGS) {
          applies = true;
          message.unknownTaggedFields().add(new RawTaggedField(1000, new byte[] {1, 2, 3}));
          message.unknownTaggedFields().add(new RawTaggedField(1001, new byte[0]));
        }
        continue;
      }
      String name = camel(field.def.name);
      Method setter = named(message.getClass(), "set" + name, 1);
      int n = ++fields;
      if (variant == Variant.NULLS && type.isNullable()) {
        applies = true;
        setter.invoke(message, (Object) null);
      } else if (type.isArray()) {
        setter.invoke(message, array(message, name, type, path + field.def.name));
      } else {
        Object value = value(type, n);
        setter.invoke(message, variant == Variant.SERVED ? wanted(path + field.def.name, value) : value);
      }
    }
  }

  @SuppressWarnings("unchecked")
  Object array(Message message, String name, Type type, String path) throws ReflectiveOperationException {
    Method getter = named(message.getClass(), Character.toLowerCase(name.charAt(0)) + name.substring(1), 0);
    Class<?> kind = getter.getReturnType();
    Collection<Object> list =
        kind == List.class ? new ArrayList<>() : (Collection<Object>) kind.getConstructor().newInstance();
    Type element = type.arrayElementType().get();
    int count = 2;
    if (variant == Variant.SERVED) {
      if (path.equals("topics.assignments") && key == 37) return null; // the broker's to choose
      count = path.equals("topics.assignments") || path.equals("forgotten_topics_data") ? 0 : 1;
    }
    for (int i = 0; i < count; ++i) {
      if (element instanceof Schema) {
        Message one = (Message) elementOf(getter).getConstructor().newInstance();
        fill(one, (Schema) element, path + ".");
        list.add(one);
      } else {
        Object value = value(element, ++fields);
        list.add(variant == Variant.SERVED ? wanted(path, value) : value);
      }
    }
    return list;
  }

  static byte[] bytes(Message message, int version) {
    ObjectSerializationCache cache = new ObjectSerializationCache();
    ByteBuffer buffer = ByteBuffer.allocate(message.size(cache, (short) version));
    message.write(new ByteBufferAccessor(buffer), cache, (short) version);
    return buffer.array();
  }

  static byte[] joined(byte[]... parts) throws IOException {
    java.io.ByteArrayOutputStream all = new java.io.ByteArrayOutputStream();
    for (byte[] part : parts) all.write(part);
    return all.toByteArray();
  }

  static byte[] requestHeader(ApiMessageType type, int version) {
    return bytes(
        new RequestHeaderData().setRequestApiKey(type.apiKey()).setRequestApiVersion((short) version)
            .setCorrelationId(CORRELATION_ID).setClientId(CLIENT_ID),
        type.requestHeaderVersion((short) version));
  }

  static byte[] responseHeader(ApiMessageType type, int version) {
    return bytes(new org.apache.kafka.common.message.ResponseHeaderData().setCorrelationId(CORRELATION_ID),
        type.responseHeaderVersion((short) version));
  }

  static void write(Path corpus, ApiMessageType type, int version, boolean request, Variant variant)
      throws Exception {
    KafkaFrames frames = new KafkaFrames(variant);
    Message message = (Message) (request ? type.newRequest() : type.newResponse());
    frames.fill(message, (request ? type.requestSchemas() : type.responseSchemas())[version], "");
    if (!frames.applies) return;
    byte[] body = bytes(message, version);
    byte[] header = request ? requestHeader(type, version) : responseHeader(type, version);
    String name = type.apiKey() + "_" + version + (request ? "_request" : "_response")
        + (variant == Variant.PLAIN ? "" : "_" + variant.name().toLowerCase());
    Files.write(corpus.resolve("kafka_frames").resolve(name + ".bin"), joined(header, body));
    if (variant != Variant.PLAIN) return;
    // The fuzzers' seeds: a request as it comes, a response after its key and version.
    if (request) {
      Files.write(corpus.resolve("kafka_request").resolve(name), joined(header, body));
    } else {
      Files.write(corpus.resolve("kafka_response").resolve(name),
          joined(new byte[] {(byte) type.apiKey(), (byte) version}, body));
    }
  }

  // [["name", "INT32"], ["topics", "COMPACT_ARRAY", [fields or "STRING"]], ["", "TAGS"]]: of a response, for a reader
  // that knows no message.
  static String described(Schema schema) {
    StringBuilder text = new StringBuilder();
    for (BoundField field : schema.fields()) {
      Type type = field.def.type;
      text.append(text.length() == 0 ? "[" : ", ");
      if (type instanceof TaggedFields) {
        text.append("[\"\", \"TAGS\"]");
        continue;
      }
      text.append("[\"").append(field.def.name).append("\", ");
      if (type.isArray()) {
        Type element = type.arrayElementType().get();
        text.append(type instanceof CompactArrayOf ? "\"COMPACT_ARRAY\", " : "\"ARRAY\", ")
            .append(element instanceof Schema ? described((Schema) element) : "\"" + element + "\"").append("]");
      } else {
        text.append("\"").append(type).append("\"]");
      }
    }
    return text.append("]").toString();
  }

  static String served(ApiMessageType type, int version) throws Exception {
    KafkaFrames frames = new KafkaFrames(Variant.SERVED);
    frames.version = version;
    frames.key = type.apiKey();
    Message message = (Message) type.newRequest();
    frames.fill(message, type.requestSchemas()[version], "");
    String request = HexFormat.of().formatHex(joined(requestHeader(type, version), bytes(message, version)));
    return String.format("{\"key\": %d, \"version\": %d, \"name\": \"%s\", \"header_tags\": %s, \"request\": \"%s\", "
        + "\"response\": %s}%n", type.apiKey(), version, type.name, type.responseHeaderVersion((short) version) > 0,
        request, described(type.responseSchemas()[version]));
  }

  public static void main(String[] arguments) throws Exception {
    Path corpus = Path.of(arguments[0]);
    for (String folder : List.of("kafka_frames", "kafka_request", "kafka_response")) {
      Files.createDirectories(corpus.resolve(folder));
    }
    StringBuilder requests = new StringBuilder();
    for (int[] api : APIS) {
      ApiMessageType type = ApiMessageType.fromApiKey((short) api[0]);
      for (int version = api[1]; version <= api[2]; ++version) {
        requests.append(served(type, version));
        for (Variant variant : List.of(Variant.PLAIN, Variant.NULLS, Variant.TAGS)) {
          write(corpus, type, version, true, variant);
          write(corpus, type, version, false, variant);
        }
      }
    }
    Files.writeString(Path.of(arguments[1]).resolve("apache_requests.jsonl"), requests);
    StringBuilder codes = new StringBuilder();
    for (Errors error : Errors.values()) {
      boolean again = error.exception() instanceof org.apache.kafka.common.errors.RetriableException;
      codes.append(error.code()).append(' ').append(error).append(' ').append(again).append('\n');
    }
    Files.writeString(corpus.resolve("kafka_frames").resolve("codes.txt"), codes);
  }
}
