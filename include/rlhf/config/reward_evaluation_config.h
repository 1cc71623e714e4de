#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "rlhf/config/choices.h"
#include "rlhf/config/describe.h"

namespace rlhf {

/// The config of `rlhf-eval reward`. Every key is also a flag of the command line.
struct RewardEvaluationConfig {
  std::string model;
  std::vector<std::string> data;
  std::string output;
  std::string html;
  bool json = false;
  std::string field = "prompt";
  std::string domain_field;
  std::string template_;
  std::string chat_template;
  LongPrompt over_length = LongPrompt::skip;
  std::int64_t bins = 15;
  std::int64_t resamples = 1000;
  std::int64_t seed = 0;
  bool keep_temperature = false;
  std::int64_t batch_size = 64;
  DeviceChoice device = DeviceChoice::auto_;
  DtypeChoice dtype = DtypeChoice::auto_;
  std::optional<std::int64_t> threads;
};
constexpr auto describe(const RewardEvaluationConfig*) {
  using C = RewardEvaluationConfig;
  return std::make_tuple(
      field<&C::model>("folder of the reward model").path(),
      field<&C::data>("files or globs of pairs, rankings, judgments, or lists of right and wrong answers "
                      "(RewardBench 2, RM-Bench); repeat the flag for several")
          .path(),
      field<&C::output>("file for the report as JSON; an existing file is replaced").path(),
      field<&C::html>("file for the report as a page with charts; an existing file is replaced").path(),
      field<&C::json>("print the report as JSON instead of a table"),
      field<&C::field>("name of the prompt field in the data"),
      field<&C::domain_field>("name of the field whose values get rows of their own; default: domain, else subset"),
      field<&C::template_>(
          "text around {prompt} and {completion}; default: that of the model folder, else \"{prompt}{completion}\""),
      field<&C::chat_template>("template that renders messages: the name of one in the model folder, a .jinja file, or "
                               "chatml, llama3, zephyr, …; default: that of the model folder")
          .path(),
      field<&C::over_length>("what to do with records whose answers are too long for the model; skip: report and leave "
                             "out; truncate_left: keep the end"),
      field<&C::bins>("groups of equal size in which accuracy is compared with confidence", in_range(1, 1000)),
      field<&C::resamples>("resamples of the prompts for the 95 % intervals", in_range(2, 1000000)),
      field<&C::seed>("seed of the resamples", at_least(0)).any_size(),
      field<&C::keep_temperature>("write the fitted temperature into the config.json of the model, as "
                                  "rlhf_reward_temperature; nothing scales scores by it"),
      field<&C::batch_size>("records to score at once", in_range(1, 65536)),
      field<&C::device>("compute device; auto: CUDA if there is a GPU"),
      field<&C::dtype>("compute dtype; auto: that of the weights in the file"),
      field<&C::threads>("CPU threads; default: the physical cores of the machine", at_least(1)));
}

}  // namespace rlhf
