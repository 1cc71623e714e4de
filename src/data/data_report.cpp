// The data report as text.
#include "rlhf/data/data_report.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace rlhf {
namespace {

constexpr int kBarWidth = 40;

std::string share(std::int64_t part, std::int64_t whole) {
  return std::to_string(std::llround(100.0 * static_cast<double>(part) / static_cast<double>(whole))) + " %";
}

std::string padded(const std::string& text, std::size_t width) {
  return std::string(width - std::min(width, text.size()), ' ') + text;
}

std::string bar(std::int64_t count, std::int64_t largest) {
  const auto length = static_cast<int>((count * kBarWidth + largest - 1) / largest);
  std::string text;
  for (int i = 0; i < length; ++i) text += "█";
  return text;
}

/// A bar chart of the lengths: one line "  32 to 63 tokens ███ 12" for each range from the shortest to the longest
/// text.
void add_bars(const std::array<std::int64_t, 32>& lengths, std::vector<std::string>& lines) {
  const auto present = [](std::int64_t count) { return count > 0; };
  const auto first = std::find_if(lengths.begin(), lengths.end(), present);
  const auto last = std::find_if(lengths.rbegin(), lengths.rend(), present).base();
  if (first == lengths.end()) return;
  const std::int64_t largest = *std::max_element(lengths.begin(), lengths.end());
  for (auto count = first; count != last; ++count) {
    const std::int64_t from = std::int64_t{1} << (count - lengths.begin());
    const std::string range = std::to_string(from) + " to " + std::to_string(2 * from - 1);
    lines.push_back(padded(range, 16) + " tokens " + bar(*count, largest) + " " + std::to_string(*count));
  }
}

std::string of_records(std::int64_t count, std::int64_t records) {
  return std::to_string(count) + " of " + std::to_string(records) + " records (" + share(count, records) + ")";
}

/// The warning for records that were dropped because of their length; empty if these are few.
std::string lost_by_length(const DataReport& report) {
  constexpr double kSome = 0.05, kMany = 0.30;
  const double lost =
      static_cast<double>(report.dropped_over_length) / static_cast<double>(std::max<std::int64_t>(1, report.records));
  if (lost <= kSome) return "";
  const std::string key = report.of_prompts ? "data.max_prompt_length" : "data.max_length";
  const std::string start = lost > kMany ? "LOSS OF DATA: " : "";
  return start + of_records(report.dropped_over_length, report.records) + " were dropped: they are longer than " + key +
         " = " + std::to_string(report.length_limit) + " tokens, the longest has " +
         std::to_string(report.longest_dropped) + "; hint: raise " + key + ", or set data.over_length to truncate" +
         (report.of_prompts ? "" : " (or, for `text`, to split)");
}

}  // namespace

std::vector<std::string> DataReport::warnings() const {
  std::vector<std::string> all;
  if (const std::string lost = lost_by_length(*this); !lost.empty()) all.push_back(lost);
  for (const auto& [name, count] : not_rendered)
    all.push_back("the chat template leaves out: " + name + ", in " + of_records(count, records) +
                  "; hint: data.chat_template chooses another template");
  if (unrendered_turns > 0)
    all.push_back(std::to_string(unrendered_turns) +
                  " assistant turns are not trained, because the chat template shows nothing of them");
  if (empty_answers > 0)
    all.push_back(std::to_string(empty_answers) +
                  " samples have an empty completion or assistant turn: the model learns from it to end at once");
  return all;
}

void DataReport::count_text(std::size_t tokens_of_text) {
  const auto length = static_cast<std::int64_t>(tokens_of_text);
  tokens += length;
  longest = std::max(longest, length);
  const auto bucket =
      static_cast<std::size_t>(std::bit_width(static_cast<std::uint32_t>(std::max<std::int64_t>(1, length))) - 1);
  ++lengths[bucket];
}

std::string DataReport::summary() const {
  std::string line = std::to_string(records) + " records -> " + std::to_string(samples) + " samples";
  if (samples > 0) {
    line += ", " + std::to_string(tokens) + " tokens";
    if (trained_tokens > 0) line += " (" + std::to_string(trained_tokens) + " trained)";
    line += ", longest " + std::to_string(longest);
  }
  const auto add = [&line](std::int64_t count, const char* what) {
    if (count > 0) line += "; " + std::to_string(count) + what;
  };
  add(dropped_over_length, " dropped (too long)");
  add(dropped_short, " dropped (too short)");
  add(dropped_without_label, " dropped (no trained token)");
  add(dropped_refused, " dropped (refused by the chat template or the tokenizer)");
  add(dropped_equal, " dropped (completions or ranks all equal)");
  add(truncated, " truncated");
  add(beheaded, " with a prompt that lost its beginning");
  add(straddling, " with a token across the boundary of prompt and completion");
  return line;
}

std::vector<std::string> DataReport::lines() const {
  std::vector<std::string> report = {(kind.empty() ? "" : kind + ": ") + summary()};
  const auto add = [&report](std::int64_t count, const std::string& what) {
    if (count > 0) report.push_back(std::to_string(count) + what);
  };
  if (trained_tokens > 0) report.push_back(share(trained_tokens, tokens) + " of the tokens are trained");
  report.insert(report.end(), notes.begin(), notes.end());
  std::string left_out_texts;
  for (const auto& [name, count] : not_rendered)
    left_out_texts += (left_out_texts.empty() ? "" : ", ") + name + " (" + std::to_string(count) + ")";
  if (!left_out_texts.empty())
    report.push_back("left out by the chat template, with the number of records: " + left_out_texts);
  add(unrendered_turns, " assistant turns are not trained, because the chat template shows nothing of them");
  add(empty_answers, " samples have an empty completion or assistant turn");
  add(pieces, " samples are pieces of longer texts");
  add(untrained_turns, " assistant turns are marked not to be trained");
  add(left_out, " records left out because of a weight below 1");
  add(repeated, " samples added because of a weight above 1");
  add(answers_left_out, " completions left out of their rankings (too long, too short or equal)");
  add(duplicates, " samples equal an earlier one");
  add(unverified, " conversations in which trained tokens do not begin where the generation prompt ends");
  add(endless,
      " samples do not end with a token that ends a response (eos_token_id of config.json and generation_config.json, "
      "eos_token of the tokenizer, the end of a turn in the chat template): the model does not learn from them to "
      "stop");
  add_bars(lengths, report);
  return report;
}

}  // namespace rlhf
