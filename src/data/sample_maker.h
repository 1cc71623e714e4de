#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "rlhf/data/samples.h"

#include "data/render.h"

namespace rlhf {

/// data.max_length, or its default for a model of unlimited length.
inline std::int64_t longest(const DataOptions& options) { return options.max_length.value_or(kMaxDefaultLength); }

/// Counts a refused record and logs a warning. Throws DataError if `max_bad_lines` records were already refused.
void skip_or_throw(const std::string& fault, std::int64_t max_bad_lines, DataReport& report);

/// Tokenises records in blocks on all CPUs and keeps only their token ids. Instantiated for (Demonstration, Sample) and
/// (Preference, RankedSample). Keeps references to the constructor's arguments.
template <typename Record, typename S>
class SampleMaker {
 public:
  SampleMaker(const Tokenizer& tokenizer, const Templates& templates, const DataOptions& options)
      : tokenizer_(tokenizer), renderer_(tokenizer, templates), options_(options) {
    set_.report.length_limit = longest(options);
  }

  /// Adds a record. Errors name it by `place`, or by its number if that is empty. The result has `copies` of the
  /// sample.
  void add(Record record, std::string place = "", std::int64_t copies = 1);
  bool empty() const { return added_ == 0; }
  /// The samples of all records added. Throws DataError if there is none.
  SampleSet<S> finish();

 private:
  struct Pending {
    Record record;
    std::string place;
    std::int64_t copies;
  };
  static constexpr std::size_t kBlock = 4096;  // signals are checked between blocks

  void flush();
  void keep(S sample, std::int64_t copies);
  void log_progress();

  const Tokenizer& tokenizer_;
  Renderer renderer_;
  const DataOptions& options_;
  std::int64_t added_ = 0;
  std::vector<Pending> pending_;
  SampleSet<S> set_;
  std::unordered_set<std::uint64_t> seen_;  // hashes of the samples
  std::chrono::steady_clock::time_point last_logged_ = std::chrono::steady_clock::now();
};

extern template class SampleMaker<Demonstration, Sample>;
extern template class SampleMaker<Preference, RankedSample>;

}  // namespace rlhf
