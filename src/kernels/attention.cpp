// Forward pass of causal attention over packed sequences.
#include <cmath>
#include <limits>

#include "kernels/attention_tiles.h"
#include "kernels/isa_kernels.h"

namespace rlhf::RLHF_ISA {
namespace {

/// Number of queries whose scores are kept at the same time; several blocks, so that each panel of keys is reused.
constexpr std::int64_t kStrip = 4 * kBlockRows;

/// Work memory of a thread. It is kept between calls and grows with the longest span.
template <typename Element>
struct Scratch {
  Buffer<Element> rows, queries, weights;
  Buffer<std::uint32_t> keys, values;
  Buffer<float> scores, sums;
};

/// The attention of the query heads that share one key head, for the queries of one span.
template <typename T>
class Forward {
 public:
  using Arithmetic = WordsFor<T>;
  using Element = typename Arithmetic::Element;

  Forward(const T* qkv, AttentionHeads heads, float scale, T* out, float* lse, std::int64_t total_rows)
      : qkv_(qkv), heads_(heads), scale_(scale), out_(out), lse_(lse), total_rows_(total_rows) {}

  void run(const AttentionSpan& span, std::int64_t key_head, Scratch<Element>& scratch) const {
    const KeyRange range(span);
    const Operands at = pack(range, key_head, scratch);
    const std::int64_t shared = heads_.queries / heads_.keys;
    for (std::int64_t head = key_head * shared; head < (key_head + 1) * shared; ++head) {
      for (std::int64_t first = 0; first < range.queries; first += kStrip) {
        attend(at, range, head, first, std::min(kStrip, range.queries - first));
      }
    }
  }

 private:
  static constexpr std::int64_t kDepth = Arithmetic::kDepth;
  struct Operands {
    std::uint32_t *keys, *values;
    Element *queries, *weights;
    float *scores, *sums;
    std::int64_t depth;         // words per query
    std::int64_t key_steps;     // words along all keys
    std::int64_t query_stride;  // elements between rows of queries
    std::int64_t score_stride;  // elements between rows of scores and of weights
  };
  struct Normalizer {
    float inverse_sum, lse;
  };

  const T* row(std::int64_t index, std::int64_t head) const {
    return qkv_ + index * heads_.row() + head * heads_.width;
  }

  Operands pack(const KeyRange& range, std::int64_t key_head, Scratch<Element>& scratch) const {
    const std::int64_t width = heads_.width, keys = range.count();
    Operands at;
    at.depth = ceil_divide(width, kDepth);
    at.key_steps = ceil_divide(keys, kDepth);
    at.query_stride = row_stride<Arithmetic>(width);
    at.score_stride = round_up(keys, kPanel);
    at.keys = scratch.keys.at_least(packed_words(keys, at.depth));
    at.values = scratch.values.at_least(packed_words(width, at.key_steps));
    at.queries = scratch.queries.at_least(round_up(kStrip, kLanes) * at.query_stride);
    at.weights = scratch.weights.at_least(kStrip * at.score_stride);
    at.scores = scratch.scores.at_least(kStrip * at.score_stride);
    at.sums = scratch.sums.at_least(kBlockRows * kPanel);
    Element* const rows = scratch.rows.at_least(round_up(keys, kLanes) * at.query_stride);
    const std::int64_t key = heads_.queries + key_head, value = key + heads_.keys;
    copy_rows<Arithmetic>([&](std::int64_t i) { return row(range.row(i), key); }, keys, width, rows);
    pack_transposed<Arithmetic>(rows, keys, width, at.keys);
    copy_rows<Arithmetic>([&](std::int64_t i) { return row(range.row(i), value); }, keys, width, rows);
    pack_rows<Arithmetic>(rows, keys, width, at.values);
    return at;
  }

  void attend(const Operands& at, const KeyRange& range, std::int64_t head, std::int64_t first,
              std::int64_t count) const {
    copy_rows<Arithmetic>([&](std::int64_t i) { return row(range.begin + first + i, head); }, count, heads_.width,
                          at.queries);
    for (std::int64_t i = first + kStrip; i < std::min(first + 2 * kStrip, range.queries); ++i) {
      prefetch_row(row(range.begin + i, head), heads_.width);
    }
    score(at, range, first, count);
    for (std::int64_t i = 0; i < count; i += kBlockRows) {
      average(at, range, head, first, i, std::min(kBlockRows, count - i));
    }
  }

  /// scores = q·kᵀ for the keys that at least one query of the block reads.
  void score(const Operands& at, const KeyRange& range, std::int64_t first, std::int64_t count) const {
    for (std::int64_t key = 0; key < range.visible(first + count - 1); key += kPanel) {
      for (std::int64_t i = 0; i < count; i += kBlockRows) {
        const std::int64_t rows = std::min(kBlockRows, count - i);
        const std::int64_t visible = range.visible(first + i + rows - 1);
        if (key >= visible) continue;
        multiply<Arithmetic, Into::kEmpty>(RowsAlong<Element>{at.queries + i * at.query_stride, at.query_stride},
                                           at.keys + key * at.depth, at.depth, at.scores + i * at.score_stride + key,
                                           at.score_stride, rows, groups_of_panel(key, visible));
      }
    }
  }

