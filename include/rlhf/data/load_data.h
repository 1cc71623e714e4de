#pragma once

#include <cstdint>

#include "rlhf/config/data_options.h"
#include "rlhf/data/samples.h"
#include "rlhf/data/templates.h"
#include "rlhf/records/records.h"
#include "rlhf/text/tokenizer.h"

namespace rlhf {

/// Training and evaluation samples of a supervised stage.
template <typename S>
struct DataSet {
  SampleSet<S> train, eval;  ///< eval is empty if the config names no evaluation data
  RecordCounts counts;       ///< of the training files
};

/// Reads, splits and tokenises the files of section `data`; only token ids are kept in memory. A file of weight w is
/// used w times: each record floor(w) times, and once more with probability w − floor(w), drawn from (seed, file,
/// record). Weights do not apply to held-out records. If `cache` is set, the result is stored in that folder and reused
/// by the next start with the same data and settings. Throws ConfigError, DataError, and OutputError if the cache
/// cannot be written.
DataSet<Sample> load_demonstrations(const DataOptions& options, std::uint64_t seed, const Tokenizer& tokenizer,
                                    const Templates& templates);
DataSet<RankedSample> load_preferences(const DataOptions& options, std::uint64_t seed, const Tokenizer& tokenizer,
                                       const Templates& templates);

}  // namespace rlhf
