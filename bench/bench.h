#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "rlhf/config/choices.h"
#include "rlhf/core/random.h"
#include "rlhf/rollout/generator.h"
#include "rlhf/tensor/device.h"

/// What bench-generate and bench-device share.
namespace rlhf {

/// The value of --dtype, which is one of these.
inline const std::vector<std::string> kDtypes = {"auto", "float32", "bfloat16"};
inline DtypeChoice dtype_choice(const std::string& name) {
  if (name == "auto") return DtypeChoice::auto_;
  return name == "float32" ? DtypeChoice::float32 : DtypeChoice::bfloat16;
}

inline double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Token p of row r: a formula, so that another program can have the same prompts.
inline std::int32_t made_up_token(std::int64_t row, std::int64_t position, std::int64_t vocabulary) {
  return static_cast<std::int32_t>(3 + (row * 7919 + position * 104729) % (vocabulary - 3));
}

/// One prompt per length, with the tokens of its row.
inline std::vector<TokenIds> make_prompts(const std::vector<std::int64_t>& lengths, std::int64_t vocabulary) {
  std::vector<TokenIds> prompts(lengths.size());
  for (std::size_t row = 0; row < lengths.size(); ++row)
    for (std::int64_t position = 0; position < lengths[row]; ++position)
      prompts[row].push_back(made_up_token(static_cast<std::int64_t>(row), position, vocabulary));
  return prompts;
}

/// Continues made-up prompts, all at once. No token stops a response.
class TimedGeneration {
 public:
  TimedGeneration(CausalLM& model, const std::vector<std::int64_t>& lengths, double temperature)
      : model_(model), prompts_(make_prompts(lengths, model.shape().vocab_size)), temperature_(temperature) {
    for (const TokenIds& prompt : prompts_) requests_.push_back({&prompt, random_stream(0, requests_.size())});
  }
  TimedGeneration(const TimedGeneration&) = delete;
  TimedGeneration& operator=(const TimedGeneration&) = delete;

  /// Seconds of one call.
  double run(std::int64_t new_tokens) {
    const SamplingOptions sampling{.max_new_tokens = new_tokens, .temperature = temperature_};
    const auto start = std::chrono::steady_clock::now();
    work_ = {};
    responses_ = generate(model_, requests_, sampling, static_cast<std::int64_t>(requests_.size()), {}, &work_);
    synchronize(model_.device());
    return seconds_since(start);
  }
  const std::vector<Generation>& responses() const { return responses_; }  ///< of the last call
  const WorkCounters& work() const { return work_; }                       ///< of the last call

 private:
  CausalLM& model_;
  std::vector<TokenIds> prompts_;
  double temperature_;
  std::vector<GenerationRequest> requests_;
  std::vector<Generation> responses_;
  WorkCounters work_;
};

}  // namespace rlhf
