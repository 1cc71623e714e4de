// Advantages from the rewards of several responses to a prompt.
#include "rlhf/algo/group_advantages.h"

#include "rlhf/core/check_argument.h"

#include "algo/check_numbers.h"

namespace rlhf {
namespace {

constexpr double kSmallestDeviation = 1e-4;

/// [B] -> [B/G,G]
at::Tensor groups_of(const at::Tensor& rewards, std::int64_t group_size) {
  check_shape(rewards, "rewards", {-1});
  check_numbers(rewards, "rewards", -1, rewards.device());
  check_argument(group_size >= 2, "group_size", "at least 2", group_size);
  check_argument(rewards.size(0) % group_size == 0, "group_size",
                 "a divisor of " + std::to_string(rewards.size(0)) + ", the number of rewards", group_size);
  return rewards.detach().view({-1, group_size});
}

}  // namespace

at::Tensor group_advantages(const at::Tensor& rewards, std::int64_t group_size, AdvantageKind kind) {
  check_argument(compares_samples(kind), "kind", "rloo, grpo or dr_grpo", "another one");
  const at::Tensor groups = groups_of(rewards, group_size);
  const at::Tensor differences = groups.sub(groups.mean(1, /*keepdim=*/true));
  const auto size = static_cast<double>(group_size);
  if (kind == AdvantageKind::rloo) return differences.mul(size / (size - 1)).flatten();
  if (kind == AdvantageKind::dr_grpo) return differences.flatten();
  const at::Tensor deviations = groups.std(1, /*unbiased=*/true, /*keepdim=*/true);
  return differences.div(deviations.add(kSmallestDeviation)).flatten();
}

at::Tensor equal_groups(const at::Tensor& rewards, std::int64_t group_size) {
  const at::Tensor groups = groups_of(rewards, group_size);
  return groups.amax(1).eq(groups.amin(1));
}

}  // namespace rlhf
