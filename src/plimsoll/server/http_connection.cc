#include "plimsoll/server/http_connection.h"

#include <sys/socket.h>

#include <array>
#include <asio/co_spawn.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
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
constexpr std::chrono::seconds kAnswerTime{60};  // to make it and to have it read
constexpr std::chrono::seconds kRestTime{60};

constexpr HttpField kAllow{"Allow", "GET, HEAD"};
constexpr HttpField kFresh{"Cache-Control", "no-store"};
constexpr std::chrono::seconds kBeat{1};  // between two events

std::string head_of(const HttpHead& head) {
  std::string text(detail::http_head_bound(head), '\0');
  char* end = detail::put_http_head(text.data(), head);
  text.resize(static_cast<std::size_t>(end - text.data()));
  return text;
}

std::string head_of(const Page& page, bool keep_alive) {
  std::array<HttpField, 3> extra;
  std::size_t fields = 0;
  extra[fields++] = kFresh;
  if (page.status == 405) extra[fields++] = kAllow;
  if (!page.policy.empty()) extra[fields++] = {"Content-Security-Policy", page.policy};
  return head_of({.status = page.status,
                  .content_type = page.content_type,
                  .content_length = page.text().size(),
                  .keep_alive = keep_alive,
                  .extra = std::span(extra).first(fields)});
}

asio::awaitable<Page> page_elsewhere(const Node& node, std::string path) { co_return page_for(node, path); }

// What takes long is made by the worker meanwhile.
asio::awaitable<Page> page_of(Loop& loop, std::string path) {
  if (!takes_long(path)) co_return page_for(loop.node, path);
  co_return co_await asio::co_spawn(loop.worker, page_elsewhere(loop.node, path), asio::use_awaitable);
}

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
        co_await send(page, false, false);
        going = false;
        break;
      }
      case HttpRequestDecoder::Status::kRequest: {
        const HttpRequest& request = decoder.request();
        const bool keep_alive = request.keep_alive;
        const bool head_only = request.method == HttpMethod::kHead;
        loop_.node.traffic.http_requests.fetch_add(1, std::memory_order_relaxed);
        if (request.path == kEventsPath) {
          co_await send_events(head_only);
          going = false;
          break;
        }
        answering_ = true;
        deadline_ = loop_.node.clock.monotonic_now() + kAnswerTime;
        const Page page = co_await page_of(loop_, std::string(request.path));
        input.erase(0, decoder.consumed());
        going = co_await send(page, keep_alive, head_only);
        answering_ = false;
        going = going && keep_alive && !draining_;
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

asio::awaitable<bool> HttpConnection::send(const Page& page, bool keep_alive, bool head_only) {
  const std::string head = head_of(page, keep_alive);
  // The text exists already; it is held until the client has read it.
  const Charge charge = loop_.node.output.charge_held(Bytes(head.capacity() + page.body.capacity()));
  const bool sent = co_await send(head);
  if (!sent || head_only) co_return sent;
  co_return co_await send(page.text());
}

// Once a second what is known, until the client goes: the seconds since the last word, then the status. Who
// reads slowly gets fewer of them.
asio::awaitable<void> HttpConnection::send_events(bool head_only) {
  Node& node = loop_.node;
  const std::string head =
      head_of({.content_type = "text/event-stream", .keep_alive = false, .extra = std::span(&kFresh, 1)});
  bool going = co_await send(head);
  asio::steady_timer timer(loop_.io);
  beat_ = &timer;
  std::int64_t told_to_ms = 0;
  while (going && !head_only && !closed_) {
    const std::vector<Timeline::Point> points = node.timeline.after(told_to_ms);
    if (!points.empty()) told_to_ms = points.back().wall_ms;
    const std::string text = "event: history\ndata: " + timeline_json(points) +
                             "\n\nevent: status\ndata: " + status_json(node.status()) + "\n\n";
    const Charge charge = node.output.charge_held(Bytes(text.capacity()));
    deadline_ = node.clock.monotonic_now() + kAnswerTime;
    going = co_await send(text);
    if (!going || closed_) break;
    std::error_code ignored;
    timer.expires_after(kBeat);
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
  beat_ = nullptr;
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

// Who listens to events would never be done.
void HttpConnection::drain() {
  draining_ = true;
  if (!answering_) close();
}

void HttpConnection::close() {
  if (std::exchange(closed_, true)) return;
  if (beat_ != nullptr) beat_->cancel();
  std::error_code ignored;
  socket_.shutdown(asio::ip::tcp::socket::shutdown_both, ignored);
  socket_.close(ignored);
}

}  // namespace plimsoll
