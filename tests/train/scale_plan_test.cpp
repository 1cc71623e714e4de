// Figures that were calculated by hand.
#include "rlhf/train/scale_plan.h"

#include <string>

#include <gtest/gtest.h>

#include "rlhf/core/error.h"

namespace rlhf {
namespace {

constexpr double kEqual = 1e-9;  // relative
#define EXPECT_SAME(found, expected) EXPECT_NEAR((found) / (expected), 1, kEqual)

constexpr Cluster h100(int ranks) { return {ranks, default_nodes(ranks), GpuKind::h100}; }

/// A billion weights in bfloat16, each a factor of every token.
Role billion() {
  return {.name = "model",
          .weight_bytes = 2e9,
          .trained = 1e9,
          .matrix_elements = 1e9,
          .attention_width = 1e5,
          .layers = 10};
}

/// 16 texts of 1000 tokens, in micro-batches of 2000.
Workload training() {
  Workload work;
  work.roles = {billion()};
  work.sequences = 16;
  work.tokens = 16000;
  work.context = 1000;
  work.longest = 1000;
  work.micro_batch_tokens = 2000;
  work.activation_bytes = 1e6;
  work.logits_bytes = 5e8;
  return work;
}

/// 40 responses of 101 tokens to prompts of 100, four to each.
Workload sampling() {
  Workload work = training();
  work.sequences = 40;
  work.tokens = 40 * 201;
  work.generation = {.responses = 40,
                     .prompt = 100,
                     .response = 101,
                     .longest_prompt = 120,
                     .prefilled = 1000,
                     .cache_bytes = 1e5,
                     .forward_bytes = 2e5};
  return work;
}

TEST(ScalePlan, RingSendsAllButTheOwnPart) {
  EXPECT_SAME(ring_traffic(8e9, 8), 7e9);
  EXPECT_EQ(ring_traffic(8e9, 1), 0);
}

TEST(ScalePlan, SlowerOfNodeAndNetworkDecides) {
  // In a node 7/8 · 80 GB at 450 GB/s; between 2 nodes 1/2 · 10 GB at 50 GB/s, between 8 nodes 7/8 · 10 GB; all at 80
  // %.
  EXPECT_EQ(ring_seconds(80e9, h100(1)), 0);
  EXPECT_SAME(ring_seconds(80e9, h100(8)), 70.0 / 450 / 0.8);
  EXPECT_SAME(ring_seconds(80e9, h100(16)), 70.0 / 450 / 0.8);
  EXPECT_SAME(ring_seconds(80e9, h100(64)), 8.75 / 50 / 0.8);
  // 32 GB/s of PCIe in a node, 6.25 GB/s between nodes.
  EXPECT_SAME(ring_seconds(8e9, (Cluster{8, 1, GpuKind::l40s})), 7.0 / 32 / 0.8);
  EXPECT_SAME(ring_seconds(8e9, (Cluster{4, 4, GpuKind::l40s})), 6.0 / 6.25 / 0.8);
}

TEST(ScalePlan, FlopsAreTwoPerWeightAndPass) {
  // Attention: 2 products · 2 FLOPs · width · half of the context.
  const Role role = billion();
  EXPECT_SAME(forward_flops(role, 1000), 2e9 + 2e8);
  EXPECT_SAME(training_flops(role, 1000, false), 6e9 + 6e8);
  EXPECT_SAME(training_flops(role, 1000, true), 8e9 + 8e8);
  Role adapter = role;
  adapter.trained = 1e6;
  EXPECT_SAME(training_flops(adapter, 1000, false), 4e9 + 2e6 + 6e8);
}

TEST(ScalePlan, SharesOutMemoryByKind) {
  // On 8 ranks: weights 2, gradients 4, masters and moments 12 GB.
  const double expected[][3] = {{2e9, 4e9, 12e9}, {2e9, 4e9, 1.5e9}, {2e9, 0.5e9, 1.5e9}, {0.25e9, 0.5e9, 1.5e9}};
  for (const Sharding shard : {Sharding::none, Sharding::optimizer, Sharding::gradients, Sharding::parameters}) {
    const ScaleMemory memory = plan_scale(training(), h100(8), shard).memory;
    const auto& wanted = expected[static_cast<int>(shard)];
    EXPECT_SAME(memory.weights.at(0), wanted[0]) << name_of(shard);
    EXPECT_SAME(memory.gradients, wanted[1]) << name_of(shard);
    EXPECT_SAME(memory.states, wanted[2]) << name_of(shard);
    EXPECT_SAME(memory.activations, 2000 * 1e6 + 5e8) << name_of(shard);
    const double gathered = shard == Sharding::parameters ? 2 * 0.2e9 : 0;
    EXPECT_SAME(memory.total(), wanted[0] + wanted[1] + wanted[2] + 2.5e9 + gathered) << name_of(shard);
  }
}

TEST(ScalePlan, TrafficFollowsTheKind) {
  // 16 texts on 4 ranks are two micro-batches of each. Gradients have 4 GB, weights 2 GB; a ring sends 3/4.
  const auto traffic = [](Sharding shard) { return plan_scale(training(), h100(4), shard).traffic; };
  EXPECT_SAME(traffic(Sharding::none), 0.75 * 2 * 4e9);
  EXPECT_SAME(traffic(Sharding::optimizer), 0.75 * (4e9 + 2e9));
  EXPECT_SAME(traffic(Sharding::gradients), 0.75 * (2 * 4e9 + 2e9));
  EXPECT_SAME(traffic(Sharding::parameters), 0.75 * 2 * (4e9 + 2 * 2e9));
  EXPECT_EQ(plan_scale(training(), h100(1), Sharding::none).traffic, 0);
}

TEST(ScalePlan, SamplingAndScoringGatherSharedParameters) {
  // Each of the two passes of an update takes one micro-batch: 10 responses of 201 tokens in 4096.
  Workload work = sampling();
  work.micro_batch_tokens = 4096;
  work.passes = work.updates = 2;
  Role frozen = billion();
  frozen.trained = 0;
  frozen.forwards = 1;
  work.roles.push_back(frozen);
  const ScalePlan plan = plan_scale(work, h100(4), Sharding::parameters);
  EXPECT_SAME(plan.traffic, 0.75 * (2 * (4e9 + 2 * 2e9) + 2e9 + 2e9));
}

// A policy of 90 GB has no room beside its training state on GPUs of 80 GB: each of 101 tokens needs all its layers.
TEST(ScalePlan, LargeModelsAreGatheredLayerByLayer) {
  Workload work = sampling();
  work.roles.front().weight_bytes = 90e9;
  const ScalePlan plan = plan_scale(work, h100(8), Sharding::parameters),
                  small = plan_scale(sampling(), h100(8), Sharding::parameters);
  EXPECT_TRUE(small.memory.lends_whole);
  EXPECT_FALSE(plan.memory.lends_whole);
  EXPECT_TRUE(plan.fits);
  EXPECT_SAME(plan.memory.rollout - small.memory.rollout + 2e9 * 7 / 8, 2 * 90e9 / work.roles.front().layers);
  EXPECT_SAME(plan.traffic, 7.0 / 8 * (4e9 + 2 * 90e9 + work.generation.response * 90e9));
}

TEST(ScalePlan, TrainingTakesTheLargestShareOfARank) {
  const double rate = 989.4e12 * 0.4;
  EXPECT_SAME(plan_scale(training(), h100(8), Sharding::none).time.training, 2000 * 6.6e9 / rate);
  // 16 texts on 10 ranks: some have two of them.
  EXPECT_SAME(plan_scale(training(), {10, 2, GpuKind::h100}, Sharding::none).time.training, 2000 * 6.6e9 / rate);
  EXPECT_SAME(plan_scale(training(), h100(64), Sharding::none).time.training, 1000 * 6.6e9 / rate);
}

TEST(ScalePlan, PassesRepeatTheTokensAndUpdatesShareThemOut) {
  // 40 responses in 5 mini-batches of 8, 3 passes, on 16 ranks: in each of 15 updates a rank has one of 201 tokens.
  Workload work = sampling();
  work.passes = 3;
  work.updates = 15;
  const ScalePlan plan = plan_scale(work, h100(16), Sharding::none);
  EXPECT_SAME(plan.time.training, 15 * 201 * 6.6e9 / (989.4e12 * 0.4));
  EXPECT_SAME(plan.traffic, 15 * 2 * 15.0 / 16 * 4e9);
  EXPECT_SAME(plan_scale(work, h100(8), Sharding::none).time.training, plan.time.training)
      << "8 on 8 ranks are one on each";
}

TEST(ScalePlan, GenerationReadsWeightsAndCacheForEachToken) {
  const ScalePlan plan = plan_scale(sampling(), h100(4), Sharding::none);
  // 10 responses on a rank, in the mean over 101 tokens behind 100 + 50 others.
  EXPECT_SAME(plan.time.decode, 101 * (2e9 + 10 * 150 * 1e5) / (3.35e12 * 0.6));
  EXPECT_SAME(plan.time.prefill, 250 * (2e9 + 2 * 1e5 * 100) / (989.4e12 * 0.4));
  EXPECT_SAME(plan.memory.rollout, 10 * 221 * 1e5 + 250 * 2e5 + 2.5e8);
  EXPECT_SAME(plan_scale(sampling(), h100(4), Sharding::parameters).memory.rollout,
              10 * 221 * 1e5 + 250 * 2e5 + 2.5e8 + 1.5e9);
}

TEST(ScalePlan, ManyResponsesAreBoundByCompute) {
  Workload work = sampling();
  work.generation.responses = work.sequences = 4000;
  work.generation.cache_bytes = 1e3;
  const ScalePlan plan = plan_scale(work, h100(1), Sharding::none);
  EXPECT_SAME(plan.time.decode, 101 * 4000 * (2e9 + 4 * 1e5 * 150) / (989.4e12 * 0.4));
}

TEST(ScalePlan, MicroBatchIsAQuarterOfWhatIsFree) {
  Workload work = training();
  work.micro_batch_tokens = 0;
  // Free of 80 GB: 62 GB without sharding, 72.5 GB with states on 8 ranks; a token has 1 MB; multiples of 256.
  EXPECT_EQ(plan_scale(work, h100(8), Sharding::none).memory.micro_batch_tokens, 15360);
  EXPECT_EQ(plan_scale(work, h100(8), Sharding::optimizer).memory.micro_batch_tokens, 17920);
  work.longest = 30000;
  EXPECT_EQ(plan_scale(work, h100(8), Sharding::none).memory.micro_batch_tokens, 30000);
}

TEST(ScalePlan, ModelThatIsThereOnlyBeforeTrainingCountsInsteadOfActivations) {
  Workload work = training();
  work.roles.push_back({.name = "reference", .weight_bytes = 9e9, .before_training = true});
  const ScaleMemory memory = plan_scale(work, h100(8), Sharding::none).memory;
  EXPECT_EQ(memory.weights.at(1), 0);
  EXPECT_SAME(memory.total(), 18e9 + 9e9);
}

TEST(ScalePlan, NamesTheLimit) {
  Workload work = training();
  EXPECT_EQ(plan_scale(work, h100(1), Sharding::none).limit, "compute");
  EXPECT_EQ(plan_scale(work, {16, 16, GpuKind::l40s}, Sharding::none).limit, "communication");
  EXPECT_EQ(plan_scale(sampling(), h100(1), Sharding::none).limit, "generation");
  work.roles.front().trained = 5e9;
  const ScalePlan plan = plan_scale(work, h100(1), Sharding::none);
  EXPECT_FALSE(plan.fits);
  EXPECT_EQ(plan.limit, "memory");
}

TEST(ScalePlan, RefusesImpossibleClustersAndWorkloads) {
  EXPECT_THROW(plan_scale(training(), {0, 1, GpuKind::h100}, Sharding::none), ArgumentError);
  EXPECT_THROW(plan_scale(training(), {8, 0, GpuKind::h100}, Sharding::none), ArgumentError);
  EXPECT_THROW(plan_scale(training(), {8, 3, GpuKind::h100}, Sharding::none), ArgumentError);
  EXPECT_THROW(plan_scale(Workload(), h100(8), Sharding::none), ArgumentError);
  Workload work = training();
  work.sequences = 0;
  EXPECT_THROW(plan_scale(work, h100(8), Sharding::none), ArgumentError);
}

TEST(ScalePlan, IsATableWithAColumnForEachKindThatTheTrainerHas) {
  const auto lines = scale_table(training(), h100(64));
  EXPECT_EQ(lines.at(0), "cluster: 64 × H100 SXM 80 GB on 8 nodes; a step has 16000 tokens");
  EXPECT_EQ(lines.at(1), "train.shard                                 none     optimizer     gradients    parameters");
  EXPECT_EQ(lines.at(3), "  weights of the model                   1.9 GiB       1.9 GiB       1.9 GiB      29.8 MiB");
  EXPECT_EQ(lines.at(5), "  masters and moments                   11.2 GiB     178.8 MiB     178.8 MiB     178.8 MiB");
  EXPECT_EQ(lines.at(8), "  fits into 74.5 GiB                         yes           yes           yes           yes");
  EXPECT_EQ(lines.back(), "limit                              communication       compute       compute communication");
}

}  // namespace
}  // namespace rlhf
