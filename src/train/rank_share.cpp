// The responses of a rollout, divided among ranks.
#include "rank_share.h"

#include <bit>
#include <numeric>

#include <ATen/ops/zeros.h>

#include "rlhf/core/check_argument.h"

namespace rlhf {

RankShare share_of_rank(std::span<const std::int64_t> costs, int rank, int size) {
  for (const std::int64_t cost : costs) check_argument(cost > 0, "costs", "numbers above 0", cost);
  const std::int64_t total = std::accumulate(costs.begin(), costs.end(), std::int64_t{0});
  RankShare share;
  std::int64_t before = 0;
  for (const std::int64_t cost : costs) {
    const std::int64_t owner = (2 * before + cost) * size / (2 * total);
    if (owner < rank) ++share.begin;
    if (owner <= rank) ++share.end;
    before += cost;
  }
  return share;
}

RankShare share_of_rank(std::size_t count, int rank, int size) {
  return share_of_rank(std::vector<std::int64_t>(count, 1), rank, size);
}

// As a sum of whole numbers, which is exact: the first number of a response is its length with the reason of its end,
// then come its tokens with the bits of their log-probabilities.
std::vector<Generation> exchange_generations(std::vector<Generation> own, RankShare share, std::size_t count,
                                             std::int64_t max_tokens, const Ranks& ranks) {
  check_argument(own.size() == share.size(), "own", "the responses of the share", own.size());
  if (ranks.size() == 1) return own;
  const std::int64_t width = max_tokens + 1;
  const at::Tensor numbers = at::zeros({static_cast<std::int64_t>(count), width}, at::kLong);
  auto* const all = numbers.mutable_data_ptr<std::int64_t>();
  for (std::size_t i = 0; i < own.size(); ++i) {
    std::int64_t* const row = all + static_cast<std::int64_t>(share.begin + i) * width;
    const Generation& response = own[i];
    row[0] = 2 * static_cast<std::int64_t>(response.tokens.size()) + (response.finish == Finish::stop ? 1 : 0);
    for (std::size_t t = 0; t < response.tokens.size(); ++t)
      row[t + 1] = (static_cast<std::int64_t>(response.tokens[t]) << 32) |
                   static_cast<std::int64_t>(std::bit_cast<std::uint32_t>(response.logprobs[t]));
  }
  ranks.sum(numbers, "responses");
  std::vector<Generation> generations(count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::int64_t* const row = all + static_cast<std::int64_t>(i) * width;
    generations[i].finish = row[0] % 2 == 1 ? Finish::stop : Finish::length;
    for (std::int64_t t = 1; t <= row[0] / 2; ++t) {
      generations[i].tokens.push_back(static_cast<std::int32_t>(row[t] >> 32));
      generations[i].logprobs.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(row[t])));
    }
  }
  return generations;
}

}  // namespace rlhf
