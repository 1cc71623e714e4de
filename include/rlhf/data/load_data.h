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
  SampleSet<S> train, eval;  ///< eval is empty where nothing was said to evaluate on
  RecordCounts counts;       ///< of the training files
};

/// Reads, splits and tokenises what section `data` names; of a file only ids are kept. A file of weight w is taken w
/// times: the whole part of w every record, the rest by chance, a function of `seed`, file and record; weights do not
/// touch what is held out. With `cache` said, what was made stands there for the next start that wants the same.
/// Throws ConfigError, DataError, OutputError (the cache cannot be written).
DataSet<Sample> load_demonstrations(const DataOptions& options, std::uint64_t seed, const Tokenizer& tokenizer,
                                    const Templates& templates);
DataSet<RankedSample> load_preferences(const DataOptions& options, std::uint64_t seed, const Tokenizer& tokenizer,
                                       const Templates& templates);

}  // namespace rlhf
