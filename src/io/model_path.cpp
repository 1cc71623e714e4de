#include "rlhf/io/model_path.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <system_error>

namespace rlhf {
namespace {

namespace fs = std::filesystem;

std::string environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

fs::path hub_cache() {
  if (const std::string cache = environment("HF_HUB_CACHE"); !cache.empty()) return cache;
  if (const std::string home = environment("HF_HOME"); !home.empty()) return fs::path(home) / "hub";
  return fs::path(environment("HOME")) / ".cache" / "huggingface" / "hub";
}

/// "org/name" or "name", of the characters that the hub allows; empty if `said` is no id.
std::string cache_entry(const std::string& said) {
  const auto allowed = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.' || c == '/';
  };
  const bool is_id = !said.empty() && said.front() != '.' && said.front() != '/' &&
                     std::all_of(said.begin(), said.end(), allowed) && std::count(said.begin(), said.end(), '/') <= 1;
  if (!is_id) return "";
  const auto slash = said.find('/');
  return "models--" + (slash == std::string::npos ? said : said.substr(0, slash) + "--" + said.substr(slash + 1));
}

}  // namespace

fs::path find_model(const std::string& said) {
  std::error_code unreadable;
  const std::string entry = cache_entry(said);
  if (entry.empty() || fs::exists(said, unreadable)) return said;
  const fs::path model = hub_cache() / entry;
  std::string revision;
  std::getline(std::ifstream(model / "refs" / "main") >> std::ws, revision);
  const bool is_name = !revision.empty() && fs::path(revision).filename() == revision;
  const fs::path snapshot = model / "snapshots" / revision;
  return is_name && fs::is_directory(snapshot, unreadable) ? snapshot : fs::path(said);
}

}  // namespace rlhf
