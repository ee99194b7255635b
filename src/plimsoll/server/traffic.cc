#include "plimsoll/server/traffic.h"

namespace plimsoll {

void Traffic::Describe(StatSink& sink) const {
  auto read = [](const Counter& counter) {
    return static_cast<double>(counter.load(std::memory_order_relaxed));
  };
  sink.gauge("connections", "Clients connected", read(connections), {{"protocol", "resp"}});
  sink.gauge("connections", "Clients connected", read(kafka_connections), {{"protocol", "kafka"}});
  sink.gauge("connections", "Clients connected", read(http_connections), {{"protocol", "http"}});
  sink.counter("connections_accepted_total", "Connections accepted", read(accepted));
  sink.counter("connections_refused_total", "Connections closed at once for lack of memory",
               read(connections_refused));
  sink.counter("accept_paused_total", "Times that accepting stopped for lack of file descriptors",
               read(accept_paused));
  sink.counter("commands_total", "RESP commands run", read(commands));
  sink.counter("received_bytes_total", "Bytes received from clients of RESP and Kafka", read(bytes_received));
  sink.counter("sent_bytes_total", "Bytes sent to clients of RESP and Kafka", read(bytes_sent));
  sink.counter("sent_from_files_bytes_total", "Bytes sent without a copy in user memory (sendfile)",
               read(bytes_sent_from_files));
  sink.counter("readers_closed_total", "Connections closed because their client did not read",
               read(readers_closed));
  sink.counter("bodies_closed_total",
               "Connections closed because a body came too slowly or waited in a transaction",
               read(bodies_closed));
  sink.counter("bodies_refused_total", "Large values that were not admitted", read(bodies_refused));
  sink.counter("protocol_errors_total", "Connections closed for a malformed request", read(protocol_errors));
  sink.counter("http_requests_total", "HTTP requests answered", read(http_requests));
}

}  // namespace plimsoll
