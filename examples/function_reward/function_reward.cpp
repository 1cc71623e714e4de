// function-reward OUTPUT: PPO with a C++ function as the reward, on a new, randomly initialised policy. OUTPUT is a new
// folder.
//
// The function rewards vowels. The policy starts by sampling any token and soon samples almost only vowels. The example
// shows all that PPO needs: a tokenizer, a new model, a file of prompts, a config, and the function.

#include <filesystem>
#include <iostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rlhf/config/ppo_config.h"
#include "rlhf/core/atomic_file.h"
#include "rlhf/core/error.h"
#include "rlhf/core/message.h"
#include "rlhf/nn/model_folder.h"
#include "rlhf/records/jsonl.h"
#include "rlhf/rollout/reward_source.h"
#include "rlhf/text/tokenizer.h"
#include "rlhf/train/ppo.h"

namespace {

namespace fs = std::filesystem;

// Any function of a sampled response (its prompt, text and record) can be a reward.
float share_of_vowels(const rlhf::ResponseRecord& sampled) {
  const std::string& response = sampled.response;
  if (response.empty()) return 0;
  float vowels = 0;
  for (const char letter : response) vowels += std::string_view("aeiou").find(letter) != std::string_view::npos;
  return vowels / static_cast<float>(response.size());
}

void make_policy(const fs::path& folder, const fs::path& tokenizer_folder) {
  rlhf::train_tokenizer({"the quick brown fox jumps over the lazy dog"}, {.vocab_size = 290}, tokenizer_folder);
  const auto tokenizer = rlhf::load_tokenizer(tokenizer_folder);
  const rlhf::ModelInit sizes{.hidden_size = 32,
                              .intermediate_size = 64,
                              .num_hidden_layers = 1,
                              .num_attention_heads = 2,
                              .num_key_value_heads = 2,
                              .max_position_embeddings = 64};
  const auto source =
      rlhf::describe_new_model(sizes, tokenizer->vocab_size(), tokenizer->bos_id(), tokenizer->eos_id());
  const auto model = rlhf::load_causal_lm(source, at::kCPU, at::kFloat, /*requires_grad=*/false, /*seed=*/1);
  rlhf::save_causal_lm(source, rlhf::named_values(model->parameters()),
                       {.tokenizer_files = rlhf::read_side_files(tokenizer->files())}, folder);
}

rlhf::PpoConfig configure(const fs::path& policy, const fs::path& prompts, const fs::path& run) {
  rlhf::PpoConfig config;
  config.model.policy = policy;
  config.data.prompts = {prompts};
  config.rollout.batch_size = 64;
  config.rollout.max_new_tokens = 8;
  config.reward.missing_eos =
      rlhf::MissingEos::none;  // most responses reach 8 tokens without EOS; that is not penalised
  config.ppo.kl_coef = 0.01;
  config.train.output = run;
  config.train.total_episodes = 40 * config.rollout.batch_size;
  config.train.dtype = rlhf::DtypeChoice::float32;
  config.optimizer.lr = 3e-3;
  config.value_optimizer.lr = 3e-3;
  config.checkpoint.every_steps = 0;
  config.log.samples_every_steps = 0;
  return config;
}

// The mean score of the first and of the last rollout.
std::pair<double, double> first_and_last_score(const fs::path& metrics) {
  std::vector<double> scores;
  rlhf::for_each_json_line(metrics, 0, [&](const rlhf::JsonLine& line) {
    scores.push_back(line.value.at("objective/scores").get<double>());
  });
  return {scores.front(), scores.back()};
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 2) {
    std::cerr << "usage: function-reward OUTPUT\n";
    return static_cast<int>(rlhf::ExitCode::usage);
  }
  const fs::path output = argv[1];
  fs::create_directories(output);
  make_policy(output / "policy", output / "tokenizer");
  rlhf::write_file_atomically(output / "prompts.jsonl", "{\"prompt\": \"the\"}\n{\"prompt\": \"a lazy\"}\n");

  const auto reward = rlhf::reward_from_function(share_of_vowels);
  const rlhf::PpoConfig config = configure(output / "policy", output / "prompts.jsonl", output / "ppo");
  rlhf::train_ppo(config, {}, reward.get());

  const auto [first, last] = first_and_last_score(output / "ppo" / "metrics.jsonl");
  std::cout << "share of vowels in the first rollout " << first << ", in the last " << last << "\n";
  return first < 0.2 && last > 0.6 ? 0 : 1;
} catch (const rlhf::Error& error) {
  std::cerr << "error: " << rlhf::message_line(error.what()) << "\n";
  return static_cast<int>(error.exit_code());
}
