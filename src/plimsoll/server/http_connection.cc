#include "plimsoll/server/http_connection.h"

#include <sys/socket.h>

#include <asio/co_spawn.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>
#include <cerrno>

#include "plimsoll/server/listener.h"
#include "plimsoll/server/pages.h"
#include "plimsoll/wire/byte_sink.h"
#include "plimsoll/wire/http_request.h"
#include "plimsoll/wire/http_response.h"

namespace plimsoll {
namespace {

constexpr std::chrono::seconds kHeadTime{10};
constexpr std::chrono::seconds kRestTime{60};

constexpr HttpField kAllow{"Allow", "GET, HEAD"};

std::string answer(const Page& page, bool keep_alive, bool head_only) {
  const std::span<const HttpField> extra(&kAllow, page.status == 405 ? 1 : 0);
  std::string text(
      detail::http_head_bound(
          {.content_type = page.content_type, .content_length = page.body.size(), .extra = extra}),
      '\0');
  char* end = detail::put_http_head(text.data(), {.status = page.status,
                                                  .content_type = page.content_type,
                                                  .content_length = page.body.size(),
                                                  .keep_alive = keep_alive,
                                                  .extra = extra});
  text.resize(static_cast<std::size_t>(end - text.data()));
  if (!head_only) text += page.body;
  return text;
}

asio::awaitable<Page> page_elsewhere(const Node& node, std::string path) { co_return page_for(node, path); }

}  // namespace

HttpConnection::HttpConnection(Loop& loop, asio::ip::tcp::socket socket)
    : loop_(loop), socket_(std::move(socket)), deadline_(loop.node.clock.monotonic_now() + kHeadTime) {
  loop_.node.traffic.http_connections.fetch_add(1, std::memory_order_relaxed);
  loop_.add(*this);
}

HttpConnection::~HttpConnection() {
  loop_.remove(*this);
  loop_.http.give(Loop::kConnection);
  loop_.node.traffic.http_connections.fetch_sub(1, std::memory_order_relaxed);
}

void HttpConnection::start(std::shared_ptr<HttpConnection> connection) {
  HttpConnection& self = *connection;
  asio::co_spawn(self.loop_.io, self.serve(), [connection](const std::exception_ptr&) {});
}

asio::awaitable<void> HttpConnection::serve() {
  std::string input;
  HttpRequestDecoder decoder;
  bool going = true;
  while (going && !closed_) {
    switch (decoder.next(input)) {
      case HttpRequestDecoder::Status::kNeedMore:
        going = co_await read_more(input);
        break;
      case HttpRequestDecoder::Status::kError: {
        const Page page{.status = decoder.error_status(),
                        .body = std::string(http_reason(decoder.error_status())) + "\n"};
        const std::string text = answer(page, false, false);
        co_await send(text);
        going = false;
        break;
      }
      case HttpRequestDecoder::Status::kRequest: {
        const HttpRequest& request = decoder.request();
        const bool keep_alive = request.keep_alive;
        const bool head_only = request.method == HttpMethod::kHead;
        loop_.node.traffic.http_requests.fetch_add(1, std::memory_order_relaxed);
        const std::string path(request.path);
        Page page;
        if (takes_long(path)) {
          page = co_await asio::co_spawn(loop_.worker, page_elsewhere(loop_.node, path), asio::use_awaitable);
        } else {
          page = page_for(loop_.node, path);
        }
        const std::string text = answer(page, keep_alive, head_only);
        // The text exists already; it is held until the client has read it.
        const Charge charge = loop_.node.output.charge_held(Bytes(text.capacity()));
        input.erase(0, decoder.consumed());
        going = co_await send(text);
        going = going && keep_alive;
        resting_ = input.empty();
        deadline_ = loop_.node.clock.monotonic_now() + (resting_ ? kRestTime : kHeadTime);
        break;
      }
    }
  }
  close();
}

asio::awaitable<bool> HttpConnection::read_more(std::string& input) {
  std::error_code error;
  co_await socket_.async_wait(asio::ip::tcp::socket::wait_read,
                              asio::redirect_error(asio::use_awaitable, error));
  if (error || closed_) co_return false;
  std::string& bytes = loop_.read_buffer;
  ssize_t got = ::recv(socket_.native_handle(), bytes.data(), bytes.size(), MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) co_return true;
  if (got <= 0) co_return false;
  if (std::exchange(resting_, false)) deadline_ = loop_.node.clock.monotonic_now() + kHeadTime;
  input.append(bytes.data(), static_cast<std::size_t>(got));
  co_return true;
}

asio::awaitable<bool> HttpConnection::send(std::string_view text) {
  std::error_code error;
  co_await asio::async_write(socket_, asio::buffer(text.data(), text.size()),
                             asio::redirect_error(asio::use_awaitable, error));
  co_return !error && !closed_;
}

void HttpConnection::tick(MonotonicTime now) {
  if (now > deadline_) close();
}

void HttpConnection::drain() { close(); }

void HttpConnection::close() {
  if (std::exchange(closed_, true)) return;
  std::error_code ignored;
  socket_.shutdown(asio::ip::tcp::socket::shutdown_both, ignored);
  socket_.close(ignored);
}

}  // namespace plimsoll
