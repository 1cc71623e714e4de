// The formulas of train/scale_plan.h against runs that others have published. docs/scale.md has the same table.
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "rlhf/train/plan.h"
#include "rlhf/train/scale_plan.h"

#include "support/markdown_table.h"
#include "support/source_dir.h"

namespace rlhf {
namespace {

constexpr double kGibibyte = 1 << 30;

/// A decoder by its sizes.
struct Model {
  double layers, width, kv_width, feed_forward, vocabulary;
  bool gated = true;  ///< three matrices in the feed-forward part instead of two
  bool tied = false;

  double head() const { return vocabulary * width; }
  double blocks() const { return layers * (2 * width * (width + kv_width) + (gated ? 3 : 2) * width * feed_forward); }
  double all() const { return blocks() + head() * (tied ? 1 : 2); }
  double cache_bytes() const { return 2 * layers * kv_width * 2; }
  /// In bfloat16, with float32 gradients, masters and moments.
  Role trained() const {
    Role role = frozen(0);
    role.trained = all();
    return role;
  }
  Role frozen(double forwards) const {
    return {.name = "model",
            .weight_bytes = 2 * all(),
            .matrix_elements = blocks() + head(),
            .attention_width = layers * width,
            .layers = layers,
            .forwards = forwards};
  }
  /// With a scalar head.
  Role scalar(bool trains, double forwards) const {
    Role role = frozen(forwards);
    role.matrix_elements = blocks();
    role.trained = trains ? all() : 0;
    return role;
  }
};

constexpr Model kLlama8B{32, 4096, 1024, 14336, 128256};
constexpr Model kLlama3B{28, 3072, 1024, 8192, 128256, true, /*tied=*/true};
constexpr Model kLlama2x7B{32, 4096, 4096, 11008, 32000};
constexpr Model kGpt2{12, 768, 768, 4 * 768, 50304, /*gated=*/false, /*tied=*/true};
constexpr Model kGpt2Xl{48, 1600, 1600, 4 * 1600, 50304, false, true};
constexpr Model kMpt1B{24, 2048, 2048, 4 * 2048, 50368, false, true};
constexpr Model kMpt7B{32, 4096, 4096, 4 * 4096, 50368, false, true};
constexpr Model kMpt13B{40, 5120, 5120, 4 * 5120, 50368, false, true};
constexpr Model kMpt30B{48, 7168, 7168, 4 * 7168, 50368, false, true};
constexpr Model kMpt70B{80, 8192, 8192, 4 * 8192, 50368, false, true};
constexpr Model kOpt13B{40, 5120, 5120, 4 * 5120, 50272, false, true};
constexpr Model kOpt350M{24, 1024, 1024, 4 * 1024, 50272, false, true};

/// A step of pre-training or fine-tuning: each rank has `sequences` texts in micro-batches of `micro_batch`.
struct Training {
  Model model;
  Cluster cluster;
  Sharding shard;
  double length, sequences, micro_batch;
  bool recompute = false;

