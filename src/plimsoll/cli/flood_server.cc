#include "plimsoll/cli/flood_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "plimsoll/base/text.h"
#include "plimsoll/cli/load_socket.h"
#include "plimsoll/os/scratch_cgroup.h"

namespace plimsoll {

namespace {

constexpr std::size_t kKeptLines = 200;

std::uint16_t port_at_end_of(std::string_view line) {
  std::size_t colon = line.rfind(':');
  auto port = parse_uint64(trim(line.substr(colon + 1)));
  return port && *port <= 65535 ? static_cast<std::uint16_t>(*port) : std::uint16_t{0};
}

struct Pipe {
  Pipe() : made(::pipe2(ends, O_CLOEXEC) == 0) {}
  ~Pipe() { close(); }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  void close() {
    for (int& end : ends) {
      if (end >= 0) ::close(std::exchange(end, -1));
    }
  }
  int ends[2] = {-1, -1};
  bool made;
};

// Between fork and exec of a threaded program: system calls only, no allocation.
[[noreturn]] void become(const ServerCommand& command, char* const* arguments, pid_t parent, int gate,
                         int output) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(125);
  // The parent moves us into the group; a parent that could not closes the pipe without a word.
  char go = 0;
  if (::read(gate, &go, 1) != 1) ::_exit(126);
  if (command.core >= 0) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(command.core, &set);
    ::sched_setaffinity(0, sizeof set, &set);
  }
  ::dup2(output, STDOUT_FILENO);
  ::dup2(output, STDERR_FILENO);
  ::execv(arguments[0], arguments);
  ::_exit(127);
}

bool answers_ping(std::uint16_t port, char reply_begins, MonotonicTime deadline) {
  auto socket = LoadSocket::connect_before("127.0.0.1", port, deadline);
  if (socket && reply_begins == '\0') return true;
  if (!socket || !socket->send_all("PING\r\n", deadline) || socket->wait(POLLIN, deadline) == 0) return false;
  std::array<char, 16> reply;
  return socket->receive(reply.data(), reply.size()) > 0 && reply[0] == reply_begins;
}

}  // namespace

ServerCommand plimsoll_command(const std::string& program, bool governor, Bytes limit) {
  ServerCommand command;
  command.arguments = {program, "serve",       "--bind", "127.0.0.1",  "--resp-port",
                       "0",     "--http-port", "0",      "--governor", governor ? "on" : "off"};
  if (!limit.zero())
    command.arguments.insert(command.arguments.end(), {"--line", std::to_string(limit.count())});
  return command;
}

ServerCommand redis_command(const std::string& program, std::uint16_t port,
                            const std::vector<std::string>& further) {
  ServerCommand command;
  command.arguments = {program,        "--port", std::to_string(port), "--bind", "127.0.0.1", "--save", "",
                       "--appendonly", "no",     "--daemonize",        "no"};
  command.arguments.insert(command.arguments.end(), further.begin(), further.end());
  command.resp_port = port;
  return command;
}

std::uint16_t free_port() {
  LoadSocket probe(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(probe.descriptor(), generic, size) != 0) return 0;
  if (::getsockname(probe.descriptor(), generic, &size) != 0) return 0;
  return ntohs(address.sin_port);
}

