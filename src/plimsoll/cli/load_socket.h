// LoadSocket: a client's non-blocking TCP socket, closed when it goes.
//
// Thread-safety: one thread. Cost: a descriptor. Limits: numeric IPv4 addresses. Errors: kSystem with errno,
// kInvalid for an address that is none. Ownership: owns the descriptor.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "plimsoll/base/clock.h"
#include "plimsoll/base/result.h"

namespace plimsoll {

class LoadSocket {
 public:
  LoadSocket() = default;
  explicit LoadSocket(int descriptor) : descriptor_(descriptor) {}
  LoadSocket(LoadSocket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  LoadSocket& operator=(LoadSocket&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~LoadSocket() { close(); }

  // Starts to connect; it can be written to once connected, which a poll for writing tells.
  // receive_buffer: 0 leaves it to the kernel; a small one makes unread bytes pile up at the server.
  static Result<LoadSocket> connect(const std::string& host, std::uint16_t port, int receive_buffer = 0);
  // The same, and waits until it is connected.
  static Result<LoadSocket> connect_before(const std::string& host, std::uint16_t port,
                                           MonotonicTime deadline, int receive_buffer = 0);

  int descriptor() const { return descriptor_; }
  bool open() const { return descriptor_ >= 0; }
  void close();
  // 0 or the errno of a connect that has ended.
  int connect_error() const;
  // poll(2) for these events up to the deadline; what came, 0 for nothing.
  short wait(short events, MonotonicTime deadline) const;

  // Up to `size` bytes; 0 at the end of the stream, -1 with errno as recv(2).
  ssize_t receive(char* buffer, std::size_t size) const;
  // What the socket takes now, possibly none; a failure means that the connection is lost.
  Result<std::size_t> send_some(std::string_view bytes) const;
  // All of it, or a failure. For clients that may block.
  Result<void> send_all(std::string_view bytes, MonotonicTime deadline) const;

 private:
  int descriptor_ = -1;
};

// Puts this thread on one core; a core that is not there is left alone.
void pin_thread_to_core(int core);

}  // namespace plimsoll
