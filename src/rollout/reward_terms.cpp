// Sums of rewards.
#include "rlhf/rollout/reward_terms.h"

#include <numeric>
#include <utility>

#include "rlhf/core/check_argument.h"

namespace rlhf {
namespace {

class SumOfRewards : public RewardSource {
 public:
  explicit SumOfRewards(std::vector<WeightedReward> terms) : terms_(std::move(terms)) {
    check_argument(!terms_.empty(), "terms", "at least one", "none");
  }

  std::vector<float> score(const RewardRequest& request) override {
    std::vector<double> sums(request.responses.size(), 0);
    if (request.terms != nullptr) request.terms->clear();
    for (const WeightedReward& term : terms_) {
      const auto scores = term.source->score({request.rollout, request.responses, request.work, request.spread});
      check_argument(scores.size() == sums.size(), term.name.c_str(), std::to_string(sums.size()) + " scores",
                     scores.size());
      for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += term.weight * static_cast<double>(scores[i]);
      if (request.terms != nullptr)
        request.terms->push_back({term.name, std::accumulate(scores.begin(), scores.end(), 0.0) /
                                                 static_cast<double>(std::max<std::size_t>(1, scores.size()))});
    }
    return {sums.begin(), sums.end()};
  }

 private:
  std::vector<WeightedReward> terms_;
};

}  // namespace

std::unique_ptr<RewardSource> reward_from_terms(std::vector<WeightedReward> terms) {
  return std::make_unique<SumOfRewards>(std::move(terms));
}

}  // namespace rlhf
