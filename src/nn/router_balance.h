#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>

namespace rlhf {

/// The load-balancing loss of all routers of one forward pass:
///   E · Σ_e f_e · P_e with f_e = (choices of expert e) / T and P_e = (Σ probabilities of expert e) / T,
/// both summed over the tokens of all layers with experts; T is the number of these tokens. If all experts are chosen
/// equally often, it is the number of experts per token. Source: arXiv:2101.03961, eq. 4 to 6; for several experts per
/// token as transformers does it.
///
/// The loss does not become part of the result: its gradient, weight · E·f_e/T for each probability, is added where the
/// backward pass goes through the probabilities.
class RouterBalance : public torch::CustomClassHolder {
 public:
  explicit RouterBalance(double weight) : weight_(weight) {}

  /// Counts a layer: probabilities [N,E] fp32, experts [N,k] int64. Returns the probabilities, for use in place of the
  /// argument. After finish(), layers that run again are not counted.
  at::Tensor add(const at::Tensor& probabilities, const at::Tensor& experts);
  /// Ends the forward pass and returns the loss, a scalar without a gradient.
  at::Tensor finish();

  /// What is added to the gradient of the probabilities of a token, [E].
  const at::Tensor& gradient() const { return gradient_; }

 private:
  double weight_;
  std::int64_t tokens_ = 0;
  at::Tensor choices_, sums_, gradient_;  ///< [E] fp32; the first two are undefined before the first layer
};

}  // namespace rlhf
