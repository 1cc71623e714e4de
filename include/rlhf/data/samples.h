#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "rlhf/config/choices.h"
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
/// two texts, chosen and rejected. A single completion has one text, its label and no pair.
struct RankedSample {
  std::vector<TokenIds> texts;     ///< each begins with the ids of the prompt; all of several are in a pair
  std::vector<RankedPair> pairs;   ///< indices into `texts`
  std::int32_t prompt_length = 0;  ///< number of tokens of the prompt, which all texts share
  /// Of a single completion: the probability that it is desirable, 0 or 1 in the data.
  std::optional<float> desirable = {};
};

/// A prompt for rollouts.
struct PromptSample {
  TokenIds ids;
  std::string text;   ///< the prompt of the record, or the messages as the chat template renders them
  std::string extra;  ///< the whole record as JSON text
  std::string asked;  ///< what the asker says: the prompt of the record, or the texts of the user's messages
  std::optional<std::string> belief;  ///< the asker's belief, if somebody looked for it (train/agreement.h)
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
/// Conversations: messages are brought into the form that the chat template reads (content as a text or as parts,
/// arguments of tool calls as objects), and its output is tokenised as it is, without adding BOS or EOS. Byte offsets
/// give the assistant turns, or the tokens after the prompt. What the template leaves out is counted, and a turn of
/// which nothing is in the text is not trained. With TrainOn::each_turn every assistant turn is a sample.
///
/// Truncation cuts completions on the right, or prompts on the left. A sample whose prompt alone fills max_length has
/// no label; it is dropped and counted. OverLength::split cuts a `text` into pieces, so that every token but the first
/// is a label once.
///
/// Throws DataError if a sample is too long and over_length is `error` (the message has its number), if the chat
/// template or the tokenizer refuses more than `max_bad_lines` records, or if no sample is left. Throws ConfigError if
/// there are conversations but no chat template.
SampleSet<Sample> make_samples(const std::vector<Demonstration>& records, const Tokenizer& tokenizer,
                               const Templates& templates, const DataOptions& options);
/// The same for every completion of a pair or ranking. A completion that is dropped, or that equals an earlier one
/// after truncation, is removed with its pairs. A record without a pair or label left is dropped and counted. If the
/// tokens before the boundary differ between the texts, only the ids that all texts share count as the prompt.
SampleSet<RankedSample> make_ranked(const std::vector<Preference>& records, const Tokenizer& tokenizer,
                                    const Templates& templates, const DataOptions& options);
/// Turns prompts into token ids: the prompt template up to the completion, without EOS, or messages with the generation
/// prompt of the chat template. Prompts of more than `max_prompt_length` tokens are dropped and counted, cut on the
/// left (BOS stays) or refused, and up to `max_bad_lines` prompts that the chat template or the tokenizer refuses are
/// dropped. Logs a warning for each loss of data. Throws DataError if a prompt has no tokens or no prompt is left.
SampleSet<PromptSample> make_prompts(const std::vector<Prompt>& records, const Tokenizer& tokenizer,
                                     const Templates& templates, std::int64_t max_prompt_length,
                                     std::int64_t max_bad_lines = 0,
                                     OverLengthPrompt over_length = OverLengthPrompt::drop);

/// The texts that a reward model scores: prompt and completion of each answer.
struct AnswerTexts {
  std::vector<TokenIds> ids;
  std::vector<std::string> missing;  ///< what the chat template left out: "tool_calls", …
};
/// Tokenises the answers of a record as for training, without limits of length. Throws DataError if the chat template
/// or the tokenizer refuses the record, and ConfigError if it has messages but there is no chat template.
AnswerTexts tokenise_answers(const AnsweredRecord& record, const Tokenizer& tokenizer, const Templates& templates);

/// What decides whether a record is held out for evaluation: a hash of its prompt, or of its text if it has none. The
/// prompt of a conversation is all before the first assistant turn.
std::uint64_t split_key(const Demonstration& record);
std::uint64_t split_key(const Preference& record);

/// The records that are held out for evaluation. Records with equal prompts are never split.
struct HeldOut {
  std::unordered_set<std::uint64_t> keys;  ///< of the records that are held out
  std::int64_t records = 0, held = 0;      ///< number of records, and of those that are held out
  std::int64_t prompts = 0;                ///< number of different prompts
};
/// Chooses prompts in a random order that depends only on `seed` and the prompts, so that the share of the records is
/// as close to `share` as this order allows. `counts` are the numbers of records by key. At least one prompt is chosen
/// if `share` is above 0, and at least one is not. Fold f is what is chosen of the prompts that folds 0 to f − 1 have
/// not.
HeldOut choose_held_out(const std::unordered_map<std::uint64_t, std::int64_t>& counts, double share, std::uint64_t seed,
                        std::int64_t fold = 0);

/// Decodes a sample with the trained tokens marked: ⟦…⟧ around them, or in colour.
std::string show_sample(const Sample& sample, const Tokenizer& tokenizer, bool colour);

}  // namespace rlhf
