#include "plimsoll/report/json_writer.h"
#include "plimsoll/server/status.h"
#include "plimsoll/server/version.h"

namespace plimsoll {
namespace {

double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

void write_flow(JsonWriter& json, const Flow::Rates& flow) {
  json.field("charged_bytes_per_second", flow.charged).field("released_bytes_per_second", flow.released);
  json.key("growth_bytes_per_second");
  if (flow.growth)
    json.value(*flow.growth);
  else
    json.value(nullptr);
}

void write_memory(JsonWriter& json, const Status& s) {
  const Governor::Snapshot& seen = s.governor;
  json.begin_object("level")
      .field("name", name_of(seen.sample.level))
      .field("number", number_of(seen.sample.level))
      .field("undroppable_ratio", s.pressure())
      .end();
  json.begin_object("memory")
      .field("limit_bytes", s.limit)
      .field("limit_source", name_of(seen.limit.source))
      .field("limit_words", seen.limit.words)
      .field("line_bytes", s.line)
      .field("reserve_bytes", s.reserve)
      .field("headroom_bytes", s.headroom)
      .field("charged_bytes", s.charged)
      .field("highest_charged_bytes", s.highest_charged)
      .field("free_bytes", s.free())
      .field("droppable_bytes", s.droppable)
      .field("wanted_bytes", s.wanted)
      .field("held_bytes", seen.sample.held)
      .field("unaccounted_bytes", seen.sample.other)
      .field("overcharged_bytes", seen.sample.overcharged)
      .field("worst_overshoot_bytes", seen.worst_overshoot)
      .field("resident_bytes", seen.slow.process.resident)
      .field("anonymous_bytes", seen.slow.process.anonymous)
      .field("file_bytes", seen.slow.process.file)
      .field("kernel_bytes", seen.slow.held.kernel);
  write_flow(json, s.flow);
  json.key("sockets_bytes");
  if (seen.slow.held.sockets_known)
    json.value(seen.slow.held.sockets);
  else
    json.value(nullptr);
  json.end();
  json.begin_object("governor")
      .field("on", s.enforcing)
      .field("response", name_of(seen.response))
      .field("looks", seen.ticks)
      .field("probe_failures", seen.probe_failures)
      .field("reclaimed_bytes", seen.reclaimed)
      .field("cpu_seconds", seconds(seen.thread_cpu))
      .end();
}

void write_accounts(JsonWriter& json, const Status& s) {
  json.begin_array("accounts");
  for (const AccountStatus& a : s.accounts) {
    json.begin_object().field("name", a.name).field("kind", name_of(a.kind)).key("parent");
    if (a.parent.empty())
      json.value(nullptr);
    else
      json.value(a.parent);
    json.field("used_bytes", a.used).field("peak_bytes", a.peak).field("guarantee_bytes", a.guarantee);
    json.key("maximum_bytes");
    if (a.maximum)
      json.value(*a.maximum);
    else
      json.value(nullptr);
    json.field("pinned_bytes", a.pinned).field("refused", a.refused);
    write_flow(json, a.flow);
    json.end();
  }
  json.end().begin_array("waits");
  for (const WaitStatus& wait : s.waits) {
    json.begin_object()
        .field("cause", wait.cause)
        .field("granted", wait.stats.granted)
        .field("timed_out", wait.stats.timed_out)
        .field("cancelled", wait.stats.cancelled)
        .field("seconds", seconds(wait.stats.total))
        .end();
  }
  json.end();
}

void write_times(JsonWriter& json, std::string_view name, const Pace::Quantiles& of) {
  json.begin_object(name)
      .field("timed", of.timed)
      .field("p50_ns", of.p50_ns)
      .field("p99_ns", of.p99_ns)
      .field("max_ns", of.max_ns)
      .end();
}

void write_pace(JsonWriter& json, const Pace::Figures& pace) {
  write_times(json, "hit_times", pace.hits);
  write_times(json, "miss_times", pace.misses);
  json.begin_object("per_second")
      .field("hits", pace.per_second.hits)
      .field("misses", pace.per_second.misses)
      .field("evicted", pace.per_second.evicted)
      .field("expired", pace.per_second.expired)
      .end();
}

void write_cache(JsonWriter& json, const Status& s) {
  const ByteCache::Stats& c = s.cache;
  json.begin_object("cache")
      .field("policy", name_of(s.policy))
      .field("items", c.items)
      .field("expiring_items", c.expiring)
      .field("payload_bytes", c.payload)
      .field("segments_bytes", c.segments)
      .field("large_values_bytes", c.extents)
      .field("index_bytes", c.index)
      .field("hits", c.hits)
      .field("misses", c.misses)
      .field("inserted", c.inserted)
      .field("evicted", c.evicted)
      .field("expired", c.expired)
      .field("refused", c.refused)
      .field("compression", name_of(s.settings.compression))
      .field("compressed_items", c.packed)
      .field("compression_saved_bytes", c.saved)
      .field("compression_gain_times", c.compression_gain());
  write_pace(json, s.pace);
  write_level(json, s.level);
  const CacheAnalysis& a = s.analysis;
  json.begin_object("analysis")
      .field("on", a.on)
      .field("known", a.known())
      .field("hit_ratio", a.hit_rate)
      .field("half_memory_hit_ratio", a.half_hit_rate)
      .field("twice_memory_hit_ratio", a.twice_hit_rate)
      .field("never_read_again_ratio", a.never_read_again)
      .field("payload_ratio", a.payload_ratio());
  json.begin_array("advice");
  for (const std::string& line : cache_advice(a)) json.value(line);
  json.end().end().end();
}

void write_connections(JsonWriter& json, const Status& s) {
  const TrafficStatus& t = s.traffic;
  json.begin_object("connections")
      .field("resp", t.connections)
      .field("kafka", t.kafka_connections)
      .field("http", t.http_connections)
      .field("accepted", t.accepted)
      .field("refused", t.connections_refused)
      .field("accept_paused", t.accept_paused)
      .field("commands", t.commands)
      .field("received_bytes", t.bytes_received)
      .field("sent_bytes", t.bytes_sent)
      .field("readers_closed", t.readers_closed)
      .field("bodies_closed", t.bodies_closed)
      .field("bodies_refused", t.bodies_refused)
      .field("protocol_errors", t.protocol_errors)
      .field("http_requests", t.http_requests)
      .end();
}

void write_log(JsonWriter& json, const Status& s) {
  json.key("log");
  if (!s.log) {
    json.value(nullptr);
    return;
  }
  const LogStore::Stats& l = s.log->store;
  const Broker::Stats& b = s.log->broker;
  json.begin_object()
      .field("kafka_port", s.kafka_port)
      .field("fsync", fsync_words(s.settings))
      .field("topics", l.topics)
      .field("partitions", l.partitions)
      .field("partitions_used", l.partitions_open)
      .field("segments", l.segments)
      .field("size_bytes", l.bytes)
      .field("records", l.records)
      .field("appended_bytes", l.appended)
      .field("fetched_bytes", b.fetched_bytes)
      .field("fetches_waiting", b.fetches_waiting)
      .field("producers", l.producers)
      .field("duplicates", l.duplicates)
      .field("syncs", l.syncs)
      .field("failed_syncs", l.failed_syncs)
      .field("page_cache_bytes", l.page_cache)
      .field("indexes_mapped_bytes", l.indexes_mapped)
      .field("open_files", l.open_files)
      .field("requests_paused", b.throttled_requests)
      .field("produce_refused", b.produce_refused)
      .end();
}

void write_events(JsonWriter& json, const Status& s) {
  json.begin_array("events");
  for (const Event& event : s.events) {
    json.begin_object()
        .field("number", event.number)
        .field("time_ms", event.wall_ms)
        .field("kind", name_of(event.kind))
        .field("times", event.times)
        .field("sentence", event.sentence())
        .end();
  }
  json.end();
}

}  // namespace

std::string status_json(const Status& s) {
  JsonWriter json;
  json.begin_object()
      .field("version", kVersion)
      .field("process", s.process)
      .field("uptime_seconds", seconds(s.uptime))
      .field("time_ms", s.wall_ms)
      .field("address", s.settings.bind)
      .field("resp_port", s.resp_port)
      .field("http_port", s.http_port);
  write_memory(json, s);
  write_accounts(json, s);
  write_cache(json, s);
  write_log(json, s);
  write_connections(json, s);
  write_events(json, s);
  return json.end().take();
}

}  // namespace plimsoll
