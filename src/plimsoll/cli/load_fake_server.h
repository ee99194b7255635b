// FakeServer: a small RESP server in the test's own process, that can be told to misbehave.
//
// It knows GET, SET and PING, keeps everything in one map, and answers in order. Its faults are what a load
// client must notice: a value that is not the key's, a refusal, a long silence, an end in the middle.
//
// Thread-safety: the faults may be changed from any thread; one thread serves. Cost: a thread and a map.
// Limits: whole requests in well-formed RESP; tests only. Errors: aborts when it cannot listen.
#pragma once

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <map>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "plimsoll/base/check.h"

namespace plimsoll {

class FakeServer {
 public:
  std::atomic<int> wrong_every{0};    // every so manieth GET of a present key has one byte changed
  std::atomic<int> refuse_every{0};   // every so manieth SET is refused with -OOM
  std::atomic<int> close_every{0};    // every so manieth command ends its connection
  std::atomic<int> silence_ms{0};     // one pause before the next command; then 0 again
  std::atomic<std::size_t> piece{0};  // replies are sent in pieces of so many bytes; 0: whole
  std::atomic<std::uint64_t> commands{0};

  FakeServer() {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    PLIMSOLL_CHECK(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0);
    PLIMSOLL_CHECK(::listen(listener_, 512) == 0);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { run(); });
  }
  ~FakeServer() {
    stopping_ = true;
    thread_.join();
    for (const Client& client : clients_) ::close(client.socket);
    ::close(listener_);
  }
  std::uint16_t port() const { return port_; }

 private:
  struct Client {
    int socket;
    std::string input;
    bool ended = false;
  };

  void run() {
    while (!stopping_) {
      std::vector<pollfd> entries{{listener_, POLLIN, 0}};
      for (const Client& client : clients_) entries.push_back({client.socket, POLLIN, 0});
      if (::poll(entries.data(), entries.size(), 5) <= 0) continue;
      for (std::size_t i = 1; i < entries.size(); ++i) {
        if (entries[i].revents != 0) serve(clients_[i - 1]);
      }
      if ((entries[0].revents & POLLIN) != 0) {
        clients_.push_back({::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC), {}});
      }
      std::erase_if(clients_, [](const Client& client) {
        if (client.ended) ::close(client.socket);
        return client.ended;
      });
    }
  }

  void serve(Client& client) {
    char buffer[65536];
    ssize_t got = ::recv(client.socket, buffer, sizeof buffer, 0);
    if (got <= 0) {
      client.ended = true;
      return;
    }
    client.input.append(buffer, static_cast<std::size_t>(got));
    std::vector<std::string> words;
    std::string output;
    while (!client.ended && take_command(client.input, words)) {
      if (int pause = silence_ms.exchange(0); pause > 0) {
        std::this_thread::sleep_for(std::chrono::milliseconds(pause));
      }
      if (due(++commands, close_every)) client.ended = true;
      if (!client.ended) answer(words, output);
    }
    std::size_t step = piece == 0 ? output.size() : piece.load();
    for (std::size_t at = 0; at < output.size(); at += step) {
      std::string_view part = std::string_view(output).substr(at, step);
      if (::send(client.socket, part.data(), part.size(), MSG_NOSIGNAL) < 0) client.ended = true;
    }
  }

  static bool due(std::uint64_t count, int every) {
    return every != 0 && count % static_cast<std::uint64_t>(every) == 0;
  }

  static bool take_number(std::string_view& input, std::size_t& number) {
    std::size_t end = input.find("\r\n");
    if (end == std::string_view::npos) return false;
    std::from_chars(input.data() + 1, input.data() + end, number);
    input.remove_prefix(end + 2);
    return true;
  }

  static bool take_command(std::string& input, std::vector<std::string>& words) {
    std::string_view rest = input;
    std::size_t count = 0;
    words.clear();
    if (!take_number(rest, count)) return false;
    for (std::size_t i = 0; i < count; ++i) {
      std::size_t size = 0;
      if (!take_number(rest, size) || rest.size() < size + 2) return false;
      words.emplace_back(rest.substr(0, size));
      rest.remove_prefix(size + 2);
    }
    input.erase(0, input.size() - rest.size());
    return true;
  }

  void answer(const std::vector<std::string>& words, std::string& output) {
    if (words[0] == "SET") {
      bool refused = due(++sets_, refuse_every);
      if (!refused) values_[words[1]] = words[2];
      output += refused ? "-OOM command not allowed\r\n" : "+OK\r\n";
    } else if (words[0] == "GET") {
      auto found = values_.find(words[1]);
      if (found == values_.end()) {
        output += "$-1\r\n";
        return;
      }
      std::string value = found->second;
      if (due(++gets_, wrong_every)) value.back() = static_cast<char>(value.back() + 1);
      output += "$" + std::to_string(value.size()) + "\r\n" + value + "\r\n";
    } else {
      output += words[0] == "PING" ? "+PONG\r\n" : "-ERR unknown command\r\n";
    }
  }

  int listener_;
  std::uint16_t port_ = 0;
  std::atomic<bool> stopping_{false};
  std::vector<Client> clients_;
  std::map<std::string, std::string, std::less<>> values_;
  std::uint64_t sets_ = 0;
  std::uint64_t gets_ = 0;
  std::thread thread_;
};

}  // namespace plimsoll
