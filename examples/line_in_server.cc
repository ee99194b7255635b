// A load line in a server that exists already: a thread for each client and bodies from malloc stay as they
// were. What is new are three lines: who has a body to read asks first, and is told 503 where there is no
// memory for it now.
//
//   cmake --build --preset release --target example_line_in_server && build/release/example_line_in_server
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "plimsoll/budget/load_line.h"

using namespace plimsoll::literals;

namespace {

void say(int socket, std::string_view words) { ::send(socket, words.data(), words.size(), MSG_NOSIGNAL); }

// The server: a length, then as many bytes.
void serve(int socket, plimsoll::Account& bodies) {
  std::uint64_t size = 0;
  while (::recv(socket, &size, sizeof size, MSG_WAITALL) == sizeof size) {
    plimsoll::Charge charge = bodies.charge(plimsoll::Bytes(size));  // new: ask before anything is allocated
    if (!charge) {                                                   // new: refused, and nobody dies of it
      say(socket, "503");                                            // new
      continue;
    }
    say(socket, "100");
    std::vector<char> body(size);
    ::recv(socket, body.data(), body.size(), MSG_WAITALL);
    say(socket, "200");
  }  // the charge returns with the body
  ::close(socket);
}

class Client {
 public:
  explicit Client(plimsoll::Account& bodies) {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) != 0) return;
    socket_ = ends[0];
    server_ = std::thread(serve, ends[1], std::ref(bodies));
  }
  ~Client() {
    ::shutdown(socket_, SHUT_RDWR);
    if (server_.joinable()) server_.join();
    ::close(socket_);
  }
  std::string announce(std::uint64_t size) {
    ::send(socket_, &size, sizeof size, MSG_NOSIGNAL);
    return answer();
  }
  std::string finish(std::uint64_t size) {
    say(socket_, std::string(size, 'x'));
    return answer();
  }

 private:
  std::string answer() {
    std::array<char, 3> words{};
    return {words.data(), ::recv(socket_, words.data(), words.size(), MSG_WAITALL) == 3 ? 3U : 0U};
  }
  int socket_ = -1;
  std::thread server_;
};

}  // namespace

int main() {
  plimsoll::LoadLine line({.limit = 64_MiB});
  plimsoll::Account& bodies = line.open(
      {.name = "bodies", .kind = plimsoll::AccountKind::kWaitable, .guarantee = {}, .maximum = 16_MiB});
  constexpr std::uint64_t kBody = 6 << 20;
  Client one(bodies), two(bodies), three(bodies);
  std::printf("one: %s\n", one.announce(kBody).c_str());
  std::printf("two: %s\n", two.announce(kBody).c_str());
  std::printf("three: %s, as 12 of 16 MiB are being sent\n", three.announce(kBody).c_str());
  std::printf("one: %s\n", one.finish(kBody).c_str());
  while (bodies.used() > 6_MiB) std::this_thread::yield();  // the body is freed after its answer
  std::printf("three: %s\n", three.announce(kBody).c_str());
  std::printf("three: %s\n", three.finish(kBody).c_str());
  std::printf("refused %llu, at most %llu MiB\n", static_cast<unsigned long long>(bodies.refused()),
              static_cast<unsigned long long>(bodies.peak() / 1_MiB));
}
