// Kernels of generation: attention to the KV cache, and sampling.
#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/buffer.h"
#include "kernels/dot.h"
#include "kernels/isa_kernels.h"

namespace rlhf::RLHF_ISA {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// ---- attention

/// The query heads [heads,width] of one row that share a key head, and its cached keys and values [count,width].
template <typename T>
struct SharedHeads {
  const T* queries;
  const T* keys;
  const T* values;
  std::int64_t heads, count, width;
  float scale;
};

/// How many positions ahead to prefetch: the hardware prefetcher stops at page boundaries.
constexpr std::int64_t kAhead = 64;

template <typename T>
void prefetch_rows(const T* rows, std::int64_t begin, std::int64_t end, std::int64_t width) {
  constexpr std::int64_t line = 64 / sizeof(T);
  for (std::int64_t i = begin * width; i < end * width; i += line) prefetch(rows + i);
}

/// query · key for kLanes positions. Positions from `count` on repeat the last key.
template <typename T>
Floats dot_keys(const T* query, const T* keys, std::int64_t count, std::int64_t width) {
  using Dot = DotOf<T>;
  Floats sums[kLanes] = {};
  const auto add_step = [&](std::int64_t i, const auto& read) {
    const auto q = read(query + i);
    const T* key = keys + i;
#pragma GCC unroll 16
    for (std::int64_t p = 0; p < kLanes; ++p) {
      sums[p] = Dot::add_product(sums[p], q, read(key));
      key += p + 1 < count ? width : 0;
    }
  };
  std::int64_t i = 0;
  for (; i + Dot::kStep <= width; i += Dot::kStep) add_step(i, [](const T* p) { return Dot::read(p); });
  if (i < width) add_step(i, [left = width - i](const T* p) { return Dot::read_some(p, left); });
  return sums_of_each(sums);
}

/// scores[h,p] = scale · query h · key p. Positions from `count` on in the last vector of a row are −∞.
template <typename T>
void score(const SharedHeads<T>& s, float* scores, std::int64_t stride) {
  for (std::int64_t p = 0; p < s.count; p += kLanes) {
    prefetch_rows(s.keys, std::min(p + kAhead, s.count), std::min(p + kAhead + kLanes, s.count), s.width);
    for (std::int64_t h = 0; h < s.heads; ++h) {
      const Floats dots = dot_keys(s.queries + h * s.width, s.keys + p * s.width, s.count - p, s.width);
      store(scores + h * stride + p, dots * s.scale);
    }
  }
  for (std::int64_t h = 0; h < s.heads; ++h) {
    std::fill(scores + h * stride + s.count, scores + (h + 1) * stride, -kInfinity);
  }
}

/// Softmax of `count` scores, a multiple of kLanes, in place.
void softmax(float* scores, std::int64_t count) {
  Floats top = splat(-kInfinity), total{};
  for (std::int64_t p = 0; p < count; p += kLanes) top = max(top, load(scores + p));
  const float largest_score = largest(top);
  for (std::int64_t p = 0; p < count; p += kLanes) {
    const Floats term = exp(load(scores + p) - largest_score);
    store(scores + p, term);
    total += term;
  }
  const float factor = 1 / sum(total);
  for (std::int64_t p = 0; p < count; p += kLanes) store(scores + p, load(scores + p) * factor);
}

/// out[h] = Σ_p weights[h,p] · value p for kHeads heads and kWides · kWide columns, with all sums in registers.
template <int kHeads, int kWides, typename T>
void weigh_columns(const SharedHeads<T>& s, const float* weights, std::int64_t stride, std::int64_t column, T* out) {
  Wide sums[kHeads][kWides] = {};
  for (std::int64_t p = 0; p < s.count; ++p) {
    const T* const value = s.values + p * s.width + column;
    const T* const later = s.values + std::min(p + kAhead, s.count - 1) * s.width + column;
#pragma GCC unroll 2
    for (int w = 0; w < kWides; ++w) {
      prefetch(later + w * kWide);
      const Wide v = load_wide(value + w * kWide);
#pragma GCC unroll 4
      for (int h = 0; h < kHeads; ++h) {
        sums[h][w].first += v.first * weights[h * stride + p];
        sums[h][w].second += v.second * weights[h * stride + p];
      }
    }
  }
  for (int h = 0; h < kHeads; ++h) {
    for (int w = 0; w < kWides; ++w) store_wide(out + h * s.width + column + w * kWide, sums[h][w]);
  }
}

/// The same for the columns from `column` on, which do not fill a Wide.
template <typename T>
void weigh_rest(const SharedHeads<T>& s, const float* weights, std::int64_t column, T* out) {
  for_vectors(s.width - column, [&](std::int64_t i, const auto& read, const auto& write) {
    Floats total{};
    for (std::int64_t p = 0; p < s.count; ++p) total += read(s.values + p * s.width + column + i) * weights[p];
    write(out + column + i, total);
  });
}

template <int kHeads, typename T>
void weigh_values(const SharedHeads<T>& s, const float* weights, std::int64_t stride, T* out) {
  std::int64_t column = 0;
  for (; column + 2 * kWide <= s.width; column += 2 * kWide) {
    weigh_columns<kHeads, 2>(s, weights, stride, column, out);
  }
  for (; column + kWide <= s.width; column += kWide) weigh_columns<kHeads, 1>(s, weights, stride, column, out);
  for (int h = 0; h < kHeads; ++h) weigh_rest(s, weights + h * stride, column, out + h * s.width);
}

template <typename T>
void attend(const SharedHeads<T>& s, T* out) {
  thread_local Buffer<float> scratch;
  const std::int64_t stride = (s.count + kLanes - 1) / kLanes * kLanes;
  float* const scores = scratch.at_least(s.heads * stride);
  prefetch_rows(s.keys, 0, std::min(kAhead, s.count), s.width);
  score(s, scores, stride);
  prefetch_rows(s.values, 0, std::min(kAhead, s.count), s.width);
  for (std::int64_t h = 0; h < s.heads; ++h) softmax(scores + h * stride, stride);
  // Up to four heads share each read of the values. The order of additions of a head does not depend on their number.
  for (std::int64_t h = 0; h < s.heads; h += 4) {
    const float* const weights = scores + h * stride;
    T* const to = out + h * s.width;
    const std::int64_t together = std::min<std::int64_t>(4, s.heads - h);
    if (together == 1) weigh_values<1>(s, weights, stride, to);
    if (together == 2) weigh_values<2>(s, weights, stride, to);
    if (together == 3) weigh_values<3>(s, weights, stride, to);
    if (together == 4) weigh_values<4>(s, weights, stride, to);
  }
}

// ---- sampling

/// The cumulative distribution is searched by blocks of this many tokens, then within one block.
constexpr std::int64_t kBlock = 256;

/// The logits of one row. Their probabilities are p_i = e^((z_i − largest) · inverse_temperature) / total.
template <typename T>
struct Logits {
  const T* z;
  std::int64_t vocab;
  float largest_logit, inverse_temperature;

