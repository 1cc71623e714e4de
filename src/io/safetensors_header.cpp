// Reads and checks the JSON header of a safetensors file, which may come from an untrusted source.
#include "io/safetensors_header.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include <c10/core/ScalarType.h>

#include "rlhf/core/error.h"
#include "rlhf/io/model_json.h"
#include "rlhf/json/json_reader.h"

namespace rlhf {
namespace {

using Json = nlohmann::ordered_json;
using Entry = SafetensorsFile::Entry;

constexpr std::array<std::pair<std::string_view, at::ScalarType>, 10> kDtypes{{
    {"F64", at::kDouble},
    {"F32", at::kFloat},
    {"F16", at::kHalf},
    {"BF16", at::kBFloat16},
    {"I64", at::kLong},
    {"I32", at::kInt},
    {"I16", at::kShort},
    {"I8", at::kChar},
    {"U8", at::kByte},
    {"BOOL", at::kBool},
}};
constexpr std::size_t kMaxRank = 8;
constexpr std::size_t kMaxTensors = 1'000'000;
constexpr std::size_t kMaxDepth = 3;  // header, tensor, list of numbers

/// The place that is being checked, for error messages: file and tensor.
struct Place {
  const std::filesystem::path& path;
  std::string where = "header";

  Place tensor(const std::string& name) const { return {path, "tensor " + shown_json(name)}; }
  [[noreturn]] void fail(const std::string& what) const {
    throw ModelError(path.string() + ": " + where + ": " + what);
  }
  void expect(bool holds, const std::string& expected, const std::string& found) const {
    if (!holds) fail("expected " + expected + ", found " + found);
  }
};

Json parse_json(std::string_view json, const Place& place) {
  place.expect(json.starts_with('{'), "JSON that starts with '{'",
               json.empty() ? "nothing" : shown_json(std::string(json.substr(0, 1))));
  Json root = parse_model_json(json, place.path.string() + ": " + place.where, kMaxDepth);
  place.expect(root.size() <= kMaxTensors + 1, "at most " + std::to_string(kMaxTensors) + " tensors", "more");
  return root;
}

std::map<std::string, std::string> read_metadata(const Json& value, const Place& place) {
  place.expect(value.is_object(), "__metadata__ to be an object of strings", shown_json(value));
  std::map<std::string, std::string> metadata;
  for (const auto& [key, item] : value.items()) {
    place.expect(item.is_string(), "__metadata__ to hold strings only", shown_json(item) + " at " + shown_json(key));
    metadata.emplace(key, item.get<std::string>());
  }
  return metadata;
}

const Json& field(const Json& tensor, const char* key, const Place& place) {
  const auto found = tensor.find(key);
  if (found == tensor.end()) place.fail(std::string("expected the key ") + key + ", found none");
  return *found;
}

at::ScalarType read_dtype(const Json& value, const Place& place) {
  if (value.is_string()) {
    const auto known = std::ranges::find(kDtypes, std::string_view(value.get_ref<const std::string&>()),
                                         &std::pair<std::string_view, at::ScalarType>::first);
    if (known != kDtypes.end()) return known->second;
  }
  place.fail("expected dtype F64, F32, F16, BF16, I64, I32, I16, I8, U8 or BOOL, found " + shown_json(value));
}

/// Reads a JSON list of whole numbers from 0 to 2^63-1.
std::vector<std::int64_t> read_counts(const Json& value, const char* what, const Place& place) {
  place.expect(value.is_array(), std::string(what) + " to be a list", shown_json(value));
  std::vector<std::int64_t> counts;
  for (const Json& item : value) {
    const bool fits =
        item.is_number_unsigned() && item.get<std::uint64_t>() <= std::numeric_limits<std::int64_t>::max();
    place.expect(fits, std::string(what) + " to hold whole numbers from 0 to 2^63-1", shown_json(item));
    counts.push_back(item.get<std::int64_t>());
  }
  return counts;
}

/// Bytes of a tensor, or nullopt if the product of the sizes exceeds 63 bits. A size of 0 counts as 1 in that check,
/// because the strides are products of the other sizes.
std::optional<std::int64_t> checked_bytes(const std::vector<std::int64_t>& sizes, at::ScalarType dtype) {
  std::int64_t bytes = static_cast<std::int64_t>(c10::elementSize(dtype));
  bool empty = false;
  for (const std::int64_t size : sizes) {
    empty = empty || size == 0;
    if (__builtin_mul_overflow(bytes, std::max<std::int64_t>(size, 1), &bytes)) return std::nullopt;
  }
  return empty ? 0 : bytes;
}

Entry read_entry(const std::string& name, const Json& value, std::uint64_t data_begin, std::uint64_t data_bytes,
                 const Place& place) {
  place.expect(name.size() <= kMaxTensorName, "a name of at most " + std::to_string(kMaxTensorName) + " bytes",
               std::to_string(name.size()));
  place.expect(value.is_object(), "an object", shown_json(value));
  place.expect(value.size() <= 3, "only the keys dtype, shape, data_offsets", shown_json(value));
  const at::ScalarType dtype = read_dtype(field(value, "dtype", place), place);
  std::vector<std::int64_t> sizes = read_counts(field(value, "shape", place), "shape", place);
  place.expect(sizes.size() <= kMaxRank, "at most " + std::to_string(kMaxRank) + " dimensions",
               std::to_string(sizes.size()));
  const std::vector<std::int64_t> offsets = read_counts(field(value, "data_offsets", place), "data_offsets", place);
  place.expect(offsets.size() == 2 && offsets[0] <= offsets[1], "data_offsets [begin, end]",
               shown_json(value["data_offsets"]));
  const auto begin = static_cast<std::uint64_t>(offsets[0]);
  const auto end = static_cast<std::uint64_t>(offsets[1]);
  place.expect(end <= data_bytes, "data within the " + std::to_string(data_bytes) + " bytes of the data section",
               "an end at " + std::to_string(end));
  const std::optional<std::int64_t> bytes = checked_bytes(sizes, dtype);
  place.expect(bytes.has_value(), "a shape of less than 2^63 bytes", shown_json(value["shape"]));
  place.expect(static_cast<std::uint64_t>(*bytes) == end - begin, std::to_string(*bytes) + " bytes by shape and dtype",
               std::to_string(end - begin) + " by data_offsets");
  return {name, dtype, std::move(sizes), data_begin + begin, data_begin + end};
}

/// Tensors must cover every byte of the data section exactly once. This bounds how much memory a small file can demand.
void check_tiling(const std::map<std::string, Entry>& entries, std::uint64_t data_begin, std::uint64_t file_bytes,
                  const Place& place) {
  std::vector<const Entry*> order;
  for (const auto& [name, entry] : entries) order.push_back(&entry);
  std::ranges::sort(order, {}, [](const Entry* entry) { return std::pair(entry->begin, entry->end); });
  std::uint64_t reached = data_begin;
  for (const Entry* entry : order) {
    place.tensor(entry->name)
        .expect(entry->begin == reached, "data_offsets to start at " + std::to_string(reached - data_begin),
                std::to_string(entry->begin - data_begin) + (entry->begin < reached ? " (overlap)" : " (hole)"));
    reached = entry->end;
  }
  place.expect(reached == file_bytes, "the file to end with its last tensor, at byte " + std::to_string(reached),
               std::to_string(file_bytes) + " bytes");
}

}  // namespace

SafetensorsHeader parse_safetensors_header(std::string_view json, std::uint64_t data_begin, std::uint64_t file_bytes,
                                           const std::filesystem::path& path) {
  const Place place{path};
  const Json root = parse_json(json, place);
  SafetensorsHeader header;
  for (const auto& [name, value] : root.items()) {
    if (name == kMetadataKey) {
      header.metadata = read_metadata(value, place);
    } else {
      header.entries.emplace(name, read_entry(name, value, data_begin, file_bytes - data_begin, place.tensor(name)));
    }
  }
  check_tiling(header.entries, data_begin, file_bytes, place);
  return header;
}

std::string_view safetensors_dtype_name(at::ScalarType dtype) {
  const auto known = std::ranges::find(kDtypes, dtype, &std::pair<std::string_view, at::ScalarType>::second);
  return known == kDtypes.end() ? std::string_view() : known->first;
}

}  // namespace rlhf
