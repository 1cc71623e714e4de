// docs/ppo_variants.md: every variant can be run, and every test that it names is there.
#include <filesystem>
#include <fstream>
#include <memory>
#include <regex>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <torch/csrc/autograd/autograd.h>

#include "rlhf/algo/ppo_loss.h"
#include "rlhf/config/read_config.h"
#include "rlhf/train/ppo.h"

#include "support/golden.h"
#include "support/markdown_table.h"
#include "support/source_dir.h"
#include "support/table_lm.h"
#include "support/temporary_folder.h"
#include "support/tensors.h"

namespace rlhf {
namespace {

namespace fs = std::filesystem;
using testing::close;
using testing::leaf;
using testing::TableLm;
using testing::tensor_of;

fs::path page() { return fs::path(testing::source_dir()) / "../docs/ppo_variants.md"; }

std::string text_of(const fs::path& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

/// The config with the options of a row: "ppo: {…}, rollout: {…} (a remark)".
PpoConfig config_of(const std::string& cell) {
  const testing::TemporaryFolder folder;
  const std::string options = cell.substr(0, cell.find(" ("));
  const std::string file = folder.write("c.yaml", "{" + options + "}");
  return read_config<PpoConfig>(
      file, {"model.policy=p", "model.reward=r", "data.prompts=[x.jsonl]", "train.output=o", "rollout.batch_size=64"});
}

/// The config of the row whose method begins with `name`.
PpoConfig config_of_method(const std::string& name) {
  for (const auto& row : testing::table_rows(page(), "method"))
    if (row.cells.at("method").starts_with(name)) return config_of(row.cells.at("options"));
  throw std::out_of_range(name);
}

/// The score of a response is the number of its tokens that are 1.
class OnesReward : public RewardSource {
 public:
  std::vector<float> score(const RewardRequest& request) override {
    const Rollout& rollout = request.rollout;
    const at::Tensor ones = segment_sum(rollout.tokens.eq(1).to(at::kFloat), rollout.responses);
    return {ones.const_data_ptr<float>(), ones.const_data_ptr<float>() + ones.numel()};
  }
};

/// Two steps on four tokens.
std::unique_ptr<PpoStep> run_two_steps(PpoConfig config) {
  config.rollout.max_new_tokens = 3;
  TableLm policy(at::zeros({4, 4})), reference(at::zeros({4, 4}));
  ScalarModel value(std::make_unique<TableLm>(at::zeros({4, 4})), at::ones({1, 4}), 0.0);
  OnesReward reward;
  const PtxMix ptx({{{0, 1, 2}, {{1, 3}}}}, 1, 0, 1 << 20);
  PpoModels models{policy, reference, config.ppo.has_value_model() ? &value : nullptr, reward, nullptr, &ptx};
  PpoState state(models, config);
  const PromptSample prompt{{0}, "", "{}"};
  const std::vector<const PromptSample*> prompts(64, &prompt);
  const auto refill = [&](std::int64_t, std::int64_t count) {
    return std::vector<const PromptSample*>(static_cast<std::size_t>(count * config.rollout.num_samples_per_prompt),
                                            &prompt);
  };
  ppo_step(models, state, prompts, {3}, config, 1 << 20, {0, 1}, refill);
  return ppo_step(models, state, prompts, {3}, config, 1 << 20, {1, 1}, refill);
}

TEST(PpoVariants, OfTheDocsCanBeRun) {
  const auto rows = testing::table_rows(page(), "method");
  EXPECT_EQ(rows.size(), 13U);
  std::set<AdvantageKind> kinds;
  for (const auto& row : rows) {
    const PpoConfig config = config_of(row.cells.at("options"));
    kinds.insert(config.ppo.advantage);
    const Metrics metrics = run_two_steps(config)->metrics();
    const std::string& name = row.cells.at("method");
    const auto has = [&](const char* metric) { return metrics.find(metric) != nullptr; };
    EXPECT_GT(*metrics.find("policy/grad_norm"), 0) << name;
    EXPECT_EQ(has("critic/grad_norm"), config.ppo.has_value_model()) << name;
    EXPECT_EQ(has("loss/value_avg"), config.ppo.has_value_model()) << name;
    EXPECT_EQ(has("loss/kl_avg"), config.ppo.kl_in == KlPlace::loss) << name;
    EXPECT_EQ(has("rollout/equal_groups"), config.rollout.num_samples_per_prompt > 1) << name;
    EXPECT_EQ(has("rollout/refilled_prompts"), config.rollout.refill_equal_groups > 0) << name;
    EXPECT_EQ(has("loss/ptx_avg"), config.ppo.ptx_coef > 0) << name;
    EXPECT_EQ(has("objective/clipped_scores"), config.reward.clip_range[1] > 0) << name;
    EXPECT_EQ(*metrics.find("policy/num_updates"), config.ppo.num_ppo_epochs * config.ppo.num_mini_batches) << name;
  }
  EXPECT_EQ(kinds.size(), enum_names<AdvantageKind>().size()) << "a row for each";
}

/// The responses of tests/golden/ppo/systems.json with their scores as `options` change them.
ScoredRollout scored_of(const nlohmann::json& golden, const RewardOptions& options) {
  const TokenIds prompt = {0};
  const std::vector<std::size_t> lengths = golden["lengths"];
  const std::vector<const TokenIds*> prompts(lengths.size(), &prompt);
  std::vector<Generation> generations;
  auto logprob = golden["old_logprobs"].begin();
  for (const std::size_t length : lengths) {
    generations.push_back({TokenIds(length, 1), {}, Finish::stop});
    for (std::size_t t = 0; t < length; ++t) generations.back().logprobs.push_back(*logprob++);
  }
  ScoredRollout scored{make_rollout(prompts, generations, at::kCPU), std::vector<ResponseRecord>(lengths.size()),
                       tensor_of(golden["ref_logprobs"]).to(at::kFloat)};
  std::size_t next = 0;
  const auto reward =
      reward_from_function([&](const ResponseRecord&) { return golden["scores"][next++].get<float>(); });
  WorkCounters work;
  scored.scores = score_responses(*reward, scored.rollout, scored.responses, options, work).values;
  return scored;
}

// The options of the row against the functions of the system, executed.
TEST(PpoVariants, OtherSystemsGiveTheSameNumbers) {
  const auto golden = testing::read_golden("ppo/systems.json");
  const std::pair<const char*, const char*> systems[] = {
      {"openrlhf", "PPO of OpenRLHF"}, {"verl", "PPO of verl"}, {"deepspeed_chat", "PPO of DeepSpeed-Chat"}};
  for (const auto& [name, method] : systems) {
    const PpoConfig config = config_of_method(method);
    const auto& expected = golden[name];
    const ScoredRollout scored = scored_of(golden, config.reward);
    const at::Tensor old_values = tensor_of(golden["old_values"]).to(at::kFloat);
    const PpoBatch batch = make_ppo_batch(scored, old_values, config.ppo, config.ppo.kl_coef, 1);
    EXPECT_TRUE(close(batch.advantages, tensor_of(expected["advantages"]), 2e-6, 2e-6)) << name;
    EXPECT_TRUE(close(batch.returns, tensor_of(expected["returns"]), 2e-6, 2e-6)) << name;
    const at::Tensor logprobs = leaf(tensor_of(golden["logprobs"])), values = leaf(tensor_of(golden["values"]));
    const PolicyClip clip{config.ppo.cliprange, config.ppo.cliprange_high.value_or(config.ppo.cliprange),
                          config.ppo.dual_clip};
    const at::Tensor weights = loss_weights(scored.rollout.responses, config.ppo.loss_aggregation, 6).to(at::kDouble);
    const at::Tensor policy_loss =
        ppo_policy_loss(logprobs, tensor_of(golden["old_logprobs"]), tensor_of(expected["advantages"]), clip)
            .losses.dot(weights);
    EXPECT_NEAR(policy_loss.item<double>(), expected["policy_loss"], 1e-6) << name;  // the weights are float32
    EXPECT_TRUE(
        close(torch::autograd::grad({policy_loss}, {logprobs})[0], tensor_of(expected["policy_gradient"]), 1e-6))
        << name;
    const at::Tensor value_loss = ppo_value_loss(values, tensor_of(golden["old_values"]),
                                                 tensor_of(expected["returns"]), config.ppo.cliprange_value)
                                      .loss_sum.div(static_cast<double>(scored.rollout.responses.total()));
    EXPECT_NEAR(value_loss.item<double>(), expected["value_loss"], 1e-9) << name;
    EXPECT_TRUE(close(torch::autograd::grad({value_loss}, {values})[0], tensor_of(expected["value_gradient"]), 1e-9))
        << name;
  }
}

// R = r − β·log(π/π_SFT) of a whole response, the reward of the paper's section 3.4.
TEST(PpoVariants, StiennonPaysTheScoreMinusTheKl) {
  const auto golden = testing::read_golden("ppo/systems.json");
  PpoConfig config = config_of_method("PPO as in Stiennon");
  config.ppo.gae_lambda = 1;  // so that the return of the first token is the sum of the rewards
  const ScoredRollout scored = scored_of(golden, config.reward);
  const Segments& responses = scored.rollout.responses;
  const PpoBatch batch = make_ppo_batch(scored, at::zeros({responses.total()}), config.ppo, config.ppo.kl_coef, 1);
  const at::Tensor kl = tensor_of(golden["old_logprobs"]).sub(tensor_of(golden["ref_logprobs"]));
  for (std::int64_t i = 0; i < responses.count(); ++i) {
    const auto begin = responses.offsets[static_cast<std::size_t>(i)],
               end = responses.offsets[static_cast<std::size_t>(i) + 1];
    EXPECT_NEAR(batch.returns[begin].item<double>(),
                golden["scores"][static_cast<std::size_t>(i)].get<double>() -
                    0.05 * kl.slice(0, begin, end).sum().item<double>(),
                1e-5);
  }
}

/// The gradient that one update with one mini-batch has left.
at::Tensor gradient_of(PpoConfig config) {
  config.rollout = {.batch_size = 64, .max_new_tokens = 1};
  config.ppo.num_mini_batches = 1;
  TableLm policy(at::zeros({4, 4})), reference(at::zeros({4, 4}));
  ScalarModel value(std::make_unique<TableLm>(at::zeros({4, 4})), at::ones({1, 4}), 0.0);
  OnesReward reward;
  const PtxMix ptx({{{0, 1, 2}, {{1, 3}}}}, 1, 0, 1 << 20);
  PpoModels models{policy, reference, &value, reward, nullptr, &ptx};
  PpoState state(models, config);
  const PromptSample prompt{{0}, "", "{}"};
  ppo_step(models, state, std::vector<const PromptSample*>(64, &prompt), {3}, config, 1 << 20, {0, 1});
  return state.policy.weights().gradients().detach().clone().view({4, 4});
}

// objective = PPO + γ·E[log π(x)], γ = 27.8. Under uniform logits the mean nll of the two labels has the gradient
// (1/4 − 1[label]) / 2 in the rows 0 and 1.
TEST(PpoVariants, InstructGptAddsTheGradientOfPretraining) {
  PpoConfig config = config_of_method("PPO-ptx of InstructGPT");
  const at::Tensor with = gradient_of(config);
  config.ppo.ptx_coef = 0;
  at::Tensor expected = at::zeros({4, 4});
  expected.slice(0, 0, 2).fill_(0.25 / 2);
  expected[0][1].sub_(0.5);
  expected[1][2].sub_(0.5);
  EXPECT_TRUE(close(with.sub(gradient_of(config)), expected.mul(27.8), 1e-5));
}

TEST(PpoVariants, OfTheDocsNameTestsThatAreThere) {
  std::string sources;
  for (const auto& entry : fs::recursive_directory_iterator(testing::source_dir()))
    if (entry.path().extension() == ".cpp") sources += text_of(entry.path());
  const std::string docs = text_of(page());
  const std::regex named("`([A-Z][A-Za-z0-9]+)\\.([A-Z*][A-Za-z0-9]*)`");
  int found = 0;
  for (std::sregex_iterator match(docs.begin(), docs.end(), named), end; match != end; ++match, ++found) {
    const std::string suite = (*match)[1], name = (*match)[2];
    EXPECT_NE(sources.find("(" + suite + ", " + (name == "*" ? "" : name + ")")), std::string::npos) << match->str();
  }
  EXPECT_GT(found, 10);
}

}  // namespace
}  // namespace rlhf
