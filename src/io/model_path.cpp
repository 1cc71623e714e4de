// Finds model folders by path or by id in the local Hugging Face cache.
#include "rlhf/io/model_path.h"

#include <algorithm>
#include <cstdlib>
#include <sstream>
#include <string_view>
#include <system_error>

#include "rlhf/core/error.h"
#include "rlhf/core/read_file.h"

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

/// The folder name of a model id ("org/name" or "name") in the cache, or "" if `model` is not an id.
std::string cache_entry(const std::string& model) {
  const auto allowed = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.' || c == '/';
  };
  const bool is_id = !model.empty() && model.front() != '.' && model.front() != '/' &&
                     std::all_of(model.begin(), model.end(), allowed) &&
                     std::count(model.begin(), model.end(), '/') <= 1;
  if (!is_id) return "";
  const auto slash = model.find('/');
  return "models--" + (slash == std::string::npos ? model : model.substr(0, slash) + "--" + model.substr(slash + 1));
}

/// The first word of a small file; "" if it cannot be read.
std::string first_word(const fs::path& file) try {
  constexpr std::uintmax_t kMaxBytes = 4096;
  std::string word;
  std::istringstream(read_file(file, ExitCode::model, kMaxBytes)) >> word;
  return word;
} catch (const Error&) {
  return "";
}

}  // namespace

fs::path cached_model(const std::string& model) {
  const std::string entry = cache_entry(model);
  return entry.empty() ? fs::path() : hub_cache() / entry;
}

fs::path find_model(const std::string& model) {
  std::error_code unreadable;
  const fs::path cached = cached_model(model);
  if (cached.empty() || fs::exists(model, unreadable)) return model;
  const std::string revision = first_word(cached / "refs" / "main");
  const bool is_name = !revision.empty() && fs::path(revision).filename() == revision;
  const fs::path snapshot = cached / "snapshots" / revision;
  return is_name && fs::is_directory(snapshot, unreadable) ? snapshot : fs::path(model);
}

std::string model_id_of(const fs::path& folder) {
  constexpr std::string_view kBegin = "models--";
  const fs::path snapshots = folder.parent_path();
  std::string entry = snapshots.parent_path().filename().string();
  if (snapshots.filename() != "snapshots" || !entry.starts_with(kBegin)) return "";
  entry.erase(0, kBegin.size());
  const auto dashes = entry.find("--");
  return dashes == std::string::npos ? entry : entry.substr(0, dashes) + "/" + entry.substr(dashes + 2);
}

}  // namespace rlhf
