#include "plimsoll/os/faulty_storage.h"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace plimsoll {
namespace {

tl::unexpected<Error> disk_error(int error = EIO) {
  return fail(ErrorCode::kSystem, "the disk fails, as it was told to", error);
}

std::string parent_of(const std::string& path) { return path.substr(0, path.find_last_of('/')); }

bool is_under(const std::string& path, const std::string& directory) {
  return path == directory || path.starts_with(directory + "/");
}

}  // namespace

class FaultyStorage::File final : public StoredFile {
 public:
  File(FaultyStorage& storage, std::shared_ptr<StoredFile> file, std::shared_ptr<Track> track)
      : storage_(storage),
        file_(std::move(file)),
        track_(std::move(track)),
        generation_(storage.generation()) {}

  Result<std::uint64_t> size() const override {
    if (!alive()) return disk_error();
    return file_->size();
  }
  Result<std::size_t> read_at(std::uint64_t position, std::span<char> into) const override {
    if (!alive()) return disk_error();
    return file_->read_at(position, into);
  }
  Result<void> write_at(std::uint64_t position, std::span<const char> bytes) override {
    if (!alive()) return disk_error();
    {
      MutexLock lock(storage_.mutex_);
      track_->touched = true;
    }
    if (!storage_.admit()) {
      const std::span<const char> part = bytes.first(storage_.below(bytes.size() + 1));
      static_cast<void>(file_->write_at(position, part));
      return disk_error(ENOSPC);
    }
    return file_->write_at(position, bytes);
  }
  Result<void> truncate(std::uint64_t size) override {
    if (!alive() || !storage_.admit()) return disk_error();
    {
      MutexLock lock(storage_.mutex_);
      track_->synced = std::min(track_->synced, size);
    }
    return file_->truncate(size);
  }
  Result<void> sync() override {
    if (!alive() || !storage_.admit(true)) return disk_error();
    Result<std::uint64_t> size = file_->size();
    if (!size) return tl::unexpected(size.error());
    MutexLock lock(storage_.mutex_);
    track_->synced = *size;
    track_->touched = false;
    return {};
  }

  Result<void> start_writing(FileRange) override { return {}; }
  Result<void> wait_written(FileRange) override {
    if (!alive() || !storage_.admit(true)) return disk_error();
    return {};
  }
  Result<void> forget(FileRange range) const override { return file_->forget(range); }
  Result<void> fetch_ahead(FileRange range) const override { return file_->fetch_ahead(range); }
  Result<void> advise(ReadAdvice advice) const override { return file_->advise(advice); }
  int descriptor() const override { return file_->descriptor(); }

 private:
  bool alive() const { return storage_.generation() == generation_; }

  FaultyStorage& storage_;
  const std::shared_ptr<StoredFile> file_;
  const std::shared_ptr<Track> track_;
  const std::uint64_t generation_;
};

void FaultyStorage::fail_nth(std::uint64_t n) {
  MutexLock lock(mutex_);
  fail_at_ = operations_ + n;
}

void FaultyStorage::fail_from(std::uint64_t n) {
  MutexLock lock(mutex_);
  fail_from_ = n == 0 ? 0 : operations_ + n;
}

void FaultyStorage::fail_with_chance(double chance) {
  MutexLock lock(mutex_);
  chance_ = chance;
}

void FaultyStorage::fail_syncs(bool yes) {
  MutexLock lock(mutex_);
  fail_syncs_ = yes;
}

void FaultyStorage::allow_all() {
  MutexLock lock(mutex_);
  fail_at_ = fail_from_ = 0;
  chance_ = 0;
  fail_syncs_ = false;
}

std::uint64_t FaultyStorage::operations() const {
  MutexLock lock(mutex_);
  return operations_;
}

std::uint64_t FaultyStorage::failed() const {
  MutexLock lock(mutex_);
  return failed_;
}

std::uint64_t FaultyStorage::generation() const {
  MutexLock lock(mutex_);
  return generation_;
}

std::uint64_t FaultyStorage::below(std::uint64_t bound) {
  MutexLock lock(mutex_);
  return random_.below(bound);
}

bool FaultyStorage::admit(bool is_sync) {
  MutexLock lock(mutex_);
  ++operations_;
  const bool fails = operations_ == fail_at_ || (fail_from_ != 0 && operations_ >= fail_from_) ||
                     (chance_ > 0 && random_.unit() < chance_) || (is_sync && fail_syncs_);
  failed_ += fails ? 1 : 0;
  return !fails;
}

std::shared_ptr<FaultyStorage::Track> FaultyStorage::track(const std::string& path, std::uint64_t synced) {
  std::shared_ptr<Track>& track = tracks_[path];
  if (!track) track = std::make_shared<Track>(Track{.path = path, .synced = synced});
  return track;
}

