// plimsoll sim: what a recorded trace would have missed under each policy and capacity, run through the cache
// that serves.
#include <algorithm>
#include <cmath>
#include <optional>

#include "plimsoll/base/text.h"
#include "plimsoll/cache/simulation.h"
#include "plimsoll/cli/progress.h"
#include "plimsoll/cli/verb.h"
#include "plimsoll/os/input_file.h"
#include "plimsoll/report/json_writer.h"
#include "plimsoll/report/table.h"

namespace plimsoll {
namespace {

constexpr std::string_view kTwoCapacities = "1%,10%";
constexpr std::string_view kCurve = "0.1%,0.2%,0.5%,1%,2%,5%,10%,20%,40%,60%,80%,100%";
constexpr std::size_t kBar = 40;  // characters for a miss ratio of one

struct Capacity {
  std::string text;  // as it was given
  std::uint64_t number;
};

struct Job {
  std::string name;  // of the trace
  std::vector<PolicyKind> policies;
  std::vector<Capacity> capacities;
  Basis basis = Basis::kObjects;
  Objective objective = Objective::kObjects;
  std::size_t shards = 0;
  double sample = 1;  // share of the keys
};

struct Cell {
  PolicyKind policy;
  Capacity capacity;
  SimulationResult result;
};

std::vector<std::string> words_of(std::string_view list) {
  std::vector<std::string> words;
  while (!list.empty()) words.emplace_back(trim(take_until(list, ',')));
  return words;
}

bool has_unit(std::string_view text) {
  return !text.empty() && text.back() != '%' && (text.back() < '0' || text.back() > '9');
}

// A number, a size or a per cent of the whole; nothing when it is none.
std::optional<std::uint64_t> amount(std::string_view text, std::uint64_t whole) {
  if (!text.ends_with('%')) {
    Result<Bytes> bytes = parse_bytes(text);
    return bytes ? std::optional(bytes->count()) : std::nullopt;
  }
  // Digits with at most one point, in millionths of a per cent.
  std::uint64_t value = 0, scale = 0;
  for (char c : text.substr(0, text.size() - 1)) {
    if (c == '.' && scale == 0) {
      scale = 1;
    } else if (c >= '0' && c <= '9' && value < 1'000'000'000 && scale < 1'000'000) {
      value = value * 10 + static_cast<std::uint64_t>(c - '0');
      scale *= 10;
    } else {
      return std::nullopt;
    }
  }
  if (text.size() < 2) return std::nullopt;
  const long double share = static_cast<long double>(value) / (scale == 0 ? 1 : scale) / 100;
  return static_cast<std::uint64_t>(std::floor(share * static_cast<long double>(whole) + 1e-9L));
}

std::string four_digits(double ratio) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4f", ratio);
  return text;
}

int wrong(const Call& call, const std::string& what) {
  call.complain("sim: " + what);
  return kWrongUsage;
}

std::string policy_names() {
  std::string names;
  for (PolicyKind kind : kPolicyKinds) names += (names.empty() ? "" : ", ") + std::string(name_of(kind));
  return names;
}

// What the flags say but for the capacities, which need the trace. Empty: all is well.
std::string read_flags(const Arguments& given, Job& job) {
  if (given.positional().size() != 1)
    return "name one trace, as in plimsoll sim web.csv.zst; - is standard input";
  job.name = given.positional()[0];
  if (given.has("--all")) job.policies.assign(kPolicyKinds.begin(), kPolicyKinds.end());
  for (const std::string& name : words_of(given.value("--policy").value_or(""))) {
    const std::optional<PolicyKind> kind = policy_named(name);
    if (!kind) return "--policy " + name + ": there are " + policy_names();
    job.policies.push_back(*kind);
  }
  if (job.policies.empty()) job.policies = {PolicyKind::kAdaptive};
  const std::string objective = given.value("--objective").value_or("objects");
  if (!objective_named(objective)) return "--objective " + objective + ": write objects or bytes";
  job.objective = *objective_named(objective);
  if (std::optional<std::string> shards = given.value("--shards")) {
    const std::optional<std::uint64_t> number = parse_uint64(*shards);
    if (!number || *number < 1 || *number > 64 || (*number & (*number - 1)) != 0)
      return "--shards " + *shards + ": write a power of two up to 64";
    job.shards = static_cast<std::size_t>(*number);
  }
  return {};
}

std::string read_capacities(const Arguments& given, const Trace& trace, Job& job) {
  const bool curve = given.has("--curve");
  const std::string list = given.value("--capacity").value_or(std::string(curve ? kCurve : kTwoCapacities));
  const std::vector<std::string> words = words_of(list);
  const bool sizes = std::any_of(words.begin(), words.end(), has_unit);
  const std::string basis = given.value("--basis").value_or(sizes ? "bytes" : "objects");
  if (basis != "objects" && basis != "bytes") return "--basis " + basis + ": write objects or bytes";
  job.basis = basis == "bytes" ? Basis::kBytes : Basis::kObjects;
  if (sizes && job.basis == Basis::kObjects)
    return "--capacity " + list + ": a size needs --basis bytes; of objects, write a number or a per cent";
  const std::uint64_t whole = job.basis == Basis::kBytes ? trace.unique_bytes : trace.unique_keys;
  for (const std::string& word : words) {
    const std::optional<std::uint64_t> number = amount(word, whole);
    if (!number) return "--capacity " + word + ": write 1%, 64MiB or a number";
    if (*number == 0) return "--capacity " + word + ": that holds nothing of this trace";
    job.capacities.push_back({word, *number});
  }
  job.sample = 1;
  if (curve) {
    std::uint64_t smallest = ~std::uint64_t{0};
    for (const Capacity& capacity : job.capacities) smallest = std::min(smallest, capacity.number);
    // Of bytes, as many items as there are of the mean size.
    if (job.basis == Basis::kBytes)
      smallest /=
          std::max<std::uint64_t>(1, trace.unique_bytes / std::max<std::uint64_t>(1, trace.unique_keys));
    job.sample = share_to_sample(trace, smallest);
  }
  if (std::optional<std::string> share = given.value("--sample")) {
    const std::optional<std::uint64_t> millionths = amount(*share, 1'000'000);
    if (!share->ends_with('%') || !millionths || *millionths < 1 || *millionths > 1'000'000)
      return "--sample " + *share + ": write a per cent of the keys, as in 5% or 100%";
    job.sample = static_cast<double>(*millionths) / 1e6;
  }
  return job.capacities.empty() ? "--capacity: write 1%, 64MiB or a number" : "";
}

void print_json(const Call& call, const Job& job, const Cell& cell) {
  JsonWriter json;
  json.begin_object()
      .field("trace", job.name)
      .field("policy", name_of(cell.policy))
      .field("basis", job.basis == Basis::kBytes ? "bytes" : "objects")
      .field("objective", name_of(job.objective))
      .field("capacity", cell.capacity.number)
      .field("shards", cell.result.shards)
      .field("requests", cell.result.requests)
      .field("sample_ratio", job.sample)
      .field("object_miss_ratio", cell.result.object_miss_ratio())
      .field("byte_miss_ratio", cell.result.byte_miss_ratio())
      .field("requests_per_second", std::round(cell.result.requests_per_second()))
      .end();
  call.print(json.take() + "\n");
}

std::string table_of(const std::vector<Cell>& cells, bool curve) {
  std::vector<Column> columns = {{"policy", Align::kLeft},
                                 {"capacity", Align::kRight},
                                 {"", Align::kRight},
                                 {"object_miss_ratio", Align::kRight},
                                 {"byte_miss_ratio", Align::kRight},
                                 {"requests/s", Align::kRight}};
  if (curve) columns.push_back({"", Align::kLeft});
  Table table(columns);
  for (const Cell& cell : cells) {
    const SimulationResult& r = cell.result;
    std::vector<std::string> row = {std::string(name_of(cell.policy)),
                                    cell.capacity.text,
                                    format_count(cell.capacity.number),
                                    four_digits(r.object_miss_ratio()),
                                    four_digits(r.byte_miss_ratio()),
                                    format_count(static_cast<std::uint64_t>(r.requests_per_second()))};
    if (curve)
      row.push_back(std::string(static_cast<std::size_t>(std::lround(kBar * r.object_miss_ratio())), '#'));
    table.row(row);
  }
  return table.text();
}

std::string sample_words(const Job& job) {
  if (job.sample == 1) return {};
  char text[96];
  std::snprintf(text, sizeof text, "; from %.3g %% of the keys, by hash (--sample 100%% replays all)",
                100 * job.sample);
  return text;
}

int read_file(const Call& call, const Job& job, Trace& trace, Progress& progress) {
  const std::string shown = job.name == "-" ? "standard input" : job.name;
  Result<InputFile> file = InputFile::open(job.name);
  if (!file) {
    call.complain("sim: " + shown + ": " + file.error().message());
    return kFailed;
  }
  const std::optional<std::uint64_t> size = file->size();
  std::uint64_t done = 0;
  const TraceReader* rows = nullptr;
  TraceReader reader([&](std::span<char> to) {
    const Result<std::size_t> got = file->read(to);
    done += got.value_or(0);
    ProgressStep step{"reading " + shown, std::nullopt, format_count(rows->line()) + " rows"};
    if (size && *size > 0) step.share = static_cast<double>(done) / static_cast<double>(*size);
    progress.at(step);
    return got;
  });
  rows = &reader;
  Result<Trace> read = read_trace(reader);
  progress.clear();
  if (!read) {
    call.complain("sim: " + shown + ":" + std::to_string(reader.line()) + ": " + read.error().message());
    return kFailed;
  }
  trace = *std::move(read);
  if (!trace.requests.empty()) return kDone;
  call.complain("sim: " + shown + ": there is no request in it");
  return kFailed;
}

int run_sim(const Call& call) {
  Job job;
  if (std::string what = read_flags(call.arguments, job); !what.empty()) return wrong(call, what);
  Trace trace;
  Progress progress(call);
  if (const int failed = read_file(call, job, trace, progress)) return failed;
  if (std::string what = read_capacities(call.arguments, trace, job); !what.empty()) return wrong(call, what);
  const bool json = call.arguments.has("--json");
  std::vector<Cell> cells;
  const double all = static_cast<double>(job.policies.size() * job.capacities.size());
  progress.restart();
  for (PolicyKind policy : job.policies) {
    for (const Capacity& capacity : job.capacities) {
      auto show = [&](double share) {
        progress.at({"replaying " + std::string(name_of(policy)) + " at " + capacity.text,
                     (static_cast<double>(cells.size()) + share) / all});
      };
      Result<SimulationResult> result = simulate(trace, {.policy = policy,
                                                         .basis = job.basis,
                                                         .objective = job.objective,
                                                         .capacity = capacity.number,
                                                         .shards = job.shards,
                                                         .sample = job.sample,
                                                         .progress = show});
      if (!result) {
        progress.clear();
        call.complain("sim: " + result.error().message());
        return kFailed;
      }
      cells.push_back({policy, capacity, *result});
      if (!json) continue;
      progress.clear();
      print_json(call, job, cells.back());
    }
  }
  progress.clear();
  if (json) return kDone;
  call.print(job.name + ": " + format_count(trace.requests.size()) + " requests, " +
             format_count(trace.unique_keys) + " keys, " + format_count(trace.unique_bytes) +
             " bytes of values; capacities in " + (job.basis == Basis::kBytes ? "bytes" : "objects") +
             sample_words(job) + "\n\n");
  call.print(table_of(cells, call.arguments.has("--curve")));
  return kDone;
}

}  // namespace

