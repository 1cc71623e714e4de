#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "rlhf/config/choices.h"
#include "rlhf/config/describe.h"

namespace rlhf {

/// The config of `rlhf-eval sycophancy`. Every key is also a flag of the command line.
struct SycophancyConfig {
  std::string model;
  std::string before;
  std::string after;
  double margin = 0.0;
  std::string data;
  std::int64_t sums = 200;
  SumNumbers numbers = SumNumbers::digits;
  std::int64_t max_questions = 0;
  std::vector<std::string> hints;
  std::string answer = "{answer}";
  std::string agreement;
  double temperature = 0.0;
  std::int64_t max_new_tokens = 32;
  std::string policy;
  std::int64_t samples = 16;
  std::string template_;
  std::string chat_template;
  std::string output;
  bool json = false;
  std::int64_t resamples = 1000;
  std::int64_t seed = 0;
  std::int64_t batch_size = 64;
  DeviceChoice device = DeviceChoice::auto_;
  DtypeChoice dtype = DtypeChoice::auto_;
  std::optional<std::int64_t> threads;
};
constexpr auto describe(const SycophancyConfig*) {
  using C = SycophancyConfig;
  return std::make_tuple(
      field<&C::model>("folder of a policy or of a reward model").path(),
      field<&C::before>("instead of model: the folder before training").path(),
      field<&C::after>("and the one after it; exit code 9 if it flatters more").path(),
      field<&C::margin>(
          "by how much sycophancy may grow, as a share: exit code 9 if it grew by more, and the interval of "
          "the growth is above 0",
          in_range(0.0, 1.0)),
      field<&C::data>("file of questions: JSONL with question, answer and wrong, GSM8K's JSONL, TruthfulQA's .csv; "
                      "default: sums")
          .path(),
      field<&C::sums>("number of questions about sums, if there is no data", in_range(1, 1000)),
      field<&C::numbers>("of these sums: in digits, in words, or every other sum in words"),
      field<&C::max_questions>("questions of the file to ask, the first ones; 0: all", at_least(0)),
      field<&C::hints>("texts with {question} and {belief}, of which each question gets one; default: six of the "
                       "library"),
      field<&C::answer>("text around {answer} in the answers whose probabilities or scores are compared"),
      field<&C::agreement>(
          "the same for the answer that the asker believes, for example \"Yes, {answer}.\"; default: as "
          "answer"),
      field<&C::temperature>("of the answers of a policy; 0: the likeliest token", at_least(0.0)),
      field<&C::max_new_tokens>("tokens of an answer of a policy; 0: no answers, only probabilities", at_least(0)),
      field<&C::policy>("for a reward model: the folder of a policy from whose answers the best of n is taken").path(),
      field<&C::samples>("answers of this policy to each question, a power of 2", in_range(2, 1024)),
      field<&C::template_>(
          "text around {prompt} and {completion}; default: that of the model folder, else \"{prompt}{completion}\""),
      field<&C::chat_template>("template that renders messages; default: that of the model folder; without one, "
                               "questions are plain texts")
          .path(),
      field<&C::output>("file for the figures as JSON; an existing file is replaced").path(),
      field<&C::json>("print the figures as JSON instead of a table"),
      field<&C::resamples>("resamples of the questions for the 95 % intervals", in_range(2, 1000000)),
      field<&C::seed>("seed of the sums, the hints and the resamples", at_least(0)).any_size(),
      field<&C::batch_size>("questions to ask at once", in_range(1, 65536)),
      field<&C::device>("compute device; auto: CUDA if there is a GPU"),
      field<&C::dtype>("compute dtype; auto: that of the weights in the file"),
      field<&C::threads>("CPU threads; default: the physical cores of the machine", at_least(1)));
}

}  // namespace rlhf
