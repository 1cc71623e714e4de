#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "rlhf/config/data_options.h"
#include "rlhf/core/types.h"
#include "rlhf/data/data_report.h"
#include "rlhf/data/templates.h"
#include "rlhf/records/records.h"
#include "rlhf/text/tokenizer.h"

namespace rlhf {

/// A demonstration as ids. A token in `trained` is a label: it is predicted by the row before it, so index 0 never is
/// one.
struct Sample {
  TokenIds ids;
  std::vector<Span> trained;
  std::int64_t num_labels() const;
};

/// Prompt with answer, for each answer to one prompt, and which are better than which. A preference pair is two texts,
/// chosen and rejected.
struct RankedSample {
  std::vector<TokenIds> texts;     ///< all begin with the prompt's ids; each stands in a pair
  std::vector<RankedPair> pairs;   ///< indices into `texts`
  std::int32_t prompt_length = 0;  ///< tokens before the seam
};

struct PromptSample {
  TokenIds ids;
  std::string text;   ///< the prompt as it stands in the record, or as the chat template writes it
  std::string extra;  ///< the record's line as JSON text
};

template <typename S>
struct SampleSet {
  std::vector<S> samples;
  DataReport report;
};

/// Tokenises prompt and completion once, together, and finds the seam by offsets; a token that straddles the seam
/// belongs to the completion and is counted. EOS ends every complete completion (and every `text`), never a cut one.
/// A conversation is what the chat template writes, tokenised once without anything added: no BOS, no EOS but the
/// template's own; the assistant's turns (or what follows the prompt) are found by offsets. Truncation cuts completions
/// on the right; a sample whose prompt alone fills max_length has no label left and is dropped and counted. Throws
/// DataError if over_length is `error` and a sample is too long (its number named), if more than `max_bad_lines`
/// records are refused by the chat template or the tokenizer, or if no sample is left; ConfigError if there are
/// conversations and no chat template.
SampleSet<Sample> make_samples(const std::vector<Demonstration>& records, const Tokenizer& tokenizer,
                               const Templates& templates, const DataOptions& options);
/// The same for every answer to a prompt. An answer that would be dropped takes its pairs with it, as does one that
/// equals an earlier one (after truncation); a record without a pair left is dropped and counted. Where the
/// tokenisations differ before the seam, only the ids that all share count as prompt.
SampleSet<RankedSample> make_ranked(const std::vector<Preference>& records, const Tokenizer& tokenizer,
                                    const Templates& templates, const DataOptions& options);
/// The template up to the seam, without EOS; messages with what the chat template puts before an answer. Longer prompts
/// are dropped and counted, and so are at most `max_bad_lines` that the chat template or the tokenizer refuses;
/// DataError on one without any token.
SampleSet<PromptSample> make_prompts(const std::vector<Prompt>& records, const Tokenizer& tokenizer,
                                     const Templates& templates, std::int64_t max_prompt_length,
                                     std::int64_t max_bad_lines = 0);

/// Whether a record is held out for evaluation: by a hash of (seed, prompt), or of the text where a record has no
/// prompt, so that equal prompts land on the same side. A conversation's prompt is what stands before the first answer.
bool held_out(const Demonstration& record, double eval_share, std::uint64_t seed);
bool held_out(const Preference& record, double eval_share, std::uint64_t seed);

/// The sample as text with the trained tokens marked: ⟦…⟧ around them, or colour on a terminal.
std::string show_sample(const Sample& sample, const Tokenizer& tokenizer, bool colour);

}  // namespace rlhf
