#include "plimsoll/cli/flood_scrape.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "plimsoll/base/text.h"
#include "plimsoll/cli/load_socket.h"

namespace plimsoll {

namespace {

constexpr std::size_t kLongest = std::size_t{4} << 20;

std::string undo_chunks(std::string_view body) {
  std::string whole;
  while (!body.empty()) {
    std::string size_line(take_until(body, '\n'));
    std::size_t size = std::strtoul(size_line.c_str(), nullptr, 16);
    if (size == 0) break;
    whole += body.substr(0, size);
    body.remove_prefix(std::min(body.size(), size + 2));
  }
  return whole;
}

// le="0.005" -> 0.005; +Inf included.
std::optional<double> bound_of(std::string_view labels) {
  std::size_t at = labels.find("le=\"");
  if (at == std::string_view::npos) return std::nullopt;
  std::string text(labels.substr(at + 4));
  return text.starts_with("+Inf") ? std::numeric_limits<double>::infinity()
                                  : std::strtod(text.c_str(), nullptr);
}

}  // namespace

Result<std::string> http_get(std::uint16_t port, std::string_view path, MonotonicTime deadline) {
  auto socket = LoadSocket::connect_before("127.0.0.1", port, deadline);
  if (!socket) return tl::unexpected(socket.error());
  std::string request =
      "GET " + std::string(path) + " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
  if (auto sent = socket->send_all(request, deadline); !sent) return tl::unexpected(sent.error());
  std::string text;
  std::string buffer(65536, '\0');
  while (text.size() < kLongest) {
    if (socket->wait(POLLIN, deadline) == 0) return fail(ErrorCode::kTimedOut, "no answer over HTTP in time");
    ssize_t got = socket->receive(buffer.data(), buffer.size());
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) continue;
    if (got <= 0) break;
    text.append(buffer, 0, static_cast<std::size_t>(got));
  }
  std::size_t body = text.find("\r\n\r\n");
  if (!text.starts_with("HTTP/1.1 200") || body == std::string::npos) {
    return fail(ErrorCode::kInvalid, "the answer over HTTP is not 200");
  }
  std::string head = text.substr(0, body);
  std::string_view rest = std::string_view(text).substr(body + 4);
  bool chunked = head.find("chunked") != std::string::npos;
  return chunked ? undo_chunks(rest) : std::string(rest);
}

Result<FloodScrape> FloodScrape::fetch(std::uint16_t http_port, MonotonicTime deadline) {
  auto text = http_get(http_port, "/metrics", deadline);
  if (!text) return tl::unexpected(text.error());
  return FloodScrape(std::move(*text));
}

std::vector<FloodScrape::Sample> FloodScrape::samples(std::string_view name) const {
  std::vector<Sample> found;
  std::string_view rest = text_;
  while (!rest.empty()) {
    std::string_view line = take_until(rest, '\n');
    if (!line.starts_with(name)) continue;
    line.remove_prefix(name.size());
    std::size_t end = line.starts_with('{') ? line.find('}') : 0;
    if (end == std::string_view::npos) continue;
    std::string_view labels = end == 0 ? std::string_view() : line.substr(1, end - 1);
    std::string_view number = line.substr(end == 0 ? 0 : end + 1);
    if (!number.starts_with(' ')) continue;  // a longer name
    found.push_back({labels, std::strtod(std::string(trim(number)).c_str(), nullptr)});
  }
  return found;
}

std::optional<double> FloodScrape::value(std::string_view name, std::string_view label) const {
  for (const Sample& sample : samples(name)) {
    if (sample.labels.find(label) != std::string_view::npos) return sample.value;
  }
  return std::nullopt;
}

std::optional<double> FloodScrape::sum(std::string_view name, std::string_view but_label) const {
  std::optional<double> total;
  for (const Sample& sample : samples(name)) {
    if (!but_label.empty() && sample.labels.find(but_label) != std::string_view::npos) continue;
    total = total.value_or(0) + sample.value;
  }
  return total;
}

std::optional<double> FloodScrape::quantile(std::string_view name, double quantile,
                                            std::string_view label) const {
  std::vector<std::pair<double, double>> buckets;  // bound, count up to it
  for (const Sample& sample : samples(std::string(name) + "_bucket")) {
    auto bound = bound_of(sample.labels);
    if (bound && sample.labels.find(label) != std::string_view::npos)
      buckets.emplace_back(*bound, sample.value);
  }
  std::ranges::sort(buckets);
  if (buckets.empty()) {
    for (const Sample& sample : samples(name)) {
      std::size_t at = sample.labels.find("quantile=\"");
      if (at == std::string_view::npos || sample.labels.find(label) == std::string_view::npos) continue;
      std::string text(sample.labels.substr(at + 10));
      if (std::abs(std::strtod(text.c_str(), nullptr) - quantile) < 1e-9) return sample.value;
    }
    return std::nullopt;
  }
  double total = buckets.back().second;
  if (total == 0) return std::nullopt;
  auto found =
      std::ranges::find_if(buckets, [&](const auto& entry) { return entry.second >= quantile * total; });
  return found->first;
}

}  // namespace plimsoll
