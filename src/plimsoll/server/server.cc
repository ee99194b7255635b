#include "plimsoll/server/server.h"

#include <pthread.h>

#include <asio/post.hpp>
#include <asio/signal_set.hpp>
#include <csignal>
#include <cstdio>
#include <thread>

#include "plimsoll/base/text.h"
#include "plimsoll/os/process.h"
#include "plimsoll/server/facts.h"
#include "plimsoll/server/http_connection.h"
#include "plimsoll/server/kafka_connection.h"
#include "plimsoll/server/listener.h"
#include "plimsoll/server/resp_connection.h"

namespace plimsoll {
namespace {

constexpr std::chrono::seconds kDrainTime{5};

class Server {
 public:
  explicit Server(Node& node) : node_(node), facts_(node, loops_) {
    asio::post(worker_, [] { pthread_setname_np(pthread_self(), "plimsoll-worker"); });
    const unsigned count = node.settings.loops != 0 ? node.settings.loops : cpus_allowed();
    for (unsigned i = 0; i < count; ++i) loops_.push_back(std::make_unique<Loop>(node, facts_, worker_, i));
    resp_ = std::make_unique<Listener>(
        node, loops_, RequestKind::kConnect, &Loop::connections,
        [this](Loop& loop, asio::ip::tcp::socket socket) {
          RespConnection::start(std::allocate_shared<RespConnection>(
              loop.state_allocator<RespConnection>(), loop, std::move(socket), next_id_.fetch_add(1)));
        });
    if (node.broker) {
      kafka_ =
          std::make_unique<Listener>(node, loops_, RequestKind::kConnect, &Loop::connections,
                                     [](Loop& loop, asio::ip::tcp::socket socket) {
                                       KafkaConnection::start(std::allocate_shared<KafkaConnection>(
                                           loop.state_allocator<KafkaConnection>(), loop, std::move(socket)));
                                     });
    }
    http_ = std::make_unique<Listener>(
        node, loops_, RequestKind::kAdmin, &Loop::http, [](Loop& loop, asio::ip::tcp::socket socket) {
          HttpConnection::start(std::make_shared<HttpConnection>(loop, std::move(socket)));
        });
  }

  std::string listen() {
    const Settings& settings = node_.settings;
    if (std::string wrong = resp_->open(settings.bind, settings.resp_port); !wrong.empty()) return wrong;
    if (std::string wrong = http_->open(settings.bind, settings.http_port); !wrong.empty()) return wrong;
    if (kafka_) {
      std::string wrong = kafka_->open(settings.bind, settings.kafka_port, Listener::Receives::kBatches);
      if (!wrong.empty()) return wrong;
      node_.kafka_port = kafka_->port();
      node_.broker->set_port_if_unset(kafka_->port());
    }
    node_.resp_port = resp_->port();
    node_.http_port = http_->port();
    return {};
  }

  void run() {
    Loop& first = *loops_.front();
    resp_->start();
    if (kafka_) kafka_->start();
    http_->start();
    asio::signal_set signals(first.io, SIGTERM, SIGINT);
    asio::steady_timer deadline(first.io);
    signals.async_wait([&](const std::error_code& error, int) {
      if (!error) drain(signals, deadline);
    });
    std::vector<std::thread> threads;
    for (std::size_t i = 1; i < loops_.size(); ++i) {
      threads.emplace_back([this, i] {
        pthread_setname_np(pthread_self(), ("plimsoll-" + std::to_string(i)).c_str());
        loops_[i]->run();
      });
    }
    // When the loops turn, everything that a server needs before its first client is there: that is what it
    // costs.
    asio::post(first.io, [this] { ready(); });
    first.run();
    for (auto& loop : loops_) loop->stop();
    for (std::thread& thread : threads) thread.join();
    // Its threads post to the loops.
    if (node_.lower) node_.lower->stop();
  }

 private:
  void ready() {
    trim_malloc();
    if (Result<void> measured = node_.governor.measure_runtime(); !measured) {
      node_.log.warning("what the program itself takes could not be measured: %s",
                        measured.error().message().c_str());
    }
    if (node_.log_store) {
      if (Result<void> started = node_.log_store->start(); !started) {
        node_.log.error("the log has no thread, so nothing is synced or deleted: %s",
                        started.error().message().c_str());
      }
    }
    if (node_.lower) {
      if (Result<void> started = node_.lower->start(); !started) {
        node_.log.error("the level below memory has no threads, so nothing goes there: %s",
                        started.error().message().c_str());
      }
    }
    if (Result<void> started = node_.governor.start(); !started) {
      node_.log.error("the governor has no thread, so nothing is given back: %s",
                      started.error().message().c_str());
    }
    const std::string address = node_.settings.bind.find(':') == std::string::npos
                                    ? node_.settings.bind
                                    : "[" + node_.settings.bind + "]";
    std::printf("plimsoll: line %s of %s (%s)\n", format_bytes(node_.line.line()).c_str(),
                format_bytes(node_.line.limit()).c_str(), node_.found.words.c_str());
    std::printf("resp: %s:%u\n", address.c_str(), unsigned{node_.resp_port});
    if (kafka_) {
      std::printf("kafka: %s:%u\n", address.c_str(), unsigned{node_.kafka_port});
    } else {
      std::printf("kafka: off; --data-dir FOLDER says where the log is to be kept\n");
    }
    std::printf("http: %s:%u\nready\n", address.c_str(), unsigned{node_.http_port});
    std::fflush(stdout);
  }

  void drain(asio::signal_set& signals, asio::steady_timer& deadline) {
    node_.log.info("draining: no new connections, requests under way are answered");
    resp_->stop();
    if (kafka_) kafka_->stop();
    http_->stop();
    signals.async_wait([](const std::error_code& error, int) {
      if (!error) std::_Exit(130);  // asked twice: now
    });
    for (auto& loop : loops_) loop->drain();
    drain_until_ = node_.clock.monotonic_now() + kDrainTime;
    wait_for_drain(deadline);
  }

  void wait_for_drain(asio::steady_timer& timer) {
    std::size_t left = 0;
    for (auto& loop : loops_) left += loop->size();
    if (left == 0 || node_.clock.monotonic_now() >= drain_until_) {
      loops_.front()->stop();
      return;
    }
    timer.expires_after(std::chrono::milliseconds(10));
    timer.async_wait([this, &timer](const std::error_code& error) {
      if (!error) wait_for_drain(timer);
    });
  }

  Node& node_;
  asio::thread_pool worker_{1};  // ends when no loop has a connection that waits for it
  std::vector<std::unique_ptr<Loop>> loops_;
  Facts facts_;
  std::unique_ptr<Listener> resp_;
  std::unique_ptr<Listener> kafka_;  // null without a data_dir
  std::unique_ptr<Listener> http_;
  std::atomic<std::uint64_t> next_id_{1};
  MonotonicTime drain_until_{};
};

}  // namespace

int run_server(const Settings& settings) {
  set_malloc_frugal();
  std::signal(SIGPIPE, SIG_IGN);
  static_cast<void>(raise_file_limit());  // with fewer descriptors it accepts fewer
  auto node = Node::open(settings);
  if (!node) {
    std::fprintf(stderr, "plimsoll: %s\n", node.error().c_str());
    return 1;
  }
  Server server(**node);
  if (std::string wrong = server.listen(); !wrong.empty()) {
    std::fprintf(stderr, "plimsoll: %s\n", wrong.c_str());
    return 1;
  }
  server.run();
  return 0;
}

}  // namespace plimsoll
