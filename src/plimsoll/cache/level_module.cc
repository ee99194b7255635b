#include "plimsoll/cache/level_module.h"

#include <dlfcn.h>

#include <array>

namespace plimsoll {

tl::expected<std::unique_ptr<CacheLevel>, std::string> open_level_module(const std::string& module,
                                                                         const LevelModuleOptions& options) {
  // $ORIGIN is the folder of the program; the dynamic linker knows it.
  std::string tried;
  void* handle = nullptr;
  for (const char* folder :
       {"$ORIGIN/", "$ORIGIN/../lib/plimsoll/", "$ORIGIN/../" PLIMSOLL_LIBDIR "/plimsoll/"}) {
    handle = ::dlopen((folder + module + ".so").c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle != nullptr) break;
    const char* why = ::dlerror();
    if (tried.empty() || (why != nullptr && std::string(why).find("librocksdb") != std::string::npos))
      tried = why != nullptr ? why : "";
  }
  if (handle == nullptr) {
    return tl::unexpected("the module " + module + ".so could not be loaded (" + tried +
                          "): it is built where the package librocksdb-dev is installed, and needs "
                          "librocksdb7.8 to run");
  }
  const auto open = reinterpret_cast<OpenLevelFunction>(::dlsym(handle, kOpenLevelSymbol));
  if (open == nullptr)
    return tl::unexpected<std::string>(module + ".so is of another version than this program");
  std::array<char, 512> error{};
  std::unique_ptr<CacheLevel> level(open(&options, error.data(), error.size()));
  if (!level) return tl::unexpected(std::string(error.data()));
  return level;
}

}  // namespace plimsoll
