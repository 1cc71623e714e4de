#include "rlhf/core/parallel.h"

#include <atomic>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace rlhf {
namespace {

TEST(ForEachIndex, VisitsEveryIndexOnce) {
  for (const std::size_t count : {0, 1, 2, 1000}) {
    std::vector<std::atomic<int>> visits(count);
    for_each_index(count, [&](std::size_t i) { ++visits[i]; });
    for (const auto& visit : visits) EXPECT_EQ(visit, 1);
  }
}

TEST(ForEachIndex, PassesTheFirstErrorOn) {
  const auto fail_from = [](std::size_t first) {
    for_each_index(1000, [&](std::size_t i) {
      if (i >= first) throw std::runtime_error("index " + std::to_string(i));
    });
  };
  try {
    fail_from(7);
    FAIL() << "expected an error";
  } catch (const std::runtime_error& error) {
    EXPECT_EQ(std::string(error.what()), "index 7");
  }
}

}  // namespace
}  // namespace rlhf
