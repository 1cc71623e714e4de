// Log-probabilities and entropy of logits, and their gradient.
#include <limits>

#include "kernels/isa_kernels.h"
#include "kernels/simd.h"

namespace rlhf::RLHF_ISA {
namespace {

/// Like for_vectors, but lanes past the end are `fill`.
template <typename T, typename Body>
void for_logits(const T* z, std::int64_t vocab, float fill, const Body& body) {
  std::int64_t i = 0;
  for (; i + kLanes <= vocab; i += kLanes) body(load(z + i));
  if (i < vocab) body(load_some(z + i, vocab - i, fill));
}

template <typename T>
float largest_logit(const T* z, std::int64_t vocab) {
  constexpr float kLowest = -std::numeric_limits<float>::infinity();
  Floats top = splat(kLowest);
  for_logits(z, vocab, kLowest, [&](Floats x) { top = max(top, x); });
  return largest(top);
}

struct RowSums {
  float exponentials;  ///< Σ exp(z/τ − top/τ)
  float weighted;      ///< Σ exp(…)·(z/τ − top/τ)
};

template <bool kWithEntropy, typename T>
RowSums sums_of_row(const T* z, std::int64_t vocab, float top, float inverse_temperature) {
  Floats exponentials{}, weighted{};
  // Far below every logit that matters, but finite: 0 · infinity in the entropy would be NaN.
  const float fill = top - 200.0F / inverse_temperature;
  for_logits(z, vocab, fill, [&](Floats x) {
    const Floats shifted = max(splat(-200.0F), (x - top) * inverse_temperature);
    const Floats e = exp(shifted);
    exponentials += e;
    if constexpr (kWithEntropy) weighted += e * shifted;
  });
  return {sum(exponentials), kWithEntropy ? sum(weighted) : 0.0F};
}

/// Whether `target` is the first token with the largest logit `top`.
template <typename T>
bool is_first_largest(const T* z, std::int64_t target, float top) {
  if (widen(z[target]) != top) return false;
  for (std::int64_t i = 0; i < target; ++i) {
    if (widen(z[i]) == top) return false;
  }
  return true;
}

}  // namespace

template <typename T>
void logprobs(const T* z, float inverse_temperature, const std::int64_t* targets, float* logprob, float* lse,
              float* entropy, bool* correct, std::int64_t rows, std::int64_t vocab) {
#pragma omp parallel for schedule(static) if (rows * vocab > kSerial)
  for (std::int64_t row = 0; row < rows; ++row) {
    const T* const logits = z + row * vocab;
    const float top = largest_logit(logits, vocab);
    const RowSums sums = entropy ? sums_of_row<true>(logits, vocab, top, inverse_temperature)
                                 : sums_of_row<false>(logits, vocab, top, inverse_temperature);
    const float log_sum = std::log(sums.exponentials);
    lse[row] = top * inverse_temperature + log_sum;
    logprob[row] = (widen(logits[targets[row]]) - top) * inverse_temperature - log_sum;
    if (entropy) entropy[row] = log_sum - sums.weighted / sums.exponentials;
    if (correct) correct[row] = is_first_largest(logits, targets[row], top);
  }
}

template <typename T>
void logprobs_backward(T* z, float inverse_temperature, const std::int64_t* targets, const float* lse,
                       const float* entropy, const float* grad_logprob, const float* grad_entropy, std::int64_t rows,
                       std::int64_t vocab) {
#pragma omp parallel for schedule(static) if (rows * vocab > kSerial)
  for (std::int64_t row = 0; row < rows; ++row) {
    T* const logits = z + row * vocab;
    const float g = (grad_logprob ? grad_logprob[row] : 0.0F) * inverse_temperature;
    const float h = (grad_entropy ? grad_entropy[row] : 0.0F) * inverse_temperature;
    const float constant = g + (grad_entropy ? h * entropy[row] : 0.0F);
    const auto gradient = [&](Floats x) {
      const Floats log_p = max(splat(-200.0F), x * inverse_temperature - lse[row]);
      return -exp(log_p) * (h * log_p + constant);
    };
    const float target_z = widen(logits[targets[row]]);
    for_vectors(vocab, [&](std::int64_t i, auto load, auto store) { store(logits + i, gradient(load(logits + i))); });
    // The target again in fp32, so that 1 − p is rounded only once.
    store(logits + targets[row], g + gradient(splat(target_z))[0]);
  }
}

#define RLHF_INSTANTIATE(T)                                                                                 \
  template void logprobs(const T*, float, const std::int64_t*, float*, float*, float*, bool*, std::int64_t, \
                         std::int64_t);                                                                     \
  template void logprobs_backward(T*, float, const std::int64_t*, const float*, const float*, const float*, \
                                  const float*, std::int64_t, std::int64_t);
RLHF_INSTANTIATE(float)
RLHF_INSTANTIATE(BFloat16)
#undef RLHF_INSTANTIATE

}  // namespace rlhf::RLHF_ISA
