#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace rlhf {

/// What happened to the records: printed at the start of a run and by --dry-run.
struct DataReport {
  std::string kind;  ///< for example "preference records of messages"; empty if unknown
  std::int64_t records = 0, samples = 0;
  std::int64_t dropped_over_length = 0, dropped_short = 0, truncated = 0, dropped_without_label = 0;
  std::int64_t dropped_refused = 0;   ///< refused by the chat template or the tokenizer; data.max_bad_lines allows them
  std::int64_t dropped_equal = 0;     ///< pairs and rankings in which all completions, or all ranks, are equal
  std::int64_t answers_left_out = 0;  ///< completions of kept rankings that are in no pair
  std::int64_t longest_dropped = 0;   ///< tokens of the longest text that was dropped as too long
  std::int64_t length_limit = 0;      ///< data.max_length or, with `of_prompts`, data.max_prompt_length
  bool of_prompts = false;            ///< the samples are prompts of rlhf-ppo
  std::int64_t beheaded = 0;          ///< samples whose prompt lost its beginning
  std::int64_t pieces = 0;            ///< samples made of `text` records that were longer than the limit
  std::int64_t untrained_turns = 0;   ///< assistant turns that are marked not to be trained
  std::int64_t unrendered_turns = 0;  ///< assistant turns of which the chat template shows nothing; not trained
  std::int64_t empty_answers = 0;     ///< samples with an empty completion or turn: only its end is trained
  std::int64_t straddling = 0;        ///< samples with a token across the boundary of prompt and completion
  std::int64_t unverified = 0;        ///< conversations whose ChatText::verified is false
  std::int64_t endless = 0;           ///< untruncated samples whose last token does not end a response
  std::int64_t duplicates = 0;        ///< samples that equal an earlier one; they are kept
  std::int64_t left_out = 0;          ///< records left out because of a weight below 1
  std::int64_t repeated = 0;          ///< samples added because of a weight above 1
  std::int64_t tokens = 0, longest = 0;  ///< of the samples that were kept
  std::int64_t trained_tokens = 0;       ///< labels of demonstrations; 0 for pairs, rankings and prompts
  /// What the chat template left out of the text ("tool_calls", "tools") -> number of records.
  std::map<std::string, std::int64_t> not_rendered;
  std::vector<std::string> notes;          ///< further lines, about the files and the split
  std::array<std::int64_t, 32> lengths{};  ///< lengths[i]: number of texts with 2^i to 2^(i+1) - 1 tokens

  void count_text(std::size_t tokens_of_text);  ///< adds a text that was kept
  std::string summary() const;                  ///< one line
  /// The summary, one line for each further count that is not 0, and the lengths as a bar chart.
  std::vector<std::string> lines() const;
  /// One line for each loss of data that a user should know of, with the option that helps.
  std::vector<std::string> warnings() const;
};

}  // namespace rlhf
