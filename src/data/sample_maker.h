#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "rlhf/data/samples.h"

namespace rlhf {

/// Counts and says a record that cannot be read, or throws DataError if these were `max_bad_lines` already.
void forgive(const std::string& fault, std::int64_t max_bad_lines, DataReport& report);

/// Tokenises records as they come, a block at a time on all CPUs, and keeps their ids alone. Made for (Demonstration,
/// Sample) and (Preference, RankedSample). What it refers to must outlive it.
template <typename Record, typename S>
class SampleMaker {
 public:
  SampleMaker(const Tokenizer& tokenizer, const Templates& templates, const DataOptions& options)
      : tokenizer_(tokenizer), templates_(templates), options_(options) {}

  /// `place` names the record in errors (empty: its number). The sample stands `copies` times in the result.
  void add(Record record, std::string place = "", std::int64_t copies = 1);
  bool empty() const { return added_ == 0; }
  /// What was made of the records so far added. Throws DataError if nothing is left.
  SampleSet<S> finish();

 private:
  struct Pending {
    Record record;
    std::string place;
    std::int64_t copies;
  };
  static constexpr std::size_t kBlock = 4096;  // a signal is heard between blocks

  void flush();
  void keep(S sample, std::int64_t copies);
  void say_progress();

  const Tokenizer& tokenizer_;
  const Templates& templates_;
  const DataOptions& options_;
  std::int64_t added_ = 0;
  std::vector<Pending> pending_;
  SampleSet<S> set_;
  std::unordered_set<std::uint64_t> seen_;  // hashes of the samples
  std::chrono::steady_clock::time_point last_said_ = std::chrono::steady_clock::now();
};

extern template class SampleMaker<Demonstration, Sample>;
extern template class SampleMaker<Preference, RankedSample>;

}  // namespace rlhf
