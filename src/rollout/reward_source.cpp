// Rewards from a model and from a C++ function.
#include "rlhf/rollout/reward_source.h"

#include <utility>

#include <ATen/ops/cat.h>
#include <c10/core/GradMode.h>

#include "rlhf/core/check_argument.h"
#include "rlhf/core/signals.h"
#include "rlhf/tensor/pack_by_length.h"

namespace rlhf {
namespace {

class ModelReward : public RewardSource {
 public:
  ModelReward(ScalarModel& model, std::int64_t micro_batch_tokens) : model_(model), budget_(micro_batch_tokens) {
    check_argument(budget_ > 0, "micro_batch_tokens", "at least 1", budget_);
  }

  std::vector<float> score(const RewardRequest& request) override {
    const c10::NoGradGuard no_grad;
    std::vector<std::size_t> order;
    std::vector<at::Tensor> parts;
    for (const auto& group : pack_by_length(request.rollout.batch.segments.lengths(), budget_)) {
      stop_if_signalled();
      order.insert(order.end(), group.begin(), group.end());
      parts.push_back(model_.scores(slice_rollout(request.rollout, group).batch));
    }
    if (request.work) {
      request.work->useful_tokens += request.rollout.batch.segments.total();
      request.work->processed_tokens += model_.trunk().take_processed_tokens();
    }
    const at::Tensor grouped = at::cat(parts).cpu();
    const float* raw = grouped.const_data_ptr<float>();
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
  explicit FunctionReward(RewardFunction function) : function_(std::move(function)) {
    check_given(function_, "reward", "a function");
  }

  std::vector<float> score(const RewardRequest& request) override {
    std::vector<float> scores;
    for (const ResponseRecord& response : request.responses) {
      stop_if_signalled();
      scores.push_back(function_(response));
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
