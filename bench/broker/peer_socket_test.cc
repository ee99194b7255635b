#include "peer_socket.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

namespace plimsoll {
namespace {

// A server that sends the pieces given, one after the other, and ends; or gives back what it was sent.
class Server {
 public:
  explicit Server(std::vector<std::string> pieces) : listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(listener_, generic, size), 0);
    EXPECT_EQ(::listen(listener_, 1), 0);
    EXPECT_EQ(::getsockname(listener_, generic, &size), 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this, pieces = std::move(pieces)] { serve(pieces); });
  }
  ~Server() {
    thread_.join();
    ::close(listener_);
  }
  std::uint16_t port() const { return port_; }

 private:
  void serve(const std::vector<std::string>& pieces) const {
    int client = ::accept(listener_, nullptr, nullptr);
    for (const std::string& piece : pieces) {
      EXPECT_EQ(::send(client, piece.data(), piece.size(), MSG_NOSIGNAL), static_cast<ssize_t>(piece.size()));
      std::this_thread::sleep_for(std::chrono::milliseconds(5));  // so that it arrives by itself
    }
    char byte = 0;
    while (pieces.empty() && ::recv(client, &byte, 1, 0) == 1) ::send(client, &byte, 1, MSG_NOSIGNAL);
    ::close(client);
  }

  int listener_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

TEST(PeerSocket, PutsALineTogetherThatCameInPieces) {
  Server server({"+O", "K\r", "\n:12\r\n", "last\n"});
  PeerSocket socket;
  ASSERT_TRUE(socket.connect(server.port()));
  EXPECT_EQ(socket.line(), "+OK");
  EXPECT_EQ(socket.line(), ":12");
  EXPECT_EQ(socket.line(), "last");
  EXPECT_EQ(socket.line(), std::nullopt);
}

TEST(PeerSocket, TakesMoreAtOnceThanItsBufferHolds) {
  const std::string much(3'000'000, 'x');
  Server server({"ab", much, "cd"});
  PeerSocket socket;
  ASSERT_TRUE(socket.connect(server.port()));
  EXPECT_EQ(socket.bytes(1), "a");
  auto all = socket.bytes(much.size() + 2);
  ASSERT_TRUE(all);
  EXPECT_EQ(*all, "b" + much + "c");
  EXPECT_EQ(socket.bytes(1), "d");
  EXPECT_EQ(socket.bytes(1), std::nullopt);
}

TEST(PeerSocket, SendsWhatWasPutWhenItIsFlushed) {
  Server server({});
  PeerSocket socket;
  ASSERT_TRUE(socket.connect(server.port()));
  socket.put("one ");
  socket.put("two");
  EXPECT_EQ(socket.pending(), 7U);
  ASSERT_TRUE(socket.flush());
  EXPECT_EQ(socket.pending(), 0U);
  EXPECT_EQ(socket.bytes(7), "one two");
}

TEST(PeerSocket, WritesNumbersMostSignificantByteFirst) {
  std::string text;
  put_number<std::uint16_t>(text, 0x0102);
  put_number<std::int32_t>(text, -2);
  put_text(text, "ab");
  EXPECT_EQ(text, std::string("\x01\x02\xff\xff\xff\xfe\x00\x02"
                              "ab",
                              10));
  EXPECT_EQ(number_at<std::uint16_t>(text, 0), 0x0102);
  EXPECT_EQ(number_at<std::int32_t>(text, 2), -2);
}

}  // namespace
}  // namespace plimsoll
