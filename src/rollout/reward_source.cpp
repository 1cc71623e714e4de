#include "rlhf/rollout/reward_source.h"

#include <utility>

#include <ATen/ops/cat.h>
#include <c10/core/GradMode.h>

#include "rlhf/core/check.h"
#include "rlhf/core/error.h"
#include "rlhf/core/signals.h"
#include "rlhf/tensor/pack_by_length.h"
#include "rlhf/tensor/work_counters.h"

namespace rlhf {
namespace {

class ModelReward : public RewardSource {
 public:
  ModelReward(ScalarModel& model, std::int64_t micro_batch_tokens) : model_(model), budget_(micro_batch_tokens) {
    RLHF_CHECK(budget_ > 0, "micro_batch_tokens is ", budget_);
  }

  std::vector<float> score(const RewardRequest& request) override {
    const c10::NoGradGuard no_grad;
    const Segments& sequences = request.rollout.batch.segments;
    work_counters().useful_tokens += sequences.total();
    std::vector<std::int64_t> lengths;
    for (std::int64_t i = 0; i < sequences.count(); ++i) lengths.push_back(sequences.length(i));
    std::vector<std::size_t> order;
    std::vector<at::Tensor> parts;
    for (const auto& group : pack_by_length(lengths, budget_)) {
      stop_if_signalled();
      order.insert(order.end(), group.begin(), group.end());
      parts.push_back(model_.scores(slice_rollout(request.rollout, group).batch));
    }
    const at::Tensor sorted = at::cat(parts).cpu();
    const float* raw = sorted.const_data_ptr<float>();
    std::vector<float> scores(order.size());
    for (std::size_t i = 0; i < order.size(); ++i) {
      scores[order[i]] = static_cast<float>(raw[i] - model_.reward_mean());
    }
    return scores;
  }

 private:
  ScalarModel& model_;
  std::int64_t budget_;
};

class FunctionReward : public RewardSource {
 public:
  explicit FunctionReward(RewardFunction function) : function_(std::move(function)) {}

  std::vector<float> score(const RewardRequest& request) override {
    const std::size_t count = request.responses.size();
    if (request.prompts.size() != count || request.records.size() != count) {
      throw ShapeError("scoring responses: expected a prompt and a record for each of " + std::to_string(count) +
                       " responses, found " + std::to_string(request.prompts.size()) + " and " +
                       std::to_string(request.records.size()));
    }
    std::vector<float> scores;
    for (std::size_t i = 0; i < count; ++i) {
      stop_if_signalled();
      scores.push_back(function_(request.prompts[i], request.responses[i], request.records[i]));
    }
    return scores;
  }

 private:
  RewardFunction function_;
};

}  // namespace

std::unique_ptr<RewardSource> reward_from_model(ScalarModel& model, std::int64_t micro_batch_tokens) {
  return std::make_unique<ModelReward>(model, micro_batch_tokens);
}

std::unique_ptr<RewardSource> reward_from_function(RewardFunction function) {
  return std::make_unique<FunctionReward>(std::move(function));
}

}  // namespace rlhf
