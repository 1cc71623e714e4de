#pragma once

#include <cstdint>
#include <map>
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
  return text;
}();

inline constexpr ConstText kFieldsDoc = [] {
  ConstText text;
  text.add(
      "renamed fields, {name in the format: name in the file}, e.g. {prompt: question, completion: answer}; names: ");
  add_fields(text, Stage::sft);
  text.add(", ");
  add_fields(text, Stage::reward_model);
  return text;
}();

inline constexpr ConstText kPromptFieldsDoc = [] {
  ConstText text;
  text.add("renamed fields, {name in the format: name in the file}, e.g. {prompt: question}; names: ");
  add_fields(text, Stage::ppo);
  return text;
}();

}  // namespace detail

/// Section `data` of rlhf-sft and rlhf-rm.
struct DataOptions {
  std::vector<WeightedPath> train;
  std::vector<std::string> eval;
  double eval_share = 0.0;
  RecordFormat format = RecordFormat::auto_;
  std::map<std::string, std::string> fields;
  std::string template_;
  std::string chat_template;
  TrainOn train_on = TrainOn::completion;
  std::int64_t max_length = 1024;
  std::int64_t min_length = 0;
  OverLength over_length = OverLength::drop;
  bool shuffle = true;
  std::int64_t max_bad_lines = 0;
  std::string cache;
};
constexpr auto describe(const DataOptions*) {
  using C = DataOptions;
  return std::make_tuple(
      field<&C::train>("files or globs for training (.jsonl, .jsonl.gz, .json)"),
      field<&C::eval>("files or globs for evaluation").path(),
      field<&C::eval_share>("share of the prompts held out for evaluation, if `eval` is not set", in_range(0.0, 0.9)),
      field<&C::format>(detail::kFormatDoc), field<&C::fields>(detail::kFieldsDoc),
      field<&C::template_>(
          "text around {prompt} and {completion}; default: that of the model folder, else \"{prompt}{completion}\""),
      field<&C::chat_template>(
          "template that renders messages: the name of one in the model folder, a .jinja file, or chatml, llama3, "
          "zephyr, …; default: that of the model folder")
          .path(),
      field<&C::train_on>("trained tokens; completion: the completion or all assistant turns"),
      field<&C::max_length>("longest sequence in tokens", at_least(2)),
      field<&C::min_length>("shortest sequence in tokens; shorter samples are dropped and counted", at_least(0)),
      field<&C::over_length>("what to do with longer samples; a truncated completion gets no EOS"),
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
  std::int64_t max_bad_lines = 0;
};
constexpr auto describe(const PromptDataOptions*) {
  using C = PromptDataOptions;
  return std::make_tuple(
      field<&C::prompts>("files or globs of prompts (.jsonl, .jsonl.gz, .json)").path(),
      field<&C::eval>("files or globs of prompts for evaluation, which are not trained on").path(),
      field<&C::fields>(detail::kPromptFieldsDoc),
      field<&C::template_>(
          "text around {prompt} and {completion}; default: that of the policy folder, else \"{prompt}{completion}\""),
      field<&C::chat_template>("template that renders messages, as in rlhf-sft; default: that of the policy folder")
          .path(),
      field<&C::max_prompt_length>("longest prompt in tokens; longer prompts are dropped and counted", at_least(1)),
      field<&C::max_bad_lines>("number of bad lines to skip and count; one more is an error", at_least(0)));
}

}  // namespace rlhf
