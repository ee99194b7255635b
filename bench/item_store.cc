#include "item_store.h"

#include <poll.h>

namespace plimsoll {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kBatch = 60'000;  // bytes, about

std::string_view taken_reply(StoreProtocol protocol) {
  return protocol == StoreProtocol::kResp ? "+OK\r\n" : "STORED\r\n";
}

}  // namespace

ItemStore::ItemStore(const FloodServer& server, StoreProtocol protocol) : protocol_(protocol) {
  auto socket =
      LoadSocket::connect_before("127.0.0.1", server.resp_port(), std::chrono::steady_clock::now() + 10s);
  if (socket) socket_ = std::move(*socket);
}

void ItemStore::append(std::string& text, std::uint64_t item, std::size_t key_width, std::size_t size) const {
  const std::string key = key_name("k", item, key_width);
  const std::string length = std::to_string(size);
  if (protocol_ == StoreProtocol::kResp) {
    text += "*3\r\n$3\r\nSET\r\n$" + std::to_string(key.size()) + "\r\n" + key + "\r\n$" + length + "\r\n";
  } else {
    text += "set " + key + " 0 0 " + length + "\r\n";
  }
  text += values_.value(item, 0, size);
  text += "\r\n";
}

// The answers to a batch fit into the sockets' buffers, so it is sent first and heard after.
bool ItemStore::exchange(const std::string& text, std::uint64_t requests, MonotonicTime deadline) {
  if (!socket_.send_all(text, deadline)) return false;
  const std::string_view reply = taken_reply(protocol_);
  std::size_t at = 0;
  for (std::uint64_t wanted = requests * reply.size(); wanted > 0;) {
    char got[4096];
    if (socket_.wait(POLLIN, deadline) == 0) return false;
    const ssize_t size = socket_.receive(got, sizeof got);
    if (size <= 0) return false;
    for (ssize_t i = 0; i < size; ++i) {
      if (got[i] != reply[at]) return false;
      at = (at + 1) % reply.size();
    }
    wanted -= static_cast<std::uint64_t>(size);
  }
  return true;
}

bool ItemStore::put(std::uint64_t from, std::uint64_t to, std::size_t key_width, const ItemSize& size_of) {
  if (!socket_.open()) return false;
  const MonotonicTime deadline = std::chrono::steady_clock::now() + 120s;
  std::string text;
  std::uint64_t asked = 0;
  for (std::uint64_t item = from; item < to; ++item) {
    append(text, item, key_width, size_of(item));
    ++asked;
    if (text.size() < kBatch && item + 1 < to) continue;
    if (!exchange(text, asked, deadline)) return false;
    text.clear();
    asked = 0;
  }
  return true;
}

}  // namespace plimsoll