Result<std::shared_ptr<StoredFile>> FaultyStorage::open(const std::string& path, OpenMode mode) {
  if (mode != OpenMode::kRead && !admit()) return disk_error();
  const bool existed = system_.open(path, OpenMode::kRead).has_value();
  Result<std::shared_ptr<StoredFile>> file = system_.open(path, mode);
  if (!file) return file;
  Result<std::uint64_t> size = (*file)->size();
  if (!size) return tl::unexpected(size.error());
  std::shared_ptr<Track> known;
  {
    MutexLock lock(mutex_);
    if (!existed) new_names_.insert(path);
    known = track(path, *size);
  }
  return std::make_shared<File>(*this, *std::move(file), std::move(known));
}

Result<void> FaultyStorage::make_directory(const std::string& path) {
  if (!admit()) return disk_error();
  const bool existed = system_.list(path).has_value();
  Result<void> done = system_.make_directory(path);
  MutexLock lock(mutex_);
  if (done && !existed) new_names_.insert(path);
  return done;
}

Result<void> FaultyStorage::rename(const std::string& from, const std::string& to) {
  if (!admit()) return disk_error();
  const bool replaced = system_.open(to, OpenMode::kRead).has_value();
  Result<void> done = system_.rename(from, to);
  if (!done) return done;
  MutexLock lock(mutex_);
  if (!replaced) renames_.push_back({from, to});
  std::vector<std::pair<std::string, std::string>> moved;
  for (const auto& [path, track] : tracks_) {
    if (is_under(path, from)) moved.emplace_back(path, to + path.substr(from.size()));
  }
  for (const auto& [old, now] : moved) {
    auto node = tracks_.extract(old);
    node.mapped()->path = now;
    tracks_[now] = node.mapped();
  }
  std::set<std::string> names;
  for (const std::string& name : new_names_) {
    if (name != from) names.insert(is_under(name, from) ? to + name.substr(from.size()) : name);
  }
  new_names_.swap(names);
  return {};
}

Result<void> FaultyStorage::remove(const std::string& path) {
  if (!admit()) return disk_error();
  Result<void> done = system_.remove(path);
  MutexLock lock(mutex_);
  tracks_.erase(path);
  new_names_.erase(path);
  return done;
}

Result<void> FaultyStorage::remove_tree(const std::string& path) {
  if (!admit()) return disk_error();
  Result<void> done = system_.remove_tree(path);
  MutexLock lock(mutex_);
  std::erase_if(tracks_, [&path](const auto& entry) { return is_under(entry.first, path); });
  std::erase_if(new_names_, [&path](const std::string& name) { return is_under(name, path); });
  return done;
}

Result<void> FaultyStorage::sync_directory(const std::string& path) {
  if (!admit(true)) return disk_error();
  if (Result<std::vector<DirectoryEntry>> there = system_.list(path); !there) {
    return tl::unexpected(there.error());
  }
  MutexLock lock(mutex_);
  std::erase_if(new_names_, [&path](const std::string& name) { return parent_of(name) == path; });
  std::erase_if(renames_, [&path](const Rename& rename) { return parent_of(rename.to) == path; });
  return {};
}

void FaultyStorage::tear(const Track& track) {
  Result<std::shared_ptr<StoredFile>> file = system_.open(track.path, OpenMode::kWrite);
  if (!file) return;
  Result<std::uint64_t> size = (*file)->size();
  if (!size || *size <= track.synced) return;
  const std::uint64_t kept = track.synced + random_.below(*size - track.synced + 1);
  static_cast<void>((*file)->truncate(kept));
  // A length that was written before its bytes.
  if (kept == track.synced || random_.below(2) == 0) return;
  std::string garbage(1 + random_.below(kept - track.synced), '\0');
  if (random_.below(2) == 0) {
    for (char& byte : garbage) byte = static_cast<char>(random_());
  }
  static_cast<void>((*file)->write_at(kept - garbage.size(), garbage));
}

void FaultyStorage::crash() {
  MutexLock lock(mutex_);
  ++generation_;
  for (const auto& [path, track] : tracks_) {
    if (track->touched) tear(*track);
  }
  // Later ones may need earlier ones: whichever is not made takes those after it along.
  const std::uint64_t made = random_.below(renames_.size() + 1);
  for (std::uint64_t i = renames_.size(); i > made; --i) {
    static_cast<void>(system_.rename(renames_[i - 1].to, renames_[i - 1].from));
  }
  for (const std::string& name : new_names_) {
    if (random_.below(2) == 0) static_cast<void>(system_.remove_tree(name));
  }
  renames_.clear();
  new_names_.clear();
  tracks_.clear();
  fail_at_ = fail_from_ = 0;
  chance_ = 0;
  fail_syncs_ = false;
}

}  // namespace plimsoll
