// AdamW and the sum of squares for the gradient norm.
#include <algorithm>
#include <cstring>

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

/// The factors of a step that do not depend on the element.
struct StepFactors {
  float decay, step_size, root_scale;
  explicit StepFactors(const AdamWStep& step)
      : decay(1 - step.lr * step.weight_decay),
        step_size(step.lr / step.correction1),
        root_scale(1 / std::sqrt(step.correction2)) {}
};

using Bytes = std::int8_t __attribute__((vector_size(16)));
using UnsignedBytes = std::uint8_t __attribute__((vector_size(16)));

template <typename Vector, typename Byte>
inline Floats load_codes(const Byte* codes) {
  Vector vector;
  std::memcpy(&vector, codes, sizeof vector);
  return __builtin_convertvector(__builtin_convertvector(vector, Ints), Floats);
}
template <typename Vector, typename Byte>
inline void store_codes(Byte* codes, Floats x) {
  const Vector vector = __builtin_convertvector(__builtin_convertvector(x, Ints), Vector);
  std::memcpy(codes, &vector, sizeof vector);
}

/// Two numbers in [0,1) for each lane: the halves of a hash of (seed, index), the finaliser of MurmurHash3.
struct Dither {
  Floats first, second;
  Dither(std::uint32_t seed, std::uint32_t index) {
    const Words lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    Words h = (lane + index) * 0x9e3779b9U + seed;
    h = (h ^ (h >> 16)) * 0x85ebca6bU;
    h = (h ^ (h >> 13)) * 0xc2b2ae35U;
    h ^= h >> 16;
    constexpr float kUnit = 1.0F / 65536;
    first = __builtin_convertvector(reinterpret<Ints>(h & 0xffffU), Floats) * kUnit;
    second = __builtin_convertvector(reinterpret<Ints>(h >> 16), Floats) * kUnit;
  }
};

inline Floats magnitude(Floats x) { return max(x, -x); }
inline float largest(Floats x) {
  float lanes[kLanes];
  store(lanes, x);
  return *std::max_element(lanes, lanes + kLanes);
}

/// One block, padded with zeros to whole vectors.
struct MomentBlock {
  alignas(64) float m[kMomentBlock], root[kMomentBlock];
  alignas(64) std::int8_t m_codes[kMomentBlock];
  alignas(64) std::uint8_t root_codes[kMomentBlock];

  void read(const ByteMoments& from, std::int64_t begin, std::int64_t count) {
    std::fill_n(m_codes, kMomentBlock, std::int8_t{0});
    std::fill_n(root_codes, kMomentBlock, std::uint8_t{0});
    std::copy_n(from.exp_avg + begin, count, m_codes);
    std::copy_n(from.exp_avg_sq + begin, count, root_codes);
    const float m_scale = from.exp_avg_scales[begin / kMomentBlock] / (127.0F * 127.0F);
    const float root_scale = from.exp_avg_sq_scales[begin / kMomentBlock] / (255.0F * 255.0F);
    for (std::int64_t i = 0; i < kMomentBlock; i += kLanes) {
      const Floats c = load_codes<Bytes>(m_codes + i), r = load_codes<UnsignedBytes>(root_codes + i);
      store(m + i, c * magnitude(c) * m_scale);
      store(root + i, r * r * root_scale);
    }
  }

  void write(const ByteMoments& to, std::int64_t begin, std::int64_t count, std::uint32_t seed) {
    Floats most_m{}, most_root{};
    for (std::int64_t i = 0; i < kMomentBlock; i += kLanes) {
      most_m = max(most_m, magnitude(load(m + i)));
      most_root = max(most_root, load(root + i));
    }
    const float m_scale = largest(most_m), root_scale = largest(most_root);
    const float per_m = m_scale > 0 ? 1 / m_scale : 0, per_root = root_scale > 0 ? 1 / root_scale : 0;
    for (std::int64_t i = 0; i < kMomentBlock; i += kLanes) {
      const Dither dither(seed, static_cast<std::uint32_t>(begin + i));
      const Floats x = load(m + i), r = load(root + i);
      const Floats c = min(square_root(magnitude(x) * per_m) * 127 + dither.first, splat(127));
      store_codes<Bytes>(m_codes + i, by_parts([](auto sign, auto code) { return sign < 0 ? -code : code; }, x,
                                               __builtin_convertvector(__builtin_convertvector(c, Ints), Floats)));
      const Floats q = min(square_root(r * per_root) * 255 + dither.second, splat(255));
      store_codes<UnsignedBytes>(
          root_codes + i,
          by_parts([](auto exact, auto code) { return exact > 0 && code < 1 ? exact * 0 + 1 : code; }, r, q));
    }
    std::copy_n(m_codes, count, to.exp_avg + begin);
    std::copy_n(root_codes, count, to.exp_avg_sq + begin);
    to.exp_avg_scales[begin / kMomentBlock] = m_scale;
    to.exp_avg_sq_scales[begin / kMomentBlock] = root_scale;
  }
};

}  // namespace

void byte_adamw(float* weights, const float* gradients, const ByteMoments& moments, BFloat16* rounded,
                std::int64_t count, const AdamWStep& step, std::uint32_t seed) {
  const StepFactors factors(step);
#pragma omp parallel for schedule(static) if (count > kSerial)
  for (std::int64_t begin = 0; begin < count; begin += kMomentBlock) {
    MomentBlock block;
    const std::int64_t size = std::min(kMomentBlock, count - begin);
    block.read(moments, begin, size);
    for_vectors(size, [&](std::int64_t offset, auto load_at, auto store_at) {
      const std::int64_t i = begin + offset;
      const Floats g = load_at(gradients + i) * step.scale, old_root = load(block.root + offset);
      const Floats m = load(block.m + offset) * step.beta1 + g * (1 - step.beta1);
      const Floats root = square_root(old_root * old_root * step.beta2 + g * g * (1 - step.beta2));
      const Floats w =
          load_at(weights + i) * factors.decay - factors.step_size * m / (root * factors.root_scale + step.eps);
      store(block.m + offset, m);
      store(block.root + offset, root);
      store_at(weights + i, w);
      if (rounded) store_at(rounded + i, w);
    });
    block.write(moments, begin, size, seed);
  }
}

void adamw(float* weights, const float* gradients, float* exp_avg, float* exp_avg_sq, BFloat16* rounded,
           std::int64_t count, const AdamWStep& step) {
  constexpr std::int64_t kBlock = 4096;
  const StepFactors factors(step);
#pragma omp parallel for schedule(static) if (count > kSerial)
  for (std::int64_t block = 0; block < (count + kBlock - 1) / kBlock; ++block) {
    const std::int64_t begin = block * kBlock;
    for_vectors(std::min(kBlock, count - begin), [&](std::int64_t offset, auto load, auto store) {
      const std::int64_t i = begin + offset;
      const Floats g = load(gradients + i) * step.scale;
      const Floats m = load(exp_avg + i) * step.beta1 + g * (1 - step.beta1);
      const Floats v = load(exp_avg_sq + i) * step.beta2 + g * g * (1 - step.beta2);
      const Floats w =
          load(weights + i) * factors.decay - factors.step_size * m / (square_root(v) * factors.root_scale + step.eps);
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