Result<std::unique_ptr<FloodServer>> FloodServer::start(const ServerCommand& command, MonotonicTime deadline,
                                                        std::string* output_of_failure) {
  std::vector<char*> arguments;
  for (const std::string& argument : command.arguments)
    arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  Pipe output;
  Pipe gate;
  if (!output.made || !gate.made) return fail(ErrorCode::kSystem, "no pipe", errno);
  pid_t parent = ::getpid();
  pid_t child = ::fork();
  if (child == 0) {
    ::close(gate.ends[1]);
    become(command, arguments.data(), parent, gate.ends[0], output.ends[1]);
  }
  if (child < 0) return fail(ErrorCode::kSystem, "no process", errno);
  std::unique_ptr<FloodServer> server(new FloodServer());
  server->pid_ = child;
  server->output_ = std::exchange(output.ends[0], -1);
  output.close();
  Result<void> joined;
  if (command.group != nullptr) joined = command.group->join(child);
  if (joined && ::write(gate.ends[1], "g", 1) != 1)
    joined = fail(ErrorCode::kSystem, "the child is gone", errno);
  gate.close();
  server->reader_ = std::thread([&served = *server] { served.read_output(); });
  if (!joined) {
    server->stop();
    return tl::unexpected(joined.error());
  }
  if (server->wait_until_ready(command, deadline)) return server;

  // Its output may be closed a moment before it can be waited for.
  for (int tries = 0; tries < 100 && server->silent() && server->alive(); ++tries) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  bool gone = !server->alive();
  if (output_of_failure != nullptr) {
    *output_of_failure = gone ? "the server " + server->how_it_ended() + "\n" : std::string();
    for (const std::string& line : server->output()) *output_of_failure += line + "\n";
  }
  if (gone) return fail(ErrorCode::kNotFound, "the server ended before it was ready");
  return fail(ErrorCode::kTimedOut, "the server was not ready in time");
}

bool FloodServer::wait_until_ready(const ServerCommand& command, MonotonicTime deadline) {
  if (command.resp_port != 0) {
    resp_port_ = command.resp_port;
    while (alive() && std::chrono::steady_clock::now() < deadline) {
      if (answers_ping(resp_port_, command.ready_reply, deadline)) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return false;
  }
  MutexLock lock(mutex_);
  while (!ready_ && !silent_ && std::chrono::steady_clock::now() < deadline)
    spoke_.wait_until(mutex_, deadline);
  for (const std::string& line : lines_) {
    if (line.starts_with("resp:")) resp_port_ = port_at_end_of(line);
    if (line.starts_with("http:")) http_port_ = port_at_end_of(line);
  }
  return ready_ && resp_port_ != 0;
}

void FloodServer::read_output() {
  std::string pending;
  std::array<char, 4096> buffer;
  for (;;) {
    ssize_t got = ::read(output_, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    pending.append(buffer.data(), static_cast<std::size_t>(got));
    MutexLock lock(mutex_);
    for (std::size_t end; (end = pending.find('\n')) != std::string::npos; pending.erase(0, end + 1)) {
      lines_.push_back(pending.substr(0, end));
      if (lines_.back() == "ready") ready_ = true;
      if (lines_.size() > kKeptLines) lines_.pop_front();
    }
    spoke_.notify_all();
  }
  MutexLock lock(mutex_);
  silent_ = true;
  spoke_.notify_all();
}

bool FloodServer::silent() const {
  MutexLock lock(mutex_);
  return silent_;
}

bool FloodServer::reap(bool wait) {
  MutexLock lock(mutex_);
  if (status_) return true;
  int status = 0;
  if (::waitpid(pid_, &status, wait ? 0 : WNOHANG) == pid_) status_ = status;
  return status_.has_value();
}

bool FloodServer::alive() { return !reap(false); }

std::string FloodServer::how_it_ended() {
  reap(false);
  MutexLock lock(mutex_);
  if (!status_) return {};
  if (WIFSIGNALED(*status_)) return "was killed by signal " + std::to_string(WTERMSIG(*status_));
  return "exited with " + std::to_string(WEXITSTATUS(*status_));
}

bool FloodServer::killed() {
  reap(false);
  MutexLock lock(mutex_);
  return status_ && WIFSIGNALED(*status_) && WTERMSIG(*status_) == SIGKILL;
}

bool FloodServer::stop(Duration patience) {
  bool willing = true;
  if (alive()) {
    ::kill(pid_, SIGTERM);
    MonotonicTime deadline = std::chrono::steady_clock::now() + patience;
    while (alive() && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    willing = !alive();
    if (!willing) {
      ::kill(pid_, SIGKILL);
      reap(true);
    }
  }
  if (reader_.joinable()) reader_.join();
  if (output_ >= 0) ::close(std::exchange(output_, -1));
  return willing;
}

FloodServer::~FloodServer() { stop(); }

std::vector<std::string> FloodServer::output() const {
  MutexLock lock(mutex_);
  return {lines_.begin(), lines_.end()};
}

}  // namespace plimsoll
