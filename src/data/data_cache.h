#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "rlhf/data/load_data.h"

namespace rlhf {

/// The tokenised data of one set of files, tokenizer, templates and settings, in a folder. A file is named by a hash of
/// all that (the key), holds the key in full and ends with a checksum, so another key or a broken file is noticed.
class DataCache {
 public:
  /// Reads the data files once, for their checksums.
  DataCache(const DataOptions& options, std::uint64_t seed, const Tokenizer& tokenizer, const Templates& templates);
  /// What was saved under this key; nothing if there is none or it is broken (which is said).
  template <typename S>
  std::optional<DataSet<S>> load() const;
  /// Throws OutputError.
  template <typename S>
  void save(const DataSet<S>& data) const;

 private:
  std::filesystem::path file(const char* kind) const;

  std::filesystem::path folder_;
  std::string key_;
};

}  // namespace rlhf
