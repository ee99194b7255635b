// What a flood's figures should be, and what the server adds to them.
#include <cmath>
#include <cstdio>

#include "plimsoll/base/text.h"
#include "plimsoll/cli/flood_stage.h"

namespace plimsoll {

namespace {

// Of /metrics, as they were at the end.
struct ServerFigure {
  const char* metric;
  const char* label;
  const char* name;
};
constexpr ServerFigure kServerFigures[] = {
    {"plimsoll_memory_pressure_level", "", "level"},
    {"plimsoll_memory_events_total", "kind=\"level_changed\"", "level_changes"},
    {"plimsoll_memory_unaccounted_bytes", "", "unaccounted_bytes"},
    {"plimsoll_memory_overcharged_bytes", "", "overcharged_bytes"},
    {"plimsoll_memory_worst_overshoot_bytes", "", "worst_overshoot_bytes"},
    {"plimsoll_account_used_bytes", "account=\"runtime\"", "runtime_bytes"},
    {"plimsoll_account_used_bytes", "account=\"cache\"", "cache_bytes"},
    {"plimsoll_account_peak_bytes", "account=\"output\"", "output_peak_bytes"},
    {"plimsoll_account_peak_bytes", "account=\"bodies\"", "bodies_peak_bytes"},
    {"plimsoll_account_peak_bytes", "account=\"connections\"", "connections_peak_bytes"},
    {"plimsoll_account_peak_bytes", "account=\"sockets\"", "sockets_peak_bytes"},
    {"plimsoll_readers_closed_total", "", "readers_closed_by_server"},
    {"plimsoll_bodies_closed_total", "", "bodies_closed_by_server"},
    {"plimsoll_connections_refused_total", "", "connections_refused"},
};

constexpr double kExplainedWithin = 0.05;

std::string percent(double share) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %%", share * 100);
  return text;
}

}  // namespace

void FloodStage::read_server_figures() {
  auto said = scrape();
  if (!said) {
    if (governed()) fail_with("/metrics does not answer at the end");
    return;
  }
  for (const ServerFigure& wanted : kServerFigures) {
    if (auto value = said->value(wanted.metric, wanted.label)) figure(wanted.name, *value);
  }
  if (auto waited = said->sum("plimsoll_memory_wait_seconds_total")) figure("imposed_wait_s", *waited);
  if (auto freed = said->quantile("plimsoll_memory_first_freed_seconds", 0.99)) {
    figure("first_byte_freed_ms_p99", *freed * 1000);
  }
  readers_share_ = said->value("plimsoll_account_maximum_bytes", "account=\"output\"");
}

void FloodStage::judge() {
  if (options_.target == FloodTarget::kRedis) return;
  if (options_.target == FloodTarget::kControl) {
    bool must_die = false;
    for (const FloodScenario& scenario : flood_scenarios()) {
      if (scenario.name == options_.scenario) must_die = scenario.kills_control;
    }
    if (must_die && !result_.died) fail_with("the control, without its governor, was not killed");
    if (must_die && result_.died && result_.kills == 0 && group_) {
      fail_with("the control " + result_.how + ", but not by its cgroup");
    }
    return;
  }
  if (result_.died) fail_with("the server " + result_.how);
  if (result_.kills > 0) fail_with("the cgroup counts " + std::to_string(result_.kills) + " kills");
  if (result_.wrong > 0)
    fail_with(std::to_string(result_.wrong) + " replies are wrong: " + result_.first_wrong);
  if (result_.served == 0 || result_.calm_answered == 0) fail_with("nobody was served");
  if (result_.died) return;
  if (!result_.explained_worst) {
    fail_with("/metrics never said what the accounts hold");
  } else if (std::abs(*result_.explained_worst) > kExplainedWithin) {
    fail_with("the accounts explain " + percent(1 + *result_.explained_worst) + " of what is held (median " +
              percent(1 + *result_.explained_median) + "); within " + percent(kExplainedWithin) +
              " is asked");
  }
  if (readers_share_ && result_.highest_sockets.as_double() > *readers_share_) {
    fail_with("sockets hold " + format_bytes(result_.highest_sockets) + ", more than the readers' share");
  }
}

}  // namespace plimsoll
