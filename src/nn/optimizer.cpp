// AdamW, by the kernel of room `kernels` if there is one, otherwise by LibTorch's fused operator.
#include "rlhf/nn/optimizer.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/full.h>
#include <ATen/ops/hypot.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include "rlhf/core/check_argument.h"
#include "rlhf/tensor/fused.h"

#include "nn/byte_moments.h"

namespace rlhf {
namespace {

constexpr double kClipEpsilon = 1e-6;  // the value of torch.nn.utils.clip_grad_norm_

/// eps as it is added after the correction of the bias: eps added before it has the same effect as eps / √c₂ after it.
double corrected_eps(const OptimizerOptions& options, double steps) {
  if (options.eps_style == AdamEpsStyle::pytorch) return options.eps;
  return options.eps / std::sqrt(1 - std::pow(options.betas[1], steps));
}

AdamWStep make_step(const OptimizerOptions& options, double lr, double steps, double norm) {
  const double clip = options.max_grad_norm;
  return {.lr = static_cast<float>(lr),
          .beta1 = static_cast<float>(options.betas[0]),
          .beta2 = static_cast<float>(options.betas[1]),
          .eps = static_cast<float>(corrected_eps(options, steps)),
          .weight_decay = 0,
          .correction1 = static_cast<float>(1 - std::pow(options.betas[0], steps)),
          .correction2 = static_cast<float>(1 - std::pow(options.betas[1], steps)),
          .scale = clip > 0 ? static_cast<float>(std::min(1.0, clip / (norm + kClipEpsilon))) : 1.0F};
}

/// What the gradients are multiplied by.
at::Tensor clip_factor(const at::Tensor& norm, double max_norm) {
  return norm.add(kClipEpsilon).reciprocal().mul(max_norm).clamp_max(1.0);
}

}  // namespace

AdamW::AdamW(TrainedWeights& weights, const OptimizerOptions& options) : weights_(weights), options_(options) {
  for (const double beta : options_.betas)
    check_argument(beta >= 0 && beta < 1, "betas", "numbers from 0 to below 1", beta);
  check_argument(options_.eps > 0, "eps", "above 0", options_.eps);
  check_argument(options_.weight_decay >= 0, "weight_decay", "at least 0", options_.weight_decay);
  check_argument(options_.max_grad_norm >= 0, "max_grad_norm", "at least 0", options_.max_grad_norm);
  for (const auto& weight : weights_.weights()) {
    if (options_.moments == MomentDtype::int8) {
      codes_.push_back(zero_moments(weight.master.numel(), weight.master.device()));
    } else {
      exp_avgs_.push_back(at::zeros_like(weight.master));
      exp_avg_sqs_.push_back(at::zeros_like(weight.master));
    }
  }
  step_count_ = at::zeros({}, weights_.gradients().options());
}

AdamW::~AdamW() = default;

at::Tensor AdamW::step(double lr) {
  check_argument(weights_.shard().size == 1, "step(lr)", "step(lr, squares) in a shard", "another call");
  return step(lr, sum_of_squares());
}

at::Tensor AdamW::step(double lr, const at::Tensor& squares) {
  check_argument(std::isfinite(lr) && lr >= 0, "lr", "a finite number of at least 0", lr);
  const at::NoGradGuard no_grad;
  return has_kernel() ? step_by_kernel(lr, std::sqrt(squares.item<double>()))
                      : step_by_operator(lr, squares.sqrt().to(at::kFloat));
}

bool AdamW::has_kernel() const {
  return std::ranges::all_of(weights_.weights(),
                             [](const auto& weight) { return has_fused(Fused::adamw, weight.leaf); });
}

at::Tensor AdamW::sum_of_squares() const {
  const at::NoGradGuard no_grad;
  at::Tensor sum = at::zeros({}, weights_.gradients().options().dtype(at::kDouble));
  for (const at::Tensor& part : weights_.own_gradients()) {
    if (has_kernel())
      sum.add_(kernels().sum_of_squares(elements<float>(part), part.numel()));
    else
      sum.add_(at::linalg_vector_norm(part).to(at::kDouble).square());
  }
  return sum;
}

/// One pass over weights, moments and gradients, which also clips and rounds.
at::Tensor AdamW::step_by_kernel(double lr, double norm) {
  const at::Tensor result = at::full({}, norm, weights_.gradients().options());
  if (!std::isfinite(norm)) return result;
  step_count_.add_(1);
  AdamWStep step = make_step(options_, lr, step_count_.item<double>(), norm);
  for (std::size_t i = 0; i < weights_.weights().size(); ++i) {
    const auto& weight = weights_.weights()[i];
    const at::Tensor &master = weight.master, gradient = weight.own(weight.gradient), leaf = weight.part;
    step.weight_decay = weight.parameter.decay ? static_cast<float>(options_.weight_decay) : 0.0F;
    float* const values = mutable_elements<float>(master);
    auto* const rounded = leaf.scalar_type() == at::kBFloat16 ? mutable_elements<BFloat16>(leaf) : nullptr;
    if (codes_.empty()) {
      kernels().adamw(values, elements<float>(gradient), mutable_elements<float>(exp_avgs_[i]),
                      mutable_elements<float>(exp_avg_sqs_[i]), rounded, master.numel(), step);
    } else {
      const MomentCodes& codes = codes_[i];
      kernels().byte_adamw(
          values, elements<float>(gradient),
          {mutable_elements<std::int8_t>(codes.exp_avg), mutable_elements<std::uint8_t>(codes.exp_avg_sq),
           mutable_elements<float>(codes.exp_avg_scale), mutable_elements<float>(codes.exp_avg_sq_scale)},
          rounded, master.numel(), step, rounding_seed(step_count_.item<std::int64_t>(), i));
    }
  }
  return result;
}

/// LibTorch's fused operator supports only one dtype, so clipping comes before it and rounding after it.
at::Tensor AdamW::step_by_operator(double lr, const at::Tensor& norm) {
  const at::Tensor found_inf = at::isfinite(norm).logical_not().to(at::kFloat);
  if (options_.max_grad_norm > 0) weights_.gradients().mul_(clip_factor(norm, options_.max_grad_norm));
  step_count_.add_(1);
  const bool waits = options_.eps_style != AdamEpsStyle::pytorch;  // for the device
  const double eps = waits ? corrected_eps(options_, step_count_.item<double>()) : options_.eps;
  for (std::size_t i = 0; i < codes_.size(); ++i) update_bytes(i, lr, eps, found_inf);
  if (codes_.empty()) {
    update(/*decay=*/true, lr, eps, found_inf);
    update(/*decay=*/false, lr, eps, found_inf);
  }
  step_count_.sub_(found_inf);  // a skipped update does not count as a step
  weights_.write_leaves();
  return norm;
}

void AdamW::update(bool decay, double lr, double eps, const at::Tensor& found_inf) {
  std::vector<at::Tensor> masters, gradients, exp_avgs, exp_avg_sqs;
  for (std::size_t i = 0; i < exp_avgs_.size(); ++i) {
    const auto& weight = weights_.weights()[i];
    if (weight.parameter.decay != decay) continue;
    masters.push_back(weight.master);
    gradients.push_back(weight.own(weight.gradient));
    exp_avgs.push_back(exp_avgs_[i]);
    exp_avg_sqs.push_back(exp_avg_sqs_[i]);
  }
  if (masters.empty()) return;
  const std::vector<at::Tensor> steps(masters.size(), step_count_);
  at::_fused_adamw_(masters, gradients, exp_avgs, exp_avg_sqs, /*max_exp_avg_sqs=*/{}, steps, lr, options_.betas[0],
                    options_.betas[1], decay ? options_.weight_decay : 0.0, eps, /*amsgrad=*/false,
                    /*maximize=*/false, /*grad_scale=*/std::nullopt, found_inf);
}

void AdamW::update_bytes(std::size_t index, double lr, double eps, const at::Tensor& found_inf) {
  constexpr std::int64_t kSlice = 1 << 22;  // elements: the moments of a slice are float32 meanwhile
  static_assert(kSlice % kMomentBlock == 0);
  const auto& weight = weights_.weights()[index];
  const at::Tensor seed = rounding_seed(step_count_.to(at::kLong), index), skip = found_inf.to(at::kBool);
  for (std::int64_t begin = 0; begin < weight.master.numel(); begin += kSlice) {
    const std::int64_t size = std::min(kSlice, weight.master.numel() - begin);
    const auto slice = [&](const at::Tensor& whole) { return whole.view({-1}).narrow(0, begin, size); };
    const MomentCodes codes = codes_[index].slice(begin, size);
    const Moments moments = decode_moments(codes);
    at::_fused_adamw_(slice(weight.master), slice(weight.own(weight.gradient)), moments.exp_avg, moments.exp_avg_sq,
                      /*max_exp_avg_sqs=*/{}, step_count_, lr, options_.betas[0], options_.betas[1],
                      weight.parameter.decay ? options_.weight_decay : 0.0, eps, /*amsgrad=*/false,
                      /*maximize=*/false, /*grad_scale=*/std::nullopt, found_inf);
    encode_moments(moments, seed, begin, skip, codes);
  }
}

NamedTensors AdamW::state() const {
  NamedTensors result;
  for (std::size_t i = 0; i < weights_.weights().size(); ++i) {
    const auto& weight = weights_.weights()[i];
    const auto add = [&](const char* suffix, const at::Tensor& values, std::int64_t block = 1) {
      result.emplace_back(weight.name_of_own(weight.parameter.name + suffix, block), values);
    };
    add("", weight.master);
    add(".exp_avg", codes_.empty() ? exp_avgs_[i] : codes_[i].exp_avg);
    add(".exp_avg_sq", codes_.empty() ? exp_avg_sqs_[i] : codes_[i].exp_avg_sq);
    if (codes_.empty()) continue;
    add(".exp_avg.scale", codes_[i].exp_avg_scale, kMomentBlock);
    add(".exp_avg_sq.scale", codes_[i].exp_avg_sq_scale, kMomentBlock);
  }
  result.emplace_back("step_count", step_count_);
  return result;
}

std::int64_t AdamW::bytes() const {
  std::int64_t total = 0;
  for (const at::Tensor& moment : exp_avgs_) total += 2 * static_cast<std::int64_t>(moment.nbytes());
  for (const MomentCodes& codes : codes_)
    for (const at::Tensor& part : {codes.exp_avg, codes.exp_avg_sq, codes.exp_avg_scale, codes.exp_avg_sq_scale})
      total += static_cast<std::int64_t>(part.nbytes());
  return total;
}

std::array<at::Tensor, 2> clip_together(TrainedWeights& first, TrainedWeights& second,
                                        const std::array<at::Tensor, 2>& squares, double max_norm) {
  check_argument(max_norm >= 0, "max_norm", "at least 0", max_norm);
  const at::NoGradGuard no_grad;
  const std::array norms{squares[0].sqrt().to(at::kFloat), squares[1].sqrt().to(at::kFloat)};
  const at::Tensor norm = at::hypot(norms[0], norms[1]);
  at::Tensor factor = norm.sub(norm);  // 0, or NaN if the norm is not finite
  factor.add_(max_norm > 0 ? clip_factor(norm, max_norm) : at::ones_like(norm));
  for (TrainedWeights* weights : {&first, &second}) weights->gradients().mul_(factor);
  return norms;
}

}  // namespace rlhf
