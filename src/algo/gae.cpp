// Generalised advantage estimation on a time-major grid.
#include "rlhf/algo/gae.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/zeros.h>

#include "rlhf/core/check_argument.h"

#include "algo/check_numbers.h"

namespace rlhf {
namespace {

/// The index of each row in a flattened time-major [T,B] grid: t·B + b. Result [R].
at::Tensor grid_places(const Segments& segments) {
  const at::Tensor offsets = segments.cu_seqlens.to(at::kLong);
  const at::Tensor sequence = segment_repeat(at::arange(segments.count(), offsets.options()), segments);
  const at::Tensor rows = at::arange(segments.total(), offsets.options());
  return rows.sub(offsets.index_select(0, sequence)).mul(segments.count()).add(sequence);
}

}  // namespace

AdvantagesAndReturns compute_gae(const at::Tensor& rewards, const at::Tensor& values, const Segments& segments,
                                 double gamma, double gae_lambda) {
  check_segments(segments, "segments");
  check_numbers(rewards, "rewards", segments.total(), segments.cu_seqlens.device());
  check_numbers(values, "values", segments.total(), segments.cu_seqlens.device());
  check_argument(gamma >= 0 && gamma <= 1, "gamma", "a number from 0 to 1", gamma);
  check_argument(gae_lambda >= 0 && gae_lambda <= 1, "gae_lambda", "a number from 0 to 1", gae_lambda);
  if (segments.total() == 0) return {values.detach(), values.detach()};
  const at::Tensor v = values.detach();
  const at::Tensor r = rewards.detach().to(v.scalar_type());
  const std::int64_t steps = segments.max_length;
  const std::int64_t count = segments.count();
  const at::Tensor places = grid_places(segments);

  // [R] -> [T+1,B]. Beyond the end of a segment reward, value and advantage are 0, as the recursion requires; row T is
  // the time after the longest response.
  const auto to_grid = [&](const at::Tensor& rows) {
    return at::zeros({(steps + 1) * count}, v.options()).index_copy_(0, places, rows).view({steps + 1, count});
  };
  const at::Tensor value_grid = to_grid(v);
  at::Tensor advantages = to_grid(r.sub(v));  // r_t − V_t; the next line adds γ·V_{t+1}
  advantages.slice(0, 0, steps).add_(value_grid.slice(0, 1), gamma);
  for (std::int64_t t = steps - 2; t >= 0; --t) advantages[t].add_(advantages[t + 1], gamma * gae_lambda);

  const at::Tensor result = advantages.view({-1}).index_select(0, places);  // [T+1,B] -> [R]
  return {result, result.add(v)};
}

}  // namespace rlhf
