// Rewards from a model and from a C++ function.
#include "rlhf/rollout/reward_source.h"

#include <cmath>
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
    lend_weights(model_.trunk(), [&] {
      for (const auto& group : pack_by_length(request.rollout.batch.segments.lengths(), budget_)) {
        stop_if_signalled();
        order.insert(order.end(), group.begin(), group.end());
        parts.push_back(model_.scores(slice_rollout(request.rollout, group).batch));
      }
    });
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

class EnsembleReward : public RewardSource {
 public:
  EnsembleReward(std::vector<std::unique_ptr<RewardSource>> members, double spread_penalty)
      : members_(std::move(members)), spread_penalty_(spread_penalty) {
    check_argument(!members_.empty(), "members", "at least one", members_.size());
    check_argument(spread_penalty_ >= 0, "spread_penalty", "at least 0", spread_penalty_);
  }

  std::vector<float> score(const RewardRequest& request) override {
    std::vector<std::vector<float>> all;
    for (const auto& member : members_)
      all.push_back(member->score({request.rollout, request.responses, request.work}));
    std::vector<float> scores(all.front().size()), spread(scores.size());
    for (std::size_t i = 0; i < scores.size(); ++i) {
      const auto [mean, deviation] = moments(all, i);
      scores[i] = static_cast<float>(mean - spread_penalty_ * deviation);
      spread[i] = static_cast<float>(deviation);
    }
    if (request.spread) *request.spread = std::move(spread);
    return scores;
  }

 private:
  static std::pair<double, double> moments(const std::vector<std::vector<float>>& all, std::size_t i) {
    const auto members = static_cast<double>(all.size());
    double mean = 0, square = 0;
    for (const auto& scores : all) mean += static_cast<double>(scores.at(i)) / members;
    for (const auto& scores : all) square += std::pow(static_cast<double>(scores.at(i)) - mean, 2) / members;
    return {mean, std::sqrt(square)};
  }

  std::vector<std::unique_ptr<RewardSource>> members_;
  double spread_penalty_;
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

std::unique_ptr<RewardSource> reward_from_ensemble(std::vector<std::unique_ptr<RewardSource>> members,
                                                   double spread_penalty) {
  return std::make_unique<EnsembleReward>(std::move(members), spread_penalty);
}

std::unique_ptr<RewardSource> reward_from_function(RewardFunction function) {
  return std::make_unique<FunctionReward>(std::move(function));
}

}  // namespace rlhf
