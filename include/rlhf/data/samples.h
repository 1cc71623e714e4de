#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "rlhf/config/data_options.h"
#include "rlhf/core/types.h"
#include "rlhf/files/records.h"
#include "rlhf/text/prompt_template.h"
#include "rlhf/text/tokenizer.h"

namespace rlhf {

/// A demonstration as ids. A token in `trained` is a label: it is predicted by the row before it, so index 0 never is
/// one.
struct Sample {
  TokenIds ids;
  std::vector<Span> trained;
  std::int64_t num_labels() const;
};

/// A preference pair as ids; both share the prompt's ids in front.
struct PairSample {
  TokenIds chosen, rejected;
  std::int32_t prompt_length = 0;  ///< tokens before the seam
  float margin = 0;
};

struct PromptSample {
  TokenIds ids;
  std::string text;   ///< the prompt as it stands in the record
  std::string extra;  ///< the record's line as JSON text
};

/// What became of the records: said at the start of a run and by --dry-run.
struct DataReport {
  std::int64_t records = 0, samples = 0;
  std::int64_t dropped_over_length = 0, truncated = 0, dropped_without_label = 0, dropped_equal = 0, straddling = 0;
  std::int64_t tokens = 0, longest = 0;  ///< of what was kept
  std::int64_t trained_tokens = 0;       ///< labels of demonstrations; pairs and prompts have none
  std::string summary() const;           ///< one line
};

template <typename S>
struct SampleSet {
  std::vector<S> samples;
  DataReport report;
};

/// Tokenises prompt and completion once, together, and finds the seam by offsets; a token that straddles the seam
/// belongs to the completion and is counted. EOS ends every complete completion (and every `text`), never a cut one.
/// Truncation cuts completions on the right; a sample whose prompt alone fills max_length has no label left and is
/// dropped and counted. Throws DataError if over_length is `error` and a sample is too long (its number named), or if
/// no sample is left.
SampleSet<Sample> make_samples(const std::vector<Demonstration>& records, const Tokenizer& tokenizer,
                               const PromptTemplate& prompt_template, const DataOptions& options);
/// The same for both sides of a pair. Pairs that are equal (after truncation) are dropped and counted. Where the two
/// tokenisations differ before the seam, only the ids that they share count as prompt.
SampleSet<PairSample> make_pairs(const std::vector<Preference>& records, const Tokenizer& tokenizer,
                                 const PromptTemplate& prompt_template, const DataOptions& options);
/// The template up to the seam, without EOS. Longer prompts are dropped and counted; DataError on one without any
/// token.
SampleSet<PromptSample> make_prompts(const std::vector<Prompt>& records, const Tokenizer& tokenizer,
                                     const PromptTemplate& prompt_template, std::int64_t max_prompt_length);

/// Splits records into (train, eval) so that equal prompts land on the same side: by a hash of (seed, prompt), or of
/// the text where a record has no prompt.
std::pair<std::vector<Demonstration>, std::vector<Demonstration>> split_by_prompt(std::vector<Demonstration> records,
                                                                                  double eval_share,
                                                                                  std::uint64_t seed);
std::pair<std::vector<Preference>, std::vector<Preference>> split_by_prompt(std::vector<Preference> records,
                                                                            double eval_share, std::uint64_t seed);

/// The sample as text with the trained tokens marked: ⟦…⟧ around them, or colour on a terminal.
std::string show_sample(const Sample& sample, const Tokenizer& tokenizer, bool colour);

}  // namespace rlhf
