#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "rlhf/config/data_options.h"
#include "rlhf/core/types.h"
#include "rlhf/data/data_report.h"
#include "rlhf/data/templates.h"
#include "rlhf/records/answered.h"
#include "rlhf/records/records.h"
#include "rlhf/text/tokenizer.h"

namespace rlhf {

/// A demonstration as token ids. The tokens in `trained` are the labels of the loss. Index 0 is never a label, because
/// a token is predicted by the row before it.
struct Sample {
  TokenIds ids;
  std::vector<Span> trained;
  std::int64_t num_labels() const;
};

/// The compared texts of one prompt (prompt and completion each) and the pairs that order them. A preference pair has
/// two texts, chosen and rejected.
struct RankedSample {
  std::vector<TokenIds> texts;     ///< each begins with the ids of the prompt and is in at least one pair
  std::vector<RankedPair> pairs;   ///< indices into `texts`
  std::int32_t prompt_length = 0;  ///< number of tokens of the prompt, which all texts share
};
/// A prompt for rollouts.

struct PromptSample {
  TokenIds ids;
  std::string text;   ///< the prompt of the record, or the messages as the chat template renders them
  std::string extra;  ///< the whole record as JSON text
};

template <typename S>
struct SampleSet {
  std::vector<S> samples;
  DataReport report;
};

/// Turns demonstrations into token ids.
///
/// Plain texts: prompt and completion are tokenised together, and byte offsets give the boundary between them. A token
/// across the boundary belongs to the completion and is counted. EOS is appended to every completion (and every `text`)
/// that is not truncated.
///
/// Conversations: the chat template's output is tokenised as it is, without adding BOS or EOS. Byte offsets give the
/// assistant turns, or the tokens after the prompt.
///
/// Truncation cuts completions on the right. A sample whose prompt alone fills max_length has no label; it is dropped
/// and counted.
///
/// Throws DataError if a sample is too long and over_length is `error` (the message has its number), if the chat
/// template or the tokenizer refuses more than `max_bad_lines` records, or if no sample is left. Throws ConfigError if
/// there are conversations but no chat template.
SampleSet<Sample> make_samples(const std::vector<Demonstration>& records, const Tokenizer& tokenizer,
                               const Templates& templates, const DataOptions& options);
/// The same for every completion of a pair or ranking. A completion that is dropped, or that equals an earlier one
/// after truncation, is removed with its pairs. A record without a pair left is dropped and counted. If the tokens
/// before the boundary differ between the texts, only the ids that all texts share count as the prompt.
SampleSet<RankedSample> make_ranked(const std::vector<Preference>& records, const Tokenizer& tokenizer,
                                    const Templates& templates, const DataOptions& options);
/// Turns prompts into token ids: the prompt template up to the completion, without EOS, or messages with the generation
/// prompt of the chat template. Prompts of more than `max_prompt_length` tokens are dropped and counted, and so are up
/// to `max_bad_lines` prompts that the chat template or the tokenizer refuses. Throws DataError if a prompt has no
/// tokens or no prompt is left.
SampleSet<PromptSample> make_prompts(const std::vector<Prompt>& records, const Tokenizer& tokenizer,
                                     const Templates& templates, std::int64_t max_prompt_length,
                                     std::int64_t max_bad_lines = 0);

/// Turns the answers of a record into the texts that a reward model scores: prompt and completion of each, tokenised as
/// for training, without limits of length. Throws DataError if the chat template or the tokenizer refuses the record,
/// and ConfigError if it has messages but there is no chat template.
std::vector<TokenIds> tokenise_answers(const AnsweredRecord& record, const Tokenizer& tokenizer,
                                       const Templates& templates);

/// Whether a record is held out for evaluation. The decision is a function of (seed, prompt), or of (seed, text) for a
/// record without a prompt, so that records with equal prompts are never split. The prompt of a conversation is all
/// before the first assistant turn.
bool held_out(const Demonstration& record, double eval_share, std::uint64_t seed);
bool held_out(const Preference& record, double eval_share, std::uint64_t seed);

/// Decodes a sample with the trained tokens marked: ⟦…⟧ around them, or in colour.
std::string show_sample(const Sample& sample, const Tokenizer& tokenizer, bool colour);

}  // namespace rlhf
