// docs/ppo_variants.md: every variant can be run, and every test that it names is there.
#include <filesystem>
#include <fstream>
#include <memory>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "rlhf/config/read_config.h"
#include "rlhf/train/ppo.h"

#include "support/markdown_table.h"
#include "support/source_dir.h"
#include "support/table_lm.h"
#include "support/temporary_folder.h"

namespace rlhf {
namespace {

namespace fs = std::filesystem;
using testing::TableLm;

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
  const std::string file = folder.write(
      "c.yaml", "{" + options + ", model: {policy: p, reward: r}, data: {prompts: [x.jsonl]}, train: {output: o}}");
  return read_config<PpoConfig>(file, {"rollout.batch_size=64"});
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
  PpoModels models{policy, reference, config.ppo.has_value_model() ? &value : nullptr, reward};
  PpoState state(models, config);
  const PromptSample prompt{{0}, "", "{}"};
  const std::vector<const PromptSample*> prompts(64, &prompt);
  ppo_step(models, state, prompts, {3}, config, 1 << 20, {0, 1});
  return ppo_step(models, state, prompts, {3}, config, 1 << 20, {1, 1});
}

TEST(PpoVariants, OfTheDocsCanBeRun) {
  const auto rows = testing::table_rows(page(), "method");
  EXPECT_EQ(rows.size(), 7U);
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
  }
  EXPECT_EQ(kinds.size(), enum_names<AdvantageKind>().size()) << "a row for each";
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
