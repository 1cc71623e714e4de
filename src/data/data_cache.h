#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "rlhf/data/load_data.h"

namespace rlhf {

/// A folder with tokenised data. The key is everything that determines the data: checksums of the data and tokenizer
/// files, templates, settings. A cache file is named by a hash of the key, begins with the complete key and ends with a
/// checksum, so a hash collision or a broken file is detected.
class DataCache {
 public:
  /// Reads the data files once, for their checksums.
  DataCache(const DataOptions& options, std::uint64_t seed, const Tokenizer& tokenizer, const Templates& templates,
            const JudgmentReading& judgments);
  /// The data saved under this key, or nullopt if there is none or the file is broken (then logs a warning).
  template <typename S>
  std::optional<DataSet<S>> load() const;
  /// Writes the data under this key. Throws OutputError.
  template <typename S>
  void save(const DataSet<S>& data) const;

 private:
  std::filesystem::path file(const char* kind) const;

  std::filesystem::path folder_;
  std::string key_;
};

}  // namespace rlhf
