#include "plimsoll/cli/http_client.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>
#include <utility>
#include <vector>

namespace plimsoll {
namespace {

using std::chrono::milliseconds;

// Takes one connection, reads the request, and says each piece in its turn.
class OneAnswer {
 public:
  explicit OneAnswer(std::vector<std::string> pieces, bool stay = false)
      : pieces_(std::move(pieces)), stay_(stay) {
    listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(listener_, 1), 0);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    where_ = {"127.0.0.1", ntohs(address.sin_port)};
    thread_ = std::thread([this] { serve(); });
  }
  ~OneAnswer() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  const Endpoint& where() const { return where_; }
  const std::string& request() const { return request_; }

 private:
  void serve() {
    int client = ::accept(listener_, nullptr, nullptr);
    if (client < 0) return;
    char buffer[4096];
    ssize_t got = ::recv(client, buffer, sizeof buffer, 0);
    if (got > 0) request_.assign(buffer, static_cast<std::size_t>(got));
    for (const std::string& piece : pieces_) {
      ::send(client, piece.data(), piece.size(), MSG_NOSIGNAL);
      std::this_thread::sleep_for(milliseconds(2));
    }
    while (stay_ && ::recv(client, buffer, sizeof buffer, 0) > 0) {
    }
    ::close(client);
  }

  const std::vector<std::string> pieces_;
  const bool stay_;
  int listener_ = -1;
  Endpoint where_;
  std::string request_;
  std::thread thread_;
};

MonotonicTime in(milliseconds time) { return std::chrono::steady_clock::now() + time; }

TEST(HttpClient, FetchesAPageThatComesInPieces) {
  OneAnswer server({"HTTP/1.1 200 OK\r\nConte", "nt-Length: 11\r\n\r\nhel", "lo world"});
  Result<HttpPage> page = http_fetch(server.where(), "/status.txt", in(milliseconds(5000)));
  ASSERT_TRUE(page) << page.error().message();
  EXPECT_EQ(page->status, 200);
  EXPECT_EQ(page->body, "hello world");
  EXPECT_THAT(server.request(), ::testing::StartsWith("GET /status.txt HTTP/1.1\r\nHost: 127.0.0.1:"));
}

TEST(HttpClient, DoesNotWaitForTheEndWhenTheLengthIsKnown) {
  OneAnswer server({"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno"}, true);
  Result<HttpPage> page = http_fetch(server.where(), "/", in(milliseconds(5000)));
  ASSERT_TRUE(page) << page.error().message();
  EXPECT_EQ(page->status, 404);
  EXPECT_EQ(page->body, "no");
}

TEST(HttpClient, ReadsToTheEndWhenTheLengthIsNotKnown) {
  OneAnswer server({"HTTP/1.1 200 OK\r\n\r\n", "ab", "cd"});
  Result<HttpPage> page = http_fetch(server.where(), "/", in(milliseconds(5000)));
  ASSERT_TRUE(page) << page.error().message();
  EXPECT_EQ(page->body, "abcd");
}

TEST(HttpClient, TellsAPageThatWasCutOff) {
  OneAnswer server({"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"});
  Result<HttpPage> page = http_fetch(server.where(), "/", in(milliseconds(5000)));
  ASSERT_FALSE(page);
  EXPECT_EQ(page.error().code, ErrorCode::kSystem);
}

TEST(HttpClient, TellsWhatIsNotHttp) {
  OneAnswer server({"-ERR unknown command 'GET'\r\n\r\n"});
  Result<HttpPage> page = http_fetch(server.where(), "/", in(milliseconds(5000)));
  ASSERT_FALSE(page);
  EXPECT_EQ(page.error().code, ErrorCode::kInvalid);
}

TEST(HttpClient, GivesUpAtTheDeadline) {
  OneAnswer server({}, true);
  Result<HttpPage> page = http_fetch(server.where(), "/", in(milliseconds(30)));
  ASSERT_FALSE(page);
  EXPECT_EQ(page.error().code, ErrorCode::kTimedOut);
}

TEST(HttpClient, GivesUpWhenNobodyWantsTheAnswerAnyMore) {
  OneAnswer server({}, true);
  FileDescriptor given_up(::eventfd(1, EFD_CLOEXEC));
  Result<HttpPage> page = http_fetch(server.where(), "/", in(milliseconds(20'000)), given_up.number());
  ASSERT_FALSE(page);
  EXPECT_THAT(page.error().what, ::testing::HasSubstr("nobody waits for the answer"));
}

TEST(HttpClient, TellsThatNobodyListens) {
  Result<HttpPage> page = http_fetch({"127.0.0.1", 1}, "/", in(milliseconds(1000)));
  ASSERT_FALSE(page);
  EXPECT_EQ(page.error().errno_value, ECONNREFUSED);
}

TEST(Endpoint, IsReadAsPeopleWriteIt) {
  for (auto [text, address, port] :
       std::vector<std::tuple<const char*, const char*, int>>{{"127.0.0.1:9644", "127.0.0.1", 9644},
                                                              {"localhost:1", "127.0.0.1", 1},
                                                              {":80", "127.0.0.1", 80},
                                                              {"9645", "127.0.0.1", 9645},
                                                              {"[::1]:9644", "::1", 9644}}) {
    Result<Endpoint> endpoint = Endpoint::parse(text);
    ASSERT_TRUE(endpoint) << text;
    EXPECT_EQ(endpoint->address, address) << text;
    EXPECT_EQ(endpoint->port, port) << text;
  }
  EXPECT_EQ(Endpoint::parse("[::1]:9644")->text(), "[::1]:9644");
  for (const char* wrong :
       {"", "x", "1.2.3.4", "1.2.3.4:", "1.2.3.4:0", "1.2.3.4:70000", "host:80", "http://127.0.0.1:1"}) {
    EXPECT_FALSE(Endpoint::parse(wrong)) << wrong;
  }
}

}  // namespace
}  // namespace plimsoll
