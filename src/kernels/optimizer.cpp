// AdamW and the sum of squares for the gradient norm.
#include <algorithm>

#include "kernels/buffer.h"
#include "kernels/isa_kernels.h"
#include "kernels/simd.h"

namespace rlhf::RLHF_ISA {
namespace {

/// Written lane by lane; the compiler emits one vector instruction.
inline Floats square_root(Floats x) {
  float lanes[kLanes];
  store(lanes, x);
  for (float& lane : lanes) lane = std::sqrt(lane);
  return load(lanes);
}

}  // namespace

void adamw(float* weights, const float* gradients, float* exp_avg, float* exp_avg_sq, BFloat16* rounded,
           std::int64_t count, const AdamWStep& step) {
  constexpr std::int64_t kBlock = 4096;
  const float decay = 1 - step.lr * step.weight_decay;
  const float step_size = step.lr / step.correction1;
  const float root_scale = 1 / std::sqrt(step.correction2);
#pragma omp parallel for schedule(static) if (count > kSerial)
  for (std::int64_t block = 0; block < (count + kBlock - 1) / kBlock; ++block) {
    const std::int64_t begin = block * kBlock;
    for_vectors(std::min(kBlock, count - begin), [&](std::int64_t offset, auto load, auto store) {
      const std::int64_t i = begin + offset;
      const Floats g = load(gradients + i) * step.scale;
      const Floats m = load(exp_avg + i) * step.beta1 + g * (1 - step.beta1);
      const Floats v = load(exp_avg_sq + i) * step.beta2 + g * g * (1 - step.beta2);
      const Floats w = load(weights + i) * decay - step_size * m / (square_root(v) * root_scale + step.eps);
      store(exp_avg + i, m);
      store(exp_avg_sq + i, v);
      store(weights + i, w);
      if (rounded) store(rounded + i, w);
    });
  }
}

template <typename T>
void add_to(float* sum, const T* x, std::int64_t count) {
  constexpr std::int64_t kBlock = 4096;
#pragma omp parallel for schedule(static) if (count > kSerial)
  for (std::int64_t block = 0; block < (count + kBlock - 1) / kBlock; ++block) {
    const std::int64_t begin = block * kBlock;
    for_vectors(std::min(kBlock, count - begin), [&](std::int64_t i, auto load, auto store) {
      store(sum + begin + i, load(sum + begin + i) + load(x + begin + i));
    });
  }
}
template void add_to(float*, const float*, std::int64_t);
template void add_to(float*, const BFloat16*, std::int64_t);

double sum_of_squares(const float* x, std::int64_t count) {
  constexpr std::int64_t kBlock = 4096;  // fp32 within a block, double between blocks
  const std::int64_t blocks = (count + kBlock - 1) / kBlock;
  static thread_local Buffer<double> buffer;
  double* const sums = buffer.at_least(blocks);
#pragma omp parallel for schedule(static) if (count > kSerial)
  for (std::int64_t block = 0; block < blocks; ++block) {
    const std::int64_t begin = block * kBlock;
    Floats squares{};
    for_vectors(std::min(kBlock, count - begin), [&](std::int64_t i, auto load, auto) {
      const Floats value = load(x + begin + i);
      squares += value * value;
    });
    sums[block] = sum(squares);
  }
  double total = 0;
  for (std::int64_t block = 0; block < blocks; ++block) total += sums[block];
  return total;
}

}  // namespace rlhf::RLHF_ISA
