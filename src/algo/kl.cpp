// KL estimate, KL controller and the rewards that contain the KL penalty.
#include "rlhf/algo/kl.h"

#include <algorithm>
#include <string>

#include <ATen/core/Tensor.h>

#include "rlhf/core/error.h"
#include "rlhf/tensor/check_shape.h"

namespace rlhf {

at::Tensor kl_k1(const at::Tensor& logprobs, const at::Tensor& ref_logprobs) {
  check_shape(logprobs, "logprobs", {-1});
  check_shape(ref_logprobs, "ref_logprobs", {logprobs.size(0)});
  return logprobs.sub(ref_logprobs);
}

double adapt_kl_coef(double kl_coef, double kl_nats_per_sequence, double target_nats, std::int64_t sequences,
                     double horizon) {
  const double error = std::clamp(kl_nats_per_sequence / target_nats - 1.0, -0.2, 0.2);
  return kl_coef * (1.0 + error * static_cast<double>(sequences) / horizon);
}

at::Tensor token_rewards(const at::Tensor& kl, const at::Tensor& scores, const Segments& segments, double kl_coef) {
  check_shape(kl, "kl", {segments.total()});
  check_shape(scores, "scores", {segments.count()});
  for (std::int64_t i = 0; i < segments.count(); ++i) {
    if (segments.length(i) == 0) {
      throw ShapeError("segments: expected at least one token in sequence " + std::to_string(i) + ", found none");
    }
  }
  return kl.to(at::kFloat).mul(-kl_coef).index_add_(0, last_rows(segments), scores.to(at::kFloat));
}

}  // namespace rlhf
