#include "plimsoll/cli/flood_stage.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <thread>

#include "plimsoll/base/text.h"

namespace plimsoll {

using namespace std::chrono_literals;

namespace {

constexpr Duration kLook = 20ms;
constexpr Duration kProgress = 200ms;
constexpr Duration kComparison = 500ms;
// While a server fills up it is measured too, but figures that must be within some per cent need some size.
constexpr Duration kSettling = 2s;

std::uint64_t read(const LoadCounter& counter) { return counter.load(std::memory_order_relaxed); }
double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }
double milliseconds(std::uint64_t ns) { return static_cast<double>(ns) / 1e6; }

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::ranges::sort(values);
  return values[values.size() / 2];
}

}  // namespace

Bytes flood_line(Bytes limit) { return limit.minus_clamped(std::max(limit / 25, 4_MiB)); }

Result<std::unique_ptr<FloodStage>> FloodStage::open(const FloodOptions& options) {
  std::unique_ptr<FloodStage> stage(new FloodStage(options));
  if (!options.without_cgroup) {
    auto group = ScratchCgroup::create(
        {.name = "plimsoll-flood-" + std::to_string(::getpid()), .limit = options.limit});
    if (!group) return tl::unexpected(group.error());
    stage->group_.emplace(std::move(*group));
  }
  if (auto started = stage->start_server(); !started) return tl::unexpected(started.error());
  stage->start_calm_client();
  return stage;
}

Result<void> FloodStage::start_server() {
  result_.scenario = options_.scenario;
  result_.target = options_.target;
  result_.limit = options_.limit;
  result_.line = flood_line(options_.limit);
  ServerCommand command =
      options_.target == FloodTarget::kRedis
          ? redis_command(options_.program, free_port(), options_.further)
          : plimsoll_command(options_.program, governed(), group_ ? Bytes() : options_.limit);
  if (options_.target != FloodTarget::kRedis) {
    command.arguments.insert(command.arguments.end(), options_.further.begin(), options_.further.end());
  }
  command.group = group_ ? &*group_ : nullptr;
  auto server = FloodServer::start(command, std::chrono::steady_clock::now() + 20s);
  if (!server) return tl::unexpected(server.error());
  server_ = std::move(*server);
  auto watch = FloodWatch::open(server_->pid(), group_.has_value());
  if (!watch) return tl::unexpected(watch.error());
  watch_ = std::move(*watch);
  watch_->start();
  began_ = std::chrono::steady_clock::now();
  next_comparison_ = began_ + kSettling;
  return {};
}

LoadOptions FloodStage::load() const {
  LoadOptions options;
  options.port = server_->resp_port();
  return options;
}

void FloodStage::start_calm_client() {
  LoadOptions calm = load();
  calm.connections = 4;
  calm.rate = 100;
  calm.get_share = 0.8;
  calm.keys = 200;
  calm.key_prefix = "calm:";
  store_all(calm);
  calm_ = std::make_unique<LoadClient>(calm, values_);
  if (!calm_->start()) fail_with("the calm client cannot connect");
}

LoadClient& FloodStage::start_load(const LoadOptions& options) {
  loads_.push_back(std::make_unique<LoadClient>(options, values_));
  auto started = loads_.back()->start();
  if (!started && server_->alive()) fail_with("a load cannot start: " + started.error().message());
  return *loads_.back();
}

void FloodStage::count(const LoadStats& stats) {
  result_.served += read(stats.stored) + read(stats.hits) + read(stats.misses);
  result_.refused += read(stats.refused);
  result_.errors += read(stats.errors);
  result_.wrong += read(stats.wrong);
  result_.lost += read(stats.lost);
  result_.hits += read(stats.hits);
  result_.misses += read(stats.misses);
  if (result_.first_error.empty()) result_.first_error = stats.first_error();
  if (result_.first_wrong.empty()) result_.first_wrong = stats.first_wrong();
}

void FloodStage::fill(Bytes total) {
  LoadOptions filling = load();
  filling.connections = 16;
  filling.pipeline = 16;
  filling.order = KeyOrder::kInOrder;
  filling.keys = 1'000'000'000;
  filling.key_prefix = "fill:";
  filling.value_size = 1024;
  LoadClient client(filling, values_);
  MonotonicTime deadline = std::chrono::steady_clock::now() + 20s;
  if (!client.start()) return;
  while (read(client.stats().bytes_out) < total.count() && std::chrono::steady_clock::now() < deadline) {
    if (!run_for(kLook)) break;
  }
  client.stop();
  count(client.stats());
}

void FloodStage::store_all(LoadOptions options) {
  options.order = KeyOrder::kInOrder;
  options.requests = options.keys;
  options.get_share = 0;
  options.rate = 0;
  LoadClient client(options, values_);
  if (!client.start()) return;
  MonotonicTime deadline = std::chrono::steady_clock::now() + 20s;
  while (!client.finished() && std::chrono::steady_clock::now() < deadline && run_for(2ms)) {
  }
  client.stop();
  count(client.stats());
}

// --- waiting

bool FloodStage::run_for(Duration duration) {
  MonotonicTime until = std::chrono::steady_clock::now() + duration;
  for (;;) {
    MonotonicTime now = std::chrono::steady_clock::now();
    if (!server_->alive()) {
      if (!died_) died_ = now;
      return false;
    }
    look(now);
    if (now >= until) return true;
    std::this_thread::sleep_for(std::min<Duration>(kLook, until - now));
  }
}

