#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "rlhf/config/choices.h"
#include "rlhf/config/describe.h"

namespace rlhf {

/// What rlhf-generate is told; every key is a flag of the command line (--max-new-tokens 64).
struct GenerateConfig {
  std::string model;
  std::string prompt;
  std::string input;
  std::string output;
  std::string field = "prompt";
  std::string template_;
  std::string chat_template;
  bool chat = false;
  std::string system;
  std::vector<std::string> stop;
  std::string reward;
  bool best = false;
  std::int64_t max_new_tokens = 128;
  double temperature = 1.0;
  double top_p = 1.0;
  std::int64_t top_k = 0;
  std::int64_t num_samples = 1;
  std::int64_t batch_size = 64;
  std::int64_t seed = 0;
  DeviceChoice device = DeviceChoice::auto_;
  DtypeChoice dtype = DtypeChoice::auto_;
  std::optional<std::int64_t> threads;
  bool json = false;
};
constexpr auto describe(const GenerateConfig*) {
  using C = GenerateConfig;
  return std::make_tuple(
      field<&C::model>("model folder"), field<&C::prompt>("prompt text; put into the template"),
      field<&C::input>("JSONL file of prompts instead of `prompt` (.jsonl, .jsonl.gz)"),
      field<&C::output>("JSONL file to write, called OUTPUT.partial until all answers are there; default: stdout"),
      field<&C::field>("field of the input's lines that holds the prompt"),
      field<&C::template_>(
          "text around {prompt} and {completion}; default: the model folder's own, else \"{prompt}{completion}\""),
      field<&C::chat_template>("makes text of messages: a template of the model folder by name, a .jinja file, or "
                               "chatml, llama3, zephyr, …; "
                               "default: the model folder's own"),
      field<&C::chat>("talk: every line of stdin is a turn; /reset, /system TEXT, /exit"),
      field<&C::system>("what the model is told before the first turn of a chat"),
      field<&C::stop>("text that ends an answer and is cut off it; --stop A --stop B for several"),
      field<&C::reward>("folder of a reward model that scores the answers"),
      field<&C::best>("of the num_samples answers to a prompt keep the one that `reward` scores highest"),
      field<&C::max_new_tokens>("longest answer in tokens; 0: only show the prompts", at_least(0)),
      field<&C::temperature>("sampling temperature (0 = greedy)", at_least(0.0)),
      field<&C::top_p>("nucleus: keep the likeliest tokens up to this mass (1 = all)", more_than(0.0).up_to(1.0)),
      field<&C::top_k>("keep the likeliest k tokens (0 = all)", at_least(0)),
      field<&C::num_samples>("answers per prompt", at_least(1)),
      field<&C::batch_size>("sequences generated at once", at_least(1)),
      field<&C::seed>("seed of the samples", at_least(0)),
      field<&C::device>("where to compute; auto: CUDA where there is a GPU"),
      field<&C::dtype>("compute type; auto: the type of the file's weights"),
      field<&C::threads>("CPU threads; default: the cores of the machine", at_least(1)),
      field<&C::json>("print one JSON object a line: prompt_ids, token_ids, logprobs, text"));
}

}  // namespace rlhf
