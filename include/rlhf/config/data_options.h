#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "rlhf/config/choices.h"
#include "rlhf/config/const_text.h"
#include "rlhf/config/describe.h"
#include "rlhf/config/record_formats.h"
#include "rlhf/config/stage.h"
#include "rlhf/config/weighted_path.h"

namespace rlhf {

namespace detail {

inline constexpr ConstText kFormatDoc = [] {
  ConstText text;
  text.add("format of the records; auto: recognised from the first one; else ");
  add_formats(text, Stage::sft);
  text.add(", ");
  add_formats(text, Stage::reward_model);
  text.add(", ");
  add_formats(text, Stage::dpo);
  return text;
}();

inline constexpr ConstText kFieldsDoc = [] {
  ConstText text;
  text.add(
      "renamed fields, {name in the format: name in the file}, e.g. {prompt: question, completion: answer}; names: ");
  add_fields(text, Stage::sft);
  text.add(", ");
  add_fields(text, Stage::reward_model);
  text.add(", ");
  add_fields(text, Stage::dpo, fields_of(Stage::reward_model));
  return text;
}();

inline constexpr ConstText kPromptFieldsDoc = [] {
  ConstText text;
  text.add("renamed fields, {name in the format: name in the file}, e.g. {prompt: question}; names: ");
  add_fields(text, Stage::ppo);
  return text;
}();

}  // namespace detail

/// The upper limit of the default of data.max_length, which bounds the memory of a run.
inline constexpr std::int64_t kMaxDefaultLength = 2048;

/// Section `data` of rlhf-sft, rlhf-rm and rlhf-dpo.
struct DataOptions {
  std::vector<WeightedPath> train;
  std::vector<std::string> eval;
  double eval_share = 0.0;
  std::int64_t eval_fold = 0;
  RecordFormat format = RecordFormat::auto_;
  std::map<std::string, std::string> fields;
  SampleBy sample_by = SampleBy::line;
  std::string template_;
  std::string chat_template;
  TrainOn train_on = TrainOn::completion;
  std::optional<std::int64_t> max_length;
  std::int64_t min_length = 0;
  OverLength over_length = OverLength::drop;
  TruncationSide truncation_side = TruncationSide::right;
  bool shuffle = true;
  std::int64_t max_bad_lines = 0;
  std::string cache;
};
constexpr auto describe(const DataOptions*) {
  using C = DataOptions;
  return std::make_tuple(
      field<&C::train>("files or globs for training (.jsonl, .json, .txt; also .gz)"),
      field<&C::eval>("files or globs for evaluation").path(),
      field<&C::eval_share>("share of the prompts held out for evaluation, if `eval` is not set", in_range(0.0, 0.9)),
      field<&C::eval_fold>(
          "which of the disjoint shares is held out, from 0; with eval_share 0.2 there are 5, for K-fold "
          "ensembles with the same train.seed",
          in_range(0, 999)),
      field<&C::format>(detail::kFormatDoc), field<&C::fields>(detail::kFieldsDoc),
      field<&C::sample_by>("what is one record of a .txt file; blank lines separate paragraphs"),
      field<&C::template_>(
          "text around {prompt} and {completion}, in which \\n is a line break; default: that of the model folder, "
          "else \"{prompt}{completion}\""),
      field<&C::chat_template>(
          "template that renders messages: the name of one in the model folder, a .jinja file, or chatml, llama3, "
          "zephyr, …; default: that of the model folder")
          .path(),
      field<&C::train_on>(
          "trained tokens; completion: the completion or all assistant turns; each_turn: every assistant turn is a "
          "sample of its own, with the conversation before it rendered as its prompt (for templates that rewrite "
          "earlier turns)"),
      field<&C::max_length>(
          "longest sequence in tokens; default: the positions of the model, at most 2048; batches are packed without "
          "padding, so short sequences cost nothing extra",
          at_least(2)),
      field<&C::min_length>("shortest sequence in tokens; shorter samples are dropped and counted", at_least(0)),
      field<&C::over_length>(
          "what to do with longer samples; truncate: cut them (a truncated completion gets no EOS); split: cut records "
          "of `text` into pieces of max_length and drop others"),
      field<&C::truncation_side>("side on which truncate cuts; left: the prompt loses its beginning"),
      field<&C::shuffle>("shuffle the samples every epoch; false: the order of the files"),
      field<&C::max_bad_lines>("number of bad lines to skip and count; one more is an error", at_least(0)),
      field<&C::cache>("folder to keep tokenised data for later starts; default: none").path().may_change());
}

/// Section `data` of rlhf-ppo.
struct PromptDataOptions {
  std::vector<std::string> prompts;
  std::vector<std::string> eval;
  std::map<std::string, std::string> fields;
  std::string template_;
  std::string chat_template;
  std::int64_t max_prompt_length = 512;
  OverLengthPrompt over_length = OverLengthPrompt::drop;
  std::int64_t max_bad_lines = 0;
  std::vector<std::string> ptx;
};
constexpr auto describe(const PromptDataOptions*) {
  using C = PromptDataOptions;
  return std::make_tuple(
      field<&C::prompts>("files or globs of prompts (.jsonl, .json; also .gz)").path(),
      field<&C::eval>("files or globs of prompts for evaluation, which are not trained on").path(),
      field<&C::fields>(detail::kPromptFieldsDoc),
      field<&C::template_>(
          "text around {prompt} and {completion}, in which \\n is a line break; default: that of the policy folder, "
          "else \"{prompt}{completion}\""),
      field<&C::chat_template>("template that renders messages, as in rlhf-sft; default: that of the policy folder")
          .path(),
      field<&C::max_prompt_length>("longest prompt in tokens", at_least(1)),
      field<&C::over_length>("what to do with longer prompts; truncate: cut their beginning"),
      field<&C::max_bad_lines>("number of bad lines to skip and count; one more is an error", at_least(0)),
      field<&C::ptx>(
          "files or globs of texts or demonstrations for ppo.ptx_coef, in the formats and with the field names "
          "of rlhf-sft; texts that are too long are split")
          .path());
}

}  // namespace rlhf
