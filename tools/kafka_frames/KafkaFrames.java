// Writes requests and responses with Apache Kafka's message classes, for our codecs to be compared with.
//
//   java -cp 'build/kafka_frames/*' KafkaFrames.java src/plimsoll/wire/corpus
//
// The nth field that is visited, in the order of the wire, has a value made of n (value() below), so that a reader
// who walks the same fields in the same order knows what to find: kafka_frames_test.cc does.

import java.io.IOException;
import java.lang.reflect.Method;
import java.lang.reflect.ParameterizedType;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.message.ApiMessageType;
import org.apache.kafka.common.message.RequestHeaderData;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.ObjectSerializationCache;
import org.apache.kafka.common.protocol.types.BoundField;
import org.apache.kafka.common.protocol.types.RawTaggedField;
import org.apache.kafka.common.protocol.types.Schema;
import org.apache.kafka.common.protocol.types.TaggedFields;
import org.apache.kafka.common.protocol.types.Type;
import org.apache.kafka.common.record.MemoryRecords;

public class KafkaFrames {
  // key, oldest version, newest version
  static final int[][] APIS = {
    {0, 0, 9}, {1, 4, 12}, {2, 1, 7}, {3, 0, 9}, {10, 0, 4}, {18, 0, 3}, {19, 2, 7}, {20, 1, 6}, {21, 0, 2},
    {22, 0, 4}, {23, 2, 4}, {32, 1, 4}, {33, 0, 2}, {37, 0, 3}, {44, 0, 1}, {60, 0, 0},
  };
  static final int CORRELATION_ID = 0x01020304;
  static final String CLIENT_ID = "client";

  enum Variant { PLAIN, NULLS, TAGS }

  final Variant variant;
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

  void fill(Message message, Schema schema) throws ReflectiveOperationException {
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
        setter.invoke(message, array(message, name, type));
      } else {
        setter.invoke(message, value(type, n));
      }
    }
  }

  @SuppressWarnings("unchecked")
  Object array(Message message, String name, Type type) throws ReflectiveOperationException {
    Method getter = named(message.getClass(), Character.toLowerCase(name.charAt(0)) + name.substring(1), 0);
    Class<?> kind = getter.getReturnType();
    Collection<Object> list =
        kind == List.class ? new ArrayList<>() : (Collection<Object>) kind.getConstructor().newInstance();
    Type element = type.arrayElementType().get();
    for (int i = 0; i < 2; ++i) {
      if (element instanceof Schema) {
        Message one = (Message) elementOf(getter).getConstructor().newInstance();
        fill(one, (Schema) element);
        list.add(one);
      } else {
        list.add(value(element, ++fields));
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
    frames.fill(message, (request ? type.requestSchemas() : type.responseSchemas())[version]);
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

  public static void main(String[] arguments) throws Exception {
    Path corpus = Path.of(arguments[0]);
    for (String folder : List.of("kafka_frames", "kafka_request", "kafka_response")) {
      Files.createDirectories(corpus.resolve(folder));
    }
    for (int[] api : APIS) {
      ApiMessageType type = ApiMessageType.fromApiKey((short) api[0]);
      for (int version = api[1]; version <= api[2]; ++version) {
        for (Variant variant : Variant.values()) {
          write(corpus, type, version, true, variant);
          write(corpus, type, version, false, variant);
        }
      }
    }
    StringBuilder codes = new StringBuilder();
    for (Errors error : Errors.values()) {
      boolean again = error.exception() instanceof org.apache.kafka.common.errors.RetriableException;
      codes.append(error.code()).append(' ').append(error).append(' ').append(again).append('\n');
    }
    Files.writeString(corpus.resolve("kafka_frames").resolve("codes.txt"), codes);
  }
}