  Floats terms(Floats logits) const { return exp((logits - largest_logit) * inverse_temperature); }
  float exponent(std::int64_t token) const { return (widen(z[token]) - largest_logit) * inverse_temperature; }

  /// Calls body(offset, vector) for [begin,end); lanes past the end are −∞.
  template <typename Body>
  static void each(const T* z, std::int64_t begin, std::int64_t end, const Body& body) {
    std::int64_t i = begin;
    for (; i + kLanes <= end; i += kLanes) body(i, load(z + i));
    if (i < end) body(i, load_some(z + i, end - i, -kInfinity));
  }

  float block_sum(std::int64_t begin) const {
    Floats total{};
    each(z, begin, std::min(begin + kBlock, vocab), [&](std::int64_t, Floats x) { total += terms(x); });
    return sum(total);
  }
};

/// The largest logit of a row, or NaN if the row contains one.
template <typename T>
float largest_of(const T* z, std::int64_t vocab) {
  Floats top = splat(-kInfinity);
  Ints strange{};
  Logits<T>::each(z, 0, vocab, [&](std::int64_t, Floats x) {
    top = max(top, x);
    strange |= x != x;
  });
  for (std::int64_t lane = 0; lane < kLanes; ++lane) {
    if (strange[lane] != 0) return std::numeric_limits<float>::quiet_NaN();
  }
  return largest(top);
}

/// The first token whose logit is the largest. Blocks that do not contain it are skipped after a vector comparison.
template <typename T>
std::int64_t first_largest(const Logits<T>& row) {
  for (std::int64_t begin = 0; begin < row.vocab; begin += kBlock) {
    const std::int64_t end = std::min(begin + kBlock, row.vocab);
    Floats top = splat(-kInfinity);
    Logits<T>::each(row.z, begin, end, [&](std::int64_t, Floats x) { top = max(top, x); });
    if (largest(top) < row.largest_logit) continue;
    for (std::int64_t i = begin; i < end; ++i) {
      if (widen(row.z[i]) == row.largest_logit) return i;
    }
  }
  return 0;
}

/// The token of the block at `begin` at which the running sum exceeds `threshold`; `before` is the sum before the
/// block. The terms are added in another order than in block_sum(), so the sum may end just below the threshold: then
/// returns the last token of the block with a positive probability.
template <typename T>
std::int64_t token_in_block(const Logits<T>& row, std::int64_t begin, double before, double threshold) {
  double running = before;
  std::int64_t last_possible = begin;
  float terms[kBlock + kLanes];
  const std::int64_t end = std::min(begin + kBlock, row.vocab);
  Logits<T>::each(row.z, begin, end, [&](std::int64_t i, Floats x) { store(terms + (i - begin), row.terms(x)); });
  for (std::int64_t i = begin; i < end; ++i) {
    const float term = terms[i - begin];
    if (term <= 0) continue;
    last_possible = i;
    running += static_cast<double>(term);
    if (running > threshold) return i;
  }
  return last_possible;
}

/// The first token at which the running sum of the terms exceeds uniform · total. `total` has the same bits as the
/// running sum after the last block, so a uniform below 1 always finds a block.
template <typename T>
std::int64_t drawn_token(const Logits<T>& row, const float* block_sums, double total, double uniform) {
  const double threshold = uniform * total;
  double running = 0, before_last = 0;
  std::int64_t last_possible = 0;
  for (std::int64_t begin = 0; begin < row.vocab; begin += kBlock) {
    const auto block_sum = static_cast<double>(block_sums[begin / kBlock]);
    if (block_sum <= 0) continue;
    last_possible = begin;
    before_last = running;
    running += block_sum;
    if (running > threshold) break;
  }
  return token_in_block(row, last_possible, before_last, threshold);
}

/// Σ exp(z/τ − top/τ) over the tokens of `row`, and the sums of its blocks if `block_sums` is not null.
template <typename T>
double sum_of_blocks(const Logits<T>& row, float* block_sums) {
  double total = 0;
  for (std::int64_t begin = 0; begin < row.vocab; begin += kBlock) {
    const float block_sum = row.block_sum(begin);
    if (block_sums) block_sums[begin / kBlock] = block_sum;
    total += static_cast<double>(block_sum);
  }
  return total;
}

template <typename T>
void sample_row(const T* z, float temperature, float uniform, std::int64_t* token, float* logprob, std::int64_t vocab,
                std::int64_t drawable) {
  const float top = largest_of(z, vocab), drawable_top = drawable == vocab ? top : largest_of(z, drawable);
  if (!std::isfinite(top) || !std::isfinite(drawable_top)) {
    // Not a distribution: a valid token id with log-probability NaN, which the caller checks.
    *token = 0;
    *logprob = std::numeric_limits<float>::quiet_NaN();
    return;
  }
  const bool greedy = temperature == 0;
  const float inverse_temperature = greedy ? 1 : 1 / temperature;
  const Logits<T> row = {z, drawable, drawable_top, inverse_temperature};
  thread_local Buffer<float> buffer;
  float* const block_sums = buffer.at_least(drawable / kBlock + 1);
  const double total = sum_of_blocks(row, block_sums);
  *token = greedy ? first_largest(row) : drawn_token(row, block_sums, total, static_cast<double>(uniform));
  const Logits<T> all = {z, vocab, top, inverse_temperature};
  const double total_of_all = drawable == vocab ? total : sum_of_blocks(all, nullptr);
  *logprob = all.exponent(*token) - static_cast<float>(std::log(total_of_all));
}

}  // namespace

