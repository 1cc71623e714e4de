// KL estimate, KL controller and the rewards that contain the KL penalty.
#include "rlhf/algo/kl.h"

#include <algorithm>
#include <cmath>
#include <string>

#include <ATen/core/Tensor.h>

#include "rlhf/core/check_argument.h"
#include "rlhf/core/error.h"

#include "algo/check_numbers.h"

namespace rlhf {

at::Tensor kl_k1(const at::Tensor& logprobs, const at::Tensor& ref_logprobs) {
  check_shape(logprobs, "logprobs", {-1});
  check_numbers(logprobs, "logprobs", -1, logprobs.device());
  check_numbers(ref_logprobs, "ref_logprobs", logprobs.size(0), logprobs.device());
  return logprobs.sub(ref_logprobs);
}

at::Tensor kl_estimate(const at::Tensor& logprobs, const at::Tensor& ref_logprobs, KlEstimator estimator) {
  check_shape(logprobs, "logprobs", {-1});
  check_vector(logprobs, "logprobs", -1, logprobs.device());
  check_vector(ref_logprobs, "ref_logprobs", logprobs.size(0), logprobs.device());
  const at::Tensor difference = logprobs.sub(ref_logprobs);
  switch (estimator) {
    case KlEstimator::k1:
      return difference;
    case KlEstimator::k2:
      return difference.square().mul(0.5);
    case KlEstimator::k3:
      break;
  }
  return difference.neg().expm1().add(difference);
}

double adapt_kl_coef(double kl_coef, double kl_nats_per_sequence, double target_nats, std::int64_t sequences,
                     double horizon) {
  check_argument(kl_coef >= 0, "kl_coef", "at least 0", kl_coef);
  check_argument(std::isfinite(kl_nats_per_sequence), "kl", "a finite number", kl_nats_per_sequence);
  check_argument(target_nats > 0, "target", "above 0", target_nats);
  check_argument(sequences >= 0, "sequences", "at least 0", sequences);
  check_argument(horizon > 0, "horizon", "above 0", horizon);
  const double error = std::clamp(kl_nats_per_sequence / target_nats - 1.0, -0.2, 0.2);
  return kl_coef * (1.0 + error * static_cast<double>(sequences) / horizon);
}

at::Tensor token_rewards(const at::Tensor& kl, const at::Tensor& scores, const Segments& segments, double kl_coef) {
  check_segments(segments, "segments");
  check_numbers(kl, "kl", segments.total(), segments.cu_seqlens.device());
  check_numbers(scores, "scores", segments.count(), segments.cu_seqlens.device());
  check_argument(kl_coef >= 0, "kl_coef", "at least 0", kl_coef);
  for (std::int64_t i = 0; i < segments.count(); ++i) {
    if (segments.length(i) == 0) {
      throw ShapeError("segments: expected at least one token in sequence " + std::to_string(i) + ", found none");
    }
  }
  return kl.to(at::kFloat).mul(-kl_coef).index_add_(0, last_rows(segments), scores.to(at::kFloat));
}

}  // namespace rlhf
