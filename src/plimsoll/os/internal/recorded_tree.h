// RecordedTree: for tests, files of /proc and /sys as some machine has them, under a directory of /tmp that
// goes with it.
//
//   RecordedTree tree;
//   tree.put("/proc/meminfo", "MemTotal: 1024 kB\n");
//   MachineReader::open(tree.root());
//
// Thread-safety: one thread. Errors: a directory that cannot be written aborts.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "plimsoll/base/check.h"

namespace plimsoll {

class RecordedTree {
 public:
  RecordedTree() {
    std::string path = (std::filesystem::temp_directory_path() / "plimsoll-tree-XXXXXX").string();
    PLIMSOLL_CHECK(::mkdtemp(path.data()) != nullptr, "%s", path.c_str());
    root_ = path;
  }
  RecordedTree(const RecordedTree&) = delete;
  RecordedTree& operator=(const RecordedTree&) = delete;
  ~RecordedTree() {
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }

  const std::string& root() const { return root_; }
  std::string at(std::string_view path) const { return root_ + std::string(path); }

  void put(std::string_view path, std::string_view text) {
    std::filesystem::path file = at(path);
    std::filesystem::create_directories(file.parent_path());
    // Written over, not replaced: a reader that keeps the file open sees the new contents, as in /proc.
    std::ofstream out(file, std::ios::binary | std::ios::trunc);
    out << text;
    out.close();
    PLIMSOLL_CHECK(out.good(), "%s", file.c_str());
  }
  void remove(std::string_view path) { std::filesystem::remove_all(at(path)); }
  std::string get(std::string_view path) const {
    std::ifstream in(at(path), std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  }

 private:
  std::string root_;
};

}  // namespace plimsoll
