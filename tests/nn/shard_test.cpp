// Weights whose optimizer state is divided among processes, here among objects of one process.
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "rlhf/io/checkpoint.h"
#include "rlhf/nn/optimizer.h"

#include "nn_testing.h"

namespace rlhf {
namespace {

using testing::largest_difference;

constexpr OptimizerOptions kOptions{.weight_decay = 0.1, .max_grad_norm = 1.0};

/// A process that has all weights and the optimizer state of a part of them.
struct Process {
  Parameters parameters;
  TrainedWeights weights;
  AdamW optimizer;

  Process(Parameters all, Shard shard, OptimizerOptions options = kOptions)
      : parameters(std::move(all)), weights(parameters, shard), optimizer(weights, options) {}
};

Parameters make_parameters(at::ScalarType dtype) {
  Parameters parameters;
  for (const auto& [name, rows, columns] : {std::tuple{"a", 40, 30}, {"norm", 1, 7}, {"b", 301, 2}}) {
    const at::Tensor values = at::arange(rows * columns, at::kFloat).mul(0.37).sin().view({rows, columns});
    Parameter parameter{name, values.to(dtype).set_requires_grad(true), std::string(name) != "norm"};
    if (dtype != at::kFloat) parameter.master = values;  // as a float32 file gives it
    parameters.push_back(parameter);
  }
  return parameters;
}

std::vector<std::unique_ptr<Process>> make_shards(int size, at::ScalarType dtype, OptimizerOptions options = kOptions) {
  std::vector<std::unique_ptr<Process>> processes;
  for (int rank = 0; rank < size; ++rank)
    processes.push_back(std::make_unique<Process>(make_parameters(dtype), Shard{rank, size}, options));
  return processes;
}

void set_gradients(TrainedWeights& weights, int step) {
  for (const auto& weight : weights.weights())
    weight.gradient.copy_(
        at::arange(weight.leaf.numel(), at::kFloat).add(step).mul(0.61).cos().view(weight.leaf.sizes()));
}

/// All processes make a step and take over the weights of the others.
void step_together(const std::vector<std::unique_ptr<Process>>& processes, int step, double lr) {
  const at::NoGradGuard no_grad;
  at::Tensor squares = at::zeros({}, at::kDouble);
  for (const auto& process : processes) {
    set_gradients(process->weights, step);
    squares.add_(process->optimizer.sum_of_squares());
  }
  for (const auto& process : processes) process->optimizer.step(lr, squares);
  for (const auto& from : processes)
    for (const auto& to : processes)
      for (std::size_t i = 0; i < from->weights.weights().size(); ++i) {
        const auto& weight = from->weights.weights()[i];
        to->weights.weights()[i]
            .leaf.view({-1})
            .narrow(0, weight.begin, weight.master.numel())
            .copy_(weight.part.view({-1}));
      }
}

TEST(Shard, EveryElementBelongsToOneProcess) {
  const auto processes = make_shards(3, at::kBFloat16);
  for (std::size_t i = 0; i < 3; ++i) {
    std::int64_t next = 0;
    for (const auto& process : processes) {
      const auto& weight = process->weights.weights()[i];
      if (weight.master.numel() == 0) continue;
      EXPECT_EQ(weight.begin, next);
      EXPECT_EQ(weight.begin % 256, 0) << "blocks of moments in bytes are not divided";
      next += weight.master.numel();
    }
    EXPECT_EQ(next, processes.front()->weights.weights()[i].leaf.numel());
  }
  // Also the float32 values of a file are there only in parts.
  std::int64_t held = 0;
  for (const Parameter& parameter : processes.front()->parameters) held += parameter.master.numel();
  EXPECT_LT(held, (1200 + 7 + 602) / 2);
}

TEST(Shard, OfOneProcessIsTheWhole) {
  const TrainedWeights weights(make_parameters(at::kFloat), Shard{.gradients = true});
  for (const auto& weight : weights.weights()) EXPECT_EQ(weight.gradient.sizes(), weight.leaf.sizes());
}

TEST(Shard, BucketsHaveEqualPartsAndTheLastWeightsComeFirst) {
  const TrainedWeights weights(make_parameters(at::kFloat), Shard{1, 3});
  std::size_t next = 3;
  std::int64_t end = weights.gradients().numel();
  for (const auto& bucket : weights.buckets()) {
    EXPECT_EQ(bucket.last, next);
    EXPECT_EQ(bucket.end, end);
    EXPECT_EQ((bucket.end - bucket.begin) % (3 * 256), 0);
    next = bucket.first;
    end = bucket.begin;
  }
  EXPECT_EQ(next, 0U);
  EXPECT_EQ(end, 0);
  EXPECT_GT(weights.buckets().size(), 1U);
}

TEST(Shard, StepsOfPartsAreThoseOfOneProcess) {
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    Process whole(make_parameters(dtype), {});
    const auto processes = make_shards(3, dtype);
    for (int step = 0; step < 4; ++step) {
      set_gradients(whole.weights, step);
      const double norm = whole.optimizer.step(1e-2).item<double>();
      EXPECT_GT(norm, kOptions.max_grad_norm);
      step_together(processes, step, 1e-2);
    }
    for (const auto& process : processes)
      for (std::size_t i = 0; i < 3; ++i)
        EXPECT_LT(largest_difference(process->parameters[i].value, whole.parameters[i].value), 1e-7);
  }
}

/// The state of each process as a file.
std::vector<SafetensorsFile> save(const std::vector<std::unique_ptr<Process>>& processes,
                                  const std::filesystem::path& folder) {
  std::vector<SafetensorsFile> files;
  for (const auto& process : processes) {
    const auto name = group_part("policy", process->weights.shard().rank);
    write_group(folder, name, process->optimizer.state());
    files.emplace_back(folder / (name + ".safetensors"));
  }
  return files;
}

TEST(Shard, AStateGoesOnInAnotherNumberOfParts) {
  for (const MomentDtype moments : {MomentDtype::float32, MomentDtype::int8}) {
    OptimizerOptions options = kOptions;
    options.moments = moments;
    const auto three = make_shards(3, at::kBFloat16, options);
    for (int step = 0; step < 2; ++step) step_together(three, step, 1e-2);
    const testing::TemporaryFolder folder;
    const auto files = save(three, folder.path());
    Process whole(make_parameters(at::kBFloat16), {}, options), again(make_parameters(at::kBFloat16), {}, options);
    restore_tensors(files, whole.optimizer.state(), "policy");
    const auto two = make_shards(2, at::kBFloat16, options);
    const testing::TemporaryFolder second;
    for (const auto& process : two) restore_tensors(files, process->optimizer.state(), "policy");
    restore_tensors(save(two, second.path()), again.optimizer.state(), "policy");
    const NamedTensors direct = whole.optimizer.state(), by_way = again.optimizer.state();
    for (std::size_t i = 0; i < direct.size(); ++i)
      EXPECT_TRUE(direct[i].second.equal(by_way[i].second)) << direct[i].first;
    whole.weights.write_leaves();
    for (std::size_t i = 0; i < 3; ++i)
      EXPECT_EQ(largest_difference(whole.parameters[i].value, three[0]->parameters[i].value), 0);
  }
}

}  // namespace
}  // namespace rlhf
