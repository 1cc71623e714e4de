// Kernels that process rows independently: norms, rotary embedding, gated activation, sums.
#include <algorithm>
#include <omp.h>

#include "kernels/buffer.h"
#include "kernels/isa_kernels.h"
#include "kernels/simd.h"

namespace rlhf::RLHF_ISA {
namespace {

/// x rounded to T and back, so that fused operations round exactly where separate ones would.
template <typename T>
Floats rounded(Floats x) {
  if constexpr (std::is_same_v<T, BFloat16>) return widen(narrow(x));
  return x;
}

/// sum = x + delta in T; returns Σ sum².
template <typename T>
float add_row(const T* x, const T* delta, T* total, std::int64_t width) {
  Floats squares{};
  for_vectors(width, [&](std::int64_t i, auto load, auto store) {
    const Floats value = rounded<T>(load(x + i) + load(delta + i));
    store(total + i, value);
    squares += value * value;
  });
  return sum(squares);
}

template <typename T>
float squares_of_row(const T* x, std::int64_t width) {
  Floats squares{};
  for_vectors(width, [&](std::int64_t i, auto load, auto) {
    const Floats value = load(x + i);
    squares += value * value;
  });
  return sum(squares);
}

}  // namespace

template <typename T>
void rms_norm(const T* x, const T* delta, const T* weight, float eps, T* total, T* y, float* rstd, std::int64_t rows,
              std::int64_t width) {
#pragma omp parallel for schedule(static) if (rows * width > kSerial)
  for (std::int64_t row = 0; row < rows; ++row) {
    const std::int64_t at = row * width;
    const float squares = delta ? add_row(x + at, delta + at, total + at, width) : squares_of_row(x + at, width);
    const T* const normed = delta ? total + at : x + at;
    const float scale = 1 / std::sqrt(squares / static_cast<float>(width) + eps);
    rstd[row] = scale;
    for_vectors(width, [&](std::int64_t i, auto load, auto store) {
      store(y + at + i, rounded<T>(load(normed + i) * scale) * load(weight + i));
    });
  }
}

template <typename T>
void rms_norm_backward(const T* grad_y, const T* grad_sum, const T* x, const T* weight, const float* rstd, T* grad_x,
                       float* grad_weight, std::int64_t rows, std::int64_t width) {
  const int threads = rows * width > kSerial ? omp_get_max_threads() : 1;
  static thread_local Buffer<float> buffer;
  float* const shares = buffer.at_least(threads * width);
  std::fill_n(shares, threads * width, 0.0F);
#pragma omp parallel num_threads(threads)
  {
    float* const share = shares + omp_get_thread_num() * width;
#pragma omp for schedule(static)
    for (std::int64_t row = 0; row < rows; ++row) {
      const std::int64_t at = row * width;
      Floats products{};
      for_vectors(width, [&](std::int64_t i, auto load, auto) {
        products += load(grad_y + at + i) * load(weight + i) * load(x + at + i);
      });
      const float scale = rstd[row];
      const float mean = sum(products) * scale / static_cast<float>(width);
      for_vectors(width, [&](std::int64_t i, auto load, auto store) {
        const Floats g = load(grad_y + at + i);
        const Floats normed = load(x + at + i) * scale;
        Floats dx = scale * (g * load(weight + i) - normed * mean);
        if (grad_sum) dx += load(grad_sum + at + i);
        store(grad_x + at + i, dx);
        store(share + i, load(share + i) + g * normed);
      });
    }
  }
  // In the order of the threads, so that the result depends only on their number.
  for (std::int64_t i = 0; i < width; ++i) {
    grad_weight[i] = 0;
    for (int thread = 0; thread < threads; ++thread) grad_weight[i] += shares[thread * width + i];
  }
}

template <typename T>
void rotate(T* x, std::int64_t row_stride, std::int64_t heads, std::int64_t width, const float* cos, const float* sin,
            float direction, std::int64_t rows) {
  const std::int64_t half = width / 2;
#pragma omp parallel for schedule(static) if (rows * heads * width > kSerial)
  for (std::int64_t row = 0; row < rows; ++row) {
    for (std::int64_t head = 0; head < heads; ++head) {
      T* const first = x + row * row_stride + head * width;
      T* const second = first + half;
      for_vectors(half, [&](std::int64_t i, auto load, auto store) {
        const Floats a = load(first + i), b = load(second + i);
        const Floats c = load(cos + row * half + i), s = load(sin + row * half + i) * direction;
        store(first + i, a * c - b * s);
        store(second + i, b * c + a * s);
      });
    }
  }
}

template <typename T>
void swiglu(const T* gate_up, T* out, std::int64_t rows, std::int64_t width) {
#pragma omp parallel for schedule(static) if (rows * width > kSerial)
  for (std::int64_t row = 0; row < rows; ++row) {
    const T* const gate = gate_up + row * 2 * width;
    const T* const up = gate + width;
    for_vectors(width, [&](std::int64_t i, auto load, auto store) {
      const Floats g = load(gate + i);
      store(out + row * width + i, g / (1.0F + exp(-g)) * load(up + i));
    });
  }
}

/// silu'(g) = s + g·s·(1 − s) with s the logistic function of g.
template <typename T>
void swiglu_backward(const T* gate_up, const T* grad, T* grad_gate_up, std::int64_t rows, std::int64_t width) {
#pragma omp parallel for schedule(static) if (rows * width > kSerial)
  for (std::int64_t row = 0; row < rows; ++row) {
    const std::int64_t at = row * 2 * width;
    for_vectors(width, [&](std::int64_t i, auto load, auto store) {
      const Floats g = load(gate_up + at + i), u = load(gate_up + at + width + i), d = load(grad + row * width + i);
      const Floats s = 1.0F / (1.0F + exp(-g));
      store(grad_gate_up + at + i, d * u * (s + g * s * (1.0F - s)));
      store(grad_gate_up + at + width + i, d * g * s);
    });
  }
}

#define RLHF_INSTANTIATE(T)                                                                                            \
  template void rms_norm(const T*, const T*, const T*, float, T*, T*, float*, std::int64_t, std::int64_t);             \
  template void rms_norm_backward(const T*, const T*, const T*, const T*, const float*, T*, float*, std::int64_t,      \
                                  std::int64_t);                                                                       \
  template void rotate(T*, std::int64_t, std::int64_t, std::int64_t, const float*, const float*, float, std::int64_t); \
  template void swiglu(const T*, T*, std::int64_t, std::int64_t);                                                      \
  template void swiglu_backward(const T*, const T*, T*, std::int64_t, std::int64_t);
RLHF_INSTANTIATE(float)
RLHF_INSTANTIATE(BFloat16)
#undef RLHF_INSTANTIATE

}  // namespace rlhf::RLHF_ISA
