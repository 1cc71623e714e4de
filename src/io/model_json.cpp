#include "rlhf/io/model_json.h"

#include <algorithm>
#include <system_error>

#include "rlhf/core/error.h"
#include "rlhf/json/json_file.h"
#include "rlhf/json/json_reader.h"

namespace rlhf {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr std::size_t kMaxNameBytes = 80;

}  // namespace

Json parse_model_json(std::string_view text, const std::string& where, std::size_t max_depth) {
  return parse_json_object(text, where, throw_as<ModelError>, {.max_depth = max_depth});
}

bool is_there(const fs::path& path) {
  std::error_code error;
  return fs::symlink_status(path, error).type() != fs::file_type::not_found;
}

Json read_model_json(const fs::path& file, std::size_t max_bytes) {
  return read_json_object(file, file.string(), max_bytes, {.max_depth = kModelJsonDepth});
}

std::string shown_name(const std::string& name) {
  const bool plain = std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c <= '~'; });
  return plain && !name.empty() && name.size() <= kMaxNameBytes ? name : shown_json(name);
}

}  // namespace rlhf
