#include "plimsoll/cli/load_connection.h"

#include <algorithm>
#include <cerrno>
#include <charconv>

namespace plimsoll {

namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;
// Smaller values are copied beside their text: a segment costs more than the copy.
constexpr std::size_t kCopied = 4096;
// Answered requests at the front of a queue that never runs empty are dropped so many at a time.
constexpr std::size_t kKeptAnswered = 4096;

void append_length(std::string& out, char type, std::size_t length) {
  char digits[20];
  char* end = std::to_chars(digits, digits + sizeof digits, length).ptr;
  out += type;
  out.append(digits, end);
  out += "\r\n";
}

}  // namespace

// Counted here first: an atomic addition a reply would be a tenth of the client.
struct LoadConnection::Seen {
  std::uint64_t answered = 0, stored = 0, hits = 0, misses = 0, wrong = 0, refused = 0, errors = 0,
                stalls = 0;
};

void LoadConnection::add(const Seen& seen) {
  auto add_to = [](LoadCounter& counter, std::uint64_t n) {
    if (n != 0) counter.fetch_add(n, kRelaxed);
  };
  add_to(stats_.stored, seen.stored);
  add_to(stats_.hits, seen.hits);
  add_to(stats_.misses, seen.misses);
  add_to(stats_.wrong, seen.wrong);
  add_to(stats_.refused, seen.refused);
  add_to(stats_.errors, seen.errors);
  add_to(stats_.stalls, seen.stalls);
  add_to(stats_.answered, seen.answered);
}

bool LoadConnection::open() {
  auto socket = LoadSocket::connect(options_.host, options_.port, options_.receive_buffer);
  if (!socket) return false;
  socket_ = std::move(*socket);
  return true;
}

bool LoadConnection::open_before(MonotonicTime deadline) {
  auto socket = LoadSocket::connect_before(options_.host, options_.port, deadline, options_.receive_buffer);
  if (!socket) return false;
  socket_ = std::move(*socket);
  connected_ = true;
  return true;
}

void LoadConnection::ask(std::uint64_t key, bool get, MonotonicTime due) {
  std::string& text = outbox_.text();
  text += get ? "*2\r\n$3\r\nGET\r\n" : "*3\r\n$3\r\nSET\r\n";
  std::size_t digits = 1;
  for (std::uint64_t rest = key; rest >= 10; rest /= 10) ++digits;
  append_length(text, '$', std::max(options_.key_prefix.size() + digits, options_.key_width));
  append_key_name(text, options_.key_prefix, key, options_.key_width);
  text += "\r\n";
  asked_.push_back({due, key, get, false});
  stats_.sent.fetch_add(1, kRelaxed);
}

void LoadConnection::ask_get(std::uint64_t key, MonotonicTime due) { ask(key, true, due); }

void LoadConnection::ask_set(std::uint64_t key, std::uint32_t version, MonotonicTime due) {
  ask(key, false, due);
  std::string_view value = values_.value(key, version, options_.value_size);
  append_length(outbox_.text(), '$', value.size());
  if (value.size() <= kCopied) {
    outbox_.text() += value;
  } else {
    outbox_.view(value);
  }
  outbox_.text() += "\r\n";
}

void LoadConnection::send() {
  if (!connected_ || outbox_.empty()) return;
  auto sent = outbox_.flush(socket_.descriptor());
  if (sent) {
    stats_.bytes_out.fetch_add(*sent, kRelaxed);
  } else {
    close();
  }
}

void LoadConnection::close() {
  if (!socket_.open()) return;
  socket_.close();
  if (connected_) stats_.reconnects.fetch_add(1, kRelaxed);
  connected_ = false;
  stats_.lost.fetch_add(asked(), kRelaxed);
  asked_.clear();
  answered_ = 0;
  outbox_.clear();
  scanner_.reset();
}

void LoadConnection::judge(const Asked& asked, const Answer& answer, Seen& seen) {
  ++seen.answered;
  if (answer.kind == AnswerKind::kError) {
    bool refused = answer.line.starts_with("OOM");
    ++(refused ? seen.refused : seen.errors);
    if (!refused) stats_.note_error(answer.line);
  } else if (!asked.get) {
    bool ok = answer.kind == AnswerKind::kStatus && answer.line == "OK";
    ++(ok ? seen.stored : seen.wrong);
    if (!ok) stats_.note_wrong("a SET was answered with something else than OK");
  } else if (answer.kind == AnswerKind::kNil) {
    ++seen.misses;
  } else if (answer.kind == AnswerKind::kBulk && answer.right) {
    ++seen.hits;
  } else {
    ++seen.wrong;
    std::string key = key_name(options_.key_prefix, asked.key, options_.key_width);
    stats_.note_wrong(key + " gave " + std::to_string(answer.size) + " bytes that are not its value");
  }
}

// False: what came is not an answer to what was asked.
bool LoadConnection::scan(std::string_view input, MonotonicTime now, Seen& seen) {
  Answer answer;
  for (;;) {
    ExpectedValue expected;
    if (asked() != 0 && options_.verify) {
      expected = {&values_, asked_[answered_].key, options_.versions, options_.value_size};
    }
    if (asked() == 0 && input.empty()) break;
    auto state = scanner_.next(input, expected, answer);
    if (state == AnswerScanner::State::kNeedMore) break;
    if (state == AnswerScanner::State::kBroken) {
      ++seen.wrong;
      stats_.note_wrong("the reply is not RESP");
      return false;
    }
    if (asked() == 0) {  // a server that says why it closes, before anything was asked
      stats_.note_error(answer.line);
      ++seen.errors;
      continue;
    }
    const Asked& request = asked_[answered_];
    judge(request, answer, seen);
    Duration took = now - request.due;
    stats_.latency_ns.add(static_cast<std::uint64_t>(std::max<Duration::rep>(took.count(), 0)));
    if (took > options_.stall && !request.stalled) ++seen.stalls;
    ++answered_;
  }
  if (asked() == 0 || answered_ >= kKeptAnswered) {
    asked_.erase(asked_.begin(), asked_.begin() + static_cast<std::ptrdiff_t>(answered_));
    answered_ = 0;
  }
  return true;
}

void LoadConnection::ready(std::span<char> buffer) {
  if (!connected_) {
    if (socket_.connect_error() != 0) return close();
    connected_ = true;
  }
  Seen seen;
  bool alive = true;
  for (;;) {
    ssize_t got = socket_.receive(buffer.data(), buffer.size());
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
    if (got <= 0) alive = false;
    if (!alive) break;
    stats_.bytes_in.fetch_add(static_cast<std::uint64_t>(got), kRelaxed);
    std::string_view input(buffer.data(), static_cast<std::size_t>(got));
    alive = scan(input, std::chrono::steady_clock::now(), seen);
    // A short read emptied the socket; an end that follows it is another event.
    if (!alive || static_cast<std::size_t>(got) < buffer.size()) break;
  }
  add(seen);
  if (!alive) return close();
  send();
}

void LoadConnection::count_stalls(MonotonicTime now) {
  std::uint64_t found = 0;
  for (std::size_t i = answered_; i < asked_.size() && now - asked_[i].due > options_.stall; ++i) {
    if (!asked_[i].stalled) ++found;
    asked_[i].stalled = true;
  }
  if (found != 0) stats_.stalls.fetch_add(found, kRelaxed);
}

}  // namespace plimsoll
