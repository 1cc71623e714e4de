#pragma once

#include <cstddef>
#include <cstdint>

#include <ATen/core/Tensor.h>

namespace rlhf {

/// Moments of a weight, [n] codes and [⌈n / kMomentBlock⌉] scales (kernels/kernels.h, ByteMoments).
struct MomentCodes {
  at::Tensor exp_avg, exp_avg_sq;  ///< int8, uint8
  at::Tensor exp_avg_scale, exp_avg_sq_scale;

  /// Views of `count` elements from `begin` on, a multiple of kMomentBlock.
  MomentCodes slice(std::int64_t begin, std::int64_t count) const;
};
MomentCodes zero_moments(std::int64_t count, at::Device device);

/// The same computation as the kernel's, with LibTorch's operators: decodes moments to float32, [n], and encodes those
/// of the elements from `begin` on of a weight with the random numbers of `seed`, unless `skip`, a bool scalar on the
/// device, is true.
struct Moments {
  at::Tensor exp_avg, exp_avg_sq;
};
/// The seed of a weight's random numbers in a step; of a step count on the device without waiting for it.
std::uint32_t rounding_seed(std::int64_t step, std::size_t weight);
at::Tensor rounding_seed(const at::Tensor& step, std::size_t weight);
Moments decode_moments(const MomentCodes& codes);
void encode_moments(const Moments& moments, const at::Tensor& seed, std::int64_t begin, const at::Tensor& skip,
                    const MomentCodes& codes);

}  // namespace rlhf