Verb sim_verb() {
  return {.name = "sim",
          .summary = "What a recorded trace would have missed, by policy and capacity",
          .example =
              "  plimsoll sim web.csv.zst --all --capacity 1%,10%\n"
              "  plimsoll sim web.csv --policy lru --capacity 64MiB --basis bytes --json\n"
              "  plimsoll sim web.csv --curve\n\n"
              "A trace is CSV, as it is or compressed with zstd. Its first line names the columns: key, a "
              "number\n(hash what is none), and size in bytes where sizes are known; others are passed over. "
              "Each row\nbehind it is a request: key,size  1001,512  1002,90  1001,512",
          .flags = {{"--policy", "NAME", "lru, lfu, fifo or adaptive; several with commas [adaptive]"},
                    {"--all", "", "every policy"},
                    {"--capacity", "AMOUNT",
                     "1% of the keys or bytes, 64MiB or a number; several with commas [1%,10%]"},
                    {"--basis", "objects|bytes", "what the capacity counts [bytes for sizes, else objects]"},
                    {"--objective", "objects|bytes", "what adaptive makes few misses of [objects]"},
                    {"--curve", "", "many capacities, with a bar for each"},
                    {"--sample", "SHARE",
                     "replay this share of the keys, as in 5% [all; of a curve, about two million requests]"},
                    {"--shards", "NUMBER", "a power of two to 64 [one for each 256 objects]"},
                    {"--json", "", "one object a line"}},
          .positional = "TRACE",
          .run = &run_sim,
          .exits = {{kFailed, "the trace cannot be read, or there is no memory for it"}}};
}

}  // namespace plimsoll
