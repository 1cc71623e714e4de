#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include <ATen/core/Tensor.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

/// Compares the gradients that autograd finds with central differences, in float64.
namespace rlhf::testing {

using Tensors = std::vector<at::Tensor>;

struct GradcheckOptions {
  double step = 1e-5;
  double tolerance = 1e-6;  ///< on |found − difference| / max(1, |difference|)
};

/// d f / d input[i] by (f(x+s) − f(x−s)) / 2s. `input` is changed and put back.
inline double central_difference(const std::function<at::Tensor()>& f, const at::Tensor& input, std::int64_t i,
                                 double step) {
  const c10::NoGradGuard no_grad;
  const at::Tensor flat = input.detach().view({-1});
  const double x = flat[i].item<double>();
  const auto at_x = [&](double moved) {
    flat[i].fill_(moved);
    return f().item<double>();
  };
  const double above = at_x(x + step);
  const double below = at_x(x - step);
  flat[i].fill_(x);
  return (above - below) / (2 * step);
}

/// `f` maps the inputs (contiguous float64 leaves that require grad) to a scalar.
inline ::testing::AssertionResult gradcheck(const std::function<at::Tensor(const Tensors&)>& f, const Tensors& inputs,
                                            GradcheckOptions options = {}) {
  const Tensors grads = torch::autograd::grad({f(inputs)}, inputs);
  for (std::size_t n = 0; n < inputs.size(); ++n) {
    const at::Tensor found = grads[n].contiguous().view({-1});
    for (std::int64_t i = 0; i < found.numel(); ++i) {
      const double difference = central_difference([&] { return f(inputs); }, inputs[n], i, options.step);
      const double analytic = found[i].item<double>();
      // Negated, so that a NaN fails.
      if (!(std::abs(analytic - difference) <= options.tolerance * std::max(1.0, std::abs(difference)))) {
        return ::testing::AssertionFailure() << "input " << n << ", element " << i << ": autograd says " << analytic
                                             << ", central differences say " << difference;
      }
    }
  }
  return ::testing::AssertionSuccess();
}

}  // namespace rlhf::testing
