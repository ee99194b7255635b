// nothing_server: answers every request and does nothing: the floor below which no server's CPU time can be.
//
//   nothing_server PORT       GET is answered with 100 fixed bytes, everything else with +OK
//
// One epoll loop, one read and one write a batch of requests, as a server with nothing to look up would be.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdlib>
#include <string>
#include <string_view>
#include <unordered_map>

namespace {

const std::string kValue = "$100\r\n" + std::string(100, 'x') + "\r\n";

// Reads "*3\r\n$3\r\n..." one request after the other; what is not whole stays in `input`.
class Requests {
 public:
  explicit Requests(std::string& input) : input_(input), rest_(input) {}
  ~Requests() { input_.erase(0, input_.size() - rest_.size()); }
  // 0 at the end, otherwise the number of words.
  std::size_t next() {
    std::string_view at = rest_;
    if (at.empty() || at[0] != '*') {  // inline, as PING
      std::size_t end = at.find('\n');
      if (end == std::string_view::npos) return 0;
      rest_.remove_prefix(end + 1);
      return 1;
    }
    std::size_t words = 0;
    if (!number(at, words)) return 0;
    for (std::size_t i = 0; i < words; ++i) {
      std::size_t size = 0;
      if (!number(at, size) || at.size() < size + 2) return 0;
      at.remove_prefix(size + 2);
    }
    rest_ = at;
    return words;
  }

 private:
  static bool number(std::string_view& at, std::size_t& value) {
    std::size_t end = at.find('\n');
    if (end == std::string_view::npos) return false;
    std::from_chars(at.data() + 1, at.data() + end, value);
    at.remove_prefix(end + 1);
    return true;
  }
  std::string& input_;
  std::string_view rest_;
};

int listen_on(std::uint16_t port) {
  int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  int on = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  bool bound = ::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  return bound && ::listen(listener, 512) == 0 ? listener : -1;
}

// False: the connection has ended.
bool serve(int client, std::string& input) {
  static std::array<char, 65536> buffer;
  ssize_t got = ::recv(client, buffer.data(), buffer.size(), 0);
  if (got <= 0) return false;
  input.append(buffer.data(), static_cast<std::size_t>(got));
  std::string output;
  {
    Requests requests(input);
    for (std::size_t words; (words = requests.next()) != 0;) {
      output += words == 2 ? std::string_view(kValue) : words == 1 ? "+PONG\r\n" : "+OK\r\n";
    }
  }
  return output.empty() || ::send(client, output.data(), output.size(), MSG_NOSIGNAL) > 0;
}

}  // namespace

int main(int argc, char** argv) {
  int listener = argc == 2 ? listen_on(static_cast<std::uint16_t>(std::strtoul(argv[1], nullptr, 10))) : -1;
  if (listener < 0) return 2;
  int poll = ::epoll_create1(0);
  auto watch = [poll](int descriptor) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = descriptor;
    ::epoll_ctl(poll, EPOLL_CTL_ADD, descriptor, &event);
  };
  watch(listener);
  std::unordered_map<int, std::string> inputs;
  std::array<epoll_event, 64> events;
  for (;;) {
    int count = ::epoll_wait(poll, events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < count; ++i) {
      int descriptor = events[static_cast<std::size_t>(i)].data.fd;
      if (descriptor == listener) {
        int client = ::accept(listener, nullptr, nullptr);
        int on = 1;
        ::setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        watch(client);
      } else if (!serve(descriptor, inputs[descriptor])) {
        ::close(descriptor);
        inputs.erase(descriptor);
      }
    }
  }
}
