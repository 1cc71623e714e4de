#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "rlhf/config/choices.h"
#include "rlhf/config/describe.h"

namespace rlhf {

/// Section `data` of rlhf-sft and rlhf-rm.
struct DataOptions {
  std::vector<std::string> train;
  std::vector<std::string> eval;
  double eval_share = 0.0;
  std::map<std::string, std::string> fields;
  std::string template_;
  TrainOn train_on = TrainOn::completion;
  std::int64_t max_length = 1024;
  OverLength over_length = OverLength::drop;
  bool shuffle = true;
  std::int64_t max_bad_lines = 0;
};
constexpr auto describe(const DataOptions*) {
  using C = DataOptions;
  return std::make_tuple(
      field<&C::train>("JSONL files or globs to train on (.jsonl, .jsonl.gz)"),
      field<&C::eval>("JSONL files or globs to evaluate on"),
      field<&C::eval_share>("share of the prompts held out for evaluation when `eval` is not given",
                            in_range(0.0, 0.9)),
      field<&C::fields>("renamed fields, ours: theirs, e.g. {prompt: question, completion: answer}"),
      field<&C::template_>(
          "text around {prompt} and {completion}; default: the model folder's own, else \"{prompt}{completion}\""),
      field<&C::train_on>("which tokens carry the loss"),
      field<&C::max_length>("longest sequence in tokens", at_least(2)),
      field<&C::over_length>("what happens to longer samples; a cut completion gets no EOS"),
      field<&C::shuffle>("a fresh order every epoch; false: batches in the order of the files"),
      field<&C::max_bad_lines>("bad lines that are skipped (and counted) before the run is refused", at_least(0)));
}

/// Section `data` of rlhf-ppo.
struct PromptDataOptions {
  std::vector<std::string> prompts;
  std::map<std::string, std::string> fields;
  std::string template_;
  std::int64_t max_prompt_length = 512;
  std::int64_t max_bad_lines = 0;
};
constexpr auto describe(const PromptDataOptions*) {
  using C = PromptDataOptions;
  return std::make_tuple(
      field<&C::prompts>("JSONL files or globs of prompts (.jsonl, .jsonl.gz)"),
      field<&C::fields>("renamed fields, ours: theirs, e.g. {prompt: question}"),
      field<&C::template_>(
          "text around {prompt} and {completion}; default: the policy folder's own, else \"{prompt}{completion}\""),
      field<&C::max_prompt_length>("longer prompts are dropped and counted, in tokens", at_least(1)),
      field<&C::max_bad_lines>("bad lines that are skipped (and counted) before the run is refused", at_least(0)));
}

}  // namespace rlhf
