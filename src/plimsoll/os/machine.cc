#include "plimsoll/os/machine.h"

#include <utility>

#include "plimsoll/os/internal/group_files.h"
#include "plimsoll/os/internal/parse.h"

namespace plimsoll {
namespace {

constexpr std::size_t kBufferSize = 16 << 10;

}  // namespace

Result<MachineReader> MachineReader::open(const std::string& root) {
  Result<KeptFile> meminfo = KeptFile::open(under(root, "/proc/meminfo"));
  if (!meminfo) return tl::unexpected(meminfo.error());
  return MachineReader(*std::move(meminfo), open_if_there(under(root, "/proc/vmstat")),
                       open_if_there(under(root, "/proc/net/sockstat")));
}

Result<MachineMemory> MachineReader::memory() const {
  char buffer[kBufferSize];
  Result<std::string_view> text = meminfo_.read_record(buffer);
  if (!text) return tl::unexpected(text.error());
  std::uint64_t total = 0, free = 0, available = 0, swap_total = 0, swap_free = 0;
  const Field fields[] = {{"MemTotal", &total},
                          {"MemFree", &free},
                          {"MemAvailable", &available},
                          {"SwapTotal", &swap_total},
                          {"SwapFree", &swap_free}};
  parse_fields(*text, fields);
  if (total == 0) return fail(ErrorCode::kInvalid, "not a meminfo file");
  return MachineMemory{trusted(total), trusted(free), trusted(available), trusted(swap_total),
                       trusted(swap_free)};
}

Result<MachineEvents> MachineReader::events() const {
  if (!vmstat_) return fail(ErrorCode::kUnsupported, "this machine has no /proc/vmstat");
  char buffer[kBufferSize];
  Result<std::string_view> text = vmstat_->read(buffer);
  if (!text) return tl::unexpected(text.error());
  MachineEvents events;
  const Field fields[] = {{"pswpin", &events.pages_swapped_in},
                          {"pswpout", &events.pages_swapped_out},
                          {"pgmajfault", &events.major_faults},
                          {"oom_kill", &events.oom_kills}};
  parse_fields(*text, fields);
  return events;
}

Result<SocketMemory> MachineReader::sockets() const {
  if (!sockstat_) return fail(ErrorCode::kUnsupported, "this machine has no /proc/net/sockstat");
  char buffer[kBufferSize];
  Result<std::string_view> text = sockstat_->read(buffer);
  if (!text) return tl::unexpected(text.error());
  return SocketMemory{.sockets = parse_word(*text, "sockets", "used").value_or(0),
                      .tcp_in_use = parse_word(*text, "TCP", "inuse").value_or(0),
                      .tcp_orphans = parse_word(*text, "TCP", "orphan").value_or(0),
                      .tcp = trusted_pages(parse_word(*text, "TCP", "mem").value_or(0))};
}

}  // namespace plimsoll