  Workload work() const {
    Workload work;
    work.roles = {model.trained()};
    work.sequences = sequences * cluster.ranks;
    work.tokens = work.sequences * length;
    work.context = length;
    work.micro_batch_tokens = micro_batch * length;
    work.recompute = recompute;
    return work;
  }
  double seconds() const { return plan_scale(work(), cluster, shard).time.total(); }
  /// Tokens per second and GPU.
  double rate() const { return sequences * length / seconds(); }
};

/// Tokens per second of one text without a batch, on an A100.
double decode_rate(const Model& model) {
  Workload work;
  work.roles = {model.frozen(0)};
  work.sequences = 1;
  work.generation = {.responses = 1, .prompt = 5, .response = 200, .cache_bytes = model.cache_bytes()};
  const ScalePlan plan = plan_scale(work, {1, 1, GpuKind::a100}, Sharding::none);
  return work.generation.response / plan.time.decode;
}

/// Step 3 of DeepSpeed-Chat: OPT-13B with adapters of rank 128, 264,292 prompts and answers of 256 tokens, 16 of them
/// on each GPU. Hours.
double deepspeed_chat_hours(int ranks) {
  Workload work;
  Role policy = kOpt13B.frozen(1), value = kOpt350M.scalar(true, 1);
  policy.trained = 128 * kOpt13B.layers * (4 * 2 + 2 * 5) * kOpt13B.width;
  policy.gradient_bytes = value.gradient_bytes = 2;
  work.roles = {policy, kOpt13B.frozen(1), kOpt350M.scalar(false, 1), value};
  work.sequences = 16.0 * ranks;
  work.tokens = work.sequences * 512;
  work.context = 512;
  work.micro_batch_tokens = 16 * 512;
  work.recompute = true;
  work.generation = {.responses = work.sequences,
                     .prompt = 256,
                     .response = 256,
                     .longest_prompt = 256,
                     .prefilled = work.sequences * 256,
                     .cache_bytes = kOpt13B.cache_bytes()};
  const Cluster cluster{ranks, default_nodes(ranks), GpuKind::a100};
  return plan_scale(work, cluster, Sharding::parameters).time.total() * 264292 / work.sequences / 3600;
}

/// The benchmark of OpenRLHF: policy and value model of Llama 2 7B, 1024 prompts and answers of 1024 tokens, 8 updates,
/// micro-batches of 8, on 8 A800.
Workload openrlhf() {
  Workload work;
  work.roles = {kLlama2x7B.trained(), kLlama2x7B.scalar(true, 0)};
  for (Role& role : work.roles) role.gradient_bytes = 2;
  work.sequences = 1024;
  work.tokens = 1024 * 2048;
  work.context = 2048;
  work.updates = 8;
  work.micro_batch_tokens = 8 * 2048;
  work.recompute = true;
  return work;
}
double openrlhf_update_seconds() {
  return plan_scale(openrlhf(), {8, 1, GpuKind::a100}, Sharding::parameters).time.total();
}
/// Eight answers at a time on each GPU, and then the passes of policy, reference, reward and value model.
double openrlhf_rollout_seconds() {
  Workload work = openrlhf();
  work.roles = {kLlama2x7B.frozen(1), kLlama2x7B.frozen(1), kLlama2x7B.scalar(false, 1), kLlama2x7B.scalar(false, 1)};
  work.sequences = 64;
  work.tokens = 64 * 2048;
  work.generation = {.responses = 64,
                     .prompt = 1024,
                     .response = 1024,
                     .prefilled = 64 * 1024,
                     .cache_bytes = kLlama2x7B.cache_bytes()};
  return 16 * plan_scale(work, {8, 1, GpuKind::a100}, Sharding::parameters).time.total();
}

/// A step of GRPO in NeMo RL: 2048 texts of 1060 tokens in the mean, of which 160 are the prompt, in 4 updates.
double nemo_rl_seconds() {
  Workload work;
  work.roles = {kLlama8B.trained(), kLlama8B.frozen(1)};
  work.roles.front().forwards = 1;
  work.sequences = 2048;
  work.tokens = 2048 * 1060;
  work.context = 1060;
  work.updates = 4;
  work.micro_batch_tokens = 4096;
  work.recompute = true;
  work.generation = {.responses = 2048,
                     .prompt = 160,
                     .response = 900,
                     .longest_prompt = 160,
                     .prefilled = 64 * 160,
                     .cache_bytes = kLlama8B.cache_bytes()};
  return plan_scale(work, {16, 2, GpuKind::h100}, Sharding::optimizer).time.total();
}

constexpr Cluster kH100x8{8, 1, GpuKind::h100}, kH100x64{64, 8, GpuKind::h100}, kH100x128{128, 16, GpuKind::h100};
constexpr Cluster kA100x8{8, 1, GpuKind::a100}, kA100x64{64, 8, GpuKind::a100}, kA100x1{1, 1, GpuKind::a100};

/// What a rank keeps of a model of 7.5 billion parameters in float16 with float16 gradients, on 64 GPUs; GB.
double zero_gigabytes(Sharding shard) {
  Workload work;
  work.roles = {{.name = "model", .weight_bytes = 15e9, .trained = 7.5e9, .gradient_bytes = 2}};
  work.sequences = 64;
  const ScaleMemory memory = plan_scale(work, {64, 8, GpuKind::a100}, shard).memory;
  return (memory.weights.front() + memory.gradients + memory.states) / 1e9;
}

/// The memory that 128 GPUs need less than 8, with float32 weights and gradients; GiB.
double torchtitan_gibibytes() {
  Training training{kLlama8B, kH100x8, Sharding::parameters, 8192, 2, 2};
  const auto total = [&](const Cluster& cluster) {
    training.cluster = cluster;
    Workload work = training.work();
    work.roles.front().weight_bytes *= 2;
    work.roles.front().state_bytes = 8;
    return plan_scale(work, cluster, Sharding::parameters).memory.total();
  };
  return (total(kH100x8) - total(kH100x128)) / kGibibyte;
}

/// Llama 3.2 3B on one A100, all in bfloat16, with two texts of 4096 tokens and logits in chunks; GiB.
double torchtune_gibibytes(bool recompute) {
  const ModelShape shape{.vocab_size = 128256,
                         .hidden_size = 3072,
                         .intermediate_size = 8192,
                         .num_layers = 28,
                         .num_heads = 24,
                         .num_key_value_heads = 8,
                         .head_dim = 128,
                         .tied_head = true};
  Workload work = Training{kLlama3B, kA100x1, Sharding::none, 4096, 2, 2}.work();
  work.roles.front().gradient_bytes = 2;
  work.roles.front().state_bytes = 4;
  work.activation_bytes = static_cast<double>(activation_bytes_per_token(shape, at::kBFloat16, recompute));
  work.logits_bytes = static_cast<double>(logits_bytes(shape, at::kBFloat16, 8192, /*trained=*/true));
  return plan_scale(work, kA100x1, Sharding::none).memory.total() / kGibibyte;
}

struct PublishedRun {
  const char* name;  ///< as in docs/scale.md
  double published;
  double ours;  ///< in the same unit
  bool within = true;
};

std::vector<PublishedRun> runs() {
  using enum Sharding;
  const double titan_8 = Training{kLlama8B, kH100x8, parameters, 8192, 2, 2}.rate();
  const double titan_128 = Training{kLlama8B, kH100x128, parameters, 8192, 2, 2}.rate();
  const double tune = Training{kLlama3B, kA100x1, none, 4096, 2, 2}.rate();
  const double recomputed = Training{kLlama3B, kA100x1, none, 4096, 2, 2, true}.rate();
  return {
      {"torchtitan, Llama 3.1 8B, 8 GPUs", 5762, titan_8},
      {"torchtitan, Llama 3.1 8B, 8 GPUs, compiled", 6667, titan_8},
      {"torchtitan, Llama 3.1 8B, 128 GPUs", 5605, titan_128, false},
      {"torchtitan, Llama 3.1 8B, 128 GPUs, compiled", 6514, titan_128},
      {"llm.c, GPT-2 1558M, 8 H100", 2.80, Training{kGpt2Xl, kH100x8, optimizer, 1024, 128, 16}.seconds()},
      {"llm.c, GPT-2 124M, 8 A100", 0.300, Training{kGpt2, kA100x8, optimizer, 1024, 64, 64}.seconds()},
      {"llm-foundry, MPT 1B, 8 H100", 45455, Training{kMpt1B, kH100x8, parameters, 2048, 14, 14}.rate()},
      {"llm-foundry, MPT 7B, 8 H100", 10643, Training{kMpt7B, kH100x8, parameters, 2048, 6, 6}.rate()},
      {"llm-foundry, MPT 13B, 64 H100", 4800, Training{kMpt13B, kH100x64, parameters, 2048, 2, 2}.rate()},
      {"llm-foundry, MPT 70B, 64 H100", 1039, Training{kMpt70B, kH100x64, parameters, 2048, 32, 8, true}.rate(), false},
      {"llm-foundry, MPT 1B, 8 A100", 20513, Training{kMpt1B, kA100x8, parameters, 2048, 56, 14}.rate()},
      {"llm-foundry, MPT 7B, 8 A100", 4641, Training{kMpt7B, kA100x8, parameters, 2048, 12, 6}.rate()},
      {"llm-foundry, MPT 13B, 8 A100", 2262, Training{kMpt13B, kA100x8, parameters, 2048, 6, 2}.rate()},
      {"llm-foundry, MPT 30B, 8 A100", 916, Training{kMpt30B, kA100x8, parameters, 2048, 63, 3, true}.rate(), false},
      {"llm-foundry, MPT 70B, 64 A100", 410, Training{kMpt70B, kA100x64, parameters, 2048, 32, 8, true}.rate(), false},
      {"torchtune, Llama 3.2 3B", 7075, tune},
      {"torchtune, Llama 3.2 3B, compiled", 9174, tune},
      {"torchtune, Llama 3.2 3B, recomputed", 7210, recomputed},
      {"gpt-fast, Llama 2 7B", 104.9, decode_rate(kLlama2x7B)},
      {"gpt-fast, Llama 3.1 8B", 93.89, decode_rate(kLlama8B)},
      {"DeepSpeed-Chat, OPT-13B, 8 A100", 9, deepspeed_chat_hours(8)},
      {"DeepSpeed-Chat, OPT-13B, 64 A100", 1.25, deepspeed_chat_hours(64)},
      {"OpenRLHF, Llama 2 7B, updates", 256.97, openrlhf_update_seconds(), false},
      {"OpenRLHF, Llama 2 7B, rollout", 920.81, openrlhf_rollout_seconds(), false},
      {"DeepSpeed-Chat, Llama 2 7B, updates", 492.01, openrlhf_update_seconds(), false},
      {"DeepSpeed-Chat, Llama 2 7B, rollout", 697.12, openrlhf_rollout_seconds(), false},
      {"NeMo RL, Llama 3.1 8B, GRPO", 97.7, nemo_rl_seconds(), false},
      {"ZeRO paper, 7.5B, none", 120, zero_gigabytes(none)},
      {"ZeRO paper, 7.5B, optimizer", 31.4, zero_gigabytes(optimizer)},
      {"ZeRO paper, 7.5B, gradients", 16.6, zero_gigabytes(gradients)},
      {"ZeRO paper, 7.5B, parameters", 1.9, zero_gigabytes(parameters)},
      {"torchtitan, freed from 8 to 128 GPUs", 15.4, torchtitan_gibibytes()},
      {"torchtune, Llama 3.2 3B, peak", 42.9, torchtune_gibibytes(false)},
      {"torchtune, Llama 3.2 3B, recomputed, peak", 24.9, torchtune_gibibytes(true)},
  };
}

std::string page() { return testing::source_dir() + "/../docs/scale.md"; }

std::string with_digits(const char* format, double number) {
  char text[32];
  std::snprintf(text, sizeof text, format, number);
  return text;
}

TEST(PublishedRuns, AreMetWithinAQuarterExceptThoseThatTheDocumentNames) {
  for (const PublishedRun& run : runs())
    EXPECT_EQ(std::abs(run.ours / run.published - 1) <= 0.25, run.within) << run.name << ": " << run.ours;
}

TEST(PublishedRuns, AreInTheDocumentWithTheFiguresOfTheFormulas) {
  const auto rows = testing::table_rows(page(), "run");
  const std::vector<PublishedRun> all = runs();
  ASSERT_EQ(rows.size(), all.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto& cells = rows[i].cells;
    EXPECT_EQ(cells.at("run"), all[i].name);
    EXPECT_EQ(std::stod(cells.at("published")), all[i].published) << all[i].name;
    EXPECT_EQ(cells.at("ours"), with_digits(all[i].ours < 1000 ? "%.4g" : "%.0f", all[i].ours)) << all[i].name;
    EXPECT_EQ(cells.at("ours / published"), with_digits("%.3f", all[i].ours / all[i].published)) << all[i].name;
    EXPECT_EQ(cells.at("within 25 %"), all[i].within ? "yes" : "no") << all[i].name;
  }
}

TEST(ScaleDocument, SaysWhichKindsTheTableShows) {
  std::vector<std::string> shown, known;
  for (const auto& row : testing::table_rows(page(), "kind")) shown.push_back(row.cells.at("kind"));
  for (const Sharding shard : kShardings) known.emplace_back(name_of(shard));
  EXPECT_EQ(shown, known);
}

TEST(ScaleDocument, HasTheDataOfTheGpus) {
  const auto rows = testing::table_rows(page(), "GPU");
  ASSERT_EQ(rows.size(), kGpuNames.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const GpuSpec& gpu = spec_of(static_cast<GpuKind>(i));
    const auto expect = [&](const std::string& column, double number) {
      EXPECT_DOUBLE_EQ(std::stod(rows[i].cells.at(column)), number) << gpu.title << ": " << column;
    };
    EXPECT_TRUE(std::string(gpu.title).starts_with(rows[i].cells.at("GPU"))) << gpu.title;
    expect("dense bfloat16 TFLOP/s", gpu.flops / 1e12);
    expect("memory GB", gpu.memory / 1e9);
    expect("memory TB/s", gpu.memory_bandwidth / 1e12);
    expect("in a node GB/s", gpu.node_bandwidth / 1e9);
    expect("between nodes GB/s per GPU", gpu.network_bandwidth / 1e9);
  }
}

}  // namespace
}  // namespace rlhf
