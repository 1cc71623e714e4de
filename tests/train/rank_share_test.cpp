// How a rollout is divided among ranks.
#include "train/rank_share.h"

#include <cstdint>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "support/rank_threads.h"

namespace rlhf {
namespace {

using Ends = std::vector<std::pair<std::size_t, std::size_t>>;

Ends shares_of(const std::vector<std::int64_t>& costs, int size) {
  Ends ends;
  for (int rank = 0; rank < size; ++rank) {
    const RankShare share = share_of_rank(costs, rank, size);
    ends.emplace_back(share.begin, share.end);
  }
  return ends;
}

TEST(RankShare, DividesByCost) {
  EXPECT_EQ(shares_of({1, 1, 1, 1}, 2), (Ends{{0, 2}, {2, 4}}));
  // The middles 2.5, 5.5, 6.5 and 8 of a sum of 9 lie in the first, the second, the third and the third 3.
  EXPECT_EQ(shares_of({5, 1, 1, 2}, 3), (Ends{{0, 1}, {1, 2}, {2, 4}}));
  EXPECT_EQ(shares_of({7}, 3), (Ends{{0, 0}, {0, 1}, {1, 1}}));
  EXPECT_EQ(shares_of({1, 100}, 2), (Ends{{0, 1}, {1, 2}}));
  EXPECT_EQ(shares_of({}, 2), (Ends{{0, 0}, {0, 0}}));
  EXPECT_EQ(share_of_rank(std::size_t{5}, 1, 2).size(), 3U);
}

TEST(RankShare, ResponsesOfAllRanksAreExact) {
  const std::vector<Generation> all = {{{5, 1}, {-0.1F, -0.0F}, Finish::stop},
                                       {{2147483647, 7, 8}, {-1e-38F, -3.4e38F, -0.7F}, Finish::length},
                                       {{0}, {-1.25F}, Finish::stop}};
  testing::Failures failures;
  testing::run_ranks(2, failures, [&](const Ranks& ranks) {
    const RankShare share = share_of_rank(all.size(), ranks.rank(), ranks.size());
    const auto begin = all.begin();
    const auto found = exchange_generations(
        {begin + static_cast<std::ptrdiff_t>(share.begin), begin + static_cast<std::ptrdiff_t>(share.end)}, share,
        all.size(), /*max_tokens=*/3, ranks);
    ASSERT_EQ(found.size(), all.size());
    for (std::size_t i = 0; i < all.size(); ++i) {
      EXPECT_EQ(found[i].tokens, all[i].tokens);
      EXPECT_EQ(found[i].logprobs, all[i].logprobs);
      EXPECT_EQ(found[i].finish, all[i].finish);
    }
  });
  EXPECT_TRUE(failures.lines.empty());
}

}  // namespace
}  // namespace rlhf
