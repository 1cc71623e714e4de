// What a language model answers during training, for samples.jsonl.
#include "rlhf/rollout/generator.h"

#include "language_method.h"

namespace rlhf {

std::vector<nlohmann::ordered_json> greedy_answers(CausalLM& model, const std::vector<TokenIds>& prompts,
                                                   const Setup& setup) {
  std::vector<GenerationRequest> requests;
  for (const TokenIds& prompt : prompts) requests.push_back({&prompt, 0});
  const SamplingOptions greedy{.max_new_tokens = kShownTokens,
                               .temperature = 0,
                               .stop_ids = setup.templates.stop_ids,
                               .never = ids_without_token(*setup.tokenizer, setup.folder.shape.vocab_size)};
  const auto rows = std::max<std::int64_t>(1, static_cast<std::int64_t>(prompts.size()));
  const auto answers = generate(model, requests, greedy, rows);
  model.take_processed_tokens();  // not part of the work of a step
  std::vector<nlohmann::ordered_json> lines;
  for (std::size_t i = 0; i < answers.size(); ++i)
    lines.push_back({{"prompt", setup.tokenizer->decode(prompts[i])},
                     {"response", decode_after(*setup.tokenizer, prompts[i], answers[i].tokens)}});
  return lines;
}

}  // namespace rlhf
