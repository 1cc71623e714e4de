// The weight files of a model folder.
#include "nn/weight_files.h"

#include <set>
#include <utility>

#include <nlohmann/json.hpp>

#include "rlhf/core/atomic_file.h"
#include "rlhf/core/error.h"
#include "rlhf/io/foreign_folder.h"
#include "rlhf/io/model_json.h"
#include "rlhf/json/json_reader.h"

#include "nn/config_reader.h"

namespace rlhf {
namespace {

namespace fs = std::filesystem;
constexpr const char* kSingle = "model.safetensors";
constexpr const char* kIndex = "model.safetensors.index.json";

/// Whether a name is that of a file in the same folder: no path separators, no special names.
bool is_file_name(const std::string& name) {
  constexpr std::size_t kLongest = 255;  // bytes; the limit of most file systems
  return !name.empty() && name.size() <= kLongest && name != "." && name != ".." &&
         name.find('/') == std::string::npos && name.find('\0') == std::string::npos;
}

std::vector<fs::path> listed_shards(const fs::path& index) {
  constexpr std::size_t kMaxBytes = std::size_t{64} << 20;
  const nlohmann::ordered_json json = read_model_json(index, kMaxBytes);
  const JsonReader map = config_reader(json, index.string()).at("weight_map");
  const std::string expected = "an object of tensor names and file names";
  if (map.object(expected).empty()) map.fail(expected);
  std::set<std::string> names;
  map.for_each_entry([&](const std::string&, const JsonReader& file) {
    if (!file.is_string() || !is_file_name(file.string())) file.fail("the name of a file in this folder");
    names.insert(file.string());
  });
  std::vector<fs::path> paths;
  for (const std::string& name : names) paths.push_back(index.parent_path() / name);
  return paths;
}

/// Refuses shards that are not there, all of them together, and pointers of Git LFS.
void check_files(const fs::path& folder, const std::vector<fs::path>& paths) {
  std::vector<std::string> missing;
  for (const fs::path& path : paths)
    if (!is_there(path)) missing.push_back(path.filename().string());
  if (!missing.empty()) {
    throw ModelError("model folder " + folder.string() + ": expected the " + std::to_string(paths.size()) +
                     " files that " + kIndex + " lists, found " + std::to_string(paths.size() - missing.size()) +
                     " of them (" + shown_name(missing.front()) + " is missing); hint: download the model again");
  }
  for (const fs::path& path : paths) {
    if (is_lfs_pointer(path))
      throw ModelError(path.string() +
                       ": expected weights, found a pointer of Git LFS; hint: run `git lfs pull` there");
  }
}

}  // namespace

WeightFiles::WeightFiles(const fs::path& folder, std::string base) : base_(std::move(base)) {
  std::vector<fs::path> paths;
  if (is_there(folder / kSingle)) {
    paths.push_back(folder / kSingle);
  } else if (is_there(folder / kIndex)) {
    paths = listed_shards(folder / kIndex);
  } else {
    throw ModelError("model folder " + folder.string() + ": expected " + kSingle + ", found " +
                     describe_foreign_weights(folder));
  }
  check_files(folder, paths);
  files_.reserve(paths.size());
  for (const fs::path& path : paths) {
    const SafetensorsFile& file = files_.emplace_back(path);
    for (const auto& [name, entry] : file.entries()) {
      if (!tensors_.emplace(name, &file).second) {
        throw ModelError("model folder " + folder.string() + ": " + shown_name(name) +
                         ": expected it in one file, found it in two");
      }
    }
  }
}

std::string WeightFiles::name_in_files(const std::string& name) const {
  if (tensors_.contains(name)) return name;
  const std::string trunk_name = name.starts_with(base_) ? name.substr(base_.size()) : "";
  return tensors_.contains(trunk_name) ? trunk_name : "";
}

const SafetensorsFile::Entry* WeightFiles::find(const std::string& name) const {
  const std::string found = name_in_files(name);
  return found.empty() ? nullptr : &tensors_.at(found)->entries().at(found);
}

at::Tensor WeightFiles::tensor(const std::string& name) const {
  const std::string found = name_in_files(name);
  return tensors_.at(found)->tensor(found);
}

}  // namespace rlhf
