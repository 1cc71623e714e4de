#pragma once

#include <algorithm>
#include <initializer_list>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

namespace rlhf::testing {

inline at::Tensor f32(std::initializer_list<double> values) {
  return at::tensor(at::ArrayRef<double>(values), at::TensorOptions().dtype(at::kFloat));
}

inline at::Tensor f64(std::initializer_list<double> values) {
  return at::tensor(at::ArrayRef<double>(values), at::TensorOptions().dtype(at::kDouble));
}

inline at::Tensor i64(std::initializer_list<std::int64_t> values) {
  return at::tensor(at::ArrayRef<std::int64_t>(values), at::TensorOptions().dtype(at::kLong));
}

/// Normal numbers that depend on the seed alone.
inline at::Tensor normal(at::IntArrayRef sizes, std::uint64_t seed, at::ScalarType dtype = at::kDouble) {
  const at::Generator generator = at::make_generator<at::CPUGeneratorImpl>(seed);
  return at::randn(sizes, generator, at::TensorOptions().dtype(at::kDouble)).to(dtype);
}

/// A leaf that requires grad, with the same numbers.
inline at::Tensor leaf(const at::Tensor& values) { return values.detach().clone().requires_grad_(true); }

/// Same sizes, and |a − b| <= absolute + relative·|b| everywhere; a NaN fails.
inline ::testing::AssertionResult close(const at::Tensor& a, const at::Tensor& b, double absolute,
                                        double relative = 0) {
  if (!a.defined() || !b.defined()) return ::testing::AssertionFailure() << "a tensor is missing";
  if (a.sizes() != b.sizes()) return ::testing::AssertionFailure() << "sizes " << a.sizes() << " and " << b.sizes();
  const at::Tensor x = a.detach().to(at::kCPU, at::kDouble);
  const at::Tensor y = b.detach().to(at::kCPU, at::kDouble);
  const at::Tensor excess = x.sub(y).abs().sub(y.abs().mul(relative));
  const at::Tensor bad = excess.le(absolute).logical_not().view({-1});
  if (!bad.any().item<bool>()) return ::testing::AssertionSuccess();
  const std::int64_t first = bad.to(at::kByte).argmax().item<std::int64_t>();
  return ::testing::AssertionFailure() << bad.sum().item<std::int64_t>() << " of " << bad.numel()
                                       << " elements differ, the first at " << first << ": "
                                       << x.contiguous().view({-1})[first].item<double>() << " and "
                                       << y.contiguous().view({-1})[first].item<double>();
}

}  // namespace rlhf::testing
