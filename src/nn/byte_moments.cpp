// Moments in bytes by LibTorch's operators.
#include "nn/byte_moments.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/floor.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>

#include "rlhf/kernels/kernels.h"

namespace rlhf {
namespace {

constexpr double kSigned = 127, kUnsigned = 255;
constexpr std::int64_t kMask = 0xffffffff;  // 32 bits
constexpr std::int64_t kPerStep = 0x9e3779b1, kPerWeight = 0x85ebca77;

std::int64_t blocks_of(std::int64_t count) { return (count + kMomentBlock - 1) / kMomentBlock; }

/// [n] -> [blocks, kMomentBlock], with zeros at the end.
at::Tensor as_blocks(const at::Tensor& x) {
  const at::Tensor flat = x.flatten();
  const std::int64_t blocks = blocks_of(flat.numel());
  return at::constant_pad_nd(flat, {0, blocks * kMomentBlock - flat.numel()}).view({blocks, kMomentBlock});
}

/// The 32-bit hash of the kernel for the elements from `begin` on, in int64 numbers: [blocks, kMomentBlock].
at::Tensor hash(const at::Tensor& seed, std::int64_t begin, const at::Tensor& like) {
  const auto cut = [](const at::Tensor& x) { return x.bitwise_and(kMask); };
  const auto mixed = [&](const at::Tensor& h, int shift) { return h.bitwise_xor(h.bitwise_right_shift(shift)); };
  // A product of two 32-bit numbers wraps around in 64 bits, which keeps its low 32.
  at::Tensor h = at::arange(begin, begin + like.numel(), like.options().dtype(at::kLong)).view(like.sizes());
  h = cut(h.mul(std::int64_t{0x9e3779b9}).add(seed));
  h = cut(mixed(h, 16).mul(std::int64_t{0x85ebca6b}));
  h = cut(mixed(h, 13).mul(std::int64_t{0xc2b2ae35}));
  return mixed(h, 16);
}

/// levels · √(x / scale) + dither, rounded down: the codes of magnitudes in blocks.
at::Tensor codes_of(const at::Tensor& magnitudes, const at::Tensor& scale, const at::Tensor& dither, double levels) {
  const at::Tensor per = at::where(scale.gt(0), scale.reciprocal(), 0).unsqueeze(1);
  return at::floor(magnitudes.mul(per).sqrt().mul(levels).add(dither)).clamp_max(levels);
}

void store(const at::Tensor& target, const at::Tensor& blocks, const at::Tensor& skip) {
  const at::Tensor values = blocks.flatten().narrow(0, 0, target.numel()).to(target.scalar_type());
  target.copy_(at::where(skip, target, values));
}

}  // namespace

std::uint32_t rounding_seed(std::int64_t step, std::size_t weight) {
  return static_cast<std::uint32_t>(static_cast<std::uint64_t>(step) * kPerStep + weight * kPerWeight);
}
at::Tensor rounding_seed(const at::Tensor& step, std::size_t weight) {
  return step.mul(kPerStep).add(static_cast<std::int64_t>(weight) * kPerWeight).bitwise_and(kMask);
}

MomentCodes zero_moments(std::int64_t count, at::Device device) {
  const auto zeros = [device](std::int64_t size, at::ScalarType dtype) {
    return at::zeros({size}, at::TensorOptions(device).dtype(dtype));
  };
  return {zeros(count, at::kChar), zeros(count, at::kByte), zeros(blocks_of(count), at::kFloat),
          zeros(blocks_of(count), at::kFloat)};
}

MomentCodes MomentCodes::slice(std::int64_t begin, std::int64_t count) const {
  const std::int64_t block = begin / kMomentBlock, blocks = blocks_of(count);
  return {exp_avg.narrow(0, begin, count), exp_avg_sq.narrow(0, begin, count), exp_avg_scale.narrow(0, block, blocks),
          exp_avg_sq_scale.narrow(0, block, blocks)};
}

Moments decode_moments(const MomentCodes& codes) {
  const auto shaped = [&](const at::Tensor& blocks) { return blocks.flatten().narrow(0, 0, codes.exp_avg.numel()); };
  const at::Tensor c = as_blocks(codes.exp_avg.to(at::kFloat)), r = as_blocks(codes.exp_avg_sq.to(at::kFloat));
  const at::Tensor m = c.mul(c.abs()).mul(codes.exp_avg_scale.div(kSigned * kSigned).unsqueeze(1));
  const at::Tensor root = r.mul(r).mul(codes.exp_avg_sq_scale.div(kUnsigned * kUnsigned).unsqueeze(1));
  return {shaped(m), shaped(root.mul(root))};
}

void encode_moments(const Moments& moments, const at::Tensor& seed, std::int64_t begin, const at::Tensor& skip,
                    const MomentCodes& codes) {
  const at::Tensor m = as_blocks(moments.exp_avg), root = as_blocks(moments.exp_avg_sq.sqrt());
  const at::Tensor h = hash(seed, begin, m), m_scale = m.abs().amax(1), root_scale = root.amax(1);
  const at::Tensor first = h.bitwise_and(0xffff).to(at::kFloat).div(65536);
  const at::Tensor second = h.bitwise_right_shift(16).to(at::kFloat).div(65536);
  store(codes.exp_avg, codes_of(m.abs(), m_scale, first, kSigned).mul(m.sign()), skip);
  const at::Tensor root_codes = codes_of(root, root_scale, second, kUnsigned);
  store(codes.exp_avg_sq, at::where(root.gt(0), root_codes.clamp_min(1), root_codes), skip);
  store(codes.exp_avg_scale, m_scale, skip);
  store(codes.exp_avg_sq_scale, root_scale, skip);
}

}  // namespace rlhf