  /// out = softmax(scores)·v for one block of queries.
  void average(const Operands& at, const KeyRange& range, std::int64_t head, std::int64_t first, std::int64_t block,
               std::int64_t rows) const {
    const std::int64_t visible = range.visible(first + block + rows - 1);
    const std::int64_t query = range.begin + first + block;
    Element* const weights = at.weights + block * at.score_stride;
    float inverse_sums[kBlockRows];
    for (std::int64_t r = 0; r < rows; ++r) {
      const Normalizer normalizer =
          exponentiate(at.scores + (block + r) * at.score_stride, range.visible(first + block + r), visible,
                       weights + r * at.score_stride);
      inverse_sums[r] = normalizer.inverse_sum;
      lse_[head * total_rows_ + query + r] = normalizer.lse;
    }
    const std::int64_t steps = ceil_divide(visible, kDepth);
    for (std::int64_t column = 0; column < heads_.width; column += kPanel) {
      const std::int64_t width = std::min(kPanel, heads_.width - column);
      multiply<Arithmetic, Into::kEmpty>(RowsAlong<Element>{weights, at.score_stride},
                                         at.values + column * at.key_steps, steps, at.sums, kPanel, rows,
                                         ceil_divide(width, kLanes));
      for (std::int64_t r = 0; r < rows; ++r) {
        T* const out = out_ + ((query + r) * heads_.queries + head) * heads_.width + column;
        store_scaled(at.sums + r * kPanel, inverse_sums[r], out, width);
      }
    }
  }

  /// weights = exp(scale · (score − largest)) for the first `count` scores of a row, zeros up to `padded`.
  Normalizer exponentiate(const float* scores, std::int64_t count, std::int64_t padded, Element* weights) const {
    const std::int64_t whole = count / kLanes * kLanes;
    const Ints tail = first_lanes(count - whole);
    Floats top = splat(-std::numeric_limits<float>::infinity());
    for (std::int64_t i = 0; i < whole; i += kLanes) top = max(top, load(scores + i));
    if (whole < count) top = max(top, choose(tail, load(scores + whole), top));

    const float factor = scale_ * kLog2E;
    const float largest_exponent = largest(top) * factor;
    Floats total = {};
    for (std::int64_t i = 0; i < whole; i += kLanes) {
      const Floats weight = exp2(load(scores + i) * factor - largest_exponent);
      total += weight;
      store(weights + i, weight);
    }
    if (whole < count) {
      const Floats weight = choose(tail, exp2(load(scores + whole) * factor - largest_exponent), Floats{});
      total += weight;
      store(weights + whole, weight);
    }
    for (std::int64_t i = round_up(count, kLanes); i < padded; i += kLanes) {
      store(weights + i, Floats{});
    }
    const float sum_of_weights = sum(total);
    return {1.0F / sum_of_weights, (largest_exponent + std::log2(sum_of_weights)) * kLn2};
  }

  const T* qkv_;
  AttentionHeads heads_;
  float scale_;
  T* out_;
  float* lse_;
  std::int64_t total_rows_;
};

}  // namespace

template <typename T>
void attention(const T* qkv, AttentionHeads heads, const AttentionSpan* spans, std::int64_t count, float scale, T* out,
               float* lse, std::int64_t total_rows) {
  struct Work {
    const AttentionSpan* span;
    std::int64_t cost;
  };
  std::vector<Work> work;
  for (std::int64_t i = 0; i < count; ++i) {
    if (spans[i].begin < spans[i].end) work.push_back({spans + i, KeyRange(spans[i]).cost()});
  }
  // Longest first, so that the threads finish at about the same time.
  std::sort(work.begin(), work.end(), [](const Work& a, const Work& b) { return a.cost > b.cost; });

  const Forward<T> forward(qkv, heads, scale, out, lse, total_rows);
  const std::int64_t items = static_cast<std::int64_t>(work.size()) * heads.keys;
#pragma omp parallel for schedule(dynamic)
  for (std::int64_t i = 0; i < items; ++i) {
    static thread_local Scratch<typename Forward<T>::Element> scratch;
    forward.run(*work[static_cast<std::size_t>(i / heads.keys)].span, i % heads.keys, scratch);
  }
}

template void attention(const float*, AttentionHeads, const AttentionSpan*, std::int64_t, float, float*, float*,
                        std::int64_t);
template void attention(const BFloat16*, AttentionHeads, const AttentionSpan*, std::int64_t, float, BFloat16*, float*,
                        std::int64_t);

}  // namespace rlhf::RLHF_ISA
