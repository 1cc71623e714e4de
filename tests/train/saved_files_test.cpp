// What a run saves does not depend on what happens to its model folder meanwhile.
#include <filesystem>
#include <fstream>
#include <string>

#include "rlhf/rollout/reward_source.h"
#include "rlhf/train/ppo.h"
#include "rlhf/train/sft.h"

#include "support/tiny_run.h"

namespace rlhf {
namespace {

namespace fs = std::filesystem;

class SavedFiles : public testing::TinyRun {
 protected:
  /// Runs PPO on a policy whose folder `damage` changes while the first rollout is scored.
  template <typename Damage>
  void train_while(const Damage& damage) {
    SftConfig sft = sft_config("sft");
    sft.train.max_steps = 1;
    train_sft(sft);
    fs::copy(path("sft/final"), path("policy"), fs::copy_options::recursive);
    std::ofstream(path("policy/generation_config.json")) << kGeneration;
    bool done = false;
    const auto reward = reward_from_function([&](const ResponseRecord&) {
      if (!done) damage();
      done = true;
      return 1.0f;
    });
    train_ppo(ppo_config("policy", "", "ppo"), {}, reward.get());
    ASSERT_TRUE(done);
  }

  void expect_the_files_of_the_start(const std::string& folder) const {
    EXPECT_EQ(testing::bytes_of(path(folder + "/generation_config.json")), kGeneration);
    EXPECT_EQ(testing::bytes_of(path(folder + "/tokenizer.model")),
              testing::bytes_of(path("sft/final/tokenizer.model")));
  }

  static constexpr const char* kGeneration = "{\"max_length\": 17}";
};

TEST_F(SavedFiles, AreThoseOfTheStartWhenTheFolderIsRemoved) {
  train_while([&] { fs::remove_all(path("policy")); });
  expect_the_files_of_the_start("ppo/final");
  expect_the_files_of_the_start("ppo/final-value");
}

TEST_F(SavedFiles, AreThoseOfTheStartWhenTheyAreReplaced) {
  train_while([&] {
    train_tokenizer({"7*8=56", "9*9=81", "6*7=42", "8*8=64"}, {.vocab_size = 269}, path("other"));
    fs::copy_file(path("other/tokenizer.model"), path("policy/tokenizer.model"), fs::copy_options::overwrite_existing);
    std::ofstream(path("policy/generation_config.json")) << "{}";
  });
  expect_the_files_of_the_start("ppo/final");
}

}  // namespace
}  // namespace rlhf
