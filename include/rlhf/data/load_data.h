#pragma once

#include <cstdint>
#include <optional>

#include "rlhf/config/data_options.h"
#include "rlhf/data/judged_votes.h"
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
  JudgedVotes judged;        ///< of judgments from which labels are learned; else empty
};

/// The options with data.max_length set. If it is not set, it becomes the number of positions of the model, at most
/// kMaxDefaultLength and at most `micro_batch_tokens`.
DataOptions with_max_length(DataOptions options, std::int64_t positions,
                            std::optional<std::int64_t> micro_batch_tokens = std::nullopt);

/// Reads, splits and tokenises the files of section `data`; only token ids are kept in memory. A file of weight w is
/// used w times: each record floor(w) times, and once more with probability w − floor(w), drawn from (seed, file,
/// record). Weights do not apply to held-out records. If `cache` is set, the result is stored in that folder and reused
/// by the next start with the same data and settings. Logs a warning for each loss of data. Throws ConfigError,
/// DataError, and OutputError if the cache cannot be written.
///
/// Judgments: `reading` says how training records get their labels (data/judgment_collector.h). The methods latent, em
/// and trust give pairs with evidence 0 and their votes in `judged`; other code sets the labels. Records to evaluate on
/// get those of `gold`, else of the majority of the experts, else of the majority of all.
DataSet<Sample> load_demonstrations(const DataOptions& options, std::uint64_t seed, const Tokenizer& tokenizer,
                                    const Templates& templates);
DataSet<RankedSample> load_preferences(const DataOptions& options, std::uint64_t seed, const Tokenizer& tokenizer,
                                       const Templates& templates, const JudgmentReading& judgments = {});

}  // namespace rlhf