void FloodStage::look(MonotonicTime now) {
  if (options_.progress && now >= next_progress_) {
    next_progress_ = now + kProgress;
    FloodProgress progress{now - began_, watch_->latest().total(), line(), limit_};
    progress.served = result_.served;
    progress.refused = result_.refused;
    for (const auto& load : loads_) {
      progress.served += read(load->stats().stored) + read(load->stats().hits) + read(load->stats().misses);
      progress.refused += read(load->stats().refused);
    }
    options_.progress(progress);
  }
  if (options_.target != FloodTarget::kRedis && now >= next_comparison_) {
    next_comparison_ = now + kComparison;
    compare_accounts();
  }
}

std::optional<FloodScrape> FloodStage::scrape() {
  if (server_->http_port() == 0) return std::nullopt;
  auto text = FloodScrape::fetch(server_->http_port(), std::chrono::steady_clock::now() + 2s);
  return text ? std::optional<FloodScrape>(std::move(*text)) : std::nullopt;
}

// What the server says it holds, beside what was seen at some moment while it was asked.
void FloodStage::compare_accounts() {
  MonotonicTime from = std::chrono::steady_clock::now() - FloodWatch::kPeriod;
  auto said = scrape();
  if (!said) return;
  std::this_thread::sleep_for(FloodWatch::kPeriod);  // for the sample after the answer
  auto charged = said->value("plimsoll_memory_charged_bytes");
  auto other = said->value("plimsoll_account_used_bytes", "account=\"other\"");
  if (!charged) return;
  double explained = *charged - other.value_or(0);
  double nearest = INFINITY;
  for (const FloodSample& sample : watch_->samples()) {
    if (sample.at < from) continue;
    double off = explained / sample.total().as_double() - 1;
    if (std::abs(off) < std::abs(nearest)) nearest = off;
  }
  if (std::isfinite(nearest)) explained_.push_back(nearest);
}

// --- the limit

Bytes FloodStage::line() const { return flood_line(limit_); }

Bytes FloodStage::lower_limit(Bytes goal) {
  if (!group_) return limit_;
  // Version 1 refuses (EBUSY) a limit below what is held and version 2 kills for it, so an administrator who
  // wants the server to live goes down in steps. Until it has looked, the server may hold its old line and 1
  // % more.
  Bytes step = std::max(goal, line().scaled(1.01)).rounded_up(64_KiB);
  // A limit at what is held right now would kill for the next page: the last step is to be followed first.
  if (watch_->latest().total() > line()) return limit_;
  if (step < limit_ && group_->set_limit(step)) limit_ = step;
  return limit_;
}

void FloodStage::restore_limit() {
  if (!group_) return;
  if (group_->set_limit(options_.limit)) limit_ = options_.limit;
}

// --- the result

void FloodStage::sum_up_calm() {
  calm_->stop();
  const LoadStats& stats = calm_->stats();
  count(stats);
  result_.calm_answered = read(stats.answered);
  result_.calm_errors = read(stats.errors) + read(stats.refused) + read(stats.lost);
  result_.calm_stalls = read(stats.stalls);
  result_.calm_ms_p50 = milliseconds(stats.latency_ns.quantile(0.5));
  result_.calm_ms_p99 = milliseconds(stats.latency_ns.quantile(0.99));
  result_.calm_ms_max = milliseconds(stats.latency_ns.max());
}

void FloodStage::sum_up_memory() {
  std::vector<double> totals;
  auto samples = watch_->samples();
  for (const FloodSample& sample : samples) {
    result_.highest = std::max(result_.highest, sample.total());
    result_.highest_sockets = std::max(result_.highest_sockets, sample.held.sockets);
  }
  for (std::size_t i = samples.size() / 2; i < samples.size(); ++i) {
    totals.push_back(samples[i].total().as_double());
  }
  result_.line_used = median(totals) / result_.line.as_double();
  if (explained_.empty()) return;
  result_.explained_worst =
      *std::ranges::max_element(explained_, {}, [](double off) { return std::abs(off); });
  result_.explained_median = median(explained_);
}

FloodResult FloodStage::finish() {
  MonotonicTime now = std::chrono::steady_clock::now();
  if (!server_->alive() && !died_) died_ = now;
  result_.duration_s = seconds(died_.value_or(now) - began_);
  for (const auto& load : loads_) {
    load->stop();
    count(load->stats());
  }
  sum_up_calm();
  if (!died_) read_server_figures();
  watch_->stop();
  sum_up_memory();
  if (died_) {
    result_.died = true;
    result_.died_after_s = seconds(*died_ - began_);
    result_.how = server_->how_it_ended();
    figure("limit_when_it_died_bytes", limit_.as_double());
    figure("held_before_it_died_bytes", watch_->latest().total().as_double());
    figure("anonymous_before_it_died_bytes", watch_->latest().held.anonymous.as_double());
    figure("kernel_before_it_died_bytes", watch_->latest().held.kernel.as_double());
  } else if (!server_->stop() && governed()) {
    fail_with("the server did not end on SIGTERM within 5 s");
  } else if (governed() && server_->how_it_ended() != "exited with 0") {
    fail_with("on SIGTERM the server " + server_->how_it_ended());
  }
  if (group_) result_.kills = group_->oom_kills().value_or(0);
  judge();
  if (!result_.failures.empty()) result_.log = server_->output();
  return std::move(result_);
}

}  // namespace plimsoll
