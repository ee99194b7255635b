// Reads answers of a broker with Apache Kafka's own message classes: of each the whole must be read, and the same bytes
// be written again. Lines of "KEY VERSION HEX" come in, header included; golden_frames.py writes them.
//
//   java -cp 'build/kafka_frames/*' DecodeAnswers.java < LINES

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HexFormat;
import org.apache.kafka.common.message.ApiMessageType;
import org.apache.kafka.common.message.ResponseHeaderData;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.ObjectSerializationCache;

public class DecodeAnswers {
  static byte[] written(Message message, short version) {
    ObjectSerializationCache cache = new ObjectSerializationCache();
    ByteBuffer buffer = ByteBuffer.allocate(message.size(cache, version));
    message.write(new ByteBufferAccessor(buffer), cache, version);
    return buffer.array();
  }

  static void check(String[] words) {
    ApiMessageType type = ApiMessageType.fromApiKey(Short.parseShort(words[0]));
    short version = Short.parseShort(words[1]);
    ByteBuffer answer = ByteBuffer.wrap(HexFormat.of().parseHex(words[2]));
    ByteBufferAccessor reader = new ByteBufferAccessor(answer);
    new ResponseHeaderData(reader, type.responseHeaderVersion(version));
    byte[] body = Arrays.copyOfRange(answer.array(), answer.position(), answer.limit());
    Message message = (Message) type.newResponse();
    message.read(reader, version);
    if (answer.hasRemaining()) throw new IllegalStateException(answer.remaining() + " bytes were left of " + message);
    byte[] again = written(message, version);
    if (!Arrays.equals(body, again)) throw new IllegalStateException("it would be written in other bytes: " + message);
  }

  public static void main(String[] none) throws Exception {
    int read = 0;
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      try {
        check(line.split(" "));
      } catch (Exception fault) {
        System.out.println("key and version " + line.substring(0, Math.min(40, line.length())) + ": " + fault);
        System.exit(1);
      }
      ++read;
    }
    System.out.println(read + " answers read");
  }
}
