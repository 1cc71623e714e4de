#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "rlhf/config/choices.h"
#include "rlhf/config/describe.h"

namespace rlhf {

/// The config of rlhf-generate. Every key is also a flag of the command line (--max-new-tokens 64). Without `model`, or
/// with `score_only`, the answers in `input` are scored by `reward` and nothing is generated.
struct GenerateConfig {
  std::string model;
  std::string prompt;
  std::string input;
  std::string output;
  bool overwrite = false;
  std::string field = "prompt";
  std::string template_;
  std::string chat_template;
  bool chat = false;
  std::string system;
  std::vector<std::string> stop;
  std::string reward;
  bool score_only = false;
  bool best = false;
  LongPrompt over_length = LongPrompt::skip;
  std::int64_t max_new_tokens = 128;
  double temperature = 1.0;
  double top_p = 1.0;
  std::int64_t top_k = 0;
  std::int64_t num_samples = 1;
  std::int64_t batch_size = 64;
  std::int64_t seed = 0;
  DeviceChoice device;
  DtypeChoice dtype = DtypeChoice::auto_;
  std::optional<std::int64_t> threads;
  bool json = false;

  /// Whether answers are read from `input` and not generated.
  bool scores_given_answers() const { return score_only || (model.empty() && !reward.empty()); }
};
constexpr auto describe(const GenerateConfig*) {
  using C = GenerateConfig;
  return std::make_tuple(
      field<&C::model>("model folder, or the id of a model in the local cache").path(),
      field<&C::prompt>("prompt text, inserted into the template"),
      field<&C::input>("JSONL file of prompts (or, to score them, of answers) instead of `prompt` (.jsonl, .jsonl.gz, "
                       ".json)")
          .path(),
      field<&C::output>("JSONL file to write, named OUTPUT.partial until it is complete; default: stdout").path(),
      field<&C::overwrite>("replace `output` if it exists; without it, the program asks on a terminal and refuses "
                           "elsewhere"),
      field<&C::field>("name of the prompt field in the input"),
      field<&C::template_>(
          "text around {prompt} and {completion}; default: that of the model folder, else \"{prompt}{completion}\""),
      field<&C::chat_template>("template that renders messages: the name of one in the model folder, a .jinja file, or "
                               "chatml, llama3, zephyr, …; default: that of the model folder")
          .path(),
      field<&C::chat>("chat: every line of stdin is a turn of the user; commands: /reset, /system TEXT, /exit (or "
                      "Ctrl-D)"),
      field<&C::system>("system message of a chat"),
      field<&C::stop>("text that ends a response and is removed from it; repeat the flag for several"),
      field<&C::reward>("folder of a reward model that scores the responses; without `model` it scores the answers in "
                        "`input`")
          .path(),
      field<&C::score_only>("generate nothing: score the answers that `input` has (completions, responses, pairs, "
                            "rankings, messages)"),
      field<&C::best>("keep only the response with the highest score of each prompt's num_samples"),
      field<&C::over_length>("what to do with prompts that leave no room for max_new_tokens, and with answers that are "
                             "too long for the reward model; skip: report and leave out; truncate_left: keep the end"),
      field<&C::max_new_tokens>("longest response in tokens; 0: only print the prompts", at_least(0)),
      field<&C::temperature>("sampling temperature (0: greedy)", at_least(0.0)),
      field<&C::top_p>("nucleus sampling: keep the most likely tokens up to this probability (1: all)",
                       more_than(0.0).up_to(1.0)),
      field<&C::top_k>("keep the k most likely tokens (0: all)", at_least(0)),
      field<&C::num_samples>("responses per prompt", at_least(1)),
      field<&C::batch_size>("number of sequences to generate at once", at_least(1)),
      field<&C::seed>("seed of the sampling", at_least(0)).any_size(),
      field<&C::device>("compute device; auto: a GPU if there is one; cuda: GPU 0, or that of the variable LOCAL_RANK; "
                        "cuda:1: GPU 1"),
      field<&C::dtype>("compute dtype; auto: that of the weights in the file"),
      field<&C::threads>("CPU threads; default: the physical cores of the machine", at_least(1)),
      field<&C::json>("print one JSON object per response: prompt_ids, token_ids, logprobs, text, …"));
}

}  // namespace rlhf
