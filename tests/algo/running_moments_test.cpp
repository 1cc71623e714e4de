#include "rlhf/algo/running_moments.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

namespace rlhf {
namespace {

// 2, 4, 4, 4, 5, 5, 7, 9 have the mean 5 and squares of 32 about it.
TEST(RunningMoments, AreThoseOfAllNumbersHoweverTheyAreDivided) {
  const std::vector<float> all = {2, 4, 4, 4, 5, 5, 7, 9};
  for (std::size_t first = 0; first <= all.size(); ++first) {
    RunningMoments moments;
    moments.add(std::span(all).first(first));
    moments.add(std::span(all).subspan(first));
    EXPECT_EQ(moments.count, 8);
    EXPECT_NEAR(moments.mean, 5, 1e-12);
    EXPECT_NEAR(moments.deviation(), std::sqrt(32.0 / 7), 1e-12);
  }
}

// The textbook formula E[x²] − E[x]² loses all digits here.
TEST(RunningMoments, KeepTheirDigitsFarFromZero) {
  RunningMoments moments;
  moments.add(std::vector<float>{16777213, 16777215, 16777214});
  EXPECT_NEAR(moments.deviation(), 1, 1e-12);
}

TEST(RunningMoments, CanAlwaysDivide) {
  RunningMoments moments;
  EXPECT_EQ(moments.deviation(), 1);
  moments.add(std::vector<float>{3});
  EXPECT_EQ(moments.deviation(), 1);
  moments.add(std::vector<float>{3, 3});
  EXPECT_EQ(moments.deviation(), 1);
}

}  // namespace
}  // namespace rlhf
