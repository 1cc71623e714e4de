#include "rlhf/nn/optimizer.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/_foreach_copy.h>
#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/_foreach_zero.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/full.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include "rlhf/core/check.h"
#include "rlhf/tensor/cpu_kernels.h"

namespace rlhf {

AdamW::AdamW(const Parameters& parameters, const OptimizerOptions& options)
    : parameters_(parameters), options_(options) {
  RLHF_CHECK(!parameters_.empty());
  for (const Parameter& parameter : parameters_) {
    const at::Tensor weight = parameter.value.detach();
    // The same tensor where it is float32 already; a master of its own where the file knew more than the compute dtype.
    masters_.push_back(parameter.master.defined() ? parameter.master : weight.to(at::kFloat));
    gradients_.push_back(at::zeros_like(masters_.back()));
    exp_avgs_.push_back(at::zeros_like(masters_.back()));
    exp_avg_sqs_.push_back(at::zeros_like(masters_.back()));
  }
  step_count_ = at::zeros({}, masters_[0].options());
  zero_grad();
}

void AdamW::zero_grad() {
  const at::NoGradGuard no_grad;
  at::_foreach_zero_(gradients_);
  // A bfloat16 leaf with a float32 gradient: set behind the dtype check of grad(), so that backward adds in float32.
  for (std::size_t i = 0; i < parameters_.size(); ++i) parameters_[i].value.mutable_grad() = gradients_[i];
}

at::Tensor AdamW::step(double lr) {
  const at::NoGradGuard no_grad;
  const bool by_kernel = std::ranges::all_of(parameters_, [](const Parameter& p) { return has_kernels(p.value); });
  return by_kernel ? step_by_kernel(lr) : step_by_operator(lr);
}

/// One pass over weights, moments and gradients, which also clips and rounds.
at::Tensor AdamW::step_by_kernel(double lr) {
  double squares = 0;
  for (const at::Tensor& gradient : gradients_) {
    squares += kernels().sum_of_squares(elements<float>(gradient), gradient.numel());
  }
  const double norm = std::sqrt(squares);
  const at::Tensor result = at::full({}, norm, masters_[0].options());
  if (!std::isfinite(norm)) return result;
  step_count_.add_(1);
  const double steps = step_count_.item<double>(), clip = options_.max_grad_norm;
  AdamWStep step{.lr = static_cast<float>(lr),
                 .beta1 = static_cast<float>(options_.betas[0]),
                 .beta2 = static_cast<float>(options_.betas[1]),
                 .eps = static_cast<float>(options_.eps),
                 .weight_decay = 0,
                 .correction1 = static_cast<float>(1 - std::pow(options_.betas[0], steps)),
                 .correction2 = static_cast<float>(1 - std::pow(options_.betas[1], steps)),
                 .scale = clip > 0 ? static_cast<float>(std::min(1.0, clip / (norm + 1e-6))) : 1.0F};
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const at::Tensor& leaf = parameters_[i].value;
    step.weight_decay = parameters_[i].decay ? static_cast<float>(options_.weight_decay) : 0.0F;
    kernels().adamw(mutable_elements<float>(masters_[i]), elements<float>(gradients_[i]),
                    mutable_elements<float>(exp_avgs_[i]), mutable_elements<float>(exp_avg_sqs_[i]),
                    leaf.scalar_type() == at::kBFloat16 ? mutable_elements<BFloat16>(leaf) : nullptr,
                    masters_[i].numel(), step);
  }
  return result;
}

/// LibTorch's fused operator, which takes one dtype only: the clipping before it and the rounding after it.
at::Tensor AdamW::step_by_operator(double lr) {
  const at::Tensor norm = at::linalg_vector_norm(at::stack(at::_foreach_norm(gradients_, 2, at::kFloat)));
  const at::Tensor found_inf = at::isfinite(norm).logical_not().to(at::kFloat);
  if (options_.max_grad_norm > 0) {
    at::_foreach_mul_(gradients_, norm.add(1e-6).reciprocal().mul(options_.max_grad_norm).clamp_max(1.0));
  }
  step_count_.add_(1);
  update(/*decay=*/true, lr, found_inf);
  update(/*decay=*/false, lr, found_inf);
  step_count_.sub_(found_inf);  // a skipped update is no step
  reload();
  return norm;
}

void AdamW::update(bool decay, double lr, const at::Tensor& found_inf) {
  std::vector<at::Tensor> masters, gradients, exp_avgs, exp_avg_sqs;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    if (parameters_[i].decay != decay) continue;
    masters.push_back(masters_[i]);
    gradients.push_back(gradients_[i]);
    exp_avgs.push_back(exp_avgs_[i]);
    exp_avg_sqs.push_back(exp_avg_sqs_[i]);
  }
  if (masters.empty()) return;
  const std::vector<at::Tensor> steps(masters.size(), step_count_);
  at::_fused_adamw_(masters, gradients, exp_avgs, exp_avg_sqs, /*max_exp_avg_sqs=*/{}, steps, lr, options_.betas[0],
                    options_.betas[1], decay ? options_.weight_decay : 0.0, options_.eps, /*amsgrad=*/false,
                    /*maximize=*/false, /*grad_scale=*/std::nullopt, found_inf);
}

NamedTensors AdamW::weights() const {
  NamedTensors result;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    for (auto& part : split_parts(parameters_[i], masters_[i])) result.push_back(std::move(part));
  }
  return result;
}

NamedTensors AdamW::state() const {
  NamedTensors result;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const std::string& name = parameters_[i].name;
    result.emplace_back(name, masters_[i]);
    result.emplace_back(name + ".exp_avg", exp_avgs_[i]);
    result.emplace_back(name + ".exp_avg_sq", exp_avg_sqs_[i]);
  }
  result.emplace_back("step_count", step_count_);
  return result;
}

void AdamW::reload() {
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> leaves, masters;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    if (parameters_[i].value.scalar_type() == at::kFloat) continue;
    leaves.push_back(parameters_[i].value);
    masters.push_back(masters_[i]);
  }
  if (!leaves.empty()) at::_foreach_copy_(leaves, masters);
}

std::int64_t AdamW::bytes() const {
  std::int64_t total = 0;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const bool own_master = parameters_[i].value.scalar_type() != at::kFloat;
    total += (own_master ? 4 : 3) * static_cast<std::int64_t>(masters_[i].nbytes());
  }
  return total;
}

}  // namespace rlhf