template <typename T>
void decode_attention(const T* qkv, AttentionHeads heads, T* keys, T* values, const std::int64_t* slots,
                      const std::int64_t* lengths, std::int64_t rows, std::int64_t capacity, float scale, T* out) {
  const std::int64_t width = heads.width, shared = heads.queries / heads.keys;
  std::int64_t positions = 0;
  for (std::int64_t b = 0; b < rows; ++b) positions += lengths[b] + 1;
    // Dynamic schedule, because rows differ in length.
#pragma omp parallel for schedule(dynamic) if (positions * heads.row() > kSerialProducts)
  for (std::int64_t task = 0; task < rows * heads.keys; ++task) {
    const std::int64_t b = task / heads.keys, group = task % heads.keys;
    const T* const row = qkv + b * heads.row();
    const T* const new_key = row + (heads.queries + group) * width;
    T* const group_keys = keys + (slots[b] * heads.keys + group) * capacity * width;
    T* const group_values = values + (slots[b] * heads.keys + group) * capacity * width;
    std::copy_n(new_key, width, group_keys + lengths[b] * width);
    std::copy_n(new_key + heads.keys * width, width, group_values + lengths[b] * width);
    const T* const queries = row + group * shared * width;
    attend(SharedHeads<T>{queries, group_keys, group_values, shared, lengths[b] + 1, width, scale},
           out + (b * heads.queries + group * shared) * width);
  }
}

template <typename T>
void sample(const T* logits, float temperature, const float* uniforms, std::int64_t* tokens, float* logprobs,
            std::int64_t rows, std::int64_t vocab, std::int64_t drawable) {
#pragma omp parallel for schedule(static) if (rows > 1 && rows * vocab > kSerial)
  for (std::int64_t b = 0; b < rows; ++b) {
    const float uniform = temperature == 0 ? 0 : uniforms[b];  // `uniforms` may be null for greedy sampling
    sample_row(logits + b * vocab, temperature, uniform, tokens + b, logprobs + b, vocab, drawable);
  }
}

template void decode_attention(const float*, AttentionHeads, float*, float*, const std::int64_t*, const std::int64_t*,
                               std::int64_t, std::int64_t, float, float*);
template void decode_attention(const BFloat16*, AttentionHeads, BFloat16*, BFloat16*, const std::int64_t*,
                               const std::int64_t*, std::int64_t, std::int64_t, float, BFloat16*);
template void sample(const float*, float, const float*, std::int64_t*, float*, std::int64_t, std::int64_t,
                     std::int64_t);
template void sample(const BFloat16*, float, const float*, std::int64_t*, float*, std::int64_t, std::int64_t,
                     std::int64_t);

}  // namespace rlhf::RLHF_ISA
